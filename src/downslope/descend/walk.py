"""The endless iterator of steps, and all that it asks of a problem."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np

from downslope.rates import Look, Probe, Rate
from downslope.rules import Rule

Array = Any


class Problem(Protocol):
    """What the walk needs to know of a problem: data, formula, network or module alike."""

    @property
    def has_rest(self) -> bool:
        """Whether a part of the objective has no gradient; ``moved`` sees to it."""
        ...

    def value_and_gradient(self, w: Array, rows: Any = None) -> tuple[float, Array]:
        """Smooth part of the objective and its gradient."""
        ...

    def rest(self, w: Array) -> float:
        """Part of the objective that has no gradient (0 where there is none)."""
        ...

    def moved(self, w: Array, direction: Array, length: float) -> Array:
        """Where a step ends: ``w - length * direction``, and the proximal step of the rest."""
        ...

    def penalty_value(self, w: Array) -> float:
        """Whole penalty at ``w``, so that the loss can be told from the objective."""
        ...

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Any]:
        """One epoch of batches."""
        ...

    def count(self, rows: Any) -> int:
        """Rows in a batch."""
        ...


class State(NamedTuple):
    """All that the next step needs; a run continues from it exactly."""

    k: int
    epoch: int
    position: int
    w: Array
    rule_memory: Any
    rate_memory: Any
    epoch_sum: float
    epoch_rows: int
    epoch_value: float | None
    """Mean value over the epoch that ended just before this step; None inside an epoch."""


class Step(NamedTuple):
    """One step as a reader sees it: where the walk stands and how it is about to leave.

    ``state`` is from before the step, so a run continued from it takes this step again.
    """

    state: State
    rows: Any
    value: float
    gradient: Array
    direction: Array
    length: float
    rule_memory: Any
    rate_memory: Any

    @property
    def w(self) -> Array:
        """Weights before the update."""
        return self.state.w


def begin(w0: Array, rule: Rule, rate: Rate) -> State:
    """State before the first step.

    Parameters
    ----------
    w0 : array of shape (n_weights,)
        Where to begin.
    rule, rate : Rule, Rate
        They set up their memories.

    Returns
    -------
    State
        For ``steps``.

    Examples
    --------
    >>> from downslope.rates import Constant
    >>> from downslope.rules import Plain
    >>> begin([1.0, 2.0], Plain(), Constant(0.1)).w
    array([1., 2.])
    """
    w = np.array(w0, dtype=float) if isinstance(w0, (list, tuple, np.ndarray)) else w0
    return State(0, 0, 0, w, rule.init(w), rate.init(w), 0.0, 0, None)


def steps(
    problem: Problem,
    state: State,
    rule: Rule,
    rate: Rate,
    *,
    batch_size: int | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    """Walk downhill without end: ``w <- prox(w - length * direction)``.

    Parameters
    ----------
    problem : Problem
        Anything with a value and a gradient.
    state : State
        From ``begin``, or from an earlier step to continue there.
    rule, rate : Rule, Rate
        Which way and how far.
    batch_size : int or None, default None
        Rows per step: None for all (batch), 1 (stochastic), anything between (mini-batch).
    seed : int, default 0
        Order of the rows; the same seed gives the same steps.

    Yields
    ------
    Step
        Where the walk stands and how it is about to leave, one per update.

    Examples
    --------
    >>> from downslope.problems.formula import parse
    >>> from downslope.rates import Constant
    >>> from downslope.rules import Plain
    >>> bowl = parse("(w - 3)^2")
    >>> rule, rate = Plain(), Constant(0.1)
    >>> walk = steps(bowl, begin([0.0], rule, rate), rule, rate)
    >>> [round(float(next(walk).w[0]), 3) for _ in range(4)]
    [0.0, 0.6, 1.08, 1.464]
    """
    while True:
        batches = problem.batches(batch_size, seed, state.epoch)
        for rows in islice(batches, state.position, None):
            step = _step(problem, state, rows, rule, rate)
            yield step
            state = _after(problem, step)
            del step  # its arrays are as long as the weights: no need to hold them any longer
        state = _next_epoch(state)


def _step(problem: Problem, state: State, rows: Any, rule: Rule, rate: Rate) -> Step:
    w = state.w
    smooth, gradient = problem.value_and_gradient(w, rows)
    rest = problem.rest(w)
    direction, rule_memory = rule.direction(gradient, w, state.rule_memory, state.k)

    def probe(length: float) -> Probe:
        target = problem.moved(w, direction, length)
        rest_there = problem.rest(target)
        promised = float((gradient * (target - w)).sum()) + rest_there - rest
        smooth_there, gradient_there = problem.value_and_gradient(target, rows)
        return Probe(target, smooth_there + rest_there, promised, gradient_there)

    value = smooth + rest
    look = Look(state.k, state.epoch, w, value, gradient, direction, state.epoch_value, probe)
    length, rate_memory = rate.length(look, state.rate_memory)
    return Step(state, rows, value, gradient, direction, length, rule_memory, rate_memory)


def _after(problem: Problem, step: Step) -> State:
    """State once the step is taken; the rows of the batch count towards the epoch's mean."""
    state, n = step.state, problem.count(step.rows)
    return state._replace(
        k=state.k + 1,
        position=state.position + 1,
        w=problem.moved(state.w, step.direction, step.length),
        rule_memory=step.rule_memory,
        rate_memory=step.rate_memory,
        epoch_sum=state.epoch_sum + n * step.value,
        epoch_rows=state.epoch_rows + n,
        epoch_value=None,
    )


def _next_epoch(state: State) -> State:
    mean = state.epoch_sum / state.epoch_rows
    return state._replace(
        epoch=state.epoch + 1, position=0, epoch_sum=0.0, epoch_rows=0, epoch_value=mean
    )
