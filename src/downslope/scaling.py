"""Columns on one scale, and the weights back in the user's units.

Standardising turns a skewed valley into a rounder bowl: each column is centred and divided by its
population standard deviation. A model trained on scaled columns is the same model; its weights are
translated back exactly, ``w_user = w_scaled / scale`` and ``b_user = b_scaled - center @ w_user``.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from downslope.kernels.column_moments import moments
from downslope.sources.memory import MemoryRows, Rows

Array = Any
ROUNDING = 1e-13
"""A deviation below this share of the mean is rounding (450 units in the last place), not data."""
SMALLER = 2.0**-600
"""Squares of a column that overflow are taken of the column times this."""
IN_CACHE = 1024
"""Rows worked on at a time."""
COMPILED = 200_000
"""Numbers of a block from which machine code is worth being compiled for them."""


class Source(Protocol):
    """Rows, wherever they live."""

    @property
    def n_rows(self) -> int: ...

    @property
    def n_features(self) -> int: ...

    def total(self, fn: Any) -> Any: ...

    def sample(self, k: int, seed: int) -> Rows: ...


@dataclass(frozen=True)
class CenteredSparse:
    """``X / scale - center / scale`` for sparse ``X`` without filling its zeros.

    Answers ``@``, ``.T @`` and row selection, which is all that an objective asks of features.
    """

    X: Any
    shift: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.X.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        """Type of the elements."""
        return self.X.dtype

    @property
    def T(self) -> "CenteredSparseTransposed":
        """The transposed matrix, for ``X.T @ s``."""
        return CenteredSparseTransposed(self)

    def __matmul__(self, w: Array) -> Array:
        return self.X @ w - self.shift @ w

    def __getitem__(self, rows: Any) -> "CenteredSparse":
        return CenteredSparse(self.X[rows], self.shift)


def dense(X: Any) -> Array:
    """Features as an array with all their zeros.

    Examples
    --------
    >>> dense(CenteredSparse(sparse.csr_array([[1.0, 0.0]]), np.array([0.5, 0.5])))
    array([[ 0.5, -0.5]])
    """
    if isinstance(X, CenteredSparse):
        return X.X.toarray() - X.shift
    return X.toarray() if sparse.issparse(X) else X


@dataclass(frozen=True)
class CenteredSparseTransposed:
    """Transpose of a ``CenteredSparse``."""

    of: CenteredSparse

    def __matmul__(self, s: Array) -> Array:
        total = s.sum(axis=0)
        shift = self.of.shift
        return self.of.X.T @ s - (np.outer(shift, total) if s.ndim == 2 else shift * total)


@dataclass(frozen=True)
class Scaling:
    """An affine change of each column.

    Parameters
    ----------
    center, scale : array of shape (n_features,)
        ``x_scaled = (x - center) / scale``.
    constant : array of bool, shape (n_features,)
        Columns that do not vary beyond rounding; their scale is 1.

    Examples
    --------
    >>> scaling = standardize(MemoryRows(np.array([[100.0], [300.0]]), np.zeros(2)))
    >>> scaling.center, scaling.scale
    (array([200.]), array([100.]))
    >>> scaling.to_user(np.array([5.0, 1.0]))  # slope 5 per deviation is 0.05 per unit
    array([ 0.05, -9.  ])
    """

    center: Array
    scale: Array
    constant: Array

    def apply(self, X: Array) -> Array:
        """Scaled columns; sparse ones stay sparse, and ones that do not change are not copied."""
        if not self.center.any() and (self.scale == 1.0).all():
            return X
        if sparse.issparse(X):
            inverse = sparse.diags_array(1.0 / self.scale, dtype=X.dtype)
            scaled = sparse.csr_array(X @ inverse)
            if not self.center.any():
                return scaled
            return CenteredSparse(scaled, (self.center / self.scale).astype(X.dtype))
        return (X - self.center.astype(X.dtype)) / self.scale.astype(X.dtype)

    def rows(self, source: MemoryRows) -> MemoryRows:
        """The same rows on the new scale."""
        return replace(source, X=self.apply(source.X))

    def to_user(self, w: Array, n_outputs: int = 1) -> Array:
        """Weights of the scaled problem (intercept last) in the user's units.

        Any leading shape is kept, so a whole path (n_steps, n_weights) is translated at once.
        """
        d = len(self.center)
        W = np.array(w, dtype=float).reshape(*np.shape(w)[:-1], -1, n_outputs)
        W[..., :d, :] /= self.scale[:, None]
        if W.shape[-2] > d:
            W[..., d, :] -= np.einsum("j,...jk->...k", self.center, W[..., :d, :])
        return W.reshape(np.shape(w))

    def from_user(self, w: Array, n_outputs: int = 1) -> Array:
        """Weights in the user's units (intercept last) as weights of the scaled problem."""
        d = len(self.center)
        W = np.array(w, dtype=float).reshape(*np.shape(w)[:-1], -1, n_outputs)
        if W.shape[-2] > d:
            W[..., d, :] += np.einsum("j,...jk->...k", self.center, W[..., :d, :])
        W[..., :d, :] *= self.scale[:, None]
        return W.reshape(np.shape(w))


def unscaled(n_features: int) -> Scaling:
    """The scaling that changes nothing."""
    ones, zeros = np.ones(n_features), np.zeros(n_features)
    return Scaling(zeros, ones, zeros.astype(bool))


def standardize(source: Source, with_center: bool = True) -> Scaling:
    """Mean and population deviation of each column, in one pass over any source; in two
    where squares overflow.

    Sums are taken of differences from a sample's mean, so a column at 1e9 with deviation 1e-3 keeps
    its digits. Rows count by their weights.

    Parameters
    ----------
    with_center : bool
        Subtract the mean; without an intercept that would change the model, so pass False there.
    source : Source
        Rows to learn the columns' means and deviations from.

    Returns
    -------
    Scaling
        ``.rows(source)`` applies it.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.sources.memory import MemoryRows
    >>> rows = MemoryRows(np.array([[1.0], [3.0]]), np.zeros(2))
    >>> scaling = standardize(rows)
    >>> scaling.center, scaling.scale
    (array([2.]), array([1.]))
    """
    with np.errstate(over="ignore", invalid="ignore"):
        center, scale = _moments(source, np.ones(source.n_features))
        if not np.isfinite(scale).all():
            unit = np.where(np.isfinite(scale), 1.0, SMALLER)
            center, scale = (moment / unit for moment in _moments(source, unit))
    constant = scale <= ROUNDING * np.abs(center)
    scale = np.where(constant, 1.0, scale)
    return Scaling(center if with_center else 0.0 * center, scale, constant)


def _moments(source: Source, unit: Array) -> tuple[Array, Array]:
    """Mean and deviation of each column times its unit."""
    plain = bool((unit == 1.0).all())

    def of(X: Any) -> Any:
        if plain:
            return X
        return X @ sparse.diags_array(unit) if sparse.issparse(X) else X * unit

    first = of(source.sample(256, seed=0).X)
    dense = first.toarray() if sparse.issparse(first) else np.asarray(first)
    pivot = dense.mean(axis=0, dtype=np.float64) if len(dense) else np.zeros(source.n_features)

    def sums(rows: Rows) -> tuple[Array, Array, float]:
        if not sparse.issparse(rows.X) and rows.X.size >= COMPILED and rows.X.flags.c_contiguous:
            count = len(rows.y) if rows.weights is None else rows.weights.sum()
            return *moments(rows.X, rows.weights, unit, pivot), float(count)
        weights = np.ones(len(rows.y)) if rows.weights is None else rows.weights
        weights = np.asarray(weights, dtype=np.float64)
        if sparse.issparse(rows.X):
            # sum of (x - p) and (x - p)^2 with x zero almost everywhere
            X = of(rows.X)
            total, count = X.T @ weights, weights.sum()
            squares = X.multiply(X).T @ weights
            return (
                total - pivot * count,
                squares - 2.0 * pivot * total + pivot**2 * count,
                float(count),
            )
        total, squares = np.zeros(len(pivot)), np.zeros(len(pivot))
        for first in range(0, len(weights), IN_CACHE):  # so that differences never leave the cache
            some = slice(first, first + IN_CACHE)
            apart = np.subtract(of(rows.X[some]), pivot, dtype=np.float64)
            total += weights[some] @ apart
            squares += np.einsum("i,ij,ij->j", weights[some], apart, apart)
        return total, squares, float(weights.sum())

    total, squares, count = source.total(sums)
    shift = total / count
    return pivot + shift, np.sqrt(np.maximum(squares / count - shift**2, 0.0))


def pooled(first: Scaling, n_first: int, second: Scaling, n_second: int) -> Scaling:
    """Center and deviation of two sets of rows together, from those of each.

    References
    ----------
    Chan, Golub and LeVeque (1983), Algorithms for computing the sample variance.

    Examples
    --------
    >>> rows = [MemoryRows(np.array([[x]]), np.zeros(1)) for x in (1.0, 5.0)]
    >>> both = pooled(standardize(rows[0]), 1, standardize(rows[1]), 1)
    >>> both.center, both.scale
    (array([3.]), array([2.]))
    """
    share = n_second / (n_first + n_second)
    apart = second.center - first.center
    center = first.center + share * apart
    within = (1.0 - share) * _variance(first) + share * _variance(second)
    scale = np.sqrt(within + share * (1.0 - share) * apart**2)
    constant = scale <= ROUNDING * np.abs(center)
    return Scaling(center, np.where(constant, 1.0, scale), constant)


def _variance(scaling: Scaling) -> Array:
    return np.where(scaling.constant, 0.0, scaling.scale**2)
