"""Collisions: what outside calendars say that cannot be true together with the record, until somebody decides."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from holdfast.booking import outside
from holdfast.booking.model import CollisionFilter
from holdfast.db.transact import Transaction
from holdfast.http.api.references import find_id, read_time_cursor, write_cursor
from holdfast.http.callers import ChangeKey, ReadKey
from holdfast.http.collision_shapes import CollisionList, CollisionShape, ResolveAsk
from holdfast.http.commands import Answer, answer, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.ids import parse_id
from holdfast.wallclock import parse_instant

router = APIRouter(prefix="/v1/collisions", tags=["collisions"], responses=REFUSALS)

IS_OPEN = {"open": True, "resolved": False, "all": None}


@router.get("", responses=made(CollisionList, 200))
async def list_collisions(
    request: Request,
    principal: ReadKey,
    state: Literal["open", "resolved", "all"] = "open",
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
    resource: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Collisions by start: an outside event, and what stands in its time on the same resource."""
    after = read_time_cursor(cursor)

    async def work(tx: Transaction) -> Answer:
        wanted = CollisionFilter(
            is_open=IS_OPEN[state],
            from_at=parse_instant(from_, None, field="from") if from_ else None,
            to_at=parse_instant(to, None, field="to") if to else None,
            resource_id=await find_id(tx, "resource", resource) if resource else None,
        )
        found = await outside.list_collisions(tx, wanted, limit=limit + 1, after=after)
        page, last = found[:limit], found[limit - 1] if len(found) > limit else None
        following = write_cursor(last.starts_at.isoformat(), str(last.id)) if last else None
        return answer(200, CollisionList(items=[CollisionShape.of(each) for each in page], next=following))

    return await read(request, principal.caller(), work)


@router.post("/{collision_id}/resolve", responses=made(CollisionShape, 200))
async def resolve_collision(request: Request, collision_id: str, ask: ResolveAsk, principal: ChangeKey) -> Response:
    """Say what was decided. The first decision stands, and is the answer to every later one."""
    id = parse_id("collision", collision_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, CollisionShape.of(await outside.resolve_collision(tx, id, ask.resolution)))

    return await run_command(request, principal.caller(ask.surface), work)
