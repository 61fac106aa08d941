"""A table and the name of a target -> what each column is, which are used, what is to learn."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from downslope.errors import SettingError, TableError
from downslope.tables.aims import Target, aim, leaks
from downslope.tables.cells import Habits, Spelling, read, spell
from downslope.tables.numerals import plain_columns
from downslope.tables.readers import Table
from downslope.tables.words import Words, as_words, glimpse, take

KINDS = ("number", "boolean", "date", "category", "text")
ID_NAME = re.compile(r"(?i:(.*[\W_])?(id|uuid|guid|index|rowid))|.*[a-z]I[dD]|__index_level_\d+__")
MANY = 30  # levels of a category that stand for themselves
ULPS = 1000  # a spread of so many units in the last place is rounding, not information


@dataclass(frozen=True)
class Column:
    """What one column was taken for.

    ``kind`` is number, boolean, date, category, text, id, constant, empty or nested; ``remark``
    says how the cells were read, or why the column is left out.
    """

    name: str
    kind: str
    used: bool
    n_missing: int
    n_levels: int
    spelling: Spelling
    remark: str = ""


@dataclass(frozen=True)
class Understood:
    """A table with a meaning: rows that have a target, columns that have been read.

    Attributes
    ----------
    table : Table
        The rows that have a target; used columns hold their values.
    target : Target
    columns : tuple of Column
        Every column but the target, in the table's order.
    notes : tuple of str
        What a person should know before trusting a model of it, in sentences.
    """

    table: Table
    target: Target
    columns: tuple[Column, ...]
    notes: tuple[str, ...]

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that are used."""
        return tuple(column for column in self.columns if column.used)


def understand(
    table: Table,
    target: str | int | None = None,
    *,
    features: Sequence[str | int] | None = None,
    drop: Sequence[str | int] = (),
    task: str = "auto",
    kinds: Mapping[str, str] | None = None,
) -> Understood:
    """Decide what a table's columns are, which are used, and what is to be learned.

    Parameters
    ----------
    table : Table
    target : str or int
        Name of the column to predict, or its place (0 the first, -1 the last). A libsvm file has
        its own target.
    features : sequence of str or int, optional
        The columns to use, all of them, whatever they look like. By default every column but the
        target, less those that look like identifiers, are constant, or hold free text beside
        other columns.
    drop : sequence of str or int
        Columns not to use.
    task : {"auto", "regression", "classification"}
    kinds : mapping of str to {"number", "boolean", "date", "category", "text"}, optional
        What to take a column for; such a column is used.

    Returns
    -------
    Understood

    Raises
    ------
    TableError
        If a column is missing or cannot be read without guessing, or if nothing can be learned.

    Examples
    --------
    >>> from downslope.tables import read_table
    >>> view = understand(read_table({"x": [1.0, 2, 4], "c": ["a", "b", "a"], "y": [2, 4, 7]}), "y")
    >>> [(column.name, column.kind) for column in view.features], view.target.task
    ([('x', 'number'), ('c', 'category')], 'regression')
    """
    if table.n_rows == 0:
        raise TableError(f"{table.name} has 0 data rows; there is nothing to learn from.")
    goal = _target_name(table, target)
    kinds = _asked_kinds(table, kinds or {})
    left_out = {find(table, name) for name in drop}
    chosen = set(table.columns) if features is None else {find(table, name) for name in features}
    kept = chosen - left_out - {goal}
    wanted = [name for name in table.columns if name in kept]
    told = table.habits.missing or table.habits.decimal == ","  # then 1.5 may be no number
    plain = {} if told else plain_columns({name: table.columns[name] for name in wanted})
    spellings = _spellings(table, [*wanted, goal], kinds, plain)
    aimed, rows = _aim(table, goal, spellings[goal], task)
    known = table if len(rows) == table.n_rows else table.take(rows)
    values: dict[str, NDArray[np.float64] | Words] = {}
    for name in wanted:
        spelling = spellings[name]
        if name in plain and (spelling.kind, spelling.decimal) == ("number", "."):
            values[name] = plain[name][rows]
        else:
            values[name] = read(known.columns[name], spelling, known.where(name))
    asked = set(kinds) if features is None else chosen
    columns = _choose(
        [_column(name, values[name], spellings[name], kinds.get(name)) for name in wanted], asked
    )
    used = {column.name: values[column.name] for column in columns if column.used}
    if not used and (table.sparse is None or table.sparse.nnz == 0):
        why = "; ".join(f"{column.name}: {column.remark}" for column in columns[:5])
        raise TableError(f"{table.name} has no column to learn from ({why or 'none is left'}).")
    notes = (
        *table.notes,
        *aimed.notes,
        *_about_rows(table, aimed, len(used)),
        *leaks(aimed, {name: x for name, x in used.items() if not isinstance(x, Words)}),
        *_twins(used),
    )
    return Understood(replace(known, columns=used), aimed, columns, notes)


def find(table: Table, name: str | int) -> str:
    """The column of this name, or else at this place.

    >>> from downslope.tables import read_table
    >>> find(read_table({"a": [1], "b": [2]}), -1)
    'b'
    """
    if name in table.columns:
        return str(name)
    names = list(table.columns)
    if re.fullmatch(r"-?\d+", str(name)) and -len(names) <= int(name) < len(names):
        return names[int(name)]
    near = get_close_matches(str(name), names, 3) or names[:10]
    more = ", ..." if len(near) < len(names) else ""
    raise TableError(
        f"{table.name} has no column {glimpse(str(name))}; there is "
        f"{', '.join(map(glimpse, near))}{more}."
    )


def _target_name(table: Table, target: str | int | None) -> str:
    if table.sparse is not None and target in (None, "y", "target", *table.columns):
        return find(table, 0)
    if target is None:
        names = ", ".join(map(glimpse, list(table.columns)[:10]))
        raise TableError(
            f"{table.name}: say which column is the target with --target; there is {names}."
        )
    return find(table, target)


def _asked_kinds(table: Table, kinds: Mapping[str, str]) -> dict[str, str]:
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise SettingError(
                f"kind {kind!r} of column {name!r} is not known; give one of {', '.join(KINDS)}."
            )
    return {find(table, name): kind for name, kind in kinds.items()}


def _spellings(
    table: Table,
    names: list[str],
    kinds: Mapping[str, str],
    plain: Mapping[str, NDArray[np.float64]],
) -> dict[str, Spelling]:
    """How each column is written; decimal commas in one column settle what others leave open."""

    def spelled(name: str, habits: Habits) -> Spelling:
        kind = kinds.get(name)
        forced = "words" if kind in ("category", "text") else kind
        return spell(table.columns[name], habits, table.where(name), forced, plain.get(name))

    found = {name: spelled(name, table.habits) for name in names}
    numbers = {name: each for name, each in found.items() if each.kind == "number"}
    if table.habits.decimal is None and any(each.decimal == "," for each in numbers.values()):
        commas = replace(table.habits, decimal=",")
        found |= {name: spelled(name, commas) for name in numbers}
    for name in numbers:
        if found[name].decimal == "":
            words = as_words(table.columns[name])
            marked = np.array([*(bool(re.search("[.,]", word)) for word in words.names()), False])
            row = int(np.argmax(marked[words.codes]))
            raise TableError(
                f"{table.where(name).cell(row)}: {glimpse(str(table.columns[name][row]))} reads "
                "with a decimal mark and with a mark between thousands; say which with "
                "--decimal , or --decimal . (decimal=)."
            )
    return found


def _aim(
    table: Table, name: str, spelling: Spelling, task: str
) -> tuple[Target, NDArray[np.int64]]:
    """The target and the rows that have one."""
    values = read(table.columns[name], spelling, table.where(name))
    if spelling.kind == "boolean":
        words = as_words(table.columns[name], spelling.missing)
        values = words if len(words.levels) == 2 else values  # classes keep the names they have
    known = values.codes >= 0 if isinstance(values, Words) else ~np.isnan(values)
    rows = np.flatnonzero(known)
    if len(rows) == 0:
        raise TableError(
            f"{table.name}: the target {glimpse(name)} is missing in all {table.n_rows} rows; name "
            "another target."
        )
    return aim(name, take(values, rows), spelling, task, table.name), rows


# --- columns -----------------------------------------------------------------------------------


def _column(
    name: str, values: NDArray[np.float64] | Words, spelling: Spelling, kind: str | None
) -> Column:
    """What a column is by its values; whether it is used is decided beside the others."""
    if isinstance(values, Words):
        missing, levels = int((values.codes < 0).sum()), len(values.levels)
        found, remark = _kind_of_words(name, values, missing, spelling)
    else:
        missing, levels = int(np.isnan(values).sum()), 0
        found, remark = _kind_of_numbers(name, values, missing, spelling)
    if kind is not None and found not in ("empty", "constant"):
        found, remark = kind, _listed("as told", spelling.remark)
    return Column(name, found, False, missing, levels, spelling, remark or spelling.remark)


def _kind_of_numbers(
    name: str, values: NDArray[np.float64], missing: int, spelling: Spelling
) -> tuple[str, str]:
    if missing == len(values):
        return "empty", "every cell is missing"
    known = values[~np.isnan(values)] if missing else values
    low, high = known.min(), known.max()
    largest = max(abs(low), abs(high)) or 1.0
    if missing == 0 and high / largest - low / largest <= ULPS * np.finfo(float).eps:
        rounding = " up to rounding" if high > low else ""
        return "constant", _listed(f"{low:g} in every row{rounding}", spelling.remark)
    if missing == 0 and spelling.kind == "number" and np.array_equal(values, np.floor(values)):
        in_turn = len(values) >= 50 and low in (0, 1) and (np.diff(values) == 1).all()
        if in_turn:
            return "id", "numbers the rows"
        if ID_NAME.fullmatch(name) and len(np.unique(values)) == len(values) >= 10:
            return "id", "named as an identifier, different in every row"
    return spelling.kind, ""


def _kind_of_words(name: str, words: Words, missing: int, spelling: Spelling) -> tuple[str, str]:
    rows, levels = len(words), len(words.levels)
    if spelling.kind == "nested":
        return "nested", "its cells are lists or records"
    if levels == 0:
        return "empty", "every cell is missing"
    if levels == 1 and missing == 0:
        return "constant", f"{glimpse(words.names()[0])} in every row"
    if levels > rows / 2 and rows >= 10 and words.mean_words() >= 4:
        return "text", "free text"
    if levels == rows - missing and rows >= 10:
        return "id", _listed("different in every row", spelling.remark)
    merged = f"{words.merged} spellings differ by blanks only: merged" if words.merged else ""
    many = f"{levels} levels: the rare ones will share a column" if levels > MANY else ""
    return "category", _listed(spelling.remark, merged, many)


def _listed(*remarks: str) -> str:
    return "; ".join(remark for remark in remarks if remark)


def _choose(columns: list[Column], asked: set[str]) -> tuple[Column, ...]:
    """Use what is asked for and what informs; if nothing does, the next best thing."""
    good = {"number", "boolean", "date", "category"}
    never = {"empty", "nested"}
    used = {c.name for c in columns if (c.kind in good or c.name in asked) and c.kind not in never}
    for kind in ("text", "id", "constant"):
        last = {c.name for c in columns if c.kind == kind and (c.kind != "id" or c.n_levels == 0)}
        used = used or last
    return tuple(replace(column, used=column.name in used) for column in columns)


def _about_rows(table: Table, target: Target, n_used: int) -> list[str]:
    notes = []
    lost = table.n_rows - len(target.y)
    if lost:
        notes.append(f"{lost:,} of {table.n_rows:,} rows have no target and are left out.")
    if n_used >= len(target.y):
        notes.append(
            f"{len(target.y)} rows for {n_used} columns and an intercept: many models fit exactly, "
            "and no row is left to test one."
        )
    return notes


def _twins(values: Mapping[str, NDArray[np.float64] | Words]) -> list[str]:
    """Sentences on columns that say the same; weights can be shifted between them at will."""
    seen: dict[int, str] = {}
    notes = []
    for name, column in values.items():
        mark = hash((column.codes if isinstance(column, Words) else column).tobytes())
        if mark in seen:
            notes.append(f"Columns {glimpse(seen[mark])} and {glimpse(name)} say the same.")
        seen.setdefault(mark, name)
    return notes
