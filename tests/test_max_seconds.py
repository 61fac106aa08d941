"""A budget of time: every solver and every walk ends, keeps its best point, and says so."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import sparse

from downslope import DescentClassifier, DescentRegressor, clock
from downslope.bowl.regimes import lowest_point
from downslope.estimating import NotConverged
from downslope.fitting.asked import Ask
from downslope.fitting.fit_files import fit_files
from downslope.stopping import MaxSeconds, Sight

RNG = np.random.default_rng(0)


class Clock:
    """Every look at it costs so many seconds."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.looks = itertools.count()

    def __call__(self):
        return self.seconds * next(self.looks)


def rows(n, d, kind="numbers", classes=0):
    X = RNG.normal(size=(n, d)) * np.exp(RNG.normal(size=d))
    if kind == "sparse":
        X = sparse.random_array((n, d), density=0.05, rng=RNG, format="csr")
    z = np.asarray(X[:, :3].sum(axis=1)).ravel() + 0.5 * RNG.normal(size=n)
    if kind == "counts":
        return X, RNG.poisson(np.exp(np.clip(z / 4, -3, 3)))
    if classes:
        edges = np.quantile(z, np.linspace(0, 1, classes + 1)[1:-1])
        return X, np.searchsorted(edges, z)
    return X, z


SOLVERS = {
    "newton": (DescentRegressor(loss="huber"), rows(300, 8)),
    "round bowl": (DescentRegressor(loss="huber", epsilon=0.1), rows(3000, 100)),
    "run-up to the round bowl": (DescentRegressor(loss="poisson"), rows(3000, 100, "counts")),
    "wide": (DescentRegressor(loss="huber"), rows(30, 1500)),
    "scaled walk": (DescentRegressor(loss="huber"), rows(500, 3000, "sparse")),
    "interior": (DescentRegressor(loss="absolute_error"), rows(200, 8)),
    "smoothing": (DescentRegressor(loss="quantile"), rows(3000, 100)),
    "smoothing, wide": (DescentClassifier(loss="hinge", alpha=0.01), rows(50, 1500, classes=2)),
    "lasso": (DescentRegressor(loss="huber", penalty="l1", alpha=0.001), rows(300, 50)),
    "working set": (DescentRegressor(penalty="l1", alpha=0.1), rows(60, 2500)),
    "columns": (DescentRegressor(penalty="l1", alpha=0.01), rows(500, 3000, "sparse")),
    "classes": (DescentClassifier(alpha=1e-3), rows(500, 20, classes=4)),
    "one against the rest": (DescentClassifier(loss="squared_hinge"), rows(500, 20, classes=4)),
    "mini-batches": (DescentRegressor(batch_size=32), rows(2000, 8)),
    "single rows": (DescentRegressor(learning_rate="invscaling", tol=None), rows(500, 8)),
    "all rows": (DescentRegressor(learning_rate=1e-3), rows(500, 8)),
}


def told(model, X, y):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model.fit(X, y)
    return [str(each.message) for each in heard if each.category is NotConverged]


@pytest.mark.parametrize("seconds", [20.0, 9.0])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_obeys(monkeypatch, solver, seconds):
    model, (X, y) = SOLVERS[solver]
    monkeypatch.setattr(clock.time, "perf_counter", Clock(seconds))
    model = model.set_params(max_seconds=10.0)
    said = told(model, X, y)
    assert model.reason_.name == "max_seconds", model.reason_
    assert said == [model.reason_.sentence]
    assert not model.reason_.converged
    assert "the limit" in said[0]
    assert np.isfinite(model.coef_).all()
    assert len(model.history_)
    assert model.diagnosis_


@pytest.mark.parametrize("solver", SOLVERS)
def test_time_enough_changes_nothing(solver):
    model, (X, y) = SOLVERS[solver]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        free = model.set_params(max_seconds=None, random_state=0).fit(X, y).coef_
        timed = model.set_params(max_seconds=1e9).fit(X, y).coef_
    np.testing.assert_array_equal(free, timed)


def test_the_best_point_so_far_is_kept(monkeypatch):
    X, y = rows(3000, 100)
    values = []
    for seconds in (20.0, 2.0, 1.0, 0.0):
        monkeypatch.setattr(clock.time, "perf_counter", Clock(seconds))
        model = DescentRegressor(loss="huber", max_seconds=10.0, random_state=0)
        told(model, X, y)
        values.append(model.history_["value"][-1])
    assert values == sorted(values, reverse=True), values
    assert values[0] > values[-1]


def test_a_budget_within_another(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(clock.time, "perf_counter", lambda: now[0])
    with clock.time_limit(10.0):
        now[0] = 8.0
        with clock.time_limit(10.0):
            assert clock.overdue() is None
            now[0] = 11.0
            assert clock.overdue() == 11.0
            now[0] = 13.0
            clock.ask()  # nothing was told yet
            clock.told()
            now[0] = 12.0
            clock.ask()  # within the grace
            now[0] = 13.0
            with pytest.raises(clock.OutOfTime):
                clock.ask()
    assert clock.overdue() is None
    clock.ask()


def test_the_bound_is_said_where_it_is_known(monkeypatch):
    X, y = rows(3000, 100)
    monkeypatch.setattr(clock.time, "perf_counter", Clock(2.0))
    model = DescentRegressor(loss="huber", epsilon=0.1, tol=1e-12, max_seconds=20.0)
    assert "above the lowest possible loss" in told(model, X, y)[0]


@pytest.mark.parametrize("loss", ["mse", "quantile"])
@pytest.mark.parametrize("batch_size", ["auto", 64])
def test_streams_obey(monkeypatch, tmp_path, loss, batch_size):
    X, y = rows(4000, 5)
    path = tmp_path / "rows.csv"
    np.savetxt(path, np.column_stack((X, y)), delimiter=",", header="a,b,c,d,e,y", comments="")
    monkeypatch.setattr(clock.time, "perf_counter", Clock(20.0))
    done = fit_files(str(path), Ask("y", loss=loss, batch_size=batch_size, max_seconds=10.0))
    assert done.reason.name == "max_seconds"
    assert np.isfinite(done.model().coefficients).all()


def test_every_solver_is_among_them():
    """The table of solvers in ``lowest_point`` names nothing that is not tried here."""
    lines = [line.strip() for line in (lowest_point.__doc__ or "").splitlines()]
    assert sum(line.startswith("===") for line in lines) == 3  # the table is still there
    named = {"interior", "smoothing", "lasso", "working_set", "newton", "wide", "bowl"}
    assert all(any(f"``{name}" in line for line in lines) for name in named)


def test_the_stop():
    sight = Sight(1, 0, 1.0, None, 1.0, 0.1, 3.0, float("nan"))
    reason, _ = MaxSeconds(3.0).ask(sight, None)
    assert str(reason) == "max_seconds: Stopped after 3.0 s, the limit."
    assert MaxSeconds(3.5).ask(sight, None) == (None, None)
