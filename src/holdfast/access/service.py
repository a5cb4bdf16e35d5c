"""Make, check, list and revoke API keys; find and create organizations.

A key is ``hf_<purpose>_`` and 256 random bits in hexadecimal. Only its SHA-256 is stored: with that many random bits
there is nothing a slow password hash could add, and looking up the hash compares nothing of the key itself, so the
time it takes says nothing about it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from holdfast.access.model import ApiKey, NewApiKey, Principal
from holdfast.db.queries import load_queries
from holdfast.db.transact import Record, Transaction
from holdfast.errors import Busy, NotFound, Unauthorized, said

QUERIES: Final = load_queries("holdfast.access")
_SHAPE: Final = re.compile(r"hf_[a-z0-9]{1,16}_[0-9a-f]{64}")
_HINT_LENGTH: Final = 4


def new_api_key(purpose: str) -> str:
    """A fresh key that names its purpose (``desk``, ``widget``), so that a leaked one tells what to revoke."""
    word = re.sub(r"[^a-z0-9]", "", purpose.lower())[:16] or "key"
    return f"hf_{word}_{secrets.token_hex(32)}"


async def authenticate(record: Record, key: str) -> Principal:
    """The principal behind ``key``. Raises Unauthorized for a key that is malformed, unknown or revoked."""
    # The shape first: text that cannot be a key costs no query, and non-ASCII never reaches the hash.
    if _SHAPE.fullmatch(key):
        key_hash = _hash(key)
        found = await record.unscoped(lambda t: t.one(_Found, QUERIES["authenticate"], key_hash=key_hash))
        if found is not None:
            if not found.used_today:
                await _note_use(record, key_hash)
            return Principal(found.organization_id, found.api_key_id, found.scopes, found.surfaces)
    raise Unauthorized("This API key is not known here, or was revoked.")


@dataclass(frozen=True, slots=True)
class _Found:
    organization_id: UUID
    api_key_id: UUID
    scopes: list[str]
    surfaces: list[str]
    used_today: bool


async def _note_use(record: Record, key_hash: bytes) -> None:
    """Once a day and key, in a transaction of its own: no booking waits for it, and none fails because of it."""
    with suppress(Busy):
        await record.unscoped(lambda tx: tx.run(QUERIES["note_key_use"], key_hash=key_hash))


async def create_api_key(
    tx: Transaction, *, name: str, scopes: Sequence[str], surfaces: Sequence[str], purpose: str | None = None
) -> NewApiKey:
    """A new key of the caller's organization; ``NewApiKey.key`` is never to be seen again.

    ``purpose`` is the word inside the key (default: the first of ``name``). Raises Invalid for unknown scopes or
    surfaces, or none.
    """
    key = new_api_key(purpose or name.split(maxsplit=1)[0] if name.strip() else "key")
    api_key_id = await tx.value(
        QUERIES["create_api_key"],
        name=name,
        key_hash=_hash(key),
        key_hint=key[-_HINT_LENGTH:],
        scopes=list(scopes),
        surfaces=list(surfaces),
    )
    return NewApiKey(api_key_id, key)


async def list_api_keys(tx: Transaction) -> list[ApiKey]:
    """The organization's keys, newest first, revoked ones last."""
    return await tx.rows(ApiKey, QUERIES["list_api_keys"])


async def revoke_api_key(tx: Transaction, api_key_id: UUID) -> None:
    """The key opens nothing from now on; revoking it again changes nothing. Raises NotFound."""
    await tx.run(QUERIES["revoke_api_key"], api_key_id=api_key_id)


async def create_organization(record: Record, *, slug: str, name: str, currency: str = "USD") -> UUID:
    """A new organization with the standard hold policies. Raises Invalid when the slug is taken or not plain."""

    async def work(tx: Transaction) -> UUID:
        organization_id: UUID = await tx.value(QUERIES["create_organization"], slug=slug, name=name, currency=currency)
        return organization_id

    return await record.unscoped(work)


async def list_organization_ids(record: Record) -> list[UUID]:
    """Every organization of this installation, oldest first. For its operator, never for a caller."""
    return [row["id"] for row in await record.unscoped(lambda tx: tx.records(QUERIES["organization_ids"]))]


async def find_organization(record: Record, slug: str | None = None) -> UUID:
    """The organization with that slug; without one, the only organization there is.

    Raises NotFound when there is none, or more than one and no slug says which.
    """

    if slug is None:
        found = await list_organization_ids(record)
    else:
        id = await record.unscoped(lambda tx: tx.value(QUERIES["organization_by_slug"], slug=slug))
        found = [id] if id else []
    if len(found) == 1:
        return found[0]
    if slug is not None:
        raise NotFound(said("There is no organization {slug!r} here.", slug=slug[:80]))
    if found:
        raise NotFound(said("There are {count} organizations here: say which one by its slug.", count=len(found)))
    raise NotFound("There is no organization yet. Create one: holdfast catalog import FILE")


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
