"""Kernels as plain Python, so that coverage sees their lines: ``pytest -p plain_kernels``.

With ``NUMBA_DISABLE_JIT=1`` a compiled function is the Python function that it was made from. What
has no Python form gets one here, before any kernel is imported: bits of a float, requests for
memory, and functions whose body is chosen by the type of their rows while they are compiled.
Integers of fixed width wrap around as machine code lets them, so no test may fear their overflow.
"""

import sys

import numba.extending
import numpy as np
import pytest
from numba import config as numba_config
from numba import typeof

INSTRUCTIONS = {
    "bits_of": lambda x: int(np.float64(x).view(np.int64)),
    "float_of": lambda i: float(np.uint64(i % 2**64).view(np.float64)),
    "fetch": lambda array, row, column: None,
}


def intrinsic(generate):
    """In the place of machine code."""
    return INSTRUCTIONS[generate.__name__]


def overload(stub, jit_options):
    """Call what the compiler would have chosen."""

    def chosen_by(choose):
        vars(sys.modules[stub.__module__])[stub.__name__] = lambda *args: choose(
            *map(typeof, args)
        )(*args)
        return choose

    return chosen_by


def pytest_configure(config):
    """Overflow of integers and division by zero are what the compiled code is meant to do."""
    if not numba_config.DISABLE_JIT:
        raise pytest.UsageError("Set NUMBA_DISABLE_JIT=1; compiled kernels hide their lines.")
    for what in ("overflow encountered", "divide by zero", "invalid value"):
        config.addinivalue_line("filterwarnings", f"ignore:{what}:RuntimeWarning")


if numba_config.DISABLE_JIT:  # not where this file is only looked through for examples
    numba.extending.intrinsic = intrinsic
    numba.extending.overload = overload
