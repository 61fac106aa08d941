"""Columns that nearly repeat others: what sets them apart takes their place.

A start and an end in milliseconds of a year differ by 1e-8 of their spread. All that the end says
beyond the start lies in the last digits of the column; in sums of squares, which hold sixteen, it
is gone. The difference ``end - start`` has all its digits, and ``start w1 + end w2`` is the same
model as ``start (w1 + w2) + (end - start) w2``. So where the first look at the curvature shows that
columns nearly depend on one another, they are exchanged before anything is solved::

    1  sketch    rows of random sign, added up in a few per column; a pivoted QR of that table
                 itself, not of its products, tells dependence down to some 1e-15
    2  rest      column j minus what the columns before it make of it, ``x_j - X t``, with t
                 rounded to few digits and the sum in pairs of floats, so that it is exact
    3  weights   ``w_k = w'_k - t_k w'_j`` for the columns as they were

Healthy columns never come here. What is left of a column after step 2 may be rounding: below
``CUT`` of its cells nothing can be told from their last digits, and it is left out.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from downslope.bowl.metric import CONSTANT
from downslope.pairs import minus_products, two_product, two_sum

Array = Any
EPS = float(np.finfo(np.float64).eps)
APART = 1e-3
"""Share of a column that others do not make, below which what they do not make takes its place."""
CUT = 64.0 * EPS
"""Share of the cells below which a rest is their rounding: predictions made from weights that are
so much larger than what they do have one digit left."""
ROUGH = 1e-3
"""Share of a rest that may still be made of other columns, so that its factors have few digits."""
PER_COLUMN = 8
"""Rows of the sketch."""
MOST_COLUMNS, MOST_CELLS = 1500, 2_000_000_000
"""Columns, and cells of the sketch times the shorter side, up to which it is factored."""
BLOCK = 4096
NAMED = 1e-6
"""Share of the largest part below which another column's part in a sum is not worth a name."""
EXACT = 1e-20
"""Share of a column below which its rest, in pairs of floats, is none at all."""


class NearlyDependent(Exception):
    """The first look at the curvature shows columns that nearly depend on one another."""


class Rest(NamedTuple):
    """Column ``column`` minus ``factors`` times the columns ``others``, minus ``shift``."""

    column: int
    others: Array
    factors: Array
    shift: float = 0.0

    def of(self, columns: Array) -> Array:
        """The rest, rounded once; ``columns`` has one column a row."""
        column, others = columns[self.column], columns[self.others]
        return minus_products(column, np.append(self.factors, self.shift), [*others, 1.0])


class LeftOut(NamedTuple):
    """A column that others make, but for a rest that is the rounding of their cells."""

    column: int
    others: tuple[int, ...]
    share: float
    """Of its spread that they do not make; 0 where they make it to the last digit and beyond."""


@dataclass(frozen=True)
class Parting:
    """An exchange of columns.

    Attributes
    ----------
    n_features : int
        Columns as they were.
    rests : tuple of Rest
        Columns that are exchanged, each after those it refers to.
    out : tuple of Rest
        Columns that are left out, whose rest is nothing.
    """

    n_features: int
    rests: tuple[Rest, ...]
    out: tuple[Rest, ...]

    def centred(self, few: Array) -> "Parting":
        """The same with rests moved near zero: their mean in a few rows is taken from them."""
        columns = np.ascontiguousarray(few.T, dtype=np.float64)
        return replace(
            self, rests=tuple(rest._replace(shift=_level(rest.of(columns))) for rest in self.rests)
        )

    @property
    def shift(self) -> Array:
        """What is subtracted from the columns that are left."""
        shift = np.zeros(self.n_features)
        for rest in self.rests:
            shift[rest.column] = rest.shift
        return shift[self.kept]

    @property
    def kept(self) -> Array:
        """Columns that are left."""
        kept = np.ones(self.n_features, dtype=bool)
        kept[[rest.column for rest in self.out]] = False
        return np.flatnonzero(kept)

    def apply(self, X: Array) -> Array:
        """The new columns, as float64."""
        new = np.array(X, dtype=np.float64, order="C")
        for low in range(0, len(X), BLOCK):
            block = np.ascontiguousarray(X[low : low + BLOCK].T, dtype=np.float64)
            for rest in self.rests:
                new[low : low + BLOCK, rest.column] = rest.of(block)
        return new if not self.out else np.ascontiguousarray(new[:, self.kept])

    def to_old(self, w: Array) -> Array:
        """Weights of the old columns, of shape (n_features, n_outputs), each rounded once."""
        high = np.zeros((self.n_features, w.shape[1]))
        high[self.kept] = w
        low, new = np.zeros_like(high), high.copy()
        for column, others, factors, _ in self.rests:
            _add(high, low, others, -factors[:, None], new[column])
        return high + low

    def to_new(self, w: Array) -> Array:
        """Weights of the new columns with the predictions of those of the old ones."""
        high, low = np.array(w, dtype=float), np.zeros(w.shape)
        for column, others, factors, _ in reversed(self.ordered):
            _add(high, low, others, factors[:, None], high[column])
            low[others] += factors[:, None] * low[column]
        return (high + low)[self.kept]

    def gradient_to_old(self, gradient: Array) -> Array:
        """Gradient in the weights of the old columns of one in those of the new."""
        old = np.zeros((self.n_features, gradient.shape[1]))
        old[self.kept] = gradient
        for column, others, factors, _ in self.ordered:
            old[column] += factors @ old[others]
        return old

    @property
    def ordered(self) -> tuple[Rest, ...]:
        """All of them, each after those it refers to; nothing refers to one that is left out."""
        return (*self.rests, *self.out)

    def shortest(self, w: Array, scale: Array) -> Array:
        """Weights with the same predictions whose length, times ``scale``, is least."""
        if not self.out:
            return w
        idle = np.zeros((self.n_features, len(self.out)))
        for i, (column, others, factors, _) in enumerate(self.out):
            idle[others, i], idle[column, i] = -factors, 1.0
        scale = np.where(scale > 0.0, scale, 1.0)
        idle *= scale[:, None]
        basis = np.linalg.qr(idle / np.sqrt((idle**2).sum(axis=0)))[0]
        scaled = w * scale[:, None]
        return (scaled - basis @ (basis.T @ scaled)) / scale[:, None]


def _add(high: Array, low: Array, where: Array, factors: Array, numbers: Array) -> None:
    """Add products to some rows of a pair of arrays."""
    product, error = two_product(factors, numbers)
    high[where], more = two_sum(high[where], product)
    low[where] += more + error


class Seen(NamedTuple):
    """What a sketch tells of the columns; those of ``scaled`` are centred, and of length 1."""

    scaled: Array
    lengths: Array
    sizes: Array
    """Length of the cells, not centred."""
    alive: Array
    """Columns that vary beyond rounding."""


def sketch_rows(n_rows: int, n_features: int) -> int:
    """Rows of the sketch; all of them where they are few."""
    return min(n_rows, PER_COLUMN * (n_features + 1))


def affordable(n_rows: int, n_features: int) -> bool:
    """Whether the sketch of so many columns can be factored."""
    rows = sketch_rows(n_rows, n_features)
    few = n_features <= MOST_COLUMNS or n_rows < n_features
    return few and rows * n_features * min(rows, n_features) <= MOST_CELLS * PER_COLUMN


def _level(rest: Array) -> float:
    """About the mean of a rest, in few digits."""
    deviation = float(rest.std())
    if not deviation > 0.0:
        return float(rest.mean())
    grid = 2.0 ** np.floor(np.log2(deviation))
    return float(np.round(rest.mean() / grid) * grid)


def grid_centers(few: Array) -> Array:
    """About the mean of each column: numbers that can be subtracted without rounding anything.

    Examples
    --------
    >>> grid_centers(np.array([[1000.1, 0.0], [1000.3, 0.0]]))
    array([1000.1875,    0.    ])
    """
    mean, deviation = few.mean(axis=0, dtype=np.float64), few.std(axis=0, dtype=np.float64)
    grid = 2.0 ** np.floor(np.log2(np.where(deviation > 0.0, deviation, 1.0)))
    return np.where(deviation > 0.0, np.round(mean / grid) * grid, 0.0)


def folded(X: Array, weights: Array, shift: Array, first: int, n_buckets: int) -> Array:
    """Rows of (X - shift, 1) with random signs, added up; ``first`` is the number of the first."""
    n, d = X.shape
    table = np.zeros((n_buckets, d + 1))
    low = 0
    while low < n:
        bucket = (first + low) % n_buckets
        rows = slice(low, min(n, low + n_buckets - bucket))
        size = rows.stop - low
        signed = np.sqrt(weights[rows]) * signs_of(first + low, size)
        table[bucket : bucket + size, :d] += (X[rows] - shift) * signed[:, None]
        table[bucket : bucket + size, d] += signed
        low = rows.stop
    return table


def signs_of(first: int, n: int) -> Array:
    """A random sign for every row, the same whenever it is asked for (splitmix64)."""
    z = (np.arange(first + 1, first + n + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return 1.0 - 2.0 * ((z ^ (z >> np.uint64(31))) & np.uint64(1)).astype(np.float64)


def seen_in(table: Array, shift: Array, fit_intercept: bool) -> Seen:
    """Centred and scaled columns from a sketch of (X - shift, 1)."""
    ones, columns = table[:, -1], table[:, :-1]
    center = ones @ columns / (ones @ ones) if fit_intercept else np.zeros(len(shift))
    rows = columns - ones[:, None] * center
    lengths = np.sqrt((rows**2).sum(axis=0))
    far = np.abs(shift + center) * np.sqrt(ones @ ones) if fit_intercept else 0.0 * lengths
    alive = (lengths > CONSTANT * far) & (lengths > 0.0)
    scaled = rows / np.where(lengths > 0.0, lengths, 1.0)
    return Seen(scaled, lengths, np.sqrt(lengths**2 + far**2), alive)


def part(seen: Seen, kind: Any) -> Parting:
    """Which columns to exchange, and for what.

    Parameters
    ----------
    seen : Seen
    kind : dtype
        Of the cells.
    """
    columns = np.flatnonzero(seen.alive)
    rows = seen.scaled[:, columns]
    triangle = np.linalg.qr(rows, mode="r") if len(rows) > len(columns) else rows
    R, order = linalg.qr(triangle, mode="r", pivoting=True)
    order, left = columns[order], np.zeros(len(columns))
    left[: min(R.shape)] = np.abs(np.diag(R))
    cut = max(CUT, float(np.finfo(kind).eps))
    plain = int(np.count_nonzero(left >= APART))
    cells = seen.sizes / np.where(seen.lengths > 0.0, seen.lengths, 1.0)
    kept, rests, out = list(range(plain)), list[Rest](), list[Rest]()
    for i in range(plain, len(columns)):
        factors = linalg.solve_triangular(R[np.ix_(kept, kept)], R[kept, i])
        j, others = int(order[i]), order[kept]
        size = np.hypot(cells[j], np.linalg.norm(factors * cells[others]))
        there = bool(left[i] > cut * size)
        factors = _rounded(factors, max(left[i], EPS), seen.lengths[j] / seen.lengths[others])
        used = factors != 0.0
        (rests if there else out).append(Rest(j, others[used], factors[used]))
        kept += [i] * there
    return Parting(len(seen.alive), tuple(rests), tuple(out))


def _rounded(factors: Array, left: float, unit: Array) -> Array:
    """Factors in units of the columns, with so many digits as the rest asks for."""
    grid = 2.0 ** np.floor(np.log2(ROUGH * left / np.sqrt(max(len(factors), 1)) * unit))
    return np.round(factors * unit / grid) * grid


def parting_of(X: Array, weights: Array, fit_intercept: bool) -> Parting:
    """Which columns of rows in memory to exchange; none where that would cost too much."""
    n, d = X.shape
    if not affordable(n, d):
        return Parting(d, (), ())
    shift = grid_centers(X[:: max(1, n // 256)]) if fit_intercept else np.zeros(d)
    size = sketch_rows(n, d)
    table = np.zeros((size, d + 1))
    for low in range(0, n, BLOCK * -(-size // BLOCK)):  # a table is no larger than its rows
        rows = slice(low, low + BLOCK * -(-size // BLOCK))
        table += folded(X[rows], weights[rows], shift, low, size)
    parting = part(seen_in(table, shift, fit_intercept), X.dtype)
    return parting.centred(X[:: max(1, n // BLOCK)]) if fit_intercept else parting


def left_out(
    parting: Parting, few: Array, fit_intercept: bool, exact: bool = False
) -> tuple[LeftOut, ...]:
    """Columns left out although others make them to rounding only, as a few rows tell.

    One that they make exactly takes nothing away: the same predictions are still there; ``exact``
    asks for those too.
    """
    found = []
    for column, others, factors, _ in parting.out:
        share = _share(few[:, column], few[:, others], factors, fit_intercept)
        parts = np.abs(factors) * few[:, others].std(axis=0)
        makers = others[parts > NAMED * parts.max(initial=0.0)]
        share = share if share > EXACT else 0.0
        if share or exact:
            found.append(LeftOut(column, tuple(map(int, makers)), share))
    return tuple(found)


def _share(column: Array, others: Array, factors: Array, fit_intercept: bool) -> float:
    """Share of a column's spread that others do not make, beyond the digits of one float."""
    n = len(column)
    parts = np.vstack((others.T, np.ones((int(fit_intercept), n)))).astype(np.float64)
    given = np.append(factors, np.zeros(int(fit_intercept)))
    spread = np.sqrt(np.mean((column - fit_intercept * column.mean()) ** 2, dtype=np.float64))
    lengths = np.sqrt((parts**2).sum(axis=1)) + (parts == 0.0).all(axis=1)
    rest = minus_products(column, given, parts)
    all_parts, all_factors = parts, given
    for _ in range(2):
        more = np.linalg.lstsq((parts / lengths[:, None]).T, rest)[0] / lengths
        all_parts, all_factors = np.vstack((all_parts, parts)), np.append(all_factors, more)
        rest = minus_products(column, all_factors, all_parts)
    return float(np.sqrt(np.mean(rest**2)) / max(float(spread), 1e-300))
