"""Ask for memory before it is needed.

An epoch in random order jumps about in memory, where the processor cannot guess the next row. Told
ahead, it fetches rows while the present one is worked on; ``MemoryRows.ahead`` says which.
"""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64
"""Bytes that memory delivers at a time."""

ONCE = 0
"""Into the nearest cache and past the others: for rows that are used once, and soon."""
OUTER = 2
"""Into all caches but the nearest, which is too small: for rows that are used once, but later."""


def _fetching(where: int) -> Any:
    """The instruction that asks for a line of memory."""

    def fetch(typing_context: Any, array: Any, row: Any, column: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = signature.args[0]
            fields = context.make_array(kind)(context, builder, args[0])
            place = cgutils.get_item_pointer(
                context, builder, kind, fields, args[1:], wraparound=False
            )
            byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
            ask = builder.module.declare_intrinsic(
                "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, word, word, word])
            )
            read, near, data = (ir.Constant(word, number) for number in (0, where, 1))
            builder.call(ask, [builder.bitcast(place, byte), read, near, data])
            return context.get_dummy_value()

        return types.void(array, types.intp, types.intp), generate

    return intrinsic(fetch)


prefetch_once = _fetching(ONCE)
"""Fetch the line of memory that holds ``array[row, column]``, past the outer caches."""
prefetch_outer = _fetching(OUTER)
"""As ``prefetch_once``, into the outer caches."""


@njit(inline="always")
def prefetch_row(X: Any, row: int, soon: bool) -> None:
    """Fetch a whole row of a dense array, which will be used once, ``soon`` or many rows later.

    Kept out of the outer caches it pushes nothing else out of them: an epoch in random order takes
    half the time (AMD EPYC; see docs/decisions.md). The last number is asked for by itself: rows
    rarely begin where a line of memory does.
    """
    last = X.shape[1] - 1
    if soon:
        for column in range(0, X.shape[1], LINE // X.itemsize):
            prefetch_once(X, row, column)
        prefetch_once(X, row, last)
    else:
        for column in range(0, X.shape[1], LINE // X.itemsize):
            prefetch_outer(X, row, column)
        prefetch_outer(X, row, last)
