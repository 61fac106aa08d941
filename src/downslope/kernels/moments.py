"""Sums and squares of columns about a pivot, in one read of the rows."""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.machine_code import FAST

Array = Any


@njit(**FAST)
def moments_pass(
    X: Array, weights: Array, low: int, high: int, unit: Array, pivot: Array, sums: Array
) -> None:
    """Add some rows' moments to ``sums``; a single weight is that of every row.

    Four rows at a time, so that sums are loaded and stored once for four.
    """
    n_features, same = X.shape[1], len(weights) == 1
    total, squares = np.zeros(n_features), np.zeros(n_features)
    whole = low + (high - low) // 4 * 4
    for i in range(low, whole, 4):
        at, step = (0, 0) if same else (i, 1)
        p, q = weights[at], weights[at + step]
        r, s = weights[at + 2 * step], weights[at + 3 * step]
        for j in range(n_features):
            a = X[i, j] * unit[j] - pivot[j]
            b = X[i + 1, j] * unit[j] - pivot[j]
            c = X[i + 2, j] * unit[j] - pivot[j]
            d = X[i + 3, j] * unit[j] - pivot[j]
            total[j] += (p * a + q * b) + (r * c + s * d)
            squares[j] += (p * a * a + q * b * b) + (r * c * c + s * d * d)
    for i in range(whole, high):
        weight = weights[0 if same else i]
        for j in range(n_features):
            a = X[i, j] * unit[j] - pivot[j]
            total[j] += weight * a
            squares[j] += weight * a * a
    sums[0] += total
    sums[1] += squares
