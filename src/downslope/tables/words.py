"""A column of cells as codes into its levels, and the sentence fragment that names a cell."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# Lower case. "None" and "NA" are words of some tables; the count of what was read as missing is
# said for every column.
MISSING = ("", "na", "n/a", "n.a.", "nan", "-nan", "null", "none", "<na>", "#n/a", "#na", "?")


@dataclass(frozen=True, eq=False)
class Words:
    """Codes into ``levels`` (an Arrow array of strings), -1 where missing.

    ``merged`` counts spellings that differed by blanks around them only.
    """

    codes: NDArray[np.int64]
    levels: Any
    merged: int = 0

    def __len__(self) -> int:
        return len(self.codes)

    def names(self) -> list[str]:
        """The levels as Python strings."""
        names: list[str] = self.levels.to_pylist()
        return names

    def cells(self) -> Any:
        """The cells again, as an Arrow array of strings."""
        return self.levels.take(pa.array(self.codes, mask=self.codes < 0))

    def counts(self) -> NDArray[np.int64]:
        """Cells per level."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels))

    def mean_words(self) -> float:
        """Words per level, on average."""
        return float(pc.mean(pc.count_substring_regex(self.levels, r"\S+")).as_py() or 0.0)

    def tokens(self) -> tuple[NDArray[np.int64], "Words"]:
        """Every word of every cell in lower case, with the row it stands in."""
        spaced = pc.replace_substring_regex(pc.utf8_lower(self.levels), r"[^\pL\pN']+", " ")
        lists = pc.split_pattern(pc.utf8_trim(spaced, " "), pattern=" ")
        found = pc.dictionary_encode(pc.list_flatten(lists))
        codes = found.indices.to_numpy(zero_copy_only=False)
        level = pc.list_parent_indices(lists).to_numpy()
        starts = np.searchsorted(level, np.arange(len(self.levels) + 1))
        lengths = np.append(np.diff(starts), 0)[self.codes]
        rows = np.repeat(np.arange(len(self)), lengths)
        first = np.repeat(starts[self.codes] - (np.cumsum(lengths) - lengths), lengths)
        kept = codes[first + np.arange(len(rows))].astype(np.int64)
        spoken = np.append(np.asarray(pc.not_equal(found.dictionary, "")), False)[kept]
        return rows[spoken], _used(Words(kept[spoken], found.dictionary))


@dataclass(frozen=True)
class Where:
    """Names a cell in a sentence."""

    table: str
    column: str
    lines: NDArray[np.int64]
    counted: str = "line"

    def cell(self, row: int) -> str:
        """File, line (or row, counted from 0) and column of one cell."""
        return f"{self.table}, {self.counted} {self.lines[row]}, column {glimpse(self.column)}"


def glimpse(text: str, width: int = 40) -> str:
    """A text as it can stand in a sentence: quoted, its odd signs escaped, cut if long.

    >>> glimpse("a" * 50)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"
    """
    return repr(text if len(text) <= width else text[:width] + "...")


def is_text(column: Any) -> bool:
    """Whether an Arrow column holds strings whose meaning is still to be found."""
    kind = column.type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def as_words(column: Any, missing: tuple[str, ...] = ()) -> Words:
    """Codes and levels of any column; blanks around a word do not make it another word."""
    if isinstance(column, Words):
        return column
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(
            pc.cast(column, pa.large_string()) if is_text(column) else column
        )
    levels = pc.utf8_trim_whitespace(_spelled_out(column.dictionary))
    blank = pc.is_in(pc.utf8_lower(levels), pa.array([*MISSING, *missing], pa.large_string()))
    distinct = pc.dictionary_encode(pc.if_else(blank, pa.scalar(None, pa.large_string()), levels))
    merged = len(levels) - pc.sum(blank).as_py() - len(distinct.dictionary) if len(levels) else 0
    to_level = np.append(pc.fill_null(distinct.indices, -1).to_numpy(zero_copy_only=False), -1)
    place = pc.fill_null(column.indices, len(levels)).to_numpy(zero_copy_only=False)
    return _used(Words(to_level[place].astype(np.int64), distinct.dictionary, merged))


def _spelled_out(levels: Any) -> Any:
    """Levels as strings; 3.0 is spelled 3, as a file of text would."""
    if pa.types.is_floating(levels.type):
        texts = [None if v is None else repr(v).removesuffix(".0") for v in levels.to_pylist()]
        return pa.array(texts, pa.large_string())
    try:
        return pc.cast(levels, pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([repr(level) for level in levels.to_pylist()], pa.large_string())


def _used(words: Words) -> Words:
    """The same words without the levels that no cell has."""
    used = words.counts() > 0
    if used.all():
        return words
    new = np.append(np.where(used, np.cumsum(used) - 1, -1), -1)
    return Words(new[words.codes], words.levels.filter(pa.array(used)), words.merged)


def take(column: Any, rows: NDArray[np.int64]) -> Any:
    """These cells, in this order, of an Arrow column, an array or words."""
    if isinstance(column, Words):
        return _used(Words(column.codes[rows], column.levels, column.merged))
    return column[rows] if isinstance(column, np.ndarray) else column.take(pa.array(rows))
