"""Golden exercises: what Python makes of answers, which the page must repeat without Python.

``python tests/lab_practice_golden.py`` writes ``lab/test/practice.json``: exercises with answers
(right, with each recognised slip, and odd) and their verdicts, probes in the fog, and schedules of
flashcards as PyPI's fsrs makes them.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from downslope.practice import GAMES, KINDS, check, make_item
from downslope.practice.cards import rate_card
from downslope.practice.fog import make_fog

GOLDEN = Path(__file__).parents[1] / "lab" / "test" / "practice.json"
SEEDS = (3, 8)
FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
WAITS = (timedelta(minutes=3), timedelta(days=2, hours=5), timedelta(days=40))


def verdicts() -> list[dict[str, Any]]:
    """Exercises of every kind, each with answers and what they get."""
    found = []
    for kind, seed in product([*KINDS, *GAMES], SEEDS):
        item = make_item(kind, seed)
        odd = tuple("none" if blank.choices else 1e12 for blank in item.blanks)
        answers = [item.solution, *(slip.example for slip in item.slips), odd]
        judged = [{"given": given, **asdict(check(item, given))} for given in answers]
        found.append({"item": asdict(item), "answers": judged})
    return found


def probes() -> list[dict[str, Any]]:
    """Heights and slopes of hidden floors."""
    return [
        {"floor": [[fog.c], *fog.waves], "x": x, "seen": fog.probe(x)}
        for fog in map(make_fog, SEEDS)
        for x in (-9.5, -2.0, 0.0, 3.25, 10.0)
    ]


def schedules() -> list[list[dict[str, Any]]]:
    """Reviews of a card, one after the other, for every row of three grades."""
    found = []
    for grades in product((1, 2, 3, 4), repeat=3):
        now, card, reviews = FIRST, None, []
        for grade, wait in zip(grades, WAITS, strict=True):
            card = rate_card(card, grade, now)
            reviews.append({"grade": grade, "now": now.isoformat(), "card": {**card, "card_id": 0}})
            now += wait
        found.append(reviews)
    return found


def golden() -> dict[str, Any]:
    """All of it, as it comes back from JSON."""
    whole = {"verdicts": verdicts(), "probes": probes(), "schedules": schedules()}
    return dict(json.loads(json.dumps(whole)))


if __name__ == "__main__":
    lines = (f"{json.dumps(name)}: {json.dumps(part)}" for name, part in golden().items())
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{GOLDEN}: {GOLDEN.stat().st_size / 1000:.0f} kB")
