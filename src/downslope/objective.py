"""The objective: mean loss over rows plus penalty. The only place where features meet weights.

Weights are one flat vector, coefficients first and the intercept last. With ``k`` outputs
(multinomial) it is the flattened matrix of shape (n_features + 1, k)::

    f(w) = (1/n) sum_i weight_i loss(x_i @ w + b, y_i)  +  l2/2 |w|^2      smooth part
         + l1 |w|_1                                                       the rest
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from downslope.losses import Loss, curvature_product
from downslope.penalties import NO_PENALTY, Penalty
from downslope.scaling import dense
from downslope.sources.memory import Rows

Array = Any


class Source(Protocol):
    """Rows, wherever they live: memory, files, a cluster, a device."""

    @property
    def n_rows(self) -> int: ...

    @property
    def n_features(self) -> int: ...

    def total(self, fn: Any) -> Any: ...

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]: ...

    def sample(self, k: int, seed: int) -> Rows: ...


@dataclass(frozen=True)
class Objective:
    """Mean loss of a linear model over a source of rows, plus a penalty.

    Parameters
    ----------
    source : Source
        Rows; their weights should have mean 1.
    loss : Loss
    penalty : Penalty, default none
    fit_intercept : bool, default True
        The intercept is never penalised.
    n_outputs : int, default 1
        Number of raw predictions per row: the classes of a multinomial model.

    Examples
    --------
    >>> from downslope.losses import MeanSquares
    >>> from downslope.sources.memory import MemoryRows
    >>> rows = MemoryRows(np.array([[100.0], [150.0], [200.0]]), np.array([8.0, 12.0, 16.0]))
    >>> objective = Objective(rows, MeanSquares())
    >>> value, gradient = objective.value_and_gradient(np.array([0.08, 0.0]))
    >>> round(value, 12)
    0.0
    """

    source: Source
    loss: Loss
    penalty: Penalty = NO_PENALTY
    fit_intercept: bool = True
    n_outputs: int = 1

    @property
    def size(self) -> int:
        """Number of weights, intercepts included."""
        return (self.source.n_features + self.fit_intercept) * self.n_outputs

    @property
    def n_coefficients(self) -> int:
        """Number of weights without the intercepts: the penalised ones."""
        return self.source.n_features * self.n_outputs

    def start(self) -> Array:
        """All weights zero."""
        return np.zeros(self.size)

    def raw_prediction(self, w: Array, X: Array) -> Array:
        """``X @ w + b``: shape (n,), or (n, n_outputs) where there are several."""
        w = w.astype(X.dtype, copy=False) if X.dtype.kind == "f" else w
        d, k = self.source.n_features, self.n_outputs
        if k > 1:
            W = w.reshape(-1, k)
            return X @ W[:d] + W[d] if self.fit_intercept else X @ W
        return X @ w[:d] + w[d] if self.fit_intercept else X @ w

    def value_and_gradient(self, w: Array, rows: Rows | None = None) -> tuple[float, Array]:
        """Smooth part and its gradient, over all rows or over one batch."""
        if rows is None:
            value, gradient = self.source.total(lambda block: self._sums(w, block))
            count = self.source.n_rows
        else:
            (value, gradient), count = self._sums(w, rows), len(rows.y)
        d = self.n_coefficients
        gradient = gradient / count
        gradient[:d] += self.penalty.gradient(w[:d])
        return float(value / count + 0.5 * self.penalty.l2 * (w[:d] @ w[:d])), gradient

    def value(self, w: Array, rows: Rows | None = None) -> float:
        """Whole objective, over all rows or over one batch."""
        if rows is None:
            mean = self.source.total(lambda block: self._loss(w, block)) / self.source.n_rows
        else:
            mean = self._loss(w, rows) / len(rows.y)
        return float(mean) + self.penalty.value(w[: self.n_coefficients])

    def many(self, W: Array, rows: Rows | None = None) -> tuple[Array, Array]:
        """Smooth part and gradient at many weights at once, in one pass over the rows.

        ``W`` has shape (size, m), one column per set of weights; the answers have shapes (m,) and
        (size, m). For models with one output.
        """
        if rows is None:
            values, gradients = self.source.total(lambda block: self._many_sums(W, block))
        else:
            values, gradients = self._many_sums(W, rows)
        count, d = self.count(rows), self.n_coefficients
        gradients = gradients / count
        gradients[:d] += self.penalty.gradient(W[:d])
        return values / count + 0.5 * self.penalty.l2 * (W[:d] * W[:d]).sum(axis=0), gradients

    def penalty_value(self, w: Array) -> float:
        """Whole penalty at ``w``."""
        return self.penalty.value(w[: self.n_coefficients])

    @property
    def has_rest(self) -> bool:
        """Whether there is an L1 part, which ``moved`` sees to."""
        return self.penalty.has_rest

    def rest(self, w: Array) -> float:
        """Part without a gradient, ``l1 |w|_1``."""
        return self.penalty.rest(w[: self.n_coefficients])

    def moved(self, w: Array, direction: Array, length: float) -> Array:
        """Where a step ends: downhill, then the proximal step of the rest; not for intercepts."""
        return self.penalty.moved(w, direction, length, self.n_coefficients)

    def curvature_product(self, w: Array, v: Array, rows: Rows | None = None) -> Array:
        """Hessian of the smooth part at ``w`` times ``v``."""
        if rows is None:
            product = self.source.total(lambda block: self._curvature_sums(w, v, block))
            count = self.source.n_rows
        else:
            product, count = self._curvature_sums(w, v, rows), len(rows.y)
        d = self.n_coefficients
        product = product / count
        product[:d] += self.penalty.l2 * v[:d]
        return product

    def hessian(self, w: Array) -> Array:
        """Hessian of the smooth part at ``w``, whole, in one pass: for few weights."""
        H = self.source.total(lambda block: self._hessian_sums(w, block)) / self.source.n_rows
        d = self.n_coefficients
        H[range(d), range(d)] += self.penalty.l2
        return H

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows | None]:
        """One epoch of batches; all rows at once is ``None``, so that they may live anywhere."""
        if size is None or size >= self.source.n_rows:
            return iter((None,))
        return self.source.batches(size, seed, epoch)

    def count(self, rows: Rows | None) -> int:
        """Rows in a batch."""
        return self.source.n_rows if rows is None else len(rows.y)

    def _loss(self, w: Array, rows: Rows) -> Any:
        losses = self.loss.value(self.raw_prediction(w, rows.X), rows.y)
        return _weighted(losses, rows.weights).sum(dtype=np.float64)

    def _sums(self, w: Array, rows: Rows) -> tuple[Any, Array]:
        z = self.raw_prediction(w, rows.X)
        losses = _weighted(self.loss.value(z, rows.y), rows.weights)
        slopes = _weighted(self.loss.slope(z, rows.y), rows.weights)
        return losses.sum(dtype=np.float64), self._pull_back(slopes, rows.X)

    def _many_sums(self, W: Array, rows: Rows) -> tuple[Array, Array]:
        z, y = self.raw_prediction(W, rows.X), rows.y[:, None]
        losses = _weighted(self.loss.value(z, y), rows.weights).sum(axis=0, dtype=np.float64)
        slopes = _weighted(self.loss.slope(z, y), rows.weights)
        parts = [np.asarray(rows.X.T @ slopes, dtype=np.float64)]
        if self.fit_intercept:
            parts.append(slopes.sum(axis=0, dtype=np.float64)[None])
        return losses, np.concatenate(parts)

    def _curvature_sums(self, w: Array, v: Array, rows: Rows) -> Array:
        z, forward = self.raw_prediction(w, rows.X), self.raw_prediction(v, rows.X)
        bent = curvature_product(self.loss, z, rows.y, forward)
        return self._pull_back(_weighted(bent, rows.weights), rows.X)

    def _hessian_sums(self, w: Array, rows: Rows) -> Array:
        k, A = self.n_outputs, np.asarray(dense(rows.X), dtype=np.float64)
        if self.fit_intercept:
            A = np.column_stack((A, np.ones(len(A))))
        z = self.raw_prediction(w, rows.X)
        H = np.empty((A.shape[1], k, A.shape[1], k))
        for b, unit in enumerate(np.eye(k)):
            forward = np.broadcast_to(unit, (len(A), k)) if k > 1 else np.ones(len(A))
            bent = _weighted(curvature_product(self.loss, z, rows.y, forward), rows.weights)
            for a, column in enumerate(bent.reshape(len(A), k).T):
                H[:, a, :, b] = A.T @ (column[:, None] * A)
        return H.reshape(A.shape[1] * k, -1)

    def _pull_back(self, slopes: Array, X: Array) -> Array:
        """Derivatives in the raw predictions as derivatives in the weights."""
        slopes = slopes.astype(X.dtype, copy=False) if X.dtype.kind == "f" else slopes
        parts = [(X.T @ slopes).ravel()]
        if self.fit_intercept:
            parts.append(np.atleast_1d(slopes.sum(axis=0, dtype=np.float64)))
        return np.concatenate(parts).astype(np.float64)


def _weighted(per_row: Array, weights: Array | None) -> Array:
    """Numbers per row, times the weight of the row."""
    if weights is None:
        return per_row
    return per_row * (weights if per_row.ndim == 1 else weights[:, None])
