"""API keys, and what the holder of one may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from holdfast.db.transact import Caller
from holdfast.errors import Forbidden, said
from holdfast.ids import public_id

Scope = Literal["read", "book", "manage", "overbook"]

SCOPES: Final[tuple[Scope, ...]] = ("read", "book", "manage", "overbook")
# Every surface that a key may act on; `system` is Holdfast itself and has no key.
SURFACES: Final = ("desk", "phone", "walk_in", "widget", "calendar", "platform", "assistant", "api", "import")
# Where strangers book for themselves: quotas count, starts are on the grid, and nobody may step outside the rules.
PUBLIC_SURFACES: Final = frozenset({"widget", "assistant"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever holds a valid key: what they may do, on which surfaces. The first surface is the usual one."""

    organization_id: UUID
    api_key_id: UUID
    scopes: list[str]
    surfaces: list[str]

    def require(self, scope: Scope) -> None:
        """Raises Forbidden, naming the scope, when the key lacks it."""
        if scope not in self.scopes:
            raise Forbidden(
                said("This key lacks the scope {scope!r}; it has {scopes}.", scope=scope, scopes=self.scopes),
                scope=scope,
            )

    def caller(self, surface: str | None = None) -> Caller:
        """The Caller of a transaction on that surface. Raises Forbidden for a surface that the key does not name."""
        surface = surface or self.surfaces[0]
        if surface not in self.surfaces:
            raise Forbidden(
                said(
                    "This key may not act on the surface {surface!r}; it may on {surfaces}.",
                    surface=surface[:40],
                    surfaces=self.surfaces,
                ),
                surfaces=self.surfaces,
            )
        return Caller(self.organization_id, public_id("api_key", self.api_key_id), surface)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it can be listed: the hint is its last four characters."""

    id: UUID
    name: str
    key_hint: str
    scopes: list[str]
    surfaces: list[str]
    created_at: datetime
    last_used_on: date | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key at the one moment when it can be shown."""

    id: UUID
    key: str

    def __repr__(self) -> str:
        return f"NewApiKey(id={self.id})"
