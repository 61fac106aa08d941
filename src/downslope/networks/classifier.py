"""A multilayer perceptron for classes, in scikit-learn's world; see ``regressor`` for settings."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data

from downslope.estimating import ROWS
from downslope.far import on_cluster
from downslope.labels import agreed_classes, at_least_two, check_table, class_codes, likeliest
from downslope.losses import sigmoid
from downslope.networks.descent import CONSTRAINTS, NetworkDescent
from downslope.rates import Rate
from downslope.rules import Rule
from downslope.settings import CLASSIFICATION, check_partial
from downslope.sources.weights import class_weights, joint_weights, sample_weights
from downslope.targets import (
    Coded,
    check_log_odds,
    coded_classes,
    of_log_odds,
)

Array = Any


class NetworkClassifier(ClassifierMixin, NetworkDescent):  # type: ignore[misc]
    """Classification by a multilayer perceptron, with no learning rate to choose.

    Two classes have one raw prediction, more have one each (a softmax for "log_loss", one class
    against the rest otherwise), and a table of 0 and 1 has one per column, each a yes or no of its
    own.

    Parameters
    ----------
    loss : str, default "log_loss"
        As in ``DescentClassifier``.
    alpha : float, default 1e-3
        Weight of the penalty, in units of the mean loss. Not 0 as in ``NetworkRegressor``: where
        classes can be told apart, the log loss of rows never seen rises as weights grow without
        end. This value had the lowest on digits, adult and MNIST of 0, 1e-4, 3e-4, 1e-3 and 2e-3.
    class_weight : dict, "balanced" or None, default None
        Weight of each class; not for tables of 0 and 1.
    hidden_layer_sizes, activation, penalty, l1_ratio, dropout, rule, learning_rate, eta0, \
    power_t, batch_size, max_iter, tol, n_iter_no_change, early_stopping, validation_fraction, \
    shuffle, random_state, warm_start, scaling, start, epsilon, verbose
        As in ``NetworkRegressor``.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    coefs_, intercepts_, history_, learning_rate_, learning_rate_reason_, reason_, result_, \
    n_iter_, t_, n_layers_, n_outputs_
        As in ``NetworkRegressor``.

    Examples
    --------
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["no", "yes", "yes", "no"]
    >>> NetworkClassifier((8,), activation="tanh", random_state=0).fit(X, y).predict(X)
    array(['no', 'yes', 'yes', 'no'], dtype='<U3')
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS | {
        "loss": [StrOptions(set(CLASSIFICATION))],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "epsilon": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        loss: str = "log_loss",
        penalty: str | None = "l2",
        alpha: float = 1e-3,
        l1_ratio: float = 0.15,
        dropout: float = 0.0,
        rule: str | Rule = "adam",
        learning_rate: float | str | Rate = "auto",
        eta0: float | str = "auto",
        power_t: float = 0.5,
        batch_size: int | str | None = "auto",
        max_iter: int | str = "auto",
        tol: float | str | None = "auto",
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        shuffle: bool | str = True,
        random_state: Any = None,
        class_weight: Mapping[Any, float] | str | None = None,
        warm_start: bool = False,
        scaling: str = "auto",
        start: str = "auto",
        epsilon: float = 0.1,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.dropout = dropout
        self.rule = rule
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.random_state = random_state
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.scaling = scaling
        self.start = start
        self.epsilon = epsilon
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Array,
        y: Array,
        sample_weight: Array | None = None,
        X_val: Array | None = None,
        y_val: Array | None = None,
    ) -> "NetworkClassifier":
        """Learn from rows; as in ``NetworkRegressor.fit``, with class labels in ``y``."""
        if on_cluster(X):
            self._table = False
            self._fit_far(X, y, sample_weight, X_val, y_val)
            return self
        X, y = validate_data(self, X, y, multi_output=True, **ROWS)
        y = self._labels(y)
        self.classes_ = at_least_two(np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y))
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        weights = self._weights(y, sample_weight)
        self._fit(X, y, weights, self._validation(X_val, y_val), metadata)
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Array,
        y: Array,
        classes: Array | None = None,
        sample_weight: Array | None = None,
    ) -> "NetworkClassifier":
        """One pass over some rows, going on from the last call.

        Parameters
        ----------
        classes : array of shape (n_classes,)
            All labels that will ever come; needed in the first call.
        """
        first = "classes_" not in vars(self)
        X, y = validate_data(self, X, y, multi_output=True, reset=first, **ROWS)
        y = self._labels(y)
        check_partial(self.early_stopping, self.class_weight)
        self.classes_ = agreed_classes(vars(self).get("classes_"), classes)
        self._partial_fit(X, y, self._weights(y, sample_weight))
        return self

    def decision_function(self, X: Array) -> Array:
        """Raw predictions: shape (n_samples,) for two classes, (n_samples, n_classes) for more."""
        return self._raw(X)

    def predict(self, X: Array) -> Array:
        """Class labels, shape (n_samples,); for tables of 0 and 1 one column per label."""
        z = self._raw(X)
        if self._is_table():
            return (z > 0).astype(int)
        return likeliest(self.classes_, z)

    def _has_probabilities(self) -> bool:
        return check_log_odds(self.loss)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Array) -> Array:
        """Probability of each class, shape (n_samples, n_classes)."""
        z = self._raw(X)
        if self._is_table():
            return sigmoid(z)
        return of_log_odds(z)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Array) -> Array:
        """Logarithm of ``predict_proba``."""
        return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _labels(self, y: Array) -> Array:
        """Labels in one column, or a table of 0 and 1."""
        check_classification_targets(y)
        self._table = type_of_target(y) == "multilabel-indicator"
        return y if self._table else column_or_1d(y, warn=True)

    def _is_table(self) -> bool:
        return bool(self._table)

    def _n_classes(self) -> int:
        return 2 if self._is_table() else len(self.classes_)

    def _weights(self, y: Array, sample_weight: Array | None) -> Array | None:
        """Sample weights times class weights."""
        sample_weight = sample_weights(sample_weight, len(y))
        if self._is_table():
            check_table(self.class_weight)
            return sample_weight
        codes = class_codes(y, self.classes_)
        by_class = class_weights(self.class_weight, self.classes_, codes, sample_weight)
        return joint_weights(sample_weight, by_class)

    def _code(self, y: Array) -> Coded:
        if self._is_table():
            return Coded(np.where(y > 0, 1.0, -1.0), y.shape[1])
        return coded_classes(self.loss, class_codes(y, self.classes_), len(self.classes_))
