"""Weights that a curve is straight in, solved for wherever the bent ones stand.

In ``b1*exp(b2/(x + b3))`` the best b1 for given b2 and b3 is one linear least-squares problem. So
the walk goes over b2 and b3 alone, on the ground that is left when b1 always follows: it has no
valley that winds through all magnitudes of b1. This is variable projection.

References
----------
Golub and Pereyra (1973), The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate; Kaufman (1975) for the Jacobian.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from downslope.problems.formula import Formula

Array = Any
RANK = 1e-14
"""Directions in which the straight columns are shorter than this share of the longest are none."""


class Curve(Protocol):
    """A model over a table, as far as it is needed here."""

    def residuals_and_jacobian(self, w: Array) -> tuple[Array, Array]: ...


def straight_weights(model: Formula, names: tuple[str, ...]) -> tuple[int, ...]:
    """Numbers of the weights that the model is straight in, all of them together.

    Where it is straight in every weight, the last counts as bent, so that there is a walk.

    Examples
    --------
    >>> from downslope.problems.formula import parse
    >>> straight_weights(parse("a + b*exp(-c*x)"), ("a", "b", "c"))
    (0, 1)
    >>> straight_weights(parse("a + b*x"), ("a", "b"))
    (0,)
    """
    slopes = dict(zip(model.names, model.gradient_expressions, strict=True))
    found: list[int] = []
    for i, name in enumerate(names):
        together = {*(names[j] for j in found), name}
        free = (str(symbol) for other in together for symbol in slopes[other].free_symbols)
        if together.isdisjoint(free):
            found.append(i)
    return tuple(found[:-1] if len(found) == len(names) else found)


@dataclass(frozen=True)
class Bent:
    """A curve as a function of its bent weights: the straight ones are the best there are.

    Attributes
    ----------
    curve : Curve
    straight, bent : tuple of int
        Which of the curve's weights are which.
    """

    curve: Curve
    straight: tuple[int, ...]
    bent: tuple[int, ...]

    def whole(self, u: Array) -> Array:
        """All weights of the curve, straight ones included, where the bent ones are ``u``."""
        return self._settled(u)[0]

    def residuals_and_jacobian(self, u: Array) -> tuple[Array, Array]:
        """Residuals (n_rows,) and how they change with ``u`` while the straight weights follow."""
        w, within = self._settled(u)
        residuals, J = self.curve.residuals_and_jacobian(w)
        J = J[:, self.bent]
        return residuals, J - within @ (within.T @ J)

    def evaluate(self, u: Array) -> tuple[float, Array]:
        """Sum of squared residuals and its gradient."""
        with np.errstate(all="ignore"):  # a trial step may overflow; the search comes back
            residuals, J = self.residuals_and_jacobian(u)
            return float(residuals @ residuals), 2.0 * J.T @ residuals

    def jacobian(self, u: Array) -> Array:
        """Derivatives of the residuals."""
        return self.residuals_and_jacobian(u)[1]

    def promise(self, u: Array) -> float:
        """Share of the sum of squares by which a straight model of the residuals would fall.

        The squared relative offset of Bates and Watts (1981).
        """
        residuals, J = self.residuals_and_jacobian(u)
        total = float(residuals @ residuals)
        within = np.linalg.qr(J)[0].T @ residuals
        return float(within @ within) / total if total > 0.0 else 0.0

    def _settled(self, u: Array) -> tuple[Array, Array]:
        """All weights, and an orthonormal basis of what the straight ones reach."""
        w = np.zeros(len(self.straight) + len(self.bent))
        w[list(self.bent)] = u
        residuals, J = self.curve.residuals_and_jacobian(w)
        columns = J[:, self.straight]
        if not (np.isfinite(columns).all() and np.isfinite(residuals).all()):
            return np.full_like(w, np.nan), np.zeros_like(columns)
        lengths = np.linalg.norm(columns, axis=0)
        lengths = np.where(lengths > 0.0, lengths, 1.0)
        U, s, Vt = np.linalg.svd(columns / lengths, full_matrices=False)
        kept = s > RANK * s.max(initial=0.0)
        within = U[:, kept]
        w[list(self.straight)] = -(Vt[kept].T @ (within.T @ residuals / s[kept])) / lengths
        return w, within
