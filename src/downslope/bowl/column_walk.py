"""L1 over sparse columns: the parabola's lowest point by coordinates, straight from the columns.

The proximal Newton walk of ``lasso.py`` where a matrix of products would be larger than the columns
themselves: coordinate descent keeps the raw predictions of its step instead, so that a weight costs
what its column stores. The curvature is exact and taken anew at every step.
"""

from typing import Any, NamedTuple

import numpy as np

from downslope.bowl import certificate
from downslope.bowl.column_passes import ColumnPasses
from downslope.bowl.edges import CELLS_PER_WEIGHT
from downslope.bowl.lasso import duality_gap
from downslope.bowl.methods import COORDINATE_DESCENT
from downslope.bowl.smooth import BENT, Settings, Smooth, Solution, doubt_of
from downslope.kernels.form import form

Array = Any
MOST_SWEEPS = 1000
MOST_HALVINGS = 30
SHARE = 0.01
"""Of the decrease asked for, over all weights, a sweep may leave to a single one."""


class Aim(NamedTuple):
    """Where the parabola plus the L1 part is lowest."""

    delta: Array
    promised: float
    """The decrease there."""
    left: float
    """What the intercept alone could gain; the duality gap wants it to have no slope."""


def column_walk(problem: Smooth, passes: ColumnPasses, l1: Array, settings: Settings) -> Solution:
    """Minimise a smooth objective plus ``l1 @ abs(w)`` over sparse columns from a given start."""
    w = np.array(settings.start)
    value, gradient = problem.at(w)
    target, lowest = problem.target(settings, value), passes.lowest_loss()
    steps = 0
    while True:
        whole = value + float(l1 @ np.abs(w))
        enough = target.gap(whole, len(w))
        aim = _aim(problem, passes, w, gradient, l1, SHARE * enough / len(w))
        delta, promised, unrest = aim.delta, aim.promised, 10.0 * SHARE * enough
        gap = duality_gap(value, gradient, w, l1, lowest) + aim.left
        bound = min(gap, doubt_of(passes.loss) * promised + unrest)
        reason = certificate.verdict(bound, enough, problem.read, settings.most_passes)
        # The first step is found and all but free by now, so it is taken even from close enough.
        there = None if reason and steps else _lower(problem, w, delta, whole, promised, l1)
        if there is None:
            reason = reason or certificate.no_lower(bound, certificate.rounding(whole, 1))
            return Solution(
                *(w, whole, bound, reason, problem.read, steps, steps), method=COORDINATE_DESCENT
            )
        w, value, gradient = there
        steps += 1


def _aim(
    problem: Smooth,
    passes: ColumnPasses,
    w: Array,
    gradient: Array,
    l1: Array,
    tol: float,
) -> Aim:
    n, d = passes.n_rows, passes.n_features
    h = passes.weights * passes.loss.curvature(passes.raw(w), passes.y) / n
    if passes.loss.name in BENT:
        h = np.maximum(h, 1e-3 * h.mean())
    problem.read += 1.0
    bend = np.zeros(d + 1)
    bend[:d] = passes.squares(h)
    bend[d] = h.sum() if passes.fit_intercept else 0.0
    padded = [np.append(part, np.zeros(d + 1 - len(part))) for part in (gradient, problem.ridge, w)]
    edges = np.append(l1[:d], 0.0)
    slope, ridge, start = padded
    cells = max(len(passes.columns[0]), CELLS_PER_WEIGHT * len(w))
    delta = form("coordinate", cells).descend_columns(
        *passes.columns, h, slope, ridge, bend + ridge, start, edges, tol, MOST_SWEEPS
    )[: len(w)]
    edge = float(l1 @ (np.abs(w + delta) - np.abs(w)))
    left = float(slope[d]) ** 2 / bend[d] if bend[d] > 0.0 else 0.0
    return Aim(delta, max(0.0, -(float(gradient @ delta) + edge)), left)


def _lower(
    problem: Smooth, w: Array, delta: Array, whole: float, promised: float, l1: Array
) -> tuple[Array, float, Array] | None:
    """The first point on the way, halving, whose value is low enough."""
    t = 1.0
    for _ in range(MOST_HALVINGS if promised > 0.0 else 0):
        there = w + t * delta
        value, gradient = problem.at(there)
        if whole - value - float(l1 @ np.abs(there)) >= 1e-4 * t * promised:
            return there, value, gradient
        t *= 0.5
    return None
