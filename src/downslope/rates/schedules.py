"""Rates that are given before the walk begins: they count updates and look at nothing else."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from downslope.errors import SettingError
from downslope.rates.rate import Array, Look, Nothing, Probe, Rate, check_positive


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
        check_positive("learning rate", self.rate)

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
        check_positive("learning rate", self.rate)

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
        check_positive("alpha of the optimal rate", self.alpha)

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        typical = math.sqrt(1.0 / math.sqrt(self.alpha))
        start = 1.0 / (typical / max(1.0, abs(self.slope)) * self.alpha)
        return 1.0 / (self.alpha * (start + look.k)), memory


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
        check_positive("learning rate", self.rate)
        check_positive("every", self.every)

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
        check_positive("learning rate", self.rate)

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
        check_positive("learning rate", self.rate)
        check_positive("steps", self.steps)

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
        check_positive("steps", self.steps)

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
        check_positive("learning rate", self.rate)
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
