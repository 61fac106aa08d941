"""Losses with a corner, rounded off: a parabola one unit wide where the corner was.

A loss with a corner is a largest slope to choose from: the absolute error of r is the largest
theta r with theta in [-1, 1]. Rounded (Nesterov 2005), theta pays for its size::

    round(r) = max over theta of  theta r - theta^2 / 2,    theta = r clipped to its interval

which lies below the loss by theta^2 / 2. A corner of any width delta is the same after a change of
units: delta round(r / delta).

========================= ==================== ==============================
loss                      interval of theta    r
========================= ==================== ==============================
absolute_error            [-1, 1]              z - y      (this is Huber's loss)
quantile                  [-q, 1 - q]          z - y
epsilon_insensitive       [-1, 1]              z - y, epsilon nearer to zero
hinge                     [0, 1], slope -y     margin - y z
========================= ==================== ==============================
"""

import math
from typing import Any, NamedTuple

from downslope.losses import (
    AbsoluteError,
    EpsilonInsensitive,
    Hinge,
    Huber,
    Loss,
    Quantile,
    library_of,
)
from downslope.losses.round_corners import RoundEpsilonInsensitive, RoundHinge, RoundQuantile

Array = Any


ROUNDED = ("round_quantile", "round_epsilon_insensitive", "round_hinge")


def rounded(loss: Loss, y: Array, width: float) -> tuple[Loss, Array]:
    """The loss with corners rounded over ``width``, and the targets, both in units of ``width``.

    ``width * rounded.value(z / width, targets)`` is at most the loss.

    Examples
    --------
    >>> import numpy as np
    >>> round_corner, y = rounded(AbsoluteError(), np.array([1.0]), 0.5)
    >>> round_corner, float(0.5 * round_corner.value(np.array([3.0]) / 0.5, y)[0])
    (Huber(epsilon=1.0), 1.75)
    """
    match loss:
        case AbsoluteError():
            return Huber(1.0), y / width
        case Quantile(q):
            return RoundQuantile(q), y / width
        case EpsilonInsensitive(epsilon):
            return RoundEpsilonInsensitive(epsilon / width), y / width
        case Hinge():
            return RoundHinge(1.0 / width), y
    raise TypeError(f"{loss.name} has no corner to round")


class Seen(NamedTuple):
    """What one look at all rows tells about a point of a loss with corners."""

    value: float
    """Mean loss, corners and all."""
    cut: float
    """Mean of what rounding takes off the loss."""
    rms: float
    """Root mean square of the slopes."""


def corner_sums(loss: Loss, z: Array, y: Array, weights: Array, width: float) -> Array:
    """Sums over rows of the loss, of what rounding takes off it, and of the squared slopes."""
    round_loss, targets = rounded(loss, y, width)
    sharp = loss.value(z, y)
    cut = sharp - width * round_loss.value(z / width, targets)
    slopes = round_loss.slope(z / width, targets)
    return library_of(z).stack([(weights * part).sum() for part in (sharp, cut, slopes * slopes)])


def seen_of(sums: Array, n_rows: int) -> Seen:
    """Their means, the last one's root."""
    value, cut, squares = (float(part) / n_rows for part in sums)
    return Seen(value, cut, math.sqrt(squares))
