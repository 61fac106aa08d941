"""The objective of a nasty problem in extended precision; no line of it is the product's."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.certificates.draw import CLASSES, L1_RATIO, PARAMETER, Nasty

Array = Any
LONG = np.longdouble


@dataclass(frozen=True)
class Precise:
    """``mean weights loss(A W, y) + sum l1 |W| + sum ridge W^2 / 2`` on standardised columns.

    ``A`` ends with the column of the intercept, if there is one; ``W`` has a column for each class.
    """

    A: Array
    y: Array
    share: Array
    loss: str
    l1: Array
    ridge: Array
    n_outputs: int
    center: Array
    scale: Array

    def value(self, W: Array) -> Any:
        """The objective."""
        return self.of_raw(self.A @ W) + self.penalty(W)

    def penalty(self, W: Array) -> Any:
        """L1 and ridge."""
        return (self.l1[:, None] * abs(W)).sum() + 0.5 * (self.ridge[:, None] * W * W).sum()

    def of_raw(self, z: Array) -> Any:
        """Mean loss."""
        with np.errstate(over="ignore"):
            return self.share @ values(self.loss, z, self.y)

    def size(self, W: Array) -> float:
        """What the value is made of, all signs taken away: its rounding is in proportion to it."""
        z = self.A @ W
        parts = abs(values(self.loss, z, self.y))
        if self.loss in ("poisson", "gamma"):
            parts = parts + abs(z[:, 0]) * (abs(self.y) if self.loss == "poisson" else 1.0)
        return float(self.share @ parts + self.penalty(W))

    def start(self, coef: Array, intercept: Array) -> Array:
        """Weights of the standardised columns from those that an estimator tells."""
        coef = np.atleast_2d(coef).astype(LONG).T
        intercept = np.atleast_1d(intercept).astype(LONG)
        W = coef * self.scale[:, None]
        if len(W) < self.A.shape[1]:
            W = np.vstack((W, intercept + self.center @ coef))
        return W


def precise(case: Nasty) -> Precise:
    """The objective of a problem."""
    X = case.X.toarray() if sparse.issparse(case.X) else case.X
    X = X.astype(LONG)
    n = len(X)
    weights = np.ones(n, dtype=LONG) if case.weights is None else case.weights.astype(LONG)
    share = weights / weights.sum()
    mean = share @ X
    deviation = np.sqrt(share @ (X - mean) ** 2)
    constant = deviation <= 1e-13 * abs(mean)
    center = mean if case.fit_intercept else 0.0 * mean
    scale = np.where(constant, LONG(1.0), deviation)
    A = (X - center) / scale
    A[:, constant & case.fit_intercept] = 0.0
    ratio = {"none": 0.0, "l1": 1.0, "l2": 0.0, "elasticnet": L1_RATIO}[case.penalty]
    felt = 1.0 if case.scaling == "standardize" else 1.0 / scale
    free = [LONG(0.0)] * case.fit_intercept
    alpha = LONG(0.0 if case.penalty == "none" else case.alpha)
    l1, ridge = alpha * ratio * felt, alpha * (1.0 - ratio) * felt**2
    one = np.ones((n, len(free)), dtype=LONG)
    k = CLASSES if case.loss == "multinomial" else 1
    y = case.y if k > 1 else case.y.astype(LONG)
    l1, ridge = (np.append(part * np.ones(X.shape[1], dtype=LONG), free) for part in (l1, ridge))
    return Precise(np.hstack((A, one)), y, share, case.loss, l1, ridge, k, center, scale)


def values(loss: str, z: Array, y: Array) -> Array:
    """Loss of every row; ``z`` has a column for each class."""
    if loss == "multinomial":
        top = z.max(axis=1)
        return top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - z[np.arange(len(y)), y]
    z = z[:, 0]
    at = PARAMETER.get(loss, 0.0)
    match loss:
        case "squared_error":
            return (z - y) ** 2 / 2
        case "huber":
            r = abs(z - y)
            return np.where(r <= at, r * r / 2, at * r - at * at / 2)
        case "quantile":
            return np.where(y > z, at * (y - z), (1 - at) * (z - y))
        case "squared_epsilon_insensitive":
            return np.maximum(abs(z - y) - at, 0) ** 2
        case "poisson":
            return np.exp(z) - y * z
        case "gamma":
            return z + y * np.exp(-z)
        case "log_loss":
            return np.logaddexp(0, -y * z)
        case "hinge":
            return np.maximum(1 - y * z, 0)
        case "squared_hinge":
            return np.maximum(1 - y * z, 0) ** 2
    raise ValueError(loss)


def slopes(loss: str, z: Array, y: Array) -> Array:
    """Derivative of every row's loss, shaped as ``z``."""
    if loss == "multinomial":
        p = _shares(z)
        p[np.arange(len(y)), y] -= 1
        return p
    z, at = z[:, 0], PARAMETER.get(loss, 0.0)
    match loss:
        case "squared_error":
            slope = z - y
        case "huber":
            slope = np.clip(z - y, -at, at)
        case "quantile":
            slope = np.where(y > z, -at, 1 - at)
        case "squared_epsilon_insensitive":
            slope = 2 * np.sign(z - y) * np.maximum(abs(z - y) - at, 0)
        case "poisson":
            slope = np.exp(z) - y
        case "gamma":
            slope = 1 - y * np.exp(-z)
        case "log_loss":
            slope = -y * np.exp(-np.logaddexp(0, y * z))
        case "hinge":
            slope = -y * (y * z < 1)
        case _:
            slope = -2 * y * np.maximum(1 - y * z, 0)
    return slope[:, None]


def bends(loss: str, z: Array, y: Array) -> Array:
    """Second derivative of every row's loss: (rows, classes, classes)."""
    if loss == "multinomial":
        p = _shares(z)
        return p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
    z, at = z[:, 0], PARAMETER.get(loss, 0.0)
    match loss:
        case "squared_error":
            bend = np.ones_like(z)
        case "huber":
            bend = np.where(abs(z - y) <= at, LONG(1), LONG(0))
        case "squared_epsilon_insensitive":
            bend = np.where(abs(z - y) > at, LONG(2), LONG(0))
        case "poisson":
            bend = np.exp(z)
        case "gamma":
            bend = y * np.exp(-z)
        case "log_loss":
            bend = np.exp(-np.logaddexp(0, z) - np.logaddexp(0, -z))
        case "squared_hinge":
            bend = np.where(y * z < 1, LONG(2), LONG(0))
        case _:
            bend = np.zeros_like(z)
    return bend[:, None, None]


def _shares(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1)[:, None])
    return e / e.sum(axis=1)[:, None]
