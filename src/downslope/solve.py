"""Which solver for which problem: the one door to all of them."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from downslope.bowl import round_bowl
from downslope.class_passes import ClassPasses
from downslope.column_walk import column_walk
from downslope.errors import PairError
from downslope.kernels.team import one_thread_per_product
from downslope.lasso import edged_bowl
from downslope.least_squares import in_one_pass, refined
from downslope.losses import Loss
from downslope.newton import newton
from downslope.passes import DensePasses, read_only
from downslope.penalties import NO_PENALTY, Penalty
from downslope.smooth import SQUARED, Settings, Smooth, Solution
from downslope.smoothing import corner_walk
from downslope.sparse_class_passes import SparseClassPasses
from downslope.sparse_passes import SparsePasses
from downslope.walks import Point
from downslope.wide import MOST_FULL, scaled_walk, shared_walk
from downslope.working_set import working_set_walk

Array = Any
SMALL = 2e7
"""Rows times weights squared up to which a Hessian is cheaper than the thought of avoiding it."""
FEW_COLUMNS = 64
"""Weights up to which all products of columns cost less than the passes they save."""
SKETCH_SPARSE = 100.0
"""Weights cubed per stored element up to which a sketch of sparse rows pays: thirty passes."""
MOST_CLASS_WEIGHTS = 3000
"""Columns times classes up to which all their products are worth having."""
MOST_EDGED = 2000
"""Weights of an L1 problem up to which all of them are worked on at once."""
CORNERS = ("absolute_error", "quantile", "epsilon_insensitive", "hinge")
FAR = 1e4
"""A column with its mean beyond so many deviations is moved near zero first."""


def solve(
    X: Array,
    y: Array,
    loss: Loss,
    penalty: Penalty = NO_PENALTY,
    *,
    weights: Array | None = None,
    fit_intercept: bool = True,
    n_outputs: int = 1,
    settings: Settings | None = None,
) -> Solution:
    """Lowest point of ``mean(weights * loss(X w + b, y)) + l1 |w|_1 + l2/2 |w|^2``.

    Parameters
    ----------
    X : array or sparse matrix of shape (n_rows, n_features)
    y : array of shape (n_rows,)
        Targets as the loss wants them: -1 and +1 for binary losses.
    loss, penalty : Loss, Penalty
    weights : array of shape (n_rows,) or None
        How much each row counts; mean 1.
    fit_intercept : bool, default True
    n_outputs : int, default 1
        Number of classes of a multinomial loss; ``y`` then holds the class of each row, from 0.
    settings : Settings or None

    Returns
    -------
    Solution

    Raises
    ------
    PairError
        For the perceptron loss, whose lowest point is at zero weights.

    Examples
    --------
    >>> from downslope.losses import SquaredError
    >>> X = np.array([[100.0], [150.0], [200.0], [250.0]])
    >>> solution = solve(X, np.array([8.0, 12.0, 16.0, 20.0]), SquaredError())
    >>> abs(solution.w).round(9)
    array([0.08, 0.  ])
    """
    if loss.name == "perceptron":
        raise PairError(
            "The perceptron loss is lowest where all weights are zero, so there is no lowest point "
            "worth finding; use loss='hinge', or a learning rate, with which its walk is classic."
        )
    n, d = X.shape
    row_weights = np.ones(n) if weights is None else np.ascontiguousarray(weights, dtype=float)
    X, shift = (_sparse(X), None) if sparse.issparse(X) else _centered(_floats(X), fit_intercept)
    settings = told_in_user_units(settings or Settings(), shift, n_outputs)
    passes = _passes(X, y, row_weights, loss, fit_intercept, n_outputs)
    penalised = np.append(np.ones(d * n_outputs), np.zeros(n_outputs * fit_intercept))
    problem = Smooth(passes, penalty.l2 * penalised, settings.log)
    # A step too far may overflow; the line search sees that and steps back.
    with one_thread_per_product(), np.errstate(over="ignore", invalid="ignore"):
        solution = _solve(problem, penalty.l1 * penalised, settings)
    return replace(solution, w=moved_back(solution.w, shift, n_outputs))


def _passes(
    X: Any, y: Array, weights: Array, loss: Loss, fit_intercept: bool, n_outputs: int
) -> DensePasses | SparsePasses | ClassPasses | SparseClassPasses:
    """The rows and the loss as the solvers see them."""
    weights = read_only(weights)
    if n_outputs > 1:
        labels = read_only(np.ascontiguousarray(y, dtype=np.int64))
        if sparse.issparse(X):
            return SparseClassPasses(X, labels, weights, n_outputs, fit_intercept)
        return ClassPasses(read_only(X), labels, weights, n_outputs, fit_intercept)
    y = read_only(np.ascontiguousarray(y, dtype=np.float64))
    if sparse.issparse(X):
        return SparsePasses(X, y, weights, loss, fit_intercept)
    return DensePasses(read_only(X), y, weights, loss, fit_intercept)


def _solve(problem: Smooth, l1: Array, settings: Settings) -> Solution:
    passes = problem.passes
    if passes.loss.name in CORNERS and isinstance(passes, DensePasses | SparsePasses):
        return corner_walk(problem, passes, l1, settings, _solve_smooth)
    return _solve_smooth(problem, l1, settings)


def _solve_smooth(problem: Smooth, l1: Array, settings: Settings) -> Solution:
    passes, m = problem.passes, len(l1)
    n = passes.n_rows * passes.n_outputs
    small = n * m * min(n, m) <= SMALL
    if l1.any() and m > MOST_EDGED:
        return working_set_walk(problem, passes, l1, settings, _solve_set)
    if l1.any():
        return edged_bowl(problem, l1, settings, exact=small)
    if settings.method == "auto" and small:
        if isinstance(passes, DensePasses) and passes.loss.name in SQUARED:
            return refined(problem, passes, settings)
        return newton(problem, settings)
    if isinstance(passes, SparsePasses) and m**3 > SKETCH_SPARSE * passes.X.nnz:
        return scaled_walk(problem, passes, settings)
    if isinstance(passes, SparseClassPasses):
        return scaled_walk(problem, passes, settings)
    if isinstance(passes, ClassPasses) and m > MOST_CLASS_WEIGHTS:
        return shared_walk(problem, passes, settings)
    if isinstance(passes, DensePasses) and min(n, m) > MOST_FULL:
        return scaled_walk(problem, passes, settings)
    squares = settings.method == "auto" and passes.loss.name in SQUARED
    if squares and m <= FEW_COLUMNS and isinstance(passes, DensePasses):
        return in_one_pass(problem, passes, settings)
    return round_bowl(problem, settings)


def _solve_set(problem: Smooth, l1: Array, settings: Settings) -> Solution:
    """The problem over a few columns of an L1 problem over very many."""
    passes, m = problem.passes, len(l1)
    if isinstance(passes, SparsePasses):
        return column_walk(problem, passes, l1, settings)
    n = passes.n_rows * passes.n_outputs
    return edged_bowl(problem, l1, settings, exact=n * m * min(n, m) <= SMALL)


def _sparse(X: Any) -> Any:
    """Sparse rows as CSR, duplicates added up, float32 or float64."""
    kept = X.dtype in (np.float32, np.float64)
    rows = sparse.csr_matrix(X, dtype=X.dtype if kept else np.float64)
    if not rows.has_canonical_format:
        rows = rows.copy() if rows is X else rows
        rows.sum_duplicates()
    return rows


def _floats(X: Array) -> Array:
    """Rows one after the other, as float32 or float64."""
    kept = X.dtype in (np.float32, np.float64)
    return np.ascontiguousarray(X, dtype=X.dtype if kept else np.float64)


def _centered(X: Array, fit_intercept: bool) -> tuple[Array, Array | None]:
    """Columns far from zero on their own scale, moved near it; and how far they were moved.

    In x @ w + b a column at a thousand million of its deviations leaves seven digits of z to
    rounding. One copy of the rows gets them back.
    """
    if not fit_intercept or not len(X):
        return X, None
    shift = far_columns(X[:: max(1, len(X) // 256)])
    return (X - shift.astype(X.dtype), shift) if shift.any() else (X, None)


def far_columns(few: Array) -> Array:
    """Mean of the columns that lie far from zero on their own scale in a few rows; else zero.

    Rounded to a power of two near the deviation, so that subtracting it rounds nothing off.
    """
    mean, deviation = few.mean(axis=0, dtype=np.float64), few.std(axis=0, dtype=np.float64)
    far = (np.abs(mean) > FAR * deviation) & (deviation > 0.0)
    grid = 2.0 ** np.floor(np.log2(np.where(far, deviation, 1.0)))
    return np.where(far, np.round(mean / grid) * grid, 0.0)


def moved_back(w: Array, shift: Array | None, n_outputs: int = 1) -> Array:
    """Weights for the columns where they were: (x - c) @ w + b = x @ w + (b - c @ w)."""
    if shift is None:
        return w
    W = w.reshape(-1, n_outputs)
    return np.vstack((W[:-1], W[-1] - shift @ W[:-1])).ravel()


def told_in_user_units(settings: Settings, shift: Array | None, n_outputs: int = 1) -> Settings:
    """The same settings, with a watcher that sees the weights of the columns where they were."""
    if settings.watch is None or shift is None:
        return settings

    def watch(point: Point) -> None:
        settings.tell(point._replace(w=moved_back(point.w, shift, n_outputs)))

    return replace(settings, watch=watch)
