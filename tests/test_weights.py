"""Weights of rows: what is wrong with them is one sentence, wherever the rows live."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from downslope import DescentClassifier, DescentRegressor, NetworkClassifier, NetworkRegressor
from downslope.errors import InputError, SettingError

N = 60
random = np.random.default_rng(0)
X = random.normal(size=(N, 3))
Y = X @ [1.0, -2.0, 0.5] + random.normal(size=N)


def spoiled(at: dict[int, float]) -> np.ndarray:
    weights = np.linspace(0.5, 1.5, N)
    weights[list(at)] = list(at.values())
    return weights


WRONG = {
    "negative": (spoiled({17: -1.0, 40: -2.0}), "The weight of row 17 is -1, but weights are"),
    "NaN": (spoiled({41: np.nan}), "The weight of row 41 is nan, but weights are"),
    "infinite": (spoiled({3: np.inf}), "The weight of row 3 is inf, but weights are"),
    "minus infinite": (spoiled({0: -np.inf}), "The weight of row 0 is -inf, but weights are"),
    "all zero": (np.zeros(N), "All weights are zero, so no row is left to learn from"),
    "too large together": (np.full(N, 1e307), r"The weights sum to more than 1.8e\+308"),
    "too few": (np.ones(N - 1), f"X has {N} rows but sample_weight has {N - 1}; give one per row."),
    "two columns": (np.ones((N, 2)), r"sample_weight has the shape \(60, 2\); give one number per"),
}


def dask_array(X, y, w):
    array = pytest.importorskip("dask.array")
    parts = (array.from_array(part, chunks=(25, *part.shape[1:])) for part in (X, y))
    return (*parts, array.from_array(w, chunks=(25, *w.shape[1:])))


def dask_frame(X, y, w):
    dataframe = pytest.importorskip("dask.dataframe")
    frame = dataframe.from_pandas(pd.DataFrame(X, columns=["a", "b", "c"]), npartitions=3)
    return frame, dataframe.from_pandas(pd.Series(y), npartitions=3), w


def tensors(X, y, w):
    torch = pytest.importorskip("torch")
    return tuple(torch.as_tensor(part) for part in (X, y, w))


def on_cpu(X, y, w):
    pytest.importorskip("torch")
    return X, y, w


@dataclass(frozen=True)
class Place:
    """Where rows live, and which settings send them there."""

    parts: object
    settings: dict
    method: str = "fit"


PLACES = {
    "lists": Place(lambda X, y, w: (X.tolist(), y.tolist(), w.tolist()), {}),
    "arrays": Place(lambda X, y, w: (X, y, w), {}),
    "CSR": Place(lambda X, y, w: (sparse.csr_array(X), y, w), {}),
    "a frame": Place(
        lambda X, y, w: (pd.DataFrame(X), pd.Series(y), pd.Series(w) if w.ndim == 1 else w), {}
    ),
    "a device": Place(on_cpu, {"device": "cpu"}),
    "tensors": Place(tensors, {}),
    "tensors and an array": Place(lambda X, y, w: (*tensors(X, y, w)[:2], w), {}),
    "Dask arrays": Place(dask_array, {}),
    "a Dask frame": Place(dask_frame, {}),
    "early stopping": Place(lambda X, y, w: (X, y, w), {"early_stopping": True}),
    "in parts": Place(lambda X, y, w: (X, y, w), {}, "partial_fit"),
}
TASKS = {
    "regression": (DescentRegressor, Y),
    "classification": (DescentClassifier, (Y > 0).astype(int)),
    "balanced classes": (DescentClassifier, (Y > 0).astype(int)),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("wrong", WRONG)
def test_bad_weights_are_the_same_sentence_wherever_the_rows_live(wrong, place, task):
    weights, says = WRONG[wrong]
    make, y = TASKS[task]
    settings = dict(place.settings)
    if task == "balanced classes":
        if place.method == "partial_fit":
            return  # refused with another sentence, since the classes to come are not known
        settings["class_weight"] = "balanced"
    rows, target, given = place.parts(X, y, weights)
    more = {"classes": [0, 1]} if (place.method, make) == ("partial_fit", DescentClassifier) else {}
    with pytest.raises(InputError, match=says):
        getattr(make(**settings), place.method)(rows, target, sample_weight=given, **more)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("kind", ["network", "classes of a network", "module", "network on Dask"])
def test_networks_and_modules_say_the_same(kind, wrong):
    weights, says = WRONG[wrong]
    y = (Y > 0).astype(int) if kind.startswith("classes") else Y
    rows = (X, y, weights)
    if kind == "module":
        torch = pytest.importorskip("torch")
        from downslope import ModuleRegressor

        model = ModuleRegressor(torch.nn.Linear, max_epochs=1)
    elif kind == "classes of a network":
        model = NetworkClassifier(max_iter=1)
    else:
        model = NetworkRegressor(max_iter=1)
        rows = dask_array(*rows) if kind == "network on Dask" else rows
    with pytest.raises(InputError, match=says):
        model.fit(rows[0], rows[1], sample_weight=rows[2])


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_class_whose_rows_all_weigh_nothing_cannot_be_balanced(place, classes):
    if place.method == "partial_fit":
        return
    y = np.arange(N) % classes
    rows, target, weights = place.parts(X, y, (y != 1) * 1.0)
    model = DescentClassifier(class_weight="balanced", **place.settings)
    with pytest.raises(InputError, match="weight of the class 1, whose rows all have the weight 0"):
        model.fit(rows, target, sample_weight=weights)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_a_bad_class_weight_names_its_class(place, weight):
    if place.method == "partial_fit":
        return
    rows, target, weights = place.parts(X, np.arange(N) % 2, np.ones(N))
    model = DescentClassifier(class_weight={0: 1.0, 1: weight}, **place.settings)
    with pytest.raises(SettingError, match=f"gives the class 1 the weight {weight:g}, but"):
        model.fit(rows, target, sample_weight=weights)


@pytest.mark.parametrize(
    "place",
    [p for name, p in PLACES.items() if name != "early stopping"],
    ids=[name for name in PLACES if name != "early stopping"],
)
@pytest.mark.parametrize("unit", [1e-310, 1e-9, 1e300, 1e306])
def test_only_ratios_of_weights_count(place, unit):
    if place.method == "partial_fit":
        return
    weights = 1.0 + np.arange(N) % 3
    plain = DescentRegressor(alpha=0.01).fit(X, Y, sample_weight=weights)
    rows, target, given = place.parts(X, Y, weights * unit)
    model = DescentRegressor(alpha=0.01, **place.settings).fit(rows, target, sample_weight=given)
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-5)


@pytest.mark.parametrize("make", [DescentRegressor, DescentClassifier, NetworkRegressor])
def test_rows_of_weight_0_are_left_out_before_rows_are_set_aside(make):
    y = (Y > 0).astype(int) if make is DescentClassifier else Y
    weights = np.r_[np.ones(N), np.zeros(N)]
    settings = {"early_stopping": True, "max_iter": 30, "random_state": 0}
    alone = make(**settings).fit(X, y)
    doubled = np.r_[X, -100.0 * X], np.r_[y, y]
    beside = make(**settings).fit(*doubled, sample_weight=weights)
    np.testing.assert_array_equal(beside.predict(X), alone.predict(X))


@pytest.mark.parametrize("make", [DescentRegressor, DescentClassifier])
@pytest.mark.parametrize("seed", range(20))
def test_few_rows_that_count_are_enough_to_set_some_aside(make, seed):
    weights = np.r_[np.ones(5), np.zeros(N - 5)]
    y = np.arange(N) % 2
    model = make(early_stopping=True, learning_rate=0.1, random_state=seed, tol=None, max_iter=3)
    assert np.isfinite(model.fit(X, y, sample_weight=weights).coef_).all()


def test_too_few_rows_to_set_some_aside_are_a_sentence():
    y = np.r_[np.zeros(N - 1, int), 1]
    with pytest.raises(InputError, match="1 row of the class 1 is all that counts"):
        DescentClassifier(early_stopping=True).fit(X, y)
    with pytest.raises(InputError, match="but 1 row is all that counts"):
        DescentRegressor(early_stopping=True).fit(X, Y, sample_weight=np.eye(N)[0])


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_verbose_prints_a_line_per_pass_wherever_the_rows_live(place, task, capsys):
    if place.method == "partial_fit":
        return
    make, y = TASKS[task]
    rows, target, _ = place.parts(X, y, np.ones(N))
    model = make(verbose=1, **place.settings).fit(rows, target)
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(re.fullmatch(r"epoch \d+: mean value \S+", line) for line in lines)
    assert model.n_iter_ >= len(lines)
