"""``downslope fit`` on folders, patterns, many files and addresses: rows are streamed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TextColumn

from downslope.cli.asking import ask_from
from downslope.cli.keeping import Keeping
from downslope.cli.learning import show_understanding, told_and_kept
from downslope.cli.screen import Screen
from downslope.errors import SettingError
from downslope.memory_room import check_room
from downslope.wording import duration

if TYPE_CHECKING:
    from downslope.bowl.pass_log import Checkpointing
    from downslope.fitting.fit import Fit

LARGE = 10**9
"""Bytes beyond which one file is streamed."""
STREAMED = (".parquet", ".pq", ".feather", ".arrow", ".csv")
PER_BYTE = 5.0
"""Bytes of memory for each byte of a table: its cells as text, as numbers, and as features."""
IN_MEMORY = (
    *("header", "encoding", "decimal", "day_first", "missing", "skip_lines", "skip_last"),
    *("skip_bad_rows", "comment", "in_round", "device"),
)


def are_streamed(data: list[str], stream: bool) -> bool:
    """Whether rows come in blocks: more than one file can hold them, or one large one."""
    first = data[0]
    if stream or len(data) > 1 or "://" in first:
        return True
    path = Path(first)
    if path.is_file():
        return path.suffix.lower() in STREAMED and path.stat().st_size > LARGE
    return path.is_dir() or any(mark in first for mark in "*?[")


def check_memory(name: str) -> None:
    """Refuse a file that the memory cannot hold before reading it."""
    path = Path(name)
    if path.is_file():
        how = "add --stream" if path.suffix.lower() in STREAMED else "save it as CSV or Parquet"
        check_room(PER_BYTE * path.stat().st_size, name, how)


def fit_streamed(given: dict[str, Any], keeping: Keeping, screen: Screen) -> int:
    """Train on files, show and keep; the exit code."""
    _refuse_options(given)
    with _progress(screen) as tell:
        done = _fitted(given, tell)
    show_understanding(done.data, screen)
    return told_and_kept(done, keeping, screen)


def _fitted(given: dict[str, Any], tell: Any) -> Fit:
    from downslope.fitting.fit_files import fit_files
    from downslope.fitting.fit_within import fit_within

    data, ask = given["data"], ask_from(given)
    source = data[0] if len(data) == 1 else data
    how = {
        "cache": cache_folder(given["cache"]),
        "separator": _separator(given["separator"]),
        "tell": tell,
    }
    safe = checkpointing(given)
    if given["within"] is None:
        return fit_files(source, ask, checkpoint=safe, cluster=given["cluster"], **how)
    if safe is not None or given["cluster"] is not None:
        wrong = "--cluster" if safe is None else "--checkpoint"
        raise SettingError(
            f"--within reads few rows in this process, for which {wrong} is not meant; leave one "
            "of the two out."
        )
    return fit_within(source, ask, given["within"], **how)


def cache_folder(asked: str | None) -> Path | None:
    """Where encoded rows are kept: as asked, nowhere, or where the system keeps such things."""
    if asked is not None:
        return None if asked == "none" else Path(asked)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "downslope" / "rows"


def checkpointing(given: dict[str, Any]) -> Checkpointing | None:
    """Where checkpoints go, if they are wanted."""
    from downslope.bowl.pass_log import Checkpointing

    if given["checkpoint"] is None:
        if given["resume"]:
            raise SettingError("--resume needs --checkpoint DIR: the folder to go on from.")
        return None
    if not 0.0 <= given["every"] < float("inf"):
        raise SettingError(f"--every {given['every']} is no time in seconds; use 0 or more.")
    folder = Path(given["checkpoint"])
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"--checkpoint {str(folder)!r} is a file; name a folder.")
    return Checkpointing(folder, given["every"], given["resume"])


def _refuse_options(given: dict[str, Any]) -> None:
    wrong = [name for name in IN_MEMORY if given[name]]
    if wrong:
        raise SettingError(
            f"--{wrong[0].replace('_', '-')} is for one table in memory; leave it out, or name "
            "one file without --stream."
        )


def _separator(asked: str | None) -> str:
    if asked is not None and asked != "tab" and len(asked) != 1:
        raise SettingError(f"--separator {asked!r} is not one sign; give one, or tab.")
    return "\t" if asked == "tab" else asked or ","


@dataclass
class Pace:
    """Which pass goes on, how fast, and for how long still."""

    what: str = ""
    rows: int = 0
    began: float = field(default_factory=time.monotonic)

    def hear(self, what: str, rows: int) -> None:
        """More rows of a pass."""
        if what != self.what:
            self.what, self.rows, self.began = what, 0, time.monotonic()
        self.rows += rows

    def line(self, of: int) -> tuple[str, float]:
        """What to say, and the share of this pass that is done."""
        rate = self.rows / max(time.monotonic() - self.began, 1e-9)
        if not of:
            return f"{self.rows:,} rows  {rate:,.0f} rows/s", 0.0
        turn, at = divmod(self.rows, of)
        left = duration((of - at) / rate) if rate else "?"
        passes = f"pass {turn + 1}  " if turn or self.what == "training" else ""
        return f"{passes}{rate:,.0f} rows/s  {left} left of this pass", at / of


@contextmanager
def _progress(screen: Screen) -> Iterator[Any]:
    """A live line on a terminal; otherwise silence."""
    pace = Pace()
    if screen.silent or not screen.console.is_terminal:
        yield lambda what, rows, of: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[at]}"))
    with Progress(*columns, console=screen.console, transient=True) as progress:
        task = progress.add_task("opening", total=1.0, at="")
        shown = 0.0

        def tell(what: str, rows: int, of: int) -> None:
            nonlocal shown
            pace.hear(what, rows)
            if time.monotonic() - shown > 0.1:
                shown = time.monotonic()
                at, share = pace.line(of)
                progress.update(task, description=what, completed=share, at=at)

        yield tell
