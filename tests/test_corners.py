"""Losses with corners: rounded below, certified by a duality gap, and at the lowest point."""

import numpy as np
import pytest
from bowl_problems import SHAPES, problem
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

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
@pytest.mark.parametrize("method", ["auto", "quasi_newton"])
def test_the_gap_holds(name, l1, l2, n, method):
    """From the inside, and by corners that are rounded narrower and narrower."""
    X, y, loss = make(name, n=n)
    penalty = Penalty(l1=l1, l2=l2)
    best = solve(X, y, loss, penalty, settings=Settings(tol=1e-11))
    solution = solve(X, y, loss, penalty, settings=Settings(method=method))
    assert solution.reason.converged, solution.reason
    z = X @ solution.w[:-1] + solution.w[-1]
    value = np.mean(loss.value(z, y)) + penalty.value(solution.w[:-1])
    assert solution.value == pytest.approx(value, rel=1e-12)
    assert solution.value - best.value <= solution.bound
    assert solution.bound <= 1e-5 * solution.value


def by_linear_programming(X, y, loss, l1, intercept):
    """Lowest value, the loss being a largest of two or three lines."""
    n, d = X.shape
    lines = {
        "absolute_error": lambda: [(1.0, -y), (-1.0, y)],
        "quantile": lambda: [(1.0 - loss.quantile, (loss.quantile - 1.0) * y), (-0.8, 0.8 * y)],
        "epsilon_insensitive": lambda: [(1.0, -y - 0.3), (-1.0, y - 0.3)],
        "hinge": lambda: [(-y, np.ones(n))],
    }[loss.name]()
    A = np.column_stack([X, np.full(n, float(intercept))])
    split = np.hstack([A, -A])
    rows = [np.hstack([np.reshape(k * np.ones(n), (-1, 1)) * split, -np.eye(n)]) for k, _ in lines]
    pay = np.append(np.full(d, l1), 0.0)
    costs = np.concatenate([pay, pay, np.full(n, 1.0 / n)])
    off = np.concatenate([-c for _, c in lines])
    return linprog(costs, A_ub=np.vstack(rows), b_ub=off, method="highs").fun


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("l1", [0.0, 1e-3])
@pytest.mark.parametrize("shape", ["gauss", "rare", "heavy", "duplicates", "one_hot", "leverage"])
@pytest.mark.parametrize("name", LOSSES)
def test_few_rows_of_any_shape_take_few_passes_to_the_lowest_point(name, shape, l1, intercept):
    p = problem(shape, "hinge" if name == "hinge" else "huber", n=60, d=6)
    loss, settings = LOSSES[name], Settings(tol=1e-9)
    best = by_linear_programming(p.X, p.y, loss, l1, intercept)
    solution = solve(*(p.X, p.y, loss, Penalty(l1=l1)), fit_intercept=intercept, settings=settings)
    assert solution.reason.converged, solution.reason
    assert abs(solution.value - best) <= solution.bound + 1e-9 * max(best, 1e-3)
    assert solution.passes <= 160


@pytest.mark.parametrize("name", LOSSES)
def test_few_rows_have_exact_zeros_too(name):
    X, y, loss = make(name, n=200)
    some, none = (solve(X, y, loss, Penalty(l1=l1)).w[:-1] for l1 in (0.05, 1e6))
    assert 0 < np.count_nonzero(some) < 8
    assert not none.any()


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"offsets", "leverage"}))
@pytest.mark.parametrize("name", LOSSES)
def test_rounding_and_the_inside_agree(name, shape):
    p = problem(shape, "hinge" if name == "hinge" else "huber", n=400, d=6)
    inside, rounded_off = (
        solve(p.X, p.y, LOSSES[name], Penalty(l2=1e-3), settings=Settings(method=method))
        for method in ("auto", "quasi_newton")
    )
    assert inside.value - rounded_off.value <= inside.bound + 1e-12
    assert rounded_off.value - inside.value <= rounded_off.bound + 1e-12


@pytest.mark.parametrize("name", ["hinge", "tube"])
@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
def test_a_loss_of_nothing_is_found_and_said(name, n, l2):
    """All rows alike: no slope and no curvature anywhere near, once they are on the flat part."""
    X = np.random.default_rng(n).standard_normal((n, 3))
    solution = solve(X, np.ones(n), LOSSES[name], Penalty(l2=l2))
    z = X @ solution.w[:-1] + solution.w[-1]
    assert solution.reason.converged
    assert np.mean(LOSSES[name].value(z, np.ones(n))) <= solution.bound + 1e-12
    assert solution.value <= solution.bound + 1e-12


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
