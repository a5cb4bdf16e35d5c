"""Who reacts to which events. The one place to add a reaction: messages, the waitlist, calendars.

A reaction gets events of one organization by id, in commit order, one call after the other; a call that raises is made
again, so it must stand being made twice. It reads what it needs by id, as the organization.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from holdfast.db.transact import Caller, Record
from holdfast.log.public import PUBLIC_TYPES, TEST_TYPE
from holdfast.webhooks.outbound import Outbound
from holdfast.webhooks.sending import QUERIES as WEBHOOKS
from holdfast.webhooks.sending import Sender
from holdfast.worker.queue import JobOrder, Queue


@dataclass(frozen=True, slots=True)
class Means:
    """What reactions and chores work with: ``record`` as the application, ``back_record`` as the worker's role."""

    record: Record
    back_record: Record
    queue: Queue
    outbound: Outbound
    sender: Sender


React = Callable[[Means, UUID, Sequence[int]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reaction:
    """``name`` is part of stored jobs, so it never changes."""

    name: str
    types: frozenset[str]
    react: React


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
    for endpoint in due:
        await means.queue.defer(sending_job(endpoint["organization_id"], endpoint["endpoint_id"]))


SENDING: Final = "webhooks.send"


def sending_job(organization_id: UUID, endpoint_id: UUID) -> JobOrder:
    """Look at one endpoint: one job of it runs and at most one waits, however many want it looked at."""
    arguments = {"organization_id": str(organization_id), "endpoint_id": str(endpoint_id)}
    return JobOrder(SENDING, f"{SENDING}:{endpoint_id}", arguments, once=True)


REACTIONS: Final = (
    Reaction(
        name="webhooks.owe",
        # a manager's retry or a changed endpoint has nothing new to owe, but something to send
        types=PUBLIC_TYPES
        | {TEST_TYPE, "webhook_endpoint.changed", "webhook_endpoint.replayed"}
        | {"delivery.retried", "delivery.all_retried", "delivery.discarded"},
        react=owe_webhooks,
    ),
)
