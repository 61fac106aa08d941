"""Encoded rows kept on disk, so that later passes cost reading only.

A cache is a folder of three flat files (features row by row, targets, weights) and a JSON line that
says what they hold. Features are kept as float32 where every one of them is a float32 number, as
counts, flags and most measurements are; else as float64. Nothing is rounded. Blocks are read into
fresh arrays, not mapped, so that memory stays flat however long the files are.
"""

import json
import os
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import DownslopeWarning
from downslope.files import write_atomically
from downslope.sources.blocks import BlockRows
from downslope.sources.memory import Rows, narrow

VERSION = 1
BLOCK_BYTES = 16 * 2**20
LIMIT = 20 * 2**30
"""Bytes that all caches in a folder may take together; the oldest go first."""
ABANDONED = 24 * 3600.0
"""Seconds after which a cache that nobody has finished is removed."""
OURS = {"X", "X64", "y", "weights", "shape.json"}
"""Files of a cache, whole or not."""


@dataclass(frozen=True)
class Shape:
    """What a cache holds."""

    n_rows: int
    n_features: int
    dtype: str
    weighted: bool

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of features."""
        return self.n_features * np.dtype(self.dtype).itemsize


def cached(source: BlockRows, folder: Path, key: str, limit: int = LIMIT) -> BlockRows:
    """The same rows, read from a cache that is written now if it is not there.

    Parameters
    ----------
    source : BlockRows
        Dense rows.
    folder : Path
        Holds a folder per key.
    key : str
        Names the data and its encoding: other data, another key.
    limit : int, default 20 GiB
        Bytes for all caches in ``folder``; where this one alone would not fit, or the disk is full,
        the source is answered and a warning says so.

    Returns
    -------
    BlockRows
    """
    place = folder / key
    shape = _shape(place)
    if shape is None:
        needed = source.n_rows * (source.n_features + 2) * 8
        if needed > limit:
            _warn(f"{needed / 2**30:.1f} GiB of encoded rows pass the limit {limit / 2**30:.1f}")
            return source
        try:
            _make_room(folder, limit - needed)
            shape = _write(source, place)
        except OSError as error:
            why = error.strerror or "the disk is full"  # NumPy counts what it could not write
            _warn(f"{folder} cannot be written ({why})")
            return source
    return _open(place, shape)


def _warn(why: str) -> None:
    warnings.warn(
        f"No cache: {why}; every pass encodes the rows again.", DownslopeWarning, stacklevel=3
    )


def _shape(place: Path) -> Shape | None:
    """Shape of a whole cache; None where there is none, or a broken one."""
    try:
        table: dict[str, Any] = json.loads((place / "shape.json").read_text())
        if table.pop("version") != VERSION:
            return None
        shape = Shape(**table)
        sizes = {"X": shape.row_bytes, "y": 8, "weights": 8 * shape.weighted}
        whole = all((place / f).stat().st_size == shape.n_rows * b for f, b in sizes.items())
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return shape if whole else None


def _write(source: BlockRows, place: Path) -> Shape:
    writer = Writer(place, source.n_features)
    try:
        for block in source.blocks():
            writer.add(block)
        return writer.finished()
    except BaseException:
        writer.dropped()
        raise


class Writer:
    """Rows on their way to a cache; the shape comes last, so a cache without one is not a cache.

    Parameters
    ----------
    place : Path
        The cache's folder; what it holds is removed.
    n_features : int

    Raises
    ------
    OSError
        If it cannot be written.
    """

    def __init__(self, place: Path, n_features: int) -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        self.place, self.shape = place, Shape(0, n_features, "float32", False)
        self.files = [(place / name).open("wb") for name in ("X", "y", "weights")]

    @property
    def n_bytes(self) -> int:
        """Written so far."""
        return self.shape.n_rows * (self.shape.row_bytes + 8 + 8 * self.shape.weighted)

    def add(self, block: Rows) -> None:
        """More rows."""
        (features, targets, weights), shape = self.files, self.shape
        X = np.asarray(block.X)
        X = narrow(X) if shape.dtype == "float32" else X
        if X.dtype != np.float32 and shape.dtype == "float32":
            shape = replace(shape, dtype="float64")
            features = self._widened()
        X.astype(shape.dtype, copy=False).tofile(features)
        np.asarray(block.y, dtype=np.float64).tofile(targets)
        if block.weights is not None:
            np.asarray(block.weights, dtype=np.float64).tofile(weights)
        weighted = block.weights is not None
        self.shape = replace(shape, n_rows=shape.n_rows + len(block.y), weighted=weighted)

    def _widened(self) -> Any:
        """What is written so far as float64; the first blocks, as a rule."""
        self.files[0].close()
        path, wide = self.place / "X", self.place / "X64"
        with path.open("rb") as narrow, wide.open("wb") as out:
            while len(some := np.fromfile(narrow, np.float32, BLOCK_BYTES // 4)):
                some.astype(np.float64).tofile(out)
        wide.replace(path)
        self.files[0] = path.open("ab")
        return self.files[0]

    def finished(self) -> Shape:
        """The shape, once it is written too."""
        self._close()
        described = {"version": VERSION} | vars(self.shape)
        write_atomically(self.place / "shape.json", json.dumps(described).encode())
        return self.shape

    def dropped(self) -> None:
        """There is to be no cache."""
        with suppress(OSError):  # what a full disk did not take is not wanted any more
            self._close()
        shutil.rmtree(self.place, ignore_errors=True)

    def _close(self) -> None:
        for file in self.files:
            file.close()


class EarlyCache:
    """A cache written while the rows are read for the first time, where they are plain numbers.

    Only once all rows are read is it known how they are encoded; plain numbers stay as they are.
    Where any row is not plain, or the disk is full, it is given up, and ``cached`` reads again.

    Parameters
    ----------
    folder : Path
        Of all caches.
    key : str
        Of these rows, if all of them are plain.
    limit : int, default 20 GiB
        Bytes for all caches.
    """

    def __init__(self, folder: Path, key: str, limit: int = LIMIT) -> None:
        self.folder, self.key, self.limit = folder, key, limit
        self.writer: Writer | None = None
        self.given_up = _shape(folder / key) is not None  # there is one already

    def add(self, block: Rows | None) -> None:
        """More rows; None: some that are not plain."""
        if self.given_up:
            return
        if block is None:
            self.give_up()
            return
        try:
            if self.writer is None:
                place = self.folder / f"{self.key}-{os.getpid()}"
                self.writer = Writer(place, int(block.X.shape[1]))
            self.writer.add(block)
            if self.writer.n_bytes > self.limit:
                self.give_up()
        except OSError:  # ``cached`` says why, if it meets it too
            self.give_up()

    def give_up(self) -> None:
        """No early cache."""
        self.given_up = True
        if self.writer is not None:
            self.writer.dropped()
            self.writer = None

    def finish(self, key: str) -> None:
        """Keep it under its key, if the rows turned out to be what it is made for."""
        if self.writer is None or key != self.key:
            self.give_up()
            return
        try:
            _make_room(self.folder, self.limit - self.writer.n_bytes)
            self.writer.finished()
            shutil.rmtree(self.folder / key, ignore_errors=True)
            self.writer.place.rename(self.folder / key)
        except OSError:
            self.give_up()


def _open(place: Path, shape: Shape) -> BlockRows:
    per_block = max(1, BLOCK_BYTES // max(shape.row_bytes, 1))
    dtype, d = np.dtype(shape.dtype), shape.n_features

    def read(i: int) -> Iterator[Rows]:
        first = i * per_block
        n = min(per_block, shape.n_rows - first)
        X = np.fromfile(place / "X", dtype, n * d, offset=first * shape.row_bytes)
        y = np.fromfile(place / "y", np.float64, n, offset=8 * first)
        weights = None
        if shape.weighted:
            weights = np.fromfile(place / "weights", np.float64, n, offset=8 * first)
        yield Rows(X.reshape(-1, d), y, weights, first)

    return BlockRows(read, -(-shape.n_rows // per_block), shape.n_rows, d)


def _make_room(folder: Path, room: int) -> None:
    """Remove the oldest caches until the others take at most ``room`` bytes."""
    ours = [place for place in folder.glob("*") if _is_ours(place)]
    caches = [place for place in ours if (place / "shape.json").exists()]
    for left in set(ours) - set(caches):  # by a run that was killed
        if time.time() - max(f.stat().st_mtime for f in (left, *left.iterdir())) > ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
    caches.sort(key=lambda cache: (cache / "shape.json").stat().st_mtime)
    taken = sum(f.stat().st_size for cache in caches for f in cache.iterdir())
    for cache in caches:
        if taken <= room:
            return
        taken -= sum(f.stat().st_size for f in cache.iterdir())
        shutil.rmtree(cache, ignore_errors=True)


def _is_ours(place: Path) -> bool:
    """Whether a folder holds what a cache is made of and nothing else; others are not touched."""
    if not place.is_dir() or place.is_symlink():
        return False
    names = {file.name for file in place.iterdir()}
    return "X" in names and names <= OURS
