"""Sweep: many learning rates at once, what becomes of each, and one number to use.

A learning rate finder that looks only at a loss curve guesses; the curvature knows. For losses that
bend, the largest stable rate is ``rule.stable_product / largest curvature``, and half of it is safe
and never slower than half speed: on any quadratic it lies between 0.5 and 1 times the best constant
rate, ``2 / (largest + slowest)``. The runs show what that means, catch losses whose curvature grows
on the way, and decide alone where there is no curvature to go by (kinks, adaptive rules).

All rates start at the same weights and see the same batches. For a linear model with one output all
of them walk together, as the columns of one matrix, so a pass over the rows serves every rate.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.curvature import bound, curvature, like
from downslope.descend import Problem, check_pair
from downslope.diagnosis.run_facts import RunFacts, run_facts
from downslope.errors import SettingError
from downslope.noise import batch_curvature
from downslope.objective import Objective
from downslope.rates import Constant
from downslope.rules import Momentum, Nesterov, Plain, Rule
from downslope.sweeping.many_walks import RangeTest, Walks, range_test, walk_many

Array = Any
REGIMES = ("too small", "good", "oscillating", "diverging")


@dataclass(frozen=True)
class Limit:
    """Largest stable rate, and where it comes from.

    Attributes
    ----------
    rate : float or None
        None where the rule or the loss has none.
    curvature : float
        Largest curvature behind it; NaN where there is none.
    holds : str
        "everywhere" (a quadratic on all rows: above the limit every run is lost, below it none),
        "bound" (nothing below it is lost), "batches" (the same in expectation), "here" (measured
        where runs began and ended), or "nowhere".
    source : str
        The same in words.
    """

    rate: float | None
    curvature: float
    holds: str
    source: str

    @property
    def exact(self) -> bool:
        """Whether the limit alone decides what becomes of a run."""
        return self.holds == "everywhere"


@dataclass(frozen=True)
class Sweep:
    """What became of each learning rate.

    Attributes
    ----------
    rates : array of shape (m,)
        In rising order.
    values : array of shape (n_steps + 1, m)
        Value at each step (of the batch, if there is one), for the first seed.
    ends : array of shape (n_seeds, m)
        Whole objective at the last weights; inf where a run blew up.
    regimes : tuple of str
        One of "too small", "good", "oscillating", "diverging" for each rate.
    limit : Limit
    suggested : float
        The rate to use.
    reason : str
        Why.
    fastest : float
        Rate with the lowest mean end after this many steps.
    fastest_between : tuple of float
        Lowest and highest such rate over the seeds.
    range_test : RangeTest
    """

    rates: Array
    values: Array
    ends: Array
    regimes: tuple[str, ...]
    limit: Limit
    suggested: float
    reason: str
    fastest: float
    fastest_between: tuple[float, float]
    range_test: RangeTest

    @property
    def band(self) -> tuple[Array, Array]:
        """10% and 90% quantiles of the ends over the seeds."""
        low, high = np.quantile(self.ends, [0.1, 0.9], axis=0, method="nearest")
        return low, high

    def __str__(self) -> str:
        ends = np.median(self.ends, axis=0)
        rows = [
            f"{rate:12.4g}  {end:12.6g}  {regime}"
            for rate, end, regime in zip(self.rates, ends, self.regimes, strict=True)
        ]
        head = f"{'rate':>12}  {f'after {len(self.values) - 1}':>12}  regime"
        return "\n".join([head, *rows, f"{self.limit.source} {self.reason}"])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and lists; numbers that are not finite become None."""
        low, high = self.band
        return {
            "rates": _plain(self.rates),
            "regimes": list(self.regimes),
            "ends": _plain(np.median(self.ends, axis=0)),
            "low": _plain(low),
            "high": _plain(high),
            "limit": self.limit.rate,
            "limit_source": self.limit.source,
            "suggested": self.suggested,
            "reason": self.reason,
            "fastest": self.fastest,
            "fastest_between": list(self.fastest_between),
            "values": [_plain(column) for column in self.values.T],
        }

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=1)


def sweep(
    problem: Problem,
    rates: Sequence[float] | None = None,
    *,
    rule: Rule | None = None,
    n_steps: int = 100,
    w0: Array | None = None,
    batch_size: int | None = None,
    seeds: Sequence[int] = (0,),
) -> Sweep:
    """Try many learning rates from one start, name what becomes of each, and suggest one.

    Parameters
    ----------
    problem : Problem
        What is minimised, with ``curvature_product`` besides what the walk asks.
    rates : sequence of float, optional
        By default 29 of them, from a ten-thousandth of the largest stable rate to four times it.
    rule : Rule, default plain
    n_steps : int, default 100
        Updates per rate.
    w0 : array of shape (n_weights,), optional
        Start; by default all weights zero for linear models.
    batch_size : int or None
        Rows per step.
    seeds : sequence of int, default (0,)
        Orders of the rows for runs on batches: the band over them says how sure the answer is.

    Returns
    -------
    Sweep
        Losses, regimes, the stable limit, and a rate to use; it prints as a table.

    Raises
    ------
    SettingError
        If a rate is not a finite number above 0, or there is no start.

    Examples
    --------
    >>> from downslope.losses import MeanSquares
    >>> from downslope.sources.memory import MemoryRows
    >>> x = np.array([[-1.0], [1.0]])
    >>> found = sweep(Objective(MemoryRows(x, 3.0 * x[:, 0]), MeanSquares()), [0.01, 0.4, 0.9, 1.1])
    >>> found.regimes
    ('too small', 'good', 'oscillating', 'diverging')
    >>> round(found.limit.rate, 12), round(found.suggested, 12)
    (1.0, 0.5)
    """
    rule, w0 = rule or Plain(), _start(problem, w0)
    check_pair(rule, Constant(1.0), problem, batch_size)
    limit = stable(problem, rule, w0, batch_size)
    grid = _grid(problem, limit, rates)
    walks = [walk_many(problem, w0, rule, grid, n_steps, batch_size, seed) for seed in seeds]
    ends = np.array([walk.ends for walk in walks])
    if limit.holds == "here":
        limit = _seen_from_both_ends(problem, rule, limit, walks[0], w0)
    facts = [run_facts(trace, rule) for trace in walks[0].traces(grid, batch_size is None)]
    middle = np.median(ends, axis=0)
    regimes = tuple(
        regime(fact, rule, float(rate), limit, float(height))
        for fact, rate, height in zip(facts, grid, _heights(walks[0].start, middle), strict=True)
    )
    fastest = [float(grid[int(np.argmin(end))]) for end in (ends.mean(axis=0), *ends)]
    suggested, reason = _suggest(grid, ends, walks[0].start, regimes, limit, n_steps)
    return Sweep(
        rates=grid,
        values=walks[0].values,
        ends=ends,
        regimes=regimes,
        limit=limit,
        suggested=suggested,
        reason=reason,
        fastest=fastest[0],
        fastest_between=(min(fastest[1:]), max(fastest[1:])),
        range_test=range_test(
            problem, w0, rule, (grid[0], grid[-1]), n_steps, batch_size=batch_size, seeds=seeds
        ),
    )


def _start(problem: Problem, w0: Array | None) -> Array:
    if w0 is not None:
        return np.array(w0, dtype=float) if isinstance(w0, (list, tuple)) else w0
    if isinstance(problem, Objective):
        return problem.start()
    raise SettingError("w0=None is no start for this problem; give the weights to begin with.")


def stable(problem: Any, rule: Rule, w0: Array, batch_size: int | None = None) -> Limit:
    """Largest stable rate of a rule on a problem, as far as it can be known before running."""
    if rule.scales_coordinates or rule.stable_product is None:
        return Limit(None, math.nan, "nowhere", f"Curvature alone sets {rule.name} no limit.")
    guard = bound(problem) if isinstance(problem, Objective) else None
    bend = curvature(problem, w0) if guard is None else guard
    l2 = problem.penalty.l2 if isinstance(problem, Objective) else 0.0
    if not bend.largest > l2 * (1.0 + 1e-9):
        return Limit(None, math.nan, "nowhere", "The loss has kinks but no curvature: no limit.")
    if batch_size is not None and isinstance(problem, Objective) and guard is not None:
        top, holds = batch_curvature(problem, batch_size, guard), "batches"
        where = f"in batches of {batch_size} the loss bends by {top:.4g} (expected smoothness)"
    else:
        top, holds = bend.largest + bend.error, bend.holds
        where = {
            "everywhere": f"the loss bends by {top:.4g} everywhere",
            "bound": f"the loss bends by at most {top:.4g} anywhere",
            "here": f"the loss bends by {top:.4g} at the start",
        }[holds]
    rate = rule.stable_product / top
    return Limit(rate, top, holds, f"Largest stable rate {rate:.4g}: {where}.")


def _seen_from_both_ends(problem: Any, rule: Rule, limit: Limit, walks: Walks, w0: Array) -> Limit:
    """The limit once the best run has shown how the loss bends where it leads."""
    best = int(np.argmin(walks.ends))
    if not math.isfinite(walks.ends[best]) or rule.stable_product is None:
        return limit
    bend = curvature(problem, like(walks.places[:, best], w0))
    top = bend.largest + bend.error
    if not top > limit.curvature:
        return limit
    rate = rule.stable_product / top
    source = (
        f"Largest stable rate {rate:.4g}: the loss bends by {limit.curvature:.4g} at the start, "
        f"and by {top:.4g} where the best run ended."
    )
    return Limit(rate, top, "here", source)


def _grid(problem: Any, limit: Limit, rates: Sequence[float] | None) -> Array:
    if rates is not None:
        for rate in rates:
            if not (rate > 0.0 and math.isfinite(rate)):
                raise SettingError(f"rate {rate!r} must be a finite number above 0.")
        if len(rates) == 0:
            raise SettingError("rates=[] is empty; give at least one, or None for a range.")
        return np.unique(np.asarray(rates, dtype=float))
    if limit.rate is not None:
        return np.geomspace(1e-4, 4.0, 29) * limit.rate
    return np.geomspace(1e-5, 10.0, 25)


def _heights(start: float, ends: Array) -> Array:
    """Ends on a scale from 0, the lowest of them, to 1, the start."""
    fall = start - float(ends.min())
    if fall > 0.0:
        return (ends - start) / fall + 1.0
    return np.where(np.isfinite(ends), 1.0, math.inf)  # nobody got below the start


def regime(facts: RunFacts, rule: Rule, rate: float, limit: Limit, height: float) -> str:
    """What becomes of a run: by its rate on a quadratic, by its trace and its end elsewhere."""
    product, pull = rate * limit.curvature, rate * limit.curvature * _sum_of_echoes(rule)
    lost = height > 1.0 or not facts.finite or facts.exploded
    if limit.exact and limit.rate is not None:
        lost = rate > limit.rate * (1.0 + 1e-9)
    if lost:
        return "diverging"
    turning, early = _turning(rule), facts.cosines[:20]
    slow = facts.late > 0.15 and facts.rises < 0.05 if math.isnan(pull) else pull < 0.1
    if limit.exact and turning is not None:
        swinging = product > turning * (1.0 + 1e-9)
    elif facts.full_batch:
        swinging = facts.rises > 0.2 or int((early < -0.5).sum()) >= 5
    else:
        swinging = height > 0.05 and not slow  # batches throw it about, high above the lowest end
    if swinging:
        return "oscillating"
    return "too small" if slow else "good"


def _turning(rule: Rule) -> float | None:
    """Rate times curvature past which the steepest direction turns round at every step."""
    match rule:
        case Plain() | Nesterov():
            return 1.0
        case Momentum(beta=beta, dampening=dampening):
            return (1.0 + math.sqrt(beta)) ** 2 / (1.0 - dampening)
    return None


def _sum_of_echoes(rule: Rule) -> float:
    """What momentum multiplies a steady gradient by in the long run."""
    match rule:
        case Nesterov(beta=beta):
            return 1.0 / (1.0 - beta)
        case Momentum(beta=beta, dampening=dampening):
            return (1.0 - dampening) / (1.0 - beta)
    return 1.0


ROOM = {
    "everywhere": "stable with room to spare, and at least half as fast as the best constant rate",
    "bound": "stable wherever the run goes",
    "batches": "stable in expectation over the batches",
    "here": "it leaves room for the curvature to grow on the way",
}


def _suggest(
    rates: Array, ends: Array, start: float, regimes: tuple[str, ...], limit: Limit, n_steps: int
) -> tuple[float, str]:
    """One rate and its reason: half the limit, unless the runs know better."""
    lost = rates[np.array(regimes) == "diverging"]
    fine = np.array(regimes) != "diverging"
    middle = np.where(fine, np.median(ends, axis=0), math.inf)
    half = math.inf if limit.rate is None else limit.rate / 2.0
    if not limit.exact and len(lost) and lost.min() / 2.0 < half:
        half = float(lost.min()) / 2.0
        room = f"half of the smallest rate that blew up within {n_steps} steps"
    else:
        room = f"half of it: {ROOM.get(limit.holds, '')}"
    if limit.holds not in ("batches", "nowhere"):
        return half, f"Use {half:.4g}, {room}."
    if not fine.any():
        rate = float(rates.min()) / 10.0
        return rate, f"Use {rate:.4g}: every rate tried blew up, and this is a tenth of the least."
    near = middle <= middle.min() + 1e-3 * max(0.0, start - middle.min())
    rate = float(rates[int(np.argmax(near))])
    if half < rate and limit.holds == "batches":
        return half, f"Use {half:.4g}, {room}."
    order = "order" if len(ends) == 1 else "orders"
    return rate, (
        f"Use {rate:.4g}, the smallest rate that came within a thousandth of the lowest value, "
        f"{middle.min():.6g}, in {n_steps} steps ({len(ends)} {order} of the rows)."
    )


def _plain(numbers: Array) -> list[float | None]:
    return [float(x) if math.isfinite(x) else None for x in numbers]
