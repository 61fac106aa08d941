"""Columns that are understood -> a matrix of numbers, by a code learned on training rows only.

A code is plain data: it is stored as JSON and read back without running anything.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from downslope.errors import StoreError, TableError
from downslope.tables.cells import NUMERIC, Spelling, read
from downslope.tables.dates import ORDERS
from downslope.tables.readers import Table
from downslope.tables.understanding import MANY, Column, Understood
from downslope.tables.words import Words, glimpse

VOCABULARY = 10_000  # words of a text that get a column


class Features(NamedTuple):
    """A matrix of shape (n_rows, n_features), a name per column, and what had to be said."""

    X: Any
    names: tuple[str, ...]
    notes: tuple[str, ...]


class Coded(NamedTuple):
    """One column's part of the matrix, and what was done about cells unlike those in training."""

    block: Any
    remarks: tuple[str, ...] = ()


# --- codes: one per kind of column -------------------------------------------------------------


@dataclass(frozen=True)
class NumberCode:
    """A number, a boolean or a date as itself; where missing, the training median and a flag.

    A date is the days since 1970-01-01, and the hour of the day where training rows differ in it.
    """

    name: str
    spelling: Spelling
    median: float
    flag: bool
    hours: bool

    def names(self) -> list[str]:
        own = f"{self.name} (days)" if self.spelling.kind == "date" else self.name
        return [own, *[f"{self.name} (hour)"] * self.hours, *[f"{self.name} missing"] * self.flag]

    def encode(self, values: Any) -> Coded:
        missing = np.isnan(values)
        if not (self.flag or self.hours or missing.any()):
            return Coded(values.astype(np.float64, copy=False)[:, None])
        filled = np.where(missing, self.median, values)
        parts = [filled, *[filled % 1 * 24] * self.hours, *[missing] * self.flag]
        remarks = [] if self.flag else [_counted(missing, f"missing: read as {self.median:g}")]
        return Coded(np.column_stack(parts).astype(np.float64), tuple(filter(None, remarks)))


@dataclass(frozen=True)
class CategoryCode:
    """One column of 0 and 1 per level, but none for the most frequent one.

    Columns for every level would sum to 1 in every row and so repeat the intercept: the best
    weights would not be unique, and every diagnosis would say so. With the most frequent level as
    the ground, a weight is a difference from the usual case. Rare levels share a column; a level
    never seen in training counts as rare where some were, else as the usual one.
    """

    name: str
    spelling: Spelling
    usual: str
    levels: tuple[str, ...]
    rare: tuple[str, ...]
    flag: bool

    def names(self) -> list[str]:
        named = [f"{self.name}={_short(level)}" for level in self.levels]
        shared = [f"{self.name}=(rare)"] * bool(self.rare)
        return [*named, *shared, *[f"{self.name} missing"] * self.flag]

    def encode(self, words: Any) -> Coded:
        shared = len(self.levels) if self.rare else -1
        width = len(self.levels) + bool(self.rare) + self.flag
        place = {level: i for i, level in enumerate(self.levels)} | {self.usual: -1}
        places = [place.get(level, shared) for level in words.names()]
        block = np.array([*places, width - 1 if self.flag else shared])[words.codes]
        known = {self.usual, *self.levels, *self.rare}
        new = np.array([*(level not in known for level in words.names()), False])[words.codes]
        instead = "as rare" if self.rare else f"as {_short(self.usual)!r}"
        remarks = (
            _counted(new, f"never seen in training: read {instead}"),
            _counted((words.codes < 0) & (not self.flag), f"missing: read {instead}"),
        )
        columns = (block[:, None] == np.arange(width)).astype(np.float64)
        return Coded(columns, tuple(filter(None, remarks)))


@dataclass(frozen=True)
class TextCode:
    """How often each word of the training rows comes up; words met once there are left out.

    A vocabulary rather than a hash: its JSON is small, and every weight has a word for a name.
    """

    name: str
    spelling: Spelling
    vocabulary: tuple[str, ...]

    def names(self) -> list[str]:
        return [f"{self.name}: {word}" for word in self.vocabulary]

    def encode(self, words: Any) -> Coded:
        rows, tokens = words.tokens()
        place = {word: i for i, word in enumerate(self.vocabulary)}
        columns = np.array([*(place.get(token, -1) for token in tokens.names()), -1])
        column = columns[tokens.codes]
        kept = column >= 0
        shape = (len(words), len(self.vocabulary))
        return Coded(csr_array((np.ones(kept.sum()), (rows[kept], column[kept])), shape=shape))


Code = NumberCode | CategoryCode | TextCode


def _counted(cells: NDArray[np.bool_], what: str) -> str:
    """ "3 cells missing: read as 5", or nothing where there are none."""
    count = int(cells.sum())
    return f"{count:,} cell{'s' * (count != 1)} {what}" if count else ""


def _short(level: str, width: int = 60) -> str:
    return level if len(level) <= width else f"{level[:width]}…"


def _learn(column: Column, values: NDArray[np.float64] | Words) -> Code:
    """The code of one column from its training rows."""
    if not isinstance(values, Words):
        known = values[~np.isnan(values)]
        hours = column.kind == "date" and len(np.unique(known % 1)) > 1
        flag = len(known) < len(values)
        return NumberCode(column.name, column.spelling, _median(known), flag, hours)
    if column.kind == "text":
        return TextCode(column.name, column.spelling, _vocabulary(values))
    usual, levels, rare = ranked_levels(values.names(), values.counts().tolist(), len(values))
    flag = bool((values.codes < 0).any())
    return CategoryCode(column.name, column.spelling, usual, levels, rare, flag)


def _median(known: NDArray[np.float64]) -> float:
    """Median, 0 of nothing: NumPy's own takes ten times as long where rows are few."""
    if not len(known):
        return 0.0
    low, high = (len(known) - 1) // 2, len(known) // 2
    parted = np.partition(known, (low, high))
    return float((parted[low] + parted[high]) / 2.0) if low < high else float(parted[low])


def ranked_levels(
    names: Sequence[str], counts: Sequence[int], n_rows: int
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The most frequent level, those that get a column of their own, and those that share one."""
    ranked = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))
    enough = min(max(n_rows // 100, 2), 10)
    often = [names[i] for i in ranked[: MANY + 1] if counts[i] >= enough or i == ranked[0]]
    rare = [names[i] for i in ranked[len(often) :]]
    if len(rare) == 1:  # a group of one is better called by its name
        often, rare = often + rare, []
    usual, *levels = often or [""]
    return usual, tuple(levels), tuple(rare)


def _vocabulary(values: Words) -> tuple[str, ...]:
    _, tokens = values.tokens()
    counts, names = tokens.counts(), tokens.names()
    ranked = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))
    return tuple(names[i] for i in ranked if counts[i] > 1)[:VOCABULARY]


# --- the encoder -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Encoder:
    """What the training rows taught about every feature.

    Attributes
    ----------
    codes : tuple of NumberCode, CategoryCode or TextCode
        In the order of the training table.
    others : tuple of str
        Columns of the training table that are not features, the target among them.
    indices : tuple of int
        Features of a libsvm table that some training row has.
    """

    codes: tuple[Code, ...]
    others: tuple[str, ...] = ()
    indices: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features that ``encode`` makes, in order."""
        if not self.codes:
            return tuple(map(str, self.indices))
        return tuple(name for code in self.codes for name in code.names())

    @classmethod
    def learn(cls, view: Understood, rows: NDArray[np.int64] | None = None) -> "Encoder":
        """Learn from the training rows of an understood table (by default all of them).

        Examples
        --------
        >>> from downslope.tables import read_table, understand
        >>> table = read_table({"c": ["a", "b", "a", "b", "c", "c", "a"], "y": range(7)})
        >>> encoder = Encoder.learn(understand(table, "y"))
        >>> encoder.encode(table).names
        ('c=b', 'c=c')
        """
        table = view.table if rows is None else view.table.take(rows)
        codes = tuple(_learn(column, table.columns[column.name]) for column in view.features)
        others = [column.name for column in view.columns if not column.used]
        indices = () if table.sparse is None else np.unique(table.sparse.indices).tolist()
        return cls(codes, (*others, view.target.name), tuple(indices))

    def encode(self, table: Table) -> Features:
        """The feature matrix of any table that has the columns, in whatever order.

        Returns
        -------
        Features
            ``X`` is dense float64, or CSR where features are sparse; ``names``; ``notes`` on
            columns ignored and cells unlike any in training.

        Raises
        ------
        TableError
            If a column is missing, or holds what it did not hold in training.
        """
        if not self.codes:
            return self._encode_sparse(table)
        self._refuse_missing(table)
        known = {code.name for code in self.codes}.union(self.others)
        extra = [name for name in table.columns if name not in known]
        notes = [f"Columns not used in training ignored: {_listed(extra)}."] if extra else []
        blocks: list[Any] = []
        for code in self.codes:
            values = read(table.columns[code.name], code.spelling, table.where(code.name))
            block, remarks = code.encode(values)
            blocks.append(block)
            notes.extend(f"Column {glimpse(code.name)}: {remark}." for remark in remarks)
        if any(isinstance(code, TextCode) for code in self.codes):
            return Features(hstack(blocks, format="csr"), self.names, tuple(notes))
        return Features(np.hstack(blocks), self.names, tuple(notes))

    def _encode_sparse(self, table: Table) -> Features:
        """The columns that training rows have, whatever their indices."""
        if table.sparse is None:
            raise TableError(
                f"{table.name}: the model was trained on sparse rows (libsvm); give such rows."
            )
        indices, given = np.array(self.indices, np.int64), table.sparse
        kept = np.isin(given.indices, indices)
        rows = np.repeat(np.arange(given.shape[0]), np.diff(given.indptr))[kept]
        place = np.searchsorted(indices, given.indices[kept])
        X = csr_array((given.data[kept], (rows, place)), shape=(given.shape[0], len(indices)))
        extra = np.unique(given.indices[~kept]).tolist()
        notes = (f"Indices not in training ignored: {_listed(extra)}.",) if extra else ()
        return Features(X, self.names, notes)

    def _refuse_missing(self, table: Table) -> None:
        missing = [code.name for code in self.codes if code.name not in table.columns]
        if missing:
            alike = [n for n in table.columns if n.strip().casefold() == missing[0].casefold()]
            near = alike or get_close_matches(missing[0], list(table.columns), 1)
            hint = f"; rename {near[0]!r} if it is {missing[0]!r}" if near else ""
            raise TableError(
                f"{table.name} lacks {len(missing)} of the {len(self.codes)} columns that the "
                f"model uses: {_listed(missing)}{hint}."
            )

    # --- stored form ---

    def to_json(self) -> str:
        """The encoder as JSON text."""
        codes = [{"code": type(code).__name__} | asdict(code) for code in self.codes]
        return json.dumps({"codes": codes, "others": self.others, "indices": self.indices})

    @classmethod
    def from_json(cls, text: str) -> "Encoder":
        """The encoder that ``to_json`` wrote.

        Raises
        ------
        StoreError
            If the text is anything else.
        """
        try:
            stored = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise StoreError(f"the encoder is not JSON ({error}); save the model again.") from None
        known = {code.__name__: code for code in get_args(Code)}
        record = _record(stored, {"codes": list, "others": list, "indices": list})
        codes = []
        for each in record["codes"]:
            kind = known.get(each.get("code")) if isinstance(each, dict) else None
            if kind is None:
                raise StoreError(f"the encoder holds {glimpse(repr(each))}, which is no code.")
            codes.append(_restored(kind, {k: v for k, v in each.items() if k != "code"}))
        others = _tuple_of(str, record["others"])
        indices = _tuple_of(int, record["indices"])
        return cls(tuple(codes), others, indices)


def _listed(names: Sequence[Any], most: int = 8) -> str:
    return ", ".join(repr(name) for name in names[:most]) + ", ..." * (len(names) > most)


def _record(stored: Any, types: Mapping[str, type]) -> dict[str, Any]:
    """A stored mapping with exactly these keys, holding these types."""
    if not isinstance(stored, dict) or set(stored) != set(types):
        raise StoreError(f"the encoder holds {glimpse(repr(stored))} in place of {set(types)}.")
    for key, wanted in types.items():
        if type(stored[key]) is not wanted:
            raise StoreError(f"the encoder's {key} is {glimpse(repr(stored[key]))}, no {wanted}.")
    return stored


def _tuple_of(kind: type, values: list[Any]) -> tuple[Any, ...]:
    if any(type(value) is not kind for value in values):
        raise StoreError(f"the encoder holds {glimpse(repr(values))}, which are not all {kind}.")
    return tuple(values)


def _restored(kind: type, stored: dict[str, Any]) -> Any:
    """A dataclass of plain fields from its stored form, every type checked."""
    hints = get_type_hints(kind)
    wanted = {f.name: dict if is_dataclass(hints[f.name]) else hints[f.name] for f in fields(kind)}
    wanted = {name: get_origin(hint) or hint for name, hint in wanted.items()}
    raw = _record(stored, {name: list if each is tuple else each for name, each in wanted.items()})
    values = {}
    for name, value in raw.items():
        if wanted[name] is dict:
            value = _restored(hints[name], value)
        elif wanted[name] is tuple:
            value = _tuple_of(str, value)
        elif wanted[name] is float and not np.isfinite(value):
            raise StoreError(f"the encoder's {name} is {value}, which is not finite.")
        values[name] = value
    restored = kind(**values)
    if not isinstance(restored, Spelling):
        known = NUMERIC if isinstance(restored, NumberCode) else ("words",)
        spelling: Spelling = restored.spelling
        if spelling.kind not in known or spelling.order not in ORDERS:
            raise StoreError(f"the encoder's {glimpse(str(spelling))} is not known.")
        if spelling.decimal not in (".", ","):
            raise StoreError(f"the encoder's decimal mark {glimpse(spelling.decimal)} is none.")
    return restored
