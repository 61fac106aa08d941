"""What a fit is asked for, and what it leaves behind in the user's units."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from downslope.descend import Result, State
from downslope.losses import Loss
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY, Penalty
from downslope.rates import Rate
from downslope.rules import Rule
from downslope.scaling import Scaling
from downslope.sources.memory import MemoryRows
from downslope.stopping import Reason
from downslope.trace import Trace

Array = Any


@dataclass(frozen=True)
class Settings:
    """What a linear model is to minimise, and how; names as in ``DescentRegressor``."""

    loss: Loss
    penalty: Penalty = NO_PENALTY
    n_outputs: int = 1
    fit_intercept: bool = True
    rule: str | Rule = "auto"
    learning_rate: float | str | Rate = "auto"
    batch_size: int | str | None = "auto"
    scaling: str = "auto"
    eta0: float = 0.01
    power_t: float = 0.25
    alpha: float = 0.0
    max_iter: int = 1000
    tol: float | str | None = "auto"
    patience: int = 5
    average: int = 0
    record: str = "auto"
    seed: int = 0
    names: tuple[str, ...] = ()
    max_seconds: float | None = field(default=None, repr=False)
    """Not in the name of a checkpoint: a run may go on with more time."""


@dataclass(frozen=True)
class Trained:
    """What a fit leaves behind.

    Attributes
    ----------
    w : array of shape (n_weights,)
        Weights in the user's units, intercepts last.
    result : Result
        The run, on the scaled columns.
    history : Trace
        Its trace, weights in the user's units; earlier calls of a fit in parts come first.
    scaling : Scaling
        What was done to the columns.
    rows : MemoryRows or None
        What was learned from, in the user's units; None in a model that was pickled.
    rule, rate : Rule, Rate
        Which way and how far the run stepped.
    why : str
        Where the rate comes from, in a sentence.
    rows_seen : int
        Rows that the scaling knows of.
    settings : Settings
        What was asked for.
    """

    w: Array
    result: Result
    history: Trace
    scaling: Scaling
    rows: MemoryRows | None
    rule: Rule
    rate: Rate
    why: str
    rows_seen: int
    settings: Settings

    def ended(self, reason: Reason) -> "Trained":
        """The same fit, ended for another reason."""
        return replace(self, result=replace(self.result, reason=reason))

    @cached_property
    def problem(self) -> Objective | None:
        """What was minimised, on the scaled columns, where the rows are at hand."""
        return None if self.rows is None else objective(self.scaling.rows(self.rows), self.settings)

    @property
    def state(self) -> State:
        """Where the run stands."""
        assert self.result.state is not None  # a run always has one
        return self.result.state

    @property
    def standing(self) -> Array:
        """Weights in the user's units from which to go on: not averaged, always finite."""
        w = self.scaling.to_user(self.state.w, self.settings.n_outputs)
        return w if np.isfinite(w).all() else self.w


def objective(rows: MemoryRows, settings: Settings) -> Objective:
    """The problem that the settings describe, on these rows."""
    return Objective(
        rows, settings.loss, settings.penalty, settings.fit_intercept, settings.n_outputs
    )


def answer(result: Result, scaling: Scaling, settings: Settings) -> Array:
    """Weights to predict with, in the user's units: the averaged ones where there are.

    Adding the same number to the intercepts of all classes changes no probability of a softmax
    model; the answer has intercepts of mean 0.
    """
    w = result.w if result.average is None or result.reason.name == "diverged" else result.average
    w = scaling.to_user(w, settings.n_outputs)
    if settings.loss.link == "softmax" and settings.fit_intercept:
        w[-settings.n_outputs :] -= w[-settings.n_outputs :].mean()
    return w


def user_trace(trace: Trace, scaling: Scaling, n_outputs: int) -> Trace:
    """The trace with its weights in the user's units."""
    if trace.weights is None:
        return trace
    return replace(trace, weights=scaling.to_user(trace.weights, n_outputs))


def weight_names(settings: Settings) -> tuple[str, ...]:
    """Names of the flat weights for the trace; one output only."""
    if settings.n_outputs > 1 or not settings.names:
        return ()
    return (*settings.names, "intercept") if settings.fit_intercept else settings.names
