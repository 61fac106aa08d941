"""L1 and elastic net: exact zeros, the lowest point, and bounds that hold."""

import math

import numpy as np
import pytest
from bowl_problems import SHAPES, problem, targets
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from downslope.bowl import edges
from downslope.bowl.class_passes import ClassPasses
from downslope.bowl.edges import lowest_edged
from downslope.bowl.lasso import Edged
from downslope.bowl.smooth import Settings, Smooth
from downslope.bowl.solve import solve
from downslope.kernels.coordinate import descend_coordinates
from downslope.kernels.views import read_only
from downslope.losses import LogLoss, Multinomial, SquaredError, make_loss
from downslope.penalties import Penalty


def strength(p, share):
    """That share of the L1 weight from which on all coefficients are zero."""
    X = p.X - p.X.mean(axis=0)
    null = solve(np.zeros((len(p.y), 1)), p.y, p.loss).w[1]
    return share * float(np.abs(X.T @ p.loss.slope(np.full(len(p.y), null), p.y)).max() / len(p.y))


def whole(p, penalty, w):
    return float(np.mean(p.loss.value(p.X @ w[:-1] + w[-1], p.y)) + penalty.value(w[:-1]))


@pytest.mark.parametrize("n", [800, 20_000])
@pytest.mark.parametrize(
    "name", ["squared_error", "log_loss", "poisson", "huber", "squared_hinge", "gamma"]
)
@pytest.mark.parametrize("l2", [0.0, 1e-2])
def test_the_bound_holds_for_every_loss(name, l2, n):
    p = problem("gauss", name, n=n, d=40)
    if name == "huber":
        p = p._replace(loss=make_loss("huber", 1.0))
    penalty = Penalty(l1=strength(p, 0.05), l2=l2)
    best = solve(p.X, p.y, p.loss, penalty, settings=Settings(tol=1e-12)).value
    solution = solve(p.X, p.y, p.loss, penalty)
    assert solution.reason.converged
    assert -1e-12 <= solution.value - best <= solution.bound + 1e-13
    assert solution.value == pytest.approx(whole(p, penalty, solution.w), rel=1e-10)
    assert (solution.w[:-1] == 0.0).any()
    assert (solution.w[:-1] != 0.0).any()


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"leverage"}))
def test_no_shape_of_the_columns_upsets_it(shape):
    p = problem(shape, "log_loss")
    penalty = Penalty(l1=strength(p, 0.02))
    best = solve(p.X, p.y, p.loss, penalty, settings=Settings(tol=1e-11)).value
    solution = solve(p.X, p.y, p.loss, penalty)
    assert solution.reason.converged, solution.reason
    assert -1e-11 <= solution.value - best <= solution.bound + 1e-12


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_it_agrees_with_scikit_learn(l1_ratio):
    from sklearn.linear_model import ElasticNet

    p = problem("gauss", "squared_error", n=2000, d=30)
    alpha = strength(p, 0.05)
    model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=100_000).fit(p.X, p.y)
    penalty = Penalty(l1=alpha * l1_ratio, l2=alpha * (1 - l1_ratio))
    w = solve(p.X, p.y, SquaredError(), penalty, settings=Settings(tol=1e-13)).w
    np.testing.assert_allclose(w[:-1], model.coef_, atol=1e-5)
    np.testing.assert_array_equal(w[:-1] == 0.0, model.coef_ == 0.0)


@pytest.mark.parametrize("name", ["squared_error", "log_loss"])
def test_strong_enough_it_leaves_the_intercept_alone(name):
    p = problem("gauss", name)
    strong = solve(p.X, p.y, p.loss, Penalty(l1=strength(p, 1.01)))
    assert not strong.w[:-1].any()
    assert strong.reason.converged
    assert solve(p.X, p.y, p.loss, Penalty(l1=strength(p, 0.97))).w[:-1].any()


def test_more_columns_than_rows():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((100, 600))
    y = X[:, :4] @ [3.0, -2.0, 1.0, 1.0] + 0.1 * rng.standard_normal(100)
    for loss, t in ((SquaredError(), y), (LogLoss(), np.sign(y))):
        best = solve(X, t, loss, Penalty(l1=0.05), settings=Settings(tol=1e-11)).value
        solution = solve(X, t, loss, Penalty(l1=0.05))
        assert -1e-12 <= solution.value - best <= solution.bound + 1e-12
        assert 0 < np.count_nonzero(solution.w[:-1]) < 60


def test_without_an_intercept_and_with_weights():
    p = problem("gauss", "squared_error", n=20_000, d=30)
    weights = np.random.default_rng(0).uniform(0.1, 1.9, len(p.y))
    ask = {"weights": weights, "fit_intercept": False}
    best = solve(p.X, p.y, p.loss, Penalty(l1=0.02), **ask, settings=Settings(tol=1e-12)).value
    solution = solve(p.X, p.y, p.loss, Penalty(l1=0.02), **ask)
    assert -1e-12 <= solution.value - best <= solution.bound + 1e-13
    assert solution.w.shape == (30,)


def test_several_classes():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((4000, 20))
    y = np.argmax(X[:, :3] + rng.gumbel(size=(4000, 3)), axis=1)
    best = solve(
        X, y, Multinomial(), Penalty(l1=0.03), n_outputs=3, settings=Settings(tol=1e-9)
    ).value
    solution = solve(X, y, Multinomial(), Penalty(l1=0.03), n_outputs=3)
    assert solution.reason.converged
    assert -1e-11 <= solution.value - best <= solution.bound + 1e-12
    W = solution.w.reshape(-1, 3)
    assert not W[5:20].any()
    assert W[:3].any()


def wide(name, n=400, d=3000):
    rng = np.random.default_rng(8)
    X = sparse.random(n, d, density=0.01, random_state=9, format="csr")
    X = sparse.csr_matrix(X.multiply(rng.gamma(1.0, size=d) + 0.01))
    z = X[:, :50] @ rng.normal(size=50)
    z = 3.0 * z / z.std() + 0.3 * rng.normal(size=n)
    return X, (np.sign(z) if name in {"log_loss", "squared_hinge"} else z)


@pytest.mark.parametrize("name", ["squared_error", "log_loss", "squared_hinge", "huber"])
@pytest.mark.parametrize("as_dense", [False, True])
@pytest.mark.parametrize("share", [0.5, 0.05])
def test_very_many_columns(name, as_dense, share):
    X, y = wide(name)
    loss = make_loss(name, 1.0) if name == "huber" else make_loss(name)
    slopes = loss.slope(np.zeros(len(y)), y)
    penalty = Penalty(l1=share * float(np.abs(X.T @ slopes).max()) / len(y))
    best = solve(X, y, loss, penalty, settings=Settings(tol=1e-10)).value
    solution = solve(X.toarray() if as_dense else X, y, loss, penalty)
    assert solution.reason.converged, solution.reason
    assert -1e-10 * best <= solution.value - best <= solution.bound + 1e-12
    assert 0 < np.count_nonzero(solution.w[:-1]) < 500


def test_very_many_columns_and_several_classes():
    X, z = wide("squared_error")
    y = np.digitize(z, [-1.0, 1.0])
    ask = {"penalty": Penalty(l1=3e-3), "n_outputs": 3}
    thin, full = (solve(A, y, Multinomial(), **ask) for A in (X, X.toarray()))
    assert thin.value - full.value <= thin.bound
    assert full.value - thin.value <= full.bound


def test_passes_stay_few():
    for name in ("squared_error", "log_loss"):
        p = problem("gauss", name, n=40_000, d=60)
        solution = solve(p.X, p.y, p.loss, Penalty(l1=strength(p, 0.01)))
        assert solution.passes <= 15


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.floats(0.0, 2.0), st.integers(0, 1000))
def test_coordinate_descent_ends_where_no_weight_wants_to_move(m, l1, seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((2 * m, m))
    hessian, g, w = A.T @ A, rng.standard_normal(m), rng.standard_normal(m)
    delta = descend_coordinates(hessian, g, w, np.full(m, l1), 1e-24, 100_000)
    slope, there = g + hessian @ delta, w + delta
    at_rest = np.where(there == 0.0, np.abs(slope) <= l1 + 1e-9, slope + l1 * np.sign(there))
    assert at_rest[there == 0.0].all()
    np.testing.assert_allclose(at_rest[there != 0.0], 0.0, atol=1e-8)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8), st.floats(0.0, 2.0), st.sampled_from([1.0, 1e-2, 1e-3]), st.integers(0, 999)
)
def test_where_a_parabola_with_edges_is_lowest(m, l1, apart, seed):
    """Columns may be as near to each other as they like, and weights without an edge among them."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((3 * m, 1)) + apart * rng.standard_normal((3 * m, m))
    hessian, g, w = A.T @ A, A.T @ rng.standard_normal(3 * m), rng.standard_normal(m)
    edges = np.where(rng.random(m) < 0.2, 0.0, l1)
    delta, unrest = lowest_edged(hessian, g, w, edges, 1e-12)
    slope, there = g + hessian @ delta, w + delta
    assert unrest <= 1e-12
    pull = np.where(there == 0.0, np.maximum(np.abs(slope) - edges, 0.0), 0.0)
    pull = np.where(there != 0.0, slope + edges * np.sign(there), pull)
    assert pull @ np.linalg.pinv(hessian, rcond=1e-13) @ pull <= 1e-9


@pytest.mark.parametrize("strength", [0.1, 1e-2])
def test_a_sample_of_rows_with_heavy_tails_does_not_mislead(strength):
    """Weights that suit a sample raise the means of a few other rows by e^20 and more."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((20_000, 300)) / np.sqrt(rng.chisquare(2, (20_000, 1)) / 2)
    z = X @ (rng.standard_normal(300) * (rng.random(300) < 0.2))
    z -= np.median(z)
    y = rng.poisson(0.1 * np.exp(np.clip(1.5 * z / np.std(z), -20.0, 8.0))).astype(float)
    l1 = strength * np.abs(X.T @ (y - y.mean())).max() / len(y)
    loss = make_loss("poisson")
    null = np.mean(loss.value(np.full(len(y), np.log(y.mean())), y))
    solution = solve(X, y, loss, Penalty(l1=l1))
    assert solution.reason.converged
    assert solution.value < null
    tight = solve(X, y, loss, Penalty(l1=l1), settings=Settings(tol=1e-9))
    assert -1e-12 <= solution.value - tight.value <= solution.bound


def nearly_the_same(name, n=100):
    """Columns that differ by a thousandth, and two that hardly vary."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((n, 6))
    X[:, 1] = X[:, 0] + 1e-3 * X[:, 1]
    X[:, 4], X[:, 5] = 7.3, 7.3 + 1e-3 * X[:, 5]
    z = X[:, 0] + 300.0 * (X[:, 1] - X[:, 0]) + 300.0 * (X[:, 5] - 7.3)
    return X, z


@pytest.mark.parametrize("name", ["squared_error", "huber", "log_loss", "gamma", "poisson"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("tol", [1e-2, None])
def test_columns_that_are_nearly_the_same(name, intercept, tol):
    """Coordinate descent goes along their groove in steps too small to be seen."""
    X, z = nearly_the_same(name)
    y = targets(name, z, np.random.default_rng(1))
    ask = {"penalty": Penalty(l1=1e-7), "fit_intercept": intercept}
    best = solve(X, y, make_loss(name), **ask, settings=Settings(tol=1e-12, most_passes=2000))
    smooth = solve(X, y, make_loss(name), fit_intercept=intercept, settings=Settings(tol=1e-13))
    assert best.value - smooth.value <= 1e-7 * np.abs(smooth.w[:6]).sum() + 1e-9
    solution = solve(X, y, make_loss(name), **ask, settings=Settings(tol=tol))
    assert solution.reason.converged
    assert solution.passes <= 60
    assert -1e-12 <= solution.value - best.value <= solution.bound + 1e-12


def test_levels_of_a_single_row_and_several_classes():
    """The class drawn for such a row tells next to nothing of its curvature."""
    rng = np.random.default_rng(7)
    X = np.column_stack([rng.standard_normal((2500, 30)), np.eye(2500)[:, :9]])
    y = np.argmax(X[:, :6] + rng.gumbel(size=(2500, 6)), axis=1)
    scale = X.std(axis=0)
    ask = {"penalty": Penalty(l1=7e-4), "n_outputs": 6, "deviations": scale}
    best = solve(X, y, Multinomial(), **ask, settings=Settings(tol=1e-9))
    solution = solve(X, y, Multinomial(), **ask)
    assert solution.reason.converged
    assert solution.passes <= 250
    assert -1e-11 <= solution.value - best.value <= solution.bound + 1e-12


@pytest.mark.parametrize("missing", [1, 3])
def test_classes_that_no_row_has(missing):
    """Their intercepts fall for ever, and each makes the others' curvature smaller."""
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((50, 2)), rng.integers(2, size=50)
    k = 2 + missing
    solution = solve(X, y, Multinomial(), Penalty(l1=10.0), n_outputs=k)
    shares = np.bincount(y) / 50.0
    lowest = -float(shares @ np.log(shares))
    assert solution.reason.converged
    assert 0.0 <= solution.value - lowest <= solution.bound


@pytest.mark.parametrize("lead", [1.0, 6.0, 14.0])
def test_what_is_left_to_an_intercept_is_doubted_like_all_curvature(lead):
    """Classes without rows, their intercepts so far down: Newton's decrement is what is left to
    within the rounding of a curvature that is all but singular, so it is no bound by itself."""
    X, y = np.random.default_rng(0).standard_normal((60, 2)), np.arange(60) % 2
    passes = ClassPasses(read_only(X), read_only(y), read_only(np.ones(60)), 5, True)
    w = np.append(np.zeros(10), [0.0, 0.0, -lead, -lead, -lead])
    l1 = np.append(np.full(10, 10.0), np.zeros(5))
    walk = Edged(Smooth(passes, np.zeros(15)), l1, 0.0, np.zeros((15, 15)), np.zeros(2), w, 0.0, l1)
    walk.look(None, np.zeros(2), 0.0, 0)
    assert 2.0 * (walk.value - math.log(2.0)) <= walk.gap


def test_where_all_classes_move_together_no_curvature_is_made_up():
    """No softmax feels it, but an L1 penalty does: curvature there would hide what is left."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), np.arange(40) % 3
    passes = ClassPasses(read_only(X), read_only(y), read_only(np.ones(40)), 3, True)
    l1, w = np.append(np.full(9, 1e-6), np.zeros(3)), rng.standard_normal(12)
    walk = Edged(Smooth(passes, np.zeros(12)), l1, 0.0, np.zeros((12, 12)), np.zeros(3), w, 0.0, l1)
    walk.look(None, np.zeros(3), 0.0, 0)
    together = np.kron(np.eye(4), np.ones((3, 1)))
    assert np.abs(walk.hessian @ together).max() <= 1e-13 * np.abs(walk.hessian).max()


def test_passes_asked_for_bound_the_small_problems_too():
    """Counts to thousands over ten times as many columns as rows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 1000))
    y = rng.poisson(np.exp(np.minimum(X[:, :3] @ [5.0, 3.0, -2.0], 8.0))) * 1.0
    ask = {"penalty": Penalty(l1=0.3)}
    solution = solve(X, y, make_loss("poisson"), **ask, settings=Settings(most_passes=4))
    assert solution.reason.name == "max_epochs"
    assert solution.passes <= 12  # a step that has begun is ended
    assert solve(X, y, make_loss("poisson"), **ask).passes <= 60


def test_a_parabola_over_many_columns_takes_a_bounded_number_of_sets(monkeypatch):
    seen = []
    of = edges._onward
    monkeypatch.setattr(edges, "_onward", lambda *args: seen.append(1) or of(*args))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 300)) * np.exp(3.0 * rng.standard_normal((20, 1)))
    H = X.T @ X / 20
    lowest_edged(H, 100.0 * rng.standard_normal(300), np.zeros(300), np.full(300, 1e-3), 0.0)
    assert len(seen) <= edges.MOST_SETS + edges.MOST_ROUNDS


@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_matrix])
def test_columns_that_depend_on_each_other_take_few_passes(layout):
    """Only the penalty slopes along what no prediction feels, down to where a weight is zero."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((20_000, 30))
    X[:, 3], X[:, 5], X[:, 7] = X[:, 0], X[:, 1] + X[:, 2], X[:, 4] - X[:, 6]
    X[:, 9], X[:, 11] = X[:, 8] + 1e-4 * X[:, 9], 1.0 + 1e-3 * X[:, 11]
    X[:, 12] = X[:, 13] + X[:, 14] + X[:, 15]
    y = X[:, :16] @ rng.standard_normal(16) + rng.standard_normal(20_000)
    ask = {"penalty": Penalty(l1=3e-7), "deviations": X.std(axis=0)}
    best = solve(X, y, SquaredError(), **ask, settings=Settings(tol=1e-12))
    solution = solve(layout(X), y, SquaredError(), **ask)
    assert solution.reason.converged
    assert solution.passes <= 15
    assert -1e-12 <= solution.value - best.value <= solution.bound + 1e-12


@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("classes", [2, 3])
def test_intercepts_count_where_no_column_wants_in(layout, classes):
    """All weights are zero and the duality gap too, but the intercepts start a little beside."""
    rng = np.random.default_rng(2)
    X, y = layout(rng.random((40, 2100)) * (rng.random((40, 2100)) < 0.01)), np.arange(40) % 20 == 0
    y = y + (np.arange(40) % 10 == 1) * (classes == 3)
    loss, target = (LogLoss(), 2.0 * y - 1.0) if classes == 2 else (Multinomial(), y.astype(int))
    solution = solve(X, target, loss, Penalty(l1=10.0), n_outputs=classes if classes > 2 else 1)
    shares = np.bincount(y.astype(int)) / 40.0
    assert solution.reason.converged
    lowest = -float(shares @ np.log(shares))
    assert -1e-12 <= solution.value - lowest <= solution.bound + 1e-12


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-5])
def test_an_intercept_on_its_way_does_not_pay_for_the_others(tol):
    """A level of one row under a weak penalty: its weight is far out, and the intercept follows."""
    X, y = np.zeros((60, 1)), np.ones(60)
    X[7], y[[3, 9, 20, 33]] = 1.0, -1.0
    best = solve(X, y, LogLoss(), Penalty(l1=6.4e-7), settings=Settings(tol=1e-13)).value
    solution = solve(X, y, LogLoss(), Penalty(l1=6.4e-7), settings=Settings(tol=tol))
    assert -1e-13 <= solution.value - best <= solution.bound + 1e-14
