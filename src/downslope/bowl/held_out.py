"""How far above the lowest mean loss some weights are, told by rows they were not learned from.

At weights w the mean gradient g of fresh rows, in coordinates in which their bowl is round, is the
slope of all rows plus noise. If each coordinate of the noise has variance v, |g|^2 / v has a
noncentral chi-squared distribution with one degree per direction; its noncentrality is twice the
height over v. ``bound`` is the largest height at which so small a |g|^2 would still be usual, at
two standard deviations, in the normal approximation. The noise is measured between blocks of rows:
blocks that differ more than their rows would by chance, as in sorted files, make it larger. How far
the curvature may fall on the way down is told by the rows too: by the largest change of a raw
prediction that the step would make.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from downslope.bowl import certificate
from downslope.bowl.passes import DensePasses
from downslope.bowl.round import buckets_for
from downslope.bowl.smooth import Smooth, bend_floor, doubt_of
from downslope.bowl.solve_stream import BlockPasses
from downslope.sources.memory import Rows, join_rows

Array = Any
DEVIATIONS = 2.0
EVEN = ("log_loss", "poisson", "gamma")
"""Losses whose curvature falls by at most e per unit of the raw prediction."""
CHEAP = 4e9
"""Rows times weights squared up to which the whole Hessian is worth its second of work."""


class Height(NamedTuple):
    """A bound on the height; the likely height, without what noise adds on average; and the bound
    that was to be expected for weights learned from as many other rows."""

    bound: float
    likely: float
    usual: float


def height_above(w: Array, blocks: Sequence[Rows], passes: BlockPasses, ridge: Array) -> Height:
    """Bound on how far the objective at ``w`` is above its lowest value over all rows.

    Parameters
    ----------
    w : array of shape (n_weights,)
    blocks : sequence of Rows
        Drawn at random from all rows, block by block, after ``w`` was known; at least two.
    passes : BlockPasses
        Of a loss without corners.
    ridge : array of shape (n_weights,)
        Second derivative of the penalty.

    Returns
    -------
    Height
        Infinite where the blocks show no curvature.

    Examples
    --------
    >>> from downslope.losses import SquaredError
    >>> rng = np.random.default_rng(0)
    >>> blocks = [Rows(rng.normal(size=(100, 1)), rng.normal(size=100), None) for _ in range(20)]
    >>> passes = BlockPasses(SquaredError(), True, np.zeros(1))
    >>> at = [height_above(np.array([w, 0.0]), blocks, passes, np.zeros(2)) for w in (0.0, 1.0)]
    >>> at[0].bound < 0.01, 0.5 < at[1].bound < 0.7  # 1/2 is right
    (True, True)
    """
    whole, m = passes.of(join_rows(list(blocks))), len(w)
    n = whole.n_rows
    problem = Smooth(whole, ridge)
    floor = bend_floor(whole, w)
    buckets = None if n * m * m <= CHEAP else buckets_for(n, m, passes.n_outputs)
    view = problem.look(w, buckets, whole.centers(), floor, 0)
    metric, slope = view.metric, view.start().slope
    if metric.rank == 0:
        return Height(math.inf, math.inf, math.inf)
    apart = [
        metric.pull(problem.with_ridge(w, *passes.of(block).at(w))[1]) - slope for block in blocks
    ]
    shares = np.array([len(block.y) for block in blocks]) / n
    spread = float(((shares[:, None] * np.array(apart)) ** 2).sum())
    noise = spread * len(blocks) / (len(blocks) - 1) / metric.rank
    m, seen = metric.rank, float(slope @ slope)
    likely = max(0.0, seen - noise * m)
    heights = (noise * _noncentrality(seen / noise, m), likely, noise * _noncentrality(2.0 * m, m))
    doubt = doubt_of(whole.loss)
    if whole.loss.name in EVEN and isinstance(whole, DensePasses) and seen > 0.0:
        change = np.abs(whole.raw(metric.lift(slope))).max()
        doubt = certificate.doubt_within(float(change) * math.sqrt(max(1.0, heights[0] / seen)))
    slack = certificate.slack_of(metric.rho, 1.0, doubt)
    return Height(*(certificate.height(each, slack) for each in heights))


def _noncentrality(x: float, m: int) -> float:
    """Noncentrality c at which x is ``DEVIATIONS`` below m + c, its mean; at least 1.

    The variance is 2 m + 4 c.

    >>> c = _noncentrality(60.0, 30)
    >>> round((30 + c - 60.0) / (2 * 30 + 4 * c) ** 0.5, 6)
    2.0
    """
    z, over = DEVIATIONS**2, x - m
    root = 4.0 * z * over + 4.0 * z * z + 2.0 * z * m
    return max(1.0, over + 2.0 * z + math.sqrt(max(0.0, root)))
