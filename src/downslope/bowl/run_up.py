"""A run-up: the first pass over the rows walks while it reads them.

The pilot has fitted s rows; it stands about m/s of the noise above the lowest point, for m weights.
Before anything is measured there, the rows are read once in turns, each of them a little of every
part of the table, and each turn is followed by a step::

    w <- w - (rows of this turn / rows met so far) B B' (gradient of this turn at w)

Were B B' the inverse curvature of all rows met so far, this would be recursive least squares: w
would always be the lowest point of the rows met. It is that of s rows, and errs by sqrt(m/s) in
every direction; so the run-up ends m/s times m/n of the noise above the lowest point of all n rows.
One pass gains a factor n/m, where a step in round coordinates gains s/m. (That one pass of
second-order steps of length 1/t does nearly what many can: Bottou and LeCun 2004, "Large scale
online learning".)

Curvature is that of the rows of the pilot. Where a few of them are all that carries some column, it
may be far too small and a step far too long; then the sketch at the pilot, which sees all rows,
takes their place, for another pass. Where hardly any rows carry a column, its weight would be moved
as if they were many before the second one is met, and there is no run-up. Nor is there for losses
with curvature 0 in places: how far their sketch can be trusted is learnt by walking.
"""

from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from downslope.bowl.metric import Metric, metric_of
from downslope.bowl.passes import Passes, Sample
from downslope.bowl.smooth import Smooth, View

Array = Any
MET = 0.5
"""What a row of the sample counts among the rows met: it is met again."""
GROWTH = 0.5
"""Rows of a turn, as a share of the rows met before. No step is then too long where the curvature
is up to six times what the metric says."""
STRATA = 128
"""Parts of the table from which every turn takes rows, for tables lie in some order."""
CARRIERS = 8.0
"""Rows of the sample that must carry a column for its curvature to be trusted."""
FEW = 2.0
"""Rows that carry a column, to be expected among those that count as met before the first turn."""
FORGOTTEN = 0.125
"""Share of all rows that may count as met at the start, so that the pilot's error is forgotten."""
UP = 2.0
"""Where two turns in a row cost so many times what those before did, the walk is lost."""
MANY = 6000
"""Rows a weight from which on a run-up saves more passes than it takes."""
LONG = 2e7
"""Rows times weights whose reading takes long enough for turns to cost little."""


class Parts(Passes, Protocol):
    """Passes that can be read in parts."""

    def part(self, w: Array, stretches: Array) -> tuple[float, Array]:
        """Mean loss and gradient over some stretches of rows."""
        ...


def run_up_pays(n_rows: int, n_weights: int) -> bool:
    """Whether it saves more than it costs."""
    return n_rows >= MANY * n_weights and n_rows * n_weights >= LONG


def run_up(
    problem: Smooth,
    passes: Parts,
    sample: Sample,
    w: Array,
    buckets: int | None,
    shift: Array,
    floor: float,
    seed: int,
) -> View:
    """The view from where a run-up from ``w`` ends; from ``w`` itself where it led nowhere.

    Parameters
    ----------
    problem : Smooth
    passes : Parts
        Those of ``problem``.
    sample : Sample
        The rows that led to ``w``.
    buckets, shift, floor, seed
        See ``Smooth.look``.
    """
    n, columns, met = passes.n_rows, slice(passes.n_features), MET * sample.n_rows
    table = sample.sketch(w, None, shift, floor, 0).table
    if carriers(table[:, columns]) >= CARRIERS:
        metric = metric_of(table, shift, problem.ridge, sample.n_rows, sample.n_outputs, None)
        there, most = walk(problem, passes, w, metric, met, seed)
        view = problem.look(there, buckets, shift, floor, seed)
        led_up = there is not w and not view.value <= most
        return problem.look(w, buckets, shift, floor, seed) if led_up else view
    sketch = problem.sketch(w, buckets, shift, floor, seed)
    view = problem.view(w, sketch, buckets)
    fewest = carriers(sketch.table[:, columns])
    if fewest * FORGOTTEN < FEW:
        return view
    there, _ = walk(problem, passes, w, view.metric, max(met, FEW / fewest * n), seed)
    lower = view if there is w else problem.look(there, buckets, shift, floor, seed)
    return lower if lower.value <= view.value else view


def walk(
    problem: Smooth, passes: Parts, w: Array, metric: Metric, met: float, seed: int
) -> tuple[Array, float]:
    """Weights after a step for every turn, and what rows cost on the way, on average.

    They cost less at the end of a good walk, since it began higher. Where two turns in a row cost
    much more than those before, the answer is ``w`` itself.
    """
    n, here, total, read, ups = passes.n_rows, w, 0.0, 0, 0
    for stretches in turns(n, met, seed):
        value, gradient = problem.with_ridge(here, *passes.part(here, stretches))
        rows = int((stretches[:, 1] - stretches[:, 0]).sum())
        problem.read += rows / n
        before = total / read if read else value
        ups = 0 if value <= before + (UP - 1.0) * abs(before) else ups + 1
        if ups == 2:
            return w, value
        total, read = total + rows * value, read + rows
        here = here - rows / (met + read) * metric.lift(metric.pull(gradient))
    return (here if np.isfinite(here).all() else w), total / read


def turns(n_rows: int, met: float, seed: int) -> list[Array]:
    """Stretches of rows of every turn; together they are all rows, each of them once.

    Every part of the table gives a stretch to every turn, in an order that begins anywhere: rows
    lie in some order, and what lies side by side should not come at once.

    Examples
    --------
    >>> stretches = turns(40_000, met=1000.0, seed=0)
    >>> [int((turn[:, 1] - turn[:, 0]).sum()) for turn in stretches][:5]
    [502, 757, 1126, 1683, 2536]
    >>> stretches[0][:3].tolist()
    [[265, 269], [511, 515], [784, 788]]
    """
    ends = [0]
    while ends[-1] < n_rows:
        ends.append(min(n_rows, ends[-1] + max(1, int(GROWTH * (met + ends[-1])))))
    strata = min(STRATA, n_rows)
    edges = n_rows * np.arange(strata + 1) // strata
    first, size = edges[:-1], np.diff(edges)
    random = np.random.default_rng(seed)
    begin, dither = random.integers(0, size), random.random(strata)

    def stretches(start: int, end: int) -> Array:
        low, high = (begin + (size * k / n_rows + dither).astype(int) for k in (start, end))
        whole = np.stack((np.minimum(low, size), np.minimum(high, size)), axis=1)
        again = np.stack((np.maximum(low, size), np.maximum(high, size)), axis=1) - size[:, None]
        both = np.concatenate((whole, again)) + np.tile(first, 2)[:, None]
        return both[both[:, 1] > both[:, 0]]

    return [stretches(start, end) for start, end in pairwise(ends)]


def carriers(table: Array) -> float:
    """Rows that carry the column which the fewest do: (sum of squares)^2 / sum of fourth powers.

    Examples
    --------
    >>> carriers(np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 3.0], [-1.0, 3.0]]))
    2.0
    """
    largest = np.abs(table).max(axis=0)
    if not (largest > 0.0).all():
        return 0.0
    squares = (table / largest) ** 2  # their squares neither overflow nor vanish
    fourths = np.einsum("ij,ij->j", squares, squares)
    return float((squares.sum(axis=0) ** 2 / fourths).min())
