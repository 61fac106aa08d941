"""The lab as Python serves it: the page, its policy, and walks on all rows of a real table."""

import asyncio
import threading
import time

import numpy as np
import pytest
import uvicorn
from conftest import PATIENCE, shared

from downslope.lab.server import Desk, app, free_socket, names_for
from downslope.lab.sheets import open_sheet
from downslope.lab.tutor import Tutor
from downslope.lab.walking import problem, walk, wish
from downslope.practice import make_item
from downslope.practice.progress import load

SEED = 5


class Served:
    """A running server and its desk."""

    def __init__(self, desk, address):
        self.desk, self.address = desk, address


@pytest.fixture
def served(static, tmp_path):
    desk = Desk(tutor=Tutor(tmp_path / "progress.json", seed=SEED))
    sock = free_socket("127.0.0.1", 19_765)
    port = sock.getsockname()[1]
    config = uvicorn.Config(app(desk, names_for("127.0.0.1", port)), log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[sock])))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Served(desk, f"http://127.0.0.1:{port}/")
    server.should_exit = True
    thread.join()
    sock.close()


@pytest.fixture
def page(browser, served):
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(1000 * PATIENCE)
    errors, requests = [], []
    opened.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    yield opened
    context.close()
    assert errors == []
    local = (served.address, "blob:", "data:")
    assert all(url.startswith(local) for url in requests), requests


def test_walk_on_all_rows_is_the_engine(page, served):
    sheet = open_sheet(shared("tables/housing.csv"))
    served.desk.put(sheet)
    settings = "scene=data&table=housing.csv&target=median_house_value&features=median_income"
    page.goto(f"{served.address}#{settings}&updates=40&code={served.desk.new_code()}")
    page.get_by_text("of 20,640").wait_for()
    assert "code=" not in page.url, "the code is taken out of the address"
    assert served.desk.token not in page.url
    page.get_by_role("button", name="Walk on all rows").click()
    page.get_by_text("20,640 rows, 40 updates").wait_for()
    row = page.get_by_role("region", name="Walk on all rows").locator("tbody tr").last
    cells = [float(text) for text in row.locator("td").all_inner_texts()]
    asked = wish(
        {"table": "", "target": "median_house_value", "features": ["median_income"], "loss": "mse",
         "rule": "plain", "rate": 0.1, "updates": 40}
    )  # fmt: skip
    *_, last, ending = walk(sheet, asked)
    np.testing.assert_allclose(cells, [last["value"], *last["w"]], rtol=1e-15)
    objective, _ = problem(sheet, asked)
    assert ending["rows"] == objective.source.n_rows == 20_640
    page.reload()
    page.get_by_text("of 20,640").wait_for()


def test_a_large_file_goes_to_python(page, served, tmp_path):
    lines = ["x,y", *(f"{i},{3 * i + 1}" for i in range(220_000))]
    path = tmp_path / "large.csv"
    path.write_text("\n".join(lines) + "\n")
    page.goto(f"{served.address}#scene=data&code={served.desk.new_code()}")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_text("of 220,000").wait_for()
    assert served.desk.sheets["large.csv"].n_rows == 220_000
    page.get_by_role("button", name="Walk on all rows").click()
    page.get_by_text("220,000 rows, 100 updates").wait_for()


def test_practice_asks_python_and_goes_on_from_the_terminals_answers(page, served):
    before = make_item("score", SEED)
    served.desk.tutor.answer(
        {"kind": "score", "seed": SEED, "given": list(before.solution), "hints": 0, "probes": 0}
    )
    answers = []
    page.on("response", lambda r: answers.append(r.text()) if r.url.endswith("/item") else None)
    page.goto(f"{served.address}#scene=practice&n=1&code={served.desk.new_code()}")
    item = make_item("trace", SEED + 1)
    page.get_by_text(item.question).wait_for()
    page.get_by_text("1 / 1").wait_for()
    assert "solution" not in answers[0]
    assert item.working.splitlines()[1] not in answers[0]
    slip = item.slips[0]
    for blank, value in zip(item.blanks, slip.values, strict=True):
        page.get_by_label(blank.name, exact=True).fill(repr(value))
    page.get_by_role("button", name="Check").press("Enter")
    page.get_by_text(slip.explanation).wait_for()
    kept = load(served.desk.tutor.path)
    assert [(a.kind, a.slip) for a in kept.answers] == [("score", None), ("trace", slip.name)]
    assert page.evaluate("localStorage.length") == 0
    page.get_by_label("Seed").fill("90")
    page.get_by_label("Seed").press("Enter")
    page.get_by_text(make_item("score", 90).question).wait_for()
    page.get_by_role("button", name="Flashcards").click()
    page.get_by_role("button", name="Turn the card").click()
    page.get_by_role("button", name="Good").click()
    page.get_by_text("38 to see").wait_for()
    assert list(load(served.desk.tutor.path).cards) == ["loss"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Page in one file").click()
    assert make_item("score", SEED).question in download.value.path().read_text()


def test_without_a_code_the_page_works_alone(page, served):
    served.desk.put(open_sheet({"secret": [1.0, 2.0], "y": [1.0, 3.0]}, "private"))
    page.goto(f"{served.address}#scene=bowl")
    page.wait_for_selector(".player")
    page.get_by_role("button", name="Practice").click()
    page.get_by_text("open the address that Python printed").wait_for()
    page.get_by_role("button", name="Your data").click()
    page.wait_for_selector(".checks")
    assert page.get_by_text("private").count() == 0


def test_a_frame_on_another_page_stays_empty(browser, served, tmp_path):
    around = tmp_path / "around.html"
    around.write_text(f'<iframe src="{served.address}"></iframe>')
    page = browser.new_page()
    page.goto(around.as_uri())  # comes back when the frame has been answered, whatever it was
    assert page.frames[1].locator("#downslope-lab").count() == 0
    page.close()
