"""Sweeps against single runs, suggestions against known truth, races against their protocol."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from test_curvature import make_problem, quadratic
from test_diagnose import FEATURES, automobile, bowl, made, net

from downslope.curvature import curvature
from downslope.descend import run
from downslope.errors import PairError, SettingError
from downslope.losses import LOSSES, make_loss
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.problems.formula import parse
from downslope.rates import AdaptiveDescent, Armijo, Constant
from downslope.rules import RULES, Adam, Momentum, Nesterov, Plain, make_rule
from downslope.scaling import CenteredSparse
from downslope.sources.memory import MemoryRows
from downslope.stopping import GradientNorm, MaxSteps
from downslope.sweeping.many_walks import range_test, walk_many
from downslope.sweeping.race import Counted, race, restarts
from downslope.sweeping.sweep import REGIMES, stable, sweep

# --- many at once -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dense", "csr", "centered"])
@pytest.mark.parametrize("loss", sorted(set(LOSSES) - {"multinomial"}))
def test_many_is_one_after_the_other(loss, kind):
    problem = make_problem(loss, kind)
    W = np.random.default_rng(0).normal(size=(problem.size, 4)) * 0.3
    for rows in (None, problem.source.take(np.arange(7))):
        values, gradients = problem.many(W, rows)
        for j in range(4):
            value, gradient = problem.value_and_gradient(W[:, j], rows)
            assert values[j] == pytest.approx(value, rel=1e-13)
            np.testing.assert_allclose(gradients[:, j], gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("name", sorted(RULES))
def test_walking_together_is_walking_alone(name, batch_size):
    problem, rule = make_problem("log_loss"), make_rule(name)
    rates = np.array([1e-3, 0.05, 0.3])
    walks = walk_many(problem, problem.start(), rule, rates, 25, batch_size, seed=3)
    for j, rate in enumerate(rates):
        alone = run(
            problem,
            problem.start(),
            rule,
            Constant(rate),
            [MaxSteps(25)],
            batch_size=batch_size,
            seed=3,
        )
        np.testing.assert_allclose(walks.values[:, j], alone.trace["value"], rtol=1e-9)
        np.testing.assert_allclose(walks.norms[:, j], alone.trace["gradient_norm"], rtol=1e-7)
        np.testing.assert_allclose(walks.places[:, j], alone.w, rtol=1e-7, atol=1e-12)
        assert walks.ends[j] == pytest.approx(problem.value(alone.w), rel=1e-9)
        np.testing.assert_array_equal(walks.epochs, alone.trace["epoch"])


def test_walking_together_with_a_lasso():
    problem = replace(make_problem("squared_error"), penalty=Penalty(l1=0.2))
    rates = np.array([0.01, 0.1])
    walks = walk_many(problem, problem.start(), Plain(), rates, 200)
    for j, rate in enumerate(rates):
        alone = run(problem, problem.start(), Plain(), Constant(rate), [MaxSteps(200)])
        np.testing.assert_allclose(walks.places[:, j], alone.w, rtol=1e-9, atol=1e-14)
        assert walks.ends[j] == pytest.approx(problem.value(alone.w), rel=1e-12)
    assert (walks.places[:, 1] == 0.0).any()


def test_one_run_that_blows_up_leaves_the_others_alone():
    problem = bowl(10.0)
    walks = walk_many(problem, problem.start(), Plain(), np.array([0.5, 1e6]), 80)
    assert walks.ends[1] == math.inf
    alone = run(problem, problem.start(), Plain(), Constant(0.5), [MaxSteps(80)])
    np.testing.assert_allclose(walks.places[:, 0], alone.w, rtol=1e-9)


# --- the suggestion ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [Plain(), Momentum(), Nesterov()], ids=lambda rule: rule.name)
@pytest.mark.parametrize("condition", [1.0, 85.0, 1e4])
def test_suggestion_is_near_the_best_constant_rate(condition, rule):
    """Within 0.3 to 1.0 of the best rate of a quadratic of known shape, for 20 of them each."""
    for seed in range(20):
        size = 2 + seed % 7
        values = np.geomspace(1.0, 1.0 / condition, size) * 10.0 ** (seed % 5 - 2)
        problem = quadratic(list(values), seed)
        best = curvature(problem, problem.start()).best_rate(rule)
        if rule.name == "plain":
            assert best == pytest.approx(2.0 / (values[0] + values[-1]), rel=1e-6)
        suggested = sweep(problem, rule=rule, n_steps=10).suggested
        assert 0.3 <= suggested / best <= 1.0 + 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_suggestion_on_noisy_tables(seed):
    """Tables of Gaussian rows with noise in the target, intercept and all; raw scales too."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(20, 400)), int(rng.integers(1, 15))
    X = rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-3.0, 3.0, d) + rng.normal(size=d)
    problem = Objective(MemoryRows(X, X[:, 0] + rng.normal(size=n)), LOSSES["mse"]())
    best = curvature(problem, problem.start()).best_rate(Plain())
    assert 0.3 <= sweep(problem, n_steps=5).suggested / best <= 1.0 + 1e-9


def test_suggestion_beyond_the_exact_size():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 160)) * np.geomspace(1.0, 0.01, 160)
    problem = Objective(MemoryRows(X, X[:, 0]), LOSSES["squared_error"](), fit_intercept=False)
    values = np.linalg.eigvalsh(X.T @ X / 300)
    suggested = sweep(problem, [0.1], n_steps=2).suggested
    assert 0.3 <= suggested * (values[0] + values[-1]) / 2.0 <= 1.0


def test_the_lessons_rates_have_the_lessons_names():
    found = sweep(automobile("engine_size"), [0.001, 0.1, 0.9, 1.01])
    assert found.regimes == REGIMES
    assert found.limit.rate == pytest.approx(1.0, rel=1e-12)
    assert found.limit.holds == "everywhere"
    assert found.suggested == pytest.approx(0.5)


def test_five_features():
    found = sweep(automobile(*FEATURES))
    assert found.limit.rate == pytest.approx(0.2414, abs=5e-5)
    assert set(found.regimes) == set(REGIMES)
    assert list(found.regimes) == sorted(found.regimes, key=REGIMES.index)
    above = found.rates > found.limit.rate
    assert {name for name, a in zip(found.regimes, above, strict=True) if a} == {"diverging"}
    assert found.ends[0][~above].max() < found.ends[0][above].min()


@pytest.mark.parametrize(
    "loss", ["log_loss", "squared_hinge", "modified_huber", "huber", "poisson"]
)
@pytest.mark.parametrize("rule", [Plain(), Momentum(), Nesterov()], ids=lambda rule: rule.name)
def test_suggestion_leads_to_the_minimum(loss, rule):
    """On losses that are no quadratic: a long run at the suggestion ends where L-BFGS does."""
    problem = made(loss, l2=0.05) if loss != "poisson" else made(loss)
    found = sweep(problem, rule=rule)
    stops = [GradientNorm(1e-7), MaxSteps(20_000)]
    result = run(problem, problem.start(), rule, Constant(found.suggested), stops)
    assert result.reason.name == "converged", f"{found.limit} {found.reason}"


def test_curvature_that_grows_is_noticed():
    found = sweep(made("poisson"))
    start = curvature(made("poisson"), np.zeros(4)).largest
    assert found.limit.curvature > 10.0 * start
    assert "where the best run ended" in found.limit.source
    assert found.regimes[int(np.argmin(np.abs(found.rates - found.suggested)))] == "good"


@pytest.mark.parametrize("loss", ["hinge", "absolute_error", "quantile"])
def test_kinks_have_no_limit_but_a_suggestion(loss):
    problem = replace(made("absolute_error" if loss == "quantile" else loss), loss=make_loss(loss))
    found = sweep(problem)
    assert found.limit.rate is None
    assert found.limit.holds == "nowhere"
    end = found.ends[0][list(found.rates).index(found.suggested)]
    assert end <= found.ends[0].min() + 2e-3 * (problem.value(problem.start()) - found.ends.min())


def test_a_start_that_nobody_beats():
    """At zero the perceptron's loss is 0 already, though no class is told from the other."""
    found = sweep(made("perceptron"))
    assert set(found.regimes) <= {"too small", "oscillating", "good"}


def test_adaptive_rules_are_judged_by_their_runs():
    found = sweep(bowl(85.0), rule=Adam())
    assert found.limit.rate is None
    assert 0.02 < found.suggested < 0.5
    assert found.regimes[0] == "too small"


@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_batches_settle_at_the_suggestion_for_every_order(loss):
    problem = made(loss, l2=0.1)
    found = sweep(problem, batch_size=4, seeds=range(3), n_steps=150)
    assert found.ends.shape == (3, 29)
    low, high = found.band
    assert (low <= high).all()
    assert found.fastest_between[0] <= found.fastest <= found.fastest_between[1]
    assert found.suggested <= found.limit.rate / 2.0
    start, lowest = problem.value(problem.start()), found.ends.min()
    for seed in range(20):
        ends = walk_many(
            problem, problem.start(), Plain(), np.array([found.suggested]), 300, 4, seed
        ).ends
        assert ends[0] < lowest + 0.3 * (start - lowest)


def test_networks_walk_one_after_the_other():
    network = net()
    found = sweep(network, w0=network.start(), n_steps=40)
    assert found.limit.holds == "here"
    good = [r for r, name in zip(found.rates, found.regimes, strict=True) if name == "good"]
    assert min(good) / 3.0 < found.suggested < 3.0 * max(good)


def test_formulas_and_multinomial_models():
    found = sweep(parse("(w - 3)^2"), [0.001, 0.4, 0.9, 1.01], w0=[0.0])
    assert found.regimes == REGIMES
    classes = sweep(made("multinomial"), n_steps=30)
    assert classes.limit.holds == "bound"
    assert classes.regimes[0] == "too small"


def test_a_sweep_prints_and_travels():
    found = sweep(bowl(10.0), [1e-3, 0.5, 900.0], n_steps=400)
    assert found.ends[0, -1] == math.inf
    told = json.loads(found.to_json())
    assert told["ends"][-1] is None
    assert told["regimes"] == list(found.regimes)
    text = str(found)
    assert f"{found.limit.rate:.4g}" in text
    assert f"Use {found.suggested:.4g}" in text
    assert len(text.splitlines()) == 5


@pytest.mark.parametrize("rates", [[], [0.0], [-1.0, 0.1], [math.nan], [math.inf]])
def test_rates_that_cannot_be_are_refused(rates):
    with pytest.raises(SettingError):
        sweep(bowl(2.0), rates)


def test_a_start_is_needed_where_there_is_none():
    with pytest.raises(SettingError, match="start"):
        sweep(parse("w^2"))


def test_wrong_pairs_are_refused():
    with pytest.raises(PairError):
        sweep(made("squared_error", l1=0.1), rule=Adam())


def test_every_rate_lost_is_said():
    found = sweep(made("hinge", l2=1.0), [1e300], n_steps=30)
    assert found.regimes == ("diverging",)
    assert found.suggested < 1e300


def test_limits_by_kind():
    assert stable(bowl(5.0), Plain(), np.zeros(5)).exact
    assert stable(made("log_loss"), Plain(), np.zeros(4)).holds == "bound"
    assert stable(made("log_loss"), Plain(), np.zeros(4), 8).holds == "batches"
    assert stable(made("poisson"), Plain(), np.zeros(4)).holds == "here"
    assert stable(made("hinge", l2=0.5), Plain(), np.zeros(4)).holds == "nowhere"
    assert stable(bowl(5.0), Adam(), np.zeros(5)).rate is None
    batch = stable(bowl(5.0), Plain(), np.zeros(5), 1).rate
    assert batch < stable(bowl(5.0), Plain(), np.zeros(5)).rate


# --- the range test ---------------------------------------------------------------------------


def test_range_test_blows_up_after_the_limit():
    problem = bowl(20.0)
    limit = stable(problem, Plain(), problem.start()).rate
    test = range_test(problem, problem.start(), Plain(), (1e-3 * limit, 30.0 * limit), 200)
    assert limit < test.blown < 5.0 * limit
    assert test.rates[0] == pytest.approx(1e-3 * limit)
    assert test.rates[-1] == pytest.approx(30.0 * limit)
    assert test.values.shape == (1, 200)
    calm = range_test(problem, problem.start(), Plain(), (1e-3 * limit, 0.9 * limit), 50)
    assert calm.blown == math.inf


def test_range_test_on_sparse_batches_survives_the_end():
    problem = made("squared_error")
    X = CenteredSparse(sparse.csr_array(problem.source.X), np.zeros(3))
    problem = replace(problem, source=MemoryRows(X, problem.source.y))
    test = range_test(
        problem, problem.start(), Plain(), (1e-3, 1e12), 300, batch_size=5, seeds=(0, 1)
    )
    assert test.values.shape == (2, 300)
    assert (test.values[:, -1] == math.inf).all()
    assert test.blown < 1e3


# --- races and restarts -----------------------------------------------------------------------


def test_a_race_gives_everybody_the_same_evaluations():
    problem = bowl(1000.0)
    entries = [
        (Plain(), None),
        (Momentum(), None),
        (Plain(), Armijo()),
        (Plain(), AdaptiveDescent()),
        (Plain(), Constant(1e4)),
    ]
    found = race(problem, entries, np.zeros(5), evaluations=120)
    assert len(found.runners) == 5
    ends = [runner.end for runner in found.runners]
    assert ends == sorted(ends)
    for runner in found.runners:
        assert runner.evaluations[-1] <= 120
        assert (np.diff(runner.evaluations) > 0).all()
    by_name = {runner.name: runner for runner in found.runners}
    assert by_name["plain, armijo"].evaluations[-1] > len(by_name["plain, armijo"].values)
    assert by_name["momentum"].evaluations[-1] == 120
    assert by_name["momentum"].tuning == 29 * 120
    assert found.runners[-1].end == math.inf
    assert "120 gradient evaluations" in str(found)


def test_momentum_beats_plain_descent_in_a_long_valley():
    valley = parse("u^2 + 500*v^2")
    found = race(
        valley, [(Plain(), None), (Momentum(), None), (Adam(), None)], np.array([1.0, 1.0])
    )
    steps_to = {runner.name: runner.reached(1e-3) for runner in found.runners}
    assert steps_to["momentum"] < steps_to["plain"]
    assert steps_to["adam"] < steps_to["plain"]


def test_races_on_batches_are_repeatable():
    problem = made("log_loss", l2=0.1)
    entries = [(Plain(), Constant(0.1)), (Momentum(), Constant(0.01))]
    first = race(problem, entries, problem.start(), evaluations=50, batch_size=8, seed=5)
    again = race(problem, entries, problem.start(), evaluations=50, batch_size=8, seed=5)
    for a, b in zip(first.runners, again.runners, strict=True):
        np.testing.assert_array_equal(a.values, b.values)
    with pytest.raises(PairError):
        race(problem, [(Plain(), Armijo())], problem.start(), batch_size=8)


@pytest.mark.parametrize(("entries", "budget"), [([], 10), ([(Plain(), None)], 0)])
def test_no_race(entries, budget):
    with pytest.raises(SettingError):
        race(bowl(2.0), entries, np.zeros(5), evaluations=budget)


def test_counting_changes_nothing():
    problem = made("squared_error", l1=0.1)
    counted = Counted(problem)
    stops = [MaxSteps(30)]
    result = run(counted, problem.start(), Plain(), Armijo(), stops)
    plain = run(problem, problem.start(), Plain(), Armijo(), stops)
    np.testing.assert_array_equal(result.w, plain.w)
    assert counted.evaluations >= 60


def test_restarts_count_who_arrives():
    hills = parse("(w^2 - 1)^2 + 0.3*w")
    starts = [np.array([w]) for w in np.linspace(-2.0, 2.0, 9)] + [np.array([80.0])]
    stops = [GradientNorm(), MaxSteps(2000)]
    found = restarts(hills, starts, Plain(), Constant(0.02), stops)
    assert found.values[-1] == math.inf
    assert found.best.w[0] == pytest.approx(-1.0355, abs=1e-3)
    assert found.share() == pytest.approx(0.5)
    with pytest.raises(SettingError):
        restarts(hills, [], Plain(), Constant(0.02), stops)
