"""Made-up tables, formulas and models: an answer of finite numbers, or one sentence; never more.

500 of each in the suite; ``DOWNSLOPE_FUZZ=10000 pytest tests/test_fuzz.py tests/test_tables.py`` is
the nightly setting, ``make fuzz`` adds coverage-guided runs (``tests/fuzz``).
"""

import contextlib
import json
import os
import time
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downslope.errors import DownslopeError
from downslope.fitting.fit import Ask, fit, prepare
from downslope.fitting.model import load
from downslope.problems.formula import parse
from downslope.problems.grammar import FUNCTIONS
from downslope.store import Parcel, read, write
from downslope.tables import read_table

FUZZ = settings(
    max_examples=int(os.environ.get("DOWNSLOPE_FUZZ", "500")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
LONGEST = 60.0
"""Seconds of work that nothing may take; those of others on a busy machine do not count."""


@contextlib.contextmanager
def answered():
    """What happens inside is right, or refused in one sentence, and soon."""
    began = time.process_time()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", UserWarning)
        try:
            yield
        except DownslopeError as error:
            if "\n" in str(error):
                raise AssertionError(f"more than a sentence: {error}") from error
    assert time.process_time() - began < LONGEST


number = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-100.0, 100.0),
    st.sampled_from([0.0, 1.0, 1e9, 1e-9, 1e300, -1e300, 5e-324, 1e18]),
    st.integers(-5, 5),
)
COLUMNS = (
    number.map(repr),
    st.sampled_from(["a", "b", "c", "A ", "", "NA"]),
    st.sampled_from(["yes", "no", ""]),
    st.dates().map(str),
    st.sampled_from(["1,5", "2,25", "1.000,5", "$3", "4%", "-", "(5)"]),
    st.text(max_size=6),
    st.just("7"),
)


@st.composite
def tables(draw):
    """Columns of cells, each of one kind for the most part."""
    rows = draw(st.integers(2, 30))
    width = draw(st.integers(1, 5))
    table = {}
    for j in range(width + 1):
        kind = draw(st.sampled_from(COLUMNS))
        cells = draw(st.lists(kind, min_size=rows, max_size=rows))
        if draw(st.integers(0, 9)) == 0:
            cells[draw(st.integers(0, rows - 1))] = draw(
                st.sampled_from(COLUMNS).flatmap(lambda k: k)
            )
        table[f"x{j}"] = cells
    return table


@given(
    tables(),
    st.sampled_from(["auto", "regression", "classification"]),
    st.sampled_from(["auto", "mse", "huber", "poisson", "log_loss", "hinge", "absolute_error"]),
    st.sampled_from([None, 0.0, 0.1]),
    st.sampled_from(["auto", 0.1]),
)
@FUZZ
def test_a_made_up_table_gives_finite_weights_or_a_sentence(table, task, loss, alpha, rate):
    ask = Ask(target="x0", task=task, loss=loss, alpha=alpha, learning_rate=rate, max_iter=50)
    with answered():
        model = fit(prepare(read_table(table), ask)).model()
        found = model.predict(read_table(table))
        assert np.isfinite(model.coefficients).all()
        assert np.isfinite(model.intercepts).all()
        assert len(found.values) == len(table["x0"])


token = st.one_of(
    st.sampled_from(
        [*FUNCTIONS, *"wxyθ()+-*/^,.", "**", "−", "·", "²", " ", "e", "pi", "1e", "=", "_"]
    ),
    st.integers(0, 10**6).map(str),
    st.floats(allow_nan=False).map(repr),
    st.text(max_size=2),
)


@given(st.lists(token, max_size=25).map("".join))
@FUZZ
def test_a_made_up_formula_is_read_or_refused(text):
    with answered():
        formula = parse(text)
        formula.value_and_gradient(np.full(len(formula.names), 0.5))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "model"
    table = {"x": [*"1234567", "", "9.5"], "c": [*"abababaab"], "y": [*"12321231", "2.5"]}
    ask = Ask(target="y", task="regression", test_size=0.0)
    fit(prepare(read_table(table), ask)).model().save(path)
    return path


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.text(max_size=2), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value, path=()):
    """Where in nested lists and dictionaries something stands."""
    yield path
    if isinstance(value, (dict, list)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in pairs:
            yield from places(part, (*path, key))


def put(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


@given(st.data())
@FUZZ
def test_a_model_with_honest_checksums_and_odd_content(saved, tmp_path, data):
    parcel = read(saved, "model")
    content = {**parcel.content, "encoder": json.loads(parcel.content["encoder"])}
    path = data.draw(st.sampled_from(list(places(content))[1:]))
    content = put(content, path, data.draw(ODD))
    if not isinstance(content["encoder"], str):
        content["encoder"] = json.dumps(content["encoder"])
    write(tmp_path / "m", Parcel("model", content, parcel.arrays))
    with answered():
        model = load(tmp_path / "m")
        found = model.predict(read_table({"x": ["1", "2"], "c": ["a", "b"]}))
        assert np.isfinite(found.values).all()
