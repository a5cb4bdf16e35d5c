"""Endpoints, deliveries and the live feed as a client of the API meets them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from holdfast.access.service import create_api_key
from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from tests.clinic import CLIENT, Clinic
from tests.storm.test_http_record import serving
from tests.webhooks.receiver import Receiver, listening
from tests.webhooks.test_delivery import until
from tests.worker.running import SECRET, system_of, worker_settings, working

Json = dict[str, Any]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as one:
        yield one


async def key_for(record: Record, spa: Clinic, *scopes: str) -> dict[str, str]:
    made = await record.transact(
        system_of(spa), lambda tx: create_api_key(tx, name="Test", scopes=scopes, surfaces=["desk"])
    )
    return {"Authorization": f"Bearer {made.key}"}


@pytest.fixture
async def manager(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application with a manager's key, in this process."""
    app = build_app(database.app, secret=SECRET, webhook_allowed_hosts=[receiver.host])
    async with app.router.lifespan_context(app):
        yield httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://test", headers=await key_for(record, spa, "manage")
        )


async def test_from_an_endpoint_to_a_dead_letter_to_its_retry(
    database: DatabaseUrls, spa: Clinic, manager: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await manager.post("/v1/webhooks", json={"url": receiver.url, "events": ["appointment.*"]})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    address = made.headers["location"]
    assert "secret" not in (await manager.get(address)).json()

    async def dead() -> list[Json]:
        listed: Json = (await manager.get("/v1/deliveries", params={"state": "dead"})).json()
        return list(listed["items"])

    async def one_is_dead() -> bool:
        return len(await dead()) == 1

    async def none_is_dead() -> bool:
        return not await dead() and len(receiver.received) == 4

    receiver.answer = lambda _: (500, {})
    async with working(worker_settings(database, receiver)):
        spa.book("consult", 0)
        await until(one_is_dead)
        (letter,) = await dead()
        assert letter["cause"] == "Their server answered 500: something is broken there."
        shown = (await manager.get(f"/v1/deliveries/{letter['id']}")).json()
        assert shown["message"] == receiver.received[0].json
        assert [one["status"] for one in shown["attempts"]] == [500, 500, 500]
        assert shown["attempts"][0]["response"] == "what the receiver said"

        receiver.answer = lambda _: (200, {})
        since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        retried = await manager.post("/v1/deliveries/retry_dead", json={"since": since})
        assert retried.json() == {"deliveries": 1}
        await until(none_is_dead)
    assert {one.id for one in receiver.received} == {letter["event"]}


async def test_a_secret_is_never_stored_and_a_repeated_request_does_nothing_twice(
    manager: httpx.AsyncClient, receiver: Receiver, admin: psycopg.Connection[Any]
) -> None:
    ask, key = {"url": receiver.url, "events": ["*"]}, {"Idempotency-Key": "k"}
    made = await manager.post("/v1/webhooks", json=ask, headers=key)
    again = await manager.post("/v1/webhooks", json=ask, headers=key)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json() == made.json() | {"secret": None}
    rotated = [await manager.post(made.headers["location"] + "/rotate_secret", headers=key) for _ in range(2)]
    assert rotated[0].json()["secret"] not in (None, made.json()["secret"])
    assert rotated[1].json()["secret"] is None
    kept = [body for (body,) in admin.execute("select body from holdfast.idempotency").fetchall()]
    assert len(kept) == 2
    for shown in (made, rotated[0]):
        assert not any(shown.json()["secret"].encode() in body for body in kept)


@pytest.mark.parametrize(
    "ask",
    [
        {"url": "http://10.0.0.1/", "events": ["*"]},
        {"url": "https://127.0.0.1/", "events": ["*"]},
        {"url": "https://example.com/", "events": ["appointment.exploded"]},
        {"url": "https://example.com/", "events": ["client.*"]},
        {"url": "https://example.com/", "events": []},
        {"url": "https://example.com/", "events": ["*"], "secret": "mine"},
    ],
)
async def test_what_makes_no_sense_is_refused(manager: httpx.AsyncClient, ask: Json) -> None:
    refused = await manager.post("/v1/webhooks", json=ask)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"


async def test_an_endpoint_is_changed_disabled_and_removed(manager: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await manager.post("/v1/webhooks", json={"url": receiver.url, "events": ["*"]})
    address = made.headers["location"]
    changed = await manager.patch(address, json={"events": ["hold.*"], "enabled": False})
    assert (changed.json()["events"], changed.json()["status"]) == (["hold.*"], "disabled")
    assert (await manager.post(address + "/test")).status_code == 409
    assert (await manager.patch(address, json={"enabled": True})).json()["status"] == "active"
    tested = (await manager.post(address + "/test")).json()
    assert tested["type"] == "webhook_endpoint.tested"
    failed = [await manager.post(f"/v1/deliveries/{tested['id']}/fail") for _ in range(2)]
    assert [one.status_code for one in failed] == [200, 409]
    assert failed[0].json()["state"] == "dead"
    assert (await manager.get(address)).json()["dead"] == 1
    span = {"since": "2027-03-06T14:00:00Z", "until": "2027-03-06T15:00:00Z"}
    assert (await manager.post(address + "/replay", json=span)).json() == {"deliveries": 0}
    assert (await manager.post(address + "/replay", json=span | {"until": "2027-03-06T15:00:00"})).status_code == 422
    assert (await manager.delete(address)).status_code == 204
    assert (await manager.get(address)).status_code == 404
    assert (await manager.get("/v1/webhooks")).json() == {"items": []}
    (left,) = (await manager.get("/v1/deliveries")).json()["items"]
    assert (left["state"], left["discard_reason"]) == ("discarded", "The endpoint was removed.")
    assert (await manager.post(f"/v1/deliveries/{left['id']}/retry")).status_code == 404


async def test_only_managers_see_endpoints_and_only_readers_the_feed(
    manager: httpx.AsyncClient, record: Record, spa: Clinic
) -> None:
    book = await key_for(record, spa, "book")
    for address in ("/v1/webhooks", "/v1/deliveries", "/v1/events"):
        assert (await manager.get(address, headers=book)).status_code == 403


async def test_the_live_feed_over_http_goes_on_after_the_last_event_id(
    database: DatabaseUrls, record: Record, spa: Clinic
) -> None:
    headers = await key_for(record, spa, "read")
    with serving(database) as url:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            async with client.stream("GET", "/v1/events") as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                assert stream.headers["cache-control"] == "no-store"
                lines = stream.aiter_lines()
                ready = await message(lines)
                assert ready["event"] == "ready"
                spa.book("consult", 0)
                told = [await message(lines) for _ in range(2)]
            assert [json.loads(one["data"])["type"] for one in told] == ["hold.placed", "appointment.booked"]
            assert not any(word in str(told) for word in CLIENT.values())
            spa.book("consult", 60)
            again = {"Last-Event-ID": told[0]["id"]}
            async with client.stream("GET", "/v1/events", headers=again) as stream:
                lines = stream.aiter_lines()
                heard = [json.loads((await message(lines))["data"]) for _ in range(3)]
            assert heard[0]["id"] == json.loads(told[1]["data"])["id"]
            assert [one["type"] for one in heard] == ["appointment.booked", "hold.placed", "appointment.booked"]
            async with client.stream("GET", "/v1/events", headers={"Last-Event-ID": "0" * 32}) as stream:
                assert (await message(stream.aiter_lines()))["event"] == "reset"
            # a stream that stands open does not keep the server from stopping
            standing = await client.send(client.build_request("GET", "/v1/events"), stream=True)
    await standing.aclose()


async def message(lines: AsyncIterator[str]) -> dict[str, str]:
    """The next message of a stream, without comments."""
    found: dict[str, str] = {}
    async for line in lines:
        if not line and found:
            return found
        name, _, value = line.partition(": ")
        if name:
            found[name] = value
    raise AssertionError("the stream ended")
