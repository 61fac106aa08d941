"""Where the ground is lowest: the minima of a problem, and which start leads to which.

A walk finds one minimum, the one below its start. Many starts together show how many there are, how
deep, how steep around, and what share of the ground drains into each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from downslope.curvature import ByDifferences, curvature
from downslope.descend import Problem
from downslope.errors import InputError, SettingError
from downslope.landscapes.abreast import walk_down
from downslope.minimizing.minimize import minimize
from downslope.problems.callables import Function
from downslope.problems.formula import Formula, parse

Array = Any
Box = Sequence[tuple[float, float]]
REACH = 0.02
"""Longest step of a walk, as a share of the box: dents wider than that are not jumped over."""
SAME = 1e-4
"""Ends closer than this share of the box are one place."""


@dataclass(frozen=True)
class Place:
    """Somewhere that walks end.

    Attributes
    ----------
    w : array of shape (n_weights,)
    value : float
    kind : str
        ``minimum``, ``valley`` (level along some direction), ``saddle`` or ``plateau``.
    smallest, largest : float
        Extreme curvatures there.
    share : float
        Share of the starts that end here.
    """

    w: Array
    value: float
    kind: str
    smallest: float
    largest: float
    share: float = 0.0


@dataclass(frozen=True)
class Minima:
    """The places found, lowest first, and which start leads where.

    Attributes
    ----------
    places : tuple of Place
    starts : array of shape (n_starts, n_weights)
    labels : array of int, shape (n_starts,)
        Index into ``places``; -1 for starts that came to no end.
    """

    places: tuple[Place, ...]
    starts: Array
    labels: Array

    def lines(self) -> list[str]:
        """A table to print."""
        lines = [f"{len(self.places)} places from {len(self.starts)} starts"]
        width = float(np.ptp(self.starts))
        high = max((abs(place.value) for place in self.places), default=0.0)
        for place in self.places:
            at = ", ".join(_beside(number, width) for number in place.w)
            bends = f"curvature {place.smallest:.4g} to {place.largest:.4g}"
            lines.append(
                f"  {place.kind} of {_beside(place.value, high)} at ({at}), {bends}, "
                f"reached by {100 * place.share:.1f}%"
            )
        lost = int((self.labels < 0).sum())
        return [*lines, f"  {lost} starts came to no end"] if lost else lines


def _beside(value: float, size: float) -> str:
    """A number to six digits; 0 where it is rounding beside ``size``."""
    return "0" if abs(value) <= 1e-12 * size else f"{value:.6g}"


@dataclass(frozen=True)
class Basins:
    """Which start leads where, over a grid.

    Attributes
    ----------
    axes : tuple of arrays
        Grid along each weight (one or two).
    labels : array of int, shape (n_1,) or (n_2, n_1)
        Index into ``minima.places``, rows along the second weight; -1 where no end was found.
    minima : Minima
    """

    axes: tuple[Array, ...]
    labels: Array
    minima: Minima


def minima(
    problem: str | Problem,
    box: Box,
    starts: int | Array = 64,
    *,
    n_steps: int = 1_000,
    seed: int = 0,
) -> Minima:
    """Walk down from many starts and tell the places where they end.

    A formula walks from all starts abreast, by plain descent in short steps that never rise; what
    is left to the bottom is done by ``minimize``. Other problems walk one by one, by ``minimize``.

    Parameters
    ----------
    problem : str or Problem
        A formula, or anything with a value, a gradient and no L1 part.
    box : sequence of (low, high)
        Range of each weight; starts are drawn from it.
    starts : int or array of shape (n_starts, n_weights), default 64
        How many, evenly at random, or which.
    n_steps : int, default 1,000
        Steps of the plain walk.
    seed : int, default 0

    Returns
    -------
    Minima
        The places, lowest first, and which start leads where.

    Raises
    ------
    InputError
        If box or starts do not fit the problem.

    Examples
    --------
    >>> found = minima("(u^2 - 1)^2 + 0.2*u", [(-2, 2)], starts=200)
    >>> [(place.kind, place.w.round(3), round(place.value, 3)) for place in found.places]
    [('minimum', array([-1.024]), -0.202), ('minimum', array([0.974]), 0.197)]
    >>> sum(place.share for place in found.places)
    1.0
    """
    problem = parse(problem) if isinstance(problem, str) else problem
    low, high = corners(problem, box)
    points = _starts(starts, low, high, seed)
    ends, at_rest = points, np.ones(len(points), dtype=bool)
    scale = float(np.linalg.norm(high - low))
    if isinstance(problem, Formula):
        ends, at_rest = walk_down(problem, points, REACH * scale, n_steps)
    left = (np.abs(ends - (low + high) / 2.0) > 2.0 * (high - low)).any(axis=1)
    # Ends on the way somewhere are grouped more coarsely: their neighbours go the same way.
    cells = np.where(at_rest, 0.1 * SAME, 100.0 * SAME) * scale
    places, labels = _places(problem, ends[~left], cells[~left], scale)
    labels = _fill(left, labels)
    order = np.argsort([place.value for place in places], kind="stable")
    rank = np.append(np.argsort(order), -1)  # label -1 stays -1
    labels = rank[labels]
    counted = tuple(
        _with_share(places[i], float(np.mean(labels == r))) for r, i in enumerate(order)
    )
    return Minima(counted, points, labels)


def basins(
    problem: str | Problem, box: Box, resolution: int = 61, *, n_steps: int = 1_000
) -> Basins:
    """Which start leads where, over a grid of one or two weights.

    Parameters
    ----------
    problem : str or Problem
        A formula, or anything with a value and a gradient.
    box : sequence of (low, high)
        Range of each weight.
    resolution : int, default 61
        Starts along each side; odd, so that the middle is one of them.
    n_steps : int, default 1,000
        Steps of each walk.

    Returns
    -------
    Basins

    Raises
    ------
    InputError
        If the problem has more than two weights.

    Examples
    --------
    >>> found = basins("(u^2 - 1)^2", [(-2, 2)], resolution=6)
    >>> found.labels  # two valleys, split in the middle
    array([0, 0, 0, 1, 1, 1])
    """
    problem = parse(problem) if isinstance(problem, str) else problem
    if len(box) not in (1, 2):
        raise InputError(f"Basins are drawn for one or two weights, but the box has {len(box)}.")
    if resolution < 2:
        raise SettingError(f"resolution={resolution!r} must be 2 or more.")
    axes = tuple(np.linspace(low, high, resolution) for low, high in box)
    grid = np.stack([plane.ravel() for plane in np.meshgrid(*axes)], axis=1)
    found = minima(problem, box, grid, n_steps=n_steps)
    return Basins(axes, found.labels.reshape((resolution,) * len(box)), found)


def _fill(left: Array, labels: Array) -> Array:
    """Labels of all starts: -1 for those that left the box for good."""
    filled = np.full(len(left), -1)
    filled[~left] = labels
    return filled


def corners(problem: Problem, box: Box) -> tuple[Array, Array]:
    """Lowest and highest corner of a box, checked against the problem."""
    size = len(box)
    low, high = np.array([a for a, _ in box], dtype=float), np.array([b for _, b in box], float)
    if isinstance(problem, Formula) and size != problem.size:
        raise InputError(
            f"The box has {size} ranges but the formula has {problem.size} weights "
            f"({', '.join(problem.names)}); give one (low, high) for each."
        )
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise InputError(
            f"The box {list(box)} must hold finite ranges (low, high) with low < high."
        )
    return low, high


def _starts(starts: int | Array, low: Array, high: Array, seed: int) -> Array:
    if isinstance(starts, int):
        if starts < 1:
            raise SettingError(f"starts={starts!r} must be 1 or more.")
        return np.random.default_rng(seed).uniform(low, high, (starts, len(low)))
    points = np.asarray(starts, dtype=float)
    if points.ndim != 2 or points.shape[1] != len(low) or not np.isfinite(points).all():
        raise InputError(
            f"Starts of shape {points.shape} must be finite and have shape (n_starts, {len(low)})."
        )
    return points


def _places(problem: Problem, ends: Array, cells: Array, scale: float) -> tuple[list[Place], Array]:
    """Distinct places below the ends, and the label of each end."""
    if not len(ends):
        return [], np.empty(0, dtype=int)
    keys = np.column_stack((np.round(ends / cells[:, None]), cells))
    groups, which = np.unique(keys, axis=0, return_inverse=True)
    places: list[Place] = []
    labels = np.empty(len(groups), dtype=int)
    for i in range(len(groups)):
        end = ends[int(np.argmax(which == i))]
        place = _place_below(problem, end)
        labels[i] = -1 if place is None else _known(problem, places, place, scale)
    return places, labels[which.ravel()]


def _place_below(problem: Problem, end: Array) -> Place | None:
    """The place that the rest of the way leads to; None where there is no end to it."""
    try:
        result = minimize(problem, end, max_steps=200)
    except InputError:  # no slope there: outside the domain
        return None
    w, value = result.w, float(result.trace["value"][-1])
    if result.reason.name == "flat":
        return Place(w, value, "plateau", 0.0, 0.0)
    if not (result.reason.converged or result.reason.name in ("saddle", "jagged")):
        return None
    smooth: Any = ByDifferences(problem) if isinstance(problem, Function) else problem
    bend = curvature(smooth, w)
    level = 1e-6 * max(abs(bend.smallest), abs(bend.largest), 1e-12)
    kind = "saddle" if bend.smallest < -level else "minimum" if bend.smallest > level else "valley"
    return Place(w, value, kind, bend.smallest, bend.largest)


def _known(problem: Problem, places: list[Place], place: Place, scale: float) -> int:
    """Index of the same place, which is added if it is new."""
    for i, other in enumerate(places):
        if _same(problem, other, place, scale):
            return i
    places.append(place)
    return len(places) - 1


def _same(problem: Problem, a: Place, b: Place, scale: float) -> bool:
    """Close together, or on one level: the straight way between them neither rises nor falls."""
    if np.linalg.norm(a.w - b.w) <= SAME * scale:
        return True
    margin = 1e-9 * max(1.0, abs(a.value))
    if abs(a.value - b.value) > margin:
        return False
    between = (a.w + share * (b.w - a.w) for share in np.linspace(0.0, 1.0, 33)[1:-1])
    return all(abs(problem.value_and_gradient(w)[0] - a.value) <= margin for w in between)


def _with_share(place: Place, share: float) -> Place:
    return Place(place.w, place.value, place.kind, place.smallest, place.largest, share)


class Counted(NamedTuple):
    """Local minima of a list of values: how many, the lowest value, and where each lies."""

    number: int
    lowest: float
    places: tuple[tuple[int, int], ...]
    """First and last index of each; they differ where the bottom is flat."""


def count_minima(values: Sequence[float]) -> Counted:
    """Local minima in a list of values; a flat bottom counts once, and an end counts.

    Parameters
    ----------
    values : array of shape (n,)
        Losses in a row; neighbours in the list are neighbours on the line.

    Returns
    -------
    Counted
        How many, the lowest value, and first and last index of each.

    Raises
    ------
    InputError
        If there are no values, or one is not a number.

    Examples
    --------
    >>> count_minima([3, 1, 1, 8, 6, 5, 2, 6, 4, 3])
    Counted(number=3, lowest=1.0, places=((1, 2), (6, 6), (9, 9)))
    """
    heights = np.asarray(values, dtype=float)
    if heights.ndim != 1 or len(heights) == 0 or np.isnan(heights).any():
        raise InputError(f"Minima are counted in a list of numbers, at least one; got {values!r}.")
    firsts = np.flatnonzero(np.append(True, heights[1:] != heights[:-1]))
    lasts = np.append(firsts[1:], len(heights)) - 1
    levels = np.concatenate(([np.inf], heights[firsts], [np.inf]))
    bottom = (levels[1:-1] < levels[:-2]) & (levels[1:-1] < levels[2:])
    if len(firsts) == 1:
        bottom[:] = True
    places = tuple((int(a), int(b)) for a, b in zip(firsts[bottom], lasts[bottom], strict=True))
    return Counted(len(places), float(heights.min()), places)
