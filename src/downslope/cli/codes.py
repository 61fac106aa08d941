"""Exit codes: what a script can learn from a run without reading a word."""

DONE = 0
NOT_CONVERGED = 1
"""Ended without reaching its goal, or diverged; what there is, is kept."""
WRONG = 2
"""Wrong input or usage, said in one sentence."""
INTERRUPTED = 130
"""Stopped by the user; the best so far is kept."""
