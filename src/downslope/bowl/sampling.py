"""Which rows to look at first, and what each of them stands for."""

from typing import Any

import numpy as np

Array = Any


def even_sample(n_rows: int, k: int, seed: int) -> tuple[Array, Array]:
    """``k`` different rows in the order they lie in, each standing for as many others.

    Examples
    --------
    >>> rows, stands_for = even_sample(10, 4, seed=0)
    >>> len(rows), stands_for
    (4, array([1., 1., 1., 1.]))
    """
    if k >= n_rows:
        return np.arange(n_rows), np.ones(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, size=k, replace=False)), np.ones(k)


def balanced_sample(labels: Array, k: int, seed: int) -> tuple[Array, Array]:
    """About ``k`` rows, half of them evenly from all classes, with the weights that undo that.

    A rare class is seen as well as the others (case-control sampling; Fithian and Hastie 2014).

    Parameters
    ----------
    labels : array of int, shape (n_rows,)
        Class of each row, from 0.

    Examples
    --------
    >>> labels = np.array([0] * 9900 + [1] * 100)
    >>> rows, stands_for = balanced_sample(labels, 200, seed=0)
    >>> bool(40 < labels[rows].sum() < 65), bool(abs(stands_for.mean() - 1.0) < 1e-12)
    (True, True)
    """
    n_rows = len(labels)
    if k >= n_rows:
        return np.arange(n_rows), np.ones(n_rows)
    counts = np.bincount(labels)
    share = 1.0 / (np.count_nonzero(counts) * np.maximum(counts, 1))
    chance = np.minimum(0.5 * k * (1.0 / n_rows + share), 1.0)
    rows = np.flatnonzero(np.random.default_rng(seed).random(n_rows) < chance[labels])
    weights = 1.0 / chance[labels[rows]]
    return rows, weights / weights.mean()
