"""Downslope: the round bowl, by the function that the estimators call."""

from benchmarks.convex.solvers import Solver
from downslope.bowl.solve import Settings, solve
from downslope.losses import make_loss
from downslope.penalties import Penalty

LOSSES = {"squared": "squared_error", "logistic": "log_loss", "multinomial": "multinomial"}


def fit(problem, budget):
    penalty = Penalty(l1=problem.l1, l2=problem.l2)
    y = problem.y.astype(int) if problem.loss == "multinomial" else problem.y
    settings = Settings(tol=None if budget == 0.0 else budget)
    loss, k = make_loss(LOSSES[problem.loss]), problem.n_classes
    return solve(problem.X, y, loss, penalty, n_outputs=k, settings=settings).w


SOLVERS = (
    Solver(
        "downslope",
        fit,
        (1e-1, 1e-3, 1e-4, 0.0, 1e-6, 1e-8, 1e-10),
        frozenset(LOSSES),
        penalties=frozenset({"l1", "l2"}),
    ),
)
