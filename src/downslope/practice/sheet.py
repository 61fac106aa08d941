"""A printed sheet of exercises, with the answers on a page of their own."""

from html import escape

from downslope.practice import course
from downslope.practice.item import Item

WIDE, HIGH, EDGE = 420, 150, 34
DASHES = ("", "7 4", "2 3")
LETTERS = "ABC"

STYLE = """
body { font: 16px/1.5 Georgia, serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #111; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; }
li { margin: 0 0 1.4rem; break-inside: avoid; }
pre { font: inherit; white-space: pre-wrap; margin: 0; }
.blank { display: inline-block; min-width: 8rem; border-bottom: 1px solid #111; }
svg { display: block; margin: 0.4rem 0; max-width: 100%; font: 11px Georgia, serif; }
.paper { stroke: #ccc; fill: none; } .curve { stroke: #111; fill: none; stroke-width: 1.6; }
.answers { break-before: page; } .seed { color: #555; font-size: 0.8rem; }
"""


def sheet(count: int, seed: int) -> str:
    """HTML page of ``count`` exercises from ``seed`` on, kinds in the order of the course.

    The same count and seed print the same sheet, so a class works on the same problems.
    """
    items = [course(i, seed) for i in range(count)]
    questions = "\n".join(f"<li>{_question(item)}</li>" for item in items)
    answers = "\n".join(f"<li>{_answer(item)}</li>" for item in items)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>Gradient descent: practice sheet {seed}</title><style>{STYLE}</style></head><body>"
        "<h1>Gradient descent: practice sheet</h1>"
        f"<p class='seed'>{count} exercises, seed {seed}</p>"
        f"<ol>{questions}</ol><section class='answers'><h2>Answers</h2><ol>{answers}</ol></section>"
        "</body></html>"
    )


def _question(item: Item) -> str:
    blanks = "<br>".join(
        f"{escape(blank.name)}: "
        + (escape(" / ".join(blank.choices)) if blank.choices else "<span class='blank'></span>")
        for blank in item.blanks
    )
    return f"<pre>{escape(item.question)}</pre>{_picture(item)}{blanks}"


def _picture(item: Item) -> str:
    """The curves of a question on squared paper; where one is to be drawn, room to draw it."""
    if not item.curves:
        return ""
    last = len(item.curves[0]) - 1
    drawn = [v for curve in item.curves for v in curve] + ([0.0, 1.5] if item.reveal else [])
    low, high = min(drawn), max(drawn)

    def place(k: float, value: float) -> str:
        x = EDGE + k / last * (WIDE - 2 * EDGE)
        y = HIGH - 20 - (value - low) / (high - low) * (HIGH - 30)
        return f"{x:.1f},{y:.1f}"

    rules = "".join(
        f"<path d='M{place(0, v)} L{place(last, v)}'/>"
        for v in (low + share * (high - low) for share in (0, 0.25, 0.5, 0.75, 1))
    ) + "".join(f"<path d='M{place(k, low)} L{place(k, high)}'/>" for k in range(last + 1))
    lines = "".join(
        f"<polyline points='{' '.join(place(k, v) for k, v in enumerate(curve))}' "
        f"stroke-dasharray='{DASHES[-1 if item.reveal else i]}'/>"
        for i, curve in enumerate(item.curves)
    )
    x, y = place(0, low).split(",")
    lowest = low if low > 1e-3 * high else 0.0
    first = int(item.kind == "minima")  # places count from 1, updates from 0
    numbers = (
        f"<text x='{EDGE - 4}' y='{y}' text-anchor='end'>{lowest:.3g}</text>"
        f"<text x='{EDGE - 4}' y='14' text-anchor='end'>{high:.3g}</text>"
        f"<text x='{x}' y='{HIGH - 4}'>{first}</text>"
        f"<text x='{WIDE - EDGE}' y='{HIGH - 4}' text-anchor='end'>{last + first}</text>"
    )
    legend = "".join(
        f"<text x='{WIDE - EDGE + 6}' y='{24 + 16 * i}'>{LETTERS[i]} "
        f"{('solid', 'dashed', 'dotted')[i]}</text>"
        for i in range(len(item.curves) if len(item.curves) > 1 else 0)
    )
    return (
        f"<svg viewBox='0 0 {WIDE + 60} {HIGH}' width='{WIDE + 60}' height='{HIGH}' role='img' "
        f"aria-label='The curves of this question'><g class='paper'>{rules}</g>"
        f"<g class='curve'>{lines}</g>{numbers}{legend}</svg>"
    )


def _answer(item: Item) -> str:
    values = ", ".join(
        f"{blank.name} = {value if isinstance(value, str) else format(value, '.6g')}"
        for blank, value in zip(item.blanks, item.solution, strict=True)
    )
    return (
        f"<strong>{escape(values)}</strong><pre>{escape(item.working)}</pre>"
        f"<span class='seed'>{item.kind}, seed {item.seed}</span>"
    )
