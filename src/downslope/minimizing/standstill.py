"""Why a walk stands still: a bottom, rounding, a flat, a saddle, a kink, or a wrong gradient.

A gradient that is exactly zero and a search that finds nothing lower look alike from inside the
walk. Values around the place tell them apart: along the slope, and on all sides where there is
none.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.stopping import Reason

Array = Any
Value = Callable[[Array], float]
ROUNDING = 8.0 * 2.0**-52
WIDTHS = tuple(10.0**-k for k in range(1, 11))
RINGS = WIDTHS[:6]
NOISE = 1e-9
"""Share of the value by which neighbours may differ: rounding is a thousandth of it or less."""
MAX_SIDES = 20
"""Directions looked at where no slope points anywhere."""


def why_standing(value: Value, w: Array, gradient: Array) -> Reason:
    """The reason a walk that ended at ``w`` could not go on.

    Parameters
    ----------
    value : callable
        ``value(w)``; asked at a few dozen points around.
    w, gradient : array of shape (n_weights,)
        Where the walk stands, and the slope that it was told there.

    Returns
    -------
    Reason
        ``converged``, ``flat``, ``saddle``, ``jagged``, ``wrong_gradient`` or ``stalled``.

    Examples
    --------
    >>> why_standing(lambda w: float(np.floor(w[0])), np.array([0.5]), np.array([0.0])).name
    'flat'
    >>> why_standing(lambda w: -float(w @ w), np.zeros(2), np.zeros(2)).name
    'saddle'
    >>> why_standing(lambda w: abs(float(w[0])), np.array([1e-12]), np.array([1.0])).name
    'jagged'
    """
    with np.errstate(all="ignore"):
        if not gradient.any():
            return _without_slope(value, w)
        return _along_slope(value, w, gradient)


def _without_slope(value: Value, w: Array) -> Reason:
    """The gradient is exactly zero: are there only higher values around?"""
    here, scale = value(w), max(1.0, float(np.abs(w).max()))
    widths = scale * np.array(RINGS)
    rings = np.array([[value(w + h * side) - here for side in _sides(len(w))] for h in widths])
    telling = np.abs(rings) > ROUNDING * abs(here)
    lower = widths[(rings < 0.0).any(axis=1) & telling.any(axis=1)]
    beyond = f"; a lower value lies {lower.min():.2g} away" if len(lower) else ""
    level = widths[(rings == 0.0).all(axis=1)]
    if len(level) and (len(lower) or not telling.any()):
        return Reason(
            "flat",
            f"The gradient is exactly 0 and the value is {here:.6g} at every point tried up to "
            f"{level.max():.2g} away, so there is no slope to follow{beyond}; start elsewhere.",
            False,
        )
    nearest = rings[telling.any(axis=1)][-1] if telling.any() else np.zeros(1)
    if (nearest >= -ROUNDING * abs(here)).all():
        return Reason("converged", f"The gradient is exactly 0 and no side falls{beyond}.", True)
    if _tilts(rings, widths, here):
        return Reason(
            "wrong_gradient",
            f"The gradient is said to be 0, but the value {here:.6g} falls straight away on one "
            "side and rises on the other; check the gradient function.",
            False,
        )
    return Reason(
        "saddle",
        f"The gradient is exactly 0, but the value falls below {here:.6g} within "
        f"{lower.min():.2g}: this is a saddle or a top; start a little beside it.",
        False,
    )


def _tilts(rings: Array, widths: Array, here: float) -> bool:
    """Whether opposite sides differ in proportion to the width, as a slope makes them do."""
    tilts = np.abs(rings[:, ::2] - rings[:, 1::2]).max(axis=1) / widths
    clear = tilts > 10.0 * ROUNDING * abs(here) / widths
    return bool(clear[-2:].all() and tilts[-1] > 0.5 * tilts[-2])


def _sides(n: int) -> Iterator[Array]:
    """Both ways along each weight, or along random directions where the weights are many."""
    if 2 * n <= MAX_SIDES:
        directions = np.eye(n)
    else:
        directions = np.random.default_rng(0).standard_normal((MAX_SIDES // 2, n))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for direction in directions:
        yield direction
        yield -direction


@dataclass(frozen=True)
class Ladder:
    """Slopes along the gradient, ahead and behind, measured at several widths."""

    widths: Array
    ahead: Array
    behind: Array

    @property
    def central(self) -> Array:
        """Mean of both sides; equal at all widths where the function is smooth."""
        return (self.ahead + self.behind) / 2.0

    @property
    def grain(self) -> float:
        """Where the value stands still at the narrowest width: the first change that it shows."""
        changes = np.maximum(np.abs(self.ahead), np.abs(self.behind)) * self.widths
        return 0.0 if changes[-1] > 0.0 else float(changes[changes > 0.0].min(initial=math.inf))

    @property
    def curvature(self) -> Array:
        """Second difference at each width."""
        return (self.ahead - self.behind) / self.widths


def _along_slope(value: Value, w: Array, gradient: Array) -> Reason:
    """The gradient points somewhere, but no step along it was lower."""
    here, length = value(w), float(np.linalg.norm(gradient))
    ladder = _measure(value, w, -gradient / length, here)
    scatter = _scatter(value, w)
    if scatter > NOISE * max(abs(here), float(np.abs(ladder.ahead * ladder.widths).max())):
        return Reason(
            "jagged",
            f"The value {here:.6g} jumps by {scatter:.2g} between points that differ in their last "
            "digit only: it is noisy, and no slope leads below its noise.",
            False,
        )
    rounding = max(ROUNDING * abs(here), scatter, 4.0 * ladder.grain)
    clear = rounding / ladder.widths < 0.1 * length  # where the slope stands out of rounding
    if clear.sum() >= 2:
        told = _as_told(ladder, length, rounding, clear)
        if told is not None:
            return told
    bend = float(np.max(ladder.curvature[ladder.widths <= 1e-2], initial=0.0))
    gain = length**2 / (2.0 * bend) if bend > 0.0 else math.inf
    if gain <= 10.0 * rounding or not clear.any():
        return Reason(
            "converged",
            f"No step lowers the value {here:.6g} by more than its rounding; the gradient's length "
            f"is {length:.3g}.",
            True,
        )
    return Reason(
        "stalled",
        f"No lower value was found along the slope of {length:.3g}, although about {gain:.3g} "
        "could be gained; rescale the weights to like sizes, or start elsewhere.",
        False,
    )


def _as_told(ladder: Ladder, length: float, rounding: float, clear: Array) -> Reason | None:
    """None if the value falls as the gradient says; else what is wrong with one of them."""
    ahead, behind = ladder.ahead[clear], ladder.behind[clear]
    central, jump = ladder.central[clear], abs(ahead - behind)
    sides = abs(ahead[-1]) + abs(behind[-1])
    off = abs(central[-1] + length) > 0.1 * sides + rounding / ladder.widths[clear][-1]
    if jump[-1] > 0.5 * jump[-2] and jump[-1] > 0.1 * sides:
        return Reason(
            "jagged",
            f"The slope jumps here, from {behind[-1]:.3g} on one side to {ahead[-1]:.3g} on the "
            "other: the function has a kink, which may be its lowest point, but no slope can tell.",
            False,
        )
    if not off:
        return None
    some = sorted({0, len(central) // 2, len(central) - 1})
    measured = ", ".join(f"{central[i]:.3g} at width {ladder.widths[clear][i]:.0e}" for i in some)
    if np.ptp(central[-3:]) < 0.1 * abs(central[-1]) or jump[-1] < 0.5 * length:
        return Reason(
            "wrong_gradient",
            f"Along its own direction the gradient says {-length:.3g} per unit, but differences of "
            f"the value say {measured}; check the gradient function.",
            False,
        )
    return Reason(
        "jagged",
        f"The gradient says {-length:.3g} per unit, but differences of the value say {measured}; "
        "they disagree from width to width, so there is no slope to follow.",
        False,
    )


def _scatter(value: Value, w: Array) -> float:
    """How much neighbouring values jump: their second differences a few roundings apart."""
    values = np.array([value(w * (1.0 + 4.0 * k * 2.0**-52)) for k in range(7)])
    return float(np.abs(np.diff(values, 2)).max())


def _measure(value: Value, w: Array, direction: Array, here: float) -> Ladder:
    widths = np.array(WIDTHS) * max(1.0, float(np.linalg.norm(w)))
    ahead = np.array([(value(w + h * direction) - here) / h for h in widths])
    behind = np.array([(here - value(w - h * direction)) / h for h in widths])
    return Ladder(widths, ahead, behind)
