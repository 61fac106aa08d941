"""A problem solved in columns that were exchanged (``near_columns.py``), told in the old ones.

The intercept is told such that predictions agree at the mean row; what rounding takes from a large
weight then matters only as far as its column varies.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from downslope.bowl.near_columns import LeftOut, Parting, left_out
from downslope.bowl.smooth import Settings, Smooth, Solution
from downslope.bowl.walks import Point
from downslope.pairs import minus_dot

Array = Any
Lowest = Callable[[Parting | None, Settings], tuple[Solution, Smooth]]
FEW = 512
"""Rows, and two more a column, that tell an exact dependence from rounding."""
TOLD = 4.0
"""What the rounding of weights costs counts so often: on their way to the user they are scaled and
scaled back, rounded each time."""


@dataclass(frozen=True)
class Exchange:
    """Weights there and back.

    Attributes
    ----------
    parting : Parting
    center : array of shape (n_features,)
        About the mean of the columns as they were; zeros without an intercept.
    fit_intercept : bool
    n_outputs : int
    """

    parting: Parting
    center: Array
    fit_intercept: bool
    n_outputs: int

    @property
    def new_center(self) -> Array:
        """The mean row in the new columns."""
        center = self.center.copy()
        for rest in self.parting.rests:
            center[rest.column] = rest.of(self.center)
        return center[self.parting.kept]

    def to_old(self, w: Array) -> Array:
        """Flat weights of the columns as they were."""
        W = w.reshape(-1, self.n_outputs)
        d = len(self.parting.kept)
        return self.with_intercept(self.parting.to_old(W[:d]), W)

    def with_intercept(self, old: Array, W: Array) -> Array:
        """Weights of the old columns with the intercept that goes with those of the new ones."""
        d = len(self.parting.kept)
        if not self.fit_intercept:
            return old.ravel()
        level = W[d] + self.new_center @ W[:d]
        return np.vstack((old, minus_dot(level, self.center, old))).ravel()

    def to_new(self, w: Array) -> Array:
        """Flat weights of the new columns with the same predictions."""
        W, d = w.reshape(-1, self.n_outputs), len(self.center)
        new = self.parting.to_new(W[:d])
        if not self.fit_intercept:
            return new.ravel()
        level = minus_dot(W[d], -self.center, W[:d])
        return np.vstack((new, level - self.new_center @ new)).ravel()

    def gradient_to_old(self, gradient: Array) -> Array:
        """Gradient in the weights of the columns as they were."""
        G, d = gradient.reshape(-1, self.n_outputs), len(self.parting.kept)
        moved = G[:d] + self.parting.shift[:, None] * G[d:] if self.fit_intercept else G[:d]
        return np.vstack((self.parting.gradient_to_old(moved), G[d:])).ravel()

    def told(self, settings: Settings) -> Settings:
        """The same settings for the new columns, whose watcher is told of the old ones."""
        start = None if settings.start is None else self.to_new(settings.start)

        def watch(point: Point) -> None:
            w, gradient = self.to_old(point.w), self.gradient_to_old(point.gradient)
            settings.tell(point._replace(w=w, gradient=gradient))

        return replace(settings, start=start, watch=None if settings.watch is None else watch)

    def answer(self, solution: Solution, problem: Smooth, scale: Array) -> Solution:
        """The solution in the columns as they were, and what rounding those weights costs."""
        W = solution.w.reshape(-1, self.n_outputs)
        old = self.parting.shortest(self.parting.to_old(W[: len(self.parting.kept)]), scale)
        w = self.with_intercept(old, W)
        value = problem.at(self.to_new(w))[0]
        lost = max(0.0, value - solution.value)
        bound = solution.bound + TOLD * lost
        said = solution.reason.sentence.replace(f"{solution.bound:.1e}", f"{bound:.1e}")
        reason = replace(solution.reason, sentence=said)
        passes = problem.read
        return replace(
            solution, w=w, value=solution.value + lost, bound=bound, reason=reason, passes=passes
        )


def solve_parted(
    parting: Parting,
    few: Array,
    n_rows: int,
    scale: Array,
    fit_intercept: bool,
    n_outputs: int,
    settings: Settings,
    lowest: Lowest,
) -> tuple[Solution, bool]:
    """Solve in exchanged columns, and tell.

    Parameters
    ----------
    parting : Parting
    few : array of shape (some rows, n_features)
        Rows of the columns as they are.
    n_rows, scale, fit_intercept, n_outputs, settings
        Those of the problem.
    lowest : callable
        Solves the problem in columns that a parting exchanges; None for the columns as they are.

    Returns
    -------
    Solution
        For the columns as they are.
    bool
        Whether columns were exchanged, so that the weights are the shortest already.
    """
    out = _left_out(parting, few, n_rows, fit_intercept)
    if not parting.rests:
        return replace(lowest(None, settings)[0], left_out=out), False
    d = parting.n_features
    center = few.mean(axis=0, dtype=np.float64) if fit_intercept else np.zeros(d)
    exchange = Exchange(parting, center, fit_intercept, n_outputs)
    solution, problem = lowest(parting, exchange.told(settings))
    return replace(exchange.answer(solution, problem, scale), left_out=out), True


def _left_out(
    parting: Parting, few: Array, n_rows: int, fit_intercept: bool
) -> tuple[LeftOut, ...]:
    kept = parting.n_features - len(parting.out)
    if n_rows <= kept + fit_intercept:
        return ()  # the columns that are left can make any column
    return left_out(parting, few[:: max(1, len(few) // (FEW + 2 * kept))], fit_intercept)
