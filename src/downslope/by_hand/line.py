"""The line through a table's points by hand: the sums of each step, and a few rows written out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from downslope.by_hand.decimals import arithmetic, equals, operand, shown
from downslope.by_hand.worked import (
    Worked,
    directions_of,
    gradients_of,
    heading,
    limits,
    place,
    rule_lines,
    the_rate,
    the_rule,
    updates,
    walk,
)
from downslope.curvature import curvature
from downslope.descend import Result
from downslope.errors import InputError
from downslope.losses import MeanSquares
from downslope.objective import Objective
from downslope.rules import Rule
from downslope.sources.memory import MemoryRows

Array = Any


def trace_line(
    x: Array,
    y: Array,
    start: tuple[float, float] = (0.0, 0.0),
    learning_rate: float | str = "auto",
    steps: int = 3,
    rule: str | Rule = "plain",
    names: tuple[str, str] = ("x", "y"),
    rows: int = 2,
) -> Worked:
    """Walk the line ``y = w x + b`` through a table's points and write every step out.

    The loss is the mean of squares, L = (1/n) sum((w x + b - y)^2), on the columns as they are.

    Parameters
    ----------
    x, y : array of shape (n,)
    start : (float, float), default (0, 0)
        Slope w and intercept b.
    learning_rate : float or "auto", default "auto"
        ``"auto"`` is one over the largest curvature.
    steps : int, default 3
    rule : str or Rule, default "plain"
    names : (str, str)
        Of the two columns.
    rows : int, default 2
        Rows written out in each step; the others appear in the sums.

    Returns
    -------
    Worked
        Prints as the worked steps; ``.trace`` holds the same numbers.

    Raises
    ------
    InputError
        If the columns differ in length, are empty, or hold what is not a finite number.

    Examples
    --------
    >>> print(trace_line([100, 150, 200], [8000, 12000, 16000], (90, 0), 1e-5, steps=1, rows=1))
    y = w * x + b, by L = (1/3) sum((w x + b - y)^2)
    dL/dw = (2/3) sum((w x + b - y) x)
    dL/db = (2/3) sum(w x + b - y)
    each step: w <- w - 0.00001 * dL/dw
    each step: b <- b - 0.00001 * dL/db
    <BLANKLINE>
    step 0: w = 90, b = 0
      row 1: 90 * 100 + 0 - 8000 = 1000, times 100 = 100000
      ... and 2 more rows
      L = (1/3) * 7250000 ≈ 2416667
      dL/dw = (2/3) * 725000 ≈ 483333
      dL/db = (2/3) * 4500 = 3000
      w = 90 - 0.00001 * 483333 ≈ 85.1667
      b = 0 - 0.00001 * 3000 = -0.03
    step 1: w = 85.1667, b = -0.03
      L = (1/3) * 1935208 ≈ 645069
    <BLANKLINE>
    It is heading for w = 80, b = 0, where L = 0.
    The curvature is between 0.1379 and 48340 everywhere, so learning rates below 2 / 48340
    ≈ 0.00004138 come closer.
    At 0.00001 in the end each step leaves 0.999999 of the distance, and 1669000 steps come
    ten times closer.
    """
    x, y = _columns(x, y, names)
    table = MemoryRows(x[:, None], y)
    problem = Objective(table, MeanSquares())
    w0, chosen = _pair(start), the_rule(rule)
    rate = the_rate(learning_rate, problem, w0)
    result = walk(problem, w0, chosen, rate, steps, ("w", "b"))
    n = len(x)
    opening = (
        f"{names[1]} = w * {names[0]} + b, by L = (1/{n}) sum((w x + b - y)^2)",
        f"dL/dw = (2/{n}) sum((w x + b - y) x)",
        f"dL/db = (2/{n}) sum(w x + b - y)",
        *rule_lines(("w", "b"), chosen, rate, "L"),
    )
    weights, blocks = result.trace.weights, []
    assert weights is not None
    gradients = gradients_of(problem, result)
    for k, direction in enumerate(directions_of(chosen, result, gradients)):
        block = [place(k, ("w", "b"), [shown(float(value)) for value in weights[k]])]
        loss = f"L = {_mean(1, n, float(result.trace['value'][k]))}"
        if k == len(result.trace) - 1:
            block.append(loss)
        else:
            slopes = [_mean(2, n, float(slope)) for slope in gradients[k]]
            block += _row_lines(x, y, weights[k], rows)
            block += [loss, f"dL/dw = {slopes[0]}", f"dL/db = {slopes[1]}"]
            block += updates(("w", "b"), result, k, direction, chosen)
        blocks.append(tuple(block))
    return Worked(result, opening, tuple(blocks), _ending(table, problem, result, chosen, rate))


def _columns(x: Array, y: Array, names: tuple[str, str]) -> tuple[Array, Array]:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    for name, column in zip(names, (x, y), strict=True):
        if column.ndim != 1 or len(column) == 0 or not np.isfinite(column).all():
            raise InputError(
                f"Column {name!r} must hold finite numbers, at least one; it does not."
            )
    if len(x) != len(y):
        raise InputError(f"{names[0]!r} has {len(x)} rows but {names[1]!r} has {len(y)}.")
    return x, y


def _pair(start: Sequence[float]) -> Array:
    w0 = np.asarray(start, dtype=float)
    if w0.shape != (2,) or not np.isfinite(w0).all():
        raise InputError(f"The start {start!r} must be two finite numbers, slope and intercept.")
    return w0


def _row_lines(x: Array, y: Array, w: Array, rows: int) -> list[str]:
    """``row 1: 90 * 100 + 0 - 8000 = 1000, times 100 = 100000`` for the first few rows."""
    slope, intercept = (shown(float(value)) for value in w)
    lines = []
    for i in range(min(rows, len(x))):
        error = float(w[0] * x[i] + w[1] - y[i])
        parts = (slope, shown(float(x[i])), intercept, shown(float(y[i])))
        off = arithmetic(lambda a, x, b, y: a * x + b - y, *parts)
        product = arithmetic(lambda e, x: e * x, shown(error), parts[1])
        _, x_i, b, y_i = (operand(part) for part in parts)
        lines.append(
            f"row {i + 1}: {slope} * {x_i} + {b} - {y_i} {equals(shown(error), off)}, "
            f"times {x_i} {equals(shown(error * float(x[i])), product)}"
        )
    left = len(x) - len(lines)
    return [*lines, f"... and {left} more row{'s' * (left > 1)}"] if lines and left else lines


def _mean(factor: int, n: int, value: float) -> str:
    """``(2/3) * 4500 = 3000``: a mean as factor times sum over n."""
    total = shown(value * n / factor)
    product = arithmetic(lambda s: s * factor / n, total)
    return f"({factor}/{n}) * {operand(total)} {equals(shown(value), product)}"


def _ending(
    table: MemoryRows, problem: Objective, result: Result, rule: Rule, rate: float
) -> tuple[str, ...]:
    """The least squares line ahead, and which rates come closer to it."""
    weights = result.trace.weights
    assert weights is not None
    if result.reason.name == "diverged":
        return (result.reason.sentence,)
    columns = np.column_stack((table.X, np.ones(table.n_rows)))
    goal = np.linalg.lstsq(columns, table.y)[0]
    ahead = heading(("w", "b"), weights, goal, problem.value(goal), result, "L")
    return (ahead, *limits(curvature(problem, goal), "everywhere", rule, rate, 2))
