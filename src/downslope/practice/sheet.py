"""A printed sheet of exercises, with the answers on a page of their own."""

from html import escape

from downslope.practice import KINDS, make_item
from downslope.practice.item import Item

STYLE = """
body { font: 16px/1.5 Georgia, serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #111; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; }
li { margin: 0 0 1.4rem; break-inside: avoid; }
pre { font: inherit; white-space: pre-wrap; margin: 0; }
.blank { display: inline-block; min-width: 8rem; border-bottom: 1px solid #111; }
.answers { break-before: page; } .seed { color: #555; font-size: 0.8rem; }
"""


def sheet(count: int, seed: int) -> str:
    """HTML page of ``count`` exercises from ``seed`` on, kinds in the order of the course.

    The same count and seed print the same sheet, so a class works on the same problems.
    """
    kinds = list(KINDS)
    items = [make_item(kinds[i % len(kinds)], seed + i) for i in range(count)]
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
    return f"<pre>{escape(item.question)}</pre>{blanks}"


def _answer(item: Item) -> str:
    values = ", ".join(
        f"{blank.name} = {value if isinstance(value, str) else format(value, '.6g')}"
        for blank, value in zip(item.blanks, item.solution, strict=True)
    )
    return (
        f"<strong>{escape(values)}</strong><pre>{escape(item.working)}</pre>"
        f"<span class='seed'>{item.kind}, seed {item.seed}</span>"
    )
