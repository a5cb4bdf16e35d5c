"""What a visitor keeps: one hold, or a visit of several, with the same few things to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from holdfast.booking import service as booking
from holdfast.booking import visitors, visits
from holdfast.booking.model import Appointment, ClientDetails, Hold
from holdfast.catalog.service import get_service
from holdfast.db.transact import Transaction
from holdfast.http.pages.booking_site import Site
from holdfast.http.pages.choice import Choice
from holdfast.http.pages.pages import Elsewhere
from holdfast.ids import KINDS, parse_id, public_id


@dataclass(frozen=True)
class Kept:
    """The holds by start; they live and end together."""

    holds: Sequence[Hold]

    @property
    def visit_id(self) -> UUID | None:
        return self.holds[0].visit_id

    @property
    def public_id(self) -> str:
        """The id in the address of its page."""
        return public_id("visit", self.visit_id) if self.visit_id else public_id("hold", self.holds[0].id)

    @property
    def starts_at(self) -> datetime:
        return self.holds[0].starts_at

    @property
    def created_at(self) -> datetime:
        return self.holds[0].created_at

    @property
    def expires_at(self) -> datetime:
        return min(hold.expires_at for hold in self.holds)

    @property
    def time_zone(self) -> str:
        return self.holds[0].time_zone

    @property
    def live(self) -> bool:
        return all(hold.state == "live" for hold in self.holds)

    def is_for(self, choice: Choice, at: datetime) -> bool:
        """Whether it is exactly this choice at this start."""
        services = [hold.service_id for hold in self.holds]
        asked = [service.id for service in choice.services for _ in range(choice.party)]
        return self.starts_at == at and services == asked


@dataclass(frozen=True)
class Part:
    """One appointment of what is kept or booked, as a page says it; ``people``: who serves."""

    name: str
    starts_at: datetime
    people: str
    of: Hold | Appointment


async def parts_of(tx: Transaction, items: Sequence[Hold | Appointment]) -> list[Part]:
    """The parts by start."""
    names = {id: (await get_service(tx, id)).name for id in {each.service_id for each in items}}
    return [Part(names[each.service_id], each.starts_at, _people(each), each) for each in items]


def _people(item: Hold | Appointment) -> str:
    return ", ".join(dict.fromkeys(claim["resource_name"] for claim in item.claims if claim["kind"] == "provider"))


async def kept_by(tx: Transaction, site: Site) -> list[Kept]:
    """What this browser keeps now, the latest first."""
    holds = await visitors.live_holds(tx, site.visitor)
    holds.sort(key=lambda hold: (-hold.created_at.timestamp(), str(hold.visit_id or hold.id), hold.starts_at, hold.id))
    return [Kept(list(group)) for _, group in groupby(holds, key=lambda hold: hold.visit_id or hold.id)]


async def find_kept(tx: Transaction, site: Site, id: str) -> Kept:
    """What has this public id. Raises NotFound, also for somebody else's; Elsewhere once it was booked."""
    if not id.startswith(KINDS["visit"]):
        return Kept([await visitors.own_hold(tx, parse_id("hold", id), site.visitor)])
    visit = await visits.get_visit(tx, parse_id("visit", id), visitor=site.visitor)
    if visit.appointments:
        raise Elsewhere(site.url)
    return Kept([hold for hold in visit.standing if isinstance(hold, Hold)])


async def place(tx: Transaction, site: Site, choice: Choice, at: datetime) -> Kept:
    """Hold it, all or nothing. Raises SlotTaken, NotBookable, TooManyHolds."""
    if choice.several:
        return Kept((await visits.place_visit(tx, choice.whole(site, at), visitor=site.visitor)).holds)
    return Kept([await booking.place_hold(tx, choice.visit(site, at), visitor=site.visitor)])


async def release(tx: Transaction, kept: Kept) -> None:
    """Give all of it back."""
    if kept.visit_id:
        await visits.release_visit(tx, kept.visit_id)
    else:
        await booking.release_hold(tx, kept.holds[0].id)


async def extend(tx: Transaction, kept: Kept) -> Kept:
    """A fresh term. Raises HoldExpired, HoldNotLive, ExtensionRefused."""
    if kept.visit_id:
        return Kept((await visits.extend_visit(tx, kept.visit_id)).holds)
    return Kept([await booking.extend_hold(tx, kept.holds[0].id)])


async def leave(tx: Transaction, kept: Kept) -> None:
    """The page was closed, or is being loaded again."""
    if kept.visit_id:
        await visits.leave_visit(tx, kept.visit_id)
    else:
        await visitors.leave_hold(tx, kept.holds[0].id)


async def come_back(tx: Transaction, kept: Kept) -> Kept:
    """They are back: it has its term again. Raises HoldExpired, HoldNotLive."""
    if kept.visit_id:
        return Kept((await visits.return_to_visit(tx, kept.visit_id)).holds)
    return Kept([await visitors.return_to_hold(tx, kept.holds[0].id)])


async def confirm(tx: Transaction, kept: Kept, client: ClientDetails, note: str | None) -> str:
    """Book it; the token of its private link. Raises HoldExpired, HoldNotLive."""
    if kept.visit_id:
        first = (await visits.confirm_visit(tx, kept.visit_id, client, note=note)).appointments[0]
    else:
        first = await booking.confirm_hold(tx, kept.holds[0].id, client, note=note)
    return await visitors.issue_link(tx, first.id)


async def take_again(
    tx: Transaction, site: Site, choice: Choice, kept: Kept, client: ClientDetails, note: str | None
) -> str:
    """Book what ran out, if nobody came meanwhile; the token of its private link. Raises SlotTaken, NotBookable."""
    return await confirm(tx, await place(tx, site, choice, kept.starts_at), client, note)
