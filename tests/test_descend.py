"""The walk: one iterator for every algorithm, and the published numbers of the lesson."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import automobiles, standardized
from scipy import sparse

from downslope.descend import begin, run, steps
from downslope.losses import LOSSES, MeanSquares, SquaredError, make_loss
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.rates import Constant, InverseScaling
from downslope.rules import RULES, Plain, make_rule
from downslope.sources.memory import MemoryRows
from downslope.stopping import (
    Divergence,
    GradientNorm,
    MaxEpochs,
    MaxSeconds,
    MaxSteps,
    Progress,
    Validation,
)


def one_car_column():
    X, y = automobiles(("engine_size",))
    return Objective(MemoryRows(standardized(X), (y - y.mean()) / y.std()), MeanSquares())


def problem_columns():
    X, y = automobiles(("engine_size",))
    return X[:, 0], y


def test_mean_squared_error_of_two_lines():
    X, y = automobiles(("engine_size",))
    objective = Objective(MemoryRows(X, y), MeanSquares())
    assert round(objective.value(np.array([50.0, 0.0]))) == 51_743_975
    assert round(objective.value(np.array([162.0, -7914.0]))) == 10_023_135


def test_sweep_of_slopes():
    X, y = automobiles(("engine_size",))
    objective = Objective(MemoryRows(X, y), MeanSquares())
    found = [round(objective.value(np.array([slope, -7914.0]))) for slope in range(0, 321, 40)]
    assert found == [
        409_131_032,
        236_717_496,
        112_742_240,
        37_205_262,
        10_106_565,
        31_446_146,
        101_224_007,
        219_440_147,
        386_094_566,
    ]


def test_first_steps_on_the_standardised_cars():
    problem = one_car_column()
    result = run(problem, np.zeros(2), Plain(), Constant(0.1), [MaxSteps(60)])
    _, gradient = problem.value_and_gradient(np.zeros(2))
    assert round(gradient[0], 3) == -1.683
    assert round(result.trace.weights[1, 0], 3) == 0.168
    assert [round(v, 3) for v in result.trace["value"][:2]] == [1.0, 0.745]
    assert round(result.w[0], 3) == 0.841
    assert abs(result.w[1]) < 1e-12
    assert round(result.trace["value"][-1], 4) == 0.2919
    assert len(result.trace) == 61


@pytest.mark.parametrize(
    ("rate", "above", "below"),
    [(0.001, 0.2, 0.4), (0.1, 0.0, 1e-6), (0.9, 0.0, 1e-6)],
    ids=["crawls", "just right", "oscillates"],
)
def test_how_far_a_rate_gets_in_300_steps(rate, above, below):
    result = run(one_car_column(), np.zeros(2), Plain(), Constant(rate), [MaxSteps(300)])
    correlation = np.corrcoef(problem_columns())[0, 1]
    lowest = 1 - correlation**2
    left = (result.trace["value"][-1] - lowest) / (1 - lowest)
    assert above <= round(left, 12) < below


def test_divergence_is_noticed_and_the_last_finite_weights_are_kept():
    result = run(
        one_car_column(),
        np.zeros(2),
        Plain(),
        Constant(1.01),
        [MaxSteps(10_000), Divergence(limit=1.0)],
    )
    assert result.reason.name == "diverged"
    assert "learning rate 1.01; the largest stable rate here is 1." in result.reason.sentence
    assert np.isfinite(result.w).all()
    assert not result.reason.converged


def test_raw_columns_at_a_rate_for_scaled_ones_end_in_a_reason_not_in_nan():
    X, y = automobiles()
    problem = Objective(MemoryRows(X, y), SquaredError())
    result = run(problem, np.zeros(6), Plain(), Constant(0.01), [MaxSteps(1000)])
    assert result.reason.name == "diverged"
    assert np.isfinite(result.w).all()
    assert len(result.trace) < 10


def random_problem(loss="squared_error", kind="dense", n=60, d=4, weights=False, penalty=None):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.6)
    z = X @ np.arange(1.0, d + 1) + 0.3 * rng.normal(size=n)
    y = {
        "log_loss": np.where(z > 0, 1.0, -1.0),
        "poisson": np.exp(0.2 * z).round(),
        "gamma": np.exp(0.2 * z),
    }.get(loss, z if loss not in BINARY else np.where(z > 0, 1.0, -1.0))
    w = rng.random(n) * 2 if weights else None
    k = 3 if loss == "multinomial" else 1
    y = rng.integers(0, 3, n) if loss == "multinomial" else y
    X = sparse.csr_array(X) if kind == "csr" else X
    return Objective(MemoryRows(X, y, w), make_loss(loss), penalty or Penalty(l2=0.01), n_outputs=k)


BINARY = ("log_loss", "hinge", "squared_hinge", "modified_huber", "perceptron")
SMOOTH = [n for n, c in LOSSES.items() if c.max_curvature is not None] + ["poisson", "gamma"]


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("weights", [False, True])
def test_gradient_and_curvature_product_by_finite_differences(loss, weights):
    problem = random_problem(loss, weights=weights)
    rng = np.random.default_rng(0)
    w, v, h = 0.1 * rng.normal(size=problem.size), rng.normal(size=problem.size), 1e-6
    _, gradient = problem.value_and_gradient(w)
    up, down = problem.value_and_gradient(w + h * v), problem.value_and_gradient(w - h * v)
    assert (up[0] - down[0]) / (2 * h) == pytest.approx(gradient @ v, rel=1e-6)
    np.testing.assert_allclose(
        (up[1] - down[1]) / (2 * h), problem.curvature_product(w, v), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_sparse_rows_walk_as_dense_ones(loss, batch_size):
    dense, csr = random_problem(loss), random_problem(loss, "csr")
    rate = Constant(0.01)
    walks = [
        steps(p, begin(p.start(), Plain(), rate), Plain(), rate, batch_size=batch_size)
        for p in (dense, csr)
    ]
    for _, a, b in zip(range(40), *walks, strict=False):
        np.testing.assert_allclose(a.w, b.w, rtol=1e-12, atol=1e-14)
        assert a.value == pytest.approx(b.value, rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_of_all_rows_is_batch_descent(rule):
    problem, rule, rate = random_problem(), make_rule(rule), Constant(0.01)
    walks = [
        steps(problem, begin(problem.start(), rule, rate), rule, rate, batch_size=size)
        for size in (None, 60, 1000)
    ]
    for _, a, b, c in zip(range(20), *walks, strict=False):
        np.testing.assert_array_equal(a.w, b.w)
        np.testing.assert_array_equal(a.w, c.w)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("batch_size", [None, 8])
def test_a_run_continues_exactly_from_any_state(rule, batch_size):
    problem, rule, rate = random_problem(), make_rule(rule), InverseScaling(0.01)
    whole = run(problem, problem.start(), rule, rate, [MaxSteps(37)], batch_size=batch_size)
    half = run(problem, problem.start(), rule, rate, [MaxSteps(19)], batch_size=batch_size)
    rest = run(problem, None, rule, rate, [MaxSteps(37)], batch_size=batch_size, state=half.state)
    np.testing.assert_array_equal(whole.w, rest.w)
    np.testing.assert_array_equal(whole.trace["value"][19:], rest.trace["value"])


@given(size=st.integers(1, 70), epoch=st.integers(0, 5), seed=st.integers(0, 3))
@settings(max_examples=30)
def test_an_epoch_shows_every_row_once(size, epoch, seed):
    rows = MemoryRows(np.arange(60.0)[:, None], np.arange(60.0))
    batches = list(rows.batches(size, seed, epoch))
    assert sorted(np.concatenate([b.y for b in batches])) == list(range(60))
    assert all(len(b.y) == size for b in batches[:-1])


@pytest.mark.parametrize("loss", LOSSES)
def test_blocks_sum_to_the_whole(loss, monkeypatch):
    problem = random_problem(loss, weights=True)
    w = np.random.default_rng(1).normal(size=problem.size)
    whole = problem.value_and_gradient(w)
    monkeypatch.setattr("downslope.sources.memory.BLOCK_ROWS", 7)
    parts = problem.value_and_gradient(w)
    assert parts[0] == pytest.approx(whole[0], rel=1e-13)
    np.testing.assert_allclose(parts[1], whole[1], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("loss", SMOOTH)
def test_row_weights_are_repetitions(loss):
    problem = random_problem(loss)
    counts = np.random.default_rng(0).integers(0, 4, problem.source.n_rows)
    rows = problem.source
    weighted = MemoryRows(rows.X, rows.y, counts / counts.mean())
    repeated = MemoryRows(np.repeat(rows.X, counts, axis=0), np.repeat(rows.y, counts))
    w = 0.1 * np.random.default_rng(1).normal(size=problem.size)
    args = (problem.loss, problem.penalty, True, problem.n_outputs)
    a, b = (Objective(source, *args).value_and_gradient(w) for source in (weighted, repeated))
    assert a[0] == pytest.approx(b[0], rel=1e-12)
    np.testing.assert_allclose(a[1], b[1], rtol=1e-10, atol=1e-13)


def test_float32_rows_are_summed_in_float64():
    problem = random_problem()
    single = MemoryRows(problem.source.X.astype(np.float32), problem.source.y.astype(np.float32))
    w = np.full(problem.size, 0.1)
    value, gradient = Objective(single, SquaredError(), problem.penalty).value_and_gradient(w)
    assert gradient.dtype == np.float64
    assert value == pytest.approx(problem.value(w), rel=1e-6)


def test_l1_descent_is_scikit_learns_lasso():
    from sklearn.linear_model import Lasso

    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 10))
    y = X[:, 0] - 2 * X[:, 1] + 0.1 * rng.normal(size=100)
    problem = Objective(MemoryRows(X, y), SquaredError(), Penalty(l1=0.1))
    ours = run(problem, problem.start(), Plain(), Constant(0.3), [MaxSteps(2000)]).w
    theirs = Lasso(alpha=0.1, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(ours[:-1], theirs.coef_, atol=1e-9)
    assert (ours[:-1] == 0).sum() == (theirs.coef_ == 0).sum() > 0


STOPS = [
    (MaxSteps(5), "max_steps", False),
    (MaxEpochs(3), "max_epochs", False),
    (GradientNorm(1e-3), "converged", True),
    (Progress(1e-4, 3), "stalled", True),
    (MaxSeconds(0.0), "max_seconds", False),
]


@pytest.mark.parametrize(("stop", "name", "converged"), STOPS, ids=lambda s: str(s))
def test_every_stop_ends_in_its_reason(stop, name, converged):
    problem = random_problem()
    result = run(problem, problem.start(), Plain(), Constant(0.3), [stop], batch_size=None)
    assert (result.reason.name, result.reason.converged) == (name, converged)
    assert result.reason.sentence.endswith(".")


def test_validation_answers_the_best_weights():
    problem = random_problem()
    losses = iter([5.0, 3.0, 1.0, 2.0, 4.0, 6.0, 8.0])
    seen = []

    def validate(w):
        seen.append(w)
        return next(losses)

    stops = [Validation(patience=3), MaxSteps(100)]
    result = run(
        problem, problem.start(), Plain(), Constant(0.1), stops, batch_size=20, validate=validate
    )
    assert result.reason.name == "validation"
    np.testing.assert_array_equal(result.w, seen[2])
    assert "1" in result.reason.sentence


def test_interruption_keeps_the_best_so_far():
    problem = random_problem()

    def stop_at_five(record):
        if record.step == 5:
            raise KeyboardInterrupt

    result = run(
        problem, problem.start(), Plain(), Constant(0.1), [MaxSteps(100)], watch=stop_at_five
    )
    assert result.reason.name == "interrupted"
    assert len(result.trace) == 6
    assert np.isfinite(result.w).all()


def test_an_end_inside_an_epoch_is_validated_too():
    """A run that a cap on time or steps ends in its first epoch has not learned for nothing."""
    problem = random_problem()
    measured = []

    def validate(w):
        measured.append(w)
        return problem.value_and_gradient(w)[0]

    result = run(
        problem,
        problem.start(),
        Plain(),
        Constant(0.05),
        [MaxSteps(4)],
        batch_size=5,
        validate=validate,
    )
    assert result.state.epoch == 0
    assert result.state.k == 4
    assert len(measured) == 2
    assert result.trace["validation"][-1] < result.trace["validation"][0]
    np.testing.assert_array_equal(result.w, result.state.w)
    np.testing.assert_array_equal(measured[-1], result.w)


def test_average_is_the_mean_of_the_weights():
    problem = random_problem()
    result = run(
        problem,
        problem.start(),
        Plain(),
        Constant(0.1),
        [MaxSteps(30)],
        batch_size=5,
        average_from=10,
    )
    np.testing.assert_allclose(result.average, result.trace.weights[10:].mean(axis=0), rtol=1e-12)


def test_same_seed_same_numbers_and_another_seed_others():
    problem = random_problem()
    ends = [
        run(
            problem, problem.start(), Plain(), Constant(0.1), [MaxSteps(30)], batch_size=5, seed=s
        ).w
        for s in (1, 1, 2)
    ]
    np.testing.assert_array_equal(ends[0], ends[1])
    assert (ends[0] != ends[2]).any()
