"""The first reading of files, kept: text is parsed once instead of once per pass.

Few rows are held, many go straight into a cache. The bound is one for all files and machines, so
that the most a stream ever takes is known.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from downslope.sources.arrow import give_back
from downslope.sources.blocks import BlockRows, evenly
from downslope.sources.cache import EarlyCache
from downslope.sources.memory import Rows

HELD_BYTES = 96 * 2**20
"""Bytes of batches as they are read, and bytes of encoded rows, up to which they are held."""


@dataclass
class FirstReading:
    """Batches of the first reading of files, kept for the second as long as all are few.

    Parameters
    ----------
    most : int
        Bytes of all batches; more, and none is kept.
    early : EarlyCache or None
        Takes the rows from there on, and those that were kept so far.
    """

    most: int = 0
    early: EarlyCache | None = None
    parts: dict[int, deque[Any]] = field(default_factory=dict)
    size: int = 0

    def through(
        self, part: int, batches: Iterable[Any], rows_of: Callable[[Any], Rows | None]
    ) -> Iterator[tuple[Any, Rows | None]]:
        """The same batches of a part with their rows, each kept on its way.

        ``rows_of`` answers what becomes of a batch, or None where all rows must be known for that.
        """
        for batch in batches:
            self.size += batch.nbytes
            rows = rows_of(batch)
            if self.size <= self.most:
                self.parts.setdefault(part, deque()).append(batch)
            else:
                self._pass_on(rows_of)
                if self.early is not None:
                    self.early.add(rows)
            yield batch, rows

    def _pass_on(self, rows_of: Callable[[Any], Rows | None]) -> None:
        """Keep no batch any more."""
        while self.parts:
            for batch in _let_go(self.parts.pop(min(self.parts))):
                if self.early is not None:
                    self.early.add(rows_of(batch))

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
