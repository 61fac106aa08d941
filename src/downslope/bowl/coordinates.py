"""Simple changes of coordinates, for problems too wide for a full factor R."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = Any


class Coordinates(Protocol):
    """A linear change of coordinates, ``w = w0 + lift(u)``."""

    @property
    def rho(self) -> float:
        """How far from round: eigenvalues lie in [1/(1 + rho)^2, 1/(1 - rho)^2]."""
        ...

    @property
    def rank(self) -> int:
        """Number of directions."""
        ...

    def lift(self, u: Array) -> Array:
        """Change of the weights."""
        ...

    def pull(self, gradient: Array) -> Array:
        """Gradient in ``u`` of a gradient in the weights."""
        ...

    def to_round(self, change: Array) -> Array:
        """Coordinates of a change of the weights; undoes ``lift``."""
        ...

    def unpull(self, slope: Array) -> Array:
        """Gradient in the weights of a gradient in ``u``; undoes ``pull``."""
        ...


@dataclass(frozen=True)
class Diagonal:
    """Every weight on its own scale.

    Parameters
    ----------
    lengths : array of shape (n_weights,)
        Root of the curvature of each weight; one of length 0 stays where it is.
    """

    lengths: Array
    rho: float = 0.0

    @property
    def rank(self) -> int:
        """Number of weights that the loss feels."""
        return int(np.count_nonzero(self.lengths))

    def lift(self, u: Array) -> Array:
        """Change of the weights."""
        return np.divide(u, self.lengths, out=np.zeros_like(u), where=self.lengths > 0.0)

    def pull(self, gradient: Array) -> Array:
        """Gradient in the scaled weights."""
        return self.lift(gradient)

    def to_round(self, change: Array) -> Array:
        """Scaled change of a change of the weights; undoes ``lift``."""
        return change * self.lengths

    def unpull(self, slope: Array) -> Array:
        """Gradient in the weights of a gradient in the scaled ones; undoes ``pull``."""
        return slope * self.lengths


@dataclass(frozen=True)
class Shared:
    """One change of coordinates of the features, the same for every class.

    Flat ``u`` holds class after class. The coordinates are those of least squares whose rows weigh
    as much as the curvature of their cross-entropy, p_k (1 - p_k) in the mean over the classes.
    """

    features: Coordinates
    n_outputs: int
    rho: float = 0.0

    @property
    def rank(self) -> int:
        """Number of directions."""
        return self.features.rank * self.n_outputs

    def lift(self, u: Array) -> Array:
        """Change of the flat weights (features, classes)."""
        return self.features.lift(u.reshape(self.n_outputs, -1)).T.ravel()

    def pull(self, gradient: Array) -> Array:
        """Gradient in ``u``."""
        return self.features.pull(gradient.reshape(-1, self.n_outputs).T).ravel()

    def to_round(self, change: Array) -> Array:
        """Coordinates of a change of the weights."""
        parts = change.reshape(-1, self.n_outputs).T
        return np.concatenate([self.features.to_round(part) for part in parts])

    def unpull(self, slope: Array) -> Array:
        """Gradient in the weights of a gradient in ``u``; undoes ``pull``."""
        parts = slope.reshape(self.n_outputs, -1)
        return np.stack([self.features.unpull(part) for part in parts], axis=1).ravel()
