"""Peak memory of `downslope fit` on files of growing size: a flat line.

    python -m benchmarks.memory_flat [--gigabytes 0.1 0.4 1.6]      (10 for the long one)

Parquet files of random rows with 100 columns are made, fitted from the command line in a process
of its own, without and with a cache, and removed; the peak is the largest resident size that the
system saw (VmHWM, Linux), the compiled kernels and all libraries included. (ru_maxrss would not do:
a process starts with that of the one that started it.)
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

COLUMNS = 100
ROWS_PER_FILE = 500_000


def make(folder: Path, gigabytes: float) -> int:
    """Files of float64 numbers that do not compress; the rows in them."""
    n, rng = int(gigabytes * 1e9 / 8 / COLUMNS), np.random.default_rng(0)
    w = rng.normal(size=COLUMNS)
    for i, first in enumerate(range(0, n, ROWS_PER_FILE)):
        X = rng.normal(size=(min(ROWS_PER_FILE, n - first), COLUMNS))
        table = {f"x{j}": X[:, j] for j in range(COLUMNS)} | {"y": X @ w + rng.normal(size=len(X))}
        path = folder / f"{i:05}.parquet"
        pyarrow.parquet.write_table(
            pyarrow.table(table), path, row_group_size=50_000, use_dictionary=False
        )
    return n


def child(words: list[str]) -> None:
    """Fit, then print this process's peak."""
    from downslope.cli import run

    code = run(words)
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    print(code, int(peak) / 1024)


def peak(words: list[str]) -> float:
    """Peak of one fit in MB."""
    command = [sys.executable, "-m", "benchmarks.memory_flat", "--child", *words]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    code, megabytes = out.splitlines()[-1].split()
    assert code == "0", out
    return float(megabytes)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--gigabytes", type=float, nargs="+", default=[0.1, 0.4, 1.6])
    ask.add_argument("--folder", type=Path)
    given = ask.parse_args()
    print(f"{'GB':>6} {'rows':>12} {'peak, no cache':>16} {'peak, cache':>14}")
    for gigabytes in given.gigabytes:
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            data, cache = Path(name) / "data", Path(name) / "cache"
            data.mkdir()
            n = make(data, gigabytes)
            words = ["fit", str(data), "-t", "y", "--quiet", "--cache"]
            bare, kept = peak([*words, "none"]), peak([*words, str(cache)])
            print(f"{gigabytes:6.1f} {n:12,} {bare:13,.0f} MB {kept:11,.0f} MB", flush=True)


if __name__ == "__main__":
    main()
