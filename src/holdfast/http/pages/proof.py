"""Proof of work, asked of those alone who hold more than people do: a browser counts for a moment before it may hold.

The record says how suspicious a visitor is (``visitors.suspicion``). The challenge is signed with a key made from the
installation's secret, ends soon, and names the browser and what it held last: solved elsewhere, late, or a second time
it is worth nothing, and nothing has to be remembered.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Final

import altcha
from fastapi import Request, Response

from holdfast.booking import visitors
from holdfast.booking.visitors import Suspicion
from holdfast.db.transact import Transaction
from holdfast.http.pages.booking_site import Site
from holdfast.http.pages.browser import TOKEN_FIELD

FIELD: Final = "proof"
LENGTH_MAX: Final = 4000
VALID_SECONDS: Final = 300
# Two bytes of zeros are 65,536 tries on average; each level doubles the hashes of a try. Checking costs one try.
KEY_PREFIX: Final = "0000"
# The minutes that the record looks back: whoever waits is as everybody else again.
FORGOTTEN_MINUTES: Final = 10
# Somebody, or their browser, filled the field that no person sees.
HONEY_LEVEL: Final = 2


class ProofNeeded(Exception):
    """Nothing was done. ``challenge`` is for the browser to solve (JSON)."""

    def __init__(self, challenge: str) -> None:
        self.challenge = challenge
        super().__init__("A proof of work is needed.")


async def require_proof(tx: Transaction, site: Site, proof: str, *, level: int = 0) -> None:
    """Raises ProofNeeded when the visitor is suspicious (``level``: at least so much) and ``proof`` is not good."""
    seen = await visitors.suspicion(tx, site.visitor)
    level = max(level, seen.level)
    if level and not _is_good(site, seen, proof):
        raise ProofNeeded(challenge_for(site, seen, level))


def challenge_for(site: Site, seen: Suspicion, level: int, *, valid_seconds: int = VALID_SECONDS) -> str:
    """A challenge of this browser's, as JSON."""
    made = altcha.create_challenge(
        algorithm="SHA-256",
        cost=2**level,
        key_prefix=KEY_PREFIX,
        expires_at=int(time.time()) + valid_seconds,
        data=_bound_to(site, seen),
        hmac_secret=_key(site),
    )
    return json.dumps(made.to_dict())


async def ask(site: Site, request: Request, needed: ProofNeeded) -> Response:
    """The page on which the browser solves it and sends its form again; without a script, what else can be done."""
    form = await request.form()
    fields = {name: value for name, value in form.items() if name not in (FIELD, TOKEN_FIELD)}
    response = site.page(
        "booking/proof.html", status=429, fields=fields, challenge=needed.challenge, minutes=FORGOTTEN_MINUTES
    )
    response.headers["Retry-After"] = str(FORGOTTEN_MINUTES * 60)
    return response


def _is_good(site: Site, seen: Suspicion, proof: str) -> bool:
    try:
        payload = altcha.Payload.from_base64(proof)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    bound = payload.challenge.parameters.data == _bound_to(site, seen)
    return bound and altcha.verify_solution(payload, _key(site)).verified


def _bound_to(site: Site, seen: Suspicion) -> dict[str, str]:
    visitor = site.visitor.visitor or b""
    return {"visitor": visitor.hex(), "after": str(seen.last_hold_id or "")}


def _key(site: Site) -> bytes:
    secret: bytes = site.request.app.state.secret
    return hmac.digest(secret, b"proof of work", hashlib.sha256)
