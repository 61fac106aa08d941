"""Symptoms of the place where a run ended: a minimum, a saddle, level ground, or on the way.

Every public function answers a ``Finding`` or None.
"""

import math
from typing import Any

import numpy as np

from downslope.diagnosis.findings import CONVERGED, STALLED, Evidence, Finding
from downslope.stability import steps_per_decade

Array = Any


def converged(e: Evidence) -> Finding | None:
    """Arrived: the gradient has vanished, or no weight has any way left to go."""
    p = e.problem
    if not e.run.finite or saddle(e) or dead_gradient(e):
        return None
    number, what = e.ratio, "the gradient fell to {:.2g} of its first length"
    if p is not None and p.distance is not None and not number <= CONVERGED:
        way = p.distance / max(float(np.abs(p.w).max(initial=0.0)), 1e-300)
        if way <= CONVERGED:
            number, what = way, "every weight is within {:.2g} of the largest from its lowest place"
    if not (number <= CONVERGED or e.reason == "converged"):
        return None
    asked = "" if number <= CONVERGED else ", the accuracy asked for"
    return Finding(
        "converged",
        number,
        CONVERGED,
        f"Converged: {what.format(number)} (1e-06 counts as there){asked}.",
        "Nothing to mend.",
        fault=False,
    )


def saddle(e: Evidence) -> Finding | None:
    """Level ground that falls away to the sides."""
    p = e.problem
    if p is None or p.linear or not e.run.finite or not p.here.settled:
        return None
    steepest = max(abs(p.here.largest), abs(p.here.smallest))
    level = e.ratio <= 1e-3 or float(np.linalg.norm(p.gradient)) <= 1e-3 * e.run.norms.max()
    if not (level and p.here.smallest < -1e-3 * steepest):
        return None
    push = 0.01 * (1.0 + float(np.linalg.norm(p.w)))
    return Finding(
        "saddle",
        p.here.smallest,
        0.0,
        f"The gradient has nearly vanished ({e.ratio:.2g} of the first) but the smallest curvature "
        f"is {p.here.smallest:.4g}, below 0: a saddle, not a minimum.",
        f"Push the weights by {push:.2g} along the direction of that curvature, add noise "
        "(mini-batches) or momentum, or start elsewhere.",
    )


def dead_gradient(e: Evidence) -> Finding | None:
    """Weights that nothing pulls at: flat ground, dead or saturated units."""
    p = e.problem
    if p is None or p.linear or p.dead < 0.6:
        return None
    return Finding(
        "dead_gradient",
        p.dead,
        0.6,
        f"{p.dead:.0%} of the weights have a gradient and a curvature of exactly zero "
        "(60% is too many): the loss is flat in them.",
        "Start elsewhere (He or Glorot), scale the inputs, use a leaky activation, and try a "
        f"first rate of {e.run.rate / 10.0:.3g}.",
        e.run.rate / 10.0,
    )


def plateau(e: Evidence) -> Finding | None:
    """Nearly level ground that is no minimum."""
    run, p = e.run, e.problem
    if not run.full_batch or not run.finite or e.ratio <= CONVERGED or len(run.curve) < 8:
        return None
    if p is None:
        if not e.ratio < 1e-2:
            return None  # a slope as steep as at the start is a crawl
        last = run.products[-20:][np.isfinite(run.products[-20:])]
        bend = float(np.median(last)) if len(last) else math.nan
    elif p.linear:
        return None
    else:
        bend = run.rate * p.slope_bend
    moved = abs(run.curve[3 * len(run.curve) // 4] - run.curve[-1])
    share = float(moved / max(abs(run.curve[-1]), 1e-300))
    if not bend <= 1e-3 * min(1.0, e.pull if e.pull > 0.0 else 1.0) or not share < STALLED:
        return None
    return Finding(
        "plateau",
        share,
        STALLED,
        f"The ground is level: the loss moved by {share:.2g} of itself in the last quarter of the "
        f"run (1% is progress), and the slope does not flatten towards a minimum (rate times "
        f"curvature along it {bend:.2g}).",
        f"Raise the rate tenfold, to {10.0 * run.rate:.4g}, add momentum or noise, or start "
        "elsewhere.",
        10.0 * run.rate,
    )


def local_minimum(e: Evidence) -> Finding | None:
    """The bottom of a valley, with a deeper one known elsewhere."""
    p = e.problem
    if e.lowest is None or not e.run.finite or not converged(e):
        return None
    end = float(e.run.curve[-1])
    excess = end - e.lowest
    if not excess > 1e-6 * max(abs(end), abs(e.lowest), 1e-300):
        return None
    bend = "" if p is None else f" and its smallest curvature is {p.here.smallest:.3g}"
    return Finding(
        "local_minimum",
        excess,
        0.0,
        f"This is a minimum{bend}, but {excess:.4g} higher (0 would be the lowest) than the best "
        f"value known, {e.lowest:.4g}.",
        "Start from several places, or let a larger early rate, noise or momentum carry the "
        f"weights out: try {3.0 * e.run.rate:.3g}.",
        3.0 * e.run.rate,
    )


def on_course(e: Evidence) -> Finding | None:
    """Nothing wrong: only not finished."""
    run = e.run
    if not run.finite or e.ratio <= CONVERGED:
        return None
    if run.full_batch and 0.0 < run.shrink < 1.0:
        digits = steps_per_decade(run.shrink)
        left = max(0.0, math.log10(e.ratio / CONVERGED)) * digits if e.ratio > 0.0 else 0.0
        return Finding(
            "on_course",
            run.shrink,
            1.0,
            f"On course: each step leaves {run.shrink:.4g} of the gradient (below 1 is progress), "
            f"{digits:,.3g} steps per digit.",
            f"Give it {left:,.0f} more steps to bring the gradient to a millionth.",
            fault=False,
        )
    share = e.fall / max(abs(float(run.curve[0])), 1e-300)
    return Finding(
        "on_course",
        share,
        0.0,
        f"On course: the loss has fallen by {share:.3%} of its start in {run.steps:,} steps "
        "(above 0 is progress).",
        f"Give it {max(1, run.steps):,} more steps, or be content.",
        fault=False,
    )


def stopped(e: Evidence) -> Finding | None:
    """The loss no longer moves, and the trace cannot say why."""
    run = e.run
    if e.problem is not None or not run.full_batch or len(run.curve) < 8 or converged(e):
        return None
    late = run.curve[3 * len(run.curve) // 4 :]
    moved = float(np.ptp(late) / max(abs(run.curve[-1]), 1e-300)) if run.finite else math.inf
    if not moved <= 1e-12:
        return None
    return Finding(
        "stopped",
        moved,
        1e-12,
        f"The loss moved by {moved:.1g} of itself in the last quarter of the run (1e-12 is "
        "rounding), though the gradient has not vanished.",
        "With an L1 penalty this is the minimum; without one, a step of 0. The problem would tell.",
        fault=False,
    )
