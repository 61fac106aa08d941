"""Losses: one table, every property over it, and reference libraries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from downslope.errors import SettingError
from downslope.losses import (
    LOSSES,
    Multinomial,
    curvature_product,
    make_loss,
    predict_mean,
    sigmoid,
    softmax,
)

BINARY = ("log_loss", "hinge", "squared_hinge", "modified_huber", "perceptron")
SCALAR = [name for name in LOSSES if name != "multinomial"]
SMOOTH = [name for name in SCALAR if LOSSES[name].max_curvature is not None] + ["poisson", "gamma"]

raw = st.floats(-30, 30)


def target(name: str, y: float) -> float:
    if name in BINARY:
        return 1.0 if y > 0 else -1.0
    return abs(y) + 0.1 if name in ("poisson", "gamma") else y


def kinks(name: str, y: float) -> list[float]:
    """Raw predictions where the slope or curvature jumps."""
    e = make_loss(name).parameter
    return {
        "huber": [y - e, y + e],
        "absolute_error": [y],
        "quantile": [y],
        "epsilon_insensitive": [y - e, y + e],
        "squared_epsilon_insensitive": [y - e, y + e],
        "hinge": [y],
        "squared_hinge": [y],
        "modified_huber": [y, -y],
        "perceptron": [0.0],
    }.get(name, [])


@pytest.mark.parametrize("name", SCALAR)
@given(z=raw, y=raw)
def test_slope_is_the_derivative_of_value(name, z, y):
    loss, y, h = make_loss(name), target(name, y), 1e-6
    if any(abs(z - kink) < 1e-3 for kink in kinks(name, y)):
        return
    z = np.array(z)
    numeric = (loss.value(z + h, y) - loss.value(z - h, y)) / (2 * h)
    size = max(1.0, abs(float(loss.value(z, y))))
    assert abs(float(loss.slope(z, y)) - numeric) <= 1e-7 * size + 1e-8 * abs(numeric)


@pytest.mark.parametrize("name", SMOOTH)
@given(z=raw, y=raw)
def test_curvature_is_the_derivative_of_slope(name, z, y):
    loss, y, h = make_loss(name), target(name, y), 1e-5
    if any(abs(z - kink) < 1e-3 for kink in kinks(name, y)):
        return
    z = np.array(z)
    numeric = (loss.slope(z + h, y) - loss.slope(z - h, y)) / (2 * h)
    size = max(1.0, abs(float(loss.slope(z, y))))
    assert abs(float(loss.curvature(z, y)) - numeric) <= 1e-6 * size


@pytest.mark.parametrize("name", SCALAR)
@given(z=raw, y=raw)
def test_curvature_stays_within_its_bound_and_losses_are_convex(name, z, y):
    loss = make_loss(name)
    curvature = float(loss.curvature(np.array(z), target(name, y)))
    assert curvature >= 0.0
    if loss.max_curvature is not None:
        assert curvature <= loss.max_curvature * (1 + 1e-15)


@pytest.mark.parametrize("name", SCALAR)
def test_nothing_overflows_within_reason(name):
    loss, z = make_loss(name), np.array([-700.0, -40.0, 0.0, 40.0, 700.0])
    y = np.full(5, target(name, 1.0))
    with np.errstate(over="raise", invalid="raise"):
        for number in (loss.value(z, y), loss.slope(z, y), loss.curvature(z, y)):
            assert np.isfinite(number).all()


@pytest.mark.parametrize("name", SCALAR)
def test_torch_gives_the_same_numbers(name):
    torch = pytest.importorskip("torch")
    loss, z = make_loss(name), np.linspace(-3, 3, 13)
    y = np.array([target(name, v) for v in np.cos(z)])
    for part in ("value", "slope", "curvature"):
        ours = getattr(loss, part)(z, y)
        theirs = getattr(loss, part)(torch.tensor(z), torch.tensor(y))
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "reference", "factor", "parameter"),
    [
        ("squared_error", "HalfSquaredError", 1.0, None),
        ("mse", "HalfSquaredError", 2.0, None),
        ("absolute_error", "AbsoluteError", 1.0, None),
        ("quantile", "PinballLoss", 1.0, {"quantile": 0.3}),
        ("huber", "HuberLoss", 1.0, {"delta": 0.7}),
        ("poisson", "HalfPoissonLoss", 1.0, None),
        ("gamma", "HalfGammaLoss", 1.0, None),
        ("log_loss", "HalfBinomialLoss", 1.0, None),
    ],
)
def test_values_and_slopes_are_scikit_learns(name, reference, factor, parameter):
    from sklearn._loss import loss as references

    z = np.linspace(-3, 3, 41) + 0.01  # off the kinks, where any slope between is right
    y = np.array([target(name, v) for v in 2 * np.sin(5 * z)])
    theirs = getattr(references, reference)(**(parameter or {}))
    ours = make_loss(name, *(parameter or {}).values())
    their_y = (y + 1) / 2 if name == "log_loss" else y
    value = theirs.loss(y_true=their_y, raw_prediction=z)
    slope = theirs.gradient(y_true=their_y, raw_prediction=z)
    np.testing.assert_allclose(ours.value(z, y), factor * value, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(ours.slope(z, y), factor * slope, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("hinge", "Hinge"),
        ("squared_hinge", "SquaredHinge"),
        ("modified_huber", "ModifiedHuber"),
        ("epsilon_insensitive", "EpsilonInsensitive"),
        ("squared_epsilon_insensitive", "SquaredEpsilonInsensitive"),
    ],
)
def test_slopes_are_those_of_scikit_learns_sgd(name, reference):
    from sklearn.linear_model import _sgd_fast

    arguments = (0.1,) if "epsilon" in name else ()
    theirs, ours = getattr(_sgd_fast, reference)(*arguments), make_loss(name)
    for z in np.linspace(-3, 3, 41) + 0.01:
        for y in (-1.0, 1.0):
            assert float(ours.slope(np.array(z), y)) == pytest.approx(
                theirs.py_dloss(z, y), abs=1e-14
            )
            assert float(ours.value(np.array(z), y)) == pytest.approx(
                theirs.py_loss(z, y), abs=1e-14
            )


def test_multinomial_is_scikit_learns_and_reduces_to_log_loss():
    from sklearn._loss.loss import HalfMultinomialLoss

    rng = np.random.default_rng(0)
    z, y = 5 * rng.normal(size=(50, 4)), rng.integers(0, 4, 50)
    theirs = HalfMultinomialLoss(n_classes=4)
    np.testing.assert_allclose(
        Multinomial().value(z, y), theirs.loss(y_true=y.astype(float), raw_prediction=z), rtol=1e-11
    )
    np.testing.assert_allclose(
        Multinomial().slope(z, y),
        theirs.gradient(y_true=y.astype(float), raw_prediction=z),
        rtol=1e-11,
        atol=1e-14,
    )
    two = np.column_stack([np.zeros(50), z[:, 0]])
    labels = (y > 1).astype(int)
    np.testing.assert_allclose(
        Multinomial().value(two, labels),
        make_loss("log_loss").value(z[:, 0], 2.0 * labels - 1.0),
        atol=1e-14,
    )


def test_multinomial_curvature_product_is_the_derivative_of_slope():
    rng = np.random.default_rng(1)
    z, v, y, h = rng.normal(size=(20, 3)), rng.normal(size=(20, 3)), rng.integers(0, 3, 20), 1e-6
    loss = Multinomial()
    numeric = (loss.slope(z + h * v, y) - loss.slope(z - h * v, y)) / (2 * h)
    product = curvature_product(loss, z, y, v)
    np.testing.assert_allclose(product, numeric, atol=1e-8)
    assert ((product * v).sum(1) <= 0.5 * (v * v).sum(1) + 1e-15).all()


@given(st.lists(st.floats(-700, 700), min_size=2, max_size=5))
def test_softmax_and_sigmoid_are_probabilities(z):
    p = softmax(np.array([z]))
    assert p.sum() == pytest.approx(1.0)
    assert ((p >= 0) & (p <= 1)).all()
    s = sigmoid(np.array(z))
    np.testing.assert_allclose(s + sigmoid(-np.array(z)), 1.0)


@pytest.mark.parametrize(
    ("name", "z", "mean"),
    [
        ("squared_error", 2.0, 2.0),
        ("poisson", 0.0, 1.0),
        ("log_loss", 0.0, 0.5),
        ("hinge", 3.0, 3.0),
    ],
)
def test_predict_mean_inverts_the_link(name, z, mean):
    assert predict_mean(make_loss(name), np.array([z]))[0] == mean
    assert predict_mean(Multinomial(), np.zeros((1, 4)))[0, 0] == 0.25


def test_unknown_loss_is_refused_with_the_names():
    with pytest.raises(SettingError, match=r"'rmse' is unknown; choose one of absolute_error"):
        make_loss("rmse")
    with pytest.raises(SettingError, match=r"quantile=1\.5"):
        make_loss("quantile", 1.5)


def test_at_the_kinks_the_convention_is_scikit_learns():
    y = np.array(1.0)
    assert make_loss("quantile").slope(y, y) == 0.0
    assert make_loss("absolute_error").slope(y, y) == 0.0
    assert make_loss("huber").slope(np.array(1.1), y) == pytest.approx(0.1)
    assert sigmoid(np.array(0.0)) == 0.5


@pytest.mark.parametrize(
    ("name", "z", "slope", "curvature"),
    [
        ("huber", 1.5, 0.5, 1.0),
        ("huber", 0.5, -0.5, 1.0),
        ("epsilon_insensitive", 1.5, 0.0, 0.0),
        ("squared_epsilon_insensitive", 1.5, 0.0, 0.0),
        ("hinge", 1.0, -1.0, 0.0),
        ("squared_hinge", 1.0, 0.0, 0.0),
        ("perceptron", 0.0, -1.0, 0.0),
        ("modified_huber", 1.0, 0.0, 0.0),
        ("modified_huber", 1.5, 0.0, 0.0),
        ("modified_huber", -1.0, -4.0, 2.0),
        ("modified_huber", -1.5, -4.0, 0.0),
    ],
)
def test_slope_and_curvature_at_the_corners(name, z, slope, curvature):
    """At target 1; a half, the width where a loss has one, is held by floating point."""
    loss = make_loss(name, 0.5)
    z, y = np.array(z), np.array(1.0)
    assert (float(loss.slope(z, y)), float(loss.curvature(z, y))) == (slope, curvature)


def test_curvatures_of_classes_one_by_one_are_the_diagonal():
    rng = np.random.default_rng(2)
    z, y, loss = rng.normal(size=(6, 3)), rng.integers(0, 3, 6), Multinomial()
    for c in range(3):
        one = np.zeros((6, 3))
        one[:, c] = 1.0
        product = curvature_product(loss, z, y, one)
        np.testing.assert_allclose(loss.curvature(z, y)[:, c], product[:, c], rtol=1e-12)


@pytest.mark.parametrize("name", SMOOTH)
def test_curvature_products_scale_each_row(name):
    loss, z, v = make_loss(name), np.array([0.3, -0.2]), np.array([2.0, -3.0])
    y = np.array([target(name, 1.0), target(name, -1.0)])
    np.testing.assert_array_equal(curvature_product(loss, z, y, v), v * loss.curvature(z, y))


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_quantile_lies_strictly_between_0_and_1(share):
    with pytest.raises(SettingError, match=f"{share}"):
        make_loss("quantile", share)


def test_rows_of_very_different_size_do_not_share_their_largest():
    chances = softmax(np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -2000.0]]))
    np.testing.assert_allclose(chances[0], chances[1])
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)


def test_an_unknown_loss_is_answered_with_the_known_ones():
    with pytest.raises(SettingError, match=", ".join(sorted(LOSSES))):
        make_loss("square")
