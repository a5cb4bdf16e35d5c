"""The waitlist over HTTP: joining as a stranger, the desk's view, and answering by the link without any key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from holdfast.access.service import create_api_key
from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from holdfast.waitlist.tokens import OfferTokens
from tests.clinic import at
from tests.waitlist.line import Line

SECRET = b"only-for-tests, thirty-two bytes"


@pytest.fixture
async def http(database: DatabaseUrls) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(database.app, secret=SECRET, pool_size=2)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as one:
        yield one


async def key(line: Line, *scopes: str, surface: str) -> dict[str, str]:
    made = await line.record.transact(
        line.desk, lambda tx: create_api_key(tx, name=surface, scopes=scopes, surfaces=[surface])
    )
    return {"Authorization": f"Bearer {made.key}"}


async def test_from_joining_to_the_answer(line: Line, http: httpx.AsyncClient) -> None:
    widget = await key(line, "book", surface="widget")
    desk = await key(line, "read", "book", surface="desk")
    taken = line.clinic.book("facial", 0)
    wish: dict[str, Any] = {"services": ["facial"], "locations": ["main"], "client": {"name": "W", "email": "w@x.org"}}

    assert (await http.post("/v1/waitlist", json=wish | {"priority": 9}, headers=widget)).status_code == 403
    joined = await http.post("/v1/waitlist", json=wish, headers=widget)
    assert joined.status_code == 201, joined.text
    assert (await http.get("/v1/waitlist", headers=widget)).status_code == 403
    [listed] = (await http.get("/v1/waitlist", headers=desk)).json()["items"]
    assert listed == joined.json()

    line.clinic.desk("cancel", appointment_id=taken["id"], revision=None)
    offer = await line.one_round()
    [shown] = (await http.get("/v1/waitlist/offers", headers=desk)).json()["items"]
    assert (shown["state"], shown["entry"]) == ("open", joined.json()["id"])
    assert "first in line" in shown["why"]

    token = OfferTokens(SECRET).token(offer.id)
    seen = await http.post("/v1/offers/look", json={"token": token})
    assert (seen.status_code, seen.json()["state"]) == (200, "open")
    assert "W" not in seen.json().values()
    grab = {"service": "facial", "location": "main", "start": at(0).isoformat()}
    refused = await http.post("/v1/holds", json=grab, headers=widget)
    assert refused.json()["type"].endswith("slot-taken")
    theft = {"hold_id": f"hld_{offer.hold_id.hex}", "client": {"name": "T", "email": "t@x.org"}}
    assert (await http.post("/v1/appointments", json=theft, headers=desk)).json()["type"].endswith("state-refused")

    yes = await http.post("/v1/offers/accept", json={"token": token}, headers={"Idempotency-Key": "tap"})
    assert (yes.status_code, yes.json()["state"]) == (200, "accepted")
    again = await http.post("/v1/offers/accept", json={"token": token})
    assert again.json()["confirmation_code"] == yes.json()["confirmation_code"]
    rates = (await http.get("/v1/waitlist/rates", headers=desk)).json()["items"]
    assert rates[0]["filled"] == 1


async def test_a_late_tap_is_told_what_became_of_it_and_what_else_there_is(line: Line, http: httpx.AsyncClient) -> None:
    taken = line.clinic.book("facial", 0)
    await line.join(1, "facial")
    line.clinic.desk("cancel", appointment_id=taken["id"], revision=None)
    offer = await line.one_round()
    line.run_out(offer)
    line.clinic.book("facial", 0)
    late = await http.post("/v1/offers/accept", json={"token": OfferTokens(SECRET).token(offer.id)})
    assert (late.status_code, late.json()["state"]) == (410, "lapsed")
    assert len(late.json()["alternatives"]) == 3


async def test_the_desk_overrides_and_nobody_guesses_a_token(line: Line, http: httpx.AsyncClient) -> None:
    desk = await key(line, "read", "book", surface="desk")
    taken = line.clinic.book("facial", 0)
    await line.join(1, "facial")
    line.clinic.desk("cancel", appointment_id=taken["id"], revision=None)
    offer = await line.one_round()
    for token in ("offer_" + "A" * 43, "x", ""):
        assert (await http.post("/v1/offers/accept", json={"token": token})).status_code == 404

    client = {"name": "Known", "phone": "+1 512 555 0100"}
    path = f"/v1/waitlist/offers/off_{offer.id.hex}/override"
    booked = await http.post(path, json={"client": client}, headers=desk)
    assert booked.status_code == 201, booked.text
    told = await http.post("/v1/offers/accept", json={"token": OfferTokens(SECRET).token(offer.id)})
    assert (told.status_code, told.json()["state"]) == (410, "overridden")
    assert (await http.post(path, json={"client": client}, headers=desk)).status_code == 410


async def test_a_policy_is_read_and_replaced_unless_somebody_was_faster(line: Line, http: httpx.AsyncClient) -> None:
    http.headers.update(await key(line, "manage", surface="desk"))
    address = "/v1/waitlist/policies/facial"
    before = await http.get(address)
    assert before.json()["mode"] == "first_in_line"
    changed = await http.put(
        address, json={"mode": "priority", "quiet_from": "22:00"}, headers={"if-match": before.headers["etag"]}
    )
    assert (changed.status_code, changed.json()["mode"], changed.json()["quiet_from"]) == (200, "priority", "22:00:00")
    assert changed.headers["etag"] != before.headers["etag"]
    late = await http.put(address, json={"mode": "best_value"}, headers={"if-match": before.headers["etag"]})
    assert late.status_code == 412
    assert (await http.get(address)).json() == changed.json()
    assert (await http.put(address, json={"offer_minutes_min": 9, "offer_minutes_max": 5})).status_code == 422
    assert (await http.get("/v1/waitlist/policies/nothing")).status_code == 404
