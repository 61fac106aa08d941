"""Losses: how wrong is one raw prediction, its slope, and the slope of its slope.

A loss knows a raw prediction ``z`` and a target ``y`` and nothing else: not the features, not the
weights. ``z`` is what a linear model computes before any link, ``z = x @ w + b``.

===================== =========================== ============================ ==============
name                  value                       slope dl/dz                  bound of d2l/dz2
===================== =========================== ============================ ==============
mse                   (z - y)^2                   2 (z - y)                    2
squared_error         (z - y)^2 / 2               z - y                        1
huber                 r^2/2, or e|r| - e^2/2      clip(r, -e, e)               1
absolute_error        abs(z - y)                  sign(z - y)                  none
quantile              pinball of y - z            1[z > y] - q                 none
epsilon_insensitive   max(0, abs(z - y) - e)      sign(z - y), 0 inside e      none
squared_epsilon       max(0, abs(z - y) - e)^2    2 sign(r) max(0, abs(r) - e) 2
poisson               exp(z) - y z                exp(z) - y                   none
gamma                 z + y exp(-z)               1 - y exp(-z)                none
log_loss              log(1 + exp(-y z))          -y / (1 + exp(y z))          1/4
hinge                 max(0, 1 - y z)             -y, 0 outside the margin     none
squared_hinge         max(0, 1 - y z)^2           -2 y max(0, 1 - y z)         2
modified_huber        (1 - y z)_+^2, -4 y z below -2 y (1 - y z)_+, -4 y below  2
perceptron            max(0, -y z)                -y where y z <= 0            none
multinomial           logsumexp(z) - z[y]         softmax(z) - onehot(y)       1/2
===================== =========================== ============================ ==============

``squared_epsilon`` stands for ``squared_epsilon_insensitive``. Binary targets are -1 and +1.
``multinomial`` takes ``z`` of shape (rows, classes) and integer ``y``; its curvature is the matrix
diag(p) - p p', whose largest eigenvalue is at most 1/2 (Böhning 1992); ``curvature`` gives the
diagonal. "none" means the slope has a jump or the curvature grows
without end, so no constant learning rate is safe for every data set.

Conventions are scikit-learn's (``sklearn/linear_model/_sgd_fast.pyx``, ``sklearn/_loss``) where it
has the loss; ``mse`` is the textbook's mean of squares, twice ``squared_error``. Only operators and
the functions that NumPy and PyTorch spell alike are used, so both kinds of arrays pass through.
"""

import sys
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np

from downslope.errors import SettingError

Array = Any  # a NumPy array or anything with its operators


def library_of(z: Array) -> Any:
    """The library an array belongs to."""
    if isinstance(z, (np.ndarray, np.generic, float, int)):
        return np
    return sys.modules[type(z).__module__.partition(".")[0]]


class Loss(Protocol):
    """What every loss answers; see the table in the module's docstring."""

    name: ClassVar[str]
    code: ClassVar[int]
    link: ClassVar[str]
    max_curvature: ClassVar[float | None]

    @property
    def parameter(self) -> float:
        """The one number the loss is tuned by (0 where it has none)."""
        ...

    def value(self, z: Array, y: Array) -> Array:
        """Loss of each row."""
        ...

    def slope(self, z: Array, y: Array) -> Array:
        """Derivative of the loss of each row in its raw prediction."""
        ...

    def curvature(self, z: Array, y: Array) -> Array:
        """Second derivative of the loss of each row in its raw prediction."""
        ...


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


def sigmoid(z: Array) -> Array:
    """``1 / (1 + exp(-z))``, without overflow for any ``z``.

    Parameters
    ----------
    z : array
        Raw predictions, of any shape.

    Returns
    -------
    array of the shape of ``z``
        Between 0 and 1.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    xp = library_of(z)
    e = xp.exp(-abs(z))
    return xp.where(z >= 0, 1.0 / (1.0 + e), e / (1.0 + e))


def softmax(z: Array) -> Array:
    """Class probabilities ``exp(z_k) / sum_j exp(z_j)`` over the last axis.

    Parameters
    ----------
    z : array of shape (..., n_classes)
        Raw predictions; the largest of each row is taken off first, so that none overflows.

    Returns
    -------
    array of the shape of ``z``
        Sums to 1 over the last axis.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0], [0.0, -1000.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    xp = library_of(z)
    e = xp.exp(z - xp.amax(z, -1)[..., None])
    return e / e.sum(-1)[..., None]


def curvature_product(loss: Loss, z: Array, y: Array, v: Array) -> Array:
    """Second derivative in ``z`` times ``v`` (for multinomial, (diag p - p p') v row by row)."""
    if loss.link == "softmax":
        p = softmax(z)
        return p * (v - (p * v).sum(-1)[..., None])
    return loss.curvature(z, y) * v


def predict_mean(loss: Loss, z: Array) -> Array:
    """Raw predictions as means: identity, exp, probability of +1, or class probabilities.

    Parameters
    ----------
    loss : Loss
        Its link decides.
    z : array of shape (n,) or (n, n_classes)
        Raw predictions.

    Returns
    -------
    array of the shape of ``z``
        In the units of the target, or probabilities.

    Examples
    --------
    >>> predict_mean(make_loss("log_loss"), np.array([0.0]))
    array([0.5])
    >>> predict_mean(make_loss("poisson"), np.array([0.0]))
    array([1.])
    """
    match loss.link:
        case "log":
            return library_of(z).exp(z)
        case "logit":
            return sigmoid(z)
        case "softmax":
            return softmax(z)
        case _:
            return z


LOSSES: dict[str, type[Any]] = {
    cls.name: cls
    for cls in (
        MeanSquares,
        SquaredError,
        Huber,
        AbsoluteError,
        Quantile,
        EpsilonInsensitive,
        SquaredEpsilonInsensitive,
        Poisson,
        Gamma,
        LogLoss,
        Hinge,
        SquaredHinge,
        ModifiedHuber,
        Perceptron,
        Multinomial,
    )
}


def make_loss(name: str, parameter: float | None = None) -> Loss:
    """Loss of that name; ``parameter`` sets epsilon or the quantile where the loss has one.

    Parameters
    ----------
    name : str
        One of ``LOSSES``; the module's docstring lists them with their formulas.
    parameter : float, optional
        Epsilon or the quantile, in units of the target; by default the loss's own.

    Returns
    -------
    Loss

    Raises
    ------
    SettingError
        If no loss has that name.

    Examples
    --------
    >>> make_loss("huber", 1.35)
    Huber(epsilon=1.35)
    """
    if name not in LOSSES:
        raise SettingError(f"loss={name!r} is unknown; choose one of {', '.join(sorted(LOSSES))}.")
    cls = LOSSES[name]
    loss: Loss = cls(parameter) if parameter is not None and fields(cls) else cls()
    return loss
