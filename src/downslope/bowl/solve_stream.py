"""The round bowl over rows that are never all in memory: files, a cluster, a cache.

The solver asks for passes; here a pass is a total over blocks, each run by the kernels that serve
rows in memory. The CountSketch of all rows is the sum of the blocks' sketches, since every row goes
into one bucket with a sign of its own, wherever it lies.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from downslope.bowl.lasso import edged_bowl
from downslope.bowl.passes import DensePasses, Sketch, read_only
from downslope.bowl.round import buckets_for, round_bowl
from downslope.bowl.smooth import Settings, Smooth, Solution
from downslope.bowl.solve import far_columns, moved_back, solve, told_in_user_units
from downslope.errors import PairError
from downslope.kernels.team import one_thread_per_product
from downslope.losses import Loss
from downslope.penalties import NO_PENALTY, Penalty
from downslope.sources.memory import Rows

Array = Any


class Source(Protocol):
    """Rows, wherever they live."""

    @property
    def n_rows(self) -> int: ...

    @property
    def n_features(self) -> int: ...

    def total(self, fn: Any) -> Any: ...

    def sample(self, k: int, seed: int) -> Rows: ...


@dataclass(frozen=True)
class StreamPasses:
    """Passes over a source of dense rows, block by block.

    Parameters
    ----------
    source : Source
    loss : Loss
    fit_intercept : bool
    shift : array of shape (n_features,)
        Subtracted from the columns of every block; see ``solve.far_columns``.
    lowest_weight : float
        Smallest weight of a row that counts.
    """

    source: Source
    loss: Loss
    fit_intercept: bool
    shift: Array
    lowest_weight: float = 1.0
    n_outputs: int = 1

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.source.n_rows

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.source.n_features

    def at(self, w: Array) -> tuple[float, Array]:
        """Mean loss and gradient."""
        value, gradient = self.source.total(partial(_sums_at, self._bare(), w))
        return value / self.n_rows, gradient / self.n_rows

    def sketch(
        self, w: Array, buckets: int | None, shift: Array, floor: float, seed: int
    ) -> Sketch:
        """Mean loss, gradient and a CountSketch of the curvature."""
        assert buckets is not None  # rows few enough for a bucket each are solved in memory
        fn = partial(_sums_with_sketch, self._bare(), w, buckets, shift, floor, seed)
        value, gradient, table = self.source.total(fn)
        return Sketch(value / self.n_rows, gradient / self.n_rows, table, shift)

    def lowest_loss(self) -> float:
        """Mean loss if every row had the prediction that suits it best."""
        return float(self.source.total(partial(_lowest_sum, self._bare()))) / self.n_rows

    def sample(self, k: int, seed: int) -> DensePasses:
        """``k`` rows drawn without replacement, in memory."""
        return self._bare().of(self.source.sample(k, seed))

    def _bare(self) -> "BlockPasses":
        return BlockPasses(self.loss, self.fit_intercept, self.shift)


@dataclass(frozen=True)
class BlockPasses:
    """What travels to a block: everything about a pass but the rows."""

    loss: Loss
    fit_intercept: bool
    shift: Array

    def of(self, rows: Rows) -> DensePasses:
        """Passes over one block."""
        X = np.asarray(rows.X)
        X = X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
        X = X - self.shift.astype(X.dtype) if self.shift.any() else X
        y = np.ascontiguousarray(rows.y, dtype=np.float64)
        weights = np.ones(len(y)) if rows.weights is None else np.asarray(rows.weights, float)
        return DensePasses(
            read_only(np.ascontiguousarray(X)),
            read_only(y),
            read_only(weights),
            self.loss,
            self.fit_intercept,
        )


def _sums_at(passes: BlockPasses, w: Array, rows: Rows) -> tuple[float, Array]:
    with one_thread_per_product(), np.errstate(over="ignore", invalid="ignore"):
        value, gradient = passes.of(rows).at(w)
    return value * len(rows.y), gradient * len(rows.y)


def _lowest_sum(passes: BlockPasses, rows: Rows) -> float:
    return passes.of(rows).lowest_loss() * len(rows.y)


def _sums_with_sketch(
    passes: BlockPasses,
    w: Array,
    buckets: int,
    shift: Array,
    floor: float,
    seed: int,
    rows: Rows,
) -> tuple[float, Array, Array]:
    # Signs belong to rows: blocks that began with the same seed would add up in step.
    own = (seed * 0x9E3779B9 + rows.first + 1) % 2**63
    with one_thread_per_product(), np.errstate(over="ignore", invalid="ignore"):
        sketch = passes.of(rows).sketch(w, buckets, shift, floor, own)
    n = len(rows.y)
    return sketch.value * n, sketch.gradient * n, sketch.table


def solve_stream(
    source: Source,
    loss: Loss,
    penalty: Penalty = NO_PENALTY,
    *,
    fit_intercept: bool = True,
    settings: Settings | None = None,
) -> Solution:
    """Lowest point of the objective over a source of rows; ``solve.solve`` without the memory.

    Parameters
    ----------
    source : Source
        Dense rows with weights of mean 1; a source small enough to need no sketch is read into
        memory.
    loss, penalty, fit_intercept, settings
        As in ``solve.solve``.

    Returns
    -------
    Solution

    Raises
    ------
    PairError
        For losses without curvature and for several classes: those walk by batches.

    Examples
    --------
    >>> from downslope.losses import SquaredError
    >>> from downslope.sources.memory import MemoryRows
    >>> X = np.random.default_rng(0).normal(size=(5000, 2)) * [1.0, 1e4]
    >>> solution = solve_stream(MemoryRows(X, X @ [2.0, 3e-4] + 1.0), SquaredError())
    >>> solution.w.round(6)
    array([2.e+00, 3.e-04, 1.e+00])
    """
    settings = settings or Settings()
    smooth = loss.max_curvature is not None or loss.link == "log"
    if not smooth or loss.link == "softmax":
        raise PairError(
            f"Without a learning rate, loss={loss.name!r} needs the rows in memory; give "
            "batch_size and learning_rate, or a smooth loss of one output."
        )
    n, m = source.n_rows, source.n_features + fit_intercept
    if buckets_for(n, m) in (None, n):
        rows = source.sample(n, settings.seed)
        return solve(
            rows.X,
            rows.y,
            loss,
            penalty,
            weights=rows.weights,
            fit_intercept=fit_intercept,
            settings=settings,
        )
    few = source.sample(1024, settings.seed)
    shift = far_columns(np.asarray(few.X)) if fit_intercept else np.zeros(source.n_features)
    lowest = 1.0 if few.weights is None else float(few.weights[few.weights > 0.0].min())
    passes = StreamPasses(source, loss, fit_intercept, shift, lowest)
    ridge = np.append(np.full(source.n_features, penalty.l2), np.zeros(int(fit_intercept)))
    moved = shift if shift.any() else None
    settings = told_in_user_units(settings, moved)
    problem = Smooth(passes, ridge, settings.log)
    if penalty.l1:
        edges = np.append(np.full(source.n_features, penalty.l1), np.zeros(int(fit_intercept)))
        solution = edged_bowl(problem, edges, settings, exact=False)
    else:
        solution = round_bowl(problem, settings)
    return replace(solution, w=moved_back(solution.w, moved))
