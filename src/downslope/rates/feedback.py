"""Rates that follow the walk: its values, its gradients, or trial steps along its direction."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from downslope.rates.rate import Array, Look, Nothing, check_positive


class Stall(NamedTuple):
    """Memory of a rate that falls when progress stops."""

    rate: float
    best: float
    stalled: int


@dataclass(frozen=True)
class Adaptive:
    """Constant until the mean value of an epoch stops falling, then divided by ``divisor``.

    scikit-learn's ``adaptive``: after ``patience`` epochs in a row that do not beat the best value
    by ``tol`` the rate is divided by 5.

    Parameters
    ----------
    rate : float
        First rate, above 0; in units of weight per slope.
    tol : float, default 1e-3
        Fall of the mean value of an epoch that counts as progress, in units of the loss.
    patience : int, default 5
        Epochs without progress after which the rate is divided.
    divisor : float, default 5
        What it is divided by. All three are scikit-learn's.

    Raises
    ------
    SettingError
        If ``rate`` is not a finite number above 0.

    Examples
    --------
    >>> from downslope.rates import schedule
    >>> [round(length, 6) for length in schedule(Adaptive(0.1), 3)]
    [0.1, 0.1, 0.1]
    """

    rate: float
    tol: float = 1e-3
    patience: int = 5
    divisor: float = 5.0
    name: ClassVar[str] = "adaptive"
    needs: ClassVar[str] = "anything"

    def __post_init__(self) -> None:
        check_positive("learning rate", self.rate)

    def init(self, w: Array) -> Stall:
        return Stall(self.rate, math.inf, 0)

    def length(self, look: Look, memory: Stall) -> tuple[float, Stall]:
        if look.epoch_value is None:
            return memory.rate, memory
        rate, best, stalled = memory
        stalled = stalled + 1 if look.epoch_value > best - self.tol else 0
        best = min(best, look.epoch_value)
        if stalled >= self.patience:
            rate, stalled = rate / self.divisor, 0
        return rate, Stall(rate, best, stalled)


class LastLength(NamedTuple):
    """Memory of a line search: the length that was accepted last."""

    length: float


@dataclass(frozen=True)
class Armijo:
    """Backtracking line search: halve until the value falls by ``share`` of the promised fall.

    The first trial is the last accepted length doubled, so the length can grow again.

    Parameters
    ----------
    start : float, default 1
        First length that is tried; too long costs a few trials and no more.
    share : float, default 1e-4
        Share of the promised fall that is enough; small, so that long steps are taken.

    Raises
    ------
    SettingError
        If ``start`` is not a finite number above 0.

    References
    ----------
    Armijo (1966); Nocedal and Wright (2006), algorithm 3.1; Tseng and Yun (2009) with a prox.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.descend import run
    >>> from downslope.problems.surfaces import surface
    >>> from downslope.rules import Plain
    >>> from downslope.stopping import MaxSteps
    >>> bowl = surface("bowl")
    >>> walk = run(bowl.problem, np.array([2.5, 1.5]), Plain(), Armijo(), [MaxSteps(100)])
    >>> bool(walk.trace["value"][-1] < 1e-12)
    True
    """

    start: float = 1.0
    share: float = 1e-4
    name: ClassVar[str] = "armijo"
    needs: ClassVar[str] = "all rows"

    def __post_init__(self) -> None:
        check_positive("first trial length", self.start)

    def init(self, w: Array) -> LastLength:
        return LastLength(self.start / 2.0)

    def length(self, look: Look, memory: LastLength) -> tuple[float, LastLength]:
        length = 2.0 * memory.length
        # 60 halvings span 18 digits: past that the step is below rounding and the walk has ended.
        for _ in range(60):
            trial = look.probe(length)
            if trial.value <= look.value + self.share * trial.promised:
                return length, LastLength(length)
            length /= 2.0
        return 0.0, memory


class Pair(NamedTuple):
    """Memory of adaptive descent: the last point and gradient, length, and growth of length."""

    w: Array
    gradient: Array
    length: float
    growth: float


@dataclass(frozen=True)
class AdaptiveDescent:
    """No rate and no line search: the length follows the curvature met on the way.

    ``length = min(sqrt(1 + growth) * last, |w - w_last| / (2 |g - g_last|))`` where ``growth`` is
    the ratio of the last two lengths; the first length is ``start``, tiny so that it is safe.

    Parameters
    ----------
    start : float, default 1e-10
        First length, tiny so that it is safe whatever the curvature; it grows at once.

    Raises
    ------
    SettingError
        If ``start`` is not a finite number above 0.

    References
    ----------
    Malitsky and Mishchenko (2020), Adaptive gradient descent without descent, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.descend import run
    >>> from downslope.problems.surfaces import surface
    >>> from downslope.rules import Plain
    >>> from downslope.stopping import MaxSteps
    >>> bowl = surface("bowl")
    >>> walk = run(bowl.problem, np.array([2.5, 1.5]), Plain(), AdaptiveDescent(), [MaxSteps(100)])
    >>> bool(walk.trace["value"][-1] < 1e-12)
    True
    """

    start: float = 1e-10
    name: ClassVar[str] = "adaptive_descent"
    needs: ClassVar[str] = "all rows and the plain rule"

    def __post_init__(self) -> None:
        check_positive("first length", self.start)

    def init(self, w: Array) -> Pair:
        return Pair(w, 0.0 * w, 0.0, math.inf)

    def length(self, look: Look, memory: Pair) -> tuple[float, Pair]:
        if look.k == 0:
            return self.start, Pair(look.w, look.gradient, self.start, math.inf)
        moved, turned = look.w - memory.w, look.gradient - memory.gradient
        turn = float((turned * turned).sum()) ** 0.5
        local = float((moved * moved).sum()) ** 0.5 / (2.0 * turn) if turn > 0.0 else math.inf
        length = min(math.sqrt(1.0 + memory.growth) * memory.length, local)
        if not math.isfinite(length):
            length = 2.0 * memory.length
        return length, Pair(look.w, look.gradient, length, length / memory.length)


@dataclass(frozen=True)
class Polyak:
    """``(value - lowest) / |gradient|^2``, exact where the lowest value is known.

    Parameters
    ----------
    lowest : float, default 0
        Lowest value of the objective; 0 is right where a model can fit every row.

    References
    ----------
    Polyak (1987), Introduction to optimization, section 5.3.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.descend import run
    >>> from downslope.problems.surfaces import surface
    >>> from downslope.rules import Plain
    >>> from downslope.stopping import MaxSteps
    >>> bowl = surface("bowl")
    >>> walk = run(bowl.problem, np.array([2.5, 1.5]), Plain(), Polyak(lowest=0.0), [MaxSteps(100)])
    >>> bool(walk.trace["value"][-1] < 1e-12)
    True
    """

    lowest: float = 0.0
    name: ClassVar[str] = "polyak"
    needs: ClassVar[str] = "all rows and the plain rule"

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        size = float((look.gradient * look.gradient).sum())
        return (max(look.value - self.lowest, 0.0) / size if size > 0.0 else 0.0), memory
