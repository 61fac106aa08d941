"""A fit's problem in round coordinates beside the same problem in the user's.

On request only: the Hessian of all weights is made, and its eigenvectors. The picture shows plain
gradient descent on both, from zero weights, its steps found by a line search: what the fit itself
did may be a single step, or thousands.
"""

from typing import Any, NamedTuple

import numpy as np

from downslope.bowl.regimes import CORNERS
from downslope.curvature import curvature
from downslope.descend import run
from downslope.errors import PairError, SettingError
from downslope.fitting.fit import Fit, Prepared
from downslope.landscapes.in_round import InRound, in_round
from downslope.objective import Objective
from downslope.pictures.style import LIGHT, Figure, Theme
from downslope.pictures.valleys import Valley, whitening
from downslope.rates import Armijo
from downslope.rules import Plain
from downslope.stopping import GradientNorm, MaxSteps
from downslope.trace import Trace

Array = Any
GRID, ROOM = 61, 0.15
ACCURACY, MOST_STEPS = 1e-3, 200
STRAIGHT = (*CORNERS, "perceptron")
MOST_WEIGHTS = 200
"""Weights whose Hessian is made in a second or so."""
MOST_VALUES = 1e9
"""Losses of rows that the two landscapes may cost: half a minute or so."""


class Round(NamedTuple):
    """A fit's problem in round coordinates, and how skewed it is in both."""

    problem: InRound
    before: float
    after: float

    def trace(self, trace: Trace) -> Trace:
        """The same records of the scaled problem, with weights in round coordinates."""
        weights = None if trace.weights is None else self.problem.to_round(trace.weights)
        return Trace(trace.columns, weights, tuple(f"u{k}" for k in range(self.problem.size)))


def refuse(data: Prepared) -> None:
    """Refuse, before training, what has no round coordinates or too many.

    Raises
    ------
    PairError
        With an L1 penalty, or a loss of straight pieces.
    SettingError
        If there are too many weights or rows.
    """
    penalty, loss = data.ask.penalty, data.settings.loss.name
    if penalty in ("l1", "elasticnet"):
        raise PairError(
            f"--in-round with --penalty {penalty}: round coordinates mix the weights, and an L1 "
            "penalty has its corners where single weights are zero; leave one of the two out."
        )
    if loss in STRAIGHT:
        raise PairError(
            f"--in-round with --loss {loss}: that loss is made of straight pieces, so there is no "
            "curvature to make round; leave one of the two out."
        )
    (n, d), k = data.X.shape, data.settings.n_outputs
    if (d + 1) * k > MOST_WEIGHTS:
        raise SettingError(
            f"--in-round makes a matrix of all curvatures, and {(d + 1) * k:,} weights are more "
            f"than {MOST_WEIGHTS}; leave it out, or give --features a few columns."
        )
    if 2.0 * GRID**2 * n > MOST_VALUES:
        raise SettingError(
            f"--in-round draws two landscapes, and {n:,} rows are more than "
            f"{MOST_VALUES / (2.0 * GRID**2):,.0f}; leave it out, or give a part of the table."
        )


def round_of(done: Fit) -> Round | None:
    """The problem of a fit in coordinates in which its bowl is round where the walk ended.

    None where it ended out of sight.
    """
    problem, end = done.problem, np.asarray(done.trained.result.w, dtype=float)
    if not np.isfinite(end).all() or not np.isfinite(problem.value(end)):
        return None
    seen = in_round(problem, end)
    there = seen.to_round(end)
    return Round(seen, curvature(problem, end).condition, curvature(seen, there).condition)


def before_and_after(done: Fit, seen: Round, theme: Theme = LIGHT) -> Figure:
    """The same valley twice, as the columns make it and made round, each with a plain walk."""
    flat = done.problem.size > 2
    end = np.asarray(done.trained.result.w, dtype=float)
    return whitening(
        _valley(done.problem, end),
        _valley(seen.problem, seen.problem.to_round(end)),
        conditions=(seen.before, seen.after),
        names=("first direction of the walk", "second direction") if flat else _names(done),
        theme=theme,
    )


def _names(done: Fit) -> tuple[str, str]:
    names = [f"weight of {name}" for name in done.data.names]
    return (*names, "intercept")[0], (*names, "intercept")[1]


def _valley(problem: Objective | InRound, end: Array) -> Valley:
    """Losses around a plain walk: over two weights, or over two directions of a longer one."""
    path = _plain_walk(problem, end)
    directions = np.eye(2)
    if len(end) > 2:
        directions = np.linalg.svd(path - end, full_matrices=True)[2][:2]
    walked = (path - end) @ directions.T
    reach = (1.0 + ROOM) * float(np.abs(walked).max()) or 1.0
    a = np.linspace(-reach, reach, GRID)
    with np.errstate(over="ignore", invalid="ignore"):
        places = end + a[None, :, None] * directions[0] + a[:, None, None] * directions[1]
        losses = np.array([[problem.value(w) for w in row] for row in places])
    middle = end if len(end) == 2 else np.zeros(2)
    return Valley(a + middle[0], a + middle[1], losses, walked + middle)


def _plain_walk(problem: Objective | InRound, end: Array) -> Array:
    """Points of plain gradient descent from zero weights, each step halved until it leads down."""
    steepest = curvature(problem, end).largest
    stops = (GradientNorm(ACCURACY), MaxSteps(MOST_STEPS))
    rate = Armijo(1.0 / steepest if steepest > 0.0 else 1.0)
    walk = run(problem, np.zeros(len(end)), Plain(), rate, stops, keep_weights=True)
    return np.asarray(walk.trace.weights)
