"""Dense valleys of a given condition number, plain, with rare dummies, or with heavy tails.

``Z Q diag(logspace(0, -log10 condition)) Q'`` with columns brought to unit length and moved by a
random offset; the true weights load every principal direction alike, so the flat directions matter.
"""

from functools import partial

import numpy as np

from benchmarks.convex.objective import Problem


def valley(n: int, d: int, condition: float, seed: int = 0, tails: str = "gauss") -> tuple:
    """Rows, and the raw prediction of the true weights."""
    random = np.random.default_rng(seed)
    Q = np.linalg.qr(random.normal(size=(d, d)))[0]
    sizes = np.logspace(0, -np.log10(condition), d)
    M = (Q * sizes) @ Q.T
    lengths = np.linalg.norm(M, axis=0)
    truth = (Q / sizes) @ random.choice([-1.0, 1.0], size=d) * lengths
    offset = random.normal(size=d)
    X = np.empty((n, d))
    for i in range(0, n, 50_000):
        Z = random.normal(size=(min(50_000, n - i), d))
        if tails == "heavy":
            Z /= np.sqrt(random.chisquare(3, size=(len(Z), 1)) / 3)
        X[i : i + len(Z)] = Z @ (M / lengths)
    z = X @ truth
    X += offset
    return X, z * (2.0 / z.std()), random


def with_rare(X: np.ndarray, random: np.random.Generator) -> None:
    """Replace half of the columns by dummies with frequencies 0.3 down to 1e-4."""
    half = X.shape[1] // 2
    for j, frequency in enumerate(np.logspace(np.log10(0.3), -4, half)):
        X[:, j] = random.random(X.shape[0]) < frequency


def dense(
    name: str, n: int, d: int, condition: float, loss: str, kind: str = "gauss", l1: float = 0.0
) -> Problem:
    X, z, random = valley(n, d, condition, tails=kind)
    if kind == "rare":
        with_rare(X, random)
        z = X @ random.normal(size=d)
        z = (z - z.mean()) * (2.0 / z.std())
    noise = random.normal(size=n) if loss == "squared" else random.logistic(size=n)
    y = z + noise if loss == "squared" else np.where(z + noise > 0, 1.0, -1.0)
    l2 = 1e-7 if kind == "rare" else 0.0
    return Problem(name, X, y, loss, l2, l1)


def lasso(name: str, loss: str, share: float, n: int = 200_000, d: int = 100) -> Problem:
    """L1 problems at a share of the smallest penalty that makes every weight zero."""
    problem = dense(name, n, d, 30.0, loss)
    X = (problem.X - problem.X.mean(0)) / problem.X.std(0)
    y = problem.y
    slope = y - y.mean() if loss == "squared" else (y - np.tanh(np.arctanh(y.mean()))) / 2
    return Problem(name, X, y, loss, 0.0, share * float(np.abs(X.T @ slope).max()) / len(y))


def multinomial(name: str, n: int, d: int, k: int, condition: float) -> Problem:
    X, _, random = valley(n, d, condition)
    Z = (X - X.mean(0)) @ np.linalg.pinv(np.cov(X.T)) @ random.normal(size=(d, k))
    Z *= 2.0 / Z.std()
    y = np.argmax(Z + random.gumbel(size=(n, k)), axis=1).astype(float)
    return Problem(name, X, y, "multinomial", 1e-8)


def _table(*rows):
    return {row[0]: partial(dense, *row) for row in rows}


PROBLEMS = _table(
    ("logistic-1e6x100-c1e2", 1_000_000, 100, 1e2, "logistic"),
    ("logistic-1e6x100-c1e6", 1_000_000, 100, 1e6, "logistic"),
    ("logistic-1e6x28", 1_000_000, 28, 3.0, "logistic"),
    ("logistic-2e5x500", 200_000, 500, 1e2, "logistic"),
    ("logistic-5e4x2000", 50_000, 2_000, 1e2, "logistic"),
    ("logistic-1e6x100-rare", 1_000_000, 100, 1e2, "logistic", "rare"),
    ("logistic-1e6x100-heavy", 1_000_000, 100, 1e3, "logistic", "heavy"),
    ("logistic-3e5x100", 300_000, 100, 1e2, "logistic"),
    ("squared-1e6x100", 1_000_000, 100, 1e2, "squared"),
    ("squared-1e6x20", 1_000_000, 20, 1e2, "squared"),
    ("squared-1e5x100", 100_000, 100, 1e2, "squared"),
    ("squared-2e5x500", 200_000, 500, 1e2, "squared"),
    ("quick-logistic-1e5x50", 100_000, 50, 1e4, "logistic"),
    ("quick-squared-1e5x100", 100_000, 100, 1e2, "squared"),
    ("quick-logistic-1e5x50-rare", 100_000, 50, 1e2, "logistic", "rare"),
) | {
    "multinomial-6e4x30x5": partial(multinomial, "multinomial-6e4x30x5", 60_000, 30, 5, 1e2),
    "lasso-2e5x100": partial(lasso, "lasso-2e5x100", "squared", 0.1),
    "l1-logistic-2e5x100": partial(lasso, "l1-logistic-2e5x100", "logistic", 0.1),
}
