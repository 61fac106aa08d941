"""Downslope: gradient descent you can see, trust and scale.

    from downslope import DescentRegressor, diagnose, minimize, sweep

Names are loaded when they are asked for, so that ``import downslope`` stays cheap.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

HOMES = {
    "DescentRegressor": "estimators",
    "DescentClassifier": "estimators",
    "NetworkRegressor": "network_estimators",
    "NetworkClassifier": "network_estimators",
    "diagnose": "diagnose",
    "minimize": "minimize",
    "sweep": "sweep",
    "train": "modules",
    "watch": "watch",
}
"""Public names, and the file each lives in."""


class _Package(ModuleType):
    """The package; a function keeps its name when the file of the same name is loaded."""

    def __getattr__(self, name: str) -> Any:
        if name == "lab":  # a package that can be called
            return import_module("downslope.lab")
        if name not in HOMES:
            raise AttributeError(
                f"downslope has no {name!r}; it has {', '.join(HOMES)} and lab, and its modules."
            )
        return getattr(import_module(f"downslope.{HOMES[name]}"), name)

    def __setattr__(self, name: str, value: Any) -> None:
        # Loading downslope.sweep binds the file to that name; `from downslope.sweep import ...`
        # does not need it, and the function should stay.
        if not (name in HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *HOMES, "lab"]


sys.modules[__name__].__class__ = _Package
