"""scikit-learn: least squares, ridge and logistic regression with every solver, tuned SGD."""

import warnings

import numpy as np
from sklearn.linear_model import (
    ElasticNet,
    LinearRegression,
    LogisticRegression,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.preprocessing import StandardScaler

from benchmarks.convex.objective import value
from benchmarks.convex.solvers import DECADES, LARGE, Solver, flat

warnings.filterwarnings("ignore")
RATES = (1e-3, 1e-2, 1e-1, 1.0)


def linear_regression(problem, budget):
    model = LinearRegression().fit(problem.X, problem.y)
    return flat(model.coef_, model.intercept_)


def ridge(solver):
    def fit(problem, budget):
        model = Ridge(alpha=problem.l2 * len(problem.y), solver=solver, tol=budget, max_iter=10_000)
        model.fit(problem.X, problem.y)
        return flat(model.coef_, model.intercept_, model.n_iter_)

    direct = solver in ("cholesky", "svd")
    slow = solver in ("svd", "sag", "saga")
    return Solver(
        f"sklearn-ridge-{solver}",
        fit,
        (0.0,) if direct else DECADES,
        frozenset({"squared"}),
        sparse=not direct and solver not in ("lsqr", "saga"),
        largest=LARGE if slow else np.inf,
    )


def logistic(solver, scaled=False):
    def fit(problem, budget):
        n = len(problem.y)
        if problem.l1:
            settings = {"C": 1.0 / (problem.l1 * n), "l1_ratio": 1.0}
        else:
            settings = {"C": 1.0 / max(problem.l2 * n, 1e-12), "l1_ratio": 0.0}
        X, scaler = problem.X, StandardScaler()
        if scaled:
            # Standardising changes the penalty; at weights this tiny the objective does not notice.
            X = scaler.fit_transform(X)
        model = LogisticRegression(solver=solver, tol=budget, max_iter=10_000, **settings)
        model.fit(X, problem.y)
        coef, intercept = model.coef_, model.intercept_
        if scaled:
            coef = coef / scaler.scale_
            intercept = intercept - coef @ scaler.mean_
        return flat(coef, intercept, model.n_iter_)

    losses = {"logistic"} if solver == "liblinear" else {"logistic", "multinomial"}
    return Solver(
        f"sklearn-{solver}" + ("-scaled" if scaled else ""),
        fit,
        DECADES,
        frozenset(losses),
        sparse=not scaled and solver != "newton-cholesky",
        penalties=frozenset({"l1", "l2"} if solver in ("saga", "liblinear") else {"l2"}),
        largest=np.inf if solver in ("lbfgs", "newton-cholesky") else LARGE,
    )


def elastic_net(precompute):
    def fit(problem, budget):
        strength = problem.l1 + problem.l2
        model = ElasticNet(
            alpha=strength,
            l1_ratio=problem.l1 / strength,
            tol=budget,
            precompute=precompute,
            max_iter=100_000,
        ).fit(problem.X, problem.y)
        return flat(model.coef_, model.intercept_, model.n_iter_)

    return Solver(
        "sklearn-lasso" + ("-gram" if precompute else ""),
        fit,
        DECADES,
        frozenset({"squared"}),
        sparse=not precompute,
        penalties=frozenset({"l1", "both"}),
        prepare=by_columns,
        counts="epochs",
    )


def by_columns(problem):
    """Column by column, as coordinate descent reads."""
    X = problem.X
    X = np.asfortranarray(X) if isinstance(X, np.ndarray) else X.tocsc()
    return problem.with_rows(X)


def sgd_at(problem, rate, epochs):
    kind, loss = (
        (SGDRegressor, "squared_error")
        if problem.loss == "squared"
        else (SGDClassifier, "log_loss")
    )
    scaler = StandardScaler(with_mean=isinstance(problem.X, np.ndarray))
    X = scaler.fit_transform(problem.X)
    model = kind(
        loss=loss,
        alpha=max(problem.l2, 1e-12),
        learning_rate="invscaling",
        eta0=rate,
        average=True,
        max_iter=int(epochs),
        tol=None,
        random_state=0,
    ).fit(X, problem.y)
    coef = np.atleast_2d(model.coef_ / scaler.scale_)
    center = scaler.mean_ if scaler.mean_ is not None else np.zeros(X.shape[1])
    return flat(coef, model.intercept_ - coef @ center, model.n_iter_)


def tuned(problem):
    """The best of a grid of rates, an epoch over a tenth of the rows each."""
    part = problem.take(max(1000, len(problem.y) // 10))
    with np.errstate(all="ignore"):
        values = [value(part, sgd_at(part, rate, 1).w) for rate in RATES]
    return problem, RATES[int(np.nanargmin(values))]


def sgd(prepared, budget):
    problem, rate = prepared
    return sgd_at(problem, rate, budget)


SOLVERS = (
    Solver("sklearn-linear", linear_regression, (0.0,), frozenset({"squared"}), sparse=False),
    *(ridge(s) for s in ("cholesky", "svd", "lsqr", "sparse_cg", "sag", "saga")),
    *(logistic(s) for s in ("lbfgs", "newton-cholesky", "newton-cg", "liblinear", "sag", "saga")),
    *(logistic(s, scaled=True) for s in ("lbfgs", "saga")),
    elastic_net(True),
    elastic_net(False),
    Solver(
        "sklearn-sgd",
        sgd,
        (1, 2, 5, 10),
        frozenset({"squared", "logistic"}),
        prepare=tuned,
        counts="epochs",
        largest=LARGE,
    ),
)
