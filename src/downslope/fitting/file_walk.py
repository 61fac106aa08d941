"""The walk over rows that are streamed: the round bowl, or shuffled batches where they are wanted.

Blocks may come from files, from a cache or from the workers of a cluster; the weights are in the
user's units. An interruption keeps the last point of the walk.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from downslope import clock
from downslope.bowl.pass_log import Checkpointing
from downslope.bowl.solve_stream import sample_size
from downslope.descend import Keeper, run
from downslope.errors import PairError
from downslope.far import free_of_rates, scaled
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY
from downslope.scaling import Scaling, standardize, unscaled
from downslope.settings import choose_rule, choose_stops
from downslope.sources.memory import MemoryRows, Rows
from downslope.sources.sampled import Sampled
from downslope.stopping import Reason, Sight
from downslope.targets import signs
from downslope.training import Settings, Trained, answer, objective, pick_rate, user_trace
from downslope.training.fits import EachEpoch, named, with_limit
from downslope.training.trained import weight_names

Array = Any
AnyRows = Any
"""``BlockRows``, or the ``DaskRows`` of a cluster."""
RATE_ROWS = 10_000
"""Rows by which a learning rate for batches is chosen."""


def walk(
    rows: AnyRows,
    settings: Settings,
    each_epoch: Callable[[Sight], Reason | None] | None = None,
    safe: tuple[Checkpointing, str] | None = None,
) -> Trained:
    """A fit to coded rows: by the round bowl, or by batches where the user wants them.

    What reads the fit afterwards reads a few of the rows, those that the solver drew.

    Raises
    ------
    PairError
        For settings that need the rows in memory.
    """
    with clock.time_limit(settings.max_seconds):
        trained = _walked(rows, settings, each_epoch, safe)
        clock.told(False)  # what follows is no part of the walk
    return trained


def _walked(
    rows: AnyRows,
    settings: Settings,
    each_epoch: Callable[[Sight], Reason | None] | None,
    safe: tuple[Checkpointing, str] | None,
) -> Trained:
    """``walk``, while the clock runs."""
    batches = settings.batch_size not in ("auto", None)
    if not batches and (settings.learning_rate, settings.rule) != ("auto", "auto"):
        raise PairError(
            f"rule={settings.rule!r} with learning_rate={settings.learning_rate!r} steps on all "
            "rows at once, which takes thousands of passes over files; give a batch_size, or "
            "leave rule and rate open."
        )
    few = rows.sample(RATE_ROWS if batches else drawn_rows(rows, settings), settings.seed)
    source = Sampled(rows, few)
    if batches:
        keeper = None if safe is None else safe[0].of_walk(safe[1])
        return _by_batches(source, settings, each_epoch, keeper)
    # Where nothing is penalised the scale is only for readers, and a few rows tell it.
    measured = source if settings.penalty != NO_PENALTY else MemoryRows(*few[:3])
    log = None if safe is None else safe[0].of_passes(safe[1])
    return free_of_rates(source, settings, _scaling(measured, settings), few, log, each_epoch)


def drawn_rows(rows: AnyRows, settings: Settings) -> int:
    """How many rows the solver draws, so that nobody has to draw again."""
    outputs = settings.n_outputs if settings.loss.link == "softmax" else 1
    return sample_size(rows.n_rows, (rows.n_features + settings.fit_intercept) * outputs)


def _by_batches(
    rows: Sampled,
    settings: Settings,
    each_epoch: Callable[[Sight], Reason | None] | None,
    keeper: Keeper | None,
) -> Trained:
    """Mini-batch descent on standardised columns."""
    assert isinstance(settings.batch_size, int)  # see walk
    scaling = _scaling(rows, settings)
    even = rows.map(partial(scaled, scaling))
    k = settings.n_outputs
    problem = Objective(even, settings.loss, settings.penalty, settings.fit_intercept, k)
    rule = choose_rule(settings.rule)
    few = MemoryRows(*even.sample(RATE_ROWS, settings.seed)[:3])
    on = objective(few, settings)
    rate, why = pick_rate(on, rule, settings, settings.batch_size, few.y)
    stops = choose_stops(
        max_iter=settings.max_iter,
        tol=settings.tol,
        patience=settings.patience,
        batch_size=settings.batch_size,
        rate=rate,
        validated=False,
        max_seconds=settings.max_seconds,
    )
    if each_epoch is not None:
        stops = (EachEpoch(each_epoch, scaling, k), *stops)
    result = run(
        problem,
        problem.start(),
        rule,
        rate,
        stops,
        batch_size=settings.batch_size,
        seed=settings.seed,
        average_from=settings.average or None,
        keeper=keeper,
        names=weight_names(settings),
    )
    result = with_limit(replace(result, method=named(rule, settings.batch_size)), on, rule)
    history, w = user_trace(result.trace, scaling, k), answer(result, scaling, settings)
    seen = MemoryRows(*rows.few[:3])
    return Trained(w, result, history, scaling, seen, rule, rate, why, rows.n_rows, settings)


def _scaling(rows: Any, settings: Settings) -> Scaling:
    if settings.scaling == "none":
        return unscaled(rows.n_features)
    return standardize(rows, with_center=settings.fit_intercept)


def coded(settings: Settings, rows: Rows) -> Rows:
    """Targets as the loss wants them: class numbers, or for each class -1 and +1."""
    if settings.n_outputs == 1:
        return rows
    codes = rows.y.astype(np.int64)
    softmax = settings.loss.link == "softmax"
    return rows._replace(y=codes if softmax else signs(codes, settings.n_outputs).y)
