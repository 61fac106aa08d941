"""Problems that are hard for gradient descent, and their lowest points by other means."""

from typing import Any, NamedTuple

import numpy as np

from downslope.losses import Loss, make_loss

Array = Any


class Problem(NamedTuple):
    X: Array
    y: Array
    loss: Loss
    l2: float = 0.0
    weights: Array | None = None
    fit_intercept: bool = True


def skewed(n: int, d: int, condition: float, rng: Any) -> Array:
    """Correlated columns with principal deviations from 1 down to 1 / condition, off zero."""
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    mix = (turn * np.logspace(0, -np.log10(condition), d)) @ turn.T
    return rng.standard_normal((n, d)) @ (mix / np.linalg.norm(mix, axis=0)) + rng.normal(size=d)


def targets(name: str, z: Array, rng: Any) -> Array:
    """Targets drawn from the model that belongs to a loss."""
    z = (z - z.mean()) / max(z.std(), 1e-9)
    match name:
        case "log_loss" | "squared_hinge" | "modified_huber" | "hinge" | "perceptron":
            return np.where(rng.random(len(z)) < 1.0 / (1.0 + np.exp(-2.0 * z)), 1.0, -1.0)
        case "poisson":
            return rng.poisson(np.exp(0.5 * z)).astype(float)
        case "gamma":
            return rng.gamma(2.0, np.exp(0.5 * z) / 2.0) + 1e-3
        case _:
            return z + 0.5 * rng.standard_t(3, len(z))


def problem(shape: str, name: str, *, n: int = 3000, d: int = 12, l2: float = 0.0) -> Problem:
    """A problem of the table below."""
    rng = np.random.default_rng(len(shape) * 100 + len(name))
    X = SHAPES[shape](n, d, rng)
    deviation = X.std(axis=0)
    unit = np.divide(X - X.mean(axis=0), deviation, out=np.zeros_like(X), where=deviation > 0)
    return Problem(X, targets(name, unit @ rng.standard_normal(d), rng), make_loss(name), l2)


def _gauss(n: int, d: int, rng: Any) -> Array:
    return skewed(n, d, 1e2, rng)


def _rare(n: int, d: int, rng: Any) -> Array:
    half = d // 2
    rare = rng.random((n, half)) < np.geomspace(0.3, 20.0 / n, half)
    return np.column_stack([rare.astype(float), skewed(n, d - half, 1e2, rng)])


def _heavy(n: int, d: int, rng: Any) -> Array:
    return rng.standard_normal((n, d)) / np.sqrt(rng.chisquare(3, n) / 3)[:, None]


def _scales(n: int, d: int, rng: Any) -> Array:
    return skewed(n, d, 10.0, rng) * np.logspace(-8, 8, d)


def _offsets(n: int, d: int, rng: Any) -> Array:
    return rng.standard_normal((n, d)) + rng.choice([0.0, 1e3, 1e9], d)


def _duplicates(n: int, d: int, rng: Any) -> Array:
    X = skewed(n, d, 10.0, rng)
    X[:, 1], X[:, 2] = X[:, 0], X[:, 3] + X[:, 4]
    return X


def _constant(n: int, d: int, rng: Any) -> Array:
    X = skewed(n, d, 10.0, rng)
    X[:, 0], X[:, 1], X[:, 2] = 7.3, 0.0, 1e6 + 1e-3 * X[:, 2]
    return X


def _one_hot(n: int, d: int, rng: Any) -> Array:
    return np.eye(d)[rng.integers(d, size=n)]


def _leverage(n: int, d: int, rng: Any) -> Array:
    X = skewed(n, d, 10.0, rng)
    X[0] *= 1e4
    return X


def _sorted(n: int, d: int, rng: Any) -> Array:
    X = skewed(n, d, 10.0, rng)
    return X[np.argsort(X[:, 0])]


def _repeated(n: int, d: int, rng: Any) -> Array:
    X = skewed(n, d, 10.0, rng)
    return np.vstack([X[: n // 2], np.repeat(X[:5], n // 10, axis=0)])


SHAPES = {
    "gauss": _gauss,
    "rare": _rare,
    "heavy": _heavy,
    "scales": _scales,
    "offsets": _offsets,
    "duplicates": _duplicates,
    "constant": _constant,
    "one_hot": _one_hot,
    "leverage": _leverage,
    "sorted": _sorted,
    "repeated": _repeated,
}


def objective(problem: Problem, w: Array) -> float:
    """Value at flat weights, straight from the definition."""
    d = problem.X.shape[1]
    z = problem.X @ w[:d] + (w[d] if problem.fit_intercept else 0.0)
    weights = np.ones(len(z)) if problem.weights is None else problem.weights
    mean = float(np.mean(weights * problem.loss.value(z, problem.y)))
    return mean + 0.5 * problem.l2 * float(w[:d] @ w[:d])


def lowest(problem: Problem) -> float:
    """Lowest value by damped Newton steps on standardised columns, to rounding."""
    X, y, loss = problem.X.astype(float), problem.y, problem.loss
    center = X.mean(axis=0) if problem.fit_intercept else np.zeros(X.shape[1])
    deviation = np.sqrt(((X - center) ** 2).mean(axis=0))
    alive = deviation > 1e-12 * np.abs(center)
    scale = np.where(alive, deviation, 1.0)
    columns = (X - center) / scale * alive
    ridge = problem.l2 / scale**2
    if problem.fit_intercept:
        columns, ridge = np.column_stack([columns, np.ones(len(y))]), np.append(ridge, 0.0)
    weights = np.ones(len(y)) if problem.weights is None else problem.weights

    def value(w: Array) -> float:
        with np.errstate(over="ignore"):
            return float(np.mean(weights * loss.value(columns @ w, y)) + 0.5 * ridge @ w**2)

    w = np.zeros(columns.shape[1])
    best = value(w)
    for _ in range(200):
        z = columns @ w
        h = weights * np.maximum(loss.curvature(z, y), 1e-7)
        hessian = (columns * h[:, None]).T @ columns / len(y) + np.diag(ridge)
        gradient = columns.T @ (weights * loss.slope(z, y)) / len(y) + ridge * w
        step = -np.linalg.lstsq(hessian, gradient, rcond=1e-13)[0]
        t = 1.0
        while t > 1e-8 and not value(w + t * step) < best:
            t *= 0.5
        if t <= 1e-8:
            break
        w, best = w + t * step, value(w + t * step)
    return best
