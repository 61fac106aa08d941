"""Rules with one length for all weights: straight down, or along a running sum of gradients."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from downslope.rules.rule import NUMPY, Array, check_share


class Nothing(NamedTuple):
    """Memory of a rule that has none."""


class Velocity(NamedTuple):
    """Memory of momentum: the running sum of gradients."""

    velocity: Array


def _plus(new: Array, share: float, old: Array) -> Array:
    """``new + share * old``."""
    # Fresh arrays as long as the weights are dear: what is new is changed in place.
    if not isinstance(old, NUMPY):
        return new.add(old, alpha=share)
    total = share * old
    total += new
    return total


@dataclass(frozen=True)
class Plain:
    """Straight down the slope: ``direction = gradient``.

    Diverges on a quadratic of largest curvature L when rate > 2 / L.

    Examples
    --------
    >>> Plain().direction(-6.0, 0.0, Nothing(), 0)
    (-6.0, Nothing())
    """

    name: ClassVar[str] = "plain"
    scales_coordinates: ClassVar[bool] = False
    always_descends: ClassVar[bool] = True
    stable_product: ClassVar[float | None] = 2.0

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def direction(
        self, gradient: Array, w: Array, memory: Nothing, k: int
    ) -> tuple[Array, Nothing]:
        return gradient, memory


@dataclass(frozen=True)
class Momentum:
    """Heavy ball: ``v = beta v + (1 - dampening) g``, first ``v = g``; ``direction = v``.

    Parameters
    ----------
    beta : float, default 0.9
        Share of the last velocity that is kept, in [0, 1); 0.9 remembers about ten steps.
    dampening : float, default 0
        Share of each new gradient that is left out, as in PyTorch; 0 leaves out nothing.

    Raises
    ------
    SettingError
        If a share does not lie in [0, 1).

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = Momentum(), np.zeros(2)
    >>> step, memory = rule.direction(np.array([4.0, -0.5]), w, rule.init(w), 0)
    >>> step
    array([ 4. , -0.5])
    """

    beta: float = 0.9
    dampening: float = 0.0
    name: ClassVar[str] = "momentum"
    scales_coordinates: ClassVar[bool] = False
    always_descends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_share("momentum beta", self.beta)

    @property
    def stable_product(self) -> float | None:
        return 2.0 * (1.0 + self.beta) / (1.0 - self.dampening)

    def init(self, w: Array) -> Velocity:
        return Velocity(0.0 * w)

    def direction(
        self, gradient: Array, w: Array, memory: Velocity, k: int
    ) -> tuple[Array, Velocity]:
        new = (1.0 - self.dampening) * gradient if self.dampening and k > 0 else gradient
        velocity = _plus(new, self.beta, memory.velocity)
        return velocity, Velocity(velocity)


@dataclass(frozen=True)
class Nesterov:
    """Look ahead along the velocity: ``v = beta v + g``; ``direction = g + beta v``.

    Parameters
    ----------
    beta : float, default 0.9
        Share of the last velocity that is kept, in [0, 1); 0.9 remembers about ten steps.

    Raises
    ------
    SettingError
        If a share does not lie in [0, 1).

    References
    ----------
    Nesterov (1983); Sutskever et al. (2013) for this form.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = Nesterov(), np.zeros(2)
    >>> step, memory = rule.direction(np.array([4.0, -0.5]), w, rule.init(w), 0)
    >>> step
    array([ 7.6 , -0.95])
    """

    beta: float = 0.9
    name: ClassVar[str] = "nesterov"
    scales_coordinates: ClassVar[bool] = False
    always_descends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_share("nesterov beta", self.beta)

    @property
    def stable_product(self) -> float | None:
        return 2.0 * (1.0 + self.beta) / (1.0 + 2.0 * self.beta)

    def init(self, w: Array) -> Velocity:
        return Velocity(0.0 * w)

    def direction(
        self, gradient: Array, w: Array, memory: Velocity, k: int
    ) -> tuple[Array, Velocity]:
        velocity = _plus(gradient, self.beta, memory.velocity)
        return _plus(gradient, self.beta, velocity), Velocity(velocity)
