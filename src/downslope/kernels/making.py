"""The time that machine code takes to be made, apart from the time of a walk.

Machine code is made once per machine and kept, but whoever asks first waits for it. That time says
nothing about a solver, so the clock of a walk stands still meanwhile; and who waits is told why.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock


@dataclass
class _Making:
    """What is being made: numba makes one function at a time, and within it those it calls."""

    seconds: float = 0.0
    depth: int = 0
    began: float = 0.0
    tell: Callable[[], None] | None = None
    lock: RLock = field(default_factory=RLock)


_MAKING = _Making()


def stopwatch() -> float:
    """Seconds since some moment, without those in which machine code was made."""
    with _MAKING.lock:
        now = time.perf_counter()
        return (_MAKING.began if _MAKING.depth else now) - _MAKING.seconds


def begin() -> None:
    """Machine code is about to be made."""
    with _MAKING.lock:
        _MAKING.depth += 1
        if _MAKING.depth == 1:
            _MAKING.began = time.perf_counter()


def end() -> None:
    """It is made."""
    with _MAKING.lock:
        _MAKING.depth -= 1
        if _MAKING.depth == 0:
            _MAKING.seconds += time.perf_counter() - _MAKING.began


def tell_once() -> None:
    """Tell whoever wants to know that something is compiled; once."""
    tell, _MAKING.tell = _MAKING.tell, None
    if tell is not None:
        tell()


@contextmanager
def told(tell: Callable[[], None]) -> Iterator[None]:
    """Within it, ``tell`` is called before the first function that has to be compiled."""
    before, _MAKING.tell = _MAKING.tell, tell
    try:
        yield
    finally:
        _MAKING.tell = before
