"""The command line as people and scripts use it."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import DATA, PATIENCE, shared
from test_report import check_harmless

import downslope.cli
from downslope import errors
from downslope.cli import interruption, run, sentence
from downslope.fitting.model import load
from downslope.trace import load_trace

FIVE = "engine_size,horsepower,curb_weight,width,highway_mpg"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cli(capsys, *arguments):
    """Exit code, standard output and standard error of one command line."""
    code = run([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def process(*arguments, **options):
    """The same in a process of its own."""
    command = [sys.executable, "-m", "downslope", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **options)


@pytest.fixture
def cars():
    return shared("automobiles.csv")


@pytest.fixture
def line(tmp_path):
    """A small table of a straight line."""
    path = tmp_path / "line.csv"
    rows = [f"{x},{3 * x + 1},{'ab'[x % 2]}" for x in range(40)]
    path.write_text("x,y,c\n" + "\n".join(rows) + "\n")
    return path


# --- every file of the folder of bad inputs ------------------------------------------------------


def manifest():
    path = DATA / "bad_inputs" / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else []


REFUSED_TOO = {"no_header.csv", "footer.csv"}
"""Their ``expect`` asks for a question or an error without naming the exit code."""


@pytest.mark.skipif(not manifest(), reason="the folder of real data is absent; see conftest")
@pytest.mark.parametrize("case", manifest(), ids=lambda case: case["file"])
def test_a_bad_file_is_read_rightly_or_refused_in_one_sentence(case, here, capsys):
    refused = "exit code 2" in case["expect"] and "or detected" not in case["expect"]
    refused |= case["file"] in REFUSED_TOO
    data = shared(f"bad_inputs/{case['file']}")
    code, out, err = cli(capsys, "fit", data, "--target", case["target"], "--out", "model")
    assert "Traceback" not in out + err
    assert "should not have happened" not in err
    if refused:
        assert code == 2
        assert out == ""
        assert re.fullmatch(r"downslope: [^\n]+\.\n", err), err
        assert data.name.split(".")[0] in err
        assert list(here.iterdir()) == []
        return
    assert code in (0, 1)
    assert [path.name for path in here.iterdir()] == ["model"]
    model = load("model")
    assert np.isfinite(model.coefficients).all()
    assert "-inf" not in out


SAID = {
    "empty.csv": "file is empty",
    "header_only.csv": "0 data rows",
    "no_header.csv": "--no-header",
    "inf_features.csv": r"line 4, column 'x1'.*inf",
    "footer.csv": "line 42",
    "ragged_short.csv": r"line 42: 2 fields found, 4 wanted",
    "one_class.csv": "the target 'y' has one class",
    "bad_index.svm": "line 3",
    "two_rows.csv": "no row is left to test",
    "target_constant.csv": "R²  .*not defined  .*not defined",
    "duplicate_feature.csv": r"'x1' and 'x1b' say the same.*rank deficient: .*x1",
    "target_leak.csv": "Leak suspected: 'leak' equals the target",
    "nearly_constant_column.csv": "k, constant: .*up to rounding",
    "latin1.csv": "cp1252",
    "trailing_comma.csv": "left out",
    "empty_name.csv": "has no name",
    "uint64_max.parquet": "2\\^53",
    "ints_beyond_int64.csv": "2\\^53",
}


@pytest.mark.parametrize("file", SAID)
def test_what_must_be_said_of_a_bad_file_is_said(file, here, capsys):
    _, out, err = cli(capsys, "fit", shared(f"bad_inputs/{file}"), "--target", "y")
    said = " ".join((out + err).split())
    assert re.search(SAID[file].replace("  ", " "), said), said


def test_a_constant_target_gets_weights_of_zero(here, capsys):
    data = shared("bad_inputs/target_constant.csv")
    code, out, _ = cli(capsys, "fit", data, "-t", "y", "--json")
    told = json.loads(out)
    assert code == 0
    assert max(map(abs, told["coefficients"][0].values())) < 1e-6
    assert told["scores"]["R²"] == {"value": None, "reference": None}


def test_separable_classes_without_a_penalty_are_said_to_be(here, capsys):
    data = shared("bad_inputs/perfectly_separable.csv")
    _, out, _ = cli(capsys, "fit", data, "-t", "y", "--alpha", 0, "--json")
    told = json.loads(out)
    assert "separable" in {finding["symptom"] for finding in told["findings"]}
    assert all(np.isfinite(value) for value in told["coefficients"][0].values())


def test_ids_are_refused_as_classes(here, capsys):
    data = shared("bad_inputs/ids_as_classes.csv")
    code, _, err = cli(capsys, "fit", data, "-t", "y", "--task", "classification")
    assert code == 2
    assert "--task regression" in err


NAUGHTY = ("naughty_names.csv", "naughty_levels.csv", "formula_injection.csv", "long_cell.csv")


@pytest.mark.parametrize("file", NAUGHTY)
def test_naughty_text_survives_and_is_harmless_on_the_page(file, here, capsys):
    data = shared(f"bad_inputs/{file}")
    code, _, err = cli(capsys, "fit", data, "-t", "y", "--out", "m", "--report", "r.html",
                       "--trace", "t.parquet")  # fmt: skip
    assert (code, err) == (0, "")
    page = (here / "r.html").read_text(encoding="utf-8")
    check_harmless(page)
    assert len(page) < 3_000_000
    code, out, err = cli(capsys, "predict", "m", data)
    assert code == 0
    assert len(out.splitlines()) > 5


def test_naughty_names_are_the_same_after_saving_and_loading(here, capsys):
    import pyarrow.csv

    data = shared("bad_inputs/naughty_names.csv")
    cli(capsys, "fit", data, "-t", "y", "--out", "m")
    names = {code.name for code in load("m").encoder.codes}
    columns = {name.strip() for name in pyarrow.csv.read_csv(data).column_names}
    assert len(names & columns) > 150


# --- fit, predict, diagnose, inspect -------------------------------------------------------------


def test_five_features_of_cars_give_the_published_score(cars, here, capsys):
    code, out, _ = cli(capsys, "fit", cars, "--target", "price", "--features", FIVE)
    assert code == 0
    assert re.search(r"R² +0\.793 +0\.793", out)
    assert "40 kept aside" in out


def test_stochastic_descent_comes_within_a_hundredth_of_it(cars, here, capsys):
    walk = ("--batch-size", 1, "--learning-rate", "invscaling", "--loss", "squared_error")
    _, out, _ = cli(capsys, "fit", cars, "-t", "price", "--features", FIVE, *walk, "--json")
    assert 0.79 <= json.loads(out)["scores"]["R²"]["value"] <= 0.80


@pytest.mark.parametrize(
    ("features", "scaling", "limit"), [(FIVE, "auto", 0.2414), ("engine_size", "none", 6.606e-05)]
)
def test_the_published_stable_rates_come_out(cars, here, capsys, features, scaling, limit):
    walk = ("--scaling", scaling, "--learning-rate", limit / 2, "--max-iter", 3, "--test-size", 0)
    _, out, _ = cli(capsys, "fit", cars, "-t", "price", "--features", features, *walk, "--json")
    assert json.loads(out)["curvature"]["stable_rate"] == pytest.approx(limit, rel=2e-4)


def test_the_published_condition_of_one_raw_column_is_said(cars, here, capsys):
    walk = ("--scaling", "none", "--learning-rate", 3e-5, "--max-iter", 50, "--test-size", 0)
    code, out, _ = cli(capsys, "fit", cars, "-t", "price", "--features", "engine_size", *walk)
    assert code == 1
    assert "The condition number is 248,536" in " ".join(out.split())


def test_a_diverged_run_is_kept_and_said_with_the_rate_that_would_not(cars, here, capsys):
    code, out, _ = cli(capsys, "fit", cars, "-t", "price", "--features", FIVE, "--learning-rate", 1,
                       "--out", "m")  # fmt: skip
    assert code == 1
    said = " ".join(out.split())
    assert "largest stable rate here is 0.2379" in said
    assert "Use a rate below 0.2379" in said
    assert np.isfinite(load("m").coefficients).all()


@pytest.mark.parametrize("column", ["x", "y"])
def test_numbers_too_large_to_square_are_refused_by_column(here, capsys, column):
    rows = [(k, k + 1) for k in range(9)]
    rows[5] = (1e200, 6) if column == "x" else (5, 1e200)
    (here / "t.csv").write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in rows))
    code, out, err = cli(capsys, "fit", "t.csv", "-t", "y", "--task", "regression")
    assert (code, out) == (2, "")
    assert f"Column {column!r} holds 1e+200" in " ".join(err.split())


def test_a_run_cut_short_says_so(cars, here, capsys):
    code, out, _ = cli(capsys, "fit", cars, "-t", "price", "--learning-rate", "1e-4",
                       "--max-iter", 3)  # fmt: skip
    assert code == 1
    assert "Stopped after 3 passes" in out


def test_json_is_one_object_and_nothing_else(line, here, capsys):
    code, out, err = cli(capsys, "fit", line, "-t", "y", "--json", "--out", "m")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["reason"]["converged"]
    assert told["files"] == {"model": "m"}
    assert told["coefficients"][0]["x"] == pytest.approx(3.0, abs=1e-4)
    assert told["rows"] == {"learned": 30, "kept_aside": 10}


def test_quiet_is_silent(line, here, capsys):
    assert cli(capsys, "fit", line, "-t", "y", "--quiet", "--out", "m") == (0, "", "")
    assert load("m").target == "y"


def test_everything_asked_for_is_kept(line, here, capsys):
    code, out, _ = cli(capsys, "fit", line, "-t", "y", "--features", "x", "--learning-rate", 0.1,
                       "--out", "m", "--report", "r.html", "--trace", "t.csv", "--figures",
                       "f")  # fmt: skip
    assert code == 0
    kept = {path.name for path in (here / "f").iterdir()}
    assert {"fit.svg", "fit.png", "contours.png", "loss.svg", "convergence.png"} <= kept
    assert (here / "t.csv").read_text().startswith("step,epoch,value")
    assert "downslope predict m NEW.csv" in out
    check_harmless((here / "r.html").read_text(encoding="utf-8"))


def test_a_walk_of_many_weights_is_drawn_on_its_plane(cars, here, capsys):
    walk = ("--features", FIVE, "-r", 0.1, "--figures", "f", "-q")
    code, _, err = cli(capsys, "fit", cars, "-t", "price", *walk)
    assert (code, err) == (0, "")
    names = {path.stem for path in (here / "f").iterdir()}
    assert names == {"convergence", "plane", "coefficients", "predictions"}


@pytest.mark.parametrize("task", ["y", "c"])
def test_predictions_go_by_name_never_by_position(line, here, capsys, task):
    cli(capsys, "fit", line, "-t", task, "--out", "m", "--quiet")
    _, straight, _ = cli(capsys, "predict", "m", line)
    rows = [row.split(",") for row in line.read_text().splitlines()]
    (here / "turned.csv").write_text("\n".join(",".join(reversed(row)) for row in rows))
    _, turned, _ = cli(capsys, "predict", "m", "turned.csv")
    assert straight == turned
    assert len(straight.splitlines()) == 41


def test_predictions_of_a_classifier_come_with_probabilities(line, here, capsys):
    cli(capsys, "fit", line, "-t", "c", "--out", "m", "--quiet")
    code, out, _ = cli(capsys, "predict", "m", line, "--json")
    told = json.loads(out)
    assert code == 0
    assert list(told["predictions"]) == ["c predicted", "probability of a", "probability of b"]
    total = np.add(told["predictions"]["probability of a"], told["predictions"]["probability of b"])
    assert total == pytest.approx(1.0)
    assert set(told["scores"]) == {"accuracy", "log loss"}


def test_a_missing_column_is_said_with_the_nearest_name(line, here, capsys):
    cli(capsys, "fit", line, "-t", "y", "--out", "m", "--quiet")
    (here / "new.csv").write_text("X,c\n1,a\n2,b\n")
    code, out, err = cli(capsys, "predict", "m", "new.csv")
    assert (code, out) == (2, "")
    assert "'x'" in err


def test_cells_that_a_spreadsheet_would_run_are_defused(here, capsys):
    rows = "\n".join(f"{k % 7},{'=cmd()' if k % 2 else '@sum(a)'}" for k in range(40))
    (here / "t.csv").write_text(f"x,y\n{rows}\n")
    cli(capsys, "fit", "t.csv", "-t", "y", "--out", "m", "--quiet")
    _, out, _ = cli(capsys, "predict", "m", "t.csv")
    for row in out.splitlines()[1:]:
        assert row.startswith(("'=", "'@", "\"'=", "\"'@"))


def test_a_model_and_its_trace_can_be_diagnosed(cars, here, capsys):
    cli(capsys, "fit", cars, "-t", "price", "--features", FIVE, "--learning-rate", "0.24",
        "--max-iter", 30, "--out", "m", "--trace", "t.json", "--quiet")  # fmt: skip
    for run_file in ("m", "t.json"):
        code, out, _ = cli(capsys, "diagnose", run_file, "--json")
        assert code == 0
        assert json.loads(out)["findings"]


def test_inspecting_shows_what_is_inside(line, here, capsys):
    cli(capsys, "fit", line, "-t", "y", "--out", "m", "--quiet")
    code, out, _ = cli(capsys, "inspect", "m")
    assert code == 0
    assert "coefficients.npy" in out
    assert re.search(r"target +y", out)
    _, out, _ = cli(capsys, "inspect", "m", "--json")
    assert json.loads(out)["content"]["target"] == "y"


def test_a_table_may_come_by_standard_input(line):
    done = process("fit", "-", "--target", "y", "--json", input=line.read_text())
    assert done.returncode == 0
    assert json.loads(done.stdout)["scores"]["R²"]["value"] == pytest.approx(1.0)


def test_reading_options_reach_the_reader(here, capsys):
    (here / "t.csv").write_text("x;y\n" + "\n".join(f"{k},5;{2 * k},0" for k in range(20)))
    code, out, _ = cli(capsys, "fit", "t.csv", "-t", "y", "--separator", ";", "--decimal", ",",
                       "--json")  # fmt: skip
    assert code == 0
    assert json.loads(out)["coefficients"][0]["x"] == pytest.approx(2.0, abs=1e-4)


# --- sweep, trace, demo --------------------------------------------------------------------------


def test_the_four_regimes_of_the_lesson(cars, here, capsys):
    rates = ("--rates", "0.001,0.1,0.9,1.01", "--standardize-target", "--steps", 60)
    code, out, _ = cli(capsys, "sweep", cars, "-t", "price", "--features", "engine_size", *rates,
                       "--figure", "s.svg", "--json")  # fmt: skip
    told = json.loads(out)
    assert code == 0
    assert told["regimes"] == ["crawling", "just right", "oscillating", "diverging"]
    assert told["limit"] == pytest.approx(1.0, rel=1e-12)
    assert told["values"][1][0] == pytest.approx(1.0)
    assert told["values"][1][1] == pytest.approx(0.745, abs=5e-4)
    assert told["ends"][1] == pytest.approx(0.2919, abs=5e-5)
    assert "stable limit 1" in (here / "s.svg").read_text() or (here / "s.svg").stat().st_size
    assert [path.name for path in here.iterdir()] == ["s.svg"]


def test_a_sweep_finds_the_published_limit_by_itself(cars, here, capsys):
    code, out, _ = cli(capsys, "sweep", cars, "-t", "price", "--features", FIVE)
    assert code == 0
    assert "Largest stable rate 0.2414" in out
    assert {"crawling", "just right", "oscillating", "diverging"} <= set(
        re.findall(r"[a-z]+ ?[a-z]+", out)
    )


def test_the_costs_of_the_lesson_have_three_local_minima(here, capsys):
    code, out, _ = cli(capsys, "minima", "3,1,1,8,6,5,2,6,4,3", "--figure", "m.svg", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["count"], told["lowest"]) == (3, 1.0)
    assert told["places"] == [[1, 2], [6, 6], [9, 9]]
    assert (here / "m.svg").exists()


@pytest.mark.parametrize(
    ("formula", "count"), [("w^4 - 2*w^2 + 0.3*w", 2), ("(u^2 - 1)^2 + v^2", 2), ("u^2+v^2+w^2", 1)]
)
def test_the_minima_of_a_formula(here, capsys, formula, count):
    drawn = () if "w^2" in formula and "u" in formula else ("--figure", "m.png")
    code, out, _ = cli(capsys, "minima", formula, *drawn, "--json")
    assert code == 0
    assert len(json.loads(out)["places"]) == count
    assert len(list(here.iterdir())) == len(drawn) // 2


def test_a_narrow_valley_takes_plain_descent_the_most_steps(here, capsys):
    code, out, _ = cli(capsys, "race", "0.5*u^2 + 50*v^2", "--start", "u=10,v=1", "--figure",
                       "r.png", "--json")  # fmt: skip
    reached = {each["rule"]: each["reached"] for each in json.loads(out)["runners"]}
    assert code == 0
    assert reached["momentum"] < reached["plain"]
    assert reached["adam"] < reached["plain"]
    assert (here / "r.png").read_bytes().startswith(b"\x89PNG")


def test_rules_race_down_a_table_too(line, here, capsys):
    run_short = ("--rules", "plain,nesterov", "--evaluations", 30, "--figure", "r.svg")
    code, out, _ = cli(capsys, "race", line, "-t", "y", *run_short)
    assert code == 0
    assert re.search("plain +", out)
    assert (here / "r.svg").exists()


def test_the_parabola_by_hand(here, capsys):
    code, out, _ = cli(capsys, "trace", "(w - 3)^2", "--start", "w=0", "--learning-rate", 0.1,
                       "--steps", 3)  # fmt: skip
    assert code == 0
    assert "df/dw = 2*w - 6" in out
    assert "w = 0 - 0.1 * (-6) = 0.6" in out
    assert re.findall(r"step \d: w = ([\d.]+)", out) == ["0", "0.6", "1.08", "1.464"]
    losses = re.findall(r"  f = .*[=≈] ([\d.]+)", out)
    assert [round(float(loss), 3) for loss in losses] == [9, 5.76, 3.686, 2.359]
    assert "heading for w = 3" in out


def test_twenty_steps_from_five(here, capsys):
    _, out, _ = cli(
        capsys, "trace", "(t - 1)^2", "--start", "t=5", "-r", 0.1, "--steps", 20, "--json"
    )
    assert json.loads(out)["steps"][-1]["w[t]"] == pytest.approx(1.0461, abs=5e-5)


@pytest.mark.parametrize(("start", "mse"), [("w=50", 51_743_975), ("w=162,b=-7914", 10_023_135)])
def test_the_published_costs_of_two_lines(cars, here, capsys, start, mse):
    code, out, _ = cli(capsys, "trace", cars, "-t", "price", "--features", "engine_size",
                       "--start", start, "--steps", 0)  # fmt: skip
    assert code == 0
    assert re.search(rf"L = .*[=≈] {mse}\n", out)
    assert "heading for w = 162.379, b = -7914.13" in out


def test_the_published_costs_along_the_slope(cars, here, capsys):
    line = ("--features", "engine_size", "--start", "b=-7914", "--steps", 0)
    _, out, _ = cli(capsys, "trace", cars, "-t", "price", *line, "--along", "w=0:320:40")
    costs = [row.split()[1] for row in out.splitlines()[-9:]]
    assert costs == [
        "409,131,032", "236,717,496", "112,742,240", "37,205,262", "10,106,565", "31,446,146",
        "101,224,007", "219,440,147", "386,094,566",
    ]  # fmt: skip


def test_the_standardised_walk_of_the_lesson(cars, here, capsys):
    walk = ("--standardize", "-r", 0.1, "--steps", 60)
    _, out, _ = cli(
        capsys, "trace", cars, "-t", "price", "--features", "engine_size", *walk, "--json"
    )
    steps = json.loads(out)["steps"]
    assert [steps[k]["value"] for k in (0, 1, 60)] == pytest.approx([1, 0.745, 0.2919], abs=5e-4)
    assert steps[0]["gradient_norm"] == pytest.approx(1.683, abs=5e-4)
    assert steps[1]["w[w]"] == pytest.approx(0.168, abs=5e-4)
    assert steps[60]["w[w]"] == pytest.approx(0.841, abs=1e-3)
    assert steps[60]["w[b]"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("slope", "mse"), [(80, 0.0), (90, 7_250_000 / 3)])
def test_three_points_by_hand(here, capsys, slope, mse):
    (here / "t.csv").write_text("x,y\n100,8000\n150,12000\n200,16000\n")
    _, out, _ = cli(capsys, "trace", "t.csv", "-t", "y", "--start", f"w={slope},b=0", "--steps", 0,
                    "--json")  # fmt: skip
    assert json.loads(out)["steps"][0]["value"] == pytest.approx(mse, rel=1e-12)


@pytest.mark.parametrize("formula", ["(w - 3)^2", "(u - 1)^2 + 5*v^2", "u^2 + v^2 + (w - u)^2"])
@pytest.mark.parametrize("more", [(), ("--bowl",)])
def test_a_walk_is_drawn_and_kept(here, capsys, formula, more):
    names = re.findall(r"[uvw]", formula)
    start = ",".join(f"{name}=2" for name in dict.fromkeys(names))
    code, _, err = cli(capsys, "trace", formula, "--start", start, "-r", 0.05, "--figure", "f.png",
                       "--trace", "t.csv", "-q", *more)  # fmt: skip
    assert (code, err) == (0, "")
    assert (here / "f.png").read_bytes().startswith(b"\x89PNG")
    assert len((here / "t.csv").read_text().splitlines()) == 5


def test_a_walk_that_diverges_says_so(here, capsys):
    code, out, _ = cli(capsys, "trace", "w^4", "--start", "w=10", "-r", 1, "--steps", 50)
    assert code == 1
    assert "Diverged" in out


def test_a_long_walk_shows_its_first_and_last_steps(here, capsys):
    walk = ("trace", "(w - 3)^2", "--start", "w=0", "-r", 0.1, "--steps", 60)
    _, short, _ = cli(capsys, *walk)
    _, whole, _ = cli(capsys, *walk, "--all")
    assert "56 more steps" in short
    assert len(re.findall("^step", short, re.MULTILINE)) == 5
    assert len(re.findall("^step", whole, re.MULTILINE)) == 61


def test_the_demonstration_leaves_what_it_promises(here, capsys):
    code, out, err = cli(capsys, "demo")
    assert (code, err) == (0, "")
    left = {path.name for path in (here / "downslope-demo").iterdir()}
    assert {"diabetes.html", "diabetes-walk.html", "cancer.html", "rates.png"} <= left
    assert {"diabetes.model", "cancer.model", "diabetes.csv", "cancer-figures"} <= left
    for promised in re.findall(r"^  (downslope-demo/\S+)", out, re.MULTILINE):
        assert (here / promised).exists()
    assert "R²" in out
    assert "accuracy" in out
    for page in (here / "downslope-demo").glob("*.html"):
        check_harmless(page.read_text(encoding="utf-8"))


# --- errors are sentences ------------------------------------------------------------------------

WRONG = {
    "no such command": ["fitt"],
    "no data": ["fit"],
    "no such file": ["fit", "absent.csv", "-t", "y"],
    "no such column": ["fit", "line.csv", "-t", "z"],
    "a target without its option": ["fit", "line.csv", "y"],
    "no target": ["fit", "line.csv"],
    "no such loss": ["fit", "line.csv", "-t", "y", "--loss", "nope"],
    "a loss for classes": ["fit", "line.csv", "-t", "y", "--loss", "hinge"],
    "no such rule": ["fit", "line.csv", "-t", "y", "--rule", "nope"],
    "no such rate": ["fit", "line.csv", "-t", "y", "--learning-rate", "nope"],
    "a negative rate": ["fit", "line.csv", "-t", "y", "--learning-rate=-1"],
    "no such scaling": ["fit", "line.csv", "-t", "y", "--scaling", "nope"],
    "a bad batch size": ["fit", "line.csv", "-t", "y", "--batch-size", "0.5"],
    "a batch of none": ["fit", "line.csv", "-t", "y", "--batch-size", "0"],
    "a bad tolerance": ["fit", "line.csv", "-t", "y", "--tol=-1"],
    "no passes": ["fit", "line.csv", "-t", "y", "--max-iter", "0"],
    "a bad share": ["fit", "line.csv", "-t", "y", "--test-size", "1.5"],
    "a bad penalty": ["fit", "line.csv", "-t", "y", "--penalty", "nope"],
    "a negative penalty": ["fit", "line.csv", "-t", "y", "--alpha=-1"],
    "a pair that cannot be": ["fit", "line.csv", "-t", "y", "--rule", "adam", "--penalty", "l1",
                              "--alpha", "0.1", "--learning-rate", "0.1"],
    "a line search on batches": ["fit", "line.csv", "-t", "y", "--batch-size", "4",
                                 "--learning-rate", "armijo"],
    "no number": ["fit", "line.csv", "-t", "y", "--max-iter", "many"],
    "a kind without a name": ["fit", "line.csv", "-t", "y", "--kind", "category"],
    "a trace of no kind": ["fit", "line.csv", "-t", "y", "--trace", "t.txt"],
    "a folder that is not": ["fit", "line.csv", "-t", "y", "--out", "no/such/folder/m"],
    "out is a folder": ["fit", "line.csv", "-t", "y", "--out", "."],
    "an empty list of rates": ["sweep", "line.csv", "-t", "y", "--rates", "0.1,many"],
    "a rate below zero": ["sweep", "line.csv", "-t", "y", "--features", "x", "--rates=-1"],
    "no steps to sweep": ["sweep", "line.csv", "-t", "y", "--steps", "0"],
    "a figure of no kind": ["sweep", "line.csv", "-t", "y", "--figure", "s.gif"],
    "no such rule in a race": ["race", "w^2", "--rules", "plain,nope"],
    "no rule in a race": ["race", "w^2", "--rules", ","],
    "a race without a budget": ["race", "w^2", "--evaluations", "1"],
    "minima of nothing": ["minima", "3,,x"],
    "a box the wrong way round": ["minima", "w^2", "--box", "w=2:-2"],
    "a box for nobody": ["minima", "w^2", "--box", "q=-2:2"],
    "basins of three weights": ["minima", "u^2+v^2+w^2", "--figure", "m.png"],
    "no starts": ["minima", "w^2", "--starts", "0"],
    "no formula": ["trace", "__import__('os')"],
    "an attribute": ["trace", "w.__class__"],
    "a huge power": ["trace", "9^9^9^9^9"],
    "a deep formula": ["trace", "(" * 5000 + "w" + ")" * 5000],
    "an unknown weight": ["trace", "w^2", "--start", "q=1"],
    "a start of words": ["trace", "w^2", "--start", "w=one"],
    "steps below zero": ["trace", "w^2", "--steps=-1"],
    "no such rule by hand": ["trace", "w^2", "--rule", "nope"],
    "a table without a target": ["trace", "line.csv"],
    "two columns by hand": ["trace", "line.csv", "-t", "y"],
    "a grid without end": ["trace", "w^2", "--along", "w=0:1:0"],
    "no such model": ["predict", "absent", "line.csv"],
    "a table for a model": ["predict", "line.csv", "line.csv"],
    "a table for a trace": ["diagnose", "line.csv"],
    "a table to inspect": ["inspect", "line.csv"],
}  # fmt: skip


ONLY_FOUND_ON_THE_WAY = {
    "a pair that cannot be",
    "a line search on batches",
    "basins of three weights",
}


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_is_one_sentence_and_exit_code_2(what, line, here, capsys):
    before = sorted(here.iterdir())
    code, out, err = cli(capsys, *WRONG[what])
    assert code == 2, out + err
    assert out == "" or what in ONLY_FOUND_ON_THE_WAY
    assert re.fullmatch(r"downslope: [^\n]+[.?`]\n", err), err
    assert "should not have happened" not in err
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "memory"),
        (PermissionError(13, "Permission denied", "m"), "'m': Permission denied"),
        (OSError(28, "No space left on device"), "No space left"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (errors.StoreError("It is damaged."), "It is damaged."),
    ],
)
def test_any_error_has_a_sentence(error, said):
    assert said in sentence(error)
    assert "\n" not in sentence(error)


def test_an_unexpected_error_is_a_sentence_too(line, here, capsys, monkeypatch):
    from downslope.fitting import fit as fitting

    def broken(*_, **__):
        raise MemoryError

    monkeypatch.setattr(fitting, "train", broken)
    code, _, err = cli(capsys, "fit", line, "-t", "y")
    assert code == 2
    assert err == (
        "downslope: The machine's memory is not enough for this table; use fewer columns or rows.\n"
    )


def full_here(monkeypatch, here, room):
    """The disk of this folder is full; another place has room, or none has."""
    beside, flush = tempfile.mkdtemp(dir=here.parent), os.fsync

    def sync(number):
        refused = {path.stat().st_ino for path in here.rglob("*")}
        if not room or os.fstat(number).st_ino in refused:
            raise OSError(28, "No space left on device")
        return flush(number)

    monkeypatch.setattr(tempfile, "tempdir", beside)
    monkeypatch.setattr(os, "fsync", sync)
    return Path(beside)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_model_that_a_full_disk_refuses_goes_where_there_is_room(
    streamed, line, here, capsys, monkeypatch
):
    beside = full_here(monkeypatch, here, room=True)
    words = ["fit", line, "-t", "y", "--out", "m", "--json", *["--stream"] * streamed]
    code, out, err = cli(capsys, *words)
    (place,) = beside.rglob("m")
    assert code == 2
    assert err == (
        f"downslope: 'm' cannot be written (No space left on device); it is in {str(place)!r} "
        "instead, move it from there.\n"
    )
    assert load(place).target == "y"
    assert json.loads(out)["files"] == {"model": str(place)}
    assert sorted(path.name for path in here.iterdir()) == ["line.csv"]


def test_so_does_everything_else_that_is_to_be_kept(line, here, capsys, monkeypatch):
    beside = full_here(monkeypatch, here, room=True)
    asked = ["--report", "r.html", "--trace", "walk.csv", "--figures", "drawn"]
    code, _, err = cli(capsys, "fit", line, "-t", "y", *asked)
    assert code == 2
    (folder,) = beside.iterdir()
    assert err == (
        "downslope: 'walk.csv', 'r.html', 'drawn' cannot be written (No space left on device); "
        f"they are in {str(folder)!r} instead, move them from there.\n"
    )
    assert {path.name for path in folder.iterdir()} == {"walk.csv", "r.html", "drawn"}
    assert sorted(path.name for path in here.iterdir() if path.is_file()) == ["line.csv"]


def test_predictions_that_a_full_disk_refuses_are_named(line, here, capsys, monkeypatch):
    cli(capsys, "fit", line, "-t", "y", "--out", "m")
    full_here(monkeypatch, here, room=False)
    code, _, err = cli(capsys, "predict", "m", line, "-o", "far.csv")
    assert code == 2
    assert "far.csv': No space left on device; check" in err


def test_a_folder_that_takes_no_file_is_refused_before_the_fit(line, here, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, how: Path(path) != here or how != os.W_OK)
    code, out, err = cli(capsys, "fit", line, "-t", "y", "--out", "m")
    assert (code, out) == (2, "")
    assert "--out 'm': the folder '.' cannot be written to" in err


def test_a_file_that_no_place_takes_is_a_sentence(line, here, capsys, monkeypatch):
    full_here(monkeypatch, here, room=False)
    monkeypatch.setattr(Path, "home", lambda: here / "absent")
    code, _, err = cli(capsys, "fit", line, "-t", "y", "--out", "m")
    assert code == 2
    assert err == (
        "downslope: 'm' cannot be written (No space left on device) and no other place has room, "
        "so that is lost.\n"
    )
    assert sorted(path.name for path in here.iterdir()) == ["line.csv"]


def test_control_signs_in_names_do_not_reach_the_terminal(here, capsys):
    (here / "t.csv").write_text("x\x1b[31m,y\n" + "\n".join(f"{k},{k}" for k in range(20)))
    _, out, err = cli(capsys, "fit", "t.csv", "-t", "y")
    assert "\x1b" not in out + err


# --- as a process --------------------------------------------------------------------------------


def test_help_and_version_as_a_process():
    assert "Train a model on a table" in process("--help").stdout
    assert re.fullmatch(r"downslope \d+\.\d+\.\d+\n", process("--version").stdout)


def test_help_loads_nothing_heavy():
    heavy = "numpy scipy sklearn pandas pyarrow matplotlib numba sympy torch"
    code = (
        "import sys\nfrom downslope.cli import run\nrun(['fit', '--help'])\n"
        f"print('HEAVY', *[m for m in '{heavy}'.split() if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[-1].split() == ["HEAVY"]


def test_a_bad_file_as_a_process():
    done = process("fit", shared("bad_inputs/ragged_short.csv"), "-t", "y")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_control_c_keeps_the_best_so_far(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 20))
    header = ",".join([f"x{j}" for j in range(20)] + ["y"])
    np.savetxt(tmp_path / "t.csv", np.column_stack((X, X.sum(axis=1))), delimiter=",",
               header=header, comments="")  # fmt: skip
    slow = "--learning-rate 1e-9 --batch-size 2 --tol none --out m --max-iter"
    command = [sys.executable, "-u", "-m", "downslope", "fit", "t.csv", "-t", "y", *slow.split()]
    subprocess.run([*command, "1"], cwd=tmp_path, capture_output=True)  # compiles
    with subprocess.Popen(
        [*command, "1000000"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        try:
            while b"kept aside" not in running.stdout.readline():
                assert running.poll() is None
            time.sleep(3.0)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=PATIENCE)
        finally:
            running.kill()
    assert running.returncode == 130, err.decode()
    assert b"Traceback" not in err
    assert b"Interrupted" in out
    assert load(tmp_path / "m").ended[0] == "interrupted"


@pytest.fixture
def control_c(monkeypatch):
    """A fresh one, so that no timer of a test is left behind."""
    fresh = interruption.ControlC()
    monkeypatch.setattr(downslope.cli, "CONTROL_C", fresh)
    monkeypatch.setattr(sys, "unraisablehook", fresh.hear)
    yield fresh
    fresh.forget()


def test_control_c_while_machine_code_is_compiled(monkeypatch, capsys, control_c):
    def interrupted(_):
        control_c.hear(SimpleNamespace(exc_type=KeyboardInterrupt))
        raise RuntimeError("no compiled object yet")

    monkeypatch.setattr(downslope.cli, "_obey", interrupted)
    assert downslope.cli.run(["fit"]) == 130
    assert capsys.readouterr().err == "downslope: Interrupted; nothing was saved.\n"


LOST = """
import signal, sys, time
import downslope.cli

def obey(_):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        pass  # as a library does that clears errors
    for _ in range(3000):  # events, not seconds: the command would end by itself
        time.sleep(0.01)
    return 0

downslope.cli._obey = obey
sys.argv = ["downslope", "fit"]
downslope.cli.main()
"""


@pytest.mark.parametrize("then", ["time.sleep(0.01)", "threading.Event().wait(30)"])
def test_control_c_that_a_library_loses_comes_again(then):
    code = LOST.replace("time.sleep(0.01)", then).replace("time\n", "threading, time\n", 1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "downslope: Interrupted; nothing was saved.\n")


def test_control_c_that_has_ended_a_run_does_not_come_again():
    code = LOST.replace("pass  #", "downslope.stopping.interrupted()  #").replace("3000", "100")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_control_c_waits_for_no_process_that_was_started():
    code = """
import multiprocessing, time
from downslope.cli import leave

if __name__ == "__main__":
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(300,)).start()
    leave(130)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stderr) == (130, b"")


def test_control_c_before_the_first_step_is_no_error(line, here, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("downslope.bowl.rate_free.solve", interrupted)
    code, _, err = cli(capsys, "fit", line, "-t", "y", "--out", "m")
    assert (code, err) == (130, "downslope: Interrupted; nothing was saved.\n")


def test_control_c_while_a_fit_is_told_leaves_its_model(line, here, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("downslope.fitting.telling.diagnosed", interrupted)
    code, _, err = cli(capsys, "fit", line, "-t", "y", "--out", "m")
    assert code == 130
    assert err == "downslope: Interrupted; what was saved is the model in 'm'.\n"
    assert load(here / "m").target == "y"


def test_control_c_while_a_streamed_fit_is_judged_leaves_its_model(line, here, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("downslope.fitting.fit_files.judge", interrupted)
    code, out, _ = cli(capsys, "fit", line, "-t", "y", "--out", "m", "--stream")
    assert code == 130
    assert "Interrupted after" in out
    assert load(here / "m").ended[0] == "interrupted"


def test_control_c_that_python_makes_an_error_of(monkeypatch, capsys, control_c):
    class Name:
        def __set_name__(self, owner, name):
            raise KeyboardInterrupt

    def making(_):
        control_c.came = True  # as the handler of a process says
        return type("Owner", (), {"name": Name()})

    monkeypatch.setattr(downslope.cli, "_obey", making)
    assert downslope.cli.run(["fit"]) == 130
    assert capsys.readouterr().err == "downslope: Interrupted; nothing was saved.\n"


def test_control_c_that_an_end_of_an_object_swallows_comes_again(monkeypatch, capsys, control_c):
    class Ending:
        def __del__(self):
            raise KeyboardInterrupt

    def working(_):
        ending = Ending()
        del ending
        for _ in range(3000):  # events, not seconds: the command would end by itself
            time.sleep(0.01)
        return 0

    monkeypatch.setattr(downslope.cli, "_obey", working)
    assert downslope.cli.run(["fit"]) == 130
    assert capsys.readouterr().err == "downslope: Interrupted; nothing was saved.\n"


@pytest.mark.parametrize("place", ["typer", "rich.console", "json", "downslope.cli.options"])
def test_control_c_while_the_command_line_is_loaded_is_a_sentence(place):
    code = f"""
import builtins, signal
load = builtins.__import__

def interrupted(name, *rest):
    if name == {place!r}:
        signal.raise_signal(signal.SIGINT)
    return load(name, *rest)

builtins.__import__ = interrupted
from downslope.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "downslope: Interrupted; nothing was saved.\n"


def test_control_c_while_options_are_read_is_a_sentence_too(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.main.get_command", interrupted)
    assert downslope.cli.run(["fit", "t.csv"]) == 130
    assert capsys.readouterr().err == "downslope: Interrupted; nothing was saved.\n"


def test_control_c_while_code_is_made_of_words_ends_with_130():
    # Python then kills itself by the signal in the end, though the interruption was caught.
    code = """
import sys
import downslope.cli

def obey(_):
    exec("raise KeyboardInterrupt")

downslope.cli._obey = obey
sys.argv = ["downslope", "fit"]
downslope.cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "downslope: Interrupted; nothing was saved.\n")


@pytest.mark.parametrize("streamed", [False, True])
def test_control_c_waits_for_the_model_that_is_being_saved(
    streamed, line, here, capsys, monkeypatch
):
    def slow(number):
        signal.raise_signal(signal.SIGINT)
        return flush(number)

    flush = os.fsync
    monkeypatch.setattr(os, "fsync", slow)
    words = ["fit", line, "-t", "y", "--out", "m", *["--stream"] * streamed]
    code, _, err = cli(capsys, *words)
    assert code == 130
    assert err == "downslope: Interrupted; what was saved is the model in 'm'.\n"
    assert load(here / "m").target == "y"


def test_a_reader_that_goes_away_is_no_error(line, tmp_path):
    process("fit", line, "-t", "y", "--out", tmp_path / "m")
    command = f"{sys.executable} -m downslope predict {tmp_path / 'm'} {line} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout == "y predicted\n"
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_words_that_nobody_can_take_are_a_sentence(line):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "downslope", "fit", str(line), "-t", "y"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r"downslope: No space left on device[^\n]*\n", done.stderr)


def test_a_link_stays_a_link_and_a_pipe_is_written_to(line, here):
    process("fit", line, "-t", "y", "--out", "m")
    (here / "link.csv").symlink_to("far.csv")
    assert process("predict", "m", line, "-o", "link.csv").returncode == 0
    assert (here / "link.csv").is_symlink()
    written = (here / "far.csv").read_text()
    os.mkfifo(here / "pipe")
    with subprocess.Popen(["cat", here / "pipe"], stdout=subprocess.PIPE, text=True) as reader:
        assert process("predict", "m", line, "-o", "pipe").returncode == 0
        assert reader.stdout.read() == written


def test_what_is_asked_for_is_kept_though_nobody_reads(line, tmp_path):
    command = [sys.executable, "-u", "-m", "downslope", "fit", str(line), "-t", "y", "--out", "m"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.close()
        assert running.wait(timeout=PATIENCE) == 0
    assert load(tmp_path / "m").target == "y"


# --- the same walk in round coordinates ----------------------------------------------------------


@pytest.fixture
def twins(tmp_path):
    """Two columns that move together, and a target of both."""
    rng, path = np.random.default_rng(0), tmp_path / "twins.csv"
    size = rng.normal(size=200)
    X = np.column_stack([size + 0.2 * rng.normal(size=200) for _ in range(2)])
    y = X @ [1.0, 2.0] + 0.3 * rng.normal(size=200) + 5.0
    rows = [f"{a},{b},{c}" for (a, b), c in zip(X, y, strict=True)]
    path.write_text("a,b,y\n" + "\n".join(rows) + "\n")
    return path


def test_a_walk_is_shown_in_round_coordinates_on_request(twins, here, capsys):
    fitted = ("fit", twins, "--target", "y", "--alpha", 0)
    plain = ["--rule", "plain", "--learning-rate", "constant", "--eta0", 0.4, "-q"]
    plain += ["--batch-size", "full", "--tol", 1e-9, "--max-iter", 5000]
    assert cli(capsys, *fitted, *plain, "--trace", "w.csv", "--report", "w.html")[0] == 0
    kept = ("--in-round", "--trace", "u.csv", "--report", "u.html", "--figures", "drawn")
    assert cli(capsys, *fitted, *plain, *kept)[0] == 0
    assert (here / "drawn" / "in_round.png").stat().st_size > 10_000
    page = (here / "u.html").read_text()
    check_harmless(page)
    assert "1 in round coordinates" in page
    assert "Whitened: a round bowl" in page
    assert "in round coordinates" not in (here / "w.html").read_text()
    w, u = load_trace(here / "w.csv"), load_trace(here / "u.csv")
    assert u.weight_names() == ("w[u0]", "w[u1]", "w[u2]")
    np.testing.assert_array_equal(w["value"], u["value"])
    # One matrix takes every record there, and in its coordinates heights are half squared lengths.
    turned = np.linalg.lstsq(w.weights, u.weights)[0]
    np.testing.assert_allclose(w.weights @ turned, u.weights, atol=1e-7 * np.abs(u.weights).max())
    heights = w["value"] - w["value"][-1]
    lengths = 0.5 * ((u.weights - u.weights[-1]) ** 2).sum(axis=1)
    np.testing.assert_allclose(heights[:3], lengths[:3], rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "add --report report.html"),
        (("--report", "r.html", "--penalty", "l1"), "leave one of the two out"),
        (("--report", "r.html", "--stream"), "for one table in memory"),
        (("--report", "r.html", "--loss", "absolute_error"), "made of straight pieces"),
    ],
)
def test_round_coordinates_that_cannot_be_are_refused_before_training(
    options, said, twins, here, capsys
):
    code, _, error = cli(capsys, "fit", twins, "--target", "y", "--in-round", *options)
    assert code == 2
    assert said in error
    assert not (here / "r.html").exists()


@pytest.mark.parametrize(("limit", "said"), [("MOST_WEIGHTS", "weights"), ("MOST_VALUES", "rows")])
def test_round_coordinates_of_too_much_are_refused(limit, said, twins, here, capsys, monkeypatch):
    monkeypatch.setattr(f"downslope.fitting.round_picture.{limit}", 1)
    asked = ("fit", twins, "--target", "y", "--in-round", "--figures", "drawn")
    code, _, error = cli(capsys, *asked)
    assert code == 2
    assert re.search(rf"\d {said} are more than", error)
