"""Figures of the landscape a walk goes through: the loss over two weights, or on a plane.

Every function takes plain arrays: a grid, the losses on it, and the path of a run. A grid of
losses over two weights has shape ``(len(b), len(a))``, as ``numpy.meshgrid(a, b)`` gives it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from downslope.pictures.one_weight import loss_along, minima
from downslope.pictures.style import (
    LIGHT,
    Axes,
    Figure,
    Theme,
    canvas,
    depth,
    drawable,
    headline,
    heat,
    label,
    legend,
    washes,
)
from downslope.wording import number, tick

__all__ = [  # loss_along and minima were here before they moved to one_weight
    "Valley",
    "basins",
    "contours",
    "loss_along",
    "loss_bowl",
    "loss_contours",
    "minima",
    "path_plane",
    "whitening",
]

Array = Any
LEVELS = 12
"""Contour lines; closer in the depths, so that half of them lie below half of the places."""

ROUND_NAMES = ("first round coordinate", "second round coordinate")


class Valley(NamedTuple):
    """A loss over two weights and a walk through it.

    Attributes
    ----------
    a, b : array
        Values of the two weights.
    losses : array of shape (len(b), len(a))
    path : array of shape (n_points, 2)
        The two weights at each step; empty where there is no walk.
    """

    a: Array
    b: Array
    losses: Array
    path: Array


def loss_contours(
    valley: Valley,
    *,
    names: tuple[str, str] = ("w", "b"),
    title: str = "The walk, seen from above",
    theme: Theme = LIGHT,
) -> Figure:
    """Contour lines of the loss over two weights, with the path of a run.

    Parameters
    ----------
    valley : Valley
        Losses on a grid, and the path.
    names : tuple of str
        The two weights.
    title : str
        Line above the figure.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.pictures.valleys import Valley
    >>> a = b = np.linspace(-2, 2, 9)
    >>> bowl = Valley(a, b, a**2 + b[:, None] ** 2, path=[(1.5, 1.0), (0.5, 0.3)])
    >>> figure = loss_contours(bowl)
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('w', 'b')
    """
    figure, (panel,) = canvas(theme, 6.4, 5.4)
    contours(panel, theme, valley, names)
    headline(panel, theme, title, _steps_note(valley))
    return figure


def loss_bowl(
    valley: Valley,
    *,
    names: tuple[str, str] = ("w", "b"),
    value_name: str = "loss",
    path_losses: Any = None,
    theme: Theme = LIGHT,
) -> Figure:
    """The same loss as a surface, its contours on the floor, the path on both.

    Parameters
    ----------
    path_losses : array of shape (n_points,), optional
        Loss at each point of the path; without it the path is drawn on the floor only.
    valley : Valley
        Losses on a grid, and the path.
    names : tuple of str
        The two weights, for the axes.
    value_name : str, default "loss"
        What the loss is, for the axis.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.pictures.valleys import Valley
    >>> a = b = np.linspace(-2, 2, 9)
    >>> bowl = Valley(a, b, a**2 + b[:, None] ** 2, path=[(1.5, 1.0), (0.5, 0.3)])
    >>> figure = loss_bowl(bowl, path_losses=[3.25, 0.34])
    >>> figure.axes[0].get_zlabel()
    'loss'
    """
    a, b, losses = drawable(valley.a), drawable(valley.b), drawable(valley.losses)
    figure = Figure(figsize=(7.0 * theme.scale, 5.8 * theme.scale), facecolor=theme.paper)
    panel: Axes = figure.add_axes((0.02, 0.02, 0.94, 0.92), projection="3d", facecolor=theme.paper)
    levels = _levels(losses)
    low, high = levels[0], levels[-1]
    floor = low - 0.45 * (high - low)
    grid = np.meshgrid(a, b)
    panel.plot_surface(*grid, losses, cmap=depth(theme), alpha=0.85, linewidth=0.2, rcount=36,
                       ccount=36, edgecolor=theme.rule)  # fmt: skip
    panel.contour(*grid, losses, levels=levels, offset=floor, colors=[theme.colors[0]],
                  linewidths=0.9, alpha=0.7)  # fmt: skip
    path = drawable(valley.path).reshape(-1, 2)
    if len(path):
        panel.plot(path[:, 0], path[:, 1], np.full(len(path), floor), color=theme.colors[1],
                   linewidth=1.6, marker="o", markersize=3)  # fmt: skip
    if path_losses is not None:
        panel.plot(path[:, 0], path[:, 1], drawable(path_losses), color=theme.colors[1],
                   linewidth=2.0, marker="o", markersize=4, zorder=10)  # fmt: skip
    panel.set_zlim(floor, high)
    panel.view_init(elev=33, azim=-57)
    panel.set_box_aspect((1, 1, 0.75), zoom=1.04)
    _dress_box(panel, theme, (label(names[0]), label(names[1]), label(value_name, 60)))
    figure.text(0.05, 0.955, "The loss as a landscape", color=theme.ink, fontsize=11,
                fontweight="bold", va="top")  # fmt: skip
    figure.text(0.05, 0.915, _steps_note(valley), color=theme.muted, fontsize=8.5, va="top")
    return figure


def basins(
    valley: Valley,
    labels: Any,
    places: Any,
    values: Sequence[float],
    *,
    names: tuple[str, str] = ("u", "v"),
    theme: Theme = LIGHT,
) -> Figure:
    """A landscape of two weights with its minima and the borders between their basins.

    Parameters
    ----------
    valley : Valley
    labels : array of int, shape (len(b), len(a))
        Position in ``places`` of the minimum that descent reaches; -1 for none.
    places : array of shape (n_places, 2)
    values : sequence of float
        Loss at each place.
    names : tuple of str
        The two weights, for the axes.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.pictures.valleys import Valley
    >>> a = b = np.linspace(-2, 2, 9)
    >>> bowl = Valley(a, b, a**2 + b[:, None] ** 2, path=[(1.5, 1.0), (0.5, 0.3)])
    >>> figure = basins(bowl, np.zeros((9, 9), int), np.zeros((1, 2)), [0.0])
    >>> figure.axes[0].get_xlabel()
    'u'
    """
    labels = np.asarray(labels)
    figure, (panel,) = canvas(theme, 6.6, 5.4)
    contours(panel, theme, valley._replace(path=np.empty((0, 2))), names)
    a, b = drawable(valley.a), drawable(valley.b)
    for k in range(len(values)):
        mine = (labels == k).astype(float)
        if mine.any() and not mine.all():
            panel.contour(a, b, mine, levels=[0.5], colors=[theme.ink], linewidths=1.2,
                          linestyles="dashed")  # fmt: skip
    heights = drawable(values)
    rounding = 1e-9 * float(np.nanmax(np.abs(drawable(valley.losses)), initial=0.0))
    lowest = float(np.nanmin(heights, initial=np.inf)) + rounding
    for k, place in enumerate(drawable(places).reshape(-1, 2)):
        best = heights[k] <= lowest
        panel.plot(*place, "*" if best else "v", markersize=15 if best else 9, zorder=5,
                   color=theme.colors[2 if best else 1], markeredgecolor=theme.paper)  # fmt: skip
        text = number(0.0 if abs(heights[k]) <= rounding else heights[k])
        panel.annotate(text, place, xytext=(0, -16), textcoords="offset points",
                       ha="center", fontsize=8.5, color=theme.ink)  # fmt: skip
    count = len(values)
    headline(panel, theme, f"{count} place{'s' * (count != 1)} where descent ends",
             "dashed: borders between the starts that lead to one and to another")  # fmt: skip
    return figure


def whitening(
    before: Valley,
    after: Valley,
    *,
    conditions: tuple[float, float] | None = None,
    names: tuple[str, str] = ("w", "b"),
    theme: Theme = LIGHT,
) -> Figure:
    """The same valley as the columns make it, and after whitening, each with its walk.

    Parameters
    ----------
    before, after : Valley
        The two landscapes and the paths through them, from the same start.
    conditions : tuple of float, optional
        Condition numbers of the two.
    names : tuple of str
        The two weights, for the axes on the left; those on the right are mixtures of both.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.pictures.valleys import Valley
    >>> a = b = np.linspace(-2, 2, 9)
    >>> bowl = Valley(a, b, a**2 + b[:, None] ** 2, path=[(1.5, 1.0), (0.5, 0.3)])
    >>> figure = whitening(bowl, bowl, conditions=(1.0, 1.0))
    >>> len(figure.axes)
    2
    """
    figure, panels = canvas(theme, 9.4, 4.9, ncols=2)
    words = ("As the columns are", "Whitened: a round bowl")
    for k, (panel, valley) in enumerate(zip(panels, (before, after), strict=True)):
        contours(panel, theme, valley, (names, ROUND_NAMES)[k])
        note = _steps_note(valley)
        if conditions is not None:
            note = f"condition number {number(conditions[k])} · {note}"
        headline(panel, theme, words[k], note)
    panels[1].set_aspect("equal", adjustable="box")
    return figure


def path_plane(
    points: Any,
    losses: Any,
    *,
    plane: Valley | None = None,
    seen: Any = None,
    explained: tuple[float, float] | None = None,
    theme: Theme = LIGHT,
) -> Figure:
    """A path of many weights laid on its best plane, coloured by the true loss of each point.

    The plane only shows losses of points on it; a path that leaves it is somewhere else. The note
    therefore says how far the loss drawn beneath the path is from the true one.

    Parameters
    ----------
    points : array of shape (n_points, 2)
        The path in the plane's two directions.
    losses : array of shape (n_points,)
        True loss at each point of the path.
    plane : Valley, optional
        Losses on the plane, drawn as contours.
    seen : array of shape (n_points,), optional
        Loss of the plane beneath each point; the gap to ``losses`` is printed.
    explained : tuple of float, optional
        Share of the path's movement along each direction.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> figure = path_plane([(0.0, 0.0), (1.0, 0.5), (1.5, 0.6)], [3.0, 1.0, 0.5])
    >>> figure.axes[0].get_xlabel()
    'first direction'
    """
    points, true = drawable(points).reshape(-1, 2), drawable(losses)
    figure, (panel,) = canvas(theme, 7.2, 5.4)
    if plane is not None:
        contours(panel, theme, plane._replace(path=np.empty((0, 2))), ("", ""))
    panel.plot(points[:, 0], points[:, 1], color=theme.muted, linewidth=0.9)
    dots = panel.scatter(points[:, 0], points[:, 1], c=true, cmap=heat(theme), s=26, zorder=4,
                         edgecolors=theme.paper, linewidths=0.4)  # fmt: skip
    _ends(panel, theme, points)
    bar = figure.colorbar(dots, ax=panel, shrink=0.8, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=theme.muted, labelsize=8.5, length=0)
    bar.ax.yaxis.set_major_formatter(lambda value, _: tick(value))
    bar.set_label("true loss", color=theme.muted, fontsize=9)
    share = [f" ({100 * part:.0f} % of the movement)" for part in explained or ()] or ["", ""]
    panel.set(xlabel="first direction" + share[0], ylabel="second direction" + share[1])
    gap = ""
    if seen is not None:
        apart = np.abs(true - drawable(seen))
        worst = number(np.nanmax(apart)) if np.isfinite(apart).any() else "unknown"
        gap = f"gap between the true loss and the plane beneath: up to {worst}"
    headline(panel, theme, "The path on its own plane", gap)
    return figure


def contours(panel: Axes, theme: Theme, valley: Valley, names: tuple[str, str]) -> None:
    """Washes and lines of equal loss, the path with its start and end."""
    a, b, losses = drawable(valley.a), drawable(valley.b), drawable(valley.losses)
    levels = _levels(losses)
    panel.grid(False)
    panel.contourf(a, b, losses, levels=levels, colors=washes(theme, len(levels) - 1))
    panel.contour(a, b, losses, levels=levels, colors=[theme.colors[0]], linewidths=0.6, alpha=0.55)
    panel.set(xlim=(a.min(), a.max()), ylim=(b.min(), b.max()))
    panel.set(xlabel=label(names[0]), ylabel=label(names[1]))
    path = drawable(valley.path).reshape(-1, 2)
    if len(path):
        panel.plot(path[:, 0], path[:, 1], "o-", color=theme.colors[1], linewidth=1.5,
                   markersize=3.5)  # fmt: skip
        _ends(panel, theme, path)
        legend(panel, theme, loc="upper right")


def _ends(panel: Axes, theme: Theme, path: Array) -> None:
    for where, mark, word in ((path[0], "s", "start"), (path[-1], "*", "end")):
        panel.plot(*where, mark, color=theme.colors[2], markersize=13 if mark == "*" else 7,
                   markeredgecolor=theme.paper, label=word, zorder=5, linestyle="")  # fmt: skip


def _levels(losses: Array) -> Array:
    """Heights of contour lines: a flat or empty landscape gets two, so that it can be drawn."""
    known = losses[np.isfinite(losses)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    if not high > low:
        return np.array([low - 0.5, low + 0.5])
    middle = max((float(np.median(known)) - low) / (high - low), 1e-6)
    power = np.clip(np.log(middle) / np.log(0.5), 1.0, 8.0)
    return np.unique(low + (high - low) * np.linspace(0.0, 1.0, LEVELS + 1) ** power)


def _steps_note(valley: Valley) -> str:
    count = len(drawable(valley.path).reshape(-1, 2)) - 1
    return f"{count:,} step{'s' * (count != 1)}" if count >= 0 else ""


def _dress_box(panel: Any, theme: Theme, names: tuple[str, str, str]) -> None:
    """The three-dimensional frame in the theme's colours."""
    for axis, name in zip((panel.xaxis, panel.yaxis, panel.zaxis), names, strict=True):
        axis.set_pane_color((0, 0, 0, 0))
        axis.line.set_color(theme.rule)
        axis._axinfo["grid"].update(color=theme.rule, linewidth=0.5)
        axis.set_tick_params(colors=theme.muted, labelsize=8)
        axis.set_label_text(name, color=theme.muted, fontsize=9)
        axis.get_major_locator().set_params(nbins=5)
        axis.set_major_formatter(lambda value, _: tick(value))
