"""Numbers out of text: lines of plain decimal cells, read several times faster than by a library.

Every number is the float64 nearest to what is written. Up to 2^53 the digits are a float64, and so
is a power of ten up to 10^22, so that one division rounds once (Clinger 1990); up to 19 digits the
quotient is worked out with twice the digits. Whatever else a cell may hold is left to others.
"""

from typing import Any

import numpy as np
from numba import njit

from downslope.kernels.double_double import two_product
from downslope.kernels.machine_code import STRICT

Array = Any
MINUS, PLUS, POINT, ZERO, EXPONENT = ord("-"), ord("+"), ord("."), ord("0"), ord("e")
RETURN, NEWLINE = ord("\r"), ord("\n")
MOST_DIGITS = 19
"""Digits that always fit into 64 bits."""
MOST_TENS = 22
"""Powers of ten that are exact in float64."""
EXACT = np.uint64(2**53)
NARROW = 2.0**-45
"""Relative error, and more, of the second half of a quotient."""


@njit(**STRICT)
def count_lines(text: Array, at: int) -> int:
    """Ends of lines in ``text[at:]``."""
    n_lines = 0
    for i in range(at, len(text)):
        n_lines += text[i] == NEWLINE
    return n_lines


@njit(**STRICT)
def parse_lines(
    text: Array, at: int, last: int, separator: int, place: Array, out: Array
) -> tuple[int, bool]:
    """Read lines of plain numbers into columns.

    Parameters
    ----------
    text : array of uint8
        ``text[last - 1]`` is the end of a line.
    at, last : int
        Where to begin and to stop.
    separator : int
        Between cells.
    place : array of int64
        For each cell of a line the row of ``out`` that it goes to; -1 for none.
    out : array of float64, shape (n_columns, at least the number of lines)
        An empty cell is NaN.

    Returns
    -------
    n_lines : int
    plain : bool
        False where a cell is anything but digits, a point, a sign and an exponent.
    """
    tens = 10.0 ** np.arange(MOST_TENS + 1)
    n_cells, n_lines = len(place), 0
    while at < last:
        for c in range(n_cells):
            byte = text[at]
            negative = byte == MINUS
            if negative:
                at += 1
                byte = text[at]
            whole, begun = np.uint64(0), at
            while np.uint8(byte - ZERO) < 10:
                whole = whole * np.uint64(10) + np.uint64(byte - ZERO)
                at += 1
                byte = text[at]
            n_digits, down = at - begun, 0
            if byte == POINT:
                at += 1
                byte, begun = text[at], at
                while np.uint8(byte - ZERO) < 10:
                    whole = whole * np.uint64(10) + np.uint64(byte - ZERO)
                    at += 1
                    byte = text[at]
                down = at - begun
                n_digits += down
            if n_digits and byte | 32 == EXPONENT:
                at, tens_up = _exponent(text, at + 1)
                byte = text[at]
                down -= tens_up
            if byte == RETURN and c == n_cells - 1:
                at += 1
                byte = text[at]
            if byte != (separator if c < n_cells - 1 else NEWLINE):
                return n_lines, False
            if n_digits == 0:
                if negative or down or n_cells == 1 or text[at - 1] == POINT:
                    return n_lines, False
                value = np.nan
            elif n_digits > MOST_DIGITS or abs(down) > MOST_TENS:
                return n_lines, False
            elif whole <= EXACT:
                value = whole / tens[down] if down >= 0 else whole * tens[-down]
            else:
                value = _nearest(whole, tens[down]) if down >= 0 else np.nan
                if np.isnan(value):
                    return n_lines, False
            if place[c] >= 0:
                out[place[c], n_lines] = -value if negative else value
            at += 1
        n_lines += 1
    return n_lines, True


@njit(**STRICT)
def _exponent(text: Array, at: int) -> tuple[int, int]:
    """Where an exponent ends, and its value; one that cannot be used is beyond ``MOST_TENS``."""
    byte = text[at]
    negative = byte == MINUS
    if negative or byte == PLUS:
        at += 1
        byte = text[at]
    value, begun = 0, at
    while np.uint8(byte - ZERO) < 10:
        value = min(value * 10 + int(byte - ZERO), 1000)
        at += 1
        byte = text[at]
    if at == begun:
        value = 1000
    return at, -value if negative else value


@njit(**STRICT)
def _nearest(whole: int, tens: float) -> float:
    """The float64 nearest to ``whole / tens``; NaN where two are too nearly as near to tell."""
    high = np.float64(whole)
    if tens == 1.0:
        return high
    low = np.float64(np.int64(whole - np.uint64(high)))
    quotient = high / tens
    product, error = two_product(quotient, tens)
    rest = (((high - product) - error) + low) / tens
    least = quotient + rest * (1.0 - NARROW)
    return least if least == quotient + rest * (1.0 + NARROW) else np.nan
