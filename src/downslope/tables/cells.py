"""One column of cells -> numbers or words: how the cells are spelled, and what they say.

``spell`` looks at a whole column and decides how it is written; ``read`` turns cells into values by
a spelling decided before, so that rows met at prediction are read as the training rows were.

================ =======================================================================
kind             values
================ =======================================================================
number           float64, NaN where missing; decimal commas, thousands, currency, percent
boolean          1.0 and 0.0 from yes/no, true/false, y/n, t/f, on/off
date             days since 1970-01-01, time of day as a fraction
words            whole-number codes and their levels: categories, text and identifiers
empty, nested    nothing that can be used
================ =======================================================================
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from downslope.errors import TableError
from downslope.tables.dates import BOTH_WAYS, ORDERS, days
from downslope.tables.numerals import floats, plain_floats, undress
from downslope.tables.words import MISSING, Where, Words, as_words, glimpse, is_text

Numbers = NDArray[np.float64]

# Missing only in a column of numbers.
MISSING_AMONG_NUMBERS = (
    *("-", "--", "---", ".", "..", "...", "(null)", "nil", "undefined", "missing", "unknown"),
    *("#div/0!", "#value!", "#ref!", "#num!", "#name?", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
)
TRUE = ("true", "yes", "y", "t", "on")
FALSE = ("false", "no", "n", "f", "off")
NUMERIC = ("number", "boolean", "date")
EXACT = 2.0**53  # whole numbers beyond it do not all have a float64 of their own
ROUNDED = "whole numbers beyond 2^53, which a float64 rounds"


@dataclass(frozen=True)
class Habits:
    """How cells are written in a table, where the caller knows; ``None`` means find out."""

    decimal: str | None = None
    day_first: bool | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spelling:
    """How the cells of one column are written.

    ``decimal`` is "" where every cell reads as a number either way (``1,037``); ``sign`` is the
    currency or percent sign taken off; ``order`` a key of ``dates.ORDERS``; ``missing`` what is
    missing besides ``MISSING``; ``remark`` says the reading in words.
    """

    kind: str
    decimal: str = "."
    sign: str = ""
    order: str = "year month day"
    missing: tuple[str, ...] = ()
    remark: str = ""


# --- deciding ----------------------------------------------------------------------------------


def spell(
    column: Any,
    habits: Habits,
    where: Where,
    kind: str | None = None,
    plain: Numbers | None = None,
) -> Spelling:
    """How a column is written; with ``kind``, how it is written given that it is of that kind.

    ``plain``: its values by ``numerals.plain_columns``, where they are known.

    Raises
    ------
    TableError
        If the cells leave a doubt: dates that read both ways, one word among numbers.
    """
    missing = tuple(word.strip().lower() for word in habits.missing)
    if kind == "words":
        return Spelling("words", missing=missing)
    if not is_text(column):
        return _spell_typed(column, missing, kind)
    if plain is None and habits.decimal != ",":
        plain = _plain(column, missing)
    if habits.decimal != "," and plain is not None and kind != "date":
        codes = _are_codes(column, plain) if kind is None else ""
        if codes:
            return Spelling("words", missing=missing, remark=codes)
        return Spelling(kind or "number", missing=missing, remark=_rounded(column, plain))
    words = as_words(column, missing)
    if len(words.levels) == 0:
        return Spelling("empty", missing=missing)
    decisions = {"boolean": _booleans, "number": _numbers, "date": _dates}
    for decide in [decisions[kind]] if kind else decisions.values():
        found = decide(words, habits, where)
        if found is not None:
            return replace(found, missing=missing)
    if kind is not None:
        raise TableError(
            f"{where.cell(0)}: the cells were to be read as {kind}, but such as "
            f"{glimpse(words.names()[0])} are not; leave the kind out or say another."
        )
    return Spelling("words", missing=missing, remark=_like_amounts(words))


def _like_amounts(words: Words) -> str:
    """A remark where words look like amounts in a spelling that is not known: "5 kg", "7‰"."""
    alike = pc.match_substring_regex(words.levels, r"^[-+]?\d[\d.,]*\s?[^\d\s.,:/-]{1,4}$")
    if len(words.levels) < 3 or not bool(pc.all(alike).as_py()):
        return ""
    first = glimpse(words.names()[0])
    return f"such as {first}: words, not amounts; write plain numbers if they are amounts"


def _spell_typed(column: Any, missing: tuple[str, ...], kind: str | None) -> Spelling:
    """The type that the file gave is the kind, unless the caller says another."""
    remark = ""
    if pa.types.is_integer(column.type) and len(column):
        ends = pc.min_max(column).as_py()
        largest = max(abs(ends["min"] or 0), abs(ends["max"] or 0))
        remark = ROUNDED if largest > EXACT else ""
    return Spelling(kind or _kind_of(column), missing=missing, remark=remark)


def _kind_of(column: Any) -> str:
    """What a column is by the type its file gave it."""
    kind, types = column.type, pa.types
    if types.is_dictionary(kind) or is_text(column):
        return "words"
    if types.is_boolean(kind):
        return "boolean"
    if types.is_timestamp(kind) or types.is_date(kind):
        return "date"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_duration(kind) or types.is_time(kind):
        return "number"
    return "empty" if types.is_null(kind) else "nested"


def _plain(column: Any, missing: tuple[str, ...]) -> NDArray[np.float64] | None:
    """Numbers of a column where every cell is plain or missing."""
    if missing:
        return None
    values = plain_floats(column)
    if values is None:
        written = [v for word in MISSING for v in {word, word.upper(), word.capitalize(), "NaN"}]
        blank = pc.is_in(column, pa.array(written, column.type))
        values = plain_floats(pc.if_else(blank, pa.scalar(None, column.type), column))
    return None if values is None or np.isnan(values).all() else values


def _are_codes(column: Any, values: Numbers) -> str:
    """Why whole numbers are names, if they are: leading zeros, or more digits than float64 has."""
    known = values[~np.isnan(values)]
    if not (known == np.floor(known)).all():
        return ""
    led = pc.sum(pc.match_substring_regex(column, r"^0\d+$")).as_py() or 0
    if led >= 0.05 * len(known):
        return "leading zeros: codes, not numbers"
    rounded = _rounded(column, known)
    one_each = rounded and len(column) >= 10 and pc.count_distinct(column).as_py() == len(column)
    return rounded if one_each else ""


def _rounded(column: Any, values: Numbers) -> str:
    """A remark where whole numbers lose their last digits."""
    if np.fmax.reduce(np.abs(values)) < EXACT:
        return ""
    return ROUNDED if _any(column, r"^\s*[-+]?\d{16,}\s*$") else ""


def _booleans(words: Words, habits: Habits, where: Where) -> Spelling | None:
    names = words.names() if len(words.levels) <= len(TRUE) * 8 else []
    yes = [name for name in names if name.lower() in TRUE]
    no = [name for name in names if name.lower() in FALSE]
    if not yes or not no or len(yes) + len(no) < len(names):
        return None
    return Spelling("boolean", remark=f"{', '.join(yes)} = 1; {', '.join(no)} = 0")


def _numbers(words: Words, habits: Habits, where: Where) -> Spelling | None:
    """Numbers if every cell is one by the same decimal mark, or if only a few cells are not."""
    bare, signs = undress(words.levels)
    blank = _blanks(bare)
    fits = {mark: ~np.isnan(floats(bare, mark)) for mark in ".,"}
    full = [mark for mark in ".," if (fits[mark] | blank).all()]
    best = full[0] if full else max(".,", key=lambda mark: fits[mark].sum())
    if not full:
        if not _few(words, ~fits[best] & ~blank, fits[best]):
            return None
        _refuse(words, ~fits[best] & ~blank, where, "number")
    if not fits[best].any():
        return None
    undecided = len(full) == 2 and _any(bare, "[.,]")
    if undecided and habits.decimal:
        best = habits.decimal
    sign = _one_sign(words, signs, fits[best], where)
    remarks = [
        "thousands separators taken out" * (best == "." and _any(bare, "\\d[,  '’]\\d")),
        "decimal commas" * (best == "," and _any(bare, ",")),
        f"{sign} taken off" * (sign not in ("", "%")),
        "percent: 12% is 0.12" * (sign == "%"),
    ]
    return Spelling(
        "number",
        decimal="" if undecided and not habits.decimal else best,
        sign=sign,
        remark="; ".join(remark for remark in remarks if remark),
    )


def _blanks(bare: Any) -> NDArray[np.bool_]:
    """Undressed cells that say nothing, such as "-" and, among accountants, "$ -"."""
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(bare))
    return np.asarray(pc.is_in(lower, pa.array(MISSING_AMONG_NUMBERS, lower.type)))


def _any(levels: Any, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(levels, pattern)).as_py())


def _few(words: Words, bad: NDArray[np.bool_], good: NDArray[np.bool_]) -> bool:
    """Whether the cells that do not fit are mistakes in a column, not a part of its nature.

    Up to a tenth of the cells, or up to three words (however often), among more than ten different
    numbers: "Total", "n.k."; but not the tickets "A/5 21171" among plain ticket numbers, and not
    "3+" after 0, 1, 2.
    """
    counts = words.counts()
    return bool(good.sum() > 10 and (counts[bad].sum() <= 0.1 * counts.sum() or bad.sum() <= 3))


def _refuse(words: Words, bad: NDArray[np.bool_], where: Where, kind: str) -> None:
    """The sentence for a cell that does not fit its column."""
    row = int(np.argmax(np.append(bad, False)[words.codes]))
    word = words.levels[words.codes[row]].as_py()
    count = int(words.counts()[bad].sum())
    also = f" ({count} such cells)" if count > 1 else ""
    raise TableError(
        f"{where.cell(row)}: {glimpse(word)} is not a {kind} as other cells of the column "
        f"are{also}; mend it, or pass --missing {glimpse(word)} (missing=[...]) to read it as "
        f"missing, or --kind {where.column}=category (kinds={{...}}) to take the column as words."
    )


def _one_sign(words: Words, signs: Any, fits: NDArray[np.bool_], where: Where) -> str:
    """The one currency or percent sign of a column; two are two units."""
    found: list[str] = pc.unique(signs.filter(pa.array(fits))).to_pylist()
    if len(found) > 1 and ("%" in found or len(set(found) - {""}) > 1):
        other = np.append(np.asarray(pc.equal(signs, found[1])), False)
        row = int(np.argmax(other[words.codes]))
        raise TableError(
            f"{where.cell(row)}: {glimpse(words.levels[words.codes[row]].as_py())} has another "
            f"unit than the cells above it ({' and '.join(sign or 'none' for sign in found)}); "
            f"write the column in one unit, or pass --drop {where.column}."
        )
    return max(found, default="")


def _dates(words: Words, habits: Habits, where: Where) -> Spelling | None:
    """Dates if every cell is one in the same order of day, month and year."""
    fits = {order: ~np.isnan(days(words.levels, order)) for order in ORDERS}
    full = [order for order in ORDERS if fits[order].all()]
    if len(full) == 2:
        full = full[:1] if _day_first(words, habits, where) else full[1:]
    if not full:
        order = max(ORDERS, key=lambda order: fits[order].sum())
        mixed = order in BOTH_WAYS and (fits[BOTH_WAYS[0]] | fits[BOTH_WAYS[1]]).all()
        if mixed or _few(words, ~fits[order], fits[order]):
            _refuse(words, ~fits[order], where, f"date written {order}")
        return None
    remark = f"dates written {full[0]}"
    if full[0] in BOTH_WAYS and _any(words.levels, r"[-/.]\d{2}( |T|,|$)"):
        remark += ", years 69 to 68 meaning 1969 to 2068"
    return Spelling("date", order=full[0], remark=remark)


def _day_first(words: Words, habits: Habits, where: Where) -> bool:
    """Whether the day stands before the month in dates that read both ways."""
    if habits.day_first is not None:
        return habits.day_first
    one, other = (days(words.levels, order) for order in BOTH_WAYS)
    # Nobody writes month.day.year with points; and 01/01 and 02/02 are the same both ways.
    if not _any(words.levels, r"^\d+[-/]") or np.array_equal(one, other):
        return True
    raise TableError(
        f"{where.cell(int(np.argmax(words.codes >= 0)))}: {glimpse(words.levels[0].as_py())} and "
        "every other cell read as day/month and as month/day; pass --day-first or --month-first "
        "(day_first=True or False)."
    )


# --- reading -----------------------------------------------------------------------------------


def read(column: Any, spelling: Spelling, where: Where) -> Numbers | Words:
    """The values of a column that is written as ``spelling`` says.

    Raises
    ------
    TableError
        If a cell is of another kind, or is infinite; the sentence names it.
    """
    numeric = spelling.kind in NUMERIC
    if isinstance(column, np.ndarray if numeric else Words):
        return column
    if isinstance(column, Words):  # read before, as another kind
        column = column.cells()
    elif isinstance(column, np.ndarray):
        column = pa.array(column, from_pandas=True)
    if spelling.kind in ("words", "empty"):
        if _kind_of(column) == "nested":
            raise _of_another_type(column, "words", where)
        return as_words(column, spelling.missing)
    if spelling.kind == "nested":
        return Words(np.full(len(column), -1), pa.array([], pa.large_string()))
    values = _text_values if is_text(column) else _typed_values
    numbers = values(column, spelling, where)
    infinite = np.isinf(numbers)
    if infinite.any():
        infinite = np.flatnonzero(infinite)
        first = int(infinite[0])
        more = f" ({len(infinite)} such cells)" if len(infinite) > 1 else ""
        raise TableError(
            f"{where.cell(first)}: {glimpse(str(column[first]))} is no number to learn from"
            f"{more}; mend it, or pass --missing inf --missing=-inf (missing=['inf', '-inf']) to "
            "read such cells as missing."
        )
    return numbers


def _text_values(column: Any, spelling: Spelling, where: Where) -> Numbers:
    """Cells of text by their spelling."""
    if spelling.kind == "number" and spelling.decimal == "." and not spelling.sign:
        plain = _plain(column, spelling.missing)
        if plain is not None:
            return plain
    among = MISSING_AMONG_NUMBERS if spelling.kind == "number" else ()
    words = as_words(column, (*spelling.missing, *among))
    if spelling.kind == "boolean":
        lower = [name.lower() for name in words.names()]
        levels = np.array(
            [1.0 if w in (*TRUE, "1") else 0.0 if w in (*FALSE, "0") else np.nan for w in lower]
        )
    elif spelling.kind == "date":
        levels = days(words.levels, spelling.order)
    else:
        bare, _ = undress(words.levels)
        levels = floats(bare, spelling.decimal or ".") / (100.0 if spelling.sign == "%" else 1.0)
    unread = np.isnan(levels)
    if spelling.kind == "number" and unread.any():
        unread &= ~_blanks(bare)
    if unread.any():
        _refuse(words, unread, where, spelling.kind)
    return np.append(levels, np.nan)[words.codes]


def _typed_values(column: Any, spelling: Spelling, where: Where) -> Numbers:
    """Cells that carry their type: Parquet, Arrow, data frames."""
    kind, given = column.type, _kind_of(column)
    if given == "empty":
        return np.full(len(column), np.nan)
    if given == "words":
        return _text_values(pc.cast(column, pa.large_string()), spelling, where)
    if given != spelling.kind and {given, spelling.kind} != {"number", "boolean"}:
        raise _of_another_type(column, f"{spelling.kind}s", where)
    if given == "date":
        micros = pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.int64())
        since: Numbers = micros.to_numpy(zero_copy_only=False) / 86_400e6
        return since
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        column = pc.cast(column, pa.int64() if kind.bit_width == 64 else pa.int32())
    if kind != pa.float64():
        column = pc.cast(column, pa.float64(), safe=False)
    values: Numbers = column.to_numpy(zero_copy_only=False)
    if spelling.missing:
        values = values.copy()  # what Arrow hands over may not be written to
    for word in spelling.missing:
        number = plain_floats(pa.array([word]))
        if number is not None:
            values[values == number[0]] = np.nan
    return values


def _of_another_type(column: Any, wanted: str, where: Where) -> TableError:
    return TableError(
        f"{where.table}, column {glimpse(where.column)}: holds {column.type}, where {wanted} are "
        "wanted; convert the column first."
    )
