"""A file, a stream, a data frame or an array -> a ``Table`` of columns as they were written."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from downslope.errors import SettingError, TableError
from downslope.tables.cells import Habits
from downslope.tables.delimited import Layout, one_sign, parse_delimited, unique_names
from downslope.tables.libsvm import looks_like_libsvm, parse_libsvm
from downslope.tables.unpacking import kind_of, to_utf8, unpack
from downslope.tables.words import Where, take


@dataclass(frozen=True)
class Table:
    """Columns by name, every cell as it was written, and what was noticed while reading.

    Attributes
    ----------
    name : str
        What error messages call the table.
    columns : mapping of str to column
        Arrow arrays as they were read, or the values that ``cells.read`` made of them.
    lines : array of int, shape (n_rows,)
        Line of the file on which each row starts; where there are no lines, the row from 0.
    counted : {"line", "row"}
        Which of the two.
    habits : Habits
        How numbers, dates and missing cells are written, as far as is known.
    sparse : scipy.sparse.csr_array or None
        Features of a libsvm file, column by index; its labels are the column "label".
    notes : tuple of str
        What was skipped, renamed or guessed.
    """

    name: str
    columns: Mapping[str, Any]
    lines: NDArray[np.int64]
    counted: str = "line"
    habits: Habits = field(default_factory=Habits)
    sparse: csr_array | None = None
    notes: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return len(self.lines)

    def where(self, column: str) -> Where:
        """Names the cells of a column in error messages."""
        return Where(self.name, column, self.lines, self.counted)

    def take(self, rows: NDArray[np.int64]) -> "Table":
        """The same table with these rows, in this order."""
        return replace(
            self,
            columns={name: take(column, rows) for name, column in self.columns.items()},
            lines=self.lines[rows],
            sparse=None if self.sparse is None else self.sparse[rows],
        )


def read_table(
    source: Any,
    *,
    header: bool | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
    missing: Sequence[str] = (),
    skip_lines: int = 0,
    skip_last: int | None = None,
    comment: str | None = None,
    skip_bad_rows: bool = False,
) -> Table:
    """Read a table from a file, standard input, a data frame or an array.

    Files may be delimited text (CSV, TSV, ...), libsvm, Parquet, Arrow or Feather, each also packed
    by gzip, bzip2, xz, zstd, or alone in a zip. The bytes say which, not the name. Cells of text
    stay as they were written; ``understand`` and ``Encoder.encode`` give them a meaning.

    Parameters
    ----------
    source : path, "-", DataFrame, Table, mapping, array or scipy.sparse matrix
        "-" is standard input. Any object with ``__arrow_c_stream__`` (Polars, DuckDB, ...) is a
        data frame.
    header : bool, optional
        Whether the first row names the columns. By default it does, unless it looks like data:
        then the question is asked.
    separator : str, optional
        One sign, or "tab"; found by default.
    encoding : str, optional
        By default a byte-order mark decides, then UTF-8, then cp1252 with a note.
    decimal : {".", ","}, optional
        How to read numbers such as ``1,037`` that read both ways.
    day_first : bool, optional
        How to read dates such as ``05/04/2024`` that read both ways.
    missing : sequence of str
        What else stands for a missing cell, besides blanks, NA, NaN, null, None and "?".
    skip_lines, skip_last : int
        Lines before the header and rows at the end to leave out. ``skip_last=0`` says that a last
        row that looks like totals is a row.
    comment : str, optional
        Lines that start with this sign are left out.
    skip_bad_rows : bool, default False
        Leave out, and count, lines with another number of fields, rather than refuse the file.

    Returns
    -------
    Table

    Raises
    ------
    TableError
        If the source cannot be read without guessing; the sentence names file, line, column, value
        and the option that settles it.

    Examples
    --------
    >>> read_table({"x": [1, 2], "y": [3.0, None]}).n_rows
    2
    """
    if decimal not in (None, ".", ","):
        raise SettingError(f"decimal={decimal!r} is not a decimal mark; give '.' or ','.")
    for option, count in (("skip_lines", skip_lines), ("skip_last", skip_last or 0)):
        if count < 0:
            raise SettingError(f"{option}={count} is negative; give 0 or more.")
    habits = Habits(decimal, day_first, tuple(missing))
    layout = Layout(
        header,
        one_sign("separator", separator),
        skip_lines,
        skip_last,
        one_sign("comment", comment),
        skip_bad_rows,
    )
    if isinstance(source, Table):
        return source
    if not isinstance(source, str | Path):
        return replace(_from_memory(source), habits=habits)
    name, data = _contents(source)
    return _from_bytes(name, unpack(name, data), encoding, layout, habits)


def _contents(source: str | Path) -> tuple[str, bytes]:
    if str(source) == "-":
        return "standard input", sys.stdin.buffer.read()
    path = Path(source)
    try:
        return path.name, path.read_bytes()
    except FileNotFoundError:
        raise TableError(f"{source}: there is no such file; check the path.") from None
    except (OSError, ValueError) as error:
        reason = "is a folder" if path.is_dir() else f"cannot be opened ({error})"
        raise TableError(f"{source}: {reason}; name a file that can be read.") from None


def _from_bytes(
    name: str, data: bytes, encoding: str | None, layout: Layout, habits: Habits
) -> Table:
    kind = kind_of(data)
    if kind != "text":
        return replace(_from_arrow(name, _typed(name, data, kind)), habits=habits)
    text, notes = to_utf8(data, encoding, name)
    suffix = Path(name).suffix.lower()
    open_question = suffix not in (".csv", ".tsv") and layout.separator is None
    sample = text[: 1 << 16].decode(errors="ignore")
    if suffix in (".svm", ".libsvm") or (open_question and looks_like_libsvm(sample)):
        labels, rows, lines, remarks = parse_libsvm(text, name)
        notes = (*notes, *remarks)
        return Table(
            name, {"label": pa.array(labels)}, lines, habits=habits, sparse=rows, notes=notes
        )
    cells = parse_delimited(text, name, layout)
    # Where commas separate the fields, numbers are not written with decimal commas.
    if habits.decimal is None and cells.separator == ",":
        habits = replace(habits, decimal=".")
    notes = (*notes, *cells.notes)
    return Table(name, cells.columns, cells.lines, habits=habits, notes=notes)


def _typed(name: str, data: bytes, kind: str) -> Any:
    buffer = pa.BufferReader(data)
    try:
        if kind == "parquet":
            return pa.parquet.read_table(buffer)
        if kind == "arrow":
            return pa.ipc.open_file(buffer).read_all()
        return pa.ipc.open_stream(buffer).read_all()
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise TableError(
            f"{name} begins as {kind} but cannot be read as such ({reason}); write or fetch it "
            "again."
        ) from None


# --- from memory -------------------------------------------------------------------------------


@runtime_checkable
class ArrowStream(Protocol):
    """Anything that hands out its columns as an Arrow stream: Polars, DuckDB, pyarrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


def _from_memory(source: Any) -> Table:
    if issparse(source):
        rows = csr_array(source)
        return Table("the matrix", {}, np.arange(rows.shape[0]), "row", sparse=rows)
    if type(source).__module__.partition(".")[0] == "pandas":
        return _from_pandas(source)
    if isinstance(source, ArrowStream):
        return _from_arrow("the data frame", pa.table(source))
    if isinstance(source, Mapping):
        return _gathered("the mapping", list(source), [_column(v) for v in source.values()])
    values = np.asarray(source)
    if values.dtype.names:
        names = list(values.dtype.names)
        return _gathered("the array", names, [_column(values[name]) for name in names])
    if values.ndim not in (1, 2):
        raise TableError(
            f"an array of {values.ndim} dimensions is not a table; give rows and columns."
        )
    columns = [_column(v) for v in (values.T if values.ndim == 2 else values[None])]
    return _gathered("the array", [""] * len(columns), columns, len(values))


def _from_pandas(frame: Any) -> Table:
    """Column by column, so that names may repeat and cells may be of mixed types."""
    if frame.ndim == 1:
        frame = frame.to_frame()
    columns = [_column(frame.iloc[:, place]) for place in range(frame.shape[1])]
    table = _gathered("the data frame", list(frame.columns), columns, len(frame))
    if frame.index.name is None:
        return table
    note = f"The index {frame.index.name!r} is not a column; reset_index() makes it one."
    return replace(table, notes=(*table.notes, note))


def _from_arrow(name: str, table: Any) -> Table:
    return _gathered(name, table.column_names, list(table.columns), table.num_rows)


def _gathered(name: str, names: list[Any], columns: list[Any], n_rows: int | None = None) -> Table:
    unique, notes = unique_names([str(each) for each in names])
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise TableError(f"{name}: columns have {sorted(lengths)} rows; make them equally long.")
    rows = n_rows if n_rows is not None else max(lengths, default=0)
    named = dict(zip(unique, columns, strict=True))
    return Table(name, named, np.arange(rows), "row", notes=notes)


def _column(values: Any) -> Any:
    """One Arrow column; objects of mixed types become the words that print them."""
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        words = [None if v is None or v != v else str(v) for v in values]  # NaN is not itself
        return pa.array(words, pa.large_string())
