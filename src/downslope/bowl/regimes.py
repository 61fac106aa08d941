"""Which solver for which problem."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.column_passes import ColumnPasses
from downslope.bowl.column_walk import column_walk
from downslope.bowl.interior import interior_walk
from downslope.bowl.lasso import edged_bowl
from downslope.bowl.least_squares import in_one_pass, refined
from downslope.bowl.many_classes import many_classes_walk
from downslope.bowl.newton import newton
from downslope.bowl.passes import Cornered, DensePasses
from downslope.bowl.round import round_bowl
from downslope.bowl.smooth import SQUARED, Settings, Smooth, Solution
from downslope.bowl.smoothing import corner_walk
from downslope.bowl.sparse_class_passes import SparseClassPasses
from downslope.bowl.sparse_passes import SparsePasses
from downslope.bowl.wide import MOST_FULL, fallback_walk, scaled_walk
from downslope.bowl.working_set import working_set_walk
from downslope.errors import PairError

Array = Any
SMALL = 2e7
"""Rows times weights squared up to which a Hessian is cheaper than the thought of avoiding it."""
REFINED = 1e6
"""The same for squared loss of few columns, up to which all its digits cost next to nothing."""
FEW_COLUMNS = 64
"""Weights up to which all products of columns cost less than the passes they save."""
SKETCH_SPARSE = 100.0
"""Weights cubed per stored element up to which a sketch of sparse rows pays: thirty passes."""
MOST_CLASS_WEIGHTS = 3000
"""Columns times classes up to which all their products are worth having."""
MOST_EDGED, FEW_EDGED = 2000, 200
"""Weights of an L1 problem up to which all of them are worked on at once; the second where they are
more than the rows, which then leave most of them at zero."""
FEW_ROWS = 4096
CORNERS = ("absolute_error", "quantile", "epsilon_insensitive", "hinge")


def lowest_point(problem: Smooth, l1: Array, settings: Settings) -> Solution:
    """Minimise ``problem`` plus ``l1 @ abs(w)`` by the solver that suits its size and its loss.

    =================================== ==========================================
    problem                             solver
    =================================== ==========================================
    a loss with corners, few rows       ``interior``: a linear programme from inside
    a loss with corners                 ``smoothing``: round corners, narrower
    L1, 2,000 weights, 200 if few rows  ``lasso``: sketched metric, coordinates
    L1, more                            ``working_set``: few columns at a time
    few rows times weights squared      ``newton``, for squared loss ``refined``
    squared loss, up to 64 weights      ``least_squares.in_one_pass``
    sparse, or very wide                ``wide``: scaled weights, long memory
    several classes, over 3,000 weights ``many_classes``: shared coordinates
    everything else                     ``bowl``: the round bowl
    =================================== ==========================================
    """
    passes = problem.passes
    if passes.loss.name in CORNERS and isinstance(passes, DensePasses | SparsePasses):
        if settings.method == "auto" and (passes.n_rows + len(l1)) * len(l1) ** 2 <= SMALL:
            solution = interior_walk(problem, passes, l1, settings)
            if solution.reason.name != "stalled":
                return solution
        return corner_walk(problem, passes, l1, settings, _without_corners)
    return _without_corners(problem, l1, settings)


def lowest_point_far(problem: Smooth, passes: Cornered, l1: Array, settings: Settings) -> Solution:
    """The same where every look at the rows costs a pass: by sketches, not by the rows.

    Parameters
    ----------
    passes : Cornered
        Those of ``problem``.

    Raises
    ------
    PairError
        If there are too many weights for a matrix of their products.
    """
    if len(l1) > MOST_FULL:
        raise PairError(
            f"{len(l1):,} weights are too many for rows that are streamed or on a device (at most "
            f"{MOST_FULL:,}, columns times classes); leave columns out, or bring the rows into "
            "memory."
        )
    if passes.loss.name in CORNERS:
        return corner_walk(problem, passes, l1, settings, _by_sketches)
    return _by_sketches(problem, l1, settings)


def _by_sketches(problem: Smooth, l1: Array, settings: Settings) -> Solution:
    if l1.any():
        return edged_bowl(problem, l1, settings, exact=False)
    return _or_fall_back(problem, settings, lambda: round_bowl(problem, settings))


def _without_corners(problem: Smooth, l1: Array, settings: Settings) -> Solution:
    passes, m = problem.passes, len(l1)
    n = passes.n_rows * passes.n_outputs
    small = n * m * min(n, m) <= SMALL
    if l1.any() and m > min(MOST_EDGED, max(n, FEW_EDGED)):
        if isinstance(passes, SparsePasses):
            return _over_columns(problem, passes, l1, settings)
        return working_set_walk(problem, passes, l1, settings, _few_columns)
    if l1.any():
        return edged_bowl(problem, l1, settings, exact=small)
    return _or_fall_back(problem, settings, lambda: _smooth(problem, settings, small))


def _or_fall_back(problem: Smooth, settings: Settings, solver: Callable[[], Solution]) -> Solution:
    """What ``solver`` answers; where it fails or stalls, a walk that is slow and safe."""

    def fall_back(settings: Settings, why: str) -> Solution:
        sample = problem.passes.sample(FEW_ROWS, settings.seed)
        return fallback_walk(problem, sample, settings, why)

    try:
        solution = solver()
    except np.linalg.LinAlgError as error:
        return fall_back(settings, str(error))
    if solution.reason.name != "stalled":
        return solution
    return fall_back(replace(settings, start=solution.w), "no step led down")


def _smooth(problem: Smooth, settings: Settings, small: bool) -> Solution:
    passes, m = problem.passes, len(problem.ridge)
    auto, products = settings.method == "auto", passes.n_rows * m * min(passes.n_rows, m)
    if auto and isinstance(passes, DensePasses) and passes.loss.name in SQUARED:
        if products <= REFINED or (small and m > FEW_COLUMNS):
            return refined(problem, passes, settings)
        if m <= FEW_COLUMNS:
            return in_one_pass(problem, passes, settings)
    if auto and small:
        return newton(problem, settings)
    if isinstance(passes, SparsePasses) and m**3 > SKETCH_SPARSE * passes.X.nnz:
        return scaled_walk(problem, passes, settings)
    if isinstance(passes, SparseClassPasses):
        return scaled_walk(problem, passes, settings)
    if isinstance(passes, ClassPasses) and m > MOST_CLASS_WEIGHTS:
        return many_classes_walk(problem, passes, settings)
    if isinstance(passes, DensePasses) and min(passes.n_rows, m) > MOST_FULL:
        return scaled_walk(problem, passes, settings)
    return round_bowl(problem, settings, passes if isinstance(passes, DensePasses) else None)


def _over_columns(problem: Smooth, passes: SparsePasses, l1: Array, settings: Settings) -> Solution:
    """The working set where a pass over columns costs half of one over rows."""
    columns: Any = passes.transposed()  # they answer all but sketches, which nobody asks for here
    by_columns = replace(problem, passes=columns)
    return working_set_walk(by_columns, columns, l1, settings, _few_columns)


def _few_columns(problem: Smooth, l1: Array, settings: Settings) -> Solution:
    """The problem over a few columns of an L1 problem over very many."""
    passes, m = problem.passes, len(l1)
    if isinstance(passes, ColumnPasses):
        return column_walk(problem, passes, l1, settings)
    n = passes.n_rows * passes.n_outputs
    return edged_bowl(problem, l1, settings, exact=n * m * min(n, m) <= SMALL)
