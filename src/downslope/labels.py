"""Class labels as numbers, and what can be wrong with them."""

from typing import Any

import numpy as np

from downslope.errors import InputError, PairError

Array = Any


def class_codes(y: Array, classes: Array) -> Array:
    """Number of each label among the sorted ``classes``.

    Raises
    ------
    InputError
        If a label is none of them.

    Examples
    --------
    >>> class_codes(np.array(["b", "a"]), np.array(["a", "b", "c"]))
    array([1, 0])
    """
    if len(classes) == 2:  # two comparisons: a search costs a few reads of a narrow table
        codes = (y == classes[1]).astype(np.int64)
        strangers = np.flatnonzero((codes == 0) & (y != classes[0]))
    else:
        codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
        strangers = np.flatnonzero(classes[codes] != y)
    if len(strangers):
        raise InputError(f"y holds {y[strangers[0]]!r}, which is none of the classes {classes}.")
    return codes


def at_least_two(classes: Array) -> Array:
    """The classes again, of which there have to be two.

    Raises
    ------
    InputError
        If there is one only.
    """
    if len(classes) < 2:
        raise InputError(f"y holds one class only, {classes[0]!r}; a classifier needs two or more.")
    return classes


def agreed_classes(before: Array | None, given: Array | None) -> Array:
    """Classes of a fit in parts: named in the first call, and the same ever after.

    Raises
    ------
    InputError
        If they were never named, or are others now.
    """
    if before is None and given is None:
        raise InputError("The first partial_fit needs classes, all labels that will ever come.")
    if before is None:
        return np.unique(np.asarray(given))
    if given is not None and not np.array_equal(before, np.unique(given)):
        raise InputError(
            f"classes={np.unique(given)} is not the same as in the first call to partial_fit, "
            f"{before}."
        )
    return before


def likeliest(classes: Array, z: Array) -> Array:
    """Label of each row by its raw predictions: one for two classes, else one per class.

    Examples
    --------
    >>> likeliest(np.array(["no", "yes"]), np.array([-0.1, 2.0]))
    array(['no', 'yes'], dtype='<U3')
    """
    return classes[(z > 0).astype(int) if z.ndim == 1 else z.argmax(axis=1)]


def check_table(class_weight: Any) -> None:
    """Refuse class weights for a table of 0 and 1, whose columns have no classes in common.

    Raises
    ------
    PairError
    """
    if class_weight is not None:
        raise PairError(
            f"class_weight={class_weight!r} weighs classes that exclude each other, but y is a "
            "table of 0 and 1; use sample_weight, or one model per column."
        )
