"""Scaling: the same model on another scale, and statistics that keep their digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import automobiles
from scipy import sparse

from downslope.scaling import standardize, unscaled
from downslope.sources.memory import MemoryRows

tables = arrays(
    float, st.tuples(st.integers(2, 20), st.integers(1, 4)), elements=st.floats(-1e6, 1e6)
)


def source(X, weights=None):
    return MemoryRows(X, np.zeros(X.shape[0]), weights)


@given(X=tables)
def test_weights_travel_there_and_back(X):
    scaling = standardize(source(X))
    w = np.linspace(-1, 1, X.shape[1] + 1)
    np.testing.assert_allclose(scaling.from_user(scaling.to_user(w)), w, rtol=1e-9, atol=1e-7)


@given(X=tables)
def test_predictions_are_the_same_on_either_scale(X):
    scaling = standardize(source(X))
    w = np.linspace(-1, 1, X.shape[1] + 1)
    user = scaling.to_user(w)
    scaled = scaling.apply(X) @ w[:-1] + w[-1]
    np.testing.assert_allclose(
        X @ user[:-1] + user[-1], scaled, atol=1e-6 * (1 + abs(scaled).max())
    )


def test_several_outputs_and_paths_are_translated():
    X, _ = automobiles()
    scaling = standardize(source(X))
    W = np.random.default_rng(0).normal(size=(6, 3))
    user = scaling.to_user(W.ravel(), 3).reshape(6, 3)
    np.testing.assert_allclose(X @ user[:5] + user[5], scaling.apply(X) @ W[:5] + W[5], rtol=1e-9)
    path = np.random.default_rng(1).normal(size=(7, 6))
    np.testing.assert_array_equal(
        scaling.to_user(path), np.array([scaling.to_user(w) for w in path])
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [4, 103, 3001])
def test_compiled_statistics_are_the_plain_ones(monkeypatch, dtype, weighted, n):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(n, 5)) * [1.0, 1e3, 1e-4, 1.0, 0.0] + [1e3, 0.0, 1.0, -5.0, 7.0]).astype(
        dtype
    )
    weights = rng.random(n) if weighted else None
    plain = standardize(source(X, weights))
    monkeypatch.setattr("downslope.scaling.COMPILED", 0)
    compiled = standardize(source(X, weights))
    np.testing.assert_allclose(compiled.center, plain.center, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(compiled.scale, plain.scale, rtol=1e-9)
    np.testing.assert_array_equal(compiled.constant, plain.constant)


@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_statistics_and_products_are_the_dense_ones(weighted):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 6)) * (rng.random((50, 6)) < 0.3)
    weights = rng.random(50) if weighted else None
    dense, csr = (standardize(source(A, weights)) for A in (X, sparse.csr_array(X)))
    np.testing.assert_allclose(dense.center, csr.center, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(dense.scale, csr.scale, rtol=1e-12)
    A, B = dense.apply(X), csr.apply(sparse.csr_array(X))
    for v in (rng.normal(size=6), rng.normal(size=(6, 2))):
        np.testing.assert_allclose(A @ v, B @ v, rtol=1e-10, atol=1e-12)
    for s in (rng.normal(size=50), rng.normal(size=(50, 2))):
        np.testing.assert_allclose(A.T @ s, B.T @ s, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(A[3:7] @ v, B[3:7] @ v, rtol=1e-10, atol=1e-12)


def test_a_column_far_from_zero_keeps_its_digits():
    rng = np.random.default_rng(0)
    small = 1e-3 * rng.normal(size=100_000)
    scaling = standardize(source(1e9 + small[:, None]))
    assert scaling.scale[0] == pytest.approx((1e9 + small).std(), rel=1e-6)
    assert not scaling.constant[0]


def test_constant_beyond_rounding_is_constant():
    X = np.full((40, 2), 3.14)
    X[0, 1] += 1e-13
    scaling = standardize(source(X))
    assert scaling.constant.all()
    assert (scaling.scale == 1.0).all()


def test_without_an_intercept_nothing_is_centred():
    X, _ = automobiles()
    scaling = standardize(source(X), with_center=False)
    assert (scaling.center == 0).all()
    np.testing.assert_allclose(scaling.scale, X.std(axis=0), rtol=1e-12)
    assert (unscaled(3).apply(X[:, :3]) == X[:, :3]).all()
