"""Estimators on disk: the same answers after loading, and nothing but data in between."""

import numpy as np
import pytest

from downslope.errors import StoreError
from downslope.estimators import DescentClassifier, DescentRegressor
from downslope.rates import Constant
from downslope.saving import load, save
from downslope.store import Parcel, write

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
NUMBERS = X @ [1.0, 2.0, 3.0] + 0.5
WORDS = np.where(NUMBERS > 0, "yes", "no")
THREE = np.digitize(NUMBERS, [-1.0, 1.0])

CASES = {
    "regressor": (DescentRegressor(), NUMBERS),
    "walk": (DescentRegressor(learning_rate=0.1, max_iter=300, tol=1e-4), NUMBERS),
    "words": (DescentClassifier(alpha=0.1, class_weight={"no": 2.0}), WORDS),
    "object words": (DescentClassifier(class_weight="balanced"), WORDS.astype(object)),
    "three classes": (DescentClassifier(loss="hinge", learning_rate="invscaling", tol=1.0), THREE),
}


@pytest.mark.parametrize("name", CASES)
def test_a_loaded_estimator_answers_the_same(name, tmp_path):
    estimator, y = CASES[name]
    estimator.fit(X, y)
    save(estimator, tmp_path / "model")
    again = load(tmp_path / "model")
    assert type(again) is type(estimator)
    assert again.get_params() == estimator.get_params()
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    assert again.predict(X).dtype == estimator.predict(X).dtype
    assert again.reason_ == estimator.reason_
    assert again.n_iter_ == estimator.n_iter_
    for column in estimator.history_.columns:
        np.testing.assert_array_equal(again.history_[column], estimator.history_[column])


def test_names_of_columns_are_kept(tmp_path):
    import pandas

    frame = pandas.DataFrame(X, columns=["a", "b\n", "日本語"])
    estimator = DescentRegressor().fit(frame, NUMBERS)
    save(estimator, tmp_path / "model")
    assert load(tmp_path / "model").feature_names_in_.tolist() == ["a", "b\n", "日本語"]


def test_a_loaded_estimator_can_be_fitted_again_and_cloned(tmp_path):
    from sklearn.base import clone

    save(DescentRegressor(alpha=0.5).fit(X, NUMBERS), tmp_path / "model")
    again = load(tmp_path / "model")
    assert clone(again).alpha == 0.5
    assert again.fit(X, -NUMBERS).coef_[0] < 0.0


def test_an_estimator_that_was_not_fitted_is_kept_unfitted(tmp_path):
    from sklearn.exceptions import NotFittedError

    save(DescentRegressor(), tmp_path / "model")
    with pytest.raises(NotFittedError):
        load(tmp_path / "model").predict(X)


@pytest.mark.parametrize(
    "estimator",
    [DescentRegressor(learning_rate=Constant(0.1)), DescentRegressor(random_state=RNG), object()],
)
def test_what_only_code_can_describe_is_refused(estimator, tmp_path):
    with pytest.raises(StoreError):
        save(estimator, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


GOOD = {"class": "DescentRegressor", "parameters": {}, "fitted": {}}


@pytest.mark.parametrize(
    "content",
    [
        {},
        GOOD | {"class": "Popen"},
        GOOD | {"parameters": {"nonsense": 1}},
        GOOD | {"parameters": {"alpha": ["call", "print"]}},
        GOOD | {"fitted": {"predict": ["plain", 1]}},
        GOOD | {"fitted": {"__class__": ["plain", 1]}},
        GOOD | {"fitted": {"coef_": ["array", "absent"]}},
        GOOD | {"fitted": {"classes_": ["words", [["a"], "V8"]]}},
        GOOD | {"fitted": {"coef_": ["code", "print()"]}},
        GOOD | {"fitted": {"coef_": "array"}},
        GOOD | {"fitted": {"trace_": ["trace", ["trace_", ["step"], []]]}},
    ],
)
def test_a_forged_file_is_refused(content, tmp_path):
    write(tmp_path / "model", Parcel("estimator", content))
    with pytest.raises(StoreError, match="does not hold what an estimator needs"):
        load(tmp_path / "model")


def test_a_model_of_the_command_line_is_another_kind(tmp_path):
    write(tmp_path / "model", Parcel("model", {}))
    with pytest.raises(StoreError, match="holds a model"):
        load(tmp_path / "model")
