"""Losses of a number: how far the raw prediction lies from the target, or its exponential does."""

from dataclasses import dataclass
from typing import ClassVar

from downslope.errors import SettingError
from downslope.losses.loss import Array, library_of


@dataclass(frozen=True)
class MeanSquares:
    """Textbook squared error ``(z - y)^2``: its mean over rows is the MSE.

    Examples
    --------
    >>> MeanSquares().value(3.0, 1.0), MeanSquares().slope(3.0, 1.0)
    (4.0, 4.0)
    """

    name: ClassVar[str] = "mse"
    code: ClassVar[int] = 0
    link: ClassVar[str] = "identity"
    max_curvature: ClassVar[float | None] = 2.0
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        return (z - y) * (z - y)

    def slope(self, z: Array, y: Array) -> Array:
        return 2.0 * (z - y)

    def curvature(self, z: Array, y: Array) -> Array:
        return 0.0 * z + 2.0


@dataclass(frozen=True)
class SquaredError:
    """scikit-learn's half of the squared error, ``(z - y)^2 / 2``."""

    name: ClassVar[str] = "squared_error"
    code: ClassVar[int] = 1
    link: ClassVar[str] = "identity"
    max_curvature: ClassVar[float | None] = 1.0
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        return 0.5 * (z - y) * (z - y)

    def slope(self, z: Array, y: Array) -> Array:
        return z - y

    def curvature(self, z: Array, y: Array) -> Array:
        return 0.0 * z + 1.0


@dataclass(frozen=True)
class Huber:
    """Squared near zero, absolute beyond ``epsilon`` (Huber 1964).

    Parameters
    ----------
    epsilon : float, default 0.1
        Width of the squared part, in units of the target; scikit-learn's default in SGD.
    """

    epsilon: float = 0.1
    name: ClassVar[str] = "huber"
    code: ClassVar[int] = 2
    link: ClassVar[str] = "identity"
    max_curvature: ClassVar[float | None] = 1.0

    @property
    def parameter(self) -> float:
        return self.epsilon

    def value(self, z: Array, y: Array) -> Array:
        xp, size, e = library_of(z), abs(z - y), self.epsilon
        return xp.where(size <= e, 0.5 * size * size, e * size - 0.5 * e * e)

    def slope(self, z: Array, y: Array) -> Array:
        xp, r, e = library_of(z), z - y, self.epsilon
        return xp.where(abs(r) <= e, r, e * xp.sign(r))

    def curvature(self, z: Array, y: Array) -> Array:
        return library_of(z).where(abs(z - y) <= self.epsilon, 1.0 + 0.0 * z, 0.0 * z)


@dataclass(frozen=True)
class AbsoluteError:
    """``|z - y|``: the median's loss."""

    name: ClassVar[str] = "absolute_error"
    code: ClassVar[int] = 3
    link: ClassVar[str] = "identity"
    max_curvature: ClassVar[float | None] = None
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        return abs(z - y)

    def slope(self, z: Array, y: Array) -> Array:
        return library_of(z).sign(z - y)

    def curvature(self, z: Array, y: Array) -> Array:
        return 0.0 * z


@dataclass(frozen=True)
class Quantile:
    """Pinball loss of the ``quantile``-th quantile (Koenker and Bassett 1978).

    Parameters
    ----------
    quantile : float, default 0.5
        Share of targets that should lie below the prediction, strictly between 0 and 1.
    """

    quantile: float = 0.5
    name: ClassVar[str] = "quantile"
    code: ClassVar[int] = 4
    link: ClassVar[str] = "identity"
    max_curvature: ClassVar[float | None] = None

    def __post_init__(self) -> None:
        if not 0.0 < self.quantile < 1.0:
            raise SettingError(
                f"quantile={self.quantile!r} is outside (0, 1); use 0.5 for the median."
            )

    @property
    def parameter(self) -> float:
        return self.quantile

    def value(self, z: Array, y: Array) -> Array:
        r = y - z
        return library_of(z).where(r >= 0, self.quantile * r, (self.quantile - 1.0) * r)

    def slope(self, z: Array, y: Array) -> Array:
        r = z - y
        return library_of(z).where(
            r > 0, 1.0 - self.quantile + 0.0 * z, 0.0 * z - self.quantile
        ) * (r != 0)

    def curvature(self, z: Array, y: Array) -> Array:
        return 0.0 * z


@dataclass(frozen=True)
class EpsilonInsensitive:
    """Absolute error that forgives ``epsilon``: support vector regression."""

    epsilon: float = 0.1
    name: ClassVar[str] = "epsilon_insensitive"
    code: ClassVar[int] = 5
    link: ClassVar[str] = "identity"
    max_curvature: ClassVar[float | None] = None

    @property
    def parameter(self) -> float:
        return self.epsilon

    def value(self, z: Array, y: Array) -> Array:
        excess = abs(z - y) - self.epsilon
        return excess * (excess > 0)

    def slope(self, z: Array, y: Array) -> Array:
        r = z - y
        return library_of(z).sign(r) * (abs(r) > self.epsilon)

    def curvature(self, z: Array, y: Array) -> Array:
        return 0.0 * z


@dataclass(frozen=True)
class SquaredEpsilonInsensitive:
    """Square of the error beyond ``epsilon``."""

    epsilon: float = 0.1
    name: ClassVar[str] = "squared_epsilon_insensitive"
    code: ClassVar[int] = 6
    link: ClassVar[str] = "identity"
    max_curvature: ClassVar[float | None] = 2.0

    @property
    def parameter(self) -> float:
        return self.epsilon

    def value(self, z: Array, y: Array) -> Array:
        excess = abs(z - y) - self.epsilon
        return excess * excess * (excess > 0)

    def slope(self, z: Array, y: Array) -> Array:
        r = z - y
        excess = abs(r) - self.epsilon
        return 2.0 * library_of(z).sign(r) * excess * (excess > 0)

    def curvature(self, z: Array, y: Array) -> Array:
        return 0.0 * z + 2.0 * (abs(z - y) > self.epsilon)


@dataclass(frozen=True)
class Poisson:
    """Half the Poisson deviance with log link, up to a term without ``z``: ``exp(z) - y z``."""

    name: ClassVar[str] = "poisson"
    code: ClassVar[int] = 7
    link: ClassVar[str] = "log"
    max_curvature: ClassVar[float | None] = None
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        return library_of(z).exp(z) - y * z

    def slope(self, z: Array, y: Array) -> Array:
        return library_of(z).exp(z) - y

    def curvature(self, z: Array, y: Array) -> Array:
        return library_of(z).exp(z)


@dataclass(frozen=True)
class Gamma:
    """Half the gamma deviance with log link, up to a term without ``z``: ``z + y exp(-z)``."""

    name: ClassVar[str] = "gamma"
    code: ClassVar[int] = 8
    link: ClassVar[str] = "log"
    max_curvature: ClassVar[float | None] = None
    parameter: ClassVar[float] = 0.0

    def value(self, z: Array, y: Array) -> Array:
        return z + y * library_of(z).exp(-z)

    def slope(self, z: Array, y: Array) -> Array:
        return 1.0 - y * library_of(z).exp(-z)

    def curvature(self, z: Array, y: Array) -> Array:
        return y * library_of(z).exp(-z)
