"""Figures of what the ground does to a walk: who leaves a shallow valley, how sharp it gets.

Like all pictures these take plain arrays.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from downslope.pictures.style import (
    LIGHT,
    Figure,
    Theme,
    canvas,
    drawable,
    headline,
    label,
    log_scale,
    thin,
    wants_log,
)
from downslope.wording import number

Array = Any
SAME = 2e-2
"""Ends closer than this share of the picture are drawn as one valley."""


def escapes(
    x: Any,
    losses: Any,
    ends: Mapping[str, Any],
    reached: Mapping[str, int],
    *,
    name: str = "w",
    value_name: str = "loss",
    theme: Theme = LIGHT,
) -> Figure:
    """A bumpy curve, and beneath it where the walks of each kind ended.

    Parameters
    ----------
    x, losses : array of shape (n,)
        The curve.
    ends : dict of str to array of shape (n_walks,)
        For each way of walking, the weight at the end of each walk.
    reached : dict of str to int
        How many of them ended in the lowest valley.
    name : str
        Name of the weight, for the axis.
    value_name : str
        What the curve is.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> x = np.linspace(-2.0, 2.0, 41)
    >>> figure = escapes(x, (x**2 - 1) ** 2 + x / 5, {"plain": [-1.02, 0.97]}, {"plain": 1})
    >>> [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    ['plain\\n1 of 2 (50%)']
    """
    x, losses = drawable(x), drawable(losses)
    figure, (top, strip) = canvas(
        theme, 7.0, 4.9, nrows=2, sharex=True, height_ratios=[2.2, 0.45 * len(ends)]
    )
    top.plot(x, losses, color=theme.ink, linewidth=1.8)
    lowest = int(np.nanargmin(losses))
    top.plot(x[lowest], losses[lowest], "*", color=theme.colors[2], markersize=15, zorder=4,
             clip_on=False)  # fmt: skip
    top.set_ylabel(label(value_name, 60))
    width = float(np.ptp(x))
    for row, found in enumerate(ends.values()):
        where, counts = _valleys(drawable(found), SAME * width)
        inside = (where >= x.min()) & (where <= x.max())
        strip.scatter(where[inside], np.full(int(inside.sum()), -row),
                      s=900.0 * counts[inside] / counts.sum(), color=theme.colors[row],
                      edgecolor=theme.paper, linewidth=1.0, zorder=3)  # fmt: skip
    shares = [
        f"{label(way)}\n{reached[way]} of {len(found)} ({reached[way] / len(found):.0%})"
        for way, found in ends.items()
    ]
    strip.set_yticks([-row for row in range(len(ends))], shares)
    strip.set_ylim(0.4 - len(ends), 0.6)
    strip.grid(False, axis="y")
    strip.set(xlabel=label(name))
    note = "beneath: where walks from the same starts ended, and how many at the star"
    headline(top, theme, "Who leaves a shallow valley for the lowest one", note)
    return figure


def _valleys(ends: Array, apart: float) -> tuple[Array, Array]:
    """Ends that lie together as one place, with their number."""
    ends = np.sort(ends[np.isfinite(ends)])
    groups = np.split(ends, np.flatnonzero(np.diff(ends) > apart) + 1)
    return (
        np.array([group.mean() for group in groups if len(group)]),
        np.array([len(group) for group in groups if len(group)]),
    )


def sharpness(
    steps: Any,
    values: Any,
    looked: Any,
    largest: Any,
    limit: float,
    *,
    value_name: str = "loss",
    theme: Theme = LIGHT,
) -> Figure:
    """The loss of a run, and the largest curvature along it beside what the rate can bear.

    Parameters
    ----------
    steps, values : array of shape (n_steps,)
        The run.
    looked, largest : array of shape (n_points,)
        Steps at which curvature was measured, and the largest there.
    limit : float
        Curvature beyond which the rate is too long: 2 / rate for plain descent.
    value_name : str
        What the value is, with its convention: ``"mean squared error"``.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> figure = sharpness([0, 1, 2], [3.0, 1.0, 2.0], [0, 2], [1.0, 5.0], limit=4.0)
    >>> figure.axes[0].get_title(loc="left")
    'The ground sharpens to 1.25 times what the rate can bear'
    """
    steps, values = drawable(steps), drawable(values)
    looked, largest = drawable(looked), drawable(largest)
    figure, (top, bottom) = canvas(theme, 7.0, 5.0, nrows=2, sharex=True, height_ratios=[1, 1.2])
    top.plot(*thin(steps, values), color=theme.colors[0], linewidth=1.8)
    if wants_log(values):
        log_scale(top.yaxis, values)
    top.set_ylabel(label(value_name, 60))
    bottom.plot(looked, largest, "o-", color=theme.colors[1], linewidth=1.6, markersize=4.5)
    bottom.axhline(limit, color=theme.ink, linewidth=1.3, linestyle="dashed")
    bottom.annotate(f"2 / rate = {number(limit)}", (1, limit), xytext=(-4, -16), fontsize=8.5,
                    xycoords=("axes fraction", "data"), textcoords="offset points", ha="right",
                    color=theme.ink)  # fmt: skip
    bottom.set_ylim(0.0, 1.25 * max(limit, float(np.nanmax(largest))))
    bottom.set(xlabel="step (one update of the weights)", ylabel="largest curvature")
    rises = int((np.diff(values) > 0.0).sum())
    last = number(float(largest[-1] / limit))
    headline(top, theme, f"The ground sharpens to {last} times what the rate can bear",
             f"the loss rose on {rises} of {len(values) - 1} steps, "
             f"from {number(values[0])} to {number(values[-1])} in all")  # fmt: skip
    figure.align_ylabels()
    return figure
