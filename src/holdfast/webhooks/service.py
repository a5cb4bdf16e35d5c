"""What a manager does with endpoints and deliveries. Every function takes the open Transaction of its caller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from holdfast.booking.model import Cursor
from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction
from holdfast.errors import Invalid, NotFound, said
from holdfast.log.public import PUBLIC_TYPES, TEST_TYPE
from holdfast.webhooks.model import Attempt, Delivery, Endpoint, NewSecret
from holdfast.webhooks.signing import SecretBox, new_secret, written

QUERIES: Final = load_queries("holdfast.webhooks")
OVERLAP_HOURS: Final = 24
STATES: Final = ("pending", "delivered", "dead", "discarded")


# A manager's retry or a changed endpoint has nothing new to owe, but something to send.
WAKING_TYPES: Final = frozenset(
    {
        TEST_TYPE, "webhook_endpoint.changed", "webhook_endpoint.replayed",
        "delivery.retried", "delivery.all_retried", "delivery.discarded",
    }
)  # fmt: skip


async def types_heeded(tx: Transaction, organization_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """The types of event that matter to the active endpoints of each organization that has any. The worker's role."""
    heeded: dict[UUID, frozenset[str]] = {}
    for row in await tx.records(QUERIES["endpoint_filters"], organization_ids=list(organization_ids)):
        filters = set(row["events"])
        heeded[row["organization_id"]] = WAKING_TYPES | {
            type for type in PUBLIC_TYPES if filters & {"*", type, type.partition(".")[0] + ".*"}
        }
    return heeded


def check_filters(events: Sequence[str]) -> list[str]:
    """The event filters when each means something: a type, ``noun.*`` or ``*``. Raises Invalid."""
    nouns = {type.split(".", 1)[0] for type in PUBLIC_TYPES}
    known = {"*", *PUBLIC_TYPES, *(f"{noun}.*" for noun in nouns)}
    for each in events:
        if each not in known:
            raise Invalid(
                said(
                    "There are no events {name!r}: use a type such as appointment.booked, appointment.* or *.",
                    name=each[:60],
                ),
                field="events",
            )
    return list(dict.fromkeys(events))


async def add_endpoint(
    tx: Transaction, box: SecretBox, *, url: str, events: Sequence[str], description: str = ""
) -> NewSecret:
    """A new endpoint; its secret is shown now and never again. The URL has passed ``outbound.check_url``.

    Raises Invalid for events that do not exist.
    """
    endpoint_id, secret = uuid4(), new_secret()
    await tx.run(
        QUERIES["add_endpoint"],
        id=endpoint_id,
        url=url,
        description=description,
        events=check_filters(events),
        secret=box.seal(secret, endpoint_id),
    )
    return NewSecret(endpoint_id, written(secret))


async def change_endpoint(
    tx: Transaction,
    endpoint_id: UUID,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    description: str | None = None,
    enabled: bool | None = None,
) -> Endpoint:
    """Change what is given. Enabling lets what is pending go out again. Raises NotFound, Invalid."""
    await tx.run(
        QUERIES["change_endpoint"],
        id=endpoint_id,
        url=url,
        description=description,
        events=None if events is None else check_filters(events),
        enabled=enabled,
    )
    return await get_endpoint(tx, endpoint_id)


async def rotate_secret(
    tx: Transaction, box: SecretBox, endpoint_id: UUID, *, overlap_hours: int = OVERLAP_HOURS
) -> NewSecret:
    """A new secret; messages are signed with the old one too for ``overlap_hours``. Raises NotFound.

    Secrets from before that one sign until their own end. Raises StateRefused when there are ten of them.
    """
    secret = new_secret()
    sealed = box.seal(secret, endpoint_id)
    await tx.run(QUERIES["rotate_secret"], id=endpoint_id, secret=sealed, overlap_hours=overlap_hours)
    return NewSecret(endpoint_id, written(secret))


async def remove_endpoint(tx: Transaction, endpoint_id: UUID) -> None:
    """Nothing is sent there any more; what was owed is discarded. Raises NotFound."""
    await tx.run(QUERIES["remove_endpoint"], id=endpoint_id)


async def test_endpoint(tx: Transaction, endpoint_id: UUID) -> Delivery:
    """Owe it an event that says it is a test. Raises NotFound; StateRefused while it is disabled."""
    return await get_delivery(tx, await tx.value(QUERIES["test_endpoint"], id=endpoint_id))


async def replay(tx: Transaction, endpoint_id: UUID, since: datetime, until: datetime | None = None) -> int:
    """Owe it every event of that time that it has not got; how many deliveries. Raises NotFound, StateRefused."""
    return int(await tx.value(QUERIES["replay_endpoint"], id=endpoint_id, since=since, until=until))


async def list_endpoints(tx: Transaction) -> list[Endpoint]:
    """The organization's endpoints, newest first."""
    return await tx.rows(Endpoint, QUERIES["endpoints"], id=None)


async def get_endpoint(tx: Transaction, endpoint_id: UUID) -> Endpoint:
    """One endpoint. Raises NotFound."""
    found = await tx.one(Endpoint, QUERIES["endpoints"], id=endpoint_id)
    if found is None:
        raise NotFound("There is no such webhook endpoint.")
    return found


async def list_deliveries(
    tx: Transaction,
    *,
    limit: int,
    state: str | None = None,
    endpoint_id: UUID | None = None,
    after: Cursor | None = None,
) -> list[Delivery]:
    """Deliveries, newest first, after the cursor."""
    return await tx.rows(
        Delivery,
        QUERIES["deliveries"],
        state=state,
        endpoint_id=endpoint_id,
        after_at=after and after.at,
        after_id=after and after.id,
        limit=limit,
    )


async def get_delivery(tx: Transaction, delivery_id: UUID) -> Delivery:
    """One delivery. Raises NotFound."""
    found = await tx.one(Delivery, QUERIES["delivery_by_id"], id=delivery_id)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


async def list_attempts(tx: Transaction, delivery_id: UUID) -> list[Attempt]:
    """What was tried, oldest first; the latest hundred."""
    return await tx.rows(Attempt, QUERIES["attempts"], delivery_id=delivery_id)


async def retry_delivery(tx: Transaction, delivery_id: UUID) -> Delivery:
    """Try again now, with the whole schedule ahead; the receiver sees the same id. Raises NotFound."""
    await tx.run(QUERIES["retry_delivery"], id=delivery_id)
    return await get_delivery(tx, delivery_id)


async def retry_since(tx: Transaction, since: datetime, *, endpoint_id: UUID | None = None) -> int:
    """Try every dead letter about events since then again; how many."""
    return int(await tx.value(QUERIES["retry_deliveries_since"], since=since, endpoint_id=endpoint_id))


async def fail_delivery(tx: Transaction, delivery_id: UUID) -> Delivery:
    """No more attempts: it is a dead letter now. Raises NotFound, StateRefused when it is not pending."""
    await tx.run(QUERIES["fail_delivery"], id=delivery_id)
    return await get_delivery(tx, delivery_id)


async def discard_delivery(tx: Transaction, delivery_id: UUID, reason: str) -> Delivery:
    """Give it up for a reason; what waited behind it goes on. Raises NotFound, StateRefused when it is settled."""
    await tx.run(QUERIES["discard_delivery"], id=delivery_id, reason=reason)
    return await get_delivery(tx, delivery_id)
