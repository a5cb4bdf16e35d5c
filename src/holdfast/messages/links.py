"""Links that act for one client without signing in: what they may do is in them, signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from holdfast.messages.model import Channel

PATH: Final = "/preferences/"
_CHANNELS: Final[tuple[Channel, ...]] = ("email", "sms")
_MAC_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class PreferenceLink:
    """Whose word about which channel a link can give."""

    organization_id: UUID
    client_id: UUID
    channel: Channel


class LinkSigner:
    """Makes and reads preference links with the server's secret. They do not end: an old mail must still opt out."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"holdfast preference links\0" + secret).digest()

    def token(self, link: PreferenceLink) -> str:
        """An opaque word for a URL."""
        body = link.organization_id.bytes + link.client_id.bytes + bytes([_CHANNELS.index(link.channel)])
        return base64.urlsafe_b64encode(body + self._mac(body)).decode().rstrip("=")

    def read(self, token: str) -> PreferenceLink | None:
        """What the link may do; None for one that we did not make."""
        try:
            raw = base64.urlsafe_b64decode(token[:200] + "=" * (-len(token[:200]) % 4))
        except (binascii.Error, ValueError):
            return None
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(body) != 33 or not hmac.compare_digest(mac, self._mac(body)):
            return None
        return PreferenceLink(UUID(bytes=body[:16]), UUID(bytes=body[16:32]), _CHANNELS[body[32]])

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_MAC_BYTES]
