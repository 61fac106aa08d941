"""How much memory there is, asked before much of it is taken."""

import os
from pathlib import Path

from downslope.errors import InputError


def available() -> int | None:
    """Bytes of memory that can be had without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvailable"))
    except (OSError, ValueError, IndexError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def check_room(needed: float, what: str, instead: str) -> None:
    """Refuse what would not fit.

    Parameters
    ----------
    needed : float
        Bytes.
    what, instead : str
        What they are for, and what to do instead.

    Raises
    ------
    InputError
        If more is needed than there is.

    Examples
    --------
    >>> check_room(1e18, "The table", "add --stream")
    Traceback (most recent call last):
        ...
    downslope.errors.InputError: The table needs about 931,322,574.6 GiB of memory and ... GiB
    are free; add --stream.
    """
    free = available()
    if free is not None and needed > free:
        raise InputError(
            f"{what} needs about {needed / 2**30:,.1f} GiB of memory and {free / 2**30:,.1f} GiB "
            f"are free; {instead}."
        )
