"""Network estimators: scikit-learn's contract, real data, and answers that are never silent."""

import copy
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import shared
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from downslope import NetworkClassifier, NetworkRegressor
from downslope.descend import Result
from downslope.errors import DownslopeWarning, InputError, PairError, SettingError
from downslope.kernels import team
from downslope.losses import make_loss
from downslope.networks import network as network_file
from downslope.networks.choices import choose_batch_size, choose_epochs
from downslope.networks.network import Network
from downslope.networks.readers import LateMean
from downslope.networks.scales import Scales, carried, column_scales, target_scales
from downslope.networks.training import NetworkSettings, train_network
from downslope.rates import RATES, Armijo, Constant
from downslope.rules import RULES, Momentum
from downslope.scaling import standardize
from downslope.settings import CLASSIFICATION, RATE_NAMES, REGRESSION
from downslope.sources.blocks import BlockRows
from downslope.sources.memory import MemoryRows, Rows
from downslope.stopping import Reason, Sight
from downslope.trials import try_rates

pytestmark = pytest.mark.filterwarnings("ignore::downslope.errors.DownslopeWarning")
X, Y = load_diabetes(return_X_y=True)
IRIS, SPECIES = load_iris(return_X_y=True)
QUICK = {"hidden_layer_sizes": (12,), "max_iter": 60, "random_state": 0}
QUICKER = QUICK | {"max_iter": 3, "learning_rate": 0.01}


@parametrize_with_checks([NetworkRegressor((16,), max_iter=100)])
def test_scikit_learns_contract_for_regression(estimator, check):
    check(estimator)


@parametrize_with_checks([NetworkClassifier((16,), max_iter=60)])
def test_scikit_learns_contract_for_classification(estimator, check):
    check(estimator)


def digits():
    return train_test_split(*load_digits(return_X_y=True), random_state=0)


def test_defaults_read_digits_as_well_as_scikit_learns_do_at_equal_epochs():
    X_train, X_test, y_train, y_test = digits()
    ours = NetworkClassifier((40,), max_iter=15, random_state=0).fit(X_train, y_train)
    theirs = MLPClassifier((40,), max_iter=15, random_state=0)
    with pytest.warns(ConvergenceWarning):
        theirs.fit(X_train / 16.0, y_train)
    assert ours.score(X_test, y_test) >= max(0.97, theirs.score(X_test / 16.0, y_test))
    assert "trial steps from one start" in ours.learning_rate_reason_


def test_a_curve_that_no_line_follows():
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(shared("tables/housing.csv")).dropna().iloc[::4]
    y = table.pop("median_house_value").to_numpy(float)
    X = pandas.get_dummies(table).to_numpy(float)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = NetworkRegressor((30,), max_iter=15, random_state=0).fit(X_train, y_train)
    assert model.score(X_test, y_test) > 0.69  # least squares: 0.64


def test_layers_in_the_users_units_predict_by_hand():
    model = NetworkRegressor(**QUICK).fit(X, Y)
    (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
    by_hand = np.maximum(X @ W1 + b1, 0.0) @ W2 + b2
    np.testing.assert_allclose(model.predict(X), by_hand[:, 0], rtol=1e-9)
    assert (model.n_layers_, model.n_outputs_) == (3, 1)


def test_units_of_columns_and_target_do_not_matter():
    model = NetworkRegressor(**QUICK).fit(X, Y)
    other = NetworkRegressor(**QUICK).fit(1000.0 * X + 7.0, 50.0 * Y - 3.0)
    np.testing.assert_allclose(
        other.predict(1000.0 * X + 7.0), 50.0 * model.predict(X) - 3.0, rtol=1e-5
    )


@pytest.mark.parametrize("loss", REGRESSION)
def test_every_loss_learns(loss):
    model = NetworkRegressor(loss=loss, **QUICK).fit(X, Y)
    values = model.history_["value"]
    assert model.reason_.name == "max_epochs"
    assert values[-14:].mean() < values[:14].mean()
    prediction = model.predict(X)
    assert np.isfinite(prediction).all()
    assert np.corrcoef(prediction, Y)[0, 1] > 0.6


@pytest.mark.parametrize("loss", CLASSIFICATION)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_loss_classifies(loss, n_classes):
    rows = n_classes > SPECIES
    flowers, names = IRIS[rows], np.array(["a", "b", "c"])[SPECIES[rows]]
    model = NetworkClassifier(loss=loss, **QUICK).fit(flowers, names)
    assert model.score(flowers, names) > 0.9
    assert model.decision_function(flowers).shape == ((100,) if n_classes == 2 else (150, 3))


@pytest.mark.parametrize("rule", [name for name in RULES if name != "lbfgs"])
def test_every_rule_finds_its_rate(rule):
    model = NetworkClassifier(rule=rule, **QUICK).fit(IRIS, SPECIES)
    assert model.reason_.name == "max_epochs"
    assert model.score(IRIS, SPECIES) > 0.9


@pytest.mark.parametrize("rate", [name for name in RATE_NAMES if name != "auto"])
def test_every_rate_by_name(rate):
    batch_size = "full" if RATES[rate].needs != "anything" else 32
    model = NetworkClassifier(learning_rate=rate, rule="plain", batch_size=batch_size, **QUICK).fit(
        IRIS, SPECIES
    )
    assert model.history_["value"][-1] < model.history_["value"][0]


def test_a_number_is_a_constant_rate_and_a_rate_or_rule_of_your_own_is_used():
    model = NetworkRegressor(**QUICKER).fit(X, Y)
    np.testing.assert_array_equal(model.history_["rate"], 0.01)
    model = NetworkRegressor(**QUICKER | {"rule": Momentum(0.5), "learning_rate": Constant(0.02)})
    np.testing.assert_array_equal(model.fit(X, Y).history_["rate"], 0.02)
    model = NetworkRegressor(
        **QUICKER | {"rule": "plain", "learning_rate": Armijo(), "batch_size": "full"}
    ).fit(X, Y)
    assert (np.diff(model.history_["value"]) < 0.0).all()


def test_early_stopping_keeps_the_weights_of_the_best_epoch():
    model = NetworkRegressor(
        (60,), early_stopping=True, max_iter=400, learning_rate=0.02, random_state=0
    ).fit(X, Y)
    assert model.reason_.name == "validation"
    assert model.n_iter_ < 400
    X_train, X_val, y_train, y_val = train_test_split(X, Y, random_state=0)
    model = NetworkRegressor((60,), learning_rate=0.02, max_iter=60, random_state=0)
    model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    error = 0.5 * np.mean((model.predict(X_val) - y_val) ** 2) / y_train.var()
    assert error == pytest.approx(np.nanmin(model.history_["validation"]), rel=1e-9)


def test_history_holds_every_layers_gradient_and_update():
    model = NetworkRegressor((12, 5), max_iter=7, random_state=0).fit(X, Y)
    history = model.history_
    per_epoch = -(-len(Y) // 32)
    assert len(history) == 7 * per_epoch + 1
    starts = np.arange(0, len(history), per_epoch)
    for i in range(3):
        norms = history[f"gradient_norm[{i}]"]
        np.testing.assert_array_equal(np.flatnonzero(~np.isnan(norms)), starts)
        ratios = history[f"update_ratio[{i}]"]
        np.testing.assert_array_equal(np.flatnonzero(~np.isnan(ratios)), starts[:-1])
        assert (ratios[starts[:-1]] > 0.0).all()
    whole = np.sqrt(sum(history[f"gradient_norm[{i}]"][starts] ** 2 for i in range(3)))
    np.testing.assert_allclose(whole, history["gradient_norm"][starts], rtol=1e-9)


def test_several_targets_are_learned_together():
    both = np.column_stack((Y, -2.0 * Y + 5.0))
    model = NetworkRegressor(**QUICK).fit(X, both)
    prediction = model.predict(X)
    assert prediction.shape == both.shape
    assert model.score(X, both) > 0.4
    np.testing.assert_allclose(model.predict(X[:3]), prediction[:3], rtol=1e-9)


def test_a_table_of_yes_and_no():
    table = np.column_stack((SPECIES == 0, SPECIES >= 1, SPECIES == 2)).astype(int)
    model = NetworkClassifier(**QUICK).fit(IRIS, table)
    assert (model.predict(IRIS) == table).mean() > 0.97
    assert model.predict_proba(IRIS).shape == table.shape
    with pytest.raises(PairError, match="table of 0 and 1"):
        NetworkClassifier(class_weight="balanced", **QUICK).fit(IRIS, table)


def test_sparse_rows_are_never_filled_and_give_the_same_model():
    few = np.where(np.random.default_rng(0).random(X.shape) < 0.3, X, 0.0)
    dense = NetworkRegressor(**QUICKER, scaling="none").fit(few, Y)
    for kind in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array):
        thin = NetworkRegressor(**QUICKER, scaling="none").fit(kind(few), Y)
        np.testing.assert_allclose(thin.predict(kind(few)), dense.predict(few), rtol=1e-9)
    assert NetworkRegressor(**QUICK).fit(sparse.csr_array(few), Y).score(few, Y) > 0.2


def test_weights_of_zero_drop_rows_and_balanced_classes_count_the_same():
    weights = np.where(SPECIES == 2, 0.0, 1.0)
    a = NetworkClassifier(**QUICK).fit(IRIS, SPECIES, sample_weight=weights)
    assert set(a.predict(IRIS)) == {0, 1}
    rare = np.r_[0:50, 50:55]
    plain, even = (
        NetworkClassifier(class_weight=w, **QUICK | {"alpha": 0.5}).fit(IRIS[rare], SPECIES[rare])
        for w in (None, "balanced")
    )
    by_hand = np.where(SPECIES[rare] == 0, 55 / 100, 55 / 10)
    same = NetworkClassifier(**QUICK | {"alpha": 0.5}).fit(
        IRIS[rare], SPECIES[rare], sample_weight=by_hand
    )
    np.testing.assert_allclose(
        even.predict_proba(IRIS), same.predict_proba(IRIS), rtol=1e-6, atol=1e-9
    )
    assert even.predict_proba(IRIS)[:, 1].mean() > plain.predict_proba(IRIS)[:, 1].mean()


def test_parts_add_up_to_a_model():
    model = NetworkClassifier((12,), random_state=0)
    random = np.random.default_rng(0)
    for _ in range(25):
        rows = random.choice(150, 40, replace=False)
        model.partial_fit(IRIS[rows], SPECIES[rows], classes=[0, 1, 2])
    assert model.score(IRIS, SPECIES) > 0.93
    assert model.n_iter_ == 25
    with pytest.raises(InputError, match="none of the classes"):
        model.partial_fit(IRIS[:2], [0, 9])
    with pytest.raises(InputError, match="not the same"):
        model.partial_fit(IRIS, SPECIES, classes=[0, 1])
    with pytest.raises(InputError, match="needs classes"):
        NetworkClassifier().partial_fit(IRIS, SPECIES)
    with pytest.raises(PairError, match="early_stopping"):
        NetworkClassifier(early_stopping=True).partial_fit(IRIS, SPECIES, classes=[0, 1, 2])


def test_a_warm_start_goes_on_and_needs_the_same_layers():
    model = NetworkRegressor(**QUICK, warm_start=True).fit(X, Y)
    before = model.history_["value"]
    again = model.fit(X[50:], Y[50:]).history_["value"]
    assert again[:10].mean() == pytest.approx(before[-10:].mean(), rel=0.2)
    assert again[:10].mean() < before[:10].mean() / 2.0
    with pytest.raises(PairError, match=r"10 x 12 x 1.*10 x 5 x 1"):
        model.set_params(hidden_layer_sizes=(5,)).fit(X, Y)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_predictions_have_the_precision_of_the_rows(kind):
    model = NetworkRegressor(**QUICK).fit(X.astype(kind), Y.astype(kind))
    assert model._trained.network.source.X.dtype == kind
    assert model.score(X, Y) > 0.4


def test_the_same_seed_gives_the_same_model_and_pickles_hold_no_rows():
    model = NetworkRegressor(**QUICK, dropout=0.2).fit(X, Y)
    twin = clone(model).fit(X, Y)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    stored = pickle.dumps(model)
    assert X.tobytes()[:400] not in stored
    for copied in (pickle.loads(stored), copy.deepcopy(model)):
        np.testing.assert_array_equal(copied.predict(X), model.predict(X))


def test_the_number_of_threads_changes_no_digit(monkeypatch):
    monkeypatch.setattr(network_file, "PART_WORK", 2_000)
    fits = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(team, "n_threads", lambda threads=threads: threads)
        fits.append(NetworkRegressor(**QUICKER).fit(X, Y).predict(X))
    np.testing.assert_array_equal(fits[1], fits[0])
    np.testing.assert_array_equal(fits[2], fits[0])


def test_a_rate_that_is_too_large_is_said_and_the_model_stays_finite():
    model = NetworkRegressor(**QUICK | {"rule": "plain", "learning_rate": 1e3})
    with pytest.warns(DownslopeWarning, match=r"Diverged at step .* learning rate 1000"):
        model.fit(X, Y)
    assert np.isfinite(model.predict(X)).all()


def test_a_run_is_diagnosed_from_its_rows_and_from_its_history_alone():
    crawl = NetworkRegressor(
        **QUICK | {"rule": "plain", "learning_rate": 1e-5, "tol": None, "batch_size": "full"}
    ).fit(X, Y)
    assert crawl.diagnosis_.verdict == "crawling"
    assert crawl.diagnosis_.curvature is not None
    assert pickle.loads(pickle.dumps(crawl)).diagnosis_.findings
    wild = NetworkRegressor(**QUICK | {"rule": "plain", "learning_rate": 1e3}).fit(X, Y)
    assert wild.diagnosis_.verdict == "divergence"


def test_an_unfinished_fit_warns_and_a_planned_end_does_not(recwarn):
    NetworkRegressor(**QUICKER, tol=None).fit(X, Y)
    NetworkRegressor((5,), max_iter=2, random_state=0).fit(X, Y)
    assert not recwarn
    with pytest.warns(ConvergenceWarning, match="3 passes"):
        NetworkRegressor(**QUICKER).fit(X, Y)


def test_it_searches_like_any_estimator():
    search = GridSearchCV(NetworkClassifier(**QUICKER), {"alpha": [1e-3, 1.0]}, cv=2)
    assert search.fit(IRIS, SPECIES).best_score_ > 0.5


def test_verbose_prints_a_line_per_pass(capsys):
    NetworkRegressor(**QUICKER, verbose=1).fit(X, Y)
    assert capsys.readouterr().out.count("mean value") == 3


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"penalty": "l1", "alpha": 0.1}, PairError, "L1"),
        ({"rule": "adamm"}, SettingError, "adamm"),
        ({"scaling": "log"}, SettingError, "log"),
        ({"batch_size": 0}, SettingError, "batch_size=0"),
        ({"learning_rate": "fast"}, SettingError, "fast"),
        ({"learning_rate": "armijo"}, PairError, "uphill|batch_size"),
        ({"loss": "gamma"}, InputError, "above 0"),
    ],
)
def test_what_cannot_be_right_is_refused_in_a_sentence(settings, error, words):
    with pytest.raises(error, match=words):
        NetworkRegressor(**QUICK | settings).fit(X, Y - 100.0)


def test_one_class_is_no_problem_to_learn():
    with pytest.raises(InputError, match="one class only"):
        NetworkClassifier().fit(X, np.zeros(len(Y), int))


def blocks(n_parts: int = 5) -> BlockRows:
    cuts = np.linspace(0, len(Y), n_parts + 1).astype(int)

    def read(i):
        part = slice(cuts[i], cuts[i + 1])
        yield Rows(X[part], Y[part], None)

    return BlockRows(read, n_parts, len(Y), X.shape[1])


def test_rows_in_files_train_the_same_network():
    settings = NetworkSettings(
        make_loss("squared_error"), hidden=(8,), batch_size=None, max_iter=20, learning_rate=0.01
    )
    memory, streamed = (train_network(rows, settings) for rows in (MemoryRows(X, Y), blocks()))
    np.testing.assert_allclose(streamed.w, memory.w, rtol=1e-6, atol=1e-9)
    batches = train_network(
        blocks(), NetworkSettings(make_loss("huber"), hidden=(8,), batch_size=32, max_iter=20)
    )
    prediction = batches.raw_prediction(X)
    assert np.corrcoef(prediction, Y)[0, 1] > 0.7


def test_dask_collections_train_the_same_network():
    array = pytest.importorskip("dask.array", reason="Dask is not installed (extra: cluster)")
    from downslope.sources.dask import dask_rows

    settings = NetworkSettings(
        make_loss("squared_error"), hidden=(8,), batch_size=None, max_iter=5, learning_rate=0.01
    )
    rows = dask_rows(array.from_array(X, chunks=(100, -1)), array.from_array(Y, chunks=100))
    memory, remote = (train_network(r, settings) for r in (MemoryRows(X, Y), rows))
    np.testing.assert_allclose(remote.w, memory.w, rtol=1e-6, atol=1e-9)


def test_estimators_take_dask_collections():
    array = pytest.importorskip("dask.array", reason="Dask is not installed (extra: cluster)")
    settings = QUICKER | {"batch_size": "full", "max_iter": 20, "alpha": 0.01}
    weights = np.linspace(0.5, 2.0, 150)
    names = np.array(["a", "b", "c"])[SPECIES]
    here = NetworkClassifier(class_weight="balanced", **settings)
    there = clone(here).fit(
        array.from_array(IRIS, chunks=(40, -1)),
        array.from_array(names, chunks=40),
        array.from_array(weights, chunks=40),
        X_val=IRIS,
        y_val=names,
    )
    here.fit(IRIS, names, weights, X_val=IRIS, y_val=names)
    np.testing.assert_allclose(there.predict_proba(IRIS), here.predict_proba(IRIS), rtol=1e-6)
    assert list(there.classes_) == ["a", "b", "c"]
    assert there.diagnosis_.findings
    rows = array.from_array(X, chunks=(100, -1)), array.from_array(Y, chunks=100)
    assert NetworkRegressor(**QUICK).fit(*rows).score(X, Y) > 0.4
    with pytest.raises(PairError, match="hand in X_val"):
        NetworkRegressor(early_stopping=True).fit(*rows)


def test_weights_carried_to_another_scale_are_the_same_function():
    random = np.random.default_rng(0)
    rows, loss = MemoryRows(X, Y), make_loss("squared_error")
    old = Scales(column_scales(rows), target_scales(rows, loss))
    moved = MemoryRows(3.0 * X[:50] - 2.0, 5.0 * Y[:50] + 1.0)
    new = Scales(column_scales(moved), target_scales(moved, loss))
    network = Network(rows, loss, hidden=(6, 4))
    w = random.normal(size=network.size)
    then = carried(w, network, old, network, new)
    before = old.undo(network.raw_prediction(w, old.columns.apply(X)))
    after = new.undo(network.raw_prediction(then, new.columns.apply(X)))
    np.testing.assert_allclose(after, before, rtol=1e-9)


def test_no_column_lies_further_than_four_deviations():
    rare = np.zeros((500, 2))
    rare[3, 0] = rare[4, 1] = 1e6
    for table in (rare, sparse.csr_array(rare)):
        scaled = column_scales(MemoryRows(table, np.zeros(500))).apply(table)
        assert abs(scaled).max() == pytest.approx(4.0)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_few_large_sums_do_not_press_the_usual_ones_together(kind):
    random = np.random.default_rng(0)
    shares = random.permutation(4000)
    money = np.where(shares < 320, random.uniform(2e3, 8e3, 4000), 0.0)  # most people gain nothing
    money[shares < 20] = 99_999.0  # as the form writes "very much"
    rows = MemoryRows(kind(money[:, None]), np.zeros(4000))
    scaling, plain = column_scales(rows), standardize(rows, with_center=kind is np.asarray)
    np.testing.assert_array_equal(scaling.scale, plain.scale)
    assert 4.0 < abs(scaling.apply(kind([[99_999.0]]))).max() < 16.0
    money[shares == 0] = 3e6  # one slip of the pen tells no range
    worse = column_scales(MemoryRows(kind(money[:, None]), np.zeros(4000)))
    assert abs(worse.apply(kind([[3e6]]))).max() == pytest.approx(4.0)


def test_late_weights_count_in_the_mean_that_is_answered():
    w = np.random.default_rng(0).normal(size=(40, 3))
    mean, validations = LateMean(judge=lambda w: float(w @ w)), []
    for k in range(40):
        validations.append(mean.validate(w[k]) if k % 10 == 0 else np.nan)
        sight = Sight(k, 0, 1.0, None, 1.0, 0.1, 0.0, validations[-1], w[k])
        assert mean.ask(sight, None) == (None, None)
    weights = np.array([math.comb(k + 8, 8) for k in range(40)], dtype=float)
    np.testing.assert_allclose(mean.mean, weights @ w / weights.sum(), rtol=1e-12)
    best = int(np.nanargmin(validations))
    ended = Result(w[-1], None, Reason("max_epochs", "", False))
    early = weights[:best] @ w[:best] / weights[:best].sum()
    np.testing.assert_allclose(mean.stand_in(ended).w, early, rtol=1e-12)
    left = replace(ended, reason=Reason("diverged", "", False))
    assert mean.stand_in(left) is left


def test_only_small_batches_at_a_rate_of_our_choice_answer_with_a_mean():
    def last(**settings):
        model = NetworkRegressor(**QUICKER | settings).fit(X, Y)
        return np.array_equal(model.result_.w, model.result_.state.w)

    assert not last(learning_rate="auto")
    assert last(learning_rate="auto", batch_size="full")
    assert last(learning_rate=0.01)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_pixel_seen_once_and_faint_is_no_lever_when_it_comes_back_bright(kind):
    random = np.random.default_rng(0)
    pixels = np.where(random.random((6000, 30)) < 0.3, random.random((6000, 30)), 0.0)
    pixels[:, 0] = 0.0
    pixels[17, 0] = 0.004
    bright = np.zeros((1, 30))
    bright[0, 0] = 1.0
    for unit in (1.0, 255.0):
        scaling = column_scales(MemoryRows(kind(unit * pixels), np.zeros(6000)))
        assert abs(scaling.apply(kind(unit * bright))).max() < 6.0
    alone = column_scales(MemoryRows(kind(pixels[:, :5]), np.zeros(6000)))
    assert abs(alone.apply(kind(bright[:, :5]))).max() > 100.0  # too few to be of a kind


def test_a_column_that_never_varied_has_no_say():
    with_it = np.column_stack((IRIS, np.ones(150)))
    model = NetworkClassifier(**QUICK).fit(with_it, SPECIES)
    with_it[:, -1] = 50.0
    np.testing.assert_array_equal(
        model.predict_proba(with_it), model.predict_proba(np.column_stack((IRIS, np.ones(150))))
    )


@pytest.mark.parametrize("n_rows", [1, 64, 65, 1000, 10_000, 10_000_000])
def test_sizes_grow_with_the_data(n_rows):
    size = choose_batch_size("auto", n_rows)
    assert (size is None) == (n_rows <= 64)
    assert 10 <= choose_epochs("auto", size, n_rows) <= 300
    if size is not None:
        assert 32 <= size <= min(512, n_rows)


def test_trials_end_and_name_the_rate_with_the_lowest_loss():
    network = Network(MemoryRows(IRIS, SPECIES), make_loss("multinomial"), (5,), n_outputs=3)
    trials = try_rates(
        network, network.start(0), RULES["adam"](), network.value, n_steps=10, batch_size=32
    )
    assert trials.best == trials.rates[np.argmin(trials.losses)]
    np.testing.assert_allclose(trials.rates[1:] / trials.rates[:-1], 2.0)
    assert trials.rates[0] < trials.best < trials.rates[-1]
