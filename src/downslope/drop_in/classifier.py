"""scikit-learn's SGDClassifier, number for number: two classes, or one against the rest."""

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import _fit_context
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from downslope.sgd import SgdRows, SgdRun, SgdWeights, sgd
from downslope.sgd_model import CLASSIFICATION, COMMON, LARGEST, ROWS, SgdModel

Array = Any


class SGDClassifier(LinearClassifierMixin, SgdModel):  # type: ignore[misc]
    """scikit-learn's ``SGDClassifier``: same parameters, defaults and weights.

    More than two classes are learned one against the rest.

    Parameters
    ----------
    loss : str, default "hinge"
        "hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", or a regression loss.
    penalty, alpha, l1_ratio, fit_intercept, max_iter, tol, shuffle, verbose, epsilon, n_jobs, \
    random_state, learning_rate, eta0, power_t, early_stopping, validation_fraction, \
    n_iter_no_change, class_weight, warm_start, average
        As in ``sklearn.linear_model.SGDClassifier``.

    Attributes
    ----------
    coef_, intercept_, n_iter_, t_, classes_
        As in ``sklearn.linear_model.SGDClassifier``.
    history_ : Trace
        One row per epoch, of the class that took longest.
    reason_ : Reason
        Why its fit ended.

    Warns
    -----
    DownslopeWarning
        If the mean loss ended above that of the weights it began with.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[-1.0, -1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> model = SGDClassifier(random_state=0).fit(X, [1, 1, 2, 2])
    >>> model.predict([[-0.8, -1.0]])
    array([1])
    """

    loss_functions: ClassVar[dict[str, tuple[Any, ...]]] = CLASSIFICATION
    _passive_aggressive_loss = "hinge"
    _parameter_constraints: ClassVar[dict[str, Any]] = COMMON | {
        "loss": [StrOptions(set(CLASSIFICATION))],
        "n_jobs": [Integral, None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        loss: str = "hinge",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        n_jobs: int | None = None,
        random_state: Any = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: Mapping[Any, float] | str | None = None,
        warm_start: bool = False,
        average: bool | int = False,
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

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Array,
        y: Array,
        coef_init: Array | None = None,
        intercept_init: Array | None = None,
        sample_weight: Array | None = None,
    ) -> "SGDClassifier":
        """Learn from rows, as ``sklearn.linear_model.SGDClassifier.fit``."""
        self._check()
        self.__dict__.pop("classes_", None)
        given = self._forget(coef_init, intercept_init)
        X, y = validate_data(self, X, y, **ROWS)
        _check_partial_fit_first_call(self, np.unique(y))
        start = self._learn(X, y, sample_weight, self.max_iter, *given)
        target = np.where(y == self.classes_[1], 1.0, -1.0)
        loss = self._loss().value(X @ start.coef + start.intercept, target)
        self._tell(X, target, float(np.mean(loss)))
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Array,
        y: Array,
        classes: Array | None = None,
        sample_weight: Array | None = None,
    ) -> "SGDClassifier":
        """One epoch over some rows, going on from the last call."""
        first = "classes_" not in vars(self)
        if first:
            self._check(in_parts=True)
            self.t_ = 1.0
            if self.class_weight == "balanced":
                raise ValueError(
                    "class_weight 'balanced' is not supported for partial_fit. In order to use "
                    "'balanced' weights, use compute_class_weight('balanced', classes=classes, "
                    "y=y). In place of y you can use a large enough sample of the full training "
                    "set target to properly estimate the class frequency distributions. Pass the "
                    "resulting weights as the class_weight parameter."
                )
        X, y = validate_data(self, X, y, reset=first, **ROWS)
        _check_partial_fit_first_call(self, classes)
        self._learn(X, y, sample_weight, 1, None, None)
        return self

    def _learn(
        self, X: Array, y: Array, sample_weight: Any, max_iter: int, coef: Any, intercept: Any
    ) -> SgdWeights:
        """A run per class, or one for two classes; answers the weights that it began with."""
        if len(self.classes_) < 2:
            raise ValueError(
                f"The number of classes has to be greater than one; got {len(self.classes_)} class"
            )
        weights = _check_sample_weight(
            sample_weight, X, dtype=np.float64, allow_all_zero_weights=self.early_stopping
        )
        balance = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        learned, begun = ([], [])
        if len(self.classes_) == 2:
            learned, begun = (self._begin(1, coef, intercept) for _ in range(2))
            rng = check_random_state(self.random_state)
            rng.randint(1, LARGEST)  # scikit-learn draws a seed here that it does not use
            held = self._hold_out(np.where(y == self.classes_[1], 1.0, -1.0), weights)
            seed = rng.randint(LARGEST)
            runs = [self._one(X, y, weights, held, 1, learned[0], max_iter, seed, balance[::-1])]
        else:
            n = len(self.classes_)
            learned, begun = (self._begin(n, coef, intercept) for _ in range(2))
            held = self._hold_out(y, weights)
            seeds = check_random_state(self.random_state).randint(LARGEST, size=n)
            runs = Parallel(n_jobs=self.n_jobs, verbose=self.verbose, require="sharedmem")(
                delayed(self._one)(
                    X, y, weights, held, c, learned[c], max_iter, _second(seeds[c]), (balance[c], 1)
                )
                for c in range(n)
            )
        self._keep(learned, runs, len(y), X.dtype)
        return begun[1 if len(begun) > 1 else 0]

    def _one(
        self,
        X: Array,
        y: Array,
        weights: Array,
        held: Array,
        c: int,
        learned: SgdWeights,
        max_iter: int,
        seed: int,
        balance: Any,
    ) -> SgdRun:
        """The run of one class against the rest."""
        target = np.where(y == self.classes_[c], 1.0, -1.0)
        score = _accuracy(X[held], target[held], weights[held]) if self.early_stopping else None
        rows = SgdRows(X, target, weights, held, float(balance[0]), float(balance[1]))
        return sgd(rows, learned, self._settings(max_iter), seed, score)

    def _shaped(self, W: Array, b: Array) -> tuple[Array, Array]:
        return W, b

    def _has_probabilities(self) -> bool:
        if self.loss not in ("log_loss", "modified_huber"):
            raise AttributeError(f"probability estimates are not available for loss={self.loss!r}")
        return True

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Array) -> Array:
        """Probability of each class, one against the rest and normalised."""
        check_is_fitted(self)
        if self.loss == "log_loss":
            return self._predict_proba_lr(X)
        share = (np.clip(self.decision_function(X), -1.0, 1.0) + 1.0) / 2.0
        if share.ndim == 1:
            return np.column_stack((1.0 - share, share))
        share[share.sum(axis=1) == 0.0] = 1.0
        return share / share.sum(axis=1, keepdims=True)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Array) -> Array:
        """Logarithm of ``predict_proba``."""
        return np.log(self.predict_proba(X))


def _second(seed: int) -> int:
    """The seed of a class: scikit-learn's second draw, after one that it does not use."""
    rng = np.random.RandomState(seed)
    rng.randint(1, LARGEST)
    return int(rng.randint(LARGEST))


def _accuracy(X: Array, y: Array, weights: Array) -> Callable[[Array, float], float]:
    def score(w: Array, b: float) -> float:
        return float(accuracy_score(y > 0.0, X @ w + b > 0.0, sample_weight=weights))

    return score
