"""A start near the answer, from a few thousand rows.

The null model is the best intercept alone. The pilot fits a random sample of s rows, held back
towards its start by (m/s)/2 |u|^2 in the round coordinates of the sample: as strong as the sample's
own noise, so that directions which the sample hardly knows stay where they were.
"""

from typing import Any

import numpy as np

from downslope.bowl.metric import SINGLE, metric_of
from downslope.bowl.passes import Sample
from downslope.bowl.walks import Point, Track, line_search, quasi_newton

Array = Any
ACCURACY = 1e-3
MOST_STEPS = 30
ROUGH = 4
"""Rows of a table, a weight, where a few more steps over the sample cost less than its products."""


def null_weights(sample: Sample) -> Array:
    """Flat weights of the null model."""
    d, k = sample.n_features, sample.n_outputs
    w = np.zeros((d + sample.fit_intercept) * k)
    if sample.fit_intercept:
        w[d * k :] = sample.null_intercepts()
    return w


def start_from(sample: Sample, ridge: Array, shift: Array) -> Array:
    """The null model, or for a log link the first step of reweighted least squares if it is better.

    With means mu = y + mean(y)/10 and a squared error of log(mu), weighted by the curvature there,
    that step is one least squares fit (McCullagh and Nelder 1989, section 2.5). It spares rows with
    very large counts a walk in which every step could raise their mean by a factor e only.
    """
    null = null_weights(sample)
    if sample.loss.link != "log":
        return null
    means = sample.y + 0.1 * np.average(sample.y, weights=sample.weights)
    if not (means > 0.0).all():
        return null
    weights = sample.weights * (means if sample.loss.name == "poisson" else 1.0)
    squares = sample.as_squares(np.log(means), weights)
    table = squares.sketch(0.0 * null, None, shift, 0.0, 0).table
    metric = metric_of(table, shift, ridge, sample.n_rows, sample.n_outputs, buckets=None)
    fitted = metric.lift(metric.wish)
    return fitted if sample.at(fitted)[0] < sample.at(null)[0] else null


def pilot(
    sample: Sample, ridge: Array, start: Array, shift: Array, floor: float
) -> tuple[Array, float]:
    """Weights that fit the sample, held back towards ``start``, and what they gain there."""
    rows = sample.n_rows
    buckets = rows if len(ridge) < SINGLE else min(rows, ROUGH * len(ridge))
    table = sample.sketch(start, buckets, shift, floor, 0).table
    metric = metric_of(table, shift, ridge, rows, sample.n_outputs, buckets)
    hold = min(1.0, metric.rank / rows)

    def evaluate(u: Array) -> Point:
        w = start + metric.lift(u)
        value, gradient = sample.at(w)
        gradient = gradient + ridge * w
        value += 0.5 * float(w @ (ridge * w)) + 0.5 * hold * float(u @ u)
        return Point(u, w, value, metric.pull(gradient) + hold * u, gradient)

    track = Track(evaluate(np.zeros(metric.rank)))
    first = track.here.value
    for _ in range(MOST_STEPS):
        if not track.here.decrement > ACCURACY * hold:
            break
        there = line_search(evaluate, track.here, quasi_newton(track))
        if there is None:
            break
        track.move(there)
    return track.here.w, first - track.here.value
