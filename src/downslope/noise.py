"""Gradient noise: how far single rows disagree about the way down, and what batches make of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from downslope.curvature import Curvature
from downslope.objective import Objective
from downslope.scaling import CenteredSparse

Array = Any


class Sloped(Protocol):
    """A problem that knows its gradient, in whole or on a batch."""

    def value_and_gradient(self, w: Array, rows: Any = None) -> tuple[float, Array]: ...

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Any]: ...

    def count(self, rows: Any) -> int: ...


def batch_curvature(problem: Objective, batch_size: int, bend: Curvature) -> float:
    """Curvature that decides whether descent on batches is stable: the expected smoothness.

    ``n (B - 1) / (B (n - 1)) largest + (n - B) / (B (n - 1)) max_i curvature_i |x_i|^2``: from the
    sharpest single row at B = 1 to ``largest`` at B = n. A rate of at most its inverse is safe.

    References
    ----------
    Gower et al. (2019), SGD: general analysis and improved rates, proposition 3.8.
    """
    n, size = problem.source.n_rows, min(batch_size, problem.source.n_rows)
    if n == 1:
        return bend.largest
    top = problem.loss.max_curvature or 0.0
    sharpest: list[float] = []

    def look(rows: Any) -> float:
        squares = row_squares(rows.X) + problem.fit_intercept
        weighted = squares if rows.weights is None else squares * rows.weights
        sharpest.append(float(weighted.max(initial=0.0)))
        return 0.0

    problem.source.total(look)
    row = top * max(sharpest) + problem.penalty.l2
    whole = n * (size - 1) / (size * (n - 1))
    return whole * bend.largest + (n - size) / (size * (n - 1)) * row


def row_squares(X: Array) -> Array:
    """Squared length of each row of a block of features, dense or sparse."""
    if isinstance(X, CenteredSparse):
        return row_squares(X.X) - 2.0 * (X.X @ X.shift) + X.shift @ X.shift
    if sparse.issparse(X):
        return np.asarray(X.multiply(X).sum(axis=1)).ravel()
    return np.einsum("ij,ij->i", X, X)


@dataclass(frozen=True)
class GradientNoise:
    """How far single rows disagree about the way down.

    Attributes
    ----------
    spread : float
        Trace of the covariance of single-row gradients, ``tr(Sigma)``.
    signal : float
        Squared length of the whole gradient, ``|G|^2``.
    """

    spread: float
    signal: float

    @property
    def scale(self) -> float:
        """``tr(Sigma) / |G|^2``, in rows: the simple noise scale."""
        return self.spread / self.signal if self.signal > 0.0 else math.inf

    @property
    def useful_batch(self) -> float:
        """Batch size past which larger batches stop paying: there a step has half its full worth.

        A step on B rows makes ``1 / (1 + scale / B)`` of the progress of a step on all rows.
        """
        return max(1.0, self.scale)


def count_rows(problem: Sloped) -> int:
    """Rows of a problem, by counting its batches where all rows at once count as one."""
    n = problem.count(None)
    return n if n > 1 else sum(problem.count(rows) for rows in problem.batches(4096, 0, 0))


def gradient_noise(
    problem: Sloped, w: Array, *, batches: int = 128, seed: int = 0
) -> GradientNoise:
    """Noise of gradients at ``w``, from one epoch cut into ``batches`` batches.

    ``E |g_B|^2 = |G|^2 + tr(Sigma) / B (n - B) / (n - 1)`` for batches drawn without replacement;
    solved for the trace. Good to about ``sqrt(2 / batches)``.

    Parameters
    ----------
    problem : Sloped
        Anything that gives gradients of batches.
    w : array of shape (n_weights,)
        Where.
    batches : int, default 128
        Batches of the epoch: enough for an eighth of accuracy.
    seed : int, default 0
        Order of the rows.

    Returns
    -------
    GradientNoise

    References
    ----------
    McCandlish et al. (2018), An empirical model of large-batch training, appendix A.

    Examples
    --------
    >>> from downslope.losses import SquaredError
    >>> from downslope.sources.memory import MemoryRows
    >>> rows = MemoryRows(np.ones((4, 1)), np.array([0.0, 2.0, 0.0, 2.0]))
    >>> objective = Objective(rows, SquaredError(), fit_intercept=False)
    >>> noise = gradient_noise(objective, np.zeros(1))  # slopes 0, -2, 0, -2
    >>> noise.spread, noise.signal
    (1.0, 1.0)
    """
    n = count_rows(problem)
    signal = _square(problem.value_and_gradient(w)[1])
    size = max(1, n // batches)
    if size >= n:
        return GradientNoise(0.0, signal)
    parts = [rows for rows in problem.batches(size, seed, 0) if problem.count(rows) == size]
    mean = float(np.mean([_square(problem.value_and_gradient(w, rows)[1]) for rows in parts]))
    spread = (mean - signal) * size * (n - 1) / (n - size)
    return GradientNoise(max(0.0, spread), signal)


def _square(v: Array) -> float:
    return float((v * v).sum())
