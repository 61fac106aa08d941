"""Columns that nearly agree: the right model, and a bound that is true, down to rounding."""

import re
import warnings
from typing import Any

import numpy as np
import pytest

from downslope import DescentClassifier, DescentRegressor
from downslope.bowl.near_columns import differences, near_columns

NUMBERS = (
    "squared_error",
    "huber",
    "absolute_error",
    "quantile",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
    "poisson",
    "gamma",
)
CLASSES = ("log_loss", "hinge", "squared_hinge", "modified_huber")


def pair(n: int, apart: float, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """Two columns that differ by ``apart``, the same with their difference instead, and targets."""
    g = np.random.default_rng(seed)
    a, d, other = g.normal(size=(3, n))
    X = np.column_stack((a, a + apart * d, other))
    clear = np.column_stack((a, (X[:, 1] - X[:, 0]) / apart, other))
    return X, clear, a + clear[:, 1] + 0.1 * g.normal(size=n), g


def targets(loss: str, level: Any, g: Any) -> Any:
    """Targets that the loss takes, about ``level``."""
    if loss == "poisson":
        return g.poisson(np.exp(0.3 * level)).astype(float)
    if loss == "gamma":
        return np.exp(0.3 * level) * g.gamma(3.0, 1.0 / 3.0, size=len(level))
    if loss in NUMBERS:
        return level
    return np.where(g.random(len(level)) < 0.1, level < 0.0, level > 0.0).astype(int)


def model(loss: str, **settings: Any) -> Any:
    """An estimator without penalty."""
    kind = DescentRegressor if loss in NUMBERS else DescentClassifier
    return kind(loss=loss, penalty=None, **settings)


def lowest(fitted: Any) -> float:
    """The loss where the run ended."""
    return float(fitted.history_["value"][-1])


def bound_of(fitted: Any) -> float:
    """How far above the lowest loss the sentence says that it may be."""
    return float(re.search(r"At most (\S+) above", fitted.reason_.sentence).group(1))


@pytest.mark.parametrize("n", [300, 6000])
@pytest.mark.parametrize("apart", [1e-6, 1e-7, 1e-9, 1e-11, 1e-13])
@pytest.mark.parametrize("loss", [*NUMBERS, *CLASSES])
def test_a_small_difference_is_felt(loss: str, apart: float, n: int) -> None:
    X, clear, level, g = pair(n, apart)
    y = targets(loss, level, g)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        near, right = model(loss).fit(X, y), model(loss).fit(clear, y)
    gained = lowest(model(loss, max_iter=2000).fit(clear[:, 2:], y)) - lowest(right)
    digits = 1e-5 + 1e-16 / apart  # what the cells leave of the difference
    assert lowest(near) == pytest.approx(lowest(right), abs=digits * abs(gained) + 1e-12)
    if near.reason_.converged:
        assert lowest(near) - lowest(right) <= bound_of(near) + 1e-13 * abs(lowest(right))
    z = X @ np.atleast_2d(near.coef_)[0] + near.intercept_
    far = clear @ np.atleast_2d(right.coef_)[0] + right.intercept_
    if right.reason_.converged and loss in ("squared_error", "poisson", "gamma", "log_loss"):
        assert np.abs(z - far).max() <= (1e-4 + 300.0 * 1e-16 / apart) * np.abs(far).max()


@pytest.mark.parametrize("apart", [1e-7, 1e-10])
@pytest.mark.parametrize("n", [300, 6000])
def test_classes_feel_it_too(apart: float, n: int) -> None:
    X, clear, level, g = pair(n, apart)
    y = np.where(g.random(n) < 0.1, 0, np.digitize(level, [-1.0, 1.0]))
    near = DescentClassifier(penalty=None).fit(X, y)
    right = DescentClassifier(penalty=None).fit(clear, y)
    assert lowest(near) == pytest.approx(lowest(right), rel=1e-6)
    assert near.score(X, y) == pytest.approx(right.score(clear, y), abs=2.0 / n)


def test_start_and_end_of_a_job() -> None:
    g = np.random.default_rng(0)
    start = 1.7e12 + np.round(g.uniform(0.0, 86400e3 * 365, 500))
    length = np.round(g.uniform(50.0, 500.0, 500))
    cost = 2.0 + 0.01 * length + 0.1 * g.normal(size=500)
    near = DescentRegressor().fit(np.column_stack((start, start + length)), cost)
    right = DescentRegressor().fit(np.column_stack((start, length)), cost)
    score = near.score(np.column_stack((start, start + length)), cost)
    assert score == pytest.approx(right.score(np.column_stack((start, length)), cost), abs=1e-6)
    assert score > 0.99


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "quantile"])
def test_without_an_intercept_a_mean_far_beyond_the_spread(loss: str) -> None:
    g = np.random.default_rng(1)
    a, b = 1e9 + np.round(g.normal(size=(2, 400)) * 64.0)
    level = (a - b) / 64.0
    y = targets(loss, level + 0.5 * g.normal(size=400), g)
    near = model(loss, fit_intercept=False, scaling="none").fit(np.column_stack((a, b)), y)
    clear = np.column_stack((a, a - b))
    right = model(loss, fit_intercept=False, scaling="none").fit(clear, y)
    assert lowest(near) == pytest.approx(lowest(right), rel=1e-5)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "log_loss"])
def test_what_is_rounding_is_left_out_and_said(loss: str) -> None:
    X, _, level, g = pair(500, 1e-15)
    y = targets(loss, level, g)
    sentence = model(loss).fit(X, y).reason_.sentence
    assert "differ by rounding alone" in sentence
    twin = np.column_stack((X[:, 0], 2.0 * X[:, 0], X[:, 2]))
    assert "rounding alone" not in model(loss).fit(twin, y).reason_.sentence


@pytest.mark.parametrize("terms", [1, 2, 5])
def test_a_column_that_nearly_is_a_sum(terms: int) -> None:
    g = np.random.default_rng(terms)
    parts, d = g.normal(size=(1000, terms)), g.normal(size=1000)
    X = np.column_stack((parts, parts.sum(axis=1) + 1e-9 * d))
    y = parts[:, 0] + (X[:, -1] - parts.sum(axis=1)) * 1e9 + 0.1 * g.normal(size=1000)
    assert DescentRegressor().fit(X, y).score(X, y) > 0.98


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_weights_go_back_and_forth(kind: Any) -> None:
    g = np.random.default_rng(3)
    a, b = g.normal(size=(2, 700))
    X = np.column_stack((a, b, a + 1e-3 * b, a + b)).astype(kind)
    X[:, 3] = X[:, 0] + X[:, 1]
    near = near_columns(np.column_stack((X[:, :2], X[:, :1] + kind(1e-6) * X[:, 1:2], X)), True)
    assert near is not None
    w = g.normal(size=8)
    back = near.back(w, 1)
    np.testing.assert_allclose(near.there(back, 1), w, rtol=1e-9, atol=1e-9)
    rows = np.column_stack((X[:, :2], X[:, :1] + kind(1e-6) * X[:, 1:2], X))
    z = near.rows(rows) @ w[:7] + w[7]
    np.testing.assert_allclose(rows.astype(float) @ back[:7] + back[7], z, atol=1e-6 * abs(z).max())
    slope = g.normal(size=700)
    there = np.append(near.rows(rows).T @ slope, slope.sum())
    here = np.append(rows.astype(float).T @ slope, slope.sum())
    np.testing.assert_allclose(near.slope_back(there, 1), here, atol=1e-4)


def test_differences_have_all_their_digits() -> None:
    x = np.array([[1.7e12 + 1.0, 1.7e12], [3.0, 1.0]])
    out = differences(x, np.array([0]), np.array([1]), np.array([[1.0]]))
    np.testing.assert_array_equal(out, [[1.0], [2.0]])


def test_columns_that_are_far_apart_are_left_alone() -> None:
    g = np.random.default_rng(5)
    assert near_columns(g.normal(size=(500, 20)), True) is None
    assert near_columns(np.zeros((0, 3)), True) is None
    assert near_columns(np.ones((50, 3)), True) is None
