"""What the settings leave open: rows per step, scaling, learning rate, when to stop."""

import math
from typing import Any

from scipy import sparse

from downslope.auto_rate import batch_rate, full_rate
from downslope.bowl.rate_free import can_solve
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY
from downslope.rates import Rate
from downslope.rules import Rule
from downslope.scaling import Scaling, standardize, unscaled
from downslope.settings import choose_batch_size, choose_rate
from downslope.sources.memory import MemoryRows
from downslope.training.trained import Settings

Array = Any
TOLD_ROWS = 50_000
TOLD_CELLS = 1_000_000
"""Numbers of a sample for telling: more, picked here and there, cost as much as a pass."""
PROGRESS_SHARE = 1e-4
WHY = {
    "adaptive_descent": "Every step is as long as the curvature met on the way allows.",
    "armijo": "Every step is searched along the loss.",
    "polyak": "Every step is the height above the lowest loss over the squared slope.",
}


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


def choose_scaling(rows: MemoryRows, settings: Settings, batch_size: int | None) -> Scaling:
    """Standardised columns, unless the user wants them raw.

    Centring needs an intercept to give back what it takes, and would fill the zeros that make
    sparse rows cheap to step on one by one.
    """
    if settings.scaling == "none":
        return unscaled(rows.n_features)
    center = settings.fit_intercept and not (sparse.issparse(rows.X) and batch_size is not None)
    return standardize(rows, with_center=center)


def told_scaling(rows: MemoryRows, settings: Settings) -> Scaling:
    """Scaling for a solver that takes the columns as they are: for its penalty, and for telling.

    Where there is no penalty it may come from a sample.
    """
    if settings.penalty == NO_PENALTY:
        enough = max(1000, min(TOLD_ROWS, TOLD_CELLS // max(1, rows.n_features)))
        few = rows.sample(enough, settings.seed)
        rows = MemoryRows(few.X, few.y, few.weights)
    return choose_scaling(rows, settings, None)


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


def progress_tol(
    problem: Objective, w0: Array, settings: Settings, batch_size: int | None
) -> float | str | None:
    """The tolerance asked for; for batches left to themselves a share of their first value."""
    if settings.tol != "auto" or settings.learning_rate != "auto" or batch_size is None:
        return settings.tol
    first = next(problem.batches(TOLD_ROWS, settings.seed, 0))
    return PROGRESS_SHARE * abs(problem.value(w0, first))
