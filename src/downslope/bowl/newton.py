"""Small data: the exact Hessian at every step, which is Newton's method.

Where rows times weights squared is small, products cost less than thinking about passes. Each step
looks at all rows, makes the bowl exactly round there, and goes to its lowest point; a step that
does not go down is shortened.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from downslope.bowl import certificate
from downslope.bowl.certificate import Target
from downslope.bowl.methods import NEWTON
from downslope.bowl.pilot import null_weights, start_from
from downslope.bowl.smooth import Settings, Smooth, Solution, View, bend_floor, doubt_along
from downslope.bowl.walks import Point
from downslope.stopping import Reason

Array = Any
MOST_HALVINGS = 30
BOLDER, LEAST = 0.3, 1e-5
"""Rows on a straight part of their loss are given a little curvature, for there may be nothing
else; where most rows are on one it shortens every step, so it is made less with each that led down.
"""


def newton(problem: Smooth, settings: Settings) -> Solution:
    """Minimise a smooth objective over few rows or few weights."""
    passes = problem.passes
    n = passes.n_rows
    rows = passes.sample(n, 0)
    null, shift = null_weights(rows), rows.centers()
    null_value = rows.at(null)[0]
    given = settings.start
    start = start_from(rows, problem.ridge, shift) if given is None else given
    floor = most = bend_floor(rows, start)

    def look(w: Array) -> View:
        return problem.look(w, None, shift, floor, 0)

    view = look(start)
    target, steps = problem.target(settings, null_value), 0
    settings.tell(view.start())
    while True:
        here = view.start()
        change = -view.metric.lift(here.slope)
        doubt = doubt_along(rows, problem.ridge, here.w, change, here.decrement)
        unseen = unseen_height(view, problem.ridge)
        bound = certificate.height(here.decrement, doubt) + unseen
        reason = _verdict(problem, target, settings, here, doubt, unseen, view.metric.rank)
        lower = None if reason else _lower(look, view, here, n)
        if lower is None and reason is None and floor < most:
            floor = most  # too bold
            view = look(here.w)
            continue
        if lower is None:
            reason = reason or target.no_lower(bound)
            bound = here.value if reason.name == "separable" else bound
            return Solution(
                *(here.w, here.value, bound, reason, problem.read, steps, steps + 1),
                rank=view.metric.rank,
                method=NEWTON,
            )
        view, steps = lower, steps + 1
        floor = max(LEAST * most, BOLDER * floor)
        settings.tell(view.start())


def _verdict(
    problem: Smooth,
    target: Target,
    settings: Settings,
    here: Point,
    doubt: float,
    unseen: float,
    rank: int,
) -> Reason | None:
    if problem.separated(here.value):
        return certificate.separable(here.value)
    reached = target.reached(here.decrement, here.value, rank, doubt)
    bound = certificate.height(here.decrement, doubt) + unseen
    if reached is not None and unseen > 0.0:
        reached = certificate.converged(bound) if reached.converged else reached
    return reached or certificate.used_up(problem.read, settings.most_passes, bound)


def _lower(look: Callable[[Array], View], view: View, here: Point, n_rows: int) -> View | None:
    """The view from the lowest point of the quadratic bowl, or from a shorter step towards it."""
    change, length = -view.metric.lift(here.slope), 1.0
    noise = certificate.rounding(here.value, n_rows)
    for _ in range(MOST_HALVINGS):
        there = _look_far(look, here.w + length * change)
        if there is None:  # so far that means or their curvature overflow
            length *= 0.5
            continue
        if there.value <= here.value - 1e-4 * length * here.decrement:
            return there
        # Below rounding the values tell nothing any more, but the gradients still do.
        level = there.value <= here.value + noise
        if level and there.start().decrement <= 0.5 * here.decrement:
            return there
        length *= 0.5
    return None


def _look_far(look: Callable[[Array], View], w: Array) -> View | None:
    try:
        return look(w)
    except np.linalg.LinAlgError:
        return None


def unseen_height(view: View, ridge: Array) -> float:
    """Bound on what directions that round coordinates leave out may still gain.

    Rows of very little weight, beside others of very much, are rounding in the curvature. A ridge
    bends their directions all the same: a slope g along it leaves at most g^2 / (2 ridge).
    """
    k = view.metric.n_outputs * len(view.metric.center)
    if view.metric.rank >= len(ridge) or not ridge[:k].all():
        return 0.0
    left = view.gradient - view.metric.unpull(view.metric.pull(view.gradient))
    return 0.5 * float(np.sum(left[:k] ** 2 / ridge[:k]))
