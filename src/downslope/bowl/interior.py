"""Losses with corners over few rows: from the inside of the dual to its edge.

Every loss with corners is the largest of theta (z - t) over an interval of slopes theta
(``rounding.py``), and so is an L1 penalty, a row that reads one weight. Over few rows the whole is
a linear or quadratic programme small enough for an interior point method::

    min over w  of  sum_i max over lo_i <= theta_i <= hi_i of theta_i (a_i w - t_i)  +  w' R w / 2

With a_i w - t_i = u_i - v_i, u and v at least 0, the lowest point is where

    A' theta + R w = 0,    u (hi - theta) = 0,    v (theta - lo) = 0,

and the method solves that with mu in place of the zeros on the right, for a mu that falls to 0. One
step is one solve with A' diag(1 / (u / (hi - theta) + v / (theta - lo))) A + R. It takes some
fifteen steps, whatever the rows are like, where rounding the corners over narrower and narrower
widths may take hundreds of passes. (Mehrotra 1992; for quantiles Portnoy and Koenker 1997, for
hinges Ferris and Munson 2002.)

**The certificate** is the duality gap: theta is inside its intervals at every step, so

    F(w) - min F  <=  F(w) + t' theta + w' R w / 2    where  A' theta + R w = 0,

and rounding leaves little of the last one, which is counted by the size of w.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from downslope.bowl import certificate
from downslope.bowl.methods import INTERIOR_POINT
from downslope.bowl.metric import CONSTANT, NEAR, cholesky
from downslope.bowl.passes import DensePasses
from downslope.bowl.pilot import null_weights
from downslope.bowl.smooth import Settings, Smooth, Solution
from downslope.bowl.sparse_passes import SparsePasses
from downslope.bowl.walks import Point
from downslope.losses import AbsoluteError, EpsilonInsensitive, Hinge, Loss, Quantile

Array = Any
MOST_STEPS = 100
PATIENCE = {True: 4, False: 10}
"""Steps without a better bound after which what is left is rounding."""
ROUNDING = 1e-6
"""Share of the null model's loss up to which it is."""
CLEAR = 1e-3
"""Share of its interval by which the slope of a weight's penalty is inside, where that is zero."""
STUCK, SIGMA = 0.9, 0.8
"""A step that leaves so much of ``apart`` hit an edge too soon; one that aims at less is taken."""
LEAST = 1e-3 * float(np.finfo(float).eps)
"""Share of the null model's loss below which no bound is asked for."""
TINY = float(np.finfo(float).tiny)
REFINED = 3
"""Solves for one step, each for what rounding has left of the last."""
ROOM = 0.995
"""Share of the way to the edge that a step may go."""
PASSES = 4.0
"""Reads of the rows a step costs: their products, and two predictions and gradients."""


class Edges(NamedTuple):
    """Rows ``A w - t`` with the largest of ``theta`` times them, lo <= theta <= hi."""

    rows: Array
    t: Array
    lo: Array
    hi: Array
    ridge: Array
    edged: Array
    """Weights with an L1 penalty; the last rows are theirs."""

    def value(self, w: Array) -> float:
        """What is to be minimised."""
        r = self.rows @ w - self.t
        kinks = float(self.hi @ np.maximum(r, 0.0) + self.lo @ np.minimum(r, 0.0))
        return kinks + 0.5 * float(w @ (self.ridge * w))


class Units(NamedTuple):
    """Columns centred and scaled, constant ones left out."""

    center: Array
    scale: Array
    alive: Array
    base: float
    """Taken off the targets, and off the intercept."""

    def to_user(self, inside: Array) -> Array:
        """The user's weights."""
        d = len(self.center)
        w = np.zeros(len(self.alive))
        w[self.alive] = inside / self.scale[self.alive]
        if len(w) > d:
            w[d] += self.base - self.center @ w[:d]
        return w


class Inside(NamedTuple):
    """Where the method stands; ``s`` is hi - theta, ``q`` theta - lo, both without rounding."""

    w: Array
    u: Array
    v: Array
    theta: Array
    s: Array
    q: Array

    @property
    def apart(self) -> float:
        """What the zeros on the right are now, added up."""
        return float(self.u @ self.s + self.v @ self.q)


def slopes(loss: Loss, y: Array) -> list[tuple[Array, Array, Array]]:
    """Corners t of every row and the interval (lo, hi) of its slopes; two for a tube.

    Examples
    --------
    >>> slopes(Quantile(0.75), np.array([3.0]))
    [(array([3.]), array([-0.75]), array([0.25]))]
    """
    one, none = np.ones(len(y)), np.zeros(len(y))
    match loss:
        case AbsoluteError():
            return [(y, -one, one)]
        case Quantile(q):
            return [(y, -q * one, (1.0 - q) * one)]
        case EpsilonInsensitive(epsilon):
            return [(y + epsilon, none, one), (y - epsilon, -one, none)]
        case Hinge():
            return [(y, -1.0 * (y > 0.0), 1.0 * (y < 0.0))]
    raise TypeError(f"{loss.name} has no corner")


def interior_walk(
    problem: Smooth, passes: DensePasses | SparsePasses, l1: Array, settings: Settings
) -> Solution:
    """Minimise an objective whose loss has corners over few rows and weights.

    Parameters
    ----------
    problem : Smooth
    passes : passes in memory
        Those of the problem.
    l1 : array of shape (n_weights,)
    settings : Settings
    """
    null = null_weights(passes)
    null_value = problem.at(null)[0]
    tol = certificate.DEFAULT_TOL if settings.tol is None else settings.tol
    edges, units = _edges(problem, passes, l1, float(null[-1]) if passes.fit_intercept else 0.0)
    if problem.watchful:
        problem.watch_out(_near(edges.rows))
    here, steps, waited, apart = _begin(edges), 0, 0, math.inf
    best: tuple[float, Array, float] = (math.inf, null, null_value)
    while True:
        tidy = _tidy(edges, here)
        w = units.to_user(tidy)
        value, gradient = problem.at(w)
        value += float(l1 @ np.abs(w))
        bound = min(_gap(edges, here, tidy), value)  # none of the losses is ever below 0
        settings.tell(Point(w, w, value, gradient, gradient))
        rounded = best[0] <= ROUNDING * null_value
        nearer = bound < 0.9 * best[0] or (here.apart < 0.9 * apart and not rounded)
        waited, apart = 0 if nearer else waited + 1, min(apart, here.apart)
        best = (bound, w, value) if bound < best[0] else best
        enough = max(tol * max(null_value - best[2], 1e-3 * tol * null_value), LEAST * null_value)
        reason = certificate.verdict(best[0], enough, problem.read, settings.most_passes)
        there = (
            None
            if reason or steps == MOST_STEPS or waited == PATIENCE[rounded]
            else _step(edges, here)
        )
        if there is None:
            reason = reason or certificate.no_lower(best[0], ROUNDING * null_value)
            return Solution(
                *(best[1], best[2], best[0], reason, problem.read, steps, steps),
                method=INTERIOR_POINT,
            )
        here, steps = there, steps + 1
        problem.read += PASSES - 1.0


def _near(rows: Array) -> bool:
    """Whether columns nearly depend on one another."""
    gram = rows.T @ rows
    scale = 1.0 / np.sqrt(np.diag(gram))
    return cholesky(gram * scale * scale[:, None], NEAR) is None


def _edges(
    problem: Smooth, passes: DensePasses | SparsePasses, l1: Array, base: float
) -> tuple[Edges, Units]:
    """The rows with their corners, and one row for each weight that has an L1 penalty."""
    X, n, m = passes.X, passes.n_rows, len(l1)
    rows = np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.float64)
    center = passes.centers()
    rows = rows - center
    lengths = np.sqrt(passes.weights @ rows**2 / n)
    alive = np.append(lengths > CONSTANT * np.abs(center), np.ones(m - len(center), dtype=bool))
    scale = np.append(np.where(alive[: len(center)], lengths, 1.0), np.ones(m - len(center)))
    rows = np.column_stack((rows, np.ones((n, m - len(center)))))[:, alive] / scale[alive]
    counts, share = passes.weights > 0.0, passes.weights / n
    parts = [
        (rows[counts], (t - base)[counts], (share * lo)[counts], (share * hi)[counts])
        for t, lo, hi in slopes(passes.loss, passes.y)
    ]
    edge, bend = (l1 / scale)[alive], (problem.ridge / scale**2)[alive]
    wide, none = edge > 0.0, np.zeros(np.count_nonzero(edge))
    one = np.eye(len(edge))
    parts.append((one[wide], none, -edge[wide], edge[wide]))
    A, t, lo, hi = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Edges(A, t, lo, hi, bend, np.flatnonzero(wide)), Units(center, scale, alive, base)


def _begin(edges: Edges) -> Inside:
    """The middle of all intervals; the wider one is the nearer its row begins to its corner."""
    width = edges.hi - edges.lo
    room = max(float(np.mean(np.abs(edges.t))), TINY) * float(width.mean()) / width
    u, v = np.maximum(-edges.t, 0.0) + room, np.maximum(edges.t, 0.0) + room
    return Inside(np.zeros(edges.rows.shape[1]), u, v, edges.lo + 0.5 * width, *(0.5 * width,) * 2)


def _tidy(edges: Edges, here: Inside) -> Array:
    """The weights, zero where the slope of their penalty is clear of both ends."""
    k = len(edges.edged)
    w, last = here.w.copy(), slice(len(edges.t) - k, None)
    clear = np.minimum(here.s[last], here.q[last]) > CLEAR * (edges.hi - edges.lo)[last]
    w[edges.edged[clear]] = 0.0
    return w


def _gap(edges: Edges, here: Inside, w: Array) -> float:
    """How far above the lowest value ``w`` is; see the module's docstring."""
    pull = edges.rows.T @ here.theta + edges.ridge * here.w
    reach = 2.0 * np.abs(here.w) + np.abs(edges.t).max(initial=0.0)
    dual = float(edges.t @ here.theta) + 0.5 * float(here.w @ (edges.ridge * here.w))
    return max(edges.value(w) + dual, 0.0) + float(np.abs(pull) @ reach)


def _step(edges: Edges, here: Inside) -> Inside | None:
    """One step of Mehrotra's: aim at the edge, then as near to it as that went well."""
    A, (w, u, v, theta, s, q) = edges.rows, here
    width = u / s + v / q
    hessian = (A / width[:, None]).T @ A + np.diag(edges.ridge)
    away = A.T @ theta + edges.ridge * w
    off = edges.t - A @ w + u - v
    if not np.isfinite(hessian).all():
        return None

    solve = _solver(hessian)

    def aimed(us: Array, vq: Array, share: float = 1.0) -> Inside:
        """The change that adds these to u s and v q, and goes a share of the way to equality."""
        wanted = share * off + us / s - vq / q
        dw, left = np.zeros(len(w)), share * away - A.T @ (wanted / width)
        for _ in range(REFINED):
            dw = dw - solve(left)
            dtheta = (A @ dw - wanted) / width
            left = share * away + A.T @ dtheta + edges.ridge * dw
        return Inside(dw, (us + u * dtheta) / s, (vq - v * dtheta) / q, dtheta, -dtheta, dtheta)

    far = aimed(-u * s, -v * q)
    edge, before = _moved(edges, here, far, 1.0), here.apart
    mu = (edge.apart / before) ** 3 * before / (2 * len(u))
    change = aimed(mu - u * s + far.u * far.theta, mu - v * q - far.v * far.theta)
    there = _moved(edges, here, change, ROOM)
    if there.apart > STUCK * before:  # too near to some edge
        mu = SIGMA * before / (2 * len(u))
        there = _moved(edges, here, aimed(mu - u * s, mu - v * q, 1.0 - SIGMA), ROOM)
    inside = min(float(each.min()) for each in (there.u, there.v, there.s, there.q))
    return there if inside > 0.0 and np.isfinite(there.w).all() else None


def _solver(hessian: Array) -> Callable[[Array], Array]:
    """A function that solves with the matrix, or with the next one that is not singular."""
    scale = 1.0 / np.sqrt(np.diag(hessian))
    unit, ridge = hessian * scale * scale[:, None], 0.0
    if not len(unit):
        return lambda pull: pull
    while True:
        factor, failed = lapack.dpotrf(unit + ridge * np.eye(len(unit)), lower=1)
        if failed == 0:
            return lambda pull: scale * lapack.dpotrs(factor, scale * pull, lower=1)[0]
        ridge = max(10.0 * ridge, 1e-15)


def _moved(edges: Edges, here: Inside, change: Inside, share: float) -> Inside:
    """As far as the change may go before something that is above 0 is not.

    Without a ridge w, u and v on one side and theta on the other need not go equally far.
    """
    first = min(1.0, share * min(_room(here.u, change.u), _room(here.v, change.v)))
    second = min(1.0, share * min(_room(here.s, change.s), _room(here.q, change.q)))
    if edges.ridge.any():
        first = second = min(first, second)
    lengths = (first, first, first, second, second, second)
    parts = zip(here, lengths, change, strict=True)
    return Inside(*(a + t * b for a, t, b in parts))


def _room(above: Array, change: Array) -> float:
    falling = change < 0.0
    return float(np.min(-above[falling] / change[falling], initial=math.inf))
