"""Losses with corners: rounded below, certified by a duality gap, and at the lowest point."""

import numpy as np
import pytest
from bowl_problems import problem
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from downslope.bowl.rounding import rounded
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.errors import PairError
from downslope.losses import AbsoluteError, EpsilonInsensitive, Hinge, Perceptron, Quantile
from downslope.penalties import Penalty

LOSSES = {
    "absolute": AbsoluteError(),
    "quantile": Quantile(0.8),
    "tube": EpsilonInsensitive(0.3),
    "hinge": Hinge(),
}


def make(name, n=2000, d=8):
    p = problem("gauss", "hinge" if name == "hinge" else "huber", n=n, d=d)
    return p.X, p.y, LOSSES[name]


@given(
    st.sampled_from(sorted(LOSSES)),
    st.floats(-5, 5),
    st.sampled_from([-1.0, 1.0]),
    st.floats(0.01, 3),
)
def test_rounding_lies_below_by_at_most_half_the_width(name, z, y, width):
    loss = LOSSES[name]
    soft, target = rounded(loss, np.array([y]), width)
    below = loss.value(np.array([z]), np.array([y])) - width * soft.value(
        np.array([z]) / width, target
    )
    assert -1e-12 <= below[0] <= 0.5 * width + 1e-12


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.0, 1e-2), (1e-2, 0.0)])
@pytest.mark.parametrize("n", [300, 4000])
def test_the_gap_holds(name, l1, l2, n):
    X, y, loss = make(name, n=n)
    penalty = Penalty(l1=l1, l2=l2)
    best = solve(X, y, loss, penalty, settings=Settings(tol=1e-8))
    solution = solve(X, y, loss, penalty)
    assert solution.reason.converged, solution.reason
    z = X @ solution.w[:-1] + solution.w[-1]
    value = np.mean(loss.value(z, y)) + penalty.value(solution.w[:-1])
    assert solution.value == pytest.approx(value, rel=1e-12)
    assert solution.value - best.value <= solution.bound
    assert solution.bound <= 1e-5 * solution.value


@pytest.mark.parametrize("name", ["absolute", "hinge"])
def test_large_enough_for_the_sketch(name):
    X, y, loss = make(name, n=60_000, d=20)
    best = solve(X, y, loss, settings=Settings(tol=1e-8)).value
    solution = solve(X, y, loss)
    assert solution.reason.converged
    assert -1e-12 <= solution.value - best <= solution.bound


@pytest.mark.parametrize(("name", "q"), [("absolute", 0.5), ("quantile", 0.8)])
def test_it_agrees_with_linear_programming(name, q):
    from sklearn.linear_model import QuantileRegressor

    X, y, loss = make(name, n=500, d=4)
    model = QuantileRegressor(quantile=q, alpha=0.0).fit(X, y)
    w = solve(X, y, loss, settings=Settings(tol=1e-9)).w
    at = [np.mean(loss.value(X @ v[:-1] + v[-1], y)) for v in (w, [*model.coef_, model.intercept_])]
    assert at[0] == pytest.approx(at[1], rel=1e-8)
    np.testing.assert_allclose(w[:-1], model.coef_, atol=1e-3)


def test_sparse_rows_with_weights_and_no_intercept():
    rng = np.random.default_rng(1)
    X = sparse.random(3000, 900, density=0.02, random_state=2, format="csr")
    y = np.sign(X @ rng.normal(size=900) + 0.1 * rng.normal(size=3000))
    ask = {
        "penalty": Penalty(l2=1e-3),
        "weights": rng.uniform(0.5, 1.5, 3000),
        "fit_intercept": False,
    }
    best = solve(X, y, Hinge(), **ask, settings=Settings(tol=1e-6, most_passes=5000)).value
    solution = solve(X, y, Hinge(), **ask, settings=Settings(tol=1e-3))
    assert solution.reason.converged
    assert -1e-10 <= solution.value - best <= solution.bound


def test_the_median_alone():
    y = np.array([1.0, 2.0, 10.0])
    solution = solve(np.zeros((3, 1)), y, AbsoluteError(), settings=Settings(tol=1e-9))
    assert solution.w[1] == pytest.approx(2.0, abs=1e-6)


def test_the_walk_is_told_with_the_true_loss():
    X, y, loss = make("absolute")
    points = []
    solution = solve(X, y, loss, settings=Settings(watch=points.append))
    assert points[-1].value == solution.value
    assert points[0].value >= points[-1].value


def test_the_perceptron_is_refused():
    with pytest.raises(PairError, match="zero"):
        solve(np.eye(2), np.array([-1.0, 1.0]), Perceptron())
