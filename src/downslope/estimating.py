"""What linear models and networks do alike as scikit-learn's estimators, before and while they fit.

They set rows aside, check those that were handed in for it, and tell scikit-learn's callbacks of
every pass.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import validate_data

from downslope.errors import DownslopeWarning, InputError
from downslope.stopping import Reason, Sight

Array = Any
Aside = tuple[Array, Array, Array | None]
"""Rows kept aside: X, y, weights."""
ROWS = {"accept_sparse": "csr", "dtype": (np.float64, np.float32), "order": "C"}


class NotConverged(DownslopeWarning, ConvergenceWarning):  # type: ignore[misc]
    """The fit ended without reaching what it was asked to reach; the message says why."""


def set_aside(
    X: Array, y: Array, weights: Array | None, *, share: float, seed: int, by_class: bool
) -> tuple[Array, Array, Array | None, Aside]:
    """Rows to learn from, X, y and weights, and those kept aside; each class in its share.

    Rows of weight 0 are in neither, so that they change nothing.

    Raises
    ------
    InputError
        If there are too few rows to learn from some and keep others aside.
    """
    counted = np.arange(len(y)) if weights is None else np.flatnonzero(weights)
    labels = y[counted] if by_class else None
    n = _how_many(share, len(counted), labels)
    chosen, aside = train_test_split(counted, test_size=n, random_state=seed, stratify=labels)

    def part(rows: Array) -> Aside:
        return X[rows], y[rows], None if weights is None else weights[rows]

    return (*part(np.sort(chosen)), part(np.sort(aside)))


def _how_many(share: float, n_rows: int, labels: Array | None) -> int:
    """Rows to keep aside: the share of them, and one of each class."""
    classes, counts = np.unique(np.zeros(n_rows) if labels is None else labels, return_counts=True)
    if counts.min() < 2:
        few = "" if labels is None else f" of the class {classes.tolist()[int(counts.argmin())]!r}"
        raise InputError(
            f"early_stopping learns from some rows and keeps others aside, but 1 row{few} is all "
            "that counts; give more, or leave early_stopping out."
        )
    return min(max(math.ceil(share * n_rows), len(classes)), n_rows - len(classes))


def handed_in(estimator: Any, X: Array, y: Array, **accepted: Any) -> Aside | None:
    """Validation rows that the user handed in, checked; None where there are none."""
    if X is None and y is None:
        return None
    if X is None or y is None:
        raise InputError("X_val and y_val belong together, but only one of them was given.")
    X, y = validate_data(estimator, X, y, reset=False, **ROWS, **accepted)
    return X, y, None


def on_screen(sight: Sight) -> None:
    """A line for a pass."""
    print(f"epoch {sight.epoch}: mean value {sight.epoch_value:.6g}")


def teller(
    context: Any,
    told: dict[str, Any],
    verbose: int,
    attributes: Callable[[Sight], dict[str, Any]],
) -> Callable[[Sight], Reason | None] | None:
    """Who is shown every pass: the callbacks, and the screen; None where nobody looks.

    ``attributes`` answers what scikit-learn's callbacks may put on a copy of the estimator.
    """

    def each_epoch(sight: Sight) -> Reason | None:
        if verbose:
            on_screen(sight)
        step = context.subcontext(task_name="epoch")
        step.call_on_fit_task_begin(**told)
        if not step.call_on_fit_task_end(**told, reconstruction_attributes=attributes(sight)):
            return None
        return Reason("interrupted", f"A callback stopped after {sight.epoch} passes.", False)

    watched = verbose or "_skl_callbacks" in vars(told["estimator"])
    return each_epoch if watched else None
