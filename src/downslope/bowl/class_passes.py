"""Passes over dense rows for several classes; flat weights are (n_features + 1, n_classes)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from downslope.bowl.null_model import null_class_intercepts
from downslope.bowl.passes import DensePasses, Sketch
from downslope.bowl.sampling import balanced_sample
from downslope.kernels.form import form
from downslope.kernels.team import chunks, share
from downslope.kernels.views import read_only
from downslope.losses import Multinomial, SquaredError

Array = Any


@dataclass(frozen=True)
class ClassPasses:
    """Cross-entropy over a dense array in memory.

    Parameters
    ----------
    X : (n_rows, n_features) array, float32 or float64, C-contiguous and read-only
    y : (n_rows,) int64, read-only, classes from 0
    weights : (n_rows,) float64, read-only, mean 1
    n_outputs : number of classes
    fit_intercept : whether there are intercepts
    """

    X: Array
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
        value, gradient, _ = self._pass(w, 0, False, np.zeros(self.n_features), 0)
        return value, gradient

    def sketch(
        self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int
    ) -> Sketch:
        """Mean loss, gradient and a sketch of the curvature, one class drawn per row."""
        exact = buckets is None
        size = self.n_rows * self.n_outputs if buckets is None else buckets
        value, gradient, table = self._pass(w, size, exact, shift, seed)
        return Sketch(value, gradient, table, shift)

    def lowest_loss(self) -> float:
        """Mean loss if every row were sure of its class."""
        return 0.0

    def sample(self, k: int, seed: int) -> "ClassPasses":
        """About ``k`` rows in which no class is missing."""
        if k >= self.n_rows:
            return self
        chosen, stands_for = balanced_sample(self.y, k, seed)
        return replace(
            self,
            X=read_only(self.X[chosen]),
            y=read_only(self.y[chosen]),
            weights=read_only(self.weights[chosen] * stands_for),
        )

    def centers(self) -> Array:
        """Mean of each column; zeros where no intercept could take them up."""
        if not self.fit_intercept:
            return np.zeros(self.n_features)
        return self.X.mean(axis=0, dtype=np.float64)

    def spread(self) -> Array:
        """Root mean square of each column about its centre."""
        return np.sqrt(np.mean((self.X - self.centers()) ** 2, axis=0))

    def null_intercepts(self) -> Array:
        """Best intercepts without features."""
        return null_class_intercepts(self.y, self.weights, self.n_outputs)

    def mean_curvature(self, w: Array) -> float:
        """Mean second derivative of the loss in a raw prediction."""
        return float(np.mean(self.curvatures(w)))

    def curvatures(self, w: Array) -> Array:
        """Second derivative of every row's loss in its raw predictions, (n_rows, n_outputs)."""
        W, d = w.reshape(-1, self.n_outputs), self.n_features
        z = self.X @ W[:d] + (W[d] if self.fit_intercept else 0.0)
        return self.weights[:, None] * self.loss.curvature(z, self.y)

    def as_squares(self, y: Array, weights: Array) -> DensePasses:
        """The same rows with one output, squared errors and other targets and weights."""
        return DensePasses(
            self.X, read_only(y), read_only(weights), SquaredError(), self.fit_intercept
        )

    def by_columns(self) -> Callable[[Array], "ClassPasses"]:
        """A function that answers the same passes over a few columns."""
        return lambda columns: replace(self, X=read_only(np.ascontiguousarray(self.X[:, columns])))

    def _pass(
        self, w: Array, size: int, exact: bool, shift: Array, seed: int
    ) -> tuple[float, Array, Array]:
        (n, d), k = self.X.shape, self.n_outputs
        parts = chunks(n, n * d * k)
        sums, values = np.zeros((len(parts), k, d + 1)), np.zeros(len(parts))
        table = np.zeros((size, k * (d + 1)))
        W, class_pass = np.zeros((k, d + 1)), form("classes", n * d).class_pass
        W[:, : d + self.fit_intercept] = w.reshape(-1, k).T

        def work(i: int) -> None:
            low, high = parts[i]
            first, last = size * i // len(parts), size * (i + 1) // len(parts)
            if exact:
                first, last = low * k, high * k
            values[i] = class_pass(
                self.X,
                self.y,
                self.weights,
                W,
                low,
                high,
                sums[i],
                table[first:last],
                exact,
                shift,
                np.uint64(seed),
                0,
            )

        share(work, range(len(parts)))
        kept = d + self.fit_intercept
        gradient = sums.sum(axis=0)[:, :kept].T.ravel() / n
        return float(values.sum()) / n, gradient, self._flat(table, kept)

    def _flat(self, table: Array, kept: int) -> Array:
        """Columns in the order of the flat weights, and a last one of zeros for the wish."""
        size, k = len(table), self.n_outputs
        flat = np.zeros((size, kept * k + 1))
        by_class = table.reshape(size, k, self.n_features + 1)[:, :, :kept]
        flat[:, :-1] = by_class.transpose(0, 2, 1).reshape(size, kept * k)
        return flat
