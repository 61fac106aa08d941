"""One and two single-threaded worker processes, and dask-ml on the same data.

    python -m benchmarks.cluster [--rows 2000000] [--columns 50] [--rounds 3] [--no-rivals]

Wall clock of a whole fit by `solve_stream` on rows held by the workers (the best of the rounds);
what was sent meanwhile over all sockets of the scheduler, the client and the workers, per plain
pass (beside 8 x features x workers, the weights out or one gradient back) and per sketch; and the
time that dask-ml's LogisticRegression (lbfgs, admm, gradient_descent) takes, with the gap of its
answer. All of it for numbers that need float64, and for twice as many that float32 holds, as most
measurements in Parquet files: the workers then hold as many bytes. Bytes are what Dask's transport
says it wrote, heartbeats included.

Where other work keeps the cores busy, wall clocks say little. So there is a second figure for the
speed on 2, from processor seconds, which that hardly touches: the busiest worker's plus those of
the client and the scheduler, as if nothing of theirs overlapped. Last, the physical line: X @ w in
two processes over half the rows each against one over all.
"""

import argparse
import multiprocessing
import os
import time
import warnings
from typing import Any

import numpy as np

from downslope.bowl.round import buckets_for
from downslope.bowl.solve_stream import BlockPasses, StreamPasses, solve_stream
from downslope.losses import LogLoss
from downslope.penalties import Penalty
from downslope.sources.dask import dask_rows, keep_on_workers


def make(n: int, d: int, single: bool) -> tuple[Any, Any]:
    """Rows that the workers draw themselves; ``single``: numbers that float32 holds."""
    import dask.array as da

    size = n // 8
    X = da.random.default_rng(0).normal(size=(n, d), chunks=(size, d))
    X = X.astype(np.float32) if single else X
    w = np.random.default_rng(1).normal(size=d) / np.sqrt(d)
    noise = da.random.default_rng(2).logistic(size=n, chunks=size)
    return X.persist(), ((X @ w + noise) > 0).astype(np.int64).persist()


SENT = [0]


def count_sent() -> None:
    """Count what this process writes to sockets from now on."""
    from distributed.comm.tcp import TCP

    plain = TCP.write

    async def write(self: Any, *args: Any, **kwargs: Any) -> Any:
        n = await plain(self, *args, **kwargs)
        SENT[0] += n
        return n

    TCP.write = write


def sent_so_far() -> int:
    return SENT[0]


def sent_by(client: Any, fn: Any) -> int:
    """Bytes that all processes write while ``fn`` runs."""

    def so_far() -> int:
        return SENT[0] + sum(client.run(sent_so_far).values())

    before = so_far()
    asking = so_far() - before  # the question itself moves bytes
    before = so_far()
    fn()
    return so_far() - before - asking


def gap(X: Any, y: Any, w: Any, lowest: float, l2: float) -> float:
    signs = 2 * y - 1
    z = X @ w[:-1] + w[-1]
    mean = float((-signs * z).map_blocks(lambda m: np.logaddexp(0, m)).mean().compute())
    return mean + 0.5 * l2 * float(w[:-1] @ w[:-1]) - lowest


def busy(client: Any) -> tuple[float, list[float]]:
    """Processor seconds so far: of this process (client and scheduler), and of every worker."""
    return time.process_time(), list(client.run(time.process_time).values())


def run(
    workers: int, n: int, d: int, single: bool, rounds: int, rivals: bool
) -> tuple[float, float]:
    from distributed import Client, LocalCluster

    l2 = 1e-6
    options = {"threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0}
    with LocalCluster(n_workers=workers, **options) as cluster, Client(cluster) as client:
        client.run(count_sent)
        X, y = make(n, d, single)
        rows = keep_on_workers(dask_rows(X, 2.0 * y - 1.0))
        args = (rows, LogLoss(), Penalty(l2=l2))
        solve_stream(*args)  # kernels are compiled, rows are there
        seconds, spent = float("inf"), (float("inf"), [0.0])
        for _ in range(rounds):
            (here, there), began = busy(client), time.perf_counter()
            done = solve_stream(*args)
            seconds = min(seconds, time.perf_counter() - began)
            after, theirs = busy(client)
            each = [b - a for a, b in zip(there, theirs, strict=True)]
            spent = min(spent, (after - here + max(each), each))
        print(
            f"{workers} worker(s): {seconds:6.2f} s, {done.passes:.1f} passes ({done.steps} steps, "
            f"{done.sketches} sketches), bound {done.bound:.0e}, "
            f"{n * done.passes / seconds / 1e6:.1f} M rows/s; processor {spent[0]:.2f} s, of which "
            f"workers {', '.join(f'{part:.2f}' for part in spent[1])} s"
        )
        told(client, rows, d, workers)
        if rivals:
            against(X, y, done.value, l2, seconds)
    return seconds, spent[0]


def told(client: Any, rows: Any, d: int, workers: int) -> None:
    """Time and bytes of a plain pass and of a sketch."""
    passes = StreamPasses(rows, BlockPasses(LogLoss(), True, np.zeros(d)))
    w, turns, times = np.full(d + 1, 0.01), 10, []

    def plain() -> None:
        for _ in range(turns):
            began = time.perf_counter()
            passes.at(w)
            times.append(time.perf_counter() - began)

    moved = sent_by(client, plain) / turns
    buckets = buckets_for(rows.n_rows, d + 1) or 0
    table = sent_by(client, lambda: passes.sketch(w, buckets, np.zeros(d), 0.0, 1))
    ideal = 8 * d * workers
    print(
        f"  a pass: {1e3 * min(times):.0f} ms, {moved:,.0f} bytes (8 x features x workers = "
        f"{ideal:,}; {moved / workers:,.0f} per worker); a sketch: {table:,} bytes "
        f"(its triangles of {d + 2} columns are {8 * (d + 2) ** 2 * workers:,}, its table of "
        f"{buckets:,} rows {8 * buckets * (d + 2):,})"
    )


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


def physical(n: int, d: int, single: bool) -> float:
    """How much sooner two processes read these rows than one: X @ w alone, half the rows each."""
    context, seconds = multiprocessing.get_context("spawn"), []
    for processes in (1, 2):
        together, answers = context.Barrier(processes), context.Queue()
        part = (n // processes, d, single, together, answers)
        readers = [context.Process(target=read, args=part) for _ in range(processes)]
        for reader in readers:
            reader.start()
        seconds.append(max(answers.get() for _ in readers))
        for reader in readers:
            reader.join()
    return seconds[0] / seconds[1]


def read(n: int, d: int, single: bool, together: Any, answers: Any) -> None:
    dtype = np.float32 if single else np.float64
    X, w, seconds = np.ones((n, d), dtype), np.ones(d, dtype), float("inf")
    for _ in range(5):
        together.wait()
        began = time.perf_counter()
        X @ w
        seconds = min(seconds, time.perf_counter() - began)
    answers.put(seconds)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--rows", type=int, default=2_000_000)
    ask.add_argument("--columns", type=int, default=50)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--no-rivals", action="store_true")
    given = ask.parse_args()
    count_sent()
    d, rounds = given.columns, given.rounds
    for single in (False, True):
        n = (1 + single) * given.rows
        print(
            f"{n:,} rows x {d} columns of float{32 if single else 64}; "
            f"load {os.getloadavg()[0]:.1f}"
        )
        one = run(1, n, d, single, rounds, False)
        two = run(2, n, d, single, rounds, not given.no_rivals)
        print(f"speed on 2: {one[0] / two[0]:.2f}x, by processor time {one[1] / two[1]:.2f}x")
        print(f"X @ w alone, in two processes: {physical(n, d, single):.2f}x")


if __name__ == "__main__":
    for name in ("OMP", "OPENBLAS", "NUMBA"):
        os.environ[f"{name}_NUM_THREADS"] = "1"
    main()
