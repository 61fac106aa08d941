"""A pass over few sparse rows: ``kernels.csr`` in NumPy and SciPy."""

from typing import Any

import numpy as np
from scipy import sparse

from downslope.kernels.plain.classes import cross_entropy, slopes
from downslope.kernels.plain.dense import curvatures_of_rows, losses_of_rows, mix, roots

Array = Any


def rows_of(data: Array, indices: Array, indptr: Array, width: int, low: int, high: int) -> Any:
    """The rows ``low`` to ``high`` of unsigned CSR arrays, as float64."""
    first, last = int(indptr[low]), int(indptr[high])
    ends = (indptr[low : high + 1] - indptr[low]).astype(np.int64)
    kept = data[first:last].astype(np.float64, copy=False), indices[first:last].astype(np.int64)
    return sparse.csr_matrix((*kept, ends), shape=(high - low, width), copy=False)


def add_sizes(data: Array, indices: Array, sizes: Array) -> None:
    """``sizes += abs(X).sum(axis=0)``."""
    np.add.at(sizes, indices.astype(np.int64), np.abs(data))


def sparse_pass(
    data: Array,
    indices: Array,
    indptr: Array,
    y: Array,
    weights: Array,
    w: Array,
    code: int,
    parameter: float,
    low: int,
    high: int,
    gradient: Array,
    squares: Array,
    table: Array,
    floor: float,
    seed: Any,
    others: bool | None,
) -> float:
    """Sum over rows ``low`` to ``high`` of weight * loss; adds to ``gradient`` and what else is
    asked."""
    d, r, y, weights = len(w) - 1, np.empty(high - low), y[low:high], weights[low:high]
    X = rows_of(data, indices, indptr, d, low, high)
    with np.errstate(all="ignore"):
        z = X @ w[:d]
        z += w[d]
        total = losses_of_rows(code, parameter, z, y, weights, r)
        gradient[:d] += r @ X
        gradient[d] += r.sum()
        if len(squares) or len(table):
            h = curvatures_of_rows(code, parameter, z, y, weights, floor)
        if len(squares):
            squares[:d] += h @ X.multiply(X)
            squares[d] += h.sum()
        if len(table):
            sketch(X, *roots(h, r, seed, np.arange(low, high)), table, seed)
    return total


def sketch(X: Any, root: Array, wish: Array, table: Array, seed: Any) -> None:
    """Add rows, times their signed roots, to the table, each in its bucket."""
    d, place, size = X.shape[1], np.arange(X.shape[0], dtype=np.uint64), np.uint64(len(table))
    bucket = ((place + mix(seed + place // size)) % size).astype(np.int64)
    entries = X.tocoo()
    to = bucket[entries.row], entries.col
    np.add.at(table, to, root[entries.row] * entries.data)
    np.add.at(table[:, d], bucket, root)
    np.add.at(table[:, d + 1], bucket, wish)


def sparse_class_pass(
    data: Array,
    indices: Array,
    indptr: Array,
    y: Array,
    weights: Array,
    W: Array,
    low: int,
    high: int,
    gradient: Array,
    squares: Array,
) -> float:
    """Sum over rows of weight * cross-entropy; adds to ``gradient`` and, if asked, ``squares``."""
    d, y, weights = W.shape[0] - 1, y[low:high], weights[low:high]
    X = rows_of(data, indices, indptr, d, low, high)
    with np.errstate(all="ignore"):
        total, p = cross_entropy(X @ W[:d] + W[d], y, weights)
        if len(squares):
            bends = weights[:, None] * p * (1.0 - p)
            squares[:d] += X.multiply(X).T @ bends
            squares[d] += bends.sum(axis=0)
        r = slopes(p, y, weights)
        gradient[:d] += X.T @ r
        gradient[d] += r.sum(axis=0)
    return total
