"""glum, Snap ML, Cyanure, skglm, celer and liblinear, by their own doors and defaults, tol apart.

Imported inside, so that a package that is broken takes down its own solver only.
"""

import logging
import warnings

import numpy as np
from scipy import sparse

from benchmarks.convex.solvers import DECADES, Solver, flat, threads
from benchmarks.convex.solvers.scikit_learn import by_columns

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


def glum(problem, budget):
    from glum import GeneralizedLinearRegressor

    squared = problem.loss == "squared"
    strength = problem.l1 + problem.l2
    model = GeneralizedLinearRegressor(
        family="normal" if squared else "binomial",
        alpha=strength,
        l1_ratio=problem.l1 / strength if strength else 0.0,
        gradient_tol=budget,
        max_iter=1000,
    ).fit(problem.X, problem.y if squared else (problem.y + 1) / 2)
    return flat(model.coef_, model.intercept_, model.n_iter_)


def matrix(problem):
    """Rows as a scipy matrix, which older interfaces want, where they are sparse."""
    X = problem.X
    return problem if isinstance(X, np.ndarray) else problem.with_rows(sparse.csr_matrix(X))


def snapml(dual):
    def fit(problem, budget):
        from snapml import LinearRegression, LogisticRegression

        kind = LinearRegression if problem.loss == "squared" else LogisticRegression
        model = kind(
            regularizer=max(problem.l2 * len(problem.y), 1e-12),
            fit_intercept=True,
            tol=budget,
            max_iter=5000,
            dual=dual,
            n_jobs=threads(),
        )
        model.fit(problem.X, problem.y)
        return flat(model.coef_, model.intercept_)

    name = f"snapml-{'dual' if dual else 'primal'}"
    return Solver(name, fit, DECADES[1:], frozenset({"squared", "logistic"}), prepare=matrix)


def cyanure(problem, budget):
    from cyanure.estimators import Classifier, Regression

    named = {"logistic": "logistic", "multinomial": "multiclass-logistic"}.get(problem.loss)
    kind, loss = (Classifier, {"loss": named}) if named else (Regression, {})
    if problem.l1 and problem.l2:
        penalty = {"penalty": "elastic-net", "lambda_1": problem.l1, "lambda_2": problem.l2}
    elif problem.l1:
        penalty = {"penalty": "l1", "lambda_1": problem.l1}
    else:
        penalty = {"penalty": "l2", "lambda_1": problem.l2}
    model = kind(
        **loss, **penalty, tol=budget, max_iter=5000, verbose=False, n_threads=threads()
    ).fit(problem.X, problem.y)
    return flat(model.coef_.T if problem.n_classes > 1 else np.ravel(model.coef_), model.intercept_)


def skglm(problem, budget):
    from skglm import ElasticNet, SparseLogisticRegression

    if problem.loss == "squared":
        strength = problem.l1 + problem.l2
        model = ElasticNet(alpha=strength, l1_ratio=problem.l1 / strength, tol=budget)
    else:
        model = SparseLogisticRegression(alpha=problem.l1, tol=budget)
    model.fit(problem.X, problem.y)
    return flat(np.ravel(model.coef_), np.ravel(model.intercept_), model.n_iter_)


def celer(problem, budget):
    from celer import ElasticNet, Lasso

    if problem.l2:
        strength = problem.l1 + problem.l2
        model = ElasticNet(alpha=strength, l1_ratio=problem.l1 / strength, tol=budget)
    else:
        model = Lasso(alpha=problem.l1, tol=budget)
    model.fit(problem.X, problem.y)
    return flat(model.coef_, model.intercept_, model.n_iter_)


def liblinear_rows(problem):
    """liblinear's own copy of the rows."""
    from liblinear.liblinear import problem as rows

    return problem, rows(problem.y, sparse.csr_matrix(problem.X), bias=1)


def liblinear(problem_and_rows, budget):
    from liblinear.liblinear import parameter
    from liblinear.liblinearutil import train

    problem, rows = problem_and_rows
    strength, d = problem.l1 or max(problem.l2, 1e-12), problem.X.shape[1]
    kind, cost = ("6" if problem.l1 else "0"), 1.0 / (strength * len(problem.y))
    model = train(rows, parameter(f"-s {kind} -c {cost:.17g} -e {budget} -B 1 -R -q"))
    sign = 1.0 if model.label[0] > 0 else -1.0
    w = sign * np.array(model.w[: d + 1])
    return flat(w[:d], w[d])


SMOOTH = frozenset({"squared", "logistic"})
SOLVERS = (
    Solver("glum", glum, DECADES, SMOOTH, penalties=frozenset({"l1", "l2", "both"}), widest=4000),
    snapml(True),
    snapml(False),
    Solver(
        "cyanure",
        cyanure,
        DECADES,
        frozenset({"squared", "logistic", "multinomial"}),
        penalties=frozenset({"l1", "l2", "both"}),
        prepare=matrix,
    ),
    Solver("skglm", skglm, DECADES, SMOOTH, frozenset({"l1", "both"}), prepare=by_columns),
    Solver("celer", celer, DECADES, frozenset({"squared"}), frozenset({"l1", "both"}), by_columns),
    Solver(
        "liblinear",
        liblinear,
        DECADES,
        frozenset({"logistic"}),
        frozenset({"l1", "l2"}),
        prepare=liblinear_rows,
        largest=5e7,
    ),
)
