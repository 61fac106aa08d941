"""Every solver on every problem: curves of gap against time, and tables of ratios.

    python -m benchmarks.convex [--quick] [--threads 1 2] [--seconds 60] [PROBLEM ...]

Each solver runs in a process of its own with its threads pinned. Importing, compiling and a first
fit are apart (column "warm-up"), and so are other layouts of the rows and rates tuned on a grid
("prepared"). A solver's curve is one fit per budget, from loose to tight, each ended after
``--times`` times what ours needs to 1e-9, and no later than ``--seconds``: "-" means that the gap
was not reached by then. Ours, the best peer at 1e-6 and those of the target are then run
five times in turn, and ratios are of medians. Seconds are processor time on one thread, which other
work on the machine hardly touches, and wall time on several.
"""

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.convex import figure
from benchmarks.convex.datasets import load, problems
from benchmarks.convex.memory import read_once
from benchmarks.convex.objective import newton, null_value, value
from benchmarks.convex.process import Worker
from benchmarks.convex.solvers import solvers
from benchmarks.convex.targets import TARGETS, Target

OUT = Path(__file__).parents[1] / "out"
LEVELS = (1e-3, 1e-6, 1e-9)
QUICK = ("quick-logistic-1e5x50", "quick-squared-1e5x100", "quick-sparse-2e4x1e4")
OURS = "downslope"
ROUNDS = 5
TOTAL = 1.5
"""All fits of a curve together, in limits of one."""
LIBRARIES = (
    "numpy scipy numba scikit-learn torch snapml glum skglm celer cyanure liblinear-official "
    "vowpalwabbit"
)
Runs = list[dict]


def gap_of(run: dict, first: float, lowest: float) -> float:
    """Height left over height at the start; not below rounding."""
    return max((run["value"] - lowest) / (first - lowest), 1e-16)


def curve_of(worker: Worker, name: str, limit: float, first: float, lowest: float) -> Runs:
    """One fit per budget, from loose to tight, until nothing more is gained or time is up."""
    runs: Runs = []
    best, spent, stalls = np.inf, 0.0, 0
    budgets = solvers()[worker.solver].budgets
    once = worker.fit(name, budgets[0], limit)
    if once is None:
        return runs
    for i, budget in enumerate(budgets):
        # What a first fit costs beyond a second one is not the method's.
        again = i > 0 or once["cpu"] < limit / 10
        run = worker.fit(name, budget, limit) if again else once
        if run is None:
            break
        runs.append(run | {"budget": budget})
        spent += run["cpu"]
        stalls = stalls + 1 if run["value"] > best - 1e-14 * abs(best) else 0
        best = min(best, run["value"])
        done = gap_of(run, first, lowest) <= 1e-11 if np.isfinite(lowest) else stalls == 3
        if done or stalls == 3 or spent > TOTAL * limit:
            break
    return runs


def seconds_to(curve: list[tuple[float, float]], level: float) -> float:
    """Least seconds of a run that came within the level."""
    return min((t for t, gap in curve if gap <= level), default=np.inf)


class Race:
    """All solvers on one problem."""

    def __init__(self, name: str, threads: int, seconds: float, times: float) -> None:
        self.problem, self.name, self.threads = load(name), name, threads
        self.seconds, self.times = seconds, times
        self.clock = "cpu" if threads == 1 else "wall"
        self.first, self.lowest = null_value(self.problem), np.inf
        self.limit = seconds
        self.runs: dict[str, Runs] = {}
        self.warm: dict[str, tuple[float, float]] = {}
        self.failed: dict[str, str] = {}

    def enter(self, worker: Worker) -> None:
        """Run one solver's curve. Ours comes first: its time says how long peers may take."""
        if not solvers()[worker.solver].takes(self.problem):
            return
        runs = curve_of(worker, self.name, self.limit, self.first, self.lowest)
        self.runs[worker.solver] = runs
        self.warm[worker.solver] = (worker.warm_up, worker.prepared)
        if not runs and worker.failed:
            self.failed[worker.solver] = worker.failed
        self.lowest = min([self.lowest, *(run["value"] for run in runs)])
        if worker.solver == OURS:
            tight = seconds_to(self.curves()[OURS], 1e-9)
            tight = tight if np.isfinite(tight) else runs[-1][self.clock]
            self.limit = min(self.seconds, max(self.times * tight, 1.0))

    def exact(self) -> None:
        """The lowest value by Newton steps written apart, where that is cheap."""
        if self.problem.X.shape[0] * self.problem.X.shape[1] < 3e7:
            found = newton(self.problem)
            if found is not None:
                self.lowest = min(self.lowest, value(self.problem, found))

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """Seconds and gap of every run by solver."""
        return {
            solver: [(run[self.clock], gap_of(run, self.first, self.lowest)) for run in runs]
            for solver, runs in self.runs.items()
        }

    def budget(self, solver: str, level: float) -> float | None:
        """Budget of the fastest run that came within the level."""
        able = [r for r in self.runs[solver] if gap_of(r, self.first, self.lowest) <= level]
        return min(able, key=lambda r: r[self.clock])["budget"] if able else None

    def rounds(self, solver: str, level: float) -> str:
        """Passes or iterations of that run."""
        budget = self.budget(solver, level)
        found = [r["rounds"] for r in self.runs[solver] if r["budget"] == budget]
        return f"{found[0]:.0f}" if found and found[0] is not None else "-"

    def tell(self) -> None:
        """Print the table of the problem and draw its curves."""
        problem, curves = self.problem, self.curves()
        plural = "s" * (self.threads > 1)
        n, d = problem.X.shape
        print(
            f"\n## {self.name} ({n:,} x {d:,}, {problem.loss}, l2 = {problem.l2:g}, "
            f"l1 = {problem.l1:.3g}), {self.threads} thread{plural}, {self.clock} seconds, "
            f"each fit at most {self.limit:.1f} s\n"
        )
        if isinstance(problem.X, np.ndarray) and self.threads == 1:
            once, product = read_once(problem.X)
            tight = seconds_to(curves[OURS], 1e-6)
            print(
                f"one read (X.sum()): {once:.4f} s; X @ w: {product:.4f} s; ours to 1e-6 is "
                f"{tight / product:.1f} X @ w\n"
            )
        print(
            "| solver | to 1e-3 | to 1e-6 | to 1e-9 | rounds | best gap | warm-up | prepared | ",
            end="",
        )
        print("/ ours at 1e-6 |\n|---|---|---|---|---|---|---|---|---|")
        ours = seconds_to(curves.get(OURS, []), 1e-6)
        order = sorted(curves, key=lambda s: tuple(seconds_to(curves[s], v) for v in (1e-6, 1e-3)))
        for solver in order:
            times = [seconds_to(curves[solver], level) for level in LEVELS]
            cells = [f"{t:.3f}" if np.isfinite(t) else "-" for t in times]
            gaps = [gap for _, gap in curves[solver]]
            best = f"{min(gaps):.0e}" if gaps else self.failed.get(solver, "too slow")
            ratio = f"{times[1] / ours:.1f}" if np.isfinite(times[1]) else "-"
            warm, prepared = self.warm[solver]
            counts = solvers()[solver].counts
            rounds = f"{self.rounds(solver, 1e-6)} {counts}"
            row = [solver, *cells, rounds, best, f"{warm:.2f}", f"{prepared:.2f}", ratio]
            print(f"| {' | '.join(row)} |", flush=True)
        figure.draw(f"{self.name}-{self.threads}", curves, OUT / "figures")

    def in_turn(self) -> None:
        """Ours, the best peers and those of the target, five times in turn."""
        curves, wanted = self.curves(), TARGETS.get(self.name, (Target(1.0),))
        for level in sorted({target.level for target in wanted}, reverse=True):
            able = [s for s in curves if np.isfinite(seconds_to(curves[s], level))]
            if OURS not in able:
                print(f"\nours did not reach {level:g}")
                continue
            peers = sorted(
                (s for s in able if s != OURS), key=lambda s: seconds_to(curves[s], level)
            )
            named = [s for t in wanted if t.level == level for s in t.peers if s in peers]
            slow = 20.0 * max(seconds_to(curves[OURS], level), 0.5)
            named = [s for s in named if seconds_to(curves[s], level) < slow]
            chosen = [OURS, *dict.fromkeys([*peers[:1], *named])]
            medians = self._medians(chosen, level)
            for target in wanted:
                if target.level == level:
                    self._judge(
                        target, {s: medians.get(s, seconds_to(curves[s], level)) for s in able}
                    )

    def _medians(self, chosen: list[str], level: float) -> dict[str, float]:
        workers = [Worker(solver, self.threads) for solver in chosen]
        times: dict[str, list[float]] = {solver: [] for solver in chosen}
        for turn in range(ROUNDS + 1):  # the first round is for warming up
            for worker in workers:
                run = worker.fit(self.name, self.budget(worker.solver, level), 2 * self.seconds)
                if run is not None and turn > 0:
                    times[worker.solver].append(run[self.clock])
        for worker in workers:
            worker.stop()
        medians = {s: float(np.median(seen)) for s, seen in times.items() if seen}
        for solver, seen in times.items():
            if seen:
                ratio = medians[solver] / medians[OURS]
                rounds = f"{self.rounds(solver, level)} {solvers()[solver].counts}"
                print(
                    f"\n{solver} to {level:g}: median of {len(seen)} in turn "
                    f"{medians[solver]:.4f} s ({min(seen):.4f} to {max(seen):.4f}), {rounds}, "
                    f"{ratio:.2f} x ours"
                )
        return medians

    def _judge(self, target: Target, medians: dict[str, float]) -> None:
        peers = {s: t for s, t in medians.items() if s != OURS and s in (target.peers or medians)}
        whom = " and ".join(target.peers) or "every peer"
        if not peers:
            least = self.limit / medians[OURS]
            met = "met" if least >= target.ratio else "not told: give --times more"
            print(
                f"\ntarget: {target.ratio:.2g}x of {whom} to {target.level:g}: none came there in "
                f"{self.limit:.1f} s, {least:.1f}x ours, {met}",
                flush=True,
            )
            return
        best = min(peers, key=lambda s: peers[s])
        ratio = peers[best] / medians[OURS]
        met = "met" if ratio >= target.ratio else "MISSED"
        print(
            f"\ntarget: {target.ratio:.2g}x of {whom} to {target.level:g}: "
            f"{ratio:.2f}x of {best}, {met}",
            flush=True,
        )

    def keep(self) -> None:
        """Write everything that was measured as JSON."""
        folder = OUT / "results"
        folder.mkdir(parents=True, exist_ok=True)
        kept = {"first": self.first, "lowest": self.lowest, "warm": self.warm, "runs": self.runs}
        path = folder / f"{self.name}-{self.threads}.json"
        path.write_text(json.dumps(kept, indent=1))


def race(names: list[str], only: list[str], threads: int, seconds: float, times: float) -> None:
    """Every solver once over these problems, in one process of its own; then the tables."""
    races = [Race(name, threads, seconds, times) for name in names]
    for solver in [OURS, *(s for s in solvers() if s != OURS and (not only or s in only))]:
        with Worker(solver, threads) as worker:
            for one in races:
                began = time.perf_counter()
                one.enter(worker)
                spent = time.perf_counter() - began
                print(f"{one.name} {solver}: {spent:.1f} s", file=sys.stderr, flush=True)
    for one in races:
        one.exact()
        one.tell()
        one.in_turn()
        one.keep()


def machine() -> str:
    """Versions and processor."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.split(": ")[1] for x in lines if x.startswith("model name")), "")
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES.split() if has(name))
    return (
        f"# {platform.machine()} {model}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {versions}"
    )


def has(name: str) -> bool:
    """Whether a package is installed."""
    try:
        version(name)
    except ModuleNotFoundError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*")
    parser.add_argument("--quick", action="store_true", help="three small problems, 2 s a fit")
    parser.add_argument("--threads", type=int, nargs="+")
    parser.add_argument("--seconds", type=float, help="most of one fit")
    parser.add_argument(
        "--times", type=float, default=40.0, help="most of one fit, of ours to 1e-9"
    )
    parser.add_argument("--solvers", nargs="*", default=[])
    options = parser.parse_args()
    known = [name for name in problems() if not name.startswith("quick-")]
    names = options.problems or list(QUICK if options.quick else known)
    seconds = options.seconds or (1.0 if options.quick else 60.0)
    print(f"# {' '.join(['python -m benchmarks.convex', *sys.argv[1:]])}")
    print(machine())
    for threads in options.threads or ([1] if options.quick else [1, 2]):
        for group in [names] if options.quick else [[name] for name in names]:
            race(group, options.solvers, threads, seconds, options.times)


if __name__ == "__main__":
    main()
