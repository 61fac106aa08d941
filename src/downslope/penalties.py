"""Penalties: what large weights cost.

The smooth part has a gradient; the rest has a proximal step, which is what makes exact zeros.

=========== ================================================= ===========
name        value                                             exact zeros
=========== ================================================= ===========
none        0                                                 no
l2          alpha / 2 * sum(w^2)                              no
l1          alpha * sum(abs(w))                               yes
elasticnet  alpha * (l1_ratio * l1 + (1 - l1_ratio) * l2)     yes
=========== ================================================= ===========

``alpha`` and ``l1_ratio`` mean what they mean in scikit-learn's ``SGDRegressor``. The intercept is
never part of ``w`` here. One class covers all four: they differ by two numbers only.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.errors import SettingError

Array = Any
NAMES = ("none", "l2", "l1", "elasticnet")


@dataclass(frozen=True)
class Penalty:
    """``l1 * sum(abs(w)) + l2 / 2 * sum(w^2)``.

    Parameters
    ----------
    l1, l2 : float, default 0
        Weights of the two parts, in units of the mean loss; both at least 0.

    Raises
    ------
    SettingError
        If either is negative or not finite.

    References
    ----------
    Parikh and Boyd (2014), Proximal Algorithms, section 6.5.

    Examples
    --------
    >>> import numpy as np
    >>> lasso = Penalty(l1=1.0)
    >>> lasso.value(np.array([3.0, -2.0]))
    5.0
    >>> lasso.prox(np.array([3.0, -0.5]), 1.0)  # shrinks by 1, and zero is exact
    array([2., 0.])
    """

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        for name, number in (("l1", self.l1), ("l2", self.l2)):
            if not (number >= 0.0 and np.isfinite(number)):
                raise SettingError(
                    f"penalty weight {name}={number!r} must be a finite number, 0 or more."
                )

    def value(self, w: Array) -> float:
        """Whole penalty, both parts."""
        return float(self.l1 * abs(w).sum() + 0.5 * self.l2 * (w * w).sum())

    def gradient(self, w: Array) -> Array:
        """Gradient of the smooth (L2) part."""
        return self.l2 * w

    @property
    def has_rest(self) -> bool:
        """Whether there is an L1 part, which has no gradient and goes through ``prox``."""
        return self.l1 > 0.0

    def rest(self, w: Array) -> float:
        """Part without a gradient, ``l1 |w|_1``."""
        return float(self.l1 * abs(w).sum()) if self.has_rest else 0.0

    def prox(self, w: Array, step: Array) -> Array:
        """Minimiser of ``l1 * sum(abs(v)) + sum((v - w)^2 / (2 step))``: soft thresholding."""
        if not self.has_rest:
            return w
        shrunk = abs(w) - self.l1 * step
        return shrunk * (shrunk > 0) * (1.0 - 2.0 * (w < 0))

    def moved(self, w: Array, direction: Array, length: float, n_penalised: int) -> Array:
        """Where a step ends: downhill, then ``prox`` of the first weights, which are penalised."""
        w = w - length * direction
        if not self.has_rest:
            return w
        return np.concatenate((self.prox(w[:n_penalised], length), w[n_penalised:]))


NO_PENALTY = Penalty()


def make_penalty(name: str | None, alpha: float = 0.0, l1_ratio: float = 0.15) -> Penalty:
    """Penalty by scikit-learn's names.

    Parameters
    ----------
    name : {"none", "l2", "l1", "elasticnet"} or None
    alpha : float, default 0
        Weight of the whole penalty, in units of the mean loss; 0 changes nothing.
    l1_ratio : float, default 0.15
        Share of L1 in "elasticnet"; scikit-learn's.

    Returns
    -------
    Penalty

    Raises
    ------
    SettingError
        For an unknown name, a negative ``alpha`` or an ``l1_ratio`` outside [0, 1].

    Examples
    --------
    >>> make_penalty("elasticnet", alpha=0.1, l1_ratio=0.25)
    Penalty(l1=0.025, l2=0.07500000000000001)
    """
    if not (alpha >= 0.0 and np.isfinite(alpha)):
        raise SettingError(f"alpha={alpha!r} must be a finite number, 0 or more.")
    if not 0.0 <= l1_ratio <= 1.0:
        raise SettingError(f"l1_ratio={l1_ratio!r} must lie between 0 (all L2) and 1 (all L1).")
    match name:
        case None | "none":
            return Penalty()
        case "l2":
            return Penalty(l2=alpha)
        case "l1":
            return Penalty(l1=alpha)
        case "elasticnet":
            return Penalty(l1=alpha * l1_ratio, l2=alpha * (1.0 - l1_ratio))
    raise SettingError(f"penalty={name!r} is unknown; choose one of {', '.join(NAMES)}.")
