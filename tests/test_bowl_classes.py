"""Several classes: the kernels, the sampled sketch, and the answers."""

import numpy as np
import pytest
from bowl_problems import skewed

from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.coordinates import Diagonal, Shared
from downslope.bowl.metric import metric_of
from downslope.bowl.sampling import balanced_sample
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.kernels.views import read_only
from downslope.losses import Multinomial
from downslope.penalties import Penalty


def make(n=800, d=4, k=3, skew=0.0, seed=0, condition=10.0):
    rng = np.random.default_rng(seed)
    X = skewed(n, d, condition, rng)
    Z = (X - X.mean(axis=0)) / X.std(axis=0) @ rng.standard_normal((d, k)) - skew * np.arange(k)
    chance = np.exp(Z - Z.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    y = (rng.random((n, 1)) > chance.cumsum(axis=1)).sum(axis=1)
    return X, np.minimum(y, k - 1)


def passes_of(X, y, k, fit_intercept=True, weights=None):
    weights = np.ones(len(y)) if weights is None else weights
    return ClassPasses(read_only(X), read_only(y), read_only(weights), k, fit_intercept)


def by_definition(X, y, k, weights, w, fit_intercept):
    loss = Multinomial()
    columns = np.column_stack([X, np.ones(len(y))]) if fit_intercept else X
    Z = columns @ w.reshape(-1, k)
    value = np.mean(weights * loss.value(Z, y))
    gradient = columns.T @ (loss.slope(Z.copy(), y) * weights[:, None]) / len(y)
    P = np.exp(Z - Z.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    bend = np.einsum("ik,kl->ikl", P, np.eye(k)) - P[:, :, None] * P[:, None, :]
    hessian = np.einsum("i,ij,ikl,im->jkml", weights / len(y), columns, bend, columns)
    return value, gradient.ravel(), hessian.reshape(len(w), len(w))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_pass_and_an_exact_table_equal_the_definition(fit_intercept, dtype):
    rng = np.random.default_rng(1)
    X, y = make(n=300)
    X, weights = X.astype(dtype), rng.uniform(0.5, 1.5, 300)
    passes = passes_of(X, y, 3, fit_intercept, weights)
    w = rng.standard_normal((4 + fit_intercept) * 3)
    value, gradient, hessian = by_definition(X.astype(float), y, 3, weights, w, fit_intercept)
    sketch = passes.sketch(w, None, np.zeros(4), 0.0, 0)
    assert passes.at(w)[0] == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(passes.at(w)[1], gradient, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(sketch.gradient, gradient, rtol=1e-9, atol=1e-13)
    products = sketch.table[:, :-1].T @ sketch.table[:, :-1] / 300
    np.testing.assert_allclose(products, hessian, rtol=1e-9, atol=1e-12)


def test_the_sampled_sketch_is_right_on_average():
    X, y = make(n=400)
    passes, w = passes_of(X, y, 3), np.random.default_rng(2).standard_normal(15)
    hessian = by_definition(X, y, 3, np.ones(400), w, True)[2]
    tables = [passes.sketch(w, 200, np.zeros(4), 0.0, s).table[:, :-1] for s in range(300)]
    mean = np.mean([t.T @ t for t in tables], axis=0) / 400
    np.testing.assert_allclose(mean, hessian, atol=0.05 * np.abs(hessian).max())


@pytest.mark.parametrize("method", ["auto", "quasi_newton", "adaptive"])
@pytest.mark.parametrize("skew", [0.0, 1.5])
def test_the_lowest_point_and_its_bound(skew, method):
    X, y = make(n=6000, d=6, k=4, skew=skew, condition=1e2)
    ask = {"penalty": Penalty(l2=1e-4), "n_outputs": 4}
    best = solve(X, y, Multinomial(), **ask, settings=Settings(tol=1e-13)).value
    solution = solve(X, y, Multinomial(), **ask, settings=Settings(method=method))
    assert solution.reason.converged
    assert -1e-13 <= solution.value - best <= solution.bound
    assert solution.passes < 60


def test_it_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    X, y = make(n=500, d=5, k=3)
    model = LogisticRegression(C=1 / (500 * 1e-2), tol=1e-10, max_iter=5000).fit(X, y)
    found = solve(
        X, y, Multinomial(), Penalty(l2=1e-2), n_outputs=3, settings=Settings(tol=1e-13)
    ).w.reshape(-1, 3)
    np.testing.assert_allclose(found[:-1].T, model.coef_, atol=1e-5)
    intercepts = found[-1] - found[-1].mean()
    np.testing.assert_allclose(intercepts, model.intercept_ - model.intercept_.mean(), atol=1e-5)


def test_skewed_classes_take_no_more_passes():
    counts = []
    for skew in (0.0, 1.5):
        X, y = make(n=30_000, d=20, k=5, skew=skew, condition=1e2)
        settings = Settings(method="quasi_newton", tol=1e-9)
        counts.append(solve(X, y, Multinomial(), n_outputs=5, settings=settings).passes)
    assert max(counts) <= 12


def test_separable_classes_are_named():
    rng = np.random.default_rng(4)
    y = rng.integers(3, size=300)
    X = np.eye(3)[y] * 5.0 + rng.uniform(size=(300, 3))
    solution = solve(X, y, Multinomial(), n_outputs=3)
    assert solution.reason.name == "separable"


def test_classes_that_never_occur_and_collinear_columns():
    X, y = make(n=600, d=4, k=3)
    X = np.column_stack([X, X[:, 0], np.ones(600)])
    solution = solve(X, y, Multinomial(), Penalty(), n_outputs=3)
    W = solution.w.reshape(-1, 3)
    assert solution.reason.converged
    np.testing.assert_allclose(W[0], W[4], rtol=1e-5)
    assert not W[5].any()
    empty = solve(X[:, :4], y, Multinomial(), Penalty(l2=1e-3), n_outputs=4)
    assert empty.reason.converged


def test_a_balanced_sample_stands_for_all_rows():
    labels = np.repeat([0, 1, 2], [90_000, 9_900, 100])
    rows, stands_for = balanced_sample(labels, 3000, seed=1)
    assert (labels[rows] == 2).sum() == 100
    shares = np.bincount(labels[rows], weights=stands_for) / len(rows)
    np.testing.assert_allclose(shares, [0.9, 0.099, 0.001], rtol=0.08)


def pictures(n=1500, d=160, k=20, seed=0):
    """Columns like pixels: most of them dark in most rows, some always; classes nearly apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=n)
    strokes = rng.gamma(1.0, 1.0, (k, d)) * (rng.random((k, d)) < 0.3)
    X = 80.0 * np.maximum(strokes[y] + rng.normal(0.0, 0.7, (n, d)) - 0.5, 0.0)
    X[:, :5] = 0.0
    return X, y


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l2", [1.0, 1e-3])
def test_too_many_classes_for_a_matrix_of_all_products(l2, fit_intercept):
    X, y = pictures()
    ask = {"penalty": Penalty(l2=l2), "n_outputs": 20, "fit_intercept": fit_intercept}
    best = solve(X, y, Multinomial(), **ask, settings=Settings(tol=1e-10))
    loose = solve(X, y, Multinomial(), **ask, settings=Settings(tol=1e-3))
    assert best.reason.converged
    assert loose.reason.converged
    assert best.sketches > 1  # the coordinates were made anew
    assert -1e-13 <= loose.value - best.value <= loose.bound
    value = by_definition_value(X, y, l2, best.w, fit_intercept)
    assert best.value == pytest.approx(value, rel=1e-10)
    started = Settings(tol=1e-3, start=best.w)
    again = solve(X, y, Multinomial(), **ask, settings=started)
    assert again.passes < 10 < loose.passes


def by_definition_value(X, y, l2, w, fit_intercept):
    W = w.reshape(-1, 20)
    Z = X @ W[: X.shape[1]] + (W[-1] if fit_intercept else 0.0)
    return np.mean(Multinomial().value(Z, y)) + 0.5 * l2 * np.sum(W[: X.shape[1]] ** 2)


def test_many_classes_that_can_be_told_apart_and_repeated_columns():
    X, y = pictures(n=600)
    X = np.column_stack([X, X[:, 10:12]])
    free = solve(X, y, Multinomial(), n_outputs=20)
    assert free.reason.name == "separable"
    exact = Settings(tol=1e-10)
    held = solve(X, y, Multinomial(), Penalty(l2=1e-2), n_outputs=20, settings=exact)
    W = held.w.reshape(-1, 20)
    assert held.reason.converged
    np.testing.assert_allclose(W[10:12], W[-3:-1], atol=1e-4 * np.abs(W).max())


@pytest.mark.parametrize("kind", ["metric", "diagonal"])
def test_shared_coordinates_undo_each_other(kind):
    rng = np.random.default_rng(0)
    features = Diagonal(rng.uniform(0.5, 2.0, 5))
    if kind == "metric":
        table = rng.standard_normal((40, 6))
        table[:, 4] = rng.uniform(0.5, 1.0, 40)  # the intercept's
        features = metric_of(table, rng.standard_normal(4), np.zeros(5), 40, 1, buckets=None)
    shared = Shared(features, 3)
    u, gradient = rng.standard_normal(15), rng.standard_normal(15)
    np.testing.assert_allclose(shared.to_round(shared.lift(u)), u, atol=1e-12)
    np.testing.assert_allclose(shared.unpull(shared.pull(gradient)), gradient, atol=1e-12)
    # A gradient times a change is the same in both coordinates.
    assert shared.pull(gradient) @ u == pytest.approx(gradient @ shared.lift(u), rel=1e-12)
