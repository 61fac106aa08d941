"""Passes over the rows that need not be made again: checkpoints of the round bowl.

A solver that needs no learning rate makes a few passes over the rows and hardly anything else, and
the same passes lead it the same way to the last bit. So its checkpoint is a log of what the passes
gave. A run that is resumed is run again from the start, and as long as it asks what it asked
before, the log answers instead of the rows.

Every pass is one file, written beside its final name, flushed and renamed, with a checksum; a file
that is damaged or missing costs one pass.
"""

import hashlib
import io
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from downslope.checkpoint import Checkpoints, check_header, read_payload, write_arrays
from downslope.errors import DownslopeWarning, StoreError

Array = Any
LARGEST = 256 * 2**20
"""Bytes of one pass beyond which it is cheaper to make it again."""


@dataclass(frozen=True)
class Checkpointing:
    """Where a run keeps its checkpoints, how often, and whether it goes on from them.

    Parameters
    ----------
    folder : Path
    every : float, default 30
        Seconds between two checkpoints.
    resume : bool, default False
    """

    folder: Path
    every: float = 30.0
    resume: bool = False

    def of_walk(self, mark: str) -> Checkpoints:
        """For a walk step by step, of the data and settings whose fingerprint is ``mark``."""
        return Checkpoints(self.folder, mark, self.every, self.resume)

    def of_passes(self, mark: str) -> "PassLog":
        """For a solver that makes few passes."""
        return PassLog(self.folder, mark, self.every, self.resume)


@dataclass
class PassLog:
    """What passes gave, in a folder.

    Parameters
    ----------
    folder : Path
        Made if it is absent.
    fingerprint : str
        Of the data and settings; a log of others is refused.
    every : float, default 30
        Seconds between writes; 0 writes every pass.
    resume : bool, default False
        Answer from the log. Without it a folder that already holds one is refused.

    Raises
    ------
    StoreError
        In a sentence, where the folder holds another log, or one that was not to be resumed.

    Examples
    --------
    >>> import tempfile
    >>> def read():
    ...     print("reading")
    ...     return (np.float64(4.0),)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = PassLog(Path(folder), "mark", 0.0).recall(np.zeros(2), read)
    ...     print(PassLog(Path(folder), "mark", 0.0, resume=True).recall(np.zeros(2), read)[0])
    reading
    4.0
    """

    folder: Path
    fingerprint: str
    every: float = 30.0
    resume: bool = False
    _count: int = 0
    _last: float = field(default_factory=time.monotonic)
    _waiting: dict[Path, tuple[str, dict[str, Array]]] = field(default_factory=dict)

    def recall(self, asked: Array, read: Callable[[], tuple[Array, ...]]) -> tuple[Array, ...]:
        """What the next pass gave when ``asked`` the same before; else what it gives now."""
        path = self.folder / f"pass-{self._count:06d}.ckpt"
        self._count += 1
        question = hashlib.sha256(np.ascontiguousarray(asked).tobytes()).hexdigest()
        mark = f"{self.fingerprint}-{question}"
        known = self._known(path, mark)
        if known is not None:
            return known
        try:
            given = read()
        except BaseException:
            self._write()
            raise
        if sum(np.asarray(part).nbytes for part in given) <= LARGEST:
            names = {f"part{i:02d}": np.asarray(part) for i, part in enumerate(given)}
            self._waiting[path] = (mark, names)
        if time.monotonic() - self._last >= self.every:
            self._write()
        return given

    def _known(self, path: Path, mark: str) -> tuple[Array, ...] | None:
        """What the file says, if it is there and whole."""
        if not path.exists():
            return None
        if not self.resume:
            raise StoreError(
                f"{self.folder} already holds a checkpoint ({path.name}); resume it (resume=True, "
                "--resume) or name another folder."
            )
        header, payload = read_payload(path)
        if header is None:
            warnings.warn(
                f"Checkpoint {path.name} is not whole ({payload.decode()}); that pass is made "
                "again.",
                DownslopeWarning,
                stacklevel=5,
            )
            return None
        check_header(path, header, mark)
        with np.load(io.BytesIO(payload), allow_pickle=False) as table:
            return tuple(table[name][()] for name in sorted(table))

    def _write(self) -> None:
        """Write what waits; a failure is a warning, and what was written before stays."""
        self._last = time.monotonic()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path, (mark, arrays) in self._waiting.items():
                write_arrays(path, arrays, mark)
        except OSError as error:
            warnings.warn(
                f"No checkpoint could be written to {self.folder} ({error.strerror}); "
                "the run goes on and the last good checkpoint stays.",
                DownslopeWarning,
                stacklevel=4,
            )
        self._waiting.clear()
