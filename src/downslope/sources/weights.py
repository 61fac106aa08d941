"""Weights of rows and classes: checked here, wherever the rows live, and scaled to mean 1.

Sample and class weights are multiplied, rows of weight 0 are left out, and the rest is scaled to
mean 1, so that an objective stays a mean whatever the weights' unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from downslope.errors import InputError, SettingError
from downslope.sources.memory import Rows

Array = Any


@dataclass(frozen=True)
class WeightSums:
    """What is to be known of weights before rows are learned from; blocks of them add up.

    Attributes
    ----------
    total : float
        Sum of all weights; infinite where it is beyond the largest number.
    bad : tuple of (int, float)
        Row and value of the first weight that is negative or not finite; empty where none is.
    """

    total: float
    bad: tuple[()] | tuple[int, float] = ()

    def __add__(self, other: "WeightSums") -> "WeightSums":
        first = min((each.bad for each in (self, other) if each.bad), default=())
        return WeightSums(self.total + other.total, first)

    def checked(self) -> "WeightSums":
        """The same sums, of weights that can be learned from.

        Raises
        ------
        InputError
            If a weight is negative or not finite, none is above 0, or their sum is beyond the
            largest number.
        """
        if self.bad:
            row, value = self.bad
            raise InputError(
                f"The weight of row {row} is {value:g}, but weights are finite numbers from 0 on; "
                "mend it, or give the row the weight 0 to leave it out."
            )
        if self.total == 0.0:
            raise InputError(
                "All weights are zero, so no row is left to learn from; give one at least a weight "
                "above 0."
            )
        if self.total == np.inf:
            raise InputError(
                f"The weights sum to more than {np.finfo(float).max:.1e}, the largest number there "
                "is; divide all of them by the same number, since only their ratios count."
            )
        return self


def weight_sums(weights: Array, first: int = 0) -> WeightSums:
    """Sums over weights of neighbouring rows, the first of which is row ``first``.

    Examples
    --------
    >>> weight_sums(np.array([1.0, 2.0])) + weight_sums(np.array([0.5, -1.0]), first=2)
    WeightSums(total=2.5, bad=(3, -1.0))
    """
    weights = np.asarray(weights, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(weights.sum())
    bad = np.flatnonzero(~((weights >= 0.0) & np.isfinite(weights)))
    return WeightSums(total, (first + int(bad[0]), float(weights[bad[0]])) if len(bad) else ())


def sums_of_rows(rows: Rows) -> WeightSums:
    """``weight_sums`` of a block of rows; a row without a weight weighs 1."""
    if rows.weights is None:
        return WeightSums(float(len(rows.y)))
    return weight_sums(rows.weights, rows.first)


def sample_weights(weights: Any, n_rows: int) -> Array | None:
    """Weights as an estimator was given them, one number per row, checked; None stays None.

    Raises
    ------
    InputError
        See ``WeightSums.checked``; also if there are more or fewer weights than rows.

    Examples
    --------
    >>> sample_weights([1, 0], 2), sample_weights(3, 2)
    (array([1., 0.]), array([3., 3.]))
    """
    if weights is None:
        return None
    if isinstance(weights, Real):
        weights = np.full(n_rows, float(weights))
    weights = check_array(
        weights,
        ensure_2d=False,
        ensure_all_finite=False,  # refused below, with the row
        ensure_min_samples=0,
        dtype=np.float64,
        order="C",
        input_name="sample_weight",
    )
    check_shape(weights.shape, n_rows)
    weight_sums(weights).checked()
    return weights


def check_shape(shape: tuple[int, ...], n_rows: int) -> None:
    """Refuse anything but one weight per row.

    Raises
    ------
    InputError
    """
    if len(shape) != 1:
        raise InputError(
            f"sample_weight has the shape {tuple(shape)}; give one number per row, or one for all."
        )
    if shape[0] != n_rows:
        raise InputError(f"X has {n_rows} rows but sample_weight has {shape[0]}; give one per row.")


def class_weights(
    class_weight: str | Mapping[Any, float] | None,
    classes: Array,
    codes: Array,
    sample_weight: Array | None,
) -> Array | None:
    """Weight of each row's class, or None where all count the same.

    "balanced" gives every class the same total weight: total / (n_classes * total of the class).

    Raises
    ------
    SettingError
        If a class of ``class_weight`` does not occur, a weight is negative or not finite, or its
        form is unknown.
    InputError
        If a class to be balanced has rows of weight 0 only.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise SettingError(
                f"class_weight={class_weight!r} is unknown; use 'balanced', a dict or None."
            )
        return _balanced(classes, codes, sample_weight)[codes]
    known = classes.tolist()
    strangers = [label for label in class_weight if label not in known]
    if strangers:
        raise SettingError(
            f"class_weight names {strangers}, which are not among the classes {known}."
        )
    for label, weight in class_weight.items():
        if not 0.0 <= float(weight) < np.inf:
            raise SettingError(
                f"class_weight gives the class {label!r} the weight {weight:g}, but weights are "
                "finite numbers from 0 on; use such a number, or 0 to leave the class out."
            )
    return np.array([float(class_weight.get(label, 1.0)) for label in known])[codes]


def _balanced(classes: Array, codes: Array, sample_weight: Array | None) -> Array:
    """Weight of each class, so that all have the same total."""
    totals = np.bincount(codes, weights=sample_weight, minlength=len(classes))
    empty = np.flatnonzero(totals == 0.0)
    if len(empty):
        raise InputError(
            f"class_weight='balanced' would divide by the weight of the class "
            f"{classes.tolist()[empty[0]]!r}, whose rows all have the weight 0; leave that class "
            "out, or give class_weight as a dict."
        )
    return totals.sum() / (len(classes) * totals)


def joint_weights(*factors: Array | None) -> Array | None:
    """Product of those that are given; None where none is."""
    given = [factor for factor in factors if factor is not None]
    return np.prod(given, axis=0) if given else None


def row_weights(*factors: Array | None) -> tuple[Array | None, Array]:
    """Product of the weights, scaled to mean 1 over the rows that count, and which rows count.

    Raises
    ------
    InputError
        See ``WeightSums.checked``.

    Examples
    --------
    >>> weights, kept = row_weights(np.array([2.0, 0.0, 6.0]), None)
    >>> weights, kept
    (array([0.5, 1.5]), array([0, 2]))
    """
    product = joint_weights(*factors)
    if product is None:
        return None, slice(None)
    weight_sums(product).checked()
    kept = np.flatnonzero(product) if (product == 0.0).any() else slice(None)
    product = product[kept]
    if (product == product[0]).all():
        return None, kept
    return product / product.mean(), kept
