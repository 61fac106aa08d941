"""L1 and elastic net: the round bowl with edges, and weights that are exactly zero.

The smooth part is replaced by its parabola in the sketched metric H = table' table / n; where that
plus the L1 part is lowest, coordinate descent tells without reading a row. One pass there gives the
true value and gradient, and what the step did to the gradient corrects H (BFGS), so that each step
aims better than the last. This is the proximal Newton method (Lee, Sun and Saunders 2014) with a
sketch for the Hessian::

    delta = argmin  g'delta + delta' H delta / 2 + l1 |w + delta|_1
    w    <- w + delta      where the value falls by Armijo's rule; else H is bent more first
    H    <- H + y y'/y's - (H s)(H s)'/s'H s,   s = step, y = change of the gradient

**The certificate.** Where the true curvature is at least H / slack, the objective lies above its
parabola with H / slack, so it cannot be lower than here by more than slack times the decrease that
the parabola promises; slack is that of the round bowl (``certificate.py``). Beside it stands a
duality gap, which needs no such premise and costs nothing. Slopes theta_i of the losses at w,
scaled by c = min(1, l1 / max |gradient|), are feasible in the dual. Conjugates are convex, so
their value at c theta is at most c times that at theta plus (1 - c) times that at 0, minus the
lowest loss a row can have. With the sum of z_i theta_i known to be w'gradient this gives

    f(w) - f*  <=  (1 - c)(value - lowest) + c w'gradient + l1 |w|_1 .

The smaller of the two is the bound. (Fenchel and Rockafellar; for the scaling Mairal 2010.)
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.bowl import certificate
from downslope.bowl.edges import SINGULAR, Lowest, lowest_edged, solved
from downslope.bowl.methods import PROXIMAL_NEWTON
from downslope.bowl.metric import center_weights, curvature_of, products
from downslope.bowl.newton import BOLDER, LEAST
from downslope.bowl.passes import Passes
from downslope.bowl.pilot import null_weights, start_from
from downslope.bowl.round import MANY_WEIGHTS, buckets_for, sample_rows_for
from downslope.bowl.smooth import (
    BENT,
    SQUARED,
    Settings,
    Smooth,
    Solution,
    bend_floor,
    doubt_along,
    doubt_of,
)
from downslope.bowl.walks import Point

Array = Any
MOST_TRIALS = 50
SHORTEST = {True: 0.2, False: 0.6}
"""Share of a step below which it is bent instead of shortened, for losses whose curvature jumps and
for others. Where it jumps the step leads the right way, only too far."""
LEAST_DAMPING, WILDER, CALMER = 1e-5, 30.0, 0.1
"""Share of each weight's curvature that is added to it after a step that was too long, how much
more after each further one, and how much less after a good one."""
TOLD = 10.0
"""How many times its rounding a curvature is that says something."""
RENEW = 10
"""Steps after which the curvature is sketched again: a corner rounded narrowly has moved by then.
"""
PILOT_TOL = 1e-3
PILOT_STEPS = 8


@dataclass
class Edged:
    """A walk in a bowl with edges; the intercepts have ``l1`` 0."""

    problem: Smooth
    l1: Array
    floor_value: float
    hessian: Array
    center: Array
    w: Array
    value: float
    gradient: Array
    rho: float = 0.0
    delta: Array = 0.0
    promised: float = math.inf
    unrest: float = 0.0
    """What coordinate descent may have left of the promise."""
    clear: bool = True
    """Whether the curvature along the way there is more than the rounding of products."""
    doubt: float = math.inf
    lowest_curvature: float = 1.0
    damping: float = 0.0
    first: Array = 0.0
    """Curvature of each weight at the start: where all rows of a column have become sure there is
    next to none."""
    steps: int = 0
    sketches: int = 0

    @property
    def bound(self) -> float:
        """How far above the lowest value this is; the smaller of two bounds.

        Along what nearly equal columns differ in, products of columns are rounding, and what it
        promises is made up: then only the duality gap counts.
        """
        if not self.clear:
            return self.gap
        slack = certificate.slack_of(self.rho, self.lowest_curvature, self.doubt)
        return min(self.gap, slack * self.promised + self.unrest)

    @property
    def whole(self) -> float:
        """Smooth part plus L1."""
        return self.value + float(self.l1 @ np.abs(self.w))

    @property
    def gap(self) -> float:
        """Duality gap, and what the intercepts could still gain."""
        slope = pull_centered(self.gradient, self.center, self.problem.passes.n_outputs)
        gap = duality_gap(self.value, slope, self.w, self.l1, self.floor_value)
        return gap + self._left_to_intercepts()

    def _left_to_intercepts(self) -> float:
        """What the intercepts could still gain; the dual wants their slope to be zero."""
        free = (self.l1 == 0.0) & (np.diag(self.hessian) > 0.0)
        slope, bend = self.gradient[free], self.hessian[np.ix_(free, free)]
        return doubt_of(self.problem.passes.loss) * max(0.0, -float(slope @ solved(bend, slope)))

    def look(self, buckets: int | None, shift: Array, floor: float, seed: int) -> None:
        """Value, gradient and curvature here; about two passes."""
        passes = self.problem.passes
        n, k = passes.n_rows, passes.n_outputs
        sketch = self.problem.sketch(self.w, buckets, shift, floor, seed)
        self.value, self.gradient = self.problem.with_ridge(self.w, sketch.value, sketch.gradient)
        table = sketch.table
        bend = curvature_of(products(table), table, shift, self.problem.ridge, n, k)
        self.hessian, self.center = bend.hessian, bend.center
        self.hessian[~bend.alive] = 0.0
        self.hessian[:, ~bend.alive] = 0.0
        self.first = np.diag(self.hessian).copy() if self.steps == 0 else self.first
        self.rho = 0.0 if buckets is None else math.sqrt(len(self.l1) / buckets)
        self.lowest_curvature = 1.0
        self.sketches += 1

    def aim(self, tol: float, rows: Any) -> None:
        """Where the parabola plus the L1 part is lowest, and the decrease that promises.

        ``rows``, where they are all rows of the problem, tell how much of its curvature is made up.
        A sample of them may not hold one row at a corner.
        """
        self.delta, self.unrest = self._step(0.0, tol)
        self.promised = self._promise(self.delta)
        bends, told = np.diag(self.hessian), float(self.delta @ (self.hessian @ self.delta))
        rounded = SINGULAR * len(bends) * float(bends @ self.delta**2)
        self.clear = told >= TOLD * rounded
        if self.rho > 0.0:
            self.doubt = doubt_of(self.problem.passes.loss)
            return
        change = center_weights(self.delta, self.center, self.problem.passes.n_outputs, -1.0)
        self.doubt = doubt_along(rows, self.problem.ridge, self.w, change, told)

    def _step(self, damping: float, tol: float) -> Lowest:
        k = self.problem.passes.n_outputs
        bend = damping * np.maximum(np.diag(self.hessian), self.first)
        hessian = self.hessian + np.diag(bend) if damping else self.hessian
        slope = pull_centered(self.gradient, self.center, k)
        return lowest_edged(
            hessian, slope, center_weights(self.w, self.center, k, 1.0), self.l1, tol
        )

    def _promise(self, delta: Array) -> float:
        k = self.problem.passes.n_outputs
        slope = pull_centered(self.gradient, self.center, k)
        w = center_weights(self.w, self.center, k, 1.0)
        edge = float(self.l1 @ (np.abs(w + delta) - np.abs(w)))
        return max(0.0, -(float(slope @ delta) + edge))

    def go(self, tol: float, noise: float = 0.0) -> bool:
        """Go there, or less far; False where nothing lower was found, or could be told from here.

        Less far on a more bent parabola: where the sketch shows next to no curvature, as for a
        level that a single row has, the whole step may be a million times too long, but only in
        that direction. ``noise`` bounds the rounding of values; where rows are many most of it
        cancels.
        """
        k = self.problem.passes.n_outputs
        slope = pull_centered(self.gradient, self.center, k)
        w = center_weights(self.w, self.center, k, 1.0)
        before, t = self.whole, 1.0
        delta = self._step(self.damping, tol).delta if self.damping else self.delta
        for _ in range(MOST_TRIALS):
            promised = self._promise(delta)
            if not promised > 0.0:
                return False
            there = center_weights(w + t * delta, self.center, k, -1.0)
            value, gradient = self.problem.at(there)
            lower = before - value - float(self.l1 @ np.abs(there))
            if lower >= 1e-4 * t * promised:
                self._learn(t * delta, pull_centered(gradient, self.center, k) - slope)
                self.w, self.value, self.gradient = there, value, gradient
                self.damping *= CALMER if self.damping > LEAST_DAMPING else 0.0
                self.steps += 1
                return True
            t *= 0.5
            if t * promised <= 1e-3 * noise:
                break
            if t < SHORTEST[self.problem.passes.loss.name in BENT]:
                self.damping, t = WILDER * max(self.damping, LEAST_DAMPING), 1.0
                delta = self._step(self.damping, tol).delta
        return False

    def _learn(self, s: Array, y: Array) -> None:
        """Correct the curvature along the step by what it did to the gradient (BFGS)."""
        pushed = self.hessian @ s
        bend, met = float(s @ pushed), float(s @ y)
        if met > 1e-10 * bend > 0.0:
            self.lowest_curvature = min(self.lowest_curvature, met / bend)
            self.hessian += np.outer(y, y) / met - np.outer(pushed, pushed) / bend


def duality_gap(value: float, gradient: Array, w: Array, l1: Array, lowest: float) -> float:
    """Height above the lowest point at most; see the module's docstring.

    ``value`` and ``gradient`` are those of the smooth part, ``lowest`` the least it can be. What
    intercepts, whose ``l1`` is 0, could still gain is not in it.
    """
    edged = l1 > 0.0
    steepest = float(np.max(np.abs(gradient[edged]) / l1[edged], initial=0.0))
    c = 1.0 / max(1.0, steepest)
    gap = (1.0 - c) * (value - lowest) + c * float(w[edged] @ gradient[edged])
    return max(gap + float(l1 @ np.abs(w)), 0.0)


def pull_centered(gradient: Array, center: Array, n_outputs: int) -> Array:
    """Gradient in the weights of centred columns."""
    d = len(center)
    G = np.array(gradient).reshape(-1, n_outputs)
    if len(G) > d:
        G[:d] -= center[:, None] * G[d]
    return G.ravel()


def edged_bowl(problem: Smooth, l1: Array, settings: Settings, exact: bool) -> Solution:
    """Minimise a smooth objective plus ``l1 @ abs(w)``.

    Parameters
    ----------
    problem : Smooth
    l1 : array of shape (n_weights,)
        0 for the intercepts.
    settings : Settings
    exact : bool
        Rows are few: take the exact curvature at every step.
    """
    passes, n, m = problem.passes, problem.passes.n_rows, len(l1)
    quadratic = passes.loss.name in SQUARED
    sample = passes.sample(n if exact else sample_rows_for(n, m), settings.seed)
    null, shift = null_weights(sample), sample.centers()
    null_value = sample.at(null)[0]
    target = problem.target(settings, null_value)
    given = settings.start
    start = start_from(sample, problem.ridge, shift) if given is None else given
    floor = most = bend_floor(sample, start)
    walk, gain = _begin(problem, l1, start), 0.0
    if given is None and not (exact or quadratic) and m < MANY_WEIGHTS and 4 * sample.n_rows <= n:
        gain = _pilot(walk, sample, shift, floor)
    buckets = None if exact else buckets_for(n, m, passes.n_outputs)
    walk.look(buckets, shift, floor, settings.seed)
    margin = 3.0 * gain + 0.05 * abs(target.null_value)
    if given is None and not walk.whole <= target.null_value + margin:
        walk.w = null  # what suits a sample can be absurd elsewhere, where tails are heavy
        walk.look(buckets, shift, floor, settings.seed)
    settings.tell(Point(walk.w, walk.w, walk.whole, walk.gradient, walk.gradient))
    while True:
        enough = target.gap(walk.whole, m)
        tol = 1e-3 * enough
        walk.aim(tol, sample)
        reason = certificate.verdict(walk.bound, enough, problem.read, settings.most_passes)
        if reason is None and not walk.go(tol, target.rounding(walk.whole)):
            if exact and floor < most:
                floor = most  # too bold
                walk.look(buckets, shift, floor, settings.seed)
                continue
            reason = target.no_lower(walk.bound)
        if reason is not None:
            break
        floor = max(LEAST * most, BOLDER * floor) if exact else floor
        settings.tell(Point(walk.w, walk.w, walk.whole, walk.gradient, walk.gradient))
        if not quadratic and (exact or walk.steps == 2 or walk.steps % RENEW == 0):
            walk.look(buckets, shift, floor, settings.seed + walk.sketches)
    return Solution(
        *(walk.w, walk.whole, walk.bound, reason, problem.read, walk.steps, walk.sketches),
        method=PROXIMAL_NEWTON,
    )


def _begin(problem: Smooth, l1: Array, w: Array) -> Edged:
    m, d = len(l1), problem.passes.n_features
    lowest = problem.passes.lowest_loss()
    return Edged(problem, l1, lowest, np.zeros((m, m)), np.zeros(d), w, math.inf, np.zeros(m))


def _pilot(walk: Edged, sample: Passes, shift: Array, floor: float) -> float:
    """Move the start to where the sample is lowest; answers what that gains there."""
    small = _begin(Smooth(sample, walk.problem.ridge), walk.l1, walk.w)
    first = math.inf
    for _ in range(PILOT_STEPS):
        small.look(None, shift, floor, 0)
        first = min(first, small.whole)
        tol = PILOT_TOL**2 * abs(small.whole)
        small.aim(tol, sample)
        if small.promised <= PILOT_TOL * abs(small.whole) or not small.go(tol):
            break
    walk.w = small.w
    walk.problem.read += small.problem.read * sample.n_rows / walk.problem.passes.n_rows
    return first - small.whole
