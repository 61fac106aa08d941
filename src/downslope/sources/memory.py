"""Rows in memory: dense arrays and CSR matrices.

Both answer ``X @ w`` and ``X.T @ s``, so nothing that stands on rows has a sparse twin.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from downslope.errors import InputError

Array = Any
BLOCK_ROWS = 65_536
"""Rows per block of a total: fixed, so that sums do not depend on threads or batch sizes."""


class Rows(NamedTuple):
    """A block of rows: features, targets and weights.

    ``X`` has shape (n, d) and answers ``X @ w`` and ``X.T @ s``; ``y`` and ``weights`` have shape
    (n,). ``weights`` is None where every row counts once.
    """

    X: Array
    y: Array
    weights: Array | None


@dataclass(frozen=True)
class MemoryRows:
    """All rows in memory.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_rows, n_features)
    y : array of shape (n_rows,)
    weights : array of shape (n_rows,) or None
        How much each row counts; objectives expect a mean of 1.

    Raises
    ------
    InputError
        If the lengths differ.

    Examples
    --------
    >>> rows = MemoryRows(np.eye(3), np.array([1.0, 2.0, 3.0]))
    >>> rows.total(lambda block: block.y.sum())
    6.0
    >>> [len(batch.y) for batch in rows.batches(2, seed=0, epoch=0)]
    [2, 1]
    """

    X: Array
    y: Array
    weights: Array | None = None

    def __post_init__(self) -> None:
        for name, column in (("y", self.y), ("weights", self.weights)):
            if column is not None and len(column) != self.X.shape[0]:
                raise InputError(
                    f"X has {self.X.shape[0]} rows but {name} has {len(column)}; give one per row."
                )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.X.shape[1])

    def total(self, fn: Callable[[Rows], Any]) -> Any:
        """Sum of ``fn(block)`` over all rows, block by block in order."""
        starts = range(0, self.n_rows, BLOCK_ROWS)
        return sum_parts(fn(self.take(slice(i, i + BLOCK_ROWS))) for i in starts)

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]:
        """One epoch of batches: all rows at once (``size=None``) or shuffled parts of ``size``.

        The order depends on ``seed`` and ``epoch`` only.
        """
        if size is None or size >= self.n_rows:
            yield self.take(slice(None))
            return
        order = np.random.default_rng((seed, epoch)).permutation(self.n_rows)
        for i in range(0, self.n_rows, size):
            yield self.take(order[i : i + size])

    def sample(self, k: int, seed: int) -> Rows:
        """``k`` rows drawn without replacement (all of them if there are fewer)."""
        if k >= self.n_rows:
            return self.take(slice(None))
        chosen = np.random.default_rng(seed).choice(self.n_rows, size=k, replace=False)
        return self.take(np.sort(chosen))

    def take(self, rows: Array) -> Rows:
        """The rows chosen by a slice or an index array."""
        return Rows(
            self.X[rows], self.y[rows], None if self.weights is None else self.weights[rows]
        )


def sum_parts(parts: Iterator[Any]) -> Any:
    """Sum numbers, arrays, or tuples of them, in the order they come."""
    total = next(parts)
    for part in parts:
        if isinstance(total, tuple):
            total = tuple(a + b for a, b in zip(total, part, strict=True))
        else:
            total = total + part
    return total
