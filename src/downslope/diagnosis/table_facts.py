"""What the rows of a linear model say: scales, dependence, correlation, rows out of line."""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from downslope.diagnosis.column_products import Products, affordable, column_products
from downslope.diagnosis.dependence import dependence
from downslope.diagnosis.telling_columns import falls_for_ever
from downslope.losses import SquaredError
from downslope.noise import row_squares
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY

Array = Any


class Share(NamedTuple):
    """One row and its share of a sum over all."""

    row: int
    share: float


NO_ROW = Share(-1, 0.0)


@dataclass(frozen=True)
class TableFacts:
    """What the rows of a linear model say; only the first three where some are not finite.

    Attributes
    ----------
    names : tuple of str
        Of the columns, and "intercept" where there is one.
    n_rows : int
    bad_rows : array of int
        Rows that hold numbers that are not finite.
    sizes : array
        Root mean square of each column (1 for the intercept).
    spreads : array
        Standard deviation of each column.
    constant : tuple of str
        Columns that do not vary.
    dependent : tuple of str
        Columns that add up to one another.
    rest : float
        Largest share of such a column's spread that the others do not make.
    top : float
        Largest eigenvalue of X'X / n, intercept included.
    scaled_top, scaled_condition : float
        Largest eigenvalue of the correlation matrix and its condition number: what standardising
        the columns would leave.
    correlations : array or None
        Squared correlation of each column with a target of numbers.
    target_variance : float
    heaviest, wildest : Share
        The row with the largest squared length, and the one with the target's largest squared
        deviation.
    """

    names: tuple[str, ...]
    n_rows: int
    bad_rows: Array
    sizes: Array | None = None
    spreads: Array | None = None
    constant: tuple[str, ...] = ()
    dependent: tuple[str, ...] = ()
    rest: float = 0.0
    top: float = math.nan
    scaled_top: float = math.nan
    scaled_condition: float = math.nan
    correlations: Array | None = None
    target_variance: float = math.nan
    heaviest: Share = NO_ROW
    wildest: Share = NO_ROW


def table_facts(problem: Objective, names: tuple[str, ...]) -> TableFacts | None:
    """Measure the rows of a linear model; None where that would cost too much."""
    n, d = problem.source.n_rows, problem.source.n_features
    if not affordable(n, d):
        return None
    names = (names or tuple(f"column {j}" for j in range(d)))[:d]
    squares, targets = _row_numbers(problem)
    bad = np.flatnonzero(~(np.isfinite(squares) & np.isfinite(targets)))
    fine = TableFacts(names=names, n_rows=n, bad_rows=bad)
    if len(bad):
        return fine
    made = column_products(problem)
    dependent = dependence(problem, made.dependent)
    spread = (targets - targets.mean()) ** 2
    return replace(
        fine,
        names=(*names, "intercept") if problem.fit_intercept else names,
        sizes=np.append(np.sqrt(made.squares), np.ones(int(problem.fit_intercept))),
        spreads=np.sqrt(made.variances),
        constant=tuple(names[j] for j in np.flatnonzero(made.flat & problem.fit_intercept)),
        dependent=tuple(names[j] for j in dependent.columns),
        rest=dependent.rest,
        top=made.top,
        scaled_top=float(made.values[-1]),
        scaled_condition=float(made.values[-1] / made.values[0]),
        correlations=_correlations(problem, made) if problem.n_outputs == 1 else None,
        target_variance=float(spread.mean()),
        heaviest=_largest(squares),
        wildest=_largest(spread),
    )


def _largest(numbers: Array) -> Share:
    """The largest of some numbers that are not negative, and its share of their sum."""
    return Share(int(np.argmax(numbers)), float(numbers.max() / max(numbers.sum(), 1e-300)))


def _row_numbers(problem: Objective) -> tuple[Array, Array]:
    """Squared length and target of every row; one of several classes counts as its number."""
    squares: list[Array] = []
    targets: list[Array] = []

    def look(rows: Any) -> float:
        with np.errstate(all="ignore"):
            squares.append(row_squares(rows.X))
        y = np.asarray(rows.y, dtype=float)
        targets.append(y if y.ndim == 1 else y.argmax(axis=1).astype(float))
        return 0.0

    problem.source.total(look)
    return np.concatenate(squares), np.concatenate(targets)


def _correlations(problem: Objective, made: Products) -> Array:
    """Squared correlation of each column with the target, from one gradient at zero."""
    d, variances = len(made.means), made.variances
    plain = Objective(problem.source, SquaredError(), NO_PENALTY, fit_intercept=True)
    value, gradient = plain.value_and_gradient(np.zeros(d + 1))
    together = -gradient[:d] + made.means * gradient[d]
    variance = 2.0 * value - gradient[d] ** 2
    with np.errstate(all="ignore"):
        squares = together**2 / (variances * variance)
    return np.where((variances > 0.0) & (variance > 0.0), squares, 0.0)


def smallest_margin(problem: Objective, w: Array) -> float | None:
    """Smallest margin of any row, where classes may be told apart without error; else None.

    Only for log losses without a penalty: there a positive margin sends the weights to infinity.
    """
    if not falls_for_ever(problem):
        return None
    margins: list[float] = []

    def look(rows: Any) -> float:
        z = problem.raw_prediction(w, rows.X)
        if problem.n_outputs == 1:
            margins.append(float((rows.y * z).min()))
        else:
            own = np.take_along_axis(z, rows.y[:, None].astype(int), axis=1)[:, 0]
            others = z.copy()
            np.put_along_axis(others, rows.y[:, None].astype(int), -np.inf, axis=1)
            margins.append(float((own - others.max(axis=1)).min()))
        return 0.0

    problem.source.total(look)
    return min(margins)
