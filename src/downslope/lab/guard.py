"""Who may speak to the lab's server, and how much may be said.

The server is for one person on one machine. Any page in that person's browser can send requests to
127.0.0.1, and any name can be made to point there, so every request is asked: is the ``Host`` one
of ours (DNS rebinding), does the ``Origin`` come from our own page (cross-site), does it carry the
token (another account of the same machine)? Bodies are read with a limit on bytes and on time,
before and after decompression.
"""

import asyncio
import json
import secrets
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TOKEN = "x-lab-token"


@dataclass(frozen=True)
class Guard:
    """ASGI layer that lets only the lab's own page in.

    Parameters
    ----------
    app : ASGI application
    hosts : collection of str
        Names, with the port, under which the server may be asked, such as ``127.0.0.1:8765``.
    token : str
        Needed by everything under ``/api/`` but ``/api/enter``, which hands it out for a code.
    """

    app: ASGIApp
    hosts: Collection[str]
    token: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it in one sentence."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": "no sockets here"})
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, _with_headers(send))
        else:
            await _refuse(_with_headers(send), *refusal)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and sentence where the request must not pass."""
        given: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            given.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        host, origin = given.get("host", []), given.get("origin", [])
        if len(host) != 1 or host[0].lower() not in self.hosts:
            return 403, "This server answers only under its own address on this machine."
        if any(value.lower() not in {f"http://{name}" for name in self.hosts} for value in origin):
            return 403, "Requests from other pages are refused."
        if any(value not in ("same-origin", "none") for value in given.get("sec-fetch-site", [])):
            return 403, "Requests from other sites are refused."
        if scope["method"] == "POST":
            kinds = [kind.partition(";")[0].strip() for kind in given.get("content-type", [])]
            if kinds != ["application/json"]:
                return 415, "Only application/json is read."
        path = scope["path"]
        if path.startswith("/api/") and path != "/api/enter":
            tokens = given.get(TOKEN, [])
            if len(tokens) != 1 or not same(tokens[0], self.token):
                return 403, "The lab's token is missing; open the address that Python printed."
        return None


def same(given: str, secret: str) -> bool:
    """Whether two secrets agree, in a time that tells nothing."""
    return secrets.compare_digest(given.encode(), secret.encode())


def _with_headers(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [*message.get("headers", []), *ours]
        await send(message)

    return sender


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def read_json(request: Request, most_bytes: int, seconds: float) -> dict[str, Any]:
    """The JSON object that a request carries, read within limits.

    Raises
    ------
    HTTPException
        413 where it is too large, as sent or unpacked; 408 where it takes too long; 415 for an
        unknown packing; 400 for what is no JSON object.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most_bytes:
        raise HTTPException(413, f"The request has {declared} bytes; the limit is {most_bytes}.")
    try:
        async with asyncio.timeout(seconds):
            body = await _body(request, most_bytes)
    except TimeoutError:
        raise HTTPException(408, f"The request took longer than {seconds:g} seconds.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The request was cut short.") from None
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The request is not JSON.") from None
    if not isinstance(asked, dict):
        raise HTTPException(400, "The request must be a JSON object.")
    return asked


async def _body(request: Request, most_bytes: int) -> bytearray:
    """Bytes of a request, unpacked piece by piece so that a small one cannot swell unseen."""
    packing = request.headers.get("content-encoding", "identity")
    if packing not in ("identity", "gzip"):
        raise HTTPException(415, f"The packing {packing!r} is not read; use gzip or none.")
    unpacker = zlib.decompressobj(wbits=31) if packing == "gzip" else None
    body = bytearray()
    async for chunk in request.stream():
        room = most_bytes - len(body)
        try:
            body += chunk[: room + 1] if unpacker is None else unpacker.decompress(chunk, room + 1)
        except zlib.error:
            raise HTTPException(400, "The request is not gzip.") from None
        if len(body) > most_bytes:
            raise HTTPException(413, f"The request unpacks to more than {most_bytes} bytes.")
    return body
