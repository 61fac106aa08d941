"""Many learning rates on one table: what ``downslope sweep`` runs, and its figure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from downslope.errors import SettingError
from downslope.fitting.asked import Ask
from downslope.fitting.fit import prepare, rows_for
from downslope.objective import Objective
from downslope.pictures.rates import RateCurve, rate_curves
from downslope.pictures.style import LIGHT, Figure, Theme
from downslope.rules import Rule
from downslope.settings import choose_batch_size, choose_rule
from downslope.sources.memory import MemoryRows
from downslope.sweeping.sweep import Sweep, sweep
from downslope.tables import Table
from downslope.training import choose_scaling, objective

Array = Any
WORDS = {"too small": "crawling", "good": "just right"}
"""Regimes as the lesson names them."""


def problem_of(table: Table, ask: Ask, standardize_target: bool = False) -> Objective:
    """What a fit would minimise, on all rows.

    Parameters
    ----------
    standardize_target : bool, default False
        Also centre the target and divide it by its population deviation, so that losses have no
        unit and the loss of predicting nothing is 1.
    """
    data = prepare(table, replace(ask, test_size=0.0))
    rows = rows_for(data)
    if standardize_target:
        rows = MemoryRows(rows.X, standardized(rows.y, data.task), rows.weights)
    batch_size = choose_batch_size(ask.batch_size, 1.0, rows.n_rows)
    scaling = choose_scaling(rows, data.settings, batch_size)
    return objective(scaling.rows(rows), data.settings)


def standardized(y: Array, task: str) -> Array:
    """A target with mean 0 and population deviation 1."""
    if task != "regression":
        raise SettingError("Only a target of numbers can be standardised; this one has classes.")
    if not y.std() > 0.0:
        raise SettingError(f"The target is {y[0]:g} in every row and cannot be standardised.")
    return (y - y.mean()) / y.std()


def rate_range(
    problem: Objective, ask: Ask, rates: Sequence[float] | None = None, n_steps: int = 100
) -> Sweep:
    """Try many learning rates on a problem, as ``ask`` says; see ``downslope.sweeping.sweep``.

    Examples
    --------
    >>> from downslope.tables import read_table
    >>> table = read_table({"x": [1.0, 2.0, 3.0, 4.0], "y": [2.0, 4.0, 6.0, 9.0]})
    >>> found = rate_range(problem_of(table, Ask("y")), Ask("y"), [0.001, 0.1, 0.9, 1.01])
    >>> regimes(found), round(found.limit.rate, 9)
    (['crawling', 'just right', 'oscillating', 'diverging'], 1.0)
    """
    rule: Rule = choose_rule(ask.rule)
    batch_size = choose_batch_size(ask.batch_size, 1.0, problem.source.n_rows)
    return sweep(
        problem, rates, rule=rule, n_steps=n_steps, batch_size=batch_size, seeds=(ask.seed,)
    )


def regimes(found: Sweep) -> list[str]:
    """What became of each rate, in the lesson's words."""
    return [WORDS.get(name, name) for name in found.regimes]


def ends(found: Sweep) -> Array:
    """Objective after the last step, for each rate."""
    return np.median(found.ends, axis=0)


def figure_of(found: Sweep, value_name: str, theme: Theme = LIGHT) -> Figure:
    """The losses of the rates on one axis, their regimes, and the stable limit."""
    curves = [
        RateCurve(float(rate), regime, values)
        for rate, regime, values in zip(found.rates, regimes(found), found.values.T, strict=True)
    ]
    return rate_curves(curves, limit=found.limit.rate, value_name=value_name, theme=theme)
