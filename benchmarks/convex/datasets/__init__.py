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
    """The problem, generated once and kept under ``benchmarks/out/data``."""
    path = OUT / f"{name}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as kept:
            X = kept["X"] if "X" in kept else _csr(kept)
            loss, l2, l1 = str(kept["loss"]), float(kept["l2"]), float(kept["l1"])
            return Problem(name, X, kept["y"], loss, l2, l1)
    problem = problems()[name]()
    OUT.mkdir(parents=True, exist_ok=True)
    X = problem.X
    parts = {"X": X} if isinstance(X, np.ndarray) else _parts(X)
    np.savez(path, y=problem.y, loss=problem.loss, l2=problem.l2, l1=problem.l1, **parts)
    return problem


def _parts(X):
    return {"data": X.data, "indices": X.indices, "indptr": X.indptr, "shape": np.array(X.shape)}


def _csr(kept):
    from scipy import sparse

    parts = (kept["data"], kept["indices"], kept["indptr"])
    return sparse.csr_array(parts, shape=tuple(kept["shape"]))
