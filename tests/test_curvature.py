"""Curvature against dense linear algebra, against simulated rules, and against real runs."""

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from downslope.curvature import (
    ByDifferences,
    Curvature,
    bound,
    curvature,
    hessian,
    lanczos,
    sharpness,
    stable_limit,
)
from downslope.descend import begin, run, steps
from downslope.losses import LOSSES, MeanSquares, make_loss
from downslope.noise import batch_curvature, gradient_noise, row_squares
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.rates import Constant
from downslope.rules import (
    RULES,
    AdaGrad,
    Adam,
    AMSGrad,
    Momentum,
    Nesterov,
    Plain,
    RMSProp,
    make_rule,
)
from downslope.scaling import CenteredSparse, standardize
from downslope.sources.memory import MemoryRows
from downslope.stability import contraction, preconditioner, steps_per_decade
from downslope.stopping import MaxSteps

SMOOTH = ("mse", "squared_error", "poisson", "gamma", "log_loss", "multinomial")
LINEAR_RULES = (
    Plain(),
    Momentum(0.9),
    Momentum(0.5, dampening=0.5),
    Nesterov(0.9),
    Nesterov(0.3),
)
FEATURES = ("engine_size", "horsepower", "curb_weight", "width", "highway_mpg")


def make_problem(loss: str, kind: str = "dense", n: int = 60, d: int = 4) -> Objective:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) * [1.0, 2.0, 0.5, 1.0][:d]
    X[rng.random(X.shape) < 0.3] = 0.0
    z = X @ np.linspace(-0.5, 0.5, d)
    targets = {
        "poisson": lambda: rng.poisson(np.exp(z)).astype(float),
        "gamma": lambda: rng.gamma(2.0, np.exp(z) / 2.0),
        "multinomial": lambda: rng.integers(0, 3, n),
    }
    signed = loss in ("log_loss", "hinge", "squared_hinge", "modified_huber", "perceptron")
    y = targets.get(loss, lambda: np.sign(z + rng.normal(size=n)) if signed else z + 0.1)()
    features = {
        "dense": lambda: X,
        "csr": lambda: sparse.csr_array(X),
        "centered": lambda: CenteredSparse(sparse.csr_array(X), X.mean(axis=0)),
    }[kind]()
    weights = rng.random(n) + 0.5
    source = MemoryRows(features, y, weights / weights.mean())
    outputs = 3 if loss == "multinomial" else 1
    return Objective(source, make_loss(loss), Penalty(l2=0.1), n_outputs=outputs)


def quadratic(eigenvalues: list[float], seed: int = 0) -> Objective:
    """Least squares (half) whose Hessian has exactly these eigenvalues."""
    d = len(eigenvalues)
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
    X = math.sqrt(d) * Q * np.sqrt(eigenvalues) @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    return Objective(
        MemoryRows(X, X @ rng.normal(size=d)), make_loss("squared_error"), fit_intercept=False
    )


def automobile(*features: str) -> MemoryRows:
    table = np.genfromtxt(
        shared("automobiles.csv"), delimiter=",", names=True, dtype=None, encoding="utf-8"
    )
    X = np.column_stack([table[name] for name in features]).astype(float)
    return MemoryRows(X, table["price"].astype(float))


# --- the matrix itself ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dense", "csr", "centered"])
@pytest.mark.parametrize("loss", SMOOTH)
def test_hessian_is_the_products_and_the_differences(loss, kind):
    problem = make_problem(loss, kind)
    w = np.random.default_rng(1).normal(size=problem.size) * 0.3
    H = problem.hessian(w)
    by_products = np.column_stack([problem.curvature_product(w, e) for e in np.eye(len(w))])
    np.testing.assert_allclose(H, by_products, rtol=1e-12, atol=1e-13)
    by_differences = hessian(ByDifferences(problem), w)
    np.testing.assert_allclose(H, by_differences, rtol=1e-6, atol=1e-7)


def test_differences_of_a_zero_vector_are_zero():
    problem = make_problem("log_loss")
    assert not ByDifferences(problem).curvature_product(problem.start(), problem.start()).any()


@pytest.mark.parametrize("loss", SMOOTH)
def test_curvature_is_numpys(loss):
    problem = make_problem(loss)
    w = np.random.default_rng(1).normal(size=problem.size) * 0.3
    bend = curvature(problem, w)
    values = np.linalg.eigvalsh(problem.hessian(w))
    assert bend.largest == pytest.approx(values[-1], rel=1e-12)
    assert bend.smallest == pytest.approx(values[0], rel=1e-9, abs=1e-14)
    pushed = problem.curvature_product(w, bend.steepest)
    np.testing.assert_allclose(pushed, bend.largest * bend.steepest, atol=1e-10)
    assert bend.holds == ("everywhere" if loss in ("mse", "squared_error") else "here")


@given(st.integers(2, 300), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_lanczos_finds_the_ends_of_a_spectrum(size, seed):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.normal(size=size)) * 10.0 ** rng.integers(-6, 6)
    Q = np.linalg.qr(rng.normal(size=(size, size)))[0]
    M = Q * values @ Q.T
    bend = lanczos(lambda v: M @ v, size, seed=seed, steps=200)
    assert bend.largest <= values[-1] * (1 + 1e-9) + 1e-9 * abs(values[0])
    assert values[-1] <= bend.largest + bend.error + 1e-9 * max(abs(values[0]), abs(values[-1]))
    assert bend.settled
    assert bend.smallest == pytest.approx(values[0], rel=0.03)


def test_lanczos_agrees_with_the_whole_matrix_beyond_the_exact_size():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(400, 150)) * np.linspace(0.5, 3.0, 150)
    problem = Objective(MemoryRows(X, rng.normal(size=400)), MeanSquares())
    bend = curvature(problem, problem.start())
    values = np.linalg.eigvalsh(problem.hessian(problem.start()))
    assert bend.largest == pytest.approx(values[-1], rel=1e-6)
    assert bend.stable_rate(Plain()) <= 2.0 / values[-1] * (1 + 1e-12)


def test_lanczos_ends_early_where_the_matrix_has_few_eigenvalues():
    count = []

    def product(v):
        count.append(1)
        return 3.0 * v

    bend = lanczos(product, 1000)
    assert (bend.largest, bend.smallest, len(count)) == (pytest.approx(3.0), pytest.approx(3.0), 1)


def test_unsettled_ends_are_said():
    scale = np.geomspace(1e-12, 1.0, 2000)
    bend = lanczos(lambda v: scale * v, 2000, steps=20)
    assert bend.largest == pytest.approx(1.0, rel=1e-2)
    assert bend.largest < 1.0 < bend.largest + bend.error
    assert not bend.settled


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_bound_is_never_exceeded(loss):
    problem = make_problem(loss)
    limit = bound(problem)
    if problem.loss.max_curvature is None:
        assert limit is None
        return
    for seed in range(5):
        w = np.random.default_rng(seed).normal(size=problem.size)
        assert curvature(problem, w).largest <= limit.largest * (1 + 1e-12)
    assert limit.holds in ("bound", "everywhere")


def test_bound_of_a_quadratic_is_its_curvature():
    problem = replace(make_problem("mse"), penalty=Penalty())
    assert bound(problem).largest == pytest.approx(curvature(problem, problem.start()).largest)


def test_bound_of_logistic_at_zero_is_met():
    problem = make_problem("log_loss")
    here = curvature(problem, problem.start()).largest
    assert here <= bound(problem).largest <= here + problem.penalty.l2 + 1e-12


def test_rank_deficient_slowest_is_the_smallest_above_rounding():
    X = np.random.default_rng(0).normal(size=(50, 3))
    problem = Objective(MemoryRows(np.column_stack((X, X.sum(axis=1))), X[:, 0]), MeanSquares())
    bend = curvature(problem, problem.start())
    assert abs(bend.smallest) < 1e-12
    assert 0.1 < bend.slowest < bend.largest
    assert 1.0 < bend.condition < 100.0


# --- what follows for rules -----------------------------------------------------------------


def simulate(rule, product: float) -> float:
    """Spectral radius of one late step of the rule on f = w^2 / 2, from the rule's own code."""

    def step(w, velocity):
        memory = rule.init(np.zeros(1))._replace(velocity=np.array([velocity]))
        direction, after = rule.direction(np.array([w]), np.array([w]), memory, 5)
        return w - product * direction[0], after.velocity[0]

    if isinstance(rule, Plain):
        return abs(1.0 - product)
    matrix = np.array([step(1.0, 0.0), step(0.0, 1.0)]).T
    return float(np.abs(np.linalg.eigvals(matrix)).max())


@pytest.mark.parametrize("rule", LINEAR_RULES, ids=str)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99, 1.1])
def test_contraction_is_the_rules_own(rule, share):
    product = share * rule.stable_product
    assert contraction(rule, product) == pytest.approx(simulate(rule, product), rel=1e-7)


@pytest.mark.parametrize("name", sorted(RULES))
def test_contraction_reaches_one_at_the_limit(name):
    rule = make_rule(name)
    if rule.stable_product is None:
        assert contraction(rule, 1.0) is None
        return
    assert contraction(rule, 0.999 * rule.stable_product) < 1.0
    assert contraction(rule, rule.stable_product) == pytest.approx(1.0)
    assert contraction(rule, 1.001 * rule.stable_product) > 1.0


@pytest.mark.parametrize("rule", [*LINEAR_RULES, Adam(), AdaGrad(), RMSProp(momentum=0.5)], ids=str)
@pytest.mark.parametrize("condition", [1.0, 7.0, 85.0, 1e4])
def test_best_rate_beats_every_other(rule, condition):
    bend = Curvature(3.0, 3.0 / condition, 3.0 / condition, None, None, "everywhere")
    best = bend.best_rate(rule)
    factor = bend.contraction(rule, best)
    assert factor < 1.0
    for rate in np.linspace(0.01, 0.9999, 200) * bend.stable_rate(rule):
        assert factor <= bend.contraction(rule, rate) + 1e-9


def test_best_plain_rate_is_the_textbooks():
    bend = Curvature(10.0, 0.5, 0.5, None, None, "everywhere")
    assert bend.best_rate(Plain()) == pytest.approx(2.0 / 10.5)
    factor = bend.contraction(Plain(), bend.best_rate(Plain()))
    assert factor == pytest.approx((20.0 - 1.0) / (20.0 + 1.0))


@pytest.mark.parametrize("rule", LINEAR_RULES, ids=str)
def test_stable_limit_divides_runs_that_settle_from_runs_that_blow_up(rule):
    problem = quadratic([4.0, 1.0, 0.5])
    limit = stable_limit(problem, rule, np.zeros(3))
    first = problem.value(np.zeros(3))
    for share, settles in ((0.99, True), (1.02, False)):
        result = run(problem, np.zeros(3), rule, Constant(share * limit), [MaxSteps(2000)])
        assert (result.reason.name == "max_steps" and result.trace["value"][-1] < first) == settles


@pytest.mark.parametrize("rule", [Plain(), Momentum(0.9), Nesterov(0.9)], ids=str)
def test_predicted_steps_per_decade_are_what_a_run_takes(rule):
    problem = quadratic([2.0, 0.3, 0.02])
    bend = curvature(problem, np.zeros(3))
    rate = 0.5 * bend.best_rate(rule)
    norms = run(problem, np.zeros(3), rule, Constant(rate), [MaxSteps(900)]).trace["gradient_norm"]
    peaks = np.log10(np.maximum.accumulate(norms[::-1])[::-1])  # momentum swings: take the envelope
    last = int(np.argmax(peaks < peaks[0] - 9.0)) or 899
    first = last // 3
    measured = (last - first) / (peaks[first] - peaks[last])
    assert measured == pytest.approx(bend.steps_per_decade(rule, rate), rel=0.1)


def test_steps_per_decade_at_the_edges():
    assert steps_per_decade(0.0) == 1.0
    assert steps_per_decade(1.0) == math.inf
    flat = Curvature(0.0, 0.0, 0.0, None, None, "here")
    assert flat.condition == math.inf
    assert flat.stable_rate(Plain()) is None
    assert flat.best_rate(Plain()) is None
    steep = Curvature(1.0, 1.0, 1.0, None, None, "here")
    assert steep.steps_per_decade(make_rule("nadam"), 0.1) is None


@pytest.mark.parametrize("name", ["adam", "adamw", "amsgrad", "adagrad", "rmsprop"])
def test_preconditioner_is_what_the_rule_divides_by(name):
    """Undo the rule's own direction: direction * D must be the momentum part, whatever the rule."""
    settings_ = {"weight_decay": 0.0} if name == "adamw" else {}
    rule = make_rule(name, **settings_)
    memory, k = rule.init(np.zeros(3)), 0
    for k in range(7):
        gradient = np.array([1.0, -20.0, 0.01]) / (k + 1)
        direction, memory = rule.direction(gradient, np.zeros(3), memory, k)
    scales = preconditioner(rule, memory, k + 1)
    mean = {
        "adagrad": lambda: gradient,
        "rmsprop": lambda: gradient,
    }.get(name, lambda: memory.mean / (1.0 - rule.beta1 ** (k + 1)))()
    np.testing.assert_allclose(direction * scales, mean, rtol=1e-12)


def test_no_preconditioner_without_steps_or_scales():
    assert preconditioner(Plain(), None, 5) is None
    assert preconditioner(Adam(), Adam().init(np.zeros(2)), 0) is None
    assert preconditioner(AMSGrad(), AMSGrad().init(np.zeros(2)), 0) is None
    assert stable_limit(quadratic([1.0, 2.0]), Adam(), np.zeros(2)) is None


def test_adams_limit_is_38_on_the_rescaled_hessian():
    """With its step scales frozen, Adam is heavy ball: 0.99 of the limit settles, 1.02 does not."""
    problem, w = quadratic([5.0, 1.0, 0.1]), np.ones(3)
    rule, rate = Adam(eps=1e-3), Constant(1e-3)
    walk = steps(problem, begin(w, rule, rate), rule, rate)
    state = [next(walk) for _ in range(50)][-1].state
    limit = stable_limit(problem, rule, state.w, state.rule_memory, state.k)
    scales = preconditioner(rule, state.rule_memory, state.k)
    H = problem.hessian(w)
    rescaled = H / np.sqrt(np.outer(scales, scales))
    assert limit == pytest.approx(38.0 / np.linalg.eigvalsh(rescaled)[-1])
    for share, settles in ((0.99, True), (1.02, False)):
        v, velocity = np.ones(3), np.zeros(3)
        for _ in range(3000):
            velocity = 0.9 * velocity + 0.1 * (H @ v)
            v = v - share * limit * velocity / scales
        assert (np.abs(v).max() < 1.0) == settles


# --- the automobile numbers -----------------------------------------------------------------


def test_automobile_limits():
    engine = automobile("engine_size")
    raw = curvature(Objective(engine, MeanSquares()), np.zeros(2))
    assert raw.stable_rate(Plain()) == pytest.approx(6.606e-05, rel=1e-4)
    assert raw.condition == pytest.approx(248_536, abs=1)
    one = Objective(standardize(engine).rows(engine), MeanSquares())
    assert stable_limit(one, Plain(), np.zeros(2)) == pytest.approx(1.0, rel=1e-12)
    five = automobile(*FEATURES)
    standardised = Objective(standardize(five).rows(five), MeanSquares())
    assert stable_limit(standardised, Plain(), np.zeros(6)) == pytest.approx(0.2414, abs=5e-5)


# --- noise ------------------------------------------------------------------------------------


def test_gradient_noise_is_the_trace_of_the_rows_covariance():
    problem = replace(make_problem("mse", n=100), penalty=Penalty())
    w = np.full(problem.size, 0.2)
    rows = [problem.source.take(np.array([i])) for i in range(100)]
    gradients = np.array([problem.value_and_gradient(w, row)[1] for row in rows])
    noise = gradient_noise(problem, w)
    assert noise.spread == pytest.approx(gradients.var(axis=0).sum(), rel=1e-9)
    assert noise.signal == pytest.approx((gradients.mean(axis=0) ** 2).sum(), rel=1e-9)
    assert noise.useful_batch == pytest.approx(noise.spread / noise.signal)


def test_gradient_noise_from_batches_is_close():
    problem = make_problem("log_loss", n=5000)
    exact = gradient_noise(problem, problem.start(), batches=5000)
    rough = np.mean([gradient_noise(problem, problem.start(), seed=s).spread for s in range(5)])
    assert rough == pytest.approx(exact.spread, rel=0.15)


def test_a_single_row_has_no_noise():
    problem = Objective(MemoryRows(np.ones((1, 1)), np.ones(1)), MeanSquares())
    assert gradient_noise(problem, np.zeros(2)).spread == 0.0
    at_optimum = gradient_noise(problem, np.array([1.0, 0.0]))
    assert at_optimum.scale == math.inf


@pytest.mark.parametrize("kind", ["dense", "csr", "centered"])
def test_row_squares(kind):
    problem = make_problem("mse", kind)
    dense = problem.source.X @ np.eye(4)
    np.testing.assert_allclose(row_squares(problem.source.X), (dense**2).sum(axis=1), rtol=1e-12)


def test_batch_curvature_goes_from_the_sharpest_row_to_the_whole():
    problem = make_problem("squared_error")
    bend = curvature(problem, problem.start())
    sharp = [batch_curvature(problem, size, bend) for size in (1, 2, 8, 60)]
    assert sharp == sorted(sharp, reverse=True)
    assert sharp[-1] == pytest.approx(bend.largest)
    weights = problem.source.weights
    rows = weights * (row_squares(problem.source.X) + 1.0)
    assert sharp[0] == pytest.approx(rows.max() + 0.1)
    single = Objective(MemoryRows(np.ones((1, 1)), np.ones(1)), MeanSquares())
    assert batch_curvature(single, 1, curvature(single, np.zeros(2))) == pytest.approx(4.0)


# --- along a run ------------------------------------------------------------------------------


def test_sharpness_along_a_quadratic_run_is_constant():
    problem = quadratic([2.0, 1.0])
    result = run(problem, np.zeros(2), Plain(), Constant(0.5), [MaxSteps(20)])
    path = sharpness(problem, result.trace)
    np.testing.assert_allclose(path.largest, 2.0, rtol=1e-12)
    np.testing.assert_allclose(path.products, 1.0, rtol=1e-12)
    assert path.steps[0] == 0
    assert path.steps[-1] == 20


def test_sharpness_needs_kept_weights():
    problem = quadratic([2.0, 1.0])
    stops = [MaxSteps(5)]
    result = run(problem, np.zeros(2), Plain(), Constant(0.5), stops, keep_weights=False)
    assert sharpness(problem, result.trace) is None
