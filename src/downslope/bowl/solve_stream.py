"""The round bowl over rows that are never all in memory: files, a cluster, a cache.

The solver asks for passes; here a pass is a total over blocks, each run by the kernels that serve
rows in memory. The CountSketch of all rows is the sum of the blocks' sketches, since every row goes
into one bucket with a sign of its own, wherever it lies. Rows that follow each other share a band
of buckets, which is folded to a triangle before the next is filled, and before it travels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Protocol

import numpy as np

from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.folding import Table, bands_for
from downslope.bowl.near_columns import (
    NearlyDependent,
    Parting,
    folded,
    grid_centers,
    part,
    seen_in,
    sketch_rows,
)
from downslope.bowl.parted import solve_parted
from downslope.bowl.passes import DensePasses, Sketch
from downslope.bowl.regimes import lowest_point_far
from downslope.bowl.round import FEW_ROWS, buckets_for, sample_rows_for
from downslope.bowl.rounding import Seen, corner_sums, rounded, seen_of
from downslope.bowl.smooth import Settings, Smooth, Solution, among
from downslope.bowl.solve import (
    far_columns,
    moved_back,
    refuse_perceptron,
    solve,
    told_in_user_units,
)
from downslope.kernels.team import one_thread_per_product
from downslope.kernels.views import read_only
from downslope.losses import Loss
from downslope.memory_room import check_room
from downslope.penalties import NO_PENALTY, Penalty
from downslope.sources.memory import MemoryRows, Rows

Array = Any
MOST_PARTED = 1000
"""Columns up to which a sketch of them all travels from every block."""


class Source(Protocol):
    """Rows, wherever they live."""

    @property
    def n_rows(self) -> int: ...

    @property
    def n_features(self) -> int: ...

    @property
    def n_places(self) -> int:
        """In how many places sums are made."""
        ...

    def total(self, fn: Any, pack: Any = None) -> Any:
        """Sum of ``fn(block)``; ``pack`` makes of the sum of a place what travels from there."""
        ...

    def sample(self, k: int, seed: int) -> Rows: ...


@dataclass(frozen=True)
class BlockPasses:
    """What travels to a block: everything about a pass but the rows.

    Parameters
    ----------
    loss : Loss
    fit_intercept : bool
    shift : array of shape (n_features,)
        Subtracted from the columns; see ``solve.far_columns``.
    n_outputs : int, default 1
        Number of classes of a multinomial loss.
    width : float, default 0
        Width over which the corners of the loss are rounded off; 0 leaves them.
    parting : Parting or None
        Columns that are exchanged, after they were shifted.
    """

    loss: Loss
    fit_intercept: bool
    shift: Array
    n_outputs: int = 1
    width: float = 0.0
    parting: Parting | None = None

    def of(self, rows: Rows) -> DensePasses | ClassPasses:
        """Passes over one block."""
        if self.n_outputs > 1:
            X, weights = self.columns(rows)
            labels = read_only(np.ascontiguousarray(rows.y, dtype=np.int64))
            return ClassPasses(X, labels, weights, self.n_outputs, self.fit_intercept)
        sharp = self.sharp(rows)
        return sharp.rounded(self.width) if self.width else sharp

    def sharp(self, rows: Rows) -> DensePasses:
        """Passes over one block for one output, corners and all."""
        X, weights = self.columns(rows)
        y = read_only(np.ascontiguousarray(rows.y, dtype=np.float64))
        return DensePasses(X, y, weights, self.loss, self.fit_intercept)

    def columns(self, rows: Rows) -> tuple[Array, Array]:
        """Columns as the solver sees them, and the weights of the rows."""
        X = np.asarray(rows.X)
        X = X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
        X = X - self.shift if self.shift.any() else X
        X = X if self.parting is None else self.parting.apply(X)
        weights = ones(len(X)) if rows.weights is None else np.asarray(rows.weights, float)
        return read_only(np.ascontiguousarray(X)), read_only(weights)


def ones(n: int) -> Array:
    """So many, from an array that blocks of about one size share."""
    return _ones(1 << max(0, n - 1).bit_length())[:n]


@lru_cache(1)
def _ones(n: int) -> Array:
    return np.ones(n)


@dataclass(frozen=True)
class StreamPasses:
    """Passes over a source of dense rows, block by block.

    Parameters
    ----------
    source : Source
    block : BlockPasses
        The pass over each of its blocks.
    lowest_weight : float, default 1
        Smallest weight of a row that counts.
    drawn : Rows, optional
        Rows drawn at random: samples are taken from them where they are enough, since each draw
        from the source may read all of it.
    """

    source: Source
    block: BlockPasses
    lowest_weight: float = 1.0
    drawn: Rows | None = None

    @property
    def loss(self) -> Loss:
        """The loss, with its corners rounded off where they are."""
        sharp, width = self.block.loss, self.block.width
        return rounded(sharp, np.zeros(0), width)[0] if width else sharp

    @property
    def fit_intercept(self) -> bool:
        """Whether the flat weights end with an intercept."""
        return self.block.fit_intercept

    @property
    def n_outputs(self) -> int:
        """Number of raw predictions of a row."""
        return self.block.n_outputs

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.source.n_rows

    @property
    def n_features(self) -> int:
        """Number of columns."""
        parting = self.block.parting
        return self.source.n_features if parting is None else len(parting.kept)

    def at(self, w: Array) -> tuple[float, Array]:
        """Mean loss and gradient."""
        value, gradient = self.source.total(partial(_sums_at, self.block, w))
        return value / self.n_rows, gradient / self.n_rows

    def sketch(
        self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int
    ) -> Sketch:
        """Mean loss, gradient and a CountSketch of the curvature, folded where it travelled."""
        assert buckets is not None  # rows few enough for a bucket each are solved in memory
        bands = bands_for(buckets, len(w) + 1, self.source.n_places)
        size = partial(_band_of, self.n_rows, buckets, bands)
        fn = partial(_sums_with_sketch, self.block, w, size, shift, floor, seed)
        value, gradient, table = self.source.total(fn, pack=_folded)
        return Sketch(value / self.n_rows, gradient / self.n_rows, table.whole(), shift)

    def lowest_loss(self) -> float:
        """Mean loss if every row had the prediction that suits it best."""
        return float(self.source.total(partial(_lowest_sum, self.block))) / self.n_rows

    def sample(self, k: int, seed: int) -> DensePasses | ClassPasses:
        """``k`` rows drawn without replacement, in memory."""
        drawn, source = self.drawn, self.source
        if drawn is not None and k <= len(drawn.y) < self.n_rows:
            source = MemoryRows(*drawn[:3])
        return self.block.of(source.sample(k, seed))

    def rounded(self, width: float) -> "StreamPasses":
        """The same rows, the loss with its corners rounded off."""
        return replace(self, block=replace(self.block, width=width))

    def seen(self, w: Array, width: float) -> Seen:
        """What the rows tell about corners of that width."""
        return seen_of(self.source.total(partial(_corners, self.block, w, width)), self.n_rows)


def _sums_at(passes: BlockPasses, w: Array, rows: Rows) -> tuple[float, Array]:
    with one_thread_per_product(), np.errstate(over="ignore", invalid="ignore"):
        value, gradient = passes.of(rows).at(w)
    return value * len(rows.y), gradient * len(rows.y)


def _corners(passes: BlockPasses, w: Array, width: float, rows: Rows) -> Array:
    sharp = passes.sharp(rows)
    return corner_sums(passes.loss, sharp.raw(w), sharp.y, sharp.weights, width)


def _lowest_sum(passes: BlockPasses, rows: Rows) -> float:
    return passes.of(rows).lowest_loss() * len(rows.y)


def _band_of(n_rows: int, buckets: int, bands: int, rows: Rows) -> tuple[int, int]:
    """Which band a block goes into, and its buckets; a block larger than a band has one alone."""
    fair = -(-buckets * len(rows.y) // n_rows)
    return rows.first * bands // n_rows, max(-(-buckets // bands), fair)


def _sums_with_sketch(
    passes: BlockPasses,
    w: Array,
    band_of: Callable[[Rows], tuple[int, int]],
    shift: Array,
    floor: float,
    seed: int,
    rows: Rows,
) -> tuple[float, Array, Table]:
    # Signs belong to rows: blocks that began with the same seed would add up in step.
    own = (seed * 0x9E3779B9 + rows.first + 1) % 2**63
    with one_thread_per_product(), np.errstate(over="ignore", invalid="ignore"):
        band, buckets = band_of(rows)
        sketch = passes.of(rows).sketch(w, buckets, shift, floor, own)
    n = len(rows.y)
    return sketch.value * n, sketch.gradient * n, Table(sketch.table, band)


def _folded(sums: tuple[float, Array, Table]) -> tuple[float, Array, Table]:
    value, gradient, table = sums
    return value, gradient, table.folded()


def sample_size(n_rows: int, n_weights: int) -> int:
    """How many rows are drawn from a stream."""
    return max(FEW_ROWS, sample_rows_for(n_rows, n_weights))


def solve_stream(
    source: Source,
    loss: Loss,
    penalty: Penalty = NO_PENALTY,
    *,
    deviations: Array | None = None,
    fit_intercept: bool = True,
    n_outputs: int = 1,
    settings: Settings | None = None,
) -> Solution:
    """Lowest point of the objective over a source of rows; ``solve.solve`` without the memory.

    Parameters
    ----------
    source : Source
        Dense rows with weights of mean 1; a source small enough to need no sketch is read into
        memory.
    loss, penalty, deviations, fit_intercept, n_outputs, settings
        As in ``solve.solve``.

    Returns
    -------
    Solution

    Raises
    ------
    PairError
        For the perceptron loss, and for more weights than a matrix of their products can have.
    InputError
        If rows that are too few to be sketched do not fit into memory.

    Examples
    --------
    >>> from downslope.losses import SquaredError
    >>> from downslope.sources.memory import MemoryRows
    >>> X = np.random.default_rng(0).normal(size=(5000, 2)) * [1.0, 1e4]
    >>> solution = solve_stream(MemoryRows(X, X @ [2.0, 3e-4] + 1.0), SquaredError())
    >>> solution.w.round(6)
    array([2.e+00, 3.e-04, 1.e+00])
    """
    settings, k = settings or Settings(), n_outputs
    refuse_perceptron(loss)
    n, m = source.n_rows, (source.n_features + fit_intercept) * k
    if buckets_for(n, m, k) in (None, n):
        check_room(
            3.0 * 8.0 * n * source.n_features,
            f"A problem of {n:,} rows and {m:,} weights is solved in memory, which",
            "leave columns out, or use a machine with more memory",
        )
        rows = source.sample(n, settings.seed)
        return solve(
            rows.X,
            rows.y,
            loss,
            penalty,
            weights=rows.weights,
            deviations=deviations,
            fit_intercept=fit_intercept,
            n_outputs=k,
            settings=settings,
        )
    few = source.sample(sample_size(n, m), settings.seed)
    shift = far_columns(np.asarray(few.X)) if fit_intercept else np.zeros(source.n_features)
    lightest = 1.0 if few.weights is None else float(few.weights[few.weights > 0.0].min())
    scale = np.ones(source.n_features) if deviations is None else deviations
    moved = shift if shift.any() else None
    settings = told_in_user_units(settings, moved, k)
    block = BlockPasses(loss, fit_intercept, shift, k)

    def lowest(
        parting: Parting | None, settings: Settings, watchful: bool = False
    ) -> tuple[Solution, Smooth]:
        passes = StreamPasses(source, replace(block, parting=parting), lightest, few)
        paid = scale[: passes.n_features]  # columns are exchanged only where there is no penalty
        penalised = np.append(np.repeat(paid, k), np.zeros(k * fit_intercept))
        problem = Smooth(passes, penalty.l2 * penalised**2, settings.log, watchful=watchful)
        return lowest_point_far(problem, passes, penalty.l1 * penalised, settings), problem

    try:
        watchful = penalty == NO_PENALTY and source.n_features <= MOST_PARTED
        solution = lowest(None, settings, watchful)[0]
    except NearlyDependent:
        near = np.asarray(few.X, dtype=np.float64) - shift
        parting = _parting(source, block, near)
        solution, _ = solve_parted(parting, near, n, scale, fit_intercept, k, settings, lowest)
    return among(replace(solution, w=moved_back(solution.w, moved, k)), settings.names)


def _parting(source: Source, block: BlockPasses, few: Array) -> Parting:
    """Which columns to exchange: one pass for a sketch of them all."""
    d, fit_intercept = source.n_features, block.fit_intercept
    center = grid_centers(few) if fit_intercept else np.zeros(d)
    size = sketch_rows(source.n_rows, d)
    (table,) = source.total(partial(_folded_columns, block, center, size))
    parting = part(seen_in(table, center, fit_intercept), few.dtype)
    return parting.centred(few) if fit_intercept else parting


def _folded_columns(block: BlockPasses, center: Array, size: int, rows: Rows) -> tuple[Array]:
    X, weights = block.columns(rows)
    return (folded(np.asarray(X, dtype=np.float64), weights, center, rows.first, size),)
