"""Every solver on every problem: curves of gap against time, and a table of ratios.

    python -m benchmarks.convex [--quick] [--threads 1] [--seconds 60] [PROBLEM ...]

Each solver runs in a process of its own with its threads pinned; compiling and importing are apart
(column "warm-up"). A solver's curve is one run per budget, from loose to tight. The solvers that
reach 1e-6 first are then run five times in turn, and the ratios are of medians. Seconds are the
process's own processor time on one thread, which other work on the machine does not touch, and wall
time on several.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.convex import figure
from benchmarks.convex.datasets import load, problems
from benchmarks.convex.memory import read_once
from benchmarks.convex.objective import newton, null_value, value
from benchmarks.convex.solvers import solvers

OUT = Path(__file__).parents[1] / "out"
LEVELS = (1e-3, 1e-6, 1e-9)
QUICK = (
    "quick-logistic-1e5x50",
    "quick-squared-1e5x100",
    "quick-logistic-1e5x50-rare",
    "quick-sparse-2e4x1e4",
    "adult",
    "housing",
    "diamonds",
    "a9a",
)
OURS = "downslope"


def pinned(threads: int) -> dict[str, str]:
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR")
    return os.environ | {f"{name}_NUM_THREADS": str(threads) for name in names}


def work(problem: str, solver: str, threads: int, seconds: float, *more: str) -> list[dict]:
    """Lines of one worker; an empty list where it failed or took far too long."""
    command = [sys.executable, "-m", "benchmarks.convex.worker", problem, solver]
    command += ["--seconds", str(seconds), *more]
    try:
        done = subprocess.run(
            command, env=pinned(threads), capture_output=True, text=True, timeout=4 * seconds + 60
        )
        out = done.stdout
    except subprocess.TimeoutExpired as late:
        out = (late.stdout or b"").decode()
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def clock(threads: int) -> str:
    """Which of a worker's times counts."""
    return "cpu" if threads == 1 else "seconds"


def measure(name: str, threads: int, seconds: float, only: list[str]) -> None:
    problem = load(name)
    chosen = [s for s in solvers().values() if s.takes(problem) and (not only or s.name in only)]
    runs = {s.name: work(name, s.name, threads, seconds) for s in chosen}
    first = null_value(problem)
    lowest = min(line["value"] for lines in runs.values() for line in lines[1:])
    exact = newton(problem) if problem.X.size < 3e7 else None
    if exact is not None:
        lowest = min(lowest, value(problem, exact))
    curves = {
        solver: [
            (line[clock(threads)], max((line["value"] - lowest) / (first - lowest), 1e-16))
            for line in lines[1:]
        ]
        for solver, lines in runs.items()
    }
    size = f"{problem.X.shape[0]:,} x {problem.X.shape[1]:,}"
    print(
        f"\n## {name} ({size}, {problem.loss}, l2 = {problem.l2:g}, l1 = {problem.l1:.3g}), "
        f"{threads} thread{'s' * (threads > 1)}, {clock(threads)}\n"
    )
    if isinstance(problem.X, np.ndarray):
        once, product = read_once(problem.X)
        print(f"one read (X.sum()): {once:.3f} s; X @ w: {product:.3f} s\n")
    table(curves, {solver: lines[0]["warm_up"] for solver, lines in runs.items() if lines})
    in_turn(name, threads, runs, curves)
    figure.draw(name, curves, OUT / "figures")


def seconds_to(curve: list[tuple[float, float]], level: float) -> float:
    """Least seconds of a run that came within the level."""
    return min((t for t, gap in curve if gap <= level), default=np.inf)


def table(curves: dict, warm: dict) -> None:
    print("| solver | to 1e-3 | to 1e-6 | to 1e-9 | best gap | warm-up | / ours at 1e-6 |")
    print("|---|---|---|---|---|---|---|")
    ours = seconds_to(curves.get(OURS, []), 1e-6)
    order = sorted(curves, key=lambda s: (seconds_to(curves[s], 1e-6), seconds_to(curves[s], 1e-3)))
    for solver in order:
        times = [seconds_to(curves[solver], level) for level in LEVELS]
        cells = [f"{t:.3f} s" if np.isfinite(t) else "-" for t in times]
        best = f"{min((gap for _, gap in curves[solver]), default=np.nan):.0e}"
        ratio = f"{times[1] / ours:.1f}" if np.isfinite(times[1]) else "-"
        start = f"{warm.get(solver, np.nan):.2f} s"
        print(f"| {solver} | {' | '.join(cells)} | {best} | {start} | {ratio} |")


def in_turn(name: str, threads: int, runs: dict, curves: dict) -> None:
    """Ours and the two best peers at 1e-6, five times in turn."""
    able = [s for s in curves if np.isfinite(seconds_to(curves[s], 1e-6))]
    peers = sorted(
        (s for s in able if not s.startswith(OURS)), key=lambda s: seconds_to(curves[s], 1e-6)
    )
    if OURS not in able or not peers:
        return
    budgets = {}
    for solver in [OURS, *peers[:2]]:
        place = next(i for i, (_, gap) in enumerate(curves[solver]) if gap <= 1e-6)
        budgets[solver] = runs[solver][1 + place]["budget"]
    times: dict[str, list[float]] = {solver: [] for solver in budgets}
    for _ in range(5):
        for solver, budget in budgets.items():
            lines = work(name, solver, threads, 60.0, "--budget", str(budget))
            times[solver].append(lines[1][clock(threads)])
    ours = np.median(times[OURS])
    for solver, seen in times.items():
        print(
            f"\n{solver}: median of 5 in turn {np.median(seen):.3f} s "
            f"({min(seen):.3f} to {max(seen):.3f}), {np.median(seen) / ours:.2f} x ours"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("problems", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--solvers", nargs="*", default=[])
    options = parser.parse_args()
    known = problems()
    names = options.problems or [n for n in (QUICK if options.quick else known) if n in known]
    print(f"# {' '.join(['python -m benchmarks.convex', *sys.argv[1:]])}")
    print(
        f"# {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )
    for name in names:
        if name.startswith("quick-") and not options.quick and not options.problems:
            continue
        measure(name, options.threads, options.seconds, options.solvers)


if __name__ == "__main__":
    main()
