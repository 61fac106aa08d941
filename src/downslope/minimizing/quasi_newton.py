"""L-BFGS in the same walk as every other rule: a direction that remembers curvature, and a search.

What the last steps did to the gradient tells how the valley bends; the two loops of L-BFGS turn the
gradient by it, so that a step of length 1 nearly reaches the lowest point of the bowl seen so far.
``StrongWolfe`` finds a length along that direction at which the value has fallen and the slope too,
which is what keeps the remembered curvature positive.

References
----------
Nocedal and Wright (2006), Numerical Optimization, algorithms 7.4, 3.5 and 3.6; Hager and Zhang
(2005) for accepting a length where values differ by rounding only.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from downslope.errors import SettingError
from downslope.rates import Look

Array = Any
ROUNDING = 4.0 * 2.0**-52
"""Two values closer than this share of their size are the same but for rounding."""


class Curved(NamedTuple):
    """Memory of L-BFGS: the last point and gradient, and the last steps with what they changed."""

    w: Array
    gradient: Array
    steps: tuple[Array, ...]
    changes: tuple[Array, ...]


@dataclass(frozen=True)
class LBFGS:
    """The gradient turned and stretched by the curvature that the last steps met.

    The first direction is the gradient, shortened to length 1 at most. A step of length 0 makes it
    forget, so that the walk tries the gradient itself before it gives up.

    Parameters
    ----------
    pairs : int, default 20
        Steps remembered. On small hard problems 20 need half the steps that 10 do
        (``benchmarks/minimize.py``); on large ones each pair costs four passes over the weights.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = LBFGS(), np.array([4.0, 1.0])
    >>> bends = np.array([1.0, 9.0])
    >>> memory = rule.init(w)
    >>> direction, memory = rule.direction(bends * w, w, memory, 0)
    >>> w = w - 0.5 * direction
    >>> turned, memory = rule.direction(bends * w, w, memory, 1)
    >>> float(turned @ (bends * w)) > 0.0  # against it the value falls
    True

    References
    ----------
    Nocedal (1980); Liu and Nocedal (1989), On the limited memory BFGS method.
    """

    pairs: int = 20
    name: ClassVar[str] = "lbfgs"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = True
    stable_product: ClassVar[float | None] = None

    def __post_init__(self) -> None:
        if self.pairs < 1:
            raise SettingError(f"pairs={self.pairs!r} must be 1 or more; 20 is the default.")

    def init(self, w: Array) -> Curved:
        return Curved(w, 0.0 * w, (), ())

    def direction(self, gradient: Array, w: Array, memory: Curved, k: int) -> tuple[Array, Curved]:
        memory = self._remember(gradient, w, memory)
        if memory.steps:
            turned = _turn(gradient, memory.steps, memory.changes)
            if _dot(turned, gradient) > 0.0:
                return turned, memory
        length = math.sqrt(_dot(gradient, gradient))
        return gradient / max(1.0, length), memory._replace(steps=(), changes=())

    def _remember(self, gradient: Array, w: Array, memory: Curved) -> Curved:
        step, change = w - memory.w, gradient - memory.gradient
        product, size = _dot(step, change), _dot(change, change)
        if _dot(step, step) == 0.0:
            return Curved(w, gradient, (), ())
        steps, changes = memory.steps, memory.changes
        # Without positive curvature the pair would turn the direction uphill.
        if product > 1e-14 * math.sqrt(size * _dot(step, step)):
            steps = (*steps, step)[-self.pairs :]
            changes = (*changes, change)[-self.pairs :]
        return Curved(w, gradient, steps, changes)


def _turn(gradient: Array, steps: tuple[Array, ...], changes: tuple[Array, ...]) -> Array:
    """Inverse curvature of the remembered steps times the gradient, by the two loops."""
    turned, shares = gradient, []
    for step, change in zip(reversed(steps), reversed(changes), strict=True):
        share = _dot(step, turned) / _dot(step, change)
        shares.append(share)
        turned = turned - share * change
    turned = turned * (_dot(steps[-1], changes[-1]) / _dot(changes[-1], changes[-1]))
    for step, change, share in zip(steps, changes, reversed(shares), strict=True):
        turned = turned + (share - _dot(change, turned) / _dot(step, change)) * step
    return turned


def _dot(a: Array, b: Array) -> float:
    return float((a * b).sum())


class Spot(NamedTuple):
    """A length on the line, the value and the slope along the line there."""

    length: float
    value: float
    slope: float


class Nothing(NamedTuple):
    """The search remembers nothing from step to step."""


@dataclass(frozen=True)
class StrongWolfe:
    """Line search: the value falls by ``share`` of the promise, the slope to ``flat`` of itself.

    Length 1 is tried first. Between a length that is too short and one that is too long the next
    trial is the lowest point of the cubic through both. Answers 0 where no length lowers the value.

    Examples
    --------
    >>> from downslope.descend import begin, steps
    >>> from downslope.problems.formula import parse
    >>> rule, rate = LBFGS(), StrongWolfe()
    >>> valley = parse("(1 - u)^2 + 100*(v - u^2)^2")
    >>> walk = steps(valley, begin([-1.2, 1.0], rule, rate), rule, rate)
    >>> for step in walk:
    ...     if step.value < 1e-20:
    ...         break
    >>> step.state.k < 50, step.w.round(6)
    (True, array([1., 1.]))

    References
    ----------
    Wolfe (1969); Nocedal and Wright (2006), section 3.5.
    """

    share: float = 1e-4
    flat: float = 0.9
    most: int = 40
    name: ClassVar[str] = "wolfe"
    needs: ClassVar[str] = "all rows"

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        start = Spot(0.0, look.value, -_dot(look.gradient, look.direction))
        if not start.slope < 0.0:
            return 0.0, memory
        low, high, trial = start, None, 1.0
        # Where even the promise is below rounding, a search would only compare noise.
        hopeless = -start.slope <= ROUNDING * abs(start.value)
        for _ in range(1 if hopeless else self.most):
            there = _spot(look, trial)
            falls = there.value <= start.value + self.share * trial * start.slope
            if self._is_good(there, start, falls or hopeless):
                return trial, memory
            if falls and there.slope <= 0.0:
                low = there
            else:
                high = there
            trial = 4.0 * trial if high is None else _between(low, high)
            if high is not None and not low.length < trial < high.length:
                break  # no number is left between them
        return (low.length if low.value < start.value else 0.0), memory

    def _is_good(self, there: Spot, start: Spot, falls: bool) -> bool:
        """Flat enough, and lower; or nearly flat where no fall can be told from rounding."""
        if not abs(there.slope) <= self.flat * -start.slope:
            return False
        level = there.value <= start.value + ROUNDING * abs(start.value)
        return falls or (level and abs(there.slope) <= 0.1 * -start.slope)


def _spot(look: Look, length: float) -> Spot:
    probe = look.probe(length)
    return Spot(length, probe.value, -_dot(probe.gradient, look.direction))


def _between(low: Spot, high: Spot) -> float:
    """Lowest point of the cubic through both ends, kept off the ends."""
    width = high.length - low.length
    share = 0.1  # back to where numbers are finite
    if width > 0.0 and math.isfinite(high.value) and math.isfinite(high.slope):
        mean = low.slope + high.slope - 3.0 * (high.value - low.value) / width
        root = math.sqrt(max(mean * mean - low.slope * high.slope, 0.0))
        below = high.slope - low.slope + 2.0 * root
        share = 1.0 - (high.slope + root - mean) / below if below > 0.0 else 0.5
    return low.length + min(max(share, 0.1), 0.9) * width
