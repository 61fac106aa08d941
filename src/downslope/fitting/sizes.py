"""Numbers too large to compute with, and tables too large for this memory, are refused at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from downslope.errors import InputError
from downslope.memory_room import check_room
from downslope.tables.features import Encoder, TextCode

Array = Any
ENORMOUS = 1e150
"""Every sum here is made of squares, and those of larger numbers leave the range of a float."""


def check_numbers(table: str, n_rows: int, encoder: Encoder) -> None:
    """Refuse a table whose cells, written out as numbers, would not fit into memory.

    A category of thirty levels is thirty columns, and columns are joined to one matrix.

    Raises
    ------
    InputError
        With the size, and the streaming option.

    Examples
    --------
    >>> from downslope.tables.cells import Spelling
    >>> from downslope.tables.features import CategoryCode
    >>> code = CategoryCode("c", Spelling("words"), "a", ("b",), (), False)
    >>> check_numbers("t.csv", 10**15, Encoder((code,)))
    Traceback (most recent call last):
      ...
    downslope.errors.InputError: t.csv, 1,000,000,000,000,000 rows of 1 columns of numbers, needs \
about 14,901,161.2 GiB of memory and ... GiB are free; add --stream, or leave out categories of \
many levels with --drop.
    """
    if any(isinstance(code, TextCode) for code in encoder.codes):
        return  # sparse
    width = len(encoder.names) if encoder.codes else 0
    check_room(
        16.0 * n_rows * width,
        f"{table}, {n_rows:,} rows of {width:,} columns of numbers,",
        "add --stream, or leave out categories of many levels with --drop",
    )


def refuse_enormous(X: Array, y: Array, names: Sequence[str], target: str) -> None:
    """Refuse a table that holds a number beyond ``ENORMOUS``, by its column.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_rows, n_features)
    y : array of shape (n_rows,)
    names : names of the features
    target : name of the target

    Raises
    ------
    InputError
        Naming the column, the number, and what to do.

    Examples
    --------
    >>> refuse_enormous(np.array([[1.0, -1e200]]), np.zeros(1), ["a", "b"], "y")
    Traceback (most recent call last):
      ...
    downslope.errors.InputError: Column 'b' holds -1e+200; numbers beyond 1e+150 cannot be \
squared. Mend the cell, or give the column in larger units.
    """
    entries = X.data if sparse.issparse(X) else X
    for name, values in (("", entries), (target, y)):
        if values.size == 0 or max(values.max(), -values.min()) <= ENORMOUS:
            continue
        place = np.unravel_index(np.argmax(np.abs(values)), values.shape)
        column = X.indices[place[0]] if sparse.issparse(X) else place[-1]
        raise InputError(
            f"Column {name or names[int(column)]!r} holds {values[place]:.4g}; numbers beyond "
            f"{ENORMOUS:.0e} cannot be squared. Mend the cell, or give the column in larger units."
        )
