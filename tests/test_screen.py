"""What a terminal shows while a command works, and how errors become sentences."""

import io
import math
import sys
from types import SimpleNamespace

import pytest
import typer
from rich.console import Console

import downslope.cli
from downslope.cli import run, sentence
from downslope.cli.files import Pace, _progress
from downslope.cli.interruption import ControlC
from downslope.cli.screen import Screen, share_done, sight_in_words
from downslope.stopping import Sight

SIGHT = Sight(30, 3, 0.5, None, 0.01, 0.25, 2.0, math.nan)


def terminal():
    """A screen that takes itself for a terminal, and what it writes."""
    screen, written = Screen(), io.StringIO()
    screen.console = Console(file=written, force_terminal=True, width=120, color_system=None)
    return screen, written


def test_a_long_run_shows_its_pass_and_what_is_left(monkeypatch):
    clock = iter([0.0, *(0.4 * k for k in range(1, 9))])
    monkeypatch.setattr("downslope.cli.screen.time.monotonic", lambda: next(clock))
    screen, written = terminal()
    with screen.running(most=20, tol=1e-6) as each:
        for epoch in range(1, 9):
            assert each(SIGHT._replace(epoch=epoch)) is None
    said = written.getvalue()
    assert "pass 8  loss 0.5  gradient 0.01  rate 0.25" in said
    assert "left" in said
    assert "pass 1 " not in said, "a run of less than half a second shows nothing"


@pytest.mark.parametrize("settings", [{"quiet": True}, {"as_json": True}, {}], ids=str)
def test_where_nobody_looks_nothing_lives(settings):
    screen = Screen(**settings)
    if settings:
        screen.console = terminal()[0].console
    with screen.running(20, 1e-6) as each:
        assert each is None
    with _progress(screen) as tell:
        assert tell("training", 10, 100) is None


def test_files_show_pass_rows_per_second_and_time_left(monkeypatch):
    clock = iter([float(k) for k in range(60)])
    monkeypatch.setattr("downslope.cli.files.time.monotonic", lambda: next(clock))
    screen, written = terminal()
    with _progress(screen) as tell:
        for _ in range(4):
            tell("training", 50, 100)
            screen.console.file.write("\n")
    assert "rows/s" in written.getvalue()


@pytest.mark.parametrize(
    ("what", "rows", "of", "line", "share"),
    [
        ("reading", 400, 0, "400 rows  100 rows/s", 0.0),
        ("reading", 400, 1000, "100 rows/s  6.0 s left of this pass", 0.4),
        ("training", 400, 1000, "pass 1  100 rows/s  6.0 s left of this pass", 0.4),
        ("reading", 2500, 1000, "pass 3  625 rows/s  800 ms left of this pass", 0.5),
        ("reading", 0, 1000, "0 rows/s  ? left of this pass", 0.0),
    ],
)
def test_the_pace_of_a_pass(what, rows, of, line, share, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("downslope.cli.files.time.monotonic", lambda: now[0])
    pace = Pace()
    pace.hear("opening", 70)
    pace.hear(what, rows)
    now[0] = 4.0
    said, done = pace.line(of)
    assert (said, done) == (line, share)


@pytest.mark.parametrize(
    ("sight", "words"),
    [
        (SIGHT, "pass 3  loss 0.5  gradient 0.01  rate 0.25"),
        (SIGHT._replace(epoch=1200, rate=math.nan), "pass 1,200  loss 0.5  gradient 0.01"),
        (SIGHT._replace(epoch_value=0.75), "pass 3  loss 0.75  gradient 0.01  rate 0.25"),
    ],
)
def test_a_look_at_a_run_in_words(sight, words):
    assert sight_in_words(sight) == words


@pytest.mark.parametrize(
    ("epoch", "norm", "most", "tol", "share"),
    [
        (5, 1.0, 20, 1e-6, 0.25),  # by the cap
        (1, 1e-3, 20, 1e-6, 0.5),  # by the gradient
        (19, 1e-3, 20, 1e-6, 0.95),
        (1, 1e-9, 20, 1e-6, 1.0),
        (40, 1.0, 20, 0.0, 1.0),
        (1, 0.0, 0, 1e-6, 0.0),
    ],
)
def test_the_share_of_a_run_that_is_done(epoch, norm, most, tol, share):
    sight = SIGHT._replace(epoch=epoch, gradient_norm=norm)
    assert share_done(sight, most, 1.0, tol) == pytest.approx(share)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (typer.Abort(), "Aborted; nothing was saved."),
        (MemoryError(), "memory is not enough for this table"),
        (
            OSError(28, "No space left on device", "a.csv"),
            "'a.csv': No space left on device; check",
        ),
        (OSError("odd"), "odd; check the name"),
        (ModuleNotFoundError("no", name="dask"), "dask is not installed; run `pip install dask`."),
        (
            ZeroDivisionError("one\ntwo"),
            "not have happened (ZeroDivisionError: one); please report",
        ),
    ],
    ids=lambda part: type(part).__name__,
)
def test_every_error_is_one_sentence(error, said):
    assert said in sentence(error)
    assert "\n" not in sentence(error)


@pytest.mark.parametrize("swallowed", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("odd")], ids=repr)
def test_an_interruption_is_told_from_an_error(error, swallowed, monkeypatch, capsys):
    def broken(_):
        raise error

    monkeypatch.setattr(downslope.cli, "_obey", broken)
    monkeypatch.setattr(downslope.cli, "CONTROL_C", ControlC())
    monkeypatch.setattr(downslope.cli.CONTROL_C, "came", swallowed)
    code = run(["fit"])
    interrupted = swallowed or isinstance(error, KeyboardInterrupt)
    assert code == (downslope.cli.INTERRUPTED if interrupted else downslope.cli.WRONG)
    assert ("Interrupted; nothing was saved." in capsys.readouterr().err) is interrupted


def test_a_ctrl_c_that_machine_code_swallowed_is_heard_of(monkeypatch):
    heard, others = ControlC(), []
    monkeypatch.setattr(sys, "__unraisablehook__", others.append)
    heard.hear(SimpleNamespace(exc_type=ValueError))
    assert (heard.came, len(others)) == (False, 1)
    heard.hear(SimpleNamespace(exc_type=KeyboardInterrupt))
    assert (heard.came, len(others)) == (True, 1)
    heard.forget()
    heard.again.join()  # or it would interrupt whatever this process does next
    assert not heard.came


def test_a_warning_is_a_note_on_one_line(capsys):
    downslope.cli._note(UserWarning("two\n  lines\x1b[31m"), UserWarning, "file.py", 3)
    assert capsys.readouterr().err.startswith("Note: two lines")
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["minima", "3,1-2,e"], "'3,1-2,e' is no list of numbers"),
        (["minima", "w^2", "--box", "w=low:3"], "--box 'w=low:3' is not NAME=FROM:TO"),
        (["minima", "w^2", "--box", "v=1:3"], "--box 'v=1:3' is not NAME=FROM:TO"),
        (["fit", "x.csv", "--kind", "zip"], "--kind 'zip' is not NAME=KIND"),
        (["fit", "x.csv", "--tol", "soon"], "soon"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_wrong_option_is_answered_with_a_right_one(
    arguments, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n2,3\n3,5\n")
    assert run([*arguments, *(["--target", "b"] if arguments[0] == "fit" else [])]) != 0
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_a_figure_of_counted_minima(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["minima", "3,1,1,8,6", "--figure", "m.png"]) == 0
    assert (tmp_path / "m.png").stat().st_size > 1000
    assert "2 local minima" in capsys.readouterr().out
