"""Figures of several runs down one valley: learning rates, and rules."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from downslope.errors import InputError
from downslope.pictures.style import (
    DASHES,
    LIGHT,
    MARKERS,
    Axes,
    Figure,
    Theme,
    canvas,
    drawable,
    headline,
    label,
    legend,
    log_scale,
    thin,
    wants_log,
)
from downslope.pictures.valleys import Valley, contours
from downslope.wording import number

Array = Any


class RateCurve(NamedTuple):
    """One run of a comparison of learning rates: its rate, what became of it, its losses."""

    rate: float
    regime: str
    values: Array


class RuleCurve(NamedTuple):
    """One rule of a race: its name, gradient evaluations spent, and the loss seen at each."""

    name: str
    evaluations: Array
    values: Array


def rule_curves(
    curves: Sequence[RuleCurve],
    *,
    target: float | None = None,
    valley: Valley | None = None,
    paths: Sequence[Array] = (),
    names: tuple[str, str] = ("u", "v"),
    value_name: str = "loss",
    theme: Theme = LIGHT,
) -> Figure:
    """Several rules down one valley: how fast each falls, and where there are two weights, how.

    Parameters
    ----------
    curves : sequence of RuleCurve
    target : float, optional
        Loss to reach, drawn as a line; the legend then says who reached it when.
    valley : Valley, optional
        Landscape of two weights, drawn with ``paths``, one per curve.
    paths : sequence of array of shape (n_points, 2)
        One walk per curve, for the landscape.
    names : tuple of str, default ("u", "v")
        The two weights of the landscape.
    value_name : str, default "loss"
        What falls, for the axis.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> falls = {"plain": [4.0, 2.0, 1.0], "adam": [4.0, 1.0, 0.1]}
    >>> curves = [RuleCurve(name, [0, 1, 2], values) for name, values in falls.items()]
    >>> figure = rule_curves(curves, target=0.5)
    >>> figure.axes[0].get_xlabel()
    'gradient evaluations'
    """
    if not curves:
        raise InputError("There is no run to draw: give at least one rule.")
    columns = 1 if valley is None else 2
    figure, panels = canvas(theme, 9.4 if columns == 2 else 7.0, 4.6, ncols=columns)
    for k, curve in enumerate(curves):
        color, dash = theme.colors[k % len(theme.colors)], DASHES[k % len(DASHES)]
        line = thin(drawable(curve.evaluations), drawable(curve.values))
        name = _reached(curve, target)
        panels[-1].plot(*line, color=color, linestyle=dash, linewidth=2.0, label=name)
    every = np.concatenate([drawable(curve.values) for curve in curves])
    top = 3.0 * max(float(curve.values[0]) for curve in curves if len(curve.values))
    if target is not None:
        panels[-1].axhline(target, color=theme.ink, linestyle=DASHES[2], linewidth=1.2)
    if wants_log(every):
        log_scale(panels[-1].yaxis, every[every <= top] if (every <= top).any() else every)
    panels[-1].set(xlabel="gradient evaluations", ylabel=label(value_name, 60))
    headline(panels[-1], theme, "How fast each rule falls", "same start, same budget")
    legend(panels[-1], theme)
    if valley is not None:
        contours(panels[0], theme, valley, names)
        for k, path in enumerate(paths):
            path = drawable(path)
            panels[0].plot(path[:, 0], path[:, 1], color=theme.colors[k % len(theme.colors)],
                           marker=MARKERS[k % len(MARKERS)], markersize=3, linewidth=1.4,
                           label=label(curves[k].name))  # fmt: skip
        headline(panels[0], theme, "The way each of them takes")
        legend(panels[0], theme)
    return figure


def _reached(curve: RuleCurve, target: float | None) -> str:
    """Name of a rule, and when it reached the target."""
    below = np.flatnonzero(drawable(curve.values) <= (np.inf if target is None else target))
    if target is None:
        return label(curve.name)
    when = f"after {int(curve.evaluations[below[0]]):,}" if len(below) else "never"
    return f"{label(curve.name)}: there {when}"


def rate_curves(
    curves: Sequence[RateCurve],
    *,
    limit: float | None = None,
    value_name: str = "loss",
    most: int = 6,
    theme: Theme = LIGHT,
) -> Figure:
    """Losses of several learning rates on one axis, each named by its regime; the limit marked.

    Parameters
    ----------
    curves : sequence of RateCurve
        Runs from the same start.
    limit : float, optional
        Largest stable rate.
    most : int
        Curves drawn on the left, some of every regime; the right panel shows every rate.
    value_name : str, default "loss"
        What falls, for the axis.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> curves = [RateCurve(0.1, "good", [4.0, 1.0]), RateCurve(1.1, "diverging", [4.0, 9.0])]
    >>> figure = rate_curves(curves, limit=1.0)
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['step', 'learning rate']
    """
    if not curves:
        raise InputError("There is no run to draw: give at least one learning rate.")
    curves = sorted(curves, key=lambda curve: curve.rate)
    chosen = _some_of_each([curve.regime for curve in curves], most)
    figure, (left, right) = canvas(theme, 9.2, 4.6, ncols=2, width_ratios=[1.7, 1])
    low, high = _frame([curve.values for curve in curves])
    for k, index in enumerate(chosen):
        _rate_curve(left, theme, curves[index], k, high)
    longest = max(len(curve.values) for curve in curves)
    left.set(xlabel="step", ylabel=label(value_name, 60), xlim=(0, max(longest - 1, 1) * 1.04))
    if low > 0 and high > 30 * low:
        log_scale(left.yaxis, np.array([low, high]))
    else:
        left.set_ylim(min(low, 0.0), high * 1.04)
    legend(left, theme, title="learning rate")
    headline(left, theme, "One valley, several learning rates", f"the first {longest - 1} steps")
    _ends(right, theme, curves, limit, (low, high))
    return figure


def _rate_curve(panel: Axes, theme: Theme, curve: RateCurve, k: int, high: float) -> None:
    """One curve; where it leaves the frame, a triangle on the upper edge."""
    values = np.asarray(curve.values, dtype=float)
    outside = ~(values <= high)
    stop = int(outside.argmax()) if outside.any() else len(values)
    color, dash = theme.colors[k % len(theme.colors)], DASHES[k % len(DASHES)]
    name = f"{number(curve.rate)}  {label(curve.regime)}"
    x, y = thin(np.arange(stop, dtype=float), values[:stop])
    if outside.any():
        x, y = np.append(x, float(max(stop, 0))), np.append(y, high)
    panel.plot(x, y, color=color, linestyle=dash, linewidth=2.0, label=name)
    if outside.any():
        panel.plot(x[-1], high, "^", color=color, markersize=8, clip_on=False, zorder=5)


def _ends(
    panel: Axes,
    theme: Theme,
    curves: Sequence[RateCurve],
    limit: float | None,
    frame: tuple[float, float],
) -> None:
    """Where each rate ended, against the rate."""
    low, high = frame
    rates = np.array([curve.rate for curve in curves])
    ends = np.array([np.asarray(curve.values, dtype=float)[-1] for curve in curves])
    ends = np.where(np.isnan(ends) | (ends > high), high, ends)
    panel.plot(rates, ends, color=theme.rule, linewidth=1.4)
    regimes = list(dict.fromkeys(curve.regime for curve in curves))
    for k, regime in enumerate(regimes):
        here = np.array([curve.regime == regime for curve in curves])
        panel.plot(rates[here], ends[here], MARKERS[k % len(MARKERS)], markersize=6.5,
                   color=theme.colors[k % len(theme.colors)], label=label(regime))  # fmt: skip
    log_scale(panel.xaxis, rates if limit is None else np.append(rates, limit))
    if low > 0 and high > 30 * low:
        log_scale(panel.yaxis, np.array([low, high]))
    else:
        panel.set_ylim(min(low, 0.0), high * 1.04)
    if limit is not None:
        panel.axvline(limit, color=theme.ink, linestyle=DASHES[2], linewidth=1.4)
        panel.annotate(f"stable limit {number(limit)}", (limit, 0.5), xytext=(-4, 0), rotation=90,
                       xycoords=("data", "axes fraction"), textcoords="offset points", ha="right",
                       va="center", fontsize=8.5, color=theme.ink)  # fmt: skip
    legend(panel, theme)
    panel.set_xlabel("learning rate")
    headline(panel, theme, "Where each rate ends", "loss after the last step")


def _some_of_each(regimes: Sequence[str], most: int) -> list[int]:
    """Indices of at most ``most`` runs, spread evenly within each regime."""
    names = list(dict.fromkeys(regimes))
    quota = max(most // len(names), 1)
    chosen = set()
    for name in names:
        here = [k for k, regime in enumerate(regimes) if regime == name]
        inner = np.linspace(0, len(here) - 1, min(quota, len(here)) + 2)[1:-1].round().astype(int)
        chosen |= {here[k] for k in inner}
    return sorted(chosen)


def _frame(runs: Sequence[Array]) -> tuple[float, float]:
    """Lowest and highest loss worth drawing: four times the highest start is high enough."""
    firsts = [float(run[0]) for run in runs if len(run) and np.isfinite(run[0])]
    known = np.concatenate([drawable(run) for run in runs])
    low = float(np.nanmin(known)) if np.isfinite(known).any() else 0.0
    top = max(firsts, default=1.0)
    highest = float(np.nanmax(known)) if np.isfinite(known).any() else 1.0
    return low, max(min(highest, top + 3.0 * max(top - low, 1e-12)), low + 1e-12)
