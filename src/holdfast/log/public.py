"""What outsiders are told of an event, on the live feed and by webhooks: ids and times, never a client's data.

A receiver that wants more asks the API by id, with its own key, and gets the present state: an event is a hint.
"""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from holdfast.ids import KINDS, public_id
from holdfast.log.events import CATALOGUE
from holdfast.log.facts import Facts

# The kinds of subject that outsiders can ask for by id; the first word of an event's type.
_PUBLIC_NOUNS: Final = frozenset(
    {"appointment", "hold", "visit", "series", "block", "busy", "collision", "location", "resource", "service", "pool"}
)
# What is told of an event's facts, when it has them. A closed list: a new fact is private until it is added here.
_PUBLIC_FACTS: Final = (
    "hold_id", "visit_id", "series_id", "service_id", "location_id", "resource_id", "starts_at", "ends_at",
    "expires_at", "from_location_id", "from_resource_id", "from_starts_at", "from_state", "revision", "overbook",
    "moved", "displaced",
)  # fmt: skip
TEST_TYPE: Final = "webhook_endpoint.tested"


def _noun(type: str) -> str:
    return type.partition(".")[0]


PUBLIC_TYPES: Final = frozenset(type for type, _ in CATALOGUE if _noun(type) in _PUBLIC_NOUNS)


def public_subject(type: str, subject_id: UUID) -> str:
    """The public id of what an event of ``type`` is about: ``apt_…`` for ``appointment.booked``."""
    return public_id(_noun(type), subject_id)


def public_facts(data: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that outsiders are told, with public ids. Instants stay ISO 8601 in UTC."""
    return {name: _public(name, data[name]) for name in _PUBLIC_FACTS if data.get(name) is not None}


def _public(name: str, value: Any) -> Any:
    if not name.endswith("_id"):
        return value
    kind = name.removesuffix("_id").removeprefix("from_")
    return public_id(kind, UUID(str(value)))


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the log; they compare in commit order."""

    transaction_id: int
    event_id: int


class EventNames:
    """Public names of events (``evt_…``) and positions, made from the server's secret.

    Numbers in the log count every organization's events, so they are encrypted: one 16-byte block each, a permutation.
    The same event has the same name for ever, and after a restore, when numbers are drawn again for other events, the
    epoch in the name tells them apart; a name that we did not make is recognised.
    """

    def __init__(self, secret: bytes) -> None:
        key = hashlib.sha256(b"holdfast event names\0" + secret).digest()
        # One block by itself: ECB's weakness, equal blocks in one message, cannot arise.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
        self._encryptor = self._cipher.encryptor()  # each whole block stands for itself, so one serves for all

    def event(self, organization_id: UUID, event_id: int, epoch: int) -> str:
        """``evt_`` and 32 hexadecimal digits. ``epoch``: in which the event was written."""
        block = epoch.to_bytes(3) + event_id.to_bytes(5) + organization_id.bytes[:8]
        return f"{KINDS['event']}_{self._encrypt(block)}"

    def position(self, position: Position, cluster_id: int) -> str:
        """An opaque place in the log of this database cluster."""
        block = _mark(cluster_id) + position.transaction_id.to_bytes(6) + position.event_id.to_bytes(6)
        return self._encrypt(block)

    def read_position(self, text: str, cluster_id: int) -> Position | None:
        """The place that ``position`` named; None for anything else, and for a place in another cluster's log."""
        try:
            block = bytes.fromhex(text)
        except ValueError:
            return None
        if len(block) != 16:
            return None
        decryptor = self._cipher.decryptor()
        plain = decryptor.update(block) + decryptor.finalize()
        if plain[:4] != _mark(cluster_id):
            return None
        return Position(int.from_bytes(plain[4:10]), int.from_bytes(plain[10:]))

    def _encrypt(self, block: bytes) -> str:
        return self._encryptor.update(block).hex()


def _mark(cluster_id: int) -> bytes:
    return hashlib.sha256(cluster_id.to_bytes(8, signed=True)).digest()[:4]


def catalogue_as_markdown() -> str:
    """The table of what outsiders can be told of: type, version, what it means, which facts come with it."""
    lines = ["| type | version | what happened | `data` beside `id` |", "|---|---|---|---|"]
    for (type, version), facts in sorted(CATALOGUE.items()):
        if type in PUBLIC_TYPES:
            told = ", ".join(f"`{name}`" for name in _PUBLIC_FACTS if name in facts.model_fields)
            lines.append(f"| `{type}` | {version} | {_sentence(type, facts)} | {told or '–'} |")
    return "\n".join(lines) + "\n"


def _sentence(type: str, facts: builtins.type[Facts]) -> str:
    noun, _, verb = type.partition(".")
    if verb in ("added", "changed", "removed") and facts.__doc__ is None:
        return f"A {noun} of the catalog was {verb}."
    return " ".join((facts.__doc__ or "").split("\n\n")[0].split()).replace("``", "`")
