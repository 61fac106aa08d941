"""The plan to internet scale on paper, from rates measured on one core of this machine.

    python -m benchmarks.paper

Measured: a pass over dense float32 rows in blocks, and a pass over sparse rows (39 of 1,000,000
hashed columns each) by `SparsePasses`. Calculated from them: the time that two published data sets
would take, passes and reduction apart. Nothing of that size was run.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from downslope.bowl.solve_stream import BlockPasses, StreamPasses
from downslope.bowl.sparse_passes import SparsePasses
from downslope.kernels.views import read_only
from downslope.losses import LogLoss
from downslope.sources.memory import MemoryRows

PASSES = 50.0
"""For many sparse columns on scaled weights; a round bowl of few dense ones takes 12."""
WIRE = 1.25e9
"""Bytes per second of 10 Gbit/s, which each worker has to its neighbours in the tree."""


def seconds_of(fn: Callable[[], Any]) -> float:
    fn()
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        fn()
        best = min(best, time.process_time() - began)
    return best


def dense_rate(n: int = 400_000, d: int = 28) -> float:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)).astype(np.float32)
    rows = MemoryRows(X, np.where(rng.random(n) < 0.5, 1.0, -1.0))
    passes = StreamPasses(rows, BlockPasses(LogLoss(), True, np.zeros(d)))
    return n * d / seconds_of(lambda: passes.at(np.full(d + 1, 0.01)))


def sparse_rate(n: int = 200_000, each: int = 39, d: int = 1_000_000) -> float:
    rng = np.random.default_rng(0)
    ends = np.arange(0, n * each + 1, each)
    columns = np.minimum(rng.zipf(1.3, size=n * each), d) - 1  # few columns are in most rows
    data = np.ones(n * each, dtype=np.float32)
    X = sparse.csr_matrix((data, columns.astype(np.int32), ends), shape=(n, d))
    X.sum_duplicates()
    y = read_only(np.where(rng.random(n) < 0.5, 1.0, -1.0))
    passes = SparsePasses(X, y, read_only(np.ones(n)), LogLoss(), True)
    return X.nnz / seconds_of(lambda: passes.at(np.full(d + 1, 0.01)))


def plan(name: str, features: float, weights: float, cores: int, nodes: int, rate: float) -> None:
    reading = features / rate / (cores * nodes)
    moving = 2 * 8 * weights / WIRE
    total = PASSES * (reading + moving)
    print(
        f"{name}: {nodes:,} workers of {cores} cores; a pass reads for {reading:.2f} s and moves "
        f"8 bytes x {weights:,.0f} weights out and back for {moving:.2f} s; {PASSES:.0f} passes "
        f"{total / 60:.1f} min"
    )


def main() -> None:
    dense, thin = dense_rate(), sparse_rate()
    print(
        f"one core: {dense / 1e6:.0f} M dense features/s ({dense / 28e6:.1f} M rows of 28), "
        f"{thin / 1e6:.0f} M sparse features/s ({thin / 39e6:.2f} M rows of 39)"
    )
    plan("4.2e9 rows x 39 of 1e6 columns (Criteo)", 4.2e9 * 39, 1e6, 16, 60, thin)
    plan("2.1e12 features of 17e9 rows (VW terascale)", 2.1e12, 1.6e7, 1, 1000, thin)


if __name__ == "__main__":
    main()
