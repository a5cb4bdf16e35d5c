"""Rounds: find what fell free, hold it for the best entry, after each answer for the next, until nobody fits.

Every step is a transaction of its own and may be done twice: what fell free is noted once for each event, and an offer
is made under locks that see whether it was made already. So it does not matter which worker does it, or if it dies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from holdfast.availability.snapshot import current_catalog, load_snapshot
from holdfast.booking.model import Visit
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import NotBookable, SlotTaken, StateRefused
from holdfast.quiet_hours import QuietHours, quiet_until
from holdfast.waitlist import service
from holdfast.waitlist.matching import Match, Matching, term_seconds, window_around
from holdfast.waitlist.model import Asked, Entry, Opening, Policy, Visits
from holdfast.waitlist.service import QUERIES
from holdfast.waitlist.tokens import OfferTokens

# Events after which a time may have fallen free, or somebody new may fit.
TYPES: Final = frozenset(
    {
        "hold.released", "hold.expired", "block.removed", "busy.removed",
        "weekly_rule.added", "weekly_rule.changed", "weekly_rule.removed",
        "dated_rule.added", "dated_rule.changed", "dated_rule.removed",
        "unit.added", "unit.changed", "pool_member.added", "resource_location.added", "resource_attribute.added",
        "resource_attribute.changed", "waitlist_entry.joined", "offer.declined", "offer.lapsed",
    }
)  # fmt: skip
ROUNDS_MAX: Final = (
    200  # offers made for one opening at once: a day of visits after a removed block, with much to spare
)
TRIES: Final = 8  # matches tried before the snapshot is read again: each was taken, or may not be asked any more

logger = structlog.get_logger()


def system_of(organization_id: UUID) -> Caller:
    return Caller(organization_id, "waitlist", "system")


async def note_openings(record: Record, organization_id: UUID, event_ids: Sequence[int]) -> int:
    """Write down what fell free by these events; how many openings are new."""

    async def work(tx: Transaction) -> int:
        return int(await tx.value(QUERIES["note_openings"], event_ids=list(event_ids)))

    return await record.transact(system_of(organization_id), work)


async def fill_due(
    record: Record, tokens: OfferTokens, organization_id: UUID, working: Collection[str] = ("email", "sms")
) -> list[UUID]:
    """Settle what ran out, and offer everything that is due; the ids of the offers made.

    ``working``: the channels that messages leave by. Whom none of them reaches is not offered anything.
    """
    caller = system_of(organization_id)
    await record.transact(caller, lambda tx: tx.run(QUERIES["tidy"]))
    due = await record.transact(caller, lambda tx: tx.rows(Opening, QUERIES["due_openings"]))
    made: list[UUID] = []
    for opening in due:
        made += await fill(record, tokens, caller, opening, working)
    return made


async def fill(
    record: Record, tokens: OfferTokens, caller: Caller, opening: Opening, working: Collection[str]
) -> list[UUID]:
    """Offer one opening to as many as fit in it at once; then it rests until an answer, or somebody new."""
    made: list[UUID] = []
    look_again_at: datetime | None = None
    for _ in range(ROUNDS_MAX):
        round = await record.transact(caller, lambda tx: plan(tx, opening, working))
        look_again_at = round.look_again_at
        offers = await _offer_first(record, tokens, caller, opening, round)
        if not offers:
            break
        made += offers
    await record.transact(
        caller,
        lambda tx: tx.run(
            QUERIES["rest_opening"], opening_id=opening.id, seen_due_at=opening.due_at, due_at=look_again_at
        ),
    )
    return made


@dataclass(frozen=True, slots=True)
class Round:
    """Groups of matches to try in turn, each with the seconds its offers stand; a group shares one hold."""

    groups: Sequence[tuple[Sequence[Match], int]] = ()
    look_again_at: datetime | None = None


async def plan(tx: Transaction, opening: Opening, working: Collection[str]) -> Round:
    """Who could have the opening as things stand, best first; or when its quiet hours end."""
    catalog = await current_catalog(tx)
    location = catalog.locations.get(str(opening.location_id))
    policies = await service.policies(tx)
    entries = await tx.rows(
        Entry,
        QUERIES["candidates"],
        location_id=opening.location_id,
        working=list(working),
        # a first sieve: the cap of the service that is offered is kept when the offer is made
        offers_max=max((policy.offers_per_client_and_day_max for policy in policies.values()), default=0),
    )
    wanted = {str(id) for entry in entries for id in entry.service_ids}
    sold = [
        catalog.services[id]
        for id in sorted(wanted & catalog.services.keys())
        if str(opening.location_id) in catalog.offered[id]
    ]
    window = window_around(opening, sold, tx.scene.began_at)
    if location is None or window is None:
        return Round()
    freed = policies.get(opening.service_id) if opening.service_id else None
    quiet = await _quiet(tx, opening, freed or policies[UUID(sold[0].id)], location.zone)
    if quiet is not None:
        return Round(look_again_at=quiet)
    snapshot = await load_snapshot(tx, catalog, sold, [location.id], window)
    here = {UUID(one.id): policies[UUID(one.id)] for one in sold}
    if freed is not None:
        here[freed.service_id] = freed
    matching = Matching(opening, snapshot, here, await _visits(tx, opening, entries))
    return Round(_groups(matching, entries, here, tx.scene.began_at))


async def _quiet(tx: Transaction, opening: Opening, policy: Policy, zone: str) -> datetime | None:
    """When it is over that nothing is offered: the waitlist's quiet hours, and those in which no message goes out."""
    spells = [(policy.quiet_from, policy.quiet_until)]
    spells += await tx.tuples(QUERIES["quiet_hours"], location_id=opening.location_id)
    return quiet_until(tx.scene.began_at, [QuietHours(begins, ends, zone) for begins, ends in spells])


def _groups(
    matching: Matching, entries: Sequence[Entry], policies: dict[UUID, Policy], now: datetime
) -> list[tuple[Sequence[Match], int]]:
    groups: list[tuple[Sequence[Match], int]] = []
    for best in matching.matches(entries):
        policy = policies[best.service_id]
        group = [best]
        if matching.mode == "all_at_once":
            group += matching.alike(best, entries, policy.offers_per_slot_max - 1)
        # everybody in the group has as long as the one who needs to know soonest
        notice = max(match.entry.notice_minutes for match in group)
        groups.append((group, term_seconds(policy, now, best.slot.start, notice)))
        if len(groups) == TRIES:
            break
    return groups


async def _visits(tx: Transaction, opening: Opening, entries: Sequence[Entry]) -> Visits:
    prices = {row["id"]: row["price_cents"] for row in await tx.records(QUERIES["prices"])}
    elsewhere: dict[UUID, list[tuple[datetime, datetime, UUID]]] = defaultdict(list)
    rows = await tx.tuples(
        QUERIES["elsewhere"],
        client_ids=[entry.client_id for entry in entries],
        from_at=opening.starts_at - timedelta(days=1),
        to_at=opening.ends_at + timedelta(days=1),
    )
    for client_id, starts_at, ends_at, id in rows:
        elsewhere[client_id].append((starts_at, ends_at, id))
    return Visits(prices, elsewhere, await tx.rows(Asked, QUERIES["asked"], opening_id=opening.id))


async def _offer_first(
    record: Record, tokens: OfferTokens, caller: Caller, opening: Opening, round: Round
) -> list[UUID]:
    """Make the offers of the first group that the record accepts; none when it accepts no group."""
    for matches, seconds in round.groups:
        # a cap that one of many has reached must not keep the best from being asked
        for group in [matches, matches[:1]] if len(matches) > 1 else [matches]:
            try:
                return await record.transact(caller, _Offering(tokens, opening, group, seconds))
            except (SlotTaken, StateRefused, NotBookable) as refused:
                # somebody was quicker, or was offered something else meanwhile: the next one
                logger.debug("offer_refused", code=refused.code)
    return []


@dataclass(frozen=True, slots=True)
class _Offering:
    """The transaction that makes the offers of one group."""

    tokens: OfferTokens
    opening: Opening
    group: Sequence[Match]
    seconds: int

    async def __call__(self, tx: Transaction) -> list[UUID]:
        best = self.group[0]
        return await service.make_offers(
            tx,
            self.tokens,
            Visit(best.service_id, self.opening.location_id, best.slot.start),
            best.choices(),
            self.seconds,
            [(match.entry.id, match.why) for match in self.group],
            opening_id=self.opening.id,
        )
