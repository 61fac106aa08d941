"""DescentClassifier: two classes or more, and how sure it is of them."""

from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from downslope.estimating import ROWS
from downslope.far import fit_far, is_far
from downslope.labels import agreed_classes, at_least_two, class_codes, likeliest
from downslope.linear import CONSTRAINTS, LinearDescent
from downslope.rates import Rate
from downslope.rules import Rule
from downslope.settings import CLASSIFICATION, check_partial
from downslope.sources.weights import class_weights, joint_weights, sample_weights
from downslope.targets import (
    PROBABILISTIC,
    Coded,
    coded_classes,
    probabilities,
)

Array = Any


class DescentClassifier(ClassifierMixin, LinearDescent):  # type: ignore[misc]
    """Linear classification by gradient descent, with no learning rate to choose.

    Two classes have one raw prediction, the log odds of the second class for "log_loss". More
    classes have one each: a true softmax model for "log_loss", one class against the rest for the
    other losses.

    Parameters
    ----------
    loss : str, default "log_loss"
        "log_loss" (logistic regression), "hinge" (support vectors), "squared_hinge",
        "modified_huber", "perceptron", or a regression loss of ``DescentRegressor`` on -1 and +1.
    alpha : float, default 1e-4
        Weight of the penalty. Not 0 as in ``DescentRegressor``: classes that a plane separates have
        no finite best weights without one.
    class_weight : dict, "balanced" or None, default None
        Weight of each class; "balanced" makes all classes count the same.
    n_jobs : None
        Accepted for scikit-learn's sake; classes are learned together.
    penalty, l1_ratio, fit_intercept, max_iter, tol, shuffle, verbose, epsilon, random_state, \
    learning_rate, eta0, power_t, early_stopping, validation_fraction, n_iter_no_change, \
    warm_start, average, rule, batch_size, scaling, record, device, checkpoint, every, resume, \
    max_seconds
        As in ``DescentRegressor``; ``power_t`` is 0.5.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    coef_ : array of shape (1, n_features), or (n_classes, n_features) for more than two classes
    intercept_ : array of shape (1,) or (n_classes,)
    n_iter_, t_, history_, reason_, result_, learning_rate_, learning_rate_reason_, \\
    diagnosis_
        As in ``DescentRegressor``.

    Raises
    ------
    InputError, SettingError, PairError
        In a sentence, when the input or the settings cannot be used.

    Warns
    -----
    NotConverged
        With the reason, when the run ended before its goal.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = DescentClassifier(alpha=0.1).fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[0.5], [2.5]])
    array(['no', 'yes'], dtype='<U3')
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS | {
        "loss": [StrOptions(set(CLASSIFICATION))],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        loss: str = "log_loss",
        *,
        penalty: str | None = "l2",
        alpha: float = 1e-4,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | str | None = "auto",
        shuffle: bool | str = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        n_jobs: int | None = None,
        random_state: Any = None,
        learning_rate: float | str | Rate = "auto",
        eta0: float = 0.01,
        power_t: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: Mapping[Any, float] | str | None = None,
        warm_start: bool = False,
        average: bool | int = False,
        rule: str | Rule = "auto",
        batch_size: int | str | None = "auto",
        scaling: str = "auto",
        record: str = "auto",
        device: str | None = None,
        checkpoint: str | PathLike[str] | None = None,
        every: float = 30.0,
        resume: bool = False,
        max_seconds: float | None = None,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.average = average
        self.rule = rule
        self.batch_size = batch_size
        self.scaling = scaling
        self.record = record
        self.device = device
        self.checkpoint = checkpoint
        self.every = every
        self.resume = resume
        self.max_seconds = max_seconds

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Array,
        y: Array,
        sample_weight: Array | None = None,
        X_val: Array | None = None,
        y_val: Array | None = None,
    ) -> "DescentClassifier":
        """Learn from rows; as in ``DescentRegressor.fit``, with class labels in ``y``."""
        if is_far(X):
            fit_far(self, X, y, sample_weight, X_val)
            return self
        X, y = validate_data(self, X, y, **self._accepted())
        check_classification_targets(y)
        self.classes_ = at_least_two(np.unique(y))
        if self.device is not None:
            fit_far(self, X, y, sample_weight, X_val)
            return self
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
    ) -> "DescentClassifier":
        """One pass over some rows, going on from the last call.

        Parameters
        ----------
        classes : array of shape (n_classes,)
            All labels that will ever come; needed in the first call.
        """
        first = "classes_" not in vars(self)
        X, y = validate_data(self, X, y, reset=first, **ROWS)
        check_partial(self.early_stopping, self.class_weight)
        self.classes_ = agreed_classes(vars(self).get("classes_"), classes)
        self._partial_fit(X, y, self._weights(y, sample_weight))
        return self

    def decision_function(self, X: Array) -> Array:
        """Raw predictions: shape (n_samples,) for two classes, (n_samples, n_classes) for more."""
        z = self._raw(X)
        return z[:, 0] if z.shape[1] == 1 else z

    def predict(self, X: Array) -> Array:
        """Class labels, shape (n_samples,)."""
        z = self.decision_function(X)
        return likeliest(self.classes_, z)

    def _has_probabilities(self) -> bool:
        if self.loss not in PROBABILISTIC:
            raise AttributeError(
                f"probability estimates are not available for loss={self.loss!r}; "
                "use 'log_loss' or 'modified_huber'."
            )
        return True

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Array) -> Array:
        """Probability of each class, shape (n_samples, n_classes)."""
        return probabilities(self.loss, self._raw(X))

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Array) -> Array:
        """Logarithm of ``predict_proba``."""
        return np.log(self.predict_proba(X))

    def _weights(self, y: Array, sample_weight: Array | None) -> Array | None:
        """Sample weights times class weights."""
        sample_weight = sample_weights(sample_weight, len(y))
        codes = class_codes(y, self.classes_)
        by_class = class_weights(self.class_weight, self.classes_, codes, sample_weight)
        return joint_weights(sample_weight, by_class)

    def _code(self, y: Array) -> Coded:
        return coded_classes(self.loss, class_codes(y, self.classes_), len(self.classes_))
