"""Sparse rows: the kernels, the walk on scaled weights, and the same answers as dense rows."""

from dataclasses import replace

import numpy as np
import pytest
from bowl_problems import targets
from scipy import sparse

from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.passes import DensePasses
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.bowl.sparse_class_passes import SparseClassPasses
from downslope.bowl.sparse_passes import SparsePasses
from downslope.bowl.wide import mean_length
from downslope.kernels import team
from downslope.kernels.columns import columns_of_rows, only_columns
from downslope.kernels.views import read_only, unsigned
from downslope.losses import LogLoss, Multinomial, SquaredError, make_loss
from downslope.penalties import Penalty


def text_like(n, d, words, seed=0):
    """Rows of unit length with columns as rare as words."""
    rng = np.random.default_rng(seed)
    chance = 1.0 / np.arange(1, d + 1)
    columns = rng.choice(d, size=n * words, p=chance / chance.sum())
    data = rng.gamma(1.0, size=n * words) + 0.1
    X = sparse.csr_matrix((data, (np.repeat(np.arange(n), words), columns)), shape=(n, d))
    return sparse.csr_matrix(X.multiply(1.0 / np.sqrt(X.multiply(X).sum(axis=1))))


def sparse_and_dense(name, fit_intercept=True, dtype=np.float64, n=900, d=40):
    rng = np.random.default_rng(3)
    X = text_like(n, d, 6).astype(dtype)
    y, weights = targets(name, rng.normal(size=n), rng), rng.uniform(0.5, 1.5, n)
    columns = (read_only(y), read_only(weights), make_loss(name), fit_intercept)
    return SparsePasses(X, *columns), DensePasses(read_only(X.toarray()), *columns)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", ["squared_error", "log_loss", "poisson", "huber", "hinge"])
def test_a_sparse_pass_is_the_dense_one(name, fit_intercept, dtype):
    thin, full = sparse_and_dense(name, fit_intercept, dtype)
    w = np.random.default_rng(0).normal(size=40 + fit_intercept)
    np.testing.assert_allclose(thin.at(w)[0], full.at(w)[0], rtol=1e-12)
    np.testing.assert_allclose(thin.at(w)[1], full.at(w)[1], rtol=1e-9, atol=1e-14)
    exact = full.sketch(w, None, np.zeros(40), 1e-3, 0).table
    tables = thin.sketch(w, None, np.zeros(40), 1e-3, 0).table
    np.testing.assert_allclose(tables.T @ tables, exact.T @ exact, rtol=1e-9, atol=1e-9)
    value, gradient, squares = thin.scales(w, 1e-3)
    np.testing.assert_allclose(squares, (exact[:, :-1] ** 2).sum(axis=0) / 900, rtol=1e-9)
    assert (value, gradient.tolist()) == (thin.at(w)[0], thin.at(w)[1].tolist())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", ["squared_error", "log_loss", "poisson", "huber", "hinge"])
def test_a_pass_over_columns_is_that_over_rows(name, fit_intercept, dtype):
    rows, _ = sparse_and_dense(name, fit_intercept, dtype)
    columns = rows.transposed()
    w = np.random.default_rng(0).normal(size=40 + fit_intercept)
    w[::3] = 0.0
    h = np.random.default_rng(1).uniform(size=900)
    some = np.array([1, 2, 5, 39])
    kept = np.append(some, np.arange(40, len(w)))
    few = columns.by_columns()(some)
    alone = replace(rows, X=rows.X[:, some])
    for ours, theirs, v in ((columns, rows, w), (few, alone, w[kept])):
        assert (ours.n_rows, ours.n_features) == theirs.X.shape
        np.testing.assert_allclose(ours.raw(v), theirs.raw(v), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(ours.at(v)[0], theirs.at(v)[0], rtol=1e-12)
        np.testing.assert_allclose(ours.at(v)[1], theirs.at(v)[1], rtol=1e-9, atol=1e-14)
        squares = (theirs.X.astype(float).multiply(theirs.X)).T @ h
        np.testing.assert_allclose(ours.squares(h), squares, rtol=1e-6)


def test_columns_of_no_rows_and_rows_of_no_columns():
    X = sparse.csr_matrix(([3.0, 4.0], ([0, 3], [4, 1])), shape=(4, 6))
    data, rows, ends = columns_of_rows(*unsigned(X), 6)
    assert (data.tolist(), rows.tolist()) == ([4.0, 3.0], [3, 0])
    assert ends.tolist() == [0, 0, 1, 1, 1, 2, 2]
    data, rows, ends = only_columns(data, rows, ends, np.array([0, 4, 5]))
    assert (data.tolist(), rows.tolist(), ends.tolist()) == ([3.0], [0], [0, 0, 1, 1])


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_sparse_pass_over_classes_is_the_dense_one(fit_intercept):
    rng = np.random.default_rng(4)
    X, y, weights = text_like(700, 20, 5), rng.integers(4, size=700), rng.uniform(0.5, 1.5, 700)
    rest = (read_only(y), read_only(weights), 4, fit_intercept)
    thin, full = SparseClassPasses(X, *rest), ClassPasses(read_only(X.toarray()), *rest)
    w = rng.normal(size=(20 + fit_intercept) * 4)
    np.testing.assert_allclose(thin.at(w)[0], full.at(w)[0], rtol=1e-12)
    np.testing.assert_allclose(thin.at(w)[1], full.at(w)[1], rtol=1e-9, atol=1e-14)
    table = full.sketch(w, None, np.zeros(20), 0.0, 0).table[:, :-1]
    np.testing.assert_allclose(thin.scales(w, 0.0).squares, (table**2).sum(axis=0) / 700, rtol=1e-9)


@pytest.mark.parametrize("name", ["squared_error", "log_loss", "poisson", "squared_hinge", "huber"])
@pytest.mark.parametrize("l2", [1e-3, 1e-5])
def test_very_many_columns(name, l2):
    rng = np.random.default_rng(5)
    X = text_like(3000, 2500, 20)
    y = targets(name, X @ rng.normal(size=2500), rng)
    best = solve(X, y, make_loss(name), Penalty(l2=l2), settings=Settings(tol=1e-11)).value
    for method in ("auto", "adaptive"):
        ask = Settings(method=method, tol=1e-3 if method == "adaptive" else None)
        solution = solve(X, y, make_loss(name), Penalty(l2=l2), settings=ask)
        assert solution.reason.converged or method == "adaptive", solution.reason
        assert -1e-12 <= solution.value - best <= solution.bound + 1e-13


@pytest.mark.parametrize("name", ["squared_error", "log_loss"])
def test_sparse_and_dense_rows_have_the_same_answer(name):
    rng = np.random.default_rng(6)
    X = text_like(20_000, 40, 6)
    y = targets(name, X @ rng.normal(size=40), rng)
    for n, l1 in ((20_000, 0.0), (300, 0.0), (20_000, 1e-3)):
        ask = {"penalty": Penalty(l1=l1, l2=1e-3), "settings": Settings(tol=1e-12)}
        thin = solve(X[:n], y[:n], make_loss(name), **ask)
        full = solve(X[:n].toarray(), y[:n], make_loss(name), **ask)
        assert thin.value == pytest.approx(full.value, rel=1e-11)
        np.testing.assert_allclose(thin.w, full.w, atol=2e-4)


def test_classes_of_sparse_rows():
    rng = np.random.default_rng(7)
    X = text_like(2000, 300, 12)
    y = np.argmax(X @ rng.normal(size=(300, 3)) * 3 + rng.gumbel(size=(2000, 3)), axis=1)
    ask = {"penalty": Penalty(l2=1e-4), "n_outputs": 3}
    thin = solve(X, y, Multinomial(), **ask)
    full = solve(X.toarray(), y, Multinomial(), **ask, settings=Settings(tol=1e-12))
    assert thin.reason.converged
    assert -1e-12 <= thin.value - full.value <= thin.bound


def test_many_classes_share_their_coordinates():
    rng = np.random.default_rng(8)
    X = rng.normal(size=(3000, 120)) * np.logspace(0, 3, 120)
    y = np.argmax(X[:, :30] / X[:, :30].std(axis=0) + rng.gumbel(size=(3000, 30)), axis=1)
    ask = {"penalty": Penalty(l2=1e-3), "n_outputs": 30}
    best = solve(X, y, Multinomial(), **ask, settings=Settings(tol=1e-11)).value
    solution = solve(X, y, Multinomial(), **ask)
    assert solution.reason.converged
    assert -1e-12 <= solution.value - best <= solution.bound


def test_wide_dense_rows_walk_on_scaled_weights(monkeypatch):
    monkeypatch.setattr("downslope.bowl.regimes.MOST_FULL", 50)
    monkeypatch.setattr("downslope.bowl.wide.MOST_FULL", 50)
    monkeypatch.setattr("downslope.bowl.regimes.SMALL", 0)
    rng = np.random.default_rng(12)
    X = rng.normal(size=(2000, 100)) * np.logspace(0, 6, 100) + 3.0
    z = X / X.std(axis=0) @ rng.normal(size=100)
    for loss, y, k in (
        (LogLoss(), np.sign(z + rng.normal(size=2000)), 1),
        (SquaredError(), z, 1),
        (Multinomial(), np.digitize(z, [-5.0, 5.0]), 3),
    ):
        ask = {"penalty": Penalty(l2=1e-3), "n_outputs": k}
        monkeypatch.setattr("downslope.bowl.regimes.MOST_CLASS_WEIGHTS", 0)
        solution = solve(X, y, loss, **ask, settings=Settings(tol=1e-4))
        monkeypatch.setattr("downslope.bowl.regimes.SMALL", 1e12)
        best = solve(X, y, loss, **ask, settings=Settings(tol=1e-12)).value
        monkeypatch.setattr("downslope.bowl.regimes.SMALL", 0)
        assert solution.reason.converged
        assert -1e-10 <= solution.value - best <= solution.bound


def test_separable_sparse_classes_are_named():
    X = text_like(500, 5000, 30)
    y = np.sign(np.random.default_rng(9).normal(size=500))
    solution = solve(X, y, LogLoss())
    assert solution.reason.name == "separable"
    assert solution.passes < 60


def test_doubled_entries_other_layouts_and_long_indices():
    rng = np.random.default_rng(10)
    places = (rng.integers(50, size=400), rng.integers(8, size=400))
    messy = sparse.coo_matrix((rng.normal(size=400), places), shape=(50, 8))
    clean = sparse.csr_matrix(messy)
    long = clean.copy()
    long.indices, long.indptr = clean.indices.astype(np.int64), clean.indptr.astype(np.int64)
    y = rng.normal(size=50)
    wanted = solve(clean.toarray(), y, SquaredError()).w
    for X in (messy, clean.tocsc(), long, sparse.csr_array(clean)):
        np.testing.assert_allclose(solve(X, y, SquaredError()).w, wanted, atol=1e-6)


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    X = text_like(20_000, 3000, 30)
    y = np.sign(np.random.default_rng(11).normal(size=20_000))
    alone = solve(X, y, LogLoss(), Penalty(l2=1e-4))
    monkeypatch.setattr(team, "n_threads", lambda: 3)
    assert solve(X, y, LogLoss(), Penalty(l2=1e-4)).w.tolist() == alone.w.tolist()


def test_an_edged_walk_that_finds_nothing_lower_ends():
    """The first corners of a hinge ask for less than rounding; sets were solved to the cap."""
    rng = np.random.default_rng(0)
    X = text_like(1500, 2200, 12)
    z = X @ (rng.normal(size=2200) * (rng.random(2200) < 0.05))
    y = targets("hinge", z / z.std(), rng)
    ask = {"penalty": Penalty(l1=2e-3), "settings": Settings(tol=1e-10, most_passes=400)}
    assert solve(X, y, make_loss("hinge"), **ask).reason.converged


@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_array, "with room"])
def test_the_mean_length_needs_no_copy(layout):
    X = np.random.default_rng(0).normal(size=(300, 700)) * (np.arange(700) % 3 > 0)
    rows = sparse.csr_matrix(X) if layout == "with room" else layout(X)
    if layout == "with room":  # arrays that are longer than the matrix
        rows.data, rows.indices = np.append(rows.data, 9.0), np.append(rows.indices, 0)
    assert mean_length(rows) == pytest.approx(np.linalg.norm(abs(X).mean(axis=0)))
