"""Figures: they say what is true, survive what is not finite, and never take a name for code."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from downslope.errors import InputError, SettingError
from downslope.pictures.fits import (
    class_probabilities,
    coefficients,
    fitted_line,
    predictions,
)
from downslope.pictures.ground import escapes, sharpness
from downslope.pictures.one_run import convergence
from downslope.pictures.one_weight import loss_along, minima
from downslope.pictures.rates import RateCurve, RuleCurve, rate_curves, rule_curves
from downslope.pictures.style import (
    DARK,
    LARGEST,
    LIGHT,
    canvas,
    drawable,
    label,
    save,
    svg,
    thin,
)
from downslope.pictures.valleys import (
    Valley,
    basins,
    loss_bowl,
    loss_contours,
    path_plane,
    whitening,
)
from downslope.trace import COLUMNS, Trace
from downslope.wording import number

NAUGHTY = "<script>alert(1)</script> $x^2$ \n\x00 & \\frac"


def words(figure):
    """All text of a figure, panel titles and notes included."""
    figure.draw_without_rendering()
    return " | ".join(text.get_text() for text in figure.findobj(Text))


def trace_of(values, *, validation=None, rate=0.1):
    n = len(values)
    values, steps = np.asarray(values, dtype=float), np.arange(n)
    validation = np.full(n, np.nan) if validation is None else validation
    norms, rates = np.abs(values), np.full(n, rate)
    columns = (steps, steps, values, values, norms, rates, steps * 1e-3, validation)
    return Trace(dict(zip(COLUMNS, columns, strict=True)))


def bowl(scale=1.0, path=((0.0, 1.0), (0.5, 0.5))):
    a = b = np.linspace(-2.0, 2.0, 15)
    A, B = np.meshgrid(a, b)
    return Valley(a, b, scale * (A**2 + B**2), np.array(path))


BAD = [1.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 5e-324, 0.0]

FIGURES = {
    "line": lambda theme, name, v: fitted_line(v, v[::-1], 2.0, -1.0, x_name=name, theme=theme),
    "predictions": lambda theme, name, v: predictions(
        v, v[::-1], actual=v, names=(name, "b"), theme=theme
    ),
    "coefficients": lambda theme, name, v: coefficients(
        [name] * len(v), v, deviations=np.full(len(v), 2.0), reference=v, theme=theme
    ),
    "classes": lambda theme, name, v: class_probabilities(
        v, np.array(v) == 1.0, classes=(name, "yes"), theme=theme
    ),
    "convergence": lambda theme, name, v: convergence(
        trace_of(v, validation=np.array(v)), limit=0.2, value_name=name, theme=theme
    ),
    "rates": lambda theme, name, v: rate_curves(
        [RateCurve(0.1, name, v), RateCurve(2.0, "diverging", v[::-1])], limit=1.0, theme=theme
    ),
    "basins": lambda theme, name, v: basins(
        bowl(), np.arange(225).reshape(15, 15) % 3 - 1, [[0, 0], [1, 1]], v[:2], names=(name, "b"),
        theme=theme,
    ),
    "rules": lambda theme, name, v: rule_curves(
        [RuleCurve(name, np.arange(len(v)), v), RuleCurve("b", np.arange(len(v)), v[::-1])],
        target=0.5, valley=bowl(), paths=[np.column_stack((v, v))] * 2, names=(name, "b"),
        theme=theme,
    ),
    "along": lambda theme, name, v: loss_along(
        np.arange(len(v)), v, path=v, path_losses=v, name=name, theme=theme
    ),
    "contours": lambda theme, name, v: loss_contours(
        bowl()._replace(losses=np.resize(v, (15, 15))), names=(name, "b"), theme=theme
    ),
    "bowl": lambda theme, name, v: loss_bowl(
        bowl()._replace(losses=np.resize(v, (15, 15))), names=(name, "b"), theme=theme
    ),
    "minima": lambda theme, name, v: minima(
        np.arange(len(v)), v, [0, 7], basins=[0, 0, 0, 0, 1, 1, 1, 1], name=name, theme=theme
    ),
    "whitening": lambda theme, name, v: whitening(
        bowl()._replace(path=np.column_stack((v, v))), bowl(), conditions=(30, 1),
        names=(name, "b"), theme=theme,
    ),
    "plane": lambda theme, name, v: path_plane(
        np.column_stack((np.arange(len(v)), v)), v, plane=bowl(), seen=v[::-1],
        explained=(0.9, 0.1), theme=theme,
    ),
    "escapes": lambda theme, name, v: escapes(
        np.arange(len(v)), v, {"plain": v, name: v[::-1]}, {"plain": 1, name: 0}, name=name,
        theme=theme,
    ),
    "sharpness": lambda theme, name, v: sharpness(
        np.arange(len(v)), v, [0, 3, 7], v[:3], 5.0, value_name=name, theme=theme
    ),
}  # fmt: skip


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_survives_any_number_and_any_name(name, theme, tmp_path):
    figure = FIGURES[name](theme, NAUGHTY, BAD)
    picture = save(figure, tmp_path / "figure.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    page = svg(figure, salt=name)
    root = ET.fromstring(page)
    assert root.tag.endswith("svg")
    assert "script" not in {element.tag.rpartition("}")[2] for element in root.iter()}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_a_single_constant_is_drawn(name, tmp_path):
    save(FIGURES[name](LIGHT, "w", [3.0] * 8), tmp_path / "figure.svg")


def test_the_line_says_its_numbers():
    text = words(fitted_line([100, 150, 200], [8000, 12000, 16000], 90.0, 0.0, y_name="price"))
    assert "price = 90 × x + 0" in text
    assert f"MSE {number((1000**2 + 1500**2 + 2000**2) / 3)}" in text


def test_a_line_through_no_rows_is_an_empty_figure():
    assert "no rows" in words(fitted_line([np.nan], [1.0], 1.0, 0.0))


def test_convergence_tells_the_course_and_marks_the_limit():
    text = words(convergence(trace_of([9, 5.76, 3.6864, 2.3593]), limit=1.0))
    assert "From 9 to 2.359 in 3 steps" in text
    assert "stable limit 1" in text


def test_a_curve_that_leaves_the_frame_ends_in_a_triangle_on_its_edge():
    runs = [RateCurve(0.1, "just right", [1.0, 0.5, 0.3]), RateCurve(3.0, "diverging", [1, 9, 81])]
    panel = rate_curves(runs, limit=1.0).axes[0]
    top = panel.get_ylim()[1]
    triangles = [line for line in panel.lines if line.get_marker() == "^"]
    assert len(triangles) == 1
    assert triangles[0].get_ydata()[0] == pytest.approx(top, rel=0.1)


def test_every_regime_is_named_and_shown():
    names = ["crawling"] * 9 + ["just right"] * 9 + ["oscillating"] + ["diverging"] * 9
    runs = [RateCurve(10.0**k, name, [1.0, 0.9]) for k, name in enumerate(names)]
    text = words(rate_curves(runs, most=4))
    for name in set(names):
        assert f"  {name}" in text


def test_the_gap_between_the_path_and_its_plane_is_printed():
    text = words(path_plane([[0, 0], [1, 1]], [4.0, 2.0], seen=[1.0, 2.0]))
    assert "gap between the true loss and the plane beneath: up to 3" in text


def test_valleys_where_walks_end_are_counted_and_the_shares_said():
    x = np.linspace(-8.0, 8.0, 50)
    figure = escapes(x, x**2, {"plain": [1.0, 1.001, 4.0, 99.0]}, {"plain": 1})
    assert "plain\n1 of 4 (25%)" in words(figure)
    (dots,) = figure.axes[1].collections
    np.testing.assert_allclose(dots.get_offsets()[:, 0], [1.0005, 4.0])
    assert dots.get_sizes()[0] == 2 * dots.get_sizes()[1]


def test_sharpness_is_said_beside_what_the_rate_can_bear():
    shown = words(sharpness([0, 1, 2], [3.0, 1.0, 2.0], [0, 2], [1.0, 5.0], 4.0))
    assert "2 / rate = 4" in shown
    assert "The ground sharpens to 1.25 times what the rate can bear" in shown
    assert "the loss rose on 1 of 2 steps, from 3 to 2 in all" in shown


def test_minima_are_counted_and_the_lowest_named():
    text = words(minima(range(10), [3, 1, 1, 8, 6, 5, 2, 6, 4, 3], [1, 6, 9], name="w"))
    assert "3 local minima" in text
    assert "1: 1 (lowest)" in text


def test_predictions_of_different_rows_are_refused():
    with pytest.raises(InputError, match="same rows only"):
        predictions([1.0, 2.0], [1.0])


def test_two_models_without_the_truth_are_drawn_against_each_other():
    figure = predictions([1.0, 2.0, np.nan], [1.1, 1.9, 3.0])
    assert len(figure.axes) == 1
    assert "largest difference 0.1" in words(figure)
    many = np.arange(9000.0)
    assert "of 9,000 rows drawn" in words(predictions(many, many, actual=many))


def test_a_run_without_a_finite_value_says_so():
    assert "No finite value was reached" in words(convergence(trace_of([np.nan, np.inf])))


def test_rates_over_decades_have_an_axis_of_decades():
    columns = trace_of([9.0, 4.0, 2.0]).columns | {"rate": np.array([1.0, 1e-2, 1e-4])}
    figure = convergence(Trace(columns), limit=1.0)
    assert "log" in [panel.get_yscale() for panel in figure.axes]


@pytest.mark.parametrize("target", [None, 0.5, 0.01])
def test_rules_say_when_they_reached_the_target(target):
    curves = [RuleCurve("plain", [0, 1, 2], [4.0, 2.0, 1.0])]
    curves.append(RuleCurve("adam", [0, 1, 2], [4.0, 1.0, 0.1]))
    text = words(rule_curves(curves, target=target))
    assert ("after 2" in text) is (target == 0.5)
    assert ("never" in text) is (target is not None)
    with pytest.raises(InputError, match="at least one rule"):
        rule_curves([])


@pytest.mark.parametrize(("low", "scale"), [(1e-3, "log"), (0.5, "linear")])
def test_curves_over_decades_are_drawn_by_decades(low, scale):
    runs = [RateCurve(0.1, "just right", [1.0, low]), RateCurve(0.2, "just right", [1.0, low])]
    assert rate_curves(runs).axes[0].get_yscale() == scale


def test_no_run_and_an_unknown_ending_are_refused(tmp_path):
    with pytest.raises(InputError, match="at least one learning rate"):
        rate_curves([])
    with pytest.raises(SettingError, match=r"use \.png, \.svg or \.pdf"):
        save(canvas(LIGHT)[0], tmp_path / "figure.gif")


def test_two_figures_of_one_page_share_no_inner_name():
    figure = FIGURES["contours"](LIGHT, "w", [1.0, 2.0, 3.0])
    pages = [ET.fromstring(svg(figure, salt=salt)) for salt in ("one", "two")]
    ids = [{e.get("id") for e in page.iter() if e.get("id")} for page in pages]
    assert ids[0]
    assert not ids[0] & ids[1]


@given(st.text())
@settings(max_examples=200)
def test_a_label_is_one_short_line_without_mathematics(name):
    text = label(name)
    assert len(text) > 0
    assert "\n" not in text
    assert text.replace(r"\$", "").count("$") == 0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=400))
def test_thinning_keeps_ends_and_extremes(values):
    y = drawable(values)
    x = np.arange(len(y), dtype=float)
    tx, ty = thin(x, y, most=40)
    assert len(tx) <= 42
    assert tx[0] <= x[0] + len(x) / 20
    assert tx[-1] == x[-1]
    assert np.all(np.diff(tx) > 0)
    if np.isfinite(y).any() and (y[np.isfinite(y)] > 0).all():
        assert np.nanmax(ty) == np.nanmax(y)


@given(st.floats(min_value=-1e300, max_value=1e300))
def test_a_number_reads_back_to_four_digits(value):
    text = number(value)
    plain = str.maketrans({"−": "-", ",": "", "×": "e", "⁻": "-"} | {
        c: str(k) for k, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")})  # fmt: skip
    back = float(text.translate(plain).replace("e10", "e", 1))
    assert back == pytest.approx(value, rel=6e-4, abs=5e-324)


def test_drawable_makes_gaps_of_what_is_not_finite():
    drawn = drawable(BAD)
    assert np.isnan(drawn[1:4]).all()
    assert drawn[4] == LARGEST
