"""How every figure looks: paper, ink, eight colours that colour-blind readers can tell apart.

Colour is never alone: lines differ by dashes too, points by markers. Figures are plain
``matplotlib.figure.Figure`` objects; nothing here touches pyplot or any global setting.

The colours are Okabe and Ito's (2008), the darker ones on white paper and the lighter ones on dark.
"""

import io
import re
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure as Figure  # for the pictures, which do not import matplotlib
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from downslope.errors import SettingError
from downslope.files import write_atomically
from downslope.wording import one_line, tick

Array = Any
Axes = Any  # matplotlib's types know neither three-dimensional panels nor locators' settings
DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (1.2, 1.8)),
    (0, (7, 2, 1.2, 2)),
    (0, (3, 2)),
    (0, (7, 2, 1.2, 2, 1.2, 2)),
)
MARKERS = ("o", "s", "^", "D", "v", "P")
LARGEST = 1e150
"""Values are drawn up to here: matplotlib squares some of them on the way."""
MOST_POINTS = 1200
"""Points of one line; more cannot be told apart and make a page heavy."""


@dataclass(frozen=True)
class Theme:
    """Colours of a figure.

    Parameters
    ----------
    name : str
        ``"light"`` or ``"dark"``.
    paper, ink, muted, rule : str
        Background, main text, secondary text, and thin lines.
    colors : tuple of str
        Data, in the order they are used.
    scale : float
        Size of the paper; letters keep theirs, so that 0.8 makes them larger on a narrow page.
    """

    name: str
    paper: str
    ink: str
    muted: str
    rule: str
    colors: tuple[str, ...]
    scale: float = 1.0


LIGHT = Theme(
    "light",
    paper="#fefefe",
    ink="#1b1f24",
    muted="#5d6672",
    rule="#d5dae0",
    colors=("#0072b2", "#d55e00", "#009e73", "#b0548a", "#b87400", "#3a9ad0"),
)
DARK = Theme(
    "dark",
    paper="#14181d",
    ink="#eef1f4",
    muted="#a3adb8",
    rule="#38414b",
    colors=("#56b4e9", "#e69f00", "#2cc295", "#d98cb8", "#f0e442", "#f07a35"),
)


def canvas(
    theme: Theme, width: float = 7.0, height: float = 4.2, **grid: Any
) -> tuple[Figure, list[Axes]]:
    """An empty figure and its panels, dressed.

    Parameters
    ----------
    width, height : float
        In inches, before the theme's scale.
    **grid
        ``nrows``, ``ncols``, ``sharex``, ``height_ratios`` and the like, as in
        ``Figure.subplots``.

    Examples
    --------
    >>> figure, panels = canvas(LIGHT, nrows=2, height_ratios=[2, 1])
    >>> len(panels)
    2
    """
    room = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12, wspace=0.06, hspace=0.05)
    size = (width * theme.scale, height * theme.scale)
    figure = Figure(figsize=size, facecolor=theme.paper, layout=room)
    panels = figure.subplots(squeeze=False, **grid).ravel().tolist()
    for panel in panels:
        dress(panel, theme)
    return figure, panels


def dress(panel: Axes, theme: Theme) -> None:
    """Thin frame on two sides, quiet grid, plain numbers."""
    panel.set_facecolor(theme.paper)
    for side, spine in panel.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.rule)
        spine.set_linewidth(1.0)
    panel.grid(True, color=theme.rule, linewidth=0.6, alpha=0.6)
    panel.set_axisbelow(True)
    panel.tick_params(colors=theme.muted, labelsize=8.5, length=0, pad=5)
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.label.set_color(theme.muted)
        axis.label.set_fontsize(9)


def headline(panel: Axes, theme: Theme, text: str, note: str = "") -> None:
    """What the panel shows, in words, and beneath it a quieter line."""
    panel.set_title(text, loc="left", color=theme.ink, fontsize=11, fontweight="bold", pad=25)
    if note:
        offset = {"xytext": (0, 9), "textcoords": "offset points", "va": "bottom", "ha": "left"}
        panel.annotate(
            note, (0, 1), xycoords="axes fraction", color=theme.muted, fontsize=8.5, **offset
        )


def legend(panel: Axes, theme: Theme, **where: Any) -> None:
    """Names of what is drawn, on a patch of paper."""
    settings = {"loc": "best", "fontsize": 8.5, "frameon": True, "borderpad": 0.5} | where
    box = panel.legend(labelcolor=theme.ink, facecolor=theme.paper, edgecolor="none", **settings)
    box.get_frame().set_alpha(0.85)
    box.get_title().set_color(theme.muted)
    box.get_title().set_fontsize(8.5)


def log_scale(axis: Any, values: Array) -> None:
    """A logarithmic axis with few ticks, around the positive values."""
    positive = values[np.isfinite(values) & (values > 0)]
    name = axis.axis_name
    axis.axes.set(**{f"{name}scale": "log"})
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 1.0)
    decades = np.log10(high) - np.log10(low)
    if decades < 1.5:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=6))
    else:
        axis.set_major_locator(LogLocator(numticks=6))
    margin = max(0.05 * decades, 0.05)
    axis.axes.set(**{f"{name}lim": (low * 10**-margin, high * 10**margin)})


def wants_log(values: Array, span: float = 30.0) -> bool:
    """Whether all values are positive and spread over more than ``span`` times."""
    known = values[np.isfinite(values)]
    return bool(len(known) and known.min() > 0 and known.max() > span * known.min())


def drawable(values: Any) -> Array:
    """Values as floats that matplotlib can draw: inf and NaN are gaps, the rest stays in reach."""
    values = np.asarray(values, dtype=float)
    return np.clip(np.where(np.isfinite(values), values, np.nan), -LARGEST, LARGEST)


def thin(x: Array, y: Array, most: int = MOST_POINTS) -> tuple[Array, Array]:
    """At most ``most`` points of a line that look the same: the lowest and highest of each run."""
    if len(x) <= most:
        return x, y
    edges = np.linspace(0, len(x), most // 2 + 1).astype(int)
    kept = set()
    for start, stop in pairwise(edges.tolist()):
        part = np.where(np.isnan(y[start:stop]), 0.0, y[start:stop])
        kept |= {start + int(part.argmin()), start + int(part.argmax())}
    order = np.array(sorted(kept | {0, len(x) - 1}))
    return x[order], y[order]


def label(name: object, width: int = 30) -> str:
    """A user's name for a column, safe to draw: one line, short, nothing taken for mathematics."""
    return one_line(name, width).replace("\\", "\\\u200b").replace("$", r"\$")


def depth(theme: Theme) -> LinearSegmentedColormap:
    """Colours of a landscape: the deep places in the first colour, the heights in paper."""
    return LinearSegmentedColormap.from_list("depth", [theme.colors[0], theme.paper])


def heat(theme: Theme) -> LinearSegmentedColormap:
    """Colours of a number on its own, without those that vanish into the paper."""
    shares = np.linspace(*((0.25, 1.0) if theme.name == "dark" else (0.0, 0.9)), 64)
    return LinearSegmentedColormap.from_list("heat", colormaps["viridis"](shares))


def washes(theme: Theme, levels: int) -> list[Any]:
    """The same for contours, as one colour more and more transparent, so that it fits any paper."""
    shares = np.linspace(0.62, 0.02, levels)
    return [to_rgba(theme.colors[0], float(share)) for share in shares]


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as ``.png``, ``.svg`` or ``.pdf``, whole or not at all.

    Raises
    ------
    SettingError
        For any other ending.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "pdf"):
        raise SettingError(f"A figure cannot be written to {path.name!r}: use .png, .svg or .pdf.")
    write_atomically(path, _render(figure, kind))
    return path


def svg(figure: Figure, salt: str = "figure") -> str:
    """A figure as an ``<svg>`` element to put into a page: text stays text.

    Parameters
    ----------
    salt : str
        Differs between figures of one page, so that their inner names do too.
    """
    text = _render(figure, "svg", {"svg.fonttype": "none", "svg.hashsalt": salt}).decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r' id="(?=[\w.]+_\d+")', f' id="{salt}-', text)
    # Without a width of its own the drawing takes that of the column it stands in.
    return re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)


def _render(figure: Figure, kind: str, settings: dict[str, Any] | None = None) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {}
    with rc_context(settings or {"svg.hashsalt": "downslope"}), warnings.catch_warnings():
        # Column names may hold letters that the bundled font lacks: a box is drawn, nothing breaks.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(
            buffer, format=kind, dpi=200, facecolor=figure.get_facecolor(), metadata=metadata
        )
    return buffer.getvalue()
