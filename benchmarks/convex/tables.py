"""What the races print: a table and a figure for each, and a summary of all."""

import numpy as np

from benchmarks.convex import figure
from benchmarks.convex.memory import read_once
from benchmarks.convex.race import ALONE, OURS, OUT, Race, seconds_to
from benchmarks.convex.solvers import solvers
from benchmarks.convex.targets import targets_of

LEVELS = (1e-3, 1e-6, 1e-9)


def tell(race: Race) -> None:
    """Print the table of the problem and draw its curves."""
    problem, curves = race.problem, race.curves()
    plural = "s" * (race.threads > 1)
    n, d = problem.X.shape
    print(
        f"\n## {race.name} ({n:,} x {d:,}, {problem.loss}, l2 = {problem.l2:g}, "
        f"l1 = {problem.l1:.3g}), {race.threads} thread{plural}, {race.clock} seconds, "
        f"peers' fits at most {limits_of(race)} s\n"
    )
    if isinstance(problem.X, np.ndarray) and race.threads == 1:
        once, product = read_once(problem.X)
        race.read = once
        print(f"one read (X.sum()): {once:.4f} s; X @ w: {product:.4f} s\n")
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
        best = f"{min(gaps):.0e}" if gaps else race.failed.get(solver, "too slow")
        ratio = f"{times[1] / ours:.1f}"
        if not np.isfinite(times[1]):
            ratio = f"> {race.limit(solver) / ours:.1f}"
        warm, prepared = race.warm[solver]
        counts = solvers()[solver].counts
        rounds = f"{race.rounds(solver, 1e-6)} {counts}"
        row = [solver, *cells, rounds, best, f"{warm:.2f}", f"{prepared:.2f}", ratio]
        print(f"| {' | '.join(row)} |", flush=True)
    figure.draw(f"{race.name}-{race.threads}", curves, OUT / "figures")


def limits_of(race: Race) -> str:
    """Most seconds of a peer's fit, from the least to the most."""
    limits = sorted({round(race.limit(s), 1) for s in race.runs if s != OURS})
    return " to ".join(f"{v:g}" for v in dict.fromkeys(limits[:1] + limits[-1:])) or "-"


def summary(races: list[Race], how: str) -> str:
    """A row for each problem and number of threads, as Markdown."""
    lines = [how, ""]
    for threads in sorted({race.threads for race in races}):
        mine = [race for race in races if race.threads == threads]
        clock = "Processor seconds, one thread" if threads == 1 else f"Wall, {threads} threads"
        lines += [
            f"{clock}, of the public `fit`; behind the semicolon the solver alone to 1e-6. Peers "
            'ran in turn with ours, three to five times; "none of 5 in 2 s, > 16x" says that five '
            "were given 2 s for a fit, 16 times ours, and did not come there. On more than 4e7 "
            "numbers, solvers that are hopeless there are left out (`largest` in `solvers/`). "
            "A read is `X.sum()`.",
            "",
            "| problem | ours to 1e-3 / 1e-6 / 1e-9 | passes to 1e-6 / 1e-9 | 1e-6 in reads | "
            "best peers | target |",
            "|---|---|---|---|---|---|",
            *(_row(race) for race in mine),
            "",
        ]
    return "\n".join(lines)


def _row(race: Race) -> str:
    curve, medians = race.curves()[OURS], race.medians.get(1e-6, {})
    times = [seconds_to(curve, level) for level in LEVELS]
    times[1] = medians.get(OURS, times[1])
    cells = " / ".join(f"{t:.3g}" if np.isfinite(t) else "-" for t in times)
    cells += f"; {medians[ALONE]:.3g}" if ALONE in medians else ""
    peers, verdicts = [], []
    for target in targets_of(race.name):
        said, met = race.judge(target)
        level = "" if target.level == 1e-6 else f" (to {target.level:g})"
        peers.append(f"{said}{level}")
        verdicts.append(f"{target.ratio:.2g}: {met}")
    found = list(dict.fromkeys(peers))
    passes = " / ".join(race.rounds(OURS, level) for level in LEVELS[1:])
    row = [race.name, cells, passes, race.judge_reads(), "; ".join(found)]
    return f"| {' | '.join([*row, '; '.join(verdicts)])} |"
