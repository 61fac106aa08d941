"""PyTorch modules as scikit-learn estimators, trained by ``modules.train``."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from downslope.labels import at_least_two, class_codes, likeliest
from downslope.losses import make_loss, predict_mean
from downslope.modules.problem import OnBatch
from downslope.modules.training import train
from downslope.rates import Rate
from downslope.rules import Rule
from downslope.settings import CLASSIFICATION, REGRESSION
from downslope.sources.weights import row_weights, sample_weights
from downslope.targets import check_log_odds, check_range, of_log_odds, signs

Array = Any
MakeModule = Callable[[int, int], torch.nn.Module]
CONSTRAINTS: dict[str, Any] = {
    "module": [callable],
    "batch_size": [Interval(Integral, 1, None, closed="left"), None],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
    "patience": [Interval(Integral, 1, None, closed="left"), None],
    "device": [str],
    "random_state": ["random_state"],
}
ROWS = {"dtype": (np.float32, np.float64)}
BLOCK_ROWS = 4096
"""Rows per forward pass of a prediction."""


class ModuleTraining(BaseEstimator):  # type: ignore[misc]
    """What both wrappers share: a fresh module, the run, and what is known after it."""

    def _train(self, loss: Any, X: Array, y: Array, n_outputs: int, weights: Array | None) -> None:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        weights, kept = row_weights(weights)
        X, y = X[kept], y[kept]
        weights = np.ones(len(y), X.dtype) if weights is None else weights.astype(X.dtype)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            module = self.module(X.shape[1], n_outputs)
        dtype = torch.float64 if X.dtype == np.float64 else torch.float32
        self.module_ = module.to(self.device, dtype)
        rows, held = self._parts((X, y, weights), seed)
        self.result_ = train(
            self.module_,
            on_rows(loss),
            rows,
            rule=self.rule,
            rate=self.rate,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            validation=held,
            patience=self.patience,
            seed=seed,
        )
        self.history_, self.reason_ = self.result_.trace, self.result_.reason
        state = self.result_.state
        self.n_iter_ = 1 if state is None else max(1, state.epoch)
        self.module_.eval()

    def _parts(self, rows: tuple[Array, ...], seed: int) -> tuple[Any, Any]:
        """Rows to train on, and rows kept aside where that is asked for."""
        if self.validation_fraction is None:
            return rows, None
        order = np.random.default_rng(seed).permutation(len(rows[0]))
        n = max(1, round(self.validation_fraction * len(order)))
        return tuple(part[order[n:]] for part in rows), tuple(part[order[:n]] for part in rows)

    def _raw(self, X: Array) -> Array:
        """Raw predictions, (n_samples,) where there is one per row."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **ROWS)
        parameter = next(self.module_.parameters())
        inputs = torch.tensor(X, dtype=parameter.dtype, device=parameter.device)
        with torch.no_grad():
            z = torch.cat([self.module_(part) for part in inputs.split(BLOCK_ROWS)])
        output: Array = z.cpu().numpy()
        return output[:, 0] if output.ndim == 2 and output.shape[1] == 1 else output


def on_rows(loss: Any) -> OnBatch:
    """A loss of ours on batches (inputs, targets, weights)."""

    def on_batch(module: torch.nn.Module, batch: Any) -> torch.Tensor:
        inputs, target, weights = batch
        z = module(inputs)
        z = z[:, 0] if z.ndim == 2 and target.ndim == 1 and z.shape[1] == 1 else z
        losses = loss.value(z, target)
        per_row = losses if losses.ndim == 1 else losses.mean(1)
        return (per_row * weights).mean()

    return OnBatch(on_batch)


class ModuleRegressor(RegressorMixin, ModuleTraining):  # type: ignore[misc]
    """Regression by any PyTorch module.

    Parameters
    ----------
    module : callable
        ``module(n_features, n_outputs)`` makes a fresh module; a class or a function. float32
        columns (default of PyTorch) are faster; float64 columns make it a float64 module.
    loss : str, default "squared_error"
        As in ``DescentRegressor``, on what the module puts out.
    rule : str or Rule, default "adam"
    rate : float, Rate or "auto", default "auto"
        As in ``modules.train``: found by trying, warmed up to, falling to 0.
    batch_size : int or None, default 128
        Rows per step; None for all.
    max_epochs : int, default 20
    validation_fraction : float or None, default None
        Share of the rows kept aside; the weights with their lowest loss are kept.
    patience : int or None, default None
        Passes without a lower validation loss that end the run.
    device : str, default "cpu"
        Where to train: "cpu", "cuda", "cuda:1", "mps".
    random_state : int, RandomState or None

    Attributes
    ----------
    module_ : torch.nn.Module
        The trained module, in evaluation mode.
    history_, reason_, result_ : Trace, Reason, Result
        The run.
    n_iter_ : int
        Passes over the rows.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1.0, 3.0, 5.0, 7.0])
    >>> model = ModuleRegressor(torch.nn.Linear, rule="plain", rate=0.3, max_epochs=150)
    >>> model.fit(X, y).predict([[10.0]]).round(2)
    array([21.])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS | {
        "loss": [StrOptions(set(REGRESSION))]
    }

    def __init__(
        self,
        module: MakeModule,
        *,
        loss: str = "squared_error",
        rule: str | Rule = "adam",
        rate: float | str | Rate = "auto",
        batch_size: int | None = 128,
        max_epochs: int = 20,
        validation_fraction: float | None = None,
        patience: int | None = None,
        device: str = "cpu",
        random_state: Any = None,
    ) -> None:
        self.module = module
        self.loss = loss
        self.rule = rule
        self.rate = rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "ModuleRegressor":
        """Train a fresh module on ``X`` (n_samples, n_features) and ``y`` (n_samples,)."""
        X, y = validate_data(self, X, y, y_numeric=True, multi_output=True, **ROWS)
        sample_weight = sample_weights(sample_weight, len(y))
        y = y.astype(X.dtype)
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        check_range(self.loss, y)
        self._train(make_loss(self.loss), X, y, 1 if y.ndim == 1 else y.shape[1], sample_weight)
        return self

    def predict(self, X: Array) -> Array:
        """Predicted targets, shape (n_samples,) or (n_samples, n_outputs)."""
        return predict_mean(make_loss(self.loss), self._raw(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class ModuleClassifier(ClassifierMixin, ModuleTraining):  # type: ignore[misc]
    """Classification by any PyTorch module: raw predictions, no softmax at its end.

    ``module(n_features, n_outputs)`` is asked for one output for two classes, else for one per
    class.

    Parameters
    ----------
    loss : str, default "log_loss"
        As in ``DescentClassifier``.
    module, rule, rate, batch_size, max_epochs, validation_fraction, patience, device, random_state
        As in ``ModuleRegressor``.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    module_, history_, reason_, result_, n_iter_
        As in ``ModuleRegressor``.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), ["no", "no", "yes", "yes"]
    >>> model = ModuleClassifier(torch.nn.Linear, rule="plain", rate=1.0, max_epochs=50)
    >>> model.fit(X, y).predict([[-2.0], [9.0]])
    array(['no', 'yes'], dtype='<U3')
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS | {
        "loss": [StrOptions(set(CLASSIFICATION))]
    }

    def __init__(
        self,
        module: MakeModule,
        *,
        loss: str = "log_loss",
        rule: str | Rule = "adam",
        rate: float | str | Rate = "auto",
        batch_size: int | None = 128,
        max_epochs: int = 20,
        validation_fraction: float | None = None,
        patience: int | None = None,
        device: str = "cpu",
        random_state: Any = None,
    ) -> None:
        self.module = module
        self.loss = loss
        self.rule = rule
        self.rate = rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "ModuleClassifier":
        """Train a fresh module on ``X`` (n_samples, n_features) and labels ``y`` (n_samples,)."""
        X, y = validate_data(self, X, y, **ROWS)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        self.classes_ = at_least_two(np.unique(y))
        sample_weight = sample_weights(sample_weight, len(y))
        codes, n_classes = class_codes(y, self.classes_), len(self.classes_)
        if self.loss == "log_loss" and n_classes > 2:
            self._train(make_loss("multinomial"), X, codes, n_classes, sample_weight)
        else:
            coded = signs(codes, n_classes)
            target = coded.y.astype(X.dtype)
            self._train(make_loss(self.loss), X, target, coded.n_outputs, sample_weight)
        return self

    def decision_function(self, X: Array) -> Array:
        """Raw predictions: shape (n_samples,) for two classes, (n_samples, n_classes) for more."""
        return self._raw(X)

    def predict(self, X: Array) -> Array:
        """Class labels, shape (n_samples,)."""
        z = self._raw(X)
        return likeliest(self.classes_, z)

    def _has_probabilities(self) -> bool:
        return check_log_odds(self.loss)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Array) -> Array:
        """Probability of each class, shape (n_samples, n_classes)."""
        z = self._raw(X)
        return of_log_odds(z)
