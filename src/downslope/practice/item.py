"""What an exercise is, and how an answer is checked.

An exercise is data: a question, blanks to fill, the right values, and the wrong values that people
are known to reach, each with the slip behind it. So one bank serves the terminal, the lab and a
printed sheet, and every item can be made again from its kind and seed.
"""

import json
from dataclasses import asdict, dataclass

from downslope.errors import InputError

Value = float | str
Range = tuple[float, float]
ANY: Range = (-1e9, 1e9)
"""Of a slip's values: every answer (the ends are finite, so that they pass through JSON)."""


@dataclass(frozen=True)
class Blank:
    """One thing to answer.

    Attributes
    ----------
    name : str
        What is asked, such as ``w after step 1``.
    decimals : int
        For a number: digits after the point that are asked for.
    choices : tuple of str
        For a choice: the options, of which one is right.
    relative : float
        For a number: also accept this relative error (0: the stated rounding only).
    """

    name: str
    decimals: int = 3
    choices: tuple[str, ...] = ()
    relative: float = 0.0

    def agrees(self, given: Value, right: Value | Range) -> bool:
        """Whether a given value is right to the stated rounding (one unit in the last digit).

        A range takes in what lies between its ends.
        """
        if isinstance(given, str) or isinstance(right, str):
            return given == right
        if isinstance(right, tuple):
            return right[0] <= given <= right[1]
        slack = max(1.001 * 10.0**-self.decimals, self.relative * abs(right))
        return abs(given - right) <= slack

    def read(self, text: str) -> Value:
        """What a person typed, as a number or as one of the choices.

        Raises
        ------
        InputError
            If it is neither, saying what was expected.
        """
        text = text.strip()
        if self.choices:
            return _choice(text, self.choices)
        try:
            return float(text.replace(",", ".").replace("−", "-"))
        except ValueError:
            raise InputError(f"{text!r} is not a number; type something like 1.464.") from None


def _choice(text: str, choices: tuple[str, ...]) -> str:
    """A choice by its letter (a, b, ...), or by a beginning that no other choice shares."""
    letters = {chr(ord("a") + i): choice for i, choice in enumerate(choices)}
    if text.lower() in letters:
        return letters[text.lower()]
    found = [choice for choice in choices if text and choice.lower().startswith(text.lower())]
    if len(found) == 1:
        return found[0]
    options = ", ".join(f"{letter} = {choice}" for letter, choice in letters.items())
    raise InputError(f"{text!r} is not one of the choices: {options}.")


@dataclass(frozen=True)
class Slip:
    """A wrong answer that is recognised: the values it leads to, and what went wrong."""

    name: str
    values: tuple[Value | Range, ...]
    explanation: str

    @property
    def example(self) -> tuple[Value, ...]:
        """An answer with this slip: from a range, its end nearer to zero, a little inside."""
        return tuple(_inside(value) if isinstance(value, tuple) else value for value in self.values)


def _inside(ends: Range) -> float:
    low, high = ends
    if low <= 0.0 <= high:
        return 0.5 * (low + high) if high - low < 10.0 else 0.0
    near, far = (low, high) if low > 0.0 else (high, low)
    return near + min(1.0, 0.5 * abs(far - near)) * (1.0 if far > near else -1.0)


@dataclass(frozen=True)
class Item:
    """One exercise.

    Attributes
    ----------
    kind, seed : str, int
        Make the same item again.
    question : str
        With every number and convention that is needed.
    blanks : tuple of Blank
    solution : tuple
        The right value of each blank.
    working : str
        The whole way to the solution, arithmetic substituted.
    hints : tuple of str
        From gentle to plain, given one at a time.
    slips : tuple of Slip
        Recognised wrong answers.
    curves : tuple of tuple of float
        Curves that belong to the question, for a picture: a value for each step from 0.
    reveal : tuple of tuple of float
        Curves to show with the answer and not before; of two, the first belongs to a rate 5 % below
        the limit and the second to one 5 % above.
    floor : tuple of tuple of float
        Of the fog: centre, then amplitude, wave number and phase of each wave.
    sandbox : str
        Settings of the lab that show this very problem.
    """

    kind: str
    seed: int
    question: str
    blanks: tuple[Blank, ...]
    solution: tuple[Value, ...]
    working: str
    hints: tuple[str, ...]
    slips: tuple[Slip, ...] = ()
    curves: tuple[tuple[float, ...], ...] = ()
    reveal: tuple[tuple[float, ...], ...] = ()
    floor: tuple[tuple[float, ...], ...] = ()
    sandbox: str = ""

    def to_json(self) -> str:
        """The item as JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Verdict:
    """What a checked answer gets: right or not, which slip was recognised, and an explanation."""

    right: bool
    slip: str | None
    explanation: str


def check(item: Item, given: tuple[Value, ...]) -> Verdict:
    """Compare an answer with the solution, and a wrong one with the known slips.

    Parameters
    ----------
    item : Item
        From ``make_item``.
    given : tuple of float or str
        One answer per blank.

    Returns
    -------
    Verdict
        Right or not, the slip if it is a known one, and the way to the answer.

    Examples
    --------
    >>> from downslope.practice import make_item
    >>> item = make_item("trace", seed=1)
    >>> check(item, item.solution).right
    True
    """
    right = [
        blank.agrees(value, true)
        for blank, value, true in zip(item.blanks, given, item.solution, strict=True)
    ]
    if all(right):
        return Verdict(True, None, item.working)
    for slip in item.slips:
        if all(b.agrees(g, v) for b, g, v in zip(item.blanks, given, slip.values, strict=True)):
            return Verdict(False, slip.name, f"{slip.explanation}\n{item.working}")
    wrong = ", ".join(b.name for b, ok in zip(item.blanks, right, strict=True) if not ok)
    return Verdict(False, None, f"Not yet: look again at {wrong}.\n{item.working}")


def show(number: float) -> str:
    """A number as a person writes it: no rounding noise, no trailing zeros."""
    return f"{number:.10g}"


def distinct_slips(
    blanks: tuple[Blank, ...], solution: tuple[Value, ...], slips: tuple[Slip, ...]
) -> tuple[Slip, ...]:
    """Slips that lead somewhere else than the solution and than each other."""
    taken: list[tuple[Value, ...]] = [solution]
    kept = []
    for slip in slips:
        values = slip.example
        same = [
            all(b.agrees(v, t) for b, v, t in zip(blanks, values, other, strict=True))
            for other in taken
        ]
        if not any(same):
            taken.append(values)
            kept.append(slip)
    return tuple(kept)
