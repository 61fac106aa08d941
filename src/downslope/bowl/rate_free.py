"""Fits without a learning rate: the round bowl's solution, told as a run.

The solver works on the columns as they are. The run is told on standardised ones, like every other
run, because there gradients and weights of different columns can be compared.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from downslope import clock
from downslope.bowl.smooth import Settings, Solution
from downslope.bowl.solve import solve
from downslope.bowl.solve_stream import solve_stream
from downslope.bowl.walks import Point
from downslope.descend import FEW_WEIGHTS, Result, State
from downslope.kernels.making import stopwatch
from downslope.losses import Loss
from downslope.objective import Objective, Source
from downslope.rates import Look, Nothing
from downslope.scaling import Scaling
from downslope.sources.device import DeviceRows
from downslope.sources.memory import MemoryRows, one_class
from downslope.stopping import INTERRUPTED, Reason, Sight, interrupted, out_of_time
from downslope.trace import COLUMNS, Record, Recorder, Trace

Array = Any
ROUNDING = 1e-16
SMALL = 2e7
"""Rows times weights squared up to which the Hessian of a problem costs nothing."""
SMOOTH = ("mse", "squared_error", "poisson", "gamma", "log_loss", "multinomial")
"""Losses whose curvature has no jumps."""
Show = Callable[[Sight], Reason | None]


@dataclass(frozen=True)
class RoundRate:
    """1, the learning rate of a bowl that is round: there it needs no choosing."""

    name: ClassVar[str] = "round"
    needs: ClassVar[str] = "all rows and the plain rule"

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        return 1.0, memory


def can_solve(rows: MemoryRows, loss: Loss) -> bool:
    """Whether there is a lowest point worth finding: the perceptron's is at zero weights."""
    return rows.n_rows > 0 and loss.name != "perceptron"


def accuracy(problem: Objective, tol: float | None) -> float | None:
    """The tolerance asked for; where none is, small problems are solved to rounding.

    Newton's steps get there at next to no cost, and then a row's weight of 2 gives the digits of a
    row that is there twice. Losses whose curvature jumps and penalties with corners have no such
    steps.
    """
    newton = problem.loss.name in SMOOTH and not problem.has_rest
    small = is_small(problem.source, problem.size)
    return ROUNDING if tol is None and newton and small else tol


def is_small(rows: Source, size: int) -> bool:
    """Whether a problem of ``size`` weights is so small that its Hessian costs nothing."""
    return rows.n_rows * size * min(rows.n_rows, size) <= SMALL


def run_free(
    problem: Objective,
    scaling: Scaling,
    settings: Settings,
    *,
    names: tuple[str, ...] = (),
    show: Show | None = None,
) -> Result:
    """Lowest point of ``problem``, and the way there on columns scaled by ``scaling``.

    Parameters
    ----------
    problem : Objective
        On rows in memory, see ``can_solve``. Outputs that do not mix are solved one by one.
    scaling : Scaling
        In whose units weights and gradients are told, and weights penalised.
    settings : Settings
        Of the solver.
    names : tuple of str
        Names of the weights for the trace.
    show : callable, optional
        Shown every step, weights in the units of ``problem``; a reason that it answers ends the
        run.
    """
    rows = problem.source
    assert isinstance(rows, MemoryRows)  # see can_solve
    if problem.n_outputs == 1 or problem.loss.link == "softmax":
        return _solved(problem, rows, scaling, settings, names, show)
    one, k = replace(problem, n_outputs=1), problem.n_outputs
    starts = [None if settings.start is None else settings.start[c::k] for c in range(k)]

    def against_the_rest(c: int) -> Result:
        mine = replace(settings, start=starts[c])
        return _solved(one, replace(rows, y=rows.y[:, c]), scaling, mine, names, show)

    return together(_one_by_one(against_the_rest, k))


def _one_by_one(fit: Callable[[int], Result], n_outputs: int) -> list[Result]:
    """The run of each output.

    Raises
    ------
    KeyboardInterrupt
        If a run is interrupted before the last: then some outputs have no weights to keep.
    """
    results = []
    for c in range(n_outputs):
        results.append(fit(c))
        if results[-1].reason == INTERRUPTED and c < n_outputs - 1:
            raise KeyboardInterrupt
    return results


def _solved(
    problem: Objective,
    rows: MemoryRows,
    scaling: Scaling,
    settings: Settings,
    names: tuple[str, ...],
    show: Show | None,
) -> Result:
    def solver(settings: Settings) -> Solution:
        return solve(
            rows.X,
            rows.y,
            problem.loss,
            problem.penalty,
            weights=rows.weights,
            deviations=scaling.scale,
            fit_intercept=problem.fit_intercept,
            n_outputs=problem.n_outputs,
            settings=settings,
        )

    return _run(solver, problem, scaling, settings, names, show)


def run_far(
    problem: Objective,
    scaling: Scaling,
    settings: Settings,
    *,
    names: tuple[str, ...] = (),
    show: Show | None = None,
) -> Result:
    """``run_free`` for rows that are not in this memory: files, a cache, a cluster, a device.

    Their source has a ``map``.
    """

    def solver(settings: Settings) -> Solution:
        return _solver_of(problem.source)(
            problem.source,
            problem.loss,
            problem.penalty,
            deviations=scaling.scale,
            fit_intercept=problem.fit_intercept,
            n_outputs=problem.n_outputs,
            settings=settings,
        )

    if problem.n_outputs == 1 or problem.loss.link == "softmax":
        return _run(solver, problem, scaling, settings, names, show)
    rows: Any = problem.source

    def against_the_rest(c: int) -> Result:
        one = replace(problem, n_outputs=1, source=rows.map(partial(one_class, c=c)))
        return run_far(one, scaling, settings, show=show)

    return together(_one_by_one(against_the_rest, problem.n_outputs))


def _solver_of(source: Source) -> Callable[..., Solution]:
    if not isinstance(source, DeviceRows):
        return solve_stream
    from downslope.bowl.device_passes import solve_rows

    return solve_rows


def _run(
    solver: Callable[[Settings], Solution],
    problem: Objective,
    scaling: Scaling,
    settings: Settings,
    names: tuple[str, ...],
    show: Show | None,
) -> Result:
    recorder = Recorder(names, keep_weights=problem.size <= FEW_WEIGHTS)
    told = _Told(recorder, scaling, problem, show)
    clock.told(False)
    try:
        solution = solver(replace(settings, watch=told.hear, names=names))
        w, reason, passes = solution.w, solution.reason, math.ceil(solution.passes)
        method, bound = solution.method, solution.bound
    except clock.OutOfTime as spent:
        w, reason = told.w, out_of_time(spent.seconds)
        passes, method, bound = len(recorder.records), "", math.nan
    except (_Stopped, KeyboardInterrupt):
        if not recorder.records:
            raise  # there is nothing to keep yet
        w, reason = told.w, told.reason or interrupted()
        passes, method, bound = len(recorder.records), "", math.nan
    w = scaling.from_user(w, problem.n_outputs)
    state = State(len(recorder.records), passes, 0, w, Nothing(), Nothing(), 0.0, 0, None)
    return Result(w, recorder.trace(), reason, None, state, method, bound)


class _Stopped(Exception):
    """A reader has ended the walk."""


@dataclass
class _Told:
    """What the solver tells on its way, written down as a trace."""

    recorder: Recorder
    scaling: Scaling
    problem: Objective
    show: Show | None
    began: float = field(default_factory=stopwatch)
    reason: Reason | None = None

    def __post_init__(self) -> None:
        self.w = self.problem.start()

    def hear(self, point: Point) -> None:
        """One more point of the walk."""
        self.w, k, n_outputs = point.w, len(self.recorder.records), self.problem.n_outputs
        gradient = gradient_in(self.scaling, point.gradient, n_outputs)
        norm = math.sqrt(float(gradient @ gradient))
        seconds = stopwatch() - self.began
        scaled = self.scaling.from_user(point.w, n_outputs)
        loss = point.value - self.problem.penalty_value(scaled)
        record = Record(k, k, point.value, loss, norm, math.nan, seconds)
        self.recorder.add(record, scaled)
        clock.told()
        if self.show is None or k == 0:
            return
        sight = Sight(k, k, point.value, point.value, norm, math.nan, seconds, math.nan, point.w)
        self.reason = self.show(sight)
        if self.reason is not None:
            raise _Stopped


def gradient_in(scaling: Scaling, gradient: Array, n_outputs: int = 1) -> Array:
    """Gradient in the weights of scaled columns, from that in the weights of the columns.

    ``w = v / scale`` and ``b = c - center @ w`` (``Scaling.to_user``), so by the chain rule
    ``df/dv = (df/dw - center df/db) / scale`` and ``df/dc = df/db``.
    """
    d = len(scaling.center)
    G = np.array(gradient, dtype=float).reshape(-1, n_outputs)
    if len(G) > d:
        G[:d] -= scaling.center[:, None] * G[d]
    G[:d] /= scaling.scale[:, None]
    return G.ravel()


def together(results: Sequence[Result]) -> Result:
    """Runs of separate outputs as one: values added, weights side by side.

    A run that has ended stands still while the others go on.
    """
    n = max(len(result.trace) for result in results)
    rows = [np.minimum(np.arange(n), len(result.trace) - 1) for result in results]
    picked = [
        {name: result.trace[name][at] for name in COLUMNS}
        for result, at in zip(results, rows, strict=True)
    ]
    columns = dict(picked[int(np.argmax([len(result.trace) for result in results]))])
    for name in ("value", "loss"):
        columns[name] = np.sum([part[name] for part in picked], axis=0)
    columns["gradient_norm"] = np.sqrt(np.sum([p["gradient_norm"] ** 2 for p in picked], axis=0))
    w = np.stack([result.w for result in results], axis=1).ravel()
    reasons = [result.reason for result in results]
    worst = next((reason for reason in reasons if not reason.converged), reasons[-1])
    sentence = f"{len(results)} classes, each against the rest; the last: {worst.sentence}"
    states = [result.state for result in results if result.state is not None]
    state = max(states, key=lambda state: state.epoch)._replace(w=w)
    method = ", ".join(dict.fromkeys(result.method for result in results))
    bound = sum(result.bound for result in results)
    reason = replace(worst, sentence=sentence)
    return Result(w, Trace(columns), reason, None, state, method, bound)
