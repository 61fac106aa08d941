"""Estimators on rows that are not in this memory: Dask arrays and data frames.

The rows stay where they are; what moves is a few numbers per weight and pass.
"""

from functools import partial
from typing import Any

import numpy as np

from downslope.bowl.rate_free import RoundRate, run_far
from downslope.bowl.smooth import Log
from downslope.bowl.smooth import Settings as SolverSettings
from downslope.errors import InputError, PairError
from downslope.objective import Objective, Source
from downslope.penalties import NO_PENALTY
from downslope.rules import Plain
from downslope.scaling import Scaling, standardize, unscaled
from downslope.settings import check_names
from downslope.sources.memory import MemoryRows, Rows
from downslope.targets import RANGES, class_weights, signs
from downslope.training import Settings, Trained, answer, user_trace, weight_names

Array = Any
KEPT_ROWS = 10_000
"""Rows that a fitted model keeps for its diagnosis."""


def is_far(X: Any) -> bool:
    """Whether rows are a Dask collection."""
    return type(X).__module__.startswith("dask.array") or _is_frame(X)


def _is_frame(X: Any) -> bool:
    return type(X).__module__.startswith(("dask.dataframe", "dask_expr"))


def fit_far(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> None:
    """Fit a linear estimator to Dask rows by the round bowl.

    Raises
    ------
    PairError
        For settings that step on single rows.
    InputError
        If a cell is missing, infinite, or outside what the loss knows.
    """
    from downslope.sources.dask import dask_rows

    check_names(estimator.rule, estimator.scaling)
    names = [str(name) for name in X.columns] if _is_frame(X) else []
    rows, n_outputs, weighted = dask_rows(X, y, sample_weight), 1, sample_weight is not None
    if "class_weight" in vars(estimator):
        classes = estimator.classes_ = _classes_of(rows)
        if estimator.class_weight is not None:
            factors = _factors(rows, classes, estimator.class_weight)
            rows, weighted = rows.map(partial(_class_weighted, classes, factors)), True
        n_outputs = 1 if len(classes) == 2 else len(classes)
        rows = rows.map(partial(_coded, classes, estimator.loss))
    weight = _checked(rows, estimator.loss)
    if weighted:
        rows = rows.map(partial(_reweighted, rows.n_rows / weight))
    estimator.n_features_in_ = rows.n_features
    if names:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    seed = int(np.random.RandomState(estimator.random_state).randint(2**31 - 1))
    trained = train_far(rows, estimator._settings(n_outputs, seed))
    estimator._keep(trained, in_parts=False)


def train_far(source: Any, settings: Settings, log: Log | None = None) -> Trained:
    """``training.train`` without a learning rate, for rows from anywhere.

    Parameters
    ----------
    source : Source
        With a ``map``: ``BlockRows`` or ``DaskRows``.
    settings : Settings
    log : Log, optional
        Keeps what passes gave.
    """
    if (settings.rule, settings.learning_rate) != ("auto", "auto") or settings.batch_size not in (
        "auto",
        None,
    ):
        raise PairError(
            "Rows on a cluster are fitted without a learning rate; leave rule, learning_rate and "
            "batch_size as they are, or bring the rows into memory."
        )
    scaling = unscaled(source.n_features)
    if settings.scaling != "none":
        scaling = standardize(source, with_center=settings.fit_intercept)
    penalised, raw = settings.penalty != NO_PENALTY, unscaled(source.n_features)
    given = scaling if penalised else raw
    rows = source.map(partial(scaled, given)) if penalised else source
    problem = _objective(rows, settings)
    solver = SolverSettings(
        tol=settings.tol if isinstance(settings.tol, float) else None,
        most_passes=settings.max_iter,
        seed=settings.seed,
        log=log,
    )
    result = run_far(
        problem, raw if given is scaling else scaling, solver, names=weight_names(settings)
    )
    history = user_trace(result.trace, scaling, settings.n_outputs)
    w = answer(result, scaling, settings)
    few = MemoryRows(*source.sample(KEPT_ROWS, settings.seed)[:3])
    why = "None: in a bowl that is made round first, a step of 1 is right."
    n = source.n_rows
    return Trained(w, result, history, scaling, few, Plain(), RoundRate(), why, n, settings)


def scaled(scaling: Scaling, rows: Rows) -> Rows:
    """A block on another scale."""
    return rows._replace(X=scaling.apply(rows.X))


def _objective(rows: Source, settings: Settings) -> Objective:
    return Objective(
        rows, settings.loss, settings.penalty, settings.fit_intercept, settings.n_outputs
    )


def _classes_of(rows: Any) -> Array:
    classes = np.array(sorted(rows.total(_classes).labels))
    if len(classes) < 2:
        raise InputError(f"y holds the class {classes[0]!r} only; a classifier needs two or more.")
    return classes


class _Labels:
    """Classes met so far; two of them add up to their union."""

    def __init__(self, labels: set[Any]) -> None:
        self.labels = labels

    def __add__(self, other: "_Labels") -> "_Labels":
        return _Labels(self.labels | other.labels)


def _classes(rows: Rows) -> _Labels:
    return _Labels(set(np.unique(rows.y).tolist()))


def _coded(classes: Array, loss: str, rows: Rows) -> Rows:
    codes = np.searchsorted(classes, rows.y)
    softmax = loss == "log_loss" and len(classes) > 2
    return rows._replace(y=codes if softmax else signs(codes, len(classes)).y)


def _factors(rows: Any, classes: Array, class_weight: Any) -> Array:
    """Weight of each class, in the order of ``classes``."""
    totals, codes = rows.total(partial(_class_totals, classes)), np.arange(len(classes))
    factors = class_weights(class_weight, classes, codes, totals)
    assert factors is not None  # there is a class_weight
    return factors


def _class_totals(classes: Array, rows: Rows) -> Array:
    codes = np.searchsorted(classes, rows.y)
    return np.bincount(codes, weights=rows.weights, minlength=len(classes))


def _class_weighted(classes: Array, factors: Array, rows: Rows) -> Rows:
    each = factors[np.searchsorted(classes, rows.y)]
    return rows._replace(weights=each if rows.weights is None else each * rows.weights)


def _reweighted(factor: float, rows: Rows) -> Rows:
    assert rows.weights is not None  # there are weights to bring to a mean of 1
    return rows._replace(weights=np.asarray(rows.weights, dtype=float) * factor)


def _checked(rows: Any, loss: str) -> float:
    """Sum of the weights; cells that are no number, and targets out of range, are refused."""
    lowest, words = RANGES.get(loss, (-np.inf, ""))
    bad, weight, below = rows.total(partial(_sums, lowest))
    if bad:
        raise InputError(
            f"{int(bad):,} cells of X or y are missing or infinite; fill or drop such rows first."
        )
    if below:
        raise InputError(
            f"loss={loss!r} needs targets {words}, but {int(below):,} are lower; drop such rows "
            "or use loss='squared_error'."
        )
    return float(weight)


def _sums(lowest: float, rows: Rows) -> tuple[float, float, float]:
    X, y = np.asarray(rows.X, dtype=float), np.asarray(rows.y, dtype=float)
    weight = len(y) if rows.weights is None else float(np.sum(rows.weights))
    bad = np.count_nonzero(~np.isfinite(X)) + np.count_nonzero(~np.isfinite(y))
    return float(bad), float(weight), float(np.count_nonzero(y < lowest))
