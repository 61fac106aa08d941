"""The practice room behind the lab's page: exercises out, answers in, progress kept.

Progress is the file that ``downslope practice`` keeps, so terminal and page go on from each other.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from downslope.errors import InputError
from downslope.practice import Item, check, make_item
from downslope.practice.bank import bank, course_of, question
from downslope.practice.cards import CARDS, rate_card
from downslope.practice.progress import Progress, default_path, load, save

LARGEST_SEED = 2**53 - 1
"""A page's largest whole number."""
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Tutor:
    """Answers what the Practice scene asks.

    Parameters
    ----------
    path : Path
        The person's progress file.
    seed : int
        Of the course where the page names none.
    """

    path: Path = field(default_factory=default_path)
    seed: int = 1
    turn: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, what: str) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        """What answers a request of that name; None where there is none."""
        known = {
            "course": self.course,
            "item": self.item,
            "answer": self.answer,
            "card": self.card,
            "bank": self.bank,
        }
        return known.get(what)

    def course(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Kinds, cards and the progress so far."""
        with self.turn:
            return {**course_of(self._seed(asked)), "progress": load(self.path).to_table()}

    def item(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One exercise, without its answer."""
        return question(_item(asked))

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The verdict on an answer (null: shown without one), which is kept."""
        item, given = _item(asked), asked.get("given")
        hints, probes = (_whole(asked, name, MOST_COUNTED) for name in ("hints", "probes"))
        if given is None:
            right, slip, said = False, "skipped", item.working
        else:
            verdict = check(item, _values(item, given))
            right, slip, said = verdict.right, verdict.slip or "", verdict.explanation
        kept = self._keep(
            lambda old: old.with_answer(item.kind, item.seed, right, slip or None, hints, probes)
        )
        return {
            "right": right,
            "slip": slip,
            "explanation": said,
            "solution": item.solution,
            "reveal": item.reveal,
            "progress": kept.to_table(),
        }

    def card(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A flashcard's next day, from how well it was known."""
        name, grade = asked.get("name"), asked.get("grade")
        if not isinstance(name, str) or name not in CARDS:
            raise InputError(f"There is no card {name!r}.")
        if isinstance(grade, bool) or grade not in (1, 2, 3, 4):
            raise InputError(f"grade={grade!r} must be 1 (again), 2 (hard), 3 (good) or 4 (easy).")
        kept = self._keep(
            lambda old: old.with_card(name, rate_card(old.cards.get(name), int(grade)))
        )
        return {"progress": kept.to_table()}

    def bank(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A whole course, for a page in one file."""
        return bank(self._seed(asked))

    def _seed(self, asked: dict[str, Any]) -> int:
        return self.seed if asked.get("seed") is None else _whole(asked, "seed", LARGEST_SEED)

    def _keep(self, change: Callable[[Progress], Progress]) -> Progress:
        """Progress after a change, on the disk; one request at a time."""
        with self.turn:
            kept = change(load(self.path))
            save(kept, self.path)
        return kept


def _whole(asked: dict[str, Any], name: str, most: int) -> int:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise InputError(f"{name}={value!r} must be a whole number from 0 to {most}.")
    return value


def _item(asked: dict[str, Any]) -> Item:
    kind = asked.get("kind")
    if not isinstance(kind, str):
        raise InputError(f"kind={kind!r} must be the name of an exercise.")
    return make_item(kind, _whole(asked, "seed", LARGEST_SEED))


def _values(item: Item, given: Any) -> tuple[float | str, ...]:
    """An answer, blank by blank.

    Raises
    ------
    InputError
        If it does not fit the blanks.
    """
    if not isinstance(given, list) or len(given) != len(item.blanks):
        raise InputError(f"given must be a list of {len(item.blanks)} values, one for each blank.")
    for blank, value in zip(item.blanks, given, strict=True):
        if blank.choices:
            fits = value in blank.choices
        else:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            fits = number and math.isfinite(value)
        if not fits:
            wanted = f"one of {', '.join(blank.choices)}" if blank.choices else "a finite number"
            raise InputError(f"{blank.name}: {str(value)[:40]!r} is not {wanted}.")
    return tuple(given)
