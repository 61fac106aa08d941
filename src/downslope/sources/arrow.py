"""Rows in files: Parquet, Feather or CSV, one or many, on any file system that Arrow knows.

Files are read in record batches, a few ahead of the one in use, and each batch is encoded to
features when its turn comes. What is in memory at any time is a few batches, however long the data.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.csv
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet

from downslope.errors import InputError
from downslope.sources.addresses import format_of, resolve, shown
from downslope.sources.blocks import BlockRows
from downslope.sources.memory import Rows
from downslope.sources.plain_text import plain_blocks

ROWS_PER_BATCH = 32_768
CELLS_PER_BATCH = 1 << 20
"""A batch is shorter where there are many columns, so that memory does not grow with them."""
CSV_BYTES = 4 << 20
"""Text parsed at a time: what each batch costs besides its cells is then little."""
FEW_FILES = 512
"""Files whose columns are compared beforehand: each is a look, which takes a while far away."""
LONGEST_HEADER = 1 << 16
AHEAD = 2
"""Batches read ahead: enough to hide the disk, few enough to keep memory flat."""
BLANK = ("na", "n/a", "n.a.", "nan", "null", "none", "<na>", "#n/a", "#na", "?")
"""Cells of CSV that hold no number, in any case."""
NULLS = ["", "NaN", *(form for word in BLANK for form in (word, word.upper(), word.capitalize()))]
READ = pyarrow.csv.ReadOptions(block_size=CSV_BYTES)
GLANCE = pyarrow.csv.ReadOptions(block_size=CSV_BYTES // 4)
"""For the names of columns: types are found elsewhere."""

Encode = Callable[[pyarrow.RecordBatch], Rows]


@dataclass(frozen=True)
class Files:
    """Files that hold one table together.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
    name : str
        How the user wrote it, for messages.
    schema : pyarrow.Schema
        Names of the columns, and the types they are read as.
    """

    dataset: Any
    name: str
    schema: Any

    @property
    def is_text(self) -> bool:
        """Whether cells are text, whose meaning is still to be found."""
        return isinstance(self.dataset.format, pyarrow.dataset.CsvFileFormat)

    @cached_property
    def n_rows(self) -> int:
        """Rows, where the files say it without being read; else 0."""
        with self._readable():
            return 0 if self.is_text else int(self.dataset.count_rows())

    def typed(self, types: Mapping[str, Any]) -> "Files":
        """The same CSV files, some columns read as other types."""
        fields = [pyarrow.field(f.name, types.get(f.name, f.type)) for f in self.schema]
        return replace(self, schema=pyarrow.schema(fields))

    def as_text(self) -> "Files":
        """The same files, the cells of CSV as they are written."""
        if not self.is_text:
            return self
        folders = {
            step.partition("=")[0] for path in self.dataset.files for step in path.split("/")[:-1]
        }
        return self.typed({name: pyarrow.string() for name in self.columns if name not in folders})

    def stamps(self) -> list[tuple[str, int, int]]:
        """Path, size and time of last change of every file: they tell whether one has changed."""
        infos = self.dataset.filesystem.get_file_info(self.dataset.files)
        return [(info.path, info.size, info.mtime_ns or 0) for info in infos]

    def lacking(self) -> dict[str, list[str]]:
        """Files without a column that the first one has, and those columns; of few files only."""
        found: dict[str, list[str]] = {}
        if len(self.dataset.files) > FEW_FILES:
            return found
        with self._readable():
            for part in self.dataset.get_fragments():
                folders = pyarrow.dataset.get_partition_keys(part.partition_expression)
                here = {*_names(part), *folders}
                if missing := [name for name in self.columns if name not in here]:
                    found[part.path] = missing
        return found

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.schema.names)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pyarrow.RecordBatch]:
        """Every record batch, in file order."""
        for part in self.parts():
            yield from self.read(part, columns)

    def parts(self) -> list[Any]:
        """What can be read on its own: row groups of Parquet files, whole files otherwise."""
        found: list[Any] = []
        with self._readable():
            for fragment in self.dataset.get_fragments():
                split = isinstance(fragment, pyarrow.dataset.ParquetFileFragment)
                found.extend(fragment.split_by_row_group() if split else [fragment])
        return found

    @contextmanager
    def _readable(self, path: str = "") -> Iterator[None]:
        """What Arrow says of a file that cannot be read, in a sentence."""
        try:
            yield
        except (OSError, pyarrow.ArrowInvalid) as error:
            first = str(error).splitlines()[0].rstrip(".")
            where = "" if path in first else f"{path}: "
            raise InputError(f"{self.name} cannot be read to its end: {where}{first}.") from None

    def read(
        self,
        part: Any,
        columns: Sequence[str] | None = None,
        most: int = ROWS_PER_BATCH,
        among: Callable[[Any], Any] | None = None,
    ) -> Iterator[pyarrow.RecordBatch]:
        """Record batches of one part, of at most ``most`` rows.

        Of text, ``among`` makes of the opened file the one to be read.

        Raises
        ------
        InputError
            If a file cannot be read, or no longer can.
        """
        wanted = self.columns if columns is None else list(columns)
        rows = max(1, min(most, max(256, CELLS_PER_BATCH // max(1, len(wanted)))))
        parquet = isinstance(part, pyarrow.dataset.ParquetFileFragment)
        read: Any = self._parquet if parquet else self._scan
        if self.is_text:
            read = partial(self._text, among=among)
        with self._readable(part.path):
            for batch in read(part, wanted, rows):
                if batch.num_rows:
                    yield batch
                give_back()

    def _scan(self, part: Any, wanted: list[str], rows: int) -> Iterator[pyarrow.RecordBatch]:
        scanner = pyarrow.dataset.Scanner.from_fragment(
            part,
            schema=self.schema,
            columns=wanted,
            batch_size=rows,
            batch_readahead=AHEAD,
            fragment_readahead=1,
        )
        yield from scanner.to_batches()

    def _text(
        self, part: Any, wanted: list[str], rows: int, among: Callable[[Any], Any] | None
    ) -> Iterator[pyarrow.RecordBatch]:
        """Block by block: a scan parses far ahead of a reader who wants the first rows only."""
        fields = [self.schema.field(name) for name in wanted]
        folders = pyarrow.dataset.get_partition_keys(part.partition_expression)
        types = {field.name: field.type for field in fields if field.name not in folders}
        convert = pyarrow.csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            include_missing_columns=True,
            null_values=NULLS,
        )
        parse = self.dataset.format.parse_options
        with part.open() as file:
            stream = file if among is None else among(file)
            if all(kind == pyarrow.float64() for kind in types.values()):
                blocks = plain_blocks(stream, CSV_BYTES, parse, convert, list(types))
            else:
                blocks = iter(pyarrow.csv.open_csv(stream, READ, parse, convert))
            for block in blocks:
                for first in range(0, block.num_rows, rows):
                    yield _conformed(block.slice(first, rows), fields, folders)

    def _parquet(self, part: Any, wanted: list[str], rows: int) -> Iterator[pyarrow.RecordBatch]:
        """Page by page: a scan would decode whole row groups, which can be any size."""
        groups = [group.id for group in part.row_groups]
        fields = [self.schema.field(name) for name in wanted]
        folders = pyarrow.dataset.get_partition_keys(part.partition_expression)
        with pyarrow.parquet.ParquetFile(part.open()) as file:
            here = [name for name in wanted if name in file.schema_arrow.names]
            batches = file.iter_batches(rows, row_groups=groups, columns=here)
            for batch in one_ahead(batches):
                yield _conformed(batch, fields, folders)


def _names(part: Any) -> list[str]:
    """Columns of one file; of text its first line alone is looked at."""
    if not isinstance(part.format, pyarrow.dataset.CsvFileFormat):
        return list(part.physical_schema.names)
    with part.open() as file:
        line = file.read(LONGEST_HEADER).partition(b"\n")[0]
    text = line.decode("utf-8-sig", "replace")
    return next(csv.reader([text], delimiter=part.format.parse_options.delimiter), [])


def _conformed(
    batch: pyarrow.RecordBatch, fields: list[Any], folders: Mapping[str, Any]
) -> pyarrow.RecordBatch:
    """The columns of all files: those that a folder's name gives, nulls where a file lacks one."""
    columns = []
    for field in fields:
        if field.name in batch.schema.names and field.name not in folders:
            column = batch.column(field.name)
            columns.append(column if column.type == field.type else _cast(column, field))
        else:
            value = pyarrow.scalar(folders.get(field.name), field.type)
            columns.append(pyarrow.repeat(value, batch.num_rows))
    return pyarrow.RecordBatch.from_arrays(columns, schema=pyarrow.schema(fields))


def _cast(column: Any, field: Any) -> Any:
    """A column of the type that the first file gives it.

    Raises
    ------
    ArrowInvalid
        With the column's name, and how it differs.
    """
    try:
        return column.cast(field.type)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        why = str(error).splitlines()[0]
        raise pyarrow.ArrowInvalid(
            f"column {field.name!r} is {column.type} there and {field.type} in the first file "
            f"({why}); write it as {field.type} in every file, or leave it out"
        ) from None


def give_back() -> None:
    """Return to the system what Arrow has freed and would keep for later batches."""
    pyarrow.default_memory_pool().release_unused()


def one_ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The same items, the next one made by a thread while this one is in use.

    >>> list(one_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def open_files(source: str | Path | Sequence[str | Path], separator: str = ",") -> Files:
    """A folder, a file, a glob or a list of files, here or on any address that Arrow knows.

    Hive-partitioned folders (``year=2024/part.parquet``) give their partitions as columns.
    ``separator`` stands between the fields of CSV files.

    Parameters
    ----------
    source : str, Path or sequence of them
        Ends in .parquet, .feather, .arrow, .csv or .tsv.
    separator : str, default ","
        Stands between the fields of CSV files.

    Returns
    -------
    Files
        Opened, not read.

    Raises
    ------
    InputError
        If nothing is there, or the files have no ending that names a format.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "table.csv"
    >>> _ = path.write_text("x,y\\n1,2\\n3,4\\n")
    >>> open_files(path).schema.names
    ['x', 'y']
    """
    first, *others = [source] if isinstance(source, (str, Path)) else source or ["an empty list"]
    name = f"{shown(first)} and {len(others)} more" if others else shown(first)
    far = "://" in name and not name.startswith("file:")
    try:
        paths, filesystem = resolve(source)
        if not paths:
            raise InputError(f"{name} matches no file; check the path or the pattern.")
        kind = format_of(paths, name, filesystem)
        # A folder is passed as itself so that its partitions are found.
        where: Any = paths[0] if len(paths) == 1 else paths
        layout = _csv(separator) if kind == "csv" else kind
        dataset = pyarrow.dataset.dataset(
            where, format=layout, filesystem=filesystem, partitioning="hive"
        )
    except (OSError, pyarrow.ArrowInvalid) as error:
        check = "; check the address, the network and your credentials." if far else ""
        raise InputError(f"{name} cannot be opened: {str(error).splitlines()[0]}{check}") from None
    return Files(dataset, name, dataset.schema)


def arrow_rows(files: Files, encode: Encode, columns: Sequence[str], n_features: int) -> BlockRows:
    """Rows of files, encoded batch by batch; one pass counts them.

    Parameters
    ----------
    encode : callable
        Record batch to ``Rows``.
    columns : sequence of str
        The columns to read; the others stay on the disk.
    files : Files
        From ``open_files``.
    n_features : int
        Columns of the encoded rows.

    Returns
    -------
    BlockRows

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> from downslope.objective import Rows
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "table.csv"
    >>> _ = path.write_text("x,y\\n1,2\\n3,4\\n")
    >>> def encode(batch):
    ...     x, y = (np.asarray(batch[name], float) for name in ("x", "y"))
    ...     return Rows(x[:, None], y)
    >>> arrow_rows(open_files(path), encode, ["x", "y"], 1).n_rows
    2
    """
    parts = files.parts()
    n_rows = sum(batch.num_rows for batch in files.batches(columns[:1]))

    def read(i: int) -> Iterator[Rows]:
        return (encode(batch) for batch in files.read(parts[i], columns))

    return BlockRows(read, len(parts), n_rows, n_features)


def _csv(separator: str) -> Any:
    return pyarrow.dataset.CsvFileFormat(
        parse_options=pyarrow.csv.ParseOptions(delimiter=separator),
        read_options=GLANCE,
        convert_options=pyarrow.csv.ConvertOptions(null_values=NULLS),
    )
