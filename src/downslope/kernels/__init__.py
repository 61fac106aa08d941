"""Machine code for the passes over rows; plain arrays and scalars, nothing else.

Kernels are compiled once per machine and kept. What is kept knows the source of its own file only,
and kernels of one file are built into those of others; so a digest of all the files lies beside
the kept code, and where it differs, after an upgrade or an edit, all of it is made anew.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

from numba import config, njit

DIGEST = "downslope-kernels.sha256"
STRICT = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": False,
    "no_cfunc_wrapper": True,
}
"""Every operation as written. Said aloud, because a function that leaves ``fastmath`` open takes it
over from whichever caller happens to be compiled first, and keeps it."""
FAST = STRICT | {"fastmath": {"reassoc", "contract", "arcp", "nsz"}}
"""Sums in any order, so that loops become vector code; infinities and NaN stay what they are."""


@njit(cache=True)
def _probe() -> int:
    """Never called: it knows where compiled code is kept."""
    return 0


def forget_outdated(kept: Path, sources: Path) -> bool:
    """Delete compiled code in ``kept`` unless it was made from these sources; whether it did."""
    digest = hashlib.sha256()
    for source in sorted(sources.glob("*.py")):
        digest.update(source.read_bytes())
    seal = kept / DIGEST
    with suppress(OSError):  # a folder that cannot be written to keeps no code either
        if seal.exists() and seal.read_text() == digest.hexdigest():
            return False
        for index in kept.glob("*.nbi"):
            index.unlink(missing_ok=True)
        seal.write_text(digest.hexdigest())
    return True


if not config.DISABLE_JIT:  # numba's own switch, for debuggers and coverage: nothing is compiled
    forget_outdated(Path(_probe.stats.cache_path), Path(__file__).parent)
