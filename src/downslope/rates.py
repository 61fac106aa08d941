"""Learning rates: how far to step.

A constant, a schedule and a line search are one kind of thing: ``init(w)`` makes a memory,
``length(look, memory)`` answers the length of this step and the next memory. ``look`` shows all
that the walk knows at the step: its number, the value, gradient and direction there, and a
``probe(length)`` that says what a step of that length would lead to.

Schedules count updates (not epochs) from 0 and are PyTorch's where PyTorch has them
(``torch.optim.lr_scheduler``).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
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
    """How far: see the module's docstring."""

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


def _positive(name: str, number: float) -> None:
    if not (number > 0.0 and math.isfinite(number)):
        raise SettingError(f"{name}={number!r} must be a finite number above 0.")


@dataclass(frozen=True)
class Constant:
    """The same rate at every step.

    Parameters
    ----------
    rate : float
        The rate, above 0; in units of weight per slope.

    Raises
    ------
    SettingError
        If it is not a finite number above 0.

    Examples
    --------
    >>> schedule(Constant(0.1), 3)
    [0.1, 0.1, 0.1]
    """

    rate: float
    name: ClassVar[str] = "constant"
    needs: ClassVar[str] = "anything"

    def __post_init__(self) -> None:
        _positive("learning rate", self.rate)

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        return self.rate, memory


@dataclass(frozen=True)
class InverseScaling:
    """``rate / (k + 1)^power``, scikit-learn's ``invscaling``.

    Parameters
    ----------
    rate : float
        First rate, above 0; in units of weight per slope.
    power : float, default 0.25
        How fast it falls; scikit-learn's. Stochastic descent settles for powers above 1/2.

    Raises
    ------
    SettingError
        If ``rate`` is not a finite number above 0.

    Examples
    --------
    >>> [round(length, 6) for length in schedule(InverseScaling(0.8, power=0.5), 4)]
    [0.8, 0.565685, 0.46188, 0.4]
    """

    rate: float
    power: float = 0.25
    name: ClassVar[str] = "invscaling"
    needs: ClassVar[str] = "anything"

    def __post_init__(self) -> None:
        _positive("learning rate", self.rate)

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        return self.rate / (look.k + 1.0) ** self.power, memory


@dataclass(frozen=True)
class Optimal:
    """``1 / (alpha (t0 + k))`` with Bottou's start, scikit-learn's ``optimal``.

    Parameters
    ----------
    alpha : float
        Weight of the penalty; the schedule is right for a problem that is that strongly convex.
    slope : float, default 1
        Size of the loss's slope at raw prediction ``-sqrt(1 / sqrt(alpha))`` and target +1 (at
        least 1); it sets ``t0`` so that the first step is as long as a typical weight.

    Raises
    ------
    SettingError
        If ``alpha`` is not a finite number above 0.

    References
    ----------
    Bottou (2012), Stochastic gradient descent tricks.

    Examples
    --------
    >>> [round(length, 6) for length in schedule(Optimal(alpha=0.01), 3)]
    [3.162278, 3.065343, 2.974174]
    """

    alpha: float
    slope: float = 1.0
    name: ClassVar[str] = "optimal"
    needs: ClassVar[str] = "anything"

    def __post_init__(self) -> None:
        _positive("alpha of the optimal rate", self.alpha)

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        typical = math.sqrt(1.0 / math.sqrt(self.alpha))
        start = 1.0 / (typical / max(1.0, abs(self.slope)) * self.alpha)
        return 1.0 / (self.alpha * (start + look.k)), memory


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
        _positive("learning rate", self.rate)

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


@dataclass(frozen=True)
class Stairs:
    """``rate * factor^(k // every)``: PyTorch's ``StepLR``.

    Parameters
    ----------
    rate : float
        First rate, above 0; in units of weight per slope.
    every : int, default 100
        Steps between two falls.
    factor : float, default 0.5
        What is left of the rate after a fall.

    Raises
    ------
    SettingError
        If ``rate`` or ``every`` is not a finite number above 0.

    Examples
    --------
    >>> [round(length, 6) for length in schedule(Stairs(0.8, every=2), 5)]
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """

    rate: float
    every: int = 100
    factor: float = 0.5
    name: ClassVar[str] = "step"
    needs: ClassVar[str] = "anything"

    def __post_init__(self) -> None:
        _positive("learning rate", self.rate)
        _positive("every", self.every)

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        return self.rate * self.factor ** (look.k // self.every), memory


@dataclass(frozen=True)
class Exponential:
    """``rate * factor^k``: PyTorch's ``ExponentialLR``.

    Parameters
    ----------
    rate : float
        First rate, above 0; in units of weight per slope.
    factor : float, default 0.99
        What is left of the rate after one step: 0.99 halves it in 69 steps.

    Raises
    ------
    SettingError
        If ``rate`` is not a finite number above 0.

    Examples
    --------
    >>> [round(length, 6) for length in schedule(Exponential(0.8, factor=0.5), 4)]
    [0.8, 0.4, 0.2, 0.1]
    """

    rate: float
    factor: float = 0.99
    name: ClassVar[str] = "exponential"
    needs: ClassVar[str] = "anything"

    def __post_init__(self) -> None:
        _positive("learning rate", self.rate)

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        return self.rate * self.factor**look.k, memory


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from ``rate`` to ``floor`` over ``steps``, periodic after that.

    PyTorch's ``CosineAnnealingLR``: Loshchilov and Hutter (2017), SGDR.

    Parameters
    ----------
    rate : float
        First rate, above 0; in units of weight per slope.
    steps : int
        Steps of one fall.
    floor : float, default 0
        Rate at the end of the fall.

    Raises
    ------
    SettingError
        If ``rate`` or ``steps`` is not a finite number above 0.

    Examples
    --------
    >>> [round(length, 6) for length in schedule(Cosine(0.8, steps=2), 3)]
    [0.8, 0.4, 0.0]
    """

    rate: float
    steps: int
    floor: float = 0.0
    name: ClassVar[str] = "cosine"
    needs: ClassVar[str] = "anything"

    def __post_init__(self) -> None:
        _positive("learning rate", self.rate)
        _positive("steps", self.steps)

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        wave = (1.0 + math.cos(math.pi * look.k / self.steps)) / 2.0
        return self.floor + (self.rate - self.floor) * wave, memory


@dataclass(frozen=True)
class WarmUp:
    """A line up to ``then``'s first rate over ``steps``, and ``then`` from there.

    Starts at ``start`` times that rate: PyTorch's ``SequentialLR`` of ``LinearLR`` and another.

    Parameters
    ----------
    then : Rate
        What follows; its own step count begins when the warm-up is over.
    steps : int
        Steps of the warm-up.
    start : float, default 0.1
        Share of the rate at the first step.

    Raises
    ------
    SettingError
        If ``steps`` is not a finite number above 0.

    Examples
    --------
    >>> [round(length, 6) for length in schedule(WarmUp(Constant(0.8), steps=2, start=0.5), 4)]
    [0.4, 0.6, 0.8, 0.8]
    """

    then: Rate
    steps: int
    start: float = 0.1
    name: ClassVar[str] = "warmup"
    needs: ClassVar[str] = "anything"

    def __post_init__(self) -> None:
        _positive("steps", self.steps)

    def init(self, w: Array) -> Any:
        return self.then.init(w)

    def length(self, look: Look, memory: Any) -> tuple[float, Any]:
        after = look._replace(k=max(0, look.k - self.steps))
        length, later = self.then.length(after, memory)
        if look.k >= self.steps:
            return length, later
        share = self.start + (1.0 - self.start) * look.k / self.steps
        return share * length, memory


@dataclass(frozen=True)
class OneCycle:
    """Up to ``rate`` and down to almost nothing, both as half cosines: PyTorch's ``OneCycleLR``.

    Starts at ``rate / 25``, peaks after ``rise`` of the steps, ends at ``rate / 250,000``.

    Parameters
    ----------
    rate : float
        Largest rate, above 0.
    steps : int
        Steps of the whole cycle, 2 or more.
    rise : float, default 0.3
        Share of the steps that go up, in [0, 1]; PyTorch's.

    Raises
    ------
    SettingError
        If ``rate`` is not a finite number above 0, or another lies out of its range.

    References
    ----------
    Smith and Topin (2019), Super-convergence.

    Examples
    --------
    >>> [round(length, 6) for length in schedule(OneCycle(0.8, steps=4, rise=0.5), 4)]
    [0.032, 0.8, 0.400002, 3e-06]
    """

    rate: float
    steps: int
    rise: float = 0.3
    name: ClassVar[str] = "onecycle"
    needs: ClassVar[str] = "anything"

    def __post_init__(self) -> None:
        _positive("learning rate", self.rate)
        if self.steps < 2:
            raise SettingError(f"steps={self.steps!r} is too short for a cycle; use 2 or more.")
        if not 0.0 <= self.rise <= 1.0:
            raise SettingError(f"rise={self.rise!r} is a share of the steps, between 0 and 1.")

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        first, last = self.rate / 25.0, self.rate / 25.0 / 1e4
        peak, k = self.rise * self.steps - 1.0, min(look.k, self.steps - 1)
        if k <= peak and peak > 0.0:
            start, end, share = first, self.rate, k / peak
        else:
            start, end, share = self.rate, last, (k - peak) / (self.steps - 1.0 - peak)
        return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * share)), memory


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
        _positive("first trial length", self.start)

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
        _positive("first length", self.start)

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


RATES: dict[str, type[Any]] = {
    cls.name: cls
    for cls in (
        Constant,
        InverseScaling,
        Optimal,
        Adaptive,
        Stairs,
        Exponential,
        Cosine,
        WarmUp,
        OneCycle,
        Armijo,
        AdaptiveDescent,
        Polyak,
    )
}


def schedule(rate: Rate, steps: int) -> list[float]:
    """First ``steps`` lengths of a rate that only counts steps (for plots and tables)."""

    def no_probe(length: float) -> Probe:
        raise SettingError(f"{rate.name} searches along the loss, so it has no schedule to list.")

    memory, lengths = rate.init(0.0), []
    for k in range(steps):
        look = Look(k, k, 0.0, 0.0, 0.0, 0.0, None, no_probe)
        length, memory = rate.length(look, memory)
        lengths.append(length)
    return lengths
