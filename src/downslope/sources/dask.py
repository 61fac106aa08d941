"""Rows on a cluster: Dask arrays whose blocks stay where they are.

For each total a function travels to every block and its sum comes back, added in a tree, so what
moves is a few numbers per weight, never a row. A worker that is lost takes its blocks with it; Dask
computes them again elsewhere and the answer stays the same.

Memory is what a pass waits for, and workers of one machine share it. So numbers that float32 holds
without rounding, as counts, flags and most measurements are, are held as such; sums are float64.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, pairwise, zip_longest
from typing import Any

import dask
import dask.array
import numpy as np
from dask.delayed import Delayed
from distributed import futures_of, get_client, wait

from downslope.errors import InputError
from downslope.sources.blocks import BlockRows, evenly
from downslope.sources.memory import BLOCK_ROWS, Rows, join_rows, narrow, sum_parts, take_rows
from downslope.sources.weights import check_shape, sample_weights

Array = Any
BRANCHES = 8
"""Sums added at each node of the tree."""
LOOK = 1.0
"""Seconds after which a sum that has not come is asked for its workers."""


def _silent(rows: int, of: int) -> None:
    """Nobody listens."""


def _unpacked(total: Any) -> Any:
    """A sum as it is."""
    return total


@dataclass(frozen=True)
class DaskRows:
    """Rows of Dask arrays, some blocks at a time.

    Parameters
    ----------
    parts : tuple of Delayed
        Each computes to a list of ``Rows``, the blocks of one task.
    lengths : tuple of int
        Rows of each part.
    n_features : int
    maps : tuple of callable
        What each block goes through when it is used.
    places : tuple of str
        Address of the worker that holds each part, where parts are held.
    tell : callable
        Told the rows of each total or part that has come, and of how many.
    """

    parts: tuple[Delayed, ...]
    lengths: tuple[int, ...]
    n_features: int
    maps: tuple[Callable[[Rows], Rows], ...] = ()
    places: tuple[str, ...] = ()
    tell: Callable[[int, int], None] = _silent

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return sum(self.lengths)

    @property
    def n_places(self) -> int:
        """In how many places sums are made."""
        return len(self.parts)

    def total(self, fn: Callable[[Rows], Any], pack: Callable[[Any], Any] = _unpacked) -> Any:
        """Sum of ``fn(block)`` over all blocks: computed where they are, added in a tree.

        ``pack`` makes of the sum of a part what travels from there, and adds up with others. A
        worker that has nothing to do would take a sum over from another, and fetch all its rows for
        that; so a sum is tied to the worker that holds the rows, as long as it lives.
        """
        apply = partial(_sum_over, fn, self.maps, pack)
        sums = self._held_sums(apply) if self.places else dask.compute(*self._sums(apply, ()))
        self.tell(self.n_rows, self.n_rows)
        return sum_parts(iter(sums))

    def _held_sums(self, apply: Callable[[list[Rows]], Any]) -> Any:
        client = get_client()
        alive = client.nthreads()
        places = tuple(place if place in alive else "" for place in self.places)
        coming = client.compute(self._sums(apply, places), optimize_graph=False)
        gather = partial(client.gather, coming, asynchronous=True)
        while True:
            try:
                return client.sync(gather, callback_timeout=LOOK)
            except TimeoutError:
                if set(places) - {""} <= set(client.nthreads()):
                    continue
            client.cancel(coming)
            return dask.compute(*self._sums(apply, ()), optimize_graph=False)

    def _sums(self, apply: Callable[[list[Rows]], Any], places: Sequence[str]) -> list[Delayed]:
        """A few sums, whose last addition is left to this process: that is a message less."""
        add, over = dask.delayed(_add, pure=False), _applied(apply)
        sums = []
        for part, place in zip_longest(self.parts, places, fillvalue=""):
            with dask.annotate(**({"workers": [place]} if place else {})):
                sums.append(over(part))
        while len(sums) > BRANCHES:
            sums = [add(sums[i : i + BRANCHES]) for i in range(0, len(sums), BRANCHES)]
        return sums

    def map(self, fn: Callable[[Rows], Rows]) -> "DaskRows":
        """The same rows, every block through ``fn``, row by row, on its worker."""
        return replace(self, maps=(*self.maps, fn))

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]:
        """One epoch of batches: parts in shuffled order, rows shuffled inside each.

        Parts come to this process one at a time, so batches suit data that trickles; a full pass
        that stays on the workers is ``total``.
        """
        random = np.random.default_rng((seed, epoch))
        for i in random.permutation(len(self.parts)):
            rows = _through(self.maps, join_rows(self.parts[int(i)].compute()))
            order = random.permutation(len(rows.y))
            self.tell(len(order), self.n_rows)
            step = len(order) if size is None else size
            for first in range(0, len(order), step):
                yield take_rows(rows, order[first : first + step])

    def sample(self, k: int, seed: int) -> Rows:
        """``k`` rows drawn without replacement; each part hands over its share."""
        k = min(k, self.n_rows)
        chosen = np.sort(np.random.default_rng(seed).choice(self.n_rows, size=k, replace=False))
        edges = np.concatenate(([0], np.cumsum(self.lengths)))
        places = [
            chosen[np.searchsorted(chosen, a) : np.searchsorted(chosen, b)] - a
            for a, b in pairwise(edges)
        ]
        take = dask.delayed(_take, pure=False)
        wanted = [
            take(part, place) for part, place in zip(self.parts, places, strict=True) if len(place)
        ]
        return _through(self.maps, join_rows(dask.compute(*wanted)))


def dask_rows(X: Any, y: Any, weights: Any = None) -> DaskRows:
    """Rows of a Dask array or frame ``X``, with ``y`` (and ``weights``) in the same blocks.

    Columns are brought into one block per block of rows; blocks of ``y`` follow those of ``X``.
    Blocks without rows, which a filtered frame is full of, are left out: a block has a mean.

    Raises
    ------
    InputError
        If the lengths differ or cannot be known, or there are no rows.
    """
    X, y = (_as_array(a) for a in (X, y))
    if X.shape[0] != y.shape[0]:
        raise InputError(f"X has {X.shape[0]} rows but y has {y.shape[0]}; give one per row.")
    rows = tuple(int(n) for n in X.chunks[0] if n)
    if not rows:
        raise InputError(
            f"X has 0 rows: all of its {len(X.chunks[0])} blocks are empty; check what filtered "
            "them out."
        )
    X = X.rechunk((rows, -1))
    y = y.rechunk((rows,))
    pieces = [X.to_delayed().ravel(), y.to_delayed().ravel()]
    if weights is not None:
        pieces.append(_weights(weights, X.shape[0]).rechunk((rows,)).to_delayed().ravel())
    make, firsts = dask.delayed(_rows, pure=True), accumulate(rows, initial=0)
    parts = tuple(
        make(first, *piece) for first, piece in zip(firsts, zip(*pieces, strict=True), strict=False)
    )
    return DaskRows(parts, rows, int(X.shape[1]))


def part_rows(rows: BlockRows) -> DaskRows:
    """Rows that come in parts, each read by a worker and held in its memory.

    A worker that is lost takes its parts with it; they are read again elsewhere.
    """
    read = _applied(partial(_whole_part, rows))
    parts = dask.persist(*[read(i) for i in range(rows.n_parts)])
    count = dask.delayed(_length, pure=False)
    lengths = dask.compute(*[count(part) for part in parts])
    held = [(part, n) for part, n in zip(parts, lengths, strict=True) if n]
    firsts = accumulate((n for _, n in held), initial=0)
    place = dask.delayed(_placed, pure=False)
    placed = tuple(place(part, first) for (part, _), first in zip(held, firsts, strict=False))
    return keep_on_workers(DaskRows(placed, tuple(n for _, n in held), rows.n_features))


def keep_on_workers(rows: DaskRows) -> DaskRows:
    """The same rows, computed once and held in the workers' memory.

    Neighbouring parts become one, a part for every thread of the cluster: so a pass costs one task
    per thread, and the sums of a run are added in the same order whoever holds the rows. A part
    prefers its worker; when that is lost it is computed again elsewhere. Without a cluster nothing
    is held, since this process may be too small for all rows.
    """
    places = _threads()
    if not places:
        return rows
    # While workers are busy the scheduler moves tasks to others, and with a part all its rows.
    rows = replace(rows, parts=dask.persist(*rows.parts, optimize_graph=False))
    wait(futures_of(rows.parts))
    cuts = [len(rows.parts) * i // len(places) for i in range(len(places) + 1)]
    gather = dask.delayed(partial(_gathered, rows.maps), pure=False)
    parts, lengths = [], []
    for place, (a, b) in zip(places, pairwise(cuts), strict=True):
        if a < b:
            options = {"workers": [place], "allow_other_workers": True}
            with dask.annotate(**options):
                whole = gather(list(rows.parts[a:b]))
            parts.append(whole)
            lengths.append(sum(rows.lengths[a:b]))
    held = dask.persist(*parts, optimize_graph=False)
    return DaskRows(held, tuple(lengths), rows.n_features, places=_holders(held))


def _holders(parts: Sequence[Delayed]) -> tuple[str, ...]:
    """Address of the worker that holds each part, once all are computed."""
    futures = [futures_of(part)[0] for part in parts]
    wait(futures)
    where = get_client().who_has(futures)
    return tuple((*where.get(future.key, ()), "")[0] for future in futures)


def _threads() -> list[str]:
    """Address of every thread of the cluster in use; none where there is no cluster."""
    try:
        threads = get_client().nthreads()
    except ValueError:  # no client: Dask computes in this process
        return []
    return [address for address in sorted(threads) for _ in range(threads[address])]


def on_workers(fn: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """``fn`` of every item, each computed by a worker."""
    apply = dask.delayed(fn, pure=False, traverse=False)
    return list(dask.compute(*[apply(item) for item in items]))


def _applied(fn: Callable[..., Any]) -> Any:
    """``fn`` as a task, whose arguments are not searched for other tasks."""
    return dask.delayed(fn, pure=False, traverse=False)


def _sum_over(
    fn: Callable[[Rows], Any],
    maps: Sequence[Any],
    pack: Callable[[Any], Any],
    blocks: list[Rows],
) -> Any:
    return pack(sum_parts(fn(_through(maps, block)) for block in blocks))


def _through(maps: Sequence[Callable[[Rows], Rows]], block: Rows) -> Rows:
    for each in maps:
        block = each(block)
    return block


def _take(blocks: list[Rows], places: Array) -> Rows:
    edges = accumulate((len(block.y) for block in blocks), initial=0)
    taken = []
    for (a, b), block in zip(pairwise(edges), blocks, strict=True):
        here = places[np.searchsorted(places, a) : np.searchsorted(places, b)] - a
        if len(here):
            taken.append(take_rows(block, here))
    return join_rows(taken)


def _gathered(maps: Sequence[Any], parts: list[list[Rows]]) -> list[Rows]:
    return [_narrowed(_through(maps, block)) for part in parts for block in part]


def _narrowed(rows: Rows) -> Rows:
    """Numbers in line, as float32 where that holds every one of them."""
    return rows._replace(X=narrow(rows.X)) if isinstance(rows.X, np.ndarray) else rows


def _whole_part(rows: BlockRows, i: int) -> list[Rows]:
    return list(rows.read(i))


def _length(blocks: list[Rows]) -> int:
    return sum(len(block.y) for block in blocks)


def _placed(blocks: list[Rows], first: int) -> list[Rows]:
    """Blocks of a size that does not depend on the file's own, numbered from ``first``."""
    even = evenly(iter(blocks), BLOCK_ROWS)
    return [block._replace(first=first + block.first) for block in even]


def _as_array(a: Any) -> Any:
    if a is None or isinstance(a, dask.array.Array):
        known = a
    elif type(a).__module__.startswith("dask.dataframe"):
        known = a.to_dask_array(lengths=True)
    else:
        known = dask.array.asarray(np.asarray(a))
    if known is not None and np.isnan(known.shape[0]):
        known.compute_chunk_sizes()
    return known


def _weights(weights: Any, n_rows: int) -> Any:
    """Weights as a Dask array; those that are in this memory are checked here."""
    if not type(weights).__module__.startswith("dask"):
        return dask.array.asarray(sample_weights(weights, n_rows))
    known = _as_array(weights)
    check_shape(known.shape, n_rows)
    return known


def _rows(first: int, X: Array, y: Array, weights: Array | None = None) -> list[Rows]:
    return [Rows(X, y, weights, first)]


def _add(parts: list[Any]) -> Any:
    return sum_parts(iter(parts))
