"""A fit at one go, with a learning rate or without, and a fit in parts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from scipy import sparse

from downslope.bowl.methods import why_no_rate
from downslope.bowl.pass_log import Checkpointing, PassLog
from downslope.bowl.rate_free import RoundRate, accuracy, run_free
from downslope.bowl.round_batches import can_run_round, round_rate, run_round_batches
from downslope.bowl.smooth import Settings as SolverSettings
from downslope.checkpoint import fingerprint
from downslope.clock import time_limit
from downslope.curvature import stable_limit
from downslope.descend import Keeper, Result, State, begin, run
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY
from downslope.rates import Rate
from downslope.row_path import can_run, run_rows
from downslope.rules import Plain, Rule
from downslope.scaling import Scaling, pooled
from downslope.settings import choose_batch_size, choose_rule, choose_stops
from downslope.sources.memory import MemoryRows
from downslope.stopping import Divergence, MaxEpochs, Reason, Sight, Stop
from downslope.trace import joined
from downslope.training.choices import (
    choose_scaling,
    needs_no_rate,
    pick_rate,
    progress_tol,
    rows_per_step,
    told_scaling,
)
from downslope.training.trained import (
    Settings,
    Trained,
    answer,
    objective,
    user_trace,
    weight_names,
)

Array = Any


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
    with time_limit(settings.max_seconds):
        return _trained(rows, settings, start, validation, each_epoch, checkpoint)


def _trained(
    rows: MemoryRows,
    settings: Settings,
    start: Array | None,
    validation: MemoryRows | None,
    each_epoch: Callable[[Sight], Reason | None] | None,
    checkpoint: Checkpointing | None,
) -> Trained:
    """``train``, while the clock runs."""
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
        max_seconds=settings.max_seconds,
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
    rate, why = RoundRate(), why_no_rate(result.method)
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
    return with_limit(replace(result, method=named(rule, batch_size)), problem, rule)


def named(rule: Rule, batch_size: int | None) -> str:
    """The field's name of a walk with a learning rate.

    Examples
    --------
    >>> named(Plain(), 32)
    'mini-batch gradient descent'
    """
    size = "" if batch_size is None else "stochastic " if batch_size == 1 else "mini-batch "
    return size + ("gradient descent" if rule.name == "plain" else rule.name.replace("_", " "))


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


def loss_on(
    validation: MemoryRows, scaling: Scaling, problem: Objective
) -> Callable[[Array], float]:
    """Mean loss on rows kept aside, as a function of the scaled weights."""
    held = replace(problem, source=scaling.rows(validation), penalty=NO_PENALTY)
    return held.value


def run_mark(rows: MemoryRows, settings: Settings) -> str:
    """Fingerprint of the rows and the settings: what a checkpoint belongs to."""
    X = rows.X
    parts = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
    weights = [] if rows.weights is None else [rows.weights]
    return fingerprint([*parts, rows.y, *weights], {"settings": repr(settings)})


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
