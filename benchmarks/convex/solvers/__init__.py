"""Solvers by name: each file has a ``SOLVERS`` tuple."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.convex.objective import Problem


@dataclass(frozen=True)
class Solver:
    """One way to solve a problem, to a budget.

    Attributes
    ----------
    fit : callable
        ``fit(problem, budget)`` answers flat weights: coefficients (d, k), then k intercepts.
    budgets : sequence
        From loose to tight: tolerances, or numbers of iterations.
    losses : set of str
        What it can solve.
    dense, sparse, penalties
        Which rows and penalties it takes; ``penalties`` holds "l2" and/or "l1".
    """

    name: str
    fit: Callable[[Problem, float], np.ndarray]
    budgets: Sequence[float]
    losses: frozenset[str]
    dense: bool = True
    sparse: bool = True
    penalties: frozenset[str] = frozenset({"l2"})

    def takes(self, problem: Problem) -> bool:
        is_dense = isinstance(problem.X, np.ndarray)
        return (
            problem.loss in self.losses
            and (self.dense if is_dense else self.sparse)
            and ("l1" if problem.l1 else "l2") in self.penalties
        )


def flat(coef: np.ndarray, intercept: np.ndarray | float) -> np.ndarray:
    """scikit-learn's coef_ and intercept_ as flat weights."""
    coef = np.atleast_2d(np.asarray(coef, dtype=float))
    return np.concatenate([coef.T.ravel(), np.atleast_1d(np.asarray(intercept, dtype=float))])


def solvers() -> dict[str, Solver]:
    """Every solver whose library is installed."""
    found: dict[str, Solver] = {}
    for module in pkgutil.iter_modules(__path__):
        try:
            loaded = importlib.import_module(f"{__name__}.{module.name}")
        except ImportError as error:
            print(f"# left out: {module.name} ({error})")
            continue
        found |= {solver.name: solver for solver in loaded.SOLVERS}
    return found
