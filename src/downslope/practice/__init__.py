"""The practice room: generated exercises that check themselves, flashcards, and a course order.

>>> from downslope.practice import check, make_item
>>> item = make_item("trace", seed=7)
>>> check(item, item.solution).right
True
"""

from collections.abc import Callable

from downslope.errors import InputError
from downslope.practice.bumps import count_minima
from downslope.practice.curves import which_curve, which_regime
from downslope.practice.item import Item, Verdict, check
from downslope.practice.traces import two_lines, two_steps
from downslope.practice.what_if import what_if

# In the order of the course: predict, see, explain, then the sandbox of the lab.
KINDS: dict[str, Callable[[int], Item]] = {
    "score": two_lines,
    "trace": two_steps,
    "curves": which_curve,
    "regime": which_regime,
    "what_if": what_if,
    "minima": count_minima,
}

__all__ = ["KINDS", "Item", "Verdict", "check", "make_item"]


def make_item(kind: str, seed: int) -> Item:
    """The exercise of that kind and seed.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise InputError(f"There is no exercise {kind!r}; choose one of {', '.join(KINDS)}.")
    return KINDS[kind](seed)
