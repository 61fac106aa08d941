"""Few rows and very many columns: nothing may cost what the square of the columns costs."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from downslope import DescentClassifier, DescentRegressor
from downslope.diagnosis.column_products import _by_columns, _by_rows
from downslope.fitting.asked import Ask
from downslope.fitting.fit import fit, prepare
from downslope.fitting.references import reference
from downslope.losses import SquaredError
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.scaling import standardize
from downslope.sources.memory import MemoryRows
from downslope.tables import read_table
from downslope.tables.delimited import unique_names

WIDE = 4000
RNG = np.random.default_rng(0)


def table(n, d, classes=0):
    X = RNG.normal(size=(n, d))
    z = X[:, :3].sum(axis=1) + 0.3 * RNG.normal(size=n)
    if not classes:
        return X, z
    edges = np.quantile(z, np.linspace(0, 1, classes + 1)[1:-1])
    return X, np.searchsorted(edges, z)


@pytest.fixture
def no_squares(monkeypatch):
    """Peak memory of the test stays below a square of columns; and nobody asks for one."""
    eye, eigh, eigvalsh = np.eye, np.linalg.eigh, np.linalg.eigvalsh

    def small(fn):
        def guarded(first, *args, **kwargs):
            size = first if np.isscalar(first) else first.shape[-1]
            assert size < WIDE / 4, f"{fn.__name__} of {size}"
            return fn(first, *args, **kwargs)

        return guarded

    monkeypatch.setattr(np, "eye", small(eye))
    monkeypatch.setattr(np.linalg, "eigh", small(eigh))
    monkeypatch.setattr(np.linalg, "eigvalsh", small(eigvalsh))
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * WIDE * WIDE / 2


@pytest.mark.parametrize("penalty", ["none", "l2"])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "quantile", "poisson", "gamma"])
def test_numbers_in_python(no_squares, loss, penalty):
    X, y = table(30, WIDE)
    if loss in ("poisson", "gamma"):
        y = np.exp(y / 4)
    model = DescentRegressor(loss=loss, penalty=penalty, alpha=0.01).fit(X, y)
    assert str(model.diagnosis_)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
def test_classes_in_python(no_squares, loss, classes):
    X, y = table(30, WIDE, classes)
    model = DescentClassifier(loss=loss, penalty="l2", alpha=0.01).fit(X, y)
    assert str(model.diagnosis_)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_a_table_and_its_judge(no_squares, classes):
    X, y = table(30, WIDE, classes)
    columns = {f"g{j}": X[:, j] for j in range(WIDE)} | {"y": y if not classes else y.astype(str)}
    done = fit(prepare(read_table(columns), Ask("y", penalty="l2", alpha=0.01)))
    assert done.reference is not None
    assert done.problem.value(done.reference.w) == pytest.approx(
        done.trained.result.trace["value"][-1], rel=1e-3
    )


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind", ["dense", "sparse", "weighted", "flat"])
def test_products_by_rows_are_those_by_columns(kind, fit_intercept):
    X = RNG.normal(size=(12, 15)) * np.exp(RNG.normal(size=15)) + RNG.normal(size=15)
    if kind == "flat":
        X[:, 3] = 5.0
    weights = RNG.uniform(0.5, 1.5, 12) if kind == "weighted" else None
    weights = None if weights is None else weights / weights.mean()
    rows = MemoryRows(X, np.zeros(12), weights)
    if kind == "sparse":
        rows = MemoryRows(sparse.csr_array(X), np.zeros(12))
        rows = standardize(rows).rows(rows)
    problem = Objective(rows, SquaredError(), fit_intercept=fit_intercept)
    short, long = _by_rows(problem), _by_columns(problem)
    for one, other in zip(short[:2], long[:2], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(short.flat, long.flat)
    np.testing.assert_array_equal(short.dependent, long.dependent)
    assert short.top == pytest.approx(long.top)
    np.testing.assert_allclose(short.values, long.values, rtol=1e-6)


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_closed_form_of_few_rows(fit_intercept, l2):
    X, y = table(12, 40)
    problem = Objective(MemoryRows(X, y), SquaredError(), Penalty(0.0, l2), fit_intercept)
    w = reference(problem).w
    gradient = problem.value_and_gradient(w)[1]
    np.testing.assert_allclose(gradient, 0.0, atol=1e-10)
    inside = X.T @ np.linalg.lstsq(X.T, w[:40])[0]  # no part that no row sees
    np.testing.assert_allclose(inside, w[:40], atol=1e-10)


def test_names_that_are_all_the_same():
    names, notes = unique_names(["gene"] * 50_000)
    assert len(set(names)) == 50_000
    assert names[:3] == ["gene", "gene.1", "gene.2"]
    assert len(notes) == 9
    assert notes[-1] == "49,991 more columns are named likewise."


def test_names_are_kept_apart_from_those_that_were_there():
    assert unique_names(["a", "a", "a.1", "a", ""])[0] == ["a", "a.2", "a.1", "a.3", "x4"]
    assert unique_names(["x1", "", "x1.1"])[0] == ["x1", "x1.2", "x1.1"]
