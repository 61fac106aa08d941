"""One pass over dense rows for several classes: cross-entropy, gradient, sampled curvature sketch.

Per class a pass is that of ``dense.py`` over a block that is in the cache already; between them the
softmax of the block is computed, one class after the other over all its rows.

The Hessian of the cross-entropy of one row is (diag p - p p') (x) x x'. A class drawn from the
model's own probabilities p has E[(e - p)(e - p)'] = diag p - p p' (Fisher), so the CountSketch of
the rows (e - p) (x) x is an unbiased sketch of the exact Hessian at the price of one gradient. The
exact table takes every class k in place of the drawn one, weighted by its probability.
"""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.dense import BLOCK_BYTES, add_rows, mix, predict_rows
from downslope.kernels.exponential import exp
from downslope.kernels.machine_code import FAST, STRICT

Array = Any


@njit(**FAST)
def probabilities_of_rows(z: Array, top: Array, total: Array) -> None:
    """Raw predictions (classes, rows) become probabilities; ``top + log(total)`` is their
    logsumexp."""
    classes, rows = z.shape
    for i in range(rows):
        top[i] = z[0, i]
        total[i] = 0.0
    for k in range(1, classes):
        for i in range(rows):
            top[i] = max(top[i], z[k, i])
    for k in range(classes):
        for i in range(rows):
            z[k, i] = exp(z[k, i] - top[i])
            total[i] += z[k, i]
    for k in range(classes):
        for i in range(rows):
            z[k, i] /= total[i]


@njit(**STRICT)
def add_to_bucket(
    X: Array, i: int, root: float, drawn: int, p: Array, shift: Array, to: Array
) -> None:
    """``to += root * (e_drawn - p) (x) (x_i - shift, 1)``, class after class."""
    n_features = X.shape[1]
    width = n_features + 1
    for k in range(p.shape[0]):
        v = root * ((1.0 if k == drawn else 0.0) - p[k])
        for j in range(n_features):
            to[k * width + j] += v * (X[i, j] - shift[j])
        to[k * width + n_features] += v


@njit(**STRICT)
def draw(p: Array, chances: Array, seed: Any) -> int:
    """A class, drawn with ``chances`` proportional to sqrt(p (1 - p))."""
    total = 0.0
    for k in range(p.shape[0]):
        chances[k] = np.sqrt(p[k] * (1.0 - p[k]))
        total += chances[k]
    left = total * np.float64(mix(seed) >> np.uint64(11)) * 2.0**-53
    for k in range(p.shape[0]):
        chances[k] /= total
    left = left / total
    for k in range(p.shape[0] - 1):
        left -= chances[k]
        if left < 0.0:
            return k
    return p.shape[0] - 1


@njit(**STRICT)
def class_pass(
    X: Array,
    y: Array,
    weights: Array,
    W: Array,
    low: int,
    high: int,
    gradient: Array,
    table: Array,
    exact: bool,
    shift: Array,
    seed: Any,
    first_row: int,
) -> float:
    """Sum over rows ``low`` to ``high`` of weight * cross-entropy; adds to ``gradient`` and
    ``table``.

    Parameters
    ----------
    X : (n_rows, n_features) float32 or float64
    y : (n_rows,) int64, the class of each row
    weights : (n_rows,) float64
    W, gradient : (n_classes, n_features + 1) float64, the intercepts last
    table : (buckets, n_classes * (n_features + 1)) float64; no sketch where it has no rows
    exact : whether the table has n_classes rows for every row instead of being a sketch
    shift, seed, first_row : as in ``dense.dense_pass``
    """
    n_features, classes = X.shape[1], W.shape[0]
    block = max(8, BLOCK_BYTES // (max(1, n_features) * X.itemsize) // 8 * 8)
    z = np.empty((classes, block))
    top, total, r = np.empty(block), np.empty(block), np.empty(block)
    p, chances = np.empty(classes), np.empty(classes)
    size = max(1, table.shape[0])
    value, place, turn = 0.0, size, 0
    start = np.int64(0)
    for i in range(low, high, block):
        end = min(high, i + block)
        rows = end - i
        for k in range(classes):
            predict_rows(X, i, end, W[k], W[k, n_features], z[k])
        for a in range(rows):
            value -= weights[i + a] * z[y[i + a], a]
        probabilities_of_rows(z[:, :rows], top, total)
        for a in range(rows):
            value += weights[i + a] * (top[a] + np.log(total[a]))
        for k in range(classes):
            for a in range(rows):
                r[a] = weights[i + a] * (z[k, a] - (1.0 if y[i + a] == k else 0.0))
                gradient[k, n_features] += r[a]
            add_rows(X, i, end, r, gradient[k])
        if table.shape[0] == 0:
            continue
        for a in range(rows):
            row = i + a
            root = np.sqrt(weights[row])
            for k in range(classes):
                p[k] = z[k, a]
            if exact:
                for k in range(classes):
                    to = table[(row - low) * classes + k]
                    add_to_bucket(X, row, root * np.sqrt(p[k]), k, p, shift, to)
                continue
            if place == size:
                place, turn = 0, turn + 1
                start = np.int64(mix(seed + np.uint64(turn)) % np.uint64(size))
            bucket = (place + start) % size
            place += 1
            name = seed ^ np.uint64(first_row + row)
            drawn = draw(p, chances, name)
            if not chances[drawn] > 0.0:
                continue
            root *= np.sqrt(p[drawn] / chances[drawn])
            if mix(name + np.uint64(1)) & np.uint64(1):
                root = -root
            add_to_bucket(X, row, root, drawn, p, shift, table[bucket])
    return value
