"""A glance at the first lines of a text: what separates the fields, where the table starts.

Every guess is one that a look at the whole column could not overturn, or it is refused with the
option that settles it.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from downslope.errors import TableError

SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "blanks"}
SAMPLE = 1 << 16  # bytes looked at
NUMBER = re.compile(r"[-+−(]?\s*[$€£¥]?\s*(\d[\d.,'’\s]*|\.\d+)([eE][-+]?\d+)?\s*[%$€£)]?")


def sample_of(data: bytes) -> str:
    """The first whole lines of a UTF-8 text, enough of them to see its shape."""
    if len(data) <= SAMPLE:
        return data.decode()
    text = data[:SAMPLE].decode(errors="ignore")
    return text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text


def records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the number of lines above it."""
    if separator == " ":
        text = without_margins(text)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=separator != "\t"
    )
    above = 0
    for record in reader:
        if any(cell.strip() for cell in record):
            yield above, record
        above = reader.line_num


def without_margins(text: str) -> str:
    """Lines without blanks at their ends, so that blanks between fields can separate them."""
    return re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text.replace("\r\n", "\n"))


class Shape(NamedTuple):
    """The usual number of fields, the share of records that have it, and the first that does."""

    fields: int
    share: float
    first: int


def shape_of(sample: str, separator: str, comment: str | None = None) -> Shape:
    """How the records of a text look when cut at this separator."""
    counts = [
        len(record)
        for _, record in records(sample, separator)
        if not (comment and record[0].startswith(comment))
    ]
    if not counts:
        return Shape(0, 0.0, 0)
    # Of two counts that are equally usual, the one with more fields is the table.
    fields, often = max(Counter(counts).items(), key=lambda item: (item[1], item[0]))
    return Shape(fields, often / len(counts), counts.index(fields))


def sniff_separator(sample: str, name: str, comment: str | None = None) -> str:
    """The separator by which nearly every record has the same number of fields, from the top.

    A header rarely holds the decimal commas of the rows below it, so among separators that fit,
    those that fit from the first record win. Tabs are never written by accident.
    """
    marks = [mark for mark in SEPARATORS if mark != " "]
    shapes = {mark: shape_of(sample, mark, comment) for mark in marks}
    usual = {mark: shape for mark, shape in shapes.items() if shape.fields > 1}
    fitting = {mark: shape for mark, shape in usual.items() if shape.share >= 0.9}
    if fitting:
        top = min(shape.first for shape in fitting.values())
        best = [mark for mark, shape in fitting.items() if shape.first == top]
        if len(best) == 1 or "\t" in best:
            return best[0]
        raise TableError(
            f"{name}: every line can be cut at {' and at '.join(SEPARATORS[m] for m in best)}; "
            "say which with --separator (separator=)."
        )
    if usual:
        return max(usual, key=lambda mark: usual[mark].share)
    return " " if _columns_by_blanks(sample) else ","


def _columns_by_blanks(sample: str) -> bool:
    """Whether lines are mostly numbers in columns made by blanks; words are not cut in two."""
    shape = shape_of(sample, " ")
    cells = [cell for _, record in records(sample, " ") for cell in record if cell]
    numbers = sum(NUMBER.fullmatch(cell) is not None for cell in cells)
    return shape.fields > 1 and shape.share >= 0.9 and numbers > len(cells) / 2


def lines_above_table(sample: str, separator: str, comment: str | None = None) -> int:
    """Lines above the table: titles of a single field, and comments unlike the rows."""
    fields = shape_of(sample, separator, comment).fields
    if fields < 2:
        return 0
    for above, record in records(sample, separator):
        title = len(record) == 1 or (record[0].startswith("#") and len(record) != fields)
        if not title:
            return above
    return 0


def looks_like_data(head: Sequence[str], body: Iterable[Sequence[str]]) -> bool:
    """Whether the first row is more like the rows below it than like names above them.

    ``body`` holds, per column, some of the cells below. A cell speaks for data where it is a
    number above numbers, has the form of a date or code above such, or is a word that comes up
    again below; it speaks for a name where it is a word above numbers or codes. One name is
    enough: a row of data cannot hold it.
    """
    data = False
    for cell, column in zip(head, body, strict=True):
        likeness = _likeness(cell.strip(), column)
        if likeness == -1:
            return False
        data |= likeness == 1
    return data


def _likeness(cell: str, column: Sequence[str]) -> int:
    """1 where the cell speaks for data, -1 where it speaks for a name, 0 where it is silent."""
    below = [other.strip() for other in column if other.strip()]
    if not cell or not below:
        return 0
    numbers = sum(NUMBER.fullmatch(other) is not None for other in below)
    if numbers >= 0.9 * len(below):
        return 1 if NUMBER.fullmatch(cell) else -1
    forms = {re.sub(r"\d+", "9", other) for other in below}
    if len(forms) == 1 and "9" in min(forms):
        return 1 if re.sub(r"\d+", "9", cell) in forms else -1
    return int(cell in below)
