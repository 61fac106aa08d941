"""What a trace says by itself.

For the plain rule on all rows, the fall of the value over the promised one gives the curvature
along each step for free: ``f - f' = rate |g|^2 (1 - x / 2)`` with ``x`` the rate times that
curvature, exact on quadratics; the cosine of two gradients in a row is ``(1 - x) |g| / |g'|``.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.rules import Plain, Rule
from downslope.trace import Trace

Array = Any
LATE = 20
"""Records that count as the end of a run."""


@dataclass(frozen=True)
class RunFacts:
    """What a trace says by itself.

    Attributes
    ----------
    full_batch : bool
        Every step saw all rows.
    curve : array
        Value at each step, or the mean of each epoch for runs on batches.
    norms : array
        Gradient length at each step.
    products, bends : array
        Rate times curvature along each step, and the curvature; NaN where it cannot be told.
    cosines : array
        Cosine of the angle between the gradients of two steps in a row; NaN where unknown.
    rate : float
        Median rate of the second half.
    shrink : float
        Factor per step by which the gradient shrank at the end.
    late : float
        Share of the whole fall of the value that fell in the last quarter of the run.
    rises : float
        Share of steps in the second half that went up, rounding apart.
    regained : float
        Median of the last quarter over that of the second quarter: below 1 is lasting progress,
        also where single steps go up.
    ends : tuple of float
        Values of the first and the last step.
    """

    steps: int
    full_batch: bool
    curve: Array
    norms: Array
    products: Array
    bends: Array
    cosines: Array
    rate: float
    shrink: float
    late: float
    rises: float
    regained: float
    ends: tuple[float, float]

    @property
    def finite(self) -> bool:
        """Whether the run ended in numbers."""
        return bool(np.isfinite(self.curve[-1]) and not np.isinf(self.norms[-1]))

    @property
    def lowest(self) -> float:
        """Lowest value met."""
        finite = self.curve[np.isfinite(self.curve)]
        return float(finite.min()) if len(finite) else math.nan

    @property
    def ended_high(self) -> bool:
        """Whether the run ended above its start, and on the way up."""
        start, end, before = (
            self.curve[0],
            self.curve[-1],
            self.curve[3 * (len(self.curve) - 1) // 4],
        )
        return bool(end > start + 1e-9 * abs(start) and (end > before or len(self.curve) < 4))

    @property
    def exploded(self) -> bool:
        """Whether the last step's value is far above anything the run started with."""
        start, last = self.ends
        scale = max(abs(start), start - self.lowest)
        return last > start + 100.0 * scale > start


def run_facts(trace: Trace, rule: Rule) -> RunFacts:
    """Read a trace with at least one row."""
    values, norms = trace["value"].astype(float), trace["gradient_norm"].astype(float)
    rates, full = trace["rate"].astype(float), np.array_equal(trace["step"], trace["epoch"])
    curve = values if full else _epoch_means(values, trace["epoch"])
    with np.errstate(all="ignore"):
        products = _products(values, norms, rates, full and isinstance(rule, Plain))
        cosines = (1.0 - products) * norms[:-1] / norms[1:]
        if (np.abs(cosines[:LATE]) > 1.05).sum() > LATE // 5:
            # No cosine is above 1: the rule is not plain, whatever it was said to be.
            products, cosines = 0.0 * products + np.nan, 0.0 * cosines + np.nan
        bends = products / rates[:-1]
        changes = np.diff(curve[len(curve) // 2 :])
        rises = changes > 1e-10 * np.abs(curve[len(curve) // 2 + 1 :])
    return RunFacts(
        steps=int(trace["step"][-1]),
        full_batch=full,
        curve=curve,
        norms=norms,
        products=products,
        bends=bends,
        cosines=cosines,
        rate=float(np.median(rates[len(rates) // 2 :])),
        shrink=_shrink(norms) if full else math.nan,
        late=_late(curve),
        rises=float(rises.mean()) if len(rises) else 0.0,
        regained=_regained(curve),
        ends=(float(values[0]), float(values[-1])),
    )


def _epoch_means(values: Array, epochs: Array) -> Array:
    """Mean value of each epoch; a last one of less than half the usual steps is left out."""
    with np.errstate(all="ignore"):
        _, where, counts = np.unique(epochs, return_inverse=True, return_counts=True)
        means = np.bincount(where, values) / counts
    return means[:-1] if len(means) > 1 and 2 * counts[-1] < counts[0] else means


def _products(values: Array, norms: Array, rates: Array, plain: bool) -> Array:
    """Rate times curvature along each step of a plain full-batch walk."""
    promised = rates[:-1] * norms[:-1] ** 2
    size = np.maximum(np.abs(values[:-1]), np.abs(values[1:]))
    fall = values[:-1] - values[1:]
    # Both must stand out of rounding; where a proximal step ends, nothing falls as promised.
    told = (promised > 1e-9 * size) & (np.abs(fall) > 1e-9 * promised)
    products = 2.0 * (1.0 - fall / promised)
    return np.where(told & plain & np.isfinite(products), products, np.nan)


def _shrink(norms: Array) -> float:
    finite = norms[np.isfinite(norms)]
    m = min(LATE, len(finite) // 2)
    if m == 0 or finite[-1 - m] == 0.0:
        return math.nan
    return float((finite[-1] / finite[-1 - m]) ** (1.0 / m))


def _late(curve: Array) -> float:
    finite = curve[np.isfinite(curve)]
    if len(finite) < 4:
        return math.nan
    before, lowest = finite[: 1 + 3 * (len(finite) - 1) // 4].min(), finite.min()
    fall = finite[0] - lowest
    return float((before - lowest) / fall) if fall > 0.0 else 0.0


def _regained(curve: Array) -> float:
    quarter = len(curve) // 4
    if quarter == 0 or not np.isfinite(curve).all():
        return math.nan
    before, after = np.median(curve[quarter : 2 * quarter]), np.median(curve[-quarter:])
    return float(after / before) if before > 0.0 else math.nan
