"""Where a parabola plus an L1 part is lowest, to the last digit, and how far from it one still is.

Coordinate descent moves one weight at a time. Where columns are nearly the same the bottom of the
parabola is a groove across all axes, and it goes along it in steps too small to be seen: a sweep in
which no weight gains much may end far from the lowest point. So coordinate descent only finds which
weights are not zero. On those the L1 part is a slope, the whole is a parabola, and one solve goes
to its lowest point, or to the first place on the way where it is lower to stop because a weight
becomes zero. Then the others are asked again (feature-sign search: Lee, Battle, Raina and Ng 2007).

The same solve tells what is left: the parabola over the weights in use cannot fall by more than
half the decrement of their slopes, and a weight at zero by no more than its own slope beyond l1.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import lapack

from downslope import clock
from downslope.kernels.form import form

Array = Any
CELLS_PER_WEIGHT = 50
"""What a weight of a sweep counts as: in NumPy it costs a call, whatever else it touches."""
MOST_ROUNDS, MOST_SETS = 20, 200
"""Turns of coordinate descent, and sets of weights in use in all of them, each without those that
became zero. What is left then is told, and the next step of the walk goes on from there."""
MOST_CROSSINGS = 64
"""Weights that may become zero in one step, first come, first served."""
SINGULAR = 1e-14
"""Curvature added to every weight, relative to its own and times their number: the rounding of the
products, below which nobody can tell columns apart."""


class Lowest(NamedTuple):
    """The step to the lowest point, and what it may have left."""

    delta: Array
    unrest: float


def lowest_edged(hessian: Array, slope: Array, w: Array, l1: Array, tol: float) -> Lowest:
    """``delta`` that minimises slope'delta + delta' H delta / 2 + sum l1 abs(w + delta).

    Parameters
    ----------
    hessian : array of shape (m, m)
        A weight with 0 on the diagonal goes to 0 where its penalty is steeper than its slope, else
        it stays where it is.
    slope, w, l1 : array of shape (m,)
    tol : float
        What may be left.

    Returns
    -------
    Lowest

    Examples
    --------
    Two columns that are all but the same: coordinate descent alone would need a million sweeps.

    >>> H = np.array([[1.0, 1.0 - 1e-6], [1.0 - 1e-6, 1.0]])
    >>> step = lowest_edged(H, H @ np.array([-3.0, 2.0]), np.zeros(2), np.zeros(2), 1e-20)
    >>> step.delta.round(6)
    array([ 3., -2.])
    """
    bend = np.diag(hessian) * (1.0 + SINGULAR * len(w))
    hessian = hessian.copy()
    hessian[np.diag_indices(len(w))] = bend
    unrest, sets = np.inf, 0
    delta = np.where((bend <= 0.0) & (l1 > 0.0) & (np.abs(slope) <= l1), -w, 0.0)
    kernels = form("coordinate", CELLS_PER_WEIGHT * len(w))
    for _ in range(MOST_ROUNDS):
        here = slope + hessian @ delta
        delta = delta + kernels.descend_coordinates(
            hessian, here, w + delta, l1, tol / len(w), kernels.SWEEPS
        )
        onward = _onward(hessian, slope, w, l1, delta)
        t = 0.0
        while onward.left > 0.0 and t < 1.0 and sets < MOST_SETS:
            clock.ask()
            used, sets = onward.used, sets + 1
            t, crossed = _how_far(onward, w + delta, l1)
            delta[used] += t * onward.step
            delta[used[crossed]] = -w[used[crossed]]
            onward = _onward(hessian, slope, w, l1, delta)
        beyond = np.maximum(np.abs(onward.slope) - l1, 0.0)
        beyond[onward.used] = 0.0
        asleep = np.divide(beyond**2, bend, out=np.zeros_like(bend), where=bend > 0.0)
        unrest = onward.left + float(asleep.sum())
        if unrest <= tol or sets == MOST_SETS:
            break
    return Lowest(delta, unrest)


class Onward(NamedTuple):
    """The weights in use, the step to their lowest point, the slope of all, and what is left."""

    used: Array
    step: Array
    slope: Array
    left: float


def _onward(hessian: Array, slope: Array, w: Array, l1: Array, delta: Array) -> Onward:
    there, here = w + delta, slope + hessian @ delta
    used = np.flatnonzero((np.diag(hessian) > 0.0) & ((there != 0.0) | (l1 == 0.0)))
    pull = here[used] + l1[used] * np.sign(there[used])
    step = solved(hessian[np.ix_(used, used)], pull)
    return Onward(used, step, here, max(float(-pull @ step), 0.0))


def solved(hessian: Array, pull: Array) -> Array:
    """The step from ``pull`` to where it is zero; no step where there are too large numbers."""
    scale = 1.0 / np.sqrt(np.diag(hessian))
    unit, rounding = hessian * scale * scale[:, None], SINGULAR * len(pull)
    while len(pull) and rounding < 1.0:
        _, step, failed = lapack.dposv(unit, scale * pull)
        if failed == 0 and np.isfinite(step).all():
            return -scale * step
        unit[np.diag_indices(len(pull))] += rounding
        rounding *= 10.0
    return np.zeros(len(pull))


def _how_far(onward: Onward, w: Array, l1: Array) -> tuple[float, Array]:
    """Share of the step after which the whole is lowest, and which weights are zero there."""
    used, step = onward.used, onward.step
    w, l1 = w[used], l1[used]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where((l1 > 0.0) & (step != 0.0), -w / step, np.inf)
    share = np.where((share > 0.0) & (share < 1.0), share, np.inf)
    first = np.argsort(share, kind="stable")[:MOST_CROSSINGS]
    places = np.append(share[first][np.isfinite(share[first])], 1.0)
    bent = onward.left  # the step leads to where the parabola's slope is zero
    steep = float(onward.slope[used] @ step)
    edges = np.abs(w + places[:, None] * step) @ l1
    t = float(places[np.argmin(places * steep + 0.5 * places**2 * bent + edges)])
    return t, share == t
