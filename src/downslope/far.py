"""Estimators on rows that are not in this memory: Dask collections, tensors on a GPU.

The rows stay where they are; what moves is a few numbers per weight and pass.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from downslope.bowl.methods import why_no_rate
from downslope.bowl.pass_log import Checkpointing, PassLog
from downslope.bowl.rate_free import RoundRate, run_far
from downslope.bowl.smooth import Settings as SolverSettings
from downslope.checkpoint import fingerprint
from downslope.clock import time_limit
from downslope.errors import InputError, PairError, SettingError
from downslope.estimating import on_screen
from downslope.labels import at_least_two
from downslope.objective import Objective, Source
from downslope.rules import Plain
from downslope.scaling import Scaling, standardize, unscaled
from downslope.settings import check_names
from downslope.sources.device import DeviceRows, is_tensor
from downslope.sources.memory import MemoryRows, Rows
from downslope.sources.weights import (
    WeightSums,
    check_shape,
    class_weights,
    sample_weights,
    sums_of_rows,
)
from downslope.stopping import Reason, Sight
from downslope.targets import RANGES, signs
from downslope.training import Settings, Trained, answer, user_trace, weight_names

Array = Any
KEPT_ROWS = 10_000
"""Rows that a fitted model keeps for its diagnosis."""


def is_far(X: Any) -> bool:
    """Whether rows are a Dask collection or a PyTorch tensor."""
    return on_cluster(X) or is_tensor(X)


def on_cluster(X: Any) -> bool:
    """Whether rows are a Dask collection."""
    return type(X).__module__.startswith("dask.array") or _is_frame(X)


def _is_frame(X: Any) -> bool:
    return type(X).__module__.startswith(("dask.dataframe", "dask_expr"))


def fit_far(estimator: Any, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None) -> None:
    """Fit a linear estimator to rows on a cluster or a device by the round bowl.

    Raises
    ------
    PairError
        For settings that step on single rows, or that look at rows kept aside.
    InputError
        If a cell is missing, infinite, or outside what the loss knows.
    SettingError
        If there is no such device, or PyTorch is missing.
    """
    check_names(estimator.rule, estimator.scaling)
    _refuse_readers(estimator, X_val)
    rows, n_outputs = far_rows(estimator, X, y, sample_weight)
    settings = estimator._settings(n_outputs, seed_of(estimator))
    each_epoch = on_screen if estimator.verbose else None
    trained = train_far(rows, settings, checkpoint_of(estimator), each_epoch)
    estimator._keep(trained, in_parts=False)


def far_rows(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> tuple[Any, int]:
    """Rows as the estimator's loss takes them, weights of mean 1, and raw predictions per row.

    The estimator learns its classes and the names of its columns.
    """
    if is_tensor(X) or isinstance(X, np.ndarray):
        rows, classes = _on_device(estimator, X, y, sample_weight)
    else:
        rows, classes = _on_cluster(estimator, X, y, sample_weight)
    n_outputs, weighted = 1, sample_weight is not None
    if classes is not None:
        if estimator.class_weight is not None:
            if weighted:
                rows.total(sums_of_rows).checked()
            each = _factors(rows, classes, estimator)
            rows, weighted = rows.map(partial(_class_weighted, classes, each)), True
        n_outputs = 1 if len(classes) == 2 else len(classes)
        rows = rows.map(partial(_coded, classes, estimator.loss))
    weight = _checked(rows, estimator.loss)
    if weighted:
        rows = rows.map(partial(_reweighted, weight / rows.n_rows))
    return _held(rows), n_outputs


def _on_device(estimator: Any, X: Any, y: Any, weights: Any) -> tuple[DeviceRows, Array | None]:
    """Rows as tensors and, for a classifier, the numbers of its classes; targets are such."""
    numbers = None
    if "class_weight" in vars(estimator):
        estimator.classes_, y = np.unique(np.asarray(_here(y)), return_inverse=True)
        at_least_two(estimator.classes_)
        numbers = np.arange(len(estimator.classes_))
    if is_tensor(weights):  # checked where it is, with the rows
        check_shape(tuple(weights.shape), len(X))
    else:
        weights = sample_weights(weights, len(X))
    rows = _sent(X, y, weights, vars(estimator).get("device"))
    if is_tensor(X):  # arrays have been counted, with their names, when they were checked
        estimator.n_features_in_ = rows.n_features
    return rows, numbers


def rows_on(device: str, X: Array, y: Array, loss: str, n_classes: int = 0) -> DeviceRows:
    """Dense rows on a device, for ``train_far``; targets are numbers, or numbers of classes.

    Raises
    ------
    InputError
        If a cell is missing or infinite.
    SettingError
        If there is no such device, or PyTorch is missing.
    """
    rows = _sent(X, y, None, device)
    return rows.map(partial(_coded, np.arange(n_classes), loss)) if n_classes else rows


def _sent(X: Any, y: Any, weights: Any, device: str | None) -> DeviceRows:
    try:
        from downslope.bowl.device_passes import device_rows
    except ImportError:
        raise SettingError(
            f"device={device!r} needs PyTorch; install it (pip install 'downslope[torch]'), or "
            "leave device out."
        ) from None
    return device_rows(X, y, weights, device)


def _on_cluster(estimator: Any, X: Any, y: Any, weights: Any) -> tuple[Any, Array | None]:
    """Rows of Dask collections and, for a classifier, its classes."""
    from downslope.sources.dask import dask_rows

    rows, classes = dask_rows(X, y, weights), None
    if "class_weight" in vars(estimator):
        estimator.classes_ = classes = _classes_of(rows)
    estimator.n_features_in_ = rows.n_features
    if _is_frame(X):
        estimator.feature_names_in_ = np.array([str(name) for name in X.columns], dtype=object)
    return rows, classes


def _held(rows: Any) -> Any:
    """Rows of a cluster in the memory of its workers; others as they are."""
    if isinstance(rows, DeviceRows):
        return rows
    from downslope.sources.dask import keep_on_workers

    return keep_on_workers(rows)


def checkpoint_of(estimator: Any) -> Checkpointing | None:
    """Where an estimator is asked to keep its run, if it is."""
    asked = vars(estimator)
    if asked.get("checkpoint") is None:
        return None
    return Checkpointing(Path(asked["checkpoint"]), float(asked["every"]), bool(asked["resume"]))


def seed_of(estimator: Any) -> int:
    """A number that stands for ``random_state``; None gives the same one to runs that are kept."""
    asked = estimator.random_state
    if asked is None and vars(estimator).get("checkpoint") is not None:
        return 0
    return int(check_random_state(asked).randint(2**31 - 1))


def _refuse_readers(estimator: Any, X_val: Any) -> None:
    asked = vars(estimator)
    if X_val is not None or "_skl_callbacks" in asked:
        raise PairError(
            "Callbacks and validation rows need rows in memory; leave them out for rows on a "
            "cluster or a device."
        )
    named = [name for name in ("early_stopping", "warm_start", "average") if asked.get(name)]
    if named:
        raise PairError(
            f"{named[0]}={asked[named[0]]!r} needs rows in memory; leave it out for rows on a "
            "cluster or a device."
        )


def _here(y: Any) -> Any:
    return y.cpu().numpy() if is_tensor(y) else y


def train_far(
    source: Any,
    settings: Settings,
    checkpoint: Checkpointing | None = None,
    each_epoch: Callable[[Sight], Reason | None] | None = None,
) -> Trained:
    """``training.train`` without a learning rate, for rows from anywhere.

    Parameters
    ----------
    source : Source
        With a ``map``: ``BlockRows``, ``DaskRows`` or ``DeviceRows``.
    settings : Settings
    checkpoint : Checkpointing, optional
        Where the run is kept, so that it can go on after a crash.
    each_epoch : callable, optional
        As for ``training.train``.
    """
    if (settings.rule, settings.learning_rate) != ("auto", "auto") or settings.batch_size not in (
        "auto",
        None,
    ):
        raise PairError(
            "Rows on a cluster or a device are fitted without a learning rate; leave rule, "
            "learning_rate and batch_size as they are, or bring the rows into memory."
        )
    scaling = unscaled(source.n_features)
    if settings.scaling != "none":
        scaling = standardize(source, with_center=settings.fit_intercept)
    log = None
    if checkpoint is not None:
        # Sums over all columns stand for the rows, which are too many to be hashed here.
        sums = [scaling.center, scaling.scale, np.asarray(_moments(source))]
        log = checkpoint.of_passes(fingerprint(sums, {"settings": repr(settings)}))
    few = source.sample(KEPT_ROWS, settings.seed)
    return free_of_rates(source, settings, scaling, few, log, each_epoch)


def free_of_rates(
    source: Any,
    settings: Settings,
    scaling: Scaling,
    few: Rows,
    log: PassLog | None = None,
    each_epoch: Callable[[Sight], Reason | None] | None = None,
) -> Trained:
    """A fit to rows from anywhere by the solver that needs no learning rate.

    Parameters
    ----------
    source : Source
        With a ``map``.
    settings : Settings
    scaling : Scaling
        In whose units the run is told, and weights penalised.
    few : Rows
        Some of the rows, for whoever reads the fit.
    log : PassLog, optional
        Where the passes are kept.
    each_epoch : callable, optional
        As for ``training.train``.
    """
    problem = _objective(source, settings)
    solver = SolverSettings(
        tol=settings.tol if isinstance(settings.tol, float) else None,
        most_passes=settings.max_iter,
        seed=settings.seed,
        log=log,
    )
    with time_limit(settings.max_seconds):
        result = run_far(problem, scaling, solver, names=weight_names(settings), show=each_epoch)
    history = user_trace(result.trace, scaling, settings.n_outputs)
    w = answer(result, scaling, settings)
    why = why_no_rate(result.method)
    n, rows = source.n_rows, MemoryRows(*few[:3])
    if rows.n_rows > KEPT_ROWS:
        rows = MemoryRows(*rows.sample(KEPT_ROWS, settings.seed)[:3])
    return Trained(w, result, history, scaling, rows, Plain(), RoundRate(), why, n, settings)


def scaled(scaling: Scaling, rows: Rows) -> Rows:
    """A block on another scale, in float64 however its numbers are kept."""
    return rows._replace(X=scaling.apply(np.asarray(rows.X, dtype=np.float64)))


def _objective(rows: Source, settings: Settings) -> Objective:
    return Objective(
        rows, settings.loss, settings.penalty, settings.fit_intercept, settings.n_outputs
    )


def _moments(source: Any) -> Array:
    """Rows, sum of the weights, of the targets, of their squares, and of the cells."""
    return source.total(_sums_of_targets)


def _sums_of_targets(rows: Rows) -> Array:
    y = np.asarray(rows.y, dtype=float)
    weight = len(y) if rows.weights is None else float(np.sum(rows.weights))
    cells = float(np.asarray(rows.X).sum(dtype=float))
    return np.array([len(y), weight, y.sum(), (y * y).sum(), cells])


def _classes_of(rows: Any) -> Array:
    return at_least_two(np.array(sorted(rows.total(_classes).labels)))


class _Labels:
    """Classes met so far; two of them add up to their union."""

    def __init__(self, labels: set[Any]) -> None:
        self.labels = labels

    def __add__(self, other: "_Labels") -> "_Labels":
        return _Labels(self.labels | other.labels)


def _classes(rows: Rows) -> _Labels:
    return _Labels(set(np.unique(rows.y).tolist()))


def _coded(classes: Array, loss: str, rows: Rows) -> Rows:
    codes, k = _codes(classes, rows.y), len(classes)
    if loss == "log_loss" and k > 2:
        return rows._replace(y=codes)
    return rows._replace(y=_like(rows.y, signs(np.arange(k), k).y[_here(codes)]))


def _codes(classes: Array, y: Any) -> Any:
    """Number of each row's class; on a device targets are such numbers from the start."""
    return y.long() if is_tensor(y) else np.searchsorted(classes, y)


def _like(y: Any, array: Array) -> Any:
    """An array where ``y`` is."""
    return y.new_tensor(array) if is_tensor(y) else array


def _factors(rows: Any, numbers: Array, estimator: Any) -> Array:
    """Weight of each class; ``numbers`` are how the targets of the rows name them."""
    totals, classes = rows.total(partial(_class_totals, numbers)), estimator.classes_
    each = class_weights(estimator.class_weight, classes, np.arange(len(classes)), totals)
    assert each is not None  # there is a class_weight
    return each


def _class_totals(classes: Array, rows: Rows) -> Array:
    codes = np.searchsorted(classes, rows.y)
    return np.bincount(codes, weights=rows.weights, minlength=len(classes))


def _class_weighted(classes: Array, each: Array, rows: Rows) -> Rows:
    mine = _like(rows.y, each)[_codes(classes, rows.y)]
    return rows._replace(weights=mine if rows.weights is None else mine * rows.weights)


def _reweighted(mean: float, rows: Rows) -> Rows:
    assert rows.weights is not None  # there are weights to bring to a mean of 1
    return rows._replace(weights=rows.weights / mean)


def _checked(rows: Any, loss: str) -> float:
    """Sum of the weights; they, the cells, and the range of the targets are checked."""
    lowest, words = RANGES.get(loss, (-np.inf, ""))
    bad, weights, below = rows.total(partial(_sums, lowest))
    if bad:
        raise InputError(
            f"{int(bad):,} cells of X or y are missing or infinite; fill or drop such rows first."
        )
    if below:
        raise InputError(
            f"loss={loss!r} needs targets {words}, but {int(below):,} are lower; drop such rows "
            "or use loss='squared_error'."
        )
    return float(weights.checked().total)


def _sums(lowest: float, rows: Rows) -> tuple[float, WeightSums, float]:
    X, y = np.asarray(rows.X, dtype=float), np.asarray(rows.y, dtype=float)
    bad = np.count_nonzero(~np.isfinite(X)) + np.count_nonzero(~np.isfinite(y))
    return float(bad), sums_of_rows(rows), float(np.count_nonzero(y < lowest))
