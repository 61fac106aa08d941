"""How good predictions are: the numbers that people compare models by.

=================== ================================================ ==========
name                value                                            better
=================== ================================================ ==========
R²                  1 - sum (y - p)^2 / sum (y - mean y)^2           higher
typical error       square root of the mean of (y - p)^2             lower
accuracy            share of rows whose class is right               higher
log loss            mean of -log(probability of the true class)      lower
=================== ================================================ ==========
"""

import math
from typing import Any

import numpy as np

Array = Any


def r2(y: Array, predicted: Array) -> float:
    """Share of the target's variance that the predictions explain; NaN where there is none.

    Examples
    --------
    >>> float(r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])))
    0.5
    >>> r2(np.array([5.0, 5.0]), np.array([5.0, 5.0]))
    nan
    """
    spread = float(((y - y.mean()) ** 2).sum()) if len(y) else 0.0
    # A target that varies by rounding only has no variance to explain.
    if len(y) < 2 or spread <= 1e-24 * float((y * y).sum()):
        return math.nan
    return 1.0 - float(((y - predicted) ** 2).sum()) / spread


def typical_error(y: Array, predicted: Array) -> float:
    """Root of the mean squared error, in units of the target."""
    return float(np.sqrt(((y - predicted) ** 2).mean())) if len(y) else math.nan


def accuracy(codes: Array, predicted: Array) -> float:
    """Share of rows whose class is right."""
    return float((codes == predicted).mean()) if len(codes) else math.nan


def log_loss(codes: Array, probabilities: Array) -> float:
    """Mean surprise at the true class, in nats; a probability of 0 counts as the smallest float.

    Examples
    --------
    >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.75, 0.25]])), 4)
    1.0397
    """
    if len(codes) == 0:
        return math.nan
    true = probabilities[np.arange(len(codes)), codes]
    return float(-np.log(np.maximum(true, np.finfo(float).tiny)).mean())
