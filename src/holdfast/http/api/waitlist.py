"""The waitlist: join it, see the line and the offers, and answer an offer by the link in the message."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from holdfast.booking.model import ClientDetails, Visit
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.http.api.references import find_choices, find_id, find_start, find_visit, read_time_cursor, write_cursor
from holdfast.http.callers import BookKey, ChangeKey, ManageKey, ReadKey, VisitorHeader, visitor_of
from holdfast.http.commands import Answer, answer, expected_revision, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.shapes import AppointmentShape, ClientAsk
from holdfast.http.waitlist_shapes import (
    EntryList,
    EntryShape,
    EntryState,
    OfferAnswerShape,
    OfferAsk,
    OfferList,
    OfferShape,
    OfferState,
    OverrideAsk,
    RateList,
    RateShape,
    TokenAsk,
    WaitAsk,
    WaitlistPolicyAsk,
    WaitlistPolicyShape,
)
from holdfast.ids import parse_id, public_id
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import Wish
from holdfast.waitlist.tokens import OfferTokens
from holdfast.wallclock import parse_instant

router = APIRouter(prefix="/v1", tags=["waitlist"], responses=REFUSALS)


@router.post("/waitlist", status_code=201, responses=made(EntryShape))
async def join_waitlist(
    request: Request, ask: WaitAsk, principal: BookKey, holdfast_visitor: VisitorHeader
) -> Response:
    """Wait for a time that is taken now. When one falls free it is held for the client, who gets a link to it."""
    if ask.appointment is not None or ask.priority or (ask.client and ask.client.id):
        principal.require("read")

    caller = principal.caller(ask.surface)

    async def work(tx: Transaction) -> Answer:
        entry = await waitlist.join(
            tx,
            await _wish(tx, ask),
            _client(ask.client) if ask.client else None,
            appointment_id=parse_id("appointment", ask.appointment) if ask.appointment else None,
            visitor=visitor_of(request, caller, holdfast_visitor),
        )
        return answer(201, EntryShape.of(entry), location=f"/v1/waitlist/{public_id('waitlist_entry', entry.id)}")

    return await run_command(request, caller, work)


@router.get("/waitlist", responses=made(EntryList, 200))
async def list_waitlist(
    request: Request,
    principal: ReadKey,
    state: EntryState | None = None,
    location: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The line, first come first; without `state`, everybody who waits or was just offered a time."""
    after = read_time_cursor(cursor)

    async def work(tx: Transaction) -> Answer:
        location_id = await find_id(tx, "location", location) if location else None
        found = await waitlist.list_entries(tx, limit=limit + 1, state=state, location_id=location_id, after=after)
        last = found[limit - 1] if len(found) > limit else None
        items = [EntryShape.of(each) for each in found[:limit]]
        next = write_cursor(last.joined_at.isoformat(), str(last.id)) if last else None
        return answer(200, EntryList(items=items, next=next))

    return await read(request, principal.caller(), work)


@router.get("/waitlist/offers", responses=made(OfferList, 200))
async def list_offers(
    request: Request,
    principal: ReadKey,
    state: OfferState | None = None,
    entry: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Who was offered what, and why them; newest first."""
    after = read_time_cursor(cursor)
    entry_id = parse_id("waitlist_entry", entry) if entry else None

    async def work(tx: Transaction) -> Answer:
        found = await waitlist.list_offers(tx, limit=limit + 1, state=state, entry_id=entry_id, after=after)
        last = found[limit - 1] if len(found) > limit else None
        items = [OfferShape.of(each) for each in found[:limit]]
        next = write_cursor(last.sent_at.isoformat(), str(last.id)) if last else None
        return answer(200, OfferList(items=items, next=next))

    return await read(request, principal.caller(), work)


@router.get("/waitlist/rates", responses=made(RateList, 200))
async def waitlist_rates(
    request: Request,
    principal: ReadKey,
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """What fell free, was offered and filled, how fast, and what it earned; the last twelve weeks when not said."""

    async def work(tx: Transaction) -> Answer:
        to_at = parse_instant(to, None, field="to") if to else tx.scene.began_at
        from_at = parse_instant(from_, None, field="from") if from_ else to_at - timedelta(weeks=12)
        return answer(200, RateList(items=[RateShape.of(each) for each in await waitlist.rates(tx, from_at, to_at)]))

    return await read(request, principal.caller(), work)


@router.get("/waitlist/policies/{service}", responses=made(WaitlistPolicyShape, 200))
async def get_waitlist_policy(request: Request, service: str, principal: ManageKey) -> Response:
    """How freed times of a service are offered, with its ETag."""

    async def work(tx: Transaction) -> Answer:
        policy = await waitlist.get_policy(tx, await find_id(tx, "service", service))
        return answer(200, WaitlistPolicyShape.of(policy), revision=policy.revision)

    return await read(request, principal.caller(), work)


@router.put("/waitlist/policies/{service}", responses=made(WaitlistPolicyShape, 200))
async def set_waitlist_policy(request: Request, service: str, ask: WaitlistPolicyAsk, principal: ManageKey) -> Response:
    """Replace all of it; with `If-Match`, only if nobody changed it meanwhile. Offers that stand stay."""
    revision = expected_revision(request)

    async def work(tx: Transaction) -> Answer:
        service_id = await find_id(tx, "service", service)
        policy = await waitlist.set_policy(tx, service_id, ask.model_dump(mode="json"), revision=revision)
        return answer(200, WaitlistPolicyShape.of(policy), revision=policy.revision)

    return await run_command(request, principal.caller(), work)


@router.get("/waitlist/{entry_id}", responses=made(EntryShape, 200))
async def get_waitlist_entry(request: Request, entry_id: str, principal: ReadKey) -> Response:
    """One entry, whatever its state."""
    id = parse_id("waitlist_entry", entry_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, EntryShape.of(await waitlist.get_entry(tx, id)))

    return await read(request, principal.caller(), work)


@router.delete("/waitlist/{entry_id}", responses=made(EntryShape, 200))
async def leave_waitlist(request: Request, entry_id: str, principal: ChangeKey) -> Response:
    """Wait no more; an open offer goes to the next in line. Leaving twice is no error."""
    id = parse_id("waitlist_entry", entry_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, EntryShape.of(await waitlist.leave(tx, id)))

    return await run_command(request, principal.caller(), work)


@router.post("/waitlist/{entry_id}/offer", status_code=201, responses=made(OfferShape))
async def offer_by_hand(request: Request, entry_id: str, ask: OfferAsk, principal: ChangeKey) -> Response:
    """Hold a time that the desk chose and offer it to this entry; its place in the line and the caps do not count."""
    id = parse_id("waitlist_entry", entry_id)
    tokens = OfferTokens(request.app.state.secret)

    async def work(tx: Transaction) -> Answer:
        return answer(201, OfferShape.of(await waitlist.offer_by_hand(tx, tokens, id, await find_visit(tx, ask))))

    return await run_command(request, principal.caller(ask.surface), work)


@router.post("/waitlist/offers/{offer_id}/skip", responses=made(OfferShape, 200))
async def skip_offer(request: Request, offer_id: str, principal: ChangeKey) -> Response:
    """Pass this client over: the time is offered to the next in line. A settled offer stays as it is."""
    id = parse_id("offer", offer_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, OfferShape.of(await waitlist.decline(tx, id, skipped=True)))

    return await run_command(request, principal.caller(), work)


@router.post("/waitlist/offers/{offer_id}/override", status_code=201, responses=made(AppointmentShape))
async def override_offer(request: Request, offer_id: str, ask: OverrideAsk, principal: ChangeKey) -> Response:
    """Book an offered time for somebody else, knowingly. Refused, the offer stands as it was."""
    id = parse_id("offer", offer_id)

    async def work(tx: Transaction) -> Answer:
        visit = await _visit(tx, ask)
        booked = await waitlist.override(tx, id, _client(ask.client), visit=visit, note=ask.note)
        return answer(201, AppointmentShape.of(booked), revision=booked.revision)

    return await run_command(request, principal.caller(ask.surface), work)


@router.post("/offers/look", responses=made(OfferAnswerShape, 200))
async def look_at_offer(request: Request, ask: TokenAsk) -> Response:
    """What the link offers, and until when. No key: the token is the right to see it. Changes nothing."""
    caller, offer_id = await _answering(request, ask)

    async def work(tx: Transaction) -> Answer:
        return answer(200, OfferAnswerShape.of(await waitlist.get_offer(tx, offer_id)))

    return await read(request, caller, work)


@router.post("/offers/accept", responses=made(OfferAnswerShape, 200))
async def accept_offer(request: Request, ask: TokenAsk) -> Response:
    """Say yes: the time is yours. Too late (410) says what became of it, with alternatives. No key is needed."""
    caller, offer_id = await _answering(request, ask)

    async def work(tx: Transaction) -> Answer:
        booked = await waitlist.accept(tx, offer_id)
        return answer(200, OfferAnswerShape.of(await waitlist.get_offer(tx, offer_id), booked))

    return await run_command(request, caller, work)


@router.post("/offers/decline", responses=made(OfferAnswerShape, 200))
async def decline_offer(request: Request, ask: TokenAsk) -> Response:
    """Say no: the next in line is asked, and you stay on the waitlist. No key is needed."""
    caller, offer_id = await _answering(request, ask)

    async def work(tx: Transaction) -> Answer:
        return answer(200, OfferAnswerShape.of(await waitlist.decline(tx, offer_id)))

    return await run_command(request, caller, work)


async def _answering(request: Request, ask: TokenAsk) -> tuple[Caller, UUID]:
    record: Record = request.app.state.record
    return await waitlist.find_offer(record, ask.token)


async def _wish(tx: Transaction, ask: WaitAsk) -> Wish:
    return Wish(
        services=[await find_id(tx, "service", each) for each in ask.services],
        locations=[await find_id(tx, "location", each) for each in ask.locations],
        providers=[await find_id(tx, "resource", each) for each in ask.providers],
        windows=[window.window() for window in ask.windows],
        earliest_on=ask.earliest_on,
        latest_on=ask.latest_on,
        notice_minutes=ask.notice_minutes,
        party_size=ask.party_size,
        priority=ask.priority,
    )


async def _visit(tx: Transaction, ask: OverrideAsk) -> Visit | None:
    if ask.service is None or ask.location is None or ask.start is None:
        return None
    location_id = await find_id(tx, "location", ask.location)
    return Visit(
        await find_id(tx, "service", ask.service),
        location_id,
        await find_start(tx, ask.start, location_id),
        await find_choices(tx, ask.resources),
    )


def _client(ask: ClientAsk) -> ClientDetails:
    return ask.details(parse_id("client", ask.id) if ask.id else None)
