"""The walk by hand: the arithmetic is all there, and every equals sign is true."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import automobiles

from downslope.by_hand.decimals import equals, shown
from downslope.by_hand.formula import trace_formula, trace_line
from downslope.errors import FormulaError, InputError, SettingError

NUMBER = r"-?[0-9.]+(?:e[-+][0-9]+)?"
UPDATE = re.compile(rf"(\w+) = ({NUMBER}) - ({NUMBER}) \* \(?({NUMBER})\)? ([=≈]) ({NUMBER})$")


def updates(worked):
    """Every ``w = a - r * d = result`` as name, three fractions, sign, result."""
    found = [UPDATE.fullmatch(line.strip()) for line in worked.lines()]
    return [
        (m[1], *(Fraction(part) for part in (m[2], m[3], m[4])), m[5], Fraction(m[6]))
        for m in found
        if m
    ]


def test_three_steps_are_written_out():
    worked = trace_formula("(w - 3)^2", {"w": 0}, 0.1, steps=3)
    text = str(worked)
    assert "df/dw = 2*w - 6" in text
    assert "  w = 0 - 0.1 * (-6) = 0.6\n" in text
    assert "  w = 0.6 - 0.1 * (-4.8) = 1.08\n" in text
    assert "  w = 1.08 - 0.1 * (-3.84) = 1.464\n" in text
    assert "  f = (1.464 - 3)^2 = 2.359296\n" in text
    assert "heading for w = 3, where f = 0" in text
    assert "below 2 / 2 = 1 come closer" in text
    assert worked.trace["value"] == pytest.approx([9, 5.76, 3.6864, 2.359296])
    assert worked.trace.weights[:, 0] == pytest.approx([0, 0.6, 1.08, 1.464])


def test_twenty_steps_of_theta():
    worked = trace_formula("(θ-1)^2", 5, 0.1, steps=20)
    assert worked.trace.weights[-1, 0] == pytest.approx(1.0461, abs=5e-5)
    assert "step 20: θ = 1.04612" in str(worked)


def test_the_line_through_three_points():
    x, y = [100, 150, 200], [8000, 12000, 16000]
    exact = trace_line(x, y, (80, 0), 1e-5, steps=1)
    assert exact.trace["value"].tolist() == [0, 0]
    assert "L = (1/3) * 0 = 0" in str(exact)
    steep = trace_line(x, y, (90, 0), 1e-5, steps=1, rows=3)
    assert steep.trace["value"][0] == pytest.approx(7_250_000 / 3, rel=1e-15)
    text = str(steep)
    assert "row 1: 90 * 100 + 0 - 8000 = 1000, times 100 = 100000" in text
    assert "row 3: 90 * 200 + 0 - 16000 = 2000, times 200 = 400000" in text
    assert "L = (1/3) * 7250000 ≈ 2416667" in text
    assert "dL/dw = (2/3) * 725000 ≈ 483333" in text
    assert "dL/db = (2/3) * 4500 = 3000" in text
    assert "heading for w = 80, b = 0, where L = 0" in text


def test_the_line_through_the_automobiles():
    X, y = automobiles(("engine_size",))
    x = X[:, 0]
    for start, loss in [((50, 0), 51_743_975), ((162, -7914), 10_023_135)]:
        worked = trace_line(x, y, start, 1e-5, steps=1, names=("engine_size", "price"))
        assert worked.trace["value"][0] == pytest.approx(loss, abs=0.5)
        assert re.search(rf"L = \(1/159\) \* \d+ ≈ {loss}\b", str(worked))
    assert "price = w * engine_size + b" in str(worked)
    assert "heading for w = 162.379, b = -7914.13, where L = 10020973." in str(worked)
    assert "... and 157 more rows" in str(worked)


def test_slopes_of_the_line_are_the_formulas():
    rng = np.random.default_rng(0)
    x, y = rng.normal(5, 2, 30), rng.normal(3, 1, 30)
    worked = trace_line(x, y, (0.3, -0.2), 0.01, steps=1)
    off = 0.3 * x - 0.2 - y
    w, b = worked.trace.weights[1]
    assert w == pytest.approx(0.3 - 0.01 * 2 / 30 * (off * x).sum())
    assert b == pytest.approx(-0.2 - 0.01 * 2 / 30 * off.sum())


@settings(max_examples=60, deadline=None)
@given(st.floats(-50, 50), st.floats(0.001, 1.4), st.integers(0, 6))
def test_every_equals_sign_is_true_and_every_number_the_walks(start, rate, steps):
    worked = trace_formula("0.5*(w - 3)^2 + 0.25*w", start, rate, steps=steps)
    written = updates(worked)
    assert len(written) == steps
    for k, (_, before, length, slope, sign, after) in enumerate(written):
        computed = before - length * slope
        assert (sign == "=") == (computed == after)
        scale = max(abs(before), abs(after), abs(length * slope), Fraction(1, 10**6))
        assert abs(computed - after) <= scale / 10**5
        assert float(before) == pytest.approx(worked.trace.weights[k, 0], rel=5e-6, abs=1e-12)
        assert float(after) == pytest.approx(worked.trace.weights[k + 1, 0], rel=5e-6, abs=1e-12)


@settings(max_examples=300, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_shown_numbers_are_rounded_to_the_nearest(value):
    text = shown(value)
    assume(value != 0.0)
    digits = text.partition("e")[0].lstrip("-0.").replace(".", "")
    assert len(digits) <= 9 or "." not in text
    assert abs(Fraction(text) - Fraction(value)) <= abs(Fraction(value)) / 10**5
    assert shown(float(text)) == text  # showing twice changes nothing
    assert equals(text, Fraction(text)).startswith("=")


def test_several_weights_and_rounding_signs():
    text = str(trace_formula("(1 - u)^2 + 100*(v - u^2)^2", {"u": -1.2, "v": 1}, 0.001, steps=2))
    assert "df/du = 400*u*(u^2 - v) + 2*u - 2" in text
    assert "df/du = 400*(-1.2)*((-1.2)^2 - 1) + 2*(-1.2) - 2 = -215.6" in text
    assert "v = 1 - 0.001 * (-88) = 1.088" in text
    assert "heading for u = 1, v = 1" in text
    assert "≈" in text


def test_other_rules_show_their_direction():
    text = str(trace_formula("(w - 3)^2", 0, 0.1, steps=2, rule="momentum"))
    assert "direction of w by rule momentum: -10.2" in text  # 0.9 * (-6) + (-4.8)
    assert "w = 0.6 - 0.1 * (-10.2) = 1.62" in text


def test_moving_away_is_said():
    text = str(trace_formula("(w - 3)^2", 0, 1.1, steps=3))
    assert "moving away from w = 3" in text
    assert "leaves 1.2 of the distance." in text
    assert "diverged" not in text
    blown = trace_formula("w^4", 5, 1.0, steps=20)
    assert blown.result.reason.name == "diverged"
    assert "Diverged" in str(blown)


def test_walking_out_of_the_domain_is_named():
    worked = trace_formula("w - log(w)", 0.1, 2.0, steps=5)
    assert "log(w)" in str(worked)
    out = trace_formula("log(w)", 0.5, 1.0, steps=3)
    assert "log(w) is not a real number where w = -1.5" in str(out)
    assert out.result.reason.name == "diverged"


def test_automatic_rates_come_closer():
    assert "w = 0 - 0.5 * (-6) = 3" in str(trace_formula("(w - 3)^2", 0, steps=1))
    line = trace_line([1.0, 2.0, 3.0], [2.0, 4.0, 7.0], steps=50)
    assert (np.diff(line.trace["value"]) < 0).all()


def test_flat_and_endless_formulas_say_so():
    assert "No minimum was found ahead" in str(trace_formula("-w^2", 1, 0.1, steps=2))
    assert "df/dw = 2\n" in str(trace_formula("2*w", 1, 0.1, steps=1))


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (FormulaError, lambda: trace_formula("__import__('os')", 0)),
        (InputError, lambda: trace_formula("(w - 3)^2", {"v": 0})),
        (InputError, lambda: trace_formula("log(w)", -1)),
        (SettingError, lambda: trace_formula("w^2", 1, -0.1)),
        (SettingError, lambda: trace_formula("w^2", 1, "fast")),
        (SettingError, lambda: trace_formula("w^2", 1, 0.1, rule="newton")),
        (SettingError, lambda: trace_formula("w^2", 1, 0.1, steps=-1)),
        (InputError, lambda: trace_line([], [])),
        (InputError, lambda: trace_line([1.0], [1.0, 2.0])),
        (InputError, lambda: trace_line([1.0, math.nan], [1.0, 2.0])),
        (InputError, lambda: trace_line([1.0], [1.0], start=(0.0,))),
    ],
)
def test_what_cannot_be_walked_is_refused(error, call):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).endswith(".")
