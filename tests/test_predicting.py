"""``downslope predict`` on tables unlike the one that was learned from, and on files that lie."""

import io
import json
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest

from downslope.cli import run
from downslope.fitting.model import load
from downslope.tables import read_table

RNG = np.random.default_rng(2)
N = 120
TABLE = pd.DataFrame(
    {
        "size": RNG.uniform(20, 90, N).round(1),
        "kind": RNG.choice(["flat", "house", "loft"], N, p=[0.6, 0.3, 0.1]),
        "built": pd.date_range("2001-02-03", periods=N, freq="33D").astype(str),
        "lift": RNG.choice(["yes", "no"], N),
    }
)
TABLE["price"] = 3 * TABLE["size"] + 20 * (TABLE["kind"] == "house") + RNG.normal(size=N).round(2)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    TABLE.to_csv(folder / "t.csv", index=False)
    arguments = ["fit", folder / "t.csv", "--target", "price", "--out", folder / "m", "--quiet"]
    assert run([str(a) for a in arguments]) == 0
    return folder / "m"


@pytest.fixture
def ask(model, tmp_path, monkeypatch, capsys):
    """Predict a frame; the exit code, the predictions and what was said."""
    monkeypatch.chdir(tmp_path)

    def asked(frame):
        frame.to_csv("new.csv", index=False)
        code = run(["predict", str(model), "new.csv", "--json"])
        out, err = capsys.readouterr()
        told = json.loads(out) if code == 0 else {"predictions": {}, "notes": []}
        return code, told["predictions"].get("price predicted"), " ".join(told["notes"]) + err

    return asked


NEW = TABLE.drop(columns="price").head(8)


def test_a_missing_column_is_refused_by_name(ask):
    code, _, said = ask(NEW.drop(columns="kind"))
    assert code == 2
    assert "lacks 1 of the 4 columns" in said
    assert "'kind'" in said
    code, _, said = ask(NEW.rename(columns={"kind": "Kind "}))
    assert code == 2
    assert "rename 'Kind'" in said


def test_an_extra_column_is_ignored_and_said(ask):
    _, wanted, silent = ask(NEW)
    assert silent == ""
    code, found, said = ask(NEW.assign(colour="red"))
    assert (code, found) == (0, wanted)
    assert "Columns not used in training ignored: 'colour'." in said


def test_another_order_of_columns_and_rows_changes_nothing(ask):
    _, wanted, _ = ask(NEW)
    code, found, said = ask(NEW[NEW.columns[::-1]])
    assert (code, found, said) == (0, wanted, "")
    assert ask(NEW.iloc[::-1])[1] == wanted[::-1]


def test_a_level_never_seen_is_counted_and_read_as_the_usual_one(ask):
    strange = NEW.assign(kind=["castle", "tent", *NEW["kind"][2:]])
    code, found, said = ask(strange)
    assert code == 0
    assert "Column 'kind': 2 cells never seen in training: read as 'flat'." in said
    assert found == ask(NEW.assign(kind=["flat", "flat", *NEW["kind"][2:]]))[1]


def test_a_gap_where_training_had_none_is_filled_and_said(ask):
    code, found, said = ask(NEW.assign(size=[np.nan, *NEW["size"][1:]]))
    assert code == 0
    assert "Column 'size': 1 cell missing: read as" in said
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("size", ["large"] * 8, ("line 2", "'size'", "'large'", "not a number")),
        ("size", ["$5"] * 8, None),
        ("built", ["soon"] * 8, ("line 2", "'built'", "'soon'", "not a date")),
        ("lift", ["perhaps"] * 8, ("line 2", "'lift'", "'perhaps'", "not a boolean")),
        ("lift", ["1", "0"] * 4, None),
        ("kind", list("12345678"), None),
    ],
)
def test_cells_of_another_type_are_read_or_refused_by_name(ask, column, cells, words):
    code, found, said = ask(NEW.assign(**{column: cells}))
    if words is None:
        assert code == 0
        assert np.isfinite(found).all()
        return
    assert code == 2
    for each in words:
        assert each in said


def test_zero_rows_give_zero_predictions(ask, model, capsys):
    code, found, _ = ask(NEW.head(0))
    assert (code, found) == (0, [])
    assert run(["predict", str(model), "new.csv"]) == 0
    assert capsys.readouterr().out == "price predicted\n"


def test_numbers_that_overflow_are_no_prediction_of_nothing(ask):
    code, found, said = ask(NEW.assign(size=[*NEW["size"][:7], 1e308]))
    assert code == 0
    assert np.isfinite(found[:7]).all()
    assert said == (
        "1 of 8 predictions not finite, the first in row 8: a number there is too large for this "
        "model."
    )


@pytest.mark.parametrize(
    ("change", "scored"),
    [
        ({}, True),
        ({"price": np.nan}, False),  # a row without the truth
        ({"price": "unknown"}, False),
    ],
    ids=["whole", "a gap", "a word"],
)
def test_rows_with_the_truth_are_judged_where_all_have_one(model, tmp_path, capsys, change, scored):
    table = TABLE.head(20).astype({"price": object})
    for column, value in change.items():
        table.loc[3, column] = value
    table.to_csv(tmp_path / "t.csv", index=False)
    assert run(["predict", str(model), str(tmp_path / "t.csv"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["predictions"]["price predicted"]) == 20
    assert bool(told["scores"]) is scored


def test_classes_never_seen_are_not_judged(tmp_path, capsys):
    table = TABLE.assign(price=np.where(TABLE["size"] > 50, "high", "low"))
    table.to_csv(tmp_path / "t.csv", index=False)
    fit = ["fit", tmp_path / "t.csv", "--target", "price", "--out", tmp_path / "m", "--quiet"]
    assert run([str(part) for part in fit]) in (0, 1)
    for words, scores in (({}, {"accuracy", "log loss"}), ({"high": "huge"}, set())):
        table.replace({"price": words}).to_csv(tmp_path / "new.csv", index=False)
        capsys.readouterr()
        assert run(["predict", str(tmp_path / "m"), str(tmp_path / "new.csv"), "--json"]) == 0
        assert set(json.loads(capsys.readouterr().out)["scores"]) == scores


# --- model files through the command line --------------------------------------------------------


def damaged(model, how, to):
    """A model that somebody else made of it."""
    whole = model.read_bytes()
    match how:
        case "half of it":
            to.write_bytes(whole[: len(whole) // 2])
        case "a flipped bit":
            at = whole.index(b"\x93NUMPY") + 130
            to.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        case "a pickle":
            to.write_bytes(b"\x80\x04cos\nsystem\n(S'touch exploded'\ntR.")
        case "a member that climbs":
            shutil.copy(model, to)
            with zipfile.ZipFile(to, "a") as archive:
                archive.writestr("../../climbed", "x")
        case "a table":
            to.write_text("a,b\n1,2\n")
        case "a link":
            to.symlink_to("/etc/passwd")
        case "another version":
            buffer = io.BytesIO()
            with zipfile.ZipFile(model) as old, zipfile.ZipFile(buffer, "w") as new:
                for entry in old.infolist():
                    data = old.read(entry)
                    if entry.filename == "about.json":
                        data = data.replace(b'"version": 1', b'"version": 7')
                    new.writestr(entry, data)
            to.write_bytes(buffer.getvalue())


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("half of it", "damaged"),
        ("a flipped bit", "damaged"),
        ("a pickle", "pickle"),
        ("a member that climbs", "which no model has"),
        ("a table", "not a model saved by downslope"),
        ("a link", "not a model saved by downslope"),
        ("another version", "version 7"),
    ],
)
@pytest.mark.parametrize("command", ["predict", "inspect", "export", "diagnose"])
def test_a_file_that_lies_is_refused_in_one_sentence(
    model, how, word, command, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    damaged(model, how, tmp_path / "m")
    NEW.to_csv("new.csv", index=False)
    more = {"predict": ["new.csv"], "export": ["--to", "json", "-o", "out"]}.get(command, [])
    if how == "a flipped bit" and command == "inspect":
        return  # it loads no array, so it cannot see one that is wrong
    assert run([command, "m", *more]) == 2
    err = capsys.readouterr().err
    assert word in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "new.csv"]
    assert not (tmp_path.parent / "climbed").exists()


def test_inspecting_reads_no_array(model, monkeypatch, capsys):
    from downslope import store

    monkeypatch.setattr(store, "_array", lambda *_: pytest.fail("an array was loaded"))
    assert run(["inspect", str(model)]) == 0
    out = capsys.readouterr().out
    for each in ("price", "regression", "arrays/coefficients.npy", "size, kind=house"):
        assert each in out


def test_a_loaded_model_predicts_as_the_command_does(model, ask):
    _, found, _ = ask(NEW)
    table = read_table(NEW)
    np.testing.assert_array_equal(load(model).predict(table).values, found)
