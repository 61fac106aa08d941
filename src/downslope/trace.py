"""The footprints of a run: one record per step, and the table of them.

A trace is a table of columns with the same names everywhere: in Python, CSV, Parquet and JSON.

============== ==========================================================================
column         meaning
============== ==========================================================================
step           updates made before this row was measured; row 0 is the start
epoch          whole passes over the rows finished before it
value          objective there: mean loss plus penalty (of the batch, if there is one)
loss           the same without the penalty
gradient_norm  Euclidean length of the gradient
rate           learning rate of the step that leaves this row
seconds        since the start of the run
validation     mean loss on the validation rows, where it was measured
============== ==========================================================================

Weights are kept beside the columns, one row per step, where they are few or asked for.
"""

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from downslope.errors import InputError
from downslope.files import write_atomically

Array = Any
COLUMNS = (
    "step",
    "epoch",
    "value",
    "loss",
    "gradient_norm",
    "rate",
    "seconds",
    "validation",
)


class Record(NamedTuple):
    """One row of a trace."""

    step: int
    epoch: int
    value: float
    loss: float
    gradient_norm: float
    rate: float
    seconds: float
    validation: float = math.nan


@dataclass(frozen=True)
class Trace:
    """Columns of a run; see the table in the module's docstring.

    Parameters
    ----------
    columns : dict of str to array, shape (n_records,)
        Keyed by the names in ``COLUMNS``; some kinds of run add more (networks: one per layer).
    weights : array of shape (n_records, n_weights) or None
        Weights at each record, where they were kept.
    names : tuple of str
        Name of each weight, for tables and pictures.

    Examples
    --------
    >>> recorder = Recorder(names=("w",))
    >>> recorder.add(Record(0, 0, 9.0, 9.0, 6.0, 0.1, 0.0), np.array([0.0]))
    >>> recorder.add(Record(1, 1, 5.76, 5.76, 4.8, 0.1, 0.0), np.array([0.6]))
    >>> trace = recorder.trace()
    >>> trace["value"]
    array([9.  , 5.76])
    """

    columns: dict[str, Array]
    weights: Array | None = None
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.columns["step"])

    def __getitem__(self, column: str) -> Array:
        return self.columns[column]

    def rows(self) -> Iterator[dict[str, float]]:
        """Rows as dictionaries, weights under their names."""
        names = self.weight_names()
        for i in range(len(self)):
            row = {name: column[i].item() for name, column in self.columns.items()}
            if self.weights is not None:
                row |= dict(zip(names, self.weights[i].tolist(), strict=True))
            yield row

    def weight_names(self) -> tuple[str, ...]:
        """Column names of the weights: ``w[name]``, or ``w[0], w[1], ...`` without names."""
        if self.weights is None:
            return ()
        names = self.names or tuple(str(j) for j in range(self.weights.shape[1]))
        return tuple(f"w[{name}]" for name in names)

    def save(self, path: str | Path) -> None:
        """Write as ``.csv``, ``.json`` or ``.parquet``, by the ending of ``path``; whole or not.

        Raises
        ------
        InputError
            If the ending is none of these.
        """
        path = Path(path)
        writers = {".csv": _write_csv, ".json": _write_json, ".parquet": _write_parquet}
        if path.suffix not in writers:
            raise InputError(
                f"A trace cannot be written to {path.name!r}: use .csv, .json or .parquet."
            )
        writers[path.suffix](self, path)


def joined(first: Trace, second: Trace) -> Trace:
    """Two traces of one run, one after the other; weights where both have them."""
    columns = {name: np.concatenate((first[name], second[name])) for name in first.columns}
    weights = None
    if first.weights is not None and second.weights is not None:
        weights = np.concatenate((first.weights, second.weights))
    return Trace(columns, weights, second.names)


def load_trace(path: str | Path) -> Trace:
    """Read a trace that ``Trace.save`` wrote.

    Parameters
    ----------
    path : str or Path
        Ends in .csv, .json or .parquet.

    Returns
    -------
    Trace

    Raises
    ------
    InputError
        If the file is not a trace.

    Examples
    --------
    >>> import tempfile
    >>> from downslope.by_hand.formula import trace_formula
    >>> walk = trace_formula("(w - 3)^2", {"w": 0.0}, learning_rate=0.1, steps=2).trace
    >>> path = Path(tempfile.mkdtemp()) / "walk.csv"
    >>> walk.save(path)
    >>> load_trace(path)["value"].tolist() == walk["value"].tolist()
    True
    """
    path = Path(path)
    readers = {".csv": _read_csv, ".json": _read_json, ".parquet": _read_parquet}
    if path.suffix not in readers:
        raise InputError(f"{path.name!r} is not a trace: expected .csv, .json or .parquet.")
    try:
        table = readers[path.suffix](path)
        columns = {name: np.asarray(table.pop(name), dtype=float) for name in COLUMNS}
        others = {name: np.asarray(column, dtype=float) for name, column in table.items()}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path.name!r} is not a trace: it needs the columns {', '.join(COLUMNS)} ({error})."
        ) from None
    for name in ("step", "epoch"):
        columns[name] = columns[name].astype(np.int64)
    kept = {name: column for name, column in others.items() if name.startswith("w[")}
    columns |= {name: column for name, column in others.items() if name not in kept}
    names = tuple(name.removeprefix("w[").removesuffix("]") for name in kept)
    return Trace(columns, np.column_stack(list(kept.values())) if kept else None, names)


def _table(trace: Trace) -> dict[str, Array]:
    weights = trace.weights if trace.weights is not None else np.empty((len(trace), 0))
    return trace.columns | dict(zip(trace.weight_names(), weights.T, strict=True))


def _write_csv(trace: Trace, path: Path) -> None:
    table = _table(trace)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table)
    writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))
    write_atomically(path, text.getvalue().encode())


def _read_csv(path: Path) -> dict[str, Any]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True)) if len(rows) > 1 else {}


def _write_json(trace: Trace, path: Path) -> None:
    # JSON has no inf and NaN: they travel as strings, which float() reads back.
    def plain(x: float) -> float | str:
        return x if math.isfinite(x) else str(x)

    table = {name: [plain(x) for x in column.tolist()] for name, column in _table(trace).items()}
    write_atomically(path, json.dumps(table, indent=1).encode())


def _read_json(path: Path) -> dict[str, Any]:
    table = json.loads(path.read_text(encoding="utf-8"))
    return {name: [float(x) for x in column] for name, column in table.items()}


def _write_parquet(trace: Trace, path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    content = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(_table(trace)), content)
    write_atomically(path, content.getvalue())


def _read_parquet(path: Path) -> dict[str, Any]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


@dataclass
class Recorder:
    """Collects records while a run goes on; the one mutable thing in it.

    Parameters
    ----------
    names : tuple of str
        Name of each weight.
    keep_weights : bool
        Keep the weights of every record.
    """

    names: tuple[str, ...] = ()
    keep_weights: bool = True
    records: list[Record] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)

    def add(self, record: Record, w: Array) -> None:
        """Add one record and, where wanted, a copy of its weights."""
        self.records.append(record)
        if self.keep_weights:
            # Tensors, wherever they live, answer tolist; NumPy would need their memory.
            self.weights.append(np.array(w if isinstance(w, np.ndarray) else w.tolist(), float))

    def trace(self) -> Trace:
        """Everything added so far, as columns."""
        rows = list(zip(*self.records, strict=True)) or [()] * len(COLUMNS)
        columns = {name: np.asarray(row) for name, row in zip(COLUMNS, rows, strict=True)}
        return Trace(columns, np.stack(self.weights) if self.weights else None, self.names)
