"""Linear estimators on disk as data: ``save`` and ``load``, with nothing in between that could run.

A pickle runs whatever its author wrote into it; this is a ``store.Parcel`` of parameters and fitted
attributes. What a later call could not use is left behind: the rows that were learned from, and
the objects of the run (its trace and reason are kept).
"""

import importlib
import re
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import StoreError
from downslope.stopping import Reason
from downslope.store import NUMBERS, Parcel, read, write
from downslope.trace import COLUMNS, Trace

KIND = "estimator"
HOMES = {
    "DescentRegressor": "downslope.estimators",
    "DescentClassifier": "downslope.estimators",
    "SGDRegressor": "downslope.drop_in",
    "SGDClassifier": "downslope.drop_in",
}
ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]*_")
"""Names of fitted attributes; nothing else in a file is ever set on an object."""


def save(estimator: Any, path: str | Path) -> None:
    """Write a fitted estimator as data, whole or not at all.

    Parameters
    ----------
    estimator : DescentRegressor, DescentClassifier, or scikit-learn's names for them
    path : str or Path

    Raises
    ------
    StoreError
        If it is no estimator of ours, or a parameter is an object that only code can describe.

    Examples
    --------
    >>> import tempfile
    >>> from downslope.estimators import DescentRegressor
    >>> model = DescentRegressor().fit([[1.0], [2.0], [3.0]], [3.0, 5.0, 7.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder, "model"))
    ...     again = load(Path(folder, "model"))
    >>> again.predict([[10.0]]).round(6)
    array([21.])
    """
    name = type(estimator).__name__
    if name not in HOMES or type(estimator) is not _class(name):
        raise StoreError(f"A {name} cannot be saved here; it must be one of {', '.join(HOMES)}.")
    parameters = estimator.get_params(deep=False)
    content = {key: _described(f"{key}={value!r}", value) for key, value in parameters.items()}
    arrays: dict[str, Any] = {}
    attributes = {}
    for key, value in vars(estimator).items():
        if key not in parameters and ATTRIBUTE.fullmatch(key):
            described = _packed(key, value, arrays)
            if described is not None:
                attributes[key] = described
    write(path, Parcel(KIND, {"class": name, "parameters": content, "fitted": attributes}, arrays))


def load(path: str | Path) -> Any:
    """Read an estimator that ``save`` wrote; nothing in the file is ever run.

    Raises
    ------
    StoreError
        If the file is anything else, or damaged.
    """
    parcel = read(path, KIND)
    try:
        name = parcel.content["class"]
        estimator = _class(name)()
        estimator.set_params(**{k: _value(v) for k, v in parcel.content["parameters"].items()})
        for key, described in parcel.content["fitted"].items():
            if not ATTRIBUTE.fullmatch(key):
                raise ValueError(f"an attribute {key!r}")
            setattr(estimator, key, _unpacked(described, parcel.arrays))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise StoreError(
            f"{Path(path).name!r} does not hold what an estimator needs ({error}); save it again."
        ) from None
    return estimator


def _class(name: str) -> type[Any]:
    """The estimator of that name, one of ``HOMES``; files hold the name, never where it lives."""
    found: type[Any] = getattr(importlib.import_module(HOMES[name]), name)
    return found


def _described(what: str, value: Any) -> Any:
    """A parameter as JSON: plain values as they are, the rest as ``[type, content]``."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return ["tuple", [_described(what, part) for part in value]]
    if isinstance(value, dict):
        pairs = [[_described(what, k), _described(what, v)] for k, v in value.items()]
        return ["dict", pairs]
    raise StoreError(
        f"{what} is an object that only code can describe; give a name or a number in its place, "
        "or fit again after loading."
    )


def _value(described: Any) -> Any:
    """The inverse of ``_described``."""
    if not isinstance(described, list):
        return described
    kind, content = described
    if kind == "tuple":
        return tuple(_value(part) for part in content)
    if kind == "dict":
        return {_value(k): _value(v) for k, v in content}
    raise ValueError(f"a parameter of kind {kind!r}")


def _packed(key: str, value: Any, arrays: dict[str, Any]) -> list[Any] | None:
    """A fitted attribute as ``[kind, content]``, its numbers put into ``arrays``; None to leave."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return ["plain", value]
    if isinstance(value, Reason):
        return ["reason", list(astuple(value))]
    if isinstance(value, np.ndarray) and value.dtype.kind in NUMBERS:
        arrays[key] = value
        return ["array", key]
    if isinstance(value, np.ndarray) and all(isinstance(part, str) for part in value.flat):
        return ["words", [value.tolist(), str(value.dtype)]]
    if isinstance(value, Trace):
        # Columns of one kind of run have names that no member of a file may have.
        arrays |= {f"{key}{i}": column for i, column in enumerate(value.columns.values())}
        if value.weights is not None:
            arrays[f"{key}weights"] = value.weights
        return ["trace", [key, list(value.columns), list(value.names)]]
    return None


def _unpacked(described: Any, arrays: dict[str, Any]) -> Any:
    kind, content = described
    match kind:
        case "plain":
            return content
        case "reason":
            name, sentence, converged = content
            return Reason(str(name), str(sentence), bool(converged))
        case "array":
            return arrays[content]
        case "words":
            words, dtype = content
            if not re.fullmatch(r"object|<U\d+", dtype):
                raise ValueError(f"words of type {dtype!r}")
            return np.array(words, dtype=dtype)
        case "trace":
            key, columns, names = content
            columns = {str(name): arrays[f"{key}{i}"] for i, name in enumerate(columns)}
            if not set(COLUMNS) <= set(columns):
                raise ValueError("a trace without its columns")
            return Trace(columns, arrays.get(f"{key}weights"), tuple(map(str, names)))
    raise ValueError(f"an attribute of kind {kind!r}")
