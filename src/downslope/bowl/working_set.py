"""L1 over very many columns: only those that are wanted.

With an L1 penalty most weights of a wide problem are zero, and the gradient says which: a weight at
zero wants to leave it only if the slope there is steeper than l1. So the problem is solved over a
few columns, the weights that are not zero and those that want to leave zero most, by the proximal
walk of ``lasso.py``; one pass over all columns then shows who else wants to (Massias, Gramfort and
Salmon 2018; the rule that the set at most doubles keeps every problem small).

It ends when nobody outside wants in and the bound of the small problem is small enough, which is
then the bound of the whole one; or when the duality gap over all columns is, with what the last
small problem left, for the gap wants intercepts that have no slope; or when nobody wants in and the
small problem, asked for no less than the whole one, found nothing lower.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from downslope.bowl import certificate
from downslope.bowl.lasso import duality_gap
from downslope.bowl.methods import WORKING_SET
from downslope.bowl.pilot import null_weights
from downslope.bowl.smooth import Settings, Smooth, Solution
from downslope.bowl.walks import Point

Array = Any
Solver = Callable[[Smooth, Array, Settings], Solution]
FEWEST = 100
"""Columns in the first set."""
FIRST_FALL = 1e-2
EASED = 0.1
"""A small problem is solved to this share of what the last one gained, but no better than half of
what is asked of the whole one; to that at once where no further column wants in."""


def working_set_walk(
    problem: Smooth, passes: Any, l1: Array, settings: Settings, solver: Solver
) -> Solution:
    """Minimise a smooth objective plus ``l1 @ abs(w)`` over very many columns.

    Parameters
    ----------
    problem : Smooth
    passes : passes in memory
        Those of the problem.
    l1 : array of shape (n_weights,)
        Positive, but 0 for the intercepts.
    settings : Settings
    solver : callable
        Solves the small problems.
    """
    k, d, start = passes.n_outputs, passes.n_features, null_weights(passes)
    w = start if settings.start is None else np.array(settings.start)
    null_value = problem.at(start)[0]
    target = problem.target(settings, null_value)
    columns, lowest = passes.by_columns(), passes.lowest_loss()
    inside, inner_bound, free = np.zeros(d, dtype=bool), math.inf, len(w) > d * k
    fallen, goal, steps, sketches = FIRST_FALL * abs(null_value), math.inf, 0, 0
    while True:
        value, gradient = problem.at(w)
        whole = value + float(l1 @ np.abs(w))
        used = (w[: d * k].reshape(d, k) != 0.0).any(axis=1)
        urge = np.abs(gradient[: d * k] / l1[: d * k]).reshape(d, k).max(axis=1)
        wanting = ~used & (urge > 1.0)
        settled = not (wanting & ~inside).any()
        gap = duality_gap(value, gradient, w, l1, lowest)
        gap += inner_bound if free else 0.0
        bound = min(gap, inner_bound) if settled else gap
        enough = target.gap(whole, max(1, int(used.sum())))
        settings.tell(Point(w, w, whole, gradient, gradient))
        stuck = settled and goal <= enough and fallen <= certificate.rounding(whole, 1)
        reason = certificate.verdict(bound, enough, problem.read, settings.most_passes)
        if reason is None and stuck:
            reason = certificate.no_lower(bound, certificate.rounding(whole, 1))
        if reason is not None:
            return Solution(
                *(w, whole, bound, reason, problem.read, steps, sketches), method=WORKING_SET
            )
        chosen = _choose(used, wanting, urge, passes.n_rows)
        places = (chosen[:, None] * k + np.arange(k)).ravel()
        places = np.append(places, np.arange(d * k, len(w)))
        eased = EASED * fallen if wanting.any() else 0.0
        goal = max(eased, 0.5 * enough)
        most = (settings.most_passes - problem.read) * d / max(1, len(chosen))
        part = replace(settings, start=w[places], enough=goal, watch=None, most_passes=most)
        solution = solver(Smooth(columns(chosen), problem.ridge[places]), l1[places], part)
        problem.read += solution.passes * len(chosen) / d
        fallen, inner_bound = max(whole - solution.value, 0.0), solution.bound
        inside[:] = False
        inside[chosen] = True
        if fallen > 0.0:
            w = w.copy()
            w[places] = solution.w
        steps, sketches = steps + 1, sketches + solution.sketches


def _choose(used: Array, wanting: Array, urge: Array, n_rows: int) -> Array:
    """The columns in use, and those that want in most.

    As many again, or a quarter of them, but no more than rows: hardly more can stay, and the
    parabola over a set costs its size cubed.
    """
    room = max(FEWEST, int(used.sum()), min(int(wanting.sum()) // 4, n_rows))
    others = np.flatnonzero(wanting)
    best = others[np.argsort(-urge[others], kind="stable")[:room]]
    return np.sort(np.append(np.flatnonzero(used), best))
