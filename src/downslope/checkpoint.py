"""Checkpoints: a run that is killed goes on from its last snapshot, to the same bits.

A checkpoint is one file: a line of JSON (format, version, fingerprint of data and settings,
checksum) and the arrays of the snapshot as uncompressed npz, without pickle. It is written beside
its final name, flushed to the disk, and renamed, so a name that exists is a file that is whole. The
newest two are kept: if the newest does not match its checksum, the one before it is used and said.
"""

import hashlib
import io
import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from downslope.descend import Snapshot
from downslope.errors import DownslopeWarning, StoreError
from downslope.files import write_atomically
from downslope.trace import Record

Array = Any
FORMAT = "downslope checkpoint"
VERSION = 1
KEPT = 2


@dataclass
class Checkpoints:
    """Snapshots of one run in a folder.

    Parameters
    ----------
    folder : Path
        Made if it is absent.
    fingerprint : str
        Of the data and settings; see ``fingerprint``. A checkpoint of another one is refused.
    every : float, default 30
        Seconds between snapshots; 0 keeps one at every step.
    resume : bool, default False
        Go on from the newest snapshot. Without it a folder that already holds one is refused, so
        that a long run is not thrown away by a forgotten option.

    Raises
    ------
    StoreError
        From ``latest``, in a sentence: other data or settings, another version, nothing whole left.
    """

    folder: Path
    fingerprint: str
    every: float = 30.0
    resume: bool = False
    _last: float = field(default_factory=time.monotonic, init=False)
    _count: int = field(default=0, init=False)

    def latest(self, template: Snapshot) -> Snapshot | None:
        """Newest snapshot that is whole and of this run; None where there is none."""
        files = _files(self.folder)
        if not files:
            return None
        if not self.resume:
            raise StoreError(
                f"{self.folder} already holds a checkpoint ({files[-1].name}); resume it "
                "(resume=True, --resume) or name another folder."
            )
        self._count = _number(files[-1])
        for path in reversed(files):
            header, payload = read_payload(path)
            if header is None:
                warnings.warn(
                    f"Checkpoint {path.name} is not whole ({payload.decode()}); "
                    "the one before it is used.",
                    DownslopeWarning,
                    stacklevel=4,
                )
                continue
            check_header(path, header, self.fingerprint)
            return _unpack(payload, template)
        raise StoreError(
            f"None of the {len(files)} checkpoints in {self.folder} is whole; remove them to begin "
            "again."
        )

    def due(self) -> bool:
        """Whether ``every`` seconds have passed since the last one."""
        return time.monotonic() - self._last >= self.every

    def keep(self, snapshot: Snapshot) -> None:
        """Write one snapshot; a failure is a warning, and the last good one stays."""
        self._last = time.monotonic()
        self._count += 1
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"step-{self._count:09d}.ckpt"
            write_arrays(path, _pack(snapshot), self.fingerprint)
            for old in _files(self.folder)[:-KEPT]:
                old.unlink()
        except OSError as error:
            warnings.warn(
                f"No checkpoint could be written to {self.folder} ({error.strerror}); "
                "the run goes on and the last good checkpoint stays.",
                DownslopeWarning,
                stacklevel=4,
            )


def fingerprint(arrays: list[Array], settings: dict[str, Any]) -> str:
    """Hash of data and settings: equal for equal bits and equal ``repr``.

    Examples
    --------
    >>> a = fingerprint([np.arange(3.0)], {"rate": 0.1})
    >>> a == fingerprint([np.arange(3.0)], {"rate": 0.1}), len(a)
    (True, 64)
    >>> a == fingerprint([np.arange(3.0)], {"rate": 0.2})
    False
    """
    digest = hashlib.sha256(repr(sorted(settings.items())).encode())
    for array in arrays:
        whole = np.ascontiguousarray(array)
        digest.update(f"{whole.dtype}{whole.shape}".encode())
        digest.update(whole.data)
    return digest.hexdigest()


def check_header(path: Path, header: dict[str, Any], mark: str) -> None:
    """Refuse a checkpoint of another version, of other data or of other settings."""
    if header["version"] != VERSION:
        raise StoreError(
            f"{path.name} is a checkpoint of version {header['version']}, this program reads "
            f"version {VERSION}; begin again without --resume."
        )
    if header["fingerprint"] != mark:
        raise StoreError(
            f"{path.name} belongs to other data or other settings (fingerprint "
            f"{header['fingerprint'][:12]}, this run {mark[:12]}); resume with the "
            "same data and settings, or name another folder."
        )


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.ckpt"))


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))


def write_arrays(path: Path, arrays: dict[str, Array], of: str) -> None:
    """Arrays as one file, whole or not at all; ``of`` is the fingerprint of their run."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    payload = buffer.getvalue()
    header = {
        "format": FORMAT,
        "version": VERSION,
        "fingerprint": of,
        "sha256": hashlib.sha256(payload).hexdigest(),
        "bytes": len(payload),
    }
    write_atomically(path, json.dumps(header).encode() + b"\n" + payload)


def read_payload(path: Path) -> tuple[dict[str, Any] | None, bytes]:
    """Header and payload, or None and what is wrong with the file."""
    first, _, payload = path.read_bytes().partition(b"\n")
    try:
        header: dict[str, Any] = json.loads(first)
        expected, size = header["sha256"], header["bytes"]
    except (ValueError, KeyError, TypeError):
        return None, b"its first line is not a checkpoint's"
    if len(payload) != size:
        return None, f"{len(payload)} bytes of {size}".encode()
    if hashlib.sha256(payload).hexdigest() != expected:
        return None, b"its checksum does not match"
    return header, payload


def _pack(snapshot: Snapshot) -> dict[str, Array]:
    """Snapshot as named arrays: the numbers of its tree in order, and the records as a table."""
    tree = (snapshot.state, snapshot.stop_memories, snapshot.tally)
    packed = {f"leaf{i:05d}": _leaf(leaf) for i, leaf in enumerate(_leaves(tree))}
    packed["records"] = np.array(snapshot.records, dtype=np.float64).reshape(
        -1, len(Record._fields)
    )
    packed["weights"] = np.array(snapshot.weights, dtype=np.float64)
    return packed


def _unpack(payload: bytes, template: Snapshot) -> Snapshot:
    with np.load(io.BytesIO(payload), allow_pickle=False) as table:
        leaves = iter([table[name] for name in sorted(table) if name.startswith("leaf")])
        records = tuple(Record(int(r[0]), int(r[1]), *map(float, r[2:])) for r in table["records"])
        weights = tuple(table["weights"])
    like = (template.state, template.stop_memories, template.tally)
    state, memories, tally = _filled(like, leaves)
    return Snapshot(state, memories, tally, records, weights)


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, tuple):
        for branch in tree:
            yield from _leaves(branch)
    else:
        yield tree


def _filled(template: Any, leaves: Iterator[Array]) -> Any:
    """``template`` with its leaves replaced, tuples and named tuples kept."""
    if not isinstance(template, tuple):
        return _number_or_array(next(leaves))
    branches = [_filled(branch, leaves) for branch in template]
    named = type(template) is not tuple
    return type(template)(*branches) if named else tuple(branches)


def _leaf(leaf: Any) -> Array:
    # None has no number: an empty array of bytes stands for it.
    return np.empty(0, dtype="S1") if leaf is None else np.asarray(leaf)


def _number_or_array(leaf: Array) -> Any:
    if leaf.dtype.kind == "S":
        return None
    return leaf.item() if leaf.ndim == 0 else leaf
