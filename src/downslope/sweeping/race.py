"""Race: several rules down one valley under one protocol, and many starts under one rule.

The protocol: the same start, the same batches, and the same number of gradient evaluations for
everybody, line searches' trials included. A rule without a rate of its own gets the best of a sweep
that spends the same budget on every rate tried; what tuning cost is said beside the result.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.descend import Problem, Result, begin, check_pair, run, steps
from downslope.errors import SettingError
from downslope.rates import Constant, Rate
from downslope.rules import Rule
from downslope.stopping import Stop
from downslope.sweeping.sweep import sweep

Array = Any


@dataclass
class Counted:
    """A problem that counts how often its gradient is asked for."""

    problem: Any
    evaluations: int = 0

    @property
    def has_rest(self) -> bool:
        """Whether a part of the objective has no gradient."""
        return bool(self.problem.has_rest)

    def value_and_gradient(self, w: Array, rows: Any = None) -> tuple[float, Array]:
        """The problem's, counted."""
        self.evaluations += 1
        value, gradient = self.problem.value_and_gradient(w, rows)
        return value, gradient

    def rest(self, w: Array) -> float:
        """The problem's."""
        return float(self.problem.rest(w))

    def moved(self, w: Array, direction: Array, length: float) -> Array:
        """The problem's."""
        return self.problem.moved(w, direction, length)

    def penalty_value(self, w: Array) -> float:
        """The problem's."""
        return float(self.problem.penalty_value(w))

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Any]:
        """The problem's."""
        return iter(self.problem.batches(size, seed, epoch))

    def count(self, rows: Any) -> int:
        """The problem's."""
        return int(self.problem.count(rows))


@dataclass(frozen=True)
class Runner:
    """One entry of a race.

    Attributes
    ----------
    name : str
        Rule, and rate where it is not constant.
    rate : float
        Constant rate used; NaN for other kinds.
    evaluations : array of shape (n_steps,)
        Gradient evaluations spent when each value was seen.
    values : array of shape (n_steps,)
        Value at each step (of the batch, if there is one).
    end : float
        Whole objective at the last weights; inf where it blew up.
    tuning : int
        Gradient evaluations that choosing its rate took.
    """

    name: str
    rate: float
    evaluations: Array
    values: Array
    end: float
    tuning: int

    def reached(self, target: float) -> float:
        """Evaluations until the value was at most ``target``; inf if never."""
        below = np.flatnonzero(self.values <= target)
        return float(self.evaluations[below[0]]) if len(below) else math.inf


@dataclass(frozen=True)
class Race:
    """Who got how far; prints as a table under its protocol.

    Attributes
    ----------
    runners : tuple of Runner
        The one with the lowest end first.
    protocol : str
    target : float
        A thousandth of the way from the lowest end to the start is left there.
    """

    runners: tuple[Runner, ...]
    protocol: str
    target: float

    def __str__(self) -> str:
        head = f"{'rule':<18}{'rate':>12}{'end':>14}{'evaluations to target':>24}"
        rows = [
            f"{r.name:<18}{r.rate:>12.4g}{r.end:>14.6g}{r.reached(self.target):>24.0f}"
            for r in self.runners
        ]
        return "\n".join([self.protocol, head, *rows])


def race(
    problem: Problem,
    entries: Sequence[tuple[Rule, Rate | None]],
    w0: Array,
    *,
    evaluations: int = 200,
    batch_size: int | None = None,
    seed: int = 0,
    rates: Sequence[float] | None = None,
) -> Race:
    """Let rules race, each with the same number of gradient evaluations.

    Parameters
    ----------
    problem : Problem
    entries : sequence of (Rule, Rate or None)
        None: the constant rate with the lowest end in a sweep of this length.
    w0 : array of shape (n_weights,)
        Start of everybody.
    evaluations : int, default 200
        Budget of each.
    batch_size, seed
        As in ``run``; the same batches for everybody.
    rates : sequence of float, optional
        Rates that sweeps try.

    Returns
    -------
    Race
        One lane per entry; it prints as a table, the lowest end first.

    Raises
    ------
    SettingError
        If there is no entry, or no evaluation to spend.

    Examples
    --------
    >>> from downslope.problems.formula import parse
    >>> from downslope.rules import Adam, Momentum, Plain
    >>> valley = parse("u^2 + 100*v^2")
    >>> result = race(valley, [(Plain(), None), (Momentum(), None)], np.array([1.0, 1.0]))
    >>> result.runners[0].name
    'momentum'
    """
    if not entries or evaluations < 1:
        raise SettingError(
            f"{len(entries)} entries and evaluations={evaluations} make no race; give at least one."
        )
    runners = [
        _enter(problem, rule, rate, w0, evaluations, batch_size, seed, rates)
        for rule, rate in entries
    ]
    runners.sort(key=lambda runner: runner.end)
    start = float(problem.value_and_gradient(w0)[0] + problem.rest(w0))
    rows = "all rows" if batch_size is None else f"batches of {batch_size}, order {seed}"
    protocol = (
        f"Same start, same rows ({rows}), {evaluations} gradient evaluations each, line searches' "
        f"trials counted. Rates not given are the best of a sweep on the same budget per rate."
    )
    lowest = runners[0].end
    return Race(tuple(runners), protocol, lowest + 1e-3 * (start - lowest))


def _enter(
    problem: Any,
    rule: Rule,
    rate: Rate | None,
    w0: Array,
    evaluations: int,
    batch_size: int | None,
    seed: int,
    rates: Sequence[float] | None,
) -> Runner:
    tuning = 0
    if rate is None:
        found = sweep(
            problem,
            rates,
            rule=rule,
            n_steps=evaluations - 1,
            w0=w0,
            batch_size=batch_size,
            seeds=(seed,),
        )
        rate, tuning = Constant(found.fastest), len(found.rates) * evaluations
    check_pair(rule, rate, problem, batch_size)
    counted, spent, values, last = Counted(problem), [], [], w0
    with np.errstate(all="ignore"):
        walk = steps(counted, begin(w0, rule, rate), rule, rate, batch_size=batch_size, seed=seed)
        for step in walk:
            if counted.evaluations > evaluations or not math.isfinite(step.value):
                break
            spent.append(counted.evaluations)
            values.append(float(step.value))
            last = step.w
            if counted.evaluations == evaluations:
                break
        end = float(problem.value_and_gradient(last)[0] + problem.rest(last))
    blew_up = not math.isfinite(step.value)
    constant = isinstance(rate, Constant)
    return Runner(
        name=rule.name if constant else f"{rule.name}, {rate.name}",
        rate=rate.rate if isinstance(rate, Constant) else math.nan,
        evaluations=np.array(spent),
        values=np.array(values),
        end=math.inf if blew_up or not math.isfinite(end) else end,
        tuning=tuning,
    )


@dataclass(frozen=True)
class Restarts:
    """The same descent from many starts.

    Attributes
    ----------
    results : tuple of Result
        In the order of the starts.
    values : array of shape (n_starts,)
        Objective at each end; inf where a run blew up.
    """

    results: tuple[Result, ...]
    values: Array

    @property
    def best(self) -> Result:
        """The run with the lowest end."""
        return self.results[int(np.argmin(self.values))]

    def share(self, tol: float = 1e-6) -> float:
        """Share of the starts that ended within ``tol`` (relative) of the lowest."""
        lowest = float(self.values.min())
        return float(np.mean(self.values <= lowest + tol * max(abs(lowest), 1.0)))


def restarts(
    problem: Problem,
    starts: Sequence[Array],
    rule: Rule,
    rate: Rate,
    stops: Sequence[Stop],
    *,
    batch_size: int | None = None,
    seed: int = 0,
) -> Restarts:
    """Run the same descent from each start.

    Parameters
    ----------
    problem : Problem
    starts : sequence of array of shape (n_weights,)
    rule, rate, stops, batch_size, seed
        As in ``run``, the same for every start.

    Returns
    -------
    Restarts
        Every result, and the lowest.

    Raises
    ------
    SettingError
        If there is no start.

    Examples
    --------
    >>> from downslope.problems.formula import parse
    >>> from downslope.rules import Plain
    >>> from downslope.stopping import GradientNorm
    >>> hills = parse("(w^2 - 1)^2 + 0.3*w")
    >>> starts = [np.array([w]) for w in (-2.0, -0.5, 0.5, 2.0)]
    >>> found = restarts(hills, starts, Plain(), Constant(0.02), [GradientNorm()])
    >>> round(float(found.best.w[0]), 3), found.share()
    (-1.036, 0.5)
    """
    if len(starts) == 0:
        raise SettingError("starts=[] is empty; give at least one start.")
    results = tuple(
        run(problem, w0, rule, rate, stops, batch_size=batch_size, seed=seed) for w0 in starts
    )
    values = [
        math.inf
        if result.reason.name == "diverged"
        else float(problem.value_and_gradient(result.w)[0] + problem.rest(result.w))
        for result in results
    ]
    return Restarts(results, np.array(values))
