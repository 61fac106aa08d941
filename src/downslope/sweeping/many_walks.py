"""Many walks at once, from one start and on the same batches, one per learning rate.

For a linear model with one output they are the columns of one matrix, so that a pass over the rows
serves all of them; other problems walk one after the other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from downslope.curvature import to_numpy
from downslope.descend import begin, steps
from downslope.objective import Objective
from downslope.rates import Constant, Exponential
from downslope.rules import RULES, Rule
from downslope.trace import COLUMNS, Trace

Array = Any


@dataclass(frozen=True)
class Walks:
    """Runs at several rates from one start, side by side.

    Attributes
    ----------
    values, norms : array of shape (n_steps + 1, m)
        Value and gradient length at each step (of the batch, if there is one) for each rate.
    ends : array of shape (m,)
        Whole objective at the last weights; inf where a run blew up.
    places : array of shape (size, m)
        The last weights.
    epochs : array of shape (n_steps + 1,)
    start : float
        Whole objective at the first weights.
    """

    values: Array
    norms: Array
    ends: Array
    places: Array
    epochs: Array
    start: float

    def traces(self, rates: Array, full_batch: bool) -> list[Trace]:
        """One trace per rate."""
        count = np.arange(len(self.values))
        shared = {"step": count, "epoch": count if full_batch else self.epochs}
        nothing = np.full(len(count), math.nan)
        traces = []
        for j, rate in enumerate(rates):
            columns = dict.fromkeys(COLUMNS, nothing) | shared
            columns |= {"value": self.values[:, j], "gradient_norm": self.norms[:, j]}
            traces.append(Trace(columns | {"rate": np.full(len(count), rate)}))
        return traces


def walk_many(
    problem: Any,
    w0: Array,
    rule: Rule,
    rates: Array,
    n_steps: int,
    batch_size: int | None = None,
    seed: int = 0,
) -> Walks:
    """Walk ``n_steps`` at every rate, on the same batches; a run that blows up goes on as inf."""
    together = isinstance(problem, Objective) and problem.n_outputs == 1 and rule.name in RULES
    start = float(problem.value_and_gradient(w0)[0] + problem.rest(w0))
    setting = (rule, n_steps, batch_size, seed)
    with np.errstate(all="ignore"):
        if together:
            return Walks(*_walk_together(problem, w0, rates, *setting), start)
        walks = [_walk_alone(problem, w0, float(rate), *setting) for rate in rates]
    columns = (np.stack(part, axis=-1) for part in zip(*walks, strict=True))
    values, norms, ends, places, epochs = columns
    return Walks(values, norms, ends, places, epochs[:, 0], start)


def _walk_together(
    problem: Objective,
    w0: Array,
    rates: Array,
    rule: Rule,
    n_steps: int,
    batch_size: int | None,
    seed: int,
) -> tuple[Array, Array, Array, Array, Array]:
    d = problem.n_coefficients
    W = np.repeat(np.asarray(w0, dtype=float)[:, None], len(rates), axis=1)
    memory, values, norms, epochs = rule.init(W), [], [], []
    batches = islice(_batches(problem, batch_size, seed), n_steps + 1)
    for k, (epoch, rows) in enumerate(batches):
        smooth, gradients = problem.many(W, rows)
        values.append(smooth + problem.penalty.l1 * np.abs(W[:d]).sum(axis=0))
        norms.append(np.sqrt((gradients * gradients).sum(axis=0)))
        epochs.append(epoch)
        last = W
        direction, memory = rule.direction(gradients, W, memory, k)
        W = problem.moved(W, direction, rates)
    ends = problem.many(last)[0] + problem.penalty.l1 * np.abs(last[:d]).sum(axis=0)
    return _worst(np.array(values)), np.array(norms), _worst(ends), last, np.array(epochs)


def _batches(problem: Any, batch_size: int | None, seed: int) -> Any:
    epoch = 0
    while True:
        for rows in problem.batches(batch_size, seed, epoch):
            yield epoch, rows
        epoch += 1


def _walk_alone(
    problem: Any,
    w0: Array,
    rate: float,
    rule: Rule,
    n_steps: int,
    batch_size: int | None,
    seed: int,
) -> tuple[Array, Array, Array, Array, Array]:
    constant = Constant(rate)
    walk = steps(
        problem, begin(w0, rule, constant), rule, constant, batch_size=batch_size, seed=seed
    )
    values, norms = np.full(n_steps + 1, math.inf), np.full(n_steps + 1, math.inf)
    epochs, end = np.zeros(n_steps + 1, dtype=int), math.inf
    for k, step in enumerate(islice(walk, n_steps + 1)):
        values[k], epochs[k] = float(step.value), step.state.epoch
        norms[k] = math.sqrt(float((step.gradient * step.gradient).sum()))
        if not (math.isfinite(values[k]) and math.isfinite(norms[k])):
            break
        if k == n_steps:
            end = float(problem.value_and_gradient(step.w)[0] + problem.rest(step.w))
    return _worst(values), norms, _worst(np.array(end)), to_numpy(step.w), epochs


@dataclass(frozen=True)
class RangeTest:
    """One run in which the rate rises from step to step: the loss it meets at each.

    Attributes
    ----------
    rates : array of shape (n_steps,)
    values : array of shape (n_seeds, n_steps)
        Loss at the step taken with that rate.
    blown : float
        First rate at which the loss is four times its best (the median over seeds); inf if none.
        It lags behind the limit, since a short blow-up needs a few steps to show.
    """

    rates: Array
    values: Array
    blown: float


def range_test(
    problem: Any,
    w0: Array,
    rule: Rule,
    between: tuple[float, float],
    n_steps: int = 100,
    *,
    batch_size: int | None = None,
    seeds: Sequence[int] = (0,),
) -> RangeTest:
    """Let the rate rise from the lower to the upper of two during one short run per seed.

    References
    ----------
    Smith (2017), Cyclical learning rates for training neural networks, section 3.3.
    """
    low, high = between
    factor = (high / low) ** (1.0 / max(1, n_steps - 1))
    rising = Exponential(low, factor)
    curves = []
    for seed in seeds:
        walk = steps(
            problem, begin(w0, rule, rising), rule, rising, batch_size=batch_size, seed=seed
        )
        with np.errstate(all="ignore"):
            values = []
            for step in islice(walk, n_steps):
                values.append(float(step.value))
                if not math.isfinite(values[-1]):
                    break
        curves.append(_worst(np.array(values + [math.inf] * (n_steps - len(values)))))
    rates, curve = low * factor ** np.arange(n_steps), np.median(curves, axis=0)
    worse = curve > 4.0 * np.minimum.accumulate(curve)
    blown = float(rates[int(np.argmax(worse))]) if worse.any() else math.inf
    return RangeTest(rates, np.array(curves), blown)


def _worst(values: Array) -> Array:
    """Numbers that are not finite as inf, so that they compare as the worst."""
    return np.where(np.isfinite(values), values, math.inf)
