"""Machine code against the NumPy definitions in ``downslope.losses``."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.passes import DensePasses
from downslope.kernels import exponential, scalar
from downslope.kernels.team import chunks, share
from downslope.kernels.views import read_only
from downslope.losses import LOSSES, Huber, make_loss, softmax
from downslope.losses.round_corners import RoundEpsilonInsensitive, RoundHinge, RoundQuantile

SCALAR = sorted(set(LOSSES) - {"multinomial"})


@pytest.fixture(autouse=True)
def machine_code(monkeypatch):
    """However little work there is: ``test_forms`` holds that NumPy's form is the same."""
    monkeypatch.setattr("downslope.kernels.form.SMALL_WORK", -1)


BINARY = {"log_loss", "hinge", "squared_hinge", "modified_huber", "perceptron"}
PREDICTIONS = np.array([-40.0, -3.0, -1.5, -1.0, -0.1, 0.0, 0.1, 0.3, 1.0, 2.5, 40.0])


def targets(name, size, rng):
    """Targets that suit a loss."""
    if name in BINARY:
        return rng.choice([-1.0, 1.0], size)
    return rng.gamma(2.0, size=size) if name in {"poisson", "gamma"} else rng.normal(size=size)


@pytest.mark.parametrize("name", SCALAR)
@pytest.mark.parametrize("what", ["value", "slope", "curvature"])
def test_scalars_equal_the_definition(name, what):
    loss = make_loss(name)
    kernel = getattr(scalar, what)
    for y in (-1.0, 1.0) if name in BINARY else (0.0, 0.5, 1.0, -1.0):
        wanted = getattr(loss, what)(PREDICTIONS, np.full(PREDICTIONS.shape, y))
        found = [kernel(loss.code, loss.parameter, z, y) for z in PREDICTIONS]
        np.testing.assert_allclose(found, np.broadcast_to(wanted, len(found)), rtol=1e-13)


ROUNDED = [
    RoundQuantile(0.3),
    RoundEpsilonInsensitive(0.4),
    RoundHinge(2.0),
    RoundHinge(0.0),
    Huber(1.0),
]


@pytest.mark.parametrize("loss", ROUNDED, ids=str)
@pytest.mark.parametrize("what", ["value", "slope", "curvature"])
def test_round_corners_equal_their_definition(loss, what):
    for y in (-1.0, 1.0):
        wanted = getattr(loss, what)(PREDICTIONS, y)
        found = [getattr(scalar, what)(loss.code, loss.parameter, z, y) for z in PREDICTIONS]
        np.testing.assert_allclose(found, wanted, rtol=1e-13)


@settings(deadline=None)  # the first call may compile
@given(st.floats(-50.0, 50.0), st.floats(0.01, 3.0), st.floats(-60.0, 60.0))
def test_a_linear_part_counts_by_a_share_of_the_parabola_above_it(z, epsilon, there):
    """Huber's weight: the parabola touches the loss at z with its slope and is never below it."""
    for loss, y in ((make_loss("huber", epsilon), 0.0), (make_loss("modified_huber"), 1.0)):
        bend = scalar.working_weight(loss.code, loss.parameter, z, y)
        here = np.float64(z)
        if loss.curvature(here, y) > 0.0 or bend == 0.0:
            assert bend == loss.curvature(here, y)
            continue
        step, above = there - z, bend / scalar.LINEAR_SHARE
        parabola = loss.value(here, y) + loss.slope(here, y) * step + 0.5 * above * step**2
        assert parabola >= loss.value(np.float64(there), y) - 1e-9


@settings(deadline=None)
@given(st.floats(-745.0, 709.7))
def test_exp_is_right_to_two_units(x):
    assert exponential.exp(x) == pytest.approx(math.exp(x), rel=5e-16, abs=1e-323)


@settings(deadline=None)
@given(st.floats(0.0, 1.0))
def test_log1p_is_right_to_two_units(e):
    assert exponential.log1p(e) == pytest.approx(math.log1p(e), rel=6e-16, abs=1e-323)


def test_exp_at_the_ends():
    assert exponential.exp(710.0) == math.inf == exponential.exp(math.inf)
    assert exponential.exp(-746.0) == 0.0 == exponential.exp(-math.inf)
    assert math.isnan(exponential.exp(math.nan))


def make_passes(name, X, rng, fit_intercept=True, weighted=True):
    n = X.shape[0]
    weights = rng.uniform(0.5, 1.5, n) if weighted else np.ones(n)
    columns = (read_only(a) for a in (X, targets(name, n, rng), weights))
    return DensePasses(*columns, make_loss(name), fit_intercept)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", SCALAR)
def test_a_dense_pass_is_the_mean_loss_and_its_gradient(name, fit_intercept, dtype):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(701, 7)).astype(dtype)
    passes = make_passes(name, X, rng, fit_intercept)
    w = 0.3 * rng.normal(size=7 + fit_intercept)
    loss = make_loss(name)
    z = X.astype(float) @ w[:7] + (w[7] if fit_intercept else 0.0)
    slopes = loss.slope(z, passes.y) * passes.weights / 701
    columns = np.column_stack([X, np.ones(701)])[:, : len(w)].astype(float)
    value, gradient = passes.at(w)
    np.testing.assert_allclose(value, np.mean(loss.value(z, passes.y) * passes.weights), rtol=1e-12)
    np.testing.assert_allclose(gradient, columns.T @ slopes, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ["squared_error", "log_loss", "poisson"])
def test_a_sketch_with_a_bucket_for_every_row_is_exact(name):
    rng = np.random.default_rng(2)
    X = 5.0 + rng.normal(size=(90, 4))
    passes = make_passes(name, X, rng)
    w, shift = 0.1 * rng.normal(size=5), np.full(4, 5.0)
    value, gradient, table, _ = passes.sketch(w, None, shift, 0.0, seed=3)
    there, slope = passes.at(w)  # the same sums, in another loop where the loss is squared
    np.testing.assert_allclose(value, there, rtol=1e-13)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12, atol=1e-14)
    loss = make_loss(name)
    h = loss.curvature(X @ w[:4] + w[4], passes.y) * passes.weights
    columns = np.column_stack([X - shift, np.ones(90)])
    np.testing.assert_allclose(
        table[:, :5].T @ table[:, :5], columns.T @ (h[:, None] * columns), rtol=1e-10, atol=1e-12
    )
    wished = -(loss.slope(X @ w[:4] + w[4], passes.y) * passes.weights)[h > 0]
    np.testing.assert_allclose(
        table[:, :5].T @ table[:, 5], columns[h > 0].T @ wished, rtol=1e-10, atol=1e-11
    )


def test_a_sketch_is_right_on_average():
    rng = np.random.default_rng(3)
    passes = make_passes("squared_error", rng.normal(size=(500, 3)), rng)
    exact = passes.sketch(np.zeros(4), 500, np.zeros(3), 0.0, 0).table[:, :4]
    sketches = [
        passes.sketch(np.zeros(4), 40, np.zeros(3), 0.0, s).table[:, :4] for s in range(400)
    ]
    mean = np.mean([t.T @ t for t in sketches], axis=0)
    np.testing.assert_allclose(mean / 500, exact.T @ exact / 500, atol=0.05)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_sketch_of_classes_is_exact_or_right_on_average(fit_intercept):
    rng = np.random.default_rng(8)
    n, d, k = 400, 2, 3
    X, y, weights = rng.normal(size=(n, d)), rng.integers(0, k, n), rng.uniform(0.5, 1.5, n)
    passes = ClassPasses(*map(read_only, (X, y, weights)), k, fit_intercept)
    columns = np.column_stack([X, np.ones(n)])[:, : d + fit_intercept]
    w = rng.normal(size=columns.shape[1] * k)
    p = softmax(columns @ w.reshape(-1, k))
    bend = weights[:, None, None] * (p[:, :, None] * np.eye(k) - p[:, :, None] * p[:, None, :])
    wanted = np.einsum("iab,ij,il->jalb", bend, columns, columns).reshape(len(w), len(w))
    exact = passes.sketch(w, None, np.zeros(d), 0.0, 0).table[:, :-1]
    np.testing.assert_allclose(exact.T @ exact, wanted, rtol=1e-10, atol=1e-10)
    sketches = [passes.sketch(w, 60, np.zeros(d), 0.0, s).table[:, :-1] for s in range(300)]
    mean = np.mean([table.T @ table for table in sketches], axis=0)
    np.testing.assert_allclose(mean / n, wanted / n, atol=0.03)


def test_a_sketch_does_not_resonate_with_periodic_rows():
    """Row i has its one in column i mod 25; a plain cyclic sketch of 100 buckets would alias."""
    X = np.tile(np.eye(25), (400, 1))
    passes = make_passes("squared_error", X, np.random.default_rng(4), weighted=False)
    table = passes.sketch(np.zeros(26), 400, np.zeros(25), 0.0, 5).table[:, :25]
    eigenvalues = np.linalg.eigvalsh(table.T @ table / 400)
    assert 0.4 < eigenvalues[0] < eigenvalues[-1] < 1.9  # (1 -+ sqrt(25/400))^2 = 0.56, 1.56


@settings(max_examples=25)
@given(st.integers(1, 3_000_000), st.integers(1, 10**9))
def test_chunks_cover_all_rows_once(n_rows, elements):
    parts = chunks(n_rows, elements)
    assert parts[0][0] == 0
    assert parts[-1][1] == n_rows
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    assert all(low < high for low, high in parts)


def test_results_do_not_depend_on_threads(monkeypatch):
    rng = np.random.default_rng(6)
    passes = make_passes("log_loss", rng.normal(size=(60_000, 12)), rng)
    w = rng.normal(size=13)
    alone = passes.sketch(w, 480, np.zeros(12), 0.0, 7)
    monkeypatch.setattr("downslope.kernels.team.n_threads", lambda: 3)
    together = passes.sketch(w, 480, np.zeros(12), 0.0, 7)
    assert alone.value == together.value
    np.testing.assert_array_equal(alone.gradient, together.gradient)
    np.testing.assert_array_equal(alone.table, together.table)
    assert share(lambda i: i * i, range(5)) == [0, 1, 4, 9, 16]


def test_compiled_code_of_other_sources_is_forgotten(tmp_path):
    from downslope.kernels.machine_code import forget_outdated

    kept, sources = tmp_path / "kept", tmp_path / "sources"
    kept.mkdir()
    sources.mkdir()
    (sources / "a.py").write_text("x = 1")
    (kept / "a.f-1.nbi").write_text("index")
    assert forget_outdated(kept, sources)
    assert not (kept / "a.f-1.nbi").exists()
    (kept / "a.f-1.nbi").write_text("index")
    assert not forget_outdated(kept, sources)
    (sources / "b.py").write_text("x = 2")
    assert forget_outdated(kept, sources)
    assert not (kept / "a.f-1.nbi").exists()
