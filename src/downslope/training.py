"""One fit, from rows to weights: scale, choose what was left open, walk, translate back.

``train`` is what the estimators do between checking their input and setting their attributes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from downslope.auto_rate import batch_rate, full_rate
from downslope.bowl.pass_log import Checkpointing, PassLog
from downslope.bowl.rate_free import RoundRate, accuracy, can_solve, run_free
from downslope.bowl.round_batches import can_run_round, round_rate, run_round_batches
from downslope.bowl.smooth import Settings as SolverSettings
from downslope.checkpoint import fingerprint
from downslope.curvature import stable_limit
from downslope.descend import Keeper, Result, State, begin, run
from downslope.losses import Loss
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY, Penalty
from downslope.rates import Rate
from downslope.row_path import can_run, run_rows
from downslope.rules import Plain, Rule
from downslope.scaling import Scaling, pooled, standardize, unscaled
from downslope.settings import choose_batch_size, choose_rate, choose_rule, choose_stops
from downslope.sources.memory import MemoryRows
from downslope.stopping import Divergence, MaxEpochs, Reason, Sight, Stop
from downslope.trace import Trace

Array = Any
TOLD_ROWS = 50_000
PROGRESS_SHARE = 1e-4
WHY = {
    "adaptive_descent": "Every step is as long as the curvature met on the way allows.",
    "armijo": "Every step is searched along the loss.",
    "polyak": "Every step is the height above the lowest loss over the squared slope.",
}


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


def train(
    rows: MemoryRows,
    settings: Settings,
    *,
    start: Array | None = None,
    validation: MemoryRows | None = None,
    each_epoch: Callable[[Sight], Reason | None] | None = None,
    checkpoint: Checkpointing | None = None,
) -> Trained:
    """Fit a linear model.

    Parameters
    ----------
    rows : MemoryRows
        Features in the user's units, coded targets, weights of mean 1.
    settings : Settings
    start : array of shape (n_weights,), optional
        Weights in the user's units to start from; zeros by default. Without a learning rate a fit
        ends where it ends from anywhere, sooner from nearby; losses with corners and batches
        do not look at it.
    validation : MemoryRows, optional
        Rows kept aside: they decide when to stop and which weights to keep.
    each_epoch : callable, optional
        Shown the run after every pass over the rows, weights in the user's units; a reason that it
        answers ends the run.
    checkpoint : Checkpointing, optional
        Where the run is kept, so that it can go on after a crash: the same steps and the same
        weights as an unbroken one.
    """
    batch_size = rows_per_step(rows, settings)
    mark = "" if checkpoint is None else run_mark(rows, settings)
    if needs_no_rate(rows, settings, batch_size) and validation is None:
        log = None if checkpoint is None else checkpoint.of_passes(mark)
        return _train_free(rows, settings, start, each_epoch, log)
    free = settings.learning_rate == "auto" and settings.rule == "auto" and checkpoint is None
    if free and validation is None and can_run_round(objective(rows, settings), batch_size):
        assert batch_size is not None  # see can_run_round
        return _train_round(rows, settings, batch_size, each_epoch)
    scaling = choose_scaling(rows, settings, batch_size)
    problem = objective(scaling.rows(rows), settings)
    w0 = problem.start() if start is None else scaling.from_user(start, settings.n_outputs)
    rule = choose_rule(settings.rule)
    rate, why = pick_rate(problem, rule, settings, batch_size, rows.y)
    stops = choose_stops(
        max_iter=settings.max_iter,
        tol=progress_tol(problem, w0, settings, batch_size),
        patience=settings.patience,
        batch_size=batch_size,
        rate=rate,
        validated=validation is not None,
    )
    if each_epoch is not None or checkpoint is not None:
        # A checkpoint holds the memory of every stop: someone always looks, or nobody ever does.
        stops = (EachEpoch(each_epoch or nobody_looks, scaling, settings.n_outputs), *stops)
    validate = None if validation is None else loss_on(validation, scaling, problem)
    state = begin(w0, rule, rate)
    keeper = None if checkpoint is None else checkpoint.of_walk(mark)
    result = walked(problem, state, rule, rate, stops, batch_size, settings, validate, keeper)
    history = user_trace(result.trace, scaling, settings.n_outputs)
    w = answer(result, scaling, settings)
    return Trained(w, result, history, scaling, rows, rule, rate, why, rows.n_rows, settings)


def progress_tol(
    problem: Objective, w0: Array, settings: Settings, batch_size: int | None
) -> float | str | None:
    """The tolerance asked for; for batches left to themselves a share of their first value."""
    if settings.tol != "auto" or settings.learning_rate != "auto" or batch_size is None:
        return settings.tol
    first = next(problem.batches(TOLD_ROWS, settings.seed, 0))
    return PROGRESS_SHARE * abs(problem.value(w0, first))


def walked(
    problem: Objective,
    state: State,
    rule: Rule,
    rate: Rate,
    stops: tuple[Stop, ...],
    batch_size: int | None,
    settings: Settings,
    validate: Callable[[Array], float] | None = None,
    keeper: Keeper | None = None,
) -> Result:
    """The run: as machine code where there is some and nothing needs to be kept step by step."""
    options: dict[str, Any] = {
        "seed": settings.seed,
        "validate": validate,
        "average_from": settings.average or None,
        "names": weight_names(settings),
        "state": state,
    }
    step_by_step = settings.record != "auto" or keeper is not None
    if not step_by_step and can_run(problem, rule, rate, batch_size):
        assert batch_size is not None  # see can_run
        result = run_rows(problem, state.w, rule, rate, stops, batch_size=batch_size, **options)
    else:
        options |= {"batch_size": batch_size, "keeper": keeper}
        result = run(problem, state.w, rule, rate, stops, **options)
    return with_limit(result, problem, rule)


def rows_per_step(rows: MemoryRows, settings: Settings) -> int | None:
    """Rows per step, None for all; a perceptron that is left to itself learns row by row."""
    free = settings.batch_size == "auto" and settings.learning_rate == "auto"
    if free and settings.loss.name == "perceptron" and rows.n_rows > 1:
        return 1
    return choose_batch_size(settings.batch_size, settings.learning_rate, rows.n_rows)


def needs_no_rate(rows: MemoryRows, settings: Settings, batch_size: int | None) -> bool:
    """Whether the user left the rule and the rate open, and a solver needs neither."""
    return (
        settings.learning_rate == "auto"
        and settings.rule == "auto"
        and batch_size is None
        and not settings.average
        and can_solve(rows, settings.loss)
    )


def _train_free(
    rows: MemoryRows,
    settings: Settings,
    start: Array | None,
    each_epoch: Callable[[Sight], Reason | None] | None,
    log: PassLog | None,
) -> Trained:
    """Fit without a learning rate."""
    k, problem, scaling = (
        settings.n_outputs,
        objective(rows, settings),
        told_scaling(rows, settings),
    )
    solver = SolverSettings(
        tol=accuracy(problem, settings.tol if isinstance(settings.tol, float) else None),
        most_passes=settings.max_iter,
        seed=settings.seed,
        start=start,
        log=log,
    )
    names = weight_names(settings)
    result = run_free(problem, scaling, solver, names=names, show=each_epoch)
    history, w = user_trace(result.trace, scaling, k), answer(result, scaling, settings)
    rate, why = RoundRate(), "None: in a bowl that is made round first, a step of 1 is right."
    return Trained(w, result, history, scaling, rows, Plain(), rate, why, rows.n_rows, settings)


def _train_round(
    rows: MemoryRows,
    settings: Settings,
    batch_size: int,
    each_epoch: Callable[[Sight], Reason | None] | None,
) -> Trained:
    """Fit on batches without a learning rate to choose."""
    problem, scaling = objective(rows, settings), told_scaling(rows, settings)
    rate, why = round_rate(problem, batch_size)
    result = run_round_batches(
        problem,
        scaling,
        rate,
        batch_size,
        max_epochs=settings.max_iter,
        tol=settings.tol if isinstance(settings.tol, float) else None,
        seed=settings.seed,
        names=weight_names(settings),
        show=each_epoch,
    )
    history, w = user_trace(result.trace, scaling, 1), answer(result, scaling, settings)
    return Trained(w, result, history, scaling, rows, Plain(), rate, why, rows.n_rows, settings)


def told_scaling(rows: MemoryRows, settings: Settings) -> Scaling:
    """Scaling for a solver that takes the columns as they are: for its penalty, and for telling.

    Where there is no penalty it may come from a sample.
    """
    if settings.penalty == NO_PENALTY:
        few = rows.sample(TOLD_ROWS, settings.seed)
        rows = MemoryRows(few.X, few.y, few.weights)
    return choose_scaling(rows, settings, None)


def run_mark(rows: MemoryRows, settings: Settings) -> str:
    """Fingerprint of the rows and the settings: what a checkpoint belongs to."""
    X = rows.X
    parts = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
    weights = [] if rows.weights is None else [rows.weights]
    return fingerprint([*parts, rows.y, *weights], {"settings": repr(settings)})


def train_more(rows: MemoryRows, settings: Settings, before: Trained | None) -> Trained:
    """One pass over more rows, from where the last call left off.

    The columns are scaled by what all calls so far have seen of them, the weights carried over to
    the new scale exactly, the schedule and the rule's memory as they are. An automatic rate is
    chosen on the first rows and kept.
    """
    n_outputs = settings.n_outputs
    batch_size = choose_batch_size(settings.batch_size, "constant", rows.n_rows + 1)
    scaling, seen = choose_scaling(rows, settings, batch_size), rows.n_rows
    if before is not None and settings.scaling != "none":
        seen += before.rows_seen
        scaling = pooled(before.scaling, before.rows_seen, scaling, rows.n_rows)
    problem = objective(scaling.rows(rows), settings)
    w = problem.start() if before is None else scaling.from_user(before.standing, n_outputs)
    if before is not None and before.rate.needs == "anything":
        rule, rate, why = before.rule, before.rate, before.why
        state = before.state._replace(w=w)
    else:
        rule = choose_rule(settings.rule)
        rate, why = pick_rate(problem, rule, settings, batch_size, rows.y)
        state = begin(w, rule, rate)
    stops = (MaxEpochs(state.epoch + 1),)
    result = walked(problem, state, rule, rate, stops, batch_size, settings)
    history, w = user_trace(result.trace, scaling, n_outputs), answer(result, scaling, settings)
    if before is not None:
        history = joined(before.history, history)
        if before.result.average is not None and result.average is not None:
            earlier = before.state.k - settings.average + 1
            k = before.state.k if result.state is None else result.state.k
            w += earlier / (earlier + k - before.state.k) * (before.w - w)
    return Trained(w, result, history, scaling, rows, rule, rate, why, seen, settings)


@dataclass(frozen=True)
class EachEpoch:
    """A stop that shows every finished pass to a reader, who may end the run."""

    show: Callable[[Sight], Reason | None]
    scaling: Scaling
    n_outputs: int

    def init(self) -> None:
        return None

    def ask(self, sight: Sight, memory: None) -> tuple[Reason | None, None]:
        if sight.epoch_value is None:
            return None, None
        return self.show(sight._replace(w=self.scaling.to_user(sight.w, self.n_outputs))), None


def nobody_looks(sight: Sight) -> Reason | None:
    """No reason to stop."""
    return None


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


def joined(first: Trace, second: Trace) -> Trace:
    """Two traces of one run, one after the other."""
    columns = {name: np.concatenate((first[name], second[name])) for name in first.columns}
    weights = None
    if first.weights is not None and second.weights is not None:
        weights = np.concatenate((first.weights, second.weights))
    return Trace(columns, weights, second.names)


def choose_scaling(rows: MemoryRows, settings: Settings, batch_size: int | None) -> Scaling:
    """Standardised columns, unless the user wants them raw.

    Centring needs an intercept to give back what it takes, and would fill the zeros that make
    sparse rows cheap to step on one by one.
    """
    if settings.scaling == "none":
        return unscaled(rows.n_features)
    center = settings.fit_intercept and not (sparse.issparse(rows.X) and batch_size is not None)
    return standardize(rows, with_center=center)


def pick_rate(
    problem: Objective, rule: Rule, settings: Settings, batch_size: int | None, targets: Array
) -> tuple[Rate, str]:
    """The rate that the user named, or one from what can be measured; and where it comes from."""
    n = problem.source.n_rows
    steps = settings.max_iter * math.ceil(n / (batch_size or n))
    if settings.learning_rate == "auto" and batch_size is not None:
        return batch_rate(problem, rule, batch_size, targets)
    if settings.learning_rate == "auto" and rule.name != "plain":
        return full_rate(problem, rule, steps, targets)
    rate = choose_rate(
        settings.learning_rate,
        eta0=settings.eta0,
        power_t=settings.power_t,
        alpha=settings.alpha,
        loss=settings.loss,
        tol=None if isinstance(settings.tol, str) else settings.tol,
        patience=settings.patience,
        steps=steps,
    )
    return rate, WHY.get(rate.name, "The learning rate is the one that was asked for.")


def weight_names(settings: Settings) -> tuple[str, ...]:
    """Names of the flat weights for the trace; one output only."""
    if settings.n_outputs > 1 or not settings.names:
        return ()
    return (*settings.names, "intercept") if settings.fit_intercept else settings.names


def loss_on(
    validation: MemoryRows, scaling: Scaling, problem: Objective
) -> Callable[[Array], float]:
    """Mean loss on rows kept aside, as a function of the scaled weights."""
    held = replace(problem, source=scaling.rows(validation), penalty=NO_PENALTY)
    return held.value


def with_limit(result: Result, problem: Objective, rule: Rule) -> Result:
    """Where the run diverged, say which rate would not have."""
    if result.reason.name != "diverged":
        return result
    limit = stable_limit(problem, rule, problem.start())
    if limit is None:
        return result
    return replace(result, reason=retold(result, Divergence(limit=limit)))


def retold(result: Result, divergence: Divergence) -> Reason:
    """The reason again, from the trace's last row, by a test that knows more."""
    trace, reason, memory = result.trace, None, divergence.init()
    for i in (0, -1):
        row = {name: column[i].item() for name, column in trace.columns.items()}
        sight = Sight(
            row["step"],
            row["epoch"],
            row["value"],
            None,
            row["gradient_norm"],
            row["rate"],
            row["seconds"],
            row["validation"],
        )
        reason, memory = divergence.ask(sight, memory)
    return reason or result.reason
