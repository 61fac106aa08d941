"""Downslope: the round bowl, by the function that the estimators call."""

from benchmarks.convex.solvers import Answer, Solver

LOSSES = {"squared": "squared_error", "logistic": "log_loss", "multinomial": "multinomial"}
DEFAULT = 0.0


def fit(problem, budget):
    from downslope.bowl.solve import Settings, solve
    from downslope.losses import make_loss
    from downslope.penalties import Penalty

    penalty = Penalty(l1=problem.l1, l2=problem.l2)
    y = problem.y.astype(int) if problem.loss == "multinomial" else problem.y
    settings = Settings(tol=None if budget == DEFAULT else budget)
    loss, k = make_loss(LOSSES[problem.loss]), problem.n_classes
    solution = solve(problem.X, y, loss, penalty, n_outputs=k, settings=settings)
    return Answer(solution.w, solution.passes)


SOLVERS = (
    Solver(
        "downslope",
        fit,
        (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, DEFAULT, 1e-7, 1e-8, 1e-9, 1e-10, 1e-13),
        frozenset(LOSSES),
        penalties=frozenset({"l1", "l2", "both"}),
        counts="passes",
    ),
)
