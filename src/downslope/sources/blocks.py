"""Rows that come in parts: files, row groups, chunks, or the blocks of a cache.

A part can be read again and again, and only one block of it is in memory at a time. Everything that
stands on rows (objectives, solvers, scaling) asks the same questions as of rows in memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from downslope.errors import InputError
from downslope.sources.memory import BLOCK_ROWS, Rows, join_rows, sum_parts, take_rows

Array = Any
MOST_CELLS = 1 << 20
"""Numbers in a block of a total."""
BUFFER_ROWS = 100_000
"""Rows that the shuffle holds: a batch mixes rows that lay up to about so far apart."""


@dataclass(frozen=True)
class BlockRows:
    """Rows read block by block.

    Parameters
    ----------
    read : callable
        ``read(i)`` yields the blocks of part ``i`` in order, the same each time, each with the
        number of its first row where something asks for it.
    n_parts, n_rows, n_features : int

    Examples
    --------
    >>> X, y = np.arange(8.0).reshape(4, 2), np.arange(4.0)
    >>> rows = BlockRows(lambda i: iter([Rows(X[2 * i : 2 * i + 2], y[2 * i : 2 * i + 2], None)]),
    ...                  n_parts=2, n_rows=4, n_features=2)
    >>> rows.total(lambda block: float(block.y.sum()))
    6.0
    """

    read: Callable[[int], Iterator[Rows]]
    n_parts: int
    n_rows: int
    n_features: int

    def blocks(self) -> Iterator[Rows]:
        """Every block, in order.

        Raises
        ------
        InputError
            If there are more or fewer rows than there were: the input changed while it was read.
        """
        seen = 0
        for part in range(self.n_parts):
            for block in self.read(part):
                yield block._replace(first=seen)
                seen += len(block.y)
        if seen != self.n_rows:
            raise InputError(
                f"The input held {self.n_rows:,} rows when it was opened and {seen:,} in this "
                "pass: it changes while it is read. Copy it, or wait until nothing writes to it."
            )

    @property
    def n_places(self) -> int:
        """In how many places sums are made."""
        return 1

    def total(self, fn: Callable[[Rows], Any], pack: Any = None) -> Any:
        """Sum of ``fn(block)`` over all rows, in blocks of a size that depends on the columns only.

        So the sum has the same bits however the rows came. None travels, so none is packed.
        """
        return sum_parts(fn(block) for block in evenly(self.blocks(), self.block_rows))

    @property
    def block_rows(self) -> int:
        """Rows of a block of a total."""
        cells = max(1, self.n_features)
        return min(BLOCK_ROWS, 1 << max(0, (MOST_CELLS // cells).bit_length() - 1))

    def map(self, fn: Callable[[Rows], Rows]) -> "BlockRows":
        """The same rows, every block through ``fn`` when it is read."""
        return replace(self, read=lambda i: map(fn, self.read(i)))

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]:
        """One epoch of shuffled batches.

        Parts come in a new order each epoch; their rows go through a buffer of ``BUFFER_ROWS`` rows
        that is shuffled and handed out. The order depends on ``seed`` and ``epoch`` only.
        """
        random = np.random.default_rng((seed, epoch))
        size = self.n_rows if size is None else size
        left: Rows | None = None
        for buffer in _buffers(self._in_order(random.permutation(self.n_parts))):
            order = random.permutation(len(buffer.y))
            mixed = (
                take_rows(buffer, order)
                if left is None
                else join_rows([left, take_rows(buffer, order)])
            )
            whole = len(mixed.y) // size * size
            for i in range(0, whole, size):
                yield take_rows(mixed, slice(i, i + size))
            left = take_rows(mixed, slice(whole, None)) if whole < len(mixed.y) else None
        if left is not None:
            yield left

    def sample(self, k: int, seed: int) -> Rows:
        """``k`` rows drawn without replacement, in one pass (all of them if there are fewer)."""
        if k >= self.n_rows:
            return join_rows(list(self.blocks()))
        chosen = np.sort(np.random.default_rng(seed).choice(self.n_rows, size=k, replace=False))
        taken, first = [], 0
        for block in self.blocks():
            last = first + len(block.y)
            here = chosen[np.searchsorted(chosen, first) : np.searchsorted(chosen, last)] - first
            if len(here):
                taken.append(take_rows(block, here))
            first = last
        return join_rows(taken)

    def _in_order(self, parts: Array) -> Iterator[Rows]:
        for part in parts:
            yield from self.read(int(part))


def evenly(blocks: Iterator[Rows], size: int) -> Iterator[Rows]:
    """The same rows in blocks of ``size``; the last may be shorter."""
    held: list[Rows] = []
    room, first = size, 0
    for block in blocks:
        at = 0
        while len(block.y) - at >= room:
            whole = join_rows([*held, take_rows(block, slice(at, at + room))])
            yield whole._replace(first=first)
            at, first = at + room, first + size
            held, room = [], size
        if at < len(block.y):
            held.append(take_rows(block, slice(at, None)))
            room -= len(block.y) - at
    if held:
        yield join_rows(held)._replace(first=first)


def _buffers(blocks: Iterator[Rows]) -> Iterator[Rows]:
    """Blocks joined until they fill the buffer."""
    held: list[Rows] = []
    for block in blocks:
        held.append(block)
        if sum(len(b.y) for b in held) >= BUFFER_ROWS:
            yield join_rows(held)
            held = []
    if held:
        yield join_rows(held)
