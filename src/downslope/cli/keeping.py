"""Which files a run leaves, and where they go when the place that was asked for takes none.

An hour of training is not lost to a full disk: what cannot be written there goes where there is
room, and the run ends in a sentence that says where.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from downslope.cli.interruption import CONTROL_C
from downslope.errors import SettingError, StoreError


@dataclass(frozen=True)
class Keeping:
    """Which files a run leaves; None for none."""

    model: str | None = None
    report: str | None = None
    trace: str | None = None
    figures: str | None = None
    figure: str | None = None
    in_round: bool = False
    """Whether the walk is kept in round coordinates too."""

    def check(self) -> None:
        """Refuse names that cannot be written before an hour of training, not after."""
        for option, name in (("--out", self.model), ("--report", self.report)):
            self._check_file(option, name)
        self._check_file("--trace", self.trace, (".csv", ".parquet", ".json"))
        self._check_file("--figure", self.figure, (".png", ".svg", ".pdf"))
        if self.in_round and self.report is self.figures is self.trace is None:
            raise SettingError(
                "--in-round changes the report, the figures and the trace; add --report "
                "report.html, --figures FOLDER or --trace walk.csv."
            )

    def _check_file(self, option: str, name: str | None, endings: tuple[str, ...] = ()) -> None:
        if name is None:
            return
        path = Path(name)
        if endings and path.suffix not in endings:
            raise SettingError(f"{option} {name!r} must end in {', '.join(endings)}.")
        if path.is_dir():
            raise SettingError(f"{option} {name!r} is a folder; name a file in it.")
        if not path.absolute().parent.is_dir():
            raise SettingError(
                f"{option} {name!r}: the folder {str(path.parent)!r} does not exist; make it first."
            )
        special = path.exists() and not path.is_file()
        if not (special or os.access(path.absolute().parent, os.W_OK)):
            raise SettingError(
                f"{option} {name!r}: the folder {str(path.parent)!r} cannot be written to; name "
                "another one."
            )


@dataclass
class Kept:
    """What was written, by kind, and what became of files that were refused."""

    files: dict[str, str] = field(default_factory=dict)
    why: str = ""
    rescued: dict[str, Path] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def put(self, kind: str, name: str | None, write: Callable[[str], object]) -> None:
        """Write a file, if it has a name: there, or else where there is room."""
        if name is None:
            return
        try:
            write(name)
            self.files[kind] = name
        except OSError as error:
            self.why = error.strerror or str(error)
            self._rescue(kind, name, write)
        CONTROL_C.kept = self.files

    def _rescue(self, kind: str, name: str, write: Callable[[str], object]) -> None:
        folders = dict.fromkeys(place.parent for place in self.rescued.values())
        for folder in chain(folders, _elsewhere()):
            place = folder / Path(name).name
            try:
                write(str(place))
            except OSError:
                if folder not in folders:
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            self.files[kind], self.rescued[name] = str(place), place
            return
        self.lost.append(name)

    def check(self) -> None:
        """Raise what was refused.

        Raises
        ------
        StoreError
            In a sentence that says where the files are instead.
        """
        said = []
        if self.rescued:
            one, places = len(self.rescued) == 1, list(self.rescued.values())
            where = str(places[0] if one else places[0].parent)
            said.append(
                f"{_all(self.rescued)} cannot be written ({self.why}); "
                f"{'it is' if one else 'they are'} in {where!r} instead, move "
                f"{'it' if one else 'them'} from there."
            )
        if self.lost:
            said.append(
                f"{_all(self.lost)} cannot be written ({self.why}) and no other place has room, so "
                "that is lost."
            )
        if said:
            raise StoreError(" ".join(said))


def _all(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _elsewhere() -> Iterator[Path]:
    """New folders in other places, one after the other."""
    for place in (None, Path.home(), Path.cwd()):
        try:
            yield Path(tempfile.mkdtemp(prefix="downslope-", dir=place))
        except OSError:
            continue
