"""Where files are: a path, a pattern, a list, or an address; and their format."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.fs

from downslope.errors import InputError

PATIENCE = 8
"""Seconds for which requests to a host that cannot be reached are repeated."""
ENDINGS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "feather",
    ".arrow": "ipc",
    ".csv": "csv",
}


def resolve(source: str | Path | Sequence[str | Path]) -> tuple[list[str], Any]:
    """Paths and the file system they are on."""
    if not isinstance(source, (str, Path)):
        return _listed([str(path) for path in source]), None
    text = str(source)
    if "://" in text:
        if text.startswith(("gs:", "gcs:")) and "retry_limit_seconds" not in text:
            # Google's library tries for a quarter of an hour to reach an unreachable host.
            text += f"{'&' if '?' in text else '?'}retry_limit_seconds={PATIENCE}"
        try:
            filesystem, path = pyarrow.fs.FileSystem.from_uri(text)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
            why = str(error).replace(text, shown(source))
            raise InputError(f"{shown(source)} is not an address Arrow can open: {why}") from None
        return _glob(path, filesystem), filesystem
    if any(mark in text for mark in "*?["):
        base = Path(Path(text).anchor or ".")
        return sorted(str(path) for path in base.glob(text.removeprefix(base.anchor))), None
    return ([text] if Path(text).exists() else []), None


def _listed(paths: list[str]) -> list[str]:
    """Files of a list; a folder in it stands for what it holds.

    Raises
    ------
    InputError
        For an address.
    """
    found = []
    for path in paths:
        if "://" in path:
            raise InputError(
                f"{shown(path)} is an address in a list of {len(paths)}; name one address, a "
                "folder or a pattern (s3://bucket/rows/*.parquet), or files of this machine."
            )
        if not Path(path).exists():
            raise InputError(f"There is no {path}; check the path.")
        inside = sorted(Path(path).rglob("*")) if Path(path).is_dir() else [Path(path)]
        found += [str(file) for file in inside if not _hidden(file) and not file.is_dir()]
    return found


def _hidden(path: Path) -> bool:
    return path.name.startswith(("_", "."))


def _glob(path: str, filesystem: Any) -> list[str]:
    """A path on a file system, or the files that a pattern in its last part matches."""
    if "*" not in path:
        return [path]
    folder, _, pattern = path.rpartition("/")
    found = filesystem.get_file_info(pyarrow.fs.FileSelector(folder, allow_not_found=True))
    return sorted(info.path for info in found if Path(info.path).match(pattern))


def format_of(paths: list[str], name: str, filesystem: Any) -> str:
    """Name of the one format that files have, by their endings.

    Raises
    ------
    InputError
        If there are no files, or files of several formats.
    """
    endings = {Path(path).suffix.lower() for path in paths}
    if endings == {""}:
        where = filesystem or pyarrow.fs.LocalFileSystem()
        selector = pyarrow.fs.FileSelector(paths[0], recursive=True, allow_not_found=True)
        endings = {
            Path(info.path).suffix.lower()
            for info in where.get_file_info(selector)
            if info.is_file and not _hidden(Path(info.path))
        }
    if not endings:
        raise InputError(
            f"{name} is empty, or not there; name a folder that holds files ending in "
            f"{', '.join(ENDINGS)}."
        )
    kinds = {ENDINGS.get(ending) for ending in endings}
    if len(kinds) != 1 or None in kinds:
        raise InputError(
            f"{name}: files ending in {', '.join(sorted(map(_ending, endings)))}; a set of files "
            f"needs one ending of {', '.join(ENDINGS)}."
        )
    return str(kinds.pop())


def _ending(ending: str) -> str:
    return ending or "no ending"


def shown(source: str | Path) -> str:
    """An address as it can be shown: without a password.

    >>> shown("s3://key:secret@bucket/rows.csv")
    's3://bucket/rows.csv'
    """
    return re.sub(r"://[^@/]*@", "://", str(source))
