"""Tables as the lab knows them: a name, columns of numbers, columns of words.

A sheet's name is only a label on a list; no path is ever made from what a page asks for.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from downslope.errors import TableError
from downslope.tables import read_table
from downslope.tables.cells import read, spell
from downslope.tables.readers import Table
from downslope.tables.words import Words, as_words

MOST_ROWS = 3_000
"""Rows handed to a page: it walks over them anew for every move of a slider."""
MOST_COLUMNS = 60

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """Columns by name: numbers (NaN where missing) or lists of words ("" where missing)."""

    name: str
    columns: Mapping[str, Numbers | list[str]]
    n_rows: int

    def numbers(self, column: str) -> Numbers:
        """A column of numbers.

        Raises
        ------
        TableError
            If there is no such column, or it holds words.
        """
        values = self.column(column)
        if isinstance(values, list):
            raise TableError(f"{self.name}: {column!r} holds words; choose a column of numbers.")
        return values

    def signs(self, column: str) -> Numbers:
        """A column of exactly two values as -1 and +1, the later in order being +1.

        Raises
        ------
        TableError
            If there is no such column, or it has another number of values.
        """
        values = self.column(column)
        if isinstance(values, list):
            words = np.array(values)
            known = words != ""
        else:
            words, known = values, np.isfinite(values)
        levels = np.unique(words[known])
        if len(levels) != 2:
            raise TableError(
                f"{self.name}: {column!r} has {len(levels)} different values; logistic regression "
                "and the hinge need exactly two."
            )
        return np.where(known, np.where(words == levels[1], 1.0, -1.0), np.nan)

    def column(self, name: str) -> Numbers | list[str]:
        """A column as it is.

        Raises
        ------
        TableError
            If there is no such column.
        """
        if name not in self.columns:
            known = ", ".join(list(self.columns)[:8])
            raise TableError(f"{self.name} has no column {name!r}; it has {known}.")
        return self.columns[name]


def open_sheet(source: Any, name: str | None = None) -> Sheet:
    """Sheet of a file, a data frame or an array.

    Raises
    ------
    TableError
        If the source cannot be read without guessing.

    Examples
    --------
    >>> sheet = open_sheet({"x": [1.0, 2.0], "kind": ["a", "b"]}, "two rows")
    >>> sheet.n_rows, sheet.numbers("x").tolist(), sheet.signs("kind").tolist()
    (2, [1.0, 2.0], [-1.0, 1.0])
    """
    table = read_table(source)
    columns = {str(column): _values(table, column) for column in list(table.columns)[:MOST_COLUMNS]}
    return Sheet(name or table.name, columns, table.n_rows)


def sheet_of_text(text: str, name: str) -> Sheet:
    """Sheet of delimited text that came from a page.

    Raises
    ------
    TableError
        If the text is no table.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text(text, encoding="utf-8")
        try:
            return open_sheet(path, name)
        except TableError as error:
            raise TableError(str(error).replace(path.name, name)) from None


def _values(table: Table, column: str) -> Numbers | list[str]:
    where = table.where(column)
    try:
        spelling = spell(table.columns[column], table.habits, where)
        # Yes and no stay words, so that a class keeps its name.
        yes_no = spelling.kind == "boolean"
        values = (
            as_words(table.columns[column])
            if yes_no
            else read(table.columns[column], spelling, where)
        )
    except TableError:  # a column that reads two ways is shown as it was written
        values = as_words(table.columns[column])
    if not isinstance(values, Words):
        return np.asarray(values, dtype=float)
    names = np.array([*values.names(), ""], dtype=object)
    found: list[str] = names[values.codes].tolist()
    return found


def for_page(sheet: Sheet) -> dict[str, Any]:
    """What a page gets of a sheet: evenly chosen rows where there are many."""
    chosen = np.linspace(0, sheet.n_rows - 1, min(MOST_ROWS, sheet.n_rows)).round().astype(int)
    return {
        "name": sheet.name,
        "rows": len(chosen),
        "of": sheet.n_rows,
        "columns": [_column(name, values, chosen) for name, values in sheet.columns.items()],
    }


def _column(name: str, values: Numbers | Sequence[str], rows: NDArray[np.int64]) -> dict[str, Any]:
    if isinstance(values, list):
        return {"name": name, "words": [values[row] for row in rows]}
    numbers = np.asarray(values)[rows]
    return {"name": name, "numbers": [x if np.isfinite(x) else None for x in numbers.tolist()]}
