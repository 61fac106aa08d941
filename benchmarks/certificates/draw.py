"""A nasty problem for every number."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

Array = Any
LOSSES = (
    "squared_error",
    "log_loss",
    "multinomial",
    "poisson",
    "quantile",
    "huber",
    "gamma",
    "hinge",
    "squared_hinge",
    "squared_epsilon_insensitive",
)
PENALTIES = ("none", "l1", "l2", "elasticnet")
PARAMETER = {"quantile": 0.7, "huber": 0.5, "squared_epsilon_insensitive": 0.1}
SIGNS = ("log_loss", "hinge", "squared_hinge")
L1_RATIO = 0.5
CLASSES = 3


@dataclass(frozen=True)
class Nasty:
    """A problem as a user would hand it in.

    Attributes
    ----------
    X, y, weights : rows, targets, and how much each row counts (None: alike)
    loss, penalty, alpha, scaling, fit_intercept : settings of the estimators
    marks : what is nasty about it
    near : smallest difference of two columns, relative to their deviation; 1 where none is near
    """

    seed: int
    X: Any
    y: Array
    weights: Array | None
    loss: str
    penalty: str
    alpha: float
    scaling: str
    fit_intercept: bool
    marks: tuple[str, ...]
    near: float

    def __str__(self) -> str:
        n, d = self.X.shape
        penalty = self.penalty if self.penalty == "none" else f"{self.penalty} {self.alpha:.1e}"
        free = "" if self.fit_intercept else ", no intercept"
        return (
            f"{self.seed}: {self.loss}, {penalty}, {n} x {d}, {self.scaling}{free}; "
            f"{', '.join(self.marks) or 'plain'}"
        )


def draw(seed: int) -> Nasty:
    """Problem number ``seed``: every loss in turn, then every penalty.

    Examples
    --------
    >>> print(draw(4))
    4: quantile, none, ...
    """
    rng = np.random.default_rng([seed, 2026])
    loss, penalty = LOSSES[seed % len(LOSSES)], PENALTIES[seed // len(LOSSES) % len(PENALTIES)]
    X, marks, near = _columns(rng)
    y = _targets(loss, X, rng)
    if rng.random() < 0.4:
        X, marks = X * 10.0 ** rng.uniform(-8.0, 8.0, X.shape[1]), [*marks, "scales"]
    if rng.random() < 0.2:
        X, marks = X.astype(np.float32), [*marks, "float32"]
    elif rng.random() < 0.2:
        X = X * (rng.random(X.shape) < 0.4)
        near = 1.0
        X, marks = sparse.csr_matrix(X), [*(m for m in marks if "duplicate" not in m), "sparse"]
    weights = None
    if rng.random() < 0.25:
        weights, marks = 10.0 ** rng.uniform(-6.0, 6.0, len(y)), [*marks, "weights"]
    in_units = loss in ("squared_error", "huber", "quantile", "squared_epsilon_insensitive")
    alpha = 10.0 ** rng.uniform(-6.0, 0.0) * (float(np.std(y)) if in_units else 1.0)
    return Nasty(
        seed,
        X,
        y,
        weights,
        loss,
        penalty,
        alpha,
        "none" if rng.random() < 0.2 else "standardize",
        bool(rng.random() < 0.85),
        tuple(marks),
        near,
    )


def _columns(rng: Any) -> tuple[Array, list[str], float]:
    marks, near = [], 1.0
    shape = rng.choice(["rows", "few rows", "many columns"], p=[0.7, 0.15, 0.15])
    if shape == "rows":
        n, d = int(rng.integers(40, 200)), int(rng.integers(2, 9))
    elif shape == "few rows":
        n, d = int(rng.integers(6, 16)), int(rng.integers(2, 5))
    else:
        n, d = int(rng.integers(15, 40)), int(rng.integers(40, 100))
    if shape != "rows":
        marks.append(str(shape))
    X = rng.standard_normal((n, d)) @ (np.eye(d) + rng.standard_normal((d, d)) / np.sqrt(d))
    if rng.random() < 0.3:
        X, marks = X * np.abs(rng.standard_t(1.5, (n, d))), [*marks, "heavy tails"]
    if rng.random() < 0.3:
        marks.append("rare levels")
        for j in rng.choice(d, 1 + d // 4, replace=False):
            X[:, j] = 0.0
            X[rng.choice(n, int(rng.integers(1, 4)), replace=False), j] = 1.0
    if rng.random() < 0.2:
        X, marks = X + rng.choice([0.0, 1e2, 1e5], d), [*marks, "offsets"]
    if rng.random() < 0.3:
        near = 10.0 ** rng.uniform(-12.0, -2.0)
        apart = near * max(float(X[:, 0].std()), 1e-3) * rng.standard_normal(n)
        X[:, 1], marks = X[:, 0] + apart, [*marks, f"near duplicate {near:.0e}"]
    elif rng.random() < 0.2:
        X[:, 1], marks = X[:, 0], [*marks, "exact duplicate"]
    return X, marks, near


def _targets(loss: str, X: Array, rng: Any) -> Array:
    deviation = X.std(axis=0)
    unit = (X - X.mean(axis=0)) / np.where(deviation > 0.0, deviation, 1.0)
    z = unit @ rng.standard_normal(X.shape[1]) / np.sqrt(X.shape[1]) * rng.choice([0.3, 1.0, 3.0])
    match loss:
        case "poisson":
            return rng.poisson(np.exp(np.clip(z + rng.choice([-2.0, 0.0, 3.0]), -20.0, 12.0))) * 1.0
        case "gamma":
            return rng.gamma(2.0, np.exp(np.clip(z, -20.0, 12.0)) / 2.0) + 1e-3
        case "multinomial":
            raw = np.column_stack([z, -z, 0.5 * z[::-1]]) + rng.gumbel(size=(len(z), CLASSES))
            y = raw.argmax(axis=1)
            y[:CLASSES] = np.arange(CLASSES)
            return y
    if loss in SIGNS:
        y = np.where(z + rng.logistic(size=len(z)) > 0.0, 1, -1)
        y[:2] = 1, -1
        return y
    noise = rng.standard_t(2.0, len(z)) if rng.random() < 0.5 else rng.standard_normal(len(z))
    return (z + 0.5 * noise) * 10.0 ** rng.choice([0.0, 0.0, -5.0, 5.0])
