"""Mini-batches with no rate to choose: descent on batches in round coordinates, with a certificate.

In coordinates where the curvature is near 1 in every direction, a step on B rows is stable up to
B / (B + m), with m weights: that is where noise and curvature balance. So the rate starts there and
falls like one over the steps taken, and the answer is the mean of an epoch's weights, in which the
noise of the batches has cancelled. After every epoch one look at all rows measures how far above
the lowest point that mean still is; a thousandth of what was gained is enough. Where it is not, the
gradient of all rows is at hand, and one step along it takes off what the batches were too slow for:
the next epoch starts there (not for losses with kinks, whose curvature changes under the step).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from downslope import clock
from downslope.bowl import certificate
from downslope.bowl.passes import DensePasses
from downslope.bowl.pilot import null_weights
from downslope.bowl.rate_free import gradient_in
from downslope.bowl.round import buckets_for
from downslope.bowl.smooth import BENT, Smooth, View, bend_floor, doubt_of
from downslope.bowl.solve import far_columns, moved_back
from downslope.descend import FEW_WEIGHTS, Result, State
from downslope.kernels.making import stopwatch
from downslope.kernels.views import read_only
from downslope.objective import Objective
from downslope.rates import Look, Nothing
from downslope.scaling import Scaling
from downslope.sources.memory import MemoryRows
from downslope.stopping import Reason, Sight, interrupted, out_of_time
from downslope.trace import Record, Recorder

Array = Any
ENOUGH = 1e-3
"""Bound on the height left, relative to what was gained, at which to stop."""
MOST_WEIGHTS = 2000
SAMPLE = 4096
PATIENCE = 3


@dataclass(frozen=True)
class RoundAnnealed:
    """``rate / (1 + 20 k / steps)``: full length for a twentieth of an epoch, then falling."""

    rate: float
    steps: int
    name: ClassVar[str] = "round_annealed"
    needs: ClassVar[str] = "anything"

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        return float(self.lengths(look.k, 1)[0]), memory

    def lengths(self, first: int, count: int) -> Array:
        """Lengths of ``count`` steps from number ``first`` on."""
        return self.rate / (1.0 + 20.0 * np.arange(first, first + count) / self.steps)


def no_closer(bound: float) -> Reason:
    """The noise of the batches, or the doubt of the certificate, leaves nothing more to gain."""
    return Reason(
        "stalled",
        f"{PATIENCE} more epochs came no closer; at most {bound:.1e} above the lowest possible "
        "loss as far as the curvature tells.",
        converged=True,
    )


def can_run_round(problem: Objective, batch_size: int | None) -> bool:
    """Whether batches can go down a round bowl: dense rows, one output, curvature with a bound."""
    return (
        batch_size is not None
        and isinstance(problem.source, MemoryRows)
        and isinstance(problem.source.X, np.ndarray)
        and problem.n_outputs == 1
        and problem.size <= min(MOST_WEIGHTS, problem.source.n_rows)
        and problem.fit_intercept
        and not problem.has_rest
        and problem.loss.max_curvature is not None
    )


def round_rate(problem: Objective, batch_size: int) -> tuple[RoundAnnealed, str]:
    """The rate, and where it comes from."""
    m, steps = problem.size, math.ceil(problem.source.n_rows / batch_size)
    rate = batch_size / (batch_size + m)
    why = (
        f"In round coordinates, where the curvature is near 1, batches of {batch_size} rows carry "
        f"noise like a curvature of {m / batch_size:.3g} ({m} weights), so the learning rate "
        f"starts at 1 / (1 + {m / batch_size:.3g}) = {rate:.3g} and falls as "
        f"1 / (1 + 20 step / {steps}); the answer is the mean of the last epoch's weights."
    )
    return RoundAnnealed(rate, steps), why


def run_round_batches(
    problem: Objective,
    scaling: Scaling,
    rate: RoundAnnealed,
    batch_size: int,
    *,
    max_epochs: int,
    tol: float | None = None,
    seed: int = 0,
    names: tuple[str, ...] = (),
    show: Callable[[Sight], Reason | None] | None = None,
) -> Result:
    """Descend on batches until the certificate says that the rest is too small to matter.

    Parameters
    ----------
    problem : Objective
        See ``can_run_round``.
    scaling : Scaling
        In whose units weights and gradients are told, and weights penalised.
    rate, batch_size
        From ``round_rate``.
    max_epochs : int
    tol : float or None, default 1e-3
        Bound on the height left over what was gained since the best intercept alone.
    seed : int
    names : tuple of str
        Names of the weights for the trace.
    show : callable, optional
        Shown every epoch, weights in the units of ``problem``; a reason that it answers ends the
        run.
    """
    clock.told(False)
    run = _Batches(problem, scaling, rate, batch_size, seed, Recorder(names, False))
    run.recorder.keep_weights = problem.size <= FEW_WEIGHTS
    reason, bounds, enough = None, [math.inf], ENOUGH if tol is None else tol
    try:
        while reason is None:
            record = run.record()
            clock.told()
            bounds.append(run.bound)
            reason = run.verdict(bounds, enough, max_epochs)
            if show is not None and run.epoch > 0:
                told = (record.step, record.epoch, record.value, record.value)
                sight = Sight(*told, record.gradient_norm, record.rate, record.seconds, math.nan)
                reason = show(sight._replace(w=run.answer)) or reason
            if reason is None:
                run.advance()
    except clock.OutOfTime as spent:
        reason = out_of_time(spent.seconds)
    except KeyboardInterrupt:
        if not run.recorder.records:
            raise  # there is nothing to keep yet
        reason = interrupted()
    w = scaling.from_user(run.answer)
    state = State(run.k, run.epoch, 0, w, Nothing(), Nothing(), 0.0, 0, run.view.value)
    return Result(w, run.recorder.trace(), reason, None, state, "whitened mini-batch descent")


@dataclass
class _Batches:
    """A run in progress: the one mutable thing in it."""

    problem: Objective
    scaling: Scaling
    rate: RoundAnnealed
    batch_size: int
    seed: int
    recorder: Recorder
    k: int = 0
    epoch: int = 0

    def __post_init__(self) -> None:
        rows, self.began = self.problem.source, stopwatch()
        assert isinstance(rows, MemoryRows)  # see can_run_round
        self.rows, n, d = rows, rows.n_rows, rows.n_features
        X = np.ascontiguousarray(rows.X)
        self.far = far_columns(X[:: max(1, n // 256)])
        X = X - self.far.astype(X.dtype) if self.far.any() else X
        weights = np.ones(n) if rows.weights is None else np.asarray(rows.weights, dtype=np.float64)
        y = read_only(np.asarray(rows.y, dtype=np.float64))
        self.passes = DensePasses(read_only(X), y, read_only(weights), self.problem.loss, True)
        ridge = np.append(self.problem.penalty.l2 * self.scaling.scale**2, 0.0)
        self.smooth = Smooth(self.passes, ridge)
        sample = self.passes.sample(SAMPLE, self.seed)
        self.w, self.shift = null_weights(sample), sample.centers()
        self.floor = bend_floor(sample, self.w)
        self.buckets = buckets_for(n, d + 1)
        self.view = self.look(self.w)
        self.null_value = self.view.value
        basis = self.view.metric.basis
        self.turn = np.ascontiguousarray(basis @ basis.T)

    @property
    def answer(self) -> Array:
        """Weights for the columns where they were given."""
        return moved_back(self.view.w, self.far if self.far.any() else None)

    def look(self, w: Array) -> View:
        """Value, gradient and curvature at ``w``, from all rows."""
        return self.smooth.look(w, self.buckets, self.shift, self.floor, self.seed + self.epoch)

    @property
    def bound(self) -> float:
        """How far above the lowest value the answer may still be."""
        doubt = doubt_of(self.problem.loss)
        slack = certificate.slack_of(self.view.metric.rho, 1.0, doubt)
        return certificate.height(self.view.start().decrement, slack)

    @property
    def nearly_there(self) -> bool:
        """Whether a whole step along the gradient of all rows is safe.

        It is where the loss has no kinks and the step promises little beside what was gained.
        """
        view, gained = self.view, self.null_value - self.view.value
        smooth = self.problem.loss.name not in BENT
        return self.epoch > 0 and smooth and view.start().decrement <= 0.1 * gained

    def verdict(self, bounds: list[float], enough: float, max_epochs: int) -> Reason | None:
        """The reason to stop here, if there is one."""
        value, bound = self.view.value, self.bound
        if self.epoch > 0 and self.smooth.separated(value):
            return certificate.separable(value)
        if self.epoch > 0 and bound <= enough * (self.null_value - value):
            return certificate.converged(bound)
        if (ended := certificate.used_up(self.epoch, max_epochs, bound)) is not None:
            return ended
        stuck = len(bounds) > PATIENCE and bound > 0.7 * min(bounds[:-PATIENCE])
        return no_closer(bound) if stuck else None

    def advance(self) -> None:
        """One epoch further."""
        from downslope.kernels.round_batches import round_batches

        passes, mean = self.passes, np.zeros_like(self.w)
        if self.nearly_there:
            metric, gradient = self.view.metric, self.view.gradient
            self.w = self.view.w - metric.lift(metric.pull(gradient))
        order = self.rows.visits(self.seed, self.epoch)
        lengths = self.rate.lengths(self.k, math.ceil(self.rows.n_rows / self.batch_size))
        round_batches(
            passes.X,
            passes.y,
            passes.weights,
            order,
            *self.rows.ahead(order),
            self.batch_size,
            lengths,
            self.turn,
            self.w,
            mean,
            self.problem.loss.code,
            float(self.problem.loss.parameter),
            float(self.problem.loss.max_curvature or 0.0),
            self.smooth.ridge,
        )
        self.k, self.epoch = self.k + len(lengths), self.epoch + 1
        self.view = self.look(mean)

    def record(self) -> Record:
        """Write down where the run stands."""
        view, value = self.view, self.view.value
        gradient = gradient_in(self.scaling, view.gradient)
        norm = math.sqrt(float(gradient @ gradient))
        scaled = self.scaling.from_user(self.answer)
        loss = value - self.problem.penalty_value(scaled)
        seconds = stopwatch() - self.began
        rate = float(self.rate.lengths(self.k, 1)[0])
        record = Record(self.k, self.epoch, value, loss, norm, rate, seconds)
        self.recorder.add(record, scaled)
        return record
