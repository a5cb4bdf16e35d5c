"""Secrets that must be read again (unlike passwords): sealed with AES-GCM and bound to the row that holds them.

The key is derived from the installation's secret, outside the database, so a dump opens nothing; the row is associated
data, so a sealed secret that is moved to another row does not open either.
"""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from holdfast.errors import Bug

NONCE_BYTES: Final = 12


class Seal:
    """Seals for one ``purpose`` (``"totp"``); ``secret`` is the installation's."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=f"holdfast {purpose}".encode()).derive(secret)
        self._cipher = AESGCM(key)

    def close(self, plain: bytes, organization_id: UUID, row_id: UUID) -> bytes:
        """The sealed secret: a fresh nonce and what only this row's ``open`` reads."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, organization_id.bytes + row_id.bytes)

    def open(self, sealed: bytes, organization_id: UUID, row_id: UUID) -> bytes:
        """The secret. Raises Bug when it was sealed with another key, for another row, or changed."""
        try:
            return self._cipher.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], organization_id.bytes + row_id.bytes
            )
        except InvalidTag:
            raise Bug(rule="a_sealed_secret_opens") from None
