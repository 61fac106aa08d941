"""Walks on from an answer by other methods, in extended precision: is there anything lower?

Smooth losses: Newton's steps, damped, halved where they lead up; without a penalty in an orthogonal
basis of the columns, so that differences of near duplicates are seen. L1: coordinates in turn, and
Newton's steps of those that are not zero. Corners: the linear programme, by HiGHS, and Newton's
steps with corners rounded ever more narrowly.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from benchmarks.certificates.draw import PARAMETER
from benchmarks.certificates.precise import LONG, Precise, bends, slopes

Array = Any
APART = 1e-13
"""Two columns that differ by less, relative to their deviation, are one: data hold no more."""
MOST_STEPS, MOST_HALVINGS, MOST_ROUNDS = 60, 40, 30
DAMPINGS = (1e-17, 1e-9, 1e-5, 1e-2)
CORNERS = ("quantile", "hinge")
WIDTHS = 10.0 ** -np.arange(1.0, 9.0)


def lowest_met(p: Precise, W: Array) -> float:
    """Lowest value met on all ways on from ``W``."""
    if p.loss in CORNERS:
        met = [p.value(there) for there in _rounded(p, W)]
        if not p.ridge.any():
            met.append(p.value(_programme(p)))
        return float(min(met))
    if p.l1.any():
        return float(p.value(_edged(p, W)))
    if not p.ridge.any():
        p, W = _orthogonal(p, W)
    return float(p.value(_newton(p, W)))


def _orthogonal(p: Precise, W: Array) -> tuple[Precise, Array]:
    """The same problem in an orthogonal basis of its columns (Gram and Schmidt, twice)."""
    rest, basis = p.A * np.sqrt(p.share)[:, None], []
    size = np.sqrt((rest * rest).sum(axis=0))
    for _ in range(min(rest.shape)):
        left = np.sqrt((rest * rest).sum(axis=0))
        j = int(np.argmax(np.where(size > 0, left, 0)))
        if not left[j] > APART * size[j]:
            break
        q = rest[:, j] / left[j]
        for other in basis:
            q = q - other * (other @ q)
        q = q / np.sqrt(q @ q)
        basis.append(q)
        rest = rest - q[:, None] * (q @ rest)
    Q = np.stack(basis, axis=1)
    u = Q.T @ (np.sqrt(p.share)[:, None] * (p.A @ W))
    none = np.zeros(len(basis), dtype=LONG)
    return replace(p, A=Q / np.sqrt(p.share)[:, None], l1=none, ridge=none), u


def _newton(p: Precise, W: Array) -> Array:
    """Damped Newton's steps of all weights."""
    here = p.value(W)
    for _ in range(MOST_STEPS):
        z = p.A @ W
        pull = p.A.T @ (p.share[:, None] * slopes(p.loss, z, p.y)) + p.ridge[:, None] * W
        hessian = _hessian(p, bends(p.loss, z, p.y), p.ridge)
        there = _downhill(p.value, W, pull, hessian, np.arange(W.size))
        if there is None or here - p.value(there) <= 1e-19 * abs(here):
            break
        W, here = there, p.value(there)
    return W


def _hessian(p: Precise, bend: Array, ridge: Array) -> Array:
    k, (_, r) = bend.shape[1], p.A.shape
    hessian = np.zeros((r, k, r, k), dtype=LONG)
    for a in range(k):
        for b in range(k):
            hessian[:, a, :, b] = p.A.T @ (p.A * (p.share * bend[:, a, b])[:, None])
        hessian[np.arange(r), a, np.arange(r), a] += ridge
    return hessian.reshape(r * k, r * k)


def _downhill(
    value: Callable[[Array], Any], W: Array, pull: Array, hessian: Array, some: Array
) -> Array | None:
    """Where Newton's step of some weights leads down, damped and halved as need be.

    A weight with a penalty that would change its sign on the way stops at zero.
    """
    here = value(W)
    for damping in DAMPINGS:
        step = np.zeros(W.size, dtype=LONG)
        step[some] = -_solve(hessian[np.ix_(some, some)], pull.ravel()[some], damping)
        t = LONG(1.0)
        for _ in range(MOST_HALVINGS if np.isfinite(step).all() else 0):
            there = W + t * step.reshape(W.shape)
            if value(there) < here:
                return there
            t = t / 2
    return None


def _solve(hessian: Array, pull: Array, damping: float) -> Array:
    """Cholesky's factor in extended precision; a direction without curvature is left alone."""
    m = len(pull)
    scale = np.sqrt(np.maximum(np.diag(hessian), 0))
    scale = np.where(scale > 0, scale, 1)
    unit = hessian / scale / scale[:, None] + damping * np.eye(m)
    lower = np.zeros((m, m), dtype=LONG)
    kept = np.ones(m, dtype=bool)
    for j in range(m):
        column = unit[j:, j] - lower[j:, :j] @ lower[j, :j]
        if column[0] > 0.1 * damping:
            lower[j:, j] = column / np.sqrt(column[0])
        else:
            kept[j], lower[j, j] = False, 1
    x = pull / scale * kept
    for j in range(m):
        x[j] = (x[j] - lower[j, :j] @ x[:j]) / lower[j, j]
    for j in range(m - 1, -1, -1):
        x[j] = (x[j] - lower[j + 1 :, j] @ x[j + 1 :]) / lower[j, j]
    return x * kept / scale


def _edged(p: Precise, W: Array) -> Array:
    """Coordinates in turn, then Newton's steps of the weights that are not zero."""
    here = p.value(W)
    for _ in range(MOST_ROUNDS):
        W = _in_turn(p, W)
        W = _in_use(p, W)
        there = p.value(W)
        if here - there <= 1e-18 * abs(here):
            break
        here = there
    return W


def _gradient(p: Precise, W: Array, z: Array) -> Array:
    return p.A.T @ (p.share[:, None] * slopes(p.loss, z, p.y)) + p.ridge[:, None] * W


def _in_turn(p: Precise, W: Array) -> Array:
    W = W.copy()
    z = p.A @ W
    steep = abs(_gradient(p, W, z))
    for j, a in zip(*np.nonzero((W != 0) | (steep > p.l1[:, None])), strict=True):
        x = p.A[:, j]
        bend = bends(p.loss, z, p.y)[:, a, a]
        g = x @ (p.share * slopes(p.loss, z, p.y)[:, a]) + p.ridge[j] * W[j, a]
        h = (p.share * bend) @ (x * x) + p.ridge[j]
        h = max(h, LONG(1e-6) * (p.share @ (x * x)))
        here = p.of_raw(z) + p.penalty(W)
        for _ in range(MOST_HALVINGS if h > 0 else 0):
            raw = W[j, a] - g / h
            moved = np.sign(raw) * max(abs(raw) - p.l1[j] / h, LONG(0))
            there, zt = W.copy(), z.copy()
            there[j, a], zt[:, a] = moved, z[:, a] + x * (moved - W[j, a])
            if p.of_raw(zt) + p.penalty(there) < here:
                W, z = there, zt
                break
            h = 4 * h
    return W


def _in_use(p: Precise, W: Array) -> Array:
    for _ in range(MOST_STEPS):
        before = p.value(W)
        sign = np.sign(W)
        some = np.flatnonzero((W != 0) | (p.l1[:, None] == 0))
        z = p.A @ W
        pull = _gradient(p, W, z) + p.l1[:, None] * sign
        hessian = _hessian(p, bends(p.loss, z, p.y), p.ridge)
        edged = p.l1[:, None] > 0

        def stopped(there: Array, sign: Array = sign, edged: Array = edged) -> Array:
            return np.where(edged & (np.sign(there) != sign), LONG(0), there)

        there = _downhill(lambda V: p.value(stopped(V)), W, pull, hessian, some)
        if there is None:
            return W
        W = stopped(there)
        if before - p.value(W) <= 1e-18 * abs(before):
            return W
    return W


@dataclass(frozen=True)
class Rounded:
    """A problem whose corners are parabolas so wide: those of the loss, and that of L1."""

    p: Precise
    width: Any
    edge: Any

    def theta(self, W: Array) -> Array:
        """Slope of every row in what ``_apart`` measures."""
        low, high, _ = _slopes_of(self.p)
        return np.clip(_apart(self.p, W) / self.width, low, high)

    def pulled(self, W: Array) -> Array:
        """Slope of every weight's L1, without its strength."""
        return np.clip(W / self.edge, -1, 1)

    def value(self, W: Array) -> Any:
        """The objective, at most that of the problem with its corners."""
        p, slope, pull = self.p, self.theta(W), self.pulled(W)
        smooth = p.share @ (slope * _apart(p, W) - self.width * slope * slope / 2)
        kinks = (p.l1[:, None] * (pull * W - self.edge * pull * pull / 2)).sum()
        return smooth + kinks + 0.5 * (p.ridge[:, None] * W * W).sum()

    def lower(self, W: Array) -> Array | None:
        """A step of Newton's; None where none leads down."""
        p, slope, pull = self.p, self.theta(W), self.pulled(W)
        low, high, sign = _slopes_of(p)
        gradient = p.A.T @ (p.share * slope * sign)[:, None]
        gradient = gradient + p.l1[:, None] * pull + p.ridge[:, None] * W
        inside = (slope > low) & (slope < high)
        bend = np.where(inside, 1 / self.width, LONG(0))[:, None, None] + 1e-6
        ridge = p.ridge + np.where(abs(pull[:, 0]) < 1, p.l1 / self.edge, LONG(0))
        return _downhill(self.value, W, gradient, _hessian(p, bend, ridge), np.arange(W.size))


def _rounded(p: Precise, W: Array) -> list[Array]:
    """Points met where corners are rounded over widths that shrink."""
    met, unit = [W], LONG(p.value(W)) or LONG(1.0)
    for width in WIDTHS * unit:
        edge = width / max(float(p.l1.max()), 1e-300)
        rounded = Rounded(p, width, edge)
        for _ in range(MOST_STEPS):
            there = rounded.lower(W)
            here = rounded.value(W)
            if there is None or here - rounded.value(there) <= 1e-12 * abs(here):
                break
            W = there
        met += [W, np.where((p.l1[:, None] > 0) & (abs(W) <= edge), LONG(0), W)]
    return met


def _slopes_of(p: Precise) -> tuple[float, float, Array]:
    """Least and largest slope of a corner in what ``_apart`` measures, and its sign in ``z``."""
    if p.loss == "hinge":
        return 0.0, 1.0, -p.y
    at = PARAMETER["quantile"]
    return -at, 1.0 - at, np.ones(len(p.y))


def _apart(p: Precise, W: Array) -> Array:
    z = (p.A @ W)[:, 0]
    return 1 - p.y * z if p.loss == "hinge" else z - p.y


def _programme(p: Precise) -> Array:
    """The lowest point of a loss with corners and L1, as a linear programme."""
    low, high, _ = _slopes_of(p)
    n, r = p.A.shape
    sign, t = (-p.y, -LONG(1.0) * np.ones(n)) if p.loss == "hinge" else (np.ones(n), p.y)
    unit = max(float(abs(t).max()), 1e-300)
    share = p.share / p.share.max()
    cost = np.concatenate((high * share, -low * share, *(p.l1 / p.share.max(),) * 2))
    rows = p.A * sign[:, None]
    equal = sparse.csr_matrix(
        np.hstack((-np.eye(n), np.eye(n), rows, -rows)).astype(float)
    )  # rows w - t = above - below
    found = linprog(cost.astype(float), A_eq=equal, b_eq=(t / unit).astype(float), method="highs")
    if found.x is None:
        return np.zeros((r, 1), dtype=LONG)
    x = found.x.astype(LONG)
    return unit * (x[2 * n : 2 * n + r] - x[2 * n + r :])[:, None]
