"""Rates: PyTorch's schedules, and searches that end where they should."""

import json

import numpy as np
import pytest
from conftest import shared

from downslope.descend import begin, check_pair, run, steps
from downslope.errors import PairError, SettingError
from downslope.losses import LogLoss, SquaredError
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.rates import Adaptive as AdaptiveRate
from downslope.rates import (
    AdaptiveDescent,
    Armijo,
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    Look,
    OneCycle,
    Optimal,
    Polyak,
    Probe,
    Stairs,
    WarmUp,
    schedule,
)
from downslope.rules import RULES, Plain, make_rule
from downslope.sources.memory import MemoryRows
from downslope.stopping import GradientNorm, MaxSteps

SCHEDULES = {
    "StepLR(10,.5)": Stairs(0.1, 10, 0.5),
    "ExponentialLR(.95)": Exponential(0.1, 0.95),
    "CosineAnnealingLR(20,eta_min=.001)": Cosine(0.1, 20, 0.001),
    "OneCycleLR(.5,total=40)": OneCycle(0.5, 40),
    "SequentialLR(Linear5+Cosine35)": WarmUp(Cosine(0.1, 35), 5, 0.1),
    "LinearLR(.1,1,10)": WarmUp(Constant(0.1), 10, 0.1),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_same_schedule_as_pytorch(name):
    theirs = json.loads(shared("optim_golden/schedules.json").read_text())["torch"][name]
    np.testing.assert_allclose(
        schedule(SCHEDULES[name], len(theirs)), theirs, rtol=1e-12, atol=1e-16
    )


def test_plateau_falls_when_pytorchs_does():
    name = "ReduceLROnPlateau(patience=3,f=.5) loss=max(1-.1i,.4)"
    theirs = json.loads(shared("optim_golden/schedules.json").read_text())["torch"][name]

    class Falling:
        """A loss that falls by a tenth a step to 0.4, whatever the weights."""

        has_rest = False
        k = -1

        def value_and_gradient(self, w, rows=None):
            return max(1.0 - 0.1 * self.k, 0.4), np.zeros(1)

        rest = staticmethod(lambda w: 0.0)
        moved = staticmethod(lambda w, direction, length: w)
        count = staticmethod(lambda rows: 1)

        def batches(self, size, seed, epoch):
            self.k = epoch
            return iter((None,))

    # PyTorch tolerates `patience` bad epochs before it cuts, scikit-learn cuts at the last of them.
    rate = AdaptiveRate(0.1, tol=1e-4, patience=4, divisor=2.0)
    walk = steps(Falling(), begin(np.zeros(1), Plain(), rate), Plain(), rate)
    np.testing.assert_allclose([next(walk).length for _ in theirs], theirs)


def test_scikit_learns_schedules():
    assert schedule(InverseScaling(0.01, 0.25), 16)[15] == pytest.approx(0.01 / 16**0.25)
    alpha = 1e-4
    # scikit-learn's _sgd_fast: typw = sqrt(1/sqrt(alpha)), eta0 = typw / max(1, dloss(-typw, 1)).
    start = 1.0 / (np.sqrt(1 / np.sqrt(alpha)) * alpha)
    assert schedule(Optimal(alpha), 3) == pytest.approx(
        [1 / (alpha * (start + t - 1)) for t in (1, 2, 3)]
    )


def logistic(n=200, d=5, l1=0.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = np.where(X @ np.arange(1, d + 1) + rng.normal(size=n) > 0, 1.0, -1.0)
    return Objective(MemoryRows(X, y), LogLoss(), Penalty(l1=l1, l2=0.1))


@pytest.mark.parametrize("rate", [Armijo(), AdaptiveDescent()])
@pytest.mark.parametrize("l1", [0.0, 0.05])
def test_rates_without_a_number_reach_the_minimum(rate, l1):
    problem = logistic(l1=l1)
    result = run(problem, problem.start(), Plain(), rate, [MaxSteps(2000)])
    best = run(problem, problem.start(), Plain(), Constant(1.0), [MaxSteps(20_000)])
    assert problem.value(result.w) == pytest.approx(problem.value(best.w), rel=1e-12)
    if l1:
        assert (result.w[: problem.n_coefficients] == 0.0).any() == (best.w[:5] == 0.0).any()


def test_armijo_never_climbs():
    problem = logistic()
    result = run(problem, problem.start(), Plain(), Armijo(start=1e6), [MaxSteps(50)])
    assert (np.diff(result.trace["value"]) <= 0).all()


def test_polyak_with_the_true_lowest_value():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    problem = Objective(MemoryRows(X, X @ [1.0, -2.0, 3.0] + 1.0), SquaredError())
    result = run(problem, np.zeros(4), Plain(), Polyak(0.0), [GradientNorm(1e-8), MaxSteps(5000)])
    assert result.reason.name == "converged"
    np.testing.assert_allclose(result.w, [1.0, -2.0, 3.0, 1.0], atol=1e-6)


SEARCHES = (Armijo(), AdaptiveDescent(), Polyak())


@pytest.mark.parametrize("rate", SEARCHES, ids=lambda r: r.name)
def test_searches_on_part_of_the_rows_are_refused(rate):
    with pytest.raises(PairError, match=f"{rate.name}.*batch_size=1 .*use batch_size=None"):
        check_pair(Plain(), rate, logistic(), 1)


@pytest.mark.parametrize("name", [n for n in RULES if n != "plain"])
def test_adaptive_descent_wants_the_plain_rule(name):
    with pytest.raises(PairError, match="plain"):
        check_pair(make_rule(name), AdaptiveDescent(), logistic(), None)


@pytest.mark.parametrize("name", [n for n in RULES if RULES[n].scales_coordinates])
def test_l1_with_a_step_length_per_weight_is_refused(name):
    with pytest.raises(PairError, match="proximal step needs one length"):
        check_pair(make_rule(name), Constant(0.1), logistic(l1=0.1), None)
    check_pair(make_rule(name), Constant(0.1), logistic(), None)


@pytest.mark.parametrize("make", [Constant, InverseScaling, Optimal, Stairs, Exponential, Armijo])
@pytest.mark.parametrize("number", [0.0, -1.0, float("nan"), float("inf")])
def test_rates_that_cannot_be_are_refused_with_the_value(make, number):
    with pytest.raises(SettingError, match=str(number)):
        make(number)


def test_schedule_refuses_a_search():
    with pytest.raises(SettingError, match="armijo searches"):
        schedule(Armijo(), 3)


NUMBERS = [
    (lambda v: Constant(v), "learning rate"),
    (lambda v: InverseScaling(v), "learning rate"),
    (lambda v: Optimal(v), "alpha of the optimal rate"),
    (lambda v: AdaptiveRate(v), "learning rate"),
    (lambda v: Stairs(v), "learning rate"),
    (lambda v: Stairs(0.1, every=v), "every"),
    (lambda v: Exponential(v), "learning rate"),
    (lambda v: Cosine(v, 10), "learning rate"),
    (lambda v: Cosine(0.1, v), "steps"),
    (lambda v: WarmUp(Constant(0.1), v), "steps"),
    (lambda v: OneCycle(v, 10), "learning rate"),
    (lambda v: Armijo(v), "first trial length"),
    (lambda v: AdaptiveDescent(v), "first length"),
]


@pytest.mark.parametrize(("make", "name"), NUMBERS)
@pytest.mark.parametrize("number", [0.0, -1.0, float("nan"), float("inf")])
def test_the_refusal_names_the_setting(make, name, number):
    with pytest.raises(SettingError, match=f"^{name}={number} must be a finite number above 0"):
        make(number)


def test_one_cycle_at_its_shortest_and_with_its_peak_at_either_end():
    with pytest.raises(SettingError, match="steps=1 is too short for a cycle; use 2 or more"):
        OneCycle(0.5, 1)
    with pytest.raises(SettingError, match=r"rise=1\.5 is a share of the steps"):
        OneCycle(0.5, 10, rise=1.5)
    assert schedule(OneCycle(0.5, 2), 2) == pytest.approx([0.405873, 2e-6], rel=1e-6)
    at_once = schedule(OneCycle(0.5, 10, rise=0.1), 12)
    assert at_once[0] == 0.5
    assert np.diff(at_once[:10]).max() < 0
    assert at_once[9:] == pytest.approx([0.5 / 250_000] * 3)  # it stays low after its end
    at_last = schedule(OneCycle(0.5, 10, rise=1.0), 10)
    assert at_last[0] == pytest.approx(0.5 / 25)
    assert at_last[-1] == pytest.approx(0.5)


def test_optimal_starts_lower_for_a_steeper_loss():
    alpha = 0.01
    typical = np.sqrt(1 / np.sqrt(alpha))
    assert schedule(Optimal(alpha, slope=-4.0), 1) == pytest.approx([typical / 4.0])


def look(k=0, w=0.0, value=0.0, gradient=0.0, probe=None, epoch_value=None):
    w, gradient = np.atleast_1d(w), np.atleast_1d(gradient)
    return Look(k, 0, w, value, gradient, gradient, epoch_value, probe)


def test_adaptive_counts_epochs_that_do_not_beat_the_best_by_tol():
    rate = AdaptiveRate(1.0, tol=0.125, patience=2)
    memory, seen = rate.init(np.zeros(1)), []
    for value in (4.0, 3.875, 3.875, None, 3.8, 3.0, 3.0, 3.0):
        length, memory = rate.length(look(epoch_value=value), memory)
        seen.append(length)
    # 3.875 falls by exactly tol, which counts; the next two do not fall by it: divided by 5.
    assert seen == [1.0, 1.0, 1.0, 1.0, 0.2, 0.2, 0.2, 0.04]
    assert AdaptiveRate(1.0, patience=1).init(np.zeros(1)).stalled == 0


def test_warm_up_hands_the_memory_of_what_follows_on():
    rate = WarmUp(AdaptiveDescent(0.5), steps=2, start=0.25)
    w = np.array([3.0])
    memory = rate.init(w)
    assert memory.w is w
    length, memory = rate.length(look(0, w, gradient=6.0), memory)
    assert length == 0.25 * 0.5
    # At k = 2 the warm-up is over: the whole first length, and from now on the memory moves.
    length, memory = rate.length(look(2, w, gradient=6.0), memory)
    assert (length, memory.length) == (0.5, 0.5)
    length, memory = rate.length(look(3, w - 1.0, gradient=4.0), memory)
    assert length == pytest.approx(min(np.inf, 1.0 / (2.0 * 2.0)))


def test_armijo_doubles_halves_and_gives_up():
    asked = []

    def parabola(length):
        """Value of w^2 after a step from w = 1 along its slope 2; it promises 4 per length."""
        asked.append(length)
        w = np.array([1.0 - 2.0 * length])
        return Probe(w, float(w[0] ** 2), -4.0 * length, 2.0 * w)

    def never(length):
        asked.append(length)
        return Probe(np.zeros(1), 2.0, -4.0 * length, np.zeros(1))

    rate = Armijo(start=8.0)
    length, memory = rate.length(look(value=1.0, probe=parabola), rate.init(np.zeros(1)))
    assert asked == [8.0, 4.0, 2.0, 1.0, 0.5]  # 1 gives back the same value: no fall, so halved
    assert (length, memory.length) == (0.5, 0.5)
    asked.clear()
    rate.length(look(value=1.0, probe=parabola), memory)
    assert asked[0] == 1.0  # the accepted length, doubled
    asked.clear()
    length, kept = rate.length(look(value=1.0, probe=never), memory)
    assert (length, kept, len(asked)) == (0.0, memory, 60)
    exact = Armijo(start=1.0, share=0.5)  # a fall of exactly the share that is asked for is enough
    length, _ = exact.length(look(value=1.0, probe=parabola), exact.init(np.zeros(1)))
    assert length == 0.5


def test_adaptive_descent_follows_its_formula():
    rate = AdaptiveDescent(start=0.25)
    _, memory = rate.length(look(0, 4.0, gradient=8.0), rate.init(np.array([4.0])))
    # A curvature of 2 allows |dw| / (2 |dg|) = 1/4; sqrt(1 + inf) does not bind yet.
    length, memory = rate.length(look(1, 2.0, gradient=4.0), memory)
    assert (length, memory.growth) == (0.25, 1.0)
    # A curvature of 1/4 would allow 2; growth allows sqrt(1 + 1) / 4.
    length, memory = rate.length(look(2, 1.0, gradient=3.75), memory)
    assert length == pytest.approx(np.sqrt(2.0) / 4.0)
    assert memory.growth == pytest.approx(np.sqrt(2.0))
    # A gradient that does not turn on the first steps says nothing: doubled.
    _, memory = rate.length(look(0, 4.0, gradient=8.0), rate.init(np.array([4.0])))
    length, memory = rate.length(look(1, 2.0, gradient=8.0), memory)
    assert (length, memory.growth) == (0.5, 2.0)


def test_polyak_measures_from_the_lowest_value():
    rate = Polyak(lowest=1.0)
    assert rate.length(look(value=3.0, gradient=2.0), rate.init(np.zeros(1)))[0] == 0.5
    assert rate.length(look(value=0.5, gradient=2.0), rate.init(np.zeros(1)))[0] == 0.0
    assert rate.length(look(value=3.0, gradient=0.0), rate.init(np.zeros(1)))[0] == 0.0
