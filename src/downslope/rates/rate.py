"""What every rate answers, what it is shown, and the check of its numbers."""

import math
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol

from downslope.errors import SettingError

Array = Any


class Probe(NamedTuple):
    """What a trial step would lead to: the point, its value, the change that the slope promises,
    and the gradient there.
    """

    w: Array
    value: float
    promised: float
    gradient: Array


class Look(NamedTuple):
    """All that the walk knows when it chooses how far to step."""

    k: int
    epoch: int
    w: Array
    value: float
    gradient: Array
    direction: Array
    epoch_value: float | None
    """Mean value over the epoch that has just ended; None inside an epoch."""
    probe: Callable[[float], Probe]


class Rate(Protocol):
    """How far: see ``downslope.rates``."""

    name: ClassVar[str]
    needs: ClassVar[str]
    """What it needs to be right: "anything", "all rows", or "all rows and the plain rule"."""

    def init(self, w: Array) -> Any:
        """Memory before the first step."""
        ...

    def length(self, look: Look, memory: Any) -> tuple[float, Any]:
        """Length of this step and the memory after it."""
        ...


class Nothing(NamedTuple):
    """Memory of a schedule: it needs none."""


def check_positive(name: str, number: float) -> None:
    """Refuse a number that no length or count of steps can be."""
    if not (number > 0.0 and math.isfinite(number)):
        raise SettingError(f"{name}={number!r} must be a finite number above 0.")
