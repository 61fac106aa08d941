"""The objective all solvers minimise, measured by one NumPy definition, and its lowest value."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

BLOCK = 50_000


@dataclass(frozen=True)
class Problem:
    """Mean loss plus ``l2/2 |w|^2 + l1 |w|_1``, intercept free.

    ``loss`` is squared (half the square), logistic (y is -1 or +1) or multinomial (y from 0).
    """

    name: str
    X: Any
    y: np.ndarray
    loss: str
    l2: float = 0.0
    l1: float = 0.0

    @property
    def n_classes(self) -> int:
        return int(self.y.max()) + 1 if self.loss == "multinomial" else 1

    def with_rows(self, X: Any) -> "Problem":
        """The same problem with its rows in another layout."""
        return replace(self, X=X)

    def take(self, n: int) -> "Problem":
        """A small problem of the same kind, to compile on."""
        rows = np.random.default_rng(0).permutation(self.X.shape[0])[:n]
        return Problem(self.name, self.X[rows], self.y[rows], self.loss, self.l2, self.l1)


def value(problem: Problem, w: np.ndarray) -> float:
    """Objective at flat weights: coefficients (d, k), then k intercepts."""
    total, n, k = 0.0, problem.X.shape[0], problem.n_classes
    W = w.reshape(-1, k)
    for i in range(0, n, BLOCK):
        z = problem.X[i : i + BLOCK] @ W[:-1] + W[-1]
        total += _loss_sum(problem, z, problem.y[i : i + BLOCK])
    return total / n + 0.5 * problem.l2 * (W[:-1] ** 2).sum() + problem.l1 * np.abs(W[:-1]).sum()


def _loss_sum(problem: Problem, z: np.ndarray, y: np.ndarray) -> float:
    if problem.loss == "squared":
        return float(0.5 * ((z[:, 0] - y) ** 2).sum())
    if problem.loss == "logistic":
        return float(np.logaddexp(0.0, -y * z[:, 0]).sum())
    return float((logsumexp(z, axis=1) - z[np.arange(len(y)), y.astype(int)]).sum())


def null_value(problem: Problem) -> float:
    """Objective of the best intercept alone: where every gap starts at 1."""
    y, d, k = problem.y, problem.X.shape[1], problem.n_classes
    if problem.loss == "squared":
        b = np.array([y.mean()])
    elif problem.loss == "logistic":
        p = (y > 0).mean()
        b = np.array([np.log(p / (1 - p))])
    else:
        b = np.log(np.bincount(y.astype(int)) / len(y))
    return value(problem, np.concatenate([np.zeros(d * k), b]))


def newton(problem: Problem, steps: int = 30) -> np.ndarray | None:
    """Lowest point of a dense smooth binary or squared problem, by damped Newton steps in float64.

    Written apart from every solver that is measured. None where it does not apply.
    """
    if problem.l1 or sparse.issparse(problem.X) or problem.loss == "multinomial":
        return None
    n, d = problem.X.shape
    center, scale = problem.X.mean(0, dtype=np.float64), problem.X.std(0, dtype=np.float64)
    scale[scale == 0] = 1.0
    w = np.zeros(d + 1)
    ridge = np.append(problem.l2 / scale**2, 0.0)
    f = 1.0
    for _ in range(steps):
        g, H = _newton_sums(problem, w, center, scale)
        g, H = g / n + ridge * w, H / n + np.diag(ridge)
        step = np.linalg.lstsq(H, g, rcond=1e-15)[0]
        if g @ step < 1e-22 * max(1.0, abs(f)):
            break
        f = _descend(problem, w, step, center, scale)
        if f is None:
            break
    coefficients = w[:-1] / scale
    return np.append(coefficients, w[-1] - center @ coefficients)


def _descend(problem, w, step, center, scale):
    """Halve the Newton step until the objective falls; changes ``w`` in place."""

    def at(v):
        coefficients = v[:-1] / scale
        return value(problem, np.append(coefficients, v[-1] - center @ coefficients))

    f = at(w)
    for shorten in 0.5 ** np.arange(20):
        if at(w - shorten * step) <= f:
            w -= shorten * step
            return at(w)
    return None


def _newton_sums(problem, w, center, scale):
    d = len(center)
    g, H = np.zeros(d + 1), np.zeros((d + 1, d + 1))
    for i in range(0, problem.X.shape[0], BLOCK):
        Z = (problem.X[i : i + BLOCK] - center) / scale
        y = problem.y[i : i + BLOCK]
        A = np.column_stack([Z, np.ones(len(y))])
        z = A @ w
        if problem.loss == "squared":
            slope, bend = z - y, np.ones(len(y))
        else:
            p = 1 / (1 + np.exp(np.clip(y * z, -500, 500)))
            slope, bend = -y * p, p * (1 - p)
        g += A.T @ slope
        H += (A * bend[:, None]).T @ A
    return g, H
