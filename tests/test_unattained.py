"""Counts without a lowest point are named, as separable classes are; all others are not."""

import numpy as np
import pytest
from scipy import sparse

from downslope import DescentRegressor
from downslope.estimating import NotConverged


def counts(n=200):
    """Three columns, the third a level of four rows whose counts are all 0."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3))
    X[:, 2] = 0.0
    X[:4, 2] = 1.0
    y = rng.poisson(np.exp(0.5 * X[:, 0] + 1.0)).astype(float)
    y[:4] = 0.0
    return X, y


@pytest.mark.parametrize("layout", [np.asarray, np.float32, sparse.csr_matrix])
def test_a_level_of_rows_without_counts_is_named(layout):
    X, y = counts()
    with pytest.warns(NotConverged, match="no lowest point: column 2 tells 4 rows"):
        model = DescentRegressor("poisson").fit(layout(X), y)
    assert model.reason_.name == "unattained"
    assert not model.reason_.converged
    assert "penalty='l2'" in model.reason_.sentence


def test_columns_that_tell_them_apart_together_are_named():
    X, y = counts()
    X[:, 2] = X[:, 0] - X[:, 1]
    y[X[:, 2] > 1.0] = 0.0
    X[y > 0.0, 2] = 0.0
    X[y == 0.0, 2] = np.maximum(X[y == 0.0, 2], 0.0)
    with pytest.warns(NotConverged, match="column 2 tells"):
        DescentRegressor("poisson").fit(X, y)


@pytest.mark.parametrize("penalty", ["none", "l1", "l2"])
def test_targets_that_are_all_zero_are_named(penalty):
    X, _ = counts()
    with pytest.warns(NotConverged, match="all targets are 0"):
        model = DescentRegressor("poisson", penalty=penalty, alpha=0.1).fit(X, np.zeros(len(X)))
    assert model.reason_.name == "unattained"


@pytest.mark.parametrize("penalty", ["l1", "l2", "elasticnet"])
def test_with_a_penalty_there_is_a_lowest_point(penalty):
    X, y = counts()
    assert DescentRegressor("poisson", penalty=penalty, alpha=1e-3).fit(X, y).reason_.converged


def test_rows_with_hardly_any_mean_have_a_lowest_point_if_one_of_them_counted():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.arange(5000) < 4000, rng.standard_normal(5000)]).astype(float)
    y = np.where(X[:, 0] > 0.0, 0.0, rng.poisson(np.exp(8.0), 5000))
    y[0] = 1.0
    assert DescentRegressor("poisson").fit(X, y).reason_.converged


def test_amounts_always_have_a_lowest_point():
    X, y = counts()
    y = np.where(y == 0.0, 1e-12, y)
    assert DescentRegressor("gamma").fit(X, y).reason_.converged
