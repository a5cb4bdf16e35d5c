"""Whatever is sent, the answer is a problem of one shape, never a 500, and nothing half-done stays behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from holdfast.http.limits import BODY_BYTES_MAX
from tests.http.houses import ADA, House, assert_is_problem, assert_problem, made, visit
from tests.http.server import raw

JSON = {"Content-Type": "application/json"}
NOBODY = "0" * 32
BAD_NAMES = {
    "empty": "",
    "blank": "   ",
    "NUL": "a\0b",
    "newline": "a\nb",
    "escape": "\x1b[31mred",
    "lone surrogate": "\ud800",
    "right-to-left override": "ann\u202egnp.exe",
    "isolate": "a\u2066b",
    "too long": "a" * 201,
}
BAD_STARTS = [
    "",
    "tomorrow",
    "2027-03-06",
    "2027-02-30T10:00",
    "2027-03-06T25:00",
    "2027-03-06T10:00:60",
    "2027-03-06 10:00 PM",
    "10000-01-01T00:00Z",
    "0000-01-01T00:00Z",
    "1969-12-31T23:59Z",
    "2200-01-01T00:00Z",
    "2027-03-06T10:00+25:00",
    "２０２７-03-06T10:00Z",
    "2027-03-06T10:00\0Z",
    20270306,
    None,
    ["2027-03-06T10:00Z"],
]


def sent(house: House, body: Any, path: str = "/v1/holds") -> httpx.Response:
    """JSON as Python writes it, which includes what a careful client library would refuse to send."""
    return house.manager.post(path, content=json.dumps(body), headers=JSON)


def at_rest(house: House) -> list[Any]:
    """Everything a refused request must leave as it was."""
    tables = ("hold", "claim", "appointment", "client", "block", "event", "idempotency")
    with house.clinic.desk.connection.transaction():
        house.clinic.desk.act()
        query = " union all ".join(f"select '{table}', count(*) from holdfast.{table}" for table in tables[:-1])
        return house.clinic.desk.connection.execute(query).fetchall()  # type: ignore[call-overload]


@pytest.fixture
def untouched(spa: House) -> Iterator[None]:
    before = at_rest(spa)
    yield
    assert at_rest(spa) == before


@pytest.mark.usefixtures("untouched")
class TestBodies:
    @pytest.mark.parametrize(
        ("content", "status", "code"),
        [
            (b"", 422, "invalid"),
            (b"null", 422, "invalid"),
            (b"[]", 422, "invalid"),
            (b'"hold"', 422, "invalid"),
            (b"{", 400, "malformed"),
            (b"{} {}", 400, "malformed"),
            (b'{"service":"\xff"}', 400, "malformed"),
            (b"[" * 20_000, 400, "malformed"),
            (b"[" * 20_000 + b"]" * 20_000, 400, "malformed"),
            (b'{"resources":' + b'{"a":' * 8_000 + b"1" + b"}" * 8_001, 400, "malformed"),
            (b'{"ttl_seconds":' + b"9" * 50_000 + b"}", 400, "malformed"),
            (b'{"ttl_seconds":NaN}', 422, "invalid"),
            (b'{"ttl_seconds":1e999}', 422, "invalid"),
        ],
    )
    def test_what_cannot_be_read(self, spa: House, content: bytes, status: int, code: str) -> None:
        assert_problem(spa.desk.post("/v1/holds", content=content, headers=JSON), status, code)

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense", ""]
    )
    def test_another_content_type(self, spa: House, day: Callable[[], datetime], kind: str) -> None:
        content = json.dumps(visit(day()))
        assert_problem(
            spa.desk.post("/v1/holds", content=content, headers={"Content-Type": kind} if kind else {}), 415, "not-json"
        )

    def test_too_large_announced_or_not(self, spa: House) -> None:
        body = b" " * (BODY_BYTES_MAX + 1)
        assert_problem(spa.desk.post("/v1/holds", content=body, headers=JSON), 413, "too-large")

        def dribbled() -> Iterator[bytes]:
            for start in range(0, len(body), 1000):
                yield body[start : start + 1000]

        assert_problem(spa.desk.post("/v1/holds", content=dribbled(), headers=JSON), 413, "too-large")
        assert_problem(spa.desk.request("GET", "/v1/locations", content=dribbled(), headers=JSON), 413, "too-large")

    def test_as_large_as_allowed_is_read(self, spa: House) -> None:
        assert_problem(spa.desk.post("/v1/holds", content=b" " * BODY_BYTES_MAX, headers=JSON), 400, "malformed")

    @pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
    def test_names_that_cannot_be_read(self, spa: House, day: Callable[[], datetime], name: str) -> None:
        body = assert_problem(sent(spa, visit(day(), client={"name": name}), "/v1/appointments"), 422, "invalid")
        assert [each["pointer"] for each in body["errors"]] == ["/client/name"]
        assert name.strip() == "" or name not in json.dumps(body)

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("ttl_seconds", -1),
            ("ttl_seconds", 0),
            ("ttl_seconds", 10**30),
            ("ttl_seconds", "soon"),
            ("ttl_seconds", True),
            ("ttl_seconds", 1.5),
            ("resources", []),
            ("resources", {"device": []}),
            ("resources", {"device": [["laser"]]}),
            ("resources", {"DEVICE": "laser"}),
            ("resources", {"device": "a\0b"}),
            ("resources", {f"r{n}": "laser" for n in range(30)}),
            ("resources", {"device": ["laser"] * 51}),
            ("surface", "system"),
            ("surface", "Desk"),
            ("service", {"id": 1}),
            ("service", "x" * 65),
            ("start_time", "now"),
            ("__proto__", {}),
            ("client", ADA),
        ],
    )
    def test_members_of_the_wrong_kind(
        self, spa: House, day: Callable[[], datetime], member: str, value: object
    ) -> None:
        assert_problem(sent(spa, visit(day()) | {member: value}), 422, "invalid")

    @pytest.mark.parametrize("start", BAD_STARTS)
    def test_starts_that_are_no_moment(self, spa: House, start: object) -> None:
        assert_problem(sent(spa, {"service": "laser", "location": "main", "start": start}), 422, "invalid")

    @pytest.mark.parametrize(
        "client",
        [
            {},
            {"id": None},
            {"name": "Ada", "id": "cli_" + NOBODY},
            {"name": "Ada", "email": "not an address"},
            {"name": "Ada", "email": "a@" + "b" * 300 + ".org"},
            {"name": "Ada", "phone": "555 0100"},
            {"name": "Ada", "phone": "+1 " + "5" * 60},
            {"name": "Ada", "birthday": "1815-12-10"},
        ],
    )
    def test_clients_that_are_nobody(self, spa: House, day: Callable[[], datetime], client: object) -> None:
        assert_problem(sent(spa, visit(day(), client=client), "/v1/appointments"), 422, "invalid")

    @pytest.mark.parametrize(
        "change",
        [
            {},
            {"hold_id": "hld_" + NOBODY, "start": "2027-03-06T10:00Z"},
            {"start": "2027-03-06T10:00Z", "note": "x" * 2001},
            {"start": "2027-03-06T10:00Z", "overbook": {}},
            {"start": "2027-03-06T10:00Z", "overbook": {"reason": "x"}},
        ],
    )
    def test_appointments_that_contradict_themselves(self, spa: House, change: dict[str, Any]) -> None:
        body = {"service": "laser", "location": "main", "client": ADA} | change
        assert_problem(sent(spa, body, "/v1/appointments"), 422, "invalid")

    @pytest.mark.parametrize(
        ("resources", "reason"),
        [
            ({"docter": "ana"}, "unknown_role"),
            ({"provider": ["ana", "ben"]}, "too_many_chosen"),
        ],
    )
    def test_a_choice_that_no_role_takes_books_nobody_else(
        self, spa: House, day: Callable[[], datetime], resources: dict[str, Any], reason: str
    ) -> None:
        body = assert_problem(sent(spa, visit(day(), resources=resources)), 422, "not-bookable")
        assert body["reason"] == reason
        booked = sent(spa, visit(day(), resources=resources, client=ADA), "/v1/appointments")
        assert assert_problem(booked, 422, "not-bookable")["reason"] == reason


@pytest.mark.usefixtures("untouched")
class TestWhen:
    def test_filters_need_an_offset(self, spa: House) -> None:
        for path in ("appointments", "blocks", "collisions"):
            for name in ("from", "to"):
                answer = spa.manager.get(f"/v1/{path}", params={name: "2027-03-06T10:00"})
                assert "offset" in assert_problem(answer, 422, "invalid")["detail"]

    @pytest.mark.parametrize("days", [-3650, -500, 1097, 36_500])
    def test_far_from_now(self, spa: House, day: Callable[[], datetime], days: int) -> None:
        body = assert_problem(sent(spa, visit(day() + timedelta(days=days))), 422, "not-bookable")
        assert body["reason"] in ("out_of_reach", "too_soon", "too_far")

    @pytest.mark.parametrize("minutes", [0, -60, 60 * 24 * 367])
    def test_blocks_that_end_wrong(self, spa: House, day: Callable[[], datetime], minutes: int) -> None:
        start = day()
        end = start + timedelta(minutes=minutes)
        block = {"resource": "ana", "start": start.isoformat(), "end": end.isoformat()}
        assert_problem(sent(spa, block, "/v1/blocks"), 422, "invalid")

    def test_blocks_need_offsets_that_are_moments(self, spa: House) -> None:
        for start in BAD_STARTS:
            block = {"resource": "ana", "start": start, "end": "2027-03-06T10:00Z"}
            assert_problem(sent(spa, block, "/v1/blocks"), 422, "invalid")


@pytest.mark.usefixtures("untouched")
class TestAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            "/v1/nothing",
            "/v1/holds/",
            "/v1/locations/",
            "//v1/locations",
            "/v1/holds/hld_1",
            "/v1/holds/apt_" + NOBODY,
            "/v1/holds/hld_" + NOBODY,
            "/v1/holds/HLD_" + NOBODY,
            "/v1/holds/hld_" + "9" * 5000,
            "/v1/holds/%00",
            "/v1/holds/%ed%a0%80",
            "/v1/holds/%2e%2e%2fblocks",
            "/v1/resources/a%00b",
            "/v1/resources/%F0%9F%94%A5",
            "/v1/resources/res_" + NOBODY,
            "/v1/services/nothing",
            "/v1/locations/loc_" + NOBODY,
            "/v1/appointments/apt_" + NOBODY,
            "/v1/blocks/blk_" + NOBODY,
            "/problems/nothing",
            "/v1/appointments?resource=nothing",
            "/v1/appointments?location=a%00b",
            "/v1/appointments?resource=%ed%a0%80",
            "/v1/collisions?resource=nothing",
        ],
    )
    def test_nothing_there(self, spa: House, path: str) -> None:
        response = spa.manager.get(path)
        assert response.status_code in (404, 422), response.text
        assert_is_problem(response)

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=201",
            "limit=ten",
            "limit=" + "9" * 5000,
            "limit=1&limit=2",
            "limt=5",
            "from=yesterday",
            "from=2027-03-06T10:00:00 05:00",
            "state=asleep",
            "client=ada",
            "cursor=%00",
            "cursor=AGE",
            "cursor=zzzz",
            "cursor=" + "A" * 201,
            "cursor=MjAyNwpu",
            "%00=1",
        ],
    )
    def test_queries_that_mean_nothing(self, spa: House, query: str) -> None:
        response = spa.manager.get(f"/v1/appointments?{query}")
        assert response.status_code in (404, 422), response.text
        assert_is_problem(response)

    @pytest.mark.parametrize("path", ["/v1/locations", "/v1/blocks", "/v1/holds/hld_" + NOBODY, "/v1/api-keys"])
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE"])
    def test_other_methods(self, spa: House, method: str, path: str) -> None:
        response = spa.manager.request(method, path)
        assert_problem(response, 405, "method-not-allowed")
        assert "GET" in response.headers["allow"]
        assert "HEAD" in response.headers["allow"]
        assert method not in response.headers["allow"]

    def test_allow_names_every_method_of_the_address(self, spa: House) -> None:
        assert spa.manager.put("/v1/holds/hld_" + NOBODY).headers["allow"] == "DELETE, GET, HEAD"
        assert spa.manager.put("/v1/holds").headers["allow"] == "POST"

    def test_head_is_get_without_its_content(self, spa: House) -> None:
        for path in ("/healthz", "/v1/locations", "/docs", "/problems/slot-taken"):
            head, get = spa.manager.head(path), spa.manager.get(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == get.headers["content-length"]
            assert head.headers["content-type"] == get.headers["content-type"]
        assert spa.manager.head("/v1/events").headers["content-type"].startswith("text/event-stream")
        missing = spa.manager.head("/v1/holds/hld_" + NOBODY)
        assert (missing.status_code, missing.content) == (404, b"")
        assert spa.manager.head("/v1/holds").status_code == 405


class TestKeys:
    @pytest.mark.parametrize(
        "value",
        [None, "", "Bearer", "Basic aGY6aGY=", "Bearer hf_desk_0", "Bearer " + "x" * 9000, "Bearer \xff\xfe"],
    )
    def test_no_key_or_none_that_is_known(self, server: str, value: str | None) -> None:
        headers = {} if value is None else {"Authorization": value.encode("latin-1")}
        assert_problem(httpx.get(f"{server}/v1/locations", headers=headers), 401, "unauthorized")

    def test_a_key_of_the_right_shape_that_nobody_has(self, server: str) -> None:
        headers = {"Authorization": "Bearer hf_desk_" + "0" * 64}
        assert_problem(httpx.get(f"{server}/v1/locations", headers=headers), 401, "unauthorized")

    def test_scopes(self, spa: House, day: Callable[[], datetime]) -> None:
        start = day()
        body = visit(start)
        block = {"resource": "ana", "start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        refused = [
            spa.reader.post("/v1/holds", json=body),
            spa.reader.post("/v1/appointments", json=body | {"client": ADA}),
            spa.widget.get("/v1/appointments"),
            spa.widget.get("/v1/blocks"),
            spa.widget.get("/v1/collisions"),
            spa.desk.post("/v1/blocks", json=block),
            spa.desk.get("/v1/api-keys"),
            spa.desk.post("/v1/resources/ana/retire"),
            spa.desk.post("/v1/appointments", json=body | {"client": ADA, "overbook": {"reason": "she insists"}}),
            spa.desk.post("/v1/holds", json=body | {"surface": "widget"}),
        ]
        for response in refused:
            assert_problem(response, 403, "forbidden")

    def test_a_booking_key_learns_nothing_of_who_is_known_here(self, spa: House, day: Callable[[], datetime]) -> None:
        start = day()
        known = spa.book(start, client=ADA | {"phone": "+1 512 555 0100"})
        told = made(spa.widget.post("/v1/appointments", json=visit(start + timedelta(hours=2), client=ADA)))
        assert told["client"] == {"id": None, "name": "Ada Byron", "email": "ada@example.org", "phone": None}
        assert made(spa.desk.get(f"/v1/appointments/{told['id']}"))["client"] == known["client"]
        by_id = visit(start + timedelta(hours=4), client={"id": known["client"]["id"]})
        assert_problem(spa.widget.post("/v1/appointments", json=by_id), 403, "forbidden")


class TestWire:
    """What no client library sends."""

    def test_lines_that_are_not_http_never_reach_the_application(self, server: str) -> None:
        for request in (b"HELLO\r\n\r\n", b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            assert raw(server, request).startswith(b"HTTP/1.1 400 ")

    @pytest.mark.parametrize("host", [b"[", b'a"b', b"<script>", b"evil.example", b""])
    def test_odd_hosts_are_answered_all_the_same(self, server: str, host: bytes) -> None:
        answer = raw(server, b"GET /v1/locations HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 "))

    def test_two_keys_for_one_request(self, spa: House) -> None:
        headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
        assert_problem(spa.desk.post("/v1/holds", json={}, headers=headers), 422, "invalid")
