"""One picture of a short walk: the curve of one weight, the valley of two, the plane of many."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from downslope.pictures.one_weight import loss_along, minima
from downslope.pictures.style import LIGHT, Figure, Theme
from downslope.pictures.valleys import (
    Valley,
    basins,
    loss_bowl,
    loss_contours,
    path_plane,
)

Array = Any
CURVE, GRID = 241, 101
ROOM = 0.2
"""Share of the path's extent that is shown around it."""


def picture(
    value: Callable[[Array], float],
    path: Array,
    names: Sequence[str],
    *,
    goal: Array | None = None,
    value_name: str = "loss",
    bowl: bool = False,
    grid: int = GRID,
    theme: Theme = LIGHT,
) -> Figure:
    """Draw a walk and what it walked on.

    Parameters
    ----------
    value : callable
        Loss at an array of weights.
    path : array of shape (n_points, n_weights)
    names : sequence of str
        Of the weights.
    goal : array of shape (n_weights,), optional
        Where the walk is heading; it is put in the middle, so that the whole valley shows.
    bowl : bool, default False
        Two weights as a surface in place of contour lines.
    grid : int
        Losses along each side of a landscape; fewer where one takes long.
    value_name : str, default "loss"
        What the loss is, for the axes.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> figure = picture(lambda w: float((w[0] - 3) ** 2), np.array([[0.0], [0.6]]), ["w"])
    >>> len(figure.axes)
    1
    """
    path = np.clip(np.nan_to_num(np.asarray(path, dtype=float), posinf=1e9, neginf=-1e9), -1e9, 1e9)
    low, high = frame(path, goal)
    with np.errstate(all="ignore"):
        if path.shape[1] == 1:
            return _curve(value, path, names[0], (low[0], high[0]), value_name, theme)
        heights = np.array([value(w) for w in path])
        if path.shape[1] > 2:
            return plane_picture(value, path, heights, grid, theme)
    valley, pair = landscape(value, path, goal, grid)._replace(path=path), (names[0], names[1])
    if bowl:
        return loss_bowl(
            valley, names=pair, value_name=value_name, path_losses=heights, theme=theme
        )
    return loss_contours(valley, names=pair, theme=theme)


def landscape(
    value: Callable[[Array], float], path: Array, goal: Array | None = None, grid: int = GRID
) -> Valley:
    """Losses over two weights, around a path of shape (n_points, 2) or around its goal."""
    low, high = frame(path, goal)
    a, b = (np.linspace(low[j], high[j], grid) for j in range(2))
    with np.errstate(all="ignore"):
        losses = np.array([[value(np.array([u, v])) for u in a] for v in b])
    return Valley(a, b, losses, np.empty((0, 2)))


def frame(path: Array, goal: Array | None) -> tuple[Array, Array]:
    """Lowest and highest weights to draw: the path with room, or the valley around its goal."""
    if goal is None:
        low, high = path.min(axis=0), path.max(axis=0)
        room = ROOM * (high - low)
        low, high = low - room, high + room
    else:
        reach = (1.0 + ROOM) * np.abs(path - goal).max(axis=0)
        low, high = goal - reach, goal + reach
    width = high - low
    # A weight that hardly moves is drawn as wide as the one that moves most.
    still = width <= 1e-6 * max(float(width.max()), 1e-3)
    extra = np.where(still, max(float(width.max()), 1e-3) / 2.0, 0.0)
    return low - extra, high + extra


def _curve(
    value: Callable[[Array], float],
    path: Array,
    name: str,
    limits: tuple[float, float],
    value_name: str,
    theme: Theme,
) -> Figure:
    weights = np.linspace(*limits, CURVE)
    return loss_along(
        weights,
        [value(np.array([w])) for w in weights],
        path=path[:, 0],
        path_losses=[value(w) for w in path],
        name=name,
        value_name=value_name,
        theme=theme,
    )


def plane_picture(
    value: Callable[[Array], float],
    path: Array,
    heights: Array,
    grid: int = GRID,
    theme: Theme = LIGHT,
) -> Figure:
    """The path on the two directions in which it moved most, seen from its last point.

    Parameters
    ----------
    value : callable
        Loss at an array of weights.
    path : array of shape (n_points, n_weights)
    heights : array of shape (n_points,)
        True loss at each point.
    grid : int
        Losses along each side of the plane.
    """
    end = path[-1]
    _, sizes, directions = np.linalg.svd(path - end, full_matrices=False)
    flat = (path - end) @ directions[:2].T
    shares = sizes**2 / max(float((sizes**2).sum()), 1e-300)
    low, high = frame(flat, None)
    a, b = (np.linspace(low[j], high[j], grid) for j in range(2))
    losses = np.array([[value(end + u * directions[0] + v * directions[1]) for u in a] for v in b])
    seen = [value(end + p @ directions[:2]) for p in flat]
    return path_plane(
        flat,
        heights,
        plane=Valley(a, b, losses, np.empty((0, 2))),
        seen=seen,
        explained=(float(shares[0]), float(shares[1])),
        theme=theme,
    )


def basin_picture(
    value: Callable[[Array], float],
    axes: Sequence[Array],
    labels: Array,
    places: Array,
    names: Sequence[str],
    theme: Theme = LIGHT,
) -> Figure:
    """Which start leads where, over a grid of one or two weights.

    Parameters
    ----------
    axes : sequence of arrays
        Grid along each weight.
    labels : array of int, shape (n_1,) or (n_2, n_1)
        Index into ``places`` of the end that each start leads to; -1 for none.
    places : array of shape (n_places, n_weights)
    """
    values = [float(value(place)) for place in places]
    if len(axes) == 1:
        heights = [float(value(np.array([w]))) for w in axes[0]]
        nearest = [int(np.abs(axes[0] - place[0]).argmin()) for place in places]
        return minima(axes[0], heights, nearest, basins=labels, name=names[0], theme=theme)
    with np.errstate(all="ignore"):
        losses = np.array([[value(np.array([u, v])) for u in axes[0]] for v in axes[1]])
    valley = Valley(axes[0], axes[1], losses, np.empty((0, 2)))
    return basins(valley, labels, places, values, names=(names[0], names[1]), theme=theme)
