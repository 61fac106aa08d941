"""The compiled epochs take the walk's steps: same rows, same order, same numbers to rounding."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from downslope.auto_rate import Annealed
from downslope.descend import begin, run, steps
from downslope.losses import LOSSES, make_loss
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.rates import (
    Adaptive,
    Armijo,
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    Optimal,
    Stairs,
)
from downslope.row_path import COUNTED, STEADY, can_run, epoch_lengths, run_rows
from downslope.rules import Adam, Momentum, Nesterov, Plain
from downslope.sources.memory import ORDERS, MemoryRows
from downslope.stopping import MaxEpochs, Progress, Validation

LOSSES_HERE = sorted(LOSSES)
RULES_HERE = [Plain(), Momentum(0.8, dampening=0.1), Nesterov(0.7)]
PLAIN, SMALL, FREE = Plain(), Constant(0.02), Penalty()
PENALTIES = [Penalty(), Penalty(l2=0.3), Penalty(l1=0.02), Penalty(l1=0.02, l2=0.3)]
RATES = [
    Constant(0.02),
    InverseScaling(0.05, 0.3),
    Optimal(0.5, slope=1.0),
    Stairs(0.03, every=9),
    Exponential(0.03, 0.99),
    Annealed(0.04, after=12),
    Cosine(0.03, 70),
    Adaptive(0.02, tol=0.5, patience=1),
]


def problem(
    loss="squared_error",
    penalty=FREE,
    layout="dense",
    n=37,
    d=5,
    order="random",
    fit_intercept=True,
    weighted=True,
    n_outputs=1,
):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, d)) * (rng.random(size=(n, d)) < 0.6)
    y = X @ rng.normal(size=d) + 0.3 * rng.normal(size=n)
    made = make_loss(loss)
    if made.link in ("logit", "sign"):
        y = np.where(y > 0, 1.0, -1.0)
    if made.link == "log":
        y = np.exp(0.2 * y)
    if n_outputs > 1 and made.link != "softmax":
        y = np.stack([np.roll(y, c) for c in range(n_outputs)], axis=1)
    if made.link == "softmax":
        y, n_outputs = rng.integers(0, 3, size=n), 3
    if layout == "csr64":
        X = sparse.csr_array(X)
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    if layout == "csr":
        X = sparse.csr_array(X)
    if layout == "float32":
        X = X.astype(np.float32)
    weights = rng.random(n) + 0.5 if weighted else None
    rows = MemoryRows(X, y, weights / weights.mean() if weighted else None, order)
    return Objective(rows, made, penalty, fit_intercept, n_outputs)


def walked(objective, rule, rate, batch_size, epochs, seed=3):
    """Weights after some epochs of the plain iterator, and the mean loss of each."""
    state = begin(0.1 * np.ones(objective.size), rule, rate)
    walk = steps(objective, state, rule, rate, batch_size=batch_size, seed=seed)
    losses = np.zeros(epochs)
    for step in walk:
        if step.state.epoch == epochs:
            return step.state, losses / objective.source.n_rows
        loss = step.value - objective.penalty_value(step.w)
        losses[step.state.epoch] += loss * objective.count(step.rows)
    raise AssertionError("the walk has no end")


def agrees(objective, rule=PLAIN, rate=SMALL, batch_size=1, epochs=3, rtol=1e-11):
    state, losses = walked(objective, rule, rate, batch_size, epochs)
    start = 0.1 * np.ones(objective.size)
    assert can_run(objective, rule, rate, batch_size)
    result = run_rows(
        objective, start, rule, rate, [MaxEpochs(epochs)], batch_size=batch_size, seed=3
    )
    np.testing.assert_allclose(result.w, state.w, rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(result.trace["loss"][1:], losses, rtol=rtol, atol=1e-13)
    assert result.trace["epoch"].tolist() == list(range(epochs + 1))
    assert result.state.k == state.k
    return result


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("loss", LOSSES_HERE)
def test_every_loss(loss, layout, batch_size):
    agrees(problem(loss, Penalty(l2=0.1), layout), batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
@pytest.mark.parametrize("layout", ["dense", "csr", "csr64"])
@pytest.mark.parametrize("rule", RULES_HERE, ids=lambda r: r.name)
def test_every_rule_and_penalty(rule, layout, penalty, batch_size):
    agrees(problem(penalty=penalty, layout=layout), rule=rule, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("rate", RATES, ids=lambda r: r.name)
def test_every_rate(rate, batch_size):
    agrees(problem("log_loss", weighted=False), rate=rate, batch_size=batch_size, epochs=4)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("batch_size", [1, 64])
def test_every_order(order, batch_size):
    agrees(problem(n=700, d=3, order=order), batch_size=batch_size)


@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("loss", ["hinge", "squared_error", "multinomial"])
def test_several_outputs(loss, layout):
    for batch_size in (1, 6):
        agrees(problem(loss, Penalty(l1=0.01), layout, n_outputs=3), batch_size=batch_size)


@pytest.mark.parametrize("layout", ["dense", "csr"])
def test_without_an_intercept(layout):
    result = agrees(problem(layout=layout, fit_intercept=False))
    assert len(result.w) == 5


def test_a_row_that_fits_badly_after_one_that_fits_well_is_no_divergence():
    objective = problem(penalty=Penalty(l2=0.1))
    result = run(objective, objective.start(), PLAIN, SMALL, [MaxEpochs(2)], batch_size=1, seed=1)
    value = result.trace["value"]
    assert value.max() > 1000 * value[0]
    assert result.reason.name == "max_epochs"


def test_single_precision_rows():
    agrees(problem(layout="float32"), rtol=2e-5)


@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("l2", [40.0, 50.0, 70.0, 1e6])
def test_steps_so_long_that_the_penalty_turns_weights_around(layout, l2):
    objective = problem(penalty=Penalty(l1=0.5, l2=l2), layout=layout)
    agrees(objective, rate=Exponential(0.02, 0.5), epochs=1, rtol=1e-9)


def test_a_penalty_that_shrinks_a_scale_to_nothing():
    objective = problem(penalty=Penalty(l1=1e-3, l2=49.0), layout="csr", n=400)
    agrees(objective, epochs=2)


@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("average_from", [1, 50])
def test_the_mean_of_the_weights(layout, average_from):
    objective = problem(layout=layout, penalty=Penalty(l2=0.1))
    args = (objective, objective.start(), Plain(), Constant(0.05), [MaxEpochs(2)])
    options = {"batch_size": 1, "seed": 1, "average_from": average_from}
    slow, fast = run(*args, **options), run_rows(*args, **options)
    np.testing.assert_allclose(fast.average, slow.average, rtol=1e-11)


@pytest.mark.parametrize("rule", RULES_HERE, ids=lambda r: r.name)
def test_a_run_goes_on_from_its_state(rule):
    objective, rate = problem(), InverseScaling(0.05)
    whole = agrees(objective, rule, rate, epochs=5)
    start = 0.1 * np.ones(objective.size)
    half = run_rows(objective, start, rule, rate, [MaxEpochs(2)], batch_size=1, seed=3)
    rest = run_rows(
        objective, start, rule, rate, [MaxEpochs(5)], batch_size=1, seed=3, state=half.state
    )
    assert (rest.w == whole.w).all()


@given(
    data=st.data(),
    n=st.integers(1, 40),
    d=st.integers(1, 70),
    batch_size=st.integers(1, 9),
    loss=st.sampled_from(LOSSES_HERE),
    rule=st.sampled_from(RULES_HERE),
    penalty=st.sampled_from(PENALTIES),
    layout=st.sampled_from(["dense", "csr"]),
)
@settings(max_examples=60, deadline=None)
def test_any_shape(data, n, d, batch_size, loss, rule, penalty, layout):
    if batch_size >= n:
        n += batch_size
    objective = problem(loss, penalty, layout, n, d, weighted=data.draw(st.booleans()))
    # A walk that blows up amplifies rounding: losses that grow like exp take small steps.
    rate = Constant(1e-4 if loss in ("poisson", "gamma") else 0.01)
    agrees(objective, rule, rate, batch_size, epochs=2, rtol=1e-9)


def test_stops_hear_of_every_epoch():
    objective = problem(n=200)
    result = run_rows(
        objective, objective.start(), Plain(), Constant(0.02), [Progress(1e-3, 3)], batch_size=1
    )
    value = result.trace["value"]
    assert result.reason.name == "stalled"
    best = np.minimum.accumulate(value[1:])
    assert (value[-3:] > best[-4] - 1e-3).all()


def test_validation_keeps_the_best_weights():
    objective = problem(n=60, d=20)
    held = problem(n=30, d=20).value
    result = run_rows(
        objective,
        objective.start(),
        Plain(),
        Constant(0.05),
        [Validation(0.0, 3), MaxEpochs(200)],
        batch_size=1,
        validate=held,
    )
    assert held(result.w) == np.nanmin(result.trace["validation"])


def test_divergence_ends_in_a_reason_and_finite_weights():
    objective = problem(n=500)
    result = run_rows(
        objective, objective.start(), Plain(), Constant(30.0), [MaxEpochs(50)], batch_size=1
    )
    assert result.reason.name == "diverged"
    assert np.isfinite(result.w).all()
    assert "learning rate 30" in result.reason.sentence


def test_the_start_is_a_row_of_the_trace():
    objective = problem(n=100)
    result = run_rows(
        objective, objective.start(), Plain(), Constant(0.01), [MaxEpochs(1)], batch_size=1
    )
    value, gradient = objective.value_and_gradient(objective.start())
    assert result.trace["value"][0] == pytest.approx(value)
    assert result.trace["gradient_norm"][0] == pytest.approx(np.linalg.norm(gradient))
    assert math.isfinite(result.trace["gradient_norm"][1])


def test_what_it_leaves_to_the_walk():
    dense, rate = problem(), Constant(0.1)
    assert not can_run(dense, Adam(), rate, 1)
    assert not can_run(dense, Plain(), Armijo(), 1)
    assert not can_run(dense, Plain(), rate, None)
    assert not can_run(object(), Plain(), rate, 1)


@pytest.mark.parametrize("rate", RATES, ids=lambda r: r.name)
def test_an_epoch_of_lengths_is_what_the_rate_says_step_by_step(rate):
    state = begin(np.zeros(1), Plain(), rate)._replace(k=5)
    lengths, _ = epoch_lengths(rate, state, 20)
    one_by_one = []
    for k in range(5, 25):
        length, memory = epoch_lengths(rate, state._replace(k=k), 1)
        state = state._replace(rate_memory=memory)
        one_by_one.append(length[0])
    np.testing.assert_allclose(lengths, one_by_one)
    assert rate.name in (*COUNTED, *STEADY, "cosine")
