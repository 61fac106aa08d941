"""Networks: slopes against finite differences, PyTorch and the linear objective."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from downslope.descend import begin, run, steps
from downslope.errors import PairError, SettingError
from downslope.kernels import team
from downslope.losses import LOSSES, make_loss
from downslope.networks import network as network_file
from downslope.networks.activations import ACTIVATIONS, make_activation
from downslope.networks.network import Network, layer_norms
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.rates import Constant
from downslope.rules import Adam, Momentum, Plain
from downslope.scaling import CenteredSparse
from downslope.sources import memory
from downslope.sources.memory import MemoryRows
from downslope.stopping import MaxEpochs

N, D = 13, 4
BINARY = ("log_loss", "hinge", "squared_hinge", "modified_huber", "perceptron")


def targets(loss: str, n_outputs: int, random: np.random.Generator, n: int = N) -> np.ndarray:
    if loss == "multinomial":
        return random.integers(0, n_outputs, n)
    shape = n if n_outputs == 1 else (n, n_outputs)
    if loss in BINARY:
        return random.choice([-1.0, 1.0], shape)
    return random.gamma(2.0, 1.0, shape)


def make_network(
    loss: str = "squared_error", n_outputs: int = 1, weighted: bool = True, n: int = N, **settings
) -> Network:
    random = np.random.default_rng(0)
    weights = random.uniform(0.0, 2.0, n) if weighted else None
    rows = MemoryRows(random.normal(size=(n, D)), targets(loss, n_outputs, random, n), weights)
    settings = {"hidden": (5, 3), "activation": make_activation("tanh")} | settings
    return Network(rows, make_loss(loss), n_outputs=n_outputs, **settings)


CASES = {
    **{f"loss {name}": {"loss": name} for name in LOSSES if name != "multinomial"},
    **{f"two outputs {name}": {"loss": name, "n_outputs": 2} for name in ("huber", "log_loss")},
    **{f"{name}": {"activation": make_activation(name)} for name in ACTIVATIONS},
    "classes": {"loss": "multinomial", "n_outputs": 3},
    "classes, gelu": {
        "loss": "multinomial",
        "n_outputs": 3,
        "activation": make_activation("gelu"),
        "hidden": (4, 4, 4),
    },
    "no weights": {"weighted": False},
    "no hidden layer": {"hidden": ()},
    "penalty": {"penalty": Penalty(l1=0.1, l2=0.3)},
}


def central(function, w: np.ndarray, v: np.ndarray, width: float = 1e-6) -> np.ndarray:
    return (np.asarray(function(w + width * v)) - np.asarray(function(w - width * v))) / (2 * width)


@pytest.fixture(params=CASES, ids=str)
def network(request) -> Network:
    return make_network(**CASES[request.param])


def test_gradient_is_the_finite_difference(network):
    w, random = network.start(1) + 0.1, np.random.default_rng(2)
    _, gradient = network.value_and_gradient(w)
    for v in random.normal(size=(5, network.size)):
        slope = central(lambda u: network.value_and_gradient(u)[0], w, v)
        assert gradient @ v == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_curvature_product_is_the_gradients_finite_difference(network):
    w, random = network.start(1) + 0.1, np.random.default_rng(3)
    for v in random.normal(size=(3, network.size)):
        turn = central(lambda u: network.value_and_gradient(u)[1], w, v)
        np.testing.assert_allclose(network.curvature_product(w, v), turn, rtol=1e-5, atol=2e-7)


def test_value_is_smooth_part_and_rest(network):
    w = network.start(1)
    smooth, _ = network.value_and_gradient(w)
    assert network.value(w) == pytest.approx(smooth + network.rest(w), rel=1e-13)


def test_blocks_add_up(network, monkeypatch):
    w, v = network.start(1), network.start(2)
    whole = (*network.value_and_gradient(w), network.curvature_product(w, v), network.value(w))
    monkeypatch.setattr(memory, "BLOCK_ROWS", 4)
    parts = (*network.value_and_gradient(w), network.curvature_product(w, v), network.value(w))
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_parts_shared_by_threads_add_up(network, monkeypatch):
    w = network.start(1)
    whole = network.value_and_gradient(w)
    monkeypatch.setattr(network_file, "PART_WORK", 100)
    for threads in (1, 3):
        monkeypatch.setattr(team, "n_threads", lambda threads=threads: threads)
        value, gradient = network.value_and_gradient(w)
        assert value == pytest.approx(whole[0], rel=1e-12)
        np.testing.assert_allclose(gradient, whole[1], rtol=1e-11, atol=1e-13)
        if threads == 1:
            alone = gradient
    np.testing.assert_array_equal(gradient, alone)


def test_parts_of_a_batch_keep_its_dropout_and_its_overflow(monkeypatch):
    network = make_network(dropout=0.4, n=40)
    (batch,) = network.batches(None, 0, 0)
    whole = network.value_and_gradient(network.start(0), batch)[1]
    monkeypatch.setattr(network_file, "PART_WORK", 100)
    monkeypatch.setattr(team, "n_threads", lambda: 2)
    parts = network.value_and_gradient(network.start(0), batch)[1]
    np.testing.assert_allclose(parts, whole, rtol=1e-11, atol=1e-13)
    with np.errstate(over="ignore", invalid="ignore"):
        assert not np.isfinite(network.value_and_gradient(1e200 * network.start(0))[0])


def torch_twin(network: Network, w: np.ndarray):
    """The same network as a PyTorch module in float64."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    bend = {"identity": "Identity", "relu": "ReLU", "tanh": "Tanh", "gelu": "GELU"}
    bend |= {"logistic": "Sigmoid"}
    parts = []
    for inputs, units in network.shapes:
        parts += [torch.nn.Linear(inputs, units, dtype=torch.float64)]
        parts += [getattr(torch.nn, bend[network.activation.name])()]
    module = torch.nn.Sequential(*parts[:-1])
    for linear, layer in zip(module[::2], network.layers(w), strict=True):
        linear.weight.data = torch.tensor(layer.W.T.copy())
        linear.bias.data = torch.tensor(layer.b.copy())
    return torch, module


def flatten(network: Network, module, parts) -> np.ndarray:
    """PyTorch's parts (weight, bias, weight, ...) in our order."""
    vector = np.empty(network.size)
    for layer, W, b in zip(network.layers(vector), parts[::2], parts[1::2], strict=True):
        layer.W[...], layer.b[...] = W.detach().numpy().T, b.detach().numpy()
    return vector


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["squared_error", "multinomial", "poisson"])
def test_pytorch_agrees_to_ten_digits(name, loss):
    n_outputs = 3 if loss == "multinomial" else 1
    network = make_network(loss, n_outputs, False, hidden=(7, 6), activation=make_activation(name))
    w, v = network.start(4) + 0.05, network.start(5)
    torch, module = torch_twin(network, w)
    X, y = torch.tensor(network.source.X), torch.tensor(network.source.y)
    z = module(X)
    losses = {
        "squared_error": lambda: 0.5 * torch.nn.functional.mse_loss(z[:, 0], y),
        "multinomial": lambda: torch.nn.functional.cross_entropy(z, y),
        "poisson": lambda: torch.nn.functional.poisson_nll_loss(z[:, 0], y),
    }
    value = losses[loss]()
    parts = torch.autograd.grad(value, list(module.parameters()), create_graph=True)
    ours, gradient = network.value_and_gradient(w)
    assert ours == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, flatten(network, module, parts), rtol=1e-10, atol=1e-12)
    moves = []
    for layer in network.layers(v):
        moves += [torch.tensor(layer.W.T.copy()), torch.tensor(layer.b.copy())]
    turned = torch.autograd.grad(parts, list(module.parameters()), moves, materialize_grads=True)
    product = flatten(network, module, turned)
    np.testing.assert_allclose(network.curvature_product(w, v), product, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "multinomial"])
def test_without_hidden_layers_it_is_the_linear_objective(loss):
    n_outputs = 3 if loss == "multinomial" else 1
    network = make_network(loss, n_outputs, hidden=(), penalty=Penalty(l1=0.1, l2=0.2))
    linear = Objective(
        network.source, network.loss, penalty=network.penalty, n_outputs=network.n_outputs
    )
    random = np.random.default_rng(0)
    w, v = random.normal(size=(2, network.size))
    assert network.size == linear.size
    assert network.value(w) == pytest.approx(linear.value(w), rel=1e-14)
    for ours, theirs in (
        (network.value_and_gradient(w)[1], linear.value_and_gradient(w)[1]),
        (network.curvature_product(w, v), linear.curvature_product(w, v)),
        (network.moved(w, v, 0.5), linear.moved(w, v, 0.5)),
        (network.raw_prediction(w, network.source.X), linear.raw_prediction(w, network.source.X)),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("centered", [False, True])
def test_sparse_rows_give_the_same_numbers(centered):
    dense = make_network(n=40)
    X = np.where(np.abs(dense.source.X) > 0.8, dense.source.X, 0.0)
    shift = X.mean(axis=0) if centered else np.zeros(D)
    kept = CenteredSparse(sparse.csr_array(X), shift) if centered else sparse.csr_array(X)
    y, weights = dense.source.y, dense.source.weights
    a, b = (
        Network(MemoryRows(rows, y, weights), dense.loss, hidden=(5,)) for rows in (X - shift, kept)
    )
    w, v = a.start(0), a.start(1)
    np.testing.assert_allclose(a.value_and_gradient(w)[1], b.value_and_gradient(w)[1], atol=1e-14)
    np.testing.assert_allclose(a.curvature_product(w, v), b.curvature_product(w, v), atol=1e-14)


def test_float32_rows_are_computed_in_float32():
    network = make_network()
    rows = network.source
    single = Network(MemoryRows(rows.X.astype(np.float32), rows.y), network.loss, hidden=(5, 3))
    w = single.start(0)
    assert single.raw_prediction(w, single.source.X).dtype == np.float32
    double = Network(MemoryRows(rows.X, rows.y), network.loss, hidden=(5, 3))
    a, b = single.value_and_gradient(w)[1], double.value_and_gradient(w)[1]
    assert a.dtype == np.float64
    np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


@given(
    widths=st.lists(st.integers(1, 6), max_size=4),
    n_features=st.integers(1, 5),
    n_outputs=st.integers(1, 4),
)
@settings(max_examples=30, deadline=None)
def test_layers_are_views_that_cover_the_vector_once(widths, n_features, n_outputs):
    rows = MemoryRows(np.ones((2, n_features)), np.ones((2, n_outputs)))
    network = Network(rows, make_loss("mse"), hidden=tuple(widths), n_outputs=n_outputs)
    w = np.zeros(network.size)
    for W, b in network.layers(w):
        W += 1.0
        b += 1.0
    np.testing.assert_array_equal(w, 1.0)
    sizes = [n_features, *widths, n_outputs]
    assert network.size == sum((a + 1) * b for a, b in pairwise(sizes))
    assert np.linalg.norm(layer_norms(network, w)) == pytest.approx(np.linalg.norm(w))


def test_dropout_repeats_by_seed_epoch_and_batch():
    network = make_network(dropout=0.5, n=40)
    w = network.start(0)

    def gradients(seed, epoch):
        return [network.value_and_gradient(w, b)[1] for b in network.batches(20, seed, epoch)]

    same, other_epoch, other_seed = gradients(1, 0), gradients(1, 1), gradients(2, 0)
    np.testing.assert_array_equal(gradients(1, 0), same)
    assert not np.allclose(same[0], same[1])
    assert not np.allclose(same, other_epoch)
    assert not np.allclose(same, other_seed)


def test_dropout_gradient_is_the_finite_difference_at_its_masks():
    network = make_network(dropout=0.4, n=40)
    w, v = network.start(0), np.random.default_rng(1).normal(size=network.size)
    (batch,) = network.batches(None, 0, 0)
    slope = central(lambda u: network.value_and_gradient(u, batch)[0], w, v)
    assert network.value_and_gradient(w, batch)[1] @ v == pytest.approx(slope, rel=1e-6)
    turn = central(lambda u: network.value_and_gradient(u, batch)[1], w, v)
    np.testing.assert_allclose(network.curvature_product(w, v, batch), turn, rtol=1e-5, atol=1e-7)


def test_dropout_keeps_the_mean():
    network = make_network(dropout=0.3, hidden=(1000,), activation=make_activation("identity"))
    w = np.abs(network.start(0))
    full = network.value_and_gradient(w)[0]
    noisy = [
        network.value_and_gradient(w, next(iter(network.batches(None, seed, 0))))[0]
        for seed in range(40)
    ]
    assert np.mean(noisy) == pytest.approx(full, rel=0.05)
    assert np.std(noisy) > 0.0


@pytest.mark.parametrize("kind", ["he", "glorot"])
def test_starts_have_the_papers_spread(kind):
    rows = MemoryRows(np.ones((1, 400)), np.ones(1))
    network = Network(rows, make_loss("mse"), hidden=(300,))
    first = network.layers(network.start(0, kind))[0]
    variance = 2.0 / 400 if kind == "he" else 2.0 / 700
    assert first.W.var() == pytest.approx(variance, rel=0.02)
    assert abs(first.W.mean()) < 1e-3
    assert not first.b.any()
    np.testing.assert_array_equal(network.start(0), network.start(0, "he"))


def test_xor_needs_the_hidden_layer():
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    rows = MemoryRows(X, np.array([-1.0, 1.0, 1.0, -1.0]))
    loss, values = make_loss("log_loss"), {}
    for hidden in ((), (8,)):
        network = Network(rows, loss, hidden=hidden, activation=make_activation("tanh"))
        result = run(network, network.start(0), Adam(), Constant(0.1), [MaxEpochs(300)])
        values[hidden] = network.value(result.w)
    assert values[()] == pytest.approx(np.log(2.0), abs=1e-6)
    assert values[(8,)] < 0.01


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_run_continues_exactly_from_any_step(dropout):
    network = make_network(dropout=dropout, n=40)
    rule, rate = Momentum(), Constant(0.05)
    walk = steps(network, begin(network.start(0), rule, rate), rule, rate, batch_size=16, seed=3)
    straight = [next(walk) for _ in range(8)]
    again = steps(network, straight[4].state, rule, rate, batch_size=16, seed=3)
    for step in straight[4:]:
        np.testing.assert_array_equal(next(again).w, step.w)


def test_l1_makes_exact_zeros_and_refuses_adam():
    network = make_network(penalty=Penalty(l1=0.2), n=40)
    result = run(network, network.start(0), Plain(), Constant(0.1), [MaxEpochs(60)])
    assert (result.w[: network.n_coefficients] == 0.0).mean() > 0.2
    with pytest.raises(PairError, match="L1"):
        run(network, network.start(0), Adam(), Constant(0.1), [MaxEpochs(1)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": (3, 0)}, "empty layer"),
        ({"dropout": 1.0}, r"dropout=1.0 must lie in \[0, 1\)"),
    ],
)
def test_impossible_settings_are_refused_in_a_sentence(settings, message):
    with pytest.raises(SettingError, match=message):
        make_network(**settings)


def test_unknown_names_are_refused():
    with pytest.raises(SettingError, match="activation='swish' is unknown; choose one of"):
        make_activation("swish")
    with pytest.raises(SettingError, match="start='zeros' is unknown"):
        make_network().start(0, "zeros")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_slopes_are_finite_differences(name):
    activation, a = make_activation(name), np.linspace(-4.0, 4.0, 41) + 0.01
    h = activation.value(a)
    slope = central(activation.value, a, np.ones_like(a))
    bend = central(lambda b: activation.slope(b, activation.value(b)), a, np.ones_like(a))
    np.testing.assert_allclose(activation.slope(a, h), slope, atol=1e-8)
    np.testing.assert_allclose(activation.curvature(a, h), bend, atol=1e-8)
    assert activation.value(a.astype(np.float32)).dtype == np.float32
