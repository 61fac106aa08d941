"""Rows in memory: dense arrays and CSR matrices.

Both answer ``X @ w`` and ``X.T @ s``, so nothing that stands on rows has a sparse twin.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from downslope.errors import InputError

Array = Any
BLOCK_ROWS = 65_536
"""Rows per block of a total: fixed, so that sums do not depend on threads or batch sizes."""
ORDERS = ("random", "block", "given")
NEIGHBOURS = 256
"""Rows that stay together in block order: enough to read memory in line, few enough to mix. A power
of two."""
AHEAD = 12
"""How many rows before its use a row is asked for, where neighbours do not follow each other."""


class Rows(NamedTuple):
    """A block of rows: features, targets and weights.

    ``X`` has shape (n, d) and answers ``X @ w`` and ``X.T @ s``; ``y`` and ``weights`` have shape
    (n,). ``weights`` is None where every row counts once. ``first`` is the number of the first row
    in its source, where blocks come in order.
    """

    X: Array
    y: Array
    weights: Array | None
    first: int = 0


@dataclass(frozen=True)
class MemoryRows:
    """All rows in memory.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_rows, n_features)
    y : array of shape (n_rows,)
    weights : array of shape (n_rows,) or None
        How much each row counts; objectives expect a mean of 1.
    order : "random", "block" or "given", default "random"
        How an epoch visits the rows: any order; shuffled blocks of neighbours, shuffled inside,
        which reads memory in line and is several times faster; or as they lie.

    Raises
    ------
    InputError
        If the lengths differ or the order is none of these.

    Examples
    --------
    >>> rows = MemoryRows(np.eye(3), np.array([1.0, 2.0, 3.0]))
    >>> float(rows.total(lambda block: block.y.sum()))
    6.0
    >>> [len(batch.y) for batch in rows.batches(2, seed=0, epoch=0)]
    [2, 1]
    """

    X: Array
    y: Array
    weights: Array | None = None
    order: str = "random"

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise InputError(f"order={self.order!r} is unknown; choose one of {', '.join(ORDERS)}.")
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

    @property
    def n_places(self) -> int:
        """In how many places sums are made."""
        return 1

    def total(self, fn: Callable[[Rows], Any], pack: Any = None) -> Any:
        """Sum of ``fn(block)`` over all rows, block by block in order.

        None travels, so none is packed.
        """
        starts = range(0, self.n_rows, BLOCK_ROWS)
        return sum_parts(fn(self.take(slice(i, i + BLOCK_ROWS))._replace(first=i)) for i in starts)

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]:
        """One epoch of batches: all rows at once (``size=None``) or shuffled parts of ``size``.

        The order depends on ``seed`` and ``epoch`` only.
        """
        if size is None or size >= self.n_rows:
            yield self.take(slice(None))
            return
        order = self.visits(seed, epoch)
        for i in range(0, self.n_rows, size):
            yield self.take(order[i : i + size])

    def visits(self, seed: int, epoch: int) -> Array:
        """Row numbers in the order in which an epoch visits them."""
        rng = np.random.default_rng((seed, epoch))
        match self.order:
            case "given":
                return np.arange(self.n_rows)
            case "block":
                return block_order(self.n_rows, rng)
            case _:
                return rng.permutation(self.n_rows)

    def ahead(self, order: Array) -> tuple[Array, bool]:
        """The row to ask memory for at each step of an epoch, and whether it is used soon after.

        Blocks of neighbours are asked for a block ahead in the order in which they lie, which is
        what memory is quickest at.
        """
        if self.order == "block":
            return next_blocks(order), False
        return np.append(order[AHEAD:], np.repeat(order[-1], AHEAD))[: len(order)], True

    def sample(self, k: int, seed: int) -> Rows:
        """``k`` rows drawn without replacement (all of them if there are fewer)."""
        if k >= self.n_rows:
            return self.take(slice(None))
        chosen = np.random.default_rng(seed).choice(self.n_rows, size=k, replace=False)
        return self.take(np.sort(chosen))

    def take(self, rows: Array) -> Rows:
        """The rows chosen by a slice or an index array."""
        return take_rows(Rows(self.X, self.y, self.weights), rows)


def block_order(n_rows: int, rng: np.random.Generator) -> Array:
    """Shuffled blocks of neighbouring rows, shuffled inside.

    All blocks share one inner order, begun at a random place in each, and the cut between the first
    and the last block moves: random enough for descent, and cheap to draw.

    Examples
    --------
    >>> order = block_order(1000, np.random.default_rng(0))
    >>> bool((np.sort(order) == np.arange(1000)).all())
    True
    """
    blocks, rest = divmod(n_rows, NEIGHBOURS)
    inner = rng.permutation(NEIGHBOURS)
    turns = rng.integers(NEIGHBOURS, size=(blocks, 1))
    order = np.empty(n_rows, dtype=np.int64)  # filled in place: this is paid in every epoch
    whole = order[: n_rows - rest].reshape(blocks, NEIGHBOURS)
    np.add(inner, turns, out=whole)
    whole &= NEIGHBOURS - 1
    whole += NEIGHBOURS * rng.permutation(blocks)[:, None]
    order[n_rows - rest :] = n_rows - rest + rng.permutation(rest)
    order += rng.integers(max(1, n_rows))
    np.subtract(order, n_rows, out=order, where=order >= n_rows)
    return order


def next_blocks(order: Array) -> Array:
    """For each row of a block order a row of the block after, these in line; the last at the end.

    Examples
    --------
    >>> next_blocks(block_order(1000, np.random.default_rng(0))).shape
    (1000,)
    """
    n_rows = len(order)
    firsts = np.minimum.reduceat(order, np.arange(0, n_rows, NEIGHBOURS))
    following = np.append(firsts[1:], n_rows - 1)[:, None] + np.arange(NEIGHBOURS)
    return np.minimum(following, n_rows - 1, out=following).ravel()[:n_rows]


def take_rows(rows: Rows, chosen: Any) -> Rows:
    """The rows chosen by a slice or an index array."""
    weights = None if rows.weights is None else rows.weights[chosen]
    return Rows(rows.X[chosen], rows.y[chosen], weights)


def one_class(rows: Rows, c: int) -> Rows:
    """The same rows, of whose targets (n, classes) only the column of one class is left."""
    return rows._replace(y=rows.y[:, c])


def join_rows(blocks: Sequence[Rows]) -> Rows:
    """Blocks one below the other."""
    first = blocks[0]
    if len(blocks) == 1:
        return first
    stack = sparse.vstack if sparse.issparse(first.X) else np.concatenate
    weights = None if first.weights is None else np.concatenate([b.weights for b in blocks])
    return Rows(stack([b.X for b in blocks]), np.concatenate([b.y for b in blocks]), weights)


def narrow(X: Array) -> Array:
    """The same numbers in line, as float32 where that holds every one of them, else as float64.

    Examples
    --------
    >>> [narrow(np.array([[x, 2.0]])).dtype.name for x in (0.5, 0.1)]
    ['float32', 'float64']
    """
    if X.dtype == np.float32:
        return np.ascontiguousarray(X)
    X = np.ascontiguousarray(X, dtype=np.float64)
    few = X[:: max(1, len(X) // 64)]
    with np.errstate(over="ignore"):  # too large for it, and so not the same
        whole = (few.astype(np.float32) == few).all()
        small = X.astype(np.float32) if whole else X
    return small if whole and (small == X).all() else X


def sum_parts(parts: Iterator[Any]) -> Any:
    """Sum numbers, arrays, or tuples of them, in the order they come."""
    total = next(parts)
    for part in parts:
        if isinstance(total, tuple):
            total = tuple(a + b for a, b in zip(total, part, strict=True))
        else:
            total = total + part
    return total
