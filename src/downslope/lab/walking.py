"""A walk over all rows of a sheet, as a page asks for it, by the one engine of downslope."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.descend import begin, steps
from downslope.errors import InputError, SettingError
from downslope.lab.sheets import Sheet
from downslope.losses import make_loss
from downslope.objective import Objective
from downslope.rates import Constant, Cosine, Exponential, InverseScaling, Rate, Stairs
from downslope.rules import RULES, Rule, make_rule
from downslope.scaling import Scaling, standardize, unscaled
from downslope.sources.memory import MemoryRows

LOSSES = ("mse", "squared_error", "huber", "log_loss", "hinge")
BINARY = ("log_loss", "hinge")
HUBER_WIDTH = 1.0
MOST_UPDATES = 2_000
MOST_FEATURES = 40


@dataclass(frozen=True)
class Wish:
    """What a page asks for, checked."""

    table: str
    target: str
    features: tuple[str, ...]
    loss: str
    standardise: bool
    rule: Rule
    rate: Rate
    updates: int


def wish(asked: dict[str, Any]) -> Wish:
    """A page's request, checked field by field.

    Raises
    ------
    InputError, SettingError
        With one sentence: which field, what it was, what it may be.

    Examples
    --------
    >>> wish({"table": "t", "target": "y", "features": ["x"], "loss": "mse", "rule": "plain",
    ...       "rate": 0.1, "updates": 10}).rate
    Constant(rate=0.1)
    """
    features = asked.get("features")
    if not isinstance(features, list) or not 1 <= len(features) <= MOST_FEATURES:
        raise InputError(f"features must be a list of 1 to {MOST_FEATURES} column names.")
    loss, rule = _text(asked, "loss"), _text(asked, "rule")
    if loss not in LOSSES:
        raise SettingError(f"loss={loss!r} is unknown; choose one of {', '.join(LOSSES)}.")
    if rule not in RULES:
        raise SettingError(f"rule={rule!r} is unknown; choose one of {', '.join(RULES)}.")
    updates = asked.get("updates")
    if not isinstance(updates, int) or not 1 <= updates <= MOST_UPDATES:
        raise SettingError(f"updates={updates!r} must be a whole number up to {MOST_UPDATES}.")
    momentum = {"beta": _number(asked, "beta")} if "beta" in asked and _has_beta(rule) else {}
    return Wish(
        _text(asked, "table"),
        _text(asked, "target"),
        tuple(str(name) for name in features),
        loss,
        asked.get("standardise") is not False,
        make_rule(rule, **momentum),
        _rate(_number(asked, "rate"), str(asked.get("schedule", "constant"))),
        updates,
    )


def _has_beta(rule: str) -> bool:
    return "beta" in RULES[rule].__dataclass_fields__


def _text(asked: dict[str, Any], field: str) -> str:
    value = asked.get(field)
    if not isinstance(value, str):
        raise InputError(f"{field} must be text, not {type(value).__name__}.")
    return value


def _number(asked: dict[str, Any], field: str) -> float:
    value = asked.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{field}={value!r} must be a finite number.")
    return float(value)


def _rate(rate: float, schedule: str) -> Rate:
    """The page's schedules, with the page's constants."""
    made: dict[str, Rate] = {
        "constant": Constant(rate),
        "invscaling": InverseScaling(rate),
        "step": Stairs(rate, 25, 0.5),
        "exponential": Exponential(rate, 0.98),
        "cosine": Cosine(rate, 100),
    }
    if schedule not in made:
        raise SettingError(f"schedule={schedule!r} is unknown; choose one of {', '.join(made)}.")
    return made[schedule]


def problem(sheet: Sheet, asked: Wish) -> tuple[Objective, Scaling]:
    """The objective over all complete rows, and the scaling of its columns.

    Raises
    ------
    TableError
        If a column is missing or not what the loss needs.
    InputError
        If fewer than two rows are complete.
    """
    X = np.column_stack([sheet.numbers(name) for name in asked.features])
    target = asked.target
    y = sheet.signs(target) if asked.loss in BINARY else sheet.numbers(target)
    complete = np.isfinite(X).all(axis=1) & np.isfinite(y)
    if complete.sum() < 2:
        raise InputError(f"{sheet.name}: fewer than two rows have all the chosen cells filled in.")
    rows = MemoryRows(X[complete], y[complete])
    scaling = standardize(rows) if asked.standardise else unscaled(X.shape[1])
    return Objective(scaling.rows(rows), make_loss(asked.loss, HUBER_WIDTH)), scaling


def walk(sheet: Sheet, asked: Wish) -> Iterator[dict[str, Any]]:
    """The walk as records to send: one for each step, and last why it ended."""
    objective, scaling = problem(sheet, asked)
    state = begin(objective.start(), asked.rule, asked.rate)
    reason, w = "", objective.start()
    for step in steps(objective, state, asked.rule, asked.rate):
        if not (math.isfinite(step.value) and np.isfinite(step.w).all()):
            reason = f"It diverged: after update {step.state.k} the numbers are not finite."
            break
        w = step.w
        yield {
            "step": step.state.k,
            "value": step.value,
            "gradient_norm": math.sqrt(float(step.gradient @ step.gradient)),
            "rate": step.length,
            "w": w.tolist(),
        }
        if step.state.k >= asked.updates:
            reason = f"the loss is {step.value:.6g}."
            break
    yield {
        "reason": reason,
        "rows": objective.source.n_rows,
        "names": [*asked.features, "b"],
        "weights": scaling.to_user(w).tolist(),
    }


def some(records: Iterator[dict[str, Any]], seconds: float = 0.05) -> list[dict[str, Any]]:
    """The records of the next moment, so that a long walk can be sent, and stopped, in pieces."""
    began, found = time.monotonic(), []
    # A diverging walk overflows on its way out; its last record says so.
    with np.errstate(over="ignore", invalid="ignore"):
        for record in records:
            found.append(record)
            if time.monotonic() - began > seconds:
                break
    return found
