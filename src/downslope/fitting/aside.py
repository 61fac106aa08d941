"""Rows kept aside to judge by, of a table that is never all in memory."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from downslope.sources.blocks import BlockRows
from downslope.sources.memory import Rows

Array = Any


def kept_apart(rows: BlockRows, share: float, seed: int) -> tuple[BlockRows, BlockRows]:
    """Rows to learn from, and a share of them kept aside.

    By lot, from a row's number and the seed: the same rows from files or a cache, in any blocks.
    """
    share = share if rows.n_rows >= 10 else 0.0
    return _part(rows, share, seed, aside=False), _part(rows, share, seed, aside=True)


def _part(rows: BlockRows, share: float, seed: int, *, aside: bool) -> BlockRows:
    def chosen(first: int, n: int) -> Array:
        return (lots(first, n, seed) < share) == aside

    def read(i: int) -> Iterator[Rows]:
        for block in rows.read(i):
            mine = chosen(block.first, len(block.y))
            if mine.all():
                yield block
            elif mine.any():
                yield Rows(block.X[mine], block.y[mine], None)

    step = 1_000_000
    starts = range(0, rows.n_rows, step)
    n = sum(int(chosen(i, min(step, rows.n_rows - i)).sum()) for i in starts)
    return replace(rows, read=read, n_rows=n)


def lots(first: int, n: int, seed: int) -> Array:
    """A number in [0, 1) for each of ``n`` rows from row ``first`` on.

    The mixing function is that of SplitMix64 (Steele, Lea and Flood 2014).

    >>> bool((lots(0, 10, 1)[4:] == lots(4, 6, 1)).all())
    True
    """
    start = np.array([(seed * 0x9E3779B97F4A7C15 + first) % 2**64], dtype=np.uint64)
    x: Array = (start + np.arange(n, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(11)) / 2.0**53
