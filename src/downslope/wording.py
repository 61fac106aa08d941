"""Numbers and names as people read them: in tables, in sentences, beside axes."""

import math
import re

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """A number as a person would write it: 4 digits, thousands apart, a true minus.

    Examples
    --------
    >>> number(51743975), number(-0.25), number(6.606e-05), number(0.1)
    ('51,743,975', '−0.25', '6.606×10⁻⁵', '0.1')
    """
    text, _, exponent = digits(value).partition("e")
    power = f"×10{str(int(exponent)).translate(SUPERSCRIPTS)}" if exponent else ""
    return {"inf": "∞", "-inf": "−∞", "nan": "not a number"}.get(text) or (
        text.replace("-", "−") + power
    )


def digits(value: float) -> str:
    """The same in plain letters, so that it can be typed back in.

    Examples
    --------
    >>> digits(51743975), digits(-0.25), digits(6.606e-05), digits(12345.6), digits(1234.5)
    ('51,743,975', '-0.25', '6.606e-05', '12,346', '1,234.5')
    """
    if not 1000 <= abs(value) < 1e9:
        return f"{value:.4g}"
    return f"{value:,.0f}" if abs(value) >= 1e4 or value == round(value) else f"{value:,.1f}"


def tick(value: float) -> str:
    """A number on an axis, where there is no room for long ones.

    Examples
    --------
    >>> tick(400_000_000), tick(20_000)
    ('4×10⁸', '20,000')
    """
    if not 1e6 <= abs(value) < 1e9:
        return re.sub("^(−?)1×", r"\1", number(value))
    power = math.floor(math.log10(abs(value)))
    text = f"{number(value / 10.0**power)}×10{str(power).translate(SUPERSCRIPTS)}"
    return re.sub("^(−?)1×", r"\1", text)


def duration(seconds: float) -> str:
    """A time as a person would say it.

    Examples
    --------
    >>> duration(0.0042), duration(2.34), duration(200), duration(9000)
    ('4 ms', '2.3 s', '3 min 20 s', '2 h 30 min')
    """
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def score_number(value: float) -> str:
    """A score: shares to three digits, sizes as they are.

    Examples
    --------
    >>> score_number(0.79328), score_number(2326.7), score_number(float("nan"))
    ('0.793', '2,326.7', 'not defined')
    """
    if math.isnan(value):
        return "not defined"
    if 0.01 <= abs(value) < 10:
        return f"{value:.3f}".replace("-", "−")
    return number(value)


def one_line(text: object, width: int = 30) -> str:
    """A user's text on one line, short, without signs that steer a terminal or break a page.

    Examples
    --------
    >>> one_line("a\\nb\\x1b[31m"), one_line("x" * 9, 5), one_line("  ")
    ('a b [31m', 'xxxx…', '(blank)')
    """
    # A long text is cut before it is looked at: cells of 2 MB exist.
    shown = "".join(c if c.isprintable() else " " for c in str(text)[: 4 * width + 100])
    shown = re.sub(r"\s+", " ", shown).strip() or "(blank)"
    return shown if len(shown) <= width else shown[: width - 1] + "…"
