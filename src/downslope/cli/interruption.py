"""Ctrl-C: heard wherever it comes, after what is being saved, and one sentence at the end."""

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from downslope.errors import StoreError
from downslope.stopping import HEARD

AGAIN = 0.3
"""Seconds after which a Ctrl-C that nothing came of comes again."""


class ControlC:
    """Sees to it that a Ctrl-C is heard: where nothing comes of it, it comes again.

    An exception raised in the main thread is not always seen: it is printed and forgotten where an
    object ends, turned into another error by the compiler of machine code, and lost in libraries
    that clear errors (Arrow, where it loads pandas for the first time: the run would go on).
    """

    def __init__(self) -> None:
        self.came = False
        self.again: threading.Timer | None = None
        self.kept: dict[str, str] = {}
        """Files of this run that are whole, by kind."""

    def listen(self) -> None:
        """Hear of every Ctrl-C from now on, unless the process was told to ignore it."""
        sys.unraisablehook = self.hear
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._struck)

    def hear(self, lost: Any) -> None:
        """An exception that could not be raised: see ``sys.unraisablehook``."""
        if issubclass(lost.exc_type, KeyboardInterrupt):
            self._await()
        else:
            sys.__unraisablehook__(lost)

    def _struck(self, *_: Any) -> None:
        self._await()
        raise KeyboardInterrupt

    def _await(self) -> None:
        self.came = True
        HEARD.clear()
        self.again = threading.Timer(AGAIN, self._insist)
        self.again.daemon = True
        self.again.start()

    def _insist(self) -> None:
        if HEARD.is_set():
            return
        if sys.platform == "win32":
            _thread.interrupt_main()
        else:  # a signal also ends a wait
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def forget(self) -> None:
        """What it came for has ended."""
        self.came, self.kept = False, {}
        if self.again is not None:
            self.again.cancel()

    def caused(self, error: Exception) -> bool:
        """Whether the error is what became of an interruption on its way."""
        return self.came and not isinstance(error, StoreError)

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
