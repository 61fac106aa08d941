"""Planted causes: each run has one thing wrong, and the diagnosis has to name it first."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st

from downslope.curvature import curvature
from downslope.descend import Result, run
from downslope.diagnosis.diagnose import diagnose
from downslope.diagnosis.problem_facts import problem_facts
from downslope.diagnosis.run_facts import run_facts
from downslope.diagnosis.table_facts import table_facts
from downslope.errors import InputError
from downslope.losses import make_loss
from downslope.networks.activations import make_activation
from downslope.networks.network import Network
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.problems.formula import parse
from downslope.rates import AdaptiveDescent, Armijo, Constant, Exponential, Polyak
from downslope.rules import Adam, Momentum, Nesterov, Plain, RMSProp
from downslope.scaling import standardize
from downslope.sources.memory import MemoryRows
from downslope.stopping import GradientNorm, MaxEpochs, MaxSteps, Progress, Validation
from downslope.trace import Record, Recorder, load_trace

FEATURES = ("engine_size", "horsepower", "curb_weight", "width", "highway_mpg")


# --- problems ---------------------------------------------------------------------------------


def automobile(*features: str, scaled: bool = True) -> Objective:
    """Price by these columns; the price standardised, as in the textbook's walk."""
    table = np.genfromtxt(
        shared("automobiles.csv"), delimiter=",", names=True, dtype=None, encoding="utf-8"
    )
    X = np.column_stack([table[name] for name in features]).astype(float)
    y = table["price"].astype(float)
    rows = MemoryRows(X, (y - y.mean()) / y.std())
    return Objective(standardize(rows).rows(rows) if scaled else rows, make_loss("mse"))


def bowl(condition: float, d: int = 5, noise: float = 0.1, n: int = 200) -> Objective:
    """Half squared error with a Hessian of exactly this condition number, largest eigenvalue 1."""
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.normal(size=(n, d)))[0]
    values = np.geomspace(1.0, 1.0 / condition, d)
    X = math.sqrt(n) * Q * np.sqrt(values) @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    y = X @ rng.normal(size=d) + noise * rng.normal(size=n)
    return Objective(MemoryRows(X, y), make_loss("squared_error"), fit_intercept=False)


def made(
    loss: str, n: int = 300, l2: float = 0.0, l1: float = 0.0, noise: float = 1.0
) -> Objective:
    """A model of three standard columns with targets that suit the loss."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 3))
    z = X @ [1.0, -0.5, 0.25]
    if noise == 0.0:  # a gap between the classes
        X, z = X[np.abs(z) > 0.4], z[np.abs(z) > 0.4]
        n = len(z)
    if loss == "poisson":
        y = rng.poisson(np.exp(2.0 + z)).astype(float)
    elif loss == "multinomial":
        y = np.argmax(
            np.column_stack((z, -z, 0.2 * X[:, 1])) + noise * rng.gumbel(size=(n, 3)), axis=1
        )
    elif loss in ("mse", "squared_error", "absolute_error", "huber"):
        y = z + noise * rng.normal(size=n)
    else:
        y = np.where(z + noise * rng.logistic(size=n) > 0.0, 1.0, -1.0)
    outputs = 3 if loss == "multinomial" else 1
    return Objective(MemoryRows(X, y), make_loss(loss), Penalty(l1=l1, l2=l2), n_outputs=outputs)


def net(hidden: int = 8, activation: str = "tanh", n: int = 40) -> Network:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    y = np.sin(2.0 * X[:, 0]) + X[:, 1] ** 2
    return Network(MemoryRows(X, y), make_loss("mse"), (hidden,), make_activation(activation))


def top(problem: Any, w: Any = None) -> float:
    """Largest curvature at the start."""
    return curvature(problem, np.zeros(problem.size) if w is None else w).largest


def table(columns: dict[str, Any], y: Any, **more: Any) -> tuple[Objective, tuple[str, ...]]:
    rows = MemoryRows(np.column_stack(list(columns.values())).astype(float), np.asarray(y, float))
    return Objective(rows, make_loss("mse"), **more), tuple(columns)


# --- runs -------------------------------------------------------------------------------------


def go(
    problem: Any,
    rate: Any,
    steps: int,
    rule: Any = None,
    w0: Any = None,
    stops: tuple = (),
    **more: Any,
) -> tuple[Result, Any, dict[str, Any]]:
    rule = rule or Plain()
    w0 = np.zeros(problem.size) if w0 is None else np.asarray(w0, dtype=float)
    rate = rate if not isinstance(rate, float) else Constant(rate)
    result = run(problem, w0, rule, rate, [*stops, MaxSteps(steps)], **more)
    return result, problem, {"rule": rule}


def in_limits(problem: Any, share: float, steps: int, rule: Any = None, **more: Any) -> Any:
    """A run at ``share`` of the largest stable rate."""
    rule = rule or Plain()
    return go(problem, share * rule.stable_product / top(problem), steps, rule, **more)


def epochs(problem: Any, rate: float, count: int, batch: int, **more: Any) -> Any:
    stops = (MaxEpochs(count),)
    return go(problem, rate, 10**9, stops=stops, batch_size=batch, **more)


def raw_line() -> tuple[Objective, tuple[str, ...]]:
    x = np.linspace(500.0, 3500.0, 60)
    return table({"weight": x}, 3.0 + 0.01 * x + np.random.default_rng(0).normal(size=60))


def named(found: tuple[Objective, tuple[str, ...]], share: float, steps: int) -> Any:
    problem, names = found
    return in_limits(problem, share, steps, names=names)


def overfitted() -> Any:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 25))
    y = X[:, 0] + rng.normal(size=30)
    problem = Objective(MemoryRows(X[:20], y[:20]), make_loss("squared_error"))
    held = replace(problem, source=MemoryRows(X[20:], y[20:]))
    return in_limits(problem, 0.45, 400, validate=held.value)


def leaky(kind: str) -> Any:
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 80))
    y = a + 2.0 * b
    if kind == "sum":
        problem, names = table({"casual": a, "registered": b, "wind": c}, y)
    else:
        copy = 3.0 * y + 1e-3 * rng.normal(size=80)
        problem, names = table({"copy": copy / 3.0, "wind": c}, y + 0.02 * c)
    return in_limits(problem, 0.5, 5000, names=names, stops=(GradientNorm(1e-7),))


def dependent() -> Any:
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 50))
    problem, names = table({"a": a, "b": b, "a plus b": a + b, "c": c}, a - c + rng.normal(size=50))
    return in_limits(problem, 0.5, 5000, names=names, stops=(GradientNorm(1e-7),))


def constant() -> Any:
    rng = np.random.default_rng(0)
    a = rng.normal(size=50)
    problem, names = table({"a": a, "flag": np.ones(50)}, a + rng.normal(size=50))
    return in_limits(problem, 0.5, 5000, names=names, stops=(GradientNorm(1e-7),))


def missing_number() -> Any:
    problem = made("mse")
    X = problem.source.X.copy()
    X[17, 1] = np.nan
    return go(replace(problem, source=MemoryRows(X, problem.source.y)), 0.1, 20)


def outlier() -> Any:
    problem = made("mse")
    X = problem.source.X.copy()
    X[17] *= 1e4
    return in_limits(replace(problem, source=MemoryRows(X, problem.source.y)), 0.45, 200)


def wild_batch() -> Any:
    """One row of the target 300 deviations off, in mini-batches, from the trace alone."""
    problem = made("squared_error")
    y = problem.source.y.copy()
    y[40] = 300.0
    problem = replace(problem, source=MemoryRows(problem.source.X, y))
    result, _, _ = epochs(problem, 0.01, 8, 10)
    return result.trace, None, {}


def missing_batch() -> Any:
    problem = made("squared_error")
    X = problem.source.X.copy()
    X[40, 0] = np.nan
    problem = replace(problem, source=MemoryRows(X, problem.source.y))
    for seed in range(100):
        result, _, _ = epochs(problem, 0.01, 3, 5, seed=seed)
        if len(result.trace) > 30:
            return result.trace, None, {}
    raise AssertionError("no seed put the row late enough")


def saddle_network() -> Any:
    network = net()
    return go(network, 0.1, 200, w0=np.zeros(network.size))


def dead_network() -> Any:
    network = net(activation="relu")
    w = network.start(seed=0)
    network.layers(w)[0].b[...] = -100.0
    return go(network, 0.1, 300, w0=w)


def edge() -> Any:
    network = net(hidden=9)
    return go(network, 0.2, 3000, w0=network.start(seed=1), keep_weights=True)


def deeper_elsewhere() -> Any:
    hills = parse("(w^2 - 1)^2 + 0.3*w")
    result, problem, more = go(hills, 0.05, 500, w0=[1.5], stops=(GradientNorm(1e-8),))
    return result, problem, more | {"lowest": -0.3}


class WrongSlope:
    """A bowl whose gradient forgets the factor 2."""

    has_rest = False
    size = 2

    def value_and_gradient(self, w, rows=None):
        return float(w @ w), 1.0 * w

    def curvature_product(self, w, v):
        return 1.0 * v

    def rest(self, w):
        return 0.0

    def moved(self, w, direction, length):
        return w - length * direction

    def penalty_value(self, w):
        return 0.0

    def batches(self, size, seed, epoch):
        return iter((None,))

    def count(self, rows):
        return 1


@dataclass(frozen=True)
class Case:
    """A run with one thing planted in it, the first finding, and the first fault if another."""

    name: str
    make: Callable[[], Any]
    verdict: str
    fault: str | None = None


def quick(problem: Any, rate: Any, steps: int = 900, rule: Any = None) -> Any:
    """A run that stops once its gradient has vanished."""
    return go(problem, rate, steps, rule, stops=(GradientNorm(1e-7),))


def settled(start: Objective) -> Any:
    """A run from the optimum itself."""
    best = np.linalg.lstsq(start.source.X, start.source.y)[0]
    return go(start, 0.5, 5, w0=best)


def raw(*features: str) -> Objective:
    return automobile(*features, scaled=False)


VALLEY = parse("u^2 + 0.0001*v^2")

CASES = [
    # Too long.
    Case("1.02 of the limit", lambda: in_limits(bowl(100), 1.02, 60), "divergence"),
    Case("1.001 of the limit", lambda: in_limits(bowl(100), 1.001, 60), "divergence"),
    Case("3 times the limit", lambda: in_limits(bowl(100), 3.0, 900), "divergence"),
    Case("momentum", lambda: in_limits(bowl(100), 1.05, 400, Momentum()), "divergence"),
    Case("nesterov", lambda: in_limits(bowl(100), 1.05, 400, Nesterov()), "divergence"),
    Case("poisson from zero", lambda: go(made("poisson"), 1.0, 50), "divergence"),
    Case("poisson, three times", lambda: go(made("poisson"), 0.1, 50), "divergence"),
    Case("batches", lambda: epochs(made("mse"), 0.9, 3, 1), "divergence"),
    Case("raw automobile", lambda: go(raw("engine_size"), 1e-4, 99), "divergence"),
    Case("lesson: 1.01", lambda: go(automobile("engine_size"), 1.01, 60), "divergence"),
    # Too long, but still falling.
    Case("condition 100 at 1.5", lambda: in_limits(bowl(100), 0.75, 60), "oscillation"),
    Case("condition 100 at 1.9", lambda: in_limits(bowl(100), 0.95, 60), "oscillation"),
    Case("lesson: 0.9", lambda: go(automobile("engine_size"), 0.9, 40), "oscillation"),
    Case("formula", lambda: go(parse("(w - 3)^2"), 0.9, 30), "oscillation"),
    Case("momentum 0.99", lambda: in_limits(bowl(10), 0.3, 300, Momentum(0.99)), "oscillation"),
    Case("adam at 0.5", lambda: go(bowl(30), 0.5, 60, Adam()), "oscillation"),
    Case("rmsprop at 0.1", lambda: go(bowl(3), 0.1, 400, RMSProp()), "oscillation"),
    Case("hinge at 2", lambda: go(made("hinge"), 2.0, 200), "oscillation"),
    Case("absolute error at 1", lambda: go(made("absolute_error"), 1.0, 200), "oscillation"),
    # Too short.
    Case("a thousandth", lambda: in_limits(bowl(100), 1e-3, 200), "crawling"),
    Case("a hundred thousandth", lambda: in_limits(bowl(100), 1e-5, 200), "crawling"),
    Case("lesson: 0.001", lambda: go(automobile("engine_size"), 0.001, 60), "crawling"),
    Case("logistic from zero", lambda: go(made("log_loss"), 1e-3, 200), "crawling"),
    Case("multinomial from zero", lambda: go(made("multinomial"), 1e-3, 200), "crawling"),
    Case("poisson from zero, 1e-4", lambda: go(made("poisson"), 1e-4, 200), "crawling"),
    Case("squared hinge", lambda: go(made("squared_hinge"), 1e-3, 200), "crawling"),
    Case("hinge from zero", lambda: go(made("hinge"), 1e-4, 200), "crawling"),
    Case("momentum at 1e-4", lambda: go(bowl(10), 1e-4, 200, Momentum()), "crawling"),
    Case("nesterov at 1e-4", lambda: go(bowl(10), 1e-4, 200, Nesterov()), "crawling"),
    Case("adam at 1e-5", lambda: go(bowl(10), 1e-5, 200, Adam()), "crawling"),
    Case("batches at 1e-4", lambda: epochs(made("mse"), 1e-4, 5, 30), "crawling"),
    Case("vanished schedule", lambda: go(bowl(10), Exponential(1.0, 0.7), 200), "crawling"),
    Case("network at 1e-5", lambda: go(net(), 1e-5, 200, w0=net().start()), "crawling"),
    Case("formula at 1e-4", lambda: go(parse("(w - 3)^2"), 1e-4, 60), "crawling"),
    # A narrow valley.
    Case("raw line", lambda: named(raw_line(), 0.45, 300), "unscaled_features"),
    Case("raw five", lambda: in_limits(raw(*FEATURES), 0.45, 300), "unscaled_features"),
    Case("raw, zig-zag over", lambda: named(raw_line(), 0.9, 400), "unscaled_features"),
    Case("condition 1e5", lambda: in_limits(bowl(1e5), 0.45, 400), "ill_conditioning"),
    Case("valley formula", lambda: go(VALLEY, 0.5, 300, w0=[1, 1]), "ill_conditioning"),
    # Places that are no minimum.
    Case("plateau", lambda: go(parse("1 - exp(-w^2)"), 0.5, 100, w0=[4.0]), "plateau"),
    Case("saddle", lambda: go(parse("u^2 - v^2 + v^4"), 0.1, 200, w0=[1.0, 0.0]), "saddle"),
    Case("network of zeros", saddle_network, "saddle"),
    Case("dead units", dead_network, "dead_gradient"),
    Case("deeper elsewhere", deeper_elsewhere, "converged", "local_minimum"),
    # Noise.
    Case("single rows", lambda: epochs(made("mse"), 0.02, 30, 1), "noise_floor"),
    Case("logistic batches", lambda: epochs(made("log_loss", l2=0.1), 1.0, 60, 8), "noise_floor"),
    # Data and model.
    Case("overfitting", overfitted, "overfitting"),
    Case("separable", lambda: go(made("log_loss", noise=0.0), 2.0, 2000), "separable"),
    Case("separable in three", lambda: go(made("multinomial", noise=0.0), 2.0, 4000), "separable"),
    Case("copied target", lambda: leaky("copy"), "converged", "leak"),
    Case("target as a sum", lambda: leaky("sum"), "converged", "leak"),
    Case("dependent columns", dependent, "converged", "rank_deficient"),
    Case("constant column", constant, "converged", "constant_column"),
    Case("missing number", missing_number, "bad_rows"),
    Case("outlier", outlier, "bad_rows"),
    Case("wild batch", wild_batch, "bad_rows"),
    Case("missing in a batch", missing_batch, "bad_rows"),
    Case("wrong slope", lambda: go(WrongSlope(), 0.3, 10, w0=[1.0, 2.0]), "gradient_bug"),
    # Nothing wrong.
    Case("edge of stability", edge, "edge_of_stability"),
    Case("lesson: 0.1", lambda: go(automobile("engine_size"), 0.1, 100), "converged"),
    Case("lesson: 0.1, early", lambda: go(automobile("engine_size"), 0.1, 40), "on_course"),
    Case("half the limit", lambda: quick(bowl(20), 1.0), "converged"),
    Case("logistic", lambda: quick(made("log_loss", l2=0.1), 2.0, 900), "converged"),
    Case("poisson", lambda: quick(made("poisson"), Armijo(), 900), "converged"),
    Case("squared hinge, l2", lambda: quick(made("squared_hinge", l2=0.1), 0.3, 900), "converged"),
    Case("momentum, right", lambda: quick(bowl(100), 1.9, 900, Momentum()), "converged"),
    Case("nesterov, right", lambda: quick(bowl(100), 0.68, 900, Nesterov()), "converged"),
    Case("adam, right", lambda: quick(bowl(10), 0.05, 3000, Adam()), "converged"),
    Case("adaptive descent", lambda: quick(bowl(50), AdaptiveDescent(), 900), "converged"),
    Case("margins satisfied", lambda: quick(made("hinge", noise=0.0), 0.1, 9000), "converged"),
    Case("lasso", lambda: go(made("squared_error", l1=0.1), 0.5, 300), "converged"),
    Case("at the optimum", lambda: settled(bowl(5, noise=0.0)), "converged"),
    Case("network on course", lambda: go(net(), 0.05, 300, w0=net().start()), "on_course"),
    Case("momentum on course", lambda: in_limits(bowl(100), 0.3, 60, Momentum()), "on_course"),
    Case("batches on course", lambda: epochs(made("mse"), 0.05, 3, 30), "on_course"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_planted_cause_comes_first(case):
    result, problem, more = case.make()
    diagnosis = diagnose(result, problem, **more)
    assert diagnosis.verdict == case.verdict, str(diagnosis)
    if case.fault is not None:
        assert diagnosis.fault is not None, str(diagnosis)
        assert diagnosis.fault.symptom == case.fault, str(diagnosis)


def digits(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_verdict_without_its_number(case):
    result, problem, more = case.make()
    diagnosis = diagnose(result, problem, **more)
    for finding in diagnosis.findings:
        assert not math.isnan(finding.number), finding
        assert digits(finding.sentence), finding
        settled = finding.symptom in ("converged", "bad_rows", "rank_deficient", "gradient_bug")
        assert digits(finding.remedy) or finding.names or settled, finding
        if finding.next_rate is not None:
            assert 0.0 < finding.next_rate < math.inf, finding
    assert json.loads(diagnosis.to_json())["verdict"] == diagnosis.verdict
    assert str(diagnosis).startswith("1. " + diagnosis.verdict.replace("_", " "))


# From the trace alone, these cannot be told apart, or only more coarsely.
COARSE = {
    "condition 100 at 1.5": "on_course",
    "condition 1e5": "on_course",
    "raw line": "ill_conditioning",
    "raw five": "ill_conditioning",
    "raw, zig-zag over": "ill_conditioning",
    "separable": "ill_conditioning",
    "separable in three": "ill_conditioning",
    "plateau": "crawling",
    "saddle": "converged",
    "network of zeros": "converged",
    "dead units": "converged",
    "batches at 1e-4": "on_course",
    "vanished schedule": "stopped",
    "lasso": "stopped",
    "outlier": "ill_conditioning",
    "wrong slope": "on_course",
    "at the optimum": "on_course",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_trace_alone_says_the_same_or_less(case):
    result, problem, more = case.make()
    if problem is None:
        return
    diagnosis = diagnose(result.trace, rule=more["rule"])
    assert diagnosis.verdict == COARSE.get(case.name, case.verdict), str(diagnosis)


FOLLOWED = ("divergence", "crawling", "oscillation", "plateau")


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.verdict in FOLLOWED], ids=lambda case: case.name
)
def test_the_next_rate_helps(case):
    """Follow the remedy up to four times: the fault goes away, and the loss is no higher."""
    result, problem, more = case.make()
    first = diagnose(result, problem, **more)
    rule, w0 = more["rule"], np.zeros(problem.size)
    if result.trace.weights is not None:
        w0 = result.trace.weights[0]
    diagnosis, steps = first, min(max(60, len(result.trace)), 3000)
    for _ in range(4):
        if diagnosis.verdict != first.verdict or "momentum" in diagnosis.findings[0].remedy:
            return
        rate = Constant(diagnosis.findings[0].next_rate)
        again = run(problem, w0, rule, rate, [MaxSteps(steps)])
        diagnosis = diagnose(again, problem, rule=rule)
        assert np.nanmin(again.trace["value"]) <= result.trace["value"][0] + 1e-9
    # Over kinks a constant rate always hops, but a shorter one hops lower.
    assert (
        diagnosis.verdict != first.verdict or again.trace["value"][-1] < result.trace["value"][-1]
    )


@pytest.mark.parametrize(("loss", "rate"), [("squared_error", 0.1), ("log_loss", 0.8)])
def test_half_the_rate_halves_the_noise_floor(loss, rate):
    problem = made(loss, l2=0.1)
    best = run(problem, np.zeros(4), Plain(), Constant(0.5), [GradientNorm(1e-10)]).w
    heights = []
    for share in (1.0, 0.5):
        result, _, _ = epochs(problem, share * rate, 60, 4)
        late = result.trace.weights[len(result.trace) // 2 :: 7]
        heights.append(np.mean([problem.value(w) for w in late]) - problem.value(best))
    assert 0.35 < heights[1] / heights[0] < 0.65
    finding = diagnose(result, problem).findings[0]
    assert finding.symptom == "noise_floor"
    assert finding.next_rate == pytest.approx(rate / 4.0)


# --- quadratics at random: the truth is known -------------------------------------------------


@given(
    condition=st.floats(0.0, 4.0).map(lambda power: 10.0**power),
    size=st.integers(1, 10),
    share=st.floats(-5.0, 0.3).map(lambda power: 10.0**power),
    steps=st.integers(20, 400),
    scale=st.floats(-4.0, 4.0).map(lambda power: 10.0**power),
    rule=st.sampled_from([Plain(), Momentum(), Nesterov(0.8)]),
)
@settings(max_examples=60, deadline=None)
def test_quadratics_at_random(condition, size, share, steps, scale, rule):
    problem = bowl(condition, size, n=size + 20)
    source = problem.source
    problem = replace(problem, source=MemoryRows(scale * source.X, source.y))
    result, _, _ = in_limits(problem, share, steps, rule)
    symptoms = [finding.symptom for finding in diagnose(result, problem, rule=rule).findings]
    pull = share * rule.stable_product / (1.0 - getattr(rule, "beta", 0.0))
    arrived = result.trace["gradient_norm"][-1] <= 1e-6 * result.trace["gradient_norm"][0]
    if not 0.999 < share < 1.001:
        assert ("divergence" in symptoms) == (share > 1.0 and not arrived)
    if not 0.099 < pull < 0.101:
        assert ("crawling" in symptoms) == (pull < 0.1 and not arrived)
    if arrived:
        assert symptoms[0] == "converged"


@given(share=st.floats(1.001, 100.0), condition=st.sampled_from([1.0, 10.0, 1e3]))
@settings(max_examples=20, deadline=None)
def test_the_limit_comes_out_of_a_diverging_trace(share, condition):
    """Without the problem: once the top mode rules, 2 rate / (1 + growth) is the stable limit."""
    problem = bowl(condition)
    result, _, _ = in_limits(problem, share, 4000)
    finding = diagnose(result.trace).findings[0]
    assert finding.symptom == "divergence"
    if len(result.trace) > 5:
        assert finding.threshold == pytest.approx(2.0 / top(problem), rel=0.02)


# --- facts ------------------------------------------------------------------------------------


def test_curvature_along_each_step_comes_free():
    problem = bowl(30.0)
    result, _, _ = in_limits(problem, 0.8, 30)
    facts = run_facts(result.trace, Plain())
    gradients = [problem.value_and_gradient(w)[1] for w in result.trace.weights]
    for i in range(30):
        g, after = gradients[i], gradients[i + 1]
        exact = g @ (problem.hessian(result.w) @ g) / (g @ g)
        assert facts.bends[i] == pytest.approx(exact, rel=1e-4)
        cosine = g @ after / np.linalg.norm(g) / np.linalg.norm(after)
        assert facts.cosines[i] == pytest.approx(cosine, abs=1e-3)


@pytest.mark.parametrize("rule", [Adam(), RMSProp(), Momentum(0.95)], ids=lambda rule: rule.name)
def test_a_rule_that_is_not_plain_gives_itself_away(rule):
    result, _, _ = go(bowl(30.0), 0.5, 60, rule)
    assert not np.isfinite(run_facts(result.trace, Plain()).products).any()


def test_facts_of_batches_are_means_of_epochs():
    result, _, _ = epochs(made("mse"), 0.02, 5, 30)
    facts = run_facts(result.trace, Plain())
    assert not facts.full_batch
    assert len(facts.curve) == 5
    assert facts.curve[0] == pytest.approx(result.trace["value"][:10].mean())


def test_batch_size_is_read_from_the_trace():
    for batch in (1, 8, 30, 299):
        result, problem, _ = epochs(made("mse"), 1e-3, 3, batch)
        facts = problem_facts(problem, result.w, result.trace, run_facts(result.trace, Plain()))
        steps = math.ceil(300 / batch)
        assert math.ceil(300 / facts.batch_size) == steps


def test_gap_is_the_height_above_least_squares():
    problem = made("mse")
    result, _, _ = go(problem, 0.01, 20)
    facts = problem_facts(problem, result.w, result.trace, run_facts(result.trace, Plain()))
    A = np.column_stack((problem.source.X, np.ones(300)))
    best = np.linalg.lstsq(A, problem.source.y)[0]
    lowest = problem.value(best)
    assert facts.gap == pytest.approx(problem.value(result.w) - lowest, rel=1e-9)
    assert facts.distance == pytest.approx(np.abs(best - result.w).max(), rel=1e-9)
    assert facts.least_squares == pytest.approx(lowest, rel=1e-9)


def test_table_facts_are_numpys():
    problem = raw(*FEATURES)
    facts, X = table_facts(problem, FEATURES), problem.source.X
    np.testing.assert_allclose(facts.spreads, X.std(axis=0), rtol=1e-6)
    np.testing.assert_allclose(facts.sizes[:-1], np.sqrt((X**2).mean(axis=0)), rtol=1e-12)
    correlations = np.corrcoef(np.column_stack((X, problem.source.y)), rowvar=False)
    np.testing.assert_allclose(facts.correlations, correlations[:-1, -1] ** 2, rtol=1e-6)
    values = np.linalg.eigvalsh(correlations[:-1, :-1])
    assert facts.scaled_condition == pytest.approx(values[-1] / values[0], rel=1e-6)
    assert facts.heaviest.row == np.argmax((X**2).sum(axis=1))


def test_large_tables_are_not_multiplied_out(monkeypatch):
    monkeypatch.setattr("downslope.diagnosis.column_products.MOST_FLOPS", 10.0)
    assert table_facts(made("mse"), ()) is None
    result, problem, kwargs = go(made("mse"), 0.3, 200, stops=(GradientNorm(1e-7),))
    assert diagnose(result, problem, **kwargs).verdict == "converged"


def test_the_culprit_is_named():
    rng = np.random.default_rng(0)
    columns = {"doors": rng.normal(size=80), "price": 1e4 * (1.0 + 0.1 * rng.normal(size=80))}
    problem, names = table(columns, columns["doors"] + rng.normal(size=80))
    result, _, _ = in_limits(problem, 0.45, 300, names=names)
    finding = diagnose(result, problem).findings[0]
    assert finding.symptom == "unscaled_features"
    assert finding.names == ("price",)
    assert "'price'" in finding.sentence
    scaled = replace(problem, source=standardize(problem.source).rows(problem.source))
    after = curvature(scaled, np.zeros(3))
    assert finding.next_rate == pytest.approx(0.5 * after.stable_rate(Plain()), rel=1e-6)


@pytest.mark.parametrize("loss", ["mse", "log_loss", "poisson"])
def test_a_rate_that_chooses_itself_is_not_judged_by_its_length(loss):
    """The round bowl's rate of 1 is no rate for these columns; nor is a line search's."""
    problem = made(loss, l2=0.01)
    problem = replace(problem, source=MemoryRows(3.0 * problem.source.X, problem.source.y))
    found, _, _ = quick(problem, Armijo(), 3000)
    columns = found.trace.columns | {"rate": np.ones(len(found.trace))}
    round_bowl = replace(found, trace=replace(found.trace, columns=columns))
    assert found.reason.name == "converged"
    told = [f.symptom for f in diagnose(round_bowl, problem, rate=Polyak()).findings]
    assert told == ["converged"]
    assert diagnose(round_bowl, problem).verdict == "converged"
    searched, _, _ = go(problem, Armijo(), 40)
    told = {f.symptom for f in diagnose(searched, problem, rate=Armijo()).findings}
    assert not told & {"divergence", "oscillation", "crawling"}


def test_early_stopping_is_no_fault():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 25))
    y = X[:, 0] + rng.normal(size=30)
    problem = Objective(MemoryRows(X[:20], y[:20]), make_loss("squared_error"))
    held = replace(problem, source=MemoryRows(X[20:], y[20:]))
    result, _, kwargs = in_limits(problem, 0.45, 400, validate=held.value, stops=(Validation(),))
    assert result.reason.name == "validation"
    found = {f.symptom: f for f in diagnose(result, problem, **kwargs).findings}
    assert not found["overfitting"].fault


def test_a_stall_on_purpose_is_on_course():
    result, problem, kwargs = epochs(made("mse", noise=0.0), 0.05, 50, 30)
    assert diagnose(result, problem, **kwargs).verdict in ("on_course", "converged")
    stops = (Progress(tol=1e-3, patience=5),)
    again, _, _ = go(problem, 0.05, 999, stops=stops, batch_size=30)
    assert diagnose(again, problem).fault is None or again.reason.name == "stalled"


def test_an_empty_trace_is_refused():
    with pytest.raises(InputError, match="empty"):
        diagnose(Recorder().trace())


def test_one_step_is_enough_to_say_something():
    recorder = Recorder()
    recorder.add(Record(0, 0, 4.0, 4.0, 2.0, 0.1, 0.0), np.zeros(1))
    assert diagnose(recorder.trace()).verdict == "on_course"


def test_a_trace_that_starts_in_nothing():
    recorder = Recorder()
    recorder.add(Record(0, 0, math.nan, math.nan, math.nan, 0.1, 0.0), np.zeros(1))
    diagnosis = diagnose(recorder.trace())
    assert diagnosis.verdict == "bad_rows"
    json.loads(diagnosis.to_json())


@given(
    values=st.lists(st.floats(), min_size=1, max_size=30),
    norms=st.lists(st.floats(min_value=0.0), min_size=30, max_size=30),
    rate=st.floats(0.0, 1e6),
    per_epoch=st.integers(1, 4),
)
@settings(max_examples=150, deadline=None)
def test_any_trace_gets_an_answer(values, norms, rate, per_epoch):
    recorder = Recorder()
    for i, value in enumerate(values):
        record = Record(i, i // per_epoch, value, value, norms[i], rate, 0.0, value)
        recorder.add(record, np.array([value]))
    diagnosis = diagnose(recorder.trace())
    assert diagnosis.findings
    json.loads(diagnosis.to_json())


def test_a_loaded_trace_gives_the_same_answer(tmp_path):
    result, _, _ = in_limits(bowl(100), 0.95, 60)
    for ending in ("csv", "json", "parquet"):
        result.trace.save(tmp_path / f"run.{ending}")
        assert str(diagnose(load_trace(tmp_path / f"run.{ending}"))) == str(diagnose(result.trace))


# --- PyTorch modules --------------------------------------------------------------------------


def module_line() -> Any:
    """The lesson's line as a module: same rows, same loss, float64."""
    torch = pytest.importorskip("torch")
    from downslope.modules.data import make_batches
    from downslope.modules.problem import FlatWeights, ModuleProblem, make_batch_loss

    problem = made("mse")
    line = torch.nn.Linear(3, 1, dtype=torch.float64)
    for parameter in line.parameters():
        parameter.data.zero_()
    weights = FlatWeights(line)
    rows = make_batches((problem.source.X, problem.source.y), weights.dtype, weights.device)
    module = ModuleProblem(line, make_batch_loss("mse"), rows, weights)
    return problem, module, weights.read()


@pytest.mark.parametrize("share", [1e-3, 0.3, 0.9, 1.1])
def test_modules_get_the_verdict_of_the_same_model(share):
    problem, module, w0 = module_line()
    rate = Constant(share * 2.0 / top(problem))
    ours = run(problem, np.zeros(4), Plain(), rate, [MaxSteps(40)])
    theirs = run(module, w0, Plain(), rate, [MaxSteps(40)])
    expected, found = diagnose(ours, problem), diagnose(theirs, module)
    assert found.verdict == expected.verdict
    assert found.curvature.largest == pytest.approx(expected.curvature.largest, rel=1e-9)


def test_noise_of_a_module_on_batches():
    problem, module, w0 = module_line()
    stops = [MaxEpochs(30)]
    result = run(module, w0, Plain(), Constant(0.05), stops, batch_size=4)
    assert diagnose(result, module).verdict == "noise_floor"
    facts = problem_facts(module, result.w, result.trace, run_facts(result.trace, Plain()))
    assert facts.batch_size == 4
    exact = problem_facts(problem, facts.w, result.trace, run_facts(result.trace, Plain()))
    assert facts.noise.spread == pytest.approx(exact.noise.spread, rel=0.4)


def test_classes_each_against_the_rest_are_diagnosed():
    from downslope.estimators import DescentClassifier

    X = np.random.default_rng(0).normal(size=(300, 2))
    model = DescentClassifier(loss="squared_hinge").fit(X, np.digitize(X[:, 0], [-0.5, 0.5]))
    assert model.diagnosis_.verdict
