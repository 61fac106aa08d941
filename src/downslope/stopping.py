"""When to stop, and the reason said aloud.

A stop is two pure functions: ``init()`` makes its memory, ``ask(sight, memory)`` answers a
``Reason`` or None, and the next memory. Several stops run side by side; the first to answer ends
the run. Every run ends with a reason that has a name and an English sentence.
"""

import math
import threading
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from downslope.errors import SettingError


@dataclass(frozen=True)
class Reason:
    """Why a run ended.

    Attributes
    ----------
    name : str
        One of ``converged``, ``stalled``, ``max_steps``, ``max_epochs``, ``max_seconds``,
        ``validation``, ``diverged``, ``interrupted``, ``separable``, ``unattained``, ``fallback``,
        ``watched``;
        from ``minimize`` also ``flat``, ``jagged``, ``saddle``, ``unbounded``, ``wrong_gradient``.
    sentence : str
        The same for a person, with the number that decided.
    converged : bool
        Whether the run reached what it was asked to reach.

    Examples
    --------
    >>> print(Reason("max_steps", "Stopped after 20 steps, as asked.", converged=False))
    max_steps: Stopped after 20 steps, as asked.
    """

    name: str
    sentence: str
    converged: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.sentence}"


class Sight(NamedTuple):
    """What a stop may look at."""

    step: int
    epoch: int
    value: float
    epoch_value: float | None
    gradient_norm: float
    rate: float
    seconds: float
    validation: float
    w: Any = None
    gradient: Any = None


class Stop(Protocol):
    """When: see the module's docstring."""

    def init(self) -> Any:
        """Memory before the first step."""
        ...

    def ask(self, sight: Sight, memory: Any) -> tuple[Reason | None, Any]:
        """The reason to stop here, if there is one, and the memory after this step."""
        ...


def _count(name: str, number: float) -> None:
    if not number >= 0:
        raise SettingError(f"{name}={number!r} must be 0 or more.")


@dataclass(frozen=True)
class MaxSteps:
    """Stop after so many updates of the weights.

    Parameters
    ----------
    steps : int
        Largest number of updates; 0 only looks at the start.

    Raises
    ------
    SettingError
        If ``steps`` is negative or not a number.

    Examples
    --------
    >>> stop = MaxSteps(20)
    >>> sight = Sight(step=20, epoch=0, value=1.0, epoch_value=None, gradient_norm=1.0, rate=0.1,
    ...               seconds=0.0, validation=float("nan"))
    >>> stop.ask(sight, stop.init())[0].name
    'max_steps'
    """

    steps: int

    def __post_init__(self) -> None:
        _count("max_steps", self.steps)

    def init(self) -> None:
        return None

    def ask(self, sight: Sight, memory: None) -> tuple[Reason | None, None]:
        if sight.step < self.steps:
            return None, None
        return Reason("max_steps", f"Stopped after {sight.step} steps, the cap.", False), None


@dataclass(frozen=True)
class MaxEpochs:
    """Stop after so many passes over the rows.

    Parameters
    ----------
    epochs : int
        Largest number of passes over the rows.

    Raises
    ------
    SettingError
        If ``epochs`` is negative or not a number.

    Examples
    --------
    >>> stop = MaxEpochs(3)
    >>> sight = Sight(step=60, epoch=3, value=1.0, epoch_value=None, gradient_norm=1.0, rate=0.1,
    ...               seconds=0.0, validation=float("nan"))
    >>> stop.ask(sight, stop.init())[0].name
    'max_epochs'
    """

    epochs: int

    def __post_init__(self) -> None:
        _count("max_epochs", self.epochs)

    def init(self) -> None:
        return None

    def ask(self, sight: Sight, memory: None) -> tuple[Reason | None, None]:
        if sight.epoch < self.epochs:
            return None, None
        word = "pass" if sight.epoch == 1 else "passes"
        sentence = f"Stopped after {sight.epoch} {word} over the rows, the cap."
        return Reason("max_epochs", sentence, False), None


@dataclass(frozen=True)
class GradientNorm:
    """Converged when the gradient is ``tol`` times its first length, or shorter.

    Parameters
    ----------
    tol : float, default 1e-6
        Share of the first length; small, so that it means an end.

    Raises
    ------
    SettingError
        If ``tol`` is negative or not a number.

    Examples
    --------
    >>> stop = GradientNorm(0.5)
    >>> far, near = (
    ...     Sight(0, 0, 1.0, None, length, 0.1, 0.0, float("nan")) for length in (4.0, 1.0)
    ... )
    >>> reason, memory = stop.ask(far, stop.init())
    >>> stop.ask(near, memory)[0].name
    'converged'
    """

    tol: float = 1e-6

    def __post_init__(self) -> None:
        _count("tol", self.tol)

    def init(self) -> float:
        return math.nan

    def ask(self, sight: Sight, memory: float) -> tuple[Reason | None, float]:
        first = sight.gradient_norm if math.isnan(memory) else memory
        if not sight.gradient_norm <= self.tol * first:
            return None, first
        sentence = (
            f"The gradient's length fell to {sight.gradient_norm:.3g}, "
            f"at most {self.tol:g} times its first {first:.3g}."
        )
        return Reason("converged", sentence, True), first


class Best(NamedTuple):
    """Memory of a stop that waits for progress: the best value and the epochs since."""

    value: float
    since: int


@dataclass(frozen=True)
class Progress:
    """Stalled when ``patience`` epochs in a row do not beat the best mean value by ``tol``.

    This is scikit-learn's criterion for SGD. It says that progress stopped, not that the lowest
    value was reached, and the reason says so too.

    Parameters
    ----------
    tol : float, default 1e-3
        Fall of the mean value of an epoch that counts as progress, in units of the loss.
    patience : int, default 5
        Epochs in a row without progress. Both are scikit-learn's.

    Examples
    --------
    >>> stop = Progress(patience=1)
    >>> same = Sight(10, 1, 1.0, 1.0, 1.0, 0.1, 0.0, float("nan"))
    >>> reason, memory = stop.ask(same, stop.init())
    >>> stop.ask(same, memory)[0].name
    'stalled'
    """

    tol: float = 1e-3
    patience: int = 5

    def init(self) -> Best:
        return Best(math.inf, 0)

    def ask(self, sight: Sight, memory: Best) -> tuple[Reason | None, Best]:
        if sight.epoch_value is None:
            return None, memory
        since = memory.since + 1 if sight.epoch_value > memory.value - self.tol else 0
        memory = Best(min(memory.value, sight.epoch_value), since)
        if since < self.patience:
            return None, memory
        sentence = (
            f"The mean value of an epoch did not fall by {self.tol:g} in {self.patience} epochs "
            f"(best {memory.value:.6g}); progress stopped, which does not prove the lowest value."
        )
        return Reason("stalled", sentence, True), memory


@dataclass(frozen=True)
class Validation:
    """Stop when ``patience`` measurements on the validation rows do not beat the best by ``tol``.

    The run then answers with the weights of the best measurement.

    Parameters
    ----------
    tol : float, default 1e-4
        Fall of the validation loss that counts, in its units.
    patience : int, default 5
        Measurements in a row without it; one bad measurement may be chance.

    Examples
    --------
    >>> stop = Validation(patience=1)
    >>> same = Sight(10, 1, 1.0, None, 1.0, 0.1, 0.0, 0.25)
    >>> reason, memory = stop.ask(same, stop.init())
    >>> stop.ask(same, memory)[0].name
    'validation'
    """

    tol: float = 1e-4
    patience: int = 5

    def init(self) -> Best:
        return Best(math.inf, 0)

    def ask(self, sight: Sight, memory: Best) -> tuple[Reason | None, Best]:
        if math.isnan(sight.validation):
            return None, memory
        since = memory.since + 1 if sight.validation > memory.value - self.tol else 0
        memory = Best(min(memory.value, sight.validation), since)
        if since < self.patience:
            return None, memory
        sentence = (
            f"The validation loss did not fall by {self.tol:g} in {self.patience} measurements; "
            f"the weights of its best value {memory.value:.6g} are kept."
        )
        return Reason("validation", sentence, True), memory


def out_of_time(seconds: float, bound: float = math.inf) -> Reason:
    """The time allowed is spent; and how high above the lowest value that is, where it is known.

    Examples
    --------
    >>> print(out_of_time(60.2))
    max_seconds: Stopped after 60.2 s, the limit.
    """
    height = ""
    if bound < math.inf:
        height = (
            f", at most {bound:.1e} above the lowest possible loss as far as the curvature met so "
            "far tells"
        )
    spent = f"{seconds:.1f}" if seconds >= 1.0 else f"{seconds:.2g}"
    return Reason("max_seconds", f"Stopped after {spent} s, the limit{height}.", False)


@dataclass(frozen=True)
class MaxSeconds:
    """Stop after so many seconds.

    Parameters
    ----------
    seconds : float
        By the wall clock, from the start of the run; asked after every step.

    Raises
    ------
    SettingError
        If ``seconds`` is negative or not a number.

    Examples
    --------
    >>> stop = MaxSeconds(60.0)
    >>> sight = Sight(step=9, epoch=0, value=1.0, epoch_value=None, gradient_norm=1.0, rate=0.1,
    ...               seconds=61.0, validation=float("nan"))
    >>> stop.ask(sight, stop.init())[0].name
    'max_seconds'
    """

    seconds: float

    def __post_init__(self) -> None:
        _count("seconds", self.seconds)

    def init(self) -> None:
        return None

    def ask(self, sight: Sight, memory: None) -> tuple[Reason | None, None]:
        return (None if sight.seconds < self.seconds else out_of_time(sight.seconds)), None


class Climb(NamedTuple):
    """Memory of the divergence test: the first and the best value, and the epoch of the first."""

    first: float
    best: float
    epoch: int


@dataclass(frozen=True)
class Divergence:
    """Diverged: a value or gradient that is not finite, or a value far above the start.

    "Far" is ``factor`` times the larger of the first value's size and the progress made, so that a
    run at the edge of stability, whose loss rises now and then, is left alone. Batches differ, so
    where there are several in an epoch the first value is the largest of the first epoch.

    Parameters
    ----------
    factor : float, default 1000
        How far is far: runs at the edge of stability climb a few times, a diverging one doubles on.
    limit : float, optional
        Largest stable learning rate for this problem and rule; said in the sentence.

    Examples
    --------
    >>> stop = Divergence()
    >>> broken = Sight(7, 0, float("inf"), None, 1.0, 3.0, 0.0, float("nan"))
    >>> stop.ask(broken, stop.init())[0].name
    'diverged'
    """

    factor: float = 1e3
    limit: float | None = None

    def init(self) -> Climb:
        return Climb(math.nan, math.inf, -1)

    def ask(self, sight: Sight, memory: Climb) -> tuple[Reason | None, Climb]:
        finite = math.isfinite(sight.value) and math.isfinite(sight.gradient_norm)
        first, best, epoch = memory.first, min(memory.best, sight.value), memory.epoch
        if math.isnan(first):
            first, epoch = sight.value, sight.epoch
        elif sight.epoch == epoch and finite:
            first = max(first, sight.value)
        far = self.factor * max(abs(first), first - best, 1e-300)
        if finite and not (sight.value > first + far):
            return None, Climb(first, best, epoch)
        what = f"rose from {first:.4g} to {sight.value:.4g}" if finite else "is no longer finite"
        sentence = (
            f"Diverged at step {sight.step}: the loss {what} with learning rate {sight.rate:.4g}"
        )
        if self.limit is not None:
            sentence += f"; the largest stable rate here is {self.limit:.4g}"
        return Reason("diverged", sentence + ". The last finite weights are kept.", False), memory


@dataclass(frozen=True)
class VanishedRate:
    """Stop when a falling learning rate is too small to move anything."""

    smallest: float = 1e-6

    def init(self) -> None:
        return None

    def ask(self, sight: Sight, memory: None) -> tuple[Reason | None, None]:
        if sight.rate > self.smallest:
            return None, None
        sentence = f"The learning rate fell to {sight.rate:.3g}, too small to make progress."
        return Reason("stalled", sentence, True), None


INTERRUPTED = Reason("interrupted", "Interrupted; the best weights so far are kept.", False)
HEARD = threading.Event()
"""Set when a run has ended because of Ctrl-C; who sent it need not send it again."""


def interrupted() -> Reason:
    """The reason of a run that Ctrl-C ends, and a sign that it was heard."""
    HEARD.set()
    return INTERRUPTED
