"""From a table to a trained and judged model: what ``downslope fit`` does between its two ends.

table -> understand -> split -> encode -> train -> judge on rows kept aside -> explain
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from downslope.bowl.pass_log import Checkpointing
from downslope.errors import InputError, PairError
from downslope.fitting.asked import Ask, settings_for, settings_in_words, settled
from downslope.fitting.model import Model, Told, outputs
from downslope.fitting.references import Reference, reference
from downslope.fitting.scores import accuracy, log_loss, r2, typical_error
from downslope.fitting.sizes import check_numbers, refuse_enormous
from downslope.kernels.making import stopwatch
from downslope.objective import Objective
from downslope.sources.memory import MemoryRows
from downslope.stopping import INTERRUPTED, Reason, Sight, interrupted
from downslope.tables import Encoder, Table, Understood, split, understand
from downslope.targets import check_range, signs
from downslope.training import Settings, Trained, train

__all__ = [  # what a person asks is told in ``asked``; people find it here
    "Ask",
    "Fit",
    "Prepared",
    "Scored",
    "fit",
    "prepare",
    "rows_for",
    "settings_for",
    "settings_in_words",
    "settled",
    "shaped",
]

Array = Any
FEW_COLUMNS, MANY_ROWS = 500, 1_000_000
"""Sparse rows up to here are written out: the solver that needs no rate is faster on dense ones."""


@dataclass(frozen=True)
class Scored:
    """One score of the model, and of the reference solution on the same rows."""

    name: str
    value: float
    reference: float | None
    higher_is_better: bool


@dataclass(frozen=True)
class Prepared:
    """A table ready to be learned from.

    Attributes
    ----------
    ask : Ask
        With the choices that were left open made.
    view : Understood
    encoder : Encoder
        Learned from the rows to learn from only.
    names : tuple of str
        Features.
    X, y : arrays
        Features and targets of all rows; classes as numbers.
    learned, kept_aside : arrays of int
        Rows.
    counts : tuple of (int, int) or None
        Rows learned from and kept aside, where ``X`` and ``y`` are a sample of them.
    settings : Settings
        Of the training.
    notes : tuple of str
        What a person should know, in sentences.
    """

    ask: Ask
    view: Understood
    encoder: Encoder
    names: tuple[str, ...]
    X: Array
    y: Array
    learned: Array
    kept_aside: Array
    settings: Settings
    notes: tuple[str, ...]
    counts: tuple[int, int] | None = None

    @property
    def n_learned(self) -> int:
        """How many rows were learned from."""
        return len(self.learned) if self.counts is None else self.counts[0]

    @property
    def n_aside(self) -> int:
        """How many rows were kept aside."""
        return len(self.kept_aside) if self.counts is None else self.counts[1]

    @property
    def task(self) -> str:
        """``"regression"``, ``"binary"`` or ``"multiclass"``."""
        return self.view.target.task

    @property
    def judged_on(self) -> Array:
        """Rows that scores are about: those kept aside, or where there are none, all."""
        return self.kept_aside if len(self.kept_aside) else self.learned

    @property
    def deviations(self) -> Array:
        """Standard deviation of each feature over the rows learned from."""
        return np.sqrt(np.maximum(spreads(self.X[self.learned]), 0.0))


@dataclass(frozen=True)
class Fit:
    """A fit and everything there is to tell about it, wherever its rows came from.

    Attributes
    ----------
    data : Prepared
    trained : Trained
    coefficients : array of shape (n_outputs, n_features), in the units of the table
    intercepts : array of shape (n_outputs,)
    reference : Reference or None
        Another solution of the same problem, on the scaled columns.
    seconds : float
        Spent on training.
    scores : tuple of Scored
        On the rows kept aside, or where there are none, on those learned from.
    """

    data: Prepared
    trained: Trained
    coefficients: Array
    intercepts: Array
    reference: Reference | None
    seconds: float
    scores: tuple[Scored, ...] = ()

    @property
    def reason(self) -> Reason:
        """Why training ended."""
        return self.trained.result.reason

    @property
    def value(self) -> float:
        """The objective reached."""
        return float(self.trained.result.trace["value"][-1])

    @property
    def bound(self) -> float:
        """How far above the lowest that may be; NaN where the method tells none."""
        return self.trained.result.bound

    @property
    def passes(self) -> int:
        """Reads of the rows while training."""
        state = self.trained.result.state
        return int(self.trained.history["epoch"][-1]) if state is None else state.epoch

    def score(self, name: str) -> float:
        """One of the scores: ``"R²"``, ``"typical error"``, ``"accuracy"`` or ``"log loss"``."""
        return next(score.value for score in self.scores if score.name == name)

    @property
    def problem(self) -> Objective:
        """What was minimised, on the scaled columns: on all rows, or on a sample of a stream."""
        assert self.trained.problem is not None  # only a model that was pickled lacks it
        return self.trained.problem

    def reference_weights(self) -> tuple[Array, Array] | None:
        """Coefficients and intercepts of the reference solution, in the units of the table."""
        if self.reference is None:
            return None
        n_outputs = self.trained.settings.n_outputs
        w = self.trained.scaling.to_user(self.reference.w, n_outputs)
        return shaped(w, len(self.data.names), self.data.ask.fit_intercept)

    def predict(self, rows: Array) -> tuple[Array, Array | None]:
        """Values (or class numbers) and probabilities of some rows."""
        z = np.asarray(self.data.X[rows] @ self.coefficients.T + self.intercepts)
        return outputs(self.data.ask.loss, self.trained.settings.loss.parameter, self.data.task, z)

    def model(self, findings: tuple[Told, ...] = (), scores: dict[str, str] | None = None) -> Model:
        """The model to keep."""
        loss = self.trained.settings.loss
        return Model(
            task=self.data.task,
            target=self.data.view.target.name,
            classes=self.data.view.target.classes,
            loss=self.data.ask.loss,
            parameter=loss.parameter,
            encoder=self.data.encoder,
            names=self.data.names,
            coefficients=self.coefficients,
            intercepts=self.intercepts,
            asked=settings_in_words(self.data.ask),
            ended=(self.reason.name, self.reason.sentence, self.reason.converged),
            scores=scores or {},
            findings=findings,
            notes=self.data.notes,
            trace=self.trained.history,
        )


def prepare(table: Table, ask: Ask) -> Prepared:
    """Understand a table, keep rows aside, and encode it by what the others hold.

    Raises
    ------
    InputError, SettingError
        In a sentence.
    """
    view = understand(
        table,
        ask.target,
        features=ask.features,
        drop=ask.drop,
        task=ask.task,
        kinds=dict(ask.kinds),
    )
    ask, y = settled(ask, view), view.target.y
    learned, kept_aside = split(len(y), ask.test_size, ask.seed)
    encoder = Encoder.learn(view, learned)
    check_numbers(view.table.name, view.table.n_rows, encoder)
    X, names, notes = encoder.encode(view.table)
    refuse_enormous(X, y, names, view.target.name)
    settings, notes = settings_for(ask, view, names), (*view.notes, *notes)
    return Prepared(ask, view, encoder, names, X, y, learned, kept_aside, settings, notes)


def fit(
    data: Prepared,
    each_epoch: Callable[[Sight], Reason | None] | None = None,
    checkpoint: Checkpointing | None = None,
    device: str | None = None,
) -> Fit:
    """Train a model and judge it.

    Parameters
    ----------
    data : Prepared
    each_epoch : callable, optional
        Shown the run after every pass over the rows; a reason that it answers ends the run.
    checkpoint : Checkpointing, optional
        Where the run is kept, so that it can go on after a crash.
    device : str, optional
        Where the passes run, such as ``"cuda"``; PyTorch does the work there.

    Raises
    ------
    InputError, SettingError, PairError
        In a sentence, before anything is trained.

    Examples
    --------
    >>> from downslope.tables import read_table
    >>> x = [float(k) for k in range(20)]
    >>> table = read_table({"x": x, "y": [3 * a + 1 for a in x]})
    >>> done = fit(prepare(table, Ask("y")))
    >>> done.coefficients.round(6), done.scores[0].name, round(done.scores[0].value, 6)
    (array([[3.]]), 'R²', 1.0)
    """
    began = stopwatch()
    if device is None:
        trained = train(rows_for(data), data.settings, each_epoch=each_epoch, checkpoint=checkpoint)
    else:
        trained = train_on(device, data, checkpoint)
    return judged(fit_of(data, trained, stopwatch() - began))


def fit_of(data: Prepared, trained: Trained, seconds: float) -> Fit:
    """A fit that is not judged yet.

    Raises
    ------
    InputError
        If the weights are not finite.
    """
    coefficients, intercepts = shaped(trained.w, len(data.names), data.ask.fit_intercept)
    if not (np.isfinite(coefficients).all() and np.isfinite(intercepts).all()):
        raise InputError(
            f"{data.view.table.name}: training ended in weights that are not finite, so there is "
            "no model; look for cells of enormous size, use --scaling standardize, or a smaller "
            "learning rate."
        )
    problem, other = trained.problem, None
    assert problem is not None  # it was trained just now
    if trained.result.reason != INTERRUPTED:  # nobody who interrupts waits for another solver
        try:
            other = reference(problem)
        except KeyboardInterrupt:
            trained = trained.ended(interrupted())
    few = problem.source.n_rows
    if other is not None and few < data.n_learned:
        other = replace(other, name=f"{other.name} of {few:,} rows")
    return Fit(data, trained, coefficients, intercepts, other, seconds)


def train_on(device: str, data: Prepared, checkpoint: Checkpointing | None = None) -> Trained:
    """``train`` on a device; what reads the fit afterwards reads the rows here.

    Raises
    ------
    PairError
        For sparse rows, and for settings that step on some rows at a time.
    SettingError
        If there is no such device, or PyTorch is missing.
    """
    from downslope.far import rows_on, train_far

    near = rows_for(data)
    if not isinstance(near.X, np.ndarray):
        raise PairError(
            f"device={device!r} takes dense rows, and those of {data.view.table.name} are sparse, "
            f"{near.n_features:,} columns; leave device out."
        )
    classes = 0 if data.task == "regression" else max(len(data.view.target.classes), 2)
    rows = rows_on(device, near.X, data.y[data.learned], data.ask.loss, classes)
    return replace(train_far(rows, data.settings, checkpoint), rows=near)


def rows_for(data: Prepared) -> MemoryRows:
    """Rows to learn from, their targets as the loss sees them."""
    X, y, loss = data.X[data.learned], data.y[data.learned], data.settings.loss
    if not isinstance(X, np.ndarray) and X.shape[1] <= FEW_COLUMNS and X.shape[0] <= MANY_ROWS:
        X = X.toarray()
    if data.task == "regression":
        check_range(data.ask.loss, y)
        return MemoryRows(X, y)
    if loss.link == "softmax":
        return MemoryRows(X, y)
    return MemoryRows(X, signs(y, max(len(data.view.target.classes), 2)).y)


def shaped(w: Array, n_features: int, fit_intercept: bool) -> tuple[Array, Array]:
    """Flat weights as coefficients (outputs, features) and intercepts (outputs,)."""
    W = np.asarray(w, dtype=float).reshape(n_features + fit_intercept, -1)
    intercepts = W[n_features].copy() if fit_intercept else np.zeros(W.shape[1])
    return W[:n_features].T.copy(), intercepts


def spreads(X: Array) -> Array:
    """Variance of each column, of dense and of sparse rows."""
    if isinstance(X, np.ndarray):
        return X.var(axis=0)
    mean, square = (np.asarray(part.mean(axis=0)).ravel() for part in (X, X.multiply(X)))
    return square - mean**2


def judged(done: Fit) -> Fit:
    """The fit with its scores."""
    rows = done.data.judged_on
    ours = measured(done, *done.predict(rows))
    weights, theirs = done.reference_weights(), None
    if weights is not None:
        other = replace(done, coefficients=weights[0], intercepts=weights[1])
        theirs = measured(other, *other.predict(rows))
    return replace(done, scores=scored(ours, theirs))


HIGHER_IS_BETTER = ("R²", "accuracy")


def scored(ours: dict[str, float], theirs: dict[str, float] | None) -> tuple[Scored, ...]:
    """Scores of a model beside those of the reference solution."""
    return tuple(
        Scored(name, value, None if theirs is None else theirs[name], name in HIGHER_IS_BETTER)
        for name, value in ours.items()
    )


def measured(done: Fit, values: Array, probability: Array | None) -> dict[str, float]:
    """Scores of predictions, by name."""
    y = done.data.y[done.data.judged_on]
    if done.data.task == "regression":
        return {"R²": r2(y, values), "typical error": typical_error(y, values)}
    found = {"accuracy": accuracy(y, values)}
    return found if probability is None else found | {"log loss": log_loss(y, probability)}
