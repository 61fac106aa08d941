"""Which form of a kernel does a piece of work: NumPy for little, machine code for much.

Both forms are the product's, with the same functions and the same numbers to rounding. Machine code
is several times faster over many rows, but the compiler takes half a second to be loaded and up to
seven to make what a first fit needs. Over few rows NumPy is as fast, so nothing is compiled there.
"""

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from downslope.kernels import making

SMALL_WORK = 20_000
"""Cells, rows times columns, up to which work is done in NumPy; larger tables gain from
machine code. Measured by ``python -m benchmarks.small_fits``."""


def form(kernel: str, cells: int) -> Any:
    """The functions of a file of kernels, in the form that suits work on so many cells.

    Parameters
    ----------
    kernel : str
        A file of this folder that ``plain`` has too.
    cells : int
        Numbers read per pass.

    Returns
    -------
    module

    Examples
    --------
    >>> form("gram", 1000).__name__
    'downslope.kernels.plain.gram'
    """
    return _loaded(kernel, cells <= SMALL_WORK)


@cache
def _loaded(kernel: str, small: bool) -> ModuleType:
    if small:
        return import_module(f"downslope.kernels.plain.{kernel}")
    making.begin()
    try:
        return import_module(f"downslope.kernels.{kernel}")
    finally:
        making.end()
