"""Exit codes: what a script can learn from a run without reading a word."""

from downslope.stopping import Reason

DONE = 0
NOT_CONVERGED = 1
"""Ended without reaching its goal, or diverged; what there is, is kept."""
WRONG = 2
"""Wrong input or usage, said in one sentence."""
INTERRUPTED = 130
"""Stopped by the user; the best so far is kept."""


def code_of(reason: Reason) -> int:
    """What a fit that ended for this reason exits with, wherever its rows came from."""
    if reason.name == "interrupted":
        return INTERRUPTED
    return DONE if reason.converged else NOT_CONVERGED
