"""The room around the exercises: a session in a terminal, cards, progress, printed sheets."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from conftest import PATIENCE

from downslope.errors import StoreError
from downslope.practice import KINDS, make_item
from downslope.practice.cards import CARDS, due_cards, rate_card
from downslope.practice.progress import Progress, default_path, load, save
from downslope.practice.room import fog, practise, review_cards
from downslope.practice.sheet import sheet

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def talk(lines):
    """A person who types these lines, and everything they were told."""
    told, left = [], iter(lines)
    return (lambda prompt: next(left)), told.append, told


def typed(item):
    return [value if isinstance(value, str) else repr(value) for value in item.solution]


@pytest.mark.parametrize("kind", KINDS)
def test_the_solution_typed_in_is_right(kind, tmp_path):
    ask, say, told = talk(typed(make_item(kind, 5)))
    progress = practise([kind], 1, 5, tmp_path / "p.json", ask, say)
    assert progress.answers[0].right
    assert "1 right" in told[-1]
    assert load(tmp_path / "p.json") == progress


def test_a_slip_is_named_and_hints_are_counted(tmp_path):
    item = make_item("trace", 5)
    slip = item.slips[0]
    ask, say, told = talk(["hint", "what?", *map(repr, slip.values)])
    progress = practise(["trace"], 1, 5, tmp_path / "p.json", ask, say)
    answer = progress.answers[0]
    assert (answer.right, answer.slip, answer.hints) == (False, slip.name, 1)
    assert item.hints[0] in told
    assert any("not a number" in line for line in told)
    assert any(slip.explanation in line for line in told)


def test_leaving_and_skipping_keep_what_was_done(tmp_path):
    ask, say, told = talk(["skip", "quit"])
    progress = practise(["trace"], 5, 5, tmp_path / "p.json", ask, say)
    assert [a.slip for a in progress.answers] == ["skipped"]
    assert any("is kept" in line for line in told)


def test_fog_counts_probes_and_reveals_the_deepest_point(tmp_path):
    ask, say, told = talk(["0", "far", "99", "hint", "1,5", "here 1.5"])
    progress = fog(3, tmp_path / "p.json", ask, say)
    answer = progress.answers[0]
    assert (answer.kind, answer.hints, answer.probes) == ("fog", 1, 2)
    assert "deepest point is" in told[-2]
    assert "Gradient descent from x = 8" in told[-2]
    assert "--settings" in told[-1]
    assert sum(line.startswith("  probe") for line in told) == 2
    assert load(tmp_path / "p.json") == progress


def test_cards_known_well_come_back_later_than_cards_forgotten():
    again, easy = rate_card(None, 1, NOW), rate_card(None, 4, NOW)
    assert again["due"] < easy["due"]
    week = NOW + timedelta(days=7)
    later = rate_card(rate_card(easy, 4, week), 4, week + timedelta(days=60))
    assert later["due"] > (week + timedelta(days=90)).isoformat()


def test_due_cards_come_before_new_ones():
    schedules = {"adam": rate_card(None, 1, NOW), "loss": rate_card(None, 4, NOW)}
    names = due_cards(schedules, NOW + timedelta(hours=1))
    assert names[0] == "adam"
    assert "loss" not in names
    assert len(names) == len(CARDS) - 1


def test_card_review_in_a_terminal(tmp_path):
    ask, say, told = talk(["", "five", "3", "", "1", "quit"])
    progress = review_cards(5, tmp_path / "p.json", ask, say)
    assert list(progress.cards) == ["loss", "objective"]
    assert CARDS["loss"][1] in told
    assert load(tmp_path / "p.json").cards == progress.cards


def test_where_no_card_is_due_there_is_nothing_to_ask(tmp_path):
    ask, say, told = talk([])
    progress = review_cards(0, tmp_path / "p.json", ask, say)
    assert (progress.cards, told) == ({}, ["No card is due; come back later."])


def test_cards_are_left_before_the_answer_too(tmp_path):
    ask, say, told = talk(["quit"])
    assert review_cards(5, tmp_path / "p.json", ask, say).cards == {}
    assert told[-1] == "Left; the cards you saw are kept."
    ask, say, told = talk(["", "3"])
    assert list(review_cards(1, tmp_path / "p.json", ask, say).cards) == ["loss"]


def test_progress_is_exported_for_a_teacher(tmp_path):
    progress = Progress().with_answer("trace", 1, True, None, 0)
    progress = progress.with_answer("trace", 2, False, "sign", 2)
    lines = progress.to_csv().splitlines()
    assert lines[0] == "when,kind,seed,right,slip,hints,probes"
    assert lines[2].endswith("trace,2,False,sign,2,0")
    assert progress.score() == {"trace": (1, 2)}
    save(progress, tmp_path / "a" / "p.json")
    assert load(tmp_path / "a" / "p.json") == progress


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1}', '{"version": 9}'])
def test_what_is_not_progress_is_refused_in_a_sentence(text, tmp_path):
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(StoreError, match="progress"):
        load(path)


def test_progress_is_kept_where_the_system_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path() == tmp_path / "downslope" / "progress.json"


def test_a_sheet_prints_the_same_for_a_class_and_is_well_formed():
    page = sheet(12, 7)
    assert page == sheet(12, 7)
    assert page != sheet(12, 8)
    assert page.count("<li>") == 24
    assert page.count("<svg") == 5, "curves stand beside their questions, and room to draw one"
    assert "http" not in page

    open_tags = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "br"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Balance().feed(page)
    assert open_tags == []


def downslope(*arguments, typed=""):
    """The command line, with lines typed into it."""
    command = [sys.executable, "-m", "downslope", "practice", *arguments]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=PATIENCE)


def test_the_command_line_practises_prints_and_exports(tmp_path):
    progress = ["--progress", str(tmp_path / "p.json")]
    lines = "\n".join(typed(make_item("trace", 5)))
    done = downslope("--kind", "trace", "--count", "1", "--seed", "5", *progress, typed=lines)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 right" in done.stdout
    done = downslope("--export", "--out", str(tmp_path / "p.csv"), *progress)
    assert done.returncode == 0
    assert "trace,5,True" in (tmp_path / "p.csv").read_text()
    done = downslope("--sheet", "3", "--seed", "7", "--out", str(tmp_path / "s.html"))
    assert done.returncode == 0
    assert (tmp_path / "s.html").read_text() == sheet(3, 7)
    done = downslope("--export", "--out", str(tmp_path / "p2.json"), *progress)
    assert load(tmp_path / "p2.json") == load(tmp_path / "p.json")
    done = downslope("--fog", *progress, typed="1.5\n")
    assert "probe 1" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kind", "juggling"], "choose one of"),
        (["--count", "0"], "ask for 1 or more"),
        (["--sheet", "0"], "ask for 1 or more"),
        (["--seed", "-1"], "is negative"),
    ],
)
def test_wrong_requests_are_one_sentence_and_exit_2(arguments, said):
    done = downslope(*arguments)
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
