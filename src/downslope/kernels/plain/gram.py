"""All products of few rows' columns: ``kernels.gram`` in NumPy."""

from typing import Any

import numpy as np

Array = Any


def gram_pass(
    X: Array,
    y: Array,
    weights: Array,
    low: int,
    high: int,
    shift: Array,
    center: float,
    gram: Array,
) -> None:
    """Add the weighted products of (X - shift, 1, y - center) to ``gram``."""
    rows = high - low
    columns = np.column_stack((X[low:high] - shift, np.ones(rows), y[low:high] - center))
    columns *= np.sqrt(weights[low:high])[:, None]
    m = columns.shape[1]
    gram[:m, :m] += columns.T @ columns
