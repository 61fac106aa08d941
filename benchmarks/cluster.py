"""One and two single-threaded worker processes, and dask-ml on the same data.

    python -m benchmarks.cluster [--rows 1000000] [--columns 50]

Wall clock of a whole fit by `solve_stream` on rows held by the workers, the bytes that the workers
sent and received per pass (Dask's own counters) beside 8 x features x workers, and the time that
dask-ml's LogisticRegression (admm, lbfgs) takes, with the gap of its answer.
"""

import argparse
import os
import time
import warnings
from typing import Any

import numpy as np

from downslope.bowl.solve_stream import solve_stream
from downslope.losses import LogLoss
from downslope.penalties import Penalty
from downslope.sources.dask import dask_rows, keep_on_workers


def make(n: int, d: int, workers: int) -> tuple[Any, Any]:
    """Rows that the workers draw themselves."""
    import dask.array as da

    size = n // (4 * workers)
    X = da.random.default_rng(0).normal(size=(n, d), chunks=(size, d))
    w = np.random.default_rng(1).normal(size=d) / np.sqrt(d)
    noise = da.random.default_rng(2).logistic(size=n, chunks=size)
    return X.persist(), ((X @ w + noise) > 0).astype(np.int64).persist()


def traffic(client: Any) -> float:
    """Bytes that the scheduler and the workers have received in messages so far."""
    return float(sum(client.run(_received).values()))


def _received() -> float:
    # What this process was handed over its sockets, as the system counts it.
    from pathlib import Path

    lines = Path("/proc/self/net/dev").read_text().splitlines()
    return float(next(x.split()[1] for x in lines if x.strip().startswith("lo:")))


def gap(X: Any, y: Any, w: Any, lowest: float, l2: float) -> float:
    signs = 2 * y - 1
    z = X @ w[:-1] + w[-1]
    mean = float((-signs * z).map_blocks(lambda m: np.logaddexp(0, m)).mean().compute())
    return mean + 0.5 * l2 * float(w[:-1] @ w[:-1]) - lowest


def run(workers: int, n: int, d: int, rivals: bool) -> float:
    from distributed import Client, LocalCluster

    l2 = 1e-6
    options = {"threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
    with LocalCluster(n_workers=workers, **options) as cluster, Client(cluster) as client:
        X, y = make(n, d, workers)
        rows = keep_on_workers(dask_rows(X, 2.0 * y - 1.0))
        solve_stream(rows, LogLoss(), Penalty(l2=l2))  # kernels are compiled, rows are there
        before, began = traffic(client) / workers, time.perf_counter()
        done = solve_stream(rows, LogLoss(), Penalty(l2=l2))
        seconds = time.perf_counter() - began
        moved = traffic(client) / workers - before
        print(
            f"{workers} worker(s): {seconds:6.2f} s, {done.passes:.1f} passes, bound "
            f"{done.bound:.0e}, {moved / done.passes:,.0f} bytes per pass over the loopback "
            f"(8 x features x workers = {8 * d * workers:,})"
        )
        if rivals:
            against(X, y, done.value, l2, seconds)
    return seconds


def against(X: Any, y: Any, lowest: float, l2: float, ours: float) -> None:
    from dask_ml.linear_model import LogisticRegression

    n = X.shape[0]
    for solver in ("lbfgs", "admm", "gradient_descent"):
        for tol, most in ((1e-4, 100), (1e-8, 300)):
            model = LogisticRegression(solver=solver, C=1 / (n * l2), tol=tol, max_iter=most)
            began = time.perf_counter()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    model.fit(X, y)
            except Exception as error:  # a rival that fails is reported, not hidden
                print(f"  dask-ml {solver}: {type(error).__name__}: {str(error)[:80]}")
                break
            seconds = time.perf_counter() - began
            w = np.append(np.ravel(model.coef_), model.intercept_)
            print(
                f"  dask-ml {solver:17} tol {tol:g}: {seconds:7.2f} s, gap "
                f"{gap(X, y, w, lowest, l2):.1e}; {seconds / ours:.1f}x our time"
            )


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--rows", type=int, default=1_000_000)
    ask.add_argument("--columns", type=int, default=50)
    ask.add_argument("--no-rivals", action="store_true")
    given = ask.parse_args()
    print(f"{given.rows:,} rows x {given.columns} columns; load {os.getloadavg()[0]:.1f}")
    one = run(1, given.rows, given.columns, False)
    two = run(2, given.rows, given.columns, not given.no_rivals)
    print(f"speed on 2: {one / two:.2f}x")


if __name__ == "__main__":
    for name in ("OMP", "OPENBLAS", "NUMBA"):
        os.environ[f"{name}_NUM_THREADS"] = "1"
    main()
