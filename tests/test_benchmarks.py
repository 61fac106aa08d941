"""The referee of the convex benchmark: its objective, its optimum, its processes."""

import numpy as np
import pytest

pytest.importorskip("benchmarks.convex.objective")

from benchmarks.convex import datasets
from benchmarks.convex.__main__ import MARKS, write
from benchmarks.convex.figure import lowest_by_then
from benchmarks.convex.objective import Problem, newton, null_value, value
from benchmarks.convex.process import Worker, kernels, pinned
from benchmarks.convex.race import ALONE, OURS, Race, curve_of, gap_of, seconds_to
from benchmarks.convex.solvers import ours
from benchmarks.convex.targets import Target, limit_ratio

LOSSES = ("squared", "logistic", "multinomial")


def small(loss: str, **penalty: float) -> Problem:
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 4)) * [1.0, 10.0, 0.1, 1.0] + 3.0
    z = X @ [1.0, 0.1, 5.0, 0.0]
    y = {
        "squared": z,
        "logistic": np.where(z + random.logistic(size=300) > z.mean(), 1.0, -1.0),
        "multinomial": np.digitize(z + random.normal(size=300), np.quantile(z, (0.3, 0.6))) * 1.0,
    }[loss]
    return Problem("small", X, y, loss, **penalty)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", [{"l2": 1e-3}, {"l1": 1e-2}, {"l2": 1e-3, "l1": 1e-2}])
def test_our_answer_is_the_referees_lowest(loss, penalty):
    problem = small(loss, **penalty)
    w = ours.fit(problem, 1e-10).w
    best, rng = value(problem, w), np.random.default_rng(1)
    assert best < null_value(problem)
    for _ in range(20):
        assert value(problem, w + 1e-3 * rng.normal(size=len(w))) >= best - 1e-9


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_newton_written_apart_agrees(loss):
    problem = small(loss, l2=1e-3)
    found = newton(problem)
    assert value(problem, found) == pytest.approx(
        value(problem, ours.fit(problem, 1e-12).w), abs=1e-10
    )


@pytest.mark.parametrize(("rounds", "runs"), [(3, 12), (None, 4)], ids=["told", "not told"])
def test_budgets_that_are_met_by_the_same_rounds_are_no_stall(rounds, runs):
    """Only the last budget leads lower: who stops before takes another value for the lowest."""

    class Scripted:
        solver = OURS

        def fit(self, name, budget, limit):
            last = budget == ours.SOLVERS[0].budgets[-1]
            return {"value": 1.0 - last, "cpu": 0.1, "rounds": 9 if last and rounds else rounds}

    assert len(curve_of(Scripted(), "", 1.0, 2.0, np.inf)) == runs


def test_gaps_and_times():
    run = {"value": 1.5}
    assert gap_of(run, first=2.0, lowest=1.0) == 0.5
    assert gap_of({"value": 1.0}, first=2.0, lowest=1.0) == 1e-16
    curve = [(1.0, 1e-2), (3.0, 1e-7), (2.0, 1e-6)]
    assert seconds_to(curve, 1e-6) == 2.0
    assert seconds_to(curve, 1e-9) == np.inf


def test_a_figure_shows_the_best_by_then():
    curve = [(1.0, 1e-2), (3.0, 1e-7), (2.0, 1e-1), (4.0, 1e-6)]
    assert lowest_by_then(curve) == ([1.0, 3.0], [1e-2, 1e-7])


def test_a_solver_in_its_own_process_and_one_that_takes_too_long(tmp_path, monkeypatch):
    for what in ("benchmarks.convex.process.LOGS", "benchmarks.convex.datasets.OUT"):
        monkeypatch.setattr(what, tmp_path)
    monkeypatch.setattr(datasets, "problems", lambda: {"small": lambda: small("logistic", l2=1e-3)})
    problem = datasets.load("small")
    assert (tmp_path / "small" / "rest.npz").exists()
    assert (datasets.load("small").X == problem.X).all()
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    with Worker("sklearn-lbfgs", 1) as worker:
        run = worker.fit("small", 1e-8, limit=20.0)
        assert run["value"] == pytest.approx(value(problem, newton(problem)), rel=1e-6)
        assert run["cpu"] > 0.0
        assert worker.warm_up > 0.0
    with Worker("sklearn-saga", 1) as worker:
        assert worker.fit("small", 1e-15, limit=0.02) is None, "ten thousand epochs take longer"
        assert worker.process is None


def test_a_target_is_met_missed_or_not_told(monkeypatch):
    monkeypatch.setattr("benchmarks.convex.race.load", lambda name: small("squared", l2=1e-3))
    race = Race("squared-2e5x500", threads=1, seconds=60.0, times=None)
    race.lowest, race.ours = 0.0, 1.0
    run = {"cpu": 1.0, "value": 0.0, "rounds": 5, "budget": 1.0}
    race.runs = {OURS: [run], "sklearn-ridge-cholesky": [run | {"cpu": 9.0}], "sklearn-sgd": []}
    race.medians = {1e-6: {OURS: 1.0, "sklearn-ridge-cholesky": 8.0}}
    assert race.able(1e-6) == [OURS, "sklearn-ridge-cholesky"]
    cholesky, sgd = ("sklearn-ridge-cholesky",), ("sklearn-sgd",)
    assert race.judge(Target(7.0, cholesky)) == ("sklearn-ridge-cholesky 8 s, 8x", "met")
    assert race.judge(Target(9.0, cholesky))[1] == "MISSED"
    assert race.limit("sklearn-ridge-cholesky") == 1.25 * 3.0
    assert race.limit("sklearn-sgd") == limit_ratio("squared-2e5x500", "sklearn-sgd") == 3.0
    assert race.judge(Target(3.0, sgd)) == ("none of 1 in 3.0 s, > 3x", "met")
    assert race.judge(Target(6.0, sgd))[1].startswith("not told")
    assert race.judge(Target(1.0, ("celer",))) == ("no peer takes it", "not told")
    assert race.judge(Target(1.0, level=1e-5))[1] == "MISSED"
    race.runs[ALONE] = [run | {"cpu": 0.1}]
    race.medians[1e-6][ALONE] = 0.1
    assert race.judge(Target(1.0))[0].startswith("sklearn-ridge"), "our solver is not our peer"


def test_reads_of_the_rows_are_judged(monkeypatch):
    monkeypatch.setattr("benchmarks.convex.race.load", lambda name: small("logistic", l2=1e-3))
    race = Race("logistic-1e6x100-c1e2", threads=1, seconds=60.0, times=None)
    assert race.judge_reads() == "-", "nothing was measured"
    race.read, race.medians = 0.1, {1e-6: {OURS: 1.0}}
    assert race.judge_reads() == "10.0 (12: met)"
    race.medians[1e-6][OURS] = 1.5
    assert race.judge_reads() == "15.0 (12: MISSED)"


def test_a_workers_environment_leaves_the_blas_its_kernel(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "1024")
    environment = pinned(2)
    assert not {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"} & set(environment)
    assert environment["OPENBLAS_NUM_THREADS"] == "2"
    assert "Prescott" not in kernels()


def test_a_summary_is_written_between_its_marks(tmp_path):
    path = tmp_path / "results.md"
    path.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
    write(path, "new\n")
    assert path.read_text() == f"before\n{MARKS[0]}\nnew\n{MARKS[1]}\nafter\n"
    path.write_text("no marks")
    with pytest.raises(SystemExit, match="put them there"):
        write(path, "new\n")
    assert path.read_text() == "no marks"
