"""PyTorch modules as scikit-learn estimators."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")

from downslope.errors import InputError  # noqa: E402
from downslope.modules.estimators import ModuleClassifier, ModuleRegressor  # noqa: E402
from downslope.settings import CLASSIFICATION, REGRESSION  # noqa: E402

torch.set_num_threads(1)  # the modules are small; threads would only wait for each other
pytestmark = pytest.mark.filterwarnings("ignore::downslope.errors.DownslopeWarning")
X, Y = load_diabetes(return_X_y=True)
X, Y = X * 20.0, Y / 100.0
IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = (IRIS - IRIS.mean(axis=0)) / IRIS.std(axis=0)


def small(n_features: int, n_outputs: int) -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, 12), torch.nn.Tanh(), torch.nn.Linear(12, n_outputs)
    )


def line(n_features: int, n_outputs: int) -> torch.nn.Module:
    return torch.nn.Linear(n_features, n_outputs)


# Classes rather than functions, whose address in a test's name differs from process to process.
class Line(torch.nn.Linear):
    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__(n_features, n_outputs)


class Small(torch.nn.Sequential):
    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__(*small(n_features, n_outputs))


@parametrize_with_checks([ModuleRegressor(Line, rule="plain", rate=0.1, max_epochs=8)])
def test_scikit_learns_contract_for_regression(estimator, check):
    check(estimator)


@parametrize_with_checks([ModuleClassifier(Small, rate=0.1, max_epochs=12)])
def test_scikit_learns_contract_for_classification(estimator, check):
    check(estimator)


@pytest.mark.parametrize("loss", REGRESSION)
def test_every_loss_learns(loss):
    model = ModuleRegressor(small, loss=loss, rate=0.02, random_state=0, batch_size=64).fit(X, Y)
    assert np.corrcoef(model.predict(X), Y)[0, 1] > 0.6


@pytest.mark.parametrize("loss", CLASSIFICATION)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_loss_classifies(loss, n_classes):
    rows = n_classes > SPECIES
    model = ModuleClassifier(small, loss=loss, rate=0.05, random_state=0, batch_size=32)
    assert model.fit(IRIS[rows], SPECIES[rows]).score(IRIS[rows], SPECIES[rows]) > 0.9


def test_a_rate_is_found_by_default():
    model = ModuleClassifier(small, max_epochs=10, batch_size=32, random_state=0)
    assert model.fit(IRIS, SPECIES).score(IRIS, SPECIES) > 0.93


def test_it_works_like_any_estimator():
    model = make_pipeline(StandardScaler(), ModuleClassifier(small, rate=0.05, random_state=0))
    assert cross_val_score(model, IRIS, SPECIES, cv=3).mean() > 0.9


def test_probabilities_weights_and_precision():
    weights = np.where(SPECIES == 2, 0.0, 1.0)
    model = ModuleClassifier(small, rate=0.05, random_state=0)
    model.fit(IRIS.astype(np.float32), SPECIES, sample_weight=weights)
    chances = model.predict_proba(IRIS)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, rtol=1e-5)
    assert chances[:, 2].max() < 0.5
    assert next(model.module_.parameters()).dtype == torch.float32
    with pytest.raises(AttributeError, match="predict_proba") as refusal:
        _ = ModuleClassifier(small, loss="hinge").predict_proba
    assert "not available for loss='hinge'" in str(refusal.value.__cause__)


def test_validation_rows_stop_the_run_and_several_targets_are_learned():
    both = np.column_stack((Y, -Y))
    model = ModuleRegressor(
        small, rate=0.05, max_epochs=300, validation_fraction=0.2, patience=5, random_state=0
    ).fit(X, both)
    assert model.reason_.name == "validation"
    assert model.score(X, both) > 0.4
    assert model.predict(X).shape == both.shape


def test_the_same_seed_gives_the_same_module_and_the_process_keeps_its_own():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    model = ModuleRegressor(small, rate=0.01, max_epochs=2, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(torch.rand(2), expected)
    twin = clone(model).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), twin.predict(X))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_one_class_is_no_problem_to_learn():
    with pytest.raises(InputError, match="one class only"):
        ModuleClassifier(small).fit(X, np.zeros(len(Y), int))
