"""Symptoms of the pace of a run: steps too long, too short, or lost in a valley or in noise.

Every public function answers a ``Finding`` or None.
"""

import math
from typing import Any

import numpy as np

from downslope.diagnosis.findings import CONVERGED, CRAWLING, ILL, Evidence, Finding
from downslope.diagnosis.place_symptoms import converged, plateau
from downslope.diagnosis.run_facts import RunFacts
from downslope.rules import Plain
from downslope.stability import contraction, steps_per_decade

Array = Any


def divergence(e: Evidence) -> Finding | None:
    """The steps are too long: the loss grows."""
    run, limit = e.run, e.limit
    if (e.table is not None and len(e.table.bad_rows)) or converged(e):
        return None
    blown = e.reason == "diverged" or not run.finite
    if limit is not None and e.problem is not None and e.problem.quadratic and run.full_batch:
        # Here the limit is exact: past it a run is lost, below it a rise is only a swing.
        if not blown and run.rate <= limit * (1.0 + 1e-9):
            return None
    elif not (blown or _climbed(e) or _about_to(e)):
        return None
    if e.problem is None and isinstance(e.rule, Plain):
        growth = _growth(run)
        limit = 2.0 * run.rate / (1.0 + growth) if growth > 1.0 else limit
    if limit is None or not 0.0 < limit < run.rate:
        return _unexplained_divergence(e, limit)
    return Finding(
        "divergence",
        run.rate,
        limit,
        f"The loss grows: the learning rate {run.rate:.4g} is above {limit:.4g}, the largest "
        f"stable one for this problem and rule ({run.rate / limit:.3g} times).",
        f"Use a rate below {limit:.4g}; start at {limit / 2.0:.4g}.",
        limit / 2.0,
    )


def _unexplained_divergence(e: Evidence, limit: float | None) -> Finding:
    """Blown up below the limit measured at calm weights, or without one."""
    run = e.run
    start, end = run.curve[0], run.curve[-1]
    times = float(end / start) if run.finite and start > 0.0 else math.inf
    known = "" if limit is None else f", although {limit:.4g} would be stable where it began"
    rate = run.rate / 10.0
    return Finding(
        "divergence",
        times,
        1.0,
        f"The loss grew to {times:.3g} times its start (1 or less is progress) with learning rate "
        f"{run.rate:.4g}{known}.",
        f"Try {rate:.4g}; where the curvature grows along the way, a warm-up helps.",
        rate,
    )


def _climbed(e: Evidence) -> bool:
    """Whether a run that is still finite ended high enough to call it lost."""
    run = e.run
    if run.exploded or (run.ended_high and run.full_batch and isinstance(e.rule, Plain)):
        return True
    if not run.ended_high:
        return False
    rise = float(run.curve[-1]) - run.lowest
    return rise > 3.0 * max(e.fall, abs(run.lowest))


def _about_to(e: Evidence) -> bool:
    """Still falling, but the last steps zig-zag ever wider: from a trace alone."""
    late = e.run.products[-20:][np.isfinite(e.run.products[-20:])]
    if e.problem is not None or not len(late):
        return False
    return bool(np.median(late) > 2.0 and _growth(e.run) > 1.0)


def _growth(run: RunFacts) -> float:
    """Factor per step of the gradient at the end of what was finite."""
    finite = run.norms[np.isfinite(run.norms) & (run.norms > 0.0)]
    ratios = finite[1:] / finite[:-1]
    return float(np.median(ratios[-max(1, len(ratios) // 4) :])) if len(ratios) else math.nan


def edge_of_stability(e: Evidence) -> Finding | None:
    """Curvature has risen to what the rate can bear, and stays there: no fault."""
    run, p = e.run, e.problem
    if e.searching or not run.full_batch or e.rule.scales_coordinates:
        return None
    if run.rises < 0.1 or not run.curve[-1] < run.curve[0] or not run.finite:
        return None
    if p is None:
        known = run.products[len(run.products) // 2 :]
        known = known[np.isfinite(known)]
        share = float(np.median(known)) if len(known) and run.regained < 0.9 else math.nan
    elif p.quadratic or p.linear:
        return None
    else:
        half = p.products[len(p.products) // 2 :]
        share = 2.0 * float(np.median(half)) / (e.rule.stable_product or math.nan)
    if not 1.8 <= share <= 2.2:
        return None
    return Finding(
        "edge_of_stability",
        share,
        2.0,
        f"Rate times curvature has settled at {share:.3g} of the 2 that is stable, and the loss "
        f"rose on {run.rises:.0%} of the late steps while falling overall: the edge of stability, "
        "usual for networks on all rows.",
        f"No fault. A rate of {run.rate / 2.0:.3g} would make the curve smooth.",
        run.rate / 2.0,
        fault=False,
    )


def crawling(e: Evidence) -> Finding | None:
    """Steps far shorter than they could be."""
    run, p = e.run, e.problem
    if e.searching or not run.finite or converged(e) or noise_floor(e) or plateau(e):
        return None
    if math.isnan(e.pull):
        return _steady_decline(e)
    if not 0.0 < e.pull < CRAWLING or not (run.full_batch or p is not None):
        return None
    rate = run.rate / e.pull
    pace = None if p is None else p.here.contraction(e.rule, rate)
    after = "" if pace is None else f": then {steps_per_decade(pace):,.0f} steps per digit"
    limit = "" if e.limit is None else f" (stable up to {e.limit:.4g})"
    return Finding(
        "crawling",
        e.pull,
        CRAWLING,
        f"The steps are too short: rate times curvature is {e.pull:.3g} (below {CRAWLING} is a "
        f"crawl) with learning rate {run.rate:.4g}.",
        f"Raise the rate {1.0 / e.pull:,.3g} times, to {rate:.4g}{limit}{after}.",
        rate,
    )


def _steady_decline(e: Evidence) -> Finding | None:
    """Without a curvature to go by: the last quarter fell as the first ones did."""
    run, p = e.run, e.problem
    if not run.late > 0.15 or len(run.curve) < 8 or run.rises > 0.05:
        return None
    times = 10.0
    if p is not None and p.distance is not None and e.rule.scales_coordinates:
        # An adaptive rule moves each weight by about its rate.
        times = max(2.0, p.distance / run.rate / 50.0)
    return Finding(
        "crawling",
        run.late,
        0.15,
        f"The loss still falls as fast as at the start: {run.late:.0%} of its fall came in the "
        f"last quarter of the run (15% is a crawl) with learning rate {run.rate:.4g}.",
        f"Raise the rate {times:,.3g} times, to {times * run.rate:.4g}.",
        times * run.rate,
    )


def ill_conditioning(e: Evidence) -> Finding | None:
    """A long narrow valley: the steep side sets the rate, the flat side the pace."""
    run, p = e.run, e.problem
    if p is None:
        return _two_paces(e)
    condition, pace = p.here.condition, p.here.contraction(e.rule, run.rate)
    if not (p.curved and p.here.largest > 0.0 and ILL < condition < math.inf):
        return None
    if p.here.smallest < -1e-6 * p.here.largest:
        return None  # not a valley, so its shape says nothing
    slow = run.shrink if run.full_batch else pace
    swinging = np.nanmedian(run.cosines[-20:]) < 0.0 if np.isfinite(run.cosines[-20:]).any() else 0
    if slow is None or not slow > 0.99 or swinging or converged(e):
        return None
    root = math.sqrt(condition)
    beta, rate = ((root - 1.0) / (root + 1.0)) ** 2, 4.0 / (p.here.largest * (1 + 1 / root) ** 2)
    measured = (
        f"The condition number is {condition:,.0f} (above {ILL:,.0f} the steep side sets the rate "
        f"and the flat side the pace): even the best constant rate takes "
        f"{condition * math.log(10.0) / 2.0:,.0f} steps per digit"
    )
    table = e.table
    if table is not None and table.sizes is not None and table.scaled_condition < condition / 30.0:
        culprit = int(np.argmax(table.sizes))
        name, share = table.names[culprit], table.sizes[culprit] ** 2 / (table.sizes**2).sum()
        scaled = p.here.largest / table.top * max(table.scaled_top, 1.0)
        return Finding(
            "unscaled_features",
            condition,
            ILL,
            f"{measured}. The cause is the scale of {name!r}: its root mean square "
            f"{table.sizes[culprit]:.4g} makes {share:.1%} of all curvature.",
            f"Standardise {name!r} (scaling='standardize'): the condition number falls to about "
            f"{table.scaled_condition:,.3g}.",
            1.0 / scaled if p.quadratic and e.rule.name == "plain" else None,
            names=(name,),
        )
    return Finding(
        "ill_conditioning",
        condition,
        ILL,
        f"{measured}.",
        f"Use momentum {beta:.4g} with rate {rate:.4g}: {root * math.log(10.0) / 2.0:,.0f} steps "
        "per digit; or the round bowl, which needs no rate.",
        rate,
    )


def _two_paces(e: Evidence) -> Finding | None:
    """The same from a trace alone: a steep side met early, a crawl at the end."""
    run = e.run
    known = run.products[np.isfinite(run.products)]
    if not len(known) or not run.shrink > 0.99 or e.ratio <= CONVERGED:
        return None
    steep, flat = float(known.max()), 1.0 - run.shrink
    if not (steep >= CRAWLING and flat > 0.0 and steep / flat > ILL and run.cosines[-1] > 0.0):
        return None
    root = math.sqrt(steep / flat)
    beta = ((root - 1.0) / (root + 1.0)) ** 2
    return Finding(
        "ill_conditioning",
        steep / flat,
        ILL,
        f"The steepest curvature met is {steep / flat:,.0f} times the one that sets the pace now "
        f"(above {ILL:,.0f} the steep side sets the rate and the flat side the pace): "
        f"{steps_per_decade(run.shrink):,.0f} steps per digit.",
        f"Standardise the columns; or use momentum {beta:.4g}.",
    )


def oscillation(e: Evidence) -> Finding | None:
    """Zig-zag: every step jumps over the bottom of the valley."""
    run = e.run
    if e.searching or not run.full_batch or not run.finite or edge_of_stability(e):
        return None
    known = e.problem.curved if e.problem is not None else bool(np.isfinite(run.products).any())
    if not isinstance(e.rule, Plain) or not known:
        return _swing(e)
    early = run.cosines[:20][np.isfinite(run.cosines[:20])]
    back = int((early < -0.5).sum())  # the zig-zag dies out, so a few steps early are enough
    if not (back >= 5 or back > len(early) / 2):
        return None
    quadratic = e.problem is not None and e.problem.quadratic
    product = e.product if quadratic else float(np.nanmedian(run.products[:20]))
    if not 1.0 < product <= 2.0:
        return None
    rate = run.rate / product
    remedy, next_rate = f"Use {rate:.4g}, where the steepest direction takes one step.", rate
    if e.problem is not None and e.problem.here.condition > 4.0:
        remedy, next_rate = _momentum_for(e.problem.here.largest, e.problem.here.condition)
    return Finding(
        "oscillation",
        product,
        1.0,
        f"The weights zig-zag: rate times curvature is {product:.3g} (above 1 a step jumps over "
        f"the bottom, above 2 it diverges), and {back} of the first {len(early)} steps turned back "
        "on the one before.",
        remedy,
        next_rate,
    )


def _swing(e: Evidence) -> Finding | None:
    """Swings of momentum, of adaptive rules and over kinks, seen by the loss going up again."""
    run, p = e.run, e.problem
    if not run.rises > 0.2 or not run.curve[-1] < run.curve[0] or converged(e):
        return None
    number = (
        f"The loss rose on {run.rises:.0%} of the late steps (20% is swinging) with rate "
        f"{run.rate:.4g}"
    )
    if p is not None and not p.curved:
        return _swung(e, f"{number}: the loss has kinks, and a constant rate hops across them.")
    if e.rule.scales_coordinates or isinstance(e.rule, Plain):
        if not e.stalled:
            return None
        return _swung(e, f"{number}: the weights hop around the bottom by about the rate.")
    pace = None if p is None else p.here.contraction(e.rule, run.rate)
    if not (run.shrink if pace is None else pace) > 0.97:
        return None  # momentum 0.9 swings, and arrives: 44 steps per digit
    if p is None or pace is None:
        return _swung(e, f"{number}: too much momentum.") if run.rises > 0.35 else None
    steep = contraction(e.rule, run.rate * p.here.largest)
    if steep is None or pace > steep + 1e-9:
        return None  # the flat side sets the pace, and momentum is what helps there
    root = math.sqrt(min(p.here.condition, 1e12))
    best = max(1.0, steps_per_decade((root - 1.0) / (root + 1.0)) if root > 1.0 else 1.0)
    if not steps_per_decade(pace) > 3.0 * best:
        return None
    remedy, rate = _momentum_for(p.here.largest, p.here.condition)
    return Finding(
        "oscillation",
        run.rises,
        0.2,
        f"{number}: momentum carries the weights past the bottom, {steps_per_decade(pace):,.0f} "
        f"steps per digit where {best:,.0f} would do.",
        remedy,
        rate,
    )


def _swung(e: Evidence, sentence: str) -> Finding:
    return Finding(
        "oscillation",
        e.run.rises,
        0.2,
        sentence,
        f"Let the rate fall (inverse scaling, cosine), or use {e.run.rate / 2.0:.4g}.",
        e.run.rate / 2.0,
    )


def _momentum_for(largest: float, condition: float) -> tuple[str, float]:
    """Heavy ball's best settings on a quadratic."""
    root = math.sqrt(min(condition, 1e12))
    beta, rate = ((root - 1.0) / (root + 1.0)) ** 2, 4.0 / (largest * (1.0 + 1.0 / root) ** 2)
    digits = steps_per_decade((root - 1.0) / (root + 1.0))
    return f"Use momentum {beta:.3g} with rate {rate:.4g}: {digits:,.0f} steps per digit.", rate


def noise_floor(e: Evidence) -> Finding | None:
    """Batches disagree more than the whole gradient says: a constant rate stops there."""
    run, p = e.run, e.problem
    if run.full_batch or not run.finite or len(run.curve) < 4 or not run.late < 0.05:
        return None
    if p is None or p.noise is None or p.batch_size is None:
        return _level(e)
    noise = p.noise.scale / p.batch_size
    floor = run.rate * p.noise.spread / (4.0 * p.batch_size)
    if not noise > 1.0 or converged(e) or (p.gap is not None and p.gap > 10.0 * floor):
        return None
    share = floor / e.fall if e.fall > 0.0 else math.inf
    return Finding(
        "noise_floor",
        noise,
        1.0,
        f"Progress ended in the noise of the batches: {noise:.3g} times as strong as the gradient "
        f"of all rows (1 is even); at rate {run.rate:.4g} it keeps the loss about {floor:.3g} "
        f"above its lowest, {share:.2%} of the whole fall.",
        f"Halve the rate to {run.rate / 2.0:.4g} (half the excess), let it fall, average the "
        f"weights, or use batches of {2 * p.batch_size}.",
        run.rate / 2.0,
        fault=share > 0.01,
    )


def _level(e: Evidence) -> Finding | None:
    """The same from a trace alone: gradients of batches keep their length, the loss its level."""
    norms = e.run.norms[len(e.run.norms) // 2 :]
    norms = norms[np.isfinite(norms)]
    first = e.run.norms[0]
    if not len(norms) or not first > 0.0 or np.median(norms) <= 1e-3 * first:
        return None
    return Finding(
        "noise_floor",
        e.run.late,
        0.05,
        f"The mean loss of an epoch fell by {max(e.run.late, 0.0):.2%} of its whole fall in the "
        f"last quarter of the run (5% is progress) while batches still pull: gradient "
        f"{np.median(norms):.3g}, at first {first:.3g}.",
        f"Halve the rate to {e.run.rate / 2.0:.4g}, let it fall, or average the weights.",
        e.run.rate / 2.0,
    )
