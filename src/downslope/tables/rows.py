"""Which rows train and which test; and cells that are safe to open in a spreadsheet."""

import math
import re

import numpy as np
from numpy.typing import NDArray

from downslope.errors import SettingError

FEW = 10  # with fewer rows, every one is needed for training
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(inf|nan)", re.IGNORECASE)


def split(
    n_rows: int, test_size: float = 0.25, seed: int | None = 42
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training rows and test rows, shuffled: the ones scikit-learn's ``train_test_split`` takes.

    Published scores depend on the very rows, so the permutation is that of
    ``numpy.random.RandomState(seed)``; its first ``ceil(n_rows * test_size)`` rows are the test.

    Parameters
    ----------
    n_rows : int
        With fewer than 10 rows none is set aside: a score on two rows says nothing.
    test_size : float, default 0.25
        Share of rows set aside, from 0 (none) to below 1.
    seed : int or None, default 42

    Returns
    -------
    train, test : arrays of int

    Raises
    ------
    SettingError
        If ``test_size`` is not a share.

    Examples
    --------
    >>> train, test = split(12, 0.25, 0)
    >>> test.tolist(), len(train)
    ([6, 11, 4], 9)
    """
    if not 0 <= test_size < 1:
        raise SettingError(f"test_size={test_size!r} is not a share; give one from 0 to below 1.")
    order = np.random.RandomState(seed).permutation(n_rows)
    n_test = 0 if n_rows < FEW else math.ceil(n_rows * test_size)
    if n_rows and n_test == n_rows:
        raise SettingError(f"test_size={test_size!r} leaves no row of {n_rows} to train on.")
    return order[n_test:], order[:n_test]


def safe_cell(value: object) -> object:
    """The value as it may stand in a CSV: text that a spreadsheet would run gets a ``'`` before it.

    Spreadsheets take text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end for a
    formula (OWASP, "CSV Injection"). Numbers are left alone.

    Examples
    --------
    >>> safe_cell("=cmd|'/C calc'!A0"), safe_cell("-3.5"), safe_cell(-3.5), safe_cell("plain")
    ("'=cmd|'/C calc'!A0", '-3.5', -3.5, 'plain')
    """
    if isinstance(value, str) and value.lstrip(" ")[:1] in tuple("=+-@\t\r\n＝＋－＠"):
        return value if NUMBER.fullmatch(value) else f"'{value}"
    return value
