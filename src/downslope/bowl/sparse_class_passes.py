"""Passes over sparse rows for several classes; flat weights are (n_features + 1, n_classes)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.null_model import null_class_intercepts
from downslope.bowl.passes import Scales, Sketch
from downslope.bowl.sampling import balanced_sample
from downslope.bowl.sparse_passes import COLUMNS_PER_CHUNK, SparsePasses
from downslope.kernels.form import form
from downslope.kernels.team import chunks, share
from downslope.kernels.views import read_only, unsigned
from downslope.losses import Multinomial, SquaredError

Array = Any


@dataclass(frozen=True)
class SparseClassPasses:
    """Cross-entropy over a CSR matrix in memory.

    Parameters
    ----------
    X : CSR matrix of shape (n_rows, n_features), float32 or float64
    y : (n_rows,) int64, read-only, classes from 0
    weights : (n_rows,) float64, read-only, mean 1
    n_outputs : number of classes
    fit_intercept : whether there are intercepts
    """

    X: Any
    y: Array
    weights: Array
    n_outputs: int
    fit_intercept: bool
    loss: Multinomial = field(default_factory=Multinomial)

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
        value, gradient, _ = self._pass(w, False)
        return value, gradient

    def scales(self, w: Array, floor: float) -> Scales:
        """Mean loss, gradient and the diagonal of the Hessian."""
        return Scales(*self._pass(w, True))

    def sketch(
        self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int
    ) -> Sketch:
        """As for dense rows, which few rows are made into."""
        return self._dense().sketch(w, buckets, shift, floor, seed)

    def lowest_loss(self) -> float:
        """Mean loss if every row were sure of its class."""
        return 0.0

    def sample(self, k: int, seed: int) -> "SparseClassPasses":
        """About ``k`` rows in which no class is missing."""
        if k >= self.n_rows:
            return self
        chosen, stands_for = balanced_sample(self.y, k, seed)
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
        """Best intercepts without features."""
        return null_class_intercepts(self.y, self.weights, self.n_outputs)

    def mean_curvature(self, w: Array) -> float:
        """Mean second derivative of the loss in a raw prediction."""
        return self._dense().mean_curvature(w)

    def as_squares(self, y: Array, weights: Array) -> SparsePasses:
        """The same rows with one output, squared errors and other targets and weights."""
        columns = (read_only(y), read_only(weights), SquaredError(), self.fit_intercept)
        return SparsePasses(self.X, *columns)

    def _dense(self) -> ClassPasses:
        X = read_only(self.X.toarray())
        return ClassPasses(X, self.y, self.weights, self.n_outputs, self.fit_intercept)

    def by_columns(self) -> Callable[[Array], "SparseClassPasses"]:
        """A function that answers the same passes over a few columns."""
        X = self.X.tocsc()
        return lambda columns: replace(self, X=X[:, columns].tocsr())

    @cached_property
    def _columns(self) -> tuple[Array, Array, Array]:
        return unsigned(self.X)

    def _pass(self, w: Array, scales: bool) -> tuple[float, Array, Array]:
        (n, d), k, kept = self.X.shape, self.n_outputs, len(w)
        parts = chunks(n, k * self.X.nnz // (1 + k * d // COLUMNS_PER_CHUNK))
        sums, values = np.zeros((len(parts), d + 1, k)), np.zeros(len(parts))
        squares = np.zeros((len(parts), (d + 1) * scales, k))
        W = np.zeros((d + 1, k))
        W.ravel()[:kept] = w
        sparse_class_pass = form("csr", self.X.nnz).sparse_class_pass

        def work(i: int) -> None:
            values[i] = sparse_class_pass(
                *self._columns, self.y, self.weights, W, *parts[i], sums[i], squares[i]
            )

        share(work, range(len(parts)))
        gradient, diagonal = sums.sum(axis=0).ravel(), squares.sum(axis=0).ravel()
        return float(values.sum()) / n, gradient[:kept] / n, diagonal[:kept] / n
