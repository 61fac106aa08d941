"""Targets as the objective wants them, and probabilities as people want them.

Classes become signs (two classes, or one column per class against the rest) or integers (softmax).
"""

from typing import Any, NamedTuple

import numpy as np

from downslope.errors import InputError
from downslope.losses import sigmoid, softmax

Array = Any
PROBABILISTIC = ("log_loss", "modified_huber")
"""Losses whose raw predictions can be read as probabilities."""


class Coded(NamedTuple):
    """Targets of a classifier: what the loss sees, and how many raw predictions a row has."""

    y: Array
    n_outputs: int


def signs(codes: Array, n_classes: int) -> Coded:
    """Class numbers as -1 and +1: one column for two classes, one per class for more.

    Examples
    --------
    >>> signs(np.array([0, 1]), 2).y
    array([-1.,  1.])
    >>> signs(np.array([0, 2]), 3).y
    array([[ 1., -1., -1.],
           [-1., -1.,  1.]])
    """
    if n_classes == 2:
        return Coded(np.where(codes == 1, 1.0, -1.0), 1)
    return Coded(np.where(codes[:, None] == np.arange(n_classes), 1.0, -1.0), n_classes)


def coded_classes(loss: str, codes: Array, n_classes: int) -> Coded:
    """Class numbers as the loss sees them: as they are for softmax, else as -1 and +1.

    Examples
    --------
    >>> coded_classes("log_loss", np.array([0, 2]), 3).y, coded_classes("hinge", np.array([0]), 2).y
    (array([0, 2]), array([-1.]))
    """
    if loss == "log_loss" and n_classes > 2:
        return Coded(codes, n_classes)
    return signs(codes, n_classes)


def probabilities(loss: str, z: Array) -> Array:
    """Raw predictions of shape (n, outputs) as class probabilities of shape (n, classes).

    Softmax for log loss; for modified Huber ``(clip(z, -1, 1) + 1) / 2``, normalised over the
    classes, all equal where every one is 0 (Zhang 2002, appendix B).

    Examples
    --------
    >>> probabilities("log_loss", np.array([[0.0]]))
    array([[0.5, 0.5]])
    """
    if loss == "log_loss" and z.shape[1] > 1:
        return softmax(z)
    p = sigmoid(z) if loss == "log_loss" else (np.clip(z, -1.0, 1.0) + 1.0) / 2.0
    if z.shape[1] == 1:
        return np.hstack((1.0 - p, p))
    p[p.sum(axis=1) == 0.0] = 1.0
    return p / p.sum(axis=1, keepdims=True)


def check_log_odds(loss: str) -> bool:
    """True where raw predictions are log odds, so that there are probabilities.

    Raises
    ------
    AttributeError
        Elsewhere: scikit-learn asks in this way whether an estimator has a method.
    """
    if loss != "log_loss":
        raise AttributeError(
            f"Probabilities are not available for loss={loss!r}; use loss='log_loss'."
        )
    return True


def of_log_odds(z: Array) -> Array:
    """Log odds, one per row or one per row and class, as class probabilities (n, n_classes)."""
    return softmax(z) if z.ndim == 2 else np.column_stack((sigmoid(-z), sigmoid(z)))


RANGES = {"poisson": (0.0, "0 or more"), "gamma": (np.finfo(float).tiny, "above 0")}
"""Losses whose targets have a lower bound."""


def check_range(loss: str, y: Array) -> None:
    """Refuse targets that a loss with a log link cannot have.

    Raises
    ------
    InputError
        With the first such value and its row.
    """
    if loss not in RANGES:
        return
    lowest, words = RANGES[loss]
    bad = np.flatnonzero(y < lowest)
    if len(bad):
        raise InputError(
            f"loss={loss!r} needs targets {words}, but row {bad[0]} has {y[bad[0]]:g}; "
            "drop such rows or use loss='squared_error'."
        )
