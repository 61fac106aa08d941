"""glum, Snap ML, Cyanure, skglm and celer, by their own estimators and defaults, tol apart."""

import logging
import os
import warnings

import numpy as np

from benchmarks.convex.solvers import Solver, flat

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10)


def glum(problem, budget):
    from glum import GeneralizedLinearRegressor

    family = "normal" if problem.loss == "squared" else "binomial"
    y = problem.y if problem.loss == "squared" else (problem.y + 1) / 2
    strength, ratio = (problem.l1, 1.0) if problem.l1 else (problem.l2, 0.0)
    model = GeneralizedLinearRegressor(
        family=family, alpha=strength, l1_ratio=ratio, gradient_tol=budget, max_iter=1000
    ).fit(problem.X, y)
    return flat(model.coef_, model.intercept_)


def snapml(dual):
    def fit(problem, budget):
        from snapml import LogisticRegression

        model = LogisticRegression(
            regularizer=max(problem.l2 * len(problem.y), 1e-12),
            fit_intercept=True,
            tol=budget,
            max_iter=5000,
            dual=dual,
            n_jobs=int(os.environ["OMP_NUM_THREADS"]),
        )
        X = problem.X
        if not isinstance(X, np.ndarray):
            from scipy import sparse

            X = sparse.csr_matrix(X)
        model.fit(X, problem.y)
        return flat(model.coef_, model.intercept_)

    kind = "dual" if dual else "primal"
    return Solver(f"snapml-{kind}", fit, (1e-2, 1e-3, 1e-4, 1e-5, 1e-7), frozenset({"logistic"}))


def cyanure(problem, budget):
    from cyanure.estimators import Classifier, Regression

    loss = {"logistic": "logistic", "multinomial": "multiclass-logistic"}.get(problem.loss)
    kind, named = (Classifier, {"loss": loss}) if loss else (Regression, {})
    penalty, strength = ("l1", problem.l1) if problem.l1 else ("l2", problem.l2)
    model = kind(
        **named,
        penalty=penalty,
        lambda_1=strength,
        tol=budget,
        max_iter=2000,
        verbose=False,
        n_threads=int(os.environ["OMP_NUM_THREADS"]),
    ).fit(problem.X, problem.y)
    return flat(model.coef_.T if problem.n_classes > 1 else np.ravel(model.coef_), model.intercept_)


def skglm(problem, budget):
    from skglm import Lasso, SparseLogisticRegression

    kind = Lasso if problem.loss == "squared" else SparseLogisticRegression
    X = problem.X if isinstance(problem.X, np.ndarray) else problem.X.tocsc()
    model = kind(alpha=problem.l1, tol=budget).fit(
        np.asfortranarray(X) if X is problem.X else X, problem.y
    )
    return flat(np.ravel(model.coef_), np.ravel(model.intercept_))


def celer(problem, budget):
    from celer import Lasso

    X = problem.X if isinstance(problem.X, np.ndarray) else problem.X.tocsc()
    model = Lasso(alpha=problem.l1, tol=budget).fit(
        np.asfortranarray(X) if X is problem.X else X, problem.y
    )
    return flat(model.coef_, model.intercept_)


BOTH, L1, L2 = frozenset({"l1", "l2"}), frozenset({"l1"}), frozenset({"l2"})
SOLVERS = (
    Solver("glum", glum, TOLERANCES, frozenset({"squared", "logistic"}), penalties=BOTH),
    snapml(True),
    snapml(False),
    Solver(
        "cyanure",
        cyanure,
        TOLERANCES,
        frozenset({"squared", "logistic", "multinomial"}),
        penalties=BOTH,
    ),
    Solver("skglm", skglm, TOLERANCES, frozenset({"squared", "logistic"}), penalties=L1),
    Solver("celer", celer, TOLERANCES, frozenset({"squared"}), penalties=L1),
)
