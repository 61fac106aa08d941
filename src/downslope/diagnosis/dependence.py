"""Columns that depend on one another, as the rows tell, not the sums of their squares.

A difference of 1e-8 of a column leaves 1e-16 of its square, so products of columns tell a near
dependence from a dependence no better than that; they only say where to look.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from downslope.bowl.near_columns import affordable, left_out, parting_of
from downslope.objective import Objective

Array = Any
MOST_CELLS = 20_000_000
FEW = 2048
"""Rows that tell an exact dependence from rounding."""
UNTOLD = 1e-8
"""Share of a column that products of columns may miss."""


class Dependence(NamedTuple):
    """Columns with a part in a sum that vanishes."""

    columns: tuple[int, ...]
    rest: float
    """Largest share of a column's spread that the others do not make; 0 where they make it
    exactly."""


def dependence(problem: Objective, suspects: Array) -> Dependence:
    """Which of some columns depend on others among them.

    Examples
    --------
    >>> from downslope.losses import SquaredError
    >>> from downslope.sources.memory import MemoryRows
    >>> x = np.arange(8.0)
    >>> X = np.column_stack((x, x * x, x + 1e-9 * np.cos(x), 3.0 * x * x))
    >>> dependence(Objective(MemoryRows(X, x), SquaredError()), np.arange(4))
    Dependence(columns=(1, 3), rest=0.0)
    """
    n, k = problem.source.n_rows, len(suspects)
    if k == 0 or k >= n - problem.fit_intercept:
        return Dependence(tuple(map(int, suspects)), 0.0)  # so many columns of few rows always do
    if not (affordable(n, k) and n * k <= MOST_CELLS):
        return Dependence(tuple(map(int, suspects)), UNTOLD)
    rows: Any = problem.source.sample(n, seed=0).X
    rows = rows[:, suspects] if isinstance(rows, np.ndarray) else rows @ _picked(rows, suspects)
    rows = np.asarray(rows.toarray() if sparse.issparse(rows) else rows)
    parting = parting_of(rows, np.ones(len(rows)), problem.fit_intercept)
    out = left_out(parting, rows[:: max(1, n // FEW)], problem.fit_intercept, exact=True)
    columns = {column for each in out for column in (each.column, *each.others)}
    rest = max((each.share for each in out), default=0.0)
    return Dependence(tuple(sorted(int(suspects[j]) for j in columns)), rest)


def _picked(rows: Any, columns: Array) -> Array:
    """What columns of rows that answer only products are picked by."""
    picked = np.zeros((rows.shape[1], len(columns)))
    picked[columns, np.arange(len(columns))] = 1.0
    return picked
