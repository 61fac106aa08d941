"""Downslope: the estimators' public ``fit``, and beside it the solver that it calls.

The penalty is one of the columns as they are, as the peers' is: ``scaling="none"`` says so. Where
there is none the call is the one that a user types, ``tol`` apart; ``DescentClassifier`` has to be
told so.
"""

import warnings

from benchmarks.convex.solvers import Answer, Solver, flat

LOSSES = {"squared": "squared_error", "logistic": "log_loss", "multinomial": "multinomial"}
DEFAULT = 0.0
BUDGETS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, DEFAULT, 1e-7, 1e-8, 1e-9, 1e-10, 1e-13)


def estimator(problem, budget):
    """The estimator with the problem's penalty, not fitted yet."""
    from downslope import DescentClassifier, DescentRegressor

    strength = problem.l1 + problem.l2
    penalised = {
        "penalty": "elasticnet",
        "alpha": strength,
        "l1_ratio": problem.l1 / strength if strength else 0.0,
        "scaling": "none",
    }
    kind = DescentRegressor if problem.loss == "squared" else DescentClassifier
    tol = "auto" if budget == DEFAULT else budget
    return kind(tol=tol, **(penalised if strength else {"alpha": 0.0}))


def fit(problem, budget):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a loose budget may not be reached
        model = estimator(problem, budget).fit(problem.X, problem.y)
    return flat(model.coef_, model.intercept_, model.n_iter_)


def fit_solver(problem, budget):
    from downslope.bowl.solve import Settings, solve
    from downslope.losses import make_loss
    from downslope.penalties import Penalty

    penalty = Penalty(l1=problem.l1, l2=problem.l2)
    y = problem.y.astype(int) if problem.loss == "multinomial" else problem.y
    settings = Settings(tol=None if budget == DEFAULT else budget)
    loss, k = make_loss(LOSSES[problem.loss]), problem.n_classes
    solution = solve(problem.X, y, loss, penalty, n_outputs=k, settings=settings)
    return Answer(solution.w, solution.passes)


PENALTIES = frozenset({"l1", "l2", "both"})
SOLVERS = (
    Solver("downslope", fit, BUDGETS, frozenset(LOSSES), penalties=PENALTIES, counts="passes"),
    Solver(
        "downslope-solver",
        fit_solver,
        BUDGETS,
        frozenset(LOSSES),
        penalties=PENALTIES,
        counts="passes",
    ),
)
