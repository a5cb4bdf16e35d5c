"""Signatures as Standard Webhooks has them: HMAC-SHA256 over ``id.timestamp.body``, version ``v1``."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32  # the specification allows 24 to 64
_NONCE_BYTES: Final = 12


def new_secret() -> bytes:
    """A fresh signing secret."""
    return secrets.token_bytes(SECRET_BYTES)


def written(secret: bytes) -> str:
    """The secret as receivers are given it: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(secret).decode()


def sign(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header: one entry a key, so that a receiver may know either while a secret is rotated.

    ``timestamp``: Unix seconds of this attempt. ``message_id`` holds no full stop.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)


class WrongServerSecret(Exception):
    """A stored secret cannot be read; the message says what to put right."""


class SecretBox:
    """Encrypts signing secrets at rest (AES-GCM), each bound to its endpoint: a copied one decrypts nowhere else."""

    def __init__(self, server_secret: bytes) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"holdfast webhook secrets").derive(server_secret)
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, endpoint_id: UUID) -> bytes:
        """The secret for the database."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, endpoint_id.bytes)

    def open(self, sealed: bytes, endpoint_id: UUID) -> bytes:
        """The secret again. Raises WrongServerSecret when it was sealed with another."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], endpoint_id.bytes)
        except InvalidTag:
            raise WrongServerSecret(
                "This worker's HOLDFAST_SECRET_KEY is not the one with which the signing secret was stored."
            ) from None
