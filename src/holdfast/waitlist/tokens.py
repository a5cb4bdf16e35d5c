"""The one-time token in the link of an offer. The record keeps its hash; whoever sends the message makes it anew.

A token is the offer's id under the server's secret, so it need not be carried from where the offer is made to where the
message is sent: a worker that dies between the two loses nothing, and no token ever lies in a job or in the log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final
from uuid import UUID

from holdfast.errors import NotFound

_PREFIX: Final = "offer_"
_SHAPE: Final = re.compile(r"offer_[A-Za-z0-9_-]{43}")


class OfferTokens:
    """Makes tokens with the server's secret; used up when the offer has its answer."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"holdfast offer tokens\0" + secret).digest()

    def token(self, offer_id: UUID) -> str:
        """``offer_`` and 256 bits in URL-safe base64: what the link to this offer carries."""
        digest = hmac.digest(self._key, offer_id.bytes, hashlib.sha256)
        return _PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def hash_of(token: str) -> bytes:
    """What the record keeps of a token. Raises NotFound for text that cannot be one."""
    if not _SHAPE.fullmatch(token):
        raise NotFound("This is not the link of an offer: use the whole link from the message.")
    return hashlib.sha256(token.encode()).digest()
