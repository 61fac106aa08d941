"""scikit-learn's linear models with our descent inside: their names and settings, our ``fit``.

Each class is scikit-learn's own with ``fit`` replaced: settings are translated (a penalty on the
sum of the rows into one on their mean), ``DescentRegressor`` or ``DescentClassifier`` finds the
weights, and scikit-learn's ``predict``, ``score`` and ``get_params`` do the rest. Their test files
then run on our weights; see ``sklearn_linear_plugin``.
"""

from numbers import Number

import numpy as np
from sklearn import linear_model
from sklearn.base import _fit_context
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from downslope.estimators import DescentClassifier, DescentRegressor

ROWS = {"accept_sparse": "csr", "dtype": [np.float64, np.float32]}
TOL = 1e-20
"""Theirs is on another quantity; the lowest point is what their tests compare."""
fits = 0
"""How many times one of ours has been fitted: which of their tests touch us at all."""


def lowest(
    model, X, y, weights, *, l1=0.0, l2=0.0, loss="squared_error", epsilon=0.1, classes=False
):
    """Our fit of ``mean(weights * loss) + l1 |w| + l2/2 w'w``; weights of mean 1."""
    global fits
    fits += 1
    kind = DescentClassifier if classes else DescentRegressor
    inside = kind(
        loss,
        penalty="elasticnet" if l1 else "l2",
        alpha=l1 + l2,
        l1_ratio=l1 / (l1 + l2) if l1 else 0.0,
        fit_intercept=model.fit_intercept,
        max_iter=max(model.max_iter or 1000, 1000),
        tol=TOL,
        epsilon=epsilon,
        scaling="none",
    )
    return inside.fit(X, y, weights)


def counted(weights, X):
    """Weights of rows, and their sum."""
    if weights is None or isinstance(weights, Number):
        return None, X.shape[0] * (1.0 if weights is None else float(weights))
    weights = _check_sample_weight(weights, X, dtype=np.float64)
    return weights, float(weights.sum())


def refuse_positive(model):
    if model.positive:
        raise NotImplementedError("no model of ours keeps weights above 0")


def each_target(model, X, y, weights, penalties):
    """One fit per column of ``y``; attributes in scikit-learn's shapes."""
    columns = y.reshape(len(y), -1)
    found = [
        lowest(model, X, column, weights, l1=l1, l2=l2)
        for column, (l1, l2) in zip(columns.T, penalties(columns.shape[1]), strict=True)
    ]
    coef = np.array([each.coef_ for each in found]).astype(X.dtype)
    intercept = np.array([each.intercept_[0] for each in found]).astype(X.dtype)
    many = y.ndim > 1
    model.coef_ = coef if many else coef[0]
    model.intercept_ = (intercept if many else intercept[0]) if model.fit_intercept else 0.0
    return [each.n_iter_ for each in found]


class Ridge(linear_model.Ridge):
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        refuse_positive(self)
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, **ROWS)
        weights, total = counted(sample_weight, X)

        def penalties(n_targets):
            alphas = np.ravel(self.alpha) / total
            if alphas.size not in (1, n_targets):
                raise ValueError(
                    "Number of targets and number of penalties do not correspond: "
                    f"{alphas.size} != {n_targets}"
                )
            return [(0.0, alpha) for alpha in np.broadcast_to(alphas, n_targets)]

        passes = each_target(self, X, y, weights, penalties)
        self.n_iter_ = np.array(passes) if self.solver in ("sag", "saga", "lsqr") else None
        self.solver_ = self.solver
        return self


def fit_net(self, X, y, sample_weight=None, check_input=True):
    refuse_positive(self)
    X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, **ROWS)
    weights, _ = counted(sample_weight, X)
    l1, l2 = self.alpha * self.l1_ratio, self.alpha * (1.0 - self.l1_ratio)
    flat = y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y
    passes = each_target(self, X, flat, weights, lambda n_targets: [(l1, l2)] * n_targets)
    self.n_iter_ = passes if flat.ndim > 1 else passes[0]
    return self


class ElasticNet(linear_model.ElasticNet):
    fit = _fit_context(prefer_skip_nested_validation=True)(fit_net)


class Lasso(linear_model.Lasso):
    fit = _fit_context(prefer_skip_nested_validation=True)(fit_net)


class PoissonRegressor(linear_model.PoissonRegressor):
    loss = "poisson"

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        X, y = validate_data(self, X, y, y_numeric=True, **ROWS)
        weights, _ = counted(sample_weight, X)
        self._base_loss = self._get_loss()
        if not self._base_loss.in_y_true_range(np.asarray(y, dtype=X.dtype)):
            raise ValueError(
                "Some value(s) of y are out of the valid range of the loss"
                f" {type(self._base_loss).__name__!r}."
            )
        found = lowest(self, X, y, weights, l2=self.alpha, loss=self.loss)
        self.coef_ = found.coef_.astype(X.dtype)
        self.intercept_ = X.dtype.type(found.intercept_[0]) if self.fit_intercept else 0.0
        self.n_iter_ = found.n_iter_
        return self


class HuberRegressor(linear_model.HuberRegressor):
    """Theirs learns the scale of the noise too: ours at a fixed scale, then the scale, in turn.

    With r the residuals and s the scale, ``sum(s + s H(r / s)) + alpha w'w`` is lowest in w where
    our Huber loss of width ``epsilon s`` and penalty ``alpha s / n`` is, and in s where
    ``s^2 = sum of r^2 within / (n - epsilon^2 n outside)``; it is convex in both.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        X, y = validate_data(self, X, y, y_numeric=True, **ROWS)
        weights, total = counted(sample_weight, X)
        ones = np.ones(len(y)) if weights is None else weights
        scale = 1.4826 * np.median(np.abs(y - np.median(y))) or np.std(y) or 1.0
        for _ in range(100):
            found = lowest(
                self,
                *(X, y, weights),
                l2=self.alpha * scale / total,
                loss="huber",
                epsilon=self.epsilon * scale,
            )
            residual = np.abs(y - X @ found.coef_ - found.intercept_[0])
            outside = residual > self.epsilon * scale
            room = total - self.epsilon**2 * ones[outside].sum()
            inside = np.sum(ones[~outside] * residual[~outside] ** 2)
            before, scale = scale, np.sqrt(inside / room) if room > 0 else scale / 2.0
            if abs(scale - before) <= 1e-10 * before:
                break
        self.coef_, self.scale_, self.outliers_ = found.coef_, scale, outside
        self.intercept_ = found.intercept_[0] if self.fit_intercept else 0.0
        self.n_iter_ = min(found.n_iter_, self.max_iter)
        return self


class LogisticRegression(linear_model.LogisticRegression):
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        X, y = validate_data(self, X, y, **ROWS)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        weights = weights * compute_sample_weight(self.class_weight, y)
        penalty = {"deprecated": "elasticnet", "l1": "l1"}.get(self.penalty, self.penalty)
        ratio = {"l1": 1.0, "l2": 0.0}.get(penalty, self.l1_ratio or 0.0)
        alpha = 0.0 if penalty is None else 1.0 / (self.C * weights.sum())
        l1, l2 = alpha * ratio, alpha * (1.0 - ratio)
        found = lowest(self, X, y, weights, l1=l1, l2=l2, loss="log_loss", classes=True)
        self.coef_ = found.coef_.astype(X.dtype)
        self.intercept_ = np.asarray(found.intercept_, dtype=X.dtype)
        self.n_iter_ = np.array([found.n_iter_], dtype=np.int32)
        return self


SWAPPED = (Ridge, ElasticNet, Lasso, PoissonRegressor, HuberRegressor, LogisticRegression)
