"""Ways down a bowl that is nearly round: no learning rate, steps of length near 1.

A walk is two functions: which way, from the steps taken so far, and how far along it. In round
coordinates minus the gradient points at the lowest point; walks differ in what they remember.

============ ======================================================== ==========================
walk         direction                                                how far
============ ======================================================== ==========================
conjugate    -g + (g'y / s'y) s, with the last step s, change y of g  exact (squared loss)
quasi_newton -H g, with H from the last steps (L-BFGS)                1, else a line search
adaptive     -a g, a as long as the curvature of the last step allows as given
momentum     -(1 - rho^2)^2 g + rho^2 s                               as given (squared loss)
============ ======================================================== ==========================

Sources: Hestenes and Stiefel 1952; Nocedal and Wright 2006, algorithm 7.4; Malitsky and Mishchenko
2023 (arXiv 2308.02261); Ozaslan, Pilanci and Arikan 2019 for the constants of momentum.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

Array = Any
norm = np.linalg.norm
MEMORY = 10
"""Steps that are remembered; in a round bowl more gained nothing."""


class Point(NamedTuple):
    """A place in the bowl, in round coordinates ``u`` and in weights ``w``."""

    u: Array
    w: Array
    value: float
    slope: Array
    """Gradient in ``u``."""
    gradient: Array
    """Gradient in ``w``."""

    @property
    def decrement(self) -> float:
        """Squared length of the round gradient: twice the height left, if the bowl is round."""
        return float(self.slope @ self.slope)


Evaluate = Callable[[Array], Point]


@dataclass
class Track:
    """Where the walk stands and its last steps, oldest first."""

    here: Point
    memory: int = MEMORY
    rho: float = 0.0
    steps: list[Array] = field(default_factory=list)
    changes: list[Array] = field(default_factory=list)

    def move(self, there: Point) -> None:
        """Go there, and remember the step and what it did to the gradient."""
        self.remember(there.u - self.here.u, there.slope - self.here.slope)
        self.here = there

    def remember(self, step: Array, change: Array) -> None:
        """One more pair; where the curvature is not positive it would teach nothing."""
        if step @ change > 1e-12 * math.sqrt((step @ step) * (change @ change)):
            keep = self.memory - 1
            self.steps = [*self.steps[-keep:], step]
            self.changes = [*self.changes[-keep:], change]

    def lowest_curvature(self) -> float:
        """Smallest curvature met along a remembered step (1 where there is none)."""
        pairs = zip(self.steps, self.changes, strict=True)
        return min((float((s @ y) / (s @ s)) for s, y in pairs), default=1.0)


def conjugate(track: Track) -> Array:
    """Conjugate to the last step."""
    g = track.here.slope
    if not track.steps:
        return -g
    s, y = track.steps[-1], track.changes[-1]
    return ((g @ y) / (s @ y)) * s - g


def quasi_newton(track: Track) -> Array:
    """Minus the gradient, turned by what the remembered steps tell of the curvature."""
    q, shares = -track.here.slope, []
    for s, y in zip(reversed(track.steps), reversed(track.changes), strict=True):
        shares.append((s @ q) / (s @ y))
        q = q - shares[-1] * y
    if track.steps:
        s, y = track.steps[-1], track.changes[-1]
        q = q * ((s @ y) / (y @ y))
    for s, y, a in zip(track.steps, track.changes, reversed(shares), strict=True):
        q = q + (a - (y @ q) / (s @ y)) * s
    return q


def adaptive(track: Track) -> Array:
    """Minus the gradient, with Malitsky and Mishchenko's length.

    a_k = min( sqrt(2/3 + a_{k-1} / a_{k-2}) a_{k-1},  a_{k-1} / sqrt([2 a_{k-1}^2 L_k^2 - 1]_+) )
    with L_k = |change of the gradient| / |step|; the first length is 1.
    """
    g = track.here.slope
    if not track.steps:
        return -g
    s, y = track.steps[-1], track.changes[-1]
    last = norm(s) / norm(g - y)
    ratio: Any = 1.0 / 3.0
    if len(track.steps) > 1:
        ratio = last * norm(g - y - track.changes[-2]) / norm(track.steps[-2])
    length = math.sqrt(2.0 / 3.0 + ratio) * last
    bend = 2.0 * (last * norm(y) / norm(s)) ** 2 - 1.0
    return -(min(length, last / math.sqrt(bend)) if bend > 0.0 else length) * g


def momentum(track: Track) -> Array:
    """Heavy ball with the constants of a round bowl whose roundness ``rho`` is known."""
    beta = track.rho**2
    pull = -((1.0 - beta) ** 2) * track.here.slope
    return pull + beta * track.steps[-1] if track.steps else pull


def line_search(evaluate: Evaluate, here: Point, direction: Array) -> Point | None:
    """A lower point along ``direction``, length 1 first; None where there is none.

    Accepts where the slope along the line has shrunk by a tenth and the value fell (Armijo, 1e-4),
    or where that slope has all but gone, which shows even where values differ by rounding only.
    Too far: a secant step on the slope inside the bracket. Not far enough: four times.
    """
    start = float(here.slope @ direction)
    low, low_slope, high, high_slope, t = 0.0, start, math.inf, math.nan, 1.0
    for _ in range(20 if start < 0.0 else 0):
        there = evaluate(here.u + t * direction)
        slope = float(there.slope @ direction)
        lower = there.value <= here.value + 1e-4 * t * start  # False for nan
        if abs(slope) <= -0.9 * start and (lower or abs(slope) <= -0.1 * start):
            return there
        if lower and slope < 0.0:
            low, low_slope = t, slope
            if math.isinf(high):
                t *= 4.0
                continue
        else:
            high, high_slope = t, slope
        secant = low_slope / (low_slope - high_slope) if high_slope > 0.0 else 0.1
        t = low + min(max(secant, 0.1), 0.9) * (high - low)
    return None


def exact_step(evaluate: Evaluate, here: Point, direction: Array) -> Point | None:
    """Lowest point along ``direction`` in a quadratic bowl, from one pass.

    The gradient is linear along the line, so a pass at length 1 tells it everywhere.
    """
    start = float(here.slope @ direction)
    there = evaluate(here.u + direction)
    bend = float(there.slope @ direction) - start
    if not (start < 0.0 and bend > 0.0):
        return None
    t = -start / bend
    return Point(
        here.u + t * direction,
        here.w + t * (there.w - here.w),
        max(here.value + 0.5 * t * start, 0.0),
        here.slope + t * (there.slope - here.slope),
        here.gradient + t * (there.gradient - here.gradient),
    )


def plain_step(evaluate: Evaluate, here: Point, direction: Array) -> Point | None:
    """The step as it is; None where the loss is not finite there."""
    there = evaluate(here.u + direction)
    return there if np.isfinite(there.decrement) else None


class Walk(NamedTuple):
    """Which way, and how far along it."""

    direction: Callable[[Track], Array]
    step: Callable[[Evaluate, Point, Array], Point | None]


WALKS = {
    "conjugate": Walk(conjugate, exact_step),
    "quasi_newton": Walk(quasi_newton, line_search),
    "adaptive": Walk(adaptive, plain_step),
    "momentum": Walk(momentum, plain_step),
}
