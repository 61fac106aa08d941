"""One pass over sparse rows: loss, gradient and, on request, the diagonal or a sketch of the
Hessian.

Rows are taken in blocks of a few hundred: raw predictions by gathering weights, losses of the block
as vector code, and the gradient by scattering while the block is still in the cache. Indices are
unsigned: a signed one is tested for being negative at every use, which doubles the time (measured).
"""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.classes import probabilities_of_rows
from downslope.kernels.dense import curvatures_of_rows, losses_of_rows, mix
from downslope.kernels.machine_code import FAST, STRICT

Array = Any
BLOCK_ROWS = 256


@njit(**FAST)
def predict_sparse_rows(
    data: Array, indices: Array, indptr: Array, low: int, high: int, w: Array, b: float, z: Array
) -> None:
    """``z[i] = X[low + i] @ w + b``."""
    for i in range(low, high):
        total = b
        for p in range(indptr[i], indptr[i + 1]):
            total += data[p] * w[indices[p]]
        z[i - low] = total


@njit(**FAST)
def add_sparse_rows(
    data: Array, indices: Array, indptr: Array, low: int, high: int, r: Array, g: Array
) -> None:
    """``g += X[low:high].T @ r``."""
    for i in range(low, high):
        v = r[i - low]
        for p in range(indptr[i], indptr[i + 1]):
            g[indices[p]] += v * data[p]


@njit(**FAST)
def add_squares(
    data: Array, indices: Array, indptr: Array, low: int, high: int, h: Array, squares: Array
) -> None:
    """``squares += (X[low:high] ** 2).T @ h``."""
    for i in range(low, high):
        v = h[i - low]
        for p in range(indptr[i], indptr[i + 1]):
            squares[indices[p]] += v * data[p] * data[p]


@njit(**FAST)
def add_sizes(data: Array, indices: Array, sizes: Array) -> None:
    """``sizes += abs(X).sum(axis=0)``."""
    for p in range(data.shape[0]):
        sizes[indices[p]] += abs(data[p])


@njit(**STRICT)
def sketch_sparse_rows(
    data: Array,
    indices: Array,
    indptr: Array,
    low: int,
    high: int,
    r: Array,
    h: Array,
    table: Array,
    done: int,
    seed: Any,
) -> None:
    """Add rows to the table, as ``dense.sketch_rows`` does."""
    width = table.shape[1]
    size = np.uint64(table.shape[0])
    for i in range(low, high):
        place = np.uint64(done + i - low)
        bucket = (place + mix(seed + place // size)) % size
        if h[i - low] > 0.0:
            root = np.sqrt(h[i - low])
            if mix(seed ^ np.uint64(i)) & np.uint64(1):
                root = -root
            for p in range(indptr[i], indptr[i + 1]):
                table[bucket, indices[p]] += root * data[p]
            table[bucket, width - 2] += root
            table[bucket, width - 1] -= r[i - low] / h[i - low] * root


@njit(**STRICT)
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
    asked.

    Parameters
    ----------
    data, indices, indptr : float32 or float64, uint32 or uint64, uint64
    y, weights : (n_rows,) float64
    w, gradient : (n_features + 1,) float64, the intercept last
    squares : (n_features + 1,) float64, the diagonal of the Hessian; not asked for where empty
    table : (buckets, n_features + 2) float64, see ``dense.dense_pass``; not asked for where empty
    floor : float, the least curvature of a row
    seed : unsigned 64-bit, of the signs
    others : as in ``dense.dense_pass``
    """
    n_features = w.shape[0] - 1
    z, r, h = np.empty(BLOCK_ROWS), np.empty(BLOCK_ROWS), np.empty(BLOCK_ROWS)
    total = 0.0
    for i in range(low, high, BLOCK_ROWS):
        end = min(high, i + BLOCK_ROWS)
        rows = end - i
        predict_sparse_rows(data, indices, indptr, i, end, w, w[n_features], z)
        block_y, block_weights = y[i:end], weights[i:end]
        total += losses_of_rows(code, parameter, z[:rows], block_y, block_weights, r[:rows], others)
        add_sparse_rows(data, indices, indptr, i, end, r, gradient)
        for k in range(rows):
            gradient[n_features] += r[k]
        if squares.shape[0] == 0 and table.shape[0] == 0:
            continue
        curvatures_of_rows(code, parameter, z[:rows], block_y, block_weights, floor, h, others)
        if squares.shape[0] > 0:
            add_squares(data, indices, indptr, i, end, h, squares)
            for k in range(rows):
                squares[n_features] += h[k]
        if table.shape[0] > 0:
            sketch_sparse_rows(data, indices, indptr, i, end, r, h, table, i - low, seed)
    return total


@njit(**STRICT)
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
    """Sum over rows of weight * cross-entropy; adds to ``gradient`` and, if asked, ``squares``.

    ``W``, ``gradient`` and ``squares`` have shape (n_features + 1, n_classes), the intercepts last;
    ``squares``, the diagonal of the Hessian, is not asked for where it is empty. ``y`` is int64.
    """
    n_features, classes = W.shape[0] - 1, W.shape[1]
    z = np.empty((classes, BLOCK_ROWS))
    top, total = np.empty(BLOCK_ROWS), np.empty(BLOCK_ROWS)
    value = 0.0
    for first in range(low, high, BLOCK_ROWS):
        rows = min(BLOCK_ROWS, high - first)
        for a in range(rows):
            for k in range(classes):
                z[k, a] = W[n_features, k]
            for p in range(indptr[first + a], indptr[first + a + 1]):
                for k in range(classes):
                    z[k, a] += data[p] * W[indices[p], k]
            value -= weights[first + a] * z[y[first + a], a]
        probabilities_of_rows(z[:, :rows], top, total)
        for a in range(rows):
            i, weight = first + a, weights[first + a]
            value += weight * (top[a] + np.log(total[a]))
            if squares.shape[0] > 0:
                for k in range(classes):
                    squares[n_features, k] += weight * z[k, a] * (1.0 - z[k, a])
                for p in range(indptr[i], indptr[i + 1]):
                    for k in range(classes):
                        bend = weight * z[k, a] * (1.0 - z[k, a])
                        squares[indices[p], k] += bend * data[p] * data[p]
            z[y[i], a] -= 1.0
            for k in range(classes):
                z[k, a] *= weight
                gradient[n_features, k] += z[k, a]
            for p in range(indptr[i], indptr[i + 1]):
                for k in range(classes):
                    gradient[indices[p], k] += data[p] * z[k, a]
    return value
