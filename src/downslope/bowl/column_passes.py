"""Passes over sparse columns in memory, for weights that are mostly zero."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from downslope.bowl.null_model import lowest_loss, null_intercept
from downslope.kernels.form import form
from downslope.kernels.team import chunks, share
from downslope.kernels.views import read_only
from downslope.losses import Loss

Array = Any


@dataclass(frozen=True)
class ColumnPasses:
    """Passes over the columns of a CSC matrix.

    Parameters
    ----------
    columns : data (float32 or float64), rows and ends (unsigned), read-only
    y, weights : (n_rows,) float64 and read-only; the weights have mean 1
    loss : Loss
    fit_intercept : whether the flat weights end with an intercept
    """

    columns: tuple[Array, Array, Array]
    y: Array
    weights: Array
    loss: Loss
    fit_intercept: bool
    n_outputs: int = 1

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return len(self.columns[2]) - 1

    @property
    def _kernels(self) -> Any:
        return form("columns", len(self.columns[0]))

    def at(self, w: Array) -> tuple[float, Array]:
        """Mean loss and gradient."""
        n, d, code = self.n_rows, self.n_features, self.loss.code
        z, r, sums = self.raw(w), np.empty(n), np.empty(d + self.fit_intercept)
        dense = form("dense", n)
        value = dense.losses_of_rows(
            code, self.loss.parameter, z, self.y, self.weights, r, dense.others_for(code)
        )
        share(
            lambda part: self._kernels.sums_of_columns(*self.columns, *part, r, sums),
            chunks(d, len(self.columns[0])),
        )
        sums[d:] = r.sum()
        return value / n, sums / n

    def raw(self, w: Array) -> Array:
        """Raw prediction of every row."""
        d = self.n_features
        z = np.full(self.n_rows, w[d] if self.fit_intercept else 0.0)
        self._kernels.add_predictions(*self.columns, w, z)
        return z

    def squares(self, h: Array) -> Array:
        """Diagonal of ``X' diag(h) X``, without the intercept."""
        sums = np.empty(self.n_features)
        self._kernels.squares_of_columns(*self.columns, h, sums)
        return sums

    def lowest_loss(self) -> float:
        """Mean loss if every row had the prediction that suits it best."""
        return lowest_loss(self.loss, self.y, self.weights)

    def null_intercepts(self) -> Array:
        """Best intercept without features."""
        return np.array([null_intercept(self.loss, self.y, self.weights)])

    def by_columns(self) -> Callable[[Array], "ColumnPasses"]:
        """A function that answers the same passes over a few columns."""
        return self._only

    def _only(self, chosen: Array) -> "ColumnPasses":
        few = self._kernels.only_columns(*self.columns, chosen)
        return replace(self, columns=tuple(map(read_only, few)))
