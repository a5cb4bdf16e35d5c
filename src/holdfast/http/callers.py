"""Who is asking: the API key, what it may do, on which surface, and, for strangers, which visitor and network."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from holdfast.access.model import PUBLIC_SURFACES, Principal, Scope
from holdfast.access.service import authenticate
from holdfast.booking.model import Visitor
from holdfast.db.transact import Caller, Record
from holdfast.errors import Invalid, Unauthorized

# A key is looked up again after this long, so a revoked key works at most this much longer on a server that saw it.
KEY_MEMORY_SECONDS: Final = 2.0
KEY_MEMORY_SIZE: Final = 10_000

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer hf_…`")


class KeyRing:
    """Authenticates keys, remembering those that were valid a moment ago. Unknown keys are never remembered."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._known: dict[str, tuple[float, Principal]] = {}

    async def principal(self, key: str) -> Principal:
        """The principal of a key. Raises Unauthorized."""
        known = self._known.get(key)
        now = time.monotonic()
        if known is not None and now - known[0] < KEY_MEMORY_SECONDS:
            return known[1]
        self._known.pop(key, None)
        principal = await authenticate(self._record, key)
        if len(self._known) >= KEY_MEMORY_SIZE:
            self._known.clear()
        self._known[key] = (now, principal)
        return principal

    def forget(self, api_key_id: UUID) -> None:
        """Look this key up anew from now on."""
        self._known = {key: seen for key, seen in self._known.items() if seen[1].api_key_id != api_key_id}


async def _principal(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
) -> Principal:
    if credentials is None:
        raise Unauthorized("Send an API key: Authorization: Bearer hf_…")
    keys: KeyRing = request.app.state.keys
    return await keys.principal(credentials.credentials)


AnyKey = Annotated[Principal, Depends(_principal)]


def _needing(*scopes: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    async def check(principal: AnyKey) -> Principal:
        for scope in scopes:
            principal.require(scope)
        return principal

    return check


ReadKey = Annotated[Principal, Depends(_needing("read"))]
BookKey = Annotated[Principal, Depends(_needing("book"))]
# To change an appointment one must be allowed to see it: a public booking key cannot.
ChangeKey = Annotated[Principal, Depends(_needing("read", "book"))]
ManageKey = Annotated[Principal, Depends(_needing("manage"))]


async def _searching(principal: AnyKey) -> Principal:
    if "book" not in principal.scopes:
        principal.require("read")
    return principal


# Whoever may book may see what can be booked.
SearchKey = Annotated[Principal, Depends(_searching)]


def visitor_of(request: Request, caller: Caller, holdfast_visitor: str | None) -> Visitor:
    """Whom to count holds against on a public surface; nobody on the others.

    The visitor is what the page says (a random id in the visitor's browser); the network is the /24 or /56 the request
    came from. Both are kept as keyed hashes only.
    """
    if caller.surface not in PUBLIC_SURFACES:
        return Visitor()
    secret: bytes = request.app.state.secret
    network = network_of(request)
    return Visitor(
        visitor=_keyed(secret, caller, "visitor", holdfast_visitor) if holdfast_visitor else None,
        network=_keyed(secret, caller, "network", network) if network else None,
    )


def network_of(request: Request) -> str | None:
    """The /24 or /56 that the request came from; None when nobody knows."""
    return _network(request.client.host) if request.client else None


def _keyed(secret: bytes, caller: Caller, label: str, value: str) -> bytes:
    return hmac.digest(secret, f"{caller.organization_id}:{label}:{value}".encode(), hashlib.sha256)[:16]


def _network(host: str) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if mapped := getattr(address, "ipv4_mapped", None):
        address = mapped
    kept = 3 if address.version == 4 else 7  # /24; /56, what one household is given
    return address.packed[:kept].hex()


async def _visitor_header(
    holdfast_visitor: Annotated[
        str | None,
        Header(max_length=128, description="On public surfaces: a random id kept in the visitor's browser."),
    ] = None,
) -> str | None:
    if holdfast_visitor is not None and not holdfast_visitor.isprintable():
        raise Invalid("Holdfast-Visitor has printable characters only.")
    return holdfast_visitor


VisitorHeader = Annotated[str | None, Depends(_visitor_header)]
