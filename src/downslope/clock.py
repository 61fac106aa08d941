"""A budget of time that every loop of a fit obeys, however deep inside it runs.

``max_iter`` is asked after every step; a step may hold a walk of its own, and that another. Instead
of handing a deadline down through all of them, the fit sets it once and whoever takes long asks::

    after a step     overdue(): the seconds spent, where they are more than allowed; the loop ends
                     there, and knows how high above the lowest point it may still be
    inside a step    ask(): ends the fit at the last point told, where a quarter more is spent

The first look at the rows is always finished, so that there is a point to keep. Like NumPy's
``errstate`` the deadline holds for its own thread only.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

GRACE = 1.25
"""Share of the time allowed after which even a step that is not finished ends."""


class _Budget(NamedTuple):
    began: float = 0.0
    seconds: float = math.inf
    told: bool = False


NO_END = _Budget()
_budget: ContextVar[_Budget] = ContextVar("budget", default=NO_END)


class OutOfTime(Exception):
    """The time allowed is spent."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.3g} s are spent")
        self.seconds = seconds


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """A budget for what is done inside; within another budget that one goes on.

    Examples
    --------
    >>> with time_limit(0.0):
    ...     overdue() is not None
    True
    >>> overdue() is None
    True
    """
    if seconds is None or _budget.get().seconds < math.inf:
        yield
        return
    token = _budget.set(_Budget(time.perf_counter(), seconds))
    try:
        yield
    finally:
        _budget.reset(token)


def told(any_point: bool = True) -> None:
    """Say that there is a point to keep, or that a walk begins and there is none yet."""
    budget = _budget.get()
    if budget.seconds < math.inf and budget.told != any_point:
        _budget.set(budget._replace(told=any_point))


def overdue() -> float | None:
    """Seconds spent, where they are as many as allowed; else None."""
    budget = _budget.get()
    if budget.seconds == math.inf:
        return None
    spent = time.perf_counter() - budget.began
    return spent if spent >= budget.seconds else None


def ask() -> None:
    """End the fit where a quarter more than the time allowed is spent.

    Raises
    ------
    OutOfTime
        For whoever keeps the last point that was told.
    """
    spent, budget = overdue(), _budget.get()
    if spent is not None and budget.told and spent > GRACE * budget.seconds:
        raise OutOfTime(spent)
