"""A trained linear model as plain data: what it needs to predict, and how it came to be.

Made by ``downslope fit``, kept by ``save``, used by column name, never by position.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from downslope.errors import StoreError
from downslope.losses import LOSSES, make_loss, predict_mean
from downslope.store import Parcel, read, write
from downslope.tables import Encoder, Table
from downslope.targets import PROBABILISTIC, probabilities
from downslope.trace import COLUMNS, Trace

Array = Any
KIND = "model"


class Predictions(NamedTuple):
    """Predictions of some rows.

    Attributes
    ----------
    values : array of shape (n_rows,)
        Numbers, or class numbers into the model's ``classes``.
    probabilities : array of shape (n_rows, n_classes) or None
    notes : tuple of str
        Cells unlike any in training, and the like.
    """

    values: Array
    probabilities: Array | None
    notes: tuple[str, ...]


class Told(NamedTuple):
    """A finding in words: symptom, the number that shows it, what to try."""

    title: str
    evidence: str
    remedy: str


@dataclass(frozen=True)
class Model:
    """A trained linear model.

    Attributes
    ----------
    task : {"regression", "binary", "multiclass"}
    target : str
    classes : tuple of str
        Class names; empty for regression.
    loss : str
    parameter : float
        Epsilon or quantile of the loss.
    encoder : Encoder
        Turns a table's columns into features.
    names : tuple of str
        Features, in the order of the coefficients.
    coefficients : array of shape (n_outputs, n_features)
        In the units of the table.
    intercepts : array of shape (n_outputs,)
    asked : dict of str to str
        Settings, for people.
    ended : tuple of (str, str, bool)
        Name and sentence of the reason why training ended, and whether it converged.
    scores : dict of str to str
    findings : tuple of Told
    notes : tuple of str
    trace : Trace
    """

    task: str
    target: str
    classes: tuple[str, ...]
    loss: str
    parameter: float
    encoder: Encoder
    names: tuple[str, ...]
    coefficients: Array
    intercepts: Array
    asked: dict[str, str] = field(default_factory=dict)
    ended: tuple[str, str, bool] = ("", "", False)
    scores: dict[str, str] = field(default_factory=dict)
    findings: tuple[Told, ...] = ()
    notes: tuple[str, ...] = ()
    trace: Trace | None = None

    def predict(self, table: Table) -> Predictions:
        """Predict every row of a table that has the model's columns, in whatever order.

        Raises
        ------
        TableError
            If a column is missing, or holds what it did not hold in training.
        """
        features = self.encoder.encode(table)
        with np.errstate(over="ignore", invalid="ignore"):
            z = np.asarray(features.X @ self.coefficients.T + self.intercepts)
            answers = outputs(self.loss, self.parameter, self.task, z)
        return Predictions(*answers, (*features.notes, *_beyond(z)))

    def save(self, path: str | Path) -> None:
        """Write the model as data, whole or not at all."""
        content = {
            "task": self.task,
            "target": self.target,
            "classes": self.classes,
            "loss": self.loss,
            "encoder": self.encoder.to_json(),
            "names": self.names,
            "asked": self.asked,
            "ended": self.ended,
            "scores": self.scores,
            "findings": self.findings,
            "notes": self.notes,
            "weight_names": () if self.trace is None else self.trace.names,
        }
        arrays = {
            "coefficients": self.coefficients,
            "intercepts": self.intercepts,
            "parameter": np.array(self.parameter),
        }
        if self.trace is not None:
            arrays |= {f"trace_{name}": self.trace[name] for name in COLUMNS}
            if self.trace.weights is not None:
                arrays["trace_weights"] = self.trace.weights
        write(path, Parcel(KIND, content, arrays))


def _beyond(z: Array) -> tuple[str, ...]:
    """A note on rows whose raw prediction is no finite number."""
    rows = np.flatnonzero(~np.isfinite(z).reshape(len(z), z.size // max(len(z), 1)).all(axis=1))
    if not len(rows):
        return ()
    return (
        f"{len(rows):,} of {len(z):,} predictions not finite, the first in row {rows[0] + 1:,}: a "
        "number there is too large for this model.",
    )


def load(path: str | Path) -> Model:
    """Read a model that ``Model.save`` wrote; nothing in the file is ever run.

    Raises
    ------
    StoreError
        If the file is anything else, or damaged.
    """
    parcel = read(path, KIND)
    try:
        return _model(parcel.content, parcel.arrays)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StoreError(
            f"{Path(path).name!r} does not hold what a model needs ({error}); save it again."
        ) from None


def outputs(loss: str, parameter: float, task: str, z: Array) -> tuple[Array, Array | None]:
    """Raw predictions of shape (n, outputs) as values, and as probabilities where the loss has any.

    Examples
    --------
    >>> outputs("log_loss", 0.0, "binary", np.array([[0.0], [2.0]]))[0]
    array([0, 1])
    """
    if task == "regression":
        return np.asarray(predict_mean(make_loss(loss, parameter), z[:, 0])), None
    values = (z[:, 0] > 0).astype(np.int64) if z.shape[1] == 1 else z.argmax(axis=1)
    return values, probabilities(loss, z) if loss in PROBABILISTIC else None


def _model(content: dict[str, Any], arrays: dict[str, Array]) -> Model:
    """The model in a parcel, everything checked against everything else."""
    names, classes = _words(content["names"]), _words(content["classes"])
    coefficients, intercepts = arrays["coefficients"], arrays["intercepts"]
    outputs = len(classes) if len(classes) > 2 else 1
    if coefficients.shape != (outputs, len(names)) or intercepts.shape != (outputs,):
        raise ValueError(f"coefficients of shape {coefficients.shape} for {len(names)} features")
    if not (np.isfinite(coefficients).all() and np.isfinite(intercepts).all()):
        raise ValueError("coefficients that are not finite")
    encoder = Encoder.from_json(content["encoder"])
    if encoder.names != names:
        raise ValueError(f"columns that make {len(encoder.names)} features for {len(names)} names")
    if content["loss"] not in LOSSES:
        raise ValueError(f"loss {content['loss']!r}")
    if content["task"] not in ("regression", "binary", "multiclass"):
        raise ValueError(f"task {content['task']!r}")
    name, sentence, converged = content["ended"]
    return Model(
        task=content["task"],
        target=str(content["target"]),
        classes=classes,
        loss=content["loss"],
        parameter=float(arrays["parameter"]),
        encoder=encoder,
        names=names,
        coefficients=coefficients,
        intercepts=intercepts,
        asked={str(key): str(value) for key, value in content["asked"].items()},
        ended=(str(name), str(sentence), bool(converged)),
        scores={str(key): str(value) for key, value in content["scores"].items()},
        findings=tuple(Told(*_words(each)) for each in content["findings"]),
        notes=_words(content["notes"]),
        trace=_trace(arrays, _words(content["weight_names"])),
    )


def _words(values: Sequence[Any]) -> tuple[str, ...]:
    if not isinstance(values, list) or any(not isinstance(value, str) for value in values):
        raise TypeError("text in place of a list of names")
    return tuple(values)


def _trace(arrays: dict[str, Array], names: tuple[str, ...]) -> Trace | None:
    if "trace_step" not in arrays:
        return None
    columns = {name: arrays[f"trace_{name}"] for name in COLUMNS}
    weights = arrays.get("trace_weights")
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or (weights is not None and len(weights) not in lengths):
        raise ValueError("a trace with columns of different lengths")
    return Trace(columns, weights, names)
