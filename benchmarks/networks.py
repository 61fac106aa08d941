"""Networks against scikit-learn's: held-out loss against time, and accuracy after equal epochs.

    python -m benchmarks.networks [--threads 2] [--epochs 30] [--seeds 5] [DATA ...]

One hidden layer of 100 rectified units everywhere; everything else is each library's default.
scikit-learn's networks get columns scaled the way its documentation advises (standardised tables,
pixels divided by the largest); ours get the same arrays. Each run is a process of its own with
threads pinned. On one thread it is processor time that counts, so that a busy machine does not
disturb; else the wall's. Evaluating the held-out rows is not timed for scikit-learn, and is for us.

"time" is until the held-out loss first reaches the lowest that scikit-learn reaches within its
epochs. "accuracy" is after the same number of epochs for both.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

DATA = Path(os.environ.get("DOWNSLOPE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def digits():
    from sklearn.datasets import load_digits

    table = load_digits()
    return table.data / 16.0, table.target


def mnist():
    folder = DATA / "images"
    pixels = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    X = np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 784) / 255.0
    return X, np.frombuffer(labels, np.uint8, offset=8).astype(int)


def housing():
    import pandas as pd

    table = pd.read_csv(DATA / "tables" / "housing.csv").dropna()
    return standardised(pd.get_dummies(table), "median_house_value")


def adult():
    import pandas as pd

    table = pd.read_csv(DATA / "tables" / "adult.data", header=None, skipinitialspace=True)
    rich = table.pop(14) == ">50K"
    X, y = standardised(pd.get_dummies(table).assign(rich=rich), "rich")
    return X, y.astype(int)


def standardised(table, target):
    y = table.pop(target).to_numpy(float)
    X = table.to_numpy(float)
    return (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12), y


PROBLEMS = {"digits": digits, "housing": housing, "adult": adult, "mnist": mnist}
REGRESSION = {"housing"}


def split(name: str, seed: int):
    X, y = PROBLEMS[name]()
    order = np.random.default_rng(seed).permutation(len(y))
    kept, held = order[: int(0.8 * len(y))], order[int(0.8 * len(y)) :]
    if name in REGRESSION:
        # scikit-learn's regressor does not scale targets; it gets them scaled.
        y = (y - y[kept].mean()) / y[kept].std()
    return X[kept], y[kept], X[held], y[held]


def held_loss(name: str, output: np.ndarray, y: np.ndarray) -> float:
    """Half the mean squared error, or the log loss of probabilities."""
    if name in REGRESSION:
        return float(0.5 * np.mean((output - y) ** 2))
    return float(-np.mean(np.log(np.maximum(output[np.arange(len(y)), y], 1e-15))))


def score(name: str, output: np.ndarray, y: np.ndarray) -> float:
    """R squared, or accuracy."""
    if name in REGRESSION:
        return float(1.0 - np.mean((output - y) ** 2) / np.var(y))
    return float(np.mean(output.argmax(axis=1) == y))


def scikit_learn(name: str, seed: int, epochs: int) -> dict:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    warnings.simplefilter("ignore")
    X, y, X_held, y_held = split(name, seed)
    model = (MLPRegressor if name in REGRESSION else MLPClassifier)(random_state=seed)
    more = {} if name in REGRESSION else {"classes": np.unique(y)}
    output = model.predict if name in REGRESSION else model.predict_proba
    spent, curve = 0.0, []
    for _ in range(epochs):
        began = time.perf_counter()
        model.partial_fit(X, y, **more)
        spent += time.perf_counter() - began
        curve.append((spent, held_loss(name, output(X_held), y_held)))
    return {"curve": curve, "score": score(name, output(X_held), y_held)}


def ours(name: str, seed: int, epochs: int) -> dict:
    from downslope import NetworkClassifier, NetworkRegressor

    X, y, X_held, y_held = split(name, seed)
    make = NetworkRegressor if name in REGRESSION else NetworkClassifier
    # One run for the score, as anyone would make it, and one that looks at the held-out rows after
    # each epoch; the latter's clock runs on while it looks.
    model = make(random_state=seed, max_iter=epochs).fit(X, y)
    output = model.predict(X_held) if name in REGRESSION else model.predict_proba(X_held)
    looked, began = make(random_state=seed, tol=None), time.perf_counter()
    looked.fit(X, y, X_val=X_held, y_val=y_held)
    spent, trace = time.perf_counter() - began, looked.history_
    at = np.flatnonzero(~np.isnan(trace["validation"]))
    before = spent - trace["seconds"][-1]
    curve = [(before + trace["seconds"][i], trace["validation"][i]) for i in at]
    return {
        "curve": curve,
        "score": score(name, output, y_held),
        "epochs": len(at) - 1,
        "why": looked.learning_rate_reason_,
    }


SOLVERS = {"scikit-learn": scikit_learn, "downslope": ours}


def work(solver: str, name: str, seed: int, epochs: int, threads: int) -> dict:
    """One run in a process of its own."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    environment = os.environ | {f"{name}_NUM_THREADS": str(threads) for name in names}
    command = [sys.executable, "-m", "benchmarks.networks", "--work", solver, name]
    command += [str(seed), str(epochs)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def seconds_to(curve: list, target: float) -> float:
    return next((seconds for seconds, loss in curve if loss <= target), np.nan)


def measure(name: str, epochs: int, seeds: int, threads: int) -> str:
    """A row of the table: medians over seeds."""
    rows = []
    for seed in range(seeds):
        theirs, own = (work(solver, name, seed, epochs, threads) for solver in SOLVERS)
        target = min(loss for _, loss in theirs["curve"])
        times = [seconds_to(run["curve"], target) for run in (theirs, own)]
        lowest = [min(loss for _, loss in run["curve"]) for run in (theirs, own)]
        rows.append((*times, times[0] / times[1], *lowest, theirs["score"], own["score"]))
    a, b, ratio, la, lb, sa, sb = np.median(rows, axis=0)
    worst, best = np.min([row[2] for row in rows]), np.max([row[2] for row in rows])
    return (
        f"| {name} | {a:.2f} s | {b:.2f} s | {ratio:.1f} ({worst:.1f} to {best:.1f}) "
        f"| {la:.4f} | {lb:.4f} | {sa:.4f} | {sb:.4f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--work", nargs=4)
    options = parser.parse_args()
    if options.work:
        solver, name, seed, epochs = options.work
        if os.environ["OMP_NUM_THREADS"] == "1":
            time.perf_counter = time.process_time
        print(json.dumps(SOLVERS[solver](name, int(seed), int(epochs))))
        return
    print(f"# python -m benchmarks.networks {' '.join(sys.argv[1:])}")
    print(f"# medians over {options.seeds} seeds, {options.threads} threads\n")
    print("| data | time scikit-learn | time ours | ratio (worst to best) |", end="")
    print(" lowest held-out loss scikit-learn | ours | accuracy scikit-learn | ours |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.names:
        print(measure(name, options.epochs, options.seeds, options.threads), flush=True)


if __name__ == "__main__":
    main()
