"""Solvers by name: each file has a ``SOLVERS`` tuple."""

import importlib
import os
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from benchmarks.convex.objective import Problem

DECADES = tuple(10.0**-k for k in (1, 2, 3, 4, 5, 6, 8, 10))
"""Tolerances, from loose to tight."""
LARGE = 4e7
"""Stored numbers up to which solvers are tried that came nowhere near on more, at no tolerance."""


class Answer(NamedTuple):
    """Flat weights, coefficients (d, k) and then k intercepts; and rounds as the solver counts."""

    w: np.ndarray
    rounds: float = np.nan


def as_they_are(problem: Problem) -> Problem:
    """Rows in the layout that most solvers want."""
    return problem


@dataclass(frozen=True)
class Solver:
    """One way to solve a problem, to a budget.

    Attributes
    ----------
    fit : callable
        ``fit(prepared, budget)`` answers an ``Answer``; what is timed.
    budgets : sequence
        From loose to tight: tolerances, or numbers of iterations.
    losses : set of str
        What it can solve.
    penalties : set of str
        "l2" and/or "l1"; a problem with both is an elastic net and wants "both".
    prepare : callable
        ``prepare(problem)`` answers what ``fit`` is handed: another layout of the rows, a file, a
        learning rate found on a grid. Told apart, never counted.
    dense, sparse : bool
        Which rows it takes.
    largest : float
        Stored numbers up to which it is tried.
    widest : int
        Columns up to which it is tried: a matrix of all products has its limits.
    counts : str
        What a round is: passes, iterations, epochs.
    """

    name: str
    fit: Callable[[Any, float], Answer]
    budgets: Sequence[float]
    losses: frozenset[str]
    penalties: frozenset[str] = frozenset({"l2"})
    prepare: Callable[[Problem], Any] = field(default=as_they_are)
    dense: bool = True
    sparse: bool = True
    largest: float = np.inf
    widest: int = 10**9
    counts: str = "iterations"

    def takes(self, problem: Problem) -> bool:
        is_dense = isinstance(problem.X, np.ndarray)
        size = problem.X.size if is_dense else problem.X.nnz
        kind = "both" if problem.l1 and problem.l2 else ("l1" if problem.l1 else "l2")
        fits = (self.dense if is_dense else self.sparse) and problem.X.shape[1] <= self.widest
        known = problem.loss in self.losses and kind in self.penalties
        return known and fits and size <= self.largest


def threads() -> int:
    """Threads that this process was given."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def flat(coef: Any, intercept: Any, rounds: Any = np.nan) -> Answer:
    """scikit-learn's coef_, intercept_ and n_iter_ as an answer."""
    coef = np.atleast_2d(np.asarray(coef, dtype=float))
    intercept = np.atleast_1d(np.asarray(intercept, dtype=float)).ravel()
    if rounds is None or np.size(rounds) == 0:
        rounds = np.nan
    return Answer(np.concatenate([coef.T.ravel(), intercept]), float(np.max(rounds)))


def solvers() -> dict[str, Solver]:
    """Every solver whose library is installed; the others are named."""
    found: dict[str, Solver] = {}
    for module in pkgutil.iter_modules(__path__):
        try:
            loaded = importlib.import_module(f"{__name__}.{module.name}")
        except ImportError as error:
            print(f"# left out: {module.name} ({error})", flush=True)
            continue
        found |= {solver.name: solver for solver in loaded.SOLVERS}
    return found
