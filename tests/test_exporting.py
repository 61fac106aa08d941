"""Models for other programs: the same predictions by ONNX Runtime, and by the plain weights."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from downslope.cli import run
from downslope.errors import InputError
from downslope.fitting.exporting import to_json, to_onnx
from downslope.fitting.fit import Ask, fit, prepare
from downslope.fitting.model import load
from downslope.tables import read_table
from downslope.tables.cells import read
from downslope.tables.features import NumberCode
from downslope.tables.words import Words

RNG = np.random.default_rng(3)
N = 300
TABLE = pd.DataFrame(
    {
        "size": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(50.0, 20.0, N)),
        "age": RNG.integers(0, 90, N),
        "kind": RNG.choice(["low", "mid", "high", None], N, p=[0.5, 0.3, 0.1, 0.1]),
        "when": pd.date_range("2024-01-30", periods=N, freq="7h").astype(str),
        "open": RNG.choice(["yes", "no"], N),
    }
)
RAW = TABLE["size"].fillna(50.0) / 20.0 + (TABLE["kind"] == "high") - TABLE["age"] / 60.0
TABLE["amount"] = RAW * 100.0
TABLE["count"] = RNG.poisson(np.exp(0.2 * RAW))
TABLE["cost"] = np.exp(0.2 * RAW) * RNG.gamma(3.0, 1.0, N)
TABLE["two"] = np.where(RAW + RNG.normal(size=N) > 1.5, "ja", "nein")
TABLE["three"] = np.digitize(RAW + RNG.normal(size=N), [0.5, 2.0]).astype(str)
TABLE["three"] = "c" + TABLE["three"]
TARGETS = ["amount", "count", "cost", "two", "three"]
CASES = {
    "squared_error": ("amount", "squared_error"),
    "huber": ("amount", "huber"),
    "poisson": ("count", "poisson"),
    "gamma": ("cost", "gamma"),
    "two classes": ("two", "log_loss"),
    "two classes, no probability": ("two", "hinge"),
    "two classes, clipped": ("two", "modified_huber"),
    "softmax": ("three", "log_loss"),
    "one against the rest": ("three", "squared_hinge"),
    "one against the rest, clipped": ("three", "modified_huber"),
}


def model_of(table, **asked):
    return fit(prepare(table, Ask(**asked))).model()


@pytest.fixture(scope="module", params=CASES)
def trained(request):
    target, loss = CASES[request.param]
    drop = tuple(t for t in TARGETS if t != target)
    task = "auto" if target in ("two", "three") else "regression"
    return model_of(read_table(TABLE), target=target, loss=loss, drop=drop, task=task)


def new_rows():
    """Rows with gaps, a level never seen, and dates of another year."""
    table = TABLE.drop(columns=TARGETS).sample(60, random_state=0).reset_index(drop=True)
    table.loc[0, "kind"], table.loc[1, "size"], table.loc[2, "kind"] = "unheard of", np.nan, None
    table["when"] = pd.date_range("2031-05-01", periods=60, freq="31h").astype(str)
    return read_table(table)


def columns_of(model, table):
    """What the exported forms ask for: numbers, days, text."""
    found = {}
    for code in model.encoder.codes:
        values = read(table.columns[code.name], code.spelling, table.where(code.name))
        if isinstance(values, Words):
            levels = np.array([*values.names(), ""], dtype=object)
            values = levels[values.codes]
        found[code.name] = values
    return found


def test_onnx_runtime_predicts_the_same(trained):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    table = new_rows()
    ours = trained.predict(table)
    session = runtime.InferenceSession(to_onnx(trained), providers=["CPUExecutionProvider"])
    columns = {name: values[:, None] for name, values in columns_of(trained, table).items()}
    assert [each.name for each in session.get_inputs()] == list(columns)
    found = dict(
        zip([o.name for o in session.get_outputs()], session.run(None, columns), strict=True)
    )
    if trained.task == "regression":
        np.testing.assert_allclose(found["prediction"], ours.values, rtol=1e-12)
        return
    assert list(found["prediction"]) == [trained.classes[int(k)] for k in ours.values]
    assert ("probabilities" in found) == (ours.probabilities is not None)
    if ours.probabilities is not None:
        np.testing.assert_allclose(found["probabilities"], ours.probabilities, atol=1e-12)


def feature(column, name, value):
    """One feature of one row, by the words of docs/howto/move_a_model.md alone."""
    if column["kind"] == "category":
        if name.endswith(" missing"):
            return float(value == "")
        known = [column["usual"], *column["levels"], *column["rare"]]
        if value == "":
            if column["flag"]:
                return 0.0
            value = column["rare"][0] if column["rare"] else column["usual"]
        if value not in known:
            value = column["rare"][0] if column["rare"] else column["usual"]
        if name.endswith("=(rare)"):
            return float(value in column["rare"])
        return float(name == f"{column['name']}={value}")
    filled = column["missing_as"] if math.isnan(value) else value
    if name.endswith(" missing"):
        return float(math.isnan(value))
    return filled % 1 * 24 if name.endswith(" (hour)") else filled


def test_plain_weights_predict_the_same(trained):
    table = new_rows()
    ours, stored = trained.predict(table), json.loads(to_json(trained))
    columns = columns_of(trained, table)
    names = [name for column in stored["columns"] for name in column["features"]]
    assert names == stored["features"]
    for i in range(table.n_rows):
        x = [
            feature(column, name, columns[column["name"]][i])
            for column in stored["columns"]
            for name in column["features"]
        ]
        pairs = zip(stored["coefficients"], stored["intercepts"], strict=True)
        z = [math.fsum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in pairs]
        match stored["link"]:
            case "identity":
                assert z[0] == pytest.approx(ours.values[i], rel=1e-10)
            case "exp":
                assert math.exp(z[0]) == pytest.approx(ours.values[i], rel=1e-10)
            case "softmax" | "argmax":
                assert int(np.argmax(z)) == ours.values[i]
            case "sigmoid":
                assert 1 / (1 + math.exp(-z[0])) == pytest.approx(ours.probabilities[i, 1])
            case "clip" if len(z) == 1:
                assert (np.clip(z[0], -1, 1) + 1) / 2 == pytest.approx(ours.probabilities[i, 1])
            case _:
                assert (int(z[0] > 0) if len(z) == 1 else int(np.argmax(z))) == ours.values[i]


def test_words_of_a_text_are_listed_and_one_level_is_not_asked_for():
    notes = RNG.choice(["warm and dry", "cold and wet", "dry wind", "wet snow today"], N)
    table = TABLE[["size", "amount"]].assign(note=notes, same="x")
    model = model_of(
        read_table(table), target="amount", kinds=(("note", "text"),), task="regression"
    )
    told = json.loads(to_json(model))
    text = next(column for column in told["columns"] if column["name"] == "note")
    assert text["kind"] == "text"
    assert {"warm", "cold", "dry", "wet"} <= set(text["vocabulary"])
    with pytest.raises(InputError, match="'note' is free text"):
        to_onnx(model)


def test_sparse_rows_are_one_input(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    lines = [f"{i % 7} {1 + i % 3}:{i % 5 + 0.5} 7:{i % 2 + 1}" for i in range(40)]
    (tmp_path / "t.svm").write_text("\n".join(lines) + "\n")
    table = read_table(tmp_path / "t.svm")
    model = model_of(table, task="regression")
    session = runtime.InferenceSession(to_onnx(model), providers=["CPUExecutionProvider"])
    X = model.encoder.encode(table).X.toarray()
    found = session.run(["prediction"], {"features": X})[0]
    np.testing.assert_allclose(found, model.predict(table).values, rtol=1e-12)


def test_from_the_command_line(tmp_path, monkeypatch, capsys):
    pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    TABLE.drop(columns=TARGETS[1:]).to_csv("t.csv", index=False)
    assert run(["fit", "t.csv", "--target", "amount", "--out", "model", "--quiet"]) == 0
    assert run(["export", "model", "--to", "onnx", "-o", "model.onnx"]) == 0
    assert "5 columns in, predicts amount" in capsys.readouterr().out
    assert run(["export", "model", "--to", "json", "-o", "model.json"]) == 0
    assert json.loads((tmp_path / "model.json").read_text())["target"] == "amount"
    assert to_onnx(load("model")) == (tmp_path / "model.onnx").read_bytes()
    assert run(["export", "model", "--to", "pmml", "-o", "x"]) == 2
    assert "choose onnx or json" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_what_cannot_be_written_is_said(monkeypatch):
    sentences = [f"word{i % 9} other{i % 5} and more words here {i}" for i in range(60)]
    table = read_table({"t": sentences, "y": np.arange(60.0) % 7})
    model = model_of(table, target="y", kinds=(("t", "text"),))
    if not all(isinstance(code, NumberCode) for code in model.encoder.codes):
        with pytest.raises(ValueError, match="free text"):
            to_onnx(model)
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r"downslope\[onnx\]"):
        to_onnx(model)
