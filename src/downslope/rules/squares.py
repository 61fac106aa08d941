"""Rules with a length for each weight: the gradient over the size that gradients had there."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from downslope.rules.rule import Array, check_share


class Squares(NamedTuple):
    """Memory of AdaGrad: the sum of squared gradients."""

    total: Array


@dataclass(frozen=True)
class AdaGrad:
    """``s = s + g^2``; ``direction = g / (sqrt(s) + eps)``.

    Parameters
    ----------
    eps : float, default 1e-10
        Added below the fraction bar; PyTorch's.

    References
    ----------
    Duchi, Hazan and Singer (2011), Adaptive subgradient methods.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = AdaGrad(), np.zeros(2)
    >>> step, memory = rule.direction(np.array([4.0, -0.5]), w, rule.init(w), 0)
    >>> step
    array([ 1., -1.])
    """

    eps: float = 1e-10
    name: ClassVar[str] = "adagrad"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = True
    stable_product: ClassVar[float | None] = 2.0

    def init(self, w: Array) -> Squares:
        return Squares(0.0 * w)

    def direction(
        self, gradient: Array, w: Array, memory: Squares, k: int
    ) -> tuple[Array, Squares]:
        total = memory.total + gradient * gradient
        return gradient / (total**0.5 + self.eps), Squares(total)


class TwoSquares(NamedTuple):
    """Memory of AdaDelta: mean squared gradients and mean squared steps."""

    gradients: Array
    steps: Array


@dataclass(frozen=True)
class AdaDelta:
    """Steps in units of earlier steps; the usual rate is 1.

    ``s = rho s + (1 - rho) g^2``; ``direction = g sqrt(u + eps) / sqrt(s + eps)``;
    ``u = rho u + (1 - rho) direction^2``.

    Parameters
    ----------
    rho : float, default 0.9
        Share kept of both running means of squares, in [0, 1).
    eps : float, default 1e-6
        Added under both roots; it sets the size of the first steps.

    Raises
    ------
    SettingError
        If a share does not lie in [0, 1).

    References
    ----------
    Zeiler (2012), ADADELTA.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = AdaDelta(), np.zeros(2)
    >>> step, memory = rule.direction(np.array([4.0, -0.5]), w, rule.init(w), 0)
    >>> step
    array([ 0.00316228, -0.00316221])
    """

    rho: float = 0.9
    eps: float = 1e-6
    name: ClassVar[str] = "adadelta"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = True
    stable_product: ClassVar[float | None] = None

    def __post_init__(self) -> None:
        check_share("adadelta rho", self.rho)

    def init(self, w: Array) -> TwoSquares:
        return TwoSquares(0.0 * w, 0.0 * w)

    def direction(
        self, gradient: Array, w: Array, memory: TwoSquares, k: int
    ) -> tuple[Array, TwoSquares]:
        seen = self.rho * memory.gradients + (1.0 - self.rho) * gradient * gradient
        step = (memory.steps + self.eps) ** 0.5 / (seen + self.eps) ** 0.5 * gradient
        taken = self.rho * memory.steps + (1.0 - self.rho) * step * step
        return step, TwoSquares(seen, taken)


class Spread(NamedTuple):
    """Memory of RMSProp: mean squared gradient, mean gradient, velocity."""

    squares: Array
    mean: Array
    velocity: Array


@dataclass(frozen=True)
class RMSProp:
    """``s = alpha s + (1 - alpha) g^2``; ``direction = g / (sqrt(s) + eps)``.

    ``centered`` subtracts the squared mean gradient from ``s``; ``momentum`` sums directions.

    Parameters
    ----------
    alpha : float, default 0.99
        Share kept of the running mean of squares, in [0, 1); remembers about a hundred steps.
    eps : float, default 1e-8
        Added below the fraction bar, so that a gradient of zero gives no step.
    momentum : float, default 0
        Share of the last step that is added, in [0, 1); 0 for none, as published.
    centered : bool, default False
        Whether the squared mean is taken off first, so that a variance remains.

    Raises
    ------
    SettingError
        If a share does not lie in [0, 1).

    References
    ----------
    Tieleman and Hinton (2012), Lecture 6.5; Graves (2013) for the centred form.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = RMSProp(), np.zeros(2)
    >>> step, memory = rule.direction(np.array([4.0, -0.5]), w, rule.init(w), 0)
    >>> step
    array([ 9.99999975, -9.999998  ])
    """

    alpha: float = 0.99
    eps: float = 1e-8
    centered: bool = False
    momentum: float = 0.0
    name: ClassVar[str] = "rmsprop"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_share("rmsprop alpha", self.alpha)
        check_share("rmsprop momentum", self.momentum)

    @property
    def stable_product(self) -> float | None:
        return 2.0 * (1.0 + self.momentum)

    def init(self, w: Array) -> Spread:
        return Spread(0.0 * w, 0.0 * w, 0.0 * w)

    def direction(self, gradient: Array, w: Array, memory: Spread, k: int) -> tuple[Array, Spread]:
        squares = self.alpha * memory.squares + (1.0 - self.alpha) * gradient * gradient
        mean = self.alpha * memory.mean + (1.0 - self.alpha) * gradient
        variance = squares - self.centered * mean * mean
        step = gradient / (variance**0.5 + self.eps)
        velocity = self.momentum * memory.velocity + step
        return velocity, Spread(squares, mean, velocity)
