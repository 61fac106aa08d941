"""Caught in a shallow valley, and leaving it: plain descent, momentum and noise, counted.

On a bumpy surface plain descent ends in the first dent below its start. Momentum carries the walk
over low ridges; noise, as small batches bring it, shakes it out of dents that are shallow, and a
falling rate lets it settle in one that is not.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from downslope.descend import Problem, begin, steps
from downslope.errors import SettingError
from downslope.landscapes.abreast import abreast, walk_down
from downslope.landscapes.minima import corners
from downslope.problems.callables import Function
from downslope.problems.formula import parse
from downslope.rates import Constant, Exponential, Rate
from downslope.rules import Momentum, Plain, Rule

Array = Any
Box = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Escape:
    """One way of walking, and how many of its walks ended in the lowest valley.

    Attributes
    ----------
    name : str
        ``plain``, ``momentum`` or ``noise``.
    reached, walks : int
        Walks that ended at the lowest value, of how many.
    starts, ends : array of shape (walks, n_weights)
    values : array of shape (walks,)
        Value at each end.
    """

    name: str
    reached: int
    walks: int
    starts: Array
    ends: Array
    values: Array

    @property
    def share(self) -> float:
        """Share of the walks that ended in the lowest valley."""
        return self.reached / self.walks


def escapes(
    problem: str | Problem,
    box: Box,
    lowest: float,
    *,
    rate: float,
    walks: int = 200,
    n_steps: int = 400,
    beta: float = 0.9,
    noise: float = 3.0,
    seed: int = 0,
) -> tuple[Escape, Escape, Escape]:
    """Walk from the same starts plainly, with momentum and with noise; count who gets down.

    Every walk ends with plain descent in short steps, so that ends are compared at the bottom of
    the valley they are in. All three use the same rate; with noise it falls a hundredfold.

    Parameters
    ----------
    problem : str or Problem
    box : sequence of (low, high)
        Where the starts are drawn from.
    lowest : float
        Value of the lowest valley.
    rate : float
        Learning rate.
    walks : int, default 200
        One start per seed.
    n_steps : int, default 400
    beta : float, default 0.9
        Of momentum.
    noise : float, default 3
        Deviation of the noise added to each slope, in units of the slope's root mean square over
        the starts.
    seed : int, default 0

    Returns
    -------
    tuple of Escape
        plain, momentum, noise.

    Examples
    --------
    >>> from downslope.problems.surfaces import surface
    >>> ripples = surface("ripples")
    >>> plain, momentum, noisy = escapes(ripples.problem, ripples.box, 0.0, rate=0.1, walks=100)
    >>> plain.share < momentum.share and plain.share < noisy.share
    True
    """
    if walks < 1:
        raise SettingError(f"walks={walks!r} must be 1 or more.")
    problem = parse(problem) if isinstance(problem, str) else problem
    low, high = corners(problem, box)
    random = np.random.default_rng(seed)
    starts = random.uniform(low, high, (walks, len(low)))
    wide, reach = abreast(problem), 0.02 * float(np.linalg.norm(high - low))
    slopes = wide.value_and_gradient(starts.T)[1]
    shaken = _shaken(wide, noise * float(np.sqrt(np.mean(slopes**2))), random)
    ways: tuple[tuple[str, Function, Rule, Rate], ...] = (
        ("plain", wide, Plain(), Constant(rate)),
        ("momentum", wide, Momentum(beta), Constant(rate)),
        ("noise", shaken, Plain(), Exponential(rate, 0.01 ** (1.0 / n_steps))),
    )
    results = []
    for name, ground, rule, length in ways:
        ends, _ = walk_down(problem, _end(ground, rule, length, starts, n_steps), reach, 500)
        values: Any = wide.value_and_gradient(ends.T)[0]
        reached = int((values <= lowest + 1e-6 * max(1.0, abs(lowest))).sum())
        results.append(Escape(name, reached, walks, starts, ends, values))
    return results[0], results[1], results[2]


def _shaken(wide: Function, deviation: float, random: np.random.Generator) -> Function:
    """The problem with noise on its slopes, drawn anew at every step for every walk."""

    def evaluate(points: Array) -> tuple[Any, Array]:
        values, gradients = wide.value_and_gradient(points)
        return values, gradients + deviation * random.standard_normal(gradients.shape)

    return Function(evaluate)


def _end(ground: Function, rule: Rule, rate: Rate, starts: Array, n_steps: int) -> Array:
    """Where each walk stands after so many steps."""
    state = begin(np.ascontiguousarray(starts.T), rule, rate)
    with np.errstate(all="ignore"):
        (last,) = deque(islice(steps(ground, state, rule, rate), n_steps + 1), maxlen=1)
    return last.w.T
