"""What a trace says by itself, on traces by hand."""

import math

import numpy as np
import pytest

from downslope.diagnosis.run_facts import LATE, run_facts
from downslope.rules import Adam, Plain
from downslope.trace import COLUMNS, Trace


def trace(values, norms=None, rates=None, epochs=None):
    """A trace with these columns; steps are counted, and all rows are seen unless epochs say."""
    n = len(values)
    columns = {name: np.full(n, math.nan) for name in COLUMNS}
    columns["step"] = np.arange(n)
    columns["epoch"] = np.arange(n) if epochs is None else np.array(epochs)
    columns["value"] = np.array(values, dtype=float)
    columns["gradient_norm"] = np.ones(n) if norms is None else np.array(norms, dtype=float)
    columns["rate"] = np.full(n, 0.25) if rates is None else np.array(rates, dtype=float)
    return Trace(columns, None, ())


def parabola(rate, steps, curvature=2.0, w=4.0):
    """Plain descent on ``curvature / 2 * w^2``, exactly as it walks."""
    ws = w * (1.0 - rate * curvature) ** np.arange(steps)
    return trace(0.5 * curvature * ws**2, np.abs(curvature * ws), np.full(steps, rate))


@pytest.mark.parametrize("rate", [0.0625, 0.25, 0.75, 0.9375])
def test_the_fall_gives_curvature_and_turns(rate):
    facts = run_facts(parabola(rate, 12), Plain())
    np.testing.assert_allclose(facts.products, 2.0 * rate)
    np.testing.assert_allclose(facts.bends, 2.0)
    np.testing.assert_allclose(facts.cosines, np.sign(1.0 - 2.0 * rate))
    assert facts.shrink == pytest.approx(abs(1.0 - 2.0 * rate))
    assert (facts.steps, facts.full_batch, facts.rate) == (11, True, rate)
    assert facts.ends == (16.0, pytest.approx(16.0 * (1 - 2 * rate) ** 22))


def test_no_curvature_is_read_from_another_rule_batches_or_rounding():
    assert np.isnan(run_facts(parabola(0.25, 12), Adam()).products).all()
    batches = trace([4.0, 3.0, 2.0, 1.0], epochs=[0, 0, 1, 1])
    facts = run_facts(batches, Plain())
    assert np.isnan(facts.products).all()
    assert math.isnan(facts.shrink)
    assert not facts.full_batch
    # A step that promises less than a billionth of the value, and one that does not fall at all.
    level = trace([1.0, 1.0 - 1e-11, 1.0 - 1e-11], [2e-5, 1.0, 1.0])
    assert np.isnan(run_facts(level, Plain()).products).all()


def test_cosines_above_one_say_that_the_rule_is_not_plain():
    # Falls twice what a straight slope promises while the gradient keeps its length: cosine 2.
    falling = trace(-0.5 * np.arange(40.0), np.ones(40))
    facts = run_facts(falling, Plain())
    assert np.isnan(facts.products).all()
    assert np.isnan(facts.cosines).all()
    # A fifth of the first twenty may be rounding, one more may not.
    for odd, known in ((LATE // 5, True), (LATE // 5 + 1, False)):
        falls = np.where(np.arange(39) < odd, 0.5, 0.2)
        values = np.concatenate([[0.0], -np.cumsum(falls)])
        assert np.isfinite(run_facts(trace(values), Plain()).products).any() == known


def test_epochs_are_means_and_a_short_last_one_is_left_out():
    epochs = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    values = [8.0, 6.0, 4.0, 2.0, 4.0, 3.0, 2.0, 3.0, 1.0, 2.0]
    np.testing.assert_allclose(run_facts(trace(values, epochs=epochs), Plain()).curve, [5, 3, 1.5])
    short = run_facts(trace(values[:-1], epochs=epochs[:-1]), Plain())
    np.testing.assert_allclose(short.curve, [5, 3])
    one = run_facts(trace([2.0, 4.0], epochs=[1, 1]), Plain())
    np.testing.assert_allclose(one.curve, [3.0])


def test_the_rate_is_the_median_of_the_second_half():
    rates = [8.0, 8.0, 8.0, 1.0, 2.0, 3.0]
    assert run_facts(trace(np.arange(6.0), rates=rates), Plain()).rate == 2.0


def test_shrink_looks_back_over_half_of_the_run_at_most():
    norms = [64.0, 64.0, 64.0, 16.0, 4.0, 1.0]
    assert run_facts(trace(np.ones(6), norms), Plain()).shrink == pytest.approx(0.25)
    long = np.concatenate([np.full(30, 7.0), 0.5 ** np.arange(LATE + 1)])
    assert run_facts(trace(np.ones(len(long)), long), Plain()).shrink == pytest.approx(0.5)
    assert math.isnan(run_facts(trace([1.0], [1.0]), Plain()).shrink)
    assert math.isnan(run_facts(trace([1.0, 1.0], [0.0, 1.0]), Plain()).shrink)
    assert run_facts(trace([1.0] * 4, [9.0, 4.0, 2.0, 1.0]), Plain()).shrink == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("curve", "late"),
    [
        ([8.0, 4.0, 2.0, 1.0, 0.0], 0.125),  # 1 of 8 fell in the last quarter
        ([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0], 0.25),
        ([8.0, 4.0, 2.0, 0.0], 0.25),
        ([8.0, 0.0, 4.0, 4.0, 4.0], 0.0),
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.0),
        ([8.0, math.nan, 4.0, 2.0, 1.0, 0.0], 0.125),
    ],
)
def test_late_is_the_share_of_the_fall_in_the_last_quarter(curve, late):
    assert run_facts(trace(curve), Plain()).late == pytest.approx(late)
    assert math.isnan(run_facts(trace(curve[:3]), Plain()).late)


def test_rises_are_counted_in_the_second_half_past_rounding():
    curve = [1.0, 9.0, 1.0, 9.0, 4.0, 5.0, 4.0, 4.0 + 1e-11, 3.0]
    assert run_facts(trace(curve), Plain()).rises == 0.25
    assert run_facts(trace([1.0]), Plain()).rises == 0.0


def test_regained_compares_the_last_quarter_with_the_second():
    curve = [9.0, 9.0, 9.0, 4.0, 6.0, 8.0, 7.0, 7.0, 7.0, 2.0, 3.0, 4.0]
    assert run_facts(trace(curve), Plain()).regained == 0.5
    assert math.isnan(run_facts(trace([1.0, 2.0, 3.0]), Plain()).regained)
    assert math.isnan(run_facts(trace([*curve[:-1], math.nan]), Plain()).regained)
    assert math.isnan(run_facts(trace([9.0, 0.0, 1.0, 1.0]), Plain()).regained)


@pytest.mark.parametrize(
    ("curve", "high", "exploded"),
    [
        ([1.0, 0.5, 2.0, 3.0, 4.0], True, False),
        ([1.0, 9.0, 8.0, 7.0, 6.0], False, False),
        ([1.0, 0.0, 0.5, 0.75, 102.0], True, True),
        ([1.0, 0.0, 0.5, 0.75, 101.0], True, False),
        ([1.0, 1.0, 1.0, 1.0, 1.0], False, False),
    ],
)
def test_an_end_above_the_start(curve, high, exploded):
    facts = run_facts(trace(curve), Plain())
    assert (facts.ended_high, facts.exploded, facts.finite) == (high, exploded, True)
    assert facts.lowest == min(curve)


def test_products_are_those_of_each_step_at_its_own_rate():
    # Exactly a parabola of curvature 2, walked at rates that change.
    rates, ws = np.array([0.1, 0.2, 0.4, 0.3]), [4.0]
    for rate in rates[:-1]:
        ws.append(ws[-1] * (1.0 - 2.0 * rate))
    ws = np.array(ws)
    facts = run_facts(trace(ws**2, np.abs(2.0 * ws), rates), Plain())
    np.testing.assert_allclose(facts.products, 2.0 * rates[:-1])
    np.testing.assert_allclose(facts.bends, 2.0)


@pytest.mark.parametrize(
    ("counts", "kept"), [([4, 4, 2], 3), ([4, 4, 1], 2), ([5, 2], 1), ([2, 1], 2), ([3, 9, 2], 3)]
)
def test_half_of_the_first_epochs_steps_make_an_epoch(counts, kept):
    epochs = np.repeat(np.arange(len(counts)), counts)
    assert len(run_facts(trace(np.ones(len(epochs)), epochs=epochs), Plain()).curve) == kept


def test_small_numbers_count_like_large_ones():
    fall = np.array([8.0, 4.0, 2.0, 1.5, 1.25])
    for size, lift in ((1e-9, 0.0), (1.0, 0.0), (1.0, 100.0), (1.0, -100.0)):
        facts = run_facts(trace(size * (fall + lift)), Plain())
        assert facts.late == pytest.approx(0.25 / 6.75)
    curve = 1e-3 * np.array([9.0, 9.0, 4.0, 4.0, 7.0, 7.0, 2.0, 2.0])
    assert run_facts(trace(curve), Plain()).regained == pytest.approx(0.5)
    rising = 1e6 * np.array([1.0, 1.0, 1.0, 1.0 + 1e-11, 1.0 + 2e-11])
    assert run_facts(trace(rising), Plain()).rises == 0.0
    assert run_facts(trace(1e-6 * np.array([1.0, 1.0, 1.0, 1.0 + 1e-9])), Plain()).rises == 1.0


def test_shrink_of_two_gradients():
    assert run_facts(trace([1.0] * 2, [4.0, 1.0]), Plain()).shrink == pytest.approx(0.25)
    assert math.isnan(run_facts(trace([1.0] * 4, [1.0, 0.0, 4.0, 1.0]), Plain()).shrink)
