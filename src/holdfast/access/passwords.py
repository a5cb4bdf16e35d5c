"""Passwords: what is accepted, hashed with Argon2id (RFC 9106) off the event loop, two at a time."""

from __future__ import annotations

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from holdfast.errors import Invalid

LENGTH_MIN: Final = 10
LENGTH_MAX: Final = 200
_HASHER: Final = PasswordHasher()  # the library's defaults are RFC 9106's second choice: 64 MiB, three passes
# Each hash takes 64 MiB: a burst of sign-ins waits rather than fill the memory.
_TURNS: Final = asyncio.Semaphore(2)
# Checked when there is no such person, so that the time an answer takes does not tell.
_NOBODY: Final = _HASHER.hash("nobody has this password")


async def hash_password(password: str, *, about: str = "") -> str:
    """The Argon2id hash, salted. ``about`` is the person's e-mail address: a password must not repeat it.

    Raises Invalid for one that is too short, too long, one character over and over, or the address.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise Invalid("A password has 10 to 200 characters.", field="password")
    if len(set(password)) < 4 or password.lower() == about.lower():
        raise Invalid("This password is too easy to guess.", field="password")
    async with _TURNS:
        return await asyncio.to_thread(_HASHER.hash, password)


async def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether they belong together; None, for nobody, costs the same time and never matches."""
    async with _TURNS:
        matches = await asyncio.to_thread(_verify, password_hash or _NOBODY, password[:LENGTH_MAX])
    return matches and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
