"""The lab's server: hands out the page and the tables it was given, and walks when asked.

============================ ==========================================================
``GET /``, ``/lab.js``, ...  the page's parts: a fixed list, nothing else of the disk
``POST /api/enter``          a code from the address that Python opened -> the token
``GET /api/tables``          the tables on the shelf, with evenly chosen rows
``POST /api/tables``         a table from the page goes on the shelf
``POST /api/walk``           a walk over all rows of a table, streamed step by step
``POST /api/practice/...``   exercises of the practice room, and answers to them
============================ ==========================================================
"""

import asyncio
import json
import secrets
import socket
import time
import webbrowser
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from downslope.errors import DownslopeError, SettingError
from downslope.lab.guard import Guard, read_json, same
from downslope.lab.page import part, served
from downslope.lab.sheets import Sheet, for_page, open_sheet, sheet_of_text
from downslope.lab.tutor import Tutor
from downslope.lab.walking import some, walk, wish
from downslope.practice.progress import default_path

PORT = 8765
PORTS_TRIED = 20
MOST_BYTES = 64_000_000
"""Of an uploaded table, unpacked; other requests may have SMALL bytes."""
SMALL = 64_000
SECONDS = 30.0
MOST_WALKS = 3
BUSY = f"{MOST_WALKS} walks are under way; stop one first."
WALK_SECONDS = 300.0
MOST_SHEETS = 8
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
PARTS = {
    "lab.js": "text/javascript",
    "lab.css": "text/css",
    "THIRD_PARTY_LICENSES.txt": "text/plain",
}


@dataclass
class Desk:
    """What the server has at hand: tables by name, walks under way, and who may enter."""

    sheets: dict[str, Sheet] = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    codes: set[str] = field(default_factory=set)
    walks: int = 0
    tutor: Tutor = field(default_factory=Tutor)

    def new_code(self) -> str:
        """A code that can be traded for the token once."""
        code = secrets.token_urlsafe(24)
        self.codes.add(code)
        return code

    def admits(self, code: str) -> bool:
        """Whether a code opens the door; a single-use code is spent by asking."""
        spent = [known for known in self.codes if same(code, known)]
        self.codes.difference_update(spent)
        return bool(spent) or same(code, self.token)

    def put(self, sheet: Sheet) -> None:
        """Onto the shelf; where it is full the oldest goes."""
        self.sheets.pop(sheet.name, None)
        while len(self.sheets) >= MOST_SHEETS:
            del self.sheets[next(iter(self.sheets))]
        self.sheets[sheet.name] = sheet


def app(desk: Desk, hosts: frozenset[str], *, seconds: float = SECONDS) -> Guard:
    """The ASGI application behind its guard.

    Parameters
    ----------
    desk : Desk
    hosts : frozenset of str
        Names with the port under which the server may be asked.
    seconds : float
        Longest time that a request may take to arrive.
    """

    async def index(request: Request) -> Response:
        return Response(served(), media_type="text/html")

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in PARTS:
            raise HTTPException(404, "There is no such part.")
        return Response(part(name), media_type=PARTS[name])

    async def enter(request: Request) -> Response:
        code = (await read_json(request, SMALL, seconds)).get("code")
        if not isinstance(code, str) or not desk.admits(code):
            raise HTTPException(403, "The code is not known or was used; run the lab again.")
        return JSONResponse({"token": desk.token})

    async def tables(request: Request) -> Response:
        shelf = list(desk.sheets.values())
        return JSONResponse(await run_in_threadpool(lambda: [for_page(sheet) for sheet in shelf]))

    async def upload(request: Request) -> Response:
        asked = await read_json(request, MOST_BYTES, seconds)
        name, text = asked.get("name"), asked.get("text")
        if not isinstance(name, str) or not isinstance(text, str) or not 0 < len(name) <= 200:
            raise HTTPException(400, "A table needs a name of up to 200 signs and its text.")
        sheet = await run_in_threadpool(sheet_of_text, text, name)
        desk.put(sheet)
        return JSONResponse(await run_in_threadpool(for_page, sheet))

    async def start_walk(request: Request) -> Response:
        asked = wish(await read_json(request, SMALL, seconds))
        if asked.table not in desk.sheets:
            raise HTTPException(404, f"No table {asked.table!r} was opened by Python.")
        if desk.walks >= MOST_WALKS:
            raise HTTPException(429, BUSY)
        records = walk(desk.sheets[asked.table], asked)
        # The first records before the answer: a wish that cannot be fulfilled is refused by status.
        first = await run_in_threadpool(some, records)
        body = _stream(desk, request, first, records)
        return StreamingResponse(body, media_type="application/x-ndjson")

    async def practise(request: Request) -> Response:
        answers = desk.tutor.asked(request.path_params["what"])
        if answers is None:
            raise HTTPException(404, "The practice room has no such thing.")
        asked = await read_json(request, SMALL, seconds)
        return JSONResponse(await run_in_threadpool(answers, asked))

    routes = [
        Route("/", index),
        Route("/api/enter", enter, methods=["POST"]),
        Route("/api/tables", tables),
        Route("/api/tables", upload, methods=["POST"]),
        Route("/api/walk", start_walk, methods=["POST"]),
        Route("/api/practice/{what}", practise, methods=["POST"]),
        Route("/{name}", asset),
    ]
    handlers: Any = {HTTPException: _say_status, DownslopeError: _say_error}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), hosts, desk.token)


async def _say_status(request: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": str(error.detail)}, status_code=error.status_code)


async def _say_error(request: Request, error: DownslopeError) -> Response:
    return JSONResponse({"error": str(error)}, status_code=422)


async def _stream(
    desk: Desk, request: Request, found: list[dict[str, Any]], records: Iterator[dict[str, Any]]
) -> AsyncIterator[str]:
    """Lines of JSON as they are made, until the walk ends, the page goes or the time is up."""
    if desk.walks >= MOST_WALKS:  # several may have come while the first records were made
        yield json.dumps({"error": BUSY}) + "\n"
        return
    desk.walks += 1
    ends = time.monotonic() + WALK_SECONDS
    try:
        while found:
            yield "".join(json.dumps(record) + "\n" for record in found)
            if await request.is_disconnected():
                return
            if time.monotonic() > ends:
                yield json.dumps({"error": f"Stopped after {WALK_SECONDS:g} seconds."}) + "\n"
                return
            found = await run_in_threadpool(some, records)
    finally:
        desk.walks -= 1


def free_socket(host: str, port: int) -> socket.socket:
    """A socket bound to ``port``, or to the next one that is free.

    Raises
    ------
    SettingError
        If none of the next ports is free, or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(port + PORTS_TRIED, 65536)
    for candidate in range(port, last):
        sock = socket.socket(family, socket.SOCK_STREAM)
        # Only POSIX needs it, to reuse a port that was just left; elsewhere it would share one.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, candidate))
        except OverflowError:
            break
        except socket.gaierror:
            sock.close()
            raise SettingError(f"host={host!r} is no address of this machine.") from None
        except OSError:
            sock.close()
            continue
        return sock
    raise SettingError(f"No port from {port} to {last - 1} is free; name another with port=.")


def names_for(host: str, port: int) -> frozenset[str]:
    """Host headers under which a server on ``host`` may be asked."""
    others = () if host in ("127.0.0.1", "::1", "localhost") else (host, socket.gethostname())
    return frozenset(f"{name.lower()}:{port}" for name in (*LOOPBACK, *others))


def serve(
    data: Any = None,
    target: str | None = None,
    *,
    port: int = PORT,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    settings: str = "",
    seed: int = 1,
    progress: Path | None = None,
) -> None:
    """Serve the lab on this machine until interrupted.

    Parameters
    ----------
    data : path, data frame or array, optional
        A table for the scene of one's own data; walks over all of its rows run in Python.
    target : str, optional
        Column to predict.
    port : int, default 8765
        Where it is taken, the next free one is used and said.
    host : str, default "127.0.0.1"
        Where to listen; anything but this machine itself sends the token unencrypted.
    open_browser : bool, default True
    settings : str, default ""
        What follows the ``#`` of a lab's address, such as ``"scene=bowl&rate=0.2"``.
    seed : int, default 1
        Of the exercises in the practice room; a class with one seed gets the same.
    progress : Path or None
        Where answers in the practice room are kept; None for the file of ``downslope practice``.

    Raises
    ------
    TableError
        If the data cannot be read without guessing.
    SettingError
        If no port is free.
    """
    desk = Desk(tutor=Tutor(progress or default_path(), seed))
    opening = dict(parse_qsl(settings))
    if data is not None:
        sheet = open_sheet(data)
        if target is not None:
            sheet.column(target)
        desk.put(sheet)
        chosen = {"scene": "data", "table": sheet.name, **({"target": target} if target else {})}
        opening = chosen | opening
    part("lab.js")  # a page that is not built is said now, not to the browser
    sock = free_socket(host, port)
    bound = sock.getsockname()[1]
    if bound != port:
        print(f"Port {port} is taken; using {bound}.")
    shown = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1"}.get(
        host, f"[{host}]" if ":" in host else host
    )
    address = f"http://{shown}:{bound}/"
    print(f"The lab is at {address}#{urlencode({**opening, 'code': desk.token})}")
    print("Ctrl-C ends it.", flush=True)
    if open_browser:
        # The code in the browser's command line, which others can read, is worth nothing once used.
        webbrowser.open(f"{address}#{urlencode({**opening, 'code': desk.new_code()})}")
    config = uvicorn.Config(
        app(desk, names_for(host, bound)),
        log_level="warning",
        ws="none",
        limit_concurrency=64,
        timeout_graceful_shutdown=2,
    )
    with sock:
        asyncio.run(uvicorn.Server(config).serve(sockets=[sock]))
