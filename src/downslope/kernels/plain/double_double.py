"""Sums with twice the digits over few rows: ``kernels.double_double`` in NumPy."""

from typing import Any

import numpy as np

from downslope.pairs import two_product, two_sum

Array = Any


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
