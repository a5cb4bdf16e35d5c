"""Whether an installation still waits for its first owner."""

from __future__ import annotations

from uuid import UUID

from holdfast.access.service import list_organization_ids
from holdfast.access.staff import has_staff
from holdfast.db.transact import Caller, Record


async def unstaffed(record: Record) -> UUID | None:
    """The only organization, while nobody is on its staff: one that came from a file, say."""
    found = await list_organization_ids(record)
    if len(found) != 1 or await record.transact(Caller(found[0], "system", "desk"), has_staff):
        return None
    return found[0]


async def awaits_owner(record: Record) -> bool:
    """Whether setting up makes the first owner: there is nothing yet, or nobody."""
    return not await list_organization_ids(record) or await unstaffed(record) is not None
