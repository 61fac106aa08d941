"""Activations: what bends a layer's sums, so that layers on layers are more than one line.

Each knows its value, its slope and its curvature at the sums ``a``; ``h`` is the value there,
handed back because most slopes are cheapest from it.

========= ================== ================== ======================= ==========
name      value h            slope dh/da        curvature d2h/da2       start
========= ================== ================== ======================= ==========
identity  a                  1                  0                       Glorot
relu      max(0, a)          1[a > 0]           0                       He
tanh      tanh(a)            1 - h^2            -2 h (1 - h^2)          Glorot
logistic  1 / (1 + exp(-a))  h (1 - h)          h (1 - h) (1 - 2 h)     Glorot
gelu      a Phi(a)           Phi(a) + a phi(a)  phi(a) (2 - a^2)        He
========= ================== ================== ======================= ==========

``Phi`` and ``phi`` are the standard normal's distribution and density. "start" is the spread of the
first weights that keeps signals of one size through the layers (``he``: Gaussian with variance
2 / inputs; ``glorot``: uniform on +-sqrt(6 / (inputs + outputs))).

References
----------
Glorot and Bengio (2010); He et al. (2015), Delving deep into rectifiers; Hendrycks and Gimpel
(2016), Gaussian error linear units.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from scipy.special import expit, ndtr

from downslope.errors import SettingError

Array = Any


class Activation(Protocol):
    """What every activation answers; see the table in the module's docstring."""

    name: ClassVar[str]
    start: ClassVar[str]

    def value(self, a: Array) -> Array:
        """Output of each unit."""
        ...

    def slope(self, a: Array, h: Array) -> Array:
        """Derivative of the output in the sum."""
        ...

    def curvature(self, a: Array, h: Array) -> Array:
        """Second derivative of the output in the sum."""
        ...


@dataclass(frozen=True)
class Identity:
    """No bend: the network is a product of matrices."""

    name: ClassVar[str] = "identity"
    start: ClassVar[str] = "glorot"

    def value(self, a: Array) -> Array:
        return a

    def slope(self, a: Array, h: Array) -> Array:
        return np.ones_like(a)

    def curvature(self, a: Array, h: Array) -> Array:
        return np.zeros_like(a)


@dataclass(frozen=True)
class ReLU:
    """A hinge at zero; its slope there is taken as 0, as in PyTorch.

    Examples
    --------
    >>> a = np.array([-1.0, 0.0, 2.0])
    >>> ReLU().value(a), ReLU().slope(a, ReLU().value(a))
    (array([0., 0., 2.]), array([0., 0., 1.]))
    """

    name: ClassVar[str] = "relu"
    start: ClassVar[str] = "he"

    def value(self, a: Array) -> Array:
        return np.maximum(a, 0.0)

    def slope(self, a: Array, h: Array) -> Array:
        return (a > 0.0).astype(a.dtype)

    def curvature(self, a: Array, h: Array) -> Array:
        return np.zeros_like(a)


@dataclass(frozen=True)
class Tanh:
    """A smooth step from -1 to 1."""

    name: ClassVar[str] = "tanh"
    start: ClassVar[str] = "glorot"

    def value(self, a: Array) -> Array:
        return np.tanh(a)

    def slope(self, a: Array, h: Array) -> Array:
        return 1.0 - h * h

    def curvature(self, a: Array, h: Array) -> Array:
        return -2.0 * h * (1.0 - h * h)


@dataclass(frozen=True)
class Logistic:
    """A smooth step from 0 to 1."""

    name: ClassVar[str] = "logistic"
    start: ClassVar[str] = "glorot"

    def value(self, a: Array) -> Array:
        return expit(a)

    def slope(self, a: Array, h: Array) -> Array:
        return h * (1.0 - h)

    def curvature(self, a: Array, h: Array) -> Array:
        return h * (1.0 - h) * (1.0 - 2.0 * h)


@dataclass(frozen=True)
class GELU:
    """A smooth ReLU, ``a Phi(a)`` with the exact normal distribution (not the tanh formula)."""

    name: ClassVar[str] = "gelu"
    start: ClassVar[str] = "he"

    def value(self, a: Array) -> Array:
        return a * ndtr(a)

    def slope(self, a: Array, h: Array) -> Array:
        return ndtr(a) + a * _density(a)

    def curvature(self, a: Array, h: Array) -> Array:
        return _density(a) * (2.0 - a * a)


def _density(a: Array) -> Array:
    return np.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi)


RELU = ReLU()

ACTIVATIONS: dict[str, type[Any]] = {
    cls.name: cls for cls in (Identity, ReLU, Tanh, Logistic, GELU)
}


def make_activation(name: str) -> Activation:
    """Activation of that name.

    Raises
    ------
    SettingError
        If no activation has that name.
    """
    if name not in ACTIVATIONS:
        raise SettingError(
            f"activation={name!r} is unknown; choose one of {', '.join(ACTIVATIONS)}."
        )
    activation: Activation = ACTIVATIONS[name]()
    return activation
