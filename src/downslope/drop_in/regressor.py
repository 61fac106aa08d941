"""scikit-learn's SGDRegressor, number for number."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from downslope.sgd import SgdRows, SgdWeights, sgd
from downslope.sgd_model import COMMON, LARGEST, REGRESSION, ROWS, SgdModel

Array = Any


class SGDRegressor(RegressorMixin, SgdModel):  # type: ignore[misc]
    """scikit-learn's ``SGDRegressor``: same parameters, defaults and weights.

    Parameters
    ----------
    loss : {"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"}
    penalty, alpha, l1_ratio, fit_intercept, max_iter, tol, shuffle, verbose, epsilon, \
    random_state, learning_rate, eta0, power_t, early_stopping, validation_fraction, \
    n_iter_no_change, warm_start, average
        As in ``sklearn.linear_model.SGDRegressor``.

    Attributes
    ----------
    coef_, intercept_, n_iter_, t_
        As in ``sklearn.linear_model.SGDRegressor``.
    history_ : Trace
        One row per epoch: mean loss and objective, rate, time.
    reason_ : Reason
        Why the fit ended.

    Warns
    -----
    DownslopeWarning
        If the mean loss ended above that of the weights it began with, with the learning rate in
        use and the one that the columns bear.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[-1.0], [0.0], [1.0], [2.0]])
    >>> model = SGDRegressor(random_state=0).fit(X, 2.0 * X[:, 0] + 1.0)
    >>> model.predict([[1.0]]).round(1)
    array([2.8])
    """

    loss_functions: ClassVar[dict[str, tuple[Any, ...]]] = REGRESSION
    _passive_aggressive_loss = "epsilon_insensitive"
    _parameter_constraints: ClassVar[dict[str, Any]] = COMMON | {
        "loss": [StrOptions(set(REGRESSION))]
    }

    def __init__(
        self,
        loss: str = "squared_error",
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
        random_state: Any = None,
        learning_rate: str = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
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
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
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
    ) -> "SGDRegressor":
        """Learn from rows, as ``sklearn.linear_model.SGDRegressor.fit``."""
        self._check()
        given = self._forget(coef_init, intercept_init)
        X, y = validate_data(self, X, y, **ROWS)
        y = y.astype(X.dtype, copy=False).astype(np.float64)
        start = self._learn(X, y, sample_weight, self.max_iter, *given)
        self._tell(X, y, float(np.mean(self._loss().value(X @ start.coef + start.intercept, y))))
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> "SGDRegressor":
        """One epoch over some rows, going on from the last call."""
        first = "coef_" not in vars(self)
        if first:
            self._check(in_parts=True)
            self.t_ = 1.0
        X, y = validate_data(self, X, y, reset=first, **ROWS)
        self._learn(X, y.astype(np.float64), sample_weight, 1, None, None)
        return self

    def predict(self, X: Array) -> Array:
        """Predicted targets, shape (n_samples,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return _product(X, self.coef_) + self.intercept_

    def _learn(
        self, X: Array, y: Array, sample_weight: Any, max_iter: int, coef: Any, intercept: Any
    ) -> SgdWeights:
        """One run; answers the weights it began with."""
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        held = self._hold_out(y, weights)
        seed = check_random_state(self.random_state).randint(0, LARGEST)
        (learned,) = self._begin(1, coef, intercept)
        (start,) = self._begin(1, coef, intercept)
        score = _r2(X[held], y[held], weights[held]) if self.early_stopping else None
        rows = SgdRows(X, y, weights, held)
        run = sgd(rows, learned, self._settings(max_iter), seed, score)
        self._keep([learned], [run], len(y), X.dtype)
        return start

    def _shaped(self, W: Array, b: Array) -> tuple[Array, Array]:
        return W[0], b


def _product(X: Array, coef: Array) -> Array:
    """``X @ coef`` for one output, dense or sparse on either side."""
    z = X @ (coef.T if sparse.issparse(coef) else coef)
    return np.asarray(z.toarray() if sparse.issparse(z) else z).ravel()


def _r2(X: Array, y: Array, weights: Array) -> Callable[[Array, float], float]:
    def score(w: Array, b: float) -> float:
        return float(r2_score(y, X @ w + b, sample_weight=weights))

    return score
