"""The demo's staff: somebody for each role, who all sign in with one password of this installation."""

from __future__ import annotations

import secrets
from typing import Final

from holdfast.access import staff as people
from holdfast.access.staff import Role
from holdfast.catalog import service as catalog
from holdfast.db.transact import Transaction

# By role: the address they sign in with, their name, and the provider they are.
STAFF: Final[dict[Role, tuple[str, str, str | None]]] = {
    "owner": ("owner@glow.example", "Carmen Whitfield", None),
    "manager": ("manager@glow.example", "Theo Lindqvist", None),
    "desk": ("desk@glow.example", "Rosa Marchetti", None),
    "provider": ("provider@glow.example", "Maya Chen, NP", "maya-chen"),
}


async def seat_staff(tx: Transaction) -> str:
    """Everybody of ``STAFF`` is there and has the new password that is returned; who was signed in no longer is."""
    password = secrets.token_urlsafe(12)
    there = {each.email: each.id for each in await people.list_staff(tx) if each.retired_at is None}
    for role, (email, name, provider) in STAFF.items():
        if email not in there:
            resource_id = (await catalog.get_resource(tx, provider)).id if provider else None
            there[email] = await people.create_staff(tx, email=email, name=name, role=role, resource_id=resource_id)
        await people.set_password(tx, there[email], password, about=email)
    return password
