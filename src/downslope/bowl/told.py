"""What is told of a solution: a bound that is never below the rounding of the value it is about.

A walk may know its gradient to many more digits than its value, and then its bound is 1e-29 on a
value of 0.66, a number that no sum of floats can hold. Walks go on by such bounds, for weights gain
digits that values do not show; people are told the rounding of the value instead.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from downslope.bowl import certificate
from downslope.bowl.smooth import Solution

Array = Any
ROWS = 1024
"""Rows on which the rounding is measured."""
ULPS = 16.0
"""Roundings of its largest terms that a sum of a row's products may be off by."""


def rounding_of(rows: Any, w: Array, n_rows: int) -> float:
    """How far rounding may take a mean loss from what it is.

    A raw prediction is known to the rounding of its terms, which may cancel, and the loss of a row
    to that times its slope; the loss of several classes is a difference of raw predictions. Errors
    of rows have either sign, so that in a mean they cancel as chance does; that of the sum does
    not.

    Parameters
    ----------
    rows : passes over some rows in memory
    w : array of shape (n_weights,)
    n_rows : int
        Rows in the mean.

    Examples
    --------
    Large weights of columns that are nearly the same leave a residual few digits:

    >>> from downslope.bowl.passes import DensePasses
    >>> from downslope.losses import SquaredError
    >>> X, y, one = np.array([[1.0, 1.0 + 1e-9]]), np.array([0.1]), np.ones(1)
    >>> rows = DensePasses(X, y, one, SquaredError(), False)
    >>> f"{rounding_of(rows, np.array([-1e9, 1e9]), 1):.0e}"
    '6e-06'
    """
    loss, k, d, X = rows.loss, rows.n_outputs, rows.n_features, rows.X
    W = w.reshape(-1, k)
    slopes, free = W[:d], W[d:].sum(axis=0)
    z, size = X @ slopes + free, abs(X) @ abs(slopes) + abs(free)
    z = z if k > 1 else z[:, 0]
    with np.errstate(over="ignore", invalid="ignore"):
        values, steep = loss.value(z, rows.y), loss.slope(z, rows.y).reshape(size.shape)
        errors = abs(values) + (abs(steep) * size).sum(axis=1)
        errors += abs(z).max(axis=1) if k > 1 else 0.0
        value = float(np.mean(rows.weights * values))
        apart = float(np.sqrt(np.mean((rows.weights * errors) ** 2) / n_rows))
    noise = certificate.rounding(value, n_rows) + ULPS * float(np.finfo(float).eps) * apart
    return noise if np.isfinite(noise) else 0.0


def at_least(solution: Solution, rounding: float) -> Solution:
    """The solution with a bound of at least that, in number and sentence."""
    if not solution.bound < rounding:
        return solution
    sentence = solution.reason.sentence.replace(f"{solution.bound:.1e}", f"{rounding:.1e}")
    return replace(solution, bound=rounding, reason=replace(solution.reason, sentence=sentence))
