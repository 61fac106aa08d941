"""Traces: what is written is read back, whatever numbers are in it."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downslope.errors import InputError
from downslope.trace import COLUMNS, Record, Recorder, Trace, load_trace

numbers = st.floats(allow_nan=True, allow_infinity=True)
records = st.lists(
    st.builds(
        Record,
        st.integers(0, 10**9),
        st.integers(0, 10**6),
        *[numbers] * (len(COLUMNS) - 2),
    ),
    min_size=1,
    max_size=5,
)


def build(rows, n_weights, names=()):
    recorder = Recorder(names, keep_weights=n_weights > 0)
    for i, row in enumerate(rows):
        recorder.add(row, np.full(n_weights, i / 3))
    return recorder.trace()


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
@given(rows=records, n_weights=st.integers(0, 3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_round_trip(tmp_path, ending, rows, n_weights):
    trace = build(rows, n_weights)
    path = tmp_path / f"trace{ending}"
    trace.save(path)
    back = load_trace(path)
    for name in COLUMNS:
        np.testing.assert_array_equal(back[name], trace[name])
    assert (back.weights is None) == (trace.weights is None)
    if trace.weights is not None:
        np.testing.assert_array_equal(back.weights, trace.weights)


def test_names_of_weights_cannot_hide_columns_or_be_spreadsheet_formulas(tmp_path):
    trace = build([Record(0, 0, *[1.0] * (len(COLUMNS) - 2))], 2, ("value", "=1+1"))
    trace.save(tmp_path / "t.csv")
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert header.endswith("w[value],w[=1+1]")
    assert load_trace(tmp_path / "t.csv").names == ("value", "=1+1")


def test_rows_carry_names():
    trace = build([Record(0, 0, 9.0, 9.0, 6.0, 0.1, 0.0)], 1, ("slope",))
    (row,) = trace.rows()
    assert row["value"] == 9.0
    assert row["w[slope]"] == 0.0
    assert math.isnan(row["validation"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "x,y\n1,2\n"),
        ("a.csv", ""),
        ("a.json", "[1, 2]"),
        ("a.json", "{not json"),
        ("a.txt", "anything"),
    ],
)
def test_what_is_not_a_trace_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="is not a trace"):
        load_trace(tmp_path / name)


def test_unknown_ending_is_refused():
    trace = Trace({name: np.zeros(1) for name in COLUMNS})
    with pytest.raises(InputError, match=r"use \.csv, \.json or \.parquet"):
        trace.save("trace.xlsx")


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
def test_columns_of_one_kind_of_run_travel_too(tmp_path, ending):
    recorder = Recorder()
    recorder.add(Record(0, 0, 1.0, 1.0, 2.0, 0.1, 0.0), np.array([3.0]))
    plain = recorder.trace()
    trace = Trace(plain.columns | {"gradient_norm[0]": np.array([2.0])}, plain.weights, ("slope",))
    trace.save(tmp_path / f"t{ending}")
    back = load_trace(tmp_path / f"t{ending}")
    np.testing.assert_array_equal(back["gradient_norm[0]"], [2.0])
    np.testing.assert_array_equal(back.weights, [[3.0]])
    assert back.names == ("slope",)
