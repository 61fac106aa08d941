"""Golden traces: walks by the Python engine that the lab's engine must repeat.

``python tests/lab_golden.py`` writes ``lab/test/golden.json``. ``tests/test_lab_golden.py`` checks
that the file is what the engine does today, and the lab's own tests check that the page's engine
does the same to 1e-12 relative. Row orders are written out, since the page draws its own.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from downslope.curvature import stable_limit
from downslope.descend import Step, begin, steps
from downslope.losses import make_loss
from downslope.objective import Objective
from downslope.problems.formula import parse
from downslope.rates import Constant, Cosine, Exponential, InverseScaling, Rate, Stairs
from downslope.rules import RULES, make_rule
from downslope.sources.memory import MemoryRows

GOLDEN = Path(__file__).parents[1] / "lab" / "test" / "golden.json"
UPDATES = 20

X = np.array([[0.5], [1.0], [1.5], [2.25], [3.0], [-1.0], [0.25]])
WIDE = np.column_stack([X[:, 0], np.cos(3 * X[:, 0]), X[:, 0] ** 2 / 4])
Y = np.array([1.25, 1.75, 3.5, 4.0, 6.5, -1.5, 0.75])
SIGNS = np.array([-1.0, 1.0, 1.0, -1.0, 1.0, -1.0, -1.0])

FORMULAS = {
    "bowl": ("(w - 3)^2", [0.0], 0.1),
    "valley": ("0.5*x^2 + 10*y^2", [-8.0, 2.5], 0.085),
    "bumpy": ("0.1*(x^2 + y^2) + 1 - cos(2*x)*cos(2*y)", [-3.6, 2.7], 0.1),
    "rosenbrock": ("(1 - x)^2 + 100*(y - x^2)^2", [-1.2, 1.0], 0.001),
    "himmelblau": ("(x^2 + y - 11)^2 + (x + y^2 - 7)^2", [0.0, 0.0], 0.01),
    "plateau": ("1 - exp(-0.3*(x^2 + y^2))", [-2.0, 1.5], 0.5),
    "wave": ("w*sin(w) / (1 + w^2) + sqrt(w^2 + 1)/10 - tanh(w)", [2.5], 0.2),
}
SCHEDULES: dict[str, Rate] = {
    "invscaling": InverseScaling(0.1, 0.25),
    "step": Stairs(0.1, 25, 0.5),
    "exponential": Exponential(0.1, 0.98),
    "cosine": Cosine(0.1, 100),
}


def numbers(values: Any) -> list[float]:
    return [float(x) for x in np.atleast_1d(values)]


def walk(
    problem: Any, start: list[float], rule: Any, rate: Rate, batch_size: int | None = None
) -> list[Step]:
    """The steps themselves."""
    state = begin(start, rule, rate)
    return list(
        islice(steps(problem, state, rule, rate, batch_size=batch_size, seed=5), UPDATES + 1)
    )


def trace(taken: list[Step]) -> list[dict[str, Any]]:
    """What the page must reproduce of each step."""
    return [
        {
            "w": numbers(step.w),
            "value": float(step.value),
            "gradient": numbers(step.gradient),
            "direction": numbers(step.direction),
            "rate": float(step.length),
        }
        for step in taken
    ]


def rows_case(
    loss: str, rule: str, eta: float, *, wide: bool = False, batch: int | None = None, **extra: Any
) -> dict[str, Any]:
    """A walk over rows; the Huber loss of the page has epsilon 1."""
    y = SIGNS if loss in ("log_loss", "hinge") else Y
    features = WIDE if wide else X
    objective = Objective(MemoryRows(features, y), make_loss(loss, 1.0))
    case = {
        "kind": "rows",
        "columns": [numbers(column) for column in features.T],
        "y": numbers(y),
        "loss": loss,
        "rule": rule,
        "eta": eta,
        "start": numbers(objective.start() + 0.1),
    }
    if batch is not None:
        case["batches"] = row_orders(len(y), batch)
    rate = extra.get("rate", Constant(eta))
    if "schedule" in extra:
        case["schedule"] = extra["schedule"]
    case["steps"] = trace(walk(objective, case["start"], make_rule(rule), rate, batch))
    return case


def row_orders(n: int, size: int) -> list[list[int]]:
    """The batches that ``MemoryRows`` hands out with seed 5, as row numbers."""
    marked = MemoryRows(np.arange(float(n))[:, None], np.zeros(n))
    found: list[list[int]] = []
    epoch = 0
    while len(found) <= UPDATES:
        found += [[int(i) for i in rows.X[:, 0]] for rows in marked.batches(size, 5, epoch)]
        epoch += 1
    return found


def formula_case(name: str, rule: str) -> dict[str, Any]:
    """A walk over a formula, and the stable limit where it ends."""
    text, start, eta = FORMULAS[name]
    problem, made = parse(text), make_rule(rule)
    taken = walk(problem, start, made, Constant(eta))
    state = taken[-1].state
    return {
        "kind": "formula",
        "text": text,
        "rule": rule,
        "eta": eta,
        "start": start,
        "limit": stable_limit(problem, made, state.w, taken[-1].rule_memory, state.k + 1),
        "steps": trace(taken),
    }


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every rule on a formula and on rows; every loss, schedule and formula; mini-batches."""
    for rule in RULES:
        yield f"valley {rule}", formula_case("valley", rule)
        yield f"line {rule}", rows_case("mse", rule, 0.05, wide=True)
    for name in FORMULAS:
        yield f"{name} plain", formula_case(name, "plain")
    for loss in ("squared_error", "huber", "log_loss", "hinge"):
        yield f"{loss} plain", rows_case(loss, "plain", 0.2)
        yield f"{loss} adam", rows_case(loss, "adam", 0.2)
    for schedule, rate in SCHEDULES.items():
        yield (
            f"rate {schedule}",
            rows_case("mse", "momentum", 0.1, rate=rate, schedule=schedule),
        )
    for batch in (1, 3):
        yield f"batch {batch}", rows_case("mse", "nesterov", 0.01, batch=batch)


def golden() -> dict[str, Any]:
    return dict(cases())


if __name__ == "__main__":
    lines = (f"{json.dumps(name)}: {json.dumps(case)}" for name, case in golden().items())
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{GOLDEN}: {GOLDEN.stat().st_size / 1000:.0f} kB")
