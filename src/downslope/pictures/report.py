"""One self-contained page about one run: readable on a phone, in print, by day and by night.

Every text is escaped; there is no script; the page's own policy forbids it to fetch anything.
Pictures are drawn once, in the colours of white paper, and take the page's colours by CSS.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from downslope.files import write_atomically
from downslope.pictures.style import DARK, LIGHT, Figure, svg
from downslope.trace import Trace
from downslope.wording import number

MOST_LINES = 60
"""Rows of the tables of columns and coefficients; a page with 10,000 of them opens nowhere."""
STEPS_SHOWN = 5
PAGE = replace(LIGHT, scale=0.8)
"""Theme for pictures of a report: letters large enough for a phone."""
WIDE = 6.5
"""Inches from which a picture scrolls on a phone rather than shrink."""
LONGEST = 300
"""Characters of one text of the user's; a cell of 2 MB must not freeze the page."""


class Fact(NamedTuple):
    """A setting and its value."""

    name: str
    value: str


class Score(NamedTuple):
    """A number worth a card: what it is, how much, compared with what."""

    name: str
    value: str
    note: str = ""


class ColumnLine(NamedTuple):
    """What was understood of one column."""

    name: str
    kind: str
    missing: int
    used: bool
    remark: str


class CoefficientLine(NamedTuple):
    """One coefficient as text, in the user's units."""

    name: str
    value: str
    per_deviation: str
    reference: str = ""


class FindingLine(NamedTuple):
    """A symptom in words, the numbers that show it, and what to try next."""

    title: str
    evidence: str
    remedy: str


class Picture(NamedTuple):
    """A figure in the colours of ``PAGE`` and what to see in it."""

    figure: Figure
    caption: str


@dataclass(frozen=True)
class Story:
    """Everything a report tells, in the order it tells it.

    Parameters
    ----------
    title, subtitle : str
    ending, sentence : str
        Name of the reason why the run ended, and its sentence with the number that decided.
    converged : bool
    asked : sequence of Fact
        Settings.
    conventions : sequence of str
        Which factor is in the loss, what the learning rate refers to, and the like.
    adds_to : str
        What a coefficient adds to: ``"prediction"``, ``"log of the mean"``, ``"log-odds of yes"``.
    """

    title: str
    subtitle: str
    ending: str
    sentence: str
    converged: bool
    asked: Sequence[Fact]
    conventions: Sequence[str]
    scores: Sequence[Score] = ()
    findings: Sequence[FindingLine] = ()
    pictures: Sequence[Picture] = ()
    coefficients: Sequence[CoefficientLine] = ()
    coefficients_left: int = 0
    columns: Sequence[ColumnLine] = ()
    columns_left: int = 0
    notes: Sequence[str] = ()
    trace: Trace | None = None
    adds_to: str = "prediction"
    has_reference: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        known = any(row.reference for row in self.coefficients)
        object.__setattr__(self, "has_reference", known)


class Steps(NamedTuple):
    """First and last rows of a trace, as text."""

    columns: list[str]
    first: list[list[str]]
    last: list[list[str]]
    skipped: str


def render(story: Story) -> str:
    """The page as text.

    Examples
    --------
    >>> page = render(Story("<b>", "", "converged", "Done.", True, [Fact("loss", "mse")], []))
    >>> "<b>" in page.split("<h1>")[1].split("</h1>")[0]
    False
    """
    environment = Environment(
        loader=PackageLoader("downslope"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
    )
    pictures = [
        {
            "drawing": Markup(_in_page_colors(svg(figure, f"p{k}"), caption)),
            "caption": caption,
            "wide": figure.get_figwidth() > WIDE,
        }
        for k, (figure, caption) in enumerate(story.pictures)
    ]
    return environment.get_template("report.html").render(
        story=story,
        pictures=pictures,
        steps=None if story.trace is None else first_and_last(story.trace),
        colors=_colors(),
        version=version("downslope"),
    )


def save_report(story: Story, path: str | Path) -> None:
    """Write the page, whole or not at all."""
    write_atomically(path, render(story).encode("utf-8", "replace"))


def first_and_last(trace: Trace, count: int = STEPS_SHOWN) -> Steps:
    """The steps a reader checks by hand: the first ones and where it ended."""
    names = ["step", "value", "gradient_norm"]
    # A run without a learning rate, or without rows to validate on, has an empty column there.
    names += [name for name in ("rate", "validation") if not all(map(math.isnan, trace[name]))]
    weights = trace.weight_names()[:3]
    n = len(trace)
    whole = n <= 2 * count + 1
    picked = list(range(n)) if whole else [*range(count), *range(n - count, n)]

    def row(i: int) -> list[str]:
        cells = [number(float(trace[name][i])) for name in names]
        kept = [] if trace.weights is None else trace.weights[i, : len(weights)]
        return cells + [number(float(w)) for w in kept]

    rows = [row(i) for i in picked]
    words = {"gradient_norm": "gradient length", "rate": "learning rate", "value": "objective"}
    head = [words.get(name, name) for name in names] + list(weights)
    skipped = "" if whole else f"{n - 2 * count:,}"
    return Steps(head, rows[:count], rows[count:], skipped)


def _shown(value: Any) -> Any:
    """Text of the user's as a page can show it: no control characters, not without end."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = "".join(c if c.isprintable() else " " for c in value[: LONGEST + 1])
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _colors() -> list[tuple[str, str, str]]:
    names = ("paper", "ink", "muted", "rule", *(f"c{k}" for k in range(len(LIGHT.colors))))
    light = (LIGHT.paper, LIGHT.ink, LIGHT.muted, LIGHT.rule, *LIGHT.colors)
    dark = (DARK.paper, DARK.ink, DARK.muted, DARK.rule, *DARK.colors)
    return list(zip(names, light, dark, strict=True))


def _in_page_colors(drawing: str, caption: str) -> str:
    """A drawing with the page's colours and letters, and a name for screen readers."""

    def style(found: re.Match[str]) -> str:
        text = re.sub(r"font-family: [^;]*", "font-family: var(--sans)", found[0])
        text = re.sub(r"font: ((?:\w+ )*[\d.]+px) [^;\"]*", r"font: \1 var(--sans)", text)
        for name, light, _ in _colors():
            text = text.replace(light, f"var(--{name})")
        return text

    title = str(Markup.escape(_shown(caption)))
    named = drawing.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
    return re.sub(r'style="[^"]*"', style, named)
