"""The best model without features: one intercept. Every bound and every score starts from it."""

import math
from typing import Any

import numpy as np

from downslope.losses import Loss

Array = Any


def null_intercept(loss: Loss, y: Array, weights: Array) -> float:
    """Best prediction without features, in raw units.

    Closed forms where there are some, else bisection on the mean slope. Counts are smoothed by
    half a row, so that a sample without any positive row does not answer minus infinity.

    Examples
    --------
    >>> from downslope.losses import LogLoss, Quantile
    >>> round(null_intercept(LogLoss(), np.array([1.0, 1.0, 1.0, -1.0]), np.ones(4)), 6)
    1.098612
    >>> round(null_intercept(Quantile(0.5), np.array([1.0, 2.0, 9.0]), np.ones(3)), 6)
    2.0
    """
    mean, half = float(np.average(y, weights=weights)), 0.5 / len(y)
    match loss.link, loss.name:
        case _, "mse" | "squared_error":
            return mean
        case "log", _:
            return math.log(max(mean, half))
        case "logit", _:
            p = min(max((1.0 + mean) / 2.0, half), 1.0 - half)
            return math.log(p / (1.0 - p))
    low, high = (float(y.min()), float(y.max())) if loss.link == "identity" else (-1.0, 1.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        slope = float(np.sum(weights * loss.slope(np.full(len(y), middle), y)))
        low, high = (low, middle) if slope > 0.0 else (middle, high)
    return 0.5 * (low + high)


def null_class_intercepts(y: Array, weights: Array, n_classes: int) -> Array:
    """Best raw predictions without features: logarithms of the smoothed shares, mean zero."""
    shares = np.bincount(y, weights=weights, minlength=n_classes) + 0.5
    logs = np.log(shares)
    return logs - logs.mean()


def lowest_loss(loss: Loss, y: Array, weights: Array) -> float:
    """Mean loss if every row had the raw prediction that suits it best.

    Zero, except where a log link leaves a term of the target: at exp(z) = y the Poisson loss is
    y - y log y and the gamma loss 1 + log y.
    """
    if loss.name == "poisson":
        logs = np.log(y, out=np.zeros_like(y), where=y > 0.0)
        return float(np.mean(weights * (y - y * logs)))
    if loss.name == "gamma":
        return float(np.mean(weights * (1.0 + np.log(y))))
    return 0.0
