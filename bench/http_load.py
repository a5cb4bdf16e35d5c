"""A load over HTTP that is cheap enough not to measure itself: prepared bytes over raw keep-alive connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any


class Connection:
    """One keep-alive connection. ``send`` returns the status and the parsed JSON body."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
        self._reader, self._writer, self._key = reader, writer, key

    @classmethod
    async def open(cls, port: int, key: str) -> Connection:
        """Connect to 127.0.0.1:port."""
        return cls(*await asyncio.open_connection("127.0.0.1", port), key)

    async def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """One request and its answer."""
        content = json.dumps(body).encode() if body is not None else b""
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split(" ", 2)[1])
        length = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
        return status, json.loads(await self._reader.readexactly(length) or b"null")

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


async def clients(port: int, key: str, count: int, work: Callable[[int, Connection], Awaitable[None]]) -> float:
    """Run ``work(number, connection)`` for ``count`` clients at once; the seconds it took."""
    connections = [await Connection.open(port, key) for _ in range(count)]
    clock = asyncio.get_running_loop()
    began = clock.time()
    await asyncio.gather(*(work(number, each) for number, each in enumerate(connections)))
    took = clock.time() - began
    for each in connections:
        await each.close()
    return took
