"""Answers that need not be computed again: ``ETag`` and ``If-None-Match`` for what is read from the whole record.

A tag is a random word for what this process remembers of an answer: which transactions it had seen, and until when
time alone changes nothing. It is still good when no event of the organization has become visible since, which one look
at the log's index tells. Nothing of the log is in the tag itself: transaction numbers would tell how busy others are.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel

from holdfast.availability.service import unchanged_since
from holdfast.db.transact import Caller, Transaction
from holdfast.http.commands import Answer, read

TAGS_REMEMBERED: Final = 20_000
_TAG: Final = re.compile(r'(?:W/)?"([0-9a-f]{32})"')
_HEADERS: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer, and the first moment at which it may change by itself (a hold runs out)."""

    shape: BaseModel
    changes_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Remembered:
    organization_id: UUID
    surface: str
    address: str
    seen: str
    good_until: datetime


class Tags:
    """The tags this process gave; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, _Remembered] = OrderedDict()

    async def read(self, request: Request, caller: Caller, work: Callable[[Transaction], Awaitable[Timed]]) -> Response:
        """The answer of ``work`` with its tag; 304 without computing when the caller has it already."""
        address = str(request.url)
        offered = _TAG.findall(request.headers.get("if-none-match", ""))[:10]

        async def fresh_or_work(tx: Transaction) -> Answer:
            for tag in offered:
                known = self._given.get(tag)
                if known is not None and await _still_good(known, tx, address):
                    return Answer(304, b"", {"ETag": f'W/"{tag}"', **_HEADERS})
            timed = await work(tx)
            tag = self._give(tx, address, timed)
            body = timed.shape.model_dump_json(exclude_none=True).encode()
            return Answer(200, body, {"ETag": f'W/"{tag}"', **_HEADERS})

        return await read(request, caller, fresh_or_work)

    def _give(self, tx: Transaction, address: str, timed: Timed) -> str:
        scene = tx.scene
        # starts pass into the past by the minute
        minute_ends = scene.began_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        good_until = min(minute_ends, timed.changes_at or minute_ends)
        tag = secrets.token_hex(16)
        self._given[tag] = _Remembered(
            scene.caller.organization_id, scene.caller.surface, address, scene.seen, good_until
        )
        if len(self._given) > TAGS_REMEMBERED:
            self._given.popitem(last=False)
        return tag


async def _still_good(known: _Remembered, tx: Transaction, address: str) -> bool:
    scene = tx.scene
    return (
        (known.organization_id, known.surface, known.address)
        == (scene.caller.organization_id, scene.caller.surface, address)
        and scene.began_at < known.good_until
        and await unchanged_since(tx, known.seen)
    )
