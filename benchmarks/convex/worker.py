"""One solver on one problem in a process of its own: a JSON line for every budget.

``python -m benchmarks.convex.worker PROBLEM SOLVER [--seconds 60] [--repeats 1] [--budget B]``;
the caller pins threads by the environment (``OMP_NUM_THREADS`` and its kin).
"""

import argparse
import json
import resource
import time

import numpy as np

from benchmarks.convex.datasets import load
from benchmarks.convex.objective import value
from benchmarks.convex.solvers import solvers


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("problem")
    parser.add_argument("solver")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--budget", type=float)
    options = parser.parse_args()
    problem, solver = load(options.problem), solvers()[options.solver]
    began = time.perf_counter()
    solver.fit(problem.take(3000), solver.budgets[0])
    print(json.dumps({"warm_up": time.perf_counter() - began}), flush=True)
    spent, best, stalls = 0.0, np.inf, 0
    for budget in [options.budget] if options.budget is not None else solver.budgets:
        times = []
        for _ in range(options.repeats):
            cpu, wall = time.process_time(), time.perf_counter()
            w = solver.fit(problem, budget)
            times.append((time.perf_counter() - wall, time.process_time() - cpu))
        seconds, cpu = np.median(times, axis=0)
        reached = value(problem, w)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        line = {"budget": budget, "seconds": seconds, "cpu": cpu, "value": reached, "mib": memory}
        print(json.dumps(line), flush=True)
        spent += seconds
        stalls = stalls + 1 if reached > best - 1e-14 * abs(best) else 0
        if spent > options.seconds or stalls == 2:
            break
        best = min(best, reached)


if __name__ == "__main__":
    main()
