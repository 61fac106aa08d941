"""scikit-learn's linear models with our descent inside: their names and settings, our weights.

Settings are translated (a penalty on the sum of the rows into one on their mean),
``DescentRegressor`` or ``DescentClassifier`` finds the weights, and scikit-learn's ``predict``,
``score`` and ``get_params`` do the rest. ``fit`` is replaced; that of ``LogisticRegression`` stays,
and the function in which it hands over to a solver is replaced instead, so that its checks and its
cross-validation stay too. Their test files then run on our weights; see ``sklearn_files``.
"""

import warnings
from numbers import Number
from types import SimpleNamespace

import numpy as np
from sklearn import linear_model
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import _logistic
from sklearn.utils import check_array, check_consistent_length, compute_class_weight
from sklearn.utils.validation import _check_sample_weight, validate_data

from downslope.estimators import DescentClassifier, DescentRegressor

ROWS = {"accept_sparse": "csr", "dtype": [np.float64, np.float32]}
TIGHT = 1e-20
"""Eight digits of the weights want sixteen of the value; the default stops there or earlier."""
FEW, MANY = 10, 1000
"""So few passes are meant to end a fit early; any other limit is raised to the many."""
asked = 0
"""How many times one of ours was asked for a fit: which of their tests touch us at all."""


def ask():
    global asked
    asked += 1


def lowest(model, X, y, weights, *, l1=0.0, l2=0.0, classes=False, start=None, **settings):
    """Our fit of ``mean(weights * loss) + l1 |w| + l2/2 w'w``; weights of mean 1."""
    ask()
    kind = DescentClassifier if classes else DescentRegressor
    limit = MANY if model.max_iter is None else model.max_iter
    seed = vars(model).get("random_state")
    inside = kind(
        penalty="elasticnet" if l1 else "l2",
        alpha=l1 + l2,
        l1_ratio=l1 / (l1 + l2) if l1 else 0.0,
        fit_intercept=model.fit_intercept,
        max_iter=limit if limit <= FEW else max(limit, MANY),
        scaling="none",
        random_state=0 if seed is None else seed,
        warm_start=start is not None,
        **settings,
    )
    if start is not None:
        inside.coef_, inside.intercept_ = start
    return inside.fit(X, y, weights)


def counted(weights, X):
    """Weights of rows, and their sum."""
    if weights is None or isinstance(weights, Number):
        return None, X.shape[0] * (1.0 if weights is None else float(weights))
    weights = _check_sample_weight(weights, X, dtype=np.float64)
    return weights, float(weights.sum())


def refuse_positive(model):
    ask()
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
    model.coef_ = coef if columns.shape[1] > 1 else coef[0]
    model.intercept_ = (intercept if y.ndim > 1 else intercept[0]) if model.fit_intercept else 0.0
    return [each.n_iter_ for each in found]


def dual_gap(X, y, coef, intercept, l1, l2):
    """How far the value at these weights can be above the lowest: from duality, not from us."""
    residual = y - X @ coef - intercept
    slope = np.abs(X.T @ residual / len(y) - l2 * coef).max()
    shrink = min(1.0, l1 / slope) if slope > 0.0 else 1.0
    half = 0.5 * (residual @ residual) / len(y) + 0.5 * l2 * coef @ coef
    return half * (1.0 + shrink**2) + l1 * np.abs(coef).sum() - shrink * (residual @ y) / len(y)


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
    outputs = zip(np.atleast_2d(self.coef_), np.ravel(self.intercept_), strict=False)
    gaps = [
        dual_gap(X, column, coef, intercept, l1, l2)
        for column, (coef, intercept) in zip(flat.reshape(len(y), -1).T, outputs, strict=False)
    ]
    self.dual_gap_ = np.array(gaps) if flat.ndim > 1 else gaps[0]
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
        found = lowest(self, X, y, weights, l2=self.alpha, loss=self.loss, tol=TIGHT)
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
                tol=TIGHT,  # the scale feels what a fit leaves
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


their_path = _logistic._logistic_regression_path


def logistic_path(X, y, *, classes, solver="lbfgs", dual=False, check_input=True, **settings):
    """In place of the function in which ``LogisticRegression`` hands over to a solver.

    liblinear stays what it is: it penalises the intercept.
    """
    penalty = settings.get("penalty", "l2")
    solver = _logistic._check_solver(solver, penalty, dual)
    if solver == "liblinear":
        settings |= {"solver": solver, "dual": dual, "check_input": check_input}
        return their_path(X, y, classes=classes, **settings)
    if check_input:
        X = check_array(X, **ROWS)
        y = check_array(y, ensure_2d=False, dtype=None)
        check_consistent_length(X, y)
    grid = settings.get("Cs", 10)
    grid = np.logspace(-4, 4, grid) if isinstance(grid, Number) else grid
    model = SimpleNamespace(
        fit_intercept=settings.get("fit_intercept", True),
        max_iter=settings.get("max_iter", 100),
        random_state=settings.get("random_state"),
    )
    weights = _check_sample_weight(settings.get("sample_weight"), X, dtype=np.float64)
    given = settings.get("class_weight")
    if given is not None:
        by_class = compute_class_weight(given, classes=classes, y=y, sample_weight=weights)
        weights = weights * by_class[np.searchsorted(classes, y)]
    share = {"l1": 1.0, "l2": 0.0}.get(penalty, settings.get("l1_ratio"))
    n_weights = X.shape[1] + model.fit_intercept
    w = start_of(settings.get("coef"), len(classes), n_weights)
    found, passes = [], []
    for C in grid:
        if model.max_iter == 0:
            warnings.warn("no step was allowed", ConvergenceWarning, stacklevel=2)
            w = np.zeros((1 if len(classes) == 2 else len(classes), n_weights)) if w is None else w
        else:
            alpha = 1.0 / (C * weights.sum())
            split = {"l1": alpha * share, "l2": alpha * (1.0 - share)}
            w, steps = logistic_weights(model, X, y, weights, w, **split)
        found.append((w if len(classes) > 2 else w[0]).astype(X.dtype))
        passes.append(steps if model.max_iter else 0)
    return np.array(found), np.array(grid), np.array(passes, dtype=np.int32)


def start_of(coef, n_classes, n_weights):
    """Weights to start from, one row per output; refused where they have another shape."""
    shape = (n_weights,) if n_classes == 2 else (n_classes, n_weights)
    if coef is None:
        return None
    if coef.shape != shape and not (n_classes == 2 and coef.shape == (1, n_weights)):
        also = f" or (1, {n_weights})" if n_classes == 2 else ""
        raise ValueError(
            f"Initialization coef is of shape {coef.shape}, expected shape {shape}{also}"
        )
    return np.atleast_2d(coef).astype(np.float64)


def logistic_weights(model, X, y, weights, w, **penalty):
    """One fit from ``w``; weights with the intercept in the last column, and passes."""
    d = X.shape[1]
    start = None
    if w is not None:
        start = (w[:, :d], w[:, d] if model.fit_intercept else np.zeros(len(w)))
    settings = {"loss": "log_loss", "classes": True, "start": start}
    settings |= {"tol": TIGHT} if penalty["l1"] else {}
    found = lowest(model, X, y, weights, **penalty, **settings)
    columns = (found.coef_, found.intercept_[:, None])[: 1 + model.fit_intercept]
    return np.concatenate(columns, axis=1), found.n_iter_


SWAPPED = (
    *((linear_model, kind.__name__, kind) for kind in (Ridge, ElasticNet, Lasso)),
    *((linear_model, kind.__name__, kind) for kind in (PoissonRegressor, HuberRegressor)),
    (_logistic, "_logistic_regression_path", logistic_path),
)
"""Where our adapters go: a module, the name in it, and what takes its place."""
