"""Products of a table's columns with one another, by the shorter side of the table.

With n rows and d columns the d x d matrix of products has at most n eigenvalues that are not zero,
and they are those of the n x n matrix of products of rows. So a table of 12 rows and 20,000 columns
costs 12 x 12 numbers, not 20,000 x 20,000. The eigenvectors v of the columns follow from those u of
the rows, v = A'u / sqrt(eigenvalue), and a column takes part in a sum that vanishes where its unit
vector is not in their span: where 1 - sum_i v_ij^2 > 0.
"""

from typing import Any, NamedTuple

import numpy as np

from downslope.losses import SquaredError
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY
from downslope.scaling import dense

Array = Any
MOST_FLOPS = 2e10
"""Products and eigenvalues are made where they cost less than this: a second or so."""
MOST_CELLS = 2e7
"""Cells up to which rows that are fewer than columns are laid out in full."""
EIGEN = 10.0
"""Multiplications per eigenvalue and vector, in units of their number squared."""
ROUNDING = float(np.finfo(float).eps)
PART = 1e-3
"""Length of a column's part in sums that vanish, from which on it is named."""


class Products(NamedTuple):
    """What products of columns tell.

    Attributes
    ----------
    means, squares : array of shape (n_features,)
        Weighted mean of each column and of its square.
    flat : array of bool, shape (n_features,)
        Columns that do not vary.
    top : float
        Largest eigenvalue of X'X / n, intercept included.
    dependent : array of int
        Columns with a part in sums that vanish.
    values : array
        Eigenvalues of the correlations, ascending, but for those that vanish; NaN where there are
        none.
    """

    means: Array
    squares: Array
    flat: Array
    top: float
    dependent: Array
    values: Array

    @property
    def variances(self) -> Array:
        """Variance of each column."""
        return np.maximum(self.squares - self.means**2, 0.0)


def affordable(n: int, d: int) -> bool:
    """Whether the products of n rows and d columns are worth their price.

    Examples
    --------
    >>> affordable(12, 20_000), affordable(20_000, 12), affordable(20_000, 20_000)
    (True, True, False)
    """
    few = min(n, d + 1)
    flops = (n * (d + 1.0) + EIGEN * few**2) * few
    return flops <= MOST_FLOPS and (n > d or n * float(d) <= MOST_CELLS)


def column_products(problem: Objective) -> Products:
    """Products of the columns of a linear model, by the shorter side of its table."""
    wide = problem.source.n_rows <= problem.source.n_features
    return _by_rows(problem) if wide else _by_columns(problem)


def _flat(means: Array, squares: Array) -> Array:
    return np.sqrt(np.maximum(squares - means**2, 0.0)) <= 1e-7 * np.abs(means)


def _by_columns(problem: Objective) -> Products:
    """From the d x d matrix of products."""
    d, centred = problem.source.n_features, problem.fit_intercept
    plain = Objective(problem.source, SquaredError(), NO_PENALTY, fit_intercept=True)
    G = plain.hessian(np.zeros(d + 1))
    means, squares = G[:d, d], np.diag(G)[:d]
    flat, top = _flat(means, squares), float(np.linalg.eigvalsh(G if centred else G[:d, :d])[-1])
    C = G[:d, :d] - np.outer(means, means) if centred else G[:d, :d]
    kept = np.flatnonzero(~flat if centred else squares > 0.0)
    if len(kept) == 0:
        return Products(means, squares, flat, top, kept, np.ones(1))
    scale = np.sqrt(np.diag(C)[kept])
    values, vectors = np.linalg.eigh(C[np.ix_(kept, kept)] / np.outer(scale, scale))
    null = values < _least(squares[kept], scale)
    parts = np.linalg.norm(vectors[:, null], axis=1)
    return Products(means, squares, flat, top, kept[parts > PART], _left(values[~null]))


def _by_rows(problem: Objective) -> Products:
    """The same from the n x n matrix of products."""
    A, root = _scaled_rows(problem)
    means, squares = root @ A, np.einsum("ij,ij->j", A, A)
    flat, centred = _flat(means, squares), problem.fit_intercept
    gram = A @ A.T
    top = float(np.linalg.eigvalsh(gram + np.outer(root, root) if centred else gram)[-1])
    kept = np.flatnonzero(~flat if centred else squares > 0.0)
    if len(kept) == 0:
        return Products(means, squares, flat, top, kept, np.ones(1))
    Z = A if len(kept) == A.shape[1] else A[:, kept]
    Z = Z - np.outer(root, means[kept]) if centred else Z
    scale = np.sqrt(np.einsum("ij,ij->j", Z, Z))
    Z = Z / scale
    values, vectors = np.linalg.eigh(Z @ Z.T)
    null = values < _least(squares[kept], scale)
    spanned = Z.T @ (vectors[:, ~null] / np.sqrt(values[~null]))
    parts = 1.0 - np.einsum("ij,ij->i", spanned, spanned)
    return Products(means, squares, flat, top, kept[parts > PART**2], _left(values[~null]))


def _least(squares: Array, scale: Array) -> float:
    """Eigenvalues of the correlations below this are rounding.

    Centring loses digits where a mean is far larger than the deviation.
    """
    lost = float((squares / scale**2).max())
    return 10.0 * len(scale) * ROUNDING * lost


def _left(values: Array) -> Array:
    return values if len(values) else np.array([np.nan])


def _scaled_rows(problem: Objective) -> tuple[Array, Array]:
    """All rows, dense, times the roots of their weights over n; and these roots."""
    n = problem.source.n_rows
    rows: list[Array] = []
    roots: list[Array] = []

    def look(block: Any) -> float:
        weights = np.ones(len(block.y)) if block.weights is None else np.asarray(block.weights)
        roots.append(np.sqrt(weights / n))
        rows.append(np.asarray(dense(block.X), dtype=np.float64) * roots[-1][:, None])
        return 0.0

    problem.source.total(look)
    return np.concatenate(rows), np.concatenate(roots)
