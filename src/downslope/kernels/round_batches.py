"""Epochs of batches in round coordinates: the gradient of a few rows, turned by a fixed matrix."""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.dense import REASSOCIATE
from downslope.kernels.machine_code import KEEP
from downslope.kernels.prefetch import prefetch_row
from downslope.kernels.scalar import curvature, slope, tail_curvature, value

Array = Any


@njit(cache=KEEP, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def dot(X: Array, row: int, w: Array) -> float:
    """``X[row] @ w[:-1] + w[-1]``."""
    z = 0.0
    for j in range(X.shape[1]):
        z += X[row, j] * w[j]
    return z + w[X.shape[1]]


@njit(cache=KEEP, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def add(X: Array, row: int, s: float, g: Array) -> None:
    """``g += s (X[row], 1)``."""
    for j in range(X.shape[1]):
        g[j] += s * X[row, j]
    g[X.shape[1]] += s


@njit(cache=KEEP, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def turn(P: Array, g: Array, q: Array) -> None:
    """``q = P g``."""
    for i in range(P.shape[0]):
        total = 0.0
        for j in range(P.shape[1]):
            total += P[i, j] * g[j]
        q[i] = total


@njit(cache=KEEP, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def step(w: Array, q: Array, length: float, mean: Array, count: int) -> None:
    """``w -= length q``, and the mean of ``count`` weights."""
    for j in range(w.shape[0]):
        w[j] -= length * q[j]
        mean[j] += (w[j] - mean[j]) / count


@njit(cache=KEEP, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def round_batches(
    X: Array,
    y: Array,
    weights: Array,
    order: Array,
    asked: Array,
    soon: bool,
    batch_size: int,
    lengths: Array,
    P: Array,
    w: Array,
    mean: Array,
    code: int,
    parameter: float,
    bend_bound: float,
    ridge: Array,
) -> float:
    """Steps ``w -= length P gradient`` on the rows in ``order``; answers the sum of the losses met.

    No step goes past the lowest point that the batch has along it, reckoned with the largest
    curvature that the loss can have: that tames rows of great leverage. On rows where the loss has
    turned linear it is reckoned with a parabola above the loss, or a column of a few far rows would
    take many epochs to reach them.

    Parameters
    ----------
    X : (n_rows, n_features) float32 or float64
    y, weights : (n_rows,) float64; weights empty where every row counts once
    order : (n_rows,) rows in the order of their use
    asked, soon : (n_rows,) row to ask for at each step, and whether it is used soon after
    lengths : length of each step
    P : (n_features + 1, n_features + 1), inverse of the Hessian where the sketch was taken
    w, mean : (n_features + 1,) changed in place: weights, and the mean of those after each step
    bend_bound : largest curvature of the loss; 0 where it has none, then that at each row counts
    ridge : (n_features + 1,) second derivative of the penalty
    """
    n = order.shape[0]
    g, q = np.empty_like(w), np.empty_like(w)
    h = np.empty(batch_size)
    total = 0.0
    for first in range(0, n, batch_size):
        end = min(n, first + batch_size)
        for j in range(w.shape[0]):
            g[j] = ridge[j] * w[j]
        for i in range(first, end):
            prefetch_row(X, asked[i], soon)
            row = order[i]
            share = (weights[row] if weights.shape[0] > 0 else 1.0) / (end - first)
            z = dot(X, row, w)
            total += share * (end - first) * value(code, parameter, z, y[row])
            bend = tail_curvature(code, parameter, z, y[row])
            if bend == 0.0:
                bend = bend_bound if bend_bound > 0.0 else curvature(code, parameter, z, y[row])
            h[i - first] = share * bend
            add(X, row, share * slope(code, parameter, z, y[row]), g)
        if not np.isfinite(total):
            break
        turn(P, g, q)
        gain = 0.0
        bent = 0.0
        for j in range(w.shape[0]):
            gain += g[j] * q[j]
            bent += ridge[j] * q[j] * q[j]
        for i in range(first, end):
            along = dot(X, order[i], q)
            bent += h[i - first] * along * along
        length = lengths[first // batch_size]
        if length * bent > gain:
            length = gain / bent
        step(w, q, length, mean, first // batch_size + 1)
    return total
