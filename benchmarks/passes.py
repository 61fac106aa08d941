"""What one pass over dense rows costs, beside reading them once.

    python -m benchmarks.passes [--threads 1] [--rounds 15]

A pass is the mean loss and its gradient. Reading once is ``X.sum()`` of the same array, in turn
with the passes in the same run. Figures are the least of the rounds: processor seconds with one
thread, seconds on the clock with two, which a busy machine falsifies.
"""

import argparse
import os

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # slower kernels, if they are set
    os.environ.pop(name, None)

import time  # noqa: E402
from collections.abc import Callable  # noqa: E402

import llvmlite.binding as llvm  # noqa: E402
import numba  # noqa: E402
import numpy as np  # noqa: E402

from downslope.bowl.passes import DensePasses  # noqa: E402
from downslope.kernels.views import read_only  # noqa: E402
from downslope.losses import LogLoss, SquaredError  # noqa: E402

SIZES = ((1_000_000, 28), (1_000_000, 100), (200_000, 500))


def least(rounds: int, clock: Callable[[], float], *calls: Callable[[], object]) -> list[float]:
    """Least seconds of each call, all of them in turn."""
    spent = np.full((rounds, len(calls)), np.inf)
    for i in range(rounds):
        for j, call in enumerate(calls):
            began = clock()
            call()
            spent[i, j] = clock() - began
    return spent.min(axis=0).tolist()


def passes_over(X: np.ndarray, rng: np.random.Generator) -> list[DensePasses]:
    """Squared errors and log loss of the rows."""
    n = len(X)
    y, ones = read_only(np.sign(rng.normal(size=n))), read_only(np.ones(n))
    return [DensePasses(read_only(X), y, ones, loss, True) for loss in (SquaredError(), LogLoss())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(given.threads)  # read when the first pass is shared out
    clock = time.process_time if given.threads == 1 else time.perf_counter
    rng = np.random.default_rng(0)
    processor = llvm.get_host_cpu_name()
    print(
        f"{processor}, kernels for {numba.config.CPU_NAME or processor}, {given.threads} thread(s)"
    )
    print(f"{'rows':>16} {'numbers':8} {'read once':>10} {'squared':>17} {'log loss':>17}")
    for n, d in SIZES:
        for kind in (np.float64, np.float32):
            X = rng.standard_normal((n, d), dtype=kind)
            w = 0.1 * rng.normal(size=d + 1)
            calls = [X.sum, *(lambda p=p, w=w: p.at(w) for p in passes_over(X, rng))]
            read, *spent = least(given.rounds, clock, *calls)
            cells = " ".join(f"{1e3 * s:7.1f} ms {s / read:5.2f}x" for s in spent)
            print(f"{n:>10,} x {d:3} {kind.__name__:8} {1e3 * read:7.1f} ms {cells}")


if __name__ == "__main__":
    main()
