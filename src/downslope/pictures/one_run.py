"""Figures of a run: how the loss, the gradient and the rate went, step by step."""

from typing import Any

import numpy as np

from downslope.pictures.style import (
    DASHES,
    LIGHT,
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
from downslope.trace import Trace
from downslope.wording import number

Array = Any
FEW_STEPS = 40


def convergence(
    trace: Trace,
    *,
    limit: float | None = None,
    value_name: str = "objective",
    theme: Theme = LIGHT,
) -> Figure:
    """How a run went: value and validation loss, length of the gradient, learning rate.

    Parameters
    ----------
    trace : Trace
        One row per step.
    limit : float, optional
        Largest stable learning rate, drawn as a line.
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
    >>> from downslope.by_hand.formula import trace_formula
    >>> walk = trace_formula("(w - 3)^2", {"w": 0.0}, learning_rate=0.1, steps=20)
    >>> figure = convergence(walk.trace)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['objective', 'gradient length', 'learning rate']
    """
    steps = trace["step"].astype(float)
    value, norm, rate = (drawable(trace[name]) for name in ("value", "gradient_norm", "rate"))
    rated = bool(np.isfinite(rate).any())
    ratios, height = ([2, 1.4, 1], 6.6) if rated else ([2, 1.4], 5.4)
    figure, panels = canvas(
        theme, 7.0, height, nrows=len(ratios), sharex=True, height_ratios=ratios
    )
    top, middle = panels[:2]
    _series(top, theme, steps, value, trace["epoch"], theme.colors[0])
    validation = drawable(trace["validation"])
    _validation(top, theme, steps, validation)
    _scale(top, np.concatenate((value, validation[np.isfinite(validation)])))
    top.set_ylabel(label(value_name, 60))
    headline(top, theme, *_course(steps, value, np.asarray(trace["value"], dtype=float)))
    _series(middle, theme, steps, norm, trace["epoch"], theme.colors[2])
    _scale(middle, norm)
    middle.set_ylabel("gradient length")
    if rated:
        _rates(panels[2], theme, steps, rate, limit)
    panels[-1].set_xlabel("step (one update of the weights)")
    figure.align_ylabels()
    return figure


def _validation(panel: Axes, theme: Theme, steps: Array, losses: Array) -> None:
    """Losses on rows kept aside, the best one marked; nothing where none were measured."""
    measured = np.isfinite(losses)
    if not measured.any():
        return
    panel.plot(*thin(steps[measured], losses[measured]), color=theme.colors[1],
               linestyle=DASHES[1], linewidth=1.8, label="validation rows")  # fmt: skip
    best = np.flatnonzero(measured)[losses[measured].argmin()]
    panel.plot(steps[best], losses[best], "D", color=theme.colors[1], markersize=6)
    panel.plot([], [], color=theme.colors[0], linewidth=2, label="training rows")
    legend(panel, theme, loc="upper right")


def _rates(panel: Axes, theme: Theme, steps: Array, rate: Array, limit: float | None) -> None:
    """Learning rates, and the largest stable one."""
    panel.plot(*thin(steps, rate), color=theme.colors[3], linewidth=1.8, drawstyle="steps-post")
    if limit is not None and np.isfinite(limit):
        panel.axhline(limit, color=theme.ink, linestyle=DASHES[2], linewidth=1.4)
        panel.annotate(f"stable limit {number(limit)}", (1, limit), xytext=(0, 3), ha="right",
                       xycoords=("axes fraction", "data"), textcoords="offset points",
                       fontsize=8.5, color=theme.ink)  # fmt: skip
        rate = np.append(rate, limit)
    if wants_log(rate, 100.0):
        log_scale(panel.yaxis, rate)
    else:
        highest = np.nanmax(rate, initial=0.0)
        panel.set_ylim(0.0, 1.3 * highest if highest > 0 else 1.0)
    panel.set_ylabel("learning rate")


def _series(
    panel: Axes, theme: Theme, steps: Array, values: Array, epochs: Array, color: str
) -> None:
    """A line; where an epoch has many steps, a faint line and its epochs' means over it."""
    marks = np.flatnonzero(np.diff(epochs)) + 1
    if len(marks) < 1 or len(steps) < 3 * len(marks):
        mark = "o" if len(steps) <= FEW_STEPS else ""
        panel.plot(*thin(steps, values), color=color, linewidth=2.0, marker=mark, markersize=4)
        return
    panel.plot(*thin(steps, values), color=color, linewidth=0.7, alpha=0.35)
    parts, places = np.split(values, marks), np.split(steps, marks)
    with np.errstate(over="ignore"):
        means = np.array([np.nan if np.isnan(part).all() else np.nanmean(part) for part in parts])
    panel.plot([place.mean() for place in places], means, color=color, linewidth=2.0)


def _scale(panel: Axes, values: Array) -> None:
    if wants_log(values):
        log_scale(panel.yaxis, values)


def _course(steps: Array, value: Array, raw: Array) -> tuple[str, str]:
    """The run in one line: from where, to where, in how many steps."""
    if not np.isfinite(value).any():
        return "No finite value was reached", ""
    first, last = number(raw[0]), number(raw[-1])
    taken = int(steps[-1] - steps[0])
    lowest = int(np.nanargmin(value))
    text = f"From {first} to {last} in {taken:,} step{'s' * (taken != 1)}"
    return text, f"lowest {number(value[lowest])} at step {int(steps[lowest]):,}"
