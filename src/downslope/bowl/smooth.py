"""A smooth objective as solvers see it, what is asked of them, and what they answer."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from downslope import clock
from downslope.bowl.certificate import Target
from downslope.bowl.metric import Metric, metric_of
from downslope.bowl.near_columns import LeftOut, NearlyDependent
from downslope.bowl.passes import Cornered, Passes, Sample, Sketch
from downslope.bowl.rounding import Seen
from downslope.bowl.walks import Point
from downslope.losses import Loss
from downslope.stopping import Reason

Array = Any
SQUARED = ("mse", "squared_error")
IN_UNITS = (
    *SQUARED,
    "huber",
    "squared_epsilon_insensitive",
    "round_quantile",
    "round_epsilon_insensitive",
)
"""Losses in the units of the targets, squared: where those shrink, what is small enough does too.
"""
BENT = (
    "huber",
    "squared_epsilon_insensitive",
    "squared_hinge",
    "modified_huber",
    "round_quantile",
    "round_epsilon_insensitive",
    "round_hinge",
)
"""Losses with curvature 0 in places: rows there count as a thousandth of the mean, not as nothing.
"""
DOUBT = {"squared": 1.0, "bent": 20.0, "curved": 4.0}
"""Factor on the bound for losses whose curvature is not the same everywhere; see ``certificate``.
"""
MOST_NAMED = 5
"""Columns that a sentence names."""
UNSETTLED = 50.0
"""Times as much where rows leave their parabola within a step."""
FEW_JUMPS = 0.01
"""Share of the curvature along a step that may jump without a word: of very many rows some always
sit at a corner."""
MARGIN = ("log_loss", "multinomial")
"""Losses that fall to 0 only as weights grow without end; a row on the edge costs at least ln 2."""


def doubt_of(loss: Loss) -> float:
    """How far the bound of a loss may be off; see ``certificate``."""
    if loss.name in SQUARED:
        return DOUBT["squared"]
    return DOUBT["bent" if loss.name in BENT else "curved"]


def doubt_along(rows: Any, ridge: Array, w: Array, change: Array, told: float) -> float:
    """How far a bound may be off, that a step promises by ``told``, the curvature along it.

    Where curvature jumps, rows that the step takes on or off their parabola may leave next to none;
    if there are no such rows the parabola is the bowl. Rows on a straight part are given a little
    curvature: where a step's is mostly of that kind, the bowl is as much wider as rows have less.
    """
    doubt = doubt_of(rows.loss)
    if rows.loss.name not in BENT or not told > 0.0:
        return doubt
    here, moved = rows.raw(w), rows.raw(change)
    bend, felt = rows.loss.curvature(here, rows.y), rows.weights * moved**2
    jumps = np.abs(bend - rows.loss.curvature(here + moved, rows.y))
    own = float(np.mean(felt * bend)) + float(change @ (ridge * change))
    if float(np.mean(felt * jumps)) > FEW_JUMPS * own:
        doubt *= UNSETTLED
    return doubt * max(1.0, told / max(own, float(np.finfo(float).tiny)))


def bend_floor(sample: Sample, w: Array) -> float:
    """Curvature that every row has at least: a thousandth of the mean, where a loss has none.

    Where no row has any the mean is that of rows on the curved part.
    """
    if sample.loss.name not in BENT:
        return 0.0
    return 1e-3 * (sample.mean_curvature(w) or sample.loss.max_curvature or 1.0)


class Log(Protocol):
    """What passes gave, in order."""

    def recall(self, asked: Array, read: Callable[[], tuple[Array, ...]]) -> tuple[Array, ...]:
        """What the next pass gave when ``asked`` the same before; else what it gives now."""
        ...


@dataclass(frozen=True)
class Settings:
    """What is asked of a solver.

    Parameters
    ----------
    tol : float or None
        See ``certificate.Target``.
    method : str
        ``"auto"`` or the name of a walk.
    most_passes : float
        Cap on reads of the rows.
    seed : int
    watch : callable or None
        Told of every point of the walk.
    start : array of shape (n_weights,) or None
        Weights to start from; by default a model without features, or a pilot's.
    enough : float or None
        Bound on the height above the lowest point that is small enough, instead of ``tol``.
    log : Log or None
        Keeps what passes gave, so that a run that is killed need not read the rows again.
    names : tuple of str
        Of the columns, for sentences.
    """

    tol: float | None = None
    method: str = "auto"
    most_passes: float = 1000.0
    seed: int = 0
    watch: Callable[[Point], None] | None = None
    start: Array | None = None
    enough: float | None = None
    log: "Log | None" = None
    names: tuple[str, ...] = ()

    def tell(self, point: Point) -> None:
        """Tell the watcher, if there is one."""
        if self.watch is not None:
            self.watch(point)


class View(NamedTuple):
    """What a pass with a sketch tells at ``w``."""

    w: Array
    value: float
    gradient: Array
    metric: Metric

    def start(self) -> Point:
        """The origin of the round coordinates.

        Raises
        ------
        LinAlgError
            If the sketch shows no curvature although there is a slope.
        """
        if self.metric.rank == 0 and self.gradient.any():
            raise np.linalg.LinAlgError("the sketch shows no curvature where there is a slope")
        u, slope = np.zeros(self.metric.rank), self.metric.pull(self.gradient)
        return Point(u, self.w, self.value, slope, self.gradient)


@dataclass
class Smooth:
    """A smooth objective, mean loss plus ``ridge @ w**2 / 2``, that counts the passes it costs.

    ``kind``: the numbers that products with the rows are made in. ``watchful``: the first look ends
    in ``NearlyDependent`` where columns nearly depend on one another.
    """

    passes: Passes
    ridge: Array
    log: Log | None = None
    read: float = 0.0
    kind: type = np.float64
    watchful: bool = False

    def at(self, w: Array) -> tuple[float, Array]:
        """Value and gradient; one pass."""
        self.read += 1.0
        value, gradient = self._recalled(w, lambda: self.passes.at(w))
        return self.with_ridge(w, float(value), gradient)

    def look(self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int) -> View:
        """Value, gradient and round coordinates at ``w``; about two passes."""
        return self.view(w, self.sketch(w, buckets, shift, floor, seed), buckets)

    def view(self, w: Array, sketch: Sketch, buckets: int | None) -> View:
        """Value, gradient and round coordinates from a sketch at ``w``."""
        n, k = self.passes.n_rows, self.passes.n_outputs
        metric = metric_of(sketch.table, sketch.shift, self.ridge, n, k, buckets)
        self.watch_out(metric.near)
        return View(w, *self.with_ridge(w, float(sketch.value), sketch.gradient), metric)

    def watch_out(self, near: bool) -> None:
        """End here at the first look, if that is asked for and columns are ``near`` others.

        Raises
        ------
        NearlyDependent
        """
        if self.watchful and near:
            raise NearlyDependent
        self.watchful = False

    def sketch(
        self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int
    ) -> Sketch:
        """Mean loss, its gradient and a sketch of the curvature; about two passes."""
        self.read += 2.0
        asked = np.append(w, (floor, seed))
        return Sketch(
            *self._recalled(asked, lambda: self.passes.sketch(w, buckets, shift, floor, seed))
        )

    def seen(self, w: Array, width: float, passes: Cornered) -> Seen:
        """What ``passes``, those of the problem, tell about corners of that width; one pass."""
        self.read += 1.0
        asked = np.append(w, width)
        return Seen(*map(float, self._recalled(asked, lambda: passes.seen(w, width))))

    def _recalled(self, asked: Array, read: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
        clock.ask()
        return read() if self.log is None else self.log.recall(asked, read)

    def target(self, settings: Settings, null_value: float) -> Target:
        """When a walk over this problem is low enough."""
        n, loss, tol, enough = self.passes.n_rows, self.passes.loss, settings.tol, settings.enough
        steepest = loss.parameter if loss.name == "huber" else math.inf
        units = loss.name in IN_UNITS
        return Target(tol, n, null_value, units, enough, self.kind, steepest)

    def separated(self, value: float) -> bool:
        """Whether the losses add up to less than that of one row on the wrong side."""
        free = self.passes.loss.name in MARGIN and not self.ridge.any()
        return free and value * self.passes.n_rows < math.log(2.0) * self.passes.lowest_weight

    def with_ridge(self, w: Array, value: float, gradient: Array) -> tuple[float, Array]:
        """Value and gradient of the mean loss with those of the ridge added."""
        return value + 0.5 * float(w @ (self.ridge * w)), gradient + self.ridge * w


@dataclass(frozen=True)
class Solution:
    """What a solver answers.

    Attributes
    ----------
    w : array of shape (n_weights,)
        Flat weights, intercept last.
    value : float
        Objective there.
    bound : float
        How far above the lowest value it may be.
    reason : Reason
        Why the walk ended.
    passes : float
        Reads of the rows; a pass with a sketch counts twice.
    steps, sketches : int
        Points visited, and how often the bowl was made round.
    rank : int or None
        Directions in which the loss has curvature, where the solver had to know.
    left_out : tuple of LeftOut
        Columns without a part in the answer, since others make them up to rounding.
    method : str
        Who found it; the names are in ``methods``.
    """

    w: Array
    value: float
    bound: float
    reason: Reason
    passes: float
    steps: int
    sketches: int
    rank: int | None = None
    left_out: tuple[LeftOut, ...] = ()
    method: str = field(kw_only=True)


def among(solution: Solution, names: tuple[str, ...]) -> Solution:
    """The solution, whose reason says which weights its bound is about, if not about all."""
    out = solution.left_out
    if not out:
        return solution

    def name(column: int) -> str:
        return names[column] if column < len(names) else f"column {column}"

    listed = ", ".join(name(each.column) for each in out[:MOST_NAMED])
    listed += f" and {len(out) - MOST_NAMED} more" if len(out) > MOST_NAMED else ""
    others = sorted({other for each in out for other in each.others})
    makers = " and ".join(map(name, others)) if len(others) <= MOST_NAMED else "others"
    verb, of, they = ("is", "it", "it differs") if len(out) == 1 else ("are", "them", "they differ")
    reason, share = solution.reason, max(each.share for each in out)
    sentence = (
        f"{reason.sentence} That is among models to which {listed} {verb} what {makers} make of "
        f"{of}, from which {they} by rounding alone ({share:.0e} of a deviation)."
    )
    return replace(solution, reason=replace(reason, sentence=sentence))


def unsure(solution: Solution, n_features: int) -> Solution:
    """The solution, whose reason says that nobody looked at what nearly equal columns differ in."""
    sentence = (
        f"{solution.reason.sentence} That is among models that take columns for the same which "
        "differ by less than 1e-7 of their spread, if at all, as some here do: "
        f"{n_features:,} columns are too many to be told apart."
    )
    return replace(solution, reason=replace(solution.reason, sentence=sentence))
