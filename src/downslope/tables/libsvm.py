"""The sparse text of svmlight and libsvm: ``label index:value index:value ...  # comment``.

Vowpal Wabbit's ``label |name index:value ...`` is read too, where there is one namespace and its
features are numbered.
"""

import math
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from downslope.errors import TableError
from downslope.tables.words import glimpse

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
LINE = re.compile(rf"{NUMBER}(?:\s+\|\S*)?(?:\s+\S+:\S+)*\s*(?:#.*)?")
NAMESPACE = re.compile(rb"^(\S+\s+)\|\S*")
INDEX = re.compile(r"\d{1,18}")


class Sparse(NamedTuple):
    """Labels, their rows of features, and the line each row stands on."""

    labels: NDArray[np.float64]
    rows: sparse.csr_array
    lines: NDArray[np.int64]
    notes: tuple[str, ...]


def looks_like_libsvm(sample: str) -> bool:
    """Whether every line is a number followed by pairs, and one line has a pair.

    >>> looks_like_libsvm("-1 3:1 11:0.5\\n+1 5:1\\n"), looks_like_libsvm("a,b\\n1,2\\n")
    (True, False)
    """
    lines = [line for line in sample.splitlines() if line.strip() and line.strip()[0] != "#"]
    return any(re.search(r"\s\d+:", line) for line in lines) and all(
        LINE.fullmatch(line.strip()) for line in lines[:100]
    )


def parse_libsvm(data: bytes, name: str) -> Sparse:
    """Rows of a libsvm text; columns are counted as written, so a file from 1 has column 0 empty.

    The result stays sparse whatever the largest index is.
    """
    lines = [line.partition(b"#")[0].strip() for line in data.splitlines()]
    if b"|" in data:
        lines = [NAMESPACE.sub(rb"\1", line) for line in lines]
    kept = np.flatnonzero([bool(line) for line in lines])
    numbers = _all_numbers([lines[i] for i in kept])
    if numbers is None:
        labels, counts, indices, values = _by_line(lines, name)
    else:
        labels, counts, indices, values = numbers
    notes = []
    starts = np.concatenate([[0], np.cumsum(counts)])
    if len(indices) and indices.min() == 0:
        notes.append("Indices start at 0.")
    rows = sparse.csr_array(
        (values, indices, starts), shape=(len(labels), int(indices.max(initial=0)) + 1)
    )
    if not rows.has_sorted_indices:
        notes.append("Some rows list their indices out of order; they were sorted.")
        rows.sort_indices()
    if not rows.has_canonical_format:
        _refuse_repeated(rows, kept, name)
    return Sparse(labels, rows, kept + 1, tuple(notes))


Columns = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def _all_numbers(lines: list[bytes]) -> Columns | None:
    """Labels, pairs per row, indices, values at one stroke; ``None`` where a token is odd."""
    if not lines:
        return None
    counts = np.array([line.count(b":") for line in lines], np.int64)
    joined = b" ".join(lines)
    if re.search(rb"[^-+.:\deE\s]|:\s|\s:|\d:\S*:", joined) or re.search(rb"[.eE+-]\S*:", joined):
        return None
    tokens = joined.replace(b":", b" ").split()
    if len(tokens) != len(lines) + 2 * counts.sum():
        return None
    try:
        flat = np.array(tokens, "S").astype(np.float64)
    except ValueError:
        return None
    if not np.isfinite(flat).all():
        return None
    label_at = np.concatenate([[0], np.cumsum(1 + 2 * counts)[:-1]])
    pairs = np.delete(flat, label_at).reshape(-1, 2)
    if pairs[:, 0].max(initial=0.0) >= 2**53:
        return None
    return flat[label_at], counts, pairs[:, 0].astype(np.int64), pairs[:, 1]


def _by_line(lines: list[bytes], name: str) -> Columns:
    """The same, token by token: slower, and knows the line of every mistake."""
    labels, counts, indices, values = [], [], [], []
    for number, line in enumerate(lines, start=1):
        tokens = [token.decode() for token in line.split()]  # blanks of ASCII, as above
        if not tokens:
            continue
        labels.append(_number(tokens[0], "the label", number, name))
        pairs = [token for token in tokens[1:] if not token.startswith("qid:")]
        counts.append(len(pairs))
        for pair in pairs:
            index, colon, value = pair.partition(":")
            if not colon or not INDEX.fullmatch(index):
                raise TableError(
                    f"{name}, line {number}: {glimpse(pair)} is not a pair index:value with a "
                    "whole number from 0 up before the colon; mend the line."
                )
            indices.append(int(index))
            values.append(_number(value, f"the value of index {index[:20]}", number, name))
    return (
        np.array(labels),
        np.array(counts, np.int64),
        np.array(indices, np.int64),
        np.array(values),
    )


def _number(token: str, what: str, line: int, name: str) -> float:
    if not re.fullmatch(NUMBER, token) or not math.isfinite(float(token)):
        raise TableError(
            f"{name}, line {line}: {glimpse(token)}, {what}, is no finite number; mend the line."
        )
    return float(token)


def _refuse_repeated(rows: sparse.csr_array, kept: NDArray[np.int64], name: str) -> None:
    """An index that stands twice in one row has two values: no reading is safe."""
    row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    twice = (np.diff(rows.indices) == 0) & (np.diff(row_of) == 0)
    if twice.any():
        at = int(np.argmax(twice))
        raise TableError(
            f"{name}, line {kept[row_of[at]] + 1}: index {rows.indices[at]} stands twice in one "
            "row; keep one of them."
        )
