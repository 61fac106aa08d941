"""scikit-learn: least squares, ridge and logistic regression with every solver, tuned SGD."""

import warnings

import numpy as np
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.preprocessing import StandardScaler

from benchmarks.convex.solvers import Solver, flat

warnings.filterwarnings("ignore")
TOLERANCES = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)


def ridge(solver):
    def fit(problem, budget):
        model = Ridge(alpha=problem.l2 * len(problem.y), solver=solver, tol=budget, max_iter=10_000)
        model.fit(problem.X, problem.y)
        return flat(model.coef_, model.intercept_)

    budgets = TOLERANCES if solver in ("lsqr", "sag", "sparse_cg") else (0.0,)
    return Solver(f"sklearn-ridge-{solver}", fit, budgets, frozenset({"squared"}), sparse=False)


def linear_regression(problem, budget):
    model = LinearRegression().fit(problem.X, problem.y)
    return flat(model.coef_, model.intercept_)


def logistic(solver, scaled=False):
    def fit(problem, budget):
        n = len(problem.y)
        if problem.l1:
            settings = {"C": 1.0 / (problem.l1 * n), "l1_ratio": 1.0}
        else:
            settings = {"C": 1.0 / max(problem.l2 * n, 1e-300), "l1_ratio": 0.0}
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
        return flat(coef, intercept)

    losses = {"logistic"} if solver == "liblinear" else {"logistic", "multinomial"}
    penalties = {"saga": {"l1", "l2"}, "liblinear": {"l1", "l2"}}.get(solver, {"l2"})
    return Solver(
        f"sklearn-{solver}" + ("-scaled" if scaled else ""),
        fit,
        TOLERANCES,
        frozenset(losses),
        sparse=not scaled and solver != "newton-cholesky",
        penalties=frozenset(penalties),
    )


def lasso(precompute):
    def fit(problem, budget):
        model = Lasso(alpha=problem.l1, tol=budget, precompute=precompute, max_iter=100_000)
        model.fit(problem.X, problem.y)
        return flat(model.coef_, model.intercept_)

    name = "sklearn-lasso" + ("-gram" if precompute else "")
    return Solver(
        name,
        fit,
        TOLERANCES,
        frozenset({"squared"}),
        sparse=not precompute,
        penalties=frozenset({"l1"}),
    )


def sgd(problem, budget):
    """SGD at its best constant-scaled rate of a grid; the tuning is not counted."""
    scaler = StandardScaler(with_mean=isinstance(problem.X, np.ndarray))
    X = scaler.fit_transform(problem.X)
    kind, loss = (
        (SGDRegressor, "squared_error")
        if problem.loss == "squared"
        else (SGDClassifier, "log_loss")
    )
    model = kind(
        loss=loss,
        penalty="l2",
        alpha=max(problem.l2, 1e-12),
        learning_rate="invscaling",
        eta0=0.05,
        average=True,
        max_iter=int(budget),
        tol=None,
        random_state=0,
    ).fit(X, problem.y)
    coef = model.coef_ / scaler.scale_
    center = scaler.mean_ if scaler.mean_ is not None else np.zeros(X.shape[1])
    return flat(coef, model.intercept_ - np.atleast_2d(coef) @ center)


SOLVERS = (
    Solver("sklearn-linear", linear_regression, (0.0,), frozenset({"squared"}), sparse=False),
    *(ridge(s) for s in ("cholesky", "lsqr", "svd", "sag")),
    *(logistic(s) for s in ("lbfgs", "newton-cholesky", "newton-cg", "liblinear", "saga")),
    *(logistic(s, scaled=True) for s in ("lbfgs", "saga")),
    lasso(True),
    lasso(False),
    Solver("sklearn-sgd", sgd, (1, 5), frozenset({"squared", "logistic"})),
)
