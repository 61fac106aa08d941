"""One epoch of stochastic gradient descent as scikit-learn does it, step by step.

The rules of ``sklearn/linear_model/_sgd_fast.pyx``, so that a change of import changes no number
beyond rounding: weights as a scale times a vector, so that a penalty is one multiplication (Bottou
2012); the average kept by two more numbers in the same way; L1 by truncated steps with what each
weight still owes (Tsuruoka, Tsujii and Ananiadou 2009); slopes clipped at 1e12; the passive
aggressive rates (Crammer et al. 2006); rows in the order of its own random numbers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from downslope.kernels.dense import REASSOCIATE
from downslope.kernels.machine_code import KEEP
from downslope.kernels.scalar import HINGE, PERCEPTRON, slope, value

Array = Any
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": REASSOCIATE}
CONSTANT, OPTIMAL, INVSCALING, PA1, PA2 = range(5)
NO_PENALTY, L1, L2, ELASTICNET = range(4)
STEEPEST = 1e12
SMALLEST_SCALE = 1e-9
# Places in the state of a run:
SCALE, SQUARES, SIZES = 0, 1, 2  # of the weights: common factor, squared length, sum of sizes
MEAN_SHARE, MEAN_GROWTH = 3, 4  # the average is (mean + MEAN_SHARE * weights) / MEAN_GROWTH
OWED, BIAS, MEAN_BIAS, STEP = 5, 6, 7, 8
LOSSES, VALUES, STEEP = 9, 10, 11  # sums over the epoch, and how many slopes were clipped
STATE_SIZE = 12


@njit(cache=KEEP, nogil=True, error_model="numpy")
def shuffle(order: Array, seed: int) -> None:
    """Fisher and Yates with Marsaglia's 32-bit xorshift: scikit-learn's order, in place."""
    x = np.uint32(seed) if seed != 0 else np.uint32(1)
    n = order.shape[0]
    for i in range(n - 1):
        x ^= np.uint32(x << np.uint32(13))
        x ^= np.uint32(x >> np.uint32(17))
        x ^= np.uint32(x << np.uint32(5))
        j = i + np.int64(x % np.uint32(2147483648)) % (n - i)
        order[i], order[j] = order[j], order[i]


def dot(X: Any, row: int, w: Array) -> float:
    """``X[row] @ w``; X is a dense array, or (data, indices, indptr) of a CSR matrix."""
    raise NotImplementedError


def square(X: Any, row: int) -> float:
    """``X[row] @ X[row]``."""
    raise NotImplementedError


def add(X: Any, row: int, c: float, w: Array) -> tuple[float, float]:
    """``w += c X[row]``; answers squared length and sum of sizes of what the row has touched."""
    raise NotImplementedError


def truncate(X: Any, row: int, w: Array, paid: Array, owed: float, scale: float) -> None:
    """Let the weights that the row has touched pay what they owe, stopping at zero."""
    raise NotImplementedError


@overload(dot, jit_options=OPTIONS)
def _dot(X: Any, row: Any, w: Any) -> Callable[..., float]:
    def dense(X: Any, row: Any, w: Any) -> float:
        z = 0.0
        for j in range(X.shape[1]):
            z += X[row, j] * w[j]
        return z

    def csr(X: Any, row: Any, w: Any) -> float:
        data, indices, indptr = X
        z = 0.0
        for k in range(indptr[row], indptr[row + 1]):
            z += data[k] * w[indices[k]]
        return z

    return dense if isinstance(X, types.Array) else csr


@overload(square, jit_options=OPTIONS)
def _square(X: Any, row: Any) -> Callable[..., float]:
    def dense(X: Any, row: Any) -> float:
        total = 0.0
        for j in range(X.shape[1]):
            total += X[row, j] * X[row, j]
        return total

    def csr(X: Any, row: Any) -> float:
        data, _indices, indptr = X
        total = 0.0
        for k in range(indptr[row], indptr[row + 1]):
            total += data[k] * data[k]
        return total

    return dense if isinstance(X, types.Array) else csr


@overload(add, jit_options=OPTIONS)
def _add(X: Any, row: Any, c: Any, w: Any) -> Callable[..., tuple[float, float]]:
    def dense(X: Any, row: Any, c: Any, w: Any) -> tuple[float, float]:
        squares = 0.0
        sizes = 0.0
        for j in range(X.shape[1]):
            v = w[j] + c * X[row, j]
            w[j] = v
            squares += v * v
            sizes += abs(v)
        return squares, sizes

    def csr(X: Any, row: Any, c: Any, w: Any) -> tuple[float, float]:
        data, indices, indptr = X
        squares = 0.0
        sizes = 0.0
        for k in range(indptr[row], indptr[row + 1]):
            v = w[indices[k]] + c * data[k]
            w[indices[k]] = v
            squares += v * v
            sizes += abs(v)
        return squares, sizes

    return dense if isinstance(X, types.Array) else csr


@njit(cache=KEEP, nogil=True, error_model="numpy")
def truncated(v: float, owed: float, paid: float, scale: float) -> float:
    """A scaled weight after paying; never past zero."""
    if v > 0.0:
        return max(0.0, v - (owed + paid) / scale)
    if v < 0.0:
        return min(0.0, v + (owed - paid) / scale)
    return v


@overload(truncate, jit_options=OPTIONS)
def _truncate(X: Any, row: Any, w: Any, paid: Any, owed: Any, scale: Any) -> Callable[..., None]:
    def dense(X: Any, row: Any, w: Any, paid: Any, owed: Any, scale: Any) -> None:
        for j in range(X.shape[1]):
            v = truncated(w[j], owed, paid[j], scale)
            paid[j] += scale * (v - w[j])
            w[j] = v

    def csr(X: Any, row: Any, w: Any, paid: Any, owed: Any, scale: Any) -> None:
        _data, indices, indptr = X
        for k in range(indptr[row], indptr[row + 1]):
            j = indices[k]
            v = truncated(w[j], owed, paid[j], scale)
            paid[j] += scale * (v - w[j])
            w[j] = v

    return dense if isinstance(X, types.Array) else csr


@njit(cache=KEEP, nogil=True, error_model="numpy")
def take_scale(w: Array, mean: Array, state: Array) -> None:
    """Take the common factors into weights and mean."""
    if mean.shape[0] > 0:
        mean += state[MEAN_SHARE] * w
        mean /= state[MEAN_GROWTH]
        state[MEAN_SHARE] = 0.0
        state[MEAN_GROWTH] = 1.0
    w *= state[SCALE]
    state[SCALE] = 1.0


@njit(cache=KEEP, nogil=True, error_model="numpy")
def shrink(w: Array, mean: Array, state: Array, factor: float) -> None:
    """``w *= factor``, in the common factor."""
    state[SCALE] *= factor
    state[SQUARES] *= factor * factor
    state[SIZES] *= abs(factor)
    if state[SCALE] < SMALLEST_SCALE:
        take_scale(w, mean, state)


@njit(cache=KEEP, nogil=True, error_model="numpy")
def add_to_mean(X: Any, row: int, c: float, mean: Array, state: Array, count: float) -> None:
    """The mean of ``count`` weights, of which the last came from the one before by ``c X[row]``."""
    add(X, row, state[MEAN_SHARE] * -c / state[SCALE], mean)
    if count > 1.0:
        state[MEAN_GROWTH] /= 1.0 - 1.0 / count
    state[MEAN_SHARE] += state[MEAN_GROWTH] * state[SCALE] / count
    state[MEAN_BIAS] += (state[BIAS] - state[MEAN_BIAS]) / count


@njit(cache=KEEP, nogil=True, error_model="numpy")
def update_of(
    X: Any, row: int, y: float, z: float, code: int, parameter: float, rate: int, eta: float
) -> float:
    """How much of the row is added to the weights, before weights of rows and classes."""
    if rate in (PA1, PA2):
        loss, size = value(code, parameter, z, y), square(X, row)
        step = loss / (size + 0.5 / eta) if rate == PA2 else min(eta, loss / size)
        if code in (HINGE, PERCEPTRON):
            return step * y
        return step if y > z else -step
    return -eta * min(max(slope(code, parameter, z, y), -STEEPEST), STEEPEST)


@njit(cache=KEEP, nogil=True, error_model="numpy")
def sgd_epoch(
    X: Any,
    y: Array,
    weights: Array,
    held: Array,
    order: Array,
    w: Array,
    mean: Array,
    paid: Array,
    state: Array,
    average: int,
    counting: bool,
    fit_intercept: bool,
    intercept_decay: float,
    code: int,
    parameter: float,
    penalty: int,
    alpha: float,
    l1_ratio: float,
    positive: float,
    negative: float,
    rate: int,
    eta0: float,
    power_t: float,
    optimal_start: float,
) -> float:
    """One epoch over the rows in ``order`` that are not ``held`` back; answers the last rate.

    Parameters
    ----------
    X : dense array, or (data, indices, indptr) of a CSR matrix
    y, weights : (n_rows,) targets, and how often each row counts
    held : (n_rows,) bool, rows kept for validation
    w, mean, paid, state : changed in place; see the places of the state above
    average : from which step on weights are averaged, 0 for never
    counting : whether losses are summed
    positive, negative : weight of rows whose target is above 0, and of the others
    """
    eta = eta0
    state[LOSSES] = 0.0
    state[VALUES] = 0.0
    for i in range(order.shape[0]):
        row = order[i]
        if held[row]:
            continue
        z = dot(X, row, w) * state[SCALE] + state[BIAS]
        t = state[STEP]
        if rate == OPTIMAL:
            eta = 1.0 / (alpha * (optimal_start + t - 1.0))
        elif rate == INVSCALING:
            eta = eta0 / t**power_t
        if counting:
            loss = value(code, parameter, z, y[row])
            state[LOSSES] += loss
            state[VALUES] += loss
            if rate not in (PA1, PA2) and penalty != NO_PENALTY:
                ridge = (1.0 - l1_ratio) * 0.5 * state[SQUARES]
                state[VALUES] += alpha * (ridge + l1_ratio * state[SIZES])
        if rate == PA1 and square(X, row) == 0.0:
            continue
        update = update_of(X, row, y[row], z, code, parameter, rate, eta)
        state[STEEP] += abs(update) >= eta * STEEPEST
        update *= (positive if y[row] > 0.0 else negative) * weights[row]
        if penalty >= L2:
            shrink(w, mean, state, max(0.0, 1.0 - (1.0 - l1_ratio) * eta * alpha))
        if update != 0.0:
            squares, sizes = add(X, row, update / state[SCALE], w)
            state[SQUARES] = squares * state[SCALE] * state[SCALE]
            state[SIZES] = sizes * state[SCALE]
            if fit_intercept:
                state[BIAS] += update * intercept_decay
        if 0 < average <= t:
            add_to_mean(X, row, update, mean, state, t - average + 1.0)
        if penalty in (L1, ELASTICNET):
            state[OWED] += l1_ratio * eta * alpha
            truncate(X, row, w, paid, state[OWED], state[SCALE])
        state[STEP] = t + 1.0
    return eta
