"""A problem seen in round coordinates: what the default walks on, for every reader that asks.

The round bowl's own coordinates come from a sketch and are not for looking at. These are their
exact twin at one point: u = S w with S the symmetric square root of the Hessian there, the choice
whose coordinates stay as close to the weights they are named after as round ones can (Kessy, Lewin
and Strimmer 2018). What answers here is a problem like any other, so ``run``, ``curvature``,
``landscape`` and ``diagnose`` work in round coordinates as they do in the user's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.curvature import hessian
from downslope.errors import PairError
from downslope.objective import Objective

Array = Any
FLAT = 1e-12
"""Eigenvalues below this share of the largest are directions without curvature: left as they are.
"""


@dataclass(frozen=True)
class InRound:
    """A smooth problem in the coordinates ``u = stretch @ w``; made by ``in_round``.

    Attributes
    ----------
    problem : Objective
        The same problem in its weights.
    stretch, shrink : array of shape (n_weights, n_weights)
        From weights to round coordinates, and back.
    """

    problem: Objective
    stretch: Array
    shrink: Array
    has_rest = False

    @property
    def size(self) -> int:
        """Number of coordinates: as many as weights."""
        return len(self.stretch)

    def to_round(self, w: Array) -> Array:
        """Round coordinates of weights; of many, one set per row."""
        return np.asarray(w) @ self.stretch

    def to_weights(self, u: Array) -> Array:
        """Weights at round coordinates; at many, one set per row."""
        return np.asarray(u) @ self.shrink

    def value_and_gradient(self, u: Array, rows: Any = None) -> tuple[float, Array]:
        """The objective and its gradient in ``u``."""
        value, gradient = self.problem.value_and_gradient(self.to_weights(u), rows)
        return value, gradient @ self.shrink

    def value(self, u: Array, rows: Any = None) -> float:
        """The objective."""
        return self.problem.value(self.to_weights(u), rows)

    def curvature_product(self, u: Array, v: Array, rows: Any = None) -> Array:
        """Hessian in ``u`` times ``v``."""
        w, change = self.to_weights(u), self.to_weights(v)
        return self.problem.curvature_product(w, change, rows) @ self.shrink

    def rest(self, u: Array) -> float:
        """Nothing: the problem is smooth."""
        return 0.0

    def moved(self, u: Array, direction: Array, length: float) -> Array:
        """Where a step ends."""
        return u - length * direction

    def penalty_value(self, u: Array) -> float:
        """Whole penalty at ``u``."""
        return self.problem.penalty_value(self.to_weights(u))

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Any]:
        """One epoch of batches of the problem."""
        return self.problem.batches(size, seed, epoch)

    def count(self, rows: Any) -> int:
        """Rows in a batch."""
        return self.problem.count(rows)


def in_round(problem: Objective, w: Array) -> InRound:
    """The problem in coordinates in which its bowl is round at ``w``.

    Parameters
    ----------
    problem : Objective
        Smooth, of few weights: the whole Hessian is made.
    w : array of shape (n_weights,)
        Where the curvature is taken; at the lowest point for a picture of the valley.

    Raises
    ------
    PairError
        Where a penalty with corners is part of the objective: L1 pulls along the weights, and
        round coordinates turn them.

    Examples
    --------
    >>> from downslope.curvature import curvature
    >>> from downslope.losses import MeanSquares
    >>> from downslope.sources.memory import MemoryRows
    >>> X, y = np.array([[100.0, 1.0], [150.0, 2.0], [210.0, 2.0]]), np.array([8.0, 12.0, 16.0])
    >>> problem = Objective(MemoryRows(X, y), MeanSquares())
    >>> seen = in_round(problem, np.zeros(3))
    >>> before, after = curvature(problem, np.zeros(3)), curvature(seen, np.zeros(3))
    >>> f"{before.condition:.3g} before, {after.condition:.3g} after"
    '4.99e+05 before, 1 after'
    """
    if problem.has_rest:
        raise PairError(
            "Round coordinates mix the weights, and an L1 penalty has its corners where single "
            "weights are zero; ask for them with penalty='l2' or none."
        )
    bends, axes = np.linalg.eigh(hessian(problem, np.asarray(w, dtype=float)))
    roots = np.sqrt(np.where(bends > FLAT * bends[-1], bends, 1.0))
    return InRound(problem, (axes * roots) @ axes.T, (axes / roots) @ axes.T)
