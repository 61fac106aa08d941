"""Passes over sparse rows in memory."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from downslope.bowl.column_passes import ColumnPasses
from downslope.bowl.null_model import lowest_loss, null_intercept
from downslope.bowl.passes import Scales, Sketch
from downslope.bowl.rounding import Seen, corner_sums, rounded, seen_of
from downslope.bowl.sampling import balanced_sample, even_sample
from downslope.kernels.form import form
from downslope.kernels.team import chunks, share
from downslope.kernels.views import read_only, unsigned
from downslope.losses import Loss, SquaredError

Array = Any
COLUMNS_PER_CHUNK = 30_000
"""Every chunk has a gradient of its own to add up; the wider it is, the fewer chunks there are."""


@dataclass(frozen=True)
class SparsePasses:
    """Passes over a CSR matrix.

    Parameters
    ----------
    X : CSR matrix of shape (n_rows, n_features), float32 or float64
    y, weights : (n_rows,) float64 and read-only; the weights have mean 1
    loss : Loss
    fit_intercept : whether the flat weights end with an intercept
    """

    X: Any
    y: Array
    weights: Array
    loss: Loss
    fit_intercept: bool
    n_outputs: int = 1

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.X.shape[1])

    @property
    def lowest_weight(self) -> float:
        """Smallest weight of a row that counts."""
        return float(self.weights[self.weights > 0.0].min())

    def at(self, w: Array) -> tuple[float, Array]:
        """Mean loss and gradient."""
        value, gradient, _, _ = self._pass(w, 0, False, 0.0, 0)
        return value, gradient

    def scales(self, w: Array, floor: float) -> Scales:
        """Mean loss, gradient and the diagonal of the Hessian."""
        value, gradient, squares, _ = self._pass(w, 0, True, floor, 0)
        return Scales(value, gradient, squares)

    def sketch(
        self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int
    ) -> Sketch:
        """Mean loss, gradient and a CountSketch of the curvature; None: a bucket for every row."""
        size = self.n_rows if buckets is None else buckets
        value, gradient, _, table = self._pass(w, size, False, floor, seed)
        return Sketch(value, gradient, table, shift)

    def lowest_loss(self) -> float:
        """Mean loss if every row had the prediction that suits it best."""
        return lowest_loss(self.loss, self.y, self.weights)

    def sample(self, k: int, seed: int) -> "SparsePasses":
        """About ``k`` rows, in which neither of two classes is missing."""
        if k >= self.n_rows:
            return self
        if self.loss.link in ("logit", "sign"):
            chosen, stands_for = balanced_sample((self.y > 0.0).astype(np.int64), k, seed)
        else:
            chosen, stands_for = even_sample(self.n_rows, k, seed)
        weights = self.weights[chosen] * stands_for
        return replace(
            self, X=self.X[chosen], y=read_only(self.y[chosen]), weights=read_only(weights)
        )

    def centers(self) -> Array:
        """Zeros: columns that are zero almost everywhere stay so."""
        return np.zeros(self.n_features)

    def spread(self) -> Array:
        """Root mean square of each column."""
        return np.sqrt(np.asarray(self.X.multiply(self.X).mean(axis=0)).ravel())

    def null_intercepts(self) -> Array:
        """Best intercept without features."""
        return np.array([null_intercept(self.loss, self.y, self.weights)])

    def mean_curvature(self, w: Array) -> float:
        """Mean second derivative of the loss in the raw prediction."""
        return float(np.mean(self.weights * self.loss.curvature(self.raw(w), self.y)))

    def raw(self, w: Array) -> Array:
        """Raw prediction of every row."""
        d = self.n_features
        return self.X @ w[:d] + (w[d] if self.fit_intercept else 0.0)

    def rounded(self, width: float) -> "SparsePasses":
        """The same rows, the loss with its corners rounded off."""
        loss, y = rounded(self.loss, self.y, width)
        return replace(self, loss=loss, y=read_only(y))

    def seen(self, w: Array, width: float) -> Seen:
        """What the rows tell about corners of that width."""
        return seen_of(
            corner_sums(self.loss, self.raw(w), self.y, self.weights, width), self.n_rows
        )

    def as_squares(self, y: Array, weights: Array) -> "SparsePasses":
        """The same rows with squared errors, other targets and other weights."""
        return replace(self, loss=SquaredError(), y=read_only(y), weights=read_only(weights))

    def transposed(self) -> ColumnPasses:
        """The same passes over columns."""
        turned = form("columns", self.X.nnz).columns_of_rows
        columns = turned(*self._columns, self.n_features)
        kept = self.y, self.weights, self.loss, self.fit_intercept
        return ColumnPasses(tuple(map(read_only, columns)), *kept)

    @cached_property
    def _columns(self) -> tuple[Array, Array, Array]:
        return unsigned(self.X)

    def _pass(
        self, w: Array, size: int, scales: bool, floor: float, seed: int
    ) -> tuple[float, Array, Array, Array]:
        (n, d), kept = self.X.shape, self.X.shape[1] + self.fit_intercept
        parts = chunks(n, self.X.nnz // (1 + d // COLUMNS_PER_CHUNK))
        sums, values = np.zeros((len(parts), d + 1)), np.zeros(len(parts))
        squares = np.zeros((len(parts), (d + 1) * scales))
        table = np.zeros((size, d + 2))
        flat, others = np.zeros(d + 1), form("dense", self.X.nnz).others_for(self.loss.code)
        sparse_pass = form("csr", self.X.nnz).sparse_pass
        flat[: len(w)] = w

        def work(i: int) -> None:
            first, last = size * i // len(parts), size * (i + 1) // len(parts)
            values[i] = sparse_pass(
                *self._columns,
                self.y,
                self.weights,
                flat,
                self.loss.code,
                self.loss.parameter,
                *parts[i],
                sums[i],
                squares[i],
                table[first:last],
                floor,
                np.uint64(seed),
                others,
            )

        share(work, range(len(parts)))
        gradient, diagonal = sums.sum(axis=0)[:kept] / n, squares.sum(axis=0)[:kept] / n
        if not self.fit_intercept and size:
            table = np.delete(table, d, axis=1)
        return float(values.sum()) / n, gradient, diagonal, table
