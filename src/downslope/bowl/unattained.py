"""Counts without a lowest point: weights that grow for ever because some rows hold only zeros.

The Poisson loss exp(z) - y z of a row with target 0 falls as long as z does. Where a direction of
the weights lowers such rows and leaves all others where they are (a level that only rows without
counts have, columns that tell them apart, or targets that are all 0), every step takes one more off
z, the loss nears its lowest value and never gets there. It is what separable classes are to
``log_loss``. A gamma loss has no such rows: its targets are above 0, so that either end rises.

The direction is looked for where rows with target 0 have next to no mean, as the least squares fit
of -1 there and 0 elsewhere, and is then held against every row.
"""

from typing import Any

import numpy as np

from downslope.bowl.metric import metric_of
from downslope.bowl.passes import DensePasses
from downslope.bowl.smooth import Smooth, Solution
from downslope.bowl.sparse_passes import SparsePasses
from downslope.stopping import Reason

Array = Any
SMALL = 1e-4
"""Mean of a row with target 0, beside that of the targets, from which it may be falling for ever.
"""
HEAVY = 1e6
"""How much more rows that must not move weigh in the fit of the direction."""
STILL, MOVED = 1e-3, 0.5
"""Most that they move, and least that a falling row does."""
MOST_PRODUCTS = 2e9
"""Rows times weights squared up to which anyone looks."""
MOST_NAMED = 5


def falling(problem: Smooth, l1: Array, w: Array) -> tuple[Array, Array] | None:
    """A direction along which the loss falls for ever, and the rows that fall; None if none is."""
    passes = problem.passes
    if passes.loss.name != "poisson" or not isinstance(passes, DensePasses | SparsePasses):
        return None
    y, free = passes.y, (l1 == 0.0) & (problem.ridge == 0.0)
    zero = y == 0.0
    if not free.any() or len(y) * len(w) * min(len(y), len(w)) > MOST_PRODUCTS:
        return None
    down = zero & (np.exp(passes.raw(w)) <= SMALL * (float(np.mean(y)) or 1.0))
    if not down.any():
        return None
    direction = np.zeros(len(w))
    if free.all():
        direction = _fitted(passes, np.where(down, -1.0, 0.0), np.where(down, 1.0, HEAVY))
    elif passes.fit_intercept and zero.all():  # what is penalised has to stay where it is
        direction[-1] = -1.0
    moved = passes.raw(direction)
    if np.abs(moved[~zero]).max(initial=0.0) > STILL or moved.max() > STILL:
        return None
    fall = moved <= -MOVED
    return (direction, fall) if fall.any() else None


def _fitted(passes: DensePasses | SparsePasses, aim: Array, weights: Array) -> Array:
    """Weights of the least squares fit."""
    squares, none = passes.as_squares(aim, weights), np.zeros(_size(passes))
    table = squares.sketch(none, None, passes.centers(), 0.0, 0)
    metric = metric_of(table.table, table.shift, none, passes.n_rows, 1, buckets=None)
    return metric.lift(metric.wish)


def _size(passes: DensePasses | SparsePasses) -> int:
    return passes.n_features + passes.fit_intercept


def reason_for(
    solution: Solution, problem: Smooth, l1: Array, names: tuple[str, ...]
) -> Reason | None:
    """The reason of a solution whose weights would have grown for ever; None for all others."""
    found = falling(problem, l1, solution.w)
    if found is None:
        return None
    direction, fall = found
    d = problem.passes.n_features
    if bool((problem.passes.y == 0.0).all()):  # type: ignore[attr-defined]
        why, cure = "all targets are 0", "there is nothing to learn from such targets"
    else:
        sizes = np.abs(direction[:d]) * problem.passes.sample(1024, 0).spread()
        most = np.argsort(-sizes, kind="stable")[:MOST_NAMED]
        named = [_name(int(j), names) for j in np.sort(most[sizes[most] > 0.1 * sizes.max()])]
        why = f"{', '.join(named)} {'tells' if len(named) == 1 else 'tell'} {int(fall.sum())} rows "
        why += "with target 0 from all others"
        cure = "a penalty such as penalty='l2' gives finite weights"
    return Reason(
        "unattained",
        f"There is no lowest point: {why}, so the loss falls for ever, by less and less, while the "
        f"weights grow (it is at most {solution.bound:.1e} above its limit here); {cure}.",
        converged=False,
    )


def _name(column: int, names: tuple[str, ...]) -> str:
    return names[column] if column < len(names) else f"column {column}"
