"""Mini-batches with no rate to choose: ``python -m benchmarks.mini_batches [PROBLEM ...]``.

``batch_size=64, learning_rate="auto"`` on problems of ``benchmarks.convex``: the rate it picks and
why, epochs, the gap (f - f*)/(f0 - f*) after its last epoch, and processor seconds of one thread;
beside it scikit-learn's SGD with an averaged run at the best of a grid of rates, for as many
epochs, its tuning apart. f* is the round bowl's, to full precision.
"""

import argparse
import time
import warnings
from dataclasses import replace

import numpy as np

from benchmarks.convex.datasets import load
from benchmarks.convex.objective import null_value, value
from benchmarks.convex.solvers import ours
from benchmarks.convex.solvers.scikit_learn import sgd, tuned

TINY = 1e-12
PROBLEMS = (
    "quick-logistic-1e5x50",
    "quick-squared-1e5x100",
    "quick-logistic-1e5x50-rare",
    "logistic-1e6x28",
    "logistic-1e6x100-c1e2",
    "logistic-1e6x100-c1e6",
    "squared-1e6x20",
    "squared-1e6x100",
    "logistic-1e6x100-rare",
    "logistic-1e6x100-heavy",
    "adult",
    "a9a",
    "housing",
    "diamonds",
)


def fit(problem, epochs: int):
    """Our estimator with its defaults, a batch size and a cap on epochs."""
    from downslope import DescentClassifier, DescentRegressor

    settings = {"batch_size": 64, "alpha": TINY, "max_iter": epochs, "random_state": 0}
    if problem.loss == "squared":
        return DescentRegressor(loss="squared_error", **settings).fit(problem.X, problem.y)
    return DescentClassifier(**settings).fit(problem.X, problem.y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    print(f"# python -m benchmarks.mini_batches {' '.join(options.problems)}")
    print("| problem | rate | epochs | gap | seconds | scikit-learn's gap | its seconds | tuning |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.problems:
        # The estimators' penalty is on the weights of scaled columns, the problems' on raw ones:
        # compared where both are next to nothing.
        problem = replace(load(name), l2=TINY)
        fit(problem.take(2000), 1)
        began = time.process_time()
        model = fit(problem, options.epochs)
        seconds = time.process_time() - began
        first, lowest = null_value(problem), value(problem, ours.fit(problem, 1e-12).w)
        weights = np.append(np.ravel(model.coef_), np.ravel(model.intercept_))
        gap = (value(problem, weights) - lowest) / (first - lowest)
        began = time.process_time()
        prepared = tuned(problem)
        tuning = time.process_time() - began
        began = time.process_time()
        theirs = sgd(prepared, model.n_iter_).w
        spent = time.process_time() - began
        their_gap = (value(problem, theirs) - lowest) / (first - lowest)
        print(
            f"| {name} | {model.history_['rate'][0]:.3g} | {model.n_iter_} | {gap:.1e} | "
            f"{seconds:.2f} | {their_gap:.1e} | {spent:.2f} | {tuning:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
