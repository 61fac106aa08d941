"""Data sets by name: each file has a ``PROBLEMS`` table of name to maker."""

import importlib
import os
import pkgutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.convex.objective import Problem

OUT = Path(os.environ.get("BENCH_DATA", Path(__file__).parents[2] / "out" / "data"))
"""Where problems that were made once are kept."""


def problems() -> dict[str, Callable[[], Problem]]:
    """Every problem by name."""
    found: dict[str, Callable[[], Problem]] = {}
    for module in pkgutil.iter_modules(__path__):
        found |= importlib.import_module(f"{__name__}.{module.name}").PROBLEMS
    return found


def load(name: str) -> Problem:
    """The problem, generated once and kept under ``benchmarks/out/data``.

    A large array is a file of its own: read from an archive it takes ten times as long.
    """
    folder = OUT / name
    if not (folder / "rest.npz").exists():
        _keep(problems()[name](), folder)
    with np.load(folder / "rest.npz", allow_pickle=False) as rest:
        loss, l2, l1 = str(rest["loss"]), float(rest["l2"]), float(rest["l1"])
        shape = tuple(rest["shape"])
    parts = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    y = parts.pop("y")
    X = parts["X"] if "X" in parts else _csr(parts, shape)
    return Problem(name, X, y, loss, l2, l1)


def _keep(problem: Problem, folder: Path) -> None:
    X = problem.X
    dense = isinstance(X, np.ndarray)
    parts = {"X": X} if dense else {"data": X.data, "indices": X.indices, "indptr": X.indptr}
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in (parts | {"y": problem.y}).items():
        np.save(folder / f"{name}.npy", part)
    rest = {"loss": problem.loss, "l2": problem.l2, "l1": problem.l1, "shape": X.shape}
    np.savez(folder / "rest.npz", **rest)  # last, so that what was broken off is made anew


def _csr(parts, shape):
    from scipy import sparse

    return sparse.csr_array((parts["data"], parts["indices"], parts["indptr"]), shape=shape)
