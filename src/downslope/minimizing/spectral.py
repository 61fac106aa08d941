"""Spectral gradient: plain descent whose length is the inverse of the curvature last met.

The only memory is the step before, so it costs what plain descent costs; yet on long narrow valleys
it needs about the square root of plain descent's steps. It goes through any projection or proximal
step, which makes it the walk for bounds and other constraints.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from downslope.rates import Look

Array = Any
SHORTEST, LONGEST = 1e-30, 1e30


class Seen(NamedTuple):
    """Memory: the last point and gradient, and the last few values."""

    w: Array
    gradient: Array
    values: tuple[float, ...]


@dataclass(frozen=True)
class Spectral:
    """Barzilai and Borwein's length with a line search that lets the value rise now and then.

    ``length = (s @ s) / (s @ y)`` for the last step s and change of gradient y; it is shortened
    until the value lies below the highest of the last ``window`` values by a share of the promise.
    Answers 0 where no length does.

    Parameters
    ----------
    window : int, default 10
        Values to compare with; 1 would allow no rise and lose most of the speed.

    Examples
    --------
    >>> from downslope.descend import begin, steps
    >>> from downslope.problems.formula import parse
    >>> from downslope.rules import Plain
    >>> rate, valley = Spectral(), parse("u^2 + 1000*v^2")
    >>> walk = steps(valley, begin([1.0, 1.0], Plain(), rate), Plain(), rate)
    >>> for step in walk:
    ...     if step.value < 1e-12:
    ...         break
    >>> step.state.k < 60  # the best constant rate needs 7,000 steps
    True

    References
    ----------
    Barzilai and Borwein (1988); Raydan (1997); Birgin, Martínez and Raydan (2000), algorithm 2.1.
    """

    window: int = 10
    share: float = 1e-4
    name: ClassVar[str] = "spectral"
    needs: ClassVar[str] = "all rows and the plain rule"

    def init(self, w: Array) -> Seen:
        return Seen(w, 0.0 * w, ())

    def length(self, look: Look, memory: Seen) -> tuple[float, Seen]:
        values = (*memory.values, look.value)[-self.window :]
        seen = Seen(look.w, look.gradient, values)
        length, highest = _first_trial(look, memory), max(values)
        # 60 cuts by at least half span 18 digits: past that the step is below rounding.
        for _ in range(60):
            trial = look.probe(length)
            if trial.value <= highest + self.share * trial.promised and trial.promised < 0.0:
                return length, seen
            length *= _cut(look.value, trial.value, trial.promised)
        return 0.0, seen


def _first_trial(look: Look, memory: Seen) -> float:
    if not memory.values:
        size = math.sqrt(float((look.gradient * look.gradient).sum()))
        return 1.0 / max(1.0, size)
    step, change = look.w - memory.w, look.gradient - memory.gradient
    product, size = float((step * change).sum()), float((step * step).sum())
    if product <= 0.0:  # the valley bends down: ten times as far as the last step
        return 10.0 * math.sqrt(size / float((look.gradient * look.gradient).sum()))
    return min(max(size / product, SHORTEST), LONGEST)


def _cut(value: float, trial: float, promised: float) -> float:
    """Share of the length at the lowest point of the parabola, between a tenth and a half."""
    rise = trial - value - promised
    share = -0.5 * promised / rise if math.isfinite(rise) and rise > 0.0 else 0.0
    return min(max(share, 0.1), 0.5)
