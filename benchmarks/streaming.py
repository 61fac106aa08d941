"""Rows from disk: Vowpal Wabbit, pandas chunks with SGDClassifier, and downslope, in one run.

    python -m benchmarks.streaming [--rows 1000000] [--columns 28] [--rounds 3] [--folder DIR]

One thread each (VW parses in a second one). Every contender runs in a process of its own; its time
is that of the processor, all threads together, from after its imports to its last weights: a busy
machine falsifies that least. They take turns and the smallest of the rounds counts.

one pass    rows per second of one pass: VW's over text and over its binary cache; ours over CSV
            (parse, encode, loss and gradient) and over our cache (read, loss and gradient)
to 1e-3     seconds until the mean log loss is within 1e-3 of the lowest, from text. Of all rows:
            VW with 1, 2, 5 or 10 passes, pandas chunks with the best of four rates and 1 to 3
            epochs (choosing among them is not counted), and `fit_files` with its defaults. Of as
            few rows as it takes: `fit_within`, which finds out by itself, and pandas chunks
            stopped by somebody who knows the lowest loss, which a user does not

With --folder the rows are made there once and stay.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ONE_THREAD = {
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "ARROW_IO")
} | {"ARROW_NUM_THREADS": "1"}
NEAR = 1e-3


def make(folder: Path, n: int, d: int) -> None:
    """The same rows as CSV and as VW's text."""
    import pandas as pd

    rng = np.random.default_rng(0)
    mix = np.linalg.qr(rng.normal(size=(d, d)))[0]
    w = rng.normal(size=d)
    for first in range(0, n, 100_000):
        rows = min(100_000, n - first)
        X = (rng.normal(size=(rows, d)) * np.logspace(0, -1, d)) @ mix
        X = X.astype(np.float32).round(5)
        y = np.where(X @ w + rng.logistic(size=rows) > 0, 1, -1)
        table = pd.DataFrame(X, columns=[f"x{j}" for j in range(d)])
        table["y"] = y
        table.to_csv(folder / "rows.csv", index=False, mode="a", header=first == 0)
        names = [f"x{j}:" for j in range(d)]
        cells = X.astype(str)
        with (folder / "rows.vw").open("a") as out:
            for label, row in zip(y, cells, strict=True):
                out.write(f"{label} | {' '.join(map(str.__add__, names, row))}\n")


def seconds_of(fn: Any) -> tuple[float, Any]:
    began = time.process_time()
    answer = fn()
    return time.process_time() - began, answer


# --- contenders: each answers seconds, and weights with the intercept last, or None -----------


def vw(folder: Path, how: str, passes: int) -> tuple[float, Any]:
    import vowpalwabbit as pyvw

    cache = folder / "rows.cache"
    options = f"--quiet --loss_function logistic -b 18 -d {folder / 'rows.vw'}"
    if how == "cache" or passes > 1:
        options += f" --cache_file {cache} --passes {passes} --holdout_off"
    if how == "text" and passes > 1:
        cache.unlink(missing_ok=True)

    return seconds_of(lambda: pyvw.Workspace(options))  # -d: reads and learns when it is made


def vw_weights(model: Any, d: int) -> np.ndarray:
    found = [model.get_weight_from_name(f"x{j}") for j in range(d)]
    return np.array([*found, model.get_weight_from_name("Constant", "Constant")])


def pandas_sgd(folder: Path, rate: float, epochs: int) -> tuple[float, np.ndarray]:
    *_, (seconds, w) = pandas_chunks(folder, rate, epochs)
    return seconds, w


def pandas_path(folder: Path, rate: float) -> tuple[float, np.ndarray]:
    """Row by row: seconds and weights after each chunk."""
    path = [np.append(seconds, w) for seconds, w in pandas_chunks(folder, rate, 1)]
    return float(path[-1][0]), np.array(path)


def pandas_chunks(folder: Path, rate: float, epochs: int) -> Iterator[tuple[float, np.ndarray]]:
    import pandas as pd
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(
        loss="log_loss", alpha=1e-7, learning_rate="invscaling", eta0=rate, average=True
    )
    began = time.process_time()
    for _ in range(epochs):
        for chunk in pd.read_csv(folder / "rows.csv", chunksize=50_000):
            y = chunk.pop("y").to_numpy()
            model.partial_fit(chunk.to_numpy(), y, classes=[-1, 1])
            yield time.process_time() - began, np.append(model.coef_[0], model.intercept_)


def ours(folder: Path, cache: bool) -> tuple[float, np.ndarray]:
    from downslope.fitting.fit_files import fit_files

    kept = Path(tempfile.mkdtemp(dir=folder)) if cache else None
    seconds, done = seconds_of(lambda: fit_files(folder / "rows.csv", our_ask(), cache=kept))
    return seconds, our_weights(done.model())


def ours_within(folder: Path) -> tuple[float, np.ndarray]:
    from downslope.fitting.fit_within import fit_within

    seconds, done = seconds_of(lambda: fit_within(folder / "rows.csv", our_ask(), NEAR))
    return seconds, our_weights(done.model())


def our_ask() -> Any:
    from downslope.fitting.fit import Ask

    return Ask("y", alpha=0.0, test_size=0.0)


def our_weights(model: Any) -> np.ndarray:
    order = [model.names.index(f"x{j}") for j in range(len(model.names))]
    return np.append(model.coefficients[0][order], model.intercepts)


def our_pass(folder: Path, how: str) -> tuple[float, None]:
    from downslope.bowl.solve_stream import BlockPasses, StreamPasses
    from downslope.fitting.file_rows import understand_files
    from downslope.fitting.fit import Ask
    from downslope.losses import LogLoss
    from downslope.sources.cache import cached

    known = understand_files(folder / "rows.csv", Ask("y"))
    rows = known.source()
    if how == "cache":
        rows = cached(rows, folder / "ours", known.key())
    d = rows.n_features
    passes = StreamPasses(rows, BlockPasses(LogLoss(), True, np.zeros(d)))
    next(rows.blocks())
    few = StreamPasses(rows, BlockPasses(LogLoss(), True, np.zeros(d))).sample(100, 0)
    few.at(np.zeros(d + 1))  # machine code is compiled now
    seconds, _ = seconds_of(lambda: passes.at(np.zeros(d + 1)))
    return seconds, None


def child(folder: Path, what: list[Any], d: int) -> None:
    """One contender, in this process; prints seconds and weights as JSON."""
    import pyarrow

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    name, *more = what
    found = {
        "vw": vw,
        "pandas": pandas_sgd,
        "pandas path": pandas_path,
        "ours": ours,
        "ours within": ours_within,
        "our pass": our_pass,
    }[name]
    if name in ("ours", "ours within"):
        found(folder, *more)  # machine code is compiled and cached on disk by the first run
    seconds, answer = found(folder, *more)
    w = vw_weights(answer, d) if name == "vw" else answer
    print(json.dumps([seconds, None if w is None else w.tolist()]))


def run_child(folder: Path, what: list[Any], d: int) -> tuple[float, Any]:
    words = [sys.executable, "-m", "benchmarks.streaming", "--child", json.dumps(what)]
    words += ["--folder", str(folder), "--columns", str(d)]
    out = subprocess.run(
        words, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=True
    )
    seconds, w = json.loads(out.stdout.splitlines()[-1])
    return seconds, w


def mean_loss_in(folder: Path) -> Callable[[Any], float]:
    """Mean log loss over all rows of weights, the intercept last."""
    import pyarrow.csv

    table = pyarrow.csv.read_csv(folder / "rows.csv")
    y = table.column("y").to_numpy()
    X = np.column_stack([table.column(name).to_numpy() for name in table.column_names[:-1]])

    def mean_loss(w: Any) -> float:
        return float(np.logaddexp(0, -y * (X @ np.array(w[:-1]) + w[-1])).mean())

    return mean_loss


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--rows", type=int, default=1_000_000)
    ask.add_argument("--columns", type=int, default=28)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--child")
    ask.add_argument("--folder", type=Path)
    given = ask.parse_args()
    n, d = given.rows, given.columns
    if given.child:
        child(given.folder, json.loads(given.child), d)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(exist_ok=True)
        if not (folder / "rows.csv").exists():
            make(folder, n, d)
        report(folder, n, d, given.rounds)


def report(folder: Path, n: int, d: int, rounds: int) -> None:
    sides = [["vw", "text", 1], ["our pass", "text"], ["vw", "cache", 1], ["our pass", "cache"]]
    run_child(folder, ["vw", "text", 2], d)  # leaves VW's cache
    run_child(folder, ["our pass", "cache"], d)  # leaves ours
    best = [float("inf")] * len(sides)
    for _ in range(rounds):
        for i, side in enumerate(sides):
            best[i] = min(best[i], run_child(folder, side, d)[0])
    print(f"{n:,} rows x {d} columns, one thread, best of {rounds}; load {os.getloadavg()[0]:.1f}")
    for side, seconds in zip(sides, best, strict=True):
        print(f"  {' '.join(map(str, side)):18}{seconds:8.2f} s {n / seconds / 1e6:8.2f} M rows/s")
    print(f"  ours / VW: text {best[0] / best[1]:.2f}x, cache {best[2] / best[3]:.2f}x")
    time_to_near(folder, d)


def time_to_near(folder: Path, d: int) -> None:
    runs: dict[str, list[list[Any]]] = {"ours": [["ours", False], ["ours", True]]}
    runs["ours, few rows"] = [["ours within"]]
    runs["VW"] = [["vw", "text", passes] for passes in (1, 2, 5, 10)]
    runs["pandas"] = [["pandas", r, e] for e in (1, 3) for r in (0.01, 0.05, 0.2, 1.0)]
    done = {
        who: [(*run_child(folder, what, d), what) for what in whats] for who, whats in runs.items()
    }
    mean_loss = mean_loss_in(folder)
    gaps = {
        who: [(seconds, mean_loss(w), what) for seconds, w, what in found]
        for who, found in done.items()
    }
    lowest = min(loss for found in gaps.values() for _, loss, _ in found)
    fastest = {}
    for who, found in gaps.items():
        for seconds, loss, what in found:
            print(f"  {' '.join(map(str, what)):18}{seconds:8.2f} s   gap {loss - lowest:.1e}")
        near = [seconds for seconds, loss, _ in found if loss - lowest <= NEAR]
        fastest[who] = min(near, default=float("inf"))
    others = min(fastest["VW"], fastest["pandas"])
    told = ", ".join(f"{who} {seconds:.2f} s" for who, seconds in fastest.items())
    all_rows, few = others / fastest["ours"], others / fastest["ours, few rows"]
    print(f"  to a gap of {NEAR:g}: {told}")
    print(f"  others / ours: {all_rows:.2f}x of all rows, {few:.2f}x of as few as it takes")
    stopped = [
        seconds
        for _, rate, epochs in runs["pandas"]
        for seconds, *w in (run_child(folder, ["pandas path", rate], d)[1] if epochs == 1 else [])
        if mean_loss(w) - lowest <= NEAR
    ]
    print(f"  pandas, stopped by one who knows the lowest: {min(stopped, default=np.inf):.2f} s")


if __name__ == "__main__":
    main()
