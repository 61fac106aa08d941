"""Coordinate descent on a small quadratic with an L1 part: ``kernels.coordinate`` in NumPy."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg.blas import daxpy

Array = Any
SWEEPS = 10
"""At a time: a sweep costs more than a solve here, so few of them are worth it."""


def soft(x: float, threshold: float) -> float:
    """``x`` moved towards zero by ``threshold``, and exactly zero where that would cross it."""
    if x > threshold:
        return x - threshold
    if x < -threshold:
        return x + threshold
    return 0.0


def descend_coordinates(
    hessian: Array, gradient: Array, w: Array, l1: Array, tol: float, most_sweeps: int
) -> Array:
    """``delta`` that minimises g'delta + delta' H delta / 2 + sum l1 abs(w + delta)."""
    slope, delta = np.array(gradient, dtype=float), np.zeros(len(gradient))
    bends, edges, starts = np.diag(hessian).tolist(), l1.tolist(), w.tolist()
    rows = list(np.ascontiguousarray(hessian, dtype=float))
    everything = True
    for _ in range(most_sweeps):
        biggest = 0.0
        for j, bend in enumerate(bends):
            place = starts[j] + delta.item(j)
            if bend <= 0.0 or not (everything or place != 0.0 or edges[j] == 0.0):
                continue
            target = soft(place - slope.item(j) / bend, edges[j] / bend)
            change = target - place
            if change != 0.0:
                delta[j] = target - starts[j]
                daxpy(rows[j], slope, a=change)  # slope += change * rows[j], in a third of the time
                biggest = max(biggest, change * change * bend)
        if biggest <= tol:
            if everything:
                break
            everything = True
        else:
            everything = False
    return delta


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
    """The same for H = X' diag(h) X + diag(ridge) with sparse columns.

    So few columns that H may be formed; the intercept's is the last.
    """
    parts = data.astype(np.float64, copy=False), indices.astype(np.int64), indptr.astype(np.int64)
    X = sparse.csc_matrix(parts, shape=(len(h), len(indptr) - 1), copy=False)
    d = X.shape[1]
    hessian = np.zeros((d + 1, d + 1))
    hessian[:d, :d] = (X.T @ X.multiply(h[:, None])).toarray()
    hessian[d, :d] = hessian[:d, d] = X.T @ h
    hessian[np.diag_indices(d + 1)] = bend
    edges = np.append(l1[:d], 0.0)
    return descend_coordinates(hessian, slope, w, edges, tol, most_sweeps)
