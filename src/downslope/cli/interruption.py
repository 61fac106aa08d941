"""Ctrl-C: heard wherever it comes, after what is being saved, and one sentence at the end."""

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AGAIN = 0.1
"""Seconds after which a Ctrl-C that was swallowed comes again."""


class ControlC:
    """Hears of a Ctrl-C that came where nothing can be raised, and lets it come again.

    Such places are the compiler of machine code, where an error follows, and the ends of objects,
    after which everything would go on.
    """

    def __init__(self) -> None:
        self.swallowed = False
        self.again: threading.Timer | None = None
        self.kept: dict[str, str] = {}
        """Files of this run that are whole, by kind."""

    def hear(self, lost: Any) -> None:
        """An exception that could not be raised: see ``sys.unraisablehook``."""
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(lost)
            return
        self.swallowed = True
        self.again = threading.Timer(AGAIN, _thread.interrupt_main)
        self.again.daemon = True
        self.again.start()

    def ended(self, error: BaseException) -> bool:
        """Whether the error is what became of an interruption on its way."""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__cause__
        return self.swallowed or cause is not None

    def forget(self) -> None:
        """What it came for has ended."""
        self.swallowed, self.kept = False, {}
        if self.again is not None:
            self.again.cancel()

    @property
    def sentence(self) -> str:
        """How an interrupted run ends."""
        if not self.kept:
            return "Interrupted; nothing was saved."
        where = ", ".join(f"the {kind} in {name!r}" for kind, name in self.kept.items())
        return f"Interrupted; what was saved is {where}."


CONTROL_C = ControlC()


@contextmanager
def saved_first() -> Iterator[None]:
    """A Ctrl-C that comes meanwhile waits until this is done."""
    came: list[int] = []
    here = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not here or not callable(before):  # it would not be heard anyway
        yield
        return
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
