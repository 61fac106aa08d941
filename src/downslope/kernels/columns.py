"""Passes over sparse columns, and sparse rows turned into them.

A gradient is a sum per column here: slopes are gathered, nothing is scattered, which takes half the
time that rows need. Predictions touch only the columns whose weight is not zero.
"""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.machine_code import FAST, STRICT

Array = Any


@njit(**STRICT)
def columns_of_rows(
    data: Array, indices: Array, indptr: Array, n_features: int
) -> tuple[Array, Array, Array]:
    """CSR rows as CSC columns, rows in order within each; row numbers and ends unsigned."""
    ends = np.zeros(n_features + 1, dtype=np.uint64)
    for p in range(indices.shape[0]):
        ends[indices[p] + np.uint64(1)] += np.uint64(1)
    for j in range(n_features):
        ends[j + 1] += ends[j]
    place = ends[:-1].copy()
    rows, values = np.empty(indices.shape[0], dtype=np.uint32), np.empty_like(data)
    for i in range(indptr.shape[0] - 1):
        for p in range(indptr[i], indptr[i + 1]):
            to = place[indices[p]]
            place[indices[p]] = to + np.uint64(1)
            rows[to] = i
            values[to] = data[p]
    return values, rows, ends


@njit(**STRICT)
def only_columns(
    data: Array, rows: Array, ends: Array, chosen: Array
) -> tuple[Array, Array, Array]:
    """A copy of the chosen columns."""
    kept = np.zeros(chosen.shape[0] + 1, dtype=np.uint64)
    for k in range(chosen.shape[0]):
        kept[k + 1] = kept[k] + ends[chosen[k] + 1] - ends[chosen[k]]
    values = np.empty(kept[-1], dtype=data.dtype)
    places = np.empty(kept[-1], dtype=rows.dtype)
    for k in range(chosen.shape[0]):
        first, last = ends[chosen[k]], ends[chosen[k] + 1]
        values[kept[k] : kept[k + 1]] = data[first:last]
        places[kept[k] : kept[k + 1]] = rows[first:last]
    return values, places, kept


@njit(**FAST)
def add_predictions(data: Array, rows: Array, ends: Array, w: Array, z: Array) -> None:
    """``z += X @ w``."""
    for j in range(ends.shape[0] - 1):
        if w[j] != 0.0:
            for p in range(ends[j], ends[j + 1]):
                z[rows[p]] += data[p] * w[j]


@njit(**FAST)
def sums_of_columns(
    data: Array, rows: Array, ends: Array, low: int, high: int, r: Array, sums: Array
) -> None:
    """``sums[low:high] = X[:, low:high].T @ r``."""
    for j in range(low, high):
        total = 0.0
        for p in range(ends[j], ends[j + 1]):
            total += data[p] * r[rows[p]]
        sums[j] = total


@njit(**FAST)
def squares_of_columns(data: Array, rows: Array, ends: Array, h: Array, sums: Array) -> None:
    """``sums = (X ** 2).T @ h``."""
    for j in range(ends.shape[0] - 1):
        total = 0.0
        for p in range(ends[j], ends[j + 1]):
            total += h[rows[p]] * data[p] * data[p]  # float64 from the first product on
        sums[j] = total
