"""Sums with twice the digits over few rows: ``kernels.double_double`` in NumPy."""

from typing import Any

import numpy as np

Array = Any
SPLITTER = 134217729.0  # 2^27 + 1
TOO_LARGE_TO_SPLIT = 6.0e299


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """``a + b`` and its rounding error."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """``a * b`` and its rounding error (0 where splitting would overflow)."""
    p = a * b
    t = SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    e = ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low
    large = (np.abs(a) > TOO_LARGE_TO_SPLIT) | (np.abs(b) > TOO_LARGE_TO_SPLIT)
    return p, np.where(large, 0.0, e)


def add_product(
    high: Array, low: Array, a: Array, b_high: Array, b_low: Array
) -> tuple[Array, Array]:
    """``(high + low) + a * (b_high + b_low)``."""
    p, e = two_product(a, b_high)
    s, t = two_sum(high, p)
    return two_sum(s, low + t + e + a * b_low)


def total(high: Array, low: Array) -> tuple[Array, Array]:
    """Sum over the first axis, in pairs of pairs."""
    while len(high) > 1:
        half = len(high) // 2
        odd = high[2 * half :], low[2 * half :]
        s, e = two_sum(high[:half], high[half : 2 * half])
        s, e = two_sum(s, e + low[:half] + low[half : 2 * half])
        high, low = np.concatenate((s, odd[0])), np.concatenate((e, odd[1]))
    return high[0], low[0]


def precise_gradient(
    X: Array, y: Array, weights: Array, w_high: Array, w_low: Array, g_high: Array, g_low: Array
) -> float:
    """``X' (weights * (y - X w - b))`` into ``g``, and the weighted sum of squares."""
    with np.errstate(all="ignore"):
        rows = np.column_stack((X.astype(np.float64, copy=False), np.ones(len(X))))
        p, e = two_product(-rows, w_high)
        e -= rows * w_low
        r, e = total(np.vstack((y, p.T)), np.vstack((np.zeros(len(y)), e.T)))
        s, f = two_product(r, weights)
        f += e * weights
        p, e2 = two_product(rows, s[:, None])
        e2 += rows * f[:, None]
        g_high[:], g_low[:] = total(np.vstack((g_high, p)), np.vstack((g_low, e2)))
        p, rest = two_product(s, r)
        square, rest = total(p, rest + 2.0 * s * e)
    return float(square + rest)
