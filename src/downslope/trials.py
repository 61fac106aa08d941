"""A learning rate by trying: short runs up a ladder of rates, judged on the same rows.

Where the loss is no bowl, curvature at the start says little about the rate that pays later on, and
for rules that rescale each weight it says less. So a few per cent of the run are spent on trying:
from one start, the same batches are walked at rates a factor 2 apart, each falling to 0 as the
run's will (at a constant rate, noise that the run leaves behind would count), and the loss they
lead to is compared. The search goes on upwards and downwards from a first guess until the loss has
turned.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from downslope.descend import Problem, begin, check_pair, steps
from downslope.rates import Constant, Cosine, WarmUp
from downslope.rules import Rule

Array = Any
FIRST = 4e-3
"""First guess; good for rules that move every weight by about the rate."""
FACTOR = 2.0
MOST = 40
"""Rungs that are tried at most."""
TRIAL_STEPS = (20, 200)
"""Least and most steps of a trial run; between them a hundredth of the run that it is for."""
WARM_SHARE = 0.05
"""Share of the steps in which a planned rate rises to its peak."""


@dataclass(frozen=True)
class Trials:
    """What short runs at several rates led to.

    Attributes
    ----------
    rates, losses : array of shape (n_trials,)
        Rates in rising order and the loss at the end of each run; NaN or inf where one blew up.
    best : float
        Rate with the lowest loss.
    why : str
        The same in a sentence.
    """

    rates: Array
    losses: Array
    best: float
    why: str


def try_rates(
    problem: Problem,
    w0: Array,
    rule: Rule,
    judge: Callable[[Array], float],
    *,
    n_steps: int,
    batch_size: int | None = None,
    seed: int = 0,
    first: float = FIRST,
) -> Trials:
    """Short runs at rates a factor 2 apart until the loss at their end has turned on both sides.

    Parameters
    ----------
    problem, w0, rule, batch_size, seed
        The run that the rate is for.
    judge : callable
        Loss at given weights, on rows that are the same for all.
    n_steps : int
        Length of each run.
    first : float
        First guess.

    Examples
    --------
    >>> from downslope.problems.formula import parse
    >>> from downslope.rules import Plain
    >>> bowl = parse("(w - 3)^2")
    >>> judge = lambda w: bowl.value_and_gradient(w)[0]
    >>> trials = try_rates(bowl, np.array([0.0]), Plain(), judge, n_steps=3)
    >>> trials.best  # 0.5 would arrive at once, 1 never
    0.512
    """

    def end(rate: float) -> float:
        falling = Cosine(rate, n_steps)
        walk = steps(
            problem, begin(w0, rule, falling), rule, falling, batch_size=batch_size, seed=seed
        )
        with np.errstate(over="ignore", invalid="ignore"):
            last = next(islice(walk, n_steps, None))
            loss = judge(last.w)
        return loss if math.isfinite(loss) else math.inf

    found = {first: end(first)}
    start = judge(w0)
    for factor in (FACTOR, 1.0 / FACTOR):
        rate = first
        while len(found) < MOST:
            rate *= factor
            found[rate] = end(rate)
            lowest = min(found, key=lambda r: found[r])
            if _turned(found, rate, lowest, start):
                break
    rates = sorted(found)
    losses = [found[rate] for rate in rates]
    best = rates[int(np.argmin(losses))]
    why = (
        f"After {n_steps} trial steps from one start, the loss {start:.4g} had become "
        + ", ".join(f"{found[r]:.4g} with {r:.2g}" for r in _beside(rates, best))
    )
    return Trials(np.array(rates), np.array(losses), best, why)


def _turned(found: dict[float, float], rate: float, lowest: float, start: float) -> bool:
    """Whether nothing better is to be expected beyond ``rate``."""
    beyond = abs(math.log(rate / lowest))
    return beyond >= 1.5 * math.log(FACTOR) or (rate > lowest and not found[rate] <= start)


def _beside(rates: list[float], best: float) -> list[float]:
    i = rates.index(best)
    return rates[max(0, i - 1) : i + 2]


def peak_rate(
    problem: Problem,
    w0: Array,
    rule: Rule,
    judge: Callable[[Array], float],
    *,
    total_steps: int,
    batch_size: int | None = None,
    seed: int = 0,
) -> tuple[float, str]:
    """Highest learning rate of a run of ``total_steps``, and where it comes from.

    Rules that rescale each weight take the rate with the lowest loss. The others half of it: one
    batch with rows far out can throw them over where many were crossed.

    Raises
    ------
    PairError
        If the rule cannot walk on this problem.
    """
    check_pair(rule, Constant(1.0), problem, batch_size)
    least, most = TRIAL_STEPS
    n_steps = min(most, max(least, total_steps // 100))
    trials = try_rates(problem, w0, rule, judge, n_steps=n_steps, batch_size=batch_size, seed=seed)
    if rule.scales_coordinates:
        return trials.best, f"{trials.why}; {trials.best:.3g} is the learning rate."
    half = trials.best / 2.0
    return half, f"{trials.why}; half of the best, {half:.3g}, is the learning rate."


def planned(peak: float, total_steps: int) -> WarmUp:
    """A rate that rises to its peak for a twentieth of the run and falls to 0 by its end.

    Examples
    --------
    >>> from downslope.rates import schedule
    >>> [round(rate, 3) for rate in schedule(planned(1.0, 40), 41)[::10]]
    [0.1, 0.895, 0.541, 0.161, 0.0]
    """
    warm = max(1, round(WARM_SHARE * total_steps))
    return WarmUp(Cosine(peak, max(1, total_steps - warm)), warm)
