"""Squared errors without a walk: few rows to all their digits, few columns in one pass.

**Few rows.** In exact round coordinates one step reaches the lowest point, but no closer than the
rounding of its gradient allows, which is a difference of large sums. With residuals, gradient and
weights carried in pairs of floats (``kernels.double_double``) the same step, taken three or four
times, gives every digit that the data hold: w <- w - B B' gradient, with the basis B of
``metric.py``. This is iterative refinement with the corrected seminormal equations (Björck 1987),
residuals in higher precision as in Wilkinson 1963.

**Few columns.** One pass adds up all products of columns; their Cholesky factor is the exact R. One
more pass, at the answer, gives the gradient there, which certifies it or corrects it.
"""

import math
from typing import Any

import numpy as np

from downslope.bowl import certificate
from downslope.bowl.methods import NORMAL_EQUATIONS, REFINEMENT
from downslope.bowl.metric import Metric, curvature_of, metric_from, metric_of
from downslope.bowl.passes import DensePasses
from downslope.bowl.pilot import null_weights
from downslope.bowl.round import Descent
from downslope.bowl.smooth import Settings, Smooth, Solution, View
from downslope.bowl.walks import WALKS, Point, Track
from downslope.kernels.form import form
from downslope.kernels.team import chunks, share
from downslope.pairs import two_product

Array = Any
MOST_CORRECTIONS = 20
ENOUGH = 1e-18
"""A correction that small, relative to the first, changes no digit of the answer."""


def refined(problem: Smooth, passes: DensePasses, settings: Settings) -> Solution:
    """Least squares to the last digit that the data hold; for few rows."""
    null = null_weights(passes)
    apart = passes.y - (null[-1] if passes.fit_intercept else 0.0)
    null_value = (
        0.5 * (passes.loss.max_curvature or 1.0) * float(np.mean(passes.weights * apart**2))
    )
    metric = _exact_metric(problem, passes)
    problem.watch_out(metric.near)
    problem.read += 1.0
    pair = (np.zeros(len(null)), np.zeros(len(null)))
    here, last, steps = _precise_point(problem, passes, metric, pair), math.inf, 0
    enough, at_zero = ENOUGH * math.sqrt(here.decrement), here.value
    for _ in range(MOST_CORRECTIONS):
        size = math.sqrt(here.decrement)
        if size <= enough or not size < 0.5 * last:  # what is left is rounding
            break
        pair = _sum(*pair, -metric.lift(here.slope))
        here, last, steps = _precise_point(problem, passes, metric, pair), size, steps + 1
        problem.read += 1.0
        settings.tell(here)
    if steps == 0:  # the start was the lowest point
        settings.tell(here)
    bound = max(certificate.height(here.decrement, 1.0), certificate.rounding(here.value, 1))
    target = problem.target(settings, null_value)
    wanted = target.wanted(here.value, metric.rank, 1.0) + ENOUGH**2 * at_zero
    close = here.decrement <= wanted
    reason = certificate.converged(bound) if close else certificate.stalled(bound)
    return Solution(
        *(here.w, here.value, bound, reason, problem.read, steps, 1, metric.rank),
        method=REFINEMENT,
    )


def _exact_metric(problem: Smooth, passes: DensePasses) -> Metric:
    """Round coordinates from all rows; no kernel is worth being compiled for so few."""
    shift, bend = passes.centers(), passes.loss.max_curvature or 1.0
    columns = [passes.X - shift]
    columns += [np.ones((passes.n_rows, 1))] * passes.fit_intercept + [np.zeros((passes.n_rows, 1))]
    table = np.hstack(columns) * np.sqrt(bend * passes.weights)[:, None]
    return metric_of(table, shift, problem.ridge, passes.n_rows, 1, buckets=None)


def _precise_point(
    problem: Smooth, passes: DensePasses, metric: Metric, pair: tuple[Array, Array]
) -> Point:
    """Value and gradient at weights given as pairs of floats, summed in pairs of floats."""
    n, d, m = passes.n_rows, passes.n_features, len(problem.ridge)
    bend = passes.loss.max_curvature or 1.0
    high, low = np.zeros(d + 1), np.zeros(d + 1)
    high[:m], low[:m] = pair
    g_high, g_low = np.zeros(d + 1), np.zeros(d + 1)
    pull = -n * problem.ridge / bend
    g_high[:m], g_low[:m] = two_product(pull, high[:m])
    g_low[:m] += pull * low[:m]
    squares = form("double_double", passes.X.size).precise_gradient(
        passes.X, passes.y, passes.weights, high, low, g_high, g_low
    )
    gradient = (-bend / n) * (g_high[:m] + g_low[:m])
    w = high[:m] + low[:m]
    value = 0.5 * (bend * squares / n + float(w @ (problem.ridge * w)))
    return Point(w, w, value, metric.pull(gradient), gradient)


def _sum(high: Array, low: Array, change: Array) -> tuple[Array, Array]:
    """``(high + low) + change``, weight by weight, as pairs."""
    s = high + change
    t = s - high
    e = (high - (s - t)) + (change - t) + low
    total = s + e
    return total, e - (total - s)


def in_one_pass(problem: Smooth, passes: DensePasses, settings: Settings) -> Solution:
    """Least squares from all products of columns; for few columns."""
    sample = passes.sample(1024, settings.seed)
    null, shift = null_weights(sample), sample.centers()
    center = float(null[-1]) if passes.fit_intercept else 0.0
    gram = _gram(passes, shift, center) * (passes.loss.max_curvature or 1.0)
    problem.read += 1.0
    bend = curvature_of(gram, None, shift, problem.ridge, passes.n_rows, 1)
    metric = metric_from(bend, rho=0.0)
    problem.watch_out(metric.near)
    w = null + metric.lift(metric.wish)
    view = View(w, *problem.at(w), metric)
    target = problem.target(settings, sample.at(null)[0])
    track = Track(view.start())
    settings.tell(track.here)
    descent = Descent(
        *(problem, WALKS["conjugate"], NORMAL_EQUATIONS, target, None, shift, 0.0),
        *(settings, track, view),
        steps=1,
    )
    return descent.run()


def _gram(passes: DensePasses, shift: Array, center: float) -> Array:
    """Products of (X - shift, 1 if there is an intercept, y - center)."""
    n, d = passes.X.shape
    parts, gram_pass = chunks(n, n * d), form("gram", n * d).gram_pass
    sums = np.zeros((len(parts), (d + 3) // 2 * 2, (d + 3) // 2 * 2))

    def work(i: int) -> None:
        gram_pass(passes.X, passes.y, passes.weights, *parts[i], shift, center, sums[i])

    share(work, range(len(parts)))
    upper = sums.sum(axis=0)[: d + 2, : d + 2]
    gram = np.triu(upper) + np.triu(upper, 1).T
    return gram if passes.fit_intercept else np.delete(np.delete(gram, d, 0), d, 1)
