"""The round bowl: right, certified, and not to be upset by the data."""

import itertools

import numpy as np
import pytest
from bowl_problems import SHAPES, Problem, lowest, objective, problem, targets
from scipy.sparse import csr_array

from downslope.bowl.certificate import Target
from downslope.bowl.passes import DensePasses
from downslope.bowl.round import MOST_SKETCHES, Descent
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.bowl.walks import WALKS
from downslope.losses import LogLoss, SquaredError, make_loss
from downslope.penalties import Penalty

SMOOTH = [
    "mse",
    "squared_error",
    "huber",
    "squared_epsilon_insensitive",
    "poisson",
    "gamma",
    "log_loss",
    "squared_hinge",
    "modified_huber",
]
BOWL = {"mse": "conjugate", "squared_error": "conjugate"}


def fit(p, **settings):
    return solve(
        p.X,
        p.y,
        p.loss,
        Penalty(l2=p.l2),
        weights=p.weights,
        fit_intercept=p.fit_intercept,
        settings=Settings(**settings),
    )


def check(p, solution):
    """The answer is what it says it is: near the lowest point, and not further than the bound."""
    best = lowest(p)
    rounding = 1e-12 * max(abs(best), abs(solution.value), 1e-3)
    assert solution.reason.converged, solution.reason
    assert objective(p, solution.w) == pytest.approx(solution.value, rel=1e-7, abs=1e-9)
    assert solution.value - best <= solution.bound + rounding, (solution.value - best, solution)
    start = objective(p, np.zeros(p.X.shape[1] + p.fit_intercept))
    assert solution.value - best <= 1e-5 * (start - best) + rounding


@pytest.mark.parametrize("method", ["auto", "bowl", "adaptive"])
@pytest.mark.parametrize("name", SMOOTH)
def test_every_smooth_loss_reaches_its_lowest_point(name, method):
    p = problem("gauss", name, l2=1e-6)
    if name == "huber":
        p = p._replace(loss=make_loss("huber", 0.7))
    walk = BOWL.get(name, "quasi_newton") if method == "bowl" else method
    check(p, fit(p, method=walk))


@pytest.mark.parametrize("method", ["auto", "bowl"])
@pytest.mark.parametrize("name", ["squared_error", "log_loss", "poisson"])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_of_the_columns_upsets_it(shape, name, method):
    p = problem(shape, name)
    check(p, fit(p, method=BOWL.get(name, "quasi_newton") if method == "bowl" else method))


@pytest.mark.parametrize("method", ["auto", "quasi_newton", "conjugate", "adaptive", "momentum"])
def test_all_walks_agree_on_squared_loss(method):
    p = problem("gauss", "squared_error", n=6000, d=40)
    solution = fit(p, method=method, tol=1e-10)
    A = np.column_stack([p.X, np.ones(len(p.y))])
    np.testing.assert_allclose(solution.w, np.linalg.lstsq(A, p.y)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["squared_error", "log_loss"])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_penalty_intercept_and_width_of_floats(name, l2, fit_intercept, dtype):
    rng = np.random.default_rng(5)
    p = problem("gauss", name, n=4000, l2=l2)
    p = p._replace(
        X=p.X.astype(dtype), weights=rng.uniform(0.2, 1.8, 4000), fit_intercept=fit_intercept
    )
    for method in ("auto", BOWL.get(name, "quasi_newton")):
        check(p, fit(p, method=method))


def test_the_answer_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    p = problem("gauss", "log_loss", l2=1e-2)
    model = LogisticRegression(C=1 / (1e-2 * len(p.y)), tol=1e-10, max_iter=1000)
    model.fit(p.X, p.y)
    wanted = np.append(model.coef_[0], model.intercept_)
    np.testing.assert_allclose(fit(p, tol=1e-12).w, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["squared_error", "log_loss"])
@pytest.mark.parametrize("l2", [0.0, 1e-2])
def test_fewer_rows_than_columns(name, l2):
    rng = np.random.default_rng(8)
    X = rng.standard_normal((60, 150))
    y = np.sign(X[:, 0] + rng.normal(size=60)) if name == "log_loss" else X[:, :3].sum(axis=1)
    p = Problem(X, y, make_loss(name), l2)
    for method in ("auto", BOWL.get(name, "quasi_newton")):
        solution = fit(p, method=method)
        if name == "log_loss" and l2 == 0.0:
            assert solution.reason.name == "separable"
        else:
            check(p, solution)


def test_the_shortest_weights_among_equals():
    """Duplicated columns share their weight, and a column that never varies gets none."""
    rng = np.random.default_rng(9)
    X = rng.standard_normal((500, 3))
    X = np.column_stack([X, X[:, 0], np.full(500, 4.2)])
    y = X[:, :3] @ [2.0, 1.0, -1.0] + 0.1 * rng.normal(size=500)
    for method in ("auto", "conjugate"):
        w = solve(X, y, SquaredError(), settings=Settings(method=method)).w
        assert w[0] == pytest.approx(w[3], rel=1e-6)
        assert w[0] + w[3] == pytest.approx(2.0, abs=0.02)
        assert w[4] == 0.0


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("shape", [(4, 12), (40, 25), (400, 12)])
@pytest.mark.parametrize("name", ["squared_error", "poisson", "gamma", "huber"])
def test_the_shortest_weights_in_the_units_that_were_asked_for(name, shape, scaled, fit_intercept):
    rng = np.random.default_rng(4)
    n, d = shape
    X = rng.uniform(-1.0, 1.0, (n, d)) * np.logspace(-2, 2, d) + rng.choice([0.0, 3.0], d)
    if n > d:
        X[:, 3], X[:, 5] = X[:, 0] - X[:, 1], 2.0 * X[:, 4]
    y = rng.poisson(1.0, n) + 1.0
    scale = X.std(axis=0) if scaled else np.ones(d)
    settings = Settings(tol=1e-14)
    solution = solve(
        *(X, y, make_loss(name)), deviations=scale, fit_intercept=fit_intercept, settings=settings
    )
    assert solution.reason.converged
    rows = (X - fit_intercept * X.mean(axis=0)) / scale
    length = scale * solution.w[:d]
    unfelt = length - np.linalg.pinv(rows, rtol=1e-12) @ (rows @ length)
    assert np.abs(unfelt).max() <= 1e-9 * np.abs(length).max()
    z = X @ solution.w[:d] + (solution.w[-1] if fit_intercept else 0.0)
    value = make_loss(name).value(z, y).mean()
    assert value == pytest.approx(solution.value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("n", [1, 4, 30])
@pytest.mark.parametrize("l2", [0.0, 1e-2])
@pytest.mark.parametrize("name", ["squared_hinge", "modified_huber", "squared_epsilon_insensitive"])
def test_rows_without_curvature_keep_the_intercept_that_suits_them(name, l2, n):
    """No row bends where all are alike, but the intercept is felt all the same."""
    X = np.random.default_rng(n).standard_normal((n, 3))
    p = Problem(X, np.ones(n), make_loss(name), l2)
    solution = fit(p)
    assert solution.reason.converged
    assert objective(p, solution.w) == pytest.approx(solution.value, abs=1e-12)
    assert objective(p, solution.w) <= 1e-12


@pytest.mark.parametrize("name", ["modified_huber", "squared_hinge", "log_loss", "poisson"])
def test_the_value_is_that_of_the_weights_where_curvature_is_all_but_gone(name):
    rng = np.random.default_rng(4)
    X = np.column_stack([rng.standard_normal((80, 30)) * np.logspace(-4, 4, 30), np.eye(80)[:, :9]])
    p = Problem(X, targets(name, 30.0 * X[:, 20], rng), make_loss(name))
    solution = fit(p)
    assert objective(p, solution.w) == pytest.approx(solution.value, rel=1e-9, abs=1e-9)


def test_a_step_too_far_is_shortened_not_given_up():
    """Means that differ by 1e18: the curvature at a Newton step's end overflows."""
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.standard_normal((8, 2)), np.arange(8.0) == 2])
    p = Problem(X, 10.0 ** np.linspace(-12, 6, 8)[rng.permutation(8)], make_loss("gamma"), l2=0.9)
    solution = fit(p, tol=1e-4)
    best = fit(p, tol=1e-12)
    assert solution.reason.name == "converged"
    assert solution.value - best.value <= solution.bound


@pytest.mark.parametrize("method", ["auto", "quasi_newton"])
def test_separable_classes_are_named_and_do_not_run_for_ever(method):
    rng = np.random.default_rng(10)
    X = rng.standard_normal((2000, 5))
    solution = solve(X, np.sign(X[:, 0] + 0.3), LogLoss(), settings=Settings(method=method))
    assert solution.reason.name == "separable"
    assert not solution.reason.converged
    assert solution.passes < 120
    assert 0.0 <= solution.value <= solution.bound + 1e-15


def test_a_rare_level_that_the_sample_misses():
    rng = np.random.default_rng(11)
    X = np.column_stack([rng.standard_normal((60_000, 8)), np.arange(60_000) % 6000 == 17])
    y = np.where(rng.random(60_000) < 1 / (1 + np.exp(-X[:, 0] - 2.0 * X[:, 8])), 1.0, -1.0)
    p = Problem(X, y, LogLoss())
    solution = fit(p, method="quasi_newton")
    check(p, solution)
    assert solution.passes < 25


@pytest.mark.parametrize("penalty", [Penalty(l2=1e-2), Penalty(l1=1e-2), Penalty(0.01, 0.01)])
def test_a_penalty_on_the_weights_of_scaled_columns(penalty):
    p = problem("gauss", "log_loss")
    deviations = p.X.std(axis=0) * np.linspace(0.5, 2.0, p.X.shape[1])
    scaled = solve(p.X / deviations, p.y, p.loss, penalty, settings=Settings(tol=1e-12))
    plain = solve(p.X, p.y, p.loss, penalty, deviations=deviations, settings=Settings(tol=1e-12))
    assert plain.value == pytest.approx(scaled.value, rel=1e-11)
    np.testing.assert_allclose(plain.w[:-1] * deviations, scaled.w[:-1], atol=1e-5)


def test_float32_columns_too_large_to_square():
    p = problem("gauss", "log_loss")
    p = p._replace(X=(p.X * 1e25).astype(np.float32))
    for method in ("auto", "quasi_newton"):
        check(p, fit(p, method=method))


@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e120, 1e300])
@pytest.mark.parametrize("name", ["squared_error", "log_loss"])
def test_columns_whose_squares_leave_the_range(name, size):
    p = problem("gauss", name)
    for method in ("auto", BOWL.get(name, "quasi_newton")):
        plain = fit(p, method=method)
        X = p.X.copy()
        X[:, 0] *= size
        moved = fit(p._replace(X=X), method=method)
        assert moved.reason.converged
        if size < 1e-300:  # its weight would be no number
            assert moved.w[0] == 0.0
            continue
        assert moved.value == pytest.approx(plain.value, rel=1e-6)
        assert moved.w[0] * size == pytest.approx(plain.w[0], rel=0.05)


def broken(kind, whole=DensePasses.sketch):
    def sketch(self, w, buckets, shift, floor, seed):
        told = whole(self, w, buckets, shift, floor, seed)
        return told._replace(table=kind(told.table))

    return sketch


@pytest.mark.parametrize("method", ["auto", "quasi_newton"])
@pytest.mark.parametrize("kind", [lambda t: t * np.nan, lambda t: t * 0.0], ids=["nan", "zeros"])
def test_without_a_sketch_it_goes_down_on_scaled_weights_and_says_so(kind, method, monkeypatch):
    p = problem("heavy", "log_loss", n=6000)
    best = lowest(p)
    monkeypatch.setattr(DensePasses, "sketch", broken(kind))
    solution = fit(p, method=method)
    assert solution.reason.name == "fallback"
    assert "not be made round" in solution.reason.sentence
    assert solution.reason.converged
    assert solution.value - best <= solution.bound


def test_a_bad_sketch_is_noticed_and_made_again(monkeypatch):
    p = problem("gauss", "log_loss", n=20_000, d=30)
    count = []

    def first_is_bad(table):
        count.append(1)
        np.random.default_rng(0)
        return table * np.geomspace(1.0, 100.0, table.shape[1]) if len(count) == 2 else table

    monkeypatch.setattr(DensePasses, "sketch", broken(first_is_bad))
    solution = fit(p, method="quasi_newton")
    assert solution.sketches > 1
    check(p, solution)


def no_way_down(monkeypatch, after):
    """Descent whose steps fail once it has made so many; the number of sketches at each failure."""
    step, tried = Descent.advance, []

    def advance(self):
        if self.steps < after:
            return step(self)
        tried.append(self.sketches)
        return False

    monkeypatch.setattr(Descent, "advance", advance)
    return tried


def test_where_no_step_leads_down_it_sketches_again_and_then_walks_on_scaled_weights(monkeypatch):
    p = problem("gauss", "log_loss", n=20_000, d=30)
    tried = no_way_down(monkeypatch, after=1)
    solution = fit(p, method="quasi_newton")
    assert tried == [1, 2, MOST_SKETCHES]
    assert (solution.reason.name, solution.reason.converged) == ("fallback", True)
    assert solution.value - lowest(p) <= solution.bound


def test_at_rounding_no_step_leads_down_and_that_is_convergence(monkeypatch):
    p = problem("gauss", "log_loss", n=20_000, d=30)
    monkeypatch.setattr(Target, "wanted", lambda *settings: 1e-300)
    solution = fit(p, method="quasi_newton")
    assert "rounding" in solution.reason.sentence
    assert solution.reason.converged
    assert solution.value - lowest(p) <= max(solution.bound, 1e-13)


@pytest.mark.parametrize("name", ["squared_error", "log_loss", "poisson"])
def test_a_tolerance_of_nothing_ends_at_rounding(name):
    p = problem("gauss", name, n=20_000, d=30)
    solution = fit(p, tol=0.0)
    assert solution.reason.converged
    assert "rounding" in solution.reason.sentence
    assert solution.passes < 40


def test_a_step_that_overflows_is_replaced_by_a_search_along_the_slope(monkeypatch):
    p = problem("gauss", "log_loss", n=6000, d=10)
    plain = fit(p, method="quasi_newton")
    turns = itertools.count()

    def leap(evaluate, here, direction):
        there = WALKS["quasi_newton"].step(evaluate, here, direction)
        return there._replace(value=np.inf) if next(turns) == 1 else there

    monkeypatch.setitem(WALKS, "leaping", WALKS["quasi_newton"]._replace(step=leap))
    solution = fit(p, method="leaping")
    assert next(turns) > 1
    check(p, solution)
    assert solution.value == pytest.approx(plain.value, rel=1e-6)


def test_the_same_seed_gives_the_same_bits(monkeypatch):
    p = problem("gauss", "log_loss", n=60_000, d=20)
    first = fit(p, method="quasi_newton", seed=3)
    monkeypatch.setattr("downslope.kernels.team.n_threads", lambda: 3)
    again = fit(p, method="quasi_newton", seed=3)
    assert first.w.tolist() == again.w.tolist()
    assert first.passes == again.passes


def test_passes_do_not_depend_on_the_condition_number():
    counts = []
    for condition in (1e1, 1e3, 1e5):
        p = problem("gauss", "squared_error", n=20_000, d=30)
        from bowl_problems import skewed

        X = skewed(20_000, 30, condition, np.random.default_rng(1))
        counts.append(fit(p._replace(X=X), method="conjugate", tol=1e-9).passes)
    assert max(counts) <= min(counts) + 1 <= 13


def test_every_step_is_told_and_none_goes_up():
    p = problem("gauss", "log_loss", n=20_000, d=30)
    points = []
    solution = fit(p, method="quasi_newton", watch=points.append)
    values = [point.value for point in points]
    assert len(values) == solution.steps + 1, "the start is told too"
    assert all(b <= a + 1e-12 for a, b in itertools.pairwise(values))
    np.testing.assert_array_equal(points[-1].w, solution.w)
    assert objective(p, points[0].w) == pytest.approx(values[0], rel=1e-10)


def test_the_cap_on_passes_is_kept_and_said():
    p = problem("gauss", "log_loss", n=20_000, d=30)
    solution = fit(p, method="quasi_newton", most_passes=3)
    assert solution.reason.name == "max_epochs"
    assert solution.passes <= 5


@pytest.mark.parametrize("rows", [60, 800, 20_000])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("size", [1e-9, 1e-3, 1e9])
@pytest.mark.parametrize(
    "loss", ["squared_error", "huber", "squared_epsilon_insensitive", "absolute_error", "quantile"]
)
def test_targets_in_other_units_have_weights_in_other_units(loss, size, sparse, rows):
    """What is small enough to stop for is small beside the targets, whatever their unit."""
    p = problem("gauss", "squared_error", n=rows)
    widths = {"huber": 0.7, "squared_epsilon_insensitive": 0.1}
    X = csr_array(p.X) if sparse else p.X
    told = []
    for unit in (1.0, size):
        made = [loss, widths[loss] * unit] if loss in widths else [loss]
        solution = solve(X, p.y * unit, make_loss(*made))
        assert solution.reason.converged
        told.append(solution.w / unit)
    deviation = np.append(p.X.std(axis=0), 1.0) / p.y.std()
    assert np.abs((told[1] - told[0]) * deviation).max() < 2e-3
