"""The walk by hand: every step with its arithmetic written out.

``trace_formula`` walks down a typed formula, ``trace_line`` fits the line through a table's points.
What stands behind an equals sign is exactly what the arithmetic in front of it gives, as shown;
``≈`` marks what was rounded (see ``decimals.py``).
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from downslope.by_hand.decimals import equals, operand, shown
from downslope.by_hand.line import trace_line
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
from downslope.minimizing.minimize import minimize
from downslope.problems.formula import Formula, parse, write
from downslope.rules import Rule

__all__ = ["Worked", "trace_formula", "trace_line"]
Array = Any


def trace_formula(
    formula: str | Formula,
    start: Mapping[str, float] | Sequence[float] | float,
    learning_rate: float | str = "auto",
    steps: int = 3,
    rule: str | Rule = "plain",
) -> Worked:
    """Walk down a typed formula and write every step out.

    Parameters
    ----------
    formula : str or Formula
        Such as ``"(w - 3)^2"``; any number of weights.
    start : dict, sequence or float
        Where to begin, by name or in the order of appearance.
    learning_rate : float or "auto", default "auto"
        ``"auto"`` is one over the largest curvature at the start.
    steps : int, default 3
    rule : str or Rule, default "plain"

    Returns
    -------
    Worked
        Prints as the worked steps; ``.trace`` holds the same numbers.

    Raises
    ------
    FormulaError, InputError, SettingError
        If the formula, the start or a setting cannot be used.

    Examples
    --------
    >>> print(trace_formula("(w - 3)^2", {"w": 0}, 0.1, steps=1))
    f = (w - 3)^2
    df/dw = 2*w - 6
    each step: w <- w - 0.1 * df/dw
    <BLANKLINE>
    step 0: w = 0
      f = (0 - 3)^2 = 9
      df/dw = 2*0 - 6 = -6
      w = 0 - 0.1 * (-6) = 0.6
    step 1: w = 0.6
      f = (0.6 - 3)^2 = 5.76
    <BLANKLINE>
    It is heading for w = 3, where f = 0.
    The curvature is 2 everywhere, so learning rates below 2 / 2 = 1 come closer.
    At 0.1 each step leaves 0.8 of the distance, and 10.32 steps come ten times closer.
    """
    problem = parse(formula) if isinstance(formula, str) else formula
    w0, chosen = problem.point(start), the_rule(rule)
    trouble = problem.trouble(w0)
    if trouble is not None:
        raise InputError(f"There is no slope at the start {start}: {trouble}; start elsewhere.")
    rate = the_rate(learning_rate, problem, w0)
    result = walk(problem, w0, chosen, rate, steps, problem.names)
    slopes = [
        f"df/d{name} = {derivative}"
        for name, derivative in zip(problem.names, problem.derivatives, strict=True)
    ]
    opening = (
        f"f = {problem.text.strip()}",
        *slopes,
        *rule_lines(problem.names, chosen, rate, "f"),
    )
    weights, blocks = result.trace.weights, []
    assert weights is not None
    gradients = gradients_of(problem, result)
    for k, directions in enumerate(directions_of(chosen, result, gradients)):
        texts = [shown(float(value)) for value in weights[k]]
        block = [place(k, problem.names, texts), _formula_value(problem, texts, result, k)]
        if k < len(result.trace) - 1:
            block += _formula_slopes(problem, texts, gradients[k])
            block += updates(problem.names, result, k, directions, chosen)
        blocks.append(tuple(block))
    ending = _formula_ending(problem, result, chosen, rate)
    return Worked(result, opening, tuple(blocks), ending)


def _formula_value(problem: Formula, texts: list[str], result: Result, k: int) -> str:
    value, weights = float(result.trace["value"][k]), result.trace.weights
    assert weights is not None
    trouble = None if math.isfinite(value) else problem.trouble(weights[k])
    if trouble is not None:
        return f"f: {trouble}"
    written = _tidy(problem.substituted([operand(text) for text in texts]))
    arithmetic = problem.exactly(problem.expression, texts)
    return f"f = {written} {equals(shown(value), arithmetic)}"


def _tidy(written: str) -> str:
    """``sin((-1))`` as ``sin(-1)``."""
    return re.sub(r"\((\(-[^()]*\))\)", r"\1", written)


def _formula_slopes(problem: Formula, texts: list[str], gradient: Array) -> list[str]:
    operands = dict(zip(problem.names, map(operand, texts), strict=True))
    lines = []
    for j, (name, slope) in enumerate(zip(problem.names, problem.readable_gradient, strict=True)):
        result, written = shown(float(gradient[j])), _tidy(write(slope, operands))
        # A slope that is the same everywhere has no arithmetic to show.
        arithmetic = problem.exactly(problem.gradient_expressions[j], texts)
        steps = result if written == result else f"{written} {equals(result, arithmetic)}"
        lines.append(f"df/d{name} = {steps}")
    return lines


def _formula_ending(problem: Formula, result: Result, rule: Rule, rate: float) -> tuple[str, ...]:
    """Where the walk is heading, and which rates are stable there."""
    weights = result.trace.weights
    assert weights is not None
    if result.reason.name == "diverged":
        trouble = problem.trouble(weights[-1])
        return (result.reason.sentence, *([f"There {trouble}."] if trouble else []))
    goal = minimize(problem, weights[-1])
    if not goal.reason.converged:
        return (f"No minimum was found ahead: {goal.reason.sentence}",)
    bend = curvature(problem, goal.w)
    where = "everywhere" if problem.constant_hessian is not None else "there"
    ahead = heading(problem.names, weights, goal.w, problem.value(goal.w), result, "f")
    return (ahead, *limits(bend, where, rule, rate, len(goal.w)))
