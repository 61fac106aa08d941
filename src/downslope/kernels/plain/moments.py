"""Sums and squares of few rows' columns about a pivot: ``kernels.moments`` in NumPy."""

from typing import Any

import numpy as np

Array = Any


def moments_pass(
    X: Array, weights: Array, low: int, high: int, unit: Array, pivot: Array, sums: Array
) -> None:
    """Add some rows' moments to ``sums``; a single weight is that of every row."""
    with np.errstate(all="ignore"):
        apart = X[low:high] * unit - pivot
        weighted = apart * (weights if len(weights) == 1 else weights[low:high, None])
        sums[0] += weighted.sum(axis=0)
        sums[1] += (weighted * apart).sum(axis=0)
