"""Object-level authorisation (S1): every route with the ids of another organization, for every kind of key.

A foreign id must be answered exactly as an id that nobody has: not even its existence may show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from holdfast.ids import KINDS, parse_id, public_id
from tests.http.houses import ADA, ROLES, House, made, visit
from tests.postgres import superuser_url

NOBODY = "0" * 32
# The id that each path parameter takes; a reference may be of several kinds, by the path it stands in.
PARAMETERS = {
    "hold_id": "hold",
    "visit_id": "visit",
    "series_id": "series",
    "appointment_id": "appointment",
    "block_id": "block",
    "collision_id": "collision",
    "key_id": "api_key",
    "webhook_id": "webhook_endpoint",
    "delivery_id": "delivery",
    "entry_id": "waitlist_entry",
    "service": "service",
    "offer_id": "offer",
    "message_id": "message",
}


TABLES = (
    "hold",
    "visit",
    "series",
    "appointment",
    "block",
    "claim",
    "resource",
    "unit",
    "collision",
    "waitlist_entry",
    "offer_detail",
    "message",
)


@pytest.fixture(scope="module")
def theirs(module_database: DatabaseUrls, rival: House, day: Callable[[], datetime]) -> dict[str, str]:
    """One thing of each kind that the other organization has."""
    start = day()
    appointment = rival.book(start)
    end = start + timedelta(hours=2)
    block = made(rival.manager.post("/v1/blocks", json=block_of("ben", end)))
    rival.clinic.desk(
        "record_busy",
        resource_id=rival.clinic.resources["ana"],
        source="their calendar",
        external_id="1",
        start=start + timedelta(minutes=10),
        end=start + timedelta(minutes=50),
    )
    collision = made(rival.manager.get("/v1/collisions"))["items"][0]
    entry = made(rival.manager.post("/v1/waitlist", json={"client": ADA, "services": ["laser"], "locations": ["main"]}))
    offered = rival.manager.post(f"/v1/waitlist/{entry['id']}/offer", json=visit(start + timedelta(hours=6)))
    key = made(rival.manager.get("/v1/api-keys"))["items"][-1]
    webhook = made(rival.manager.post("/v1/webhooks", json={"url": "https://hooks.example.org/", "events": ["*"]}))
    delivery = made(rival.manager.post(f"/v1/webhooks/{webhook['id']}/test"))
    return {
        "appointment": appointment["id"],
        "hold": rival.hold(start + timedelta(hours=4))["id"],
        "visit": made(rival.desk.post("/v1/visits", json=visit_of(start + timedelta(hours=8))))["id"],
        "series": made(rival.desk.post("/v1/series", json=series_of(start + timedelta(days=60))))["id"],
        "client": appointment["client"]["id"],
        "block": block["id"],
        "collision": collision["id"],
        "api_key": key["id"],
        "webhook_endpoint": webhook["id"],
        "delivery": delivery["id"],
        "waitlist_entry": entry["id"],
        "offer": made(offered)["id"],
        "message": message_to(module_database, rival, appointment),
        "location": public_id("location", rival.clinic.location_id),
        "service": public_id("service", rival.clinic.services["laser"]),
        "resource": rival.resource_id("ana"),
    }


def visit_of(start: datetime) -> dict[str, Any]:
    return {"location": "main", "services": ["consult", "consult"], "start": start.isoformat()}


def series_of(start: datetime) -> dict[str, Any]:
    rule = {"first": start.date().isoformat(), "every_weeks": 1}
    return {"location": "main", "services": ["consult"], "rule": rule, "count": 2}


def message_to(database: DatabaseUrls, house: House, appointment: dict[str, Any]) -> str:
    """A message that waits to be sent; the worker, which is not running here, would have planned it."""
    with psycopg.connect(superuser_url(database), autocommit=True) as admin:
        row = admin.execute(
            """insert into holdfast.message
                 (organization_id, appointment_id, client_id, kind, occasion, due_at, next_attempt_at, created_at)
               values (%s, %s, %s, 'confirmation', 1, now(), now(), now()) returning id""",
            (
                house.clinic.organization_id,
                parse_id("appointment", appointment["id"]),
                parse_id("client", appointment["client"]["id"]),
            ),
        ).fetchone()
    assert row is not None
    return public_id("message", row[0])


def requests_with(
    document: dict[str, Any], ids: Callable[[str], str], start: datetime
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of the API with an id in its path, its query or its body."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in re.findall(r"{(\w+)}", path):
                if parameter in ("kind", "language"):
                    continue  # words, not ids
                kind = PARAMETERS.get(parameter) or path.split("/")[2].removesuffix("s")
                yield method, path.replace(f"{{{parameter}}}", ids(kind)), {"json": body_for(path, ids, start)}
            names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
            for name in set(names) & {"resource", "location", "client", "service", "provider", "prefer"}:
                needed = {"service": "laser"} if "services" in names else {}
                needed |= {"start": start.isoformat(), "location": "main"} if "start" in names else {}
                kind = "resource" if name in ("provider", "prefer") else name
                yield method, path, {"params": needed | {name: ids(kind)}}
    laser = visit(start)
    for member, kind in (("service", "service"), ("location", "location")):
        yield "post", "/v1/holds", {"json": laser | {member: ids(kind)}}
    yield "post", "/v1/holds", {"json": laser | {"resources": {"provider": ids("resource")}}}
    pair = visit_of(start)
    for more in ({"location": ids("location")}, {"services": [ids("service")]}, {"prefer": [ids("resource")]}):
        yield "post", "/v1/visits", {"json": pair | more}
    yield "post", "/v1/visits", {"json": pair | {"resources": {"provider": ids("resource")}}}
    for more in ({"location": ids("location")}, {"services": [ids("service")]}, {"prefer": [ids("resource")]}):
        yield "post", "/v1/series", {"json": series_of(start) | more}
        yield "post", "/v1/series/propose", {"json": series_of(start) | more}
    one = {"service": "consult", "start": start.isoformat(), "resources": {"provider": ids("resource")}}
    yield "post", "/v1/visits", {"json": {"location": "main", "appointments": [one]}}
    yield "post", "/v1/appointments", {"json": {"hold_id": ids("hold"), "client": {"name": "Eve"}}}
    yield "post", "/v1/appointments", {"json": laser | {"client": {"id": ids("client")}}}
    yield "post", "/v1/blocks", {"json": block_of(ids("resource"), start)}
    yield "post", "/v1/resources/ben/merge", {"json": {"into": ids("resource")}}
    yield "post", "/v1/waitlist", {"json": {"appointment": ids("appointment")}}
    waits = {"services": ["laser"], "locations": ["main"], "client": {"name": "Eve"}}
    yield "post", "/v1/waitlist", {"json": waits | {"services": [ids("service")]}}
    yield "post", "/v1/waitlist", {"json": waits | {"providers": [ids("resource")]}}
    yield "post", "/v1/waitlist", {"json": waits | {"client": {"id": ids("client")}}}


def body_for(path: str, ids: Callable[[str], str], start: datetime) -> dict[str, Any] | None:
    last = path.rpartition("/")[2]
    return {
        "reschedule": {"start": start.isoformat()},
        "confirm": {"client": {"name": "Eve"}},
        "capacity": {"capacity": 2},
        "merge": {"into": ids("resource")},
        "resolve": {"resolution": "mine now"},
        "discard": {"reason": "mine now"},
        "replay": {"since": start.isoformat()},
        "offer": visit(start),
        "override": {"client": {"name": "Eve"}},
    }.get(last)


def block_of(resource: str, start: datetime) -> dict[str, str]:
    return {"resource": resource, "start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}


def ids_in(text: str) -> set[str]:
    return set(re.findall(r"\b[a-z]{3}_[0-9a-f]{32}\b", text))


def told(response: httpx.Response) -> tuple[int, str]:
    """What an answer says, with every id and instant taken out."""
    text = re.sub(r"\b[a-z]{3}_[0-9a-f]{32}\b", "ID", response.text)
    return response.status_code, re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+([+-]\d\d:\d\d|Z)", "TIME", text)


@pytest.mark.parametrize("role", ROLES)
def test_an_id_of_another_organization_is_an_id_of_nobody(
    spa: House, rival: House, theirs: dict[str, str], day: Callable[[], datetime], role: str
) -> None:
    document = spa.manager.get("/openapi.json").json()
    before = everything_of(rival)
    start = day()
    client = getattr(spa, role)
    foreign = list(requests_with(document, lambda kind: theirs[kind], start))
    unknown = list(requests_with(document, lambda kind: f"{KINDS[kind]}_{NOBODY}", start))
    assert len(foreign) == len(unknown) > 40
    for (method, path, body), (_, none, nothing) in zip(foreign, unknown, strict=True):
        answer, expected = client.request(method, path, **body), client.request(method, none, **nothing)
        assert told(answer) == told(expected), (role, method, path)
        assert answer.status_code in (200, 403, 404, 422), (role, method, path, answer.text)
        if answer.status_code == 200:  # a search, which found nothing of theirs
            assert method == "get", path
            assert not set(theirs.values()) & ids_in(answer.text), (method, path)
    assert everything_of(rival) == before


@pytest.mark.parametrize("role", ROLES)
def test_lists_show_ones_own_alone(spa: House, rival: House, theirs: dict[str, str], role: str) -> None:
    document = spa.manager.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        # the feed has tests of its own: it does not end
        if "get" in operations and "{" not in path and "availability" not in path and path != "/v1/events":
            shown = getattr(spa, role).get(path)
            assert not set(theirs.values()) & ids_in(shown.text), (role, path)


def test_one_idempotency_key_in_two_organizations_is_two_requests(
    spa: House, rival: House, day: Callable[[], datetime]
) -> None:
    body, headers = visit(day()), {"Idempotency-Key": "the-same"}
    mine = made(spa.desk.post("/v1/holds", json=body, headers=headers))
    other = made(rival.desk.post("/v1/holds", json=body, headers=headers))
    assert mine["id"] != other["id"]
    assert mine["service"] != other["service"]


def test_control_without_row_security_the_leak_is_seen(
    module_database: DatabaseUrls, spa: House, rival: House, theirs: dict[str, str]
) -> None:
    """The matrix would notice: with the policy and the query's own filter away, the foreign block is served."""
    mine = spa.manager.get(f"/v1/blocks/{theirs['block']}")
    assert mine.status_code == 404
    policy = "alter policy own_organization on holdfast.block using ({})"
    real = "organization_id = holdfast.current_organization()"
    with psycopg.connect(superuser_url(module_database), autocommit=True) as admin:
        stolen = (
            "create or replace function holdfast.current_organization() returns uuid language sql stable parallel safe "
            "return '{}'::uuid"
        )
        honest = (
            "create or replace function holdfast.current_organization() returns uuid language sql stable parallel safe "
            "return nullif(current_setting('holdfast.organization_id', true), '')::uuid"
        )
        admin.execute(policy.format("true"))
        admin.execute(stolen.format(rival.clinic.organization_id))
        try:
            assert spa.manager.get(f"/v1/blocks/{theirs['block']}").status_code == 200
        finally:
            admin.execute(honest)
            admin.execute(policy.format(real))
    assert spa.manager.get(f"/v1/blocks/{theirs['block']}").status_code == 404


def everything_of(house: House) -> str:
    """What the organization has, as it stands."""
    rows = {
        table: house.clinic.desk.read(f"select to_jsonb(t) as row from holdfast.{table} t order by 1")
        for table in TABLES
    }
    return json.dumps(rows, default=str)
