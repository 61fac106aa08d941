"""Losses with corners: solved round, with narrower and narrower corners.

Absolute, quantile, epsilon-insensitive and hinge losses have no curvature, so no coordinates make
their bowl round. Rounded off over a width delta (``rounding.py``) they have, and the rounded
problem is solved like any smooth one, starting where the last, wider one ended.

**The certificate** is a duality gap that shrinks with delta^2, not delta. Let F be the objective,
G <= F the rounded one, w the point reached, gamma a bound on G(w) - min G, and theta_i the slopes
at w. The slopes t_i at the lowest point of G are feasible in the dual of F, whose value there is
min G + (delta/2) mean(t^2), because rounding made theta pay delta theta^2 / 2. Slopes are
1/delta-Lipschitz, so (delta/2) mean((theta - t)^2) <= gamma. Together

    F(w) - min F  <=  F(w) - G(w) - (delta/2) max(0, rms(theta) - sqrt(2 gamma/delta))^2 + gamma .

Rows outside the corner add nothing to F(w) - G(w) - (delta/2) mean(theta^2); the few inside add at
most delta/8 each, and they are the fewer the narrower it is.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from downslope.bowl import certificate
from downslope.bowl.methods import SMOOTHING
from downslope.bowl.passes import Cornered
from downslope.bowl.pilot import null_weights
from downslope.bowl.rounding import Seen
from downslope.bowl.smooth import Settings, Smooth, Solution
from downslope.bowl.walks import Point

Array = Any
Solver = Callable[[Smooth, Array, Settings], Solution]
FIRST_WIDTH = 0.3
"""Of the first corner, in mean losses of the null model."""
NARROWER = (0.1, 0.5)
"""Least and largest factor from one width to the next."""
MOST_WIDTHS = 40
SHARE = 0.1
"""How much of the gap asked for may be left to a rounded problem."""


def corner_walk(
    problem: Smooth,
    passes: Cornered,
    l1: Array,
    settings: Settings,
    solver: Solver,
) -> Solution:
    """Minimise an objective whose loss has corners.

    Parameters
    ----------
    problem : Smooth
    passes : Cornered
        Those of the problem, with a loss that ``rounding.rounded`` knows.
    l1 : array of shape (n_weights,)
    settings : Settings
    solver : callable
        Solves the rounded problems.
    """
    w, sketches, k = null_weights(passes.sample(4096, settings.seed)), 0, 0
    null_value = problem.at(w)[0]
    tol = certificate.DEFAULT_TOL if settings.tol is None else settings.tol
    width, enough = FIRST_WIDTH * max(null_value, 1e-300), tol * null_value
    while True:
        left = SHARE * enough / width
        part = replace(
            settings,
            start=w / width,
            enough=left,
            watch=None,
            most_passes=settings.most_passes - problem.read,
        )
        rounded_problem = replace(
            problem, passes=passes.rounded(width), ridge=problem.ridge * width, read=0.0
        )
        solution = solver(rounded_problem, l1, part)
        problem.read += solution.passes
        w, sketches, k = solution.w * width, sketches + solution.sketches, k + 1
        seen = problem.seen(w, width, passes)
        value = seen.value + float(l1 @ np.abs(w)) + 0.5 * float(w @ (problem.ridge * w))
        bound = _gap(seen, width, solution.bound * width)
        enough = tol * max(null_value - value, 1e-3 * tol * null_value)
        reason = certificate.verdict(bound, enough, problem.read, settings.most_passes)
        if reason is None and solution.bound > left:  # narrower corners tell even less
            noise = certificate.rounding(max(value, null_value), passes.n_rows, problem.kind)
            reason = certificate.at_rounding(bound) if bound <= noise else None
        if reason is None and k == MOST_WIDTHS:
            reason = certificate.stalled(bound)
        if settings.watch is not None:
            gradient = problem.at(w)[1]
            settings.tell(Point(w, w, value, gradient, gradient))
        if reason is not None:
            return Solution(*(w, value, bound, reason, problem.read, k, sketches), method=SMOOTHING)
        width *= min(max(math.sqrt(0.5 * enough / bound), NARROWER[0]), NARROWER[1])


def _gap(seen: Seen, width: float, left: float) -> float:
    """See the module's docstring; ``left`` is the bound on the rounded problem's height."""
    sure = max(0.0, seen.rms - math.sqrt(2.0 * left / width))
    return max(0.0, seen.cut - 0.5 * width * sure**2) + left
