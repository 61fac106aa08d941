"""Columns that nearly agree: the right model, and a bound that is true, down to rounding."""

import re
import warnings
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from downslope import DescentClassifier, DescentRegressor
from downslope.bowl.near_columns import parting_of
from downslope.bowl.parted import Exchange
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.bowl.solve_stream import solve_stream
from downslope.fitting.asked import Ask
from downslope.fitting.fit import fit, prepare
from downslope.fitting.telling import bound_broken, diagnosed
from downslope.losses import AbsoluteError, Huber, LogLoss, SquaredError
from downslope.penalties import Penalty
from downslope.sources.memory import MemoryRows
from downslope.tables import read_table

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


CASES = [
    *((300, True, apart) for apart in (1e-6, 1e-7, 1e-8, 1e-10, 1e-12, 1e-13)),
    *((300, False, apart) for apart in (1e-7, 1e-13)),
    *((6000, True, apart) for apart in (1e-7, 1e-13)),
]


@pytest.mark.parametrize(("n", "intercept", "apart"), CASES)
@pytest.mark.parametrize("loss", [*NUMBERS, *CLASSES])
def test_a_small_difference_is_felt(loss: str, n: int, intercept: bool, apart: float) -> None:
    X, clear, level, g = pair(n, apart)
    y, fresh = targets(loss, level, g), partial(model, loss, fit_intercept=intercept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        near, right = fresh().fit(X, y), fresh().fit(clear, y)
    gained = lowest(fresh(max_iter=2000).fit(clear[:, 2:], y)) - lowest(right)
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
    assert "by rounding alone" in sentence
    twin = np.column_stack((X[:, 0], 2.0 * X[:, 0], X[:, 2]))
    assert "rounding alone" not in model(loss).fit(twin, y).reason_.sentence


@pytest.mark.parametrize("terms", [1, 2, 5])
def test_a_column_that_nearly_is_a_sum(terms: int) -> None:
    g = np.random.default_rng(terms)
    parts, d = g.normal(size=(1000, terms)), g.normal(size=1000)
    X = np.column_stack((parts, parts.sum(axis=1) + 1e-9 * d))
    y = parts[:, 0] + (X[:, -1] - parts.sum(axis=1)) * 1e9 + 0.1 * g.normal(size=1000)
    assert DescentRegressor().fit(X, y).score(X, y) > 0.98


def test_what_is_left_out_has_a_name() -> None:
    X, _, level, _ = pair(500, 1e-15)
    frame = pd.DataFrame(X, columns=["start", "end", "weight"])
    sentence = DescentRegressor().fit(frame, level).reason_.sentence
    assert re.search(r"to which (start|end) is what (start|end) make", sentence), sentence


def test_an_exact_dependence_takes_nothing_away() -> None:
    g = np.random.default_rng(2)
    a, b = g.integers(0, 100, (2, 400)).astype(float)
    fitted = DescentRegressor().fit(np.column_stack((a, b, (a + 2.0 * b) / 8.0)), a - b)
    assert "rounding alone" not in fitted.reason_.sentence


@pytest.mark.parametrize("apart", [1e-6, 1e-8, 1e-10, 1e-12, 1e-13])
@pytest.mark.parametrize("loss", [SquaredError(), LogLoss(), Huber(), AbsoluteError()])
def test_a_stream_feels_it(loss: Any, apart: float) -> None:
    X, clear, level, _ = pair(6000, apart)
    y = np.sign(level + np.sin(40.0 * level)) if loss.name == "log_loss" else level
    settings = Settings(tol=1e-7)
    near = solve_stream(MemoryRows(X, y), loss, settings=settings)
    right = solve(clear, y, loss, settings=settings)
    assert near.sketches > 0  # it was not read into memory
    digits = 2e-7 + (1e-16 / apart) ** 2 * 1e3
    gained = 0.5 * np.var(y)  # about so much, whatever the loss
    assert abs(near.value - right.value) <= digits * gained
    assert near.value - right.value <= near.bound + 1e-12 * abs(right.value)
    np.testing.assert_allclose(near.w[0] + near.w[1], right.w[0], rtol=1e-2 + 3e-15 / apart)


def test_a_stream_says_what_is_rounding() -> None:
    X, _, level, _ = pair(6000, 1e-15)
    found = solve_stream(MemoryRows(X, level), SquaredError())
    (out,) = found.left_out
    assert {out.column, *out.others} == {0, 1}
    assert "by rounding alone" in found.reason.sentence


@pytest.mark.parametrize("n", [300, 20_000])
def test_rows_that_weigh_little_do_not_hide_it(n: int) -> None:
    g = np.random.default_rng(4)
    a, d = g.normal(size=(2, n))
    weights = 10.0 ** g.uniform(-12.0, 0.0, n)
    X = np.column_stack((a, a + np.where(weights > 1e-6, 1e-9, 1.0) * d))
    clear = np.column_stack((a, (X[:, 1] - X[:, 0]) / 1e-9))
    y = a + np.clip(clear[:, 1], -3.0, 3.0)
    near = solve(X, y, SquaredError(), weights=weights / weights.mean())
    right = solve(clear, y, SquaredError(), weights=weights / weights.mean())
    assert near.value == pytest.approx(right.value, rel=1e-9)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
def test_more_columns_than_rows_of_which_some_nearly_repeat(loss: str) -> None:
    g = np.random.default_rng(6)
    X = g.normal(size=(30, 60))
    X[20:] = X[:10] + 1e-9 * g.normal(size=(10, 60))
    y = g.normal(size=30)
    assert model(loss).fit(X, y).score(X, y) == pytest.approx(1.0, abs=1e-5)


def test_differences_of_differences_and_dummies() -> None:
    g = np.random.default_rng(7)
    n = 2000
    a, b, c, e = g.normal(size=(4, n))
    level = np.eye(4)[g.integers(0, 4, n)]
    first = a + 1e-6 * b
    X = np.column_stack((level, a, first, first + 1e-11 * c, 3.7 * a + 5.0 + 1e-10 * e))
    steps = (X[:, 5] - a) / 1e-6, (X[:, 6] - X[:, 5]) / 1e-11
    exact = X.astype(np.longdouble)  # no more than a check of the check where it is a double
    last = (exact[:, 7] - np.longdouble(3.7) * exact[:, 4] - 5.0) / np.longdouble(1e-10)
    clear = np.column_stack((level, a, *steps, last.astype(float)))
    y = a + b + c + e + level @ [0.0, 1.0, 2.0, 3.0] + 0.1 * g.normal(size=n)
    for rows in (X, sparse.csr_matrix(X)):
        near = solve(rows, y, SquaredError())
        right = solve(clear, y, SquaredError())
        assert near.value == pytest.approx(right.value, rel=1e-4)


def test_weights_go_back_and_forth() -> None:
    g = np.random.default_rng(3)
    a, b, c = g.normal(size=(3, 700))
    X = np.column_stack((a, b, a + 1e-9 * b * b, a + b, 1e3 + 3.7 * a + 1e-7 * c))
    parting = parting_of(X, np.ones(700), True)
    assert (len(parting.rests), len(parting.out)) == (2, 1)
    exchange = Exchange(parting, X.mean(axis=0), True, 1)
    w = g.normal(size=5)
    old = exchange.to_old(w)
    np.testing.assert_allclose(exchange.to_new(old), w, rtol=1e-6)
    new, scale = parting.apply(X), np.abs(X @ old[:5]).max()
    np.testing.assert_allclose(X @ old[:5] + old[5], new @ w[:4] + w[4], atol=1e-13 * scale)
    slope = g.normal(size=700)
    there, here = np.append(new.T @ slope, slope.sum()), np.append(X.T @ slope, slope.sum())
    np.testing.assert_allclose(exchange.gradient_to_old(there), here, rtol=1e-6, atol=1e-6)


def test_healthy_columns_pay_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("columns were looked at")

    monkeypatch.setattr("downslope.bowl.solve.parting_of", never)
    g = np.random.default_rng(8)
    for n, d in ((200, 3), (20_000, 30), (30, 80)):
        X = g.normal(size=(n, d)) * 10.0 ** g.uniform(-6, 6, d) + g.normal(size=d)
        y = X[:, 0] / X[:, 0].std() + g.normal(size=n)
        DescentRegressor().fit(X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few rows are told apart
            model("log_loss", max_iter=20).fit(X, np.where(g.random(n) < 0.3, 1, y > 0))


def exact_loss(X: Any, y: Any, w: Any, b: float) -> Fraction:
    """Half the mean of squares, without any rounding."""
    factors, total = [Fraction(float(v)) for v in w], Fraction(0)
    for row, target in zip(X.tolist(), y.tolist(), strict=True):
        z = sum((Fraction(x) * v for x, v in zip(row, factors, strict=True)), Fraction(float(b)))
        total += (z - Fraction(target)) ** 2
    return total / (2 * len(y))


@pytest.mark.parametrize("kind", ["milliseconds", "microseconds", "1e-12", "1e-13"])
def test_the_bound_holds_for_the_weights_as_they_are_answered(kind: str) -> None:
    g = np.random.default_rng(0)
    a, d = g.normal(size=(2, 80))
    if kind.endswith("seconds"):
        unit = {"milliseconds": 1e3, "microseconds": 1e6}[kind]
        a = np.round((1.7e9 + g.uniform(0.0, 3e7, 80)) * unit)
        X = np.column_stack((a, a + np.round(g.uniform(50.0, 500.0, 80))))
        clear = np.column_stack((a - 1.7e9 * unit, X[:, 1] - X[:, 0]))
    else:
        X = np.column_stack((a, a + float(kind) * d))
        clear = np.column_stack((a, (X[:, 1] - X[:, 0]) / float(kind)))
    y = 2.0 + clear[:, 1] / clear[:, 1].std() + 0.1 * g.normal(size=80)
    near, right = DescentRegressor().fit(X, y), DescentRegressor().fit(clear, y)
    here = exact_loss(X, y, near.coef_, float(np.ravel(near.intercept_)[0]))
    best = exact_loss(clear, y, right.coef_, float(np.ravel(right.intercept_)[0]))
    assert float(here - best) <= near.result_.bound + 1e-17
    assert near.result_.bound <= 1e-3 * float(here)


@pytest.mark.parametrize("l1", [1e-4, 1e-8, 1e-12])
@pytest.mark.parametrize("loss", [SquaredError(), Huber()])
def test_a_weak_l1_penalty_does_not_make_the_bound_false(loss: Any, l1: float) -> None:
    X, clear, level, _ = pair(200, 1e-9)
    scale = X.std(axis=0)
    found = solve(X, level, loss, Penalty(l1=l1), deviations=scale)
    free = solve(clear, level, loss)
    # Weights of X from those of its differences: what they cost is no more than the lowest does.
    w = np.array([free.w[0] - free.w[1] / 1e-9, free.w[1] / 1e-9, free.w[2]])
    most = free.value + l1 * float(np.abs(w) @ scale)
    assert found.value - found.bound <= most * (1.0 + 1e-9)


def test_equal_columns_and_a_weak_l1_penalty_converge() -> None:
    g = np.random.default_rng(9)
    a, b = g.normal(size=(2, 300))
    found = solve(np.column_stack((a, a, b)), a + b + g.normal(size=300), Huber(), Penalty(l1=1e-9))
    assert found.reason.converged


def findings(fitted: Any) -> dict[str, Any]:
    """What the run shows, by symptom."""
    return {each.symptom: each for each in fitted.diagnosis_.findings}


@pytest.mark.parametrize("apart", [1e-7, 1e-10])
def test_a_column_that_is_felt_is_not_said_to_depend_on_others(apart: float) -> None:
    X, _, level, _ = pair(300, apart)
    assert "rank_deficient" not in findings(DescentRegressor().fit(X, level))


def test_only_an_exact_dependence_is_called_exact() -> None:
    g = np.random.default_rng(10)
    a, b = g.normal(size=(2, 300))
    same = findings(DescentRegressor().fit(np.column_stack((a, b, a)), a + b))["rank_deficient"]
    assert "exactly" in same.sentence
    X = np.column_stack((a, b, a * 0.1 + b * 0.7))
    rounded = findings(DescentRegressor().fit(X, a + b))["rank_deficient"]
    assert "exactly" not in rounded.sentence
    assert "which is rounding" in rounded.sentence
    assert rounded.names == ("column 0", "column 1", "column 2")


def test_a_better_solution_next_door_is_a_finding() -> None:
    x = np.linspace(0.0, 1.0, 40)
    table = read_table({"x": x.tolist(), "y": np.sin(7.0 * x).tolist()})
    done = fit(prepare(table, Ask("y")))
    assert bound_broken(done) is None
    assert done.reference is not None
    lower = replace(done, reference=replace(done.reference, value=done.reference.value - 1e-3))
    found = diagnosed(lower)
    assert found.verdict == "bound_broken"
    assert found.findings[0].number == pytest.approx(1e-3, rel=1e-6)
    assert f"{lower.reference.value:.10g}" in found.findings[0].sentence
    assert "Nothing to mend" not in str(found)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_columns_too_many_to_be_told_apart_are_not_vouched_for(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downslope.bowl.near_columns.MOST_COLUMNS", 2)
    X, clear, level, _ = pair(300, 1e-9)
    found = solve(kind(X), level, SquaredError())
    assert "3 columns are too many to be told apart" in found.reason.sentence
    assert "too many" not in solve(kind(clear), level, SquaredError()).reason.sentence
