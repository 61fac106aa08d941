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

==================  =======================================================================
``loss``            what every loss answers
``regression``      losses of a number
``classification``  losses of a class
``links``           raw predictions as means, and the curvature of several classes at once
==================  =======================================================================

Conventions are scikit-learn's (``sklearn/linear_model/_sgd_fast.pyx``, ``sklearn/_loss``) where it
has the loss; ``mse`` is the textbook's mean of squares, twice ``squared_error``. Only operators and
the functions that NumPy and PyTorch spell alike are used, so both kinds of arrays pass through.
"""

from dataclasses import fields
from typing import Any

from downslope.errors import SettingError
from downslope.losses.classification import (
    Hinge,
    LogLoss,
    ModifiedHuber,
    Multinomial,
    Perceptron,
    SquaredHinge,
)
from downslope.losses.links import curvature_product, predict_mean, sigmoid, softmax
from downslope.losses.loss import Loss, library_of
from downslope.losses.regression import (
    AbsoluteError,
    EpsilonInsensitive,
    Gamma,
    Huber,
    MeanSquares,
    Poisson,
    Quantile,
    SquaredEpsilonInsensitive,
    SquaredError,
)

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "EpsilonInsensitive",
    "Gamma",
    "Hinge",
    "Huber",
    "LogLoss",
    "Loss",
    "MeanSquares",
    "ModifiedHuber",
    "Multinomial",
    "Perceptron",
    "Poisson",
    "Quantile",
    "SquaredEpsilonInsensitive",
    "SquaredError",
    "SquaredHinge",
    "curvature_product",
    "library_of",
    "make_loss",
    "predict_mean",
    "sigmoid",
    "softmax",
]

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
