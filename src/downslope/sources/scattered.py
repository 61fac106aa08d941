"""Pieces of files in random order: a few of them are a fair sample, however the rows are sorted.

A piece is a row group of a Parquet file, a whole file of another kind, or the lines of a CSV file
that begin in a stretch of 512 KiB. All pieces together hold every row once.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.sources.arrow import Files

PIECE_BYTES = 512 * 2**10
LINE_BYTES = 2**16
"""Read at a time where the end of a line is looked for."""


@dataclass(frozen=True)
class Piece:
    """Part of the files; of text the lines that begin at ``start`` or later, but before ``stop``.

    A piece of no text has no ``stop``.
    """

    part: Any
    start: int = 0
    stop: int = 0


def pieces(files: Files, seed: int, size: int) -> list[Piece]:
    """All pieces of the files, in an order that depends on the seed."""
    found: list[Piece] = []
    for part in files.parts():
        if files.is_text:
            end = files.dataset.filesystem.get_file_info(part.path).size
            starts = range(0, end, size)
            found.extend(Piece(part, start, min(start + size, end)) for start in starts)
        else:
            found.append(Piece(part))
    return [found[int(i)] for i in np.random.default_rng(seed).permutation(len(found))]


def read_piece(files: Files, piece: Piece, columns: list[str]) -> Iterator[Any]:
    """Record batches of one piece.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if not piece.stop:
        return files.read(piece.part, columns)
    return files.read(piece.part, columns, among=lambda file: between(file, piece))


def between(file: Any, piece: Piece) -> Any:
    """The first line of a file, and those that begin in the piece, as a file of their own.

    Examples
    --------
    >>> text = io.BytesIO(b"x,y\\n1,2\\n3,4\\n5,6\\n")
    >>> [between(text, Piece(None, i, i + 6)).read() for i in (0, 6, 12)]
    [b'x,y\\n1,2\\n', b'x,y\\n3,4\\n', b'x,y\\n5,6\\n']
    """
    first = b"" if piece.start == 0 else _line(file, 0)
    begin = max(0, piece.start - 1)  # a line begins after the end of one
    file.seek(begin)
    text = file.read(piece.stop - begin)
    if piece.start:
        end = text.find(b"\n") + 1
        text = text[end:] if end else b""
    if text and not text.endswith(b"\n"):
        text += _line(file, piece.stop)
    return io.BytesIO(first + text)


def _line(file: Any, start: int) -> bytes:
    """From there to the end of the line."""
    file.seek(start)
    found = b""
    while more := file.read(LINE_BYTES):
        end = more.find(b"\n") + 1
        found += more[:end] if end else more
        if end:
            break
    return found
