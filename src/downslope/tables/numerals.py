"""Numbers as people write them -> float64: decimal commas, thousands, currency, (debts)."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from downslope.tables.words import is_text

TOGETHER = 256
"""Columns whose cells are cast at once."""
SIGN = r"(?i:[$€£¥₹₽₩₺%]|usd|eur|gbp|chf|jpy|cny|inr)"
BLANK = "[ \u00a0\u202f\u2009'’]"
INFINITE = r"(?i:inf|infinity)"
EXPONENT = r"(?:[eEdD][-+]?\d+)?"
# A group of thousands never follows a 0, so 0.126 has a decimal point whatever the table's habit.
# In India groups of two stand above the last three digits: 12,34,567.
WRITTEN = {
    ".": (
        rf"(?:\d+|[1-9]\d{{0,2}}(?:(?:,|{BLANK})\d{{3}})+|[1-9]\d?(?:,\d{{2}})+,\d{{3}})"
        r"(?:\.\d*)?|\.\d+"
    ),
    ",": rf"(?:\d+|[1-9]\d{{0,2}}(?:(?:\.|{BLANK})\d{{3}})+)(?:,\d*)?|,\d+",
}


def plain_floats(cells: Any) -> NDArray[np.float64] | None:
    """Cells that a computer wrote: digits, point, exponent. ``None`` if one is anything else.

    >>> plain_floats(pa.array(["1.5", "-2e3"])), plain_floats(pa.array(["1.5", "$2"]))
    (array([ 1.5e+00, -2.0e+03]), None)
    """
    try:
        values: NDArray[np.float64] = pc.cast(cells, pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return values


def plain_columns(columns: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Values of the columns of text whose cells are all plain finite numbers, many cast at once.

    Where thousands of columns are short, one call for each of them costs more than their cells. A
    group in which some column is not plain is left out, to be looked at column by column.

    >>> plain_columns({"a": pa.array(["1", "2"]), "b": pa.array(["3", "4.5"])})["b"].tolist()
    [3.0, 4.5]
    """
    names = [name for name, column in columns.items() if is_text(column) and len(column)]
    found: dict[str, NDArray[np.float64]] = {}
    for i in range(0, len(names), TOGETHER):
        group = names[i : i + TOGETHER]
        chunks = [chunk for name in group for chunk in _chunks(columns[name])]
        alike = len({chunk.type for chunk in chunks}) == 1
        values = plain_floats(pa.chunked_array(chunks)) if alike else None
        if values is not None and np.isfinite(values).all():
            found |= dict(zip(group, values.reshape(len(group), -1), strict=True))
    return found


def _chunks(column: Any) -> list[Any]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def undress(levels: Any) -> tuple[Any, Any]:
    """Take currency, percent and accountants' brackets off; also say which sign was there.

    >>> bare, signs = undress(pa.array(["($1,037)", "12 %"]))
    >>> bare.to_pylist(), signs.to_pylist()
    (['-1,037', '12'], ['$', '%'])
    """
    levels = pc.replace_substring(levels, "−", "-")
    levels = pc.replace_substring_regex(levels, "[\u200b\u200e\u200f\u2060\ufeff]", "")
    levels = _western_digits(levels)
    levels = pc.replace_substring_regex(levels, r"^\((.+)\)$", r"-\1")
    bare = pc.replace_substring_regex(levels, rf"^([-+]?) *{SIGN} *", r"\1")
    bare = pc.replace_substring_regex(bare, rf" *{SIGN}$", "")
    bare = pc.replace_substring_regex(bare, r"^(\d.*)-$", r"-\1")  # as SAP writes debts
    sign = pc.struct_field(pc.extract_regex(levels, rf"(?P<sign>{SIGN})"), "sign")
    return bare, pc.fill_null(pc.utf8_upper(sign), "")


def _western_digits(levels: Any) -> Any:
    """Digits of other scripts, full-width ones among them, as 0 to 9."""
    strange = pc.match_substring_regex(levels, r"[^\x00-\x7f]").to_pylist()
    if not any(strange):
        return levels
    words = [
        "".join(str(unicodedata.decimal(c, c)) for c in word) if odd else word
        for word, odd in zip(levels.to_pylist(), strange, strict=True)
    ]
    return pa.array(words, levels.type)


def floats(levels: Any, decimal: str) -> NDArray[np.float64]:
    """Undressed numbers by one decimal mark; NaN where the cell is not such a number.

    >>> floats(pa.array(["1,037", "1.5", "ten"]), ".").tolist()
    [1037.0, 1.5, nan]
    >>> floats(pa.array(["1,037", "1.5", "1.234,5"]), ",").tolist()
    [1.037, nan, 1234.5]
    """
    fits = pc.match_substring_regex(
        levels, rf"^[-+]?(?:(?:{WRITTEN[decimal]}){EXPONENT}|{INFINITE})$"
    )
    marks = BLANK + ("|," if decimal == "." else r"|\.")
    bare = pc.replace_substring(pc.replace_substring_regex(levels, marks, ""), ",", ".")
    bare = pc.replace_substring_regex(bare, "[dD]", "e")  # Fortran's double precision
    kept = pc.if_else(fits, bare, pa.scalar(None, bare.type))
    values: NDArray[np.float64] = pc.cast(kept, pa.float64()).to_numpy(zero_copy_only=False)
    return values
