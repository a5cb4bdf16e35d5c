"""Blocks: staff say no to a resource for a time."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from holdfast.booking import service as booking
from holdfast.db.transact import Transaction
from holdfast.errors import Invalid
from holdfast.http.api.references import find_id, find_span, read_cursor, write_cursor
from holdfast.http.callers import ManageKey, ReadKey
from holdfast.http.commands import Answer, answer, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.shapes import BlockAsk, BlockList, BlockShape
from holdfast.ids import parse_id, public_id
from holdfast.wallclock import parse_instant

router = APIRouter(prefix="/v1/blocks", tags=["blocks"], responses=REFUSALS)


@router.post("", status_code=201, responses=made(BlockShape))
async def place_block(request: Request, ask: BlockAsk, principal: ManageKey) -> Response:
    """Close a resource, all its units. Bookings in the way are listed as `conflicts`, and nothing is changed."""

    async def work(tx: Transaction) -> Answer:
        resource_id = await find_id(tx, "resource", ask.resource)
        start, end = await find_span(tx, ask.start, ask.end, resource_id)
        block = await booking.place_block(tx, resource_id, start, end, ask.reason)
        return answer(201, BlockShape.of(block), location=f"/v1/blocks/{public_id('block', block.id)}")

    return await run_command(request, principal.caller(ask.surface), work)


@router.get("", responses=made(BlockList, 200))
async def list_blocks(
    request: Request,
    principal: ReadKey,
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
    resource: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Blocks that stand in a window."""
    after_id = _after(cursor)

    async def work(tx: Transaction) -> Answer:
        found = await booking.list_blocks(
            tx,
            limit=limit + 1,
            from_at=parse_instant(from_, None, field="from") if from_ else None,
            to_at=parse_instant(to, None, field="to") if to else None,
            resource_id=await find_id(tx, "resource", resource) if resource else None,
            after_id=after_id,
        )
        more = len(found) > limit
        items = [BlockShape.of(each) for each in found[:limit]]
        return answer(200, BlockList(items=items, next=write_cursor(str(found[limit - 1].id)) if more else None))

    return await read(request, principal.caller(), work)


@router.get("/{block_id}", responses=made(BlockShape, 200))
async def get_block(request: Request, block_id: str, principal: ReadKey) -> Response:
    """One block, removed or not."""
    id = parse_id("block", block_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, BlockShape.of(await booking.get_block(tx, id)))

    return await read(request, principal.caller(), work)


@router.delete("/{block_id}", responses=made(BlockShape, 200))
async def remove_block(request: Request, block_id: str, principal: ManageKey) -> Response:
    """Open the resource again. Doing so twice is no error."""
    id = parse_id("block", block_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, BlockShape.of(await booking.remove_block(tx, id)))

    return await run_command(request, principal.caller(), work)


def _after(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(read_cursor(cursor, 1)[0])
    except ValueError:
        raise Invalid("cursor is not one that a list gave: start again without it.", field="cursor") from None
