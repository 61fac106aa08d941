"""Epochs of single rows: plain descent, one row per step, as machine code.

Equal to the walk's steps to rounding. Three things make it fast. The update for one row and the raw
prediction of the next are one loop over the columns, so the weights are read once. Rows are asked
for before they are needed, and targets collected for 256 rows at a time: a step that waited for its
target would wait for memory. And losses are worked out for 256 rows at a time, where the loop over
rows becomes vector code; only the slope has to be known at once.

Sparse rows touch only the weights of their own columns. The penalties act on all weights at every
step; what a column owes them is paid when a row uses it, exactly.
"""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.dense import REASSOCIATE, losses_of_rows
from downslope.kernels.machine_code import KEEP
from downslope.kernels.prefetch import prefetch_row
from downslope.kernels.scalar import slope, value

Array = Any
BLOCK = 256
SMALLEST = 1e-100


@njit(cache=KEEP, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def shrunk(v: float, t: float) -> float:
    """Nearer to zero by ``t``, and zero where that would cross it."""
    return max(v - t, 0.0) if v > 0.0 else min(v + t, 0.0)


@njit(nogil=True, error_model="numpy", fastmath=REASSOCIATE, inline="always")
def step_and_predict(X: Array, row: int, after: int, w: Array, decay: float, c: float) -> float:
    """``w <- decay w - c X[row]``; answers ``X[after] @ w``."""
    z = 0.0
    for j in range(X.shape[1]):
        v = decay * w[j] - c * X[row, j]
        w[j] = v
        z += v * X[after, j]
    return z


@njit(cache=KEEP, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def dense_rows(
    X: Array,
    y: Array,
    weights: Array,
    order: Array,
    asked: Array,
    soon: bool,
    lengths: Array,
    w: Array,
    fit_intercept: bool,
    code: int,
    parameter: float,
    l2: float,
) -> float:
    """Steps on the rows in ``order``; answers the sum of the losses met, stops where it blows up.

    For an L1 penalty, whose shrinking would slow this loop down, see ``batches``.

    Parameters
    ----------
    X : (n_rows, n_features) float32 or float64
    y : (n_rows,) float64
    weights : (n_rows,) float64, or empty where every row counts once
    order : (n_steps,) row of each step
    asked, soon : (n_steps,) row to ask for at each step, and whether it is used soon after
    lengths : (n_steps,) length of each step
    w : (n_features + 1,) float64, intercept last, changed in place
    """
    n_features = X.shape[1]
    last = order.shape[0] - 1
    blocks = np.ones((4, BLOCK))
    z_block, y_block, weight_block, spare = blocks[0], blocks[1], blocks[2], blocks[3]
    total = 0.0
    row = order[0]
    bias = w[n_features]
    z = 0.0
    for j in range(n_features):
        z += X[row, j] * w[j]
    for low in range(0, last + 1, BLOCK):
        high = min(last + 1, low + BLOCK)
        for i in range(low, high):  # all at once, so that no step waits for its target
            y_block[i - low] = y[order[i]]
            if weights.shape[0] > 0:
                weight_block[i - low] = weights[order[i]]
        for i in range(low, high):
            prefetch_row(X, asked[i], soon)
            z += bias
            z_block[i - low] = z
            s = slope(code, parameter, z, y_block[i - low]) * weight_block[i - low]
            c = lengths[i] * s
            if fit_intercept:
                bias -= c
            after = order[min(i + 1, last)]
            decay = 1.0 - lengths[i] * l2
            z = step_and_predict(X, row, after, w, decay, c)
            row = after
        m = high - low
        total += losses_of_rows(
            code, parameter, z_block[:m], y_block[:m], weight_block[:m], spare[:m]
        )
        if not np.isfinite(total):
            break
    w[n_features] = bias
    return total


@njit(cache=KEEP, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def settle(w: Array, paid: Array, owed: float, scale: float) -> None:
    """Pay what every weight owes and take the common scale into it."""
    for j in range(w.shape[0] - 1):
        if paid.shape[0] > 0:
            w[j] = shrunk(w[j], owed - paid[j])
            paid[j] = 0.0
        w[j] *= scale


@njit(cache=KEEP, nogil=True, error_model="numpy", fastmath=REASSOCIATE)
def sparse_rows(
    data: Array,
    indices: Array,
    indptr: Array,
    y: Array,
    weights: Array,
    order: Array,
    lengths: Array,
    w: Array,
    fit_intercept: bool,
    code: int,
    parameter: float,
    l1: float,
    l2: float,
) -> float:
    """Steps on the CSR rows in ``order``; as ``dense_rows``.

    Between two uses of a column its weight goes through ``w <- shrunk((1 - length l2) w, length
    l1)`` once per step. With ``v = w / scale``, ``scale`` the product of the factors, that is v
    shrunk by ``length l1 / scale`` each time; and shrinking twice is shrinking once by the sum. So
    each column remembers how much of the sum it has ``paid``.
    """
    paid = np.zeros(w.shape[0] - 1 if l1 > 0.0 else 0)
    owed = 0.0
    scale = 1.0
    total = 0.0
    bias = w[-1]
    for i in range(order.shape[0]):
        row = order[i]
        z = 0.0
        for k in range(indptr[row], indptr[row + 1]):
            j = indices[k]
            if l1 > 0.0:
                w[j] = shrunk(w[j], owed - paid[j])
                paid[j] = owed
            z += data[k] * w[j]
        z = scale * z + bias
        weight = weights[row] if weights.shape[0] > 0 else 1.0
        total += weight * value(code, parameter, z, y[row])
        c = lengths[i] * weight * slope(code, parameter, z, y[row])
        decay = 1.0 - lengths[i] * l2
        if decay * scale > SMALLEST:
            scale *= decay
        else:  # too small to divide by, or a step so long that weights change their sign
            settle(w, paid, owed, scale * decay)
            scale, owed = 1.0, 0.0
        for k in range(indptr[row], indptr[row + 1]):
            w[indices[k]] -= c / scale * data[k]
        owed += lengths[i] * l1 / scale
        if fit_intercept:
            bias -= c
        if i % BLOCK == 0 and not np.isfinite(total):
            break
    settle(w, paid, owed, scale)
    w[-1] = bias
    return total
