"""Each scene in a real browser: driven by mouse and keys, its numbers compared with Python's."""

import csv
import re
from urllib.parse import quote

import numpy as np
import pytest
from conftest import shared

from downslope.curvature import stable_limit
from downslope.descend import begin, steps
from downslope.losses import make_loss
from downslope.objective import Objective
from downslope.problems.formula import parse
from downslope.rates import Constant
from downslope.rules import make_rule
from downslope.scaling import standardize
from downslope.sources.memory import MemoryRows

SCENES = ["line", "bowl", "surfaces", "race", "data", "noise"]
POINTS = np.array([[0.5, 1.4], [1, 1.9], [1.6, 2.1], [2.2, 3.2], [2.8, 3.1], [3.4, 4.2], [4, 4.1]])


def walk(problem, start, rule, rate, k):
    """Step k by the Python engine."""
    rule, rate = make_rule(rule), Constant(rate)
    for step in steps(problem, begin(start, rule, rate), rule, rate):
        if step.state.k == k:
            return step
    raise AssertionError


def agrees(row, step):
    """A row of the ledger is the step, to 1e-12 relative."""
    w = [row[f"w{i}"] for i in range(len(step.w))]
    g = [row[f"g{i}"] for i in range(len(step.w))]
    np.testing.assert_allclose(w, step.w, rtol=1e-12, atol=1e-12 * abs(step.w).max())
    np.testing.assert_allclose(g, step.gradient, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(row["value"], step.value, rtol=1e-12, atol=1e-13)


# --- the bowl ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["plain", "momentum", "adam"])
@pytest.mark.parametrize(
    ("formula", "start"), [("(w - 3)^2", [0.0]), ("(a - 1)^2 + 10*(b + 2)^2", [-3.0, 1.0])]
)
def test_typed_formula_walks_as_in_python(open_lab, formula, start, rule):
    lab = open_lab(
        f"scene=bowl&f={quote(formula)}&start={','.join(map(str, start))}&rule={rule}&rate=0.04&k=7"
    )
    agrees(lab.row(7), walk(parse(formula), start, rule, 0.04, 7))


def test_bowl_by_mouse(open_lab):
    lab = open_lab("scene=bowl")
    for _ in range(3):
        lab.page.get_by_role("button", name="One update forward").click()
    assert lab.at() == 3
    lab.page.get_by_role("button", name="One update back").click()
    assert lab.at() == 2
    agrees(lab.row(2), walk(parse("(w - 3)^2"), [0.0], "plain", 0.1, 2))
    box = lab.page.locator("canvas").first.bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    assert lab.row(2)["w0"] > 3, "a click to the right of the minimum starts there"
    lab.page.get_by_label("Example").select_option(label="w^4 - 3*w^2 + w")
    assert "f′ = 4·w³ − 6·w + 1" in lab.text(".slope").replace("  ", " ")


def test_bowl_by_keyboard(open_lab):
    lab = open_lab("scene=bowl")
    lab.page.get_by_label("Step shown").focus()
    for key in ["ArrowRight"] * 4 + ["ArrowLeft"]:
        lab.page.keyboard.press(key)
    assert lab.at() == 3
    slider = lab.page.get_by_role("slider", name="Learning rate")
    slider.focus()
    before = slider.get_attribute("aria-valuetext")
    lab.page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") != before
    assert "diverging" in slider.get_attribute("aria-valuetext")
    assert "diverges" in lab.verdict()
    formula = lab.page.get_by_label("f =")
    formula.fill("(w - 1)^2 + 4")
    lab.page.get_by_role("button", name=re.compile("^Try")).press("Enter")
    assert "diverges" not in lab.verdict()


def test_wrong_formula_is_said_and_the_page_goes_on(open_lab):
    lab = open_lab("scene=bowl")
    before = lab.row(3)
    lab.page.get_by_label("f =").fill("(w - 3")
    assert "missing" in lab.page.get_by_role("alert").inner_text()
    assert lab.row(3) == before
    lab.page.get_by_label("f =").fill("(w - 5)^2")
    agrees(lab.row(3), walk(parse("(w - 5)^2"), [0.0], "plain", 0.1, 3))


def test_verdict_turns_at_the_stable_limit(open_lab):
    # Largest curvature 2, so rates of 1 and more diverge.
    assert "diverges" not in open_lab("scene=bowl&rate=0.995").verdict()
    over = open_lab("scene=bowl&rate=1.005")
    assert "It diverges" in over.verdict()
    assert "above 2" in over.verdict()
    assert over.number(".limit b") == 1.0
    assert "crawls" in open_lab("scene=bowl&rate=0.001").verdict()
    assert "oscillates" in open_lab("scene=bowl&rate=0.9").verdict()
    assert (
        "local minimum"
        in open_lab(f"scene=bowl&f={quote('w^4-3*w^2+w')}&start=2&rate=0.02").verdict()
    )


def test_arithmetic_is_substituted(open_lab):
    lab = open_lab("scene=bowl")
    text = lab.text(".arithmetic")
    assert "g = f′(w) = 2·(w − 3) = 2·(0 − 3) = −6" in text
    assert "w ← w − η·g = 0 − 0.1·(−6) = 0.6000000000000001" in text


# --- the line ----------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["mse", "squared_error", "huber"])
def test_line_walks_as_in_python(open_lab, loss):
    points = ",".join(f"{x:g}_{y:g}" for x, y in POINTS)
    lab = open_lab(f"scene=line&points={points}&loss={loss}&rate=0.03&k=9")
    problem = Objective(MemoryRows(POINTS[:, :1], POINTS[:, 1]), make_loss(loss, 1.0))
    agrees(lab.row(9), walk(problem, [0.0, 0.0], "plain", 0.03, 9))
    if loss != "huber":
        limit = stable_limit(problem, make_rule("plain"), np.zeros(2))
        assert lab.number(".limit b") == pytest.approx(limit, rel=1e-9)


def test_points_are_dragged_added_and_removed(open_lab):
    lab = open_lab("scene=line&points=1_1,3_4")
    canvas = lab.page.locator("canvas").first
    box = canvas.bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.3)
    lab.page.get_by_text("3 points").click()
    assert lab.page.get_by_label("x3").count() == 1
    old = float(lab.page.get_by_label("y3").input_value())
    lab.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.3)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.6, steps=4)
    lab.page.mouse.up()
    assert float(lab.page.get_by_label("y3").input_value()) < old
    lab.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.6)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] - 60, steps=4)
    lab.page.mouse.up()
    lab.settle()
    assert lab.page.get_by_label("y3").count() == 0, "dragged off the picture, it is gone"
    lab.page.get_by_role("button", name="Add a point").click()
    lab.page.get_by_label("y3").fill("7")
    lab.page.get_by_label("y3").press("Enter")
    lab.page.get_by_role("button", name="Remove point 1").press("Enter")
    x = np.array([[float(lab.page.get_by_label(f"x{i}").input_value())] for i in (1, 2)])
    y = np.array([float(lab.page.get_by_label(f"y{i}").input_value()) for i in (1, 2)])
    assert y[1] == 7
    problem = Objective(MemoryRows(x, y), make_loss("mse"))
    agrees(lab.row(3), walk(problem, [0.0, 0.0], "plain", 0.02, 3))


# --- surfaces ----------------------------------------------------------------------------------


def test_surface_walks_as_in_python(open_lab):
    lab = open_lab("scene=surfaces&surface=rosenbrock&start=-1.2,1&rate=0.001&k=5")
    problem = parse("(1 - x)^2 + 100*(y - x^2)^2")
    agrees(lab.row(5), walk(problem, [-1.2, 1.0], "plain", 0.001, 5))


def test_surfaces_by_mouse_and_keyboard(open_lab):
    lab = open_lab("scene=surfaces")
    lab.page.get_by_label("Shape").select_option("himmelblau")
    box = lab.page.locator("canvas").first.bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
    assert lab.row(0)["w0"] != 0
    assert "Converged" in lab.verdict()
    lab.page.get_by_role("button", name="Scatter 12 more").press("Enter")
    lab.page.get_by_label("Show basins").check()
    caption = lab.page.locator(".caption").first
    lab.until(lambda: "% to 4" in caption.inner_text())
    shares = [int(n) for n in re.findall(r"(\d+)%", caption.inner_text())]
    assert len(shares) >= 4
    assert 97 <= sum(shares) <= 103
    turn = lab.page.get_by_label("Turn", exact=True)
    before = int(turn.input_value())
    turn.press("ArrowRight")
    assert int(turn.input_value()) == before + 1


# --- the race ----------------------------------------------------------------------------------


def test_race_spends_the_same_for_all(open_lab):
    lab = open_lab("scene=race&at=10&passes=10&runners=batch,stochastic,mini,nesterov,adam")
    rows = lab.page.locator(".standings tbody tr")
    updates = {
        row.get_attribute("data-runner"): int(row.locator("td").nth(3).inner_text())
        for row in rows.all()
    }
    assert updates == {"batch": 10, "nesterov": 10, "adam": 10, "stochastic": 480, "mini": 60}
    excess = [
        float(t.replace("−", "-")) for t in rows.locator("[data-name=excess]").all_inner_texts()
    ]
    assert excess == sorted(excess)
    assert "same start and seed" in lab.text(".remark")


def normals(seed):
    """The page's normal numbers (mulberry32, Box and Muller), to make its rows again."""
    state = [seed]

    def uniform():
        state[0] = (state[0] + 0x6D2B79F5) & 0xFFFFFFFF
        t = ((state[0] ^ (state[0] >> 15)) * (state[0] | 1)) & 0xFFFFFFFF
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        return ((t ^ (t >> 14)) & 0xFFFFFFFF) / 2**32

    return lambda: np.sqrt(-2 * np.log(1 - uniform())) * np.cos(2 * np.pi * uniform())


def test_race_by_mouse_walks_as_in_python(open_lab):
    lab = open_lab("scene=race&seed=3")
    box = lab.page.locator("canvas").first.bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    lab.page.get_by_label("Rates").select_option("same")
    lab.page.get_by_label("Step shown").fill("6")
    normal = normals(3)
    x = np.array([2 + normal() for _ in range(48)])
    y = np.array([1.5 * value + 0.5 + 0.5 * normal() for value in x])
    start = [lab.row(0)["w0"], lab.row(0)["w1"]]
    assert start != [-1, 3], "the click chose another start"
    problem = Objective(MemoryRows(x[:, None], y), make_loss("mse"))
    step = walk(problem, start, "plain", 0.05, 6)
    agrees(lab.row(6), step)
    batch = lab.page.locator("tr[data-runner=batch]")
    cells = [float(t.replace("−", "-")) for t in batch.locator("td").all_inner_texts()[1:3]]
    np.testing.assert_allclose(cells, step.w, rtol=1e-6)
    limit = stable_limit(problem, make_rule("plain"), np.zeros(2))
    assert lab.number(".limit b") == pytest.approx(limit, rel=1e-9)
    for name in ("momentum", "adam"):
        lab.page.get_by_role("combobox", name="Runner", exact=True).select_option(name)
        agrees(lab.row(6), walk(problem, start, name, 0.05, 6))


def test_race_by_keyboard(open_lab):
    lab = open_lab("scene=race")
    lab.page.get_by_role("checkbox", name="momentum", exact=True).press(" ")
    assert lab.page.locator("tr[data-runner=momentum]").count() == 0
    lab.page.get_by_label("Rates").select_option("same")
    lab.page.get_by_role("slider", name="Learning rate").press("Home")
    rates = set(lab.page.locator("[data-name=rate]").first.all_inner_texts())
    assert len(rates) == 1
    lab.page.get_by_label("Step shown").press("End")
    assert "After 30 of 30 passes" in lab.text(".remark")


# --- your data ---------------------------------------------------------------------------------


def test_own_csv_walks_as_in_python(open_lab):
    path = shared("automobiles.csv")
    lab = open_lab("scene=data&rate=0.3&k=12")
    lab.page.locator("input[type=file]").set_input_files(path)
    lab.page.get_by_role("combobox", name="Predict", exact=True).select_option("price")
    wanted = ("curb_weight", "horsepower", "city_mpg")
    for name in wanted:
        lab.page.get_by_label(name, exact=True).check()
    for name in lab.page.locator(".checks label:has(:checked)").all_inner_texts():
        if name not in wanted:
            lab.page.get_by_label(name, exact=True).uncheck()
    lab.page.get_by_label("Step shown").fill("12")
    with path.open() as file:
        records = list(csv.DictReader(file))
    names = lab.page.locator(".ledger thead th").all_inner_texts()[1:4]
    X = np.array([[float(r[name]) for name in names] for r in records])
    y = np.array([float(r["price"]) for r in records])
    rows = MemoryRows(X, y)
    problem = Objective(standardize(rows).rows(rows), make_loss("mse"))
    agrees(lab.row(12), walk(problem, np.zeros(4), "plain", 0.3, 12))
    whole = np.column_stack([X, np.ones(len(X))])
    bend = np.linalg.eigvalsh(2 * whole.T @ whole / len(X))
    assert lab.number("[data-condition=raw]") == pytest.approx(bend[-1] / bend[0], rel=1e-4)
    assert "of the path's spread" in lab.text(".pictures")
    lab.page.get_by_label("Standardise").uncheck()
    assert "diverges" in lab.verdict()


def test_logistic_by_keyboard(open_lab):
    lab = open_lab("scene=data&rate=1")
    lab.page.get_by_role("combobox", name="Table", exact=True).select_option("exam (made up)")
    assert lab.page.get_by_role("combobox", name="Predict", exact=True).input_value() == "passed"
    lab.page.get_by_label("Standardise").press(" ")
    assert "log(1 + exp" in lab.text(".convention")


def test_a_rate_that_the_next_table_does_not_bear_is_replaced(open_lab):
    lab = open_lab("scene=data&standardise=0&rate=50")
    assert "diverges" in lab.verdict()
    lab.page.get_by_role("combobox", name="Table", exact=True).select_option("exam (made up)")
    limit = lab.number(".limit b")
    rate = float(lab.page.get_by_role("textbox", name="Learning rate η").input_value())
    assert rate == pytest.approx(limit / 2, rel=0.05)
    assert "diverges" not in lab.verdict()


def test_text_from_data_is_text(open_lab, tmp_path):
    bad = "<img src=x onerror=window.hit=1>"
    path = tmp_path / f"{'bad'}.csv"
    path.write_text(f'"{bad}",y\n1,2\n2,3\n3,5\n')
    lab = open_lab("scene=data")
    lab.page.locator("input[type=file]").set_input_files(path)
    assert bad in lab.text(".checks")
    assert bad in lab.text(".ledger thead")
    assert lab.page.evaluate("window.hit") is None
    assert lab.page.locator(".dsl img").count() == 0


def test_what_is_no_table_is_refused_in_a_sentence(open_lab, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("a,b\n1,2,3\n")
    lab = open_lab("scene=data")
    lab.page.locator("input[type=file]").set_input_files(path)
    lab.page.get_by_text("Row 2 of odd.csv has 3 cells").wait_for()


# --- noise -------------------------------------------------------------------------------------


def test_noise_floor_is_near_its_formula(open_lab):
    lab = open_lab("scene=noise&updates=2000")
    measured, formula = lab.number("[data-floor=measured]"), lab.number("[data-floor=formula]")
    assert measured == pytest.approx(formula, rel=0.25)
    lab.page.get_by_label("Rows in a batch").select_option("256")
    assert "no noise, and no floor" in lab.text(".remark")


def test_noise_by_mouse_walks_as_in_python_with_all_rows(open_lab):
    lab = open_lab("scene=noise&k=4")
    noisy = lab.row(4)
    box = lab.page.locator("canvas").first.bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.3)
    lab.page.get_by_label("Rows in a batch").select_option("256")
    start = [lab.row(0)["w0"], lab.row(0)["w1"]]
    problem = parse("0.5*x^2 + 2*y^2")
    agrees(lab.row(4), walk(problem, start, "plain", 0.1, 4))
    assert lab.row(4) != noisy
    assert lab.number(".limit b") == pytest.approx(0.5, rel=1e-12)


def test_noise_escapes_by_keyboard(open_lab):
    lab = open_lab("scene=noise")
    ground = lab.page.get_by_role("combobox", name="Ground", exact=True)
    ground.focus()
    lab.page.keyboard.press("ArrowDown")
    text = lab.text(".remark")
    most, none = (
        int(re.search(pattern, text)[1]) for pattern in (r"(\d+) with 1 row", r"(\d+) with all")
    )
    assert most > 30
    assert none == 0


# --- everywhere --------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", SCENES)
def test_play_pause_and_scrub(open_lab, scene):
    lab = open_lab(f"scene={scene}")
    assert lab.at() == 0, "nothing plays by itself"
    lab.page.get_by_label("Speed").select_option("10")
    lab.page.get_by_role("button", name="Play").click()
    lab.until(lambda: lab.at() > 3)
    # In one go: a short walk may end, and its button become another, between a look and a click.
    lab.page.evaluate("document.querySelector('button[aria-label=Pause]')?.click()")
    lab.page.get_by_label("Step shown").fill("2")
    assert lab.at() == 2
    lab.page.get_by_role("button", name="To the start").click()
    assert lab.at() == 0


def test_same_start_is_kept_when_a_setting_changes(open_lab):
    lab = open_lab("scene=surfaces&start=-4,3&rate=0.05")
    before = lab.row(0)
    for rule in ("momentum", "adam", "plain"):
        lab.page.get_by_label("Rule").select_option(rule)
        assert (lab.row(0)["w0"], lab.row(0)["w1"]) == (before["w0"], before["w1"])


@pytest.mark.parametrize("scene", [name for name in SCENES if name != "race"])
def test_the_slider_is_live_while_it_is_dragged(open_lab, scene):
    lab = open_lab(f"scene={scene}")
    slider = lab.page.get_by_role("slider", name="Learning rate")
    box = slider.bounding_box()
    lab.page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    lab.page.mouse.down()
    seen = []
    for share in (0.2, 0.5, 0.98):
        lab.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        rate = float(lab.page.get_by_label("Learning rate η").first.input_value())
        assert lab.row(0)["rate"] == rate
        kind = lab.text(".rate .kind")
        assert kind in slider.get_attribute("aria-valuetext")
        seen.append((rate, kind, lab.verdict()))
    lab.page.mouse.up()
    rates, kinds, verdicts = zip(*seen, strict=True)
    assert rates[0] < rates[1] < rates[2]
    assert kinds[0] == "too small"
    assert kinds[2] == "diverging"
    assert len(set(verdicts)) == 3
    assert lab.page.locator(".regions span").count() >= 3


@pytest.mark.parametrize("scene", SCENES)
def test_convention_ledger_and_verdict_stand_on_every_scene(open_lab, scene):
    lab = open_lab(f"scene={scene}&k=3&at=3")
    assert lab.text(".convention").endswith(".")
    assert re.search(r"\d", lab.text("[role=status] >> nth=0"))
    assert "←" in lab.text(".arithmetic")
    k = int(lab.page.locator(".arithmetic").get_attribute("data-arithmetic"))
    full = lab.page.locator(f".ledger tr[data-k='{k}'] td[data-name=w0]").inner_text()
    assert full.replace("-", "−") in lab.text(".arithmetic").replace("-", "−")


def test_one_step_past_the_end_asks_for_one_more(open_lab):
    lab = open_lab("scene=bowl&updates=5&k=5")
    lab.page.get_by_role("button", name="One update forward").click()
    assert lab.at() == 6
    agrees(lab.row(6), walk(parse("(w - 3)^2"), [0.0], "plain", 0.1, 6))
