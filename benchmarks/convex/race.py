"""All solvers on one problem: a curve of gap against time for each, then the best in turn."""

import json
from pathlib import Path

import numpy as np

from benchmarks.convex.datasets import load
from benchmarks.convex.objective import newton, null_value, value
from benchmarks.convex.process import Worker
from benchmarks.convex.solvers import solvers
from benchmarks.convex.targets import READS, Target, limit_ratio, targets_of

OUT = Path(__file__).parents[1] / "out"
OURS, ALONE = "downslope", "downslope-solver"
"""The public call, and its solver alone; the latter is nobody's peer."""
ROUNDS = 5
LONG = 2.0
"""Seconds of a peer's fit from which three rounds have to do."""
TOTAL = 1.1
"""All fits of a curve together, in limits of one."""
FIRST = 1.5
"""What the first fit of a process may take, in limits: it also fills caches and memory."""
LEAST = 0.5
"""Seconds that every fit may take."""
Runs = list[dict]


def gap_of(run: dict, first: float, lowest: float) -> float:
    """Height left over height at the start; not below rounding."""
    return max((run["value"] - lowest) / (first - lowest), 1e-16)


def curve_of(worker: Worker, name: str, limit: float, first: float, lowest: float) -> Runs:
    """One fit per budget, from loose to tight, until nothing more is gained or time is up."""
    runs: Runs = []
    best, spent, stalls = np.inf, 0.0, 0
    budgets = solvers()[worker.solver].budgets
    once = worker.fit(name, budgets[0], FIRST * limit)
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
        # A looser budget may be met by the same rounds: that is no stall.
        if len(runs) == 1 or run["rounds"] is None or run["rounds"] != runs[-2]["rounds"]:
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
    """All solvers on one problem.

    Parameters
    ----------
    seconds : float
        Most of one fit.
    times : float or None
        Most of one fit, of what ours needs to 1e-6; by default a quarter more than the target asks.
    """

    def __init__(self, name: str, threads: int, seconds: float, times: float | None) -> None:
        self.problem, self.name, self.threads = load(name), name, threads
        self.seconds, self.times = seconds, times
        self.clock = "cpu" if threads == 1 else "wall"
        self.first, self.lowest = null_value(self.problem), np.inf
        self.ours = np.inf
        self.runs: dict[str, Runs] = {}
        self.warm: dict[str, tuple[float, float]] = {}
        self.failed: dict[str, str] = {}
        self.read = np.nan
        """Seconds of ``X.sum()``, where that was measured."""
        self.medians: dict[float, dict[str, float]] = {}
        """Seconds of those that ran in turn, by the gap they ran to."""

    def limit(self, solver: str) -> float:
        """Most seconds of one fit. Ours runs first: its time says how long peers may take."""
        if not np.isfinite(self.ours):
            return self.seconds
        times = self.times or limit_ratio(self.name, solver)
        return min(self.seconds, max(times * self.ours, LEAST))

    def enter(self, worker: Worker) -> None:
        """Run one solver's curve."""
        if not solvers()[worker.solver].takes(self.problem):
            return
        limit = self.limit(worker.solver)
        runs = curve_of(worker, self.name, limit, self.first, self.lowest)
        self.runs[worker.solver] = runs
        self.warm[worker.solver] = (worker.warm_up, worker.prepared)
        if not runs and worker.failed:
            self.failed[worker.solver] = worker.failed
        self.lowest = min([self.lowest, *(run["value"] for run in runs)])
        if worker.solver == OURS:
            tight = seconds_to(self.curves()[OURS], 1e-6)
            self.ours = tight if np.isfinite(tight) else runs[-1][self.clock]

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

    def able(self, level: float) -> list[str]:
        """Solvers that came within the level, fastest first."""
        curves = self.curves()
        found = [s for s in curves if np.isfinite(seconds_to(curves[s], level))]
        return sorted(found, key=lambda s: seconds_to(curves[s], level))

    def in_turn(self) -> None:
        """Ours, the best peer and those of the targets, five times in turn; fills ``medians``."""
        wanted = targets_of(self.name)
        for level in sorted({target.level for target in wanted}, reverse=True):
            able = self.able(level)
            if OURS not in able:
                print(f"\nours did not reach {level:g}")
                continue
            peers = [s for s in able if s not in (OURS, ALONE)]
            named = [s for t in wanted if t.level == level for s in peers if s in t.peers]
            alone = [ALONE] * (ALONE in able)
            chosen = [OURS, *alone, *dict.fromkeys([*peers[:1], *named])]
            self.medians[level] = self._medians(chosen, level)

    def _medians(self, chosen: list[str], level: float) -> dict[str, float]:
        curves = self.curves()
        slowest = max(seconds_to(curves[solver], level) for solver in chosen)
        rounds = ROUNDS if slowest < LONG else min(ROUNDS, 3)
        workers = [Worker(solver, self.threads) for solver in chosen]
        times: dict[str, list[float]] = {solver: [] for solver in chosen}
        for turn in range(rounds + 1):  # the first round is for warming up
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
                counted = f"{self.rounds(solver, level)} {solvers()[solver].counts}"
                print(
                    f"\n{solver} to {level:g}: median of {len(seen)} in turn "
                    f"{medians[solver]:.4f} s ({min(seen):.4f} to {max(seen):.4f}), {counted}, "
                    f"{ratio:.2f} x ours"
                )
        return medians

    def judge(self, target: Target) -> tuple[str, str]:
        """The best peer of a target with its ratio, and whether that is enough."""
        medians = self.medians.get(target.level)
        if medians is None:
            return "ours did not come there", "MISSED"
        rivals = [s for s in self.runs if s not in (OURS, ALONE)]
        whom = [s for s in rivals if s in (target.peers or rivals)]
        able = [s for s in whom if s in medians]
        if able:
            best = min(able, key=lambda s: medians[s])
            ratio = medians[best] / medians[OURS]
            said = f"{best} {medians[best]:.3g} s, {ratio:.3g}x"
            return said, "met" if ratio >= target.ratio else "MISSED"
        if not whom and self.threads > 1:
            return "none came there on one thread", "-"
        if not whom:
            return "no peer takes it", "not told"
        limit = min(self.limit(s) for s in whom)
        least = limit / medians[OURS]
        said = f"none of {len(whom)} in {limit:.1f} s, > {least:.3g}x"
        return said, "met" if least >= target.ratio else "not told: give --times more"

    def judge_reads(self) -> str:
        """Reads of the rows that ours cost, and whether they are few enough where that is asked."""
        seconds = self.medians.get(1e-6, {}).get(OURS, np.inf)
        if not np.isfinite(self.read) or not np.isfinite(seconds):
            return "-"
        reads, most = seconds / self.read, READS.get(self.name)
        verdict = "" if most is None else f" ({most:g}: {'met' if reads <= most else 'MISSED'})"
        return f"{reads:.1f}{verdict}"

    def keep(self) -> None:
        """Write everything that was measured as JSON."""
        folder = OUT / "results"
        folder.mkdir(parents=True, exist_ok=True)
        kept = {"first": self.first, "lowest": self.lowest, "warm": self.warm, "runs": self.runs}
        path = folder / f"{self.name}-{self.threads}.json"
        path.write_text(json.dumps(kept, indent=1))
