"""A saved model on new rows: columns of predictions, and scores where the truth is known."""

import csv
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from downslope.errors import InputError
from downslope.fitting.model import Model, Predictions
from downslope.fitting.scores import accuracy, log_loss, r2, typical_error
from downslope.tables import Table, safe_cell, understand

Array = Any


class Predicted(NamedTuple):
    """Columns of predictions by name, in the order of the rows, and what had to be said."""

    columns: dict[str, Sequence[Any]]
    raw: Predictions
    notes: tuple[str, ...]


def predicted(model: Model, table: Table) -> Predicted:
    """Predict every row: the target, and for a classifier the probability of each class."""
    raw = model.predict(table)
    name = f"{model.target} predicted"
    if model.task == "regression":
        return Predicted({name: raw.values.tolist()}, raw, raw.notes)
    columns: dict[str, Sequence[Any]] = {name: [model.classes[int(k)] for k in raw.values]}
    if raw.probabilities is not None:
        for k, each in enumerate(model.classes):
            columns[f"probability of {each}"] = raw.probabilities[:, k].tolist()
    return Predicted(columns, raw, raw.notes)


def judged(model: Model, table: Table, found: Predicted) -> dict[str, float]:
    """Scores, where the table has the target in every row, as it was in training."""
    if model.target not in table.columns:
        return {}
    task = "regression" if model.task == "regression" else "classification"
    one = [code.name for code in model.encoder.codes[:1]] or None
    try:
        view = understand(table, model.target, features=one, task=task)
    except InputError:
        return {}
    truth = view.target
    if len(truth.y) != table.n_rows:
        return {}
    if model.task == "regression":
        values = found.raw.values
        return {"R²": r2(truth.y, values), "typical error": typical_error(truth.y, values)}
    if not set(truth.classes) <= set(model.classes):
        return {}
    codes = np.array([model.classes.index(name) for name in truth.classes])[truth.y]
    scores = {"accuracy": accuracy(codes, found.raw.values)}
    if found.raw.probabilities is not None:
        scores["log loss"] = log_loss(codes, found.raw.probabilities)
    return scores


def to_csv(columns: dict[str, Sequence[Any]]) -> str:
    """Columns as CSV; text that a spreadsheet would run as a formula is defused.

    Examples
    --------
    >>> print(to_csv({"y predicted": [1.5, 2.0]}), end="")
    y predicted
    1.5
    2.0
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([safe_cell(name) for name in columns])
    writer.writerows(
        [safe_cell(cell) for cell in row] for row in zip(*columns.values(), strict=True)
    )
    return text.getvalue()
