"""Figures of the loss against one weight: the curve, the steps down it, its minima.

Every function takes plain arrays.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from downslope.pictures.style import (
    LIGHT,
    Axes,
    Figure,
    Theme,
    canvas,
    drawable,
    headline,
    label,
    legend,
)
from downslope.wording import number

Array = Any


def loss_along(
    weights: Any,
    losses: Any,
    *,
    path: Any = None,
    path_losses: Any = None,
    name: str = "w",
    value_name: str = "loss",
    theme: Theme = LIGHT,
) -> Figure:
    """The loss against one weight, and the steps of a run down it.

    Parameters
    ----------
    weights, losses : array of shape (n,)
        The curve; for squared error it is the U.
    path, path_losses : array of shape (n_steps,), optional
        Where a run stood, and how wrong it was there.
    name : str
        Name of the weight, with its unit.
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
    >>> w = np.linspace(0, 6, 13)
    >>> figure = loss_along(w, (w - 3) ** 2, path=[0.0, 1.5], path_losses=[9.0, 2.25])
    >>> figure.axes[0].get_xlabel()
    'w'
    """
    weights, losses = drawable(weights), drawable(losses)
    figure, (panel,) = canvas(theme, 7.0, 4.2)
    panel.plot(weights, losses, color=theme.colors[0], linewidth=2.2)
    lowest = int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
    panel.plot(weights[lowest], losses[lowest], "*", color=theme.colors[2], markersize=14,
               label=f"lowest drawn: {number(losses[lowest])}", zorder=4)  # fmt: skip
    note = ""
    if path is not None:
        path, heights = drawable(path), drawable(path_losses)
        panel.plot(path, heights, "o-", color=theme.colors[1], linewidth=1.1, markersize=5,
                   alpha=0.9, label=f"{len(path) - 1} steps")  # fmt: skip
        note = f"from {label(name)} = {number(path[0])} to {number(path[-1])}"
        panel.set_xlim(*_around(weights, path))
        panel.set_ylim(*_around(losses, heights))
    panel.set(xlabel=label(name), ylabel=label(value_name, 60))
    headline(panel, theme, f"How the loss depends on {label(name)}", note)
    legend(panel, theme, loc="upper center")
    return figure


def minima(
    x: Any,
    losses: Any,
    local: Sequence[int],
    *,
    basins: Sequence[int] | None = None,
    name: str = "w",
    value_name: str = "loss",
    theme: Theme = LIGHT,
) -> Figure:
    """A curve with its local minima numbered, the lowest named, its basins shaded.

    Parameters
    ----------
    x, losses : array of shape (n,)
        The curve.
    local : sequence of int
        Indices of the local minima.
    basins : sequence of int, optional
        For each point, the position in ``local`` of the minimum that descent from it reaches; -1
        where it reaches none.
    name : str, default "w"
        Name of the weight.
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
    >>> figure = minima([0, 1, 2, 3], [5.0, 1.0, 4.0, 2.0], [1, 3])
    >>> figure.axes[0].get_ylabel()
    'loss'
    """
    x, losses = drawable(x), drawable(losses)
    figure, (panel,) = canvas(theme, 7.0, 4.2)
    if basins is not None:
        _shade(panel, theme, x, np.asarray(basins))
    many = len(x) > 40
    panel.plot(x, losses, color=theme.ink, linewidth=1.8, marker="" if many else "o", markersize=4)
    lowest = min(local, key=lambda k: losses[k], default=-1)
    for position, k in enumerate(local):
        best = k == lowest
        color = theme.colors[2] if best else theme.colors[1]
        panel.plot(x[k], losses[k], "*" if best else "v", color=color, zorder=4, clip_on=False,
                   markersize=15 if best else 9)  # fmt: skip
        text = f"{position + 1}: {number(losses[k])}" + (" (lowest)" if best else "")
        panel.annotate(text, (x[k], losses[k]), xytext=(0, -16), textcoords="offset points",
                       ha="center", fontsize=8.5, color=theme.ink)  # fmt: skip
    panel.margins(y=0.16)
    panel.set(xlabel=label(name), ylabel=label(value_name, 60))
    count = len(local)
    headline(
        panel,
        theme,
        f"{count} local minim{'um' if count == 1 else 'a'}",
        "a start in a shaded stretch rolls to the minimum in it" if basins is not None else "",
    )
    return figure


def _around(curve: Array, path: Array) -> tuple[float, float]:
    """Limits that hold the curve and as much of the path as stays within three of its widths."""
    low, high = np.nanmin(curve), np.nanmax(curve)
    width = (high - low) or 1.0
    near = np.clip(path[np.isfinite(path)], low - 3 * width, high + 3 * width)
    return (
        float(min(low, near.min(initial=low)) - 0.05 * width),
        float(max(high, near.max(initial=high)) + 0.05 * width),
    )


def _shade(panel: Axes, theme: Theme, x: Array, basins: Array) -> None:
    """One wash for each stretch of points that belong to the same minimum."""
    edges = np.flatnonzero(np.diff(basins)) + 1
    middles = (x[edges - 1] + x[edges]) / 2.0
    starts, stops = np.append(x[0], middles), np.append(middles, x[-1])
    for k, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        owner = int(basins[np.append(0, edges)[k]])
        if owner >= 0:
            color = theme.colors[owner % len(theme.colors)]
            panel.axvspan(start, stop, color=color, alpha=0.13, linewidth=0)
