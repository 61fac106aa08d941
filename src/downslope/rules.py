"""Update rules: which way to step, given the gradient.

A rule is two pure functions: ``init(w)`` makes its memory, ``direction(gradient, w, memory, k)``
answers the direction of step ``k`` (counted from 0) and the next memory. The walk then moves to
``w - rate * direction``. Only ``+ - * / **`` and comparisons are used, so NumPy arrays and torch
tensors both pass through.

Same-named rules differ between libraries; these are PyTorch's (``torch.optim``), bias corrections
and places of ``eps`` included. Optax differs for NAdam (no momentum decay schedule), AMSGrad
(maximum taken after bias correction), AdaGrad (accumulator starts at 0.1) and RMSProp (decay 0.9,
eps inside the root).

Adam-like rules divide by the gradient's own size, so a coordinate whose exact gradient is zero but
whose computed one is rounding noise (1e-19, say) walks at full speed on that noise. These rules do
not hide it: they step as PyTorch does. It matters only where a weight starts exactly at its
optimum, as the intercept of standardised columns does, and it dies with a decaying rate.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from downslope.errors import SettingError

Array = Any


class Rule(Protocol):
    """Which way: see the module's docstring."""

    name: ClassVar[str]
    scales_coordinates: ClassVar[bool]
    """Each weight has its own step length, so a scalar-length prox would be wrong."""
    always_descends: ClassVar[bool]
    """The direction has a positive product with the gradient, so a line search can end."""

    @property
    def stable_product(self) -> float | None:
        """Largest rate times curvature that does not diverge on a quadratic (None: no bound).

        For rules that scale coordinates the curvature is that of the rescaled Hessian.
        """
        ...

    def init(self, w: Array) -> Any:
        """Memory before the first step."""
        ...

    def direction(self, gradient: Array, w: Array, memory: Any, k: int) -> tuple[Array, Any]:
        """Direction of step ``k`` and the memory after it."""
        ...


def _share(name: str, number: float) -> None:
    if not 0.0 <= number < 1.0:
        raise SettingError(f"{name}={number!r} must lie in [0, 1); 0.9 is the usual choice.")


NUMPY = (np.ndarray, float)
"""What has operators only; a tensor does the two sums below in one reading of both parts."""


def _plus(new: Array, share: float, old: Array) -> Array:
    """``new + share * old``."""
    # Fresh arrays as long as the weights are dear: what is new is changed in place.
    if not isinstance(old, NUMPY):
        return new.add(old, alpha=share)
    total = share * old
    total += new
    return total


def _towards(old: Array, new: Array, share: float) -> Array:
    """``old`` after a share of its way to ``new``."""
    if not isinstance(old, NUMPY):
        return old.lerp(new, share)
    moved = new - old
    moved *= share
    moved += old
    return moved


class Nothing(NamedTuple):
    """Memory of a rule that has none."""


class Velocity(NamedTuple):
    """Memory of momentum: the running sum of gradients."""

    velocity: Array


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
        _share("momentum beta", self.beta)

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
        _share("nesterov beta", self.beta)

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
        _share("adadelta rho", self.rho)

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
        _share("rmsprop alpha", self.alpha)
        _share("rmsprop momentum", self.momentum)

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


class Moments(NamedTuple):
    """Memory of the Adam family: mean gradient, mean squared gradient, one number or array more."""

    mean: Array
    squares: Array
    extra: Array


def _adam_moments(
    gradient: Array, memory: Moments, beta1: float, beta2: float
) -> tuple[Array, Array]:
    """Mean and mean square of the gradients so far."""
    mean = _towards(memory.mean, gradient, 1.0 - beta1)
    return mean, _towards(memory.squares, gradient * gradient, 1.0 - beta2)


@dataclass(frozen=True)
class Adam:
    """Momentum over root mean square, both corrected for their start at zero.

    ``m = b1 m + (1 - b1) g``; ``s = b2 s + (1 - b2) g^2``;
    ``direction = (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + eps)``.

    Parameters
    ----------
    beta1, beta2 : float, default 0.9 and 0.999
        Shares kept of the running mean of gradients and of their squares, in [0, 1): memories of
        about ten and a thousand steps, as published.
    eps : float, default 1e-8
        Added below the fraction bar, so that a gradient of zero gives no step; small against any
        gradient that matters.

    Raises
    ------
    SettingError
        If a share does not lie in [0, 1).

    References
    ----------
    Kingma and Ba (2015), Adam. The stability limit is Cohen et al. (2022), arXiv 2207.14484.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = Adam(), np.zeros(2)
    >>> step, memory = rule.direction(np.array([4.0, -0.5]), w, rule.init(w), 0)
    >>> step
    array([ 1.        , -0.99999998])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    name: ClassVar[str] = "adam"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _share("adam beta1", self.beta1)
        _share("adam beta2", self.beta2)

    @property
    def stable_product(self) -> float | None:
        return 2.0 * (1.0 + self.beta1) / (1.0 - self.beta1)

    def init(self, w: Array) -> Moments:
        return Moments(0.0 * w, 0.0 * w, 0.0)

    def direction(
        self, gradient: Array, w: Array, memory: Moments, k: int
    ) -> tuple[Array, Moments]:
        mean, squares = _adam_moments(gradient, memory, self.beta1, self.beta2)
        # Both corrections are numbers, so one reading of the root takes them in.
        start = 1.0 - self.beta1 ** (k + 1)
        root = squares**0.5
        root *= start / (1.0 - self.beta2 ** (k + 1)) ** 0.5
        root += start * self.eps
        return mean / root, Moments(mean, squares, 0.0)


@dataclass(frozen=True)
class AMSGrad:
    """Adam with the largest mean square seen so far in the denominator.

    Parameters
    ----------
    beta1, beta2 : float, default 0.9 and 0.999
        Shares kept of the running mean of gradients and of their squares, in [0, 1): memories of
        about ten and a thousand steps, as published.
    eps : float, default 1e-8
        Added below the fraction bar, so that a gradient of zero gives no step; small against any
        gradient that matters.

    Raises
    ------
    SettingError
        If a share does not lie in [0, 1).

    References
    ----------
    Reddi, Kale and Kumar (2018), On the convergence of Adam and beyond.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = AMSGrad(), np.zeros(2)
    >>> step, memory = rule.direction(np.array([4.0, -0.5]), w, rule.init(w), 0)
    >>> step
    array([ 1.        , -0.99999998])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    name: ClassVar[str] = "amsgrad"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _share("amsgrad beta1", self.beta1)
        _share("amsgrad beta2", self.beta2)

    @property
    def stable_product(self) -> float | None:
        return 2.0 * (1.0 + self.beta1) / (1.0 - self.beta1)

    def init(self, w: Array) -> Moments:
        return Moments(0.0 * w, 0.0 * w, 0.0 * w)

    def direction(
        self, gradient: Array, w: Array, memory: Moments, k: int
    ) -> tuple[Array, Moments]:
        mean, squares = _adam_moments(gradient, memory, self.beta1, self.beta2)
        rises = squares > memory.extra
        largest = squares * rises + memory.extra * (rises ^ True)
        root = largest**0.5 / (1.0 - self.beta2 ** (k + 1)) ** 0.5 + self.eps
        return mean / root / (1.0 - self.beta1 ** (k + 1)), Moments(mean, squares, largest)


@dataclass(frozen=True)
class NAdam:
    """Adam that looks ahead as Nesterov does, with a slowly rising momentum.

    ``mu_t = b1 (1 - 0.96^(t psi) / 2)``; the memory's extra number is the product of the ``mu``.

    Parameters
    ----------
    beta1, beta2 : float, default 0.9 and 0.999
        Shares kept of the running mean of gradients and of their squares, in [0, 1): memories of
        about ten and a thousand steps, as published.
    eps : float, default 1e-8
        Added below the fraction bar, so that a gradient of zero gives no step; small against any
        gradient that matters.
    momentum_decay : float, default 0.004
        How fast the share of momentum approaches ``beta1``; PyTorch's.

    Raises
    ------
    SettingError
        If a share does not lie in [0, 1).

    References
    ----------
    Dozat (2016), Incorporating Nesterov momentum into Adam.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = NAdam(), np.zeros(2)
    >>> step, memory = rule.direction(np.array([4.0, -0.5]), w, rule.init(w), 0)
    >>> step
    array([ 1.05645178, -1.05645176])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float = 4e-3
    name: ClassVar[str] = "nadam"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = False
    stable_product: ClassVar[float | None] = None

    def __post_init__(self) -> None:
        _share("nadam beta1", self.beta1)
        _share("nadam beta2", self.beta2)

    def init(self, w: Array) -> Moments:
        return Moments(0.0 * w, 0.0 * w, 1.0)

    def direction(
        self, gradient: Array, w: Array, memory: Moments, k: int
    ) -> tuple[Array, Moments]:
        t = k + 1
        now = self.beta1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))
        ahead = self.beta1 * (1.0 - 0.5 * 0.96 ** ((t + 1) * self.momentum_decay))
        product = memory.extra * now
        mean, squares = _adam_moments(gradient, memory, self.beta1, self.beta2)
        root = (squares / (1.0 - self.beta2**t)) ** 0.5 + self.eps
        step = (1.0 - now) / (1.0 - product) * gradient + ahead / (1.0 - product * ahead) * mean
        return step / root, Moments(mean, squares, product)


@dataclass(frozen=True)
class AdamW:
    """Adam plus weight decay that does not pass through the moments: ``+ weight_decay * w``.

    The decay acts on every coordinate it is given, so hand an intercept over only where that is
    meant; for a penalty that spares the intercept use Adam with an L2 penalty.

    Parameters
    ----------
    beta1, beta2 : float, default 0.9 and 0.999
        Shares kept of the running mean of gradients and of their squares, in [0, 1): memories of
        about ten and a thousand steps, as published.
    eps : float, default 1e-8
        Added below the fraction bar, so that a gradient of zero gives no step; small against any
        gradient that matters.
    weight_decay : float, default 0.01
        Part of every weight that is taken off per step, times the rate, apart from the gradient;
        PyTorch's.

    Raises
    ------
    SettingError
        If a share does not lie in [0, 1).

    References
    ----------
    Loshchilov and Hutter (2019), Decoupled weight decay regularization.

    Examples
    --------
    >>> import numpy as np
    >>> rule, w = AdamW(), np.zeros(2)
    >>> step, memory = rule.direction(np.array([4.0, -0.5]), w, rule.init(w), 0)
    >>> step
    array([ 1.        , -0.99999998])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2
    name: ClassVar[str] = "adamw"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _share("adamw beta1", self.beta1)
        _share("adamw beta2", self.beta2)

    @property
    def stable_product(self) -> float | None:
        return 2.0 * (1.0 + self.beta1) / (1.0 - self.beta1)

    def init(self, w: Array) -> Moments:
        return Moments(0.0 * w, 0.0 * w, 0.0)

    def direction(
        self, gradient: Array, w: Array, memory: Moments, k: int
    ) -> tuple[Array, Moments]:
        adam = Adam(self.beta1, self.beta2, self.eps)
        step, memory = adam.direction(gradient, w, memory, k)
        return step + self.weight_decay * w, memory


RULES: dict[str, type[Any]] = {
    cls.name: cls
    for cls in (
        Plain,
        Momentum,
        Nesterov,
        AdaGrad,
        AdaDelta,
        RMSProp,
        Adam,
        AMSGrad,
        NAdam,
        AdamW,
    )
}


def make_rule(name: str, **settings: float) -> Rule:
    """Rule of that name.

    Raises
    ------
    SettingError
        If no rule has that name, or the rule has no such setting.

    Examples
    --------
    >>> make_rule("momentum", beta=0.8)
    Momentum(beta=0.8, dampening=0.0)
    """
    if name not in RULES:
        raise SettingError(f"rule={name!r} is unknown; choose one of {', '.join(RULES)}.")
    try:
        rule: Rule = RULES[name](**settings)
    except TypeError:
        known = ", ".join(field.name for field in fields(RULES[name])) or "none"
        raise SettingError(
            f"rule {name!r} was given {', '.join(settings)}; the settings it has: {known}."
        ) from None
    return rule
