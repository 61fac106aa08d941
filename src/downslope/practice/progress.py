"""A person's progress: answers and card schedules, in one file of their own.

The file is plain JSON, written whole or not at all, and can be copied, exported and removed.
"""

import csv
import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from downslope.errors import StoreError
from downslope.files import write_atomically

VERSION = 1


@dataclass(frozen=True)
class Answer:
    """One answered exercise: when, which, right, the slip, hints taken, probes in the fog."""

    when: str
    kind: str
    seed: int
    right: bool
    slip: str | None
    hints: int
    probes: int = 0


@dataclass(frozen=True)
class Progress:
    """All answers and the schedule of every card seen."""

    answers: tuple[Answer, ...] = ()
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)

    def with_answer(
        self, kind: str, seed: int, right: bool, slip: str | None, hints: int, probes: int = 0
    ) -> "Progress":
        """Progress with one answer more."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        answer = Answer(now, kind, seed, right, slip, hints, probes)
        return replace(self, answers=(*self.answers, answer))

    def with_card(self, name: str, schedule: dict[str, Any]) -> "Progress":
        """Progress with one card rescheduled."""
        return replace(self, cards={**self.cards, name: schedule})

    def score(self) -> dict[str, tuple[int, int]]:
        """Right answers and all answers of each kind."""
        kinds = dict.fromkeys(answer.kind for answer in self.answers)
        return {
            kind: (
                sum(a.right for a in self.answers if a.kind == kind),
                sum(a.kind == kind for a in self.answers),
            )
            for kind in kinds
        }

    def to_table(self) -> dict[str, Any]:
        """The whole as JSON holds it: in the file, and in a page."""
        answers = [asdict(answer) for answer in self.answers]
        return {"version": VERSION, "answers": answers, "cards": self.cards}

    def to_csv(self) -> str:
        """The answers as a table for a teacher."""
        out = StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(Answer.__dataclass_fields__)
        writer.writerows(tuple(asdict(answer).values()) for answer in self.answers)
        return out.getvalue()


def default_path() -> Path:
    """Where progress is kept: ``$XDG_DATA_HOME/downslope`` or ``~/.local/share/downslope``."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "downslope" / "progress.json"


def load(path: Path) -> Progress:
    """Progress kept in a file; empty where there is none.

    Raises
    ------
    StoreError
        If the file is something else.
    """
    if not path.exists():
        return Progress()
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["version"] != VERSION:
            raise StoreError(f"{path} is progress of version {table['version']}, not {VERSION}.")
        answers = tuple(Answer(**answer) for answer in table["answers"])
        return Progress(answers, dict(table["cards"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} is not a progress file ({error}); move it away to begin again."
        ) from None


def save(progress: Progress, path: Path) -> None:
    """Write progress whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(progress.to_table(), indent=1).encode())
