"""A sparse problem of rcv1's shape: power-law columns, rows of unit length."""

import numpy as np
from scipy import sparse

from benchmarks.convex.objective import Problem


def text_like(name: str, n: int, d: int, per_row: float, l2: float, l1: float = 0.0) -> Problem:
    """``n`` documents over ``d`` words; word j has frequency proportional to 1/(j + 10)."""
    random = np.random.default_rng(0)
    lengths = np.maximum(1, random.poisson(per_row, size=n))
    share = 1.0 / (np.arange(d) + 10.0)
    words = np.searchsorted(np.cumsum(share / share.sum()), random.random(int(lengths.sum())))
    rows = np.repeat(np.arange(n), lengths)
    counts = sparse.csr_array((np.ones(len(words)), (rows, np.minimum(words, d - 1))), shape=(n, d))
    counts.sum_duplicates()
    counts.data = (1 + np.log(counts.data)) * np.log(1.0 / share[counts.indices])
    norms = np.sqrt(counts.multiply(counts).sum(axis=1))
    X = sparse.csr_array(sparse.diags_array(1.0 / norms) @ counts)
    X.sort_indices()
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)  # peers want these
    truth = random.normal(size=d) * (random.random(d) < 0.2)
    z = X @ truth
    y = np.where(4.0 * z / z.std() + random.logistic(size=n) > 0, 1.0, -1.0)
    return Problem(name, X, y, "logistic", l2, l1)


def with_numbers(name: str, l2: float) -> Problem:
    """The same documents with a number to predict: Lasso, or elastic net where ``l2`` is given."""
    problem = text_like(name, 50_000, 20_000, 50, 0.0)
    random = np.random.default_rng(1)
    z = problem.X @ (random.normal(size=20_000) * (random.random(20_000) < 0.02))
    y = z / z.std() + random.normal(size=50_000)
    steepest = float(np.abs(problem.X.T @ (y - y.mean())).max()) / len(y)
    return Problem(name, problem.X, y, "squared", l2 * steepest, 0.02 * steepest)


PROBLEMS = {
    "sparse-2e5x47e3": lambda: text_like("sparse-2e5x47e3", 200_000, 47_000, 68, 1e-5),
    "sparse-l1-5e4x2e4": lambda: text_like("sparse-l1-5e4x2e4", 50_000, 20_000, 50, 0.0, 1e-4),
    "sparse-lasso-5e4x2e4": lambda: with_numbers("sparse-lasso-5e4x2e4", 0.0),
    "sparse-elastic-5e4x2e4": lambda: with_numbers("sparse-elastic-5e4x2e4", 0.02),
    "quick-sparse-2e4x1e4": lambda: text_like("quick-sparse-2e4x1e4", 20_000, 10_000, 50, 1e-5),
}
