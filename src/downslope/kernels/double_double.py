"""Sums with twice the digits: numbers kept as an unevaluated sum of two floats.

``two_sum`` and ``two_product`` are exact: what rounding took from the result is the second number
(Knuth 1969; Dekker 1971). Compiled without any reordering, which would optimise the errors away.
"""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.machine_code import STRICT

Array = Any
SPLITTER = 134217729.0  # 2^27 + 1
TOO_LARGE_TO_SPLIT = 6.0e299


@njit(**STRICT)
def two_sum(a: float, b: float) -> tuple[float, float]:
    """``a + b`` and its rounding error."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@njit(**STRICT)
def two_product(a: float, b: float) -> tuple[float, float]:
    """``a * b`` and its rounding error (0 where splitting would overflow)."""
    p = a * b
    if abs(a) > TOO_LARGE_TO_SPLIT or abs(b) > TOO_LARGE_TO_SPLIT:
        return p, 0.0
    t = SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


@njit(**STRICT)
def add_product(
    high: float, low: float, a: float, b_high: float, b_low: float
) -> tuple[float, float]:
    """``(high + low) + a * (b_high + b_low)``."""
    p, e = two_product(a, b_high)
    s, t = two_sum(high, p)
    return two_sum(s, low + t + e + a * b_low)


@njit(**STRICT)
def precise_gradient(
    X: Array, y: Array, weights: Array, w_high: Array, w_low: Array, g_high: Array, g_low: Array
) -> float:
    """``X' (weights * (y - X w - b))`` into ``g``, and the weighted sum of squares.

    ``w`` and ``g`` are pairs of (n_features + 1,), the intercept last.
    """
    n_features = X.shape[1]
    total, rest = 0.0, 0.0
    for i in range(X.shape[0]):
        r, e = two_sum(y[i], -w_high[n_features])
        e -= w_low[n_features]
        for j in range(n_features):
            r, e = add_product(r, e, -np.float64(X[i, j]), w_high[j], w_low[j])
        total, rest = add_product(total, rest, r * weights[i], r, 2.0 * e)
        s, f = two_product(r, weights[i])
        f += e * weights[i]
        for j in range(n_features):
            g_high[j], g_low[j] = add_product(g_high[j], g_low[j], np.float64(X[i, j]), s, f)
        g_high[n_features], g_low[n_features] = add_product(
            g_high[n_features], g_low[n_features], 1.0, s, f
        )
    return total + rest
