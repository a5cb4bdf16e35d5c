"""Events of clients and API keys. The subject is the client or the key."""

from __future__ import annotations

from holdfast.log.facts import Facts


class ClientAdded(Facts):
    """Somebody booked for the first time."""

    types = ("client.added",)


class ClientChanged(Facts):
    """How they are called or reached was changed."""

    types = ("client.changed",)
    revision: int


class ApiKeyCreated(Facts):
    """A key may act on these surfaces within these scopes."""

    types = ("api_key.created",)
    scopes: tuple[str, ...]
    surfaces: tuple[str, ...]


class ApiKeyRevoked(Facts):
    """A key may act no more."""

    types = ("api_key.revoked",)
