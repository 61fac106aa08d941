"""Which files a run leaves, and where they go when the place that was asked for takes none.

An hour of training is not lost to a full disk: what cannot be written there goes where there is
room, and the run ends in a sentence that says where.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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


@dataclass
class Kept:
    """What was written, by kind, and what was said about files that had to go elsewhere."""

    files: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def put(self, kind: str, name: str | None, write: Callable[[str], object]) -> None:
        """Write a file, if it has a name: there, or else where there is room."""
        if name is None:
            return
        try:
            write(name)
            self.files[kind] = name
        except OSError as error:
            why, instead = error.strerror or error, self._rescued(kind, name, write)
            self.refused.append(f"{name!r} cannot be written ({why}); {instead}")
        CONTROL_C.kept = self.files

    def _rescued(self, kind: str, name: str, write: Callable[[str], object]) -> str:
        for folder in _elsewhere():
            place = str(folder / Path(name).name)
            try:
                write(place)
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            self.files[kind] = place
            return f"the {kind} is in {place!r} instead, move it from there"
        return f"the {kind} is lost, for no other place has room"

    def check(self) -> None:
        """Raise what was refused.

        Raises
        ------
        StoreError
            In a sentence that says where the files are instead.
        """
        if self.refused:
            raise StoreError("; ".join(self.refused) + ".")


def _elsewhere() -> Iterator[Path]:
    """New folders in other places, one after the other."""
    for place in (None, Path.home(), Path.cwd()):
        try:
            yield Path(tempfile.mkdtemp(prefix="downslope-", dir=place))
        except OSError:
            continue
