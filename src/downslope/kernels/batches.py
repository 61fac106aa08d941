"""Epochs of batches: plain descent, momentum and Nesterov on a few rows per step.

Equal to the walk's steps to rounding, for dense and CSR rows and for any number of raw predictions
per row. Weights are kept as (outputs, features + 1), so that every product runs along the columns.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from downslope.kernels.machine_code import FAST, STRICT
from downslope.kernels.prefetch import prefetch_row
from downslope.kernels.rows import shrunk
from downslope.kernels.scalar import MULTINOMIAL, slope, value

Array = Any
PLAIN = 0
MOMENTUM = 1
NESTEROV = 2
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": FAST["fastmath"]}


def dot(X: Any, row: int, W: Array, c: int) -> float:
    """``X[row] @ W[c, :-1]``; X is a dense array, or (data, indices, indptr) of a CSR matrix."""
    raise NotImplementedError


def add(X: Any, row: int, s: float, G: Array, c: int) -> None:
    """``G[c, :-1] += s X[row]``."""
    raise NotImplementedError


def fetch(X: Any, row: int, soon: bool) -> None:
    """Ask for a row that will be needed; see ``prefetch_row``."""
    raise NotImplementedError


@overload(dot, jit_options=OPTIONS)
def _dot(X: Any, row: Any, W: Any, c: Any) -> Callable[..., float]:
    def dense(X: Any, row: Any, W: Any, c: Any) -> float:
        z = 0.0
        for j in range(X.shape[1]):
            z += X[row, j] * W[c, j]
        return z

    def csr(X: Any, row: Any, W: Any, c: Any) -> float:
        data, indices, indptr = X
        z = 0.0
        for k in range(indptr[row], indptr[row + 1]):
            z += data[k] * W[c, indices[k]]
        return z

    return dense if isinstance(X, types.Array) else csr


@overload(add, jit_options=OPTIONS)
def _add(X: Any, row: Any, s: Any, G: Any, c: Any) -> Callable[..., None]:
    def dense(X: Any, row: Any, s: Any, G: Any, c: Any) -> None:
        for j in range(X.shape[1]):
            G[c, j] += s * X[row, j]

    def csr(X: Any, row: Any, s: Any, G: Any, c: Any) -> None:
        data, indices, indptr = X
        for k in range(indptr[row], indptr[row + 1]):
            G[c, indices[k]] += s * data[k]

    return dense if isinstance(X, types.Array) else csr


@overload(fetch, jit_options=OPTIONS)
def _fetch(X: Any, row: Any, soon: Any) -> Callable[..., None]:
    def dense(X: Any, row: Any, soon: Any) -> None:
        prefetch_row(X, row, soon)

    def csr(X: Any, row: Any, soon: Any) -> None:
        pass

    return dense if isinstance(X, types.Array) else csr


@njit(**STRICT)
def softmax_slopes(z: Array, y: int, s: Array) -> float:
    """Slopes of one row of the softmax loss into ``s``; answers its loss."""
    top = z.max()
    total = 0.0
    for c in range(z.shape[0]):
        s[c] = np.exp(z[c] - top)
        total += s[c]
    for c in range(z.shape[0]):
        s[c] /= total
    s[y] -= 1.0
    return top + np.log(total) - z[y]


@njit(**STRICT)
def separate_slopes(code: int, parameter: float, z: Array, Y: Array, row: int, s: Array) -> float:
    """Slopes of one row, an output at a time, into ``s``; answers the sum of its losses."""
    total = 0.0
    for c in range(z.shape[0]):
        s[c] = slope(code, parameter, z[c], Y[row, c])
        total += value(code, parameter, z[c], Y[row, c])
    return total


@njit(**FAST)
def take_step(
    W: Array,
    G: Array,
    V: Array,
    length: float,
    rule: int,
    beta: float,
    share: float,
    l1: float,
    l2: float,
) -> None:
    """One step along the gradient ``G`` of the losses; the penalties spare the last column."""
    last = W.shape[1] - 1
    for c in range(W.shape[0]):
        for j in range(last + 1):
            direction = G[c, j] + (l2 * W[c, j] if j < last else 0.0)
            if rule != PLAIN:
                V[c, j] = beta * V[c, j] + share * direction
                direction = V[c, j] if rule == MOMENTUM else direction + beta * V[c, j]
            W[c, j] -= length * direction
        if l1 > 0.0:
            for j in range(last):
                W[c, j] = shrunk(W[c, j], length * l1)


@njit(**FAST)
def add_to_mean(mean: Array, W: Array, count: int) -> None:
    """Running mean of ``count`` weights, ``W`` the last of them."""
    for c in range(W.shape[0]):
        for j in range(W.shape[1]):
            mean[c, j] += (W[c, j] - mean[c, j]) / count


@njit(**FAST)
def batch_rows(
    X: Any,
    Y: Array,
    weights: Array,
    order: Array,
    asked: Array,
    soon: bool,
    batch_size: int,
    lengths: Array,
    W: Array,
    V: Array,
    mean: Array,
    average_from: int,
    fit_intercept: bool,
    code: int,
    parameter: float,
    l1: float,
    l2: float,
    rule: int,
    beta: float,
    dampening: float,
    k: int,
) -> float:
    """Steps on the rows in ``order``, ``batch_size`` at a time; answers the sum of the losses met.

    The sum is not finite where the steps blew up, which ends them at once.

    Parameters
    ----------
    X : dense array, or (data, indices, indptr) of a CSR matrix
    Y : (n_rows, outputs) float64; (n_rows, 1) class numbers for the softmax loss
    weights : (n_rows,) float64, or empty where every row counts once
    order : (n_rows,) rows in the order of their use
    asked, soon : (n_rows,) row to ask for at each step, and whether it is used soon after
    lengths : length of each step
    W, V, mean : (outputs, features + 1) float64, changed in place: weights, velocity, and the mean
        of the weights before each step from number ``average_from`` on
    k : number of the first step
    """
    n, outputs = order.shape[0], W.shape[0]
    d = W.shape[1] - 1
    z, s, G = np.empty(outputs), np.empty(outputs), np.empty_like(W)
    total = 0.0
    for first in range(0, n, batch_size):
        end = min(n, first + batch_size)
        G[:] = 0.0
        for i in range(first, end):
            fetch(X, asked[i], soon)
            row = order[i]
            weight = weights[row] if weights.shape[0] > 0 else 1.0
            for c in range(outputs):
                z[c] = dot(X, row, W, c) + W[c, d]
            if code == MULTINOMIAL:
                total += weight * softmax_slopes(z, np.intp(Y[row, 0]), s)
            else:
                total += weight * separate_slopes(code, parameter, z, Y, row, s)
            for c in range(outputs):
                share = weight * s[c] / (end - first)
                add(X, row, share, G, c)
                if fit_intercept:
                    G[c, d] += share
        if not np.isfinite(total):
            break
        now = first // batch_size
        if k + now >= average_from:
            add_to_mean(mean, W, k + now - average_from + 1)
        part = 1.0 - dampening if k + now > 0 else 1.0
        take_step(W, G, V, lengths[now], rule, beta, part, l1, l2)
    return total
