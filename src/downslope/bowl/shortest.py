"""The shortest among all lowest points, where columns depend on each other.

Without a penalty the loss feels only ``X w + b``. Where X has fewer independent columns than
weights, many weights give the same predictions, and a walk ends at whichever of them lies near its
start. The shortest of them, in the units in which weights are told, is one of a kind: it has no
part in the directions v with ``(X - centres) v = 0``. It is found by taking that part away, which
leaves every prediction as it was.
"""

from typing import Any

import numpy as np
from scipy import sparse

from downslope.bowl.metric import CONSTANT

Array = Any
ROUNDING = 1e-9
"""Share of the largest prediction that rounding may move."""
MOST = 1e9
"""Rows times columns times the fewer of them up to which independent columns are counted."""


def shortest(w: Array, X: Any, scale: Array, fit_intercept: bool, n_outputs: int) -> Array:
    """The weights with the same predictions on the rows of X whose scaled length is least.

    Parameters
    ----------
    w : array of shape (n_weights,)
        Intercepts last.
    X : array or sparse matrix of shape (n_rows, n_features)
    scale : array of shape (n_features,)
        The length is that of the weights times these.
    fit_intercept : bool
    n_outputs : int

    Examples
    --------
    >>> twins = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    >>> shortest(np.array([3.0, 0.0, 1.0]), twins, np.ones(2), True, 1)
    array([1.5, 1.5, 1. ])
    """
    n, d = X.shape
    if not 0.0 < float(n) * d * min(n, d) <= MOST:
        return w
    rows = (X.toarray() if sparse.issparse(X) else X).astype(np.float64)
    center = rows.mean(axis=0) if fit_intercept else np.zeros(d)
    rows -= center
    lengths = np.sqrt((rows**2).mean(axis=0))
    varies = (lengths > CONSTANT * np.abs(center)) & (lengths > 0.0) & (scale > 0.0)
    rows = rows[:, varies] / scale[varies]
    felt = _felt(rows) if varies.any() else np.zeros((0, 0))
    if felt.shape[1] == d:
        return w
    W = w.reshape(-1, n_outputs).copy()
    before = W[:d].copy()
    scaled = W[:d][varies] * scale[varies, None]
    short = felt @ (felt.T @ scaled)
    moved = np.abs(rows @ (short - scaled)).max()
    if moved > ROUNDING * np.abs(rows @ scaled).max():  # columns of too different size to tell
        return w
    W[:d] = 0.0
    W[:d][varies] = short / scale[varies, None]
    if fit_intercept:
        W[d:] += center @ (before - W[:d])
    return W.ravel()


def _felt(rows: Array) -> Array:
    """An orthonormal basis of the directions that predictions feel, of shape (columns, rank)."""
    triangle = np.linalg.qr(rows, mode="r") if len(rows) > rows.shape[1] else rows
    _, roots, right = np.linalg.svd(triangle, full_matrices=False)
    kept = roots > 4 * max(rows.shape) * np.finfo(float).eps * roots[0]
    return right[kept].T
