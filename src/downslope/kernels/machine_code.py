"""How numba makes machine code here, and where that is kept.

Kernels are compiled once per machine and kept: beside the source, else in the user's cache folder,
or in ``NUMBA_CACHE_DIR`` where that is set. Where none of them can be written to, every process
compiles for itself, and says so. What is kept knows the source of its own file only, and kernels of
one file are built into those of others; so a digest of all the files lies beside the kept code, and
where it differs, after an upgrade or an edit, all of it is made anew.
"""

import hashlib
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.core import event

from downslope.kernels import making

DIGEST = "downslope-kernels.sha256"


def where_kept(function: Any) -> Path | None:
    """The folder where numba keeps code of this file; None, and a warning, where it has none."""
    try:
        return Path(njit(cache=True)(function).stats.cache_path)
    except RuntimeError:  # numba found no folder that it may write to
        warnings.warn(
            "Compiled code cannot be kept, because neither downslope's own folder nor a cache "
            "folder of this user can be written to, so every process compiles anew; set "
            "NUMBA_CACHE_DIR to a folder that can be written to.",
            stacklevel=2,
        )
        return None


def forget_outdated(kept: Path, sources: Path) -> bool:
    """Delete compiled code in ``kept`` unless it was made from these sources; whether it did."""
    digest = hashlib.sha256()
    for source in sorted(sources.rglob("*.py")):
        digest.update(source.read_bytes())
    seal = kept / DIGEST
    with suppress(OSError):  # a folder that cannot be written to keeps no code either
        if seal.exists() and seal.read_text() == digest.hexdigest():
            return False
        for index in kept.glob("*.nbi"):
            index.unlink(missing_ok=True)
        seal.write_text(digest.hexdigest())
    return True


class _Watch(event.Listener):  # type: ignore[misc]
    """Stops the clock of walks while a function of ours is compiled; kept code is no event."""

    def on_start(self, event: Any) -> None:
        if _ours(event):
            making.tell_once()
            making.begin()

    def on_end(self, event: Any) -> None:
        if _ours(event):
            making.end()


def _ours(happened: Any) -> bool:
    name: str = happened.data["dispatcher"].py_func.__module__
    return name.startswith("downslope.")


def _probe() -> int:
    """Never called: it knows where compiled code is kept."""
    return 0


KEPT = None if config.DISABLE_JIT else where_kept(_probe)
"""None with numba's own switch too, for debuggers and coverage: nothing is compiled."""
KEEP = KEPT is not None
STRICT = {
    "cache": KEEP,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": False,
    "no_cfunc_wrapper": True,
}
"""Every operation as written. Said aloud, because a function that leaves ``fastmath`` open takes it
over from whichever caller happens to be compiled first, and keeps it."""
FAST = STRICT | {"fastmath": {"reassoc", "contract", "arcp", "nsz"}}
"""Sums in any order, so that loops become vector code; infinities and NaN stay what they are."""

if KEPT is not None:
    forget_outdated(KEPT, Path(__file__).parent)
if not config.DISABLE_JIT:
    event.register("numba:compile", _Watch())
