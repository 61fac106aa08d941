"""Downslope: gradient descent you can see, trust and scale.

    from downslope import DescentRegressor, diagnose, minimize, sweep

Names are loaded when they are asked for, so that ``import downslope`` stays cheap.

The reader's path is the data's path. Rows come from ``sources``; ``objective`` (or ``problems``,
``networks``, ``modules``) makes of them a value and a slope; ``descend`` walks, and ``bowl`` where
no learning rate is needed; ``trace`` keeps the footprints; ``diagnosis``, ``sweeping``,
``landscapes``, ``by_hand`` and ``pictures`` read them; ``estimators``, ``fitting``, ``cli``,
``lab`` and ``practice`` are the doors.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

HOMES = {
    "DescentRegressor": "estimators",
    "DescentClassifier": "estimators",
    "NetworkRegressor": "networks.regressor",
    "NetworkClassifier": "networks.classifier",
    "ModuleRegressor": "modules.estimators",
    "ModuleClassifier": "modules.estimators",
    "diagnose": "diagnosis.diagnose",
    "minimize": "minimizing.minimize",
    "minima": "landscapes.minima",
    "parse": "problems.formula",
    "race": "sweeping.race",
    "surface": "problems.surfaces",
    "sweep": "sweeping.sweep",
    "trace_formula": "by_hand.formula",
    "trace_line": "by_hand.line",
    "train": "modules.training",
    "watch": "modules.watch",
}
"""Public names, and the file each lives in."""


def __getattr__(name: str) -> Any:
    if name == "lab":  # a package that can be called
        return import_module("downslope.lab")
    if name not in HOMES:
        raise AttributeError(
            f"downslope has no {name!r}; it has {', '.join(HOMES)} and lab, and its modules."
        )
    return getattr(import_module(f"downslope.{HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *HOMES, "lab"]
