"""The answer by another road, to judge a descent by: a closed form, or a quasi-Newton solver.

Squared losses have a closed form. Other smooth objectives are handed to SciPy's L-BFGS-B, which
shares the value and gradient with the walk but none of its steps. An L1 penalty or a loss with
kinks has no reference here: a solver that needs a gradient would not be a fair judge.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.losses import MeanSquares, SquaredError
from downslope.objective import Objective
from downslope.scaling import dense

Array = Any
MOST_FLOPS = 2e10
"""A reference is worth a few seconds at most."""
PASSES = 400


@dataclass(frozen=True)
class Reference:
    """Another solution of the same problem.

    Attributes
    ----------
    name : str
        ``"closed form"`` or ``"L-BFGS"``.
    w : array of shape (n_weights,)
        Weights of the problem as it was asked about, scaled or not.
    value : float
        Objective there.
    """

    name: str
    w: Array
    value: float


def reference(problem: Objective) -> Reference | None:
    """The reference solution, or None where there is none or it would cost too much.

    Examples
    --------
    >>> from downslope.sources.memory import MemoryRows
    >>> rows = MemoryRows(np.array([[100.0], [150.0], [200.0]]), np.array([8.0, 12.0, 16.0]))
    >>> answer = reference(Objective(rows, MeanSquares()))
    >>> answer.name, answer.w.round(9) + 0.0
    ('closed form', array([0.08, 0.  ]))
    """
    n, d = problem.source.n_rows, problem.size
    if problem.has_rest:
        return None
    squared = isinstance(problem.loss, (MeanSquares, SquaredError))
    if squared and problem.n_outputs == 1 and n * float(d) * min(n, d) < MOST_FLOPS:
        w = _least_squares(problem)
        return Reference("closed form", w, problem.value(w))
    smooth = problem.loss.max_curvature is not None or problem.loss.link == "log"
    if smooth and n * float(d) * PASSES < MOST_FLOPS:
        return _quasi_newton(problem)
    return None


def _least_squares(problem: Objective) -> Array:
    """Smallest of the weights that minimise the mean of squares plus the L2 penalty."""
    rows = next(problem.source.batches(None, 0, 0))
    X = np.asarray(dense(rows.X), dtype=float)
    y = np.asarray(rows.y, dtype=float)
    weights = np.ones(len(y)) if rows.weights is None else rows.weights
    factor = 2.0 if isinstance(problem.loss, MeanSquares) else 1.0
    root = np.sqrt(factor * weights / len(y))
    center = np.average(X, axis=0, weights=weights) if problem.fit_intercept else 0.0 * X[:1].sum(0)
    level = np.average(y, weights=weights) if problem.fit_intercept else 0.0
    A, b = (X - center) * root[:, None], (y - level) * root
    wide = A.shape[0] < A.shape[1]
    span, triangle = np.linalg.qr(A.T) if wide else (None, None)
    A = triangle.T if triangle is not None else A  # the smallest weights are a mix of the rows
    if problem.penalty.l2 > 0.0:
        A = np.vstack((A, np.sqrt(problem.penalty.l2) * np.eye(A.shape[1])))
        b = np.append(b, np.zeros(A.shape[1]))
    w = np.linalg.lstsq(A, b)[0]
    w = w if span is None else span @ w
    return np.append(w, level - center @ w) if problem.fit_intercept else w


def _quasi_newton(problem: Objective) -> Reference | None:
    from scipy import optimize  # a quarter of a second, which a closed form need not wait for

    with np.errstate(over="ignore", invalid="ignore"):
        found = optimize.minimize(
            problem.value_and_gradient,
            problem.start(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": PASSES, "maxfun": 2 * PASSES, "ftol": 1e-15, "gtol": 1e-9},
        )
    if not np.isfinite(found.x).all():
        return None
    return Reference("L-BFGS", found.x, problem.value(found.x))
