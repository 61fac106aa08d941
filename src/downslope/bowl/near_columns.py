"""Columns that nearly agree, and the small differences in which the target may lie.

Start and end of a job, a price before and after rounding: two columns of seven or more equal
digits. The loss may feel their difference alone, yet all that a solver measures of it, products of
columns, is lost in the rounding of the products: digits e of a column leave e^2 of its square. So
where there is no penalty to say otherwise, a column that nearly is a sum of others is replaced by
what is left of it::

    r = x - (a_1 x_1 + a_2 x_2 + ...)       w_j <- w_j - a_j w_r   when the weights go back

summed with twice the digits (``kernels.double_double``), so that it is as exact as the cells are.
Any ``a`` will do, for the models are the same ones; those of least squares over a few rows leave
the smallest difference, and the shortest decimal that leaves as small a one makes it exact where
the dependence is. A difference within a few units in the last place of the cells is rounding: it
becomes 0, and who reads the answer is told which columns were taken for sums of others.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import lapack

Array = Any
NEAR = 1e-5
"""Share of a column's deviation that others leave of it, below which it is replaced: the root of
rounding is 1e-8, and preconditioners are to have three digits."""
ULPS = 8.0
"""Differences of so many units in the last place are rounding."""
FEWEST = 256
"""Rows that are looked at, or twice as many as there are columns."""
ROUNDS = 3
"""Differences of columns may nearly agree in their turn."""
DIGITS = (1, 2, 3, 6, 9, 12)
IN_CACHE = 4096
SPLITTER = 134217729.0  # 2^27 + 1


@dataclass(frozen=True)
class Round:
    """Some columns, replaced by what others leave of them.

    Attributes
    ----------
    columns : array of int, shape (k,)
        Those that are replaced.
    others : array of int, shape (p,)
        Those that they nearly are sums of.
    mix : array of shape (p, k)
        The sums.
    tiny : array of shape (k,)
        Differences up to here are rounding, where the few rows showed none beyond; else 0.
    shift : array of shape (k,)
        Subtracted from the differences, whose mean may be far from zero on their own scale; 0
        without an intercept.
    """

    columns: Array
    others: Array
    mix: Array
    tiny: Array
    shift: Array

    def rows(self, X: Array) -> Array:
        """The rows with these columns replaced; a copy."""
        changed = np.array(X, order="C")
        for low in range(0, len(X), IN_CACHE):
            changed[low : low + IN_CACHE, self.columns] = self._differences(X[low : low + IN_CACHE])
        return changed

    def _differences(self, X: Array) -> Array:
        left = differences(X, self.columns, self.others, self.mix)
        return np.where(np.abs(left) <= self.tiny, 0.0, left) - self.shift

    def back(self, w: Array, n_outputs: int) -> Array:
        """Weights for the columns as they were."""
        W = np.array(w, dtype=float).reshape(-1, n_outputs)
        apart = W[self.columns]
        np.subtract.at(W, self.others, self.mix @ apart)
        if self.shift.any():
            W[-1] -= self.shift @ apart
        return W.ravel()

    def there(self, w: Array, n_outputs: int) -> Array:
        """Weights for the replaced columns; undoes ``back``."""
        W = np.array(w, dtype=float).reshape(-1, n_outputs)
        apart = W[self.columns]
        np.add.at(W, self.others, self.mix @ apart)
        if self.shift.any():
            W[-1] += self.shift @ apart
        return W.ravel()

    def slope_back(self, gradient: Array, n_outputs: int) -> Array:
        """Gradient in the weights of the columns as they were."""
        G = np.array(gradient, dtype=float).reshape(-1, n_outputs)
        if self.shift.any():
            G[self.columns] += self.shift[:, None] * G[-1]
        G[self.columns] += self.mix.T @ G[self.others]
        return G.ravel()


@dataclass(frozen=True)
class Differences:
    """Rounds of replaced columns, one after the other.

    Attributes
    ----------
    rounds : tuple of Round
    """

    rounds: tuple[Round, ...]

    @property
    def left_out(self) -> tuple[int, ...]:
        """Columns whose difference from others was taken for rounding."""
        return tuple(sorted({int(j) for r in self.rounds for j in r.columns[r.tiny > 0.0]}))

    def rows(self, X: Array) -> Array:
        """The rows with columns replaced."""
        for one in self.rounds:
            X = one.rows(X)
        return X

    def back(self, w: Array, n_outputs: int) -> Array:
        """Weights for the columns as they were."""
        for one in reversed(self.rounds):
            w = one.back(w, n_outputs)
        return w

    def there(self, w: Array, n_outputs: int) -> Array:
        """Weights for the replaced columns."""
        for one in self.rounds:
            w = one.there(w, n_outputs)
        return w

    def slope_back(self, gradient: Array, n_outputs: int) -> Array:
        """Gradient in the weights of the columns as they were."""
        for one in reversed(self.rounds):
            gradient = one.slope_back(gradient, n_outputs)
        return gradient


def near_columns(X: Array, fit_intercept: bool) -> Differences | None:
    """What to replace so that no column nearly is a sum of others; None where none is.

    A few rows tell: columns that nearly agree in all rows do so in these. Where they agree in
    these alone, the change does no harm.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Columns not far from zero on their own scale, if there is an intercept.
    fit_intercept : bool

    Examples
    --------
    >>> start = np.arange(300.0)
    >>> end = start + 1e-9 * np.sin(start)
    >>> found = near_columns(np.column_stack((start, end)), True)
    >>> one = found.rounds[0]
    >>> one.columns.tolist(), one.others.tolist(), one.mix.tolist()
    ([0], [1], [[1.0]])
    """
    few = few_rows(X)
    rounds: list[Round] = []
    while len(rounds) < ROUNDS and (found := _nearly_dependent(few, fit_intercept)) is not None:
        rounds.append(found)
        few = found.rows(few)
    return Differences(tuple(rounds)) if rounds else None


def few_rows(X: Array) -> Array:
    """Rows from all parts of the table, enough to tell whether columns depend on each other."""
    n, d = X.shape
    return X[:: max(1, n // max(FEWEST, 2 * d))].astype(np.float64)


def _nearly_dependent(few: Array, fit_intercept: bool) -> Round | None:
    n, d = few.shape
    mean = few.mean(axis=0) if fit_intercept and n else np.zeros(d)
    apart = few - mean
    lengths = np.sqrt((apart**2).mean(axis=0)) if n else np.zeros(d)
    alive = np.flatnonzero(lengths > 1e-13 * np.abs(mean))
    if not 1 < len(alive) < n - fit_intercept:
        return None
    unit = apart[:, alive] / lengths[alive]
    _, order, rank, _ = lapack.dpstrf(unit.T @ unit / n, tol=NEAR**2)
    if rank == len(alive):
        return None
    order = order - 1
    kept, small = order[:rank], order[rank:]
    parts = np.linalg.lstsq(unit[:, kept], unit[:, small], rcond=None)[0]
    mix = parts * lengths[alive[small]] / lengths[alive[kept], None]
    columns, others = alive[small], alive[kept]
    mix = np.column_stack(
        [_short(few, columns[c], others, mix[:, c], fit_intercept) for c in range(len(columns))]
    )
    used = mix.any(axis=1)
    return _round(few, columns, others[used], mix[used], fit_intercept)


def _short(few: Array, column: int, others: Array, mix: Array, centred: bool) -> Array:
    """The sum in few terms and short decimals, if it leaves as little of the column as any."""
    most = np.abs(few).max(axis=0)
    terms = np.abs(mix) * most[others]
    floor = ULPS * np.finfo(float).eps * float(most[column] + terms.sum())
    limit = 1.5 * _left(few, column, others, mix, centred) + floor / ULPS
    few_terms = np.where(terms > 1e-9 * most[column], mix, 0.0)
    for digits in DIGITS:
        short = np.array([float(f"{a:.{digits}g}") for a in few_terms])
        if _left(few, column, others, short, centred) <= limit:
            return short
    return mix


def _left(few: Array, column: int, others: Array, mix: Array, centred: bool) -> float:
    """Deviation of what the sum leaves of the column."""
    left = differences(few, np.array([column]), others, mix[:, None])[:, 0]
    return float(np.sqrt(np.mean((left - (left.mean() if centred else 0.0)) ** 2)))


def _round(few: Array, columns: Array, others: Array, mix: Array, centred: bool) -> Round:
    left, most = differences(few, columns, others, mix), np.abs(few).max(axis=0)
    floor = ULPS * np.finfo(float).eps * (most[columns] + np.abs(mix).T @ most[others])
    largest, mean = np.abs(left).max(axis=0), left.mean(axis=0)
    # Exactly 0 needs no leave: it stays 0 where it is, and counts where it is not.
    tiny = np.where((largest > 0.0) & (largest <= floor), floor, 0.0)
    deviation = left.std(axis=0)
    off = centred & (tiny == 0.0) & (np.abs(mean) > deviation) & (deviation > 0.0)
    grid = 2.0 ** np.floor(np.log2(np.where(off, deviation, 1.0)))
    shift = np.where(off, np.round(mean / grid) * grid, 0.0)
    return Round(columns, others, mix, tiny, shift)


def differences(X: Array, columns: Array, others: Array, mix: Array) -> Array:
    """``X[:, columns] - X[:, others] @ mix``, rounded once."""
    high = X[:, columns].astype(np.float64)
    low = np.zeros_like(high)
    for j, parts in zip(others, mix, strict=True):
        for c in np.flatnonzero(parts):
            product, lost = _two_product(X[:, j].astype(np.float64), -parts[c])
            total = high[:, c] + product
            back = total - high[:, c]
            low[:, c] += (high[:, c] - (total - back)) + (product - back) + lost
            high[:, c] = total
    return high + low


def _two_product(a: Array, b: float) -> tuple[Array, Array]:
    """``a * b`` and its rounding error (Dekker 1971), as ``kernels.double_double`` has it."""
    product = a * b
    a_high, b_high = _high(a), _high(b)
    a_low, b_low = a - a_high, b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _high(a: Any) -> Any:
    """The upper half of the digits."""
    t = SPLITTER * a
    return t - (t - a)
