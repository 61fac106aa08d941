"""Passes on tensors: NumPy's answer to rounding in float64, to five digits in float32."""

import numpy as np
import pytest

from downslope.bowl.passes import DensePasses, read_only
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.errors import InputError, PairError, SettingError
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
    zeros = torch.zeros(D, dtype=torch.float64, device=where)
    far = device.DevicePasses(rows, y, weights, make_loss(loss), True, zeros)
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
        ({"loss": make_loss("hinge")}, PairError, "solve in memory"),
        ({"penalty": Penalty(l1=0.1)}, PairError, "solve in memory"),
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
