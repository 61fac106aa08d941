"""Typed formulas: what is read, what is refused, and that slopes are slopes."""

import math
import re
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from downslope.descend import begin, steps
from downslope.errors import FormulaError, InputError
from downslope.problems.formula import parse
from downslope.problems.grammar import FUNCTIONS, MAX_LENGTH
from downslope.rates import Constant
from downslope.rules import Plain


def walk(text, start, rate, count):
    formula, rule, length = parse(text), Plain(), Constant(rate)
    path = steps(formula, begin(formula.point(start), rule, length), rule, length)
    return [next(path) for _ in range(count + 1)]


def test_three_steps_down_a_parabola():
    path = walk("(w - 3)^2", 0, 0.1, 3)
    assert [step.w[0] for step in path] == pytest.approx([0, 0.6, 1.08, 1.464], rel=1e-15)
    assert [step.value for step in path] == pytest.approx([9, 5.76, 3.6864, 2.359296], rel=1e-14)


def test_twenty_steps_of_theta():
    assert walk("(θ − 1)²", 5, 0.1, 20)[-1].w[0] == pytest.approx(1.0461, abs=5e-5)


READ = [
    ("-w^2", 3.0, -9.0),
    ("2^3^2 + 0*w", 0.0, 512.0),
    ("w**2", 3.0, 9.0),
    ("2^-w", 1.0, 0.5),
    ("w − 2·w + 6÷w", 2.0, 1.0),
    ("2 × w²", 3.0, 18.0),
    ("w¹⁰", 2.0, 1024.0),
    ("sin(pi*w) + e^0", 0.5, 2.0),
    ("ln(w) + log(w)", math.e, 2.0),
    ("abs(w) + sqrt(w^2)", -2.0, 4.0),
    ("sign(w)", -2.0, -1.0),
    ("6/2*w", 1.0, 3.0),
    ("1.5e2 + w", 0.0, 150.0),
    ("--w", 2.0, 2.0),
    ("arctan(w) - atan(w)", 2.0, 0.0),
    ("2w^2 - 3(w + 1)*cos(0w)", 2.0, -1.0),
    ("0.5w + 2pi*w/pi - 2e0*w", 4.0, 2.0),
    ("-3sin(w)*2", 0.0, 0.0),
]


@pytest.mark.parametrize(("text", "w", "value"), READ)
def test_reads_what_mathematics_means(text, w, value):
    assert parse(text).value([w]) == pytest.approx(value, rel=1e-15)


REFUSED = [
    ("__import__('os')", "position 12"),
    ("__import__(os)", "'__import__' is not a function here at position 1"),
    ("w.real", "no attributes"),
    ("w.__class__", "position 2"),
    ("eval(w)", "not a function here"),
    ("w[0]", "position 2"),
    ("lambda: w", "':'"),
    ("9^9^9^9", "too high at position 4"),
    ("((w^50)^50)", "2500 is too high"),
    ("w^1e9", "too high"),
    ("(2^64)^64^1", "constant of size inf"),
    ("exp(exp(1000)) + w", "position 5"),
    ("(" * 40 + "w" + ")" * 40, "30 levels of nesting at position 31"),
    ("-" * 500 + "w", "levels of nesting"),
    ("w" + "+w" * 3000, "at most 4,000"),
    ("w + " + "9" * 60, "40 digits"),
    ("w + 1e-400", "too small"),
    ("w + 1e400", "constant of size inf"),
    ("log(-1) + w", "not a real number"),
    ("w + 1/0", "not a real number at position 6"),
    ("1/(w - w)", "always 0"),
    ("(-2)^w", "always negative"),
    ("0^w", "nowhere a real number"),
    ("w 2", "product as 2*w"),
    ("1/2w", "'/' before a number and a name at position 2"),
    ("w^2w", "'^' before a number and a name"),
    ("2 w", "An operator is missing"),
    ("3 4", "An operator is missing before '4' at position 3"),
    ("(w", "never closed"),
    ("w)", "closes nothing"),
    ("w = 3", "position 3"),
    ("1,5*w", "decimals with a point"),
    ("sin", "write sin(w)"),
    ("3 + 4", "no name"),
    ("", "ends too early at position 1"),
    ("w +", "position 4"),
    ("w\x00", "position 2"),
]


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_refuses_in_one_sentence(text, says):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    message = str(caught.value)
    assert says in message
    assert "\n" not in message
    assert message.endswith(".")
    assert len(message) < 300


def test_only_text_is_read():
    with pytest.raises(FormulaError, match="not int"):
        parse(3)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="w3.0e()+-*/^²− sinlogabπ'_,=[x", max_size=25))
def test_any_text_is_a_formula_or_a_sentence(text):
    try:
        formula = parse(text)
    except FormulaError:
        return
    value, gradient = formula.value_and_gradient(np.full(formula.size, 0.7))
    assert isinstance(value, float)
    assert gradient.shape == (formula.size,)


def texts():
    """Formulas in u and v, written out."""
    leaves = st.sampled_from(["u", "v", "2", "0.5", "pi", "(u - 1)"])

    def larger(inner):
        return st.one_of(
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(
                lambda t: f"({t[0]} {t[1]} {t[2]})"
            ),
            st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner).map(lambda t: f"{t[0]}({t[1]})"),
            st.tuples(inner, st.integers(-3, 4)).map(lambda t: f"({t[0]})^({t[1]})"),
        )

    return st.recursive(leaves, larger, max_leaves=6)


NUMPY = {name: getattr(np, name, None) for name in FUNCTIONS} | {
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "pi": np.float64(np.pi),
}


@settings(max_examples=150, deadline=None)
@given(texts(), st.floats(-2, 2), st.floats(-2, 2))
@example("(abs(2))^(-1)", 0.0, 0.0)
def test_value_is_the_text_read_by_numpy(text, u, v):
    try:
        formula = parse(f"{text} + 0*u + 0*v")
    except FormulaError:
        return
    names = NUMPY | {"u": np.float64(u), "v": np.float64(v), "two": np.float64(2)}
    with np.errstate(all="ignore"):
        # The test wrote this text itself, from the pieces above. NumPy refuses 1 / 2 of whole
        # numbers written as a power, so that a 2 is not one here.
        written = re.sub(r"\b2\b", "two", text.replace("^", "**"))
        expected = eval(written, {"__builtins__": {}}, names)
    value = formula.value(formula.point({"u": u, "v": v}))
    if abs(expected) < 1e8 and math.isfinite(value):
        assert value == pytest.approx(float(expected), rel=1e-6, abs=1e-6)


SMOOTH = [
    "(w - 3)^2",
    "exp(-w^2/2)*sin(3*w)",
    "log(1 + w^2) + tanh(w)*sqrt(2 + cos(w))",
    "w^4/4 - w^2/2 + 0.1*w",
    "(1 - u)^2 + 100*(v - u^2)^2",
    "atan(u*v) + sinh(u/2) - cosh(v/3) + tan(v/4)",
    "abs(u - 10)*abs(log(3 + v^2)) + asin(u/9)*acos(v/9)",
    "u^u2 + 2^v",
]


@pytest.mark.parametrize("text", SMOOTH)
def test_gradient_and_hessian_are_finite_differences(text):
    formula = parse(text)
    w = np.linspace(0.4, 0.9, formula.size)
    h, eye = 1e-5, np.eye(formula.size)
    slopes = [(formula.value(w + h * e) - formula.value(w - h * e)) / (2 * h) for e in eye]
    assert formula.value_and_gradient(w)[1] == pytest.approx(slopes, rel=1e-7, abs=1e-8)

    def gradient(at):
        return formula.value_and_gradient(at)[1]

    bends = [(gradient(w + h * e) - gradient(w - h * e)) / (2 * h) for e in eye]
    assert formula.hessian(w) == pytest.approx(np.array(bends), rel=1e-6, abs=1e-7)
    v = np.arange(1.0, formula.size + 1)
    assert formula.curvature_product(w, v) == pytest.approx(formula.hessian(w) @ v)


@pytest.mark.parametrize("text", SMOOTH)
def test_many_points_are_the_points_one_by_one(text):
    formula = parse(text)
    points = np.random.default_rng(0).uniform(0.1, 0.9, (formula.size, 7))
    values, gradients = formula.many(points)
    for i in range(7):
        value, gradient = formula.value_and_gradient(points[:, i])
        assert values[i] == pytest.approx(value, rel=1e-13)
        assert gradients[:, i] == pytest.approx(gradient, rel=1e-13)


@pytest.mark.parametrize(
    ("text", "derivatives"),
    [
        ("(w - 3)^2", ("2*w - 6",)),
        ("0.3*w^2 + 0.05*w", ("0.6*w + 0.05",)),
        ("(w - 3)^4", ("4*(w - 3)^3",)),
        ("abs(w - 1)", ("sign(w - 1)",)),
        ("e^w", ("exp(w)",)),
        ("w*v", ("v", "w")),
    ],
)
def test_derivatives_read_as_a_person_writes_them(text, derivatives):
    assert parse(text).derivatives == derivatives


@pytest.mark.parametrize("text", SMOOTH)
def test_derivatives_can_be_typed_in_again(text):
    formula = parse(text)
    w = np.linspace(0.4, 0.9, formula.size)
    names = dict(zip(formula.names, w, strict=True))
    typed = [parse(f"{d} + 0*({'+'.join(formula.names)})") for d in formula.derivatives]
    again = [t.value(t.point({name: names[name] for name in t.names})) for t in typed]
    assert again == pytest.approx(formula.value_and_gradient(w)[1], rel=1e-9)


@pytest.mark.parametrize(
    ("text", "w", "sentence"),
    [
        ("log(w - 3)", 2.0, "log(w - 3) is not a real number where w - 3 = -1"),
        ("log(w)", 0.0, "log(w) is infinite or too large where w = 0"),
        ("sin(w)/w", 0.0, "1/w is infinite or too large where w = 0"),
        ("exp(w)", 1000.0, "exp(w) is infinite or too large where w = 1000"),
        ("sqrt(w)", 0.0, "1/sqrt(w) is infinite or too large where w = 0"),
        ("log(w)", 1.0, None),
    ],
)
def test_trouble_is_named(text, w, sentence):
    formula = parse(text)
    assert formula.trouble([w]) == sentence
    value, gradient = formula.value_and_gradient([w])
    assert (sentence is None) == bool(np.isfinite([value, *gradient]).all())


def test_constant_curvature_is_known():
    assert parse("(u - v)^2 + v^2").constant_hessian == pytest.approx(np.array([[2, -2], [-2, 4]]))
    assert parse("(w - 3)^2*(1 + 0*w)").constant_hessian == pytest.approx(np.array([[2.0]]))
    assert parse("w^4").constant_hessian is None


def test_start_by_name_or_by_order():
    formula = parse("v*u")
    assert formula.names == ("v", "u")
    assert formula.point({"u": 2, "v": 1}).tolist() == [1, 2]
    assert formula.point([1, 2]).tolist() == [1, 2]
    for wrong in ({"u": 2}, {"u": 2, "v": 1, "w": 0}, [1.0], [1, 2, 3], [1, math.nan]):
        with pytest.raises(InputError):
            formula.point(wrong)


def test_substitution_touches_names_only():
    assert parse("1e2*e1 + sin(e1) - e").substituted(["(-6)"]) == "1e2*(-6) + sin((-6)) - e"


def test_a_coefficient_keeps_its_product_when_substituted():
    assert parse("2w + 3(w - 1)").substituted(["0.6"]) == "2*0.6 + 3(0.6 - 1)"


def test_longest_allowed_text_is_read():
    text = "+".join(["w"] * (MAX_LENGTH // 2))
    assert parse(text).derivatives == ("2000",)
    assert sys.getrecursionlimit() <= 5000  # and nothing had to raise Python's limits for it
