"""Who reacts to which events. The one place to add a reaction: messages, the waitlist, calendars.

A reaction gets events of one organization by id, in commit order, one call after the other; a call that raises is made
again, so it must stand being made twice. It reads what it needs by id, as the organization.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from holdfast.db.transact import Caller, Record
from holdfast.log.public import PUBLIC_TYPES
from holdfast.log.relay import Heeded
from holdfast.log.rush import Rush
from holdfast.messages.carriers import MessageSettings
from holdfast.messages.planning import Planner
from holdfast.messages.sending import QUERIES as MESSAGES
from holdfast.messages.sending import MessageSender
from holdfast.waitlist import rounds
from holdfast.waitlist.service import QUERIES as WAITLIST
from holdfast.waitlist.tokens import OfferTokens
from holdfast.webhooks.outbound import Outbound
from holdfast.webhooks.sending import QUERIES as WEBHOOKS
from holdfast.webhooks.sending import Sender
from holdfast.webhooks.service import WAKING_TYPES, types_heeded
from holdfast.worker.endpoint_mail import mail_managers
from holdfast.worker.metrics import Metrics
from holdfast.worker.queue import MESSAGES as MESSAGE_SLOTS
from holdfast.worker.queue import REACTIONS as REACTION_SLOTS
from holdfast.worker.queue import JobOrder, Queue


@dataclass(frozen=True, slots=True)
class Means:
    """What reactions and chores work with: ``record`` as the application, ``back_record`` as the worker's role."""

    record: Record
    back_record: Record
    queue: Queue
    outbound: Outbound
    sender: Sender
    message_sender: MessageSender
    offer_tokens: OfferTokens
    metrics: Metrics
    message_settings: MessageSettings
    rush: Rush
    slow_endpoints: set[UUID] = field(default_factory=set)  # did not keep to a turn last time


React = Callable[[Means, UUID, Sequence[int]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reaction:
    """``name`` is part of stored jobs, so it never changes. ``heeded``: see ``Interest``.

    ``patient``: it can wait for seconds, so while the machine is busy it takes a tenth of the time, and bookings the
    rest; what waits meanwhile it does in one go. ``pool``: whose slots it needs; outside I/O has some of its own.
    """

    name: str
    types: frozenset[str]
    react: React
    heeded: Heeded | None = None
    patient: bool = False
    pool: str = REACTION_SLOTS


async def owe_webhooks(means: Means, organization_id: UUID, event_ids: Sequence[int]) -> None:
    """Owe the events to the endpoints that want them, and have every endpoint looked at that has something due."""
    caller = Caller(organization_id, "system", "system")
    await means.back_record.transact(caller, lambda tx: tx.run(WEBHOOKS["owe_deliveries"], event_ids=list(event_ids)))
    await wake_endpoints(means, organization_id)


async def wake_endpoints(means: Means, organization_id: UUID | None = None) -> None:
    """Put a sending job in the queue for each endpoint that has something due, of one organization or of all."""
    due = await means.back_record.unscoped(
        lambda tx: tx.records(WEBHOOKS["endpoints_due"], organization_id=organization_id)
    )
    ranks: Counter[UUID] = Counter()
    for row in due:
        endpoint = Due(row["organization_id"], row["endpoint_id"], row["failing"])
        await means.queue.defer(sending_job(means, endpoint, ranks[endpoint.organization_id]))
        ranks[endpoint.organization_id] += 1


SENDING: Final = "webhooks.send"
SENDING_SLOWLY: Final = "webhooks.send_slowly"


@dataclass(frozen=True, slots=True)
class Due:
    """An endpoint that has something due; ``failing``: it did not answer last time."""

    organization_id: UUID
    endpoint_id: UUID
    failing: bool = False


def sending_job(means: Means, due: Due, rank: int = 0) -> JobOrder:
    """Look at one endpoint: one job of it runs and at most one waits, however many want it looked at.

    Those that keep a slot waiting share a few slots among themselves. ``rank``: how many endpoints of its organization
    are before it, so that one organization with many does not push the others back.
    """
    slow = due.failing or due.endpoint_id in means.slow_endpoints
    arguments = {"organization_id": str(due.organization_id), "endpoint_id": str(due.endpoint_id)}
    return JobOrder(
        SENDING_SLOWLY if slow else SENDING, f"{SENDING}:{due.endpoint_id}", arguments, once=True, priority=-rank
    )


async def send_due(means: Means, organization_id: UUID, endpoint_id: UUID) -> None:
    """A turn for one endpoint. What is due still goes to the end of the queue, behind everybody else's."""
    turn = await means.sender.send_due(organization_id, endpoint_id)
    if turn.is_slow:
        means.slow_endpoints.add(endpoint_id)
    else:
        means.slow_endpoints.discard(endpoint_id)
    if turn.unfinished and not turn.closed:
        await means.queue.defer(sending_job(means, Due(organization_id, endpoint_id)))


async def warn_managers(means: Means, organization_id: UUID, event_ids: Sequence[int]) -> None:
    """Somebody has to know that an endpoint fails for days, or is disabled."""
    await mail_managers(means.record, means.message_settings, organization_id, event_ids)


async def plan_messages(means: Means, organization_id: UUID, event_ids: Sequence[int]) -> None:
    """Owe clients what they are to be told of these events, and have it sent if it is due."""
    await Planner(means.record, means.back_record, organization_id).plan_events(event_ids)
    await means.queue.defer(messages_job(organization_id))


async def plan_offers(means: Means, organization_id: UUID, event_ids: Sequence[int]) -> None:
    """Owe clients the offers that were made to them, withdraw what ended unsent, and have it sent."""
    await Planner(means.record, means.back_record, organization_id).plan_offers(event_ids)
    await means.queue.defer(messages_job(organization_id))


async def replan_messages(means: Means, organization_id: UUID, event_ids: Sequence[int]) -> None:  # noqa: ARG001
    """The rules changed: plan every visit to come anew."""
    await Planner(means.record, means.back_record, organization_id).plan_all()


async def wake_messages(means: Means, organization_id: UUID, event_ids: Sequence[int]) -> None:  # noqa: ARG001
    """Look at what an organization owes its clients."""
    await means.queue.defer(messages_job(organization_id))


async def wake_due_messages(means: Means) -> None:
    """Put a sending job in the queue for each organization that owes its clients something now."""
    due = await means.back_record.unscoped(lambda tx: tx.records(MESSAGES["organizations_due"]))
    for organization in due:
        await means.queue.defer(messages_job(organization["organization_id"]))


async def send_due_messages(means: Means, organization_id: UUID) -> None:
    """A turn for what one organization owes its clients. What is due still goes to the end of the queue."""
    if await means.message_sender.send_due(organization_id):
        await means.queue.defer(messages_job(organization_id))


SENDING_MESSAGES: Final = "messages.send"


def messages_job(organization_id: UUID) -> JobOrder:
    """Look at one organization: one job of it runs and at most one waits."""
    arguments = {"organization_id": str(organization_id)}
    return JobOrder(SENDING_MESSAGES, f"{SENDING_MESSAGES}:{organization_id}", arguments, once=True)


async def offer_what_fell_free(means: Means, organization_id: UUID, event_ids: Sequence[int]) -> None:
    """Note the time that these events set free, and hold it for whoever waits for it."""
    await rounds.note_openings(means.record, organization_id, event_ids)
    await rounds.fill_due(means.record, means.offer_tokens, organization_id, means.message_sender.channels)


async def go_round(means: Means) -> None:
    """Offers that ran out make room for the next in line; quiet hours end."""
    due = await means.back_record.unscoped(lambda tx: tx.records(WAITLIST["waitlists_due"]))
    for row in due:
        await rounds.fill_due(means.record, means.offer_tokens, row["organization_id"], means.message_sender.channels)


REACTIONS: Final = (
    Reaction(
        name="webhooks.owe",
        types=PUBLIC_TYPES | WAKING_TYPES,
        react=owe_webhooks,
        heeded=types_heeded,
    ),
    Reaction(
        name="webhooks.warn",
        types=frozenset({"webhook_endpoint.failing", "webhook_endpoint.disabled"}),
        react=warn_managers,
        pool=MESSAGE_SLOTS,
    ),
    Reaction(
        name="messages.plan",
        types=frozenset(
            f"appointment.{step}"
            for step in ("booked", "rescheduled", "cancelled", "checked_in", "completed", "no_show")
        ),
        react=plan_messages,
        patient=True,
    ),
    Reaction(
        name="messages.offers",
        types=frozenset(f"offer.{step}" for step in ("made", "accepted", "declined", "lapsed", "overridden", "lost")),
        react=plan_offers,
    ),
    Reaction(name="messages.replan", types=frozenset({"message_policy.changed"}), react=replan_messages),
    Reaction(name="messages.wake", types=frozenset({"message.retried", "message.all_retried"}), react=wake_messages),
    Reaction(name="waitlist.offer", types=rounds.TYPES, react=offer_what_fell_free),
)
