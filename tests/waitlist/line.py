"""A line before a small clinic: who waits, what falls free, and rounds of offers, step by step, without a worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from holdfast.booking.model import Appointment, ClientDetails
from holdfast.db.transact import Caller, Record
from holdfast.waitlist import rounds, service
from holdfast.waitlist.model import Entry, Offer, Wish
from holdfast.waitlist.tokens import OfferTokens
from tests.clinic import Clinic, Row

HALF_A_DAY = timedelta(hours=12)
TOKENS = OfferTokens(b"only-for-tests, thirty-two bytes")


def person(number: int) -> ClientDetails:
    return ClientDetails(name=f"Client {number}", email=f"client{number}@example.org")


@dataclass
class Line:
    """The waitlist of one clinic; ``admin`` moves what only time would move."""

    record: Record
    clinic: Clinic
    admin: psycopg.Connection[Any]

    @property
    def desk(self) -> Caller:
        return Caller(self.clinic.organization_id, "key_desk", "desk")

    async def join(self, number: int, *services: str, appointment: UUID | None = None, **wish: Any) -> Entry:
        wanted = Wish(
            services=[self.clinic.services[slug] for slug in services],
            locations=[self.clinic.location_id],
            **wish,
        )
        return await self.record.transact(
            self.desk,
            lambda tx: service.join(tx, wanted, None if appointment else person(number), appointment_id=appointment),
        )

    async def policy(self, slug: str, **changes: Any) -> None:
        await self.record.transact(self.desk, lambda tx: service.set_policy(tx, self.clinic.services[slug], changes))

    async def always_awake(self) -> None:
        """No quiet hours, whenever the tests run."""
        self.clinic.desk("set_message_policy", policy={"quiet_from": "00:00", "quiet_until": "00:00"})
        for slug in self.clinic.services:
            await self.policy(slug, quiet_from="00:00", quiet_until="00:00")

    def quiet_now(self) -> dict[str, str]:
        """Quiet hours in the midst of which it is at the clinic, whenever the tests run."""
        now = datetime.now(ZoneInfo("America/New_York"))
        return {"quiet_from": f"{now - HALF_A_DAY / 2:%H:%M}", "quiet_until": f"{now + HALF_A_DAY / 2:%H:%M}"}

    def events(self) -> list[int]:
        rows = self.clinic.desk.read("select id, type from holdfast.event order by id")
        return [row["id"] for row in rows if row["type"] in rounds.TYPES]

    async def round(self) -> list[Offer]:
        """What the worker does when it hears of anything; the offers made."""
        await rounds.note_openings(self.record, self.clinic.organization_id, self.events())
        made = await rounds.fill_due(self.record, TOKENS, self.clinic.organization_id)
        return [await self.offer(id) for id in made]

    async def one_round(self) -> Offer:
        [offer] = await self.round()
        return offer

    async def offer(self, id: UUID) -> Offer:
        return await self.record.transact(self.desk, lambda tx: service.get_offer(tx, id))

    async def entry(self, id: UUID) -> Entry:
        return await self.record.transact(self.desk, lambda tx: service.get_entry(tx, id))

    async def openings(self) -> list[Row]:
        return self.clinic.desk.read("select * from holdfast.waitlist_opening order by freed_at, id")

    async def accept(self, offer: Offer) -> Appointment:
        """As whoever follows the link in the message."""
        caller, offer_id = await service.find_offer(self.record, TOKENS.token(offer.id))
        return await self.record.transact(caller, lambda tx: service.accept(tx, offer_id))

    async def decline(self, offer: Offer) -> Offer:
        caller, offer_id = await service.find_offer(self.record, TOKENS.token(offer.id))
        return await self.record.transact(caller, lambda tx: service.decline(tx, offer_id))

    def run_out(self, offer: Offer, *, grace: bool = False) -> None:
        """As if the time to answer were over; with ``grace``, only just."""
        self.admin.execute(
            "update holdfast.hold set created_at = created_at - interval '1 day',"
            " expires_at = holdfast.clock() - %s::interval where id = %s",
            ("1 second" if grace else "1 hour", offer.hold_id),
        )


def seconds(offer: Offer) -> float:
    return (offer.expires_at - offer.sent_at).total_seconds()
