"""The waitlist for surfaces: join, leave, see the line, answer an offer, offer by hand, and what came of it.

An offer is a hold: accepting confirms that very hold, so nobody is ever told yes to a time that somebody else has.
Every function takes the open Transaction of its caller and raises the domain error of whatever the record refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from holdfast.availability.permit import Choices, Wanted, choices_as_json, local_day, permit
from holdfast.booking import service as booking
from holdfast.booking.model import Appointment, ClientDetails, Cursor, Visit, Visitor
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import Invalid, NotFound, OfferEnded, StateRefused
from holdfast.ids import public_id
from holdfast.waitlist.matching import term_seconds
from holdfast.waitlist.model import Entry, FellFree, NamedOffer, Offer, Place, Policy, Rate, Wish
from holdfast.waitlist.tokens import OfferTokens, hash_of

NOBODY: Final = Visitor()
QUERIES: Final = load_queries("holdfast.waitlist")
ANSWERS_ON: Final = "widget"  # the surface of whoever follows a link: a stranger, on a page of ours

# What the person is told who answers too late.
ENDED: Final[Mapping[str, str]] = {
    "accepted": "This offer was accepted already.",
    "declined": "This offer was declined, and the time went on to the next in line.",
    "lapsed": "The time to answer is over, and this visit is no longer kept for you.",
    "overridden": "The clinic needed this time for somebody else.",
    "lost": "Somebody else accepted this time before you.",
    "untold": "We could not reach you in time, and the time went on to the next in line.",
    "cancelled": "You accepted this time, and the visit was cancelled since.",
}


async def join(
    tx: Transaction,
    wish: Wish,
    client: ClientDetails | None = None,
    *,
    appointment_id: UUID | None = None,
    visitor: Visitor = NOBODY,
) -> Entry:
    """Wait for a time. With ``appointment_id``: be booked already, and come earlier; client and service are known then.

    Raises NotFound for a service, location, provider, client or appointment that is not here, StateRefused for an
    appointment that cannot move any more and for a client who waits for ten times already, TooManyRequests for a
    ``visitor`` who joined too often within the hour.
    """
    if appointment_id is None and (client is None or not wish.services or not wish.locations):
        raise Invalid("Say who waits, for which services and where; or which appointment would come earlier.")
    columns: dict[str, Any] = {
        "service_ids": [str(id) for id in wish.services],
        "provider_ids": [str(id) for id in wish.providers],
        "location_ids": [str(id) for id in wish.locations] or None,
        "windows": [window.as_json() for window in wish.windows],
        "earliest_on": wish.earliest_on and wish.earliest_on.isoformat(),
        "latest_on": wish.latest_on and wish.latest_on.isoformat(),
        "notice_minutes": wish.notice_minutes,
        "party_size": wish.party_size,
        "priority": wish.priority,
    }
    who = client or ClientDetails()
    entry_id: UUID = await tx.value(
        QUERIES["join"],
        wish=json.dumps(columns),
        client=json.dumps(
            {"id": str(who.id)} if who.id else {"name": who.name, "email": who.email, "phone": who.phone}
        ),
        appointment_id=appointment_id,
        visitor=visitor.visitor,
        network=visitor.network,
    )
    return await get_entry(tx, entry_id)


async def entry_for_earlier(tx: Transaction, appointment_id: UUID) -> UUID | None:
    """The place that the appointment's client has in the line for an earlier time of it."""
    found: UUID | None = await tx.value(QUERIES["entry_for_earlier"], appointment_id=appointment_id)
    return found


async def leave(tx: Transaction, entry_id: UUID) -> Entry:
    """Wait no more; an open offer is declined with it. Leaving twice is no error. Raises NotFound."""
    await tx.run(QUERIES["leave"], entry_id=entry_id)
    return await get_entry(tx, entry_id)


async def get_entry(tx: Transaction, entry_id: UUID) -> Entry:
    """One entry, whatever its state. Raises NotFound."""
    entry = await tx.one(Entry, QUERIES["entry_by_id"], entry_id=entry_id)
    if entry is None:
        raise NotFound("There is no such waitlist entry.")
    return entry


async def list_entries(
    tx: Transaction,
    *,
    limit: int,
    state: str | None = None,
    location_id: UUID | None = None,
    after: Cursor | None = None,
) -> list[Entry]:
    """Up to ``limit`` entries in line order; without ``state``, everybody who still waits or decides."""
    return await tx.rows(
        Entry,
        QUERIES["entries"],
        state=state,
        location_id=location_id,
        after_at=after and after.at,
        after_id=after and after.id,
        limit=limit,
    )


async def list_line(
    tx: Transaction,
    *,
    limit: int,
    state: str | None = None,
    location_id: UUID | None = None,
    after: Cursor | None = None,
) -> list[Place]:
    """The line as ``list_entries`` gives it, with names and offers: three queries, however long it is."""
    return await _places(tx, await list_entries(tx, limit=limit, state=state, location_id=location_id, after=after))


async def places_of_client(tx: Transaction, client_id: UUID) -> list[Place]:
    """What one client waits for, or was just offered."""
    ids = [row["id"] for row in await tx.records(QUERIES["entries_of_client"], client_id=client_id)]
    return await _places(tx, [await get_entry(tx, id) for id in ids])


async def get_place(tx: Transaction, entry_id: UUID) -> Place:
    """One place in the line, whatever its state. Raises NotFound."""
    [place] = await _places(tx, [await get_entry(tx, entry_id)])
    return place


async def _places(tx: Transaction, entries: list[Entry]) -> list[Place]:
    ids = [entry.id for entry in entries]
    names = {row.pop("id"): row for row in await tx.records(QUERIES["names_in_line"], entry_ids=ids)}
    offers: dict[UUID, list[Offer]] = {id: [] for id in ids}
    for offer in await tx.rows(Offer, QUERIES["offers_of_entries"], entry_ids=ids):
        offers[offer.entry_id].append(offer)
    return [Place(entry, **names[entry.id], offers=offers[entry.id]) for entry in entries]


async def list_offers(
    tx: Transaction,
    *,
    limit: int,
    state: str | None = None,
    entry_id: UUID | None = None,
    after: Cursor | None = None,
) -> list[Offer]:
    """Up to ``limit`` offers, newest first: who was offered what, and why them."""
    return await tx.rows(
        Offer,
        QUERIES["offers"],
        state=state,
        entry_id=entry_id,
        after_at=after and after.at,
        after_id=after and after.id,
        limit=limit,
    )


async def get_offer(tx: Transaction, offer_id: UUID) -> Offer:
    """One offer as it stands. Raises NotFound."""
    offer = await tx.one(Offer, QUERIES["offer_by_id"], offer_id=offer_id)
    if offer is None:
        raise NotFound("There is no such offer.")
    return offer


async def named_offer(tx: Transaction, offer_id: UUID) -> NamedOffer:
    """One offer with names. Raises NotFound."""
    found = await _named(tx, offer_id=offer_id)
    if not found:
        raise NotFound("There is no such offer.")
    return found[0]


async def offers_in_the_way(tx: Transaction, location_id: UUID, start: datetime, end: datetime) -> list[NamedOffer]:
    """The open offers at a location that keep time in [start, end)."""
    return await _named(tx, location_id=location_id, from_at=start, to_at=end)


async def _named(
    tx: Transaction,
    *,
    offer_id: UUID | None = None,
    location_id: UUID | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
) -> list[NamedOffer]:
    return await tx.rows(
        NamedOffer,
        QUERIES["named_offers"],
        offer_id=offer_id,
        location_id=location_id,
        from_at=from_at,
        to_at=to_at,
    )


async def fell_free(tx: Transaction, location_id: UUID | None = None) -> list[FellFree]:
    """What fell free lately and is still to come, the latest first, with what came of it."""
    return await tx.rows(FellFree, QUERIES["fell_free"], location_id=location_id)


async def find_offer(record: Record, token: str) -> tuple[Caller, UUID]:
    """Whoever holds the token acts as this caller on this offer. Raises NotFound for a token that opens nothing."""
    found = await record.unscoped(lambda tx: tx.one(_Found, QUERIES["find_offer"], token_hash=hash_of(token)))
    if found is None:
        raise NotFound("This is not the link of an offer: use the whole link from the message.")
    return Caller(found.organization_id, public_id("offer", found.offer_id), ANSWERS_ON), found.offer_id


async def accept(tx: Transaction, offer_id: UUID) -> Appointment:
    """Say yes: the held visit is booked, or the appointment that was to come earlier is moved there.

    Saying yes again gives the same appointment. Raises OfferEnded (``state``, and ``wanted`` for alternatives) when it
    is too late; StateRefused when the appointment cannot move any more.
    """
    offer = await get_offer(tx, offer_id)
    try:
        appointment_id: UUID = await tx.value(QUERIES["accept"], offer_id=offer_id)
    except OfferEnded as ended:
        told = OfferEnded(ENDED[str(ended.facts["state"])], **ended.facts)
        told.wanted = Wanted(offer.service_id, offer.location_id, offer.starts_at, {}, None)
        raise told from None
    return await booking.get_appointment(tx, appointment_id)


async def decline(tx: Transaction, offer_id: UUID, *, skipped: bool = False) -> Offer:
    """Say no, or (``skipped``) be passed over by the desk; the next is asked. A settled offer stays as it is."""
    await tx.run(QUERIES["decline"], offer_id=offer_id, skipped=skipped)
    return await get_offer(tx, offer_id)


async def give_up_telling(tx: Transaction, offer_id: UUID) -> None:
    """The offer's message will not reach its client: the next is asked. One that was made by hand stands."""
    await tx.run(QUERIES["give_up_telling"], offer_id=offer_id)


async def offer_by_hand(tx: Transaction, tokens: OfferTokens, entry_id: UUID, visit: Visit) -> Offer:
    """Offer an entry a visit that the desk chose; caps and the line do not count, the rules and the guard do.

    Raises what ``place_hold`` raises, and StateRefused for an entry that does not wait.
    """
    entry = await get_entry(tx, entry_id)
    if entry.appointment_id and visit.service_id not in entry.service_ids:
        raise Invalid("This client is booked for another service: offer an earlier time of that one.", field="service")
    choices = await permit(tx, Wanted(visit.service_id, visit.location_id, visit.start, visit.choices, None))
    policy = (await policies(tx))[visit.service_id]
    seconds = term_seconds(policy, tx.scene.began_at, visit.start)
    if seconds < 1:
        raise StateRefused("This visit begins too soon to wait for an answer: call the client, and book it for them.")
    [offer_id] = await make_offers(
        tx, tokens, visit, choices, seconds, [(entry_id, "offered by hand")], opening_id=None
    )
    return await get_offer(tx, offer_id)


async def make_offers(
    tx: Transaction,
    tokens: OfferTokens,
    visit: Visit,
    choices: Choices,
    seconds: int,
    offered: Sequence[tuple[UUID, str]],
    *,
    opening_id: UUID | None,
) -> list[UUID]:
    """Hold the visit for ``seconds`` and offer it to these entries (id, why them), all or nothing; the offers' ids."""
    drafts = [(uuid4(), entry_id, why) for entry_id, why in offered]
    made = await tx.records(
        QUERIES["make_offers"],
        opening_id=opening_id,
        service_id=visit.service_id,
        location_id=visit.location_id,
        start=visit.start,
        choices=json.dumps(choices_as_json(choices, await local_day(tx, visit.location_id, visit.start))),
        seconds=seconds,
        offers=json.dumps(
            [
                {
                    "offer_id": str(offer_id),
                    "entry_id": str(entry_id),
                    "token_hash": hash_of(tokens.token(offer_id)).hex(),
                    "why": why,
                }
                for offer_id, entry_id, why in drafts
            ]
        ),
    )
    return [row["id"] for row in made]


async def override(
    tx: Transaction, offer_id: UUID, client: ClientDetails, *, visit: Visit | None = None, note: str | None = None
) -> Appointment:
    """Give an offered time to somebody else, knowingly: withdraw the offer and book, in the caller's one transaction.

    Without ``visit``, the one that was offered. Raises OfferEnded when it was answered meanwhile, SlotTaken,
    NotBookable; then the offer stands as it was.
    """
    offer = await get_offer(tx, offer_id)
    await tx.run(QUERIES["withdraw"], offer_id=offer_id)
    wanted = visit or Visit(offer.service_id, offer.location_id, offer.starts_at, outside_rules=True)
    return await booking.book(tx, wanted, client, note=note)


async def policies(tx: Transaction) -> dict[UUID, Policy]:
    """How each service that is sold is offered, by service."""
    return {policy.service_id: policy for policy in await tx.rows(Policy, QUERIES["policies"])}


async def get_policy(tx: Transaction, service_id: UUID) -> Policy:
    """How one service that is sold is offered. Raises NotFound."""
    policy = (await policies(tx)).get(service_id)
    if policy is None:
        raise NotFound("There is no such service.")
    return policy


async def set_policy(
    tx: Transaction, service_id: UUID, changes: Mapping[str, Any], *, revision: int | None = None
) -> Policy:
    """Change the fields given, if it is at ``revision`` (None: any). Raises NotFound, Invalid, RevisionMismatch."""
    policy = await tx.one(
        Policy,
        QUERIES["set_policy"],
        service_id=service_id,
        changes=json.dumps(changes, default=str),
        revision=revision,
    )
    assert policy is not None
    return policy


async def rates(tx: Transaction, from_at: datetime, to_at: datetime) -> list[Rate]:
    """Of what fell free in [from_at, to_at): how much was filled, how fast, and what it earned."""
    return await tx.rows(Rate, QUERIES["rates"], from_at=from_at, to_at=to_at)


@dataclass(frozen=True, slots=True)
class _Found:
    organization_id: UUID
    offer_id: UUID
