"""The one door to all solvers: plain arrays in, the lowest point out."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.near_columns import NearlyDependent, affordable, parting_of
from downslope.bowl.parted import solve_parted
from downslope.bowl.passes import DensePasses
from downslope.bowl.pilot import null_weights
from downslope.bowl.regimes import CORNERS, FEW_ROWS, lowest_point
from downslope.bowl.shortest import shortest
from downslope.bowl.smooth import Settings, Smooth, Solution, among, unsure
from downslope.bowl.sparse_class_passes import SparseClassPasses
from downslope.bowl.sparse_passes import SparsePasses
from downslope.bowl.told import ROWS, at_least, rounding_of
from downslope.bowl.unattained import reason_for
from downslope.bowl.walks import Point
from downslope.errors import PairError
from downslope.kernels.team import one_thread_per_product
from downslope.kernels.views import read_only
from downslope.losses import Loss
from downslope.pairs import minus_dot
from downslope.penalties import NO_PENALTY, Penalty

Array = Any
LARGEST, SMALLEST = 1e75, 1e-290
MOST_FILLED = 20_000_000
"""Cells of sparse rows up to which they are written out where columns have to be exchanged."""
FAR = 1e4
"""A column with its mean beyond so many deviations is moved near zero first."""


def solve(
    X: Array,
    y: Array,
    loss: Loss,
    penalty: Penalty = NO_PENALTY,
    *,
    weights: Array | None = None,
    deviations: Array | None = None,
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
    deviations : array of shape (n_features,) or None
        Scale of each column: the penalty is on the weights times these, as it would be on the
        weights of columns divided by them. Ones by default.
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
    refuse_perceptron(loss)
    n, d = X.shape
    row_weights = np.ones(n) if weights is None else np.ascontiguousarray(weights, dtype=float)
    tidy = penalty.l1 > 0.0 or n_outputs > 1 or loss.name in CORNERS
    X, unit = _in_range(_sparse(X, tidy) if sparse.issparse(X) else _floats(X))
    X, shift = (X, None) if sparse.issparse(X) else _centered(X, fit_intercept)
    settings = told_in_user_units(settings or Settings(), shift, n_outputs)
    scale = unit if deviations is None else unit * np.asarray(deviations, dtype=float)
    scale = np.minimum(scale, LARGEST)  # beyond it a penalty leaves nothing of a weight

    def lowest(X: Any, settings: Settings, watchful: bool = False) -> tuple[Solution, Smooth]:
        passes = _passes(X, y, row_weights, loss, fit_intercept, n_outputs)
        paid = scale[: X.shape[1]]  # columns are exchanged only where there is no penalty
        penalised = np.append(np.repeat(paid, n_outputs), np.zeros(n_outputs * fit_intercept))
        problem = Smooth(passes, penalty.l2 * penalised**2, settings.log, watchful=watchful)
        if settings.start is not None and loss.name not in CORNERS:
            start = _if_lower(settings.start, problem, settings.seed)
            settings = replace(settings, start=start)
        solution = lowest_point(problem, penalty.l1 * penalised, settings)
        noise = rounding_of(passes.sample(ROWS, settings.seed), solution.w, n)
        return at_least(solution, noise), problem

    # A step too far may overflow; the line search sees that and steps back.
    with one_thread_per_product(), np.errstate(over="ignore", invalid="ignore"):
        if settings.start is not None and loss.name not in CORNERS:
            settings = replace(settings, start=_moved_there(settings.start, unit, shift, n_outputs))
        try:
            solution, short = lowest(X, settings, watchful=penalty == NO_PENALTY)[0], False
        except NearlyDependent:
            if not affordable(n, d) or (sparse.issparse(X) and n * d > MOST_FILLED):
                solution, short = unsure(lowest(X, settings)[0], d), False
            else:
                filled = X.toarray() if sparse.issparse(X) else X
                solution, short = solve_parted(
                    parting_of(filled, row_weights, fit_intercept),
                    *(filled, n, scale, fit_intercept, n_outputs, settings),
                    lambda parting, told: lowest(
                        X if parting is None else parting.apply(filled), told
                    ),
                )
        w = solution.w
        if _has_equals(solution, penalty) and not short:
            w = shortest(w, X, scale, fit_intercept, n_outputs)
        if loss.name == "poisson":
            paid = np.append(scale, np.zeros(int(fit_intercept)))
            whole = _passes(X, y, row_weights, loss, fit_intercept, n_outputs)
            edges, seen = penalty.l1 * paid, Smooth(whole, penalty.l2 * paid**2)
            reason = reason_for(replace(solution, w=w), seen, edges, settings.names)
            solution = replace(solution, reason=reason or solution.reason)
        w = moved_back(w, shift, n_outputs)
        w[: d * n_outputs] *= np.repeat(unit, n_outputs)
    return among(replace(solution, w=w), settings.names)


def refuse_perceptron(loss: Loss) -> None:
    """Refuse the loss that has no lowest point worth finding."""
    if loss.name == "perceptron":
        raise PairError(
            "The perceptron loss is lowest where all weights are zero, so there is no lowest point "
            "worth finding; use loss='hinge', or a learning rate, with which its walk is classic."
        )


def _has_equals(solution: Solution, penalty: Penalty) -> bool:
    """Whether other weights may be as good: no penalty, and flat directions or nobody looked."""
    deficient = solution.rank is None or solution.rank < len(solution.w)
    return deficient and penalty == NO_PENALTY and solution.reason.converged


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


def _sparse(X: Any, tidy: bool) -> Any:
    """Sparse rows as CSR, float32 or float64; ``tidy``: in order, and duplicates added up.

    Sums over rows do not care for either, and sorting costs as much as six passes.
    """
    kept = X.dtype in (np.float32, np.float64)
    rows = sparse.csr_matrix(X, dtype=X.dtype if kept else np.float64)
    if tidy and not rows.has_canonical_format:
        rows = rows.copy()  # the arrays may still be the user's
        rows.sum_duplicates()
    return rows


def _in_range(X: Any) -> tuple[Any, Array]:
    """Columns whose squares would overflow or vanish, times a power of two; and the factors."""
    few = X[:: max(1, X.shape[0] // 256)]
    most: Any = abs(few).max(axis=0) if X.shape[0] else np.zeros(X.shape[1])
    largest = (most.toarray() if sparse.issparse(most) else most).ravel().astype(np.float64)
    extreme = (largest > LARGEST) | ((largest > 0.0) & (largest < 1.0 / LARGEST))
    if not extreme.any():
        return X, np.ones(X.shape[1])
    unit = 2.0 ** -np.floor(np.log2(np.where(extreme & (largest > SMALLEST), largest, 1.0)))
    unit[(largest > 0.0) & (largest <= SMALLEST)] = 0.0  # its weight would be no number
    if sparse.issparse(X):
        return sparse.csr_matrix(X.astype(np.float64) @ sparse.diags_array(unit)), unit
    return X * unit, unit


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
        return w.copy()
    W = w.reshape(-1, n_outputs)
    moved = shift != 0.0
    return np.vstack((W[:-1], minus_dot(W[-1], shift[moved], W[:-1][moved]))).ravel()


def _moved_there(w: Array, unit: Array, shift: Array | None, n_outputs: int) -> Array:
    """The user's weights for columns times their units and moved: ``moved_back`` undone."""
    W = np.array(w, dtype=float).reshape(-1, n_outputs)
    d = len(unit)
    W[:d] /= np.where(unit > 0.0, unit, 1.0)[:, None]
    if shift is not None:
        W[d] = minus_dot(W[d], -shift, W[:d])
    return W.ravel()


def _if_lower(start: Array, problem: Smooth, seed: int) -> Array | None:
    """A start that is lower than a model without features; None where it is not: two passes."""
    null = null_weights(problem.passes.sample(FEW_ROWS, seed))
    return start if problem.at(start)[0] < problem.at(null)[0] else None


def told_in_user_units(settings: Settings, shift: Array | None, n_outputs: int = 1) -> Settings:
    """The same settings, with a watcher that sees the weights of the columns where they were."""
    if settings.watch is None or shift is None:
        return settings

    def watch(point: Point) -> None:
        settings.tell(point._replace(w=moved_back(point.w, shift, n_outputs)))

    return replace(settings, watch=watch)
