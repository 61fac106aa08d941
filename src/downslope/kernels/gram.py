"""All products of columns in one pass, for few columns."""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.machine_code import FAST

Array = Any
ROWS = 64
"""Rows of a block: measured best from 20 to 100 columns, their transposes fit the cache."""


@njit(**FAST)
def gram_pass(
    X: Array,
    y: Array,
    weights: Array,
    low: int,
    high: int,
    shift: Array,
    center: float,
    gram: Array,
) -> None:
    """Add the weighted products of (X - shift, 1, y - center) to the upper half of ``gram``.

    A block is transposed, so that a product of two columns runs along memory; two by two columns at
    a time, so that every number loaded serves two products. ``gram`` has an even number of rows,
    at least n_features + 2.
    """
    n_features, m = X.shape[1], gram.shape[0]
    block = np.zeros((m, ROWS))
    for first in range(low, high, ROWS):
        rows = min(ROWS, high - first)
        if rows < ROWS:
            block[:] = 0.0
        for r in range(rows):
            root = np.sqrt(weights[first + r])
            for j in range(n_features):
                block[j, r] = root * (X[first + r, j] - shift[j])
            block[n_features, r] = root
            block[n_features + 1, r] = root * (y[first + r] - center)
        for j in range(0, m, 2):
            for k in range(j, m, 2):
                a, b, c, d = 0.0, 0.0, 0.0, 0.0
                for r in range(ROWS):
                    a += block[j, r] * block[k, r]
                    b += block[j, r] * block[k + 1, r]
                    c += block[j + 1, r] * block[k, r]
                    d += block[j + 1, r] * block[k + 1, r]
                gram[j, k] += a
                gram[j, k + 1] += b
                gram[j + 1, k] += c
                gram[j + 1, k + 1] += d
