"""Estimators: scikit-learn's contract, the published numbers, and answers that are never silent."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import automobiles
from scipy import sparse
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from downslope.errors import DownslopeWarning, InputError, PairError, SettingError, StoreError
from downslope.estimators import DescentClassifier, DescentRegressor
from downslope.rates import Constant
from downslope.rules import Momentum
from downslope.settings import CLASSIFICATION, REGRESSION

X, Y = load_diabetes(return_X_y=True)
IRIS, SPECIES = load_iris(return_X_y=True)


@parametrize_with_checks([DescentRegressor(), DescentClassifier()])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


def cars():
    columns, price = automobiles()
    return train_test_split(columns, price, test_size=0.25, random_state=42)


def test_defaults_reach_least_squares_on_raw_columns():
    X_train, X_test, y_train, y_test = cars()
    model = DescentRegressor().fit(X_train, y_train)
    exact = LinearRegression().fit(X_train, y_train)
    assert round(exact.score(X_test, y_test), 3) == 0.793
    assert model.score(X_test, y_test) == pytest.approx(exact.score(X_test, y_test), abs=5e-5)
    assert model.reason_.converged


@pytest.mark.parametrize("random_state", range(5))
def test_stochastic_descent_with_a_falling_rate_comes_close(random_state):
    X_train, X_test, y_train, y_test = cars()
    model = DescentRegressor(
        learning_rate="invscaling", eta0=0.01, max_iter=50, tol=None, random_state=random_state
    ).fit(X_train, y_train)
    assert 0.79 <= round(model.score(X_test, y_test), 2) <= 0.80


def test_divergence_is_said_with_the_rate_and_its_limit():
    X_train, X_test, y_train, _ = cars()
    model = DescentRegressor("mse", learning_rate=0.3)
    with pytest.warns(DownslopeWarning, match=r"learning rate 0.3; the largest stable rate .* 0.2"):
        model.fit(X_train, y_train)
    assert model.reason_.name == "diverged"
    assert np.isfinite(model.predict(X_test)).all()


def test_an_unfinished_fit_warns_in_scikit_learns_class_too():
    with pytest.warns(ConvergenceWarning, match="after 3 passes over the rows, the cap"):
        DescentRegressor(learning_rate=0.01, max_iter=3).fit(X, Y)


def test_a_number_of_steps_asked_for_is_no_failure():
    model = DescentRegressor(learning_rate=0.01, max_iter=3, tol=None).fit(X, Y)
    assert (model.n_iter_, model.t_, len(model.history_)) == (3, 4.0, 4)


def test_explicit_settings_are_the_textbooks_steps():
    columns, price = automobiles(("engine_size",))
    target = (price - price.mean()) / price.std()
    model = DescentRegressor(
        "mse", rule="plain", learning_rate=0.1, batch_size=None, max_iter=60, tol=None
    ).fit(columns, target)
    deviation = columns.std()
    assert round(model.history_.weights[1, 0] * deviation, 3) == 0.168
    assert [round(v, 3) for v in model.history_["value"][:2]] == [1.0, 0.745]
    assert round(model.coef_[0] * deviation, 3) == 0.841
    assert round(model.history_["value"][-1], 4) == 0.2919


def test_history_ends_where_the_model_stands():
    model = DescentRegressor(learning_rate="armijo", max_iter=50, tol=None).fit(X, Y)
    last = model.history_.weights[-1]
    np.testing.assert_allclose(last[:-1], model.coef_)
    np.testing.assert_allclose(last[-1], model.intercept_[0])


def test_names_of_columns_reach_the_trace():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:, :2], columns=["age", "sex"])
    model = DescentRegressor(learning_rate=0.1, max_iter=2, tol=None).fit(frame, Y)
    assert model.history_.weight_names() == ("w[age]", "w[sex]", "w[intercept]")


SETTINGS = [
    {},
    {"rule": "momentum"},
    {"rule": Momentum(0.8), "learning_rate": Constant(0.05)},
    {"rule": "adam"},
    {"learning_rate": "armijo"},
    {"batch_size": 32, "learning_rate": 0.02, "max_iter": 400, "average": 2000, "tol": None},
]


@pytest.mark.parametrize("chosen", SETTINGS, ids=str)
def test_many_ways_lead_to_least_squares(chosen):
    model = DescentRegressor(random_state=0, **({"max_iter": 20_000} | chosen)).fit(X, Y)
    exact = LinearRegression().fit(X, Y)
    assert model.score(X, Y) == pytest.approx(exact.score(X, Y), abs=2e-3)


def test_ridge_on_raw_columns_is_scikit_learns():
    scaled = StandardScaler().fit_transform(X)
    alpha = 0.05
    ours = DescentRegressor(alpha=alpha, scaling="none").fit(scaled, Y)
    ridge = Ridge(alpha=alpha * len(Y)).fit(scaled, Y)
    np.testing.assert_allclose(ours.coef_, ridge.coef_, rtol=1e-6)


def test_a_penalty_does_not_see_the_unit_of_a_column():
    units = np.geomspace(1e-3, 1e3, X.shape[1])
    model = DescentRegressor(alpha=0.1).fit(X, Y)
    other = DescentRegressor(alpha=0.1).fit(X * units, Y)
    np.testing.assert_allclose(other.coef_ * units, model.coef_, rtol=1e-6)


@pytest.mark.parametrize("loss", REGRESSION)
def test_every_regression_loss_learns(loss):
    model = DescentRegressor(loss, alpha=1e-3, epsilon=1.0)
    positive = Y / 100.0
    with_warning = DescentRegressor().fit(X, positive).score(X, positive)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DownslopeWarning)  # corners do not converge to a gradient
        model.fit(X, positive)
    assert np.isfinite(model.coef_).all()
    assert model.score(X, positive) > with_warning - 0.1


@pytest.mark.parametrize("loss", CLASSIFICATION)
@pytest.mark.parametrize("classes", [2, 3])
def test_every_classification_loss_learns(loss, classes):
    rows = classes > SPECIES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DownslopeWarning)
        model = DescentClassifier(loss, alpha=1e-3, max_iter=300).fit(IRIS[rows], SPECIES[rows])
    assert model.score(IRIS[rows], SPECIES[rows]) > 0.6  # absolute errors side with the majority
    shape = (classes if classes > 2 else 1, 4)
    assert model.coef_.shape == shape


def test_softmax_is_scikit_learns_logistic_regression():
    scaled = StandardScaler().fit_transform(IRIS)
    alpha = 0.01
    ours = DescentClassifier(alpha=alpha).fit(scaled, SPECIES)
    theirs = LogisticRegression(C=1 / (alpha * len(SPECIES)), tol=1e-10, max_iter=1000)
    theirs.fit(scaled, SPECIES)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(ours.predict_proba(scaled), theirs.predict_proba(scaled), atol=1e-4)


def test_breast_cancer_on_raw_columns():
    data, target = load_breast_cancer(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(data, target, random_state=0)
    model = DescentClassifier(alpha=1e-2).fit(X_train, y_train)
    assert model.score(X_test, y_test) > 0.95


@pytest.mark.parametrize("index_type", [np.int32, np.int64])
@pytest.mark.parametrize("batch_size", [None, 8])
def test_sparse_rows_give_the_same_model(index_type, batch_size):
    dense = np.where(X > 0.02, X, 0.0)
    rows = sparse.csr_array(dense)
    rows.indices, rows.indptr = rows.indices.astype(index_type), rows.indptr.astype(index_type)
    options = {"learning_rate": 0.05, "batch_size": batch_size, "max_iter": 5, "tol": None}
    if batch_size is not None:
        options |= {"scaling": "none"}
    ours = [DescentRegressor(random_state=0, **options).fit(A, Y) for A in (dense, rows)]
    np.testing.assert_allclose(ours[0].coef_, ours[1].coef_, rtol=1e-9)
    np.testing.assert_allclose(ours[0].predict(dense), ours[1].predict(rows), rtol=1e-9)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_weights_are_repeats(seed):
    rng = np.random.default_rng(seed)
    repeats = rng.integers(0, 4, size=60)
    repeats[:2] = 1
    A, b = rng.normal(size=(60, 3)) * [1.0, 10.0, 100.0], rng.normal(size=60)
    weighted = DescentRegressor().fit(A, b, sample_weight=repeats)
    repeated = DescentRegressor().fit(np.repeat(A, repeats, axis=0), np.repeat(b, repeats))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-5, atol=1e-8)


def test_balanced_classes_count_the_same():
    kept = np.concatenate((np.arange(50, 100), np.arange(100, 110)))
    A, b = IRIS[kept], SPECIES[kept]
    balanced = DescentClassifier(class_weight="balanced", alpha=0.01).fit(A, b)
    by_hand = DescentClassifier(class_weight={1: 0.6, 2: 3.0}, alpha=0.01).fit(A, b)
    np.testing.assert_allclose(balanced.coef_, by_hand.coef_, rtol=1e-6)


def test_early_stopping_keeps_the_best_weights_on_held_out_rows():
    model = DescentRegressor(
        early_stopping=True, learning_rate=0.1, random_state=0, n_iter_no_change=3
    ).fit(X, Y)
    seen = model.history_["validation"]
    assert model.reason_.name == "validation"
    best = np.nanargmin(seen)
    np.testing.assert_allclose(model.history_.weights[best][:-1], model.coef_)


def test_validation_rows_of_the_users_own():
    X_train, X_test, y_train, y_test = train_test_split(X, Y, random_state=0)
    model = DescentRegressor(learning_rate=0.05).fit(X_train, y_train, X_val=X_test, y_val=y_test)
    lowest = np.nanmin(model.history_["validation"])
    mse = np.mean((model.predict(X_test) - y_test) ** 2)
    assert lowest == pytest.approx(mse / 2)
    with pytest.raises(InputError, match="belong together"):
        model.fit(X, Y, X_val=X)


def test_warm_start_goes_on():
    model = DescentRegressor(learning_rate=0.05, max_iter=5, tol=None, warm_start=True).fit(X, Y)
    first = model.history_["value"][-1]
    model.fit(X, Y)
    assert model.history_["value"][0] == pytest.approx(first)


def test_parts_of_a_table_are_learned_in_turn():
    model = DescentRegressor(random_state=0, batch_size=8, average=20)
    for _ in range(40):
        for part in np.array_split(np.random.default_rng(0).permutation(len(Y)), 4):
            model.partial_fit(X[part], Y[part])
    assert model.score(X, Y) > LinearRegression().fit(X, Y).score(X, Y) - 0.02
    assert model.n_iter_ == 160
    assert model.history_["epoch"][-1] == 160


def test_the_same_numbers_for_the_same_random_state():
    fits = [DescentRegressor(batch_size=16, max_iter=3, tol=None, random_state=7) for _ in "ab"]
    assert (fits[0].fit(X, Y).coef_ == fits[1].fit(X, Y).coef_).all()
    other = DescentRegressor(batch_size=16, max_iter=3, tol=None, random_state=8).fit(X, Y)
    assert (other.coef_ != fits[0].coef_).any()


class Watcher:
    """A callback of scikit-learn's protocol that stops after two epochs."""

    def __init__(self):
        self.scores = []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.scores.append((context.task_name, fitted_estimator.score(X, y)))
        return len(self.scores) == 2


@pytest.mark.parametrize("batch_size", [None, 8])
def test_callbacks_see_every_epoch_and_may_stop(batch_size):
    watcher = Watcher()
    model = DescentRegressor(learning_rate=0.05, batch_size=batch_size).set_callbacks(watcher)
    model.fit(X, Y)
    assert [name for name, _ in watcher.scores] == ["epoch", "epoch", "fit"]
    assert watcher.scores[0][1] != watcher.scores[1][1] == watcher.scores[2][1]
    assert model.reason_.name == "interrupted"


@pytest.mark.parametrize("batch_size", [None, 8])
def test_the_callbacks_that_scikit_learn_ships(batch_size, capsys):
    monitor = ScoringMonitor(scoring="r2")
    model = DescentRegressor(learning_rate=0.01, batch_size=batch_size, max_iter=4, tol=None)
    model.set_callbacks(ProgressBar(), monitor).fit(X, Y)
    log = monitor.get_logs()
    epochs = [entry["r2"] for entry in log.data if entry["task_name"] == "epoch"]
    assert len(epochs) == 4
    assert epochs[-1] == pytest.approx(model.score(X, Y), abs=1e-12)
    assert "100%" in capsys.readouterr().out


def test_models_travel():
    model = DescentClassifier(learning_rate=0.1, max_iter=10, tol=None).fit(IRIS, SPECIES)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert (other.predict_proba(IRIS) == model.predict_proba(IRIS)).all()
        assert len(other.history_) == len(model.history_)
    assert len(pickle.dumps(model)) < 20_000, "the rows stay at home"
    assert clone(model).get_params() == model.get_params()


def test_a_model_of_many_rows_keeps_a_sample_of_them():
    A = np.random.default_rng(0).normal(size=(50_000, 50))
    model = DescentRegressor(learning_rate=0.1, max_iter=2, tol=None).fit(A, A[:, 0])
    assert model._trained.rows.n_rows == 40_000
    assert "on course" in str(model.diagnosis_)


def test_in_a_pipeline_and_a_search():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), DescentRegressor()),
        {"descentregressor__alpha": [0.0, 0.1]},
        cv=3,
    ).fit(X, Y)
    assert search.best_score_ > 0.4


REFUSED = [
    ({"rule": "sgd"}, SettingError, "rule='sgd' is unknown; choose one of auto, plain"),
    ({"scaling": "minmax"}, SettingError, "scaling='minmax' is unknown"),
    ({"batch_size": 0}, SettingError, "batch_size=0 must be a whole number above 0"),
    ({"batch_size": "some"}, SettingError, "batch_size='some' must be"),
    ({"learning_rate": "fast"}, SettingError, "learning_rate='fast' is unknown"),
    ({"learning_rate": -0.1}, SettingError, "learning rate=-0.1 must be a finite number above 0"),
    ({"learning_rate": "optimal"}, SettingError, "alpha=0.0 must be above 0"),
    ({"learning_rate": "armijo", "batch_size": 8}, PairError, "compares values of the whole loss"),
    ({"rule": "adam", "penalty": "l1", "alpha": 0.1}, PairError, "needs one length for all"),
    ({"loss": "log_loss"}, ValueError, "'loss' parameter of DescentRegressor must be"),
    ({"max_iter": 0}, ValueError, "'max_iter' parameter"),
]


@pytest.mark.parametrize(("wrong", "error", "sentence"), REFUSED, ids=lambda x: str(x)[:40])
def test_wrong_settings_are_refused_in_a_sentence(wrong, error, sentence):
    with pytest.raises(error, match=sentence.replace("(", r"\(")):
        DescentRegressor(**wrong).fit(X, Y)


def test_wrong_targets_are_refused_in_a_sentence():
    with pytest.raises(InputError, match="needs targets 0 or more, but row 0 has -1"):
        DescentRegressor("poisson").fit(X[:2], [-1.0, 2.0])
    with pytest.raises(InputError, match="needs targets above 0, but row 1 has 0"):
        DescentRegressor("gamma").fit(X[:2], [1.0, 0.0])
    with pytest.raises(InputError, match="one class only"):
        DescentClassifier().fit(X[:2], [1, 1])
    with pytest.raises(SettingError, match=r"names \['c'\], which are not among"):
        DescentClassifier(class_weight={"c": 2.0}).fit(X[:2], ["a", "b"])
    with pytest.raises(ValueError, match="All weights are zero"):
        DescentRegressor().fit(X, Y, sample_weight=np.zeros(len(Y)))
    with pytest.raises(InputError, match="The first partial_fit needs classes"):
        DescentClassifier().partial_fit(X[:2], [0, 1])
    begun = DescentClassifier().partial_fit(X[:2], [0, 1], classes=[0, 1])
    with pytest.raises(InputError, match="not the same as in the first call"):
        begun.partial_fit(X[:2], [0, 1], classes=[0, 1, 2])
    with pytest.raises(PairError, match="partial_fit sees a part"):
        DescentClassifier(class_weight="balanced").partial_fit(X[:2], [0, 1], classes=[0, 1])
    with pytest.raises(InputError, match="none of the classes"):
        DescentClassifier().partial_fit(X[:2], [0, 5], classes=[0, 1])


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "huber"},
        {"batch_size": 20, "learning_rate": 0.05},
        {"learning_rate": "armijo", "max_iter": 50, "tol": None},
    ],
    ids=["round bowl", "batches", "all rows"],
)
def test_a_checkpoint_is_gone_on_from_to_the_same_bits(settings, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    kept = settings | {"checkpoint": tmp_path / "kept", "every": 0.0}
    whole = DescentRegressor(**kept).fit(X, y)
    files = sorted((tmp_path / "kept").glob("*.ckpt"))
    assert files
    if len(files) > 1:
        files[-1].unlink()
    with pytest.raises(StoreError, match="already holds a checkpoint"):
        DescentRegressor(**kept).fit(X, y)
    again = clone(DescentRegressor(**kept, resume=True)).fit(X, y)
    np.testing.assert_array_equal(again.coef_, whole.coef_)
    with pytest.raises(StoreError, match="other data or other settings"):
        DescentRegressor(**kept, resume=True).fit(X, y + 1.0)


@pytest.mark.parametrize("setting", [{"device": "cpu"}, {"checkpoint": "nowhere"}])
def test_fits_in_parts_have_no_device_and_no_checkpoint(setting):
    with pytest.raises(PairError, match="are for fit"):
        DescentRegressor(**setting).partial_fit(np.eye(3), np.arange(3.0))


WARM = [
    (DescentRegressor, {"loss": "huber"}),
    (DescentRegressor, {"loss": "poisson"}),
    (DescentRegressor, {"penalty": "l1", "alpha": 0.1}),
    (DescentRegressor, {"loss": "absolute_error"}),
    (DescentRegressor, {"loss": "squared_error", "scaling": "none"}),
    (DescentClassifier, {}),
    (DescentClassifier, {"loss": "squared_hinge"}),
    (DescentClassifier, {"penalty": "elasticnet", "alpha": 0.01}),
]


@pytest.mark.parametrize(("kind", "settings"), WARM, ids=str)
def test_a_fit_without_a_rate_starts_where_the_last_one_ended(kind, settings):
    """Or as always, where that is no good; it ends at the same place."""
    X = np.random.default_rng(0).normal(size=(300, 4)) * [1.0, 1e3, 1e-3, 1.0] + [0, 0, 0, 1e7]
    y = np.abs(X[:, 0]) + X[:, 1] / 1e4
    y = np.digitize(y, [0.5, 1.0]) if kind is DescentClassifier else np.abs(y)
    model = kind(warm_start=True, random_state=0, **settings).fit(X, y)
    first, passes = model.coef_.copy(), model.n_iter_
    model.fit(X, y)
    np.testing.assert_allclose(model.coef_, first, rtol=1e-6, atol=1e-9 * np.abs(first).max())
    if settings.get("loss") not in ("absolute_error", "squared_error"):
        assert model.n_iter_ <= max(5, 0.6 * passes)
    model.coef_, model.intercept_ = 1e6 * model.coef_ - 1e3, model.intercept_ - 1e3
    model.fit(X, y)
    np.testing.assert_allclose(model.coef_, first, rtol=1e-6, atol=1e-9 * np.abs(first).max())


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
@pytest.mark.parametrize("columns", [3, 3000])
def test_a_penalty_that_leaves_no_weight_leaves_a_trace_to_read(loss, columns):
    X = np.random.default_rng(0).normal(size=(50, columns))
    model = DescentRegressor(loss, penalty="l1", alpha=1e6).fit(X, X[:, 0])
    assert not model.coef_.any()
    assert len(model.history_) >= 1
    assert model.diagnosis_.verdict == "converged"
