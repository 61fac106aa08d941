"""Text with separators -> columns of cells, every cell still as it was written.

Two parsers stand behind one door. Text that obeys RFC 4180 to the letter (every quote opens or
closes a field, every record has as many fields as the first) goes through Arrow's; anything else
goes through Python's ``csv`` in strict mode, record by record, which knows the line of each
mistake. Where both apply they give the same cells.
"""

import csv
import io
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from downslope.errors import SettingError, TableError
from downslope.tables.sniffing import (
    lines_above_table,
    looks_like_data,
    sample_of,
    sniff_separator,
    without_margins,
)
from downslope.tables.words import glimpse

TOTALS = {"total", "totals", "grand total", "subtotal", "sum", "average", "mean"}
TOLD_SEPARATOR = re.compile(rb'sep=([,;|\t:])"?(?=\r|\n)')
"""The first line by which Excel is told how the others are cut; it is no row."""
MOST_NOTES = 8
"""Columns of which one by one is said what they are called; the others are counted."""
SPOKEN_SIGNS = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "space": " "}

Lines = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Layout:
    """How a text is laid out, where the caller knows; ``None`` means find out."""

    header: bool | None = None
    separator: str | None = None
    skip_lines: int = 0
    skip_last: int | None = None
    comment: str | None = None
    skip_bad_rows: bool = False


def one_sign(option: str, spoken: str | None) -> str | None:
    """A separator or comment sign, also by its spoken name.

    >>> one_sign("separator", "tab"), one_sign("separator", ";")
    ('\\t', ';')
    """
    sign = SPOKEN_SIGNS.get(spoken or "", spoken)
    if sign is not None and (len(sign) != 1 or not sign.isascii() or sign in '"\r\n\0'):
        raise SettingError(
            f"{option}={spoken!r} cannot divide a text; give one ASCII sign such as ',', ';' or "
            "'tab'."
        )
    return sign


class Cells(NamedTuple):
    """Columns of strings, the line each row starts on, and what was noticed on the way."""

    columns: dict[str, Any]
    lines: Lines
    separator: str
    notes: tuple[str, ...]


class _Grid(NamedTuple):
    """Cells in columns of equal length; the header, if any, is still the first row."""

    columns: list[Any]
    lines: Lines
    notes: tuple[str, ...] = ()


def parse_delimited(data: bytes, name: str, layout: Layout) -> Cells:
    """Columns of UTF-8 text; ``name`` is what error messages call it."""
    skip, comment = layout.skip_lines, layout.comment
    if not data.strip():
        raise TableError(f"{name} is empty: it holds blanks only.")
    notes = []
    told = TOLD_SEPARATOR.match(data) if skip == 0 else None
    skip += told is not None
    sample = sample_of(data[_offset(data, skip) :])
    written = told[1].decode() if told else None
    separator = layout.separator or written or sniff_separator(sample, name, comment)
    above = 0 if layout.header is False else lines_above_table(sample, separator, comment)
    if above:
        first = glimpse(sample.lstrip().splitlines()[0])
        notes.append(f"{_count(above, 'line')} above the table left out, from {first}.")
    body = data[_offset(data, skip + above) :]
    grid = _fast(body, separator) if separator != " " and comment is None else None
    if grid is None:
        grid = _careful(body, separator, layout, name, skip + above)
    if len(grid.columns) == 1 and (blank := _blank_lines(grid)):
        notes.append(f"{_count(blank, 'blank line')} between the rows left out.")
    grid = _without_footer(grid._replace(lines=grid.lines + skip + above), layout, name)
    columns, lines, naming = _named(grid, layout.header, name)
    return Cells(columns, lines, separator, (*notes, *grid.notes, *naming))


def _blank_lines(grid: _Grid) -> int:
    """Lines between the rows of a single column that are neither a row nor inside one."""
    inside = pc.sum(pc.count_substring_regex(grid.columns[0][:-1], r"\r\n|\n|\r")).as_py() or 0
    return int(grid.lines[-1] - grid.lines[0] - (len(grid.lines) - 1) - inside)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _offset(data: bytes, lines: int) -> int:
    """Where the text stands after so many lines."""
    ends = islice(re.finditer(rb"\r\n|\n|\r", data), lines)
    return max((end.end() for end in ends), default=0)


# --- Arrow's parser ----------------------------------------------------------------------------


class _Records(NamedTuple):
    lines: Lines
    second: int
    longest: int


def _fast(data: bytes, separator: str) -> _Grid | None:
    """Arrow's parser; ``None`` where the text leaves room for a second reading."""
    found = _strict_records(data, separator)
    if found is None or len(found.lines) == 0:
        return None
    first = data[: found.second].decode().strip("\r\n")
    header = next(csv.reader(io.StringIO(first, newline=""), delimiter=separator))
    names = [str(i) for i in range(len(header))]
    refused: list[Any] = []

    def refuse(row: Any) -> str:
        refused.append(row)
        return "skip"

    table = pa.csv.read_csv(
        pa.BufferReader(data),
        read_options=pa.csv.ReadOptions(
            column_names=names, block_size=max(1 << 22, 2 * found.longest)
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=separator, newlines_in_values=b'"' in data, invalid_row_handler=refuse
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), check_utf8=False
        ),
    )
    if refused or table.num_rows != len(found.lines):
        return None
    return _Grid(table.columns, found.lines)


def _strict_records(data: bytes, separator: str) -> _Records | None:
    """Where the records that are not blank lie; ``None`` where a quote is not RFC 4180.

    Quotes alternate: one at an even place opens a field and stands after a separator, a line end
    or the quote it doubles; one at an odd place closes a field and stands before such a sign.
    """
    edged = np.frombuffer(b"\n" + data + b"\n", np.uint8)
    text = edged[1:-1]
    quotes = np.flatnonzero(text == ord('"'))
    signs = np.frombuffer(f'{separator}\r\n"'.encode(), np.uint8)
    opened, closed = edged[quotes[::2]], edged[quotes[1::2] + 2]
    if len(quotes) % 2 or not (np.isin(opened, signs).all() and np.isin(closed, signs).all()):
        return None
    line_end = text == 10
    if b"\r" in data:
        line_end |= (text == 13) & (edged[2:] != 10)
    ends = np.flatnonzero(line_end)
    line_below = np.arange(2, len(ends) + 2)
    if len(quotes):
        outside = np.searchsorted(quotes, ends) % 2 == 0
        ends, line_below = ends[outside], line_below[outside]
    begins = np.concatenate([[0], ends + 1])
    lines = np.concatenate([[1], line_below])
    lengths = np.concatenate([ends, [len(data)]]) - begins
    # A blank line that ends in "\r\n" is a record of "\r" alone.
    blank = (lengths == 0) | ((lengths == 1) & (edged[begins + 1] == 13))
    begins, lines, lengths = begins[~blank], lines[~blank], lengths[~blank]
    second = int(begins[1]) if len(begins) > 1 else len(data)
    return _Records(lines, second, int(lengths.max(initial=0)))


# --- Python's parser ---------------------------------------------------------------------------


def _careful(data: bytes, separator: str, layout: Layout, name: str, above: int) -> _Grid:
    """Every record is looked at, every mistake has a line."""
    rows, lines = _strict_rows(data.decode(), separator, layout.comment, name, above)
    if not rows:
        raise TableError(f"{name} is empty: every line is blank or left out.")
    width = _width(rows)
    keep: list[tuple[list[str], int]] = []
    bad: list[tuple[list[str], int]] = []
    longer = 0
    for row, line in zip(rows, lines, strict=True):
        if width > 1 and len(row) == 1 and not row[0].strip():
            continue
        fits = len(row) == width or (len(row) > width and not any(map(str.strip, row[width:])))
        longer += fits and len(row) > width
        (keep if fits else bad).append((row, line))
    if bad and not layout.skip_bad_rows:
        row, line = bad[0]
        raise TableError(
            f"{name}, line {line + above}: {_count(len(row), 'field')} found, {width} wanted as in "
            f"line {lines[0] + above} ({glimpse(separator.join(row))}); mend the line, or pass "
            "--skip-bad-rows (skip_bad_rows=True) to leave such lines out."
        )
    notes = []
    if bad:
        where = ", ".join(str(line + above) for _, line in bad[:5]) + ", ..." * (len(bad) > 5)
        notes.append(
            f"{_count(len(bad), 'line')} without {_count(width, 'field')} left out, as told: "
            f"{_count(len(bad), 'line').split()[1]} {where}."
        )
    if longer:
        notes.append(f"{_count(longer, 'line')} ended in further separators with nothing between.")
    columns = zip(*(row[:width] for row, _ in keep), strict=True)
    return _Grid(
        [pa.chunked_array([pa.array(column, pa.large_string())]) for column in columns],
        np.array([line for _, line in keep], np.int64),
        tuple(notes),
    )


def _strict_rows(
    text: str, separator: str, comment: str | None, name: str, above: int
) -> tuple[list[list[str]], list[int]]:
    """Records and the lines they start on; blank lines and comments left out."""
    if separator == " ":
        text = without_margins(text)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        strict=True,
        skipinitialspace=separator != "\t",
    )
    rows, lines, line = [], [], 1
    limit = csv.field_size_limit(sys.maxsize)
    try:
        for row in reader:
            if row and not (comment and row[0].startswith(comment)):
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise TableError(
            f"{name}, line {line + above}: a quoted field does not end where it should ({error}); "
            "close the quote, or double the quotes that belong to the text."
        ) from None
    finally:
        csv.field_size_limit(limit)
    return rows, lines


def _width(rows: Sequence[Sequence[str]]) -> int:
    """Fields of a row: as many as the header has, less the blank ones that no row fills."""
    full = named = len(rows[0])
    while named > 1 and not rows[0][named - 1].strip():
        named -= 1
    lengths = [len(row) for row in rows[1:]]
    return named if lengths.count(named) > lengths.count(full) else full


# --- footer and header -------------------------------------------------------------------------


def _without_footer(grid: _Grid, layout: Layout, name: str) -> _Grid:
    """Leave out the last rows where told; refuse a last row that looks like totals."""
    if layout.skip_last:
        keep = max(len(grid.lines) - layout.skip_last, 0)
        note = f"The last {_count(layout.skip_last, 'row')} left out, as told."
        columns = [column[:keep] for column in grid.columns]
        return _Grid(columns, grid.lines[:keep], (*grid.notes, note))
    if layout.skip_last is None and len(grid.lines) > 3:
        for column in grid.columns:
            cell = column[-1].as_py()
            alone = cell.strip().rstrip(":").casefold() in TOTALS
            if alone and pc.sum(pc.equal(column, cell)).as_py() == 1:
                raise TableError(
                    f"{name}, line {grid.lines[-1]}: {glimpse(cell)} makes the last line look like "
                    "totals; pass --skip-last 1 (skip_last=1) to leave it out, or --skip-last 0 "
                    "if it is a row."
                )
    return grid


def _named(
    grid: _Grid, header: bool | None, name: str
) -> tuple[dict[str, Any], Lines, tuple[str, ...]]:
    """Take the header off, give every column a name of its own, leave empty margins out."""
    columns, lines = grid.columns, grid.lines
    if header is False:
        names, _ = unique_names([""] * len(columns))
        return dict(zip(names, columns, strict=True)), lines, ()
    written = [column[0].as_py() for column in columns]
    columns, lines = [column[1:] for column in columns], lines[1:]
    below = (column[:200].to_pylist() for column in columns)
    if header is None and looks_like_data(written, below):
        raise TableError(
            f"{name}, line {grid.lines[0]}: the first row looks like data "
            f"({glimpse(', '.join(written))}); pass --no-header (header=False) if it is, or "
            "--header (header=True) if these are names."
        )
    margins = [
        not title.strip() and not pc.any(pc.not_equal(column, "")).as_py()
        for title, column in zip(written, columns, strict=True)
    ]
    kept = [place for place, margin in enumerate(margins) if not margin or not any(written)]
    names, notes = unique_names([written[place] for place in kept])
    if len(kept) < len(columns):
        notes = (*notes, f"{_count(sum(margins), 'column')} with neither name nor values left out.")
    return {own: columns[place] for own, place in zip(names, kept, strict=True)}, lines, notes


def unique_names(written: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Names without blanks around them: none empty, none twice, and a note where one changed.

    >>> unique_names(["a", "", " a"])[0]
    ['a', 'x1', 'a.1']
    """
    names: dict[str, None] = {}
    notes: list[str] = []
    stripped = [name.strip() for name in written]
    taken, some, counts = set(stripped), any(stripped), dict.fromkeys(stripped, 0)
    for place, name in enumerate(stripped):
        own, count = name or f"x{place}", counts[name]
        while own in names or (own != name and own in taken):
            count += 1
            own = f"{name or f'x{place}'}.{count}"
        counts[name] = count if name else 0
        if not name and some:
            notes.append(f"Column {place} (counted from 0) has no name; it is called {own!r}.")
        elif own != name and name:
            notes.append(f"Column {place} is another one called {name!r}; it is called {own!r}.")
        names[own] = None
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"{len(notes) - MOST_NOTES:,} more columns are named likewise."]
    return list(names), tuple(notes)
