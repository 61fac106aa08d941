"""Few rows of files, held: text is parsed once instead of once per pass.

The bound is one for all files and machines, so that the most a stream ever takes is known.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from downslope.sources.arrow import give_back
from downslope.sources.blocks import BlockRows, evenly

HELD_BYTES = 96 * 2**20
"""Bytes of batches as they are read, and bytes of encoded rows, up to which they are held."""


@dataclass
class FirstReading:
    """Batches of the first reading of files, kept for the second as long as all are few.

    Parameters
    ----------
    most : int
        Bytes of all batches; more, and none is kept.
    """

    most: int = 0
    parts: dict[int, deque[Any]] = field(default_factory=dict)
    size: int = 0

    def through(self, part: int, batches: Iterable[Any]) -> Iterator[Any]:
        """The same batches of a part, each kept on its way."""
        for batch in batches:
            self.size += batch.nbytes
            if self.size <= self.most:
                self.parts.setdefault(part, deque()).append(batch)
            else:
                self.parts.clear()
            yield batch

    def again(self, part: int) -> Iterator[Any] | None:
        """The batches of a part if they were kept, each let go as it is handed out."""
        kept = self.parts.pop(part, None)
        return None if kept is None else _let_go(kept)


def _let_go(batches: deque[Any]) -> Iterator[Any]:
    while batches:
        yield batches.popleft()
        give_back()


def held_bytes(rows: BlockRows) -> int:
    """What ``held`` takes."""
    return 8 * rows.n_rows * (rows.n_features + 1)


def held(source: BlockRows) -> BlockRows:
    """The same rows, read once and held in blocks of the size that totals ask for.

    Examples
    --------
    >>> import numpy as np
    >>> from downslope.sources.memory import Rows
    >>> def read(i):
    ...     print("reading")
    ...     yield Rows(np.eye(2), np.ones(2), None)
    >>> rows = held(BlockRows(read, n_parts=1, n_rows=2, n_features=2))
    reading
    >>> [float(rows.total(lambda block: block.X.sum())) for _ in range(2)]
    [2.0, 2.0]
    """
    blocks = list(evenly(source.blocks(), source.block_rows))
    return BlockRows(
        lambda i: iter(blocks[i : i + 1]), len(blocks), source.n_rows, source.n_features
    )
