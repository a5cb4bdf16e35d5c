"""Series: propose, hold, confirm, move and cancel visits on many days as one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request, Response

from holdfast.access.model import Principal
from holdfast.availability.recurrence import Recurrence
from holdfast.availability.snapshot import current_catalog
from holdfast.booking import series
from holdfast.booking.series import Change, SeriesAsked, WholeSeries
from holdfast.booking.visits import VisitAsked
from holdfast.db.transact import Transaction
from holdfast.errors import NotBookable, NotFound, SeriesUnavailable
from holdfast.http.api.availability import read_part_of_day
from holdfast.http.api.references import find_id, find_start, read_time_cursor, write_cursor
from holdfast.http.callers import AnyKey, BookKey, ChangeKey, ReadKey, SearchKey, VisitorHeader, visitor_of
from holdfast.http.commands import Answer, answer, expected_revision, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.series_shapes import (
    OccurrenceShape,
    ProposalShape,
    RuleAsk,
    SeriesAsk,
    SeriesHoldAsk,
    SeriesList,
    SeriesRescheduleAsk,
    SeriesShape,
    wall_time,
    weekday_numbers,
)
from holdfast.http.shapes import ExtendAsk
from holdfast.http.visit_shapes import VisitCancelAsk, VisitConfirmAsk
from holdfast.ids import parse_id
from holdfast.wallclock import to_local

router = APIRouter(prefix="/v1/series", tags=["series"], responses=REFUSALS)


@router.post("/propose", responses=made(ProposalShape, 200))
async def propose_series(request: Request, ask: SeriesAsk, principal: SearchKey) -> Response:
    """The starts of a whole series, each a real slot; for a visit that has none, what is nearest instead.

    Nothing is held. All visits are at one time of day, `at` or the one that most days can have, as far as that is free.
    """

    async def work(tx: Transaction) -> Answer:
        asked = await _find_series(tx, ask)
        occurrences = await series.propose_series(tx, asked)
        location_id = str(asked.visit.location_id)
        zone = (await current_catalog(tx)).locations[location_id].zone
        shape = ProposalShape(
            complete=all(each.slot for each in occurrences),
            occurrences=[OccurrenceShape.of(each, location_id, zone) for each in occurrences],
            as_of=to_local(tx.scene.began_at, zone),
            time_zone=zone,
        )
        return answer(200, shape)

    return await run_command(request, principal.caller(ask.surface), work)


@router.post("", status_code=201, responses=made(SeriesShape))
async def place_series(request: Request, ask: SeriesHoldAsk, principal: BookKey, visitor: VisitorHeader) -> Response:
    """Hold every visit of a series, or none: as it would be proposed now, or at the very `starts`.

    Where a visit cannot be had, the answer is 409 `series-unavailable` with what is nearest instead, for each of them.
    """
    caller = principal.caller(ask.surface)

    async def work(tx: Transaction) -> Answer:
        asked = await _find_series(tx, ask, ask.starts or [])
        held = await _reported(
            tx,
            asked.visit.location_id,
            lambda: series.place_series(
                tx, asked, ttl_seconds=ask.ttl_seconds, visitor=visitor_of(request, caller, visitor)
            ),
        )
        shape = SeriesShape.of(held)
        return answer(201, shape, location=f"/v1/series/{shape.id}")

    return await run_command(request, caller, work)


async def _reported(tx: Transaction, location_id: UUID, work: Callable[[], Awaitable[WholeSeries]]) -> WholeSeries:
    """A series that cannot be had is refused with what could be had instead, for each visit that has no slot."""
    try:
        return await work()
    except SeriesUnavailable as unavailable:
        zone = (await current_catalog(tx)).locations[str(location_id)].zone
        unavailable.facts["occurrences"] = [
            OccurrenceShape.of(each, str(location_id), zone).model_dump(mode="json", exclude_none=True)
            for each in unavailable.occurrences
            if each.slot is None
        ]
        raise


async def _find_series(tx: Transaction, ask: SeriesAsk, starts: list[str] | None = None) -> SeriesAsked:
    """The series a request asks for. Raises NotBookable for what is not in the catalog, Invalid, WallTimeRefused."""
    try:
        location_id = await find_id(tx, "location", ask.location)
        services = [await find_id(tx, "service", each) for each in ask.services]
        resources = {role: await find_id(tx, "resource", each) for role, each in ask.resources.items()}
        provider = await find_id(tx, "resource", ask.provider) if ask.provider else None
        prefer = [await find_id(tx, "resource", each) for each in ask.prefer]
    except NotFound as missing:
        raise NotBookable(missing.detail, reason="unknown_reference") from None
    visit = VisitAsked(
        location_id,
        tuple(services),
        tx.scene.began_at,
        party=ask.party,
        max_wait_minutes=ask.max_wait_minutes,
        same_provider=ask.same_provider,
        resources=resources,
        provider=provider,
        prefer=tuple(prefer),
    )
    exact = tuple([await find_start(tx, each, location_id, "starts") for each in starts or []])
    return SeriesAsked(visit, _rule(ask), read_part_of_day(ask.rule.part_of_day), exact)


def _rule(ask: SeriesAsk) -> Recurrence:
    assert ask.rule.first is not None
    return Recurrence(
        first=ask.rule.first,
        count=ask.count,
        every_weeks=ask.rule.every_weeks,
        weekdays=weekday_numbers(ask.rule.weekdays or []),
        every_days=ask.rule.every_days,
        at=wall_time(ask.rule.at),
        days_min=ask.days_min,
        days_max=ask.days_max,
    )


@router.get("", responses=made(SeriesList, 200))
async def list_series(
    request: Request,
    principal: ReadKey,
    client: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Response:
    """Series, the latest first."""
    after = read_time_cursor(cursor)

    async def work(tx: Transaction) -> Answer:
        client_id = parse_id("client", client) if client else None
        found = await series.list_series(tx, limit=limit + 1, client_id=client_id, after=after)
        page, last = found[:limit], found[limit - 1] if len(found) > limit else None
        return answer(
            200,
            SeriesList(
                items=[SeriesShape.of(each) for each in page],
                next=write_cursor(last.created_at.isoformat(), str(last.id)) if last else None,
            ),
        )

    return await read(request, principal.caller(), work)


@router.get("/{series_id}", responses=made(SeriesShape, 200))
async def get_series(request: Request, series_id: str, principal: AnyKey) -> Response:
    """A series as it stands. While it is held, its id is the right to see it; appointments take the scope `read`."""
    id = parse_id("series", series_id)

    async def work(tx: Transaction) -> Answer:
        found = await series.get_series(tx, id)
        if found.revision is not None:
            principal.require("read")
        return _answer(found)

    return await read(request, principal.caller(), work)


@router.post("/{series_id}/extend", responses=made(SeriesShape, 200))
async def extend_series(
    request: Request, series_id: str, principal: BookKey, ask: Annotated[ExtendAsk | None, Body()] = None
) -> Response:
    """A fresh term from now for all of it, as often and as long as the surface allows."""
    id = parse_id("series", series_id)

    async def work(tx: Transaction) -> Answer:
        return _answer(await series.extend_series(tx, id, ttl_seconds=ask.ttl_seconds if ask else None))

    return await run_command(request, principal.caller(), work)


@router.delete("/{series_id}", responses=made(SeriesShape, 200))
async def release_series(request: Request, series_id: str, principal: BookKey) -> Response:
    """Give all of it back. A series that has ended already is answered as it is."""
    id = parse_id("series", series_id)

    async def work(tx: Transaction) -> Answer:
        return _answer(await series.release_series(tx, id))

    return await run_command(request, principal.caller(), work)


@router.post("/{series_id}/confirm", responses=made(SeriesShape, 200))
async def confirm_series(request: Request, series_id: str, ask: VisitConfirmAsk, principal: BookKey) -> Response:
    """Make it appointments of this client, all or none.

    A key that may only book is answered with the client's details as it sent them, never with what is on record.
    """
    id = parse_id("series", series_id)
    if ask.client.id is not None:
        principal.require("read")
    client = ask.client.details(parse_id("client", ask.client.id) if ask.client.id else None)

    async def work(tx: Transaction) -> Answer:
        return _booked_answer(await series.confirm_series(tx, id, client, note=ask.note), ask, principal)

    return await run_command(request, principal.caller(ask.surface), work)


def _booked_answer(found: WholeSeries, ask: VisitConfirmAsk, principal: Principal) -> Answer:
    shape = SeriesShape.of(found)
    if "read" not in principal.scopes:
        for visit in shape.visits:
            for each in visit.appointments:
                each.client = ask.client.echo()
    return answer(200, shape, revision=found.revision)


@router.post("/{series_id}/reschedule", responses=made(SeriesShape, 200))
async def reschedule_series(
    request: Request, series_id: str, ask: SeriesRescheduleAsk, principal: ChangeKey
) -> Response:
    """Move everything still to come: by a changed rule, or to the very `starts`. All of it, or a report and none.

    A single visit of it is moved at `/v1/visits/{id}/reschedule`; the spacing is kept there too.
    """
    id, revision = parse_id("series", series_id), expected_revision(request)

    async def work(tx: Transaction) -> Answer:
        location_id = (await series.get_series(tx, id)).location_id
        rule = ask.rule or RuleAsk.model_validate({})
        change = Change(
            first=rule.first,
            every_weeks=rule.every_weeks,
            every_days=rule.every_days,
            weekdays=None if rule.weekdays is None else weekday_numbers(rule.weekdays),
            at=wall_time(rule.at),
            part_of_day=read_part_of_day(rule.part_of_day),
            starts=tuple([await find_start(tx, each, location_id, "starts") for each in ask.starts or []]),
        )
        return _answer(
            await _reported(tx, location_id, lambda: series.reschedule_series(tx, id, change, revision=revision))
        )

    return await run_command(request, principal.caller(ask.surface), work)


@router.post("/{series_id}/cancel", responses=made(SeriesShape, 200))
async def cancel_series(
    request: Request, series_id: str, principal: ChangeKey, ask: Annotated[VisitCancelAsk | None, Body()] = None
) -> Response:
    """Cancel whatever of it is still to come. A single visit of it is cancelled by itself."""
    id, revision = parse_id("series", series_id), expected_revision(request)
    reason = ask.reason if ask else None

    async def work(tx: Transaction) -> Answer:
        return _answer(await series.cancel_series(tx, id, revision=revision, reason=reason))

    return await run_command(request, principal.caller(ask.surface if ask else None), work)


def _answer(found: WholeSeries) -> Answer:
    return answer(200, SeriesShape.of(found), revision=found.revision)
