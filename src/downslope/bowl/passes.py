"""What one pass over the rows tells a solver: the loss, its gradient, a sketch of its curvature.

A solver asks three things and never sees a row::

    value, gradient = passes.at(w)
    value, gradient, table, shift = passes.sketch(w, buckets, ...)
    small = passes.sample(k, seed)

``value`` is the mean loss without penalty, ``gradient`` its derivative in the flat weights,
intercept last. ``table`` has one column per weight and a last one for the step each row would like;
table' table / n is an unbiased estimate of the Hessian in the features minus ``shift`` (see
``kernels.dense``).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from downslope.bowl.null_model import lowest_loss, null_intercept
from downslope.bowl.rounding import Seen, corner_sums, rounded, seen_of
from downslope.bowl.sampling import balanced_sample, even_sample
from downslope.kernels.form import form
from downslope.kernels.team import chunks, share
from downslope.kernels.views import read_only
from downslope.losses import Loss, SquaredError

Array = Any
FEW_BUCKETS = 256
"""Rows of a sketch that tells the lengths of columns to 9 %, and nothing about their products."""


class Sketch(NamedTuple):
    """What a pass with a sketch returns."""

    value: float
    gradient: Array
    table: Array
    shift: Array


class Scales(NamedTuple):
    """What a pass with the diagonal of the Hessian returns."""

    value: float
    gradient: Array
    squares: Array


class Passes(Protocol):
    """Rows and a loss, as a solver sees them."""

    @property
    def n_rows(self) -> int: ...

    @property
    def n_features(self) -> int: ...

    @property
    def n_outputs(self) -> int: ...

    @property
    def loss(self) -> Loss: ...

    @property
    def fit_intercept(self) -> bool: ...

    @property
    def lowest_weight(self) -> float:
        """Smallest weight of a row that counts."""
        ...

    def at(self, w: Array) -> tuple[float, Array]:
        """Mean loss and gradient."""
        ...

    def sketch(
        self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int
    ) -> Sketch:
        """Mean loss, gradient and a sketch of the curvature; None: all of it, row by row."""
        ...

    def lowest_loss(self) -> float:
        """Mean loss if every row had the prediction that suits it best."""
        ...

    def sample(self, k: int, seed: int) -> "Sample":
        """``k`` rows drawn without replacement, in memory."""
        ...


class Sample(Passes, Protocol):
    """Rows in memory, few enough to be looked at in other ways too."""

    @property
    def y(self) -> Array: ...

    @property
    def weights(self) -> Array: ...

    def centers(self) -> Array:
        """Mean of each column; zeros where no intercept could take them up."""
        ...

    def spread(self) -> Array:
        """Root mean square of each column, as far as centring goes from its mean."""
        ...

    def null_intercepts(self) -> Array:
        """Best intercepts without features."""
        ...

    def mean_curvature(self, w: Array) -> float:
        """Mean second derivative of the loss in the raw prediction."""
        ...

    def as_squares(self, y: Array, weights: Array) -> "Sample":
        """The same rows with squared errors, other targets and other weights."""
        ...


class Cornered(Passes, Protocol):
    """Passes of a loss that has corners to round."""

    def rounded(self, width: float) -> Passes:
        """The same rows, the loss with its corners rounded off."""
        ...

    def seen(self, w: Array, width: float) -> Seen:
        """What the rows tell about corners of that width."""
        ...


@dataclass(frozen=True)
class DensePasses:
    """Passes over a dense array in memory.

    Parameters
    ----------
    X : (n_rows, n_features) array, float32 or float64, C-contiguous and read-only
    y, weights : (n_rows,) float64 and read-only; the weights have mean 1
    loss : Loss
    fit_intercept : whether the flat weights end with an intercept
    """

    X: Array
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
        value, gradient, _ = self._pass(w, 0, np.zeros(self.n_features), 0.0, 0)
        return value, gradient

    def part(self, w: Array, stretches: Array) -> tuple[float, Array]:
        """The same over stretches of rows: the first of each, and the one after its last."""
        rows, d = int((stretches[:, 1] - stretches[:, 0]).sum()), self.n_features
        groups = chunks(len(stretches), rows * d)
        sums, flat = np.zeros((len(groups), d + 2)), self._flat(w)
        kernels = form("dense", rows * d)

        def work(i: int) -> None:
            low, high = groups[i]
            sums[i, d + 1] = kernels.dense_stretches(
                self.X,
                self.y,
                self.weights,
                flat,
                self.loss.code,
                self.loss.parameter,
                stretches[low:high],
                sums[i, : d + 1],
                kernels.others_for(self.loss.code),
            )

        share(work, range(len(groups)))
        total = sums.sum(axis=0) / rows
        return float(total[d + 1]), total[: len(w)]

    def sketch(
        self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int
    ) -> Sketch:
        """Mean loss, gradient and a CountSketch of the curvature; None: a bucket for every row."""
        size = self.n_rows if buckets is None else buckets
        value, gradient, table = self._pass(w, size, shift, floor, seed)
        return Sketch(value, gradient, table, shift)

    def scales(self, w: Array, floor: float) -> Scales:
        """Mean loss, gradient and the diagonal of the Hessian, the last from a small sketch."""
        value, gradient, table = self._pass(w, FEW_BUCKETS, self.centers(), floor, 0)
        squares = (table[:, :-1] ** 2).sum(axis=0) / self.n_rows
        return Scales(value, gradient, squares)

    def lowest_loss(self) -> float:
        """Mean loss if every row had the prediction that suits it best."""
        return lowest_loss(self.loss, self.y, self.weights)

    def sample(self, k: int, seed: int) -> "DensePasses":
        """About ``k`` rows, in which neither of two classes is missing."""
        if k >= self.n_rows:
            return self
        if self.loss.link in ("logit", "sign"):
            chosen, stands_for = balanced_sample((self.y > 0.0).astype(np.int64), k, seed)
        else:
            chosen, stands_for = even_sample(self.n_rows, k, seed)
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
        """Best intercept without features."""
        return np.array([null_intercept(self.loss, self.y, self.weights)])

    def mean_curvature(self, w: Array) -> float:
        """Mean second derivative of the loss in the raw prediction."""
        return float(np.mean(self.weights * self.loss.curvature(self.raw(w), self.y)))

    def raw(self, w: Array) -> Array:
        """Raw prediction of every row."""
        d = self.n_features
        return self.X @ w[:d] + (w[d] if self.fit_intercept else 0.0)

    def rounded(self, width: float) -> "DensePasses":
        """The same rows, the loss with its corners rounded off."""
        loss, y = rounded(self.loss, self.y, width)
        return replace(self, loss=loss, y=read_only(y))

    def seen(self, w: Array, width: float) -> Seen:
        """What the rows tell about corners of that width."""
        return seen_of(
            corner_sums(self.loss, self.raw(w), self.y, self.weights, width), self.n_rows
        )

    def as_squares(self, y: Array, weights: Array) -> "DensePasses":
        """The same rows with squared errors, other targets and other weights."""
        return replace(self, loss=SquaredError(), y=read_only(y), weights=read_only(weights))

    def by_columns(self) -> Callable[[Array], "DensePasses"]:
        """A function that answers the same passes over a few columns."""
        return lambda columns: replace(self, X=read_only(np.ascontiguousarray(self.X[:, columns])))

    def _flat(self, w: Array) -> Array:
        flat = np.zeros(self.n_features + 1)
        flat[: len(w)] = w
        return flat

    def _pass(
        self, w: Array, buckets: int, shift: Array, floor: float, seed: int
    ) -> tuple[float, Array, Array]:
        n, d = self.X.shape
        parts = chunks(n, n * d)
        sums = np.zeros((len(parts), d + 2))
        table = np.zeros((buckets, d + 2))
        flat, kernels = self._flat(w), form("dense", n * d)

        def work(i: int) -> None:
            low, high = parts[i]
            first, last = buckets * i // len(parts), buckets * (i + 1) // len(parts)
            sums[i, d + 1] = kernels.dense_pass(
                self.X,
                self.y,
                self.weights,
                flat,
                self.loss.code,
                self.loss.parameter,
                low,
                high,
                sums[i, : d + 1],
                table[first:last],
                shift,
                floor,
                np.uint64(seed),
                0,
                kernels.others_for(self.loss.code),
            )

        share(work, range(len(parts)))
        total = sums.sum(axis=0) / n
        if self.fit_intercept:
            return float(total[d + 1]), total[: d + 1], table
        return float(total[d + 1]), total[:d], np.delete(table, d, axis=1)
