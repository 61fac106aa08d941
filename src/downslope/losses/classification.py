"""Losses of a class: on which side the raw prediction lies and how far, or which of several."""

from dataclasses import dataclass
from typing import ClassVar

from downslope.losses.links import sigmoid, softmax
from downslope.losses.loss import Array, library_of


@dataclass(frozen=True)
class LogLoss:
    """Binary logistic loss ``log(1 + exp(-y z))``, with ``y`` -1 or +1."""

    name: ClassVar[str] = "log_loss"
    code: ClassVar[int] = 9
    link: ClassVar[str] = "logit"
    max_curvature: ClassVar[float | None] = 0.25
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        xp, m = library_of(z), y * z
        return xp.log1p(xp.exp(-abs(m))) + (abs(m) - m) * 0.5

    def slope(self, z: Array, y: Array) -> Array:
        return -y * sigmoid(-y * z)

    def curvature(self, z: Array, y: Array) -> Array:
        e = library_of(z).exp(-abs(z))
        return e / ((1.0 + e) * (1.0 + e))


@dataclass(frozen=True)
class Hinge:
    """Support vector machine's ``max(0, 1 - y z)``."""

    name: ClassVar[str] = "hinge"
    code: ClassVar[int] = 10
    link: ClassVar[str] = "sign"
    max_curvature: ClassVar[float | None] = None
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        gap = 1.0 - y * z
        return gap * (gap > 0)

    def slope(self, z: Array, y: Array) -> Array:
        return -y * (y * z <= 1.0)

    def curvature(self, z: Array, y: Array) -> Array:
        return 0.0 * z


@dataclass(frozen=True)
class SquaredHinge:
    """``max(0, 1 - y z)^2``: a margin with a slope that does not jump."""

    name: ClassVar[str] = "squared_hinge"
    code: ClassVar[int] = 11
    link: ClassVar[str] = "sign"
    max_curvature: ClassVar[float | None] = 2.0
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        gap = 1.0 - y * z
        return gap * gap * (gap > 0)

    def slope(self, z: Array, y: Array) -> Array:
        gap = 1.0 - y * z
        return -2.0 * y * gap * (gap > 0)

    def curvature(self, z: Array, y: Array) -> Array:
        return 0.0 * z + 2.0 * (y * z < 1.0)


@dataclass(frozen=True)
class ModifiedHuber:
    """Squared hinge that turns linear below margin -1; gives probabilities (Zhang 2004)."""

    name: ClassVar[str] = "modified_huber"
    code: ClassVar[int] = 12
    link: ClassVar[str] = "sign"
    max_curvature: ClassVar[float | None] = 2.0
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        m = y * z
        gap = (1.0 - m) * (m < 1.0)
        return library_of(z).where(m >= -1.0, gap * gap, -4.0 * m)

    def slope(self, z: Array, y: Array) -> Array:
        m = y * z
        return library_of(z).where(m >= -1.0, -2.0 * y * (1.0 - m) * (m < 1.0), -4.0 * y)

    def curvature(self, z: Array, y: Array) -> Array:
        m = y * z
        return 0.0 * z + 2.0 * ((m >= -1.0) & (m < 1.0))


@dataclass(frozen=True)
class Perceptron:
    """Rosenblatt's ``max(0, -y z)``: a hinge without margin."""

    name: ClassVar[str] = "perceptron"
    code: ClassVar[int] = 13
    link: ClassVar[str] = "sign"
    max_curvature: ClassVar[float | None] = None
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        m = y * z
        return -m * (m < 0)

    def slope(self, z: Array, y: Array) -> Array:
        return -y * (y * z <= 0.0)

    def curvature(self, z: Array, y: Array) -> Array:
        return 0.0 * z


@dataclass(frozen=True)
class Multinomial:
    """Softmax cross-entropy ``logsumexp(z) - z[y]`` over the last axis of ``z``.

    Examples
    --------
    >>> import numpy as np
    >>> z, y = np.zeros((1, 4)), np.array([2])
    >>> float(Multinomial().value(z, y)[0])  # four equal classes: ln 4
    1.3862943611198906
    """

    name: ClassVar[str] = "multinomial"
    code: ClassVar[int] = 14
    link: ClassVar[str] = "softmax"
    max_curvature: ClassVar[float | None] = 0.5
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        xp, rows = library_of(z), range(z.shape[0])
        top = xp.amax(z, -1)
        return xp.log(xp.exp(z - top[:, None]).sum(-1)) - (z[rows, y] - top)

    def slope(self, z: Array, y: Array) -> Array:
        p = softmax(z)
        p[range(z.shape[0]), y] -= 1.0
        return p

    def curvature(self, z: Array, y: Array) -> Array:
        p = softmax(z)
        return p * (1.0 - p)
