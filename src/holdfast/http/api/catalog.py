"""The catalog: what can be booked, and the changes of a resource that bookings can stand in the way of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, Protocol, TypeVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from holdfast.booking.affected import affected_by_import
from holdfast.catalog import service as catalog
from holdfast.catalog.transfer import plan_import
from holdfast.catalog.yaml_file import CatalogFile, parse_catalog
from holdfast.catalog.yaml_nodes import FileInvalid
from holdfast.db.transact import Record, Transaction
from holdfast.errors import Invalid
from holdfast.http.api.references import read_cursor, write_cursor
from holdfast.http.callers import AnyKey, ManageKey
from holdfast.http.catalog_shapes import (
    CapacityAsk,
    LocationList,
    LocationShape,
    MergeAsk,
    PoolList,
    PoolShape,
    ResourceList,
    ResourceShape,
    ServiceList,
    ServiceShape,
)
from holdfast.http.commands import Answer, answer, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.preview_shapes import PreviewAsk, PreviewShape
from holdfast.http.shapes import Page

router = APIRouter(prefix="/v1", tags=["catalog"], responses=REFUSALS)

Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str | None, Query(alias="cursor", max_length=200)]
At = Annotated[str | None, Query(alias="location", max_length=64, description="Only what is at this location.")]


class Sluggish(Protocol):
    @property
    def slug(self) -> str: ...


Row = TypeVar("Row", bound=Sluggish)
Shape = TypeVar("Shape", bound=BaseModel)


@router.get("/locations", responses=made(LocationList, 200))
async def list_locations(request: Request, principal: AnyKey, after: After = None, limit: Limit = 50) -> Response:
    """The sites."""

    async def work(tx: Transaction) -> Answer:
        rows = await catalog.list_locations(tx, after=_after(after), limit=limit + 1)
        return _page(LocationList, rows, limit, LocationShape.of)

    return await read(request, principal.caller(), work)


@router.get("/locations/{reference}", responses=made(LocationShape, 200))
async def get_location(request: Request, reference: str, principal: AnyKey) -> Response:
    """One site, by id or slug."""

    async def work(tx: Transaction) -> Answer:
        return answer(200, LocationShape.of(await catalog.get_location(tx, reference)))

    return await read(request, principal.caller(), work)


@router.get("/services", responses=made(ServiceList, 200))
async def list_services(
    request: Request, principal: AnyKey, location: At = None, after: After = None, limit: Limit = 50
) -> Response:
    """What is sold, with what each visit requires."""

    async def work(tx: Transaction) -> Answer:
        at = (await catalog.get_location(tx, location)).id if location else None
        rows = await catalog.list_services(tx, location_id=at, after=_after(after), limit=limit + 1)
        return _page(ServiceList, rows, limit, ServiceShape.of)

    return await read(request, principal.caller(), work)


@router.get("/services/{reference}", responses=made(ServiceShape, 200))
async def get_service(request: Request, reference: str, principal: AnyKey) -> Response:
    """One service, by id or slug."""

    async def work(tx: Transaction) -> Answer:
        return answer(200, ServiceShape.of(await catalog.get_service(tx, reference)))

    return await read(request, principal.caller(), work)


@router.get("/resources", responses=made(ResourceList, 200))
async def list_resources(
    request: Request,
    principal: AnyKey,
    kind: Literal["provider", "room", "device", "other"] | None = None,
    location: At = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Who and what can be claimed."""

    async def work(tx: Transaction) -> Answer:
        at = (await catalog.get_location(tx, location)).id if location else None
        rows = await catalog.list_resources(tx, kind=kind, location_id=at, after=_after(after), limit=limit + 1)
        return _page(ResourceList, rows, limit, ResourceShape.of)

    return await read(request, principal.caller(), work)


@router.get("/resources/{reference}", responses=made(ResourceShape, 200))
async def get_resource(request: Request, reference: str, principal: AnyKey) -> Response:
    """One resource, by id or slug."""

    async def work(tx: Transaction) -> Answer:
        return answer(200, ResourceShape.of(await catalog.get_resource(tx, reference)))

    return await read(request, principal.caller(), work)


@router.post("/resources/{reference}/capacity", responses=made(ResourceShape, 200))
async def set_capacity(request: Request, reference: str, ask: CapacityAsk, principal: ManageKey) -> Response:
    """More or fewer units. Bookings move to the units that stay; what cannot move is listed, and nothing is changed."""

    async def work(tx: Transaction) -> Answer:
        resource = await catalog.get_resource(tx, reference)
        await catalog.set_capacity(tx, resource.id, ask.capacity)
        return answer(200, ResourceShape.of(await catalog.get_resource(tx, resource.id)))

    return await run_command(request, principal.caller(), work)


@router.post("/resources/{reference}/retire", responses=made(ResourceShape, 200))
async def retire_resource(request: Request, reference: str, principal: ManageKey) -> Response:
    """Out of service from now on. Bookings to come are listed, and nothing is changed."""

    async def work(tx: Transaction) -> Answer:
        resource = await catalog.get_resource(tx, reference)
        await catalog.retire_resource(tx, resource.id)
        return answer(200, ResourceShape.of(await catalog.get_resource(tx, resource.id)))

    return await run_command(request, principal.caller(), work)


@router.post("/resources/{reference}/merge", responses=made(ResourceShape, 200))
async def merge_resources(request: Request, reference: str, ask: MergeAsk, principal: ManageKey) -> Response:
    """Two records are one thing: all bookings of this one move to `into`. What would overlap is listed instead."""

    async def work(tx: Transaction) -> Answer:
        resource, into = await catalog.get_resource(tx, reference), await catalog.get_resource(tx, ask.into)
        return answer(200, ResourceShape.of(await catalog.merge_resources(tx, resource.id, into.id)))

    return await run_command(request, principal.caller(), work)


@router.get("/pools", responses=made(PoolList, 200))
async def list_pools(request: Request, principal: AnyKey, after: After = None, limit: Limit = 50) -> Response:
    """Who can serve which role."""

    async def work(tx: Transaction) -> Answer:
        rows = await catalog.list_pools(tx, after=_after(after), limit=limit + 1)
        return _page(PoolList, rows, limit, PoolShape.of)

    return await read(request, principal.caller(), work)


@router.post("/catalog/preview", responses=made(PreviewShape, 200))
async def preview_catalog(request: Request, ask: PreviewAsk, principal: ManageKey) -> Response:
    """What a catalog file would change, and which booked visits that touches. Nothing is changed.

    Bringing it into force is `holdfast catalog import`.
    """
    record: Record = request.app.state.record
    caller = principal.caller()
    organization = await record.transact(caller, catalog.get_organization)
    # reading a large file takes seconds, in which others want to be answered
    found = await asyncio.to_thread(_read_file, ask.file)
    if found.document.organization.slug != organization.slug:
        raise Invalid(
            f"The file is about {found.document.organization.slug!r}; this is {organization.slug!r}.", field="file"
        )
    plan = await plan_import(record, organization.id, found.document, retire_missing=ask.retire_missing)
    shape = PreviewShape.of(plan, found.warnings, await affected_by_import(record, plan))

    async def work(_: Transaction) -> Answer:
        return answer(200, shape)

    return await run_command(request, caller, work)


def _read_file(text: str) -> CatalogFile:
    try:
        return parse_catalog(text)
    except FileInvalid as wrong:
        listed = [
            {"pointer": "/file", "in": "body", "detail": f"line {each.line}: {each.message}"} for each in wrong.remarks
        ]
        raise Invalid(f"file: {wrong.detail}", errors=listed) from None


def _after(cursor: str | None) -> str | None:
    return read_cursor(cursor, 1)[0] if cursor else None


def _page(page: type[Page], rows: Sequence[Row], limit: int, shape: Callable[[Row], Shape]) -> Answer:
    """The first ``limit`` of ``rows``, of which one more than that was read to see whether there are more."""
    more = len(rows) > limit
    items = [shape(row) for row in rows[:limit]]
    return answer(200, page(items=items, next=write_cursor(rows[limit - 1].slug) if more else None))
