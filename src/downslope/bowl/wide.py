"""Too many columns for a full factor: every weight on its own scale, and a long memory.

With tens of thousands of columns, most of them zero in most rows, a matrix of products is out of
reach, and dividing every weight by the root of its own curvature, the diagonal of the Hessian, does
most of the good. L-BFGS with a memory of thirty steps does the rest. The diagonal comes with a pass
and is renewed every twenty steps, because curvature has moved by then. Many classes of dense rows
take the same long walk in rounder coordinates (``many_classes.py``).

**The certificate.** With a ridge every direction has at least the curvature lambda, so the height
above the lowest point is at most |gradient|^2 / (2 lambda): that needs no premise (intercepts,
which have no ridge, count by their own curvature). Where lambda is tiny or zero that says little;
then ten times the decrease that the remembered curvature promises takes its place.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from downslope.bowl import certificate
from downslope.bowl.certificate import Target
from downslope.bowl.coordinates import Coordinates, Diagonal
from downslope.bowl.methods import FALLBACK, SCALED
from downslope.bowl.passes import DensePasses, Sample
from downslope.bowl.pilot import null_weights
from downslope.bowl.smooth import SQUARED, Settings, Smooth, Solution, bend_floor
from downslope.bowl.sparse_class_passes import SparseClassPasses
from downslope.bowl.sparse_passes import SparsePasses
from downslope.bowl.walks import WALKS, Point, Track, Walk, exact_step, line_search, quasi_newton
from downslope.kernels.form import form
from downslope.kernels.views import unsigned
from downslope.stopping import Reason

Array = Any
MEMORY = 30
MOST_FULL = 4000
"""Rows or columns up to which a full factor R is worth its price."""
RENEW = 20
"""Steps after which the diagonal is taken again."""
BLOCK = 100_000
"""Cells of dense rows that are looked at together."""
CAUTION = 1000.0
"""How far the decrease promised by remembered curvature may be from the height."""


@dataclass
class LongWalk:
    """A walk in simple coordinates, with a long memory."""

    problem: Smooth
    coordinates: Coordinates
    target: Target
    settings: Settings
    track: Track
    intercept_bend: Array
    """Curvature of each intercept; empty where there is none."""
    mean_length: float
    """Length of the vector of mean absolute values of the columns."""
    steps: int = 0
    sketches: int = 1

    def __post_init__(self) -> None:
        self.turned = quasi_newton(self.track)

    def evaluate(self, u: Array) -> Point:
        """One pass."""
        w = self.track.here.w + self.coordinates.lift(u - self.track.here.u)
        value, gradient = self.problem.at(w)
        return Point(u, w, value, self.coordinates.pull(gradient), gradient)

    @property
    def bound(self) -> float:
        """How far above the lowest value the walk may still be."""
        here = self.track.here
        # Steps of long ago may remember more curvature than there is now, the coordinates less.
        promised = 0.5 * max(-float(here.slope @ self.turned), here.decrement)
        return min(self.ridge_bound(), CAUTION * promised)

    def ridge_bound(self) -> float:
        """The height at most, from the ridge alone; infinity where a feature has none."""
        g, ridge, k = self.track.here.gradient, self.problem.ridge, len(self.intercept_bend)
        features = len(g) - k
        weakest = float(ridge[:features].min(initial=math.inf))
        if not weakest > 0.0:
            return math.inf
        free = float(np.sum(g[features:] ** 2 / np.maximum(self.intercept_bend, 1e-300)))
        steep = np.linalg.norm(g[:features]) + self.mean_length * np.linalg.norm(g[features:])
        return 0.5 * float(steep) ** 2 / weakest + free

    def verdict(self) -> Reason | None:
        """The reason to stop here, if there is one."""
        here, bound = self.track.here, self.bound
        if self.problem.separated(here.value):
            return certificate.separable(here.value)
        enough = self.target.gap(here.value, self.coordinates.rank)
        return certificate.verdict(bound, enough, self.problem.read, self.settings.most_passes)

    def advance(self) -> bool:
        """One step; False where none leads down."""
        track, name = self.track, self.settings.method
        search = exact_step if self.problem.passes.loss.name in SQUARED else line_search
        walk = Walk(lambda _: self.turned, search) if name == "auto" else WALKS[name]
        there = walk.step(self.evaluate, track.here, walk.direction(track))
        if there is None or not math.isfinite(there.value):
            there = line_search(self.evaluate, track.here, -track.here.slope)
        if there is None:
            return False
        track.move(there)
        self.turned = quasi_newton(track)
        self.steps += 1
        self.settings.tell(there)
        return True

    def renew(self, new: Coordinates, here: Point, intercept_bend: Array) -> None:
        """Go on in other coordinates; what was learnt in the old ones is carried over."""
        old, track = self.coordinates, self.track
        pairs = list(zip(track.steps, track.changes, strict=True))
        track.steps, track.changes = [], []
        for step, change in pairs:
            track.remember(new.to_round(old.lift(step)), new.pull(old.unpull(change)))
        self.coordinates, self.intercept_bend, track.here = new, intercept_bend, here
        self.turned = quasi_newton(track)
        self.sketches += 1


class Scaled(NamedTuple):
    """What a pass with the diagonal of the Hessian tells at ``w``."""

    coordinates: Diagonal
    w: Array
    value: float
    gradient: Array
    intercept_bend: Array

    def point(self) -> Point:
        """The origin of the scaled coordinates."""
        slope = self.coordinates.pull(self.gradient)
        return Point(np.zeros(len(self.w)), self.w, self.value, slope, self.gradient)


def scaled_walk(
    problem: Smooth, passes: DensePasses | SparsePasses | SparseClassPasses, settings: Settings
) -> Solution:
    """Minimise a smooth objective over very many columns; see the module's docstring."""
    squared, free = passes.loss.name in SQUARED, passes.n_outputs * passes.fit_intercept
    sample = passes.sample(1024, settings.seed)
    null = null_weights(sample)
    floor = bend_floor(sample, null)

    def look(w: Array, shortest: Array) -> Scaled:
        problem.read += 1.5
        value, gradient, squares = passes.scales(w, floor)
        # Where all rows of a column are sure of their class its curvature is all but gone, for now.
        lengths = np.maximum(np.sqrt(squares + problem.ridge), shortest)
        bend = squares[len(squares) - free :]
        return Scaled(Diagonal(lengths), w, *problem.with_ridge(w, value, gradient), bend)

    view = look(null if settings.start is None else settings.start, np.zeros(len(null)))
    warm = settings.start is not None and settings.enough is None
    null_value = problem.at(null)[0] if warm else view.value
    target = problem.target(settings, null_value)
    track = Track(view.point(), memory=MEMORY)
    length = mean_length(passes.X)
    settings.tell(track.here)
    walk = LongWalk(problem, view.coordinates, target, settings, track, view.intercept_bend, length)
    while (reason := walk.verdict()) is None:
        if not walk.advance():
            reason = walk.target.no_lower(walk.bound)
        elif not squared and walk.steps % RENEW == 0:
            view = look(walk.track.here.w, 0.1 * view.coordinates.lengths)
            walk.renew(view.coordinates, view.point(), view.intercept_bend)
        if reason is not None:
            break
    return answer(walk, reason)


def mean_length(X: Any) -> float:
    """Length of the vector of mean absolute values of the columns, without a copy of the rows.

    Examples
    --------
    >>> mean_length(np.array([[3.0, -4.0], [-3.0, 4.0]]))
    5.0
    """
    n, d = X.shape
    sizes = np.zeros(d)
    if sparse.issparse(X):
        data, indices, _ = unsigned(X)
        form("csr", X.nnz).add_sizes(data[: X.nnz], indices[: X.nnz], sizes)
    else:
        step = max(1, BLOCK // max(1, d))
        for i in range(0, n, step):
            sizes += np.abs(X[i : i + step]).sum(axis=0)
    return float(np.linalg.norm(sizes / n))


def fallback_walk(problem: Smooth, sample: Sample, settings: Settings, why: str) -> Solution:
    """Go down on weights scaled by their column's deviation, where the bowl was not made round.

    Needs nothing but values and gradients, so it is safe whatever went wrong; it may be slow.
    """
    k, d = sample.n_outputs, sample.n_features
    start = null_weights(sample) if settings.start is None else settings.start
    spread = sample.spread()
    lengths = np.ones(len(start))
    lengths[: d * k] = np.repeat(np.where(spread > 0.0, spread, 1.0), k)
    coordinates = Diagonal(lengths)
    problem.read += 1.0
    value, gradient = problem.at(start)
    track = Track(
        Point(np.zeros(len(start)), start, value, coordinates.pull(gradient), gradient),
        memory=MEMORY,
    )
    target = problem.target(settings, value)
    settings.tell(track.here)
    walk = LongWalk(problem, coordinates, target, settings, track, np.ones(len(start) - d * k), 1.0)
    while (reason := walk.verdict()) is None:
        if not walk.advance():
            reason = walk.target.no_lower(walk.bound)
            break
    solution = answer(walk, reason, FALLBACK)
    if reason.name == "max_seconds":
        return solution
    # What steps promise is no bound where nobody has looked at the curvature; a ridge gives one.
    bound = solution.bound if reason.name == "separable" else walk.ridge_bound()
    ended = reason.sentence
    if reason.name in ("converged", "stalled"):
        known = f"at most {bound:.1e} above the lowest possible loss"
        unknown = "how far above the lowest possible loss, nothing tells"
        low = f"the last steps promise no more than {walk.bound:.1e}"
        how = low if reason.converged else "no lower point was found"
        ended = f"It ended where {how}: {known if math.isfinite(bound) else unknown}."
    sentence = (
        f"The bowl could not be made round ({why}), so the walk went down on scaled weights "
        f"instead. {ended}"
    )
    reason = Reason("fallback", sentence, reason.converged)
    return replace(solution, bound=bound, reason=reason)


def answer(walk: LongWalk, reason: Reason, method: str = SCALED) -> Solution:
    """What the walk found."""
    here, read = walk.track.here, walk.problem.read
    bound = here.value if reason.name == "separable" else walk.bound
    return Solution(
        *(here.w, here.value, bound, reason, read, walk.steps, walk.sketches), method=method
    )
