"""Public ids: a three-letter kind, an underscore, and the row's UUID in 32 hexadecimal digits (``apt_0193…``).

The kind makes a mixed-up id an error instead of a wrong answer; plain hexadecimal lets an operator paste it
into SQL.
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from holdfast.errors import NotFound, said

KINDS: Final = {
    "organization": "org",
    "location": "loc",
    "resource": "res",
    "unit": "unt",
    "pool": "pol",
    "service": "svc",
    "hold": "hld",
    "appointment": "apt",
    "visit": "vis",
    "series": "ser",
    "block": "blk",
    "busy": "bsy",
    "client": "cli",
    "staff": "stf",
    "api_key": "key",
    "collision": "col",
    "event": "evt",
    "webhook_endpoint": "whk",
    "delivery": "dlv",
    "message": "msg",
    "waitlist_entry": "wle",
    "waitlist_opening": "wlo",
    "offer": "off",
}
_SHAPE: Final = re.compile(r"([a-z]{3})_([0-9a-f]{32})")


def public_id(kind: str, id: UUID) -> str:
    """``public_id("hold", uuid)`` -> ``"hld_…"``."""
    return f"{KINDS[kind]}_{id.hex}"


def parse_id(kind: str, text: str) -> UUID:
    """The UUID behind a public id of that kind.

    Raises NotFound for anything else: an id of another kind, or no id at all, names nothing here.
    """
    match = _SHAPE.fullmatch(text)
    if match is None or match[1] != KINDS[kind]:
        raise NotFound(
            said(
                "{text!r} is not the id of a {kind}: one looks like {prefix}_ and 32 digits.",
                text=text[:80],
                kind=kind.replace("_", " "),
                prefix=KINDS[kind],
            )
        )
    return UUID(match[2])
