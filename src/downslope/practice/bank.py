"""Exercises packed for a page: whole, so that it checks alone, or without their answers."""

from dataclasses import asdict
from typing import Any

from downslope.practice import KINDS, TITLES, Item, course, make_item
from downslope.practice.cards import CARDS

ROUNDS = 4
"""Of each kind of exercise in a page that works alone; the fog has one floor more than that."""
SECRET = ("solution", "working", "slips", "reveal")


def course_of(seed: int) -> dict[str, Any]:
    """What a page shows before the first exercise: kinds in their order, and the flashcards."""
    kinds = [{"name": name, "title": TITLES[name]} for name in KINDS]
    return {"seed": seed, "kinds": kinds, "cards": CARDS}


def bank(seed: int = 1, rounds: int = ROUNDS) -> dict[str, Any]:
    """A course with its exercises, answers, recognised slips and explanations.

    Parameters
    ----------
    seed : int, default 1
        The same seed gives the same exercises as the terminal and the sheet.
    rounds : int, default 4
        How often each kind comes.

    Examples
    --------
    >>> packed = bank(7)
    >>> len(packed["items"]), packed["items"][0]["kind"], packed["items"][0]["seed"]
    (32, 'score', 7)
    """
    items = [asdict(course(i, seed)) for i in range(rounds * len(KINDS))]
    fogs = [asdict(make_item("fog", seed + i)) for i in range(rounds + 1)]
    return {**course_of(seed), "items": items, "fogs": fogs}


def question(item: Item) -> dict[str, Any]:
    """An exercise without its answer."""
    return {name: value for name, value in asdict(item).items() if name not in SECRET}
