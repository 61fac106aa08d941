"""Every solver on every problem: curves of gap against time, and tables of ratios.

    python -m benchmarks.convex [--quick] [--threads 1 2] [--write FILE] [PROBLEM ...]

Each solver runs in a process of its own with its threads pinned. Importing, compiling and a first
fit are apart (column "warm-up"), and so are other layouts of the rows and rates tuned on a grid
("prepared"). A solver's curve is one fit per budget, from loose to tight. A fit is cut, and told
as "> N x", after a quarter more than the target asks of ours to 1e-6 (three times ours where none
is asked; ``--times`` sets it), and no later than ``--seconds``. Solvers that are hopeless on many
numbers run on the smaller problems only. Ours is the public ``fit``; the solver that it calls
stands beside it. Ours, the best peer at 1e-6 and those of the target are then run five times in
turn (three where a fit takes long), and ratios are of medians. For the largest few, two threads
follow one: there ours and the two fastest peers to 1e-6 on one thread run again. Seconds are
processor time on one thread, which other work on the machine hardly touches, and wall time on
several. What makes a BLAS run another kernel than the processor's is taken out of the environment
of all sides, and the kernel that runs is printed.

``--write FILE`` puts the summary into FILE between ``<!-- convex -->`` and ``<!-- /convex -->``,
after each problem: a run that is broken off leaves what it had.
"""

import argparse
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.convex.datasets import problems
from benchmarks.convex.process import Worker, kernels
from benchmarks.convex.race import ALONE, OURS, Race
from benchmarks.convex.solvers import solvers
from benchmarks.convex.tables import summary, tell
from benchmarks.convex.targets import TARGETS, TWO_THREADS

QUICK = ("quick-logistic-1e5x50", "quick-squared-1e5x100", "quick-sparse-2e4x1e4")
LIBRARIES = (
    "numpy scipy numba scikit-learn torch snapml glum skglm celer cyanure liblinear-official "
    "vowpalwabbit"
)
FASTEST = 3
"""Solvers of a problem, ours among them, that run again with more threads."""
MARKS = ("<!-- convex -->", "<!-- /convex -->")


def race(
    names: list[str], peers: list[str], threads: int, seconds: float, times: float | None
) -> list[Race]:
    """Every solver once over these problems, in one process of its own; then the tables."""
    races = [Race(name, threads, seconds, times) for name in names]
    for solver in [OURS, *(s for s in peers if s != OURS)]:
        with Worker(solver, threads) as worker:
            for one in races:
                began = time.perf_counter()
                one.enter(worker)
                spent = time.perf_counter() - began
                print(f"{one.name} {solver}: {spent:.1f} s", file=sys.stderr, flush=True)
    for one in races:
        one.exact()
        tell(one)
        one.in_turn()
        one.keep()
    return races


def fastest(one: Race) -> list[str]:
    """Those of one race that run again with more threads."""
    return [s for s in one.able(1e-6) if s != ALONE][:FASTEST]


def machine() -> str:
    """Versions, processor, and the kernels that run on it."""
    said: dict[str, str] = {}
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
        said = {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    kind = f"family {said.get('cpu family', '?')} model {said.get('model', '?')}"
    model = f"{said.get('model name', '')} ({kind})"
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES.split() if has(name))
    return (
        f"{platform.machine()} {model}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {versions}; {kernels()}"
    )


def has(name: str) -> bool:
    """Whether a package is installed."""
    try:
        version(name)
    except ModuleNotFoundError:
        return False
    return True


def write(path: Path, text: str) -> None:
    """Put the text between the marks of a file."""
    before, found, rest = path.read_text().partition(MARKS[0])
    _, closed, after = rest.partition(MARKS[1])
    if not (found and closed):
        sys.exit(f"{path} has no {MARKS[0]} ... {MARKS[1]} to write between; put them there.")
    path.write_text(f"{before}{MARKS[0]}\n{text}{MARKS[1]}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*")
    parser.add_argument("--quick", action="store_true", help="three small problems, 1 s a fit")
    parser.add_argument("--threads", type=int, nargs="+")
    parser.add_argument("--seconds", type=float, help="most of one fit")
    parser.add_argument("--times", type=float, help="most of one fit, of ours to 1e-6")
    parser.add_argument("--solvers", nargs="*", default=[])
    parser.add_argument("--write", type=Path, help="file whose summary is written anew")
    options = parser.parse_args()
    seconds = options.seconds or (1.0 if options.quick else 60.0)
    counts = options.threads or ([1] if options.quick else [1, 2])
    everyone = [s for s in solvers() if not options.solvers or s in options.solvers]
    command = " ".join(["python -m benchmarks.convex", *sys.argv[1:]])
    print(f"# {command}\n# {machine()}")
    began, done = time.perf_counter(), []
    for group in groups(options.problems, options.quick):
        peers = everyone
        for threads in counts:
            if threads > 1 and not (options.problems or set(group) & set(TWO_THREADS)):
                continue
            races = race(group, peers, threads, seconds, options.times)
            done += races
            peers = [s for s in peers if any(s in fastest(one) for one in races)]
        minutes = (time.perf_counter() - began) / 60
        text = summary(done, f"`{command}`, {minutes:.0f} minutes of wall; {machine()}.")
        if options.write:
            write(options.write, text)
    print(f"\n{text}")


def groups(asked: list[str], quick: bool) -> list[list[str]]:
    """Problems that share their solvers' processes: each by itself, those with targets first."""
    if quick:
        return [asked or list(QUICK)]
    known = [name for name in problems() if not name.startswith("quick-")]
    order = list(TARGETS)
    known.sort(key=lambda name: order.index(name) if name in order else len(order))
    return [[name] for name in asked or known]


if __name__ == "__main__":
    main()
