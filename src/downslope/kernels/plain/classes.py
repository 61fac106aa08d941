"""A pass over few dense rows for several classes: ``kernels.classes`` in NumPy."""

from typing import Any

import numpy as np

from downslope.kernels.plain.dense import add_to_table, buckets, mix, odd

Array = Any


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
    ``table``."""
    rows, y, weights = X[low:high].astype(np.float64, copy=False), y[low:high], weights[low:high]
    d = rows.shape[1]
    with np.errstate(all="ignore"):
        z = rows @ W[:, :d].T + W[:, d]
        total, p = cross_entropy(z, y, weights)
        r = slopes(p, y, weights)
        gradient[:, :d] += r.T @ rows
        gradient[:, d] += r.sum(axis=0)
        if len(table):
            bends = exact_bends(p) if exact else drawn_bends(p, seed, first_row + low)
            bends *= np.sqrt(weights)[:, None, None]
            centred = np.column_stack((rows - shift, np.ones(len(rows))))
            part = (bends[:, :, :, None] * centred[:, None, None, :]).reshape(-1, table.shape[1])
            if exact:
                table += part
            else:
                bucket = buckets(len(rows), len(table), seed + np.uint64(1))
                add_to_table(table, part, bucket)
    return total


def cross_entropy(z: Array, y: Array, weights: Array) -> tuple[float, Array]:
    """Weighted sum over rows, and the probabilities, from raw predictions (rows, classes)."""
    top = z.max(axis=1)
    p = np.exp(z - top[:, None])
    total = p.sum(axis=1)
    p /= total[:, None]
    return float(weights @ (top + np.log(total) - z[np.arange(len(y)), y])), p


def slopes(p: Array, y: Array, weights: Array) -> Array:
    """Weighted derivatives of each row's cross-entropy in its raw predictions."""
    r = p.copy()
    r[np.arange(len(y)), y] -= 1.0
    r *= weights[:, None]
    return r


def exact_bends(p: Array) -> Array:
    """``sqrt(p_k) (e_k - p)`` of every row and class k."""
    return np.sqrt(p)[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])


def drawn_bends(p: Array, seed: Any, first: int) -> Array:
    """The same for one class of each row, drawn with chances proportional to sqrt(p (1 - p))."""
    rows = np.arange(len(p))
    names = (first + rows).astype(np.uint64) ^ seed
    chances = np.sqrt(p * (1.0 - p))
    chances /= chances.sum(axis=1, keepdims=True)
    lot = (mix(names) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    drawn = (chances.cumsum(axis=1)[:, :-1] <= lot[:, None]).sum(axis=1)
    chance = chances[rows, drawn]
    root = np.sqrt(p[rows, drawn] / chance, where=chance > 0.0, out=np.zeros(len(p)))
    root[odd(mix(names + np.uint64(1)))] *= -1.0
    bend = -p
    bend[rows, drawn] += 1.0
    return (root[:, None] * bend)[:, None, :]
