"""Dates as people write them -> days since 1970-01-01, checked against the calendar."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Integers = NDArray[np.int64]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
TIME = (
    r"(?:[T ,]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}(?:\.\d+)?))?"
    r" ?(?P<half>[AaPp][Mm])? ?(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?)?$"
)
DAY, YEAR = r"(?P<d>\d{1,2})", r"(?P<y>\d{4}|\d{2})"
MONTH = rf"(?P<m>(?i:{'|'.join(MONTHS)}))[A-Za-z]*\.?"
ORDERS = {
    "year month day": rf"^(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.]{DAY}{TIME}",
    "day month year": rf"^{DAY}[-/.](?P<m>\d{{1,2}})[-/.]{YEAR}{TIME}",
    "month day year": rf"^(?P<m>\d{{1,2}})[-/.]{DAY}[-/.]{YEAR}{TIME}",
    "day month-name year": rf"^{DAY}[- ]{MONTH}[- ,]+{YEAR}{TIME}",
    "month-name day year": rf"^{MONTH} {DAY},? {YEAR}{TIME}",
}

BOTH_WAYS = ("day month year", "month day year")  # 05/04/2024


def days(levels: Any, order: str) -> NDArray[np.float64]:
    """Days since 1970-01-01 (UTC where a zone is given); NaN where there is no such date.

    Years of two digits are read as POSIX reads them: 69 to 99 are 19xx, 00 to 68 are 20xx.

    >>> days(pa.array(["27/02/2024", "30/02/2024", "02/01/70 06:00"]), "day month year").tolist()
    [19780.0, nan, 1.25]
    """
    parts = pc.extract_regex(levels, ORDERS[order])
    if parts.null_count == len(parts):
        return np.full(len(parts), np.nan)
    found = {field.name: pc.struct_field(parts, field.name) for field in parts.type}
    year, day = _whole(found["y"]), _whole(found["d"])
    short = np.asarray(pc.fill_null(pc.equal(pc.utf8_length(found["y"]), 2), False))
    year = year + np.where(short, np.where(year < 69, 2000, 1900), 0)
    month = _month(found["m"]) if "name" in order else _whole(found["m"])
    clock = _clock(found)
    possible = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1)
    first = (np.where(possible, (year - 1970) * 12 + month - 1, 0)).astype("M8[M]")
    date = first.astype("M8[D]") + np.where(possible, day - 1, 0)
    possible &= (date.astype("M8[M]") == first) & np.isfinite(clock)
    return np.where(possible, date.astype(np.int64) + np.nan_to_num(clock), np.nan)


def _whole(text: Any) -> Integers:
    """Digits as whole numbers, -1 where there are none."""
    some = pc.if_else(pc.not_equal(text, ""), text, pa.scalar(None, text.type))
    values: Integers = pc.fill_null(pc.cast(some, pa.int64()), -1).to_numpy(zero_copy_only=False)
    return values


def _month(text: Any) -> Integers:
    place = pc.index_in(pc.utf8_lower(text), pa.array(MONTHS, text.type))
    values: Integers = pc.fill_null(pc.cast(place, pa.int64()), -2).to_numpy(zero_copy_only=False)
    return values + 1


def _clock(found: dict[str, Any]) -> NDArray[np.float64]:
    """Time of day as a fraction of it, 0 where none is given, NaN where no clock shows it."""
    hour, minute = _whole(found["H"]), np.maximum(_whole(found["M"]), 0)
    text = found["S"]
    some = pc.if_else(pc.not_equal(text, ""), text, pa.scalar("0", text.type))
    second = pc.fill_null(pc.cast(some, pa.float64()), 0.0).to_numpy(zero_copy_only=False)
    half = pc.utf8_lower(found["half"])
    morning, evening = (
        np.asarray(pc.fill_null(pc.equal(half, name), False)) for name in ("am", "pm")
    )
    shown = (hour <= 23) & (minute <= 59) & (second < 61)
    shown &= ~((morning | evening) & ((hour < 1) | (hour > 12)))
    hour = np.where(morning | evening, hour % 12 + 12 * evening, np.maximum(hour, 0))
    return np.where(shown, (hour * 60 + minute + second / 60 - _zone(found["zone"])) / 1440, np.nan)


def _zone(text: Any) -> NDArray[np.float64]:
    """Minutes ahead of UTC."""
    parts = pc.extract_regex(text, r"^(?P<sign>[+-])(?P<h>\d{2}):?(?P<m>\d{2})$")
    sign, h, m = (pc.struct_field(parts, name) for name in ("sign", "h", "m"))
    minutes = 60 * np.maximum(_whole(h), 0) + np.maximum(_whole(m), 0)
    behind = np.asarray(pc.fill_null(pc.equal(sign, "-"), False))
    ahead: NDArray[np.float64] = np.where(behind, -1.0, 1.0) * minutes
    return ahead
