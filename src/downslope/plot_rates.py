"""Figures of learning rates: several runs down one valley, and where each of them ended."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from downslope.errors import InputError
from downslope.plot_style import (
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
)
from downslope.wording import number

Array = Any


class RateCurve(NamedTuple):
    """One run of a comparison of learning rates: its rate, what became of it, its losses."""

    rate: float
    regime: str
    values: Array


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
