"""A pass over few dense rows: ``kernels.dense`` in NumPy."""

from typing import Any

import numpy as np

from downslope.kernels.plain.scalar import loss_of, working_weight
from downslope.losses import LogLoss

Array = Any


def others_for(code: int) -> bool | None:
    """What machine code is told about losses beyond the common ones; NumPy knows them all."""
    return None


def losses_of_rows(
    code: int,
    parameter: float,
    z: Array,
    y: Array,
    weights: Array,
    r: Array,
    others: bool | None = True,
) -> float:
    """Weighted slopes into ``r`` and the weighted sum of the losses."""
    with np.errstate(all="ignore"):
        if code == LogLoss.code:
            values, slopes = log_losses(z, y)
        else:
            loss = loss_of(code, parameter)
            values, slopes = loss.value(z, y), loss.slope(z, y)
        np.multiply(weights, slopes, out=r)
        return float(weights @ values)


def log_losses(z: Array, y: Array) -> tuple[Array, Array]:
    """Values and slopes of the logistic loss with one exponential for both."""
    m = y * z
    size = np.abs(m)
    e = np.exp(-size)
    slopes = np.where(m > 0.0, e, 1.0)
    slopes /= 1.0 + e
    slopes *= -y
    size -= m
    size *= 0.5
    return np.log1p(e) + size, slopes


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
    chosen = np.concatenate([np.arange(low, high) for low, high in stretches])
    few = X[chosen], y[chosen], weights[chosen]
    none, shift = np.empty((0, X.shape[1] + 2)), np.zeros(X.shape[1])
    return dense_pass(
        *few, w, code, parameter, 0, len(chosen), gradient, none, shift, 0.0, 0, 0, others
    )


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
    """Sum over rows ``low`` to ``high`` of weight * loss; adds to ``gradient`` and ``table``."""
    rows, y, weights = X[low:high].astype(np.float64, copy=False), y[low:high], weights[low:high]
    d, r = rows.shape[1], np.empty(high - low)
    with np.errstate(all="ignore"):  # as machine code: infinities are numbers, and nobody warns
        z = rows @ w[:d]
        z += w[d]
        total = losses_of_rows(code, parameter, z, y, weights, r)
        gradient[:d] += r @ rows
        gradient[d] += r.sum()
        if len(table):
            h = curvatures_of_rows(code, parameter, z, y, weights, floor)
            names = np.arange(first_row + low, first_row + high)
            root, wish = roots(h, r, seed, names)
            part = np.column_stack((rows * root[:, None], root, wish))
            add_to_table(table, part, buckets(len(rows), len(table), seed))
            table[:, :d] -= table[:, d : d + 1] * shift
    return total


def curvatures_of_rows(
    code: int, parameter: float, z: Array, y: Array, weights: Array, floor: float
) -> Array:
    """Weighted curvatures, none below ``floor``."""
    return weights * np.fmax(working_weight(loss_of(code, parameter), z, y), floor)


def roots(h: Array, r: Array, seed: Any, names: Array) -> tuple[Array, Array]:
    """Root of each row's curvature with a sign of its own, and that times its wished step."""
    counts = h > 0.0
    root = np.sqrt(h, where=counts, out=np.zeros(len(h)))
    root[odd(mix(names.astype(np.uint64) ^ seed))] *= -1.0
    return root, -np.divide(r, h, where=counts, out=np.zeros(len(h))) * root


def buckets(n_rows: int, size: int, seed: Any) -> Array:
    """The bucket of each row: one after the other, every round from a place drawn anew."""
    turn, place = np.divmod(np.arange(n_rows), size)
    start = mix(seed + np.arange(-(-n_rows // size), dtype=np.uint64)) % np.uint64(size)
    return (place + start.astype(np.int64)[turn]) % size


def add_to_table(table: Array, part: Array, bucket: Array) -> None:
    """``table[bucket] += part``, for rows whose buckets differ within each round of them."""
    for first in range(0, len(part), len(table)):
        turn = slice(first, first + len(table))
        table[bucket[turn]] += part[turn]


def odd(x: Array) -> Array:
    """Whether the last bit is set."""
    return (x & np.uint64(1)).astype(bool)


def mix(x: Array) -> Array:
    """64 well mixed bits from each counter (splitmix64: Steele, Lea and Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
