"""Requests to addresses that tenants choose: hostile ones reach nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address

import pytest

from holdfast.errors import Invalid
from holdfast.webhooks.outbound import RESPONSE_BYTES_MAX, Answer, Outbound, Unreachable, check_url, is_public
from holdfast.webhooks.schedule import DELAYS_SECONDS, RETRY_AFTER_SECONDS_MAX, retry_in_seconds
from holdfast.webhooks.sending import judge
from tests.webhooks.receiver import Receiver, listening

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.127.255.254", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "2002:7f00:1::", "2001::1", "64:ff9b:1::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
HOSTILE = [
    "", "x", "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "https://",
    "https://user:pass@example.com/", "https://example.com:22/", "https://example.com:6379/", "https://example.com:0/",
    "https://example.com:99999/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "https://[fd00::1]/",
    "https://exam ple.com/",
    "https://example.com\\@127.0.0.1/", "https://example.com/\r\nHost: x", "https://\u2488example.com/",
    "javascript:alert(1)",
    "https://example..com/h", "https://.example.com/h", f"https://{'a' * 64}.com/", f"https://{'a.' * 127}com/",
    "https://-example.com/", "https://exa$mple.com/",
    "https://[::", "//example.com/", "https:/example.com", "https://0.0.0.0/", "https://[64:ff9b::7f00:1]/",
]  # fmt: skip
# Ways to write 127.0.0.1 that only the resolver sees through; and a name that is loopback everywhere.
DISGUISED = ["https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://0177.0.0.1/", "https://localhost/"]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as one:
        yield one


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_told(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_told(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(Invalid):
        check_url(url)


@pytest.mark.parametrize("url", [*HOSTILE, *DISGUISED])
async def test_a_hostile_url_is_refused_when_it_is_used(url: str) -> None:
    async with Outbound() as outbound:
        with pytest.raises(Unreachable):
            await outbound.post(url, {}, b"")


def test_an_allowed_host_may_be_private_and_plain() -> None:
    assert check_url("http://receiver.internal:9000/x", {"receiver.internal:9000"})
    assert check_url("http://receiver.internal:9000/x", {"receiver.internal"})
    with pytest.raises(Invalid):
        check_url("http://receiver.internal:9001/x", {"receiver.internal:9000"})


async def test_a_name_that_turns_private_after_it_was_checked_reaches_nothing(receiver: Receiver) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"]])
    asked = 0

    async def rebinding(host: str, port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return next(answers)

    url = f"https://rebind.example:{8443}/"
    async with Outbound(resolver=rebinding, timeout_seconds=2) as outbound:
        assert check_url(url) == url
        for _ in range(4):
            with pytest.raises(Unreachable):
                await outbound.post(url, {}, b"")
    assert asked == 4, "resolved once for each connection, and the connection goes to what was resolved"
    assert receiver.connections == 0


async def test_the_connection_goes_to_the_checked_address_and_the_name_is_not_asked_again(receiver: Receiver) -> None:
    """The negative control of the one above: an allowed host does get through by the address that was resolved."""
    asked: list[str] = []

    async def once(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    url = f"http://no-such-name.invalid:{receiver.port}/"
    async with Outbound({f"no-such-name.invalid:{receiver.port}"}, resolver=once) as outbound:
        assert (await outbound.post(url, {"webhook-id": "x"}, b"{}")).status == 204
    assert asked == ["no-such-name.invalid"]
    assert receiver.connections == 1


async def test_a_redirect_is_not_followed_and_a_long_answer_is_cut(receiver: Receiver) -> None:
    receiver.answer = lambda _: (302, {"location": receiver.url})
    async with Outbound({receiver.host}) as outbound:
        answer = await outbound.post(receiver.url, {}, b"")
    assert (answer.status, len(receiver.received)) == (302, 1)
    assert len(answer.body) <= RESPONSE_BYTES_MAX


async def test_a_server_that_does_not_answer_is_given_up(receiver: Receiver) -> None:
    receiver.gate.clear()
    async with Outbound({receiver.host}, timeout_seconds=0.1) as outbound:
        with pytest.raises(Unreachable, match=r"did not answer within 0\.1 seconds"):
            await outbound.post(receiver.url, {}, b"")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "delivered"), (204, "delivered"), (301, "failed"), (400, "failed"), (410, "gone"), (503, "failed")],
)
def test_what_an_answer_means(status: int, outcome: str) -> None:
    judged = judge(Answer(status, {}, b"\x00<b>said\xff", 3))
    assert judged.outcome == outcome
    assert (judged.cause is None) == (outcome == "delivered")
    assert judged.response == "\ufffd<b>said\ufffd"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120.0), ("soon", None), (None, None), ("-5", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    headers = {} if header is None else {"retry-after": header}
    assert judge(Answer(429, headers, b"", 3)).retry_after_seconds == seconds


def test_the_schedule_ends_after_ten_attempts_and_retry_after_lengthens_it_within_bounds() -> None:
    waits = [retry_in_seconds(attempt) for attempt in range(1, 11)]
    assert waits[-1] is None
    for wait, delay in zip(waits[:-1], DELAYS_SECONDS, strict=True):
        assert wait is not None
        assert delay * 0.8 <= wait <= delay * 1.2
    assert retry_in_seconds(1, 3600) == 3600
    assert retry_in_seconds(1, 10**9) == RETRY_AFTER_SECONDS_MAX
    long = retry_in_seconds(5, 1)
    assert long is not None
    assert long > 3600
