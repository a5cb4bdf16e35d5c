"""Mail to each manager, in their language, when a webhook endpoint fails for days, and when it is disabled."""

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
from holdfast.errors import said
from holdfast.messages.carriers import MessageSettings
from holdfast.messages.service import get_policy
from holdfast.messages.staff_mail import can_mail_staff, mail_staff
from holdfast.web.languages import Language

QUERIES: Final = load_queries("holdfast.worker")
UTC: Final = "UTC"
ROLES: Final = frozenset({"owner", "manager"})

WARNING: Final = """{url} has not taken what {place} sends it since {since}.

{cause}

It is tried again and again until {until}. If it has taken nothing by then, it is switched off, and what happens \
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

    async def look(tx: Transaction) -> tuple[str, list[tuple[str, str]], list[_Told]]:
        told = await tx.rows(_Told, QUERIES["endpoint_events"], event_ids=list(event_ids))
        usual = (await get_policy(tx)).language
        staff = [
            (one.email, one.language or usual)
            for one in await list_staff(tx)
            if one.role in ROLES and one.retired_at is None
        ]
        return (await get_organization(tx)).name, staff, told

    place, managers, told = await record.transact(Caller(organization_id, "system", "system"), look)
    for event in told:
        for address, language in managers:
            subject, text = _words(event, place, settings, Language(language))
            await mail_staff(settings, to=address, sender_name=place, language=language, subject=subject, text=text)


def _words(event: _Told, place: str, settings: MessageSettings, language: Language) -> tuple[str, str]:
    """Subject and text; the cause, which is also what the API says, stays in English."""

    def day(at: datetime | None) -> str:
        return f"{language.day_of(at, UTC)}, {language.time(at, UTC)} UTC" if at else "?"

    page = f"{(settings.public_url or '').rstrip('/')}/desk/deliveries"
    if event.type == "webhook_endpoint.disabled":
        subject = said("Switched off: {url}", url=event.url)
        text = said(DISABLED, url=event.url, place=place, at=day(event.at), cause=event.cause, page=page)
    else:
        subject = said("Not answering for days: {url}", url=event.url)
        text = said(
            WARNING,
            url=event.url,
            place=place,
            since=day(event.failing_since),
            until=day(event.disables_at),
            cause=event.cause,
            page=page,
        )
    return language.said(subject), language.said(text)
