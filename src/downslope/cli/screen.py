"""What a person sees in a terminal: sentences, tables, a live line while a run goes on.

Nothing of the user's is ever taken for markup, and no control sign in a name reaches the terminal.
"""

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from downslope.stopping import Reason, Sight
from downslope.wording import digits, duration, one_line

WIDEST = 100


class Screen:
    """Where a command writes.

    Parameters
    ----------
    quiet : bool
        Say nothing but errors.
    as_json : bool
        Say nothing but one JSON object at the end.
    """

    def __init__(self, quiet: bool = False, as_json: bool = False) -> None:
        self.silent, self.as_json = quiet or as_json, as_json
        self.console = Console(markup=False, highlight=False, emoji=False)
        if not self.console.is_terminal:
            self.console.width = WIDEST

    def say(self, text: str = "", style: str = "") -> None:
        """One paragraph."""
        if not self.silent:
            # What is piped is searched and compared: there a sentence is one line.
            self._print(Text(clean(text), style=style), soft_wrap=not self.console.is_terminal)

    def _print(self, shown: Any, **options: Any) -> None:
        """Print; where the reader has gone away (`| head`), go on in silence and keep the files."""
        try:
            self.console.print(shown, **options)
        except SystemExit:  # what rich makes of a broken pipe
            self.silent = True

    def head(self, text: str) -> None:
        """A heading after a blank line."""
        self.say()
        self.say(text, "bold")

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        left: int = 1,
        styles: Sequence[str] = (),
    ) -> None:
        """Rows under headings; the first ``left`` columns are words, the rest numbers."""
        if self.silent:
            return
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
        for k, name in enumerate(columns):
            words = k < left
            table.add_column(Text(name), justify="left" if words else "right", no_wrap=not words)
        for row, style in zip_longest(rows, styles, fillvalue=""):
            table.add_row(*(Text(clean(cell)) for cell in row), style=style)
        self._print(table)

    def finding(self, title: str, evidence: str, remedy: str) -> None:
        """A symptom in words, and what to try next."""
        already = evidence.lower().startswith(title.lower())
        self.say(f"• {evidence}" if already else f"• {title}: {evidence}")
        self.say(f"  → {remedy}", "cyan")

    def facts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Names and values in two columns."""
        if self.silent:
            return
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        for name, value in pairs:
            table.add_row(Text(clean(name)), Text(clean(value)))
        self._print(table)

    def answer(self, content: dict[str, Any]) -> None:
        """The one JSON object, where it was asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(finite(content), indent=1, ensure_ascii=True) + "\n")

    @contextmanager
    def running(self, most: int, tol: float) -> Iterator[Any]:
        """A live line for a run of at most ``most`` passes; yields a reader of each pass, or None.

        Shown on a terminal only; a run of less than half a second shows nothing.
        """
        if self.silent or not self.console.is_terminal:
            yield None
            return
        columns = (TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[at]}"))
        began, shown = time.monotonic(), 0.0
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task("training", total=1.0, at="", visible=False)
            first = math.nan

            def each(sight: Sight) -> Reason | None:
                nonlocal first, shown
                first = sight.gradient_norm if math.isnan(first) else first
                spent = time.monotonic() - began
                if spent > 0.5 and spent - shown > 0.1:
                    shown = spent
                    done = share_done(sight, most, first, tol)
                    left = f"{duration(spent * (1 / done - 1))} left" if done > 0.02 else ""
                    at = f"{sight_in_words(sight)}  {left}"
                    progress.update(task, completed=done, at=at, visible=True)
                return None

            yield each


def sight_in_words(sight: Sight) -> str:
    """Loss, gradient length and rate of one look at a run."""
    value = sight.value if sight.epoch_value is None else sight.epoch_value
    rate = "" if math.isnan(sight.rate) else f"  rate {digits(sight.rate)}"
    gradient = digits(sight.gradient_norm)
    return f"pass {sight.epoch:,}  loss {digits(value)}  gradient {gradient}{rate}"


def share_done(sight: Sight, most: int, first: float, tol: float) -> float:
    """How much of a run is over: by its cap, or by how far the gradient has shrunk."""
    by_cap = sight.epoch / most if most else 0.0
    if not (0.0 < sight.gradient_norm < first and 0.0 < tol < 1.0):
        return min(by_cap, 1.0)
    return min(max(by_cap, math.log(first / sight.gradient_norm) / -math.log(tol)), 1.0)


def clean(text: str) -> str:
    """Text whose control signs cannot steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names on one line, the first few of many."""
    shown = ", ".join(one_line(name, 40) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(part) for part in value]
    return value
