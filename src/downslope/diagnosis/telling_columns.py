"""Columns that tell classes apart by themselves on part of the rows: quasi-separation.

A level that only one class has ("every row with colour=red is a yes") says so with certainty.
Without a penalty the log loss then falls for ever while the weight of that one column grows,
although other rows are mixed and no plane separates them all. A column does it where the values of
one class and those of all others meet in a single point at most. The level that has no column of
its own does it where all columns of its category are at their lowest and a class is missing.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from downslope.objective import Objective
from downslope.scaling import CenteredSparse, dense

Array = Any


class Telling(NamedTuple):
    """A column or a level, and the number of rows on which it leaves no doubt."""

    name: str
    rows: int


class Ranges(NamedTuple):
    """Rows, lowest and highest value of each column, class by class."""

    counts: Array
    low: Array
    high: Array


def falls_for_ever(problem: Objective) -> bool:
    """Whether certainty costs nothing: a log loss without a penalty."""
    penalty = problem.penalty
    return problem.loss.link in ("logit", "softmax") and not (penalty.l1 > 0.0 or penalty.l2 > 0.0)


def telling_columns(problem: Objective, names: tuple[str, ...]) -> tuple[Telling, ...]:
    """Columns and levels that tell a class apart alone, the one with most rows first.

    Examples
    --------
    >>> from downslope.losses import LogLoss
    >>> from downslope.sources.memory import MemoryRows
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [3.0, 1.0], [4.0, 0.0]])
    >>> y = np.array([-1.0, 1.0, -1.0, -1.0, 1.0])
    >>> telling_columns(Objective(MemoryRows(X, y), LogLoss()), ("size", "kind=b"))
    (Telling(name='kind=b', rows=2),)
    """
    ranges = _ranges(problem)
    edges = _edges(ranges, problem.fit_intercept)
    groups = _groups(names) if problem.fit_intercept else {}
    rows, usual = _second_look(problem, edges, groups, ranges.low.min(axis=0))
    found = [Telling(names[j], int(rows[i])) for i, j in enumerate(edges)]
    present = ranges.counts > 0
    for group, counts in zip(groups, usual, strict=True):
        if counts.any() and (present & (counts == 0)).any():
            found.append(Telling(f"{group}=(the level without a column)", int(counts.sum())))
    return tuple(sorted(found, key=lambda each: -each.rows))


def _blocks(problem: Objective, look: Any) -> None:
    """Show every block of rows, as an array or CSR, with its class numbers."""

    def show(rows: Any) -> float:
        X = rows.X.X if isinstance(rows.X, CenteredSparse) else rows.X
        y = np.asarray(rows.y)
        look(X, y.astype(int) if problem.n_outputs > 1 else (y > 0).astype(int))
        return 0.0

    problem.source.total(show)


def _ranges(problem: Objective) -> Ranges:
    k, d = max(2, problem.n_outputs), problem.source.n_features
    ranges = Ranges(np.zeros(k, dtype=int), np.full((k, d), np.inf), np.full((k, d), -np.inf))

    def look(X: Any, y: Array) -> None:
        for c in np.unique(y):
            own = X[y == c]
            low, high = own.min(axis=0), own.max(axis=0)
            if sparse.issparse(low):
                low, high = low.toarray().ravel(), high.toarray().ravel()
            ranges.counts[c] += own.shape[0]
            ranges.low[c] = np.minimum(ranges.low[c], low)
            ranges.high[c] = np.maximum(ranges.high[c], high)

    _blocks(problem, look)
    return ranges


def _edges(ranges: Ranges, with_intercept: bool) -> dict[int, float]:
    """Columns in which a class meets all others in one value at most, and that value or NaN."""
    present = np.flatnonzero(ranges.counts)
    edges: dict[int, float] = {}
    for c in present[: 1 if len(present) == 2 else None]:
        others = present[present != c]
        low, high = ranges.low[others].min(axis=0), ranges.high[others].max(axis=0)
        for top, bottom in ((high, ranges.low[c]), (ranges.high[c], low)):
            apart = (top <= bottom) & (
                np.minimum(low, ranges.low[c]) < np.maximum(high, ranges.high[c])
            )
            if not with_intercept:
                apart &= (top <= 0.0) & (bottom >= 0.0)
            for j in np.flatnonzero(apart):
                edges.setdefault(int(j), float(top[j]) if top[j] == bottom[j] else np.nan)
    return edges


def _groups(names: tuple[str, ...]) -> dict[str, list[int]]:
    """Columns of each category: those named ``category=level``."""
    groups: dict[str, list[int]] = {}
    for j, name in enumerate(names):
        category, equals, _ = name.partition("=")
        if equals:
            groups.setdefault(category, []).append(j)
    return groups


def _second_look(
    problem: Objective, edges: dict[int, float], groups: dict[str, list[int]], lowest: Array
) -> tuple[Array, list[Array]]:
    """Rows off the edge of each telling column, and per category the classes of its usual level."""
    columns, at = list(edges), np.array(list(edges.values()))
    rows = np.zeros(len(columns), dtype=int)
    usual = [np.zeros(max(2, problem.n_outputs), dtype=int) for _ in groups]

    def look(X: Any, y: Array) -> None:
        if columns:
            rows[:] += (dense(X[:, columns]) != at).sum(axis=0)
        for counts, members in zip(usual, groups.values(), strict=True):
            plain = (dense(X[:, members]) == lowest[members]).all(axis=1)
            counts[:] += np.bincount(y[plain], minlength=len(counts))

    if columns or groups:
        _blocks(problem, look)
    return rows, usual
