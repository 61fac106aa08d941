"""From columns to a matrix: what is used as what, what training rows teach, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, issparse
from sklearn.datasets import dump_svmlight_file, load_svmlight_file
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from table_files import refusal, written

from downslope.errors import DownslopeError, SettingError, StoreError
from downslope.tables import Encoder, read_table, safe_cell, split, understand


def said(view):
    return " ".join([*view.notes, view.target.reason, *(c.remark for c in view.columns)])


def kinds(view):
    return {column.name: column.kind for column in view.columns}


def used(view):
    return [column.name for column in view.features]


# --- what is to be learned ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        ([0.5, 1.5, 2.5] * 4, "regression", ()),
        (list(range(12)), "regression", ()),
        ([0, 1] * 2, "binary", ("0", "1")),
        ([-1, 1] * 6, "binary", ("-1", "1")),
        ([3, 7] * 6, "binary", ("3", "7")),
        ([3, 7], "regression", ()),
        ([1.5, 2.5] * 10, "regression", ()),
        ([0, 1, 2] * 10, "multiclass", ("0", "1", "2")),
        ([3, 4, 5] * 10, "regression", ()),
        (["no", "yes", "no"] * 4, "binary", ("no", "yes")),
        (["Yes", "no", "YES"] * 4, "binary", ("false", "true")),
        ([True, False] * 4, "binary", ("false", "true")),
        (["b", "a", "c"] * 4, "multiclass", ("a", "b", "c")),
        (["$1", "$2", "$5.50"] * 4, "regression", ()),
    ],
)
def test_the_task_is_found_with_a_reason(y, task, classes):
    target = understand(read_table({"x": np.arange(len(y)) ** 2.0, "y": y}), "y").target
    assert (target.task, target.classes) == (task, classes)
    assert target.reason
    assert len(target.y) == len(y)
    if classes:
        assert np.issubdtype(target.y.dtype, np.integer)
        assert set(target.y.tolist()) == set(range(len(classes)))


def test_the_task_as_told():
    table = read_table({"x": np.arange(30.0) ** 2, "y": [2.5, 1.0, 4.0] * 10})
    target = understand(table, "y", task="classification").target
    assert target.classes == ("1", "2.5", "4")
    assert target.y[:3].tolist() == [1, 0, 2]
    digits = read_table({"x": np.arange(30.0), "y": [0, 1, 2] * 10})
    assert understand(digits, "y", task="regression").target.task == "regression"
    with pytest.raises(SettingError, match="'guess'"):
        understand(table, "y", task="guess")


@pytest.mark.parametrize(
    ("y", "options", "words"),
    [
        ([None] * 12, {}, "missing in all 12 rows"),
        (["yes"] * 12, {}, "has one class, 'yes'"),
        ([5] * 12, {"task": "classification"}, "has one class, '5'"),
        ([f"id{i}" for i in range(12)], {}, "12 classes in 12 rows"),
        (list(range(12)), {"task": "classification"}, "--task regression"),
        (["a", "b"] * 6, {"task": "regression"}, "holds words such as 'a'"),
        (pd.date_range("2024-01-01", periods=12), {}, "is a date"),
        ([1.0, np.inf] * 6, {}, "row 1, column 'y'"),
    ],
)
def test_targets_that_cannot_be_learned(y, options, words):
    message = refusal(understand, read_table({"x": range(12), "y": y}), "y", **options)
    assert words in message
    assert message.startswith("the mapping")


def test_rows_without_a_target_are_left_out_and_said():
    table = read_table({"x": [1.0, 2, 4, 7], "c": ["a", "b", "a", "b"], "y": [1, None, 3, 4.5]})
    view = understand(table, "y")
    assert view.target.y.tolist() == [1, 3, 4.5]
    assert view.table.columns["x"].tolist() == [1, 4, 7]
    assert view.table.lines.tolist() == [0, 2, 3]
    assert "1 of 4 rows have no target" in said(view)


def test_a_constant_target_is_said():
    view = understand(read_table({"x": [1.0, 2, 4], "y": [5, 5, 5]}), "y")
    assert "R² is not defined" in said(view)


def test_columns_are_found_by_name_and_place():
    table = read_table({"a": [1.0, 2], "b": [2.0, 4], "1": [3.0, 5]})
    assert understand(table, -1).target.name == "1"
    assert understand(table, "0").target.name == "a"
    assert understand(table, "1").target.name == "1", "a name goes before a place"
    assert used(understand(table, 0, drop=[1])) == ["1"]
    assert used(understand(table, 0, features=["b"])) == ["b"]
    assert "did" not in refusal(understand, table, "A")
    assert "'a'" in refusal(understand, table, "A")
    assert "no column '7'" in refusal(understand, table, 7)
    assert "--target" in refusal(understand, table)
    assert "no column to learn from" in refusal(understand, table, "a", drop=["b", "1"])


# --- which columns are used --------------------------------------------------------------------

ROWS = 60
RANDOM = np.random.default_rng(0)
Y = RANDOM.normal(size=ROWS)


@pytest.mark.parametrize(
    ("column", "name", "kind", "use"),
    [
        (RANDOM.normal(size=ROWS), "x", "number", True),
        (np.arange(ROWS), "x", "id", False),
        (np.arange(ROWS) + 1, "t", "id", False),
        (np.arange(ROWS) + 1947, "year", "number", True),
        (RANDOM.permutation(ROWS), "customer_id", "id", False),
        (RANDOM.permutation(ROWS), "orderId", "id", False),
        (RANDOM.permutation(ROWS), "humid", "number", True),
        (np.arange(ROWS) // 2, "store_id", "number", True),
        ([f"u{i}" for i in range(ROWS)], "user", "id", False),
        ([f"the quick brown fox number {i}" for i in range(ROWS)], "note", "text", False),
        (["a", "b", None] * 20, "c", "category", True),
        (["a"] * ROWS, "c", "constant", False),
        (["a", None] * 30, "c", "category", True),
        ([3.14] * ROWS, "k", "constant", False),
        ([3.14, 3.14 + 1e-14] * 30, "k", "constant", False),
        ([1e9, 1e9 + 1e-3] * 30, "k", "number", True),
        ([1e-310, 2e-310] * 30, "k", "number", True),
        ([-1.7e308, 1.7e308] * 30, "k", "number", True),
        ([0.0, -0.0] * 30, "k", "constant", False),
        ([None] * ROWS, "e", "empty", False),
        ([[1, 2]] * ROWS, "l", "nested", False),
        ([True, False, None] * 20, "b", "boolean", True),
        (pd.date_range("2024-01-01", periods=ROWS), "d", "date", True),
        ([2**63 + i for i in range(ROWS)], "u", "constant", False),
        (pd.Categorical(["lo", "hi"] * 30), "c", "category", True),
        ([pd.Timedelta(hours=i % 7) for i in range(ROWS)], "dt", "number", True),
        ([1, "two", 3.0] * 20, "m", "category", True),
    ],
)
def test_which_columns_are_used(column, name, kind, use):
    frame = pd.DataFrame({name: column, "other": RANDOM.normal(size=ROWS), "target": Y})
    view = understand(read_table(frame), "target")
    assert kinds(view)[name] == kind
    assert (name in used(view)) == use
    if not use:
        assert view.columns[0].remark, "why it is left out is said"


def test_what_is_asked_for_is_used():
    table = read_table({"id": range(ROWS), "x": Y**2, "zip": [*range(10)] * 6, "y": Y})
    assert used(understand(table, "y")) == ["x", "zip"]
    assert used(understand(table, "y", features=["id", "x"])) == ["id", "x"]
    view = understand(table, "y", kinds={"id": "number", "zip": "category"})
    assert kinds(view) == {"id": "number", "x": "number", "zip": "category"}
    assert used(view) == ["id", "x", "zip"]


@pytest.mark.parametrize(
    "column", [range(ROWS), ["k"] * ROWS, [f"w{i % 50} b c d e" for i in range(ROWS)]]
)
def test_an_only_column_is_used_whatever_it_is(column):
    view = understand(read_table({"x": column, "y": Y}), "y")
    assert used(view) == ["x"]
    X, names, _ = Encoder.learn(view).encode(view.table)
    assert X.shape == (ROWS, len(names))


def test_leaks_and_twins_are_said():
    a, b, c = RANDOM.normal(size=(3, ROWS))

    def leaks_of(**columns):
        view = understand(read_table(columns), "y")
        return said(view)

    assert "'a' equals the target" in leaks_of(a=a, b=b, y=a)
    assert "'a' is the target on another scale" in leaks_of(a=a, b=b, y=3 - 2 * a)
    assert "'a' + 'b' equals the target" in leaks_of(a=a, c=c, b=b, y=a + b)
    assert "'a' equals the target" in leaks_of(a=a > 0, b=b, y=np.where(a > 0, "x", "w"))
    assert "Leak" not in leaks_of(a=a, b=b, y=a + b + 1e-6 * c)
    assert "'a' and 'b' say the same" in leaks_of(a=a, b=a, y=c)
    words = np.array(["u", "v", "w"])[RANDOM.integers(0, 3, ROWS)]
    renamed = np.array([{"u": "1", "v": "2", "w": "3"}[word] + "x" for word in words])
    assert "'a' and 'b' say the same" in leaks_of(a=words, b=renamed, y=c)
    assert "'a' equals" in leaks_of(a=a * 1e307, b=b * 1e-310, y=a * 1e307)


# --- encoding ----------------------------------------------------------------------------------


def small():
    return read_table(
        {
            "x": [1.0, None, 3.0, 4.0, 10.0, 6.0],
            "c": ["a", "b", "a", None, "b", "a"],
            "b": [True, False, None, True, True, False],
            "y": [1.0, 2.5, 3.0, 4.0, 5.0, 6.5],
        }
    )


def test_what_the_matrix_holds():
    encoder = Encoder.learn(understand(small(), "y"))
    X, names, notes = encoder.encode(small())
    assert names == ("x", "x missing", "c=b", "c missing", "b", "b missing")
    expected = [
        [1, 0, 0, 0, 1, 0],
        [4, 1, 1, 0, 0, 0],
        [3, 0, 0, 0, 1, 1],
        [4, 0, 0, 1, 1, 0],
        [10, 0, 1, 0, 1, 0],
        [6, 0, 0, 0, 0, 0],
    ]
    np.testing.assert_array_equal(X, expected)
    assert X.dtype == np.float64
    assert notes == ()


def test_only_training_rows_teach():
    view = understand(small(), "y")
    encoder = Encoder.learn(view, np.array([0, 2, 5]))
    X, names, notes = encoder.encode(view.table)
    assert names == ("x", "b", "b missing")
    assert X[1, 0] == 3.0, "the median of the training rows"
    assert "Column 'x': 1 cell missing: read as 3." in notes
    assert "Column 'c': 2 cells never seen in training: read as 'a'." in notes
    assert "Column 'c': 1 cell missing: read as 'a'." in notes


def test_many_levels_share_a_column():
    levels = [f"v{i}" for i in range(35)] + ["v0", "v1"] * 40
    table = read_table({"h": levels, "y": np.arange(len(levels)) ** 1.5})
    encoder = Encoder.learn(understand(table, "y"))
    X, names, notes = encoder.encode(table)
    assert names == ("h=v1", "h=(rare)")
    assert X.sum(axis=0).tolist() == [41, 33]
    assert notes == (), "a rare level was seen"
    X, _, notes = encoder.encode(read_table({"h": ["v5", "new", "v0", None]}))
    assert X.tolist() == [[0, 1], [0, 1], [0, 0], [0, 1]]
    assert notes == (
        "Column 'h': 1 cell never seen in training: read as rare.",
        "Column 'h': 1 cell missing: read as rare.",
    )


def test_a_hundred_levels_never_become_a_hundred_columns():
    levels = [f"v{i}" for i in range(100)] * 30
    view = understand(read_table({"h": levels, "y": np.arange(3000.0) ** 2}), "y")
    _, names, _ = Encoder.learn(view).encode(view.table)
    assert len(names) == 31
    assert "100 levels" in said(view)


def test_dates_become_days_and_hours():
    when = np.array(["1970-01-02", "1970-01-03T18:00", "1970-02-01T06:00"] * 5, "M8[s]")
    table = read_table({"when": when, "y": np.arange(15.0) ** 2})
    X, names, _ = Encoder.learn(understand(table, "y")).encode(table)
    assert names == ("when (days)", "when (hour)")
    np.testing.assert_allclose(X[:3], [[1, 0], [2.75, 18], [31.25, 6]])


def test_words_become_counts():
    texts = [
        "Free prize, free money now!",
        "see you at home now",
        "don't be late at home, none",
    ] * 5
    table = read_table(
        {"text": [f"{t} {i}" for i, t in enumerate(texts)], "y": ["s", "h", "h"] * 5}
    )
    X, names, _ = Encoder.learn(understand(table, "y")).encode(table)
    assert issparse(X)
    row = dict(zip(names, X[[0]].toarray()[0], strict=True))
    assert row["text: free"] == 2
    assert row["text: prize"] == 1
    assert row["text: home"] == 0
    assert "text: don't" in names
    assert "text: none" in names, "a word of a text is never a missing cell"
    assert "text: " not in names
    assert "text: 0" not in names, "a word met once is no pattern"
    mixed = read_table(
        {"t": [f"{t} {i}" for i, t in enumerate(texts)], "x": range(15), "y": Y[:15]}
    )
    X, names, _ = Encoder.learn(understand(mixed, "y", kinds={"t": "text"})).encode(mixed)
    assert issparse(X)
    assert X.toarray()[:, names.index("x")].tolist() == list(range(15))


# --- prediction --------------------------------------------------------------------------------


def test_prediction_goes_by_name():
    encoder = Encoder.learn(understand(small(), "y"))
    X, _, _ = encoder.encode(small())
    columns = dict(small().columns)
    again = {"new": [1] * 6, **{name: columns[name] for name in reversed(columns)}}
    moved, _, notes = encoder.encode(read_table(again))
    np.testing.assert_array_equal(moved, X)
    assert notes == ("Columns not used in training ignored: 'new'.",)
    without_target = {name: columns[name] for name in ("b", "c", "x")}
    np.testing.assert_array_equal(encoder.encode(read_table(without_target)).X, X)
    empty = read_table({name: column[:0] for name, column in columns.items()})
    assert encoder.encode(empty).X.shape == (0, 6)


def test_columns_read_before_are_read_again_as_training_had_them():
    encoder = Encoder.learn(understand(small(), "y"))
    columns = {"x": ["1", "2", "3"], "c": [7, 8, 8.5], "b": ["yes", "no", "no"], "y": [1, 2, 4.5]}
    table = read_table(columns)
    view = understand(table, "y", kinds={"x": "category"})
    np.testing.assert_array_equal(encoder.encode(view.table).X, encoder.encode(table).X)


def test_zero_rows_of_text_are_encoded(tmp_path):
    encoder = Encoder.learn(understand(small(), "y"))
    assert encoder.encode(read_table(written(tmp_path, "x,c,b\n"))).X.shape == (0, 6)


def test_prediction_reads_cells_as_training_did(tmp_path):
    training = "when;price;tag;y\n" + "\n".join(
        f"{day:02}/03/2024;{day},5;{'a' if day % 2 else 'b'};{day * day}" for day in range(1, 29)
    )
    table = read_table(written(tmp_path, training))
    encoder = Encoder.learn(understand(table, "y"))
    assert encoder.encode(table).names == ("when (days)", "price", "tag=b")
    later = read_table(written(tmp_path, "tag;when;price\nb;05/04/2024;1,037\n"))
    assert encoder.encode(later).X.tolist() == [[19818.0, 1.037, 1.0]]
    typed = {"when": [pd.Timestamp("2024-04-05")], "price": [1], "tag": [None]}
    assert encoder.encode(read_table(typed)).X.tolist() == [[19818.0, 1.0, 0.0]]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"x": [1.0], "c": ["a"]}, ("lacks 1 of the 3 columns", "'b'")),
        ({"X": [1.0], "c": ["a"], "b": [True]}, ("'x'", "rename 'X'")),
        ({"x": ["abc"], "c": ["a"], "b": [True]}, ("row 0, column 'x'", "'abc' is not a number")),
        ({"x": [1.0], "c": ["a"], "b": ["maybe"]}, ("column 'b'", "'maybe' is not a boolean")),
        ({"x": pd.to_datetime(["2024-01-01"]), "c": ["a"], "b": [1]}, ("'x'", "timestamp")),
        ({"x": [np.inf], "c": ["a"], "b": [True]}, ("column 'x'", "inf")),
        ({"x": [[1]], "c": ["a"], "b": [True]}, ("column 'x'", "list")),
    ],
)
def test_prediction_refuses_by_name(columns, words):
    encoder = Encoder.learn(understand(small(), "y"))
    message = refusal(encoder.encode, read_table(columns))
    for each in words:
        assert each in message


@pytest.mark.parametrize(
    "columns",
    [
        {"x": ["1"], "c": ["a"], "b": ["yes"]},
        {"x": [1], "c": pd.Categorical(["a"]), "b": [1]},
        {"x": pd.Categorical(["1"]), "c": ["a "], "b": ["1"]},
        {"x": [True], "c": ["a"], "b": [1.0]},
        {"x": pa.array([1], pa.decimal128(5, 2)), "c": ["a"], "b": ["TRUE"]},
    ],
)
def test_prediction_takes_another_type_that_says_the_same(columns):
    encoder = Encoder.learn(understand(small(), "y"))
    assert encoder.encode(read_table(columns)).X.tolist() == [[1, 0, 0, 0, 1, 0]]


# --- stored form -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored():
    texts = [f"w{i % 7} w{i % 3} and so on {i}" for i in range(30)]
    table = {"t": texts, "x": [None, *range(29)], "c": ["a", "b", "c"] * 10, "y": Y[:30]}
    view = understand(read_table(table), "y", kinds={"t": "text"})
    return Encoder.learn(view).to_json()


def test_json_gives_the_same_encoder(stored):
    encoder = Encoder.from_json(stored)
    assert encoder.to_json() == stored
    assert [type(code).__name__ for code in encoder.codes] == [
        "TextCode",
        "NumberCode",
        "CategoryCode",
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(more=1),
        lambda d: d.pop("codes"),
        lambda d: d.update(codes=3),
        lambda d: d["codes"].append(3),
        lambda d: d["codes"][0].update(code="Popen"),
        lambda d: d["codes"][0].update(name=3),
        lambda d: d["codes"][0].update(vocabulary=[1]),
        lambda d: d["codes"][1].update(median=float("nan")),
        lambda d: d["codes"][1].update(flag=1),
        lambda d: d["codes"][1]["spelling"].update(kind=None),
        lambda d: d["codes"][1]["spelling"].update(order="backwards"),
        lambda d: d["codes"][1]["spelling"].update(decimal="x"),
        lambda d: d.update(indices=["1"]),
    ],
)
def test_changed_json_is_refused(stored, change):
    document = json.loads(stored)
    change(document)
    with pytest.raises(StoreError):
        Encoder.from_json(json.dumps(document))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_json_is_refused_or_harmless(stored, data):
    at = data.draw(st.integers(0, len(stored) - 1))
    text = (
        stored[:at]
        + data.draw(st.sampled_from(['"', "{", "]", "0", "null", ""]))
        + stored[at + 1 :]
    )
    try:
        encoder = Encoder.from_json(text)
        encoder.encode(read_table({"t": ["w1"], "x": ["1"], "c": ["a"]}))
    except DownslopeError:
        return


def test_json_of_no_encoder_is_refused():
    for text in ("", "[]", "3", "[" * 100_000, '{"codes": [], "others": []}'):
        with pytest.raises(StoreError):
            Encoder.from_json(text)


# --- rows --------------------------------------------------------------------------------------


@given(st.integers(10, 500), st.floats(0.01, 0.9), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_split_takes_the_rows_of_scikit_learn(n, test_size, seed):
    train, test = split(n, test_size, seed)
    theirs = train_test_split(np.arange(n), test_size=test_size, random_state=seed)
    assert train.tolist() == theirs[0].tolist()
    assert test.tolist() == theirs[1].tolist()


def test_split_claims_no_test_where_there_is_none():
    assert [len(part) for part in split(2)] == [2, 0]
    assert [len(part) for part in split(100, 0.0)] == [100, 0]
    for share in (1.0, -0.1, 0.999):
        with pytest.raises(SettingError):
            split(20, share)


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_formulas_cannot_run_in_a_spreadsheet(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["plain", "", "a=b", "-3.5", "+1e5", "-inf", 3, -3.5, None, "'="])
def test_harmless_cells_stay(value):
    assert safe_cell(value) == value


# --- libsvm ------------------------------------------------------------------------------------


@pytest.mark.parametrize("zero_based", [True, False])
def test_libsvm_is_read_as_scikit_learn_reads_it(tmp_path, zero_based):
    rows = csr_array(np.round(RANDOM.normal(size=(20, 6)) * (RANDOM.random((20, 6)) < 0.4), 3))
    path = tmp_path / "t.svm"
    dump_svmlight_file(rows, Y[:20], str(path), zero_based=zero_based, comment="made here")
    table = read_table(path)
    theirs, y = load_svmlight_file(str(path), zero_based=True, n_features=table.sparse.shape[1])
    np.testing.assert_array_equal(table.columns["label"].to_numpy(), y)
    np.testing.assert_array_equal(table.sparse.toarray(), theirs.toarray())
    assert table.lines[0] > 1, "comments are counted as lines"
    view = understand(table)
    X, names, _ = Encoder.learn(view).encode(table)
    assert X.shape == (20, len(names))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 1:2\n1 x:1\n", ("line 2", "'x:1'")),
        ("1 1:2\n\n1 3:y\n", ("line 3", "'y'")),
        ("1 1:2\n1 -3:1\n", ("line 2", "'-3:1'")),
        ("1 1:2\n1 3:1e999\n", ("line 2", "1e999")),
        ("1 1:2\nnan 3:1\n", ("line 2", "'nan', the label")),
        ("1 1:2\n1 3:1 3:2\n", ("line 2", "index 3 stands twice")),
        ("1 1:2\n1 99999999999999999999:2\n", ("line 2",)),
    ],
)
def test_libsvm_mistakes_have_a_line(tmp_path, text, words):
    message = refusal(read_table, written(tmp_path, text, "t.svm"))
    for each in words:
        assert each in message


def test_sparse_rows_stay_sparse_whatever_their_indices(tmp_path):
    text = "1 4000000000:1 7:2\n-1 7:1\n1 9:3\n"
    view = understand(read_table(written(tmp_path, text, "t.svm")))
    encoder = Encoder.learn(view, np.array([0, 1]))
    X, names, notes = encoder.encode(view.table)
    assert names == ("7", "4000000000")
    assert X.toarray().tolist() == [[2, 1], [1, 0], [0, 0]]
    assert notes == ("Indices not in training ignored: 9.",)
    assert "sparse" in refusal(encoder.encode, small())
    matrix = read_table(csr_array(np.eye(9)))
    assert encoder.encode(matrix).X.sum() == 1
    none = replace(encoder, indices=())
    assert none.encode(matrix).X.shape == (9, 0)
    assert "no column to learn from" in refusal(
        understand, read_table(written(tmp_path, "1\n2\n", "t.svm"))
    )
    narrow = encoder.encode(read_table(csr_array(np.zeros((2, 3)))))
    assert narrow.X.shape == (2, 2)


def test_vowpal_wabbit_rows(tmp_path):
    table = read_table(shared("sparse/rcv1_small.vw"))
    assert table.sparse.shape[0] == 1000
    assert understand(table).target.classes == ("-1", "1")


# --- real data ---------------------------------------------------------------------------------

PUBLISHED = [
    ("housing.csv", "median_house_value", (), 0.6375, 12),
    ("insurance.csv", "charges", (), 0.7673, 8),
    ("bike_hour.csv", "cnt", ("casual", "registered"), 0.3832, 13),
    ("diamonds.csv", "price", (), 0.9196, 23),
    ("concrete.csv", "strength", (), 0.6250, 8),
]


@pytest.mark.parametrize(("file", "target", "drop", "score", "width"), PUBLISHED)
def test_published_scores_come_out(file, target, drop, score, width):
    view = understand(read_table(shared(f"tables/{file}")), target, drop=drop)
    y = view.target.y
    train, test = split(len(y), 0.25, 42)
    X, names, _ = Encoder.learn(view, train).encode(view.table)
    assert len(names) == width
    X = np.column_stack([np.ones(len(y)), StandardScaler().fit(X[train]).transform(X)])
    w = np.linalg.lstsq(X[train], y[train], rcond=None)[0]
    residual = y[test] - X[test] @ w
    r2 = 1 - residual @ residual / ((y[test] - y[test].mean()) ** 2).sum()
    assert round(r2, 4) == score


def test_bike_hour_is_understood():
    view = understand(read_table(shared("tables/bike_hour.csv")), "cnt")
    assert "'casual' + 'registered' equals the target" in said(view)
    assert kinds(view)["instant"] == "id"
    assert kinds(view)["dteday"] == "date"


def test_adult_is_understood():
    path = shared("tables/adult.data")
    assert "--no-header" in refusal(read_table, path)
    view = understand(read_table(path, header=False), -1)
    assert view.target.classes == ("<=50K", ">50K")
    assert len(view.target.y) == 32_561
    missing = {c.name: c.n_missing for c in view.columns if c.n_missing}
    assert missing == {"x1": 1836, "x6": 1843, "x13": 583}
    train, test = split(len(view.target.y))
    X, _, _ = Encoder.learn(view, train).encode(view.table)
    scaled = StandardScaler().fit(X[train]).transform(X)
    model = LogisticRegression(C=1e3, max_iter=200).fit(scaled[train], view.target.y[train])
    assert model.score(scaled[test], view.target.y[test]) == pytest.approx(0.8579, abs=2e-3)


def test_titanic_is_understood():
    view = understand(read_table(shared("tables/titanic.csv")), "Survived")
    assert view.target.task == "binary"
    assert kinds(view)["PassengerId"] == "id"
    assert kinds(view)["Name"] == "text"
    assert used(view) == [
        "Pclass",
        "Sex",
        "Age",
        "SibSp",
        "Parch",
        "Ticket",
        "Fare",
        "Cabin",
        "Embarked",
    ]
    _, names, _ = Encoder.learn(view).encode(view.table)
    assert len(names) < 25


def test_sms_spam_is_understood():
    view = understand(read_table(shared("tables/sms_spam.csv")), "type")
    train, test = split(len(view.target.y))
    X, _, _ = Encoder.learn(view, train).encode(view.table)
    model = LogisticRegression(max_iter=200).fit(X[train], view.target.y[train])
    assert model.score(X[test], view.target.y[test]) > 0.97


def test_census_and_a9a_are_understood():
    census = understand(read_table(shared("parquet/ACSIncome.validation.parquet")), "PINCP")
    assert len(census.target.y) == 332_900
    assert kinds(census)["index"] == "id"
    a9a = read_table(shared("sparse/a9a"))
    view = understand(a9a)
    encoder = Encoder.learn(view)
    assert encoder.encode(a9a).X.shape == (32_561, 123)
    assert encoder.encode(read_table(shared("sparse/a9a.t"))).X.shape == (16_281, 123)


def test_nist_columns_are_all_used():
    for path in sorted(shared("nist").glob("*.csv")):
        view = understand(read_table(path), "y")
        assert view.target.task == "regression", path
        assert all(column.used for column in view.columns), path


def test_a_table_keeps_its_place_in_the_file(tmp_path):
    table = read_table(written(tmp_path, 'x,y\n"1\n",2\n3,4\n5,bad\n', "p.csv"))
    assert table.lines.tolist() == [2, 4, 5]
    moved = replace(table, lines=table.lines + 10).take(np.array([2, 0]))
    assert moved.where("y").cell(0) == "p.csv, line 15, column 'y'"
