"""Small tables and first fits: ``python -m benchmarks.small_fits``.

Milliseconds of a warm ``fit`` with all defaults, certificate included, on the 159 automobiles where
``DOWNSLOPE_DATA`` has them and on random rows of their shape. Microseconds of a pass in both forms
of the kernels, by the size of the table: what ``SMALL_WORK`` rests on. Then processor seconds of
the first fit of every kind on a machine, in a process of its own with nothing compiled yet, and of
the first fit in the next process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

KINDS = {
    # rows, columns, loss, classes, l1, what the columns are
    "squared, few rows": (159, 5, "squared_error", 1, 0.0, "float64"),
    "squared, few columns": (200_000, 20, "squared_error", 1, 0.0, "float64"),
    "squared": (100_000, 100, "squared_error", 1, 0.0, "float64"),
    "logistic, few rows": (159, 5, "log_loss", 1, 0.0, "float64"),
    "Huber, few rows": (500, 6, "huber", 1, 0.0, "float64"),
    "hinge, few rows": (500, 6, "hinge", 1, 0.0, "float64"),
    "three classes, few rows": (500, 6, "multinomial", 3, 0.0, "float64"),
    "L1 logistic, few rows": (500, 6, "log_loss", 1, 0.01, "float64"),
    "logistic": (100_000, 50, "log_loss", 1, 0.0, "float64"),
    "logistic, float32": (100_000, 50, "log_loss", 1, 0.0, "float32"),
    "Poisson": (100_000, 50, "poisson", 1, 0.0, "float64"),
    "Huber": (100_000, 50, "huber", 1, 0.0, "float64"),
    "hinge": (20_000, 20, "hinge", 1, 0.0, "float64"),
    "three classes": (60_000, 30, "multinomial", 3, 0.0, "float64"),
    "Lasso": (100_000, 50, "squared_error", 1, 0.1, "float64"),
    "L1 logistic": (100_000, 50, "log_loss", 1, 0.01, "float64"),
    "sparse logistic": (20_000, 5_000, "log_loss", 1, 0.0, "sparse"),
    "sparse Lasso": (20_000, 5_000, "squared_error", 1, 0.05, "sparse"),
}


def rows(kind: str) -> tuple:
    """Columns and targets of a kind."""
    from scipy import sparse

    n, d, loss, _, _, columns = KINDS[kind]
    random = np.random.default_rng(0)
    if columns == "sparse":
        X = sparse.random(n, d, density=0.003, format="csr", random_state=0)
        z = X @ random.normal(size=d)
    else:
        X = random.normal(size=(n, d)).astype(columns)
        z = X @ random.normal(size=d)
    z = z / z.std()
    if loss in ("squared_error", "huber"):
        return X, z + random.normal(size=n)
    if loss == "poisson":
        return X, random.poisson(np.exp(0.5 * z)).astype(float)
    if loss == "multinomial":
        return X, np.digitize(z + random.normal(size=n), (-1.0, 1.0))
    return X, np.where(z + random.logistic(size=n) > 0, 1.0, -1.0)


def first_and_second(kind: str) -> None:
    """In a process of its own: processor seconds of the first fit of a kind and of the next."""
    from downslope.bowl.solve import solve
    from downslope.losses import make_loss
    from downslope.penalties import Penalty

    X, y = rows(kind)
    _, _, loss, classes, l1, _ = KINDS[kind]
    times = []
    for _ in range(2):
        began = time.process_time()
        solve(X, y, make_loss(loss), Penalty(l1=l1, l2=1e-6), n_outputs=classes)
        times.append(time.process_time() - began)
    print(json.dumps(times))


def child(kind: str, kept: str) -> list[float]:
    """Seconds from a new process that keeps its machine code in a folder."""
    command = [sys.executable, "-m", "benchmarks.small_fits", "--child", kind]
    done = subprocess.run(
        command, env=os.environ | {"NUMBA_CACHE_DIR": kept}, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def warm_fits(repeats: int = 200) -> None:
    """Milliseconds of ``fit`` with all defaults."""
    from downslope import DescentClassifier, DescentRegressor

    X, y = rows("squared, few rows")
    tables = {"159 x 5, random": (X, y)}
    file = Path(os.environ.get("DOWNSLOPE_DATA", "../shared/data")) / "automobiles.csv"
    if file.exists():
        import pandas

        table = pandas.read_csv(file).select_dtypes("number")
        price = table.pop("price").to_numpy(float)
        tables[f"{len(table)} automobiles x {table.shape[1]}"] = (table.to_numpy(float), price)
    print("| fit, warm | median ms | processor | reason |\n|---|---|---|---|")
    for name, (X, y) in tables.items():
        models = (DescentRegressor(), y), (DescentClassifier(alpha=1e-4), y > np.median(y))
        for model, target in models:
            for _ in range(3):
                model.fit(X, target)
            times = []
            for _ in range(repeats):
                wall, cpu = time.perf_counter(), time.process_time()
                model.fit(X, target)
                times.append((time.perf_counter() - wall, time.process_time() - cpu))
            wall, cpu = 1e3 * np.median(times, axis=0)
            print(f"| {type(model).__name__}, {name} | {wall:.2f} | {cpu:.2f} | {model.reason_} |")


def both_forms(repeats: int = 300) -> None:
    """Microseconds of a pass in NumPy and as machine code, in turn, by rows and columns."""
    from downslope.bowl.passes import DensePasses
    from downslope.kernels import form
    from downslope.kernels.views import read_only
    from downslope.losses import make_loss

    print("\n| a pass, microseconds | squared | log loss | Huber |\n|---|---|---|---|")
    usual, random = form.SMALL_WORK, np.random.default_rng(0)
    for n, d in ((100, 10), (500, 10), (2_000, 10), (500, 40), (5_000, 10), (20_000, 10)):
        X, y = random.normal(size=(n, d)), random.choice([-1.0, 1.0], n)
        found = []
        for name in ("squared_error", "log_loss", "huber"):
            passes = DensePasses(*map(read_only, (X, y, np.ones(n))), make_loss(name), True)
            times: dict[int, list[float]] = {n * d: [], -1: []}
            for _ in range(repeats):
                for form.SMALL_WORK, spent in times.items():
                    began = time.perf_counter()
                    passes.at(np.ones(d + 1))
                    spent.append(time.perf_counter() - began)
            found.append(" / ".join(f"{1e6 * np.median(spent):.0f}" for spent in times.values()))
        print(f"| {n:,} x {d}, NumPy / machine code | {' | '.join(found)} |")
    form.SMALL_WORK = usual


def main() -> None:
    print("# python -m benchmarks.small_fits")
    warm_fits()
    both_forms()
    print("\n| first fit, seconds | nothing compiled | next process | warm |\n|---|---|---|---|")
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as kept:
            first, warm = child(kind, kept)
            second, _ = child(kind, kept)
        print(f"| {kind} | {first:.2f} | {second:.2f} | {warm:.4f} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        first_and_second(sys.argv[2])
    else:
        main()
