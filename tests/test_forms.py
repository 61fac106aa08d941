"""Kernels have two forms: NumPy for little work, machine code for much; equal to rounding."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from downslope.bowl.rounding import rounded
from downslope.kernels import form as forms
from downslope.kernels import making
from downslope.kernels.form import form
from downslope.kernels.views import read_only, unsigned
from downslope.losses import LOSSES, make_loss

N, D, K = 701, 7, 3
SEED = np.uint64(5)
SHARP = [make_loss(name) for name in sorted(set(LOSSES) - {"multinomial"})]
CORNERS = [loss for loss in SHARP if loss.name in ("quantile", "epsilon_insensitive", "hinge")]
ROUND = [rounded(loss, np.zeros(1), 0.5)[0] for loss in CORNERS]


def problem(dtype=np.float64, seed=0):
    """Rows, targets of both signs, weights, some of them zero, and a point."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(N, D)).astype(dtype), rng.choice([-1.0, 1.0, 0.5], N)
    weights = rng.uniform(0.5, 1.5, N) * (rng.random(N) > 0.1)
    return X, read_only(y), read_only(weights), 0.3 * rng.normal(size=D + 1)


def dense(kernels, loss, dtype, buckets):
    X, y, weights, w = problem(dtype)
    gradient, table = np.ones(D + 1), np.zeros((buckets, D + 2))
    total = kernels.dense_pass(
        read_only(X), y, weights, w, loss.code, loss.parameter, 20, N, gradient, table,
        np.linspace(-1.0, 1.0, D), 0.01, SEED, 3, kernels.others_for(loss.code),
    )  # fmt: skip
    return total, gradient, table


def stretches(kernels, loss):
    X, y, weights, w = problem()
    gradient, some = np.zeros(D + 1), np.array([[0, 64], [128, 130], [600, N]])
    tail = (some, gradient, kernels.others_for(loss.code))
    total = kernels.dense_stretches(X, y, weights, w, loss.code, loss.parameter, *tail)
    return total, gradient


def classes(kernels, dtype, buckets, exact):
    X, _, weights, _ = problem(dtype)
    rng = np.random.default_rng(1)
    y, W = read_only(rng.integers(0, K, N)), rng.normal(size=(K, D + 1))
    gradient, table = np.ones((K, D + 1)), np.zeros((buckets, K * (D + 1)))
    total = kernels.class_pass(
        read_only(X), y, weights, W, 20, N, gradient, table, exact, np.linspace(-1.0, 1.0, D),
        SEED, 3,
    )  # fmt: skip
    return total, gradient, table


def sparse_rows(dtype=np.float64):
    X = problem(dtype)[0] * (np.random.default_rng(2).random((N, D)) < 0.4)
    return sparse.csr_matrix(X)


def few(kernels, loss, dtype, scales, buckets):
    _, y, weights, w = problem()
    gradient, squares = np.ones(D + 1), np.ones((D + 1) * scales)
    table = np.zeros((buckets, D + 2))
    total = kernels.sparse_pass(
        *unsigned(sparse_rows(dtype)), y, weights, w, loss.code, loss.parameter, 20, N, gradient,
        squares, table, 0.01, SEED, form("dense", 10**9).others_for(loss.code),
    )  # fmt: skip
    return total, gradient, squares, table


def few_classes(kernels, dtype, scales):
    weights, rng = problem()[2], np.random.default_rng(1)
    y, W = read_only(rng.integers(0, K, N)), rng.normal(size=(D + 1, K))
    gradient, squares = np.ones((D + 1, K)), np.ones(((D + 1) * scales, K))
    rows = unsigned(sparse_rows(dtype))
    total = kernels.sparse_class_pass(*rows, y, weights, W, 20, N, gradient, squares)
    return total, gradient, squares


def sizes(kernels):
    data, indices, _ = unsigned(sparse_rows())
    found = np.ones(D)
    kernels.add_sizes(data, indices, found)
    return (found,)


def gram(kernels, dtype):
    X, y, weights, _ = problem(dtype)
    found = np.ones((10, 10))
    kernels.gram_pass(read_only(X), y, weights, 20, N, np.linspace(-1.0, 1.0, D), 0.2, found)
    return (np.triu(found[: D + 2, : D + 2]),)


def moments(kernels, dtype, weighted):
    X, _, weights, w = problem(dtype)
    sums, unit = np.ones((2, D)), np.full(D, 0.5)
    counts = weights if weighted else np.ones(1)
    kernels.moments_pass(read_only(X), counts, 20, N, unit, w[:D], sums)
    return (sums,)


def turned(kernels, dtype):
    columns = kernels.columns_of_rows(*unsigned(sparse_rows(dtype)), D)
    return *columns, *kernels.only_columns(*columns, np.array([1, 4, 6]))


def over_columns(kernels, dtype):
    _, r, h, w = problem()
    columns = tuple(map(read_only, kernels.columns_of_rows(*unsigned(sparse_rows(dtype)), D)))
    z, sums, squares = np.ones(N), np.zeros(D), np.zeros(D)
    kernels.add_predictions(*columns, w, z)
    kernels.sums_of_columns(*columns, 2, 6, r, sums)
    kernels.squares_of_columns(*columns, h, squares)
    return z, sums, squares


def coordinates(kernels):
    X, y, _, w = problem()
    hessian, l1 = X.T @ X / N, np.append(np.full(D - 1, 0.05), 0.0)
    return (kernels.descend_coordinates(hessian, X.T @ y / N, w[:D], l1, 1e-24, 5000),)


def over_columns_of(kernels):
    X, (_, y, weights, w) = sparse_rows(), problem()
    h, ridge = (weights + 0.1) / N, np.append(np.full(D, 1e-3), 0.0)  # none on the intercept
    columns = X.tocsc()
    indices, ends = columns.indices.astype(np.uint32), columns.indptr.astype(np.uint64)
    bend = np.append(X.multiply(X).T @ h, h.sum()) + ridge
    slope, l1 = np.append(X.T @ (h * y), h @ y), np.append(np.full(D, 0.002), 0.0)
    parts = (columns.data, indices, ends, h, slope, ridge, bend, w, l1)
    return (kernels.descend_columns(*parts, 1e-24, 5000),)


def precise(kernels, dtype):
    X, y, weights, w = problem(dtype)
    high, low = np.ones(D + 1), np.full(D + 1, 1e-20)
    total = kernels.precise_gradient(X, y, weights, w, 1e-17 * w, high, low)
    return total, high + low


KINDS = (np.float32, np.float64)
CASES = [
    *(("dense", dense, loss, t, size) for loss in SHARP + ROUND for t in KINDS for size in (0, 60)),
    *(("dense", dense, loss, np.float64, N - 20) for loss in SHARP + ROUND),
    *(("dense", stretches, loss) for loss in SHARP),
    *(("classes", classes, t, size, False) for t in KINDS for size in (0, 60)),
    *(("classes", classes, t, K * (N - 20), True) for t in KINDS),
    *(("csr", few, loss, t, False, 60) for loss in SHARP + ROUND for t in KINDS),
    *(("csr", few, loss, np.float64, True, 0) for loss in SHARP + ROUND),
    *(("csr", few_classes, t, scales) for t in KINDS for scales in (True, False)),
    ("csr", sizes),
    *(("gram", gram, t) for t in KINDS),
    *(("moments", moments, t, weighted) for t in KINDS for weighted in (True, False)),
    *(("columns", turned, t) for t in KINDS),
    *(("columns", over_columns, t) for t in KINDS),
    ("coordinate", coordinates),
    ("coordinate", over_columns_of),
    *(("double_double", precise, t) for t in KINDS),
]


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: "-".join(str(getattr(a, "__name__", a)) for a in case)
)
def test_both_forms_are_equal_to_rounding(case):
    kernel, ask, *given = case
    plain, compiled = ask(form(kernel, 0), *given), ask(form(kernel, 10**9), *given)
    for found, wanted in zip(plain, compiled, strict=True):
        top = np.abs(wanted).max() if np.size(wanted) else 0.0
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-13 * top)


def test_infinities_and_zero_weights_are_no_warning():
    """Machine code never warns, and a line search relies on it: so does NumPy's form."""
    X, y, weights, w = problem()
    for loss in SHARP + ROUND:
        for point in (1e200 * w, np.full(D + 1, np.inf)):
            parts = loss.code, loss.parameter, 0, N
            arrays = np.zeros(D + 1), np.zeros((N, D + 2)), np.zeros(D)
            form("dense", 0).dense_pass(X, y, weights, point, *parts, *arrays, 0.0, SEED, 0, None)


def test_the_size_of_the_work_decides():
    assert form("dense", forms.SMALL_WORK).__name__ == "downslope.kernels.plain.dense"
    assert form("dense", forms.SMALL_WORK + 1).__name__ == "downslope.kernels.dense"


FITS = """
import sys
import numpy as np
from scipy import sparse
from downslope import DescentClassifier, DescentRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(500, 6))
y = X @ rng.normal(size=6) + rng.normal(size=500)
few = sparse.random(300, 40, density=0.2, random_state=0, format="csr")
for rows, aim in ((X, y), (few, few @ rng.normal(size=40))):
    for penalty in ("l2", "l1", "elasticnet"):
        for loss in ("squared_error", "huber", "quantile", "absolute_error", "poisson", "gamma",
                     "epsilon_insensitive", "squared_epsilon_insensitive"):
            DescentRegressor(loss=loss, penalty=penalty).fit(rows, np.exp(0.1 * aim))
        for loss in ("log_loss", "hinge", "squared_hinge", "modified_huber"):
            for classes in (2, 3):
                labels = np.digitize(aim, np.quantile(aim, np.arange(1, classes) / classes))
                DescentClassifier(loss=loss, penalty=penalty, max_iter=200).fit(rows, labels)
print("numba" in sys.modules)
"""


def test_small_fits_load_no_compiler():
    """So the first fit on a machine takes no longer than the next ones."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FITS], capture_output=True, text=True, check=True,
        env=os.environ,
    )  # fmt: skip
    assert done.stdout == "False\n"


LARGE = """
import sys
import warnings
import numpy as np
from downslope import DescentRegressor
from downslope.kernels.making import stopwatch, told

rng = np.random.default_rng(0)
X = rng.normal(size=(8000, 5))
before = stopwatch()
with warnings.catch_warnings(record=True) as caught, told(lambda: print("told")):
    warnings.simplefilter("always")
    for _ in range(2):
        DescentRegressor(loss="huber").fit(X, X.sum(axis=1))
told_of = [str(w.message) for w in caught if "NUMBA_CACHE_DIR" in str(w.message)]
print(len(told_of), *told_of)
from downslope.kernels.machine_code import KEEP
print("kept", KEEP)
"""


def python(code, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "HOME")}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=kept | environment,
    ).stdout.splitlines()  # fmt: skip


def test_who_waits_for_a_compiler_is_told_once(tmp_path):
    first, second = (python(LARGE, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first == ["told", "0", "kept True"]
    assert second == ["0", "kept True"]  # what is kept is not compiled again


def test_the_clock_stands_still_while_code_is_made():
    begun = making.stopwatch()
    making.begin()
    making.begin()
    held = making.stopwatch()
    while time.perf_counter() - begun < 0.02 and making.stopwatch() == held:
        time.sleep(0.005)
    making.end()
    assert making.stopwatch() == held
    making.end()
    assert held <= making.stopwatch() < held + 1e9


NOWHERE = """
import tempfile

def refused(*args, **options):
    raise PermissionError("nothing can be written here")

tempfile.TemporaryFile = refused  # with which numba tries every folder that it knows
"""


@pytest.mark.parametrize("named", [{}, {"NUMBA_CACHE_DIR": "/nonexistent/cache"}], ids=str)
def test_where_nothing_can_be_kept_everything_still_runs(named):
    """As for an unprivileged user without a home, where the package belongs to somebody else."""
    lines = python(NOWHERE + LARGE, **named)
    assert lines[0] == "told"
    assert lines[1].startswith("1 Compiled code cannot be kept")
    assert lines[2] == "kept False"


def test_every_kernel_asks_whether_code_can_be_kept():
    """``cache=True`` fails at import where no folder can be written to."""
    for path in Path(forms.__file__).parent.rglob("*.py"):
        if path.name != "machine_code.py":
            assert "cache=True" not in path.read_text(), path
