"""The round bowl: gradient descent that needs no learning rate.

A loss over skewed columns is a long valley: a step short enough for its walls is far too short for
its floor. Make the valley round, and from anywhere minus the gradient points at the lowest point;
one step of length 1 nearly reaches it. Round coordinates u = R w cost one more read of the rows
(``metric.py``), so that a whole fit reads them five to fifteen times, whatever the condition
number.

For a smooth loss and more rows than columns::

    1  sample     a few thousand rows; the best intercept alone is the null model
    2  pilot      fit the sample, held back towards the null model (squared loss: many rows only)
       run-up     very many rows: a pass of steps while it reads (``run_up.py``)
    3  sketch     one pass there: value, gradient, CountSketch of the curvature -> R
    4  walk       conjugate gradients (squared loss) or L-BFGS in u, one pass per step
    5  sketch again, at most twice, where the curvature has changed so much that it pays
    6  stop       when the Newton decrement |R^-T g|^2 says that the rest is too small to matter

**The certificate.** In coordinates where the Hessian's eigenvalues are at least 1/(1 + rho)^2, the
height above the lowest point is at most (1 + rho)^2 |R^-T g|^2 / 2. The smallest curvature met on
the walk takes the place of 1/(1 + rho)^2 where it is smaller. By default the walk stops when

    |R^-T g|^2 <= 1e-6 m/n    (times the variance of slopes, ``Target.spread``): coefficients are
                              then within a thousandth of their standard errors, root mean square;
    bound <= 1e-6 (f_null - f): what is left is a millionth of what was gained.

Sizes. With m weights, n rows and kappa = 18 multiplications that a processor does while memory
delivers one number, a table of s rows costs s m / (kappa n) passes for its products, and each pass
then contracts the height by m/s. The sum is lowest near s = kappa n / m; it is kept between 4 m and
64 m, or 128 m with many rows. Where 2 s > n the table holds all rows and the Hessian is exact.

With many rows, kappa n >= 256 m^2, the largest table costs half a pass at most, and so does a
pilot. For squared errors it is taken only there: the sketch has a solution of its own, as good a
start as a pilot's, but known a pass later.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from downslope.bowl import certificate
from downslope.bowl.certificate import Target
from downslope.bowl.methods import SKETCHED
from downslope.bowl.metric import SINGLE
from downslope.bowl.pilot import null_weights, pilot, start_from
from downslope.bowl.run_up import Parts, run_up, run_up_pays
from downslope.bowl.smooth import (
    BENT,
    SQUARED,
    Settings,
    Smooth,
    Solution,
    View,
    bend_floor,
    doubt_of,
)
from downslope.bowl.walks import MEMORY, WALKS, Point, Track, Walk, line_search
from downslope.stopping import Reason

Array = Any
KAPPA = 18.0
"""Multiplications per number read from memory. A constant, not measured on the spot: the same seed
gives the same numbers on every machine."""
KAPPA_SINGLE = 29.0
"""The same where products are made in single precision."""
RUN_UP = 2
"""Times as many rows for squared errors, where the pilot's curvature leads through a whole pass."""
MANY_WEIGHTS = 1000
"""From here on a pilot costs more than it saves."""
FEW_ROWS = 4096
"""Rows that are enough for the centres of columns and the mean of y."""
MOST_SKETCHES = 3
MOST_CELLS = 500_000_000
"""Numbers in an exact table of several classes that are not too many."""


def many_rows(n_rows: int, n_weights: int) -> bool:
    """Whether a pass costs more than the largest table or a pilot of squared errors."""
    return KAPPA * n_rows >= 256.0 * n_weights**2


def buckets_for(n_rows: int, n_weights: int, n_outputs: int = 1) -> int | None:
    """Rows of the sketch table (see the module); None for all rows, where it would not be small."""
    kappa = KAPPA if n_weights < SINGLE else KAPPA_SINGLE
    most = 128 if many_rows(n_rows, n_weights) else 64
    best = min(max(kappa * n_rows / n_weights, 4 * n_weights), most * n_weights)
    if 2 * best <= n_rows:
        return int(best)
    return None if n_rows * n_outputs**2 * n_weights <= MOST_CELLS else n_rows


def sample_rows_for(n_rows: int, n_weights: int) -> int:
    """Rows of the sample that the pilot fits."""
    best = min(max(KAPPA * n_rows / n_weights, 8 * n_weights), 32 * n_weights)
    return max(1000, int(best)) if n_weights < MANY_WEIGHTS else 1000


@dataclass
class Descent:
    """A walk in a round bowl: where it stands, and what is needed to go on."""

    problem: Smooth
    walk: Walk
    method: str
    target: Target
    buckets: int | None
    shift: Array
    floor: float
    settings: Settings
    track: Track
    view: View
    steps: int = 0
    sketches: int = 1
    since: int = 0
    """Steps since the last sketch."""
    entry: float = math.inf
    """Decrement just after it."""
    seen: list[Point] = field(default_factory=list)

    def evaluate(self, u: Array) -> Point:
        """One pass."""
        metric = self.view.metric
        w = self.view.w + metric.lift(u)
        value, gradient = self.problem.at(w)
        return Point(u, w, value, metric.pull(gradient), gradient)

    @property
    def slack(self) -> float:
        """See ``certificate.slack_of``; the more, the less a step achieves."""
        lowest = self.track.lowest_curvature()
        doubt = doubt_of(self.problem.passes.loss)
        slack = certificate.slack_of(self.view.metric.rho, lowest, doubt)
        return slack / (1.0 - min(self.contraction, 0.99))

    @property
    def contraction(self) -> float:
        """Mean factor by which a step since the last sketch has shrunk the decrement."""
        if self.since == 0 or not self.entry > 0.0:
            return 0.0
        return float((self.track.here.decrement / self.entry) ** (1.0 / self.since))

    @property
    def bound(self) -> float:
        """How far above the lowest value the walk may still be."""
        return certificate.height(self.track.here.decrement, self.slack)

    def verdict(self) -> Reason | None:
        """The reason to stop here, if there is one."""
        here, rank = self.track.here, self.view.metric.rank
        if self.problem.separated(here.value):
            return certificate.separable(here.value)
        reached = self.target.reached(here.decrement, here.value, rank, self.slack)
        return reached or certificate.used_up(
            self.problem.read, self.settings.most_passes, self.bound
        )

    def advance(self) -> bool:
        """One step; False where none leads down."""
        track = self.track
        there = self.walk.step(self.evaluate, track.here, self.walk.direction(track))
        if there is None or not math.isfinite(there.value):
            there = line_search(self.evaluate, track.here, -track.here.slope)
        if there is None:
            return False
        self.move(there)
        return True

    def move(self, there: Point) -> None:
        """Go there."""
        self.track.move(there)
        self.steps += 1
        self.since += 1
        self.seen = [*self.seen[-MEMORY:], there]
        self.settings.tell(there)

    def sketch_pays(self) -> bool:
        """Whether rounder coordinates would save more passes than they cost.

        Compares the steps left at the contraction met since the last sketch with the steps left at
        the contraction that a new sketch promises.
        """
        if self.sketches >= MOST_SKETCHES or self.since < 2:
            return False
        here, m, n = self.track.here, len(self.problem.ridge), self.problem.passes.n_rows
        contraction = self.contraction
        if contraction > 0.9:
            return self.since >= 6
        if here.decrement > 1e-3 * (self.target.null_value - here.value) or contraction < 0.1:
            return False
        wanted = self.target.wanted(here.value, self.view.metric.rank, self.slack)
        left = math.log(here.decrement / max(wanted, 1e-300))
        size = self.buckets or n
        promised = math.log(max(size / (2.0 * m), 2.0))
        saved = left / -math.log(contraction) - left / promised
        return saved > 3.0 + size * m / (KAPPA * n)

    def sketch_again(self) -> None:
        """Make the bowl round where the walk stands now; what was learnt on the way is carried."""
        here, seed = self.track.here, self.settings.seed + self.sketches
        self.view = self.problem.look(here.w, self.buckets, self.shift, self.floor, seed)
        metric = self.view.metric
        self.track = Track(self.view.start(), rho=metric.rho)
        for a, b in zip(self.seen, self.seen[1:], strict=False):
            self.track.remember(metric.to_round(b.w - a.w), metric.pull(b.gradient - a.gradient))
        self.sketches += 1
        self.since, self.entry = 0, self.track.here.decrement

    def run(self) -> Solution:
        """Walk until there is a reason to stop."""
        while (reason := self.verdict()) is None:
            if self.sketch_pays():
                self.sketch_again()
            elif not self.advance():
                if self._at_rounding():
                    reason = certificate.at_rounding(self.bound)
                    break
                if self.sketches >= MOST_SKETCHES:
                    reason = certificate.stalled(self.bound)
                    break
                self.sketch_again()
        here = self.track.here
        bound = here.value if reason.name == "separable" else self.bound
        return Solution(
            here.w,
            here.value,
            bound,
            reason,
            self.problem.read,
            self.steps,
            self.sketches,
            self.view.metric.rank,
            method=self.method,
        )

    def _at_rounding(self) -> bool:
        return self.bound <= self.target.rounding(self.track.here.value)


def round_bowl(problem: Smooth, settings: Settings, parts: Parts | None = None) -> Solution:
    """Minimise a smooth objective; see the module's docstring.

    ``parts`` are the passes of the problem, where rows can be read a few at a time.
    """
    squared = problem.passes.loss.name in SQUARED
    view, null_value, look = _first_view(problem, settings, parts)
    track = Track(view.start(), rho=view.metric.rho)
    target = problem.target(settings, null_value)
    name = settings.method
    way = ("conjugate" if squared else "quasi_newton") if name == "auto" else name
    descent = Descent(
        problem, WALKS[way], SKETCHED.get(way, way), target, *look, settings, track, view
    )
    descent.entry, descent.seen = track.here.decrement, [track.here]
    settings.tell(track.here)
    if squared and name == "auto":
        _first_step(descent)
    return descent.run()


def _first_view(
    problem: Smooth, settings: Settings, parts: Parts | None
) -> tuple[View, float, tuple[int | None, Array, float]]:
    """Where the walk begins, the null model's value, and how rows are looked at."""
    passes, ridge, given = problem.passes, problem.ridge, settings.start
    n, m, name = passes.n_rows, len(ridge), passes.loss.name
    squared = name in SQUARED
    piloted = m < MANY_WEIGHTS and (not squared or many_rows(n, m))
    if given is not None or name in BENT or not run_up_pays(n, m):
        parts = None
    rows = sample_rows_for(n, m) * (RUN_UP if squared and parts is not None else 1)
    sample = passes.sample(rows if piloted else min(rows, FEW_ROWS), settings.seed)
    null, shift = null_weights(sample), sample.centers()
    null_value, gain = sample.at(null)[0], math.inf
    start = start_from(sample, ridge, shift) if given is None else given
    floor = bend_floor(sample, start)
    look = (buckets_for(n, m, passes.n_outputs), shift, floor)
    if given is None and piloted and 4 * sample.n_rows <= n:
        start, gain = pilot(sample, ridge, start, shift, floor)
        problem.read += 8.0 * sample.n_rows / n
    if parts is not None and gain < math.inf:
        view = run_up(problem, parts, sample, start, *look, settings.seed)
    else:
        view = problem.look(start, *look, settings.seed)
    if given is None and not view.value <= null_value + 3.0 * gain + 0.05 * abs(null_value):
        view = problem.look(null, *look, settings.seed)  # the sample has misled
    return view, null_value, look


def _first_step(descent: Descent) -> None:
    """Squared loss: start along the sketch's own solution where that is the better guess.

    It errs by m/s of the residual, a step along the gradient by m/s of what there is to gain.
    """
    wish, here = descent.view.metric.wish, descent.track.here
    if wish @ wish > here.value and here.slope @ wish < 0.0:
        there = WALKS["conjugate"].step(descent.evaluate, here, wish)
        if there is not None:
            descent.move(there)
