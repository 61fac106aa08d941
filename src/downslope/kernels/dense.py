"""One pass over dense rows: loss, gradient and, on request, a sketch of the curvature.

Memory is read once, which is what a pass costs; X w followed by X' r in NumPy reads it twice and
writes z and r between. Two shapes of loop, one row after the other in both (short ones four at a
time), which every processor can fetch ahead of by itself:

- squared errors: a row is multiplied by w, and at once, while it is in the nearest cache, added to
  the gradient;
- other losses: the rows of a block that fits the nearest cache are multiplied by w, the losses of
  the block are worked out in a loop of their own, which becomes vector code, and the block is used
  a second time for X' (slope of each row).

``python -m benchmarks.passes`` prints what a pass costs beside reading the rows once.

Arithmetic is float64 even where X is float32: measured, the pass is as fast (memory is what is
slow), sums keep their digits, and no product overflows.

The sketch is a CountSketch (Clarkson and Woodruff 2013): row i, times the square root of its
curvature and a random sign, is added to one row of a small table. So table' table is an unbiased
estimate of X' diag(curvature) X that has seen every row, however rare its features. Each chunk of
rows fills its own band of the table, cyclically from a place that is drawn anew each round: memory
is written in order, and nothing periodic in the data meets the same place every time.
"""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.exponential import exp, log1p
from downslope.kernels.machine_code import FAST, STRICT
from downslope.kernels.scalar import (
    LOG_LOSS,
    MSE,
    POISSON,
    SQUARED_ERROR,
    slope,
    value,
    working_weight,
)

Array = Any
BLOCK_BYTES = 16384
"""Of a block of rows: half of a first-level cache of 32 kB."""
SHORT = 256
"""Bytes of a row up to which four of them are one stretch of memory, and sums of single rows cost
more than reading them."""
COMMON = (MSE, SQUARED_ERROR, LOG_LOSS, POISSON)
"""Losses whose loops are written out: vector code, and a third less to compile on first use."""
REASSOCIATE = FAST["fastmath"]


def others_for(code: int) -> bool | None:
    """What a pass is told about losses beyond ``COMMON``: None where it needs none of them."""
    return None if code in COMMON else True


@njit(**FAST)
def predict_rows(X: Array, low: int, high: int, w: Array, b: float, z: Array) -> None:
    """``z[i] = X[low + i] @ w + b``; short rows four at a time."""
    n_features, i = X.shape[1], low
    while n_features * X.itemsize <= SHORT and i + 4 <= high:
        z0, z1, z2, z3 = b, b, b, b
        for j in range(n_features):
            v = w[j]
            z0 += X[i, j] * v
            z1 += X[i + 1, j] * v
            z2 += X[i + 2, j] * v
            z3 += X[i + 3, j] * v
        k = i - low
        z[k], z[k + 1], z[k + 2], z[k + 3] = z0, z1, z2, z3
        i += 4
    while i < high:
        z0 = b
        for j in range(n_features):
            z0 += X[i, j] * w[j]
        z[i - low] = z0
        i += 1


@njit(**FAST)
def add_rows(X: Array, low: int, high: int, r: Array, g: Array) -> None:
    """``g += X[low:high].T @ r``, four rows at a time: they are in the cache, ``g`` is not free."""
    n_features = X.shape[1]
    i = low
    while i + 4 <= high:
        r0 = r[i - low]
        r1 = r[i - low + 1]
        r2 = r[i - low + 2]
        r3 = r[i - low + 3]
        for j in range(n_features):
            g[j] += r0 * X[i, j] + r1 * X[i + 1, j] + r2 * X[i + 2, j] + r3 * X[i + 3, j]
        i += 4
    while i < high:
        r0 = r[i - low]
        for j in range(n_features):
            g[j] += r0 * X[i, j]
        i += 1


@njit(**FAST)
def add_squares(
    X: Array, y: Array, weights: Array, w: Array, bend: float, low: int, high: int, gradient: Array
) -> float:
    """What rows add to ``bend / 2`` times the squared errors and to their gradient."""
    n_features, total, i = X.shape[1], 0.0, low
    while n_features * X.itemsize <= SHORT and i + 4 <= high:
        b = w[n_features]
        e0, e1, e2, e3 = b - y[i], b - y[i + 1], b - y[i + 2], b - y[i + 3]
        for j in range(n_features):
            v = w[j]
            e0 += X[i, j] * v
            e1 += X[i + 1, j] * v
            e2 += X[i + 2, j] * v
            e3 += X[i + 3, j] * v
        r0, r1 = bend * weights[i] * e0, bend * weights[i + 1] * e1
        r2, r3 = bend * weights[i + 2] * e2, bend * weights[i + 3] * e3
        total += 0.5 * (r0 * e0 + r1 * e1 + r2 * e2 + r3 * e3)
        for j in range(n_features):
            gradient[j] += r0 * X[i, j] + r1 * X[i + 1, j] + r2 * X[i + 2, j] + r3 * X[i + 3, j]
        gradient[n_features] += r0 + r1 + r2 + r3
        i += 4
    while i < high:
        e0 = w[n_features] - y[i]
        for j in range(n_features):
            e0 += X[i, j] * w[j]
        r0 = bend * weights[i] * e0
        total += 0.5 * r0 * e0
        for j in range(n_features):
            gradient[j] += r0 * X[i, j]
        gradient[n_features] += r0
        i += 1
    return total


@njit(**FAST)
def losses_of_rows(
    code: int,
    parameter: float,
    z: Array,
    y: Array,
    weights: Array,
    r: Array,
    others: bool | None = True,
) -> float:
    """Weighted slopes of a block into ``r`` and the weighted sum of its losses.

    ``others`` None: only the losses of ``COMMON`` are known, and only they are compiled.
    """
    total = 0.0
    rows = z.shape[0]
    if code in (MSE, SQUARED_ERROR):
        bend = 2.0 if code == MSE else 1.0
        for i in range(rows):
            error = z[i] - y[i]
            r[i] = bend * error
            total += weights[i] * (0.5 * bend) * error * error
    elif code == LOG_LOSS:
        for i in range(rows):
            m = y[i] * z[i]
            e = exp(-abs(m))
            r[i] = -y[i] * (e if m > 0.0 else 1.0) / (1.0 + e)
            total += weights[i] * (log1p(e) + 0.5 * (abs(m) - m))
    elif code == POISSON:
        for i in range(rows):
            mean = exp(z[i])
            r[i] = mean - y[i]
            total += weights[i] * (mean - y[i] * z[i])
    elif others is not None:
        for i in range(rows):
            r[i] = slope(code, parameter, z[i], y[i])
            total += weights[i] * value(code, parameter, z[i], y[i])
    for i in range(rows):
        r[i] *= weights[i]
    return total


@njit(**STRICT)
def curvatures_of_rows(
    code: int,
    parameter: float,
    z: Array,
    y: Array,
    weights: Array,
    floor: float,
    h: Array,
    others: bool | None = True,
) -> None:
    """Weighted curvatures of a block into ``h``, none below ``floor``; ``others`` as above."""
    rows = z.shape[0]
    if code in (MSE, SQUARED_ERROR):
        h[:rows] = 2.0 if code == MSE else 1.0
    elif code == LOG_LOSS:
        for i in range(rows):
            e = exp(-abs(z[i]))
            h[i] = e / ((1.0 + e) * (1.0 + e))
    elif code == POISSON:
        for i in range(rows):
            h[i] = exp(z[i])
    elif others is not None:
        for i in range(rows):
            h[i] = working_weight(code, parameter, z[i], y[i])
    for i in range(rows):
        h[i] = weights[i] * (h[i] if h[i] > floor else floor)


@njit(**STRICT)
def sketch_rows(
    X: Array,
    low: int,
    high: int,
    r: Array,
    h: Array,
    table: Array,
    done: int,
    seed: Any,
    first_row: int,
) -> None:
    """Add rows ``low`` to ``high``, with slopes ``r`` and curvatures ``h``, to the table.

    Columns of the table: the features, the intercept's one, and minus slope /
    curvature, the step in z that each row would like. ``done`` rows of the chunk are in already.
    """
    n_features = X.shape[1]
    size = table.shape[0]
    turn = done // size
    place = done % size
    start = np.int64(mix(seed + np.uint64(turn)) % np.uint64(size))
    for i in range(low, high):
        if place == size:
            turn += 1
            place = 0
            start = np.int64(mix(seed + np.uint64(turn)) % np.uint64(size))
        bucket = place + start
        if bucket >= size:
            bucket -= size
        place += 1
        if h[i - low] > 0.0:
            root = np.sqrt(h[i - low])
            if mix(seed ^ np.uint64(first_row + i)) & np.uint64(1):
                root = -root
            for j in range(n_features):
                table[bucket, j] += root * X[i, j]
            table[bucket, n_features] += root
            table[bucket, n_features + 1] -= r[i - low] / h[i - low] * root


@njit(**STRICT)
def center_table(table: Array, shift: Array) -> None:
    """The table of features minus ``shift`` from that of the features.

    Once for each row of the table rather than for every row of data: an eighth off a sketch.
    """
    n_features = shift.shape[0]
    for bucket in range(table.shape[0]):
        ones = table[bucket, n_features]
        for j in range(n_features):
            table[bucket, j] -= ones * shift[j]


@njit(**STRICT)
def mix(x: Any) -> Any:
    """64 well mixed bits from a counter (splitmix64: Steele, Lea and Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(**STRICT)
def add_block(
    X: Array,
    y: Array,
    weights: Array,
    w: Array,
    code: int,
    parameter: float,
    low: int,
    high: int,
    gradient: Array,
    z: Array,
    r: Array,
    others: bool | None,
) -> float:
    """What a block adds to the loss and to ``gradient``; ``z``, ``r``: predictions and slopes."""
    n_features, rows = X.shape[1], high - low
    predict_rows(X, low, high, w, w[n_features], z)
    total = losses_of_rows(
        code, parameter, z[:rows], y[low:high], weights[low:high], r[:rows], others
    )
    add_rows(X, low, high, r, gradient)
    for k in range(rows):
        gradient[n_features] += r[k]
    return total


@njit(**STRICT)
def rows_of_block(X: Array) -> int:
    """See ``BLOCK_BYTES``."""
    return max(8, BLOCK_BYTES // (max(1, X.shape[1]) * X.itemsize) // 8 * 8)


@njit(**STRICT)
def dense_pass(
    X: Array,
    y: Array,
    weights: Array,
    w: Array,
    code: int,
    parameter: float,
    low: int,
    high: int,
    gradient: Array,
    table: Array,
    shift: Array,
    floor: float,
    seed: Any,
    first_row: int,
    others: bool | None,
) -> float:
    """Sum over rows ``low`` to ``high`` of weight * loss; adds to ``gradient`` and ``table``.

    Parameters
    ----------
    X : (n_rows, n_features) float32 or float64
    y, weights : (n_rows,) float64
    w : (n_features + 1,) float64, the intercept last
    gradient : (n_features + 1,) float64, added to
    table : (buckets, n_features + 2) float64, zeros that are filled; no sketch where it has no rows
    shift : (n_features,) float64, subtracted from the features in the sketch
    floor : float, the least curvature a row gets in the sketch
    seed, first_row : unsigned and signed 64-bit, signs depend on seed and first_row + row
    others : None where the loss is one of ``COMMON``; ``others_for`` tells
    """
    if table.shape[0] == 0 and code in (MSE, SQUARED_ERROR):
        bend = 2.0 if code == MSE else 1.0
        return add_squares(X, y, weights, w, bend, low, high, gradient)
    block = rows_of_block(X)
    z = np.empty(block)
    r = np.empty(block)
    h = np.empty(block)
    total = 0.0
    for i in range(low, high, block):
        end = min(high, i + block)
        total += add_block(X, y, weights, w, code, parameter, i, end, gradient, z, r, others)
        if table.shape[0] > 0:
            rows = end - i
            curvatures_of_rows(
                code, parameter, z[:rows], y[i:end], weights[i:end], floor, h, others
            )
            sketch_rows(X, i, end, r, h, table, i - low, seed, first_row)
    center_table(table, shift)
    return total


@njit(**STRICT)
def dense_stretches(
    X: Array,
    y: Array,
    weights: Array,
    w: Array,
    code: int,
    parameter: float,
    stretches: Array,
    gradient: Array,
    others: bool | None,
) -> float:
    """``dense_pass`` over many short ``stretches``, first and last rows, and without a sketch."""
    no_table = np.zeros((0, X.shape[1] + 2))
    total = 0.0
    for k in range(stretches.shape[0]):
        low, high = stretches[k, 0], stretches[k, 1]
        total += dense_pass(
            X,
            y,
            weights,
            w,
            code,
            parameter,
            low,
            high,
            gradient,
            no_table,
            w,
            0.0,
            np.uint64(0),
            0,
            others,
        )
    return total
