"""Rates from what can be measured, against the curvature that they are measured from."""

import math

import numpy as np
import pytest

from downslope.auto_rate import NO_BEND, batch_rate, distance, full_rate, squares, top_curvature
from downslope.descend import run
from downslope.losses import make_loss
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.rates import Constant, schedule
from downslope.rules import make_rule
from downslope.sources.memory import MemoryRows
from downslope.stopping import MaxEpochs, MaxSteps

RNG = np.random.default_rng(3)
X = RNG.normal(size=(120, 3))
Y = X @ [2.0, -1.0, 0.5] + 0.3 * RNG.normal(size=120)
ADDING = ["plain", "momentum", "nesterov"]
SCALING = ["adagrad", "rmsprop", "adam", "adamw"]


def model(loss="mse", l2=0.0, X=X, y=Y, intercept=True):
    """A linear model of these rows."""
    return Objective(MemoryRows(X, y), make_loss(loss), Penalty(l2=l2), intercept)


def bend(l2=0.0, X=X):
    """Largest curvature of the mean squared error."""
    A = np.column_stack([X, np.ones(len(X))])
    return 2.0 * np.linalg.eigvalsh(A.T @ A / len(X))[-1] + l2


@pytest.mark.parametrize("l2", [0.0, 3.0])
@pytest.mark.parametrize("name", ADDING)
def test_on_all_rows_the_rate_is_just_below_the_limit(name, l2):
    rule = make_rule(name)
    rate, why = full_rate(model(l2=l2), rule, 50, Y)
    limit = rule.stable_product / bend(l2)
    assert 0.3 * limit < rate.rate <= 0.95 * limit * (1 + 1e-9)
    assert f"{limit:.4g}" in why
    assert f"{rate.rate:.4g}" in why
    result = run(model(l2=l2), np.zeros(4), rule, rate, [MaxSteps(60)])
    assert result.trace["value"][-1] < 0.6 * result.trace["value"][0]


@pytest.mark.parametrize("batch_size", [1, 8, 64])
@pytest.mark.parametrize("name", ADDING)
def test_on_batches_the_rate_bears_the_sharpest_of_them_and_falls(name, batch_size):
    rule = make_rule(name)
    rate, why = batch_rate(model(), rule, batch_size, Y)
    steps = math.ceil(120 / batch_size)
    lengths = schedule(rate, 3 * steps + 1)
    share = 1.0 if name == "plain" else 0.1
    sharpest = rule.stable_product / 2.0 * share / lengths[0]
    assert bend() <= sharpest * (1 + 1e-9)
    longest_row = (np.column_stack([X, np.ones(120)]) ** 2).sum(axis=1).max()
    assert sharpest <= 2.0 * longest_row * (1 + 1e-9)
    assert lengths[0] / lengths[-1] == pytest.approx(4.0)
    assert f"starts at {lengths[0]:.3g}" in why
    result = run(model(), np.zeros(4), rule, rate, [MaxEpochs(5)], batch_size=batch_size)
    assert result.trace["value"][-5:].mean() < 0.5 * result.trace["value"][0]


@pytest.mark.parametrize("name", SCALING)
def test_rules_that_scale_get_a_tenth_of_the_way_to_go(name):
    rule, problem = make_rule(name), model()
    far = distance(problem, squares(problem), 2.0)
    # One step of 1 / curvature along the gradient, as its largest weight moves.
    assert 0.5 < far / np.abs([2.0, -1.0, 0.5]).max() < 1.5
    (whole, why), (parts, _) = full_rate(problem, rule, 40, Y), batch_rate(problem, rule, 8, Y)
    assert schedule(whole, 40)[0] == pytest.approx(0.1 * far)
    assert schedule(whole, 41)[-1] == pytest.approx(0.0, abs=1e-12)
    assert schedule(parts, 1) == [pytest.approx(0.1 * far)]
    assert f"{0.1 * far:.3g} is a tenth of {far:.3g}" in why


def test_where_nothing_bends_any_rate_will_do():
    level = model(X=np.zeros((120, 2)), intercept=False)
    for rate, why in (
        full_rate(level, make_rule("plain"), 10, Y),
        batch_rate(level, make_rule("plain"), 8, Y),
    ):
        assert (rate, why) == (Constant(1.0), NO_BEND)
    assert distance(level, squares(level), 2.0) == 1.0


@pytest.mark.parametrize(
    ("loss", "targets", "curvature"),
    [
        ("mse", [1.0, 5.0], 2.0),
        ("log_loss", [-1.0, 1.0], 0.25),
        ("poisson", [0.0, 7.0], 7.0),
        ("gamma", [0.1, 0.4], 1.0),
        ("hinge", [-1.0, 1.0], 1.0),
        ("absolute_error", [1.0, 5.0], 0.5),
        ("absolute_error", [3.0, 3.0], 1.0),
    ],
)
def test_the_curvature_to_reckon_with(loss, targets, curvature):
    assert top_curvature(make_loss(loss), np.array(targets)) == pytest.approx(curvature)
