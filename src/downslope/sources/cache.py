"""Encoded rows kept on disk, so that later passes cost reading only.

A cache is a folder of three flat files (features row by row, targets, weights) and a JSON line that
says what they hold. Features are kept as float32 where every one of them is a float32 number, as
counts, flags and most measurements are; else as float64. Nothing is rounded. Blocks are read into
fresh arrays, not mapped, so that memory stays flat however long the files are.
"""

import json
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import DownslopeWarning
from downslope.files import write_atomically
from downslope.sources.blocks import BlockRows
from downslope.sources.memory import Rows

VERSION = 1
BLOCK_BYTES = 16 * 2**20
LIMIT = 20 * 2**30
"""Bytes that all caches in a folder may take together; the oldest go first."""


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
            shutil.rmtree(place, ignore_errors=True)
            _warn(f"{folder} cannot be written ({error.strerror})")
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
    """Write every block; the shape comes last, so a cache without one is not a cache."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    weighted = False
    with (
        (place / "X").open("wb") as features,
        (place / "y").open("wb") as targets,
        (place / "weights").open("wb") as weights,
    ):
        dtype = "float32"
        for block in source.blocks():
            X = np.asarray(block.X)
            if dtype == "float32" and not (X.astype(np.float32) == X).all():
                dtype = "float64"
                _widen(features, place / "X")
            X.astype(dtype).tofile(features)
            np.asarray(block.y, dtype=np.float64).tofile(targets)
            if block.weights is not None:
                weighted = True
                np.asarray(block.weights, dtype=np.float64).tofile(weights)
    shape = Shape(source.n_rows, source.n_features, dtype, weighted)
    described = {"version": VERSION} | vars(shape)
    write_atomically(place / "shape.json", json.dumps(described).encode())
    return shape


def _widen(file: Any, path: Path) -> None:
    """Bring what is written so far from float32 to float64; the first blocks, as a rule."""
    file.flush()
    so_far = np.fromfile(path, dtype=np.float32)
    file.seek(0)
    file.truncate()
    so_far.astype(np.float64).tofile(file)


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
    caches = sorted(
        (c for c in folder.glob("*") if (c / "shape.json").exists()),
        key=lambda c: (c / "shape.json").stat().st_mtime,
    )
    taken = sum(f.stat().st_size for cache in caches for f in cache.iterdir())
    for cache in caches:
        if taken <= room:
            return
        taken -= sum(f.stat().st_size for f in cache.iterdir())
        shutil.rmtree(cache, ignore_errors=True)
