"""A stand-in of Twilio's REST interface on loopback: keeps texts, lists them, and fails when told to."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.webhooks.receiver import PATIENCE_SECONDS

ACCOUNT, TOKEN, NUMBER = "AC00000000000000000000000000000000", "a token that signs", "+15125550100"
Failure = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class TwilioStandIn:
    """``fail``: from a form to (status, body, headers), None to take the text. No answer while ``gate`` is closed."""

    port: int = 0
    fail: Callable[[dict[str, str]], Failure | None] = lambda _: None
    texts: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def wait_for(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.texts) >= count)
        return self.texts

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").split("\r\n")[:-2]
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, target, _ = first.split(" ")
                status, answer, extra = await self._answer(method, target, headers, body.decode())
                said = json.dumps(answer).encode()
                given = {"content-type": "application/json", "content-length": str(len(said))} | extra
                writer.write(f"HTTP/1.1 {status} Whatever\r\n".encode())
                writer.write("".join(f"{name}: {value}\r\n" for name, value in given.items()).encode() + b"\r\n" + said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, target: str, headers: dict[str, str], body: str) -> Failure:
        credentials = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        path = urlsplit(target).path
        if (
            headers.get("authorization") != f"Basic {credentials}"
            or path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        ):
            return 401, {"code": 20003, "message": "Authenticate"}, {}
        self.asked.append(method)
        if method == "GET":
            to = parse_qs(urlsplit(target).query)["To"][0]
            return 200, {"messages": [text for text in self.texts if text["to"] == to]}, {}
        form = dict(parse_qsl(body))
        if failure := self.fail(form):
            return failure
        text = {
            "sid": f"SM{len(self.texts):032x}", "to": form["To"], "from": form["From"], "body": form["Body"],
            "status": "queued", "date_created": format_datetime(datetime.now(UTC)),
            "callback": form.get("StatusCallback"),
        }  # fmt: skip
        self.texts.append(text)
        async with self._changed:
            self._changed.notify_all()
        await self.gate.wait()
        return 201, text, {}


@asynccontextmanager
async def twilio() -> AsyncIterator[TwilioStandIn]:
    stand_in = TwilioStandIn()
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0)
    stand_in.port = server.sockets[0].getsockname()[1]
    try:
        yield stand_in
    finally:
        stand_in.gate.set()
        server.close()
