"""What a problem says at the weights where a run ended: gradient, curvature, noise."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from downslope.curvature import (
    EXACT_SIZE,
    Curvature,
    SharpnessPath,
    bound,
    curvature,
    hessian,
    like,
    sharpness,
    to_numpy,
)
from downslope.diagnosis.run_facts import RunFacts
from downslope.noise import GradientNoise, batch_curvature, count_rows, gradient_noise
from downslope.objective import Objective
from downslope.trace import Trace

Array = Any
ROUNDING = float(np.finfo(float).eps)


class Problem(Protocol):
    """What is asked of a problem: what the walk asks, and Hessian-vector products."""

    @property
    def has_rest(self) -> bool: ...

    def value_and_gradient(self, w: Array, rows: Any = None) -> tuple[float, Array]: ...

    def curvature_product(self, w: Array, v: Array) -> Array: ...

    def rest(self, w: Array) -> float: ...

    def moved(self, w: Array, direction: Array, length: float) -> Array: ...

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Any]: ...

    def count(self, rows: Any) -> int: ...


@dataclass(frozen=True)
class ProblemFacts:
    """What the problem says at the run's weights.

    Attributes
    ----------
    w : array of shape (n_weights,)
        The run's answer.
    gradient : array of shape (n_weights,)
        Whole gradient there (with a proximal part: the step it asks for, over its length).
    ratio : float
        Its length over that at the start; NaN where the start is unknown.
    here : Curvature
        At ``w``, or at the best weights kept where the run diverged.
    top : float
        Largest curvature known along the run.
    guard : float or None
        Curvature that is exceeded nowhere (on batches: that decides their stability).
    products : array
        Rate times largest curvature along the run, at a few places.
    slope_bend : float
        Curvature along the gradient at ``w``; NaN where the gradient is zero.
    dead : float
        Share of weights whose gradient and curvature are both exactly zero at ``w``.
    gap : float or None
        Height above the lowest value, where the problem is a quadratic small enough to solve.
    distance : float or None
        Largest change any weight still has to make, there.
    least_squares : float or None
        Mean squared error of the lowest value, for squared losses.
    noise : GradientNoise or None
        For runs on batches.
    batch_size : int or None
        Rows per step, for runs on batches.
    linear : bool
        The problem is a linear model, so there are no saddles, plateaus or local minima.
    curved : bool
        The loss itself bends: false for hinge, absolute error and other losses with kinks.
    """

    w: Array
    gradient: Array
    ratio: float
    here: Curvature
    top: float
    guard: float | None
    products: Array
    slope_bend: float
    dead: float
    gap: float | None
    distance: float | None
    least_squares: float | None
    noise: GradientNoise | None
    batch_size: int | None
    linear: bool
    curved: bool

    @property
    def ceiling(self) -> float:
        """Curvature to choose a rate by: the guard where there is one, else the largest met."""
        return self.guard if self.guard is not None else self.top

    @property
    def quadratic(self) -> bool:
        """Whether curvature is the same everywhere."""
        return self.here.holds == "everywhere"


def problem_facts(problem: Problem, w: Array, trace: Trace, run: RunFacts) -> ProblemFacts | None:
    """Measure a problem at the end of a run; None where nothing there is a finite number."""
    first = _first_weights(problem, w, trace)
    place, calm = _calm_weights(w, trace, run, first)
    gradient = _stationarity(problem, place, run.rate)
    if not np.isfinite(gradient).all():
        return None
    here = curvature(problem, place)
    path = None if here.holds == "everywhere" else sharpness(problem, calm, sample=w)
    batch = _batch_size(problem, trace, run)
    gap, distance = _rest_of_the_way(problem, place, here, gradient)
    top, guard = _top(here, path), _guard(problem, here, batch)
    return ProblemFacts(
        w=to_numpy(place),
        gradient=gradient,
        ratio=_ratio(problem, gradient, first, run.rate),
        here=here,
        top=top,
        guard=guard,
        products=run.rate * here.largest * np.ones(1) if path is None else path.products,
        slope_bend=_slope_bend(problem, place),
        dead=_dead(problem, place, gradient),
        gap=gap,
        distance=distance,
        least_squares=_least_squares(problem, place, gap),
        noise=None if batch is None else gradient_noise(problem, place),
        batch_size=batch,
        linear=isinstance(problem, Objective),
        curved=_bends(problem, guard, top),
    )


def _top(here: Curvature, path: SharpnessPath | None) -> float:
    """Largest curvature known along the run."""
    met = () if path is None else path.largest[np.isfinite(path.largest)]
    return max([here.largest, *map(float, met)])


def _guard(problem: Problem, here: Curvature, batch_size: int | None) -> float | None:
    """Curvature that no weights exceed, on all rows or on batches of that size."""
    if not isinstance(problem, Objective):
        return None
    limit = here if here.holds == "everywhere" else bound(problem)
    if limit is None or batch_size is None:
        return None if limit is None else limit.largest
    return batch_curvature(problem, batch_size, limit)


def _bends(problem: Problem, guard: float | None, top: float) -> bool:
    """Whether the loss itself has curvature; hinges and absolute errors have only kinks."""
    if not isinstance(problem, Objective) or guard is not None:
        return True
    return top > problem.penalty.l2 * (1.0 + 1e-9)


def _first_weights(problem: Problem, w: Array, trace: Trace) -> Array | None:
    if trace.weights is not None and len(trace):
        return like(trace.weights[0], w)
    return problem.start() if isinstance(problem, Objective) else None


def _calm_weights(
    w: Array, trace: Trace, run: RunFacts, first: Array | None
) -> tuple[Array, Trace]:
    """The run's answer, or the best weights on the way where it ran off, and the trace so far."""
    if run.finite and not run.ended_high:
        return w, trace
    if trace.weights is None:
        return (w if first is None else first), trace
    values = np.where(np.isfinite(trace["value"]), trace["value"], np.inf)
    best = int(np.argmin(values))
    columns = {name: column[: best + 1] for name, column in trace.columns.items()}
    return like(trace.weights[best], w), Trace(columns, trace.weights[: best + 1], trace.names)


def _stationarity(problem: Problem, w: Array, rate: float) -> Array:
    """Gradient, or what stands for it where a proximal step follows: 0 exactly at a minimum."""
    gradient = to_numpy(problem.value_and_gradient(w)[1])
    if not problem.has_rest:
        return gradient
    step = rate if rate > 0.0 and math.isfinite(rate) else 1.0
    return (w - problem.moved(w, gradient, step)) / step


def _ratio(problem: Problem, gradient: Array, first: Array | None, rate: float) -> float:
    if first is None:
        return math.nan
    length, start = np.linalg.norm(gradient), np.linalg.norm(_stationarity(problem, first, rate))
    return float(length / start) if start > 0.0 else 0.0


def _slope_bend(problem: Problem, w: Array) -> float:
    gradient = problem.value_and_gradient(w)[1]
    square = float((gradient * gradient).sum())
    if square == 0.0:
        return math.nan
    return float((gradient * problem.curvature_product(w, gradient)).sum()) / square


def _dead(problem: Problem, w: Array, gradient: Array) -> float:
    """Share of weights that nothing pulls at and nothing would."""
    still = gradient == 0.0
    if not still.any():
        return 0.0
    push = np.where(still, np.random.default_rng(0).standard_normal(len(still)), 0.0)
    answer = to_numpy(problem.curvature_product(w, like(push, w)))
    return float((still & (answer == 0.0)).mean())


def _rest_of_the_way(
    problem: Problem, w: Array, here: Curvature, gradient: Array
) -> tuple[float | None, float | None]:
    """Height above the lowest value and the longest way any weight has left, on a quadratic."""
    if here.holds != "everywhere" or problem.has_rest or here.error > 0.0 or len(w) > EXACT_SIZE:
        return None, None
    step = np.linalg.lstsq(hessian(problem, w), gradient, rcond=1e-13)[0]
    return max(0.0, 0.5 * float(gradient @ step)), float(np.abs(step).max(initial=0.0))


DIGITS = 1e-9
"""Share of a value below which its difference from another is rounding: a run that diverged to 1e30
says nothing of how low the valley is."""


def _least_squares(problem: Problem, w: Array, gap: float | None) -> float | None:
    if gap is None or not isinstance(problem, Objective):
        return None
    factor = 2.0 / (problem.loss.max_curvature or math.nan)
    value = problem.value_and_gradient(w)[0]
    return factor * max(DIGITS * value, value - gap)


def _batch_size(problem: Problem, trace: Trace, run: RunFacts) -> int | None:
    """Rows per step, from the steps that the first epoch took; None for all rows."""
    if run.full_batch:
        return None
    steps, epochs = trace["step"] - trace["step"][0], trace["epoch"] - trace["epoch"][0]
    later = np.flatnonzero(epochs > 0)
    per_epoch = steps[later[0]] / epochs[later[0]] if len(later) else steps[-1] + 1
    return max(1, math.ceil(count_rows(problem) / max(1.0, float(per_epoch))))


def gradient_error(problem: Problem, w: Array, seed: int = 0) -> float:
    """Relative error of the slope along a random direction, against differences of the value.

    About 1e-9 where the gradient is right, above 1e-2 where it is wrong; NaN where the slope is too
    small to be told from rounding.
    """
    direction = np.random.default_rng(seed).standard_normal(len(w))
    direction = like(direction / np.linalg.norm(direction), w)
    place = math.sqrt(float((w * w).sum()))
    h = ROUNDING ** (1 / 3) * (1.0 + place)
    (ahead, uphill), (behind, downhill) = (
        problem.value_and_gradient(w + side * h * direction) for side in (1, -1)
    )
    claimed = float((problem.value_and_gradient(w)[1] * direction).sum())
    measured = (ahead - behind) / (2.0 * h)
    size = max(abs(claimed), abs(measured))
    # Values are rounded, and so are the places where they are taken.
    slope = max(math.sqrt(float((g * g).sum())) for g in (uphill, downhill))
    if not size > 1e3 * ROUNDING * max(abs(ahead), abs(behind), place * slope) / h:
        return math.nan
    return float(abs(claimed - measured) / size)
