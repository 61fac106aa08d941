"""The target column -> what is to be learned: numbers, or one of so many classes."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from downslope.errors import SettingError, TableError
from downslope.tables.cells import Spelling
from downslope.tables.words import Words, glimpse

TASKS = ("auto", "regression", "classification")
BLOCK = 1_000_000
"""Cells that are compared with the target together."""


@dataclass(frozen=True)
class Target:
    """What is to be learned.

    Attributes
    ----------
    name : str
    task : {"regression", "binary", "multiclass"}
    reason : str
        Why this task.
    y : array, shape (n_rows,)
        Numbers (float64), or class numbers (int64) into ``classes``.
    classes : tuple of str
        Class names in the order of their numbers; empty for regression.
    notes : tuple of str
        Reservations, in sentences.
    """

    name: str
    task: str
    reason: str
    y: NDArray[Any]
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def aim(
    name: str, values: NDArray[np.float64] | Words, spelling: Spelling, task: str, table: str
) -> Target:
    """What to learn from a target without missing cells.

    Raises
    ------
    TableError
        If there is nothing to learn: one class, or nearly as many classes as rows.
    """
    if task not in TASKS:
        raise SettingError(f"task={task!r} is not known; give one of {', '.join(TASKS)}.")
    whose = f"{table}: the target {glimpse(name)}"
    if spelling.kind == "date":
        raise TableError(
            f"{whose} is a date, which is neither a number nor a class; make a "
            "number of it first, such as days since the start."
        )
    if isinstance(values, Words):
        return _words(name, values, task, whose)
    if task == "regression":
        return _regression(name, values, "as told")
    reason = "as told" if task == "classification" else _why_classes(values, spelling)
    if not reason:
        distinct = len(np.unique(values))
        return _regression(name, values, f"{distinct:,} different numbers in {len(values):,} rows")
    present, codes = np.unique(values, return_inverse=True)
    if spelling.kind == "boolean":
        classes = [("false", "true")[int(value)] for value in present]
    else:
        classes = [repr(float(value)).removesuffix(".0") for value in present]
    return _classes(name, classes, codes, reason, whose)


def _why_classes(values: NDArray[np.float64], spelling: Spelling) -> str:
    """The reason to take numbers for class numbers, or nothing."""
    if spelling.kind == "boolean":
        return "yes or no"
    present = np.unique(values)
    whole = np.array_equal(present, np.floor(present))
    coded = len(present) == 2 and present[1] == 1 and present[0] in (-1, 0)
    if coded or (whole and len(present) == 2 and len(values) >= 10):
        return f"two values, {present[0]:g} and {present[1]:g}"
    in_turn = whole and present[0] in (0, 1) and all(b - a == 1 for a, b in pairwise(present))
    if in_turn and 3 <= len(present) <= 10 and len(values) >= 10 * len(present):
        return (
            f"the whole numbers {present[0]:g} to {present[-1]:g}; pass --task regression if they "
            "are amounts"
        )
    return ""


def _regression(name: str, values: NDArray[np.float64], reason: str) -> Target:
    notes: tuple[str, ...] = ()
    if values.min() == values.max():
        notes = (
            f"The target {glimpse(name)} is {values[0]:g} in every row: the weights will be 0, and "
            "R² is not defined.",
        )
    return Target(name, "regression", reason, values, notes=notes)


def _words(name: str, values: Words, task: str, whose: str) -> Target:
    names = values.names()
    if task == "regression":
        raise TableError(
            f"{whose} holds words such as {glimpse(names[0])}, which no "
            "regression can predict; name a column of numbers, or pass --task classification."
        )
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    rank = np.argsort(order)
    notes = []
    if values.merged:
        notes.append(f"Classes of {name!r} that differ only by blanks around them count as one.")
    reason = f"{len(names)} different words"
    found = _classes(name, [names[i] for i in order], rank[values.codes], reason, whose)
    return Target(name, found.task, reason, found.y, found.classes, (*notes, *found.notes))


def _classes(
    name: str, classes: list[str], codes: NDArray[np.int64], reason: str, whose: str
) -> Target:
    rows = len(codes)
    if len(classes) == 1:
        raise TableError(
            f"{whose} has one class, {glimpse(classes[0])}, in all {rows} rows; "
            "there is nothing to tell apart."
        )
    if len(classes) > max(2, rows // 2):
        raise TableError(
            f"{whose} has {len(classes)} classes in {rows} rows, too "
            "few rows to learn any; pass --task regression if the classes are numbers, or name "
            "another target."
        )
    counts = np.bincount(codes)
    notes = []
    if counts.min() == 1:
        lonely = [classes[i] for i in np.flatnonzero(counts == 1)[:3]]
        notes.append(
            f"{int((counts == 1).sum())} of {len(classes)} classes have a single row: "
            f"{', '.join(map(glimpse, lonely))}."
        )
    task = "binary" if len(classes) == 2 else "multiclass"
    return Target(name, task, reason, codes.astype(np.int64), tuple(classes), tuple(notes))


def leaks(target: Target, numbers: dict[str, NDArray[np.float64]]) -> tuple[str, ...]:
    """Sentences on features that give the target away: equal, proportional, or two that sum to it.

    Real measurements of one thing never agree to ten digits; a copy does.
    """
    y = target.y.astype(np.float64)
    if len(y) < 5 or y.min() == y.max() or len(target.classes) > 2:
        return ()
    notes = []
    whole = {name: x for name, x in numbers.items() if not np.isnan(x).any()}
    copies = _copies(whole, y)
    for name, values in numbers.items():
        kept = ~np.isnan(values)
        if name not in whole and kept.sum() >= 5:
            copies |= _copies({name: values[kept]}, y[kept])
    for name in numbers:
        if name in copies:
            notes.append(f"Leak suspected: {glimpse(name)} {copies[name]}.")
    suspects = {name: x for name, x in whole.items() if name not in copies and x.min() < x.max()}
    for one, other in _sums(y, suspects):
        notes.append(f"Leak suspected: {glimpse(one)} + {glimpse(other)} equals the target.")
    if notes:
        notes.append("Leave such a column out with --drop (drop=[...]).")
    return tuple(notes)


def _scaled(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same within -1 and 1, where no square overflows."""
    largest = np.abs(x).max(axis=-1, keepdims=True, initial=0.0)
    return x / np.where(largest > 0.0, largest, 1.0)


def _copies(columns: dict[str, NDArray[np.float64]], y: NDArray[np.float64]) -> dict[str, str]:
    """What the columns that say what ``y`` says do: equal it, or lie on a line to ten digits."""
    names, step = list(columns), max(1, BLOCK // len(y))
    v = _scaled(y)
    v = _scaled(v - v.mean())
    found = {}
    for i in range(0, len(names), step):
        X = np.array([columns[name] for name in names[i : i + step]])
        U = _scaled(X)
        U = _scaled(U - U.mean(axis=1, keepdims=True))
        sizes = np.einsum("ij,ij->i", U, U) * (v @ v)
        line = np.abs(U @ v) > (1 - 1e-10) * np.sqrt(sizes)
        same = np.equal(X, y).all(axis=1)
        for j in np.flatnonzero((line | same) & (X.min(axis=1) < X.max(axis=1))):
            how = "equals the target in every row" if same[j] else "is the target on another scale"
            found[names[i + j]] = how
    return found


def _sums(y: NDArray[np.float64], columns: dict[str, NDArray[np.float64]]) -> list[tuple[str, str]]:
    """Pairs of columns that sum to ``y``; a few rows rule nearly all pairs out."""
    names = list(columns)[:300]
    if len(names) < 2:
        return []
    rows = np.linspace(0, len(y) - 1, min(len(y), 50)).astype(int)
    some = np.array([columns[name][rows] for name in names])
    tiny = 1e-10 * np.abs(y).max()
    found = []
    with np.errstate(over="ignore"):
        for i, name in enumerate(names):
            fits = np.abs(some[i] + some[i + 1 :] - y[rows]) <= tiny
            for j in np.flatnonzero(fits.all(axis=1)) + i + 1:
                if (np.abs(columns[name] + columns[names[j]] - y) <= tiny).all():
                    found.append((name, names[j]))
    return found
