"""Too many classes for a matrix of all products: one change of coordinates for all of them.

With d columns and K classes the Hessian has (K d)^2 numbers. Here all classes share the round
coordinates of d weights, made from rows weighted by the curvature p_k (1 - p_k) in the mean over
the classes, and L-BFGS with a long memory learns the rest.

As the model becomes sure of most rows their curvature all but goes, and with it the shape of the
bowl. So the coordinates are made anew after 5 steps, after 10 more, 20 more, and so on: each time
the walk has come twice as far for the same price, one sketch.

The certificate is that of ``wide.py``, told by coordinates that were made where the walk ends:
those from its start would promise too little, where most rows have become sure since.
"""

from typing import Any

import numpy as np

from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.coordinates import Coordinates, Diagonal, Shared
from downslope.bowl.pilot import null_weights
from downslope.bowl.round import buckets_for
from downslope.bowl.smooth import Settings, Smooth, Solution
from downslope.bowl.walks import Point, Track
from downslope.bowl.wide import MEMORY, MOST_FULL, LongWalk, answer, mean_length

Array = Any
FIRST_RENEWAL = 5
"""Steps until the coordinates are made anew; then twice as many each time."""
CURVATURE_TOLD = ("converged", "stalled")
"""Ends that rest on the curvature of the coordinates."""
LEAST = 1e-3
"""Share of the mean curvature that every row keeps: it may become unsure of its class again."""


def many_classes_walk(problem: Smooth, passes: ClassPasses, settings: Settings) -> Solution:
    """Minimise the cross-entropy of too many classes for a matrix of all products."""
    k = passes.n_outputs
    sample = passes.sample(1024, settings.seed)
    null, shift = null_weights(sample), sample.centers()
    start = null if settings.start is None else settings.start

    def look(w: Array) -> tuple[Shared, Array]:
        """Coordinates, and the curvature of each intercept; three passes."""
        problem.read += 3.0
        bends = passes.curvatures(w)
        features = _features_where(problem, passes, bends.mean(axis=1), shift, settings.seed)
        return Shared(features, k), bends.mean(axis=0)[: k * passes.fit_intercept]

    coordinates, bend = look(start)
    here = _origin(coordinates, start, *problem.at(start))
    null_value = here.value if settings.start is None else sample.at(null)[0]
    target = problem.target(settings, null_value)
    length = mean_length(passes.X)
    track = Track(here, memory=MEMORY)
    settings.tell(track.here)
    walk = LongWalk(problem, coordinates, target, settings, track, bend, length)
    made_at, renewal = 0, FIRST_RENEWAL
    while True:
        reason = walk.verdict()
        if reason is None and not walk.advance():
            reason = target.no_lower(walk.bound)
        fresh = made_at == walk.steps
        if reason is not None and (fresh or reason.name not in CURVATURE_TOLD):
            return answer(walk, reason)
        if reason is not None or walk.steps >= renewal:
            made_at, renewal = walk.steps, 2 * walk.steps + FIRST_RENEWAL
            coordinates, bend = look(track.here.w)
            there = _origin(coordinates, track.here.w, track.here.value, track.here.gradient)
            walk.renew(coordinates, there, bend)


def _origin(coordinates: Shared, w: Array, value: float, gradient: Array) -> Point:
    """The origin of the coordinates, put at ``w``."""
    return Point(np.zeros(coordinates.rank), w, value, coordinates.pull(gradient), gradient)


def _features_where(
    problem: Smooth, passes: ClassPasses, bends: Array, shift: Array, seed: int
) -> Coordinates:
    """Round coordinates of least squares whose rows weigh as much as these curvatures."""
    n, ridge = passes.n_rows, problem.ridge.reshape(-1, passes.n_outputs)[:, 0]
    least = LEAST * max(float(bends.mean()), float(np.finfo(float).tiny)) * passes.weights
    squares = passes.as_squares(np.zeros(n), np.maximum(bends, least))
    none = np.zeros(len(ridge))
    if min(n, len(ridge)) > MOST_FULL:
        return Diagonal(np.sqrt(squares.scales(none, 0.0).squares + ridge))
    return Smooth(squares, ridge).look(none, buckets_for(n, len(ridge)), shift, 0.0, seed).metric
