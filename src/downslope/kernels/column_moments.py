"""Sums and squares of columns about a pivot, by all threads."""

from typing import Any

import numpy as np

from downslope.kernels.form import form
from downslope.kernels.team import chunks, share
from downslope.kernels.views import read_only

Array = Any


def moments(X: Array, weights: Array | None, unit: Array, pivot: Array) -> tuple[Array, Array]:
    """Weighted sums over rows of ``X * unit - pivot`` and of its square, for each column.

    The same numbers for any number of threads.

    Examples
    --------
    >>> X = np.array([[1.0, 7.0], [3.0, 7.0]])
    >>> total, squares = moments(X, None, np.ones(2), np.array([2.0, 6.0]))
    >>> total, squares
    (array([0., 2.]), array([2., 2.]))
    """
    parts = chunks(len(X), X.size)
    sums = np.zeros((len(parts), 2, X.shape[1]))
    counts = read_only(np.ones(1) if weights is None else np.asarray(weights, dtype=np.float64))
    moments_pass = form("moments", X.size).moments_pass
    seen = read_only(X)  # writable or not is not to compile twice

    def work(i: int) -> None:
        moments_pass(seen, counts, *parts[i], unit, pivot, sums[i])

    share(work, range(len(parts)))
    total, squares = sums.sum(axis=0)
    return total, squares
