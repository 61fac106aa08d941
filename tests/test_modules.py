"""PyTorch modules on the walk: the same steps as torch.optim, as a loop by hand, as our network."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")

from torch.utils.data import DataLoader, IterableDataset, TensorDataset  # noqa: E402

from downslope.checkpoint import Checkpoints  # noqa: E402
from downslope.descend import run  # noqa: E402
from downslope.errors import InputError, PairError, SettingError  # noqa: E402
from downslope.losses import LOSSES, make_loss  # noqa: E402
from downslope.modules.data import make_batches  # noqa: E402
from downslope.modules.problem import (  # noqa: E402
    FlatWeights,
    ModuleProblem,
    OnBatch,
    make_batch_loss,
)
from downslope.modules.training import train  # noqa: E402
from downslope.networks.activations import make_activation  # noqa: E402
from downslope.networks.network import Network  # noqa: E402
from downslope.rates import Armijo, Constant, Cosine  # noqa: E402
from downslope.rules import (  # noqa: E402
    RULES,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    NAdam,
    Nesterov,
    Plain,
    RMSProp,
)
from downslope.sources.memory import MemoryRows  # noqa: E402
from downslope.stopping import MaxEpochs, MaxSteps  # noqa: E402

torch.set_num_threads(1)  # the modules are small; threads would only wait for each other
N, D = 50, 4
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(N, D)), RANDOM.normal(size=N)
CLASSES = RANDOM.integers(0, 3, N)


def make_module(seed: int = 0, outputs: int = 1, dtype=torch.float64, dropout: float = 0.0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.Linear(D, 6, dtype=dtype),
            torch.nn.Tanh(),
            torch.nn.Dropout(dropout),
            torch.nn.Linear(6, outputs, dtype=dtype),
        )


def make_problem(module, loss="squared_error", data=(X, Y)) -> ModuleProblem:
    weights = FlatWeights(module)
    rows = make_batches(data, weights.dtype, weights.device)
    return ModuleProblem(module, make_batch_loss(loss), rows, weights)


def flat(module) -> np.ndarray:
    return FlatWeights(module).read().numpy()


def by_hand(module, optimizer, batch_size: int, epochs: int, seed: int) -> None:
    """The loop that everyone writes, on our order of rows."""
    inputs, target, loss = torch.tensor(X), torch.tensor(Y), torch.nn.MSELoss()
    for epoch in range(epochs):
        order = np.random.default_rng((seed, epoch)).permutation(N)
        for i in range(0, N, batch_size):
            rows = order[i : i + batch_size]
            optimizer.zero_grad()
            loss(module(inputs[rows])[:, 0], target[rows]).backward()
            optimizer.step()


OPTIMIZERS = {
    "plain": (Plain(), lambda p: torch.optim.SGD(p, lr=0.05)),
    "momentum": (Momentum(0.8), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8)),
    "nesterov": (Nesterov(), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True)),
    "adagrad": (AdaGrad(), lambda p: torch.optim.Adagrad(p, lr=0.05)),
    "adadelta": (AdaDelta(), lambda p: torch.optim.Adadelta(p, lr=1.0)),
    "rmsprop": (RMSProp(), lambda p: torch.optim.RMSprop(p, lr=0.01)),
    "adam": (Adam(), lambda p: torch.optim.Adam(p, lr=0.01)),
    "amsgrad": (AMSGrad(), lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True)),
    "nadam": (NAdam(), lambda p: torch.optim.NAdam(p, lr=0.01)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ours_theirs_and_a_loop_by_hand_take_the_same_steps(name):
    rule, make = OPTIMIZERS[name]
    hand, theirs, ours = make_module(), make_module(), make_module()
    optimizer = make(hand.parameters())
    by_hand(hand, optimizer, 16, 5, seed=3)
    settings = {"batch_size": 16, "max_epochs": 5, "seed": 3, "keep_weights": True}
    optimizer = make(theirs.parameters())
    a = train(theirs, torch.nn.MSELoss(), (X, Y), rule=optimizer, **settings)
    rate = optimizer.param_groups[0]["lr"]
    b = train(ours, "mse", (X, Y), rule=rule, rate=rate, **settings)
    np.testing.assert_allclose(flat(theirs), flat(hand), rtol=1e-9, atol=1e-12)
    # PyTorch keeps NAdam's product of momenta in single precision.
    digits = 1e-7 if name == "nadam" else 1e-9
    np.testing.assert_allclose(flat(ours), flat(hand), rtol=digits, atol=1e-12)
    np.testing.assert_allclose(a.trace["value"], b.trace["value"], rtol=digits)
    np.testing.assert_allclose(a.trace["rate"], rate)


def test_adamw_decays_as_pytorch_does_up_to_the_order_of_decay_and_step():
    theirs, ours = make_module(), make_module()
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1)
    for module, rule, rate in ((theirs, optimizer, None), (ours, AdamW(weight_decay=0.1), 0.01)):
        train(module, "mse", (X, Y), rule=rule, rate=rate or "auto", max_epochs=20)
    np.testing.assert_allclose(flat(ours), flat(theirs), rtol=1e-9)


@pytest.mark.parametrize("name", [name for name in RULES if name != "lbfgs"])
def test_every_rule_walks_on_tensors_as_on_arrays(name):
    network = Network(MemoryRows(X, Y), make_loss("squared_error"), hidden=())
    module = torch.nn.Linear(D, 1, dtype=torch.float64)
    module.weight.data.zero_()
    module.bias.data.zero_()
    rule = RULES[name]()
    numbers = run(network, np.zeros(D + 1), rule, Constant(0.05), [MaxSteps(30)], batch_size=8)
    tensors = train(
        module, "squared_error", (X, Y), rule=rule, rate=0.05, batch_size=8, stops=[MaxSteps(30)]
    )
    np.testing.assert_allclose(tensors.w.numpy(), numbers.w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch_size", [None, 16])
def test_our_network_and_the_same_module_take_the_same_steps(batch_size):
    network = Network(
        MemoryRows(X, CLASSES),
        make_loss("multinomial"),
        hidden=(6,),
        n_outputs=3,
        activation=make_activation("tanh"),
    )
    module, w = make_module(outputs=3), network.start(0)
    for linear, layer in zip((module[0], module[3]), network.layers(w), strict=True):
        linear.weight.data.copy_(torch.tensor(layer.W.T.copy()))
        linear.bias.data.copy_(torch.tensor(layer.b))
    ours = run(network, w, Adam(), Constant(0.01), [MaxEpochs(8)], batch_size=batch_size)
    theirs = train(
        module,
        torch.nn.CrossEntropyLoss(),
        (X, CLASSES),
        rate=0.01,
        batch_size=batch_size,
        max_epochs=8,
    )
    np.testing.assert_allclose(theirs.trace["value"], ours.trace["value"], rtol=1e-10)
    assert theirs.reason == ours.reason


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "multinomial"])
def test_our_losses_work_by_name(name):
    target = np.where(Y > 0, 1.0, -1.0) if "log" in name or "hinge" in name else np.abs(Y) + 0.1
    problem = make_problem(make_module(), name, (X, target))
    w = problem.weights.read()
    value, gradient = problem.value_and_gradient(w)
    z = problem.module(torch.tensor(X)).detach().numpy()[:, 0]
    loss = make_loss(name)
    assert value == pytest.approx(loss.value(z, target).mean(), rel=1e-12)
    assert gradient[-1].item() == pytest.approx(loss.slope(z, target).mean(), rel=1e-9, abs=1e-14)


def test_curvature_product_is_the_gradients_finite_difference():
    problem = make_problem(make_module(outputs=3), torch.nn.CrossEntropyLoss(), (X, CLASSES))
    w = problem.weights.read()
    v, h = torch.tensor(np.random.default_rng(1).normal(size=len(w))), 1e-6
    ahead, behind = (problem.value_and_gradient(w + s * h * v)[1] for s in (1, -1))
    expected = ((ahead - behind) / (2 * h)).numpy()
    np.testing.assert_allclose(problem.curvature_product(w, v), expected, rtol=1e-5, atol=1e-8)
    (batch,) = problem.batches(None, 0, 0)
    np.testing.assert_allclose(problem.curvature_product(w, v, batch), expected, rtol=1e-5)


class Rows(TensorDataset):
    """A data set that is not just tensors."""

    def __getitem__(self, i):
        inputs, target = super().__getitem__(i)
        return inputs, target


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(torch.tensor(X), torch.tensor(Y), strict=True))


@pytest.mark.parametrize("kind", ["lists", "tensors", "dataset", "loader", "stream"])
def test_data_of_every_kind_gives_the_same_full_gradient(kind):
    rows = Rows(torch.tensor(X), torch.tensor(Y))
    data = {
        "lists": (X.tolist(), Y.tolist()),
        "tensors": (torch.tensor(X), torch.tensor(Y)),
        "dataset": rows,
        "loader": DataLoader(rows, batch_size=7, shuffle=True),
        "stream": DataLoader(Stream(), batch_size=7),
    }[kind]
    expected = make_problem(make_module())
    w = expected.weights.read()
    problem = make_problem(make_module(), data=data)
    value, gradient = problem.value_and_gradient(w)
    assert value == pytest.approx(expected.value_and_gradient(w)[0], rel=1e-12)
    np.testing.assert_allclose(gradient, expected.value_and_gradient(w)[1], rtol=1e-10, atol=1e-14)
    before = problem.mean_loss(w)
    settings = {"batch_size": None if kind in ("loader", "stream") else 7, "rate": 0.01}
    again = [train(make_module(), "squared_error", data, **settings).w for _ in range(2)]
    np.testing.assert_array_equal(again[0], again[1])
    assert problem.mean_loss(again[0]) < before


def test_arrays_and_dataset_are_visited_in_one_order():
    rows = TensorDataset(torch.tensor(X), torch.tensor(Y))
    a, b = (train(make_module(), "mse", data, batch_size=8, rate=0.01).w for data in ((X, Y), rows))
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_noise_repeats_and_leaves_the_process_its_own():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    a, b, c = (
        train(make_module(dropout=0.5), "mse", (X, Y), batch_size=8, rate=0.01, seed=seed).w
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(a, b)
    assert not np.allclose(a, c)
    np.testing.assert_array_equal(torch.rand(3), expected)


@pytest.mark.parametrize("batch_size", [None, 8])
def test_a_run_in_two_parts_is_the_run_in_one(batch_size):
    settings = {"batch_size": batch_size, "rate": Cosine(0.01, 100)}
    whole = train(make_module(dropout=0.3), "mse", (X, Y), max_epochs=6, **settings)
    module = make_module(dropout=0.3)
    first = train(module, "mse", (X, Y), max_epochs=9, stops=[MaxSteps(4)], **settings)
    second = train(module, "mse", (X, Y), max_epochs=6, state=first.state, **settings)
    np.testing.assert_array_equal(second.w, whole.w)


def test_a_killed_run_goes_on_from_its_checkpoint(tmp_path):
    class Killed(Exception):
        pass

    def bomb(record):
        if record.step == 17:
            raise Killed

    settings = {"batch_size": 8, "max_epochs": 5, "rule": "adam", "rate": 0.01}
    whole = train(make_module(dropout=0.3), "mse", (X, Y), **settings)
    keeper = Checkpoints(tmp_path, "this run", every=0.0)
    with pytest.raises(Killed):
        train(make_module(dropout=0.3), "mse", (X, Y), keeper=keeper, watch=bomb, **settings)
    keeper = Checkpoints(tmp_path, "this run", every=0.0, resume=True)
    again = train(make_module(dropout=0.3), "mse", (X, Y), keeper=keeper, **settings)
    np.testing.assert_array_equal(again.w, whole.w)
    np.testing.assert_array_equal(again.trace["value"], whole.trace["value"])


def test_validation_keeps_the_best_weights_and_their_running_means():
    def make():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return torch.nn.Sequential(
                torch.nn.Linear(D, 30), torch.nn.BatchNorm1d(30), torch.nn.Linear(30, 1)
            ).double()

    module = make()
    half = {"rate": 0.05, "batch_size": 5}
    held = (X[30:], Y[30:])
    result = train(
        module, "mse", (X[:30], Y[:30]), validation=held, patience=4, max_epochs=200, **half
    )
    assert result.reason.name == "validation"
    module.eval()
    with torch.no_grad():
        error = torch.nn.functional.mse_loss(
            module(torch.tensor(X[30:]))[:, 0], torch.tensor(Y[30:])
        )
    assert error.item() == pytest.approx(np.nanmin(result.trace["validation"]), rel=1e-12)


def test_the_module_stays_where_it_was():
    module = make_module(dtype=torch.float32)
    module.eval()
    places = [p.data_ptr() for p in module.parameters()]
    result = train(module, "mse", (X, Y), batch_size=10, rate=0.01, max_epochs=2)
    assert [p.data_ptr() for p in module.parameters()] == places
    assert not module.training
    assert result.w.dtype == torch.float32
    np.testing.assert_array_equal(flat(module), result.w)


def test_frozen_and_shared_parameters_are_respected():
    module = make_module()
    module[0].weight.requires_grad_(False)
    frozen = module[0].weight.clone()
    train(module, "mse", (X, Y), rate=0.01)
    np.testing.assert_array_equal(module[0].weight, frozen)

    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.down = torch.nn.Linear(D, D, bias=False)
            self.up = torch.nn.Linear(D, D, bias=False)
            self.up.weight = self.down.weight

        def forward(self, x):
            return self.up(torch.tanh(self.down(x)))

    tied = Tied()
    result = train(tied, torch.nn.MSELoss(), (X, X), batch_size=10, rate=0.01)
    assert len(result.w) == D * D
    assert tied.up.weight is tied.down.weight
    assert result.trace["value"][-1] < result.trace["value"][0]


def test_a_whole_batch_loss_sees_dictionaries():
    class Pairs(torch.utils.data.Dataset):
        def __len__(self):
            return N

        def __getitem__(self, i):
            return {"inputs": torch.tensor(X[i]), "target": torch.tensor(Y[i])}

    def on_batch(module, batch):
        return ((module(batch["inputs"])[:, 0] - batch["target"]) ** 2).mean()

    a = train(make_module(), OnBatch(on_batch), Pairs(), batch_size=8, rate=0.01).w
    b = train(make_module(), "mse", (X, Y), batch_size=8, rate=0.01).w
    np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("rule", ["adam", "momentum"])
def test_a_rate_is_found_and_leaves_running_means_alone(rule):
    def make(momentum):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            first, last = torch.nn.Linear(D, 20), torch.nn.Linear(20, 1)
            mean = torch.nn.BatchNorm1d(20, momentum=momentum)
            return torch.nn.Sequential(first, mean, last).double()

    module, target = make(0.5), X.sum(axis=1)
    result = train(module, "mse", (X, target), rule=rule, batch_size=10, max_epochs=20)
    assert result.reason.name == "max_epochs"
    assert result.trace["value"][-5:].mean() < 0.2 * result.trace["value"][:5].mean()
    rates = result.trace["rate"]
    assert rates[0] < rates.max()
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    # The first step of a fresh module sees the buffers that it was made with.
    frozen = make(0.0)
    train(frozen, "mse", (X, Y), rule=rule, batch_size=10, max_epochs=1)
    np.testing.assert_array_equal(frozen[1].running_mean, 0.0)


def test_a_line_search_needs_no_rate_and_never_climbs():
    result = train(make_module(), "mse", (X, Y), rule="plain", rate=Armijo(), max_epochs=40)
    assert (np.diff(result.trace["value"]) <= 0).all()


def test_a_run_that_blows_up_says_so_and_keeps_finite_weights():
    module = make_module()
    result = train(module, "mse", (X, Y), rule="plain", rate=1e6, max_epochs=50)
    assert result.reason.name == "diverged"
    assert np.isfinite(flat(module)).all()


def refused(**changes):
    settings = {"module": make_module(), "loss": "mse", "data": (X, Y)} | changes
    return lambda: train(**settings)


LOADER = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=5)
MODULE = make_module()
REFUSALS = {
    "no data": (refused(data=X), InputError, "give a tuple of arrays"),
    "lengths": (refused(data=(X, Y[:3])), InputError, "50 and 3 rows"),
    "empty": (refused(data=(X[:0], Y[:0])), InputError, "0 and 0 rows"),
    "no parameter": (refused(module=torch.nn.ReLU()), InputError, "0 kinds"),
    "two kinds": (
        refused(module=torch.nn.Sequential(make_module(), make_module(dtype=torch.float32))),
        InputError,
        "2 kinds",
    ),
    "loader and batch size": (refused(data=LOADER, batch_size=3), PairError, "batch_size=3"),
    "optimizer and rate": (
        refused(module=MODULE, rule=torch.optim.SGD(MODULE.parameters()), rate=0.1),
        PairError,
        "holds its own learning rate",
    ),
    "torch's lbfgs": (
        refused(module=MODULE, rule=torch.optim.LBFGS(MODULE.parameters())),
        PairError,
        "rule='lbfgs'",
    ),
    "line search on batches": (refused(rate=Armijo(), batch_size=5), PairError, "batch_size=5"),
    "line search on a loader": (refused(rule="plain", rate=Armijo(), data=LOADER), PairError, "5"),
    "auto on a stream": (
        refused(data=DataLoader(Stream(), batch_size=7)),
        SettingError,
        "does not say how long",
    ),
    "unknown rate": (refused(rate="fast"), SettingError, "rate='fast' is unknown"),
    "unknown rule": (refused(rule="adamm"), SettingError, "adamm"),
    "unknown loss": (refused(loss="msee"), SettingError, "msee"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_right_is_refused_in_a_sentence(name):
    call, error, words = REFUSALS[name]
    with pytest.raises(error, match=words):
        call()


def test_an_optimizer_cannot_be_taken_up_from_a_state():
    module = make_module()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    result = train(module, "mse", (X, Y), rule=optimizer, max_epochs=2)
    with pytest.raises(PairError, match="keeps its memory to itself"):
        train(module, "mse", (X, Y), rule=optimizer, state=result.state)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_takes_the_same_steps():
    results = []
    for device in ("cpu", "cuda"):
        module = make_module(outputs=3).to(device)
        result = train(module, "multinomial", (X, CLASSES), batch_size=8, rate=0.01)
        assert result.w.device.type == device
        results.append(result.w.cpu())
    np.testing.assert_allclose(results[0], results[1], rtol=1e-8, atol=1e-11)
