"""L1 with a log link over more columns than rows: seconds of CPU beside skglm, one thread.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python -m benchmarks.l1_counts [--largest 8]

Both minimise mean(exp(z) - y z) + alpha |w|_1 over the same standardised columns; the objective is
computed here from the weights of each. Counts reach exp(5), exp(8) or, with ``--largest 20``,
exp(20). Fits take turns in one process, after one of each that compiles.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from skglm import GeneralizedLinearEstimator
from skglm.datafits import Poisson
from skglm.penalties import L1
from skglm.solvers import ProxNewton

from downslope import DescentRegressor

Array = Any
ROWS = 200
CASES = ((500, 5.0, 0.1), (5000, 5.0, 0.1), (500, 8.0, 1.0), (5000, 8.0, 1.0), (5000, 20.0, 1.0))
"""Columns, logarithm of the largest mean, alpha."""


def counts(columns: int, top: float) -> tuple[Array, Array]:
    """Standardised columns, three of which count, and counts."""
    g = np.random.default_rng(0)
    X, beta = g.normal(size=(ROWS, columns)), np.zeros(columns)
    beta[[0, 1, 4]] = 5.0, 3.0, -2.0
    y = g.poisson(np.exp(np.minimum(X @ beta, top))).astype(float)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def ours(X: Array, y: Array, alpha: float) -> tuple[Array, float]:
    """Weights and intercept."""
    model = DescentRegressor("poisson", penalty="l1", alpha=alpha, scaling="none").fit(X, y)
    return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])


def theirs(X: Array, y: Array, alpha: float) -> tuple[Array, float]:
    """Weights and intercept."""
    solver = ProxNewton(tol=1e-6, fit_intercept=True, max_iter=50)
    model = GeneralizedLinearEstimator(Poisson(), L1(alpha), solver).fit(np.asfortranarray(X), y)
    return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])


def timed(fit: Callable[[Array, Array, float], Any], X: Array, y: Array, alpha: float) -> str:
    """Seconds, objective, columns in use."""
    began = time.process_time()
    w, b = fit(X, y, alpha)
    seconds, z = time.process_time() - began, X @ w + b
    value = np.mean(np.exp(z) - y * z) + alpha * np.abs(w).sum()
    return f"{seconds:8.2f} s {value:18.7f} {np.count_nonzero(w):5d} columns"


def main() -> None:
    """Print a line for every case and library."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=float, default=8.0, help="logarithm of the largest mean")
    largest = parser.parse_args().largest
    warnings.simplefilter("ignore")
    for columns in (30, 2500):
        X, y = counts(columns, 3.0)
        ours(X, y, 0.1), theirs(X, y, 0.1)
    for columns, top, alpha in CASES:
        if top > largest:
            continue
        X, y = counts(columns, top)
        for name, fit in (("downslope", ours), ("skglm", theirs)):
            line = timed(fit, X, y, alpha)
            print(f"{ROWS} x {columns}, counts to {y.max():.0f}, alpha {alpha}: {name:9} {line}")


if __name__ == "__main__":
    main()
