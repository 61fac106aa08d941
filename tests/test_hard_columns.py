"""Columns that other programs stumble over: the finding names them, the answer is the right one."""

import warnings

import numpy as np
import pandas as pd
import pytest

from downslope import DescentClassifier, DescentRegressor

RNG = np.random.default_rng(0)
N = 200
BASE = RNG.normal(size=(N, 3))
Y = BASE @ [1.0, 2.0, 3.0] + 0.1 * RNG.normal(size=N)
PLAIN = np.linalg.lstsq(np.column_stack([BASE, np.ones(N)]), Y)[0]


def fitted(X, y=Y, kind=DescentRegressor, **settings):
    frame = pd.DataFrame(X, columns=[f"col{j}" for j in range(X.shape[1])])
    return kind(**settings).fit(frame, y)


def finding(model, symptom):
    found = [each for each in model.diagnosis_.findings if each.symptom == symptom]
    assert found, str(model.diagnosis_)
    return found[0]


def test_a_column_twice():
    model = fitted(np.column_stack([BASE, BASE[:, 0]]))
    assert finding(model, "rank_deficient").names == ("col0", "col3")
    np.testing.assert_allclose(model.coef_[[0, 3]], PLAIN[0] / 2, rtol=1e-9)


def test_a_column_that_is_a_sum():
    X = np.column_stack([BASE, BASE[:, 0] + BASE[:, 1]])
    model = fitted(X, scaling="none")
    assert finding(model, "rank_deficient").names == ("col0", "col1", "col3")
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(model.coef_, np.linalg.pinv(centred) @ (Y - Y.mean()), rtol=1e-8)


def test_more_columns_than_rows_give_the_shortest_weights():
    X = np.random.default_rng(1).normal(size=(20, 50))
    y = X[:, 0] + 1.0
    model = fitted(X, y, scaling="none")
    np.testing.assert_allclose(model.predict(pd.DataFrame(X, columns=model.feature_names_in_)), y)
    centred = X - X.mean(axis=0)
    wanted = np.linalg.pinv(centred) @ (y - y.mean())
    np.testing.assert_allclose(model.coef_, wanted, atol=1e-10)
    assert "and 45 more" in finding(model, "rank_deficient").sentence


def test_a_constant_column():
    model = fitted(np.column_stack([BASE, np.full(N, 7.0)]))
    assert finding(model, "constant_column").names == ("col3",)
    assert model.coef_[3] == 0.0
    np.testing.assert_allclose(model.coef_[:3], PLAIN[:3], rtol=1e-10)


def test_a_nearly_constant_column():
    model = fitted(np.column_stack([BASE, 7.0 + 1e-12 * RNG.normal(size=N)]))
    found = finding(model, "far_from_zero")
    assert found.names == ("col3",)
    assert "2 of their sixteen digits" in found.sentence
    assert np.isfinite(model.coef_).all()


def test_columns_that_lie_1e18_apart():
    model = fitted(BASE * [1e-9, 1.0, 1e9])
    np.testing.assert_allclose(model.coef_ * [1e-9, 1.0, 1e9], PLAIN[:3], rtol=1e-10)
    assert model.reason_.converged
    with pytest.warns(UserWarning, match="Stopped after 50 passes"):
        walked = fitted(BASE * [1e-3, 1.0, 1e3], scaling="none", learning_rate=1e-6, max_iter=50)
    assert finding(walked, "unscaled_features").names == ("col2",)


def test_columns_at_1e9():
    model = fitted(BASE + np.array([1e9, 0.0, -1e9]))
    assert finding(model, "far_from_zero").names == ("col0", "col2")
    np.testing.assert_allclose(model.coef_, PLAIN[:3], rtol=1e-7)


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge", "modified_huber"])
@pytest.mark.parametrize("classes", [2, 3])
def test_classes_that_a_plane_separates_are_named_and_end_soon(loss, classes):
    y = np.digitize(BASE[:, 0], [0.0] if classes == 2 else [-0.5, 0.5])
    if loss == "log_loss":
        with pytest.warns(UserWarning, match="can be separated without an error"):
            model = fitted(BASE, y, DescentClassifier, loss=loss, alpha=0.0)
        found = finding(model, "separable")
        assert found.names == ("col0",)
        assert "col0" in found.sentence
    else:  # these are 0 from a margin of 1 on, so their lowest point is finite
        model = fitted(BASE, y, DescentClassifier, loss=loss, alpha=0.0)
    assert model.n_iter_ <= 500
    assert model.reason_.converged == (loss != "log_loss")
    assert np.isfinite(model.coef_).all()
    if classes == 2 or loss == "log_loss":
        assert (model.predict(pd.DataFrame(BASE, columns=model.feature_names_in_)) == y).all()


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
def test_numbers_near_the_end_of_the_range_give_finite_weights(loss):
    for X, y in ((BASE * 1e150, Y), (BASE * 1e200, Y), (BASE, Y * 1e150), (BASE * 1e-150, Y)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = fitted(X, y, loss=loss)
        assert np.isfinite(model.coef_).all()
        assert model.reason_.sentence


@pytest.mark.parametrize("size", [1e155, 1e200, 1e305])
def test_columns_whose_squares_overflow_are_fitted_like_any_other(size):
    X = np.clip(BASE, -4.0, 4.0)
    model, plain = fitted(X * [1.0, size, 1.0]), fitted(X)
    np.testing.assert_allclose(model.coef_ * [1.0, size, 1.0], plain.coef_, rtol=1e-9)
    assert model.reason_.converged


def test_a_column_so_far_out_that_no_correlation_is_left_to_see():
    X = np.column_stack([BASE, RNG.normal(size=(N, 40)), 9e6 + RNG.normal(size=N)])
    model = fitted(X, scaling="none")
    assert str(model.diagnosis_)
    assert np.isfinite(model.coef_).all()


def test_a_rate_below_the_smallest_number_is_a_walk_that_stands_still():
    X = (BASE * 1e25).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ask = {"penalty": "l1", "alpha": 1e-14, "batch_size": 1, "max_iter": 2}
        model = fitted(X, scaling="none", **ask)
    assert np.isfinite(model.coef_).all()
