"""Least squares: certified digits, one-pass products, and answers that need no unique solution."""

import json
from fractions import Fraction

import numpy as np
import pytest
from bowl_problems import SHAPES, lowest, objective, problem
from conftest import shared
from hypothesis import given
from hypothesis import strategies as st

from downslope.bowl.regimes import FEW_COLUMNS, SMALL
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.kernels.double_double import add_product, precise_gradient, two_product, two_sum
from downslope.losses import MeanSquares, SquaredError
from downslope.penalties import Penalty

NUMBERS = st.floats(-1e100, 1e100, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-90)


def digits(found, certified):
    """Correct digits of the worst number (log relative error)."""
    error = np.abs(np.asarray(found) - certified) / np.abs(certified)
    return float(-np.log10(np.maximum(error, 1e-16)).min())


def nist(name):
    """Columns, targets, certified coefficients (intercept first) of a data set of NIST's."""
    entry = json.loads(shared("nist/linear.json").read_text())[name]
    x = np.array([[float(cell) for cell in row] for row in entry["x"]])
    if entry["design"].startswith("poly"):
        x = x[:, :1] ** np.arange(1, int(entry["design"].removeprefix("poly")) + 1)
    y = np.array([float(cell) for cell in entry["y"]])
    return x, y, np.array([float(v) for v in entry["params"].values()]), entry["intercept"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("Norris", 14.0), ("Longley", 14.5), ("NoInt1", 14.5), ("Wampler1", 15.5), ("Wampler4", 15.5)],
)
def test_nist_certified_values(name, wanted):
    X, y, certified, fit_intercept = nist(name)
    for dtype in (SquaredError(), MeanSquares()):
        w = solve(X, y, dtype, fit_intercept=fit_intercept).w
        assert digits(np.roll(w, 1) if fit_intercept else w, certified) >= wanted


@pytest.mark.parametrize(("noise", "wanted"), [(1.0, 15.0), (100.0, 15.0), (1e4, 15.0)])
def test_wampler_3_to_5(noise, wanted):
    """Wampler's polynomial of ones with noise of growing size; the answer is ones in all."""
    _, noisy, _, _ = nist("Wampler4")
    x = np.arange(21.0)
    ones = sum(x**k for k in range(6))
    y = ones + noise * np.round((noisy - ones) / 100.0)
    w = solve(x[:, None] ** np.arange(1, 6), y, SquaredError()).w
    assert digits(w, 1.0) >= wanted


def test_wampler_2():
    x = np.arange(21.0)
    y = np.array([float(sum(Fraction(int(v) ** k, 10**k) for k in range(6))) for v in x])
    w = solve(x[:, None] ** np.arange(1, 6), y, SquaredError()).w
    assert digits(np.roll(w, 1), 0.1 ** np.arange(6)) >= 13.0


@given(NUMBERS, NUMBERS)
def test_sums_and_products_in_pairs_are_exact(a, b):
    s, e = two_sum(a, b)
    assert Fraction(s) + Fraction(e) == Fraction(a) + Fraction(b)
    p, e = two_product(a, b)
    if 1e-100 < abs(p) < 1e100:
        assert Fraction(p) + Fraction(e) == Fraction(a) * Fraction(b)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=30))
def test_a_sum_of_products_in_pairs_has_twice_the_digits(terms):
    high = low = 0.0
    for a, b in terms:
        high, low = add_product(high, low, a, b, 0.0)
    exact = sum(Fraction(a) * Fraction(b) for a, b in terms)
    size = sum(abs(Fraction(a) * Fraction(b)) for a, b in terms)
    assert abs(Fraction(high) + Fraction(low) - exact) <= size * Fraction(1, 10**28) + Fraction(
        1, 10**300
    )


def test_the_precise_gradient_is_the_gradient():
    rng = np.random.default_rng(0)
    X, y, weights, w = (rng.normal(size=s) for s in ((50, 3), 50, 50, 4))
    g, rest = np.zeros(4), np.zeros(4)
    squares = precise_gradient(X, y, weights**2, w, np.zeros(4), g, rest)
    r = y - X @ w[:3] - w[3]
    assert squares == pytest.approx(weights**2 @ r**2, rel=1e-13)
    np.testing.assert_allclose(g + rest, np.append(X, np.ones((50, 1)), 1).T @ (weights**2 * r))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("l2", [0.0, 1e-4])
def test_few_columns_in_one_pass(shape, l2):
    d = 40
    n = int(SMALL / (d + 1) ** 2) + 200
    assert d + 1 <= FEW_COLUMNS
    p = problem(shape, "squared_error", n=n, d=d, l2=l2)
    solution = solve(p.X, p.y, p.loss, Penalty(l2=l2))
    best = lowest(p)
    assert solution.reason.converged, solution.reason
    assert solution.passes <= 4
    assert solution.value - best <= solution.bound + 1e-12 * best
    assert objective(p, solution.w) == pytest.approx(solution.value, rel=1e-8)


def test_one_pass_with_weights_and_without_an_intercept():
    rng = np.random.default_rng(2)
    X, weights = rng.normal(size=(30_000, 30)), rng.uniform(0.5, 1.5, 30_000)
    y = X @ rng.normal(size=30) + rng.normal(size=30_000)
    root = np.sqrt(weights)
    for dtype, tolerance in ((np.float64, 1e-10), (np.float32, 1e-5)):
        w = solve(X.astype(dtype), y, SquaredError(), weights=weights, fit_intercept=False).w
        wanted = np.linalg.lstsq(X * root[:, None], y * root)[0]
        np.testing.assert_allclose(w, wanted, rtol=tolerance, atol=tolerance)


def test_an_exact_fit_and_a_constant_target():
    X = np.random.default_rng(3).normal(size=(100, 3))
    exact = solve(X, X @ [1.0, 2.0, 3.0] + 4.0, SquaredError())
    np.testing.assert_allclose(exact.w, [1.0, 2.0, 3.0, 4.0], rtol=1e-14)
    assert exact.reason.converged
    constant = solve(X, np.full(100, 1e9), SquaredError())
    np.testing.assert_allclose(constant.w, [0.0, 0.0, 0.0, 1e9], atol=1e-6)
    assert constant.reason.converged


def test_a_start_that_is_the_lowest_point_is_told():
    told = []
    found = solve(np.full((4, 1), 7.0), [1.0, -1.0, 1.0, -1.0], SquaredError(),
                  settings=Settings(watch=told.append))  # fmt: skip
    assert found.reason.converged
    assert [point.value for point in told] == [0.5]
