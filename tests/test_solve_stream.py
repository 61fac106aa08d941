"""The round bowl over files and clusters: the answer of memory, within its own certificate."""

import numpy as np
import pytest

from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.bowl.solve_stream import solve_stream
from downslope.errors import InputError, PairError
from downslope.losses import make_loss
from downslope.penalties import Penalty
from downslope.sources.blocks import BlockRows
from downslope.sources.memory import MemoryRows, Rows

N, D = 20_000, 6
LOSSES = ("squared_error", "mse", "log_loss", "poisson", "gamma", "squared_hinge", "huber")
CORNERS = ("absolute_error", "quantile", "epsilon_insensitive", "hinge")
CLASSES = 4


def data(loss, offset=0.0):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, D)) @ np.diag(np.logspace(0, -3, D)) @ rng.normal(size=(D, D))
    z = (X - X.mean(0)) / X.std(0) @ np.linspace(-0.5, 0.5, D)
    X += offset
    if loss == "multinomial":
        chances = z[:, None] * np.arange(CLASSES) + rng.gumbel(size=(N, CLASSES))
        return X, np.argmax(chances, axis=1).astype(float)
    if loss in ("log_loss", "squared_hinge", "hinge"):
        return X, np.where(z + rng.logistic(size=N) > 0, 1.0, -1.0)
    if loss == "poisson":
        return X, rng.poisson(np.exp(z)).astype(float)
    if loss == "gamma":
        return X, rng.gamma(2.0, np.exp(z) / 2.0) + 1e-6
    return X, z + 0.3 * rng.normal(size=N)


def in_blocks(X, y, weights, size):
    def read(i):
        rows = slice(i * size, (i + 1) * size)
        yield Rows(X[rows], y[rows], None if weights is None else weights[rows])

    return BlockRows(read, -(-len(y) // size), len(y), X.shape[1])


def in_dask(X, y, weights, size):
    array = pytest.importorskip("dask.array")
    from downslope.sources.dask import dask_rows

    pieces = [None if a is None else array.from_array(a, chunks=size) for a in (y, weights)]
    return dask_rows(array.from_array(X, chunks=(size, X.shape[1])), *pieces)


@pytest.mark.parametrize("make", [in_blocks, in_dask])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_answer_is_that_of_memory(make, loss, weighted):
    X, y = data(loss)
    weights = np.random.default_rng(1).random(N) * 2 if weighted else None
    if weighted:
        weights /= weights.mean()
    tight = Settings(tol=1e-15)
    args = (make_loss(loss), Penalty(l2=1e-4))
    far = solve_stream(make(X, y, weights, 3000), *args, settings=tight)
    near = solve(X, y, *args, weights=weights, settings=tight)
    assert far.value == pytest.approx(near.value, rel=1e-10)
    # Flat directions leave coefficients freer than predictions, which are what a model answers.
    apart = X @ (far.w - near.w)[:D] + (far.w - near.w)[D]
    assert np.abs(apart).max() <= 1e-6 * (X @ near.w[:D]).std()
    assert far.reason.converged


@pytest.mark.parametrize("make", [in_blocks, in_dask])
@pytest.mark.parametrize("penalty", [Penalty(), Penalty(l2=1e-3), Penalty(l1=1e-3, l2=1e-4)])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_several_classes_are_those_of_memory(make, penalty, fit_intercept):
    X, y = data("multinomial", offset=3.0)
    options = {"fit_intercept": fit_intercept, "n_outputs": CLASSES}
    options["settings"] = Settings(tol=1e-14)
    args = (make_loss("multinomial"), penalty)
    far = solve_stream(make(X, y, None, 3000), *args, **options)
    near = solve(X, y, *args, **options)
    assert far.value == pytest.approx(near.value, rel=1e-9)
    assert far.reason.converged
    raw = X @ (far.w - near.w)[: D * CLASSES].reshape(D, CLASSES)
    raw -= raw.mean(axis=1, keepdims=True)  # what moves all classes alike moves no probability
    spread = (X @ near.w[: D * CLASSES].reshape(D, CLASSES)).std()
    assert (raw - raw.mean(axis=0)).std() <= 1e-6 * spread


@pytest.mark.parametrize("make", [in_blocks, in_dask])
@pytest.mark.parametrize("loss", CORNERS)
@pytest.mark.parametrize("penalty", [Penalty(l2=1e-3), Penalty(l1=0.01)])
def test_losses_with_corners_are_as_low_as_in_memory_and_the_bound_holds(make, loss, penalty):
    X, y = data(loss)
    settings = Settings(tol=1e-7)
    far = solve_stream(make(X, y, None, 3000), make_loss(loss), penalty, settings=settings)
    near = solve(X, y, make_loss(loss), penalty, settings=settings)
    assert far.reason.converged
    assert abs(far.value - near.value) <= far.bound + near.bound
    assert far.value == pytest.approx(near.value, rel=1e-6)


def test_a_pass_over_blocks_is_few_passes_and_the_bound_holds():
    X, y = data("log_loss")
    solution = solve_stream(in_blocks(X, y, None, 2500), make_loss("log_loss"))
    best = solve(X, y, make_loss("log_loss"), settings=Settings(tol=1e-14))
    assert solution.value - best.value <= solution.bound
    assert solution.passes <= 15


def test_same_seed_same_bits_and_repeated_blocks_do_no_harm():
    X, y = data("log_loss")
    X, y = np.tile(X[:2000], (10, 1)), np.tile(y[:2000], 10)
    a, b = (solve_stream(in_blocks(X, y, None, 2000), make_loss("log_loss")) for _ in range(2))
    np.testing.assert_array_equal(a.w, b.w)
    assert a.passes <= 15


def test_columns_far_from_zero_keep_their_digits():
    X, y = data("squared_error", offset=1e9)
    far = solve_stream(in_blocks(X, y, None, 2500), make_loss("squared_error"))
    near = solve(X, y, make_loss("squared_error"))
    assert far.value == pytest.approx(near.value, rel=1e-6)


def test_without_an_intercept():
    X, y = data("squared_error")
    args, points = (make_loss("squared_error"), Penalty(l2=1e-4)), []
    settings = Settings(tol=1e-15, watch=points.append)
    far = solve_stream(in_blocks(X, y, None, 2500), *args, fit_intercept=False, settings=settings)
    near = solve(X, y, *args, fit_intercept=False, settings=Settings(tol=1e-15))
    assert far.value == pytest.approx(near.value, rel=1e-10)
    np.testing.assert_array_equal(points[-1].w, far.w)


def test_small_sources_are_solved_in_memory():
    X, y = data("log_loss")
    few = in_blocks(X[:300], y[:300], None, 100)
    far = solve_stream(few, make_loss("log_loss"), Penalty(l2=0.1))
    near = solve(X[:300], y[:300], make_loss("log_loss"), Penalty(l2=0.1))
    np.testing.assert_array_equal(far.w, near.w)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_an_edged_bowl_over_blocks_has_the_same_zeros(loss):
    X, y = data(loss)
    penalty, tight = Penalty(l1=0.02), Settings(tol=1e-15)
    far = solve_stream(in_blocks(X, y, None, 3000), make_loss(loss), penalty, settings=tight)
    near = solve(X, y, make_loss(loss), penalty, settings=tight)
    np.testing.assert_array_equal(far.w == 0.0, near.w == 0.0)
    assert far.value == pytest.approx(near.value, rel=1e-9)


def test_what_cannot_be_streamed_is_said(monkeypatch):
    X, y = data("log_loss")
    with pytest.raises(PairError, match="lowest where all weights are zero"):
        solve_stream(MemoryRows(X, y), make_loss("perceptron"))
    monkeypatch.setattr("downslope.bowl.regimes.MOST_FULL", 5)
    with pytest.raises(PairError, match="7 weights are too many"):
        solve_stream(MemoryRows(X, y), make_loss("log_loss"))


def test_rows_that_memory_cannot_hold_are_refused_before_they_are_read(monkeypatch):
    X, y = data("log_loss")
    monkeypatch.setattr("downslope.memory_room.available", lambda: 1000)
    with pytest.raises(InputError, match="300 rows and 7 weights is solved in memory"):
        solve_stream(in_blocks(X[:300], y[:300], None, 100), make_loss("log_loss"))


def test_the_same_bits_for_any_threads_and_any_blocks(monkeypatch):
    X, y = data("log_loss")
    args = (make_loss("log_loss"), Penalty(l2=1e-6))
    found = [solve_stream(in_blocks(X, y, None, size), *args).w for size in (900, 7000)]
    monkeypatch.setattr("downslope.kernels.team.n_threads", lambda: 2)
    found.append(solve_stream(in_blocks(X, y, None, 2500), *args).w)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
