"""The report: one file, every text escaped, nothing asked of any other computer."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pyarrow.csv
import pytest
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st

from downslope.pictures.fits import coefficients
from downslope.pictures.one_run import convergence
from downslope.pictures.report import (
    PAGE,
    CoefficientLine,
    ColumnLine,
    Fact,
    FindingLine,
    Picture,
    Score,
    Story,
    first_and_last,
    render,
    save_report,
)
from downslope.trace import COLUMNS, Trace

BOMB = "<script>alert('x')</script><img src=http://evil/x onerror=alert(1)>\"'&`${7*7}{{7*7}}"


class Reader(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def trace(n=20, name="w"):
    values = 0.5 ** np.arange(n)
    steps = np.arange(n)
    columns = (steps, steps, values, values, values, np.full(n, 0.1), steps * 0.001,
               np.full(n, np.nan))  # fmt: skip
    return Trace(dict(zip(COLUMNS, columns, strict=True)), np.ones((n, 2)), (name, "b"))


def story(text):
    """A story that says ``text`` wherever a user's text can stand."""
    return Story(
        title=text,
        subtitle=text,
        ending=text,
        sentence=text,
        converged=False,
        asked=[Fact(text, text)],
        conventions=[text],
        scores=[Score(text, text, text)],
        findings=[FindingLine(text, text, text)],
        pictures=[
            Picture(coefficients([text, "b"], [1.0, 2.0], y_name=text, theme=PAGE), text),
            Picture(convergence(trace(), theme=PAGE), text),
        ],
        coefficients=[CoefficientLine(text, "1", "2", "3")],
        columns=[ColumnLine(text, text, 0, True, text)],
        notes=[text],
        trace=trace(name=text),
        adds_to=text,
    )


def check_harmless(page):
    reader = Reader(page)
    assert not {"script", "iframe", "object", "embed", "link", "base", "form", "img"} & set(
        reader.tags
    )
    for name, value in reader.attributes:
        assert not name.startswith("on"), f"{name}={value}"
        if name in ("src", "href", "xlink:href", "action"):
            assert value.startswith(("#", "data:image/png;base64,"))
    assert "@import" not in page
    for address in re.findall(r"url\(([^)]*)\)", page):
        assert address.startswith("#")
    return reader


def test_every_text_is_escaped():
    reader = check_harmless(render(story(BOMB)))
    said = "".join(reader.text)
    assert said.count("<script>alert('x')</script>") >= 15
    assert "{{7*7}}" in said
    assert "49" not in said.replace("490", "")


def test_no_address_but_the_names_of_formats():
    page = render(story("w"))
    found = set(re.findall(r"https?://[^\s\"'<)]+", page))
    assert found <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_the_policy_forbids_scripts_and_fetching():
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in render(story("w"))


@given(st.text(max_size=50))
@settings(max_examples=15, deadline=None)
def test_any_name_gives_a_harmless_page(text):
    page = render(Story(text, text, text, text, True, [Fact(text, text)], [text], notes=[text]))
    check_harmless(page)
    page.encode("utf-8", "replace")


def test_the_naughty_names_of_the_real_world_are_harmless(tmp_path):
    names = pyarrow.csv.read_csv(shared("bad_inputs/naughty_names.csv")).column_names
    lines = [CoefficientLine(name, "1", "1") for name in names]
    columns = [ColumnLine(name, "number", 0, True, "") for name in names]
    picture = Picture(coefficients(names, np.ones(len(names)), theme=PAGE), names[0])
    page = Story("t", "", "", "", True, [], [], coefficients=lines, pictures=[picture])
    save_report(replace(page, columns=columns), tmp_path / "report.html")
    check_harmless((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_a_long_text_does_not_freeze_the_page():
    page = render(Story("t" * 2_000_000, "", "", "", True, [], []))
    assert len(page) < 20_000


def test_colours_and_letters_of_pictures_are_the_pages():
    page = render(story("w"))
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(drawings) == 2
    for drawing in drawings:
        assert "var(--ink)" in drawing
        assert "var(--sans)" in drawing
        assert not re.search(r"#(?:1b1f24|0072b2|fefefe)", drawing)


@pytest.mark.parametrize(
    ("n", "first", "last"), [(1, 1, 0), (10, 5, 5), (11, 5, 6), (12, 5, 5), (500, 5, 5)]
)
def test_the_first_and_last_steps_are_shown_once_each(n, first, last):
    steps = first_and_last(trace(n))
    assert (len(steps.first), len(steps.last)) == (first, last)
    shown = [row[0] for row in [*steps.first, *steps.last]]
    assert len(set(shown)) == len(shown)
    assert shown[-1] == str(n - 1)
    assert steps.skipped == (f"{n - 10:,}" if n > 11 else "")


def test_the_reference_column_appears_where_there_is_a_reference():
    with_one = Story(
        "", "", "", "", True, [], [], coefficients=[CoefficientLine("w", "1", "2", "3")]
    )
    without = Story("", "", "", "", True, [], [], coefficients=[CoefficientLine("w", "1", "2")])
    assert "reference, per unit" in render(with_one)
    assert "reference, per unit" not in render(without)
