"""Columns and targets of a network on one scale, and weights carried from one scale to another.

Columns are standardised as for linear models, and what is usual in them is held within four
deviations: a pixel that is set in one row of a thousand would lie thirty out, where one row drags a
whole layer; and one that was faint in the only row that has it would lie a thousand out when it
comes back bright. A few values may lie further out: held within four as well, they would leave a
column of sums of money next to nothing for the others. Targets of losses of a difference are
standardised too, so that one learning rate fits whatever their unit.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy import sparse

from downslope.errors import PairError
from downslope.losses import Loss
from downslope.networks.network import Network
from downslope.scaling import Scaling, standardize
from downslope.sources.memory import Rows

Array = Any
FURTHEST = 4.0
"""Usual values lie no further out than so many scales, as far as a sample of the rows shows."""
USUAL = 0.9
"""Share of the values other than the most common one that are usual."""
SAMPLE = 4096
SORTED = 1024
"""Rows of the sample that tell what is usual."""
TELLING_ROWS = 10
"""Fewer rows than so many that differ from the rest do not tell a column's range."""
PEERS = 10
"""So many columns that begin at one value are taken to be of a kind."""
DIFFERENCE = (
    "mse",
    "squared_error",
    "huber",
    "absolute_error",
    "quantile",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
)
"""Losses of z - y: they mean the same on standardised targets."""


class Source(Protocol):
    """Rows, wherever they live."""

    @property
    def n_rows(self) -> int: ...

    @property
    def n_features(self) -> int: ...

    def total(self, fn: Any) -> Any: ...

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]: ...

    def sample(self, k: int, seed: int) -> Rows: ...


@dataclass(frozen=True)
class Changed:
    """A source whose rows are changed on their way out."""

    source: Source
    change: Callable[[Rows], Rows]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.source.n_rows

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.source.n_features

    def total(self, fn: Callable[[Rows], Any]) -> Any:
        """Sum of ``fn(block)`` over all changed rows."""
        change = self.change
        return self.source.total(lambda block: fn(change(block)))

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]:
        """The source's batches, changed."""
        return map(self.change, self.source.batches(size, seed, epoch))

    def sample(self, k: int, seed: int) -> Rows:
        """The source's sample, changed."""
        return self.change(self.source.sample(k, seed))


class TargetScale(NamedTuple):
    """``y_scaled = (y - center) / scale``; numbers, or one per output."""

    center: Array
    scale: Array

    def apply(self, y: Array) -> Array:
        """Targets on the new scale, in their own precision."""
        return ((y - self.center) / self.scale).astype(y.dtype)

    def undo(self, z: Array) -> Array:
        """Raw predictions in the units of the targets."""
        return z * self.scale + self.center


@dataclass(frozen=True)
class Scales:
    """What is done to the columns, and to the targets where the loss allows it."""

    columns: Scaling
    targets: TargetScale | None

    def rows(self, source: Source) -> Source:
        """The same rows on the new scales; sources elsewhere are changed as they are read."""
        return Changed(source, self.change)

    def change(self, rows: Rows) -> Rows:
        """One block on the new scales."""
        y = rows.y if self.targets is None else self.targets.apply(rows.y)
        return rows._replace(X=self.columns.apply(rows.X), y=y)

    def undo(self, z: Array) -> Array:
        """Raw predictions in the units of the targets."""
        return z if self.targets is None else self.targets.undo(z)

    def loss(self, loss: Loss) -> Loss:
        """The loss with its width, if it has one, on the scale of the targets."""
        if self.targets is None or "epsilon" not in {field.name for field in fields(loss)}:  # type: ignore[arg-type]
            return loss
        return replace(loss, epsilon=loss.parameter / self.targets.scale)  # type: ignore[type-var]


def column_scales(source: Source) -> Scaling:
    """Mean and deviation of each column; a wider scale where usual values lie far out.

    Sparse columns are not centred, which would fill their zeros.

    Examples
    --------
    >>> from downslope.sources.memory import MemoryRows
    >>> rare = np.zeros((1000, 1))
    >>> rare[0] = 1.0
    >>> scaling = column_scales(MemoryRows(rare, np.zeros(1000)))
    >>> float(scaling.apply(rare).max().round(12))  # 31.6 deviations
    4.0
    """
    few = source.sample(SAMPLE, seed=0).X
    scaling = standardize(source, with_center=not sparse.issparse(few))
    usual = _reach(few, scaling)
    scale = np.where(scaling.constant, 1.0, np.maximum(scaling.scale, usual / FURTHEST))
    return replace(scaling, scale=scale)


def _reach(few: Array, scaling: Scaling) -> Array:
    """How far from its center each column's usual values lie, in rows to come as well.

    As far as the sample shows, unless so few of its rows differ that they cannot tell: one pixel
    of a thousand pictures, a word met once. All values of such a column are usual, and it is taken
    to reach as far as the usual one of those that begin at the same value, if there are some.
    """
    lowest, highest, deviation = _ends(few)
    far = np.maximum(highest - scaling.center, scaling.center - lowest)
    told = few.shape[0] * deviation**2 >= TELLING_ROWS * far**2
    certain, uncertain = told & ~scaling.constant, ~(told | scaling.constant)
    grounds, counts = np.unique(lowest[certain], return_counts=True)
    for ground in grounds[counts >= PEERS]:
        usual = np.median(far[certain & (lowest == ground)])
        alike = uncertain & (lowest == ground)
        far[alike] = np.maximum(far[alike], usual)
    return np.where(certain, _usual_reach(few[:SORTED], scaling.center), far)


def _usual_reach(few: Array, center: Array) -> Array:
    """How far out nine in ten of the values lie that are not the column's most common one."""
    if sparse.issparse(few):
        stored = few.tocsc()
        column = np.repeat(np.arange(stored.shape[1]), np.diff(stored.indptr))
        away = np.abs(stored.data - center[column])
        ordered = np.append(away[np.lexsort((away, column))], 0.0)
        counts = np.diff(stored.indptr)
        unusual = ((1.0 - USUAL) * counts).astype(int)
        return ordered[np.where(counts > 0, stored.indptr[1:] - 1 - unusual, -1)]
    common = few == np.median(few, axis=0)
    ordered = np.sort(np.where(common, 0.0, np.abs(few - center)), axis=0)
    unusual = ((1.0 - USUAL) * (len(few) - common.sum(axis=0))).astype(int)
    return ordered[len(few) - 1 - unusual, np.arange(few.shape[1])]


def _ends(few: Array) -> tuple[Array, Array, Array]:
    """Lowest and highest value and deviation of each column."""
    if not sparse.issparse(few):
        return few.min(axis=0), few.max(axis=0), few.std(axis=0, dtype=np.float64)
    mean, squares = few.mean(axis=0), few.multiply(few).mean(axis=0)
    deviation = np.sqrt(np.maximum(np.asarray(squares - np.square(mean)).ravel(), 0.0))
    return few.min(axis=0).toarray().ravel(), few.max(axis=0).toarray().ravel(), deviation


def target_scales(source: Source, loss: Loss) -> TargetScale | None:
    """Mean and deviation of the targets, for losses of a difference.

    One scale for all outputs where the loss has a width in their unit.
    """
    if loss.name not in DIFFERENCE:
        return None

    def sums(rows: Rows) -> tuple[Array, Array]:
        weights = np.ones(len(rows.y)) if rows.weights is None else rows.weights
        return weights @ rows.y, weights.sum(dtype=np.float64)

    total, count = source.total(sums)
    center = total / count

    def squares(rows: Rows) -> Array:
        weights = np.ones(len(rows.y)) if rows.weights is None else rows.weights
        apart = rows.y - center
        return weights @ (apart * apart)

    scale = np.sqrt(source.total(squares) / count)
    scale = np.where(scale > 1e-13 * np.abs(center), scale, 1.0)
    if loss.parameter > 0.0 and loss.name != "quantile":
        scale = scale.mean()
    return TargetScale(center, scale)


def carried(w: Array, before: Network, old: Scales, after: Network, new: Scales) -> Array:
    """Weights of the same function on new scales: exact, in the first and the last layer.

    Raises
    ------
    PairError
        If the networks have different layers.
    """
    if before.shapes != after.shapes:
        raise PairError(
            f"The fit so far has layers {_words(before)}, the settings ask for {_words(after)}; "
            "a warm start needs the same."
        )
    w = w.copy()
    layers = after.layers(w)
    first, last = layers[0], layers[-1]
    units = len(first.b)
    flat = np.concatenate((first.W, first.b[None])).ravel()
    flat = new.columns.from_user(old.columns.to_user(flat, units), units).reshape(-1, units)
    first.W[...], first.b[...] = flat[:-1], flat[-1]
    if old.targets is not None and new.targets is not None:
        last.W[...] *= old.targets.scale / new.targets.scale
        last.b[...] = (old.targets.undo(last.b) - new.targets.center) / new.targets.scale
    return w


def _words(network: Network) -> str:
    return " x ".join(str(inputs) for inputs, _ in network.shapes) + f" x {network.n_outputs}"
