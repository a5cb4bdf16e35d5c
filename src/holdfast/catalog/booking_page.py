"""How an organization's booking page looks, who may embed it, and until when clients may change a visit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction
from holdfast.errors import Bug

QUERIES: Final = load_queries("holdfast.catalog")


@dataclass(frozen=True, slots=True)
class BookingPage:
    """``accent`` is a colour like ``#0f766e``; ``embed_origins`` may frame the page (``*``: everybody).

    A client may move or cancel a visit until ``change_notice_minutes`` before it; ``policy`` is what they are told.
    """

    organization_id: UUID
    slug: str
    name: str
    currency: str
    accent: str
    logo: bytes | None
    logo_type: str | None
    embed_origins: list[str]
    change_notice_minutes: int
    policy: str


async def get_booking_page(tx: Transaction) -> BookingPage:
    """The caller's organization's page."""
    found = await tx.one(BookingPage, QUERIES["booking_page"])
    if found is None:
        raise Bug
    return found


async def set_booking_page(
    tx: Transaction,
    *,
    accent: str,
    logo: bytes | None,
    logo_type: str | None,
    embed_origins: list[str],
    change_notice_minutes: int,
    policy: str,
) -> None:
    """Choose all of it. Raises Invalid."""
    await tx.run(
        QUERIES["set_booking_page"],
        accent=accent.lower(),
        logo=logo,
        logo_type=logo_type,
        embed_origins=embed_origins,
        change_notice_minutes=change_notice_minutes,
        policy=policy,
    )
