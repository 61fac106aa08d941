"""The usual reader of steps: it records them, asks the stops, and answers a ``Result``."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from downslope.descend.pairs import check_pair
from downslope.descend.walk import Problem, State, Step, begin, steps
from downslope.kernels.making import stopwatch
from downslope.rates import Rate
from downslope.rules import Rule
from downslope.stopping import Divergence, Reason, Sight, Stop, interrupted
from downslope.trace import Record, Recorder, Trace

Array = Any
FEW_WEIGHTS = 20
"""Up to so many weights are kept at every record without being asked for."""


@dataclass(frozen=True)
class Result:
    """What a run leaves behind.

    Attributes
    ----------
    w : array of shape (n_weights,)
        Weights: the last ones, or the best ones where validation or divergence says so.
    trace : Trace
        One row per step.
    reason : Reason
        Why it ended.
    average : array of shape (n_weights,) or None
        Mean of the weights over the steps from ``average_from`` on, where that was asked for.
    state : State or None
        What the walk needs to go on from here.
    method : str
        Who walked: "gradient descent", "mini-batch adam", "Newton's method", ...
    bound : float
        How far the value may be above the lowest one; NaN where the run cannot tell.
    """

    w: Array
    trace: Trace
    reason: Reason
    average: Array | None = None
    state: State | None = None
    method: str = ""
    bound: float = math.nan


class Snapshot(NamedTuple):
    """All of a run between two steps: what a checkpoint keeps."""

    state: State
    stop_memories: tuple[Any, ...]
    tally: tuple[Any, ...]
    records: tuple[Record, ...]
    weights: tuple[Array, ...]


class Keeper(Protocol):
    """Somewhere to keep snapshots, so that a killed run can go on."""

    def latest(self, template: Snapshot) -> Snapshot | None:
        """The newest snapshot that can be trusted, shaped like ``template``; None to begin."""
        ...

    def due(self) -> bool:
        """Whether it is time for the next one."""
        ...

    def keep(self, snapshot: Snapshot) -> None:
        """Keep one; must not raise, since a full disk is no reason to lose a run."""
        ...


@dataclass
class _Tally:
    """What a run keeps beside its records: weights to fall back on, and their running mean."""

    last_finite: Array
    best: Array
    best_value: float = math.inf
    best_validation: float = math.inf
    average: Array | None = None
    averaged: int = 0

    def see(self, w: Array, value: float, validation: float) -> None:
        """Keep ``w`` if it is the last finite one, or the best by validation or by value."""
        if math.isfinite(value):
            self.last_finite = w
        if not math.isnan(validation):
            if validation < self.best_validation:
                self.best, self.best_validation = w, validation
        elif math.isinf(self.best_validation) and value < self.best_value:
            self.best, self.best_value = w, value

    def add_to_average(self, w: Array) -> None:
        """Running mean, exact for equal weights."""
        self.averaged += 1
        if self.average is None:
            self.average = w
        else:
            self.average = self.average + (w - self.average) / self.averaged


def run(
    problem: Problem,
    w0: Array,
    rule: Rule,
    rate: Rate,
    stops: Sequence[Stop],
    *,
    batch_size: int | None = None,
    seed: int = 0,
    validate: Callable[[Array], float] | None = None,
    average_from: int | None = None,
    keep_weights: bool | None = None,
    names: tuple[str, ...] = (),
    state: State | None = None,
    watch: Callable[[Record], None] | None = None,
    keeper: Keeper | None = None,
) -> Result:
    """Walk until a stop says so, and write down every step.

    Parameters
    ----------
    problem, rule, rate, batch_size, seed
        As in ``steps``.
    w0 : array of shape (n_weights,)
        Start; not used where ``state`` is given.
    stops : sequence of Stop
        Asked in order at every step; a ``Divergence`` test is added if there is none.
    validate : callable or None
        Loss on rows kept aside, measured after each epoch and where the run ends; the weights of
        its best value are answered.
    average_from : int or None
        Also answer the mean of the weights from this step on.
    keep_weights : bool or None, default None
        Keep the weights of every record; by default where there are at most 20.
    names : tuple of str
        Names of the weights for the trace.
    state : State or None
        Go on from here.
    watch : callable or None
        Called with each record, for progress displays; it cannot change the run.
    keeper : Keeper or None
        Keeps snapshots on the way and, where it holds one, the run goes on from it: the same steps
        and the same trace as an unbroken run.

    Returns
    -------
    Result

    Raises
    ------
    PairError
        If rule, rate, penalty and batch size cannot be right together.

    Examples
    --------
    >>> from downslope.problems.formula import parse
    >>> from downslope.rates import Constant
    >>> from downslope.rules import Plain
    >>> from downslope.stopping import GradientNorm
    >>> found = run(parse("(w - 3)^2"), [0.0], Plain(), Constant(0.4), [GradientNorm(1e-9)])
    >>> print(found.reason.name, found.w.round(6))
    converged [3.]
    """
    check_pair(rule, rate, problem, batch_size)
    state = begin(w0, rule, rate) if state is None else state
    stops = [*stops, *([] if any(isinstance(s, Divergence) for s in stops) else [Divergence()])]
    memories = [stop.init() for stop in stops]
    kept = len(state.w) <= FEW_WEIGHTS if keep_weights is None else keep_weights
    recorder, tally = Recorder(names, kept), _Tally(state.w, state.w)
    if keeper is not None:
        empty = Snapshot(state, tuple(memories), tuple(vars(tally).values()), (), ())
        found = keeper.latest(empty) or empty
        state, memories, tally = found.state, list(found.stop_memories), _Tally(*found.tally)
        recorder = Recorder(names, kept, list(found.records), list(found.weights))
    spent = recorder.records[-1].seconds if recorder.records else 0.0
    began, reason = stopwatch() - spent, None
    try:
        # A diverging walk overflows on its way out; the divergence test reports it.
        with np.errstate(over="ignore", invalid="ignore"):
            for step in steps(problem, state, rule, rate, batch_size=batch_size, seed=seed):
                state = step.state
                if keeper is not None and keeper.due():
                    parts = (tuple(memories), tuple(vars(tally).values()))
                    kept_rows = (tuple(recorder.records), tuple(recorder.weights))
                    keeper.keep(Snapshot(state, *parts, *kept_rows))
                record = _record(problem, step, began, validate)
                recorder.add(record, state.w)
                if watch is not None:
                    watch(record)
                tally.see(state.w, step.value, record.validation)
                if average_from is not None and state.k >= average_from:
                    tally.add_to_average(state.w)
                reason = _ask(stops, memories, record, step)
                if reason is not None:
                    break
                del step  # nor here
    except KeyboardInterrupt:
        if not recorder.records:
            raise  # there is nothing to keep yet
        reason = interrupted()
    assert reason is not None  # steps never ends by itself
    if validate is not None and reason.name != "diverged":
        _validate_last(validate, recorder, tally, state.w)
    w = _answer(reason, tally, state.w, batch_size)
    return Result(w, recorder.trace(), reason, tally.average, state)


def _record(
    problem: Problem, step: Step, began: float, validate: Callable[[Array], float] | None
) -> Record:
    state, gradient = step.state, step.gradient
    at_epoch = validate is not None and (state.epoch_value is not None or state.k == 0)
    return Record(
        state.k,
        state.epoch,
        step.value,
        step.value - problem.penalty_value(state.w),
        math.sqrt(float(gradient @ gradient)),
        step.length,
        stopwatch() - began,
        validate(state.w) if at_epoch and validate is not None else math.nan,
    )


def _validate_last(
    validate: Callable[[Array], float], recorder: Recorder, tally: _Tally, w: Array
) -> None:
    """Measure where a run ended inside an epoch, or its steps since the last measure are lost."""
    if recorder.records and math.isnan(recorder.records[-1].validation):
        last = recorder.records[-1]._replace(validation=validate(w))
        recorder.records[-1] = last
        tally.see(w, last.value, last.validation)


def _ask(stops: Sequence[Stop], memories: list[Any], record: Record, step: Step) -> Reason | None:
    """First reason that any stop has; every stop sees every step."""
    sight = Sight(
        record.step,
        record.epoch,
        record.value,
        step.state.epoch_value,
        record.gradient_norm,
        record.rate,
        record.seconds,
        record.validation,
        step.w,
        step.gradient,
    )
    first = None
    for i, stop in enumerate(stops):
        reason, memories[i] = stop.ask(sight, memories[i])
        first = first or reason
    return first


def _answer(reason: Reason, tally: _Tally, last: Array, batch_size: int | None) -> Array:
    """Weights to answer with: never ones that are not finite."""
    if reason.name == "diverged":
        return tally.last_finite
    by_validation = not math.isinf(tally.best_validation)
    if by_validation or (reason.name == "interrupted" and batch_size is None):
        return tally.best
    return last
