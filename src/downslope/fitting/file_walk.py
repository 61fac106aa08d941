"""The walk over rows that are streamed: the round bowl, or shuffled batches where they are wanted.

Blocks may come from files, from a cache or from the workers of a cluster; the weights are in the
user's units. An interruption keeps the last point of the walk.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from downslope import clock
from downslope.bowl.pass_log import Checkpointing
from downslope.bowl.smooth import Settings as SolverSettings
from downslope.bowl.smooth import Solution
from downslope.bowl.solve_stream import solve_stream
from downslope.bowl.walks import Point
from downslope.descend import Keeper, run
from downslope.errors import PairError
from downslope.far import scaled
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY
from downslope.scaling import Scaling, standardize, unscaled
from downslope.settings import choose_rule, choose_stops
from downslope.sources.memory import MemoryRows, Rows, one_class
from downslope.stopping import Reason, interrupted, out_of_time
from downslope.targets import signs
from downslope.training import Settings, objective, pick_rate

Array = Any
AnyRows = Any
"""``BlockRows``, or the ``DaskRows`` of a cluster."""
RATE_ROWS = 10_000
"""Rows by which a learning rate for batches is chosen."""


@dataclass(frozen=True)
class Walked:
    """Where a walk over a stream of rows ended."""

    w: Array
    value: float
    bound: float
    passes: float
    reason: Reason


def walk(
    rows: AnyRows,
    settings: Settings,
    watch: Callable[[Point], None] | None = None,
    safe: tuple[Checkpointing, str] | None = None,
) -> Walked:
    """Weights in the user's units: by the round bowl, or by batches where the user wants them.

    Raises
    ------
    PairError
        For settings that need the rows in memory.
    """
    with clock.time_limit(settings.max_seconds):
        walked = _walked(rows, settings, watch, safe)
        clock.told(False)  # what follows is no part of the walk
    return walked


def _walked(
    rows: AnyRows,
    settings: Settings,
    watch: Callable[[Point], None] | None,
    safe: tuple[Checkpointing, str] | None,
) -> Walked:
    """``walk``, while the clock runs."""
    if settings.batch_size not in ("auto", None):
        keeper = None if safe is None else safe[0].of_walk(safe[1])
        return _by_batches(rows, settings, keeper)
    if settings.learning_rate != "auto" or settings.rule != "auto":
        raise PairError(
            f"rule={settings.rule!r} with learning_rate={settings.learning_rate!r} steps on all "
            "rows at once, which takes thousands of passes over files; give a batch_size, or "
            "leave rule and rate open."
        )
    scaling, k = _scaling(rows, settings, settings.penalty != NO_PENALTY), settings.n_outputs
    tol = settings.tol if isinstance(settings.tol, float) else None
    solver = SolverSettings(
        tol=tol,
        most_passes=settings.max_iter,
        seed=settings.seed,
        log=None if safe is None else safe[0].of_passes(safe[1]),
        names=settings.names,
    )
    softmax = settings.loss.link == "softmax"
    sources = [rows] if k == 1 or softmax else [rows.map(partial(one_class, c=c)) for c in range(k)]
    last = _LastPoints(watch)

    def solved(c: int, source: AnyRows) -> Solution:
        clock.told(False)
        try:
            return solve_stream(
                source,
                settings.loss,
                settings.penalty,
                deviations=scaling.scale,
                fit_intercept=settings.fit_intercept,
                n_outputs=k if softmax else 1,
                settings=replace(solver, watch=partial(last.hear, c)),
            )
        except clock.OutOfTime as spent:
            return last.solution(c, out_of_time(spent.seconds))

    try:
        found = [solved(c, source) for c, source in enumerate(sources)]
    except KeyboardInterrupt:
        if len(last.points) < len(sources):
            raise  # no weights for some class
        return last.walked(interrupted())
    w = np.stack([each.w for each in found], axis=1).ravel()
    if softmax and settings.fit_intercept:
        w[-k:] -= w[-k:].mean()  # the same for all classes changes no probability
    value, bound, passes = (
        sum(vars(each)[name] for each in found) for name in ("value", "bound", "passes")
    )
    worst = next((each.reason for each in found if not each.reason.converged), found[-1].reason)
    return Walked(w, value, bound, passes, worst)


@dataclass
class _LastPoints:
    """The last point of the walk of each output, for an interruption."""

    watch: Callable[[Point], None] | None
    points: dict[int, Point] = field(default_factory=dict)
    heard: int = 0

    def hear(self, c: int, point: Point) -> None:
        self.points[c] = point
        clock.told()
        self.heard += 1
        if self.watch is not None:
            self.watch(point)

    def solution(self, c: int, reason: Reason) -> Solution:
        """Where the walk of one output stood when it had to end."""
        point, heard = self.points[c], self.heard
        return Solution(point.w, point.value, math.inf, reason, float(heard), heard, 1, method="")

    def walked(self, reason: Reason) -> Walked:
        w = np.stack([self.points[c].w for c in sorted(self.points)], axis=1).ravel()
        value = sum(point.value for point in self.points.values())
        return Walked(w, value, np.inf, float(self.heard), reason)


def _by_batches(rows: AnyRows, settings: Settings, keeper: Keeper | None) -> Walked:
    """Mini-batch descent on standardised columns."""
    assert isinstance(settings.batch_size, int)  # see walk
    scaling = _scaling(rows, settings, True)
    even = rows.map(partial(scaled, scaling))
    k = settings.n_outputs
    problem = Objective(even, settings.loss, settings.penalty, settings.fit_intercept, k)
    rule = choose_rule(settings.rule)
    few = MemoryRows(*even.sample(RATE_ROWS, settings.seed)[:3])
    on = objective(few, settings) if settings.learning_rate == "auto" else problem
    rate, _ = pick_rate(on, rule, settings, settings.batch_size, few.y)
    stops = choose_stops(
        max_iter=settings.max_iter,
        tol=settings.tol,
        patience=settings.patience,
        batch_size=settings.batch_size,
        rate=rate,
        validated=False,
        max_seconds=settings.max_seconds,
    )
    result = run(
        problem,
        problem.start(),
        rule,
        rate,
        stops,
        batch_size=settings.batch_size,
        seed=settings.seed,
        average_from=settings.average or None,
        keep_weights=False,
        keeper=keeper,
    )
    w = scaling.to_user(result.w if result.average is None else result.average, k)
    passes = float(result.trace["epoch"][-1])
    return Walked(w, float(result.trace["value"][-1]), np.nan, passes, result.reason)


def _scaling(rows: AnyRows, settings: Settings, wanted: bool) -> Scaling:
    if settings.scaling == "none" or not wanted:
        return unscaled(rows.n_features)
    return standardize(rows, with_center=settings.fit_intercept)


def coded(settings: Settings, rows: Rows) -> Rows:
    """Targets as the loss wants them: class numbers, or for each class -1 and +1."""
    if settings.n_outputs == 1:
        return rows
    codes = rows.y.astype(np.int64)
    softmax = settings.loss.link == "softmax"
    return rows._replace(y=codes if softmax else signs(codes, settings.n_outputs).y)
