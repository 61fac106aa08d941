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
    if not np.isfinite(e).all():
        large = (np.abs(a) > TOO_LARGE_TO_SPLIT) | (np.abs(b) > TOO_LARGE_TO_SPLIT)
        e = np.where(large, 0.0, e)
    return p, e


def total(high: Array, low: Array) -> tuple[Array, Array]:
    """Sum over the first axis: halves are added to each other until one is left."""
    while len(high) > 1:
        half = (len(high) + 1) // 2
        s, e = two_sum(high[: len(high) - half], high[half:])
        e += low[half:]
        high, low = high[:half].copy(), low[:half].copy()
        high[: len(s)] = s
        low[: len(s)] += e
    return two_sum(high[0], low[0])


def precise_gradient(
    X: Array, y: Array, weights: Array, w_high: Array, w_low: Array, g_high: Array, g_low: Array
) -> float:
    """``X' (weights * (y - X w - b))`` into ``g``, and the weighted sum of squares."""
    with np.errstate(all="ignore"):
        rows = np.column_stack((X, np.ones(len(X)), y)).astype(np.float64, copy=False)
        p, e = two_product(rows, np.append(-w_high, 1.0))
        e -= rows * np.append(w_low, 0.0)
        r, e = total(p.T, e.T)
        s, f = two_product(r, weights)
        f += e * weights
        rows[:, -1] = r  # times s and f: the squares, but for e once more
        p, rest = two_product(rows, s[:, None])
        rest += rows * f[:, None]
        rest[:, -1] += s * e
        high, low = total(p, rest)
        d = len(g_high)
        sums, lost = two_sum(g_high, high[:d])
        g_high[:], g_low[:] = two_sum(sums, lost + g_low + low[:d])
    return float(high[-1] + low[-1])
