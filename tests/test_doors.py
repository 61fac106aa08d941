"""One fit, many doors: however a run ends, memory, streams and clusters say the same of it."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from downslope import DescentClassifier, DescentRegressor
from downslope.cli import run
from downslope.fitting.fit import Ask
from downslope.fitting.fit_files import fit_files
from downslope.trace import Recorder

N = 400
random = np.random.default_rng(0)
X = random.normal(size=(N, 2))
NOISE = random.normal(size=N)
LEVEL = np.digitize(X @ [1.0, -2.0] + NOISE, [-1.0, 1.0])
TABLES = {
    "numbers": pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": X @ [1.0, -2.0] + NOISE}),
    "far out": pd.DataFrame({"a": X[:, 0] + 1e9, "b": X[:, 1], "y": X @ [1.0, -2.0] + NOISE}),
    "apart": pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": np.where(X[:, 0] > 0, "yes", "no")}),
    "three": pd.DataFrame(
        {
            "a": X[:, 0],
            "b": X[:, 1],
            "y": np.array(["red", "green", "blue"])[LEVEL],
        }
    ),
}
STREAM = ("--stream", "--cache", "none")
DOORS = {
    "memory": (),
    "stream": STREAM,
    "within": ("--within", "1e-9", "--cache", "none"),
    "cluster": ("--cluster", "local:1", "--cache", "none"),
}
WALK = ("--batch-size", "32", "--learning-rate")
ENDINGS = {
    "converged": ("numbers", (), 0, {"converged"}),
    "far from zero": ("far out", (), 0, {"converged", "far_from_zero"}),
    "the cap": ("numbers", (*WALK, "0.001", "--max-iter", "1"), 1, {"crawling"}),
    "the solver's cap": ("numbers", ("--loss", "huber", "--max-iter", "1"), 1, {"on_course"}),
    "diverged": ("numbers", (*WALK, "50"), 1, {"divergence"}),
    "separable": ("apart", ("--alpha", "0"), 1, {"separable"}),
    "three classes": ("three", ("--loss", "hinge"), 0, {"converged"}),
}
REASONS = {
    **{"converged": "converged", "far from zero": "converged", "three classes": "converged"},
    **{"the cap": "max_epochs", "the solver's cap": "max_epochs"},
    **{"diverged": "diverged", "separable": "separable"},
}


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, table in TABLES.items():
        table.to_csv(f"{name}.csv", index=False)
    return tmp_path


def said(capsys, table, *words):
    """Exit code, and what the command line says as JSON."""
    code = run(["fit", f"{table}.csv", "-t", "y", "--test-size", "0", "--json", *words])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_run_ends_alike_at_every_door(ending, door, tables, capsys):
    if door == "within" and ending in ("the cap", "diverged", "three classes"):
        pytest.skip("within tells a bound, which batches and kinks do not have")
    if door == "cluster":
        pytest.importorskip("distributed")
        if ending not in ("far from zero", "the cap"):
            pytest.skip("seconds each; the rest is the code of streams")
    table, words, expected, findings = ENDINGS[ending]
    code, told = said(capsys, table, *words, *DOORS[door])
    assert code == expected
    assert told["reason"]["name"] == REASONS[ending]
    assert {finding["symptom"] for finding in told["findings"]} == findings
    assert told["rows"] == {"learned": N, "kept_aside": 0}
    assert set(told) == set(said(capsys, table, *words)[1])


@pytest.mark.parametrize("ending", ["converged", "far from zero", "the solver's cap", "separable"])
def test_an_estimator_finds_what_the_command_line_finds(ending, tables, capsys):
    table, words, _, _ = ENDINGS[ending]
    _, told = said(capsys, table, *words)
    frame = TABLES[table]
    settings = {"loss": "huber", "epsilon": 0.1, "max_iter": 1} if "cap" in ending else {}
    make = DescentClassifier if ending == "separable" else DescentRegressor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make(alpha=0.0, **settings).fit(frame[["a", "b"]], frame["y"])
    assert model.reason_.name == told["reason"]["name"]
    symptoms = [finding.symptom for finding in model.diagnosis_.findings]
    assert symptoms == [finding["symptom"] for finding in told["findings"]]


@pytest.mark.parametrize("walk", [(), (*WALK, "0.01")], ids=["the solver", "batches"])
@pytest.mark.parametrize("door", ["memory", "stream"])
def test_an_interruption_ends_alike(door, walk, tables, capsys, monkeypatch):
    add, heard = Recorder.add, []

    def interrupted(self, *record):
        add(self, *record)
        heard.append(record)
        if len(heard) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "add", interrupted)
    if walk and door == "memory":
        monkeypatch.setattr("downslope.training.fits.can_run", lambda *_: False)
    code, told = said(capsys, "numbers", *walk, *DOORS[door], "--out", "model")
    assert (code, told["reason"]["name"]) == (130, "interrupted")
    assert told["reference"] is None
    assert told["files"] == {"model": "model"}


@pytest.mark.parametrize("table", ["numbers", "apart", "three"])
def test_a_stream_shows_and_keeps_what_memory_does(table, tables, capsys):
    """Coefficients with their classes, the reference, the report, the figures, the trace."""
    shown = {}
    for door in ("memory", "stream"):
        kept = ["--out", f"{door}-model", "--report", f"{door}.html", "--trace", f"{door}.json"]
        words = [f"{table}.csv", "-t", "y", *kept, "--figures", f"{door}-figures", *DOORS[door]]
        assert run(["fit", *words, "--alpha", "0.01"]) == 0
        shown[door] = capsys.readouterr().out.replace(door, "")
        shown[door] = shown[door].split("What each column adds")[1].split("What the run shows")[0]
    figures = [
        {path.name for path in (tables / f"{door}-figures").iterdir()}
        for door in ("memory", "stream")
    ]
    assert figures[0] == figures[1]
    assert figures[0]
    for door in ("memory", "stream"):
        assert "What the run shows" in (tables / f"{door}.html").read_text()
    names = [
        sorted(line.split()[0] for line in text.splitlines()[2:] if line.strip())
        for text in shown.values()
    ]
    assert names[0] == names[1]
    assert shown["memory"].splitlines()[0] == shown["stream"].splitlines()[0]
    assert table != "three" or sum("→" in line for line in shown["stream"].splitlines()) == 6


def test_what_is_read_of_many_rows_is_said(tables, capsys):
    x = np.random.default_rng(1).normal(size=(30_000, 2))
    y = x @ [1.0, 2.0] + np.random.default_rng(2).normal(size=len(x))
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y}).to_csv("many.csv", index=False)
    done = fit_files("many.csv", Ask("y"))
    few, learned = done.problem.source.n_rows, done.data.n_learned
    assert few < learned < 30_000 == learned + done.data.n_aside
    assert f"reference solution look at {few:,} of the {learned:,} rows" in done.data.notes[-1]
    assert done.reference.name == f"closed form of {few:,} rows"
    ours, theirs = done.scores[0].value, done.scores[0].reference
    assert ours == pytest.approx(theirs, abs=0.01)
    assert len(done.data.kept_aside) == pytest.approx(done.data.n_aside, abs=10_500)
    model = DescentRegressor("mse", alpha=0.0).fit(x, y)
    np.testing.assert_allclose(done.coefficients[0], model.coef_, atol=0.05)
    code, told = said(capsys, "many", *STREAM)
    assert code == 0
    assert told["reference"] == f"closed form of {few:,} rows" or told["rows"]["learned"] == 30_000
