"""The receiver that comes along: what it says of a message that is genuine, forged, old or known."""

from __future__ import annotations

import socket
import time

import pytest

from holdfast.cli.listen import describe, listen, secret_bytes
from holdfast.config import load_settings
from holdfast.errors import Invalid, SetupRefused
from holdfast.webhooks.signing import new_secret, sign, written

KEY = new_secret()
BODY = b'{"type":"appointment.booked","sequence":1,"data":{"id":"apt_1"}}'


def headers(key: bytes, *, age: int = 0) -> dict[str, str]:
    timestamp = int(time.time()) - age
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign([new_secret(), key], "evt_1", timestamp, BODY),
    }


def test_a_genuine_message_is_verified_and_a_repeat_is_told() -> None:
    known: set[str] = set()
    first, again = (describe(headers(KEY), BODY, secret_bytes(written(KEY)), known) for _ in range(2))
    assert first[:3] == ["appointment.booked apt_1 sequence 1", "  evt_1", "  signature verified"]
    assert first[3].strip().encode() == BODY
    assert again[0].endswith("(again: this id came before)")


@pytest.mark.parametrize(
    ("given", "body", "said"),
    [
        (headers(new_secret()), BODY, "no signature is by this secret"),
        (headers(KEY), BODY + b" ", "no signature is by this secret"),
        (headers(KEY, age=400), BODY, "more than five minutes off"),
        ({}, b"\xff", "more than five minutes off"),
    ],
)
def test_anything_else_is_refused(given: dict[str, str], body: bytes, said: str) -> None:
    assert said in describe(given, body, KEY, set())[2]


def test_a_mistake_is_said_in_words() -> None:
    with pytest.raises(Invalid, match="whsec_"):
        secret_bytes("whsec_nonsense!")
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SetupRefused, match="Choose another --port"):
        listen(port=taken.getsockname()[1], secret=None, answer=204)


def test_the_waits_between_attempts_are_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_WEBHOOK_RETRY_SECONDS", "2, 5,10")
    assert load_settings().webhook_retry_seconds == (2.0, 5.0, 10.0)
    for wrong in ("0", "-1", "soon", "1e9"):
        monkeypatch.setenv("HOLDFAST_WEBHOOK_RETRY_SECONDS", wrong)
        with pytest.raises(SetupRefused, match="HOLDFAST_WEBHOOK_RETRY_SECONDS"):
            load_settings()
