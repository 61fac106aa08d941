"""Passes over few sparse columns: ``kernels.columns`` in NumPy and SciPy."""

from typing import Any

import numpy as np
from scipy import sparse

Array = Any


def matrix(data: Array, rows: Array, ends: Array, n_rows: int) -> Any:
    """Unsigned CSC arrays as float64 columns."""
    parts = data.astype(np.float64, copy=False), rows.astype(np.int64), ends.astype(np.int64)
    return sparse.csc_matrix(parts, shape=(n_rows, len(ends) - 1), copy=False)


def columns_of_rows(
    data: Array, indices: Array, indptr: Array, n_features: int
) -> tuple[Array, Array, Array]:
    """CSR rows as CSC columns, rows in order within each; row numbers and ends unsigned."""
    parts = data, indices.astype(np.int64), indptr.astype(np.int64)
    X = sparse.csr_matrix(parts, shape=(len(indptr) - 1, n_features), copy=False).tocsc()
    return X.data, X.indices.astype(np.uint32), X.indptr.astype(np.uint64)


def only_columns(
    data: Array, rows: Array, ends: Array, chosen: Array
) -> tuple[Array, Array, Array]:
    """A copy of the chosen columns."""
    lengths = (ends[1:] - ends[:-1]).astype(np.int64)[chosen]
    kept = np.append(0, np.cumsum(lengths))
    places = np.repeat(ends[:-1].astype(np.int64)[chosen] - kept[:-1], lengths)
    places += np.arange(kept[-1])
    return data[places], rows[places], kept.astype(np.uint64)


def add_predictions(data: Array, rows: Array, ends: Array, w: Array, z: Array) -> None:
    """``z += X @ w``."""
    X = matrix(data, rows, ends, len(z))
    z += X @ w[: X.shape[1]]


def sums_of_columns(
    data: Array, rows: Array, ends: Array, low: int, high: int, r: Array, sums: Array
) -> None:
    """``sums[low:high] = X[:, low:high].T @ r``."""
    sums[low:high] = matrix(data, rows, ends, len(r))[:, low:high].T @ r


def squares_of_columns(data: Array, rows: Array, ends: Array, h: Array, sums: Array) -> None:
    """``sums = (X ** 2).T @ h``."""
    X = matrix(data, rows, ends, len(h))
    sums[:] = X.multiply(X).T @ h
