"""One solver in a process of its own, asked line by line: ``python -m benchmarks.convex.worker S``.

Asked by JSON lines on standard input, answers by JSON lines on standard output::

    {"load": PROBLEM, "limit": seconds} -> {"prepared": seconds, "warm_up": seconds}
    {"fit": BUDGET, "limit": seconds}  -> {"cpu": , "wall": , "value": , "rounds": , "mib": }

A fit that takes longer than its limit of processor time is ended with its process, by the system.
The caller pins threads by the environment (``OMP_NUM_THREADS`` and its kin).
"""

import json
import math
import os
import resource
import signal
import sys
import time

from benchmarks.convex.datasets import load
from benchmarks.convex.objective import value
from benchmarks.convex.solvers import solvers, threads


def main() -> None:
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr  # libraries may print
    os.dup2(2, 1)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    solver = solvers()[sys.argv[1]]
    problem = prepared = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "load" in asked:
            problem = prepared = None
            problem = load(asked["load"])
            began = time.perf_counter()
            prepared = solver.prepare(problem)
            spent = time.perf_counter() - began
            limit(asked["limit"])
            small, began = solver.prepare(problem.take(3000)), time.perf_counter()
            solver.fit(small, solver.budgets[0])
            limit(0.0)
            answer = {"prepared": spent, "warm_up": time.perf_counter() - began}
        else:
            limit(asked["limit"])
            cpu, wall = used(), time.perf_counter()
            w, rounds = solver.fit(prepared, asked["fit"])
            cpu, wall = used() - cpu, time.perf_counter() - wall
            limit(0.0)
            mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            answer = {"cpu": cpu, "wall": wall, "value": value(problem, w), "mib": mib}
            answer |= {"rounds": rounds if math.isfinite(rounds) else None}
        print(json.dumps(answer), file=answers, flush=True)


def used() -> float:
    """Processor seconds so far; ``time.process_time`` has ticks of milliseconds under a limit."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def limit(seconds: float) -> None:
    """Processor time from now on after which the system ends this process; 0 for no limit."""
    signal.setitimer(signal.ITIMER_PROF, seconds * threads())


if __name__ == "__main__":
    main()
