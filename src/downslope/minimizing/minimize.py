"""Minimise anything: a typed formula, a Python function, a PyTorch function, any problem.

The walk is the one that trains every model. Without a learning rate it is L-BFGS with a line search
or, where there are constraints, the spectral projected gradient; with one it is whatever rule and
rate were asked for.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from downslope.descend import Problem, Result, run
from downslope.errors import InputError, PairError, SettingError
from downslope.minimizing.quasi_newton import LBFGS, StrongWolfe
from downslope.minimizing.spectral import Spectral
from downslope.minimizing.standstill import why_standing
from downslope.problems.callables import (
    DIFFERENCE_ERROR,
    Evaluate,
    Function,
    Remembered,
    value_of,
    with_autograd,
    with_differences,
    with_gradient,
)
from downslope.problems.formula import Formula, parse
from downslope.rates import Constant, Rate
from downslope.rules import RULES, Plain, Rule, make_rule
from downslope.stopping import MaxSeconds, MaxSteps, Reason, Sight, Stop
from downslope.trace import Record

Array = Any
BOTTOMLESS = -1e30
STANDSTILL_STEPS = 20
RECENT_STEPS = 6
ROUNDING = 4.0 * 2.0**-52


def minimize(
    fun: str | Problem | Callable[[Array], Any],
    x0: Array | Mapping[str, float] | Sequence[float] | float,
    gradient: Callable[[Array], Array] | None = None,
    *,
    bounds: Sequence[tuple[float | None, float | None]] | None = None,
    projection: Callable[[Array], Array] | None = None,
    rule: str | Rule = "auto",
    learning_rate: str | float | Rate = "auto",
    tol: float = 1e-10,
    max_steps: int = 10_000,
    seconds: float | None = None,
    keep_weights: bool | None = None,
    watch: Callable[[Record], None] | None = None,
) -> Result:
    """Walk down a function to a minimum near the start, and write down every step.

    Parameters
    ----------
    fun : str, callable or Problem
        A formula such as ``"(w - 3)^2"``; a function of an array of shape (n,) that answers a
        number; or a problem without an L1 part.
    x0 : array of shape (n,), dict or float
        Start. A dict names the weights of a formula. A PyTorch tensor says that ``fun`` takes
        tensors: its gradient then comes from PyTorch.
    gradient : callable or None
        ``gradient(w)`` of shape (n,); without it central differences are used, whose widths are
        checked.
    bounds : sequence of (low, high), optional
        One pair per weight; None for no bound on that side.
    projection : callable, optional
        Nearest allowed point, for any other convex constraint.
    rule : str or Rule, default "auto"
        ``"auto"`` is ``"lbfgs"``, or ``"plain"`` with constraints; or any rule's name.
    learning_rate : float or Rate, default "auto"
        ``"auto"`` is a search that needs none: strong Wolfe for ``"lbfgs"``, spectral lengths for
        ``"plain"``. Other rules need a number.
    tol : float, default 1e-10
        Converged when the gradient (with constraints: the step that the projection leaves of it)
        is so many times its first length and the value falls by no larger share of itself.
    max_steps : int, default 10,000
    seconds : float, optional
        Time limit.
    keep_weights : bool, optional
        Keep the weights of every step; by default where there are at most 20.
    watch : callable, optional
        Called with each record.

    Returns
    -------
    Result
        ``w``, the ``trace`` of all steps, and the ``reason`` for the end: ``converged``, a cap, or
        a finding: ``flat``, ``jagged``, ``saddle``, ``unbounded``, ``wrong_gradient``.

    Raises
    ------
    InputError
        If the function has no value at the start, or answers no single number.
    SettingError, PairError
        If a setting is unknown, or two cannot go together.

    Examples
    --------
    >>> result = minimize("(1 - u)^2 + 100*(v - u^2)^2", {"u": -1.2, "v": 1})
    >>> result.w.round(6), result.reason.name
    (array([1., 1.]), 'converged')
    >>> minimize(lambda x: (x[0] - 2) ** 2 + x[1] ** 4, [0, 1], bounds=[(0, 1), (None, None)]).w[0]
    np.float64(1.0)
    """
    given = _given(fun, x0, gradient, bounds)
    w0, project = given.w0, _projection(bounds, projection, len(given.w0))
    if project is not None:
        w0 = project(w0)
    remembered = Remembered(given.evaluate)
    _check_start(fun, remembered, w0)
    chosen = _rule(rule, project is not None)
    rate = _rate(learning_rate, chosen)
    ground = Ground(tol, project, given.slope_error)
    stops: list[Stop] = [ground, Bottomless(), MaxSteps(max_steps)]
    if seconds is not None:
        stops.append(MaxSeconds(seconds))
    problem = Function(remembered, project)
    result = run(
        problem,
        w0,
        chosen,
        rate,
        stops,
        keep_weights=keep_weights,
        names=given.names,
        watch=watch,
    )
    return explained(result, problem, given.value, given.slope_error)


class Given(NamedTuple):
    """What was handed in, understood."""

    evaluate: Evaluate
    value: Callable[[Array], float]
    w0: Array
    names: tuple[str, ...] = ()
    slope_error: float = 0.0


def _given(fun: Any, x0: Any, gradient: Any, bounds: Any) -> Given:
    """How to evaluate what was given, and the start as an array."""
    problem = parse(fun) if isinstance(fun, str) else fun
    if isinstance(problem, Formula):
        w0 = problem.point(x0)
        return Given(problem.value_and_gradient, problem.value, w0, problem.names)
    if type(x0).__module__.partition(".")[0] == "torch":
        return _with_value(with_autograd(fun), _start(x0.detach().cpu().numpy()))
    w0 = _start(x0)
    if not callable(fun):
        return _with_value(_smooth(fun), w0)

    def value(w: Array) -> float:
        return value_of(fun, w)

    if gradient is not None:
        return Given(with_gradient(fun, gradient), value, w0)
    differences = with_differences(fun, w0, *_box(bounds, len(w0)))
    return Given(differences, value, w0, slope_error=DIFFERENCE_ERROR)


def _with_value(evaluate: Evaluate, w0: Array) -> Given:
    return Given(evaluate, lambda w: evaluate(w)[0], w0)


def _start(x0: Any) -> Array:
    w0 = np.atleast_1d(np.array(x0, dtype=float))
    if w0.ndim != 1 or not np.isfinite(w0).all():
        raise InputError(f"The start {x0!r} must be a list of finite numbers, one per weight.")
    return w0


def _smooth(problem: Problem) -> Evaluate:
    if problem.has_rest:
        raise PairError(
            "This problem has a part without a gradient (an L1 penalty), which minimize would "
            "leave out; use downslope.descend.run, or a penalty of 'l2'."
        )
    return problem.value_and_gradient


def _box(bounds: Any, n: int) -> tuple[Array, Array]:
    """Lower and upper bounds as arrays."""
    if bounds is None:
        return np.full(n, -math.inf), np.full(n, math.inf)
    if len(bounds) != n:
        raise InputError(f"There are {len(bounds)} bounds for {n} weights; give one pair for each.")
    low = np.array([-math.inf if a is None else float(a) for a, _ in bounds])
    high = np.array([math.inf if b is None else float(b) for _, b in bounds])
    if not (low <= high).all():
        j = int(np.argmin(low <= high))
        raise InputError(f"Bound {j} runs from {low[j]:g} down to {high[j]:g}; swap the two.")
    return low, high


def _projection(
    bounds: Any, projection: Callable[[Array], Array] | None, n: int
) -> Callable[[Array], Array] | None:
    if bounds is None:
        return projection
    if projection is not None:
        raise PairError("Both bounds and a projection were given; put the bounds into it.")
    low, high = _box(bounds, n)
    return lambda w: np.clip(w, low, high)


def _check_start(fun: Any, evaluate: Evaluate, w0: Array) -> None:
    value, gradient = evaluate(w0)
    if math.isfinite(value) and np.isfinite(gradient).all():
        return
    trouble = (parse(fun) if isinstance(fun, str) else fun) if not callable(fun) else None
    why = trouble.trouble(w0) if isinstance(trouble, Formula) else f"the value is {value}"
    raise InputError(f"There is no slope at the start {w0.tolist()}: {why}; start elsewhere.")


def _rule(rule: str | Rule, constrained: bool) -> Rule:
    if rule == "auto":
        return Plain() if constrained else LBFGS()
    if rule == "lbfgs":
        rule = LBFGS()
    elif isinstance(rule, str):
        if rule not in RULES:
            raise SettingError(f"rule={rule!r} is unknown; choose auto, lbfgs, {', '.join(RULES)}.")
        rule = make_rule(rule)
    if constrained and rule.scales_coordinates:
        raise PairError(
            f"rule={rule.name!r} gives each weight its own step length, which a projection would "
            "undo; with bounds or a projection use rule='plain', 'momentum' or 'nesterov'."
        )
    return rule


def _rate(rate: str | float | Rate, rule: Rule) -> Rate:
    if isinstance(rate, (int, float)):
        return Constant(float(rate))
    if not isinstance(rate, str):
        return rate
    if rate != "auto":
        raise SettingError(f"learning_rate={rate!r} is unknown; use 'auto', a number or a Rate.")
    if rule.name == "lbfgs":
        return StrongWolfe()
    if rule.name == "plain":
        return Spectral()
    raise SettingError(
        f"rule={rule.name!r} needs a number as learning_rate; 'auto' is for 'lbfgs' and 'plain'."
    )


class Level(NamedTuple):
    """Memory of ``Ground``: first slope, last values, steps that changed nothing, or were none."""

    first: float
    recent: tuple[float, ...]
    unchanged: int
    zeros: int


@dataclass(frozen=True)
class Ground:
    """Converged where little slope and little fall is left; stalled where no step lowers the value.

    A small slope alone proves nothing in a flat valley, and a small fall alone nothing on a curve,
    so both are asked for: the slope ``tol`` times the first, and the last five steps together
    lower by at most ``tol`` of the value. A slope of ``tol`` squared is enough on its own, and so
    is one below ``slope_error``, the share of the first slope that cannot be told from none.
    """

    tol: float
    project: Callable[[Array], Array] | None = None
    slope_error: float = 0.0

    def __post_init__(self) -> None:
        if not self.tol >= 0.0:
            raise SettingError(f"tol={self.tol!r} must be 0 or more; 1e-10 is the default.")

    def init(self) -> Level:
        return Level(math.nan, (), 0, 0)

    def ask(self, sight: Sight, memory: Level) -> tuple[Reason | None, Level]:
        slope = _slope(sight, self.project)
        first = slope if math.isnan(memory.first) else memory.first
        recent = (*memory.recent, sight.value)[-RECENT_STEPS:]
        change = abs(sight.value - memory.recent[-1]) if memory.recent else math.inf
        unchanged = memory.unchanged + 1 if change <= ROUNDING * abs(sight.value) else 0
        zeros = memory.zeros + 1 if sight.rate == 0.0 else 0
        memory = Level(first, recent, unchanged, zeros)
        settled = len(recent) == RECENT_STEPS and recent[0] - sight.value <= self.tol * abs(
            sight.value
        )
        enough = max(self.tol if settled else self.tol**2, self.slope_error)
        if 0.0 < slope <= enough * first:
            what = "gradient" if self.project is None else "projected gradient"
            sentence = (
                f"The {what}'s length fell to {slope:.3g}, at most {enough:g} times its first "
                f"{first:.3g}."
            )
            return Reason("converged", sentence, True), memory
        if slope == 0.0 or zeros == 2 or unchanged == STANDSTILL_STEPS:
            return Reason("stalled", "No step lowers the value any more.", False), memory
        return None, memory


def _slope(sight: Sight, project: Callable[[Array], Array] | None) -> float:
    """Length of the gradient, or of the step that a projection leaves of it."""
    if project is None:
        return sight.gradient_norm
    return float(np.linalg.norm(sight.w - project(sight.w - sight.gradient)))


@dataclass(frozen=True)
class Bottomless:
    """Stop on the way to minus infinity."""

    def init(self) -> None:
        return None

    def ask(self, sight: Sight, memory: None) -> tuple[Reason | None, None]:
        if not sight.value < BOTTOMLESS:
            return None, None
        sentence = f"The value fell to {sight.value:.3g} and goes on: it has no lowest value here."
        return Reason("unbounded", sentence, False), None


def explained(
    result: Result, problem: Function, value: Callable[[Array], float], slope_error: float = 0.0
) -> Result:
    """The result with a reason that says what lies underfoot, where the walk could not tell.

    Measured slopes are not believed where they vanish: at a kink the two sides cancel.
    """
    ended, w = result.reason, result.w
    if not (ended.name == "stalled" or (ended.converged and slope_error > 0.0)):
        return result
    gradient = problem.value_and_gradient(w)[1]
    if problem.project is None:
        found = why_standing(value, w, gradient)
        kept = ended.converged and found.name == "stalled"
        return result if kept else replace(result, reason=found)
    if (problem.project(w - gradient) == w).all():
        sentence = "No step that the constraints allow goes downhill from here."
        return replace(result, reason=Reason("converged", sentence, True))
    return result
