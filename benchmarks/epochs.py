"""Epochs of single-row descent per second, against scikit-learn's SGD, in turn in one run.

    python benchmarks/epochs.py [--rows 500000] [--columns 100] [--rounds 7] [--sparse]

Both sides take the same number of plain steps at the same constant rate with an L2 penalty, on the
same rows, in one thread. A fit of one epoch is subtracted from a fit of five, so that checking
input and compiling do not count; what remains is four epochs, the shuffling of the rows included.
Seconds are of the processor, which a busy machine falsifies least. "random" visits rows in any
order, as scikit-learn does; "block" shuffles blocks of 256 neighbours and the rows inside; both
anew in every epoch. Medians over the rounds; scikit-learn goes first in every round.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import SGDClassifier, SGDRegressor
from threadpoolctl import threadpool_limits

from downslope.estimators import DescentClassifier, DescentRegressor

EPOCHS = 4
COMMON = {"alpha": 1e-4, "learning_rate": "constant", "eta0": 1e-3, "tol": None, "random_state": 0}
SIDES: dict[str, dict[str, Callable[..., Any]]] = {
    "squared_error": {
        "scikit-learn": lambda **s: SGDRegressor("squared_error", **s),
        "downslope, random": lambda **s: DescentRegressor("squared_error", scaling="none", **s),
        "downslope, block": lambda **s: DescentRegressor(
            "squared_error", scaling="none", shuffle="block", **s
        ),
    },
    "log_loss": {
        "scikit-learn": lambda **s: SGDClassifier("log_loss", **s),
        "downslope, random": lambda **s: DescentClassifier("log_loss", scaling="none", **s),
        "downslope, block": lambda **s: DescentClassifier(
            "log_loss", scaling="none", shuffle="block", **s
        ),
    },
}


def rows(n: int, d: int, share: float) -> tuple[Any, np.ndarray]:
    """Features and a noisy linear target; ``share`` of the features is not zero."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=d) / np.sqrt(d) + rng.normal(size=n)
    if share < 1.0:
        X = sparse.csr_matrix(np.where(rng.random(X.shape) < share, X, 0.0))
    return X, y


def epoch_seconds(make: Callable[..., Any], X: Any, y: np.ndarray) -> float:
    """Processor seconds per epoch."""
    spent = []
    for epochs in (1, 1 + EPOCHS):
        model = make(max_iter=epochs, **COMMON)
        began = time.process_time()
        model.fit(X, y)
        spent.append(time.process_time() - began)
    return (spent[1] - spent[0]) / EPOCHS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sparse", action="store_true", help="5 % of the features, as CSR")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = rows(given.rows, given.columns, 0.05 if given.sparse else 1.0)
    kind = "CSR, 5 % filled" if given.sparse else "dense float64"
    print(f"{given.rows:,} x {given.columns} {kind}, one thread, median of {given.rounds} rounds\n")
    print(f"{'loss':14} {'side':20} {'ms/epoch':>9} {'epochs/s':>9} {'ratio':>6}")
    for loss, sides in SIDES.items():
        target = y if loss == "squared_error" else np.sign(y)
        for make in sides.values():  # compile
            make(max_iter=1, **COMMON).fit(X[:1000], target[:1000])
        seen: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(given.rounds):
            for name, make in sides.items():
                seen[name].append(epoch_seconds(make, X, target))
        base = statistics.median(seen["scikit-learn"])
        for name, times in seen.items():
            t = statistics.median(times)
            print(f"{loss:14} {name:20} {1e3 * t:9.1f} {1 / t:9.1f} {base / t:6.1f}")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
