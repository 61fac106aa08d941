"""Adam and its family: a running mean of gradients over the root of one of their squares."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from downslope.rules.rule import NUMPY, Array, check_share


class Moments(NamedTuple):
    """Memory of the Adam family: mean gradient, mean squared gradient, one number or array more."""

    mean: Array
    squares: Array
    extra: Array


def _towards(old: Array, new: Array, share: float) -> Array:
    """``old`` after a share of its way to ``new``."""
    if not isinstance(old, NUMPY):
        return old.lerp(new, share)
    moved = new - old
    moved *= share
    moved += old
    return moved


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
        check_share("adam beta1", self.beta1)
        check_share("adam beta2", self.beta2)

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
        check_share("amsgrad beta1", self.beta1)
        check_share("amsgrad beta2", self.beta2)

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
        check_share("nadam beta1", self.beta1)
        check_share("nadam beta2", self.beta2)

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
        check_share("adamw beta1", self.beta1)
        check_share("adamw beta2", self.beta2)

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
