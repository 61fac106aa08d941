"""Coordinate descent on a small quadratic with an L1 part: no row of the data is read."""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.machine_code import FAST, STRICT

Array = Any
SWEEPS = 50
"""At a time: after them a solve over the weights in use goes further than more would."""


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


@njit(**FAST)
def descend_columns(
    data: Array,
    indices: Array,
    indptr: Array,
    h: Array,
    slope: Array,
    ridge: Array,
    bend: Array,
    w: Array,
    l1: Array,
    tol: float,
    most_sweeps: int,
) -> Array:
    """The same for H = X' diag(h) X + diag(ridge) with sparse columns, without forming H.

    Parameters
    ----------
    data, indices, indptr : CSC columns, unsigned indices
    h : (n_rows,) curvature of each row
    slope, ridge, bend, w, l1 : (n_features + 1,) gradient, ridge, diagonal of H, weights and their
        L1 weight; the last is the intercept's, which is left out where its ``bend`` is 0
    """
    n_features = indptr.shape[0] - 1
    delta = np.zeros(n_features + 1)
    pushed = np.zeros(h.shape[0])  # h * (X @ delta)
    everything = True
    for _ in range(most_sweeps):
        biggest = 0.0
        for j in range(n_features):
            if bend[j] <= 0.0 or not (everything or w[j] + delta[j] != 0.0):
                continue
            steep = slope[j] + ridge[j] * delta[j]
            for p in range(indptr[j], indptr[j + 1]):
                steep += data[p] * pushed[indices[p]]
            target = soft(w[j] + delta[j] - steep / bend[j], l1[j] / bend[j])
            change = target - w[j] - delta[j]
            if change != 0.0:
                delta[j] = target - w[j]
                for p in range(indptr[j], indptr[j + 1]):
                    pushed[indices[p]] += change * h[indices[p]] * data[p]
                biggest = max(biggest, change * change * bend[j])
        if bend[n_features] > 0.0:
            steep = slope[n_features]
            for i in range(h.shape[0]):
                steep += pushed[i]
            change = -steep / bend[n_features]
            delta[n_features] += change
            for i in range(h.shape[0]):
                pushed[i] += change * h[i]
            biggest = max(biggest, change * change * bend[n_features])
        if biggest <= tol:
            if everything:
                break
            everything = True
        else:
            everything = False
    return delta
