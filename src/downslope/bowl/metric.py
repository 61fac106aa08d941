"""Coordinates in which the bowl is round.

The Hessian of the objective at a point is H = X' diag(h) X / n + ridge. If R'R = H and u = R w,
then in the coordinates u the Hessian is the identity: gradient descent with learning rate 1 is
Newton's method. With a sketch table of s rows in place of X' diag(h) X, the eigenvalues of
R^-T H R^-1 lie in [1/(1 + rho)^2, 1/(1 - rho)^2] with rho = sqrt(m/s) for m weights, whatever the
condition number of X was. (These are the edges of Marchenko and Pastur, 1967; for least squares
the preconditioner is that of Rokhlin and Tygert, 2008.)

R comes from the centred and scaled table::

    C   centring: column j minus c_j times the intercept's column
    D   scaling: every column divided by its length
    R   Cholesky factor of (table C D)' (table C D) / n + ridge

so that w = w0 + B u with the *basis* B = C D R^-1, and the gradient in u is B' (gradient in w).
Only B and its left inverse are kept. Where columns depend on each other R is singular, and B keeps
the directions in which the loss has curvature: the walk never leaves them, so among all lowest
points it finds the one whose scaled weights are shortest.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import lapack

from downslope.kernels.team import share

Array = Any
FEW = 1000
"""Weights whose whole Hessian costs nothing to factor."""
CONSTANT = 1e-13
"""A column whose deviation is below this share of its mean does not vary beyond rounding."""
PLAIN_CHOLESKY = 1e-6
"""Smallest diagonal of R for which the Cholesky factor of a Gram matrix is trusted."""
NEAR = 1e-5
"""Smallest diagonal of R below which slopes along its direction have too few digits."""
SINGLE = 400
"""Weights from which on products in single precision are tried first."""
SINGLE_CHOLESKY = 3e-3
"""Smallest diagonal of R for which they are good enough."""
CLEAR_ROOT = 1e-5
"""Singular values found as roots of a Gram matrix's eigenvalues are right above this share of the
largest one; the null ones come out below 1e-7. Between the two, only the table itself can tell."""
CLEAR_NULL = 1e-7


@dataclass(frozen=True)
class Metric:
    """Round coordinates.

    Attributes
    ----------
    basis : array of shape (n_weights, rank)
    inverse : array of shape (rank, n_weights)
        Left inverse of the basis for centred weights.
    center : array of shape (n_features,)
        Centre of each column, weighted by curvature.
    n_outputs : int
    rho : float
        sqrt(weights / buckets); 0 where the table holds every row.
    wish : array of shape (rank,)
        Solution of the sketched least squares problem.
    near : bool
        Whether columns nearly depend on one another, or do.
    """

    basis: Array
    inverse: Array
    center: Array
    n_outputs: int
    rho: float
    wish: Array
    near: bool = False

    @property
    def rank(self) -> int:
        """Number of directions in which the loss has curvature."""
        return int(self.basis.shape[1])

    def lift(self, u: Array) -> Array:
        """``basis @ u``; ``u`` may have axes in front, as may ``gradient`` below."""
        return u @ self.basis.T

    def pull(self, gradient: Array) -> Array:
        """``basis.T @ gradient``."""
        return gradient @ self.basis

    def to_round(self, change: Array) -> Array:
        """Coordinates of a change of the weights, frozen directions left out."""
        return self.inverse @ center_weights(change, self.center, self.n_outputs, 1.0)

    def unpull(self, slope: Array) -> Array:
        """Gradient in the weights of a gradient in round coordinates; undoes ``pull``."""
        d, k = len(self.center), self.n_outputs
        G = (slope @ self.inverse).reshape(-1, k)
        if len(G) > d:
            G[:d] += self.center[:, None] * G[d]
        return G.ravel()


def metric_of(
    table: Array,
    shift: Array,
    ridge: Array,
    n_rows: int,
    n_outputs: int,
    buckets: int | None,
) -> Metric:
    """Round coordinates from a sketch.

    Parameters
    ----------
    table : array of shape (buckets, n_weights + 1)
        From ``passes.sketch``; the last column holds the steps that rows wish for.
    shift : array of shape (n_features,)
        What was subtracted from the features in the table.
    ridge : array of shape (n_weights,)
        Second derivative of the penalty.
    n_rows, n_outputs : int
    buckets : int or None
        Rows of the table, before it was folded to fewer with the same products. None: it holds
        every row, so that the Hessian is exact.

    Raises
    ------
    LinAlgError
        If the table holds numbers that are not finite.
    """
    m, exact = len(ridge), buckets is None
    if not np.isfinite(table).all():
        raise np.linalg.LinAlgError("the sketch of the curvature is not finite")
    # Classes share the intercepts' curvature, which the span of the rows does not see.
    coupled = n_outputs > 1 and ridge.any() and m <= FEW
    if exact and table.shape[0] < m and not coupled:
        return _wide_metric(table, shift, ridge, n_rows, n_outputs)
    rho = 0.0 if buckets is None else float(np.sqrt(m / buckets))
    if m >= SINGLE and not exact:
        bend = curvature_of(single_products(table), None, shift, ridge, n_rows, n_outputs)
        bend = _regular(bend)
        scale = _inverse_lengths(bend)
        factor = cholesky(_unit_hessian(bend, scale), SINGLE_CHOLESKY)
        if factor is not None:
            return _metric(bend, scale, Factor(*factor), rho)
    bend = curvature_of(products(table), table, shift, ridge, n_rows, n_outputs)
    return metric_from(_regular(bend), rho)


def metric_from(bend: "Bend", rho: float) -> Metric:
    """Round coordinates where the curvature is known."""
    scale, alive = _inverse_lengths(bend), bend.alive
    rows = None if bend.table is None else lambda: bend.rows()[:, alive] * scale
    return _metric(bend, scale, _factor(_unit_hessian(bend, scale), rows), rho)


def _inverse_lengths(bend: "Bend") -> Array:
    return 1.0 / np.sqrt(np.diag(bend.hessian)[bend.alive])


def _unit_hessian(bend: "Bend", scale: Array) -> Array:
    return bend.hessian[np.ix_(bend.alive, bend.alive)] * scale * scale[:, None]


def _metric(bend: "Bend", scale: Array, factor: "Factor", rho: float) -> Metric:
    (root, unroot, near), alive = factor, bend.alive
    m, n_outputs = len(bend.ridge), bend.n_outputs
    basis = np.zeros((m, root.shape[0]))
    basis[alive] = unroot * scale[:, None]
    inverse = np.zeros((root.shape[0], m))
    inverse[:, alive] = root / scale
    wish = basis.T @ bend.wish
    basis = center_weights(basis, bend.center, n_outputs, -1.0)
    return Metric(basis, inverse, bend.center, n_outputs, rho, wish, near)


@dataclass(frozen=True)
class Bend:
    """Curvature of the objective in the weights of centred columns.

    Attributes
    ----------
    hessian : array of shape (n_weights, n_weights)
    wish : array of shape (n_weights,)
        What the sketched least squares problem has on its right side.
    center : array of shape (n_features,)
    alive : array of bool, shape (n_weights,)
        Weights whose column varies beyond rounding, or that have a ridge.
    table, drift, ridge, n_rows, n_outputs
        What the rows are made from, where products of columns are not precise enough.
    """

    hessian: Array
    wish: Array
    center: Array
    alive: Array
    table: Array | None
    drift: Array
    ridge: Array
    n_rows: int
    n_outputs: int

    def rows(self) -> Array:
        """Rows whose products are the Hessian."""
        m = len(self.ridge)
        rows = _center_columns(self.table, self.drift, self.n_outputs)[:, :m]
        rows /= np.sqrt(self.n_rows)
        return np.vstack((rows, np.diag(np.sqrt(self.ridge)))) if self.ridge.any() else rows


def curvature_of(
    gram: Array, table: Array | None, shift: Array, ridge: Array, n_rows: int, n_outputs: int
) -> Bend:
    """Hessian in the weights of centred columns, from all products of the columns of a table.

    ``table`` itself, where it is at hand, helps out where products have too few digits; the other
    arguments are those of ``metric_of``.
    """
    m, d = len(ridge), len(shift)
    center, means, drift = shift, np.zeros(m), np.zeros(d)
    if m > d * n_outputs:
        drift = _means(gram[:, d * n_outputs : m], d, n_outputs)
        center = shift + drift
        table, gram, drift = _center_products(table, gram, drift, n_outputs)
        means = np.append(np.repeat(np.abs(center), n_outputs), np.zeros(n_outputs))
        means *= np.sqrt(np.tile(np.diag(gram)[m - n_outputs : m], d + 1))
    hessian, wish = gram[:m, :m] / n_rows, gram[:m, m] / n_rows
    hessian[np.diag_indices(m)] += ridge
    alive = np.sqrt(np.diag(hessian)) > CONSTANT * means / np.sqrt(n_rows)
    return Bend(hessian, wish, center, alive, table, drift, ridge, n_rows, n_outputs)


def _wide_metric(table: Array, shift: Array, ridge: Array, n: int, n_outputs: int) -> Metric:
    """Round coordinates where rows are fewer than weights: the span of the rows is enough.

    The gradient of the loss is a mix of rows, so a walk from zero never leaves their span. With a
    ridge the weights are scaled by its root, so that it bends every direction of the span alike.
    """
    m, d = len(ridge), len(shift)
    k = d * n_outputs
    center = shift
    if m > k:
        center = shift + _means(table[:, :m].T @ table[:, k:m], d, n_outputs)
    rows = _center_columns(table, center - shift, n_outputs)[:, :m] / np.sqrt(n)
    ridged = bool(ridge[:k].all())
    lengths = np.sqrt(ridge[:k]) if ridged else np.sqrt((rows[:, :k] ** 2).sum(axis=0))
    alive = lengths > 0.0 if ridged else lengths > CONSTANT * np.repeat(np.abs(center), n_outputs)
    scaled = rows[:, :k][:, alive] / lengths[alive]
    # A ridge bends what the rows do not, and classes share what one of them has.
    left, roots, near = _left_vectors(scaled, len(rows) if ridged or n_outputs > 1 else m - k)
    right = scaled.T @ left / roots
    bend = np.sqrt(roots**2 + ridged)
    root, unroot, _ = _factor(rows[:, k:].T @ rows[:, k:], lambda: rows[:, k:])
    rank = len(roots)
    basis, inverse = np.zeros((m, rank + len(root))), np.zeros((rank + len(root), m))
    basis[:k][alive, :rank] = right / bend / lengths[alive, None]
    inverse[:rank, :k][:, alive] = (right * bend).T * lengths[alive]
    basis[k:, rank:], inverse[rank:, k:] = unroot, root
    wish = basis.T @ (rows.T @ table[:, m]) / np.sqrt(n)
    basis = center_weights(basis, center, n_outputs, -1.0)
    return Metric(basis, inverse, center, n_outputs, 0.0, wish, near)


def _left_vectors(rows: Array, gone: int) -> tuple[Array, Array, bool]:
    """Left singular vectors and values that are not rounding, and whether more are than ``gone``.

    Centring takes a direction from the rows of every class; more that are missing, or nearly so,
    are worth a look at the rows themselves.
    """
    squares, vectors = np.linalg.eigh(rows @ rows.T)
    roots = np.sqrt(np.maximum(squares, 0.0))
    share_of_largest = roots / roots[-1]
    kept, small = share_of_largest > CLEAR_NULL, share_of_largest < CLEAR_ROOT
    near = bool(np.count_nonzero(small) > gone)
    if near or (kept & small).any():
        vectors, roots, _ = np.linalg.svd(rows, full_matrices=False)
        kept = roots > 4 * max(rows.shape) * np.finfo(float).eps * roots[0]
    return vectors[:, kept], roots[kept], near


def products(table: Array) -> Array:
    """``table.T @ table``, by all threads, in an order that does not depend on them."""
    rows, m = table.shape
    count = max(1, min(8, rows // (2 * m), rows * m * m // 50_000_000))
    parts = [table[rows * i // count : rows * (i + 1) // count] for i in range(count)]
    return sum(share(lambda part: part.T @ part, parts))


def single_products(table: Array) -> Array:
    """The same in single precision, columns scaled to length 1 meanwhile: in half the time."""
    lengths = np.sqrt(np.einsum("ij,ij->j", table, table))
    inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0.0)
    rows = len(table)
    count = max(1, min(8, rows // (2 * len(lengths))))
    cuts = [(rows * i // count, rows * (i + 1) // count) for i in range(count)]

    def part(cut: tuple[int, int]) -> Array:
        block = np.empty((cut[1] - cut[0], len(lengths)), dtype=np.float32)
        np.multiply(table[cut[0] : cut[1]], inverse, out=block, casting="same_kind")
        return block.T @ block

    return sum(share(part, cuts)).astype(np.float64) * lengths * lengths[:, None]


def _center_products(
    table: Array | None, gram: Array, drift: Array, n_outputs: int
) -> tuple[Array | None, Array, Array]:
    """Products of the centred table; also the table, and how far it is still from centred."""
    centered = _center_columns(_center_columns(gram, drift, n_outputs).T, drift, n_outputs)
    if table is None or (np.diag(centered) >= 1e-8 * np.diag(gram)).all():
        return table, centered, drift
    # Differences of two large numbers: too few digits are left, so centre the table itself.
    table = _center_columns(table, drift, n_outputs)
    return table, products(table), np.zeros_like(drift)


def _means(gram: Array, d: int, n_outputs: int) -> Array:
    """Mean of each feature, weighted by curvature, from products with the intercept's columns."""
    k = d * n_outputs
    against = gram[:k].reshape(d, n_outputs, n_outputs)
    total = np.trace(gram[k : k + n_outputs])
    return np.trace(against, axis1=1, axis2=2) / total if total > 0.0 else np.zeros(d)


def _center_columns(table: Array, center: Array, n_outputs: int) -> Array:
    """Every feature's column minus its centre times the intercept's column."""
    d = len(center)
    table = table.copy()
    if table.shape[1] <= d * n_outputs + 1:  # no intercept
        return table
    ones = table[:, d * n_outputs : (d + 1) * n_outputs]
    table[:, : d * n_outputs] -= (ones[:, None, :] * center[:, None]).reshape(len(table), -1)
    return table


def center_weights(w: Array, center: Array, n_outputs: int, sign: float) -> Array:
    """Weights for centred columns (``sign=-1``: back again): the intercept takes up the centres.

    ``x @ w + b = (x - c) @ w + (b + c @ w)``; ``w`` may have trailing axes.
    """
    d = len(center)
    W = np.array(w, dtype=float).reshape(len(w) // n_outputs, n_outputs, *np.shape(w)[1:])
    if W.shape[0] > d:
        W[d] += sign * np.tensordot(center, W[:d], 1)
    return W.reshape(np.shape(w))


def _regular(bend: "Bend") -> "Bend":
    """A little curvature where all classes move together, which no softmax feels.

    The gradient of a loss with a ridge has no part in these directions, so it changes no step; it
    keeps R regular. An L1 penalty does feel them: ``lasso.py`` takes the curvature as it is.
    """
    k, hessian = bend.n_outputs, bend.hessian
    if k == 1:
        return bend
    sizes = np.diag(hessian).reshape(-1, k).mean(axis=1)
    same = np.full((k, k), 1e-4 / k)
    return replace(bend, hessian=hessian + np.kron(np.diag(sizes), same))


def cholesky(hessian: Array, least: float) -> tuple[Array, Array] | None:
    """R with R'R = ``hessian`` (unit diagonal), and its inverse; None where R is near singular."""
    if not len(hessian):
        return hessian, hessian
    lower, failed = lapack.dpotrf(hessian, lower=1)
    if failed != 0 or not np.diag(lower).min() > least:
        return None
    inverse, _ = lapack.dtrtri(lower, lower=1)
    return np.tril(lower).T, np.ascontiguousarray(np.tril(inverse).T)


class Factor(NamedTuple):
    """R, a right inverse of it, and whether it is so near singular that digits are lost."""

    root: Array
    unroot: Array
    near: bool = False


def _factor(hessian: Array, scaled_table: Any) -> Factor:
    """R with R'R = ``hessian`` (unit diagonal) and a right inverse of it.

    Cholesky where that is safe, else eigenvalues, else singular values of the table, if it is at
    hand, which see twice as many digits as those of its square.
    """
    m, plain = len(hessian), cholesky(hessian, PLAIN_CHOLESKY)
    if plain is not None:
        return Factor(*plain, near=bool(np.diag(plain[0]).min(initial=1.0) < NEAR))
    squares, vectors = np.linalg.eigh(hessian)
    roots = np.sqrt(np.maximum(squares, 0.0))
    share_of_largest = roots / roots[-1]
    unclear = share_of_largest < CLEAR_ROOT
    if scaled_table is not None and unclear.any():
        triangle = np.linalg.qr(scaled_table(), mode="r")
        _, roots, transposed = np.linalg.svd(triangle)
        vectors, share_of_largest = transposed.T[:, : len(roots)], roots / roots[0]
        kept = share_of_largest > 4 * m * np.finfo(float).eps
    else:
        kept = share_of_largest > CLEAR_NULL
    return Factor(roots[kept, None] * vectors[:, kept].T, vectors[:, kept] / roots[kept], near=True)
