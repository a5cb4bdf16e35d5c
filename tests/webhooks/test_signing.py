"""Signatures against the published vector and the reference library; secrets at rest."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from holdfast.webhooks.signing import SecretBox, WrongServerSecret, new_secret, sign, written

KEY = b"k" * 24


def test_the_published_vector() -> None:
    assert written(KEY) == "whsec_a2tra2tra2tra2tra2tra2tra2tra2tr"
    signature = sign([KEY], "msg_1", 1767225600, b'{"type":"booking.confirmed"}')
    assert signature == "v1,wBWZIi23hsRAXVXSj68Jf1fQ9gMmjzDCCyqQ/uqhMFs="


def test_the_vector_that_other_implementations_publish() -> None:
    """From the reference libraries of Standard Webhooks and of Svix: whoever verifies those verifies ours."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert written(key) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(key=st.binary(min_size=24, max_size=64), body=st.text(), timestamp=st.integers(0, 4_000_000_000))
def test_the_reference_library_signs_alike(key: bytes, body: str, timestamp: int) -> None:
    reference = Webhook(written(key)).sign("evt_1", datetime.fromtimestamp(timestamp, UTC), body)
    assert sign([key], "evt_1", timestamp, body.encode()) == reference


def test_during_a_rotation_either_secret_verifies() -> None:
    old, new = new_secret(), new_secret()
    now = int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign([new, old], "evt_1", now, b"{}"),
    }
    for secret in (old, new):
        assert Webhook(written(secret)).verify(b"{}", headers) == {}


def test_a_sealed_secret_opens_only_for_its_endpoint_and_with_the_servers_secret() -> None:
    box, endpoint, secret = SecretBox(b"s" * 32), uuid4(), new_secret()
    sealed = box.seal(secret, endpoint)
    assert box.open(sealed, endpoint) == secret
    assert secret not in sealed
    assert box.seal(secret, endpoint) != sealed
    for other in (lambda: box.open(sealed, uuid4()), lambda: SecretBox(b"t" * 32).open(sealed, endpoint)):
        with pytest.raises(WrongServerSecret):
            other()


def test_secrets_have_the_length_that_the_specification_allows() -> None:
    assert 24 <= len(base64.b64decode(written(new_secret()).removeprefix("whsec_"))) <= 64
