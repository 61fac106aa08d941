"""The practice room in the page: solved by mouse and by keyboard, judged as Python judges."""

import csv
import json
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

import downslope.lab
from downslope.practice import KINDS, check, course, make_item
from downslope.practice.cards import CARDS, rate_card
from downslope.practice.fog import make_fog
from downslope.practice.progress import Progress, load, save

SEED = 7


@pytest.fixture(scope="module")
def seeded_file(static, tmp_path_factory):
    """The lab in one file, with exercises of a seed."""
    path = tmp_path_factory.mktemp("lab") / "lab.html"
    downslope.lab.save(path, seed=SEED)
    return path


@pytest.fixture
def room(open_lab, seeded_file):
    """Opens the practice room of a saved page; answers are kept from one opening to the next."""
    opened = []

    def open_at(settings=""):
        beside = opened[0] if opened else None
        opened.append(open_lab(f"scene=practice&{settings}", file=seeded_file, beside=beside))
        return opened[-1]

    return open_at


def fill(lab, item, given):
    for blank, value in zip(item.blanks, given, strict=True):
        if blank.choices:
            group = lab.page.get_by_role("group", name=blank.name, exact=True)
            group.get_by_role("radio", name=str(value), exact=True).check()
        else:
            lab.page.get_by_label(blank.name, exact=True).fill(repr(value))


def kept(lab):
    return json.loads(lab.page.evaluate("localStorage.getItem('downslope-progress')"))


@pytest.mark.parametrize("number", range(len(KINDS)), ids=list(KINDS))
def test_every_kind_is_pythons_and_solved_by_mouse(room, number):
    item = course(number, SEED)
    lab = room(f"n={number}")
    assert lab.page.locator(".question").first.text_content() == item.question
    fill(lab, item, item.solution)
    lab.page.get_by_role("button", name="Check").click()
    assert lab.verdict().endswith("Right.")
    assert lab.page.locator(".way").text_content() == item.working
    assert lab.page.get_by_role("button", name="Check").count() == 0, "an answer is given once"


@pytest.mark.parametrize("number", range(len(KINDS)), ids=list(KINDS))
def test_every_kind_is_solved_by_keyboard(room, number):
    item = course(number, SEED)
    lab = room(f"n={number}")
    keys = lab.page.keyboard
    for blank, value in zip(item.blanks, item.solution, strict=True):
        if blank.choices:
            lab.page.get_by_role("radio", name=blank.choices[0], exact=True).focus()
            keys.press(" ")
            for _ in range(blank.choices.index(value)):
                keys.press("ArrowRight")
        else:
            lab.page.get_by_label(blank.name, exact=True).focus()
            keys.type(f"{value:.6f}")
    keys.press("Enter")
    assert lab.verdict().endswith("Right.")
    assert "what you drew" not in lab.text(".task")


@pytest.mark.parametrize("number", range(len(KINDS)), ids=list(KINDS))
def test_every_slip_gets_its_own_explanation(room, number):
    item = course(number, SEED)
    assert item.slips
    for slip in item.slips:
        lab = room(f"n={number}")
        fill(lab, item, slip.example)
        lab.page.get_by_role("button", name="Check").click()
        assert slip.explanation in lab.verdict()
        assert lab.page.locator(".verdict [data-slip]").get_attribute("data-slip") == slip.name
        assert check(item, slip.example).slip == slip.name


def test_the_curve_is_drawn_with_the_mouse(room):
    number = list(KINDS).index("sketch")
    item = course(number, SEED)
    lab = room(f"n={number}")
    box = lab.page.locator("canvas").bounding_box()
    left, right, top, bottom = 54, 12, 10, 40

    def at(update, loss):
        return (
            box["x"] + left + (update + 0.3) / 20.6 * (box["width"] - left - right),
            box["y"] + top + (1 - loss / 1.5) * (box["height"] - top - bottom),
        )

    curve = item.reveal[0]
    lab.page.mouse.move(*at(1, curve[1]))
    lab.page.mouse.down()
    for k in range(2, 21):
        lab.page.mouse.move(*at(k, curve[k]))
    lab.page.mouse.up()
    for blank, value in zip(item.blanks, item.solution, strict=True):
        typed = lab.page.get_by_label(blank.name, exact=True).input_value()
        assert float(typed) == pytest.approx(value, abs=0.02)
    assert "what you drew" not in lab.text(".task .caption"), "the truth is not shown before"
    lab.page.get_by_role("button", name="Check").click()
    assert lab.verdict().endswith("Right.")
    assert "what you drew" in lab.text(".task .caption")


def test_the_fog_by_mouse_and_by_keyboard(room):
    fog, item = make_fog(SEED), make_item("fog", SEED)
    lab = room("task=fog")
    box = lab.page.locator("canvas").bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5)
    x = float(lab.page.get_by_label("deepest point x").input_value())
    said = re.search(r"Probe 1: height (\S+), slope (\S+)\.$", lab.text(".task .note[role]"))
    assert tuple(map(float, said.groups())) == pytest.approx(fog.probe(x), abs=6e-5)
    blank = lab.page.get_by_label("deepest point x")
    blank.fill("-1,5")
    blank.press("Enter")
    assert "Probe 2" in lab.text(".task .note[role]")
    blank.fill(f"{fog.deepest():.2f}")
    lab.page.get_by_role("button", name="It is deepest here").press("Enter")
    assert "Right. You took 2 probes." in lab.verdict()
    assert "Gradient descent from x = 8" in lab.text(".way")
    assert kept(lab)["answers"][0]["probes"] == 2
    assert len(item.slips) >= 1
    lab.page.get_by_role("button", name="Next", exact=True).click()
    blank.fill(f"{make_item('fog', SEED + 1).slips[0].values[0]:.3f}")
    lab.page.get_by_role("button", name="It is deepest here").click()
    assert "another valley" in lab.verdict()


def test_hints_come_one_at_a_time(room):
    item = course(1, SEED)
    lab = room("n=1")
    for i, hint in enumerate(item.hints):
        assert lab.page.locator(".hints li").count() == i
        lab.page.get_by_role("button", name="Hint").click()
        assert lab.page.locator(".hints li").last.inner_text() == hint
    assert lab.page.get_by_role("button", name="Hint").is_disabled()
    lab.page.get_by_role("button", name="Show the answer").click()
    assert lab.page.locator(".way").text_content() == item.working
    answer = kept(lab)["answers"][0]
    assert (answer["right"], answer["slip"], answer["hints"]) == (False, "skipped", 3)


def test_what_is_no_answer_is_said_and_not_judged(room):
    lab = room("n=1")
    lab.page.get_by_role("button", name="Check").click()
    assert "w after step 1 is not answered yet." in lab.text(".task .wrong")
    lab.page.get_by_label("w after step 1").fill("about 2")
    lab.page.get_by_role("button", name="Check").click()
    assert '"about 2" is not a number' in lab.text(".task .wrong")
    assert lab.verdict() == ""


def test_progress_is_kept_and_taken_along(room, tmp_path):
    item = course(1, SEED)
    lab = room("n=1")
    fill(lab, item, item.slips[0].example)
    lab.page.get_by_role("button", name="Check").click()
    lab.verdict()
    lab = room("n=9")
    again = course(9, SEED)
    fill(lab, again, again.solution)
    lab.page.get_by_role("button", name="Check").click()
    lab.verdict()
    assert "1 / 2" in lab.page.locator(".plan li").nth(1).inner_text()
    with lab.page.expect_download() as download:
        lab.page.get_by_role("button", name="Answers, CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert [(r["kind"], r["seed"], r["right"], r["slip"]) for r in rows] == [
        ("trace", "8", "False", item.slips[0].name),
        ("trace", "16", "True", ""),
    ]
    with lab.page.expect_download() as download:
        lab.page.get_by_role("button", name="Progress, JSON").click()
    path = tmp_path / "progress.json"
    path.write_bytes(download.value.path().read_bytes())
    assert load(path).score() == {"trace": (1, 2)}
    assert load(path).to_csv() == download_text(lab)


def download_text(lab):
    with lab.page.expect_download() as download:
        lab.page.get_by_role("button", name="Answers, CSV").click()
    return download.value.path().read_text()


def test_flashcards_are_scheduled_as_fsrs_schedules_them(room):
    lab = room("task=cards")
    names = list(CARDS)[:3]
    for name, grade in zip(names, ("Again", "Good", "Easy"), strict=True):
        assert CARDS[name][0] in lab.text(".task")
        assert CARDS[name][1] not in lab.text(".task")
        lab.page.get_by_role("button", name="Turn the card").press("Enter")
        assert CARDS[name][1] in lab.text(".task")
        lab.page.get_by_role("button", name=grade).press("Enter")
        lab.settle()
    cards = kept(lab)["cards"]
    for name, grade in zip(names, (1, 3, 4), strict=True):
        seen = datetime.fromisoformat(cards[name]["last_review"]).astimezone(UTC)
        wanted = rate_card(None, grade, seen)
        assert datetime.fromisoformat(cards[name]["due"]) == datetime.fromisoformat(wanted["due"])
        assert cards[name]["stability"] == pytest.approx(wanted["stability"], rel=1e-12)


def test_the_course_goes_on_and_the_sandbox_shows_the_exercise(room):
    lab = room()
    lab.page.get_by_role("button", name="Two steps by hand").click()
    item = course(1, SEED)
    fill(lab, item, item.solution)
    lab.page.get_by_role("button", name="Check").click()
    lab.page.get_by_role("button", name="Try it in the sandbox").click()
    lab.page.wait_for_selector(".player")
    assert lab.at() == 2
    assert lab.row(1)["w0"] == pytest.approx(item.solution[0], abs=1e-9)
    assert lab.row(2)["w0"] == pytest.approx(item.solution[1], abs=1e-9)
    lab.page.get_by_role("button", name="Practice", exact=True).click()
    assert lab.verdict().endswith("Right."), "the room is as it was left"
    lab.page.get_by_role("button", name="Next", exact=True).click()
    assert lab.page.locator(".task").get_attribute("data-kind") == "fit"
    lab.until(lambda: "n=2" in lab.page.url)


@pytest.mark.parametrize("number", range(len(KINDS)), ids=list(KINDS))
def test_every_sandbox_opens_what_it_says(room, number):
    settings = course(number, SEED).sandbox
    lab = room()
    lab.page.evaluate("settings => { location.hash = settings }", settings)
    lab.page.wait_for_selector(".player")
    wanted = dict(parse_qsl(settings))
    if "rate" in wanted:
        assert lab.row(0)["rate"] == pytest.approx(float(wanted["rate"]))
    if "k" in wanted:
        assert lab.at() == int(wanted["k"])


def test_an_exercise_that_the_page_has_not_is_the_last_one(room):
    lab = room("n=999999&seed=3")
    assert "32 of 32" in lab.text(".task > h2")
    assert lab.page.locator(".task").get_attribute("data-seed") == str(SEED + 31)


def test_a_page_that_may_keep_nothing_says_so(browser, static):
    from downslope.lab.widget import Frame

    page = browser.new_page()
    page.set_content(Frame("scene=practice")._repr_html_())
    frame = page.frame_locator("iframe")
    frame.get_by_text("This page may keep nothing").wait_for()
    frame.get_by_role("button", name="Show the answer").click()
    frame.get_by_text("0 of 1 right").wait_for()
    frame.get_by_role("button", name="Try it in the sandbox").click()
    frame.locator(".player").wait_for()
    page.close()


def test_the_keyboard_alone_goes_from_exercise_to_exercise(room):
    lab = room("n=1")
    item = course(1, SEED)
    keys = lab.page.keyboard
    lab.page.get_by_label(item.blanks[0].name, exact=True).focus()
    for value in item.solution:
        keys.type(f"{value:.6f}")
        keys.press("Tab")
    lab.page.get_by_role("button", name="Check").focus()
    keys.press("Enter")
    assert lab.verdict().endswith("Right.")
    focused = "document.activeElement.textContent"
    assert lab.page.evaluate(focused) == "Next"
    keys.press("Enter")
    lab.page.get_by_text(course(2, SEED).question).wait_for()
    lab.settle()
    assert lab.page.evaluate("document.activeElement.dataset.kind") == "fit"
    keys.press("Tab")
    assert lab.page.evaluate("document.activeElement.tagName") == "INPUT"


def test_progress_goes_on_from_a_file_and_is_forgotten_when_asked(room, tmp_path):
    progress = Progress().with_answer("trace", 8, True, None, 0)
    save(progress.with_card("loss", rate_card(None, 4)), tmp_path / "progress.json")
    lab = room()
    lab.page.get_by_label("Go on from a file").set_input_files(tmp_path / "progress.json")
    lab.page.get_by_text("1 of 1 right").wait_for()
    lab.page.get_by_text("38 of 39").wait_for()
    odd = tmp_path / "odd.json"
    odd.write_text('{"version": 1}')
    lab.page.get_by_label("Go on from a file").set_input_files(odd)
    lab.page.get_by_text("That file holds no progress").wait_for()
    assert len(kept(lab)["answers"]) == 1
    lab.page.on("dialog", lambda dialog: dialog.accept())
    lab.page.get_by_role("button", name="Forget").click()
    lab.page.get_by_text("0 of 0 right").wait_for()
    assert kept(lab)["cards"] == {}
