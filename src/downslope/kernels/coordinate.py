"""Coordinate descent on a small quadratic with an L1 part: no row of the data is read."""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels import STRICT

Array = Any


@njit(**STRICT)
def soft(x: float, threshold: float) -> float:
    """``x`` moved towards zero by ``threshold``, and exactly zero where that would cross it."""
    if x > threshold:
        return x - threshold
    if x < -threshold:
        return x + threshold
    return 0.0


@njit(**STRICT)
def descend_coordinates(
    hessian: Array, gradient: Array, w: Array, l1: Array, tol: float, most_sweeps: int
) -> Array:
    """``delta`` that minimises g'delta + delta' H delta / 2 + sum l1 abs(w + delta).

    One weight after the other goes to its own lowest point. After a sweep over all of them only
    those that are not zero are swept until they rest; then all once more (Friedman, Hastie and
    Tibshirani 2010). Ends when no weight of a full sweep would gain more than ``tol``.
    """
    m = gradient.shape[0]
    delta = np.zeros(m)
    slope = gradient.copy()
    everything = True
    for _ in range(most_sweeps):
        biggest = 0.0
        for j in range(m):
            bend = hessian[j, j]
            if bend <= 0.0 or not (everything or w[j] + delta[j] != 0.0 or l1[j] == 0.0):
                continue
            target = soft(w[j] + delta[j] - slope[j] / bend, l1[j] / bend)
            change = target - w[j] - delta[j]
            if change != 0.0:
                delta[j] = target - w[j]
                for k in range(m):
                    slope[k] += change * hessian[j, k]
                biggest = max(biggest, change * change * bend)
        if biggest <= tol:
            if everything:
                break
            everything = True
        else:
            everything = False
    return delta
