"""Numbers as they stand in written arithmetic, and whether an equals sign between them is true.

Numbers are shown with all their digits where they have at most nine, else rounded to six, or to
the unit above a million. A result follows ``=`` where the arithmetic *as shown* gives exactly that,
and ``≈`` where anything was rounded, so that a reader with paper and pencil never gets a different
number after an equals sign.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

ALL_DIGITS = 9
ROUNDED_DIGITS = 6
NOT_NUMBERS = ("inf", "-inf", "nan")


def shown(value: float) -> str:
    """A number as it is shown: all digits up to nine, else six or the unit, to the nearest.

    The noise of binary fractions, past the twelfth digit, is not shown.

    Examples
    --------
    >>> shown(0.1 + 0.2), shown(2.359296), shown(1 / 7), shown(51743975.4), shown(-6.606e-05)
    ('0.3', '2.359296', '0.142857', '51743975.4', '-0.00006606')
    """
    if not math.isfinite(value):
        return str(value)
    if value == 0.0:
        return "0"
    text = f"{value:.12g}"
    digits = text.partition("e")[0].lstrip("-0.").replace(".", "")
    if len(digits) > ALL_DIGITS:
        text = f"{value:.{ROUNDED_DIGITS}g}" if abs(value) < 1e6 else f"{value:.0f}"
    return f"{Decimal(text):f}" if 1e-6 <= abs(value) < 1e15 else text


def operand(text: str) -> str:
    """A shown number as it stands behind an operator: a negative one in parentheses."""
    return f"({text})" if text.startswith("-") else text


def exact(text: str) -> Fraction | None:
    """The number that is shown; None for inf and nan."""
    return None if text in NOT_NUMBERS else Fraction(text)


def arithmetic(formula: Callable[..., Fraction], *texts: str) -> Fraction | None:
    """A formula of shown numbers, exactly; None where one of them is inf or nan."""
    numbers = [exact(text) for text in texts]
    return None if None in numbers else formula(*numbers)


def equals(result: str, value: Fraction | None) -> str:
    """``= result`` if the arithmetic as shown gives exactly that, else ``≈ result``.

    Examples
    --------
    >>> equals("0.6", Fraction(0) - Fraction("0.1") * Fraction(-6))
    '= 0.6'
    >>> equals("0.333333", Fraction(1, 3))
    '≈ 0.333333'
    """
    same = value is not None and exact(result) == value
    return f"{'=' if same else '≈'} {result}"


def moved(before: str, rate: str, direction: str, after: str) -> str:
    """One update written out.

    Examples
    --------
    >>> moved("0", "0.1", "-6", "0.6")
    '0 - 0.1 * (-6) = 0.6'
    """
    there = arithmetic(lambda w, length, slope: w - length * slope, before, rate, direction)
    return f"{before} - {rate} * {operand(direction)} {equals(after, there)}"


def settled(value: float, scale: float) -> float:
    """A number found by iteration: 0 where it is no more than what iteration leaves of it."""
    return 0.0 if abs(value) <= 1e-9 * scale else value


def about(value: float) -> str:
    """A number for orientation, rounded to four digits.

    Examples
    --------
    >>> about(48335.1954), about(2.0000001)
    ('48340', '2')
    """
    return shown(float(f"{value:.4g}"))
