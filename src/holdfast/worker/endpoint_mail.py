"""Mail to an organization's managers when a webhook endpoint fails for days, and when it is disabled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from holdfast.access.staff import list_staff
from holdfast.catalog.service import get_organization
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.messages.carriers import MessageSettings
from holdfast.messages.staff_mail import can_mail_staff, mail_staff

QUERIES: Final = load_queries("holdfast.worker")
ROLES: Final = frozenset({"owner", "manager"})
LANGUAGE: Final = "en"  # the causes of failures are in English too

WARNING: Final = """{url} has not taken what {place} sends it since {since}.

{cause}

It is tried again and again until {until}. If it has taken nothing by then, it is switched off, and what happens
afterwards is not sent there until somebody switches it on. Nothing is lost: all of it can be sent later.

What waits, and why: {page}
"""
DISABLED: Final = """{url} was switched off on {at}: {place} sends nothing there any more.

{cause}

When it works again, switch it on, and send what it missed with “Send again what happened”: {page}
"""


@dataclass(frozen=True, slots=True)
class _Told:
    """A ``webhook_endpoint.failing`` or ``.disabled`` with its endpoint as it is now."""

    type: str
    at: datetime
    cause: str
    url: str
    failing_since: datetime | None
    disables_at: datetime | None


async def mail_managers(
    record: Record, settings: MessageSettings, organization_id: UUID, event_ids: Sequence[int]
) -> None:
    """Write to each manager about each of these events. Where no mail can be sent, the desk alone shows it."""
    if not can_mail_staff(settings):
        return

    async def look(tx: Transaction) -> tuple[str, list[str], list[_Told]]:
        told = await tx.rows(_Told, QUERIES["endpoint_events"], event_ids=list(event_ids))
        staff = [one.email for one in await list_staff(tx) if one.role in ROLES and one.retired_at is None]
        return (await get_organization(tx)).name, staff, told

    place, addresses, told = await record.transact(Caller(organization_id, "system", "system"), look)
    for event in told:
        subject, text = _words(event, place, settings)
        for address in addresses:
            await mail_staff(settings, to=address, sender_name=place, language=LANGUAGE, subject=subject, text=text)


def _words(event: _Told, place: str, settings: MessageSettings) -> tuple[str, str]:
    page = f"{(settings.public_url or '').rstrip('/')}/desk/deliveries"
    if event.type == "webhook_endpoint.disabled":
        text = DISABLED.format(url=event.url, place=place, at=_day(event.at), cause=event.cause, page=page)
        return f"Switched off: {event.url}", text
    text = WARNING.format(
        url=event.url, place=place, since=_day(event.failing_since), until=_day(event.disables_at), cause=event.cause,
        page=page,
    )  # fmt: skip
    return f"Not answering for days: {event.url}", text


def _day(at: datetime | None) -> str:
    return f"{at:%A, %B} {at.day} at {at:%H:%M} UTC" if at else "some days ago"
