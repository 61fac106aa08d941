"""CSV of plain numbers, parsed by our own machine code; Arrow reads whatever is not plain.

Where all columns wanted are numbers, most of a pass over text is spent on turning digits into
floats. A block of whole lines goes through ``kernels.text``; one that holds anything else (quotes,
words, blanks) goes through Arrow, so that the two never differ in what they accept.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow
import pyarrow.csv


def plain_blocks(
    stream: Any, size: int, parse: Any, convert: Any, wanted: Sequence[str]
) -> Iterator[pyarrow.RecordBatch]:
    """Record batches of the columns ``wanted``, all float64, of a CSV file with a header.

    Parameters
    ----------
    stream : file-like
        At its beginning; of bytes.
    size : int
        Bytes read at a time.
    parse, convert : pyarrow.csv.ParseOptions, ConvertOptions
        For what is not plain.
    wanted : sequence of str

    Yields
    ------
    pyarrow.RecordBatch
        With the columns in the order of ``convert``.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a cell is no number, or the file is empty.
    """
    names: list[str] = []
    place, separator = np.zeros(0, dtype=np.int64), ord(parse.delimiter)
    for lines in whole_lines(stream, size):
        begin = 0
        if not names:
            begin = lines.find(b"\n") + 1
            names = header(lines[:begin], parse.delimiter)
            place = np.array([wanted.index(n) if n in wanted else -1 for n in names])
        simple = len(set(names)) == len(names) and set(wanted) <= set(names)
        columns = _numbers(lines, begin, separator, place, len(wanted)) if simple else None
        if columns is not None:
            yield pyarrow.RecordBatch.from_arrays(list(map(pyarrow.array, columns)), list(wanted))
            continue
        read = pyarrow.csv.ReadOptions(
            column_names=names, block_size=max(1, len(lines)), use_threads=False
        )
        rest = pyarrow.BufferReader(memoryview(lines)[begin:])
        if begin < len(lines):
            yield from pyarrow.csv.read_csv(rest, read, parse, convert).to_batches()
    if not names:
        raise pyarrow.ArrowInvalid("Empty CSV file")


@lru_cache(16)  # pieces of one file share it
def header(line: bytes, separator: str) -> list[str]:
    """Names in the first line of a CSV file.

    >>> header(b'x,"a, b"\\n', ",")
    ['x', 'a, b']
    """
    parse = pyarrow.csv.ParseOptions(delimiter=separator)
    return list(pyarrow.csv.read_csv(pyarrow.BufferReader(line), parse_options=parse).column_names)


def whole_lines(stream: Any, size: int) -> Iterator[bytes]:
    """A file in pieces of about ``size`` bytes that end where a line does.

    >>> import io
    >>> list(whole_lines(io.BytesIO(b"one\\ntwo\\nthree"), 6))
    [b'one\\n', b'two\\n', b'three\\n']
    """
    begun = b""
    while piece := stream.read(size):
        end = piece.rfind(b"\n") + 1
        if end:
            yield begun + memoryview(piece)[:end]  # copied once
            begun = piece[end:]
        else:
            begun += piece
    if begun:
        yield begun + b"\n"


def _numbers(lines: bytes, begin: int, separator: int, place: Any, n_columns: int) -> Any:
    """Columns of the lines, or None where a cell is not plain."""
    from downslope.kernels.text import count_lines, parse_lines  # loads the compiler

    text = np.frombuffer(lines, dtype=np.uint8)
    columns = np.empty((n_columns, count_lines(text, begin)))
    n_lines, plain = parse_lines(text, begin, len(lines), separator, place, columns)
    return columns[:, :n_lines] if plain else None
