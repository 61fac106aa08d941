"""Curves through data by descent in the Gauss-Newton metric.

The objective is the sum of squared residuals, f(w) = |r(w)|^2 with gradient 2 J'r. Its valleys are
as skewed as the columns of J are unlike. In the metric 2 (J'J + damping D'D), with D the longest
length seen of each column, the valley is round: one step of length 1 along the gradient in that
metric goes to the bottom of the bowl that a straight model of the residuals predicts. The damping
shortens and turns the step where the straight model is poor: it grows when the line search had to
shorten the last step, and fades while full steps are taken. The walk goes over the weights that the
curve bends in; the others are solved for (``straight``).

References
----------
Levenberg (1944); Marquardt (1963); Moré (1978) for the scaling D; Bates and Watts (1981) for the
relative offset; Nocedal and Wright (2006), section 10.3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from downslope.descend import Result, run
from downslope.errors import InputError
from downslope.minimizing.minimize import Ground, explained
from downslope.minimizing.quasi_newton import StrongWolfe
from downslope.minimizing.straight import Bent, straight_weights
from downslope.problems.callables import Function, Remembered
from downslope.problems.formula import Formula, parse
from downslope.stopping import MaxSteps, Reason, Stop

Array = Any
ROUNDING = 1e-13
"""A fall by this share of the sum of squares cannot be seen in it."""


class Damped(NamedTuple):
    """Memory: the last point and direction, the damping, and the longest columns."""

    w: Array
    direction: Array
    damping: float
    columns: Array


@dataclass(frozen=True)
class GaussNewton:
    """The gradient in the metric ``2 (J'J + damping D'D)``.

    Parameters
    ----------
    jacobian : callable
        ``jacobian(w)`` of shape (n_rows, n_weights).
    damping : float, default 1e-3
        At the first step, in units of the metric. Of 1e-6, 1e-4, 1e-3, 1e-2, 0.1 and 1 the one that
        solves all of NIST's problems from their far starts.
    """

    jacobian: Callable[[Array], Array]
    damping: float = 1e-3
    name: ClassVar[str] = "gauss_newton"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = True
    stable_product: ClassVar[float | None] = None

    def init(self, w: Array) -> Damped:
        return Damped(w, 0.0 * w, self.damping, 0.0 * w)

    def direction(self, gradient: Array, w: Array, memory: Damped, k: int) -> tuple[Array, Damped]:
        J = self.jacobian(w)
        columns = np.maximum(memory.columns, np.linalg.norm(J, axis=0))
        columns = np.where(columns > 0.0, columns, 1.0)
        damping = memory.damping if k == 0 else _next_damping(w, memory)
        stacked = np.vstack((J / columns, np.sqrt(damping) * np.eye(len(w))))
        R = np.linalg.qr(stacked, mode="r")
        # 2 R'R is the metric in weights counted in units of 1 / columns.
        scaled = solve_triangular(R, solve_triangular(R, gradient / columns, trans="T")) / 2.0
        return scaled / columns, Damped(w, scaled / columns, damping, columns)


def _next_damping(w: Array, memory: Damped) -> float:
    """A fifth after a full step; twice as much after one that had to be shortened."""
    wished = float(np.linalg.norm(memory.direction))
    full = float(np.linalg.norm(w - memory.w)) > 0.9 * wished
    return max(memory.damping / 5.0, 1e-15) if full else min(2.0 * memory.damping, 1e8)


@dataclass(frozen=True)
class Curve:
    """A model formula over a table: residuals and their Jacobian in the unknown weights.

    Attributes
    ----------
    model : Formula
        Of weights and of columns.
    names : tuple of str
        The weights: the names in the model that are no columns.
    columns : dict of str to array, shape (n_rows,)
    response : array of shape (n_rows,)
    """

    model: Formula
    names: tuple[str, ...]
    columns: Mapping[str, Array]
    response: Array

    def residuals_and_jacobian(self, w: Array) -> tuple[Array, Array]:
        """Model minus response (n_rows,) and its derivatives (n_rows, n_weights)."""
        known = dict(self.columns) | dict(zip(self.names, w, strict=True))
        n = len(self.response)
        points = [np.broadcast_to(known[name], n) for name in self.model.names]
        values, slopes = self.model.many(np.stack(points))
        chosen = [self.model.names.index(name) for name in self.names]
        return values - self.response, slopes[chosen].T


def least_squares_descent(
    model: str,
    data: Mapping[str, Array],
    start: Mapping[str, float],
    response: str = "y",
    *,
    tol: float = 1e-13,
    max_steps: int = 1_000,
) -> Result:
    """Fit a curve to data by descent in the Gauss-Newton metric.

    Parameters
    ----------
    model : str
        Formula of the curve, such as ``"b1*(1 - exp(-b2*x))"``. Names of columns are data, all
        other names are weights.
    data : mapping of str to array, shape (n_rows,)
        Columns.
    start : mapping of str to float
        Start of every weight; weights that the model is straight in are solved for, so theirs is
        not used.
    response : str, default "y"
        The column to come close to.
    tol : float, default 1e-13
        As in ``minimize``; so small that the walk ends at rounding, since its steps are few.
    max_steps : int, default 1,000

    Returns
    -------
    Result
        Weights in the order of ``start``; the trace's value is the sum of squares. There is no
        state: the walk went over fewer weights.

    Raises
    ------
    FormulaError
        If the model is outside the grammar.
    InputError
        If a column or the start of a weight is missing, or is not a finite number.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0, 3.0])
    >>> fit = least_squares_descent(
    ...     "a*exp(-b*x)", {"x": x, "y": 5 * np.exp(-0.7 * x)}, {"a": 1, "b": 0}
    ... )
    >>> fit.w.round(6)
    array([5. , 0.7])
    """
    curve = make_curve(model, data, tuple(start), response)
    straight = straight_weights(curve.model, curve.names)
    bent = Bent(curve, straight, tuple(i for i in range(len(start)) if i not in straight))
    w0 = np.array([float(number) for number in start.values()])[list(bent.bent)]
    value, gradient = bent.evaluate(w0)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        raise InputError(f"The curve {model!r} has no finite value or slope at the start {start}.")
    problem = Function(Remembered(bent.evaluate))
    stops: list[Stop] = [Ground(tol), MaxSteps(max_steps)]
    result = run(problem, w0, GaussNewton(bent.jacobian), StrongWolfe(), stops, keep_weights=True)
    if result.reason.name == "stalled" and (left := bent.promise(result.w)) <= ROUNDING:
        sentence = (
            f"A straight model of the residuals promises a fall by {left:.1g} of the sum of "
            "squares, less than its rounding."
        )
        result = replace(result, reason=Reason("converged", sentence, True))
    else:
        result = explained(result, problem, lambda u: bent.evaluate(u)[0])
    return _of_all_weights(result, bent, curve.names)


def _of_all_weights(result: Result, bent: Bent, names: tuple[str, ...]) -> Result:
    """The walk over the bent weights as one over all."""
    assert result.trace.weights is not None  # they were asked for
    weights = np.array([bent.whole(u) for u in result.trace.weights])
    trace = replace(result.trace, weights=weights, names=names)
    return replace(result, w=bent.whole(result.w), trace=trace, state=None)


def make_curve(
    model: str, data: Mapping[str, Array], names: tuple[str, ...], response: str
) -> Curve:
    """The curve, checked: every name is a column or a weight, every column a number per row."""
    formula = parse(model)
    columns = {name: np.asarray(column, dtype=float) for name, column in data.items()}
    for name in (*formula.names, response):
        if name not in columns and name not in names:
            raise InputError(
                f"{name!r} is neither a column ({', '.join(columns)}) nor a weight with a start "
                f"({', '.join(names)})."
            )
    unused = [name for name in names if name not in formula.names]
    if unused:
        raise InputError(f"The start names {', '.join(unused)}, which the model does not have.")
    for name, column in columns.items():
        if column.shape != columns[response].shape or not np.isfinite(column).all():
            raise InputError(
                f"Column {name!r} of shape {column.shape} must hold one finite number for each of "
                f"the {len(columns[response])} rows."
            )
    return Curve(formula, names, columns, columns[response])
