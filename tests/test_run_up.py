"""A pass that walks while it reads: where it ends, and when it is not taken."""

import numpy as np
import pytest
from bowl_problems import SHAPES, lowest, objective, problem
from hypothesis import given
from hypothesis import strategies as st

import downslope.bowl.run_up as module
from downslope.bowl.metric import metric_of
from downslope.bowl.passes import DensePasses
from downslope.bowl.pilot import null_weights, pilot
from downslope.bowl.run_up import STRATA, carriers, run_up, run_up_pays, turns, walk
from downslope.bowl.smooth import Settings, Smooth
from downslope.bowl.solve import solve
from downslope.kernels.views import read_only
from downslope.penalties import Penalty

ROWS, COLUMNS = 60_000, 12
LOSSES = ["squared_error", "poisson", "gamma", "log_loss"]


@pytest.fixture
def eager(monkeypatch):
    """A run-up wherever there is a pilot."""
    monkeypatch.setattr(module, "MANY", 1)
    monkeypatch.setattr(module, "LONG", 0.0)


def rows_of(p, weights=None):
    """Passes over the rows of a problem, and the objective that they make."""
    weights = np.ones(len(p.y)) if weights is None else weights / weights.mean()
    X = read_only(np.ascontiguousarray(p.X))
    passes = DensePasses(X, read_only(p.y), read_only(weights), p.loss, p.fit_intercept)
    ridge = np.full(p.X.shape[1] + p.fit_intercept, p.l2)
    ridge[p.X.shape[1] :] = 0.0
    return passes, Smooth(passes, ridge)


def piloted(p, rows=1000, seed=0):
    """What a run-up begins with."""
    passes, smooth = rows_of(p)
    sample = passes.sample(rows, seed)
    shift = sample.centers()
    w, _ = pilot(sample, smooth.ridge, null_weights(sample), shift, 0.0)
    return smooth, passes, sample, w, 1000, shift, 0.0, seed


@given(st.integers(1, 4000), st.floats(0.0, 5000.0), st.integers(0, 9))
def test_every_row_has_one_turn(n_rows, met, seed):
    stretches = np.concatenate(turns(n_rows, met, seed))
    rows = np.concatenate([np.arange(first, last) for first, last in stretches])
    np.testing.assert_array_equal(np.sort(rows), np.arange(n_rows))


def test_a_turn_takes_rows_from_everywhere_and_none_is_long():
    met = 1000
    for turn in turns(1_000_000, met, seed=0)[:-1]:
        parts, rows = turn[:, 0] * STRATA // 1_000_000, (turn[:, 1] - turn[:, 0]).sum()
        assert len(np.unique(parts)) == STRATA
        assert rows == pytest.approx(0.5 * met, rel=0.1)
        met += rows


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_all_turns_together_are_a_pass(loss, kind, threads, monkeypatch):
    p = problem("gauss", loss, n=ROWS)
    p, w = p._replace(X=p.X.astype(kind)), 0.1 * np.ones(COLUMNS + 1)
    passes, _ = rows_of(p, np.random.default_rng(0).exponential(size=ROWS))
    told = [(passes.part(w, turn), len_of(turn)) for turn in turns(ROWS, 500.0, 0)]
    value, gradient = passes.at(w)
    assert sum(part[0] * rows for part, rows in told) / ROWS == pytest.approx(value, rel=1e-12)
    total = sum(part[1] * rows for part, rows in told) / ROWS
    np.testing.assert_allclose(total, gradient, rtol=1e-10, atol=1e-13)
    monkeypatch.setattr("downslope.kernels.team.n_threads", lambda: threads)
    for (one, slopes), turn in zip((part for part, _ in told), turns(ROWS, 500.0, 0), strict=True):
        again = passes.part(w, turn)
        assert again[0] == one
        np.testing.assert_array_equal(again[1], slopes)


def len_of(turn):
    return int((turn[:, 1] - turn[:, 0]).sum())


def test_a_single_turn_with_the_exact_curvature_reaches_the_lowest_point(monkeypatch):
    p = problem("gauss", "squared_error", n=2000, l2=1e-3)
    passes, smooth = rows_of(p)
    start, shift = np.zeros(COLUMNS + 1), passes.centers()
    table = passes.sketch(start, None, shift, 0.0, 0).table
    metric = metric_of(table, shift, smooth.ridge, 2000, 1, None)
    monkeypatch.setattr(module, "GROWTH", 1e9)
    w, _ = walk(smooth, passes, start, metric, 1e-4, 0)
    assert objective(p, w) == pytest.approx(lowest(p), rel=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("shape", ["gauss", "sorted", "scales"])
@pytest.mark.parametrize("loss", LOSSES)
def test_it_gains_more_than_a_step_in_round_coordinates_could(loss, shape, seed):
    p = problem(shape, loss, n=ROWS)
    begun = piloted(p, seed=seed)
    view = run_up(*begun)
    best = lowest(p)
    before, after = objective(p, begun[3]) - best, view.value - best
    assert view.value == pytest.approx(objective(p, view.w), rel=1e-9)
    assert after < before / 40, (before, after)


def test_the_order_of_rows_says_nothing():
    p = problem("gauss", "log_loss", n=ROWS)
    order = np.argsort(p.y, kind="stable")  # one class after the other
    view = run_up(*piloted(p._replace(X=p.X[order], y=p.y[order])))
    assert view.value - lowest(p) < 1e-4


def with_level(rows):
    """A problem with a level that so many rows have, one after the other."""
    p = problem("gauss", "log_loss", n=ROWS)
    X = p.X.copy()
    X[:, 0] = 0.0
    X[np.linspace(0, ROWS - 1, rows).astype(int), 0] = 1.0
    return p._replace(X=X)


def test_a_level_that_the_sample_hardly_knows_is_walked_by_the_sketch_of_all_rows():
    p = with_level(300)
    begun = piloted(p)
    assert carriers(begun[2].X[:, :1]) < module.CARRIERS
    view = run_up(*begun)
    best = lowest(p)
    assert begun[0].read == pytest.approx(5.0), "two sketches, which count twice, and the walk"
    assert view.value - best < (objective(p, begun[3]) - best) / 10


@pytest.mark.parametrize("size", [1e-200, 1e-90, 1.0, 1e90, 1e200])
def test_carriers_do_not_depend_on_the_size_of_a_column(size):
    table = np.column_stack((np.ones(40), np.repeat([0.0, size], [30, 10])))
    assert carriers(table) == pytest.approx(10.0)
    assert carriers(0.0 * table) == 0.0


def test_a_level_of_a_few_rows_is_not_walked():
    begun = piloted(with_level(6))
    view = run_up(*begun)
    np.testing.assert_array_equal(view.w, begun[3])
    assert begun[0].read == 2.0, "one sketch"


@pytest.mark.parametrize("level", [False, True], ids=["by sample", "by sketch"])
def test_a_walk_that_leads_up_is_forgotten(level, monkeypatch):
    begun = piloted(with_level(300) if level else problem("gauss", "log_loss", n=ROWS))
    here = objective(problem("gauss", "log_loss", n=ROWS), begun[3])
    monkeypatch.setattr(module, "walk", lambda *_: (begun[3] + 9.0, here))
    np.testing.assert_array_equal(run_up(*begun).w, begun[3])


@pytest.mark.parametrize("times", [1e2, 1e120])
def test_steps_that_are_far_too_long_end_the_walk(times):
    smooth, passes, sample, w, _, shift, _, _ = piloted(problem("gauss", "squared_error", n=ROWS))
    table = sample.sketch(w, None, shift, 0.0, 0).table / np.sqrt(times)
    metric = metric_of(table, shift, smooth.ridge, sample.n_rows, 1, None)
    with np.errstate(all="ignore"):
        there, _ = walk(smooth, passes, w, metric, 500.0, 0)
    assert there is w
    assert smooth.read < 1.0


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_answer_is_that_without_it(loss, shape, monkeypatch):
    """Whatever the columns: both answers are within their bounds of one lowest value."""
    p = problem(shape, loss, n=20_000, l2=1e-6)
    method = "conjugate" if loss == "squared_error" else "quasi_newton"
    found = []
    for many in (1, 10**9):
        monkeypatch.setattr(module, "MANY", many)
        settings = Settings(method=method)
        found.append(solve(p.X, p.y, p.loss, Penalty(l2=p.l2), settings=settings))
    with_it, without = found
    rounding = 1e-12 * max(abs(with_it.value), 1e-3)
    assert with_it.reason.converged, with_it.reason
    assert with_it.value - without.value <= with_it.bound + rounding
    assert without.value - with_it.value <= without.bound + rounding
    assert with_it.passes <= without.passes + 6.0


@pytest.mark.parametrize(
    ("n", "m", "pays"),
    [(1_000_000, 101, True), (581_012, 55, True), (200_000, 501, False), (100_000, 20, False)],
)
def test_it_is_for_many_rows(n, m, pays):
    assert run_up_pays(n, m) is pays
