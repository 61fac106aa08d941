"""Rows from anywhere with some of them at hand, so that nobody reads all to draw some again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from downslope.sources.memory import MemoryRows, Rows


@dataclass(frozen=True)
class Sampled:
    """A source whose samples come from rows that were drawn at random.

    Parameters
    ----------
    rows : source
        With a ``map``: ``BlockRows`` or ``DaskRows``.
    few : Rows
        Drawn from it at random; larger samples are drawn anew.
    """

    rows: Any
    few: Rows

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.rows.n_rows)

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.rows.n_features)

    @property
    def n_places(self) -> int:
        """In how many places sums are made."""
        return int(self.rows.n_places)

    def total(self, fn: Callable[[Rows], Any], pack: Any = None) -> Any:
        """Sum of ``fn(block)`` over all rows."""
        return self.rows.total(fn) if pack is None else self.rows.total(fn, pack=pack)

    def map(self, fn: Callable[[Rows], Rows]) -> "Sampled":
        """The same rows, every block through ``fn``, those at hand too."""
        return Sampled(self.rows.map(fn), fn(self.few))

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]:
        """One epoch of shuffled batches."""
        return self.rows.batches(size, seed, epoch)  # type: ignore[no-any-return]

    def sample(self, k: int, seed: int) -> Rows:
        """``k`` rows drawn without replacement (all of them if there are fewer)."""
        n = len(self.few.y)
        if n < min(k, self.n_rows):
            return self.rows.sample(k, seed)  # type: ignore[no-any-return]
        return self.few if n <= k else MemoryRows(*self.few[:3]).sample(k, seed)
