"""Losses by their code, and the curvature that stands for a row: ``kernels.scalar`` in NumPy."""

from dataclasses import fields
from functools import lru_cache
from typing import Any

from downslope.losses import LOSSES, Huber, Loss, ModifiedHuber, library_of
from downslope.losses.round_corners import RoundEpsilonInsensitive, RoundHinge, RoundQuantile

Array = Any
LINEAR_SHARE = 0.05
ROUND: tuple[Any, ...] = (RoundQuantile, RoundEpsilonInsensitive, RoundHinge)
BY_CODE: dict[int, Any] = {loss.code: loss for loss in (*LOSSES.values(), *ROUND)}


@lru_cache(64)
def loss_of(code: int, parameter: float) -> Loss:
    """The loss that a kernel knows by these two numbers.

    >>> loss_of(2, 1.35)
    Huber(epsilon=1.35)
    """
    cls = BY_CODE[code]
    loss: Loss = cls(parameter) if fields(cls) else cls()
    return loss


def working_weight(loss: Loss, z: Array, y: Array) -> Array:
    """Curvature that stands for the loss of each row: ``kernels.scalar.working_weight``.

    For NumPy's arrays and PyTorch's alike.
    """
    xp, bend, r = library_of(z), loss.curvature(z, y), abs(z - y)
    match loss:
        case Huber(width):
            return xp.where(r > width, LINEAR_SHARE * width / r, bend)
        case ModifiedHuber():
            return xp.where(y * z < -1.0, LINEAR_SHARE * 4.0 / (1.0 - y * z), bend)
        case RoundHinge(margin):
            distance = margin - y * z
        case RoundEpsilonInsensitive(epsilon):
            distance = r - epsilon
        case RoundQuantile():
            distance = r
        case _:
            return bend
    tail = LINEAR_SHARE * abs(loss.slope(z, y)) / distance.clip(1.0)
    return xp.where(bend == 0.0, tail, bend)
