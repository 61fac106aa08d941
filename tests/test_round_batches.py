"""Mini-batches with no rate to choose: how close they come, and whether the certificate holds."""

import numpy as np
import pytest
from bowl_problems import SHAPES, problem

from downslope.bowl.round_batches import RoundAnnealed, can_run_round, round_rate, run_round_batches
from downslope.estimators import DescentClassifier, DescentRegressor
from downslope.kernels.round_batches import round_batches
from downslope.losses import make_loss
from downslope.objective import Objective
from downslope.rates import schedule
from downslope.scaling import unscaled
from downslope.sources.memory import MemoryRows

LOSSES = ("squared_error", "log_loss", "huber", "squared_hinge")
HARD = ("leverage",)
"""One row ten thousand times as long as the others: the certificate says that it is not solved."""


def objective(shape, loss, n=20_000, d=20):
    p = problem(shape, loss, n=n, d=d)
    return Objective(MemoryRows(p.X, p.y), p.loss), p


def lowest(loss, p):
    """Value of the best weights, by the round bowl over all rows."""
    classifier = loss in ("log_loss", "squared_hinge")
    model = (DescentClassifier if classifier else DescentRegressor)(loss, alpha=0.0)
    model.fit(p.X, p.y)
    return np.append(np.ravel(model.coef_), model.intercept_)


def run(target, batch_size=64, **options):
    rate, _ = round_rate(target, batch_size)
    options = {"max_epochs": 5, "seed": 0} | options
    return run_round_batches(
        target, unscaled(target.source.n_features), rate, batch_size, **options
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in HARD])
def test_five_epochs_come_within_a_thousandth(shape, loss):
    target, p = objective(shape, loss)
    result = run(target)
    best = target.value(lowest(loss, p))
    start = result.trace["value"][0]
    assert (target.value(result.w) - best) / (start - best) < 1.2e-3
    assert (target.value(result.w) - best) / abs(best) < 1e-3
    assert result.trace["epoch"][-1] <= 5


@pytest.mark.filterwarnings("ignore::downslope.errors.DownslopeWarning")  # of the reference
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_certificate_holds(shape, loss):
    target, p = objective(shape, loss, n=5000, d=10)
    result = run(target, max_epochs=4)
    bound = float(result.reason.sentence.partition("t most ")[2].split()[0])
    best = target.value(lowest(loss, p))
    assert target.value(result.w) - best <= 1.05 * bound + 1e-12 * abs(best)


def bends_of(name, loss, z, y):
    """Curvature of a parabola above the loss of each row that touches it there."""
    bends = np.full(len(z), loss.max_curvature)
    if name == "huber":
        far = abs(z - y) > loss.parameter
        bends[far] = loss.parameter / abs(z - y)[far]
    if name == "modified_huber":
        far = y * z < -1.0
        bends[far] = 4.0 / (1.0 - y * z)[far]
    return bends


@pytest.mark.parametrize("seed", range(6))
def test_any_shuffle_reaches_a_column_of_a_few_far_rows(seed):
    target, p = objective("rare", "huber")
    result = run(target, seed=seed)
    best = target.value(lowest("huber", p))
    assert (target.value(result.w) - best) / (result.trace["value"][0] - best) < 1.2e-3


@pytest.mark.parametrize("name", ["log_loss", "huber", "modified_huber"])
def test_machine_code_takes_the_steps_that_numpy_takes(name):
    rng = np.random.default_rng(0)
    n, d, batch_size = 50, 3, 8
    X, y = rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], n)
    weights, ridge = rng.random(n) + 0.5, np.array([0.1, 0.1, 0.1, 0.0])
    root = rng.normal(size=(d + 1, d + 1))
    P, order = root @ root.T + np.eye(d + 1), rng.permutation(n)
    lengths, loss = np.full(7, 0.8), make_loss(name)
    w, mean = rng.normal(size=d + 1), np.zeros(d + 1)
    ours, expected, total, seen, far = w.copy(), w.copy(), 0.0, [], 0
    summed = round_batches(
        X,
        y,
        weights,
        order,
        order,
        True,
        batch_size,
        lengths,
        P,
        ours,
        mean,
        loss.code,
        loss.parameter,
        loss.max_curvature,
        ridge,
    )
    for first in range(0, n, batch_size):
        rows = order[first : first + batch_size]
        A = np.column_stack((X[rows], np.ones(len(rows))))
        z = A @ expected
        total += weights[rows] @ loss.value(z, y[rows])
        gradient = A.T @ (weights[rows] * loss.slope(z, y[rows])) / len(rows) + ridge * expected
        turned = P @ gradient
        bends = weights[rows] * bends_of(name, loss, z, y[rows])
        far += np.count_nonzero(bends < weights[rows] * loss.max_curvature)
        bend = bends @ (A @ turned) ** 2 / len(rows) + ridge @ turned**2
        expected = expected - min(0.8, gradient @ turned / bend) * turned
        seen.append(expected)
    np.testing.assert_allclose(ours, expected, rtol=1e-10)
    np.testing.assert_allclose(mean, np.mean(seen, axis=0), rtol=1e-10)
    assert summed == pytest.approx(total)
    assert (far > 0) == (name != "log_loss")


def test_the_rate_says_its_number_and_its_reason():
    target, _ = objective("gauss", "squared_error", n=2000)
    rate, why = round_rate(target, 64)
    assert rate.rate == pytest.approx(64 / (64 + 21))
    assert "batches of 64" in why
    assert f"= {rate.rate:.3g}" in why
    assert schedule(rate, 3) == pytest.approx(rate.lengths(0, 3))


def test_estimators_use_it_and_say_so():
    target, p = objective("gauss", "squared_error", n=5000)
    model = DescentRegressor(batch_size=64, random_state=0).fit(p.X, p.y)
    assert "above the lowest possible loss" in model.reason_.sentence
    assert isinstance(model.learning_rate_, RoundAnnealed)
    assert "round coordinates" in model.learning_rate_reason_
    assert model.n_iter_ <= 5
    exact = DescentRegressor().fit(p.X, p.y)
    assert model.score(p.X, p.y) == pytest.approx(exact.score(p.X, p.y), abs=1e-3)
    assert target.value(np.append(model.coef_, model.intercept_)) == pytest.approx(
        model.history_["value"][-1]
    )


def test_what_it_leaves_to_the_plain_walk():
    target, _ = objective("gauss", "squared_error", n=500)
    assert can_run_round(target, 8)
    assert not can_run_round(target, None)
    hinge, _ = objective("gauss", "hinge", n=500)
    assert not can_run_round(hinge, 8)
