"""The lab's server lets nobody else in: each test sends one bad request, or one good one."""

import asyncio
import gzip
import json
import socket
import threading
import time
import webbrowser
from http.client import HTTPConnection
from itertools import islice

import httpx
import numpy as np
import pytest
import uvicorn

from downslope.descend import begin, steps
from downslope.errors import InputError, SettingError, TableError
from downslope.lab import server
from downslope.lab.page import STATIC, served
from downslope.lab.server import Desk, app, free_socket, names_for
from downslope.lab.sheets import MOST_ROWS, for_page, open_sheet, sheet_of_text
from downslope.lab.tutor import Tutor
from downslope.lab.walking import problem, some, walk, wish
from downslope.practice import make_item
from downslope.practice.progress import load

pytestmark = pytest.mark.skipif(
    not (STATIC / "lab.js").exists(), reason="the lab is not built; run make lab"
)
HOST = "127.0.0.1:8765"
ROWS = {
    "x": [0.0, 1.0, 2.0, 3.0, np.nan],
    "y": [1.0, 3.0, 4.0, 7.0, 1.0],
    "kind": ["a", "b", "b", "a", ""],
}
ASKED = {
    "table": "rows",
    "target": "y",
    "features": ["x"],
    "loss": "mse",
    "standardise": False,
    "rule": "momentum",
    "beta": 0.5,
    "rate": 0.05,
    "schedule": "constant",
    "updates": 6,
}


@pytest.fixture
def desk(tmp_path):
    found = Desk(tutor=Tutor(tmp_path / "kept" / "progress.json", seed=7))
    found.put(open_sheet(ROWS, "rows"))
    return found


class Client:
    """Speaks to the application without a network."""

    def __init__(self, desk, **options):
        self.desk = desk
        self.transport = httpx.ASGITransport(app(desk, names_for("127.0.0.1", 8765), **options))

    def ask(self, method, path, *, token=True, **options):
        headers = {"host": HOST, **({"x-lab-token": self.desk.token} if token else {})}
        headers |= options.pop("headers", {})

        async def send():
            async with httpx.AsyncClient(transport=self.transport, base_url=f"http://{HOST}") as c:
                return await c.request(method, path, headers=headers, **options)

        return asyncio.run(send())

    def post(self, path, **options):
        return self.ask("POST", path, **options)

    def get(self, path, **options):
        return self.ask("GET", path, **options)


@pytest.fixture
def client(desk):
    return Client(desk)


# --- who may speak -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:80", ""]
)
@pytest.mark.parametrize("path", ["/", "/lab.js", "/api/tables", "/nowhere"])
def test_another_name_is_refused(client, host, path):
    """DNS rebinding: a name of someone else's that points at this machine."""
    assert client.get(path, headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", f"https://{HOST}", "http://127.0.0.1:80", "file://"]
)
@pytest.mark.parametrize("path", ["/", "/api/tables", "/api/walk", "/api/practice/answer"])
def test_another_origin_is_refused(client, origin, path):
    method = "GET" if path in ("/", "/api/tables") else "POST"
    answer = client.ask(method, path, headers={"origin": origin}, json=ASKED)
    assert answer.status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_script_on_another_site_is_refused(client, site):
    assert client.get("/lab.js", headers={"sec-fetch-site": site}).status_code == 403


def test_own_origin_is_let_in(client):
    mine = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    assert client.post("/api/walk", json=ASKED, headers=mine).status_code == 200


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/tables"),
        ("POST", "/api/tables"),
        ("POST", "/api/walk"),
        ("POST", "/api/practice/course"),
        ("POST", "/api/practice/answer"),
    ],
)
def test_whatever_acts_needs_the_token(client, method, path, token):
    headers = {"x-lab-token": token.encode("latin-1")}
    assert client.ask(method, path, headers=headers, json=ASKED).status_code == 403
    assert client.ask(method, path, token=False, json=ASKED).status_code == 403


def test_a_code_opens_once_and_the_token_always(client, desk):
    code = desk.new_code()
    enter = lambda code: client.post("/api/enter", token=False, json={"code": code})  # noqa: E731
    assert enter(code).json() == {"token": desk.token}
    assert enter(code).status_code == 403
    assert enter("guess").status_code == 403
    assert enter(None).status_code == 403
    assert enter(desk.token).status_code == 200


def test_sockets_are_refused(desk):
    sent = []

    async def speak():
        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        scope = {"type": "websocket", "path": "/", "headers": [(b"host", HOST.encode())]}
        await app(desk, names_for("127.0.0.1", 8765))(scope, receive, send)

    asyncio.run(speak())
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_two_hosts_are_refused(desk):
    """A proxy and the server could each believe another of them."""
    headers = [(b"host", HOST.encode()), (b"host", b"evil.example")]
    guard = app(desk, names_for("127.0.0.1", 8765))
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    status, _ = guard._refusal(scope)
    assert status == 403


# --- what may be said --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"],
)
def test_only_json_is_read(client, kind):
    """Forms of other pages can send these kinds without asking the browser first."""
    answer = client.post("/api/walk", content=json.dumps(ASKED), headers={"content-type": kind})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"3", b"\xff\xfe", b"[" * 50_000, b'{"a":' * 5_000], ids=range(7)
)
def test_what_is_no_json_object_is_refused(client, body):
    answer = client.post("/api/walk", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize("path", ["/api/walk", "/api/enter", "/api/practice/answer"])
def test_too_large_a_request_is_refused_by_its_own_word(client, path):
    answer = client.post(path, json={"pad": "x" * 70_000})
    assert answer.status_code == 413


def test_too_large_a_request_is_refused_without_a_word(client):
    async def pieces():
        for _ in range(100):
            yield b" " * 1_000

    answer = client.post(
        "/api/walk", content=pieces(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/api/walk", "/api/tables", "/api/practice/answer"])
def test_a_small_request_that_swells_is_refused(client, path, monkeypatch):
    monkeypatch.setattr(server, "MOST_BYTES", 1_000_000)
    bomb = gzip.compress(b" " * 30_000_000)
    assert len(bomb) < 60_000
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = Client(client.desk).post(path, content=bomb, headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(("packing", "status"), [("br", 415), ("gzip, gzip", 415), ("gzip", 400)])
def test_unknown_or_false_packing_is_refused(client, packing, status):
    headers = {"content-type": "application/json", "content-encoding": packing}
    assert client.post("/api/walk", content=b"{}", headers=headers).status_code == status


def test_a_request_that_takes_too_long_is_refused(desk):
    async def pieces():
        yield b"{"
        await asyncio.Event().wait()  # for ever

    answer = Client(desk, seconds=0.2).post(
        "/api/walk", content=pieces(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 408


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/server.py",
        "/static/lab.js",
        "/server.py",
        "/api/tables/rows",
    ],
)
def test_no_path_from_outside_is_opened(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text


@pytest.mark.parametrize("name", ["/etc/passwd", "../server.py", "rows\0", "nowhere"])
def test_tables_come_from_a_list(client, name):
    assert client.post("/api/walk", json={**ASKED, "table": name}).status_code == 404


def test_an_uploaded_name_is_only_a_label(client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "../../<img src=x onerror=alert(1)>.csv"
    answer = client.post("/api/tables", json={"name": name, "text": "a,b\n1,2\n3,4\n"})
    assert answer.json()["name"] == name
    assert answer.headers["content-type"] == "application/json"
    assert list(tmp_path.iterdir()) == []
    assert client.post("/api/tables", json={"name": "", "text": "a"}).status_code == 400
    assert client.post("/api/tables", json={"name": "t", "text": 3}).status_code == 400
    ragged = client.post("/api/tables", json={"name": "t.csv", "text": "a,b\n1,2\n1,2,3\n3,4\n"})
    assert ragged.status_code == 422
    assert "t.csv" in ragged.json()["error"]


def test_the_shelf_is_bounded(client, desk):
    for i in range(server.MOST_SHEETS + 3):
        client.post("/api/tables", json={"name": f"t{i}", "text": "a,b\n1,2\n3,4\n"})
    assert len(desk.sheets) == server.MOST_SHEETS
    assert "t0" not in desk.sheets


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(client, method):
    assert client.ask(method, "/api/tables").status_code == 405


def test_walks_are_few(client, desk):
    desk.walks = server.MOST_WALKS
    answer = client.post("/api/walk", json=ASKED)
    assert answer.status_code == 429
    assert "stop one" in answer.json()["error"]


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "__class__"},
        {"rule": None},
        {"loss": "poisson"},
        {"rate": -1},
        {"rate": 0},
        {"rate": "0.1"},
        {"rate": True},
        {"rate": 1e999},
        {"updates": 10**9},
        {"updates": 1.5},
        {"features": []},
        {"features": "x"},
        {"features": ["x"] * 41},
        {"features": ["nowhere"]},
        {"features": ["kind"]},
        {"target": "nowhere"},
        {"target": "kind"},
        {"loss": "log_loss"},
        {"schedule": "never"},
        {"beta": 2},
        {"table": 3},
    ],
    ids=str,
)
def test_a_wish_that_cannot_be_is_refused_in_a_sentence(client, change):
    text = json.dumps({**ASKED, **change})
    answer = client.post("/api/walk", content=text, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")


# --- the practice room -------------------------------------------------------------------------


def test_questions_go_out_without_their_answers(client):
    item = make_item("trace", 9)
    asked = client.post("/api/practice/item", json={"kind": "trace", "seed": 9}).json()
    assert asked["question"] == item.question
    assert not {"solution", "working", "slips", "reveal"} & set(asked)
    course = client.post("/api/practice/course", json={"seed": None}).json()
    assert course["seed"] == 7
    assert course["kinds"][0] == {"name": "score", "title": "Score two lines"}
    assert course["progress"]["answers"] == []
    whole = client.post("/api/practice/bank", json={"seed": 3}).json()
    assert whole["items"][0]["solution"]


def test_answers_get_their_verdict_and_are_kept(client, desk):
    item = make_item("trace", 9)
    asked = {"kind": "trace", "seed": 9, "hints": 1, "probes": 0}
    right = client.post("/api/practice/answer", json={**asked, "given": item.solution}).json()
    assert right["right"]
    slip = item.slips[0]
    wrong = client.post("/api/practice/answer", json={**asked, "given": slip.values}).json()
    assert (wrong["right"], wrong["slip"]) == (False, slip.name)
    assert slip.explanation in wrong["explanation"]
    shown = client.post("/api/practice/answer", json={**asked, "given": None}).json()
    assert shown["solution"] == list(item.solution)
    card = client.post("/api/practice/card", json={"name": "loss", "grade": 3}).json()
    kept = load(desk.tutor.path)
    assert card["progress"] == kept.to_table()
    assert [answer.slip for answer in kept.answers] == [None, slip.name, "skipped"]
    assert list(kept.cards) == ["loss"]


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("course", {"seed": -1}),
        ("course", {"seed": True}),
        ("course", {"seed": "7"}),
        ("item", {"kind": "juggling", "seed": 1}),
        ("item", {"kind": ["trace"], "seed": 1}),
        ("item", {"kind": "trace"}),
        ("item", {"kind": "trace", "seed": 2**60}),
        ("answer", {"kind": "trace", "seed": 1, "hints": 0, "probes": 0, "given": [1]}),
        ("answer", {"kind": "trace", "seed": 1, "hints": 0, "probes": 0, "given": "1, 2"}),
        ("answer", {"kind": "trace", "seed": 1, "hints": 0, "probes": 0, "given": [1, "<img>"]}),
        ("answer", {"kind": "trace", "seed": 1, "hints": 0, "probes": 0, "given": [1, True]}),
        ("answer", {"kind": "trace", "seed": 1, "hints": -1, "probes": 0, "given": [1, 2]}),
        ("answer", {"kind": "curves", "seed": 1, "hints": 0, "probes": 0, "given": ["D"]}),
        ("card", {"name": "../loss", "grade": 3}),
        ("card", {"name": "loss", "grade": 5}),
        ("card", {"name": "loss", "grade": "3"}),
        ("card", {"name": ["loss"], "grade": [3]}),
    ],
    ids=str,
)
def test_what_the_practice_room_cannot_do_is_refused_in_a_sentence(client, desk, what, asked):
    answer = client.post(f"/api/practice/{what}", json=asked)
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")
    assert not desk.tutor.path.exists()


def test_a_number_that_json_has_not_is_refused(client):
    asked = {"kind": "trace", "seed": 1, "hints": 0, "probes": 0, "given": [1.0, float("nan")]}
    answer = client.post(
        "/api/practice/answer",
        content=json.dumps(asked),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("what", ["nothing", "__class__", "path"])
def test_there_is_no_more_in_the_practice_room(client, what):
    assert client.post(f"/api/practice/{what}", json={}).status_code == 404


def test_answers_at_the_same_time_are_all_kept(desk):
    item = make_item("trace", 9)
    asked = {"kind": "trace", "seed": 9, "hints": 0, "probes": 0, "given": list(item.solution)}
    threads = [threading.Thread(target=desk.tutor.answer, args=(asked,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(load(desk.tutor.path).answers) == 12


# --- what it says ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/lab.js", "/lab.css", "/nowhere", "/api/tables"])
def test_every_answer_carries_its_policy(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_the_page_has_no_script_or_style_of_its_own():
    page = served()
    assert page.count("<script") == page.count("src=")
    assert "<style" not in page
    assert "style=" not in page
    assert "http" not in page


def test_a_walk_is_the_engine_on_all_complete_rows(client, desk):
    lines = [json.loads(line) for line in client.post("/api/walk", json=ASKED).text.splitlines()]
    asked = wish(ASKED)
    objective, _ = problem(desk.sheets["rows"], asked)
    state = begin(objective.start(), asked.rule, asked.rate)
    expected = list(islice(steps(objective, state, asked.rule, asked.rate), 7))
    assert [line["w"] for line in lines[:-1]] == [step.w.tolist() for step in expected]
    assert lines[-1]["rows"] == 4
    assert lines[-1]["weights"] == expected[-1].w.tolist()


def test_weights_come_back_in_the_units_of_the_table(desk):
    sheet = desk.sheets["rows"]
    far = {**ASKED, "updates": 400, "rule": "plain", "rate": 0.1}
    *_, scaled = walk(sheet, wish({**far, "standardise": True}))
    *_, raw = walk(sheet, wish({**far, "standardise": False}))
    np.testing.assert_allclose(scaled["weights"], raw["weights"], rtol=1e-6)


def test_a_diverging_walk_ends_with_a_sentence(desk):
    found = some(walk(desk.sheets["rows"], wish({**ASKED, "rate": 1e200, "updates": 50})), 5.0)
    assert "diverged" in found[-1]["reason"]
    assert all(np.isfinite(record["value"]) for record in found[:-1])


# --- tables ------------------------------------------------------------------------------------


def test_a_page_gets_some_rows_of_many():
    sheet = open_sheet({"x": np.arange(50_000.0), "word": ["a", "b"] * 25_000}, "many")
    page = for_page(sheet)
    assert (page["rows"], page["of"]) == (MOST_ROWS, 50_000)
    numbers = page["columns"][0]["numbers"]
    assert (numbers[0], numbers[-1]) == (0.0, 49_999.0)
    assert set(page["columns"][1]["words"]) == {"a", "b"}
    json.dumps(page, allow_nan=False)


def test_missing_cells_and_two_classes():
    sheet = sheet_of_text("x,kind\n1,no\n,yes\n3,yes\n4,\n", "t.csv")
    assert for_page(sheet)["columns"][0]["numbers"] == [1.0, None, 3.0, 4.0]
    np.testing.assert_array_equal(sheet.signs("kind"), [-1, 1, 1, np.nan])
    with pytest.raises(TableError, match="words"):
        sheet.numbers("kind")
    with pytest.raises(TableError, match="no column"):
        sheet.column("z")


def test_too_few_complete_rows():
    sheet = sheet_of_text("x,y\n1,2\n,3\n4,\n", "t.csv")
    with pytest.raises(InputError, match="fewer than two"):
        list(walk(sheet, wish(ASKED)))


# --- a real server -----------------------------------------------------------------------------


@pytest.fixture
def running(desk):
    sock = free_socket("127.0.0.1", 18_765)
    port = sock.getsockname()[1]
    config = uvicorn.Config(app(desk, names_for("127.0.0.1", port)), log_level="error", ws="none")
    ours = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(ours.serve(sockets=[sock])))
    thread.start()
    while not ours.started:
        time.sleep(0.01)
    yield port
    ours.should_exit = True
    thread.join()
    sock.close()


def until(holds):
    while not holds():  # for ever where it never does: a busy machine makes nothing wrong
        time.sleep(0.01)


def test_a_walk_ends_when_the_page_goes(desk, running):
    n = 60_000
    desk.put(open_sheet({"x": np.arange(float(n)), "y": np.arange(float(n))}, "large"))
    headers = {"X-Lab-Token": desk.token, "Content-Type": "application/json"}
    page = HTTPConnection("127.0.0.1", running)
    asked = json.dumps({**ASKED, "table": "large", "standardise": True, "updates": 2_000})
    page.request("POST", "/api/walk", body=asked, headers=headers)
    page.getresponse().read(100)
    assert desk.walks == 1
    page.sock.shutdown(socket.SHUT_RDWR)
    page.close()
    until(lambda: desk.walks == 0)


def test_a_real_browser_handshake_for_a_socket_is_refused(desk, running):
    page = HTTPConnection("127.0.0.1", running)
    page.request("GET", "/", headers={
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x", "Origin": "http://evil.example",
    })  # fmt: skip
    assert page.getresponse().status == 403
    page.close()


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with free_socket("127.0.0.1", port) as found:
            assert found.getsockname()[1] > port
            assert found.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 65_536), ("no such host", 8765), ("127.0.0.1", 99_999)]
)
def test_no_port_is_a_sentence(host, port):
    with pytest.raises(SettingError, match=r"\.$"):
        free_socket(host, port)


def test_serve_says_where_it_is_and_opens_a_code_that_is_spent_once(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(uvicorn.Server, "serve", lambda self, sockets: asyncio.sleep(0))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server.serve(ROWS, "y", port=port, settings="scene=data&rate=0.3", seed=4)
    said = capsys.readouterr().out
    assert f"Port {port} is taken" in said
    assert "scene=data" in opened[0]
    assert "target=y" in opened[0]
    assert "rate=0.3" in opened[0]
    code = opened[0].rpartition("code=")[2]
    assert code not in said
