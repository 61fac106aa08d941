"""Losses with a corner, rounded off by a parabola one unit wide: see ``bowl.rounding``."""

from dataclasses import dataclass
from typing import ClassVar

from downslope.losses.loss import Array, library_of


@dataclass(frozen=True)
class RoundQuantile:
    """The quantile loss with a round corner."""

    quantile: float
    name: ClassVar[str] = "round_quantile"
    code: ClassVar[int] = 20
    link: ClassVar[str] = "identity"
    max_curvature: ClassVar[float | None] = 1.0

    @property
    def parameter(self) -> float:
        return self.quantile

    def value(self, z: Array, y: Array) -> Array:
        theta = self.slope(z, y)
        return theta * (z - y) - 0.5 * theta * theta

    def slope(self, z: Array, y: Array) -> Array:
        return library_of(z).clip(z - y, -self.quantile, 1.0 - self.quantile)

    def curvature(self, z: Array, y: Array) -> Array:
        r = z - y
        return 1.0 * ((r > -self.quantile) & (r < 1.0 - self.quantile))


@dataclass(frozen=True)
class RoundEpsilonInsensitive:
    """The epsilon-insensitive loss with round corners."""

    epsilon: float
    name: ClassVar[str] = "round_epsilon_insensitive"
    code: ClassVar[int] = 21
    link: ClassVar[str] = "identity"
    max_curvature: ClassVar[float | None] = 1.0

    @property
    def parameter(self) -> float:
        return self.epsilon

    def value(self, z: Array, y: Array) -> Array:
        clip, excess = library_of(z).clip, abs(z - y) - self.epsilon
        excess, theta = excess * (excess > 0.0), clip(excess, 0.0, 1.0)
        return theta * excess - 0.5 * theta * theta

    def slope(self, z: Array, y: Array) -> Array:
        xp = library_of(z)
        return xp.sign(z - y) * xp.clip(abs(z - y) - self.epsilon, 0.0, 1.0)

    def curvature(self, z: Array, y: Array) -> Array:
        excess = abs(z - y) - self.epsilon
        return 1.0 * ((excess > 0.0) & (excess < 1.0))


@dataclass(frozen=True)
class RoundHinge:
    """The hinge loss with a round corner at a margin other than 1."""

    margin: float
    name: ClassVar[str] = "round_hinge"
    code: ClassVar[int] = 22
    link: ClassVar[str] = "sign"
    max_curvature: ClassVar[float | None] = 1.0

    @property
    def parameter(self) -> float:
        return self.margin

    def value(self, z: Array, y: Array) -> Array:
        gap = self.margin - y * z
        slide = library_of(z).clip(gap, 0.0, 1.0)
        return slide * gap - 0.5 * slide * slide

    def slope(self, z: Array, y: Array) -> Array:
        return -y * library_of(z).clip(self.margin - y * z, 0.0, 1.0)

    def curvature(self, z: Array, y: Array) -> Array:
        gap = self.margin - y * z
        return 1.0 * ((gap > 0.0) & (gap < 1.0))
