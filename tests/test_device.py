"""Passes on tensors: NumPy's answer to rounding in float64, to five digits in float32."""

import json

import numpy as np
import pytest
from sklearn.base import clone

from downslope.bowl.passes import DensePasses
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.cli import run as downslope
from downslope.errors import DownslopeError, InputError, PairError, SettingError
from downslope.estimators import DescentClassifier, DescentRegressor
from downslope.kernels.views import read_only
from downslope.losses import make_loss
from downslope.penalties import Penalty

torch = pytest.importorskip("torch")
device = pytest.importorskip("downslope.bowl.device_passes")
N, D = 20_000, 6
SMOOTH = (
    *("mse", "squared_error", "huber", "poisson", "gamma", "log_loss"),
    *("squared_hinge", "modified_huber", "squared_epsilon_insensitive"),
)
ALL = (*SMOOTH, "hinge", "perceptron", "absolute_error", "quantile", "epsilon_insensitive")
CORNERS = ("hinge", "absolute_error", "quantile", "epsilon_insensitive")
CUDA = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
)


def data(loss):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(N, D)) * np.logspace(0, 2, D) + [0, 0, 5, 0, 0, 100]
    z = (X - X.mean(0)) / X.std(0) @ np.linspace(-0.5, 0.5, D)
    if make_loss(loss).link in ("logit", "sign"):
        return X, np.where(z + rng.logistic(size=N) > 0, 1.0, -1.0)
    if loss in ("poisson", "gamma"):
        return X, rng.gamma(2.0, np.exp(z) / 2.0) + 1e-3
    return X, z + 0.3 * rng.normal(size=N)


@pytest.mark.parametrize("where", ["cpu", CUDA])
@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize(("kind", "rtol"), [("float64", 1e-10), ("float32", 1e-5)])
def test_a_pass_is_that_of_memory(where, loss, kind, rtol):
    X, y = data(loss)
    weights = np.random.default_rng(1).random(N)
    w = np.append(np.linspace(-0.3, 0.3, D) / X.std(0), 0.1)
    columns = [read_only(a) for a in (np.ascontiguousarray(X), y, weights)]
    near = DensePasses(*columns, make_loss(loss), True)
    rows = torch.tensor(X.astype(kind), device=where)
    y, weights = (torch.tensor(a, device=where) for a in (y, weights))
    far = device.DevicePasses(rows, y, weights, make_loss(loss), True, np.zeros(D))
    (value, gradient), (expected, slope) = far.at(w), near.at(w)
    assert value == pytest.approx(expected, rel=rtol)
    np.testing.assert_allclose(gradient, slope, rtol=10 * rtol, atol=10 * rtol * abs(slope).max())


@pytest.mark.parametrize("where", ["cpu", CUDA])
@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize(("kind", "rtol"), [("float64", 1e-10), ("float32", 1e-5)])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_answer_is_that_of_memory(where, loss, kind, rtol, fit_intercept):
    X, y = data(loss)
    tight = Settings(tol=1e-22 if kind == "float64" else None)
    args = (make_loss(loss), Penalty(l2=1e-4))
    near = solve(X, y, *args, fit_intercept=fit_intercept, settings=Settings(tol=1e-22))
    rows = X.astype(kind)
    far = device.solve_on(rows, y, *args, device=where, fit_intercept=fit_intercept, settings=tight)
    assert far.value == pytest.approx(near.value, rel=rtol)
    assert far.passes < 60


@pytest.mark.parametrize("where", ["cpu", CUDA])
@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("l2", [0.0, 1e-4])
@pytest.mark.parametrize("tol", [1e-14, 0.0])
def test_single_precision_knows_when_no_lower_point_can_be_told(where, loss, l2, tol):
    X, y = data(loss)
    args = (make_loss(loss), Penalty(l2=l2))
    near = solve(X, y, *args, settings=Settings(tol=1e-22))
    single = X.astype("float32")
    far = device.solve_on(single, y, *args, device=where, settings=Settings(tol=tol))
    assert far.reason.name == "converged"
    assert far.passes < 12  # a walk that does not know takes 30 to 140
    assert far.value == pytest.approx(near.value, rel=1e-7)


@pytest.mark.parametrize("where", ["cpu", CUDA])
@pytest.mark.parametrize("loss", ["multinomial", *CORNERS])
def test_single_precision_knows_it_with_l1_too(where, loss):
    X, z = data("squared_error") if loss == "multinomial" else data(loss)
    X, k = X / X.std(0), 4 if loss == "multinomial" else 1
    y = np.digitize(z, [-1.0, 0.0, 2.0]) if k > 1 else z
    args = (make_loss(loss), Penalty(l1=0.01))
    near = solve(X, y, *args, n_outputs=k, settings=Settings(tol=1e-9))
    tight = Settings(tol=1e-7 if loss in CORNERS else 0.0)
    far = device.solve_on(X.astype("float32"), y, *args, device=where, n_outputs=k, settings=tight)
    assert far.reason.converged
    assert far.passes < 300  # more than 1,000, the cap, where halving went on in the rounding
    assert far.value == pytest.approx(near.value, rel=1e-6)


@pytest.mark.parametrize("loss", [*SMOOTH, *CORNERS])
def test_a_sketch_is_unbiased(loss):
    X, y = data(loss)
    X, zeros, w = X[:4000] / X.std(0), np.zeros(D), np.linspace(-0.3, 0.3, D + 1)
    columns = [read_only(a) for a in (X, y[:4000], np.ones(4000))]
    near = DensePasses(*columns, make_loss(loss), True)
    far = device.DevicePasses(*map(torch.tensor, columns), make_loss(loss), True, zeros)
    if loss in CORNERS:
        near, far = near.rounded(0.1), far.rounded(0.1)
    exact = near.sketch(w, None, zeros, 1e-3, 0).table
    tables = [far.sketch(w, 500, zeros, 1e-3, seed).table for seed in range(60)]
    mean = sum(table.T @ table for table in tables) / len(tables)
    m = slice(0, D + 1)  # the last column, the step each row wishes for, has heavy tails
    expected = (exact.T @ exact)[m, m]
    assert np.abs(mean[m, m] - expected).max() < 0.03 * np.abs(expected).max()


@pytest.mark.parametrize("where", ["cpu", CUDA])
@pytest.mark.parametrize("loss", CORNERS)
@pytest.mark.parametrize("penalty", [Penalty(l2=1e-3), Penalty(l1=0.01)])
def test_losses_with_corners_are_as_low_as_in_memory(where, loss, penalty):
    X, y = data(loss)
    X, args = X / X.std(0), (make_loss(loss), penalty)
    near = solve(X, y, *args, settings=Settings(tol=1e-7))
    far = device.solve_on(X, y, *args, device=where, settings=Settings(tol=1e-7))
    assert far.reason.converged
    assert abs(far.value - near.value) <= far.bound + near.bound


@pytest.mark.parametrize("where", ["cpu", CUDA])
@pytest.mark.parametrize("kind", ["float64", "float32"])
@pytest.mark.parametrize("penalty", [Penalty(l2=1e-4), Penalty(l1=1e-3)])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_several_classes_are_those_of_memory(where, kind, penalty, fit_intercept):
    X, z = data("squared_error")
    X = X / X.std(0)
    y = np.digitize(z + np.random.default_rng(0).logistic(size=N), [-1.0, 0.0, 2.0])
    options = {"fit_intercept": fit_intercept, "n_outputs": 4, "settings": Settings(tol=1e-10)}
    args = (make_loss("multinomial"), penalty)
    near = solve(X, y, *args, **options)
    far = device.solve_on(X.astype(kind), y, *args, device=where, **options)
    assert far.value == pytest.approx(near.value, rel=1e-9 if kind == "float64" else 1e-5)
    assert far.reason.converged


def test_a_sketch_of_several_classes_is_unbiased():
    X, z = data("squared_error")
    X, y = torch.tensor(X / X.std(0))[:4000], np.digitize(z, [-1.0, 1.0])[:4000]
    zeros, weights = np.zeros(D), torch.ones(4000, dtype=torch.float64)
    loss = make_loss("multinomial")
    far = device.DevicePasses(X, torch.tensor(y), weights, loss, True, zeros, 3)
    w, m = np.linspace(-0.3, 0.3, 3 * (D + 1)), 3 * (D + 1)
    tables = [far.sketch(w, 500, zeros, 0.0, seed).table[:, :m] for seed in range(60)]
    mean = sum(table.T @ table for table in tables) / len(tables)
    x = np.hstack((X.numpy(), np.ones((4000, 1))))
    p = torch.softmax(torch.tensor(x @ w.reshape(-1, 3)), 1).numpy()
    bend = np.einsum("na,ab->nab", p, np.eye(3)) - np.einsum("na,nb->nab", p, p)
    exact = np.einsum("ni,nj,nab->iajb", x, x, bend).reshape(m, m)
    assert np.abs(mean - exact).max() < 0.03 * np.abs(exact).max()


def test_signs_are_even_and_belong_to_rows():
    signs = device.row_signs(100_000, seed=3)
    assert abs(float(signs.mean())) < 0.01
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    assert (signs != device.row_signs(100_000, seed=4)).double().mean() == pytest.approx(
        0.5, abs=0.01
    )


def test_columns_far_from_zero_and_the_same_bits_twice():
    X, y = data("log_loss")
    args = (make_loss("log_loss"), Penalty(l2=1e-6))
    far, again = (device.solve_on(torch.tensor(X + 1e8), y, *args) for _ in range(2))
    np.testing.assert_array_equal(far.w, again.w)
    assert far.value == pytest.approx(solve(X + 1e8, y, *args).value, rel=1e-6)


def test_few_rows_are_solved_in_memory():
    X, y = data("squared_error")
    far = device.solve_on(torch.tensor(X[:50]), y[:50], make_loss("squared_error"))
    near = solve(X[:50], y[:50], make_loss("squared_error"))
    np.testing.assert_allclose(far.w, near.w, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"loss": make_loss("perceptron")}, PairError, "lowest where all weights are zero"),
        ({"device": "warp"}, SettingError, "Choose one of cpu"),
        ({"y": np.zeros(3)}, InputError, "one per row"),
    ],
)
def test_what_cannot_be_is_said(change, kind, says):
    X, y = data("squared_error")
    given = {"X": X, "y": y, "loss": make_loss("squared_error")} | change
    with pytest.raises(kind, match=says):
        device.solve_on(**given)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
def test_a_gpu_that_is_absent_is_a_sentence():
    X, y = data("squared_error")
    with pytest.raises(SettingError, match="'cuda' cannot be used here"):
        device.solve_on(X, y, make_loss("squared_error"), device="cuda")


def rows_for(estimator):
    X, z = data("squared_error")
    X = X / X.std(0)
    if isinstance(estimator, DescentRegressor):
        return X, z
    noise = np.random.default_rng(0).logistic(size=N)
    return X, np.array(["low", "mid", "top"])[np.digitize(z + noise, [-1.0, 1.0])]


MODELS = [
    DescentRegressor(tol=1e-17),
    DescentRegressor(tol=1e-17, penalty="l1", alpha=0.01),
    DescentRegressor(loss="huber", tol=1e-17, alpha=0.001),
    DescentClassifier(tol=1e-17),
    DescentClassifier(tol=1e-17, loss="squared_hinge", class_weight="balanced"),
]


@pytest.mark.parametrize("where", ["cpu", CUDA])
@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("kind", ["arrays", "tensors"])
def test_an_estimator_on_a_device_is_that_of_memory(where, model, kind):
    X, y = rows_for(model)
    weights = np.random.default_rng(1).random(N)
    near = clone(model).fit(X, y, sample_weight=weights)
    if kind == "arrays":
        far = clone(model).set_params(device=where).fit(X, y, sample_weight=weights)
    else:
        X = torch.tensor(X, device=where)
        far = clone(model).fit(X, y, sample_weight=torch.tensor(weights, device=where))
    np.testing.assert_allclose(far.coef_, near.coef_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(far.intercept_, near.intercept_, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(far.predict(X[:50]), far.predict(np.asarray(X[:50].tolist())))
    assert far.reason_.converged
    assert far.diagnosis_.verdict == near.diagnosis_.verdict


@pytest.mark.parametrize(
    ("model", "change", "says"),
    [
        (DescentRegressor(device="warp"), {}, "Choose one of cpu"),
        (DescentRegressor(device="cpu", batch_size=10), {}, "without a learning rate"),
        (DescentRegressor(device="cpu", early_stopping=True), {}, "needs rows in memory"),
        (
            DescentRegressor(),
            {"X": torch.full((9, 2), torch.nan)},
            "18 cells of X or y are",
        ),
        (DescentRegressor(), {"X": torch.zeros(9)}, "rows times columns"),
        (DescentClassifier(), {"y": np.zeros(9)}, "needs two or more"),
        (DescentRegressor(loss="poisson"), {"y": np.full(9, -1.0)}, "0 or more"),
    ],
)
def test_what_an_estimator_cannot_do_on_a_device_is_said(model, change, says):
    given = {"X": torch.arange(18.0).reshape(9, 2), "y": np.arange(9.0)} | change
    if model.device is not None:
        given["X"] = np.asarray(given["X"])
    with pytest.raises(DownslopeError, match=says):
        model.fit(**given)


@pytest.mark.parametrize("model", [DescentRegressor(), DescentClassifier(device="cpu")])
def test_validation_rows_are_refused_on_a_device(model):
    X, y = np.arange(18.0).reshape(9, 2), np.arange(9) % 2
    rows = torch.tensor(X) if model.device is None else X
    with pytest.raises(PairError, match="validation rows need rows in memory"):
        model.fit(rows, y, X_val=X, y_val=y)


@pytest.mark.parametrize("where", ["cpu", CUDA])
@pytest.mark.parametrize("kind", ["numbers", "two", "three", "three by hinge"])
def test_on_the_command_line_a_device_answers_what_memory_answers(where, kind, tmp_path, capsys):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    z = X @ [1.0, -2.0, 0.5]
    y = {
        "numbers": z + rng.normal(size=3000),
        "two": np.where(z + rng.logistic(size=3000) > 0, "yes", "no"),
    }.get(kind, np.array(["a", "b", "c"])[np.digitize(z + rng.normal(size=3000), [-1, 1])])
    rows = "".join(",".join(map(str, [*x, t])) + "\n" for x, t in zip(X, y, strict=True))
    (tmp_path / "t.csv").write_text("p,q,r,y\n" + rows)
    words = ["fit", str(tmp_path / "t.csv"), "-t", "y", "--json", "--tol", "1e-18"]
    words += ["--loss", "squared_hinge"] * (kind == "three by hinge")
    found = []
    for more in ([], ["--device", where]):
        assert downslope([*words, *more]) == 0
        found.append(json.loads(capsys.readouterr().out))
    near, far = found
    for ours, theirs in zip(far["coefficients"], near["coefficients"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-7)
    assert far["scores"]["R²" if kind == "numbers" else "accuracy"]["value"] == pytest.approx(
        near["scores"]["R²" if kind == "numbers" else "accuracy"]["value"]
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--device", "gpu"], "device='gpu' cannot be used here"),
        (["--device", "cuda:99"], "device='cuda:99' cannot be used here"),
        (["--device", "cpu", "--batch-size", "10"], "fitted without a learning rate"),
        (["--device", "cpu", "--stream"], "--device is for one table in memory"),
    ],
)
def test_a_wrong_device_on_the_command_line_is_a_sentence(words, says, tmp_path, capsys):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{2 * i % 7}\n" for i in range(50)))
    assert downslope(["fit", str(tmp_path / "t.csv"), "-t", "y", *words]) == 2
    assert says in capsys.readouterr().err
