"""Run one command for one request: in one transaction with its idempotency key, committed before the answer leaves."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel

from holdfast.availability.permit import another_start_may_do
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError, Invalid, said
from holdfast.http.alternatives import Alternatives
from holdfast.http.problems import Malformed

T = TypeVar("T")

QUERIES: Final = load_queries("holdfast.http")
KEY_LENGTH_MAX: Final = 255
_ENTITY_TAGS: Final = re.compile(r'\s*(W/)?"[^"]*"\s*(,\s*(W/)?"[^"]*"\s*)*')
_REVISION: Final = re.compile(r'(?<!W/)"(\d{1,9})"')
_NO_REVISION: Final = 0  # no row has it, so it never matches


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with. The same bytes are sent now and on every replay.

    ``kept``: what a replay gets instead, when the answer shows a secret, which is shown once and stored nowhere.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    kept: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Stored:
    status: int
    headers: dict[str, str]
    body: bytes


Work = Callable[[Transaction], Awaitable[Answer]]


def answer(
    status: int,
    shape: BaseModel,
    *,
    revision: int | None = None,
    location: str | None = None,
    kept: BaseModel | None = None,
) -> Answer:
    """An answer with a JSON body, an ETag for its revision, and the address of what was made; ``kept`` for replays."""
    headers = {}
    if revision is not None:
        headers["ETag"] = f'"{revision}"'
    if location is not None:
        headers["Location"] = location
    return Answer(status, _json(shape), headers, _json(kept) if kept is not None else None)


async def run_command(request: Request, caller: Caller, work: Work) -> Response:
    """Run ``work`` as ``caller``. With an ``Idempotency-Key``, a repeated request gets the first one's answer.

    Raises what the command raises, IdempotencyKeyReused, RequestInProgress.
    """
    key = _idempotency_key(request)
    if key is None:
        return _response(await _transact(request, caller, work))
    route = f"{request.method} {request.scope['route'].path}"
    request_hash = hashlib.sha256(request.scope["path"].encode() + b"\n" + await request.body()).digest()

    async def once(tx: Transaction) -> tuple[Answer, bool]:
        stored = await tx.one(_Stored, QUERIES["begin_idempotent"], route=route, key=key, request_hash=request_hash)
        if stored is not None:
            return Answer(stored.status, stored.body, stored.headers), True
        made = await work(tx)
        await tx.run(
            QUERIES["store_answer"],
            route=route,
            key=key,
            request_hash=request_hash,
            status=made.status,
            headers=json.dumps(made.headers),
            body=made.body if made.kept is None else made.kept,
        )
        return made, False

    made, replayed = await _transact(request, caller, once)
    response = _response(made)
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


async def _transact(request: Request, caller: Caller, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """As ``Record.transact``; what another start could cure is refused together with what could be had instead."""
    record: Record = request.app.state.record
    try:
        return await record.transact(caller, work)
    except HoldfastError as refused:
        if refused.wanted is not None and another_start_may_do(refused):
            # without alternatives the refusal is still true
            with suppress(HoldfastError):
                instead: Alternatives = request.app.state.alternatives
                refused.facts["alternatives"] = await instead.find(caller, refused.wanted)
        raise


async def read(request: Request, caller: Caller, work: Work) -> Response:
    """Run a reading ``work`` as ``caller``."""
    record: Record = request.app.state.record
    return _response(await record.transact(caller, work))


def _response(made: Answer) -> Response:
    # "no-store": answers hold people's names, and a slot's state is stale the moment it is cached
    headers = {"Cache-Control": "no-store", **made.headers}
    return Response(made.body, made.status, headers, "application/json" if made.body else None)


def _json(shape: BaseModel) -> bytes:
    return shape.model_dump_json(by_alias=True).encode()


def _idempotency_key(request: Request) -> str | None:
    """The key, bare or as the quoted string of draft-ietf-httpapi-idempotency-key-header. Raises Invalid."""
    headers = request.headers.getlist("idempotency-key")
    if not headers:
        return None
    if len(headers) > 1:
        raise Invalid("Idempotency-Key is given more than once.")
    key = headers[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise Invalid(said("Idempotency-Key has 1 to {most} printable ASCII characters.", most=KEY_LENGTH_MAX))
    return key


def expected_revision(request: Request) -> int | None:
    """The revision that ``If-Match`` demands, None for any.

    Weak tags never match (RFC 9110 section 13.1.1). Of a list, which says that several states will do, the newest
    revision is demanded: revisions only rise, so if an older one stands, the newest was never given out by us.
    Raises Malformed for what is no list of entity tags.
    """
    headers = request.headers.getlist("if-match")
    if not headers or headers == ["*"]:
        return None
    header = ", ".join(headers)
    if not _ENTITY_TAGS.fullmatch(header):
        raise Malformed('If-Match takes an ETag as it was sent, with its quotes: If-Match: "3". Or *.')
    return max((int(each) for each in _REVISION.findall(header)), default=_NO_REVISION)
