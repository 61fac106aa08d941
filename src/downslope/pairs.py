"""Arrays with twice the digits: numbers kept as an unevaluated sum of two floats, by NumPy.

``kernels.double_double`` does the same one number at a time, compiled, for the passes over rows.
Here are the few sums over weights and columns in which large numbers cancel.
"""

from typing import Any

import numpy as np

Array = Any
SPLITTER = 134217729.0  # 2^27 + 1


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """``a + b`` and its rounding error, element by element (Knuth 1969)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """``a * b`` and its rounding error, element by element (Dekker 1971).

    Where splitting would overflow the error is 0.
    """
    p = a * b
    with np.errstate(over="ignore", invalid="ignore"):
        a_high, b_high = (SPLITTER * x - (SPLITTER * x - x) for x in (a, b))
        a_low, b_low = a - a_high, b - b_high
        error = ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low
    finite = np.isfinite(error)
    return p, error if finite.all() else np.where(finite, error, 0.0)


def minus_products(start: Array, factors: Array, parts: Any) -> Array:
    """``start - sum_k factors[k] * parts[k]``, rounded once.

    Parameters
    ----------
    start : array
    factors : array of shape (n_parts,)
    parts : sequence of n_parts arrays

    Examples
    --------
    >>> start = np.array([1.7e15, 1.8e15])
    >>> minus_products(3.0 * start + [1.0, 2.0], np.array([3.0]), start[None])
    array([1., 2.])
    """
    high, low = np.array(start, dtype=np.float64), np.zeros(np.shape(start))
    for factor, part in zip(factors, parts, strict=True):
        product, error = two_product(-factor, part)
        high, more = two_sum(high, product)
        low += more + error
    return high + low


def minus_dot(start: Array, factors: Array, parts: Array) -> Array:
    """The same for many parts of few numbers each: added up pair by pair.

    Examples
    --------
    >>> minus_dot(np.array([1.0]), np.array([1e20, 1.0, -1e20]), np.ones((3, 1)))
    array([0.])
    """
    products, errors = two_product(-factors.reshape(-1, *[1] * (np.ndim(parts) - 1)), parts)
    high, low = np.concatenate((np.asarray(start, dtype=np.float64)[None], products)), errors.sum(0)
    while len(high) > 1:
        half = len(high) // 2
        sums, errors = two_sum(high[:half], high[half : 2 * half])
        high, low = np.concatenate((sums, high[2 * half :])), low + errors.sum(axis=0)
    return high[0] + low
