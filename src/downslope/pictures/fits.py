"""Figures of fits: the line, the coefficients, predictions beside others and the truth.

Every function takes plain arrays and answers a ``matplotlib.figure.Figure``, in colours for white
paper or for a dark page. Values that are infinite or missing leave gaps; huge
ones leave the frame, and an arrow says so. ``save`` in ``downslope.pictures.style`` writes them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from downslope.errors import InputError
from downslope.pictures.one_run import convergence
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
)
from downslope.wording import number

__all__ = [  # convergence was here before it moved to one_run
    "class_probabilities",
    "coefficients",
    "convergence",
    "fitted_line",
    "predictions",
]

Array = Any
MOST_ROWS = 2000
"""Points of a scatter; of more rows a sample is drawn, and the figure says so."""


def fitted_line(
    x: Any,
    y: Any,
    slope: float,
    intercept: float,
    *,
    x_name: str = "x",
    y_name: str = "y",
    theme: Theme = LIGHT,
) -> Figure:
    """Points, the line through them, and below what the line leaves over.

    Parameters
    ----------
    x, y : array of shape (n,)
        The data; rows with a value that is not finite are left out.
    slope, intercept : float
        The line ``y = slope * x + intercept``.
    x_name, y_name : str
        Names for the axes, with their units where they have any.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> figure = fitted_line([100, 150, 200], [8000, 12000, 16000], 80.0, 0.0)
    >>> len(figure.axes)
    2
    """
    x, y = drawable(x), drawable(y)
    known = np.isfinite(x) & np.isfinite(y)
    x, y, shown = _sample(x[known], y[known])
    left = y - (slope * x + intercept)
    figure, (top, bottom) = canvas(theme, 7.0, 5.4, nrows=2, sharex=True, height_ratios=[3, 1.1])
    top.vlines(x, y - left, y, color=theme.colors[1], linewidth=0.7, alpha=0.45)
    top.plot(x, y, "o", color=theme.colors[0], markersize=4.2, alpha=0.75, markeredgewidth=0)
    ends = np.array([x.min(), x.max()]) if len(x) else np.array([0.0, 1.0])
    top.plot(ends, slope * ends + intercept, color=theme.ink, linewidth=2.0)
    top.set_ylabel(label(y_name))
    sign = "−" if intercept < 0 else "+"
    equation = (
        f"{label(y_name)} = {number(slope)} × {label(x_name)} {sign} {number(abs(intercept))}"
    )
    spread_out = float(((y - y.mean()) ** 2).sum()) if len(y) else 0.0
    fit = f"MSE {number(float((left**2).mean()))}" if len(y) else "no rows"
    if spread_out > 0:
        fit += f" · R² {1.0 - float((left**2).sum()) / spread_out:.3f}"
    headline(top, theme, equation, f"{fit} · {shown}")
    bottom.axhline(0.0, color=theme.ink, linewidth=1.2)
    bottom.vlines(x, 0.0, left, color=theme.colors[1], linewidth=0.9, alpha=0.7)
    bottom.set(xlabel=label(x_name), ylabel="left over")
    figure.align_ylabels()
    return figure


def predictions(
    one: Any,
    other: Any,
    *,
    names: tuple[str, str] = ("this model", "reference"),
    actual: Any = None,
    y_name: str = "y",
    theme: Theme = LIGHT,
) -> Figure:
    """Predictions of two models against each other, and against the truth where it is given.

    Parameters
    ----------
    one, other : array of shape (n,)
        Predictions of the same rows.
    names : tuple of str
        What the two models are called.
    actual : array of shape (n,), optional
        True values; adds a panel with both models against them.
    y_name : str, default "y"
        What is predicted, for the axes.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> figure = predictions([1.0, 2.0], [1.1, 1.9], actual=[1.0, 2.1])
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['true y', 'reference']
    """
    columns = [drawable(one), drawable(other)]
    if len(columns[0]) != len(columns[1]):
        raise InputError(
            f"{names[0]} predicts {len(columns[0])} rows and {names[1]} {len(columns[1])}: "
            "two models can be compared on the same rows only."
        )
    if actual is not None:
        columns.append(drawable(actual))
    known = np.isfinite(np.column_stack(columns)).all(axis=1)
    *columns, shown = _sample(*(column[known] for column in columns))
    figure, panels = canvas(theme, 7.6, 4.1, ncols=len(columns) - 1)
    if actual is not None:
        for k, (predicted, name) in enumerate(zip(columns[:2], names, strict=True)):
            face = theme.colors[k] if k == 0 else "none"
            panels[0].plot(columns[2], predicted, MARKERS[k], color=theme.colors[k], markersize=4.5,
                           markerfacecolor=face, alpha=0.7, label=label(name))  # fmt: skip
        _diagonal(panels[0], theme, np.concatenate(columns))
        panels[0].set(xlabel=f"true {label(y_name)}", ylabel=f"predicted {label(y_name)}")
        headline(panels[0], theme, "Against the truth", shown)
        legend(panels[0], theme, loc="upper left")
    panel = panels[-1]
    panel.plot(columns[1], columns[0], "o", color=theme.colors[2], markersize=4, alpha=0.7)
    _diagonal(panel, theme, np.concatenate(columns[:2]))
    panel.set(xlabel=label(names[1]), ylabel=label(names[0]))
    apart = float(np.abs(columns[0] - columns[1]).max()) if len(columns[0]) else 0.0
    headline(panel, theme, "Against each other", f"largest difference {number(apart)}")
    return figure


def class_probabilities(
    probability: Any,
    positive: Any,
    *,
    classes: tuple[str, str] = ("no", "yes"),
    theme: Theme = LIGHT,
) -> Figure:
    """How sure a classifier is: its probabilities of one class, for the rows of each true class.

    Parameters
    ----------
    probability : array of shape (n,)
        Predicted probability of the second class.
    positive : array of bool, shape (n,)
        Whether a row truly is of the second class.
    classes : tuple of str, default ("no", "yes")
        What the two classes are called.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> figure = class_probabilities([0.1, 0.2, 0.9], [False, False, True])
    >>> figure.axes[0].get_xlabel()
    'predicted probability of yes'
    """
    probability, positive = drawable(probability), np.asarray(positive, dtype=bool)
    figure, (panel,) = canvas(theme, 7.0, 3.8)
    edges = np.linspace(0.0, 1.0, 26)
    for k, name in enumerate(classes):
        rows = probability[positive == bool(k)]
        panel.hist(rows[np.isfinite(rows)], edges, color=theme.colors[k], alpha=0.55,
                   hatch=("", "///")[k], edgecolor=theme.paper, linewidth=0.8,
                   label=f"truly {label(name)}: {len(rows):,} rows")  # fmt: skip
    panel.axvline(0.5, color=theme.ink, linestyle=DASHES[2], linewidth=1.4)
    wrong = int(((probability > 0.5) != positive).sum())
    panel.set(xlabel=f"predicted probability of {label(classes[1])}", ylabel="rows", xlim=(0, 1))
    headline(panel, theme, f"{wrong:,} of {len(positive):,} rows on the wrong side of one half")
    legend(panel, theme, loc="upper center")
    return figure


def coefficients(
    names: Sequence[str],
    values: Any,
    *,
    deviations: Any = None,
    reference: Any = None,
    most: int = 16,
    y_name: str = "y",
    theme: Theme = LIGHT,
) -> Figure:
    """What each column adds to the prediction, the strongest first.

    Parameters
    ----------
    names : sequence of str
        Columns.
    values : array of shape (n_features,)
        Coefficients in the user's units; written beside the bars.
    deviations : array of shape (n_features,), optional
        Standard deviation of each column. Bars then show the change for one deviation, so that
        columns in different units can be compared.
    reference : array of shape (n_features,), optional
        Coefficients of another solution, drawn as diamonds.
    most : int
        Bars at most.
    y_name : str, default "y"
        What is predicted, for the axis.
    theme : Theme, default LIGHT
        Colours and paper.

    Returns
    -------
    Figure
        Of matplotlib; ``figure.savefig("name.png")`` keeps it.

    Examples
    --------
    >>> figure = coefficients(["size", "age"], [80.0, -3.0])
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['age', 'size']
    """
    values = drawable(values)
    per = np.ones(len(values)) if deviations is None else drawable(deviations)
    reach = np.nan_to_num(values * per)
    order = np.argsort(-np.abs(reach), kind="stable")[:most][::-1]
    places = np.arange(len(order))
    figure, (panel,) = canvas(theme, 7.0, 1.6 + 0.3 * max(len(order), 2))
    shades = [theme.colors[0] if reach[j] >= 0 else theme.colors[1] for j in order]
    panel.barh(places, reach[order], color=shades, height=0.62)
    if reference is not None:
        there = (drawable(reference) * per)[order]
        panel.plot(there, places, "D", color=theme.ink, markersize=5, markerfacecolor=theme.paper)
    panel.set_yticks(places, [label(names[j], 26) for j in order])
    panel.tick_params(axis="y", labelcolor=theme.ink)
    panel.grid(False, axis="y")
    panel.axvline(0.0, color=theme.ink, linewidth=1.0)
    for place, j in zip(places, order, strict=True):
        panel.annotate(number(values[j]), (1.02, place), xycoords=("axes fraction", "data"),
                       va="center", fontsize=8.5, color=theme.ink)  # fmt: skip
    panel.margins(x=0.05)
    unit = "one standard deviation of the column" if deviations is not None else "one unit"
    panel.set_xlabel(f"change of {label(y_name)} for {unit}")
    hidden = len(values) - len(order)
    note = "at the right: coefficients in your units" + f" · {hidden} smaller not shown" * (
        hidden > 0
    )
    headline(panel, theme, "What each column adds", note)
    return figure


def _diagonal(panel: Axes, theme: Theme, values: Array) -> None:
    """Where both agree, in a square panel with the same numbers on both axes."""
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    margin = 0.05 * (high - low) or 0.5
    panel.plot([low, high], [low, high], color=theme.ink, linewidth=1.2, linestyle=DASHES[2])
    panel.set(xlim=(low - margin, high + margin), ylim=(low - margin, high + margin), box_aspect=1)
    for axis in (panel.xaxis, panel.yaxis):
        axis.get_major_locator().set_params(nbins=4)


def _sample(*columns: Array) -> list[Any]:
    """Columns of at most ``MOST_ROWS`` rows, and a note of how many are shown."""
    count = len(columns[0])
    if count <= MOST_ROWS:
        return [*columns, f"{count:,} rows"]
    chosen = np.random.default_rng(0).choice(count, MOST_ROWS, replace=False)
    return [*(column[chosen] for column in columns), f"{MOST_ROWS:,} of {count:,} rows drawn"]
