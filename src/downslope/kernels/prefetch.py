"""Ask for memory before it is needed.

An epoch in random order jumps about in memory, where the processor cannot guess the next row. Told
a few rows ahead, it fetches them while the present row is worked on.
"""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64
"""Bytes that memory delivers at a time."""


@intrinsic
def prefetch(typing_context: Any, array: Any, row: Any, column: Any) -> Any:
    """Fetch the line of memory that holds ``array[row, column]`` into the nearest cache."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        fields = context.make_array(kind)(context, builder, args[0])
        place = cgutils.get_item_pointer(context, builder, kind, fields, args[1:], wraparound=False)
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        ask = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        )
        read, near, data = (ir.Constant(word, number) for number in (0, 3, 1))
        builder.call(ask, [builder.bitcast(place, byte), read, near, data])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), generate


@njit(inline="always")
def prefetch_row(X: Any, row: int) -> None:
    """Fetch a whole row of a dense array."""
    for column in range(0, X.shape[1], LINE // X.itemsize):
        prefetch(X, row, column)
