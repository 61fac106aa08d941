"""What every walk by hand has: lines, updates, where it is heading, which rates are stable."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.by_hand.decimals import about, arithmetic, equals, moved, settled, shown
from downslope.curvature import Curvature, curvature
from downslope.descend import Problem, Result, run
from downslope.errors import SettingError
from downslope.rates import Constant
from downslope.rules import Rule, make_rule
from downslope.stability import steps_per_decade
from downslope.stopping import MaxSteps
from downslope.trace import Trace

Array = Any


@dataclass(frozen=True)
class Worked:
    """A walk written out.

    Attributes
    ----------
    result : Result
        The walk itself: weights, trace, reason.
    opening : tuple of str
        What is descended, its slopes, and the rule of each step.
    steps : tuple of tuple of str
        The lines of each step; the first says where it stands.
    ending : tuple of str
        Where the walk is heading, and which learning rates are stable.
    """

    result: Result
    opening: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]
    ending: tuple[str, ...]

    @property
    def trace(self) -> Trace:
        """Columns of the walk."""
        return self.result.trace

    def lines(self) -> list[str]:
        """Everything, to print."""
        lines = [*self.opening, ""]
        for first, *rest in self.steps:
            lines += [first, *(f"  {line}" for line in rest)]
        return [*lines, "", *self.ending]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def the_rule(rule: str | Rule) -> Rule:
    """The rule, by name or as it is."""
    return make_rule(rule) if isinstance(rule, str) else rule


def the_rate(rate: float | str, problem: Any, w0: Array) -> float:
    """The learning rate; "auto" is one over the largest curvature at the start, to two digits."""
    if not isinstance(rate, str):
        return Constant(float(rate)).rate
    if rate != "auto":
        raise SettingError(f"learning_rate={rate!r} is unknown; give a number, or 'auto'.")
    bend = curvature(problem, w0)
    top = max(abs(bend.largest), abs(bend.smallest))
    return float(f"{1.0 / top:.2g}") if 0.0 < top < math.inf else 0.1


def walk(
    problem: Problem, w0: Array, rule: Rule, rate: float, steps: int, names: tuple[str, ...]
) -> Result:
    """So many steps at one rate, every place kept."""
    stops = [MaxSteps(steps)]
    return run(problem, w0, rule, Constant(rate), stops, keep_weights=True, names=names)


def gradients_of(problem: Problem, result: Result) -> list[Array]:
    """Gradient at each place of the walk."""
    assert result.trace.weights is not None
    return [problem.value_and_gradient(w)[1] for w in result.trace.weights]


def directions_of(rule: Rule, result: Result, gradients: list[Array]) -> list[Array]:
    """What the rule made of each gradient, from its own memory."""
    weights = result.trace.weights
    assert weights is not None
    memory, directions = rule.init(weights[0]), []
    for k, gradient in enumerate(gradients):
        direction, memory = rule.direction(gradient, weights[k], memory, k)
        directions.append(direction)
    return directions


def rule_lines(names: tuple[str, ...], rule: Rule, rate: float, value: str) -> list[str]:
    """How each weight is updated, in symbols."""
    if rule.name == "plain":
        return [f"each step: {n} <- {n} - {shown(rate)} * d{value}/d{n}" for n in names]
    return [
        f"each step: {n} <- {n} - {shown(rate)} * direction, from d{value}/d{n} by rule {rule.name}"
        for n in names
    ]


def place(k: int, names: Sequence[str], texts: Sequence[str]) -> str:
    """``step 0: w = 0``."""
    return f"step {k}: " + ", ".join(f"{n} = {t}" for n, t in zip(names, texts, strict=True))


def updates(
    names: tuple[str, ...], result: Result, k: int, direction: Array, rule: Rule
) -> list[str]:
    """``w = 0 - 0.1 * (-6) = 0.6`` for each weight."""
    weights, lines = result.trace.weights, []
    assert weights is not None
    rate = shown(float(result.trace["rate"][k]))
    for j, name in enumerate(names):
        way = shown(float(direction[j]))
        if rule.name != "plain":
            lines.append(f"direction of {name} by rule {rule.name}: {way}")
        before, after = shown(float(weights[k][j])), shown(float(weights[k + 1][j]))
        lines.append(f"{name} = {moved(before, rate, way, after)}")
    return lines


def heading(
    names: Sequence[str], weights: Array, goal: Array, value: float, result: Result, letter: str
) -> str:
    """Towards or away from the minimum that the slope leads to."""
    scale = max(1.0, float(np.abs(weights).max()))
    place = ", ".join(
        f"{name} = {shown(settled(w, scale))}" for name, w in zip(names, goal, strict=True)
    )
    low = shown(settled(value, abs(float(result.trace["value"][0]))))
    away = np.linalg.norm(weights[-1] - goal) > np.linalg.norm(weights[0] - goal)
    verb = "moving away from" if away else "heading for"
    return f"It is {verb} {place}, where {letter} = {low}."


def limits(bend: Curvature, where: str, rule: Rule, rate: float, size: int) -> list[str]:
    """Largest stable rate, and what the rate in use leaves of the distance."""
    limit, factor = bend.stable_rate(rule), bend.contraction(rule, rate)
    if limit is None or factor is None or rule.scales_coordinates or bend.largest <= 0.0:
        return []
    top, product = about(bend.largest), shown(rule.stable_product or 0.0)
    span = top if size == 1 else f"between {about(bend.smallest)} and {top}"
    quotient = equals(about(limit), arithmetic(lambda a, b: a / b, product, top))
    often = "each step" if size == 1 and where == "everywhere" else "in the end each step"
    steps = steps_per_decade(factor)
    decade = f", and {about(steps)} steps come ten times closer" if steps < math.inf else ""
    return [
        f"The curvature is {span} {where}, so learning rates below {product} / {top} {quotient} "
        "come closer.",
        f"At {shown(rate)} {often} leaves {shown(float(f'{factor:.6g}'))} of the distance{decade}.",
    ]
