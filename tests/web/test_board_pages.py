"""The day board without a script: what it reads, against the claims; who sees what; blocks, moves and reasons."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import httpx
import psycopg
import pytest

from holdfast.booking.day import Board, Sight, read_board
from holdfast.db.pool import Pool
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import NotFound
from holdfast.http.pages.board_shapes import Picture, picture_of
from holdfast.ids import public_id
from holdfast.wallclock import local_date
from tests.clinic import Clinic, at, open_med_spa
from tests.web.conftest import Served
from tests.web.forms import Forms
from tests.web.people import hire, sign_in

ZONE = "America/New_York"
DAY = local_date(at(0), ZONE)
NEXT = local_date(at(1440), ZONE)


@pytest.fixture(scope="module")
def spa(module_database: DatabaseUrls) -> Iterator[Clinic]:
    """A day with a bit of everything, from 9:00 UTC on."""
    with psycopg.connect(module_database.app, autocommit=True) as connection:
        spa = open_med_spa(connection)
        ana = {"provider": [[str(spa.resources["ana"])]]}
        spa.book("laser", 60, choices=ana)
        spa.book("consult", 200, choices=ana)
        spa.book("consult", 210, choices=ana, overbook_reason="her sister")
        spa.desk("cancel", appointment_id=spa.book("consult", 400)["id"], revision=None)
        spa.hold("laser", 300)
        spa.desk("place_block", resource_id=spa.resources["ben"], start=at(480), end=at(540), reason="Lunch")
        spa.desk(
            "record_busy", resource_id=spa.resources["ana"], source="feed", external_id="x", start=at(200), end=at(240)
        )
        yield spa


def read(database: DatabaseUrls, organization_id: Any, location_id: Any, day: date, sight: Sight) -> Board:
    async def work() -> Board:
        pool = Pool(database.app, size=1)
        await pool.open()
        try:
            caller = Caller(organization_id, "system", "desk")
            return await Record(pool).transact(caller, lambda tx: read_board(tx, location_id, day, sight))
        finally:
            await pool.close()

    return asyncio.run(work())


def test_the_board_shows_every_claim_and_nothing_else(spa: Clinic, module_database: DatabaseUrls) -> None:
    board = read(module_database, spa.organization_id, spa.location_id, DAY, Sight())
    claims = spa.desk.read(
        "select u.resource_id, k.hold_id, lower(k.during) as starts_at, upper(k.during) as ends_at, k.overbook"
        " from holdfast.claim k join holdfast.unit u on u.id = k.unit_id"
        " where k.active and k.hold_id is not null and k.during && tstzrange(%(from)s, %(to)s)",
        **{"from": board.frame.begins_at, "to": board.frame.ends_at},
    )
    shown = [item for item in board.items if item.kind == "visit"]
    assert len(shown) == len(claims) > 5
    assert {(i.resource_id, i.holder_id, i.starts_at, i.ends_at, i.overbook) for i in shown} == {
        (c["resource_id"], c["hold_id"], c["starts_at"], c["ends_at"], c["overbook"]) for c in claims
    }
    assert {item.kind for item in board.items} == {"visit", "block", "busy"}
    assert [item.overbook for item in board.items if item.kind == "busy"] == [True], "it collides with what is booked"
    room = next(i for i in shown if i.role == "room")
    injector = next(i for i in shown if i.role == "provider" and i.holder_id == room.holder_id)
    assert room.starts_at < injector.starts_at, "each as it is: the room is taken for longer"
    assert room.ends_at > injector.ends_at
    assert room.segment_ends_at < room.ends_at, "a buffer is claimed, but not worked"


def test_a_board_takes_at_most_four_queries(spa: Clinic, module_database: DatabaseUrls) -> None:
    async def work() -> list[int]:
        pool = Pool(module_database.app, size=1)
        await pool.open()
        counts = []

        async def counted(tx: Transaction) -> None:
            sent = 0
            rows, value = tx.rows, tx.value

            async def count_rows(*args: Any, **kwargs: Any) -> Any:
                nonlocal sent
                sent += 1
                return await rows(*args, **kwargs)

            async def count_value(*args: Any, **kwargs: Any) -> Any:
                nonlocal sent
                sent += 1
                return await value(*args, **kwargs)

            tx.rows, tx.value = count_rows, count_value  # type: ignore[method-assign]
            await read_board(tx, spa.location_id, DAY, Sight(), days=7)
            counts.append(sent)

        try:
            for _ in range(2):
                await Record(pool).transact(Caller(spa.organization_id, "system", "desk"), counted)
        finally:
            await pool.close()
        return counts

    spa.resource("a-room-more", "room")
    first, second = asyncio.run(work())
    assert first <= 4
    assert second == 3, "the catalog is not read again"


def test_another_organization_sees_nothing_of_it(spa: Clinic, glow: Clinic, module_database: DatabaseUrls) -> None:
    with pytest.raises(NotFound):
        read(module_database, glow.organization_id, spa.location_id, DAY, Sight())
    stolen = glow.desk.all("day_items", resource_ids=list(spa.resources.values()), **{"from": at(-600), "to": at(1440)})
    assert stolen == []
    own = spa.desk.all("day_items", resource_ids=list(spa.resources.values()), **{"from": at(-600), "to": at(1440)})
    assert own, "the same question is answered to whom it belongs"


def test_a_provider_sees_their_own_day_with_the_room_but_nobody_elses(
    spa: Clinic, module_database: DatabaseUrls
) -> None:
    sight = Sight(resource_id=spa.resources["ben"], everybody=False)
    board = read(module_database, spa.organization_id, spa.location_id, DAY, sight)
    assert [column.slug for column in board.columns] == ["ben"]
    own = {item.holder_id for item in board.items if item.resource_id == spa.resources["ben"]}
    assert own
    assert all(item.holder_id in own for item in board.items)
    nobody = read(module_database, spa.organization_id, spa.location_id, DAY, Sight(everybody=False))
    assert not nobody.columns
    assert not nobody.items


def test_a_key_stays_when_an_appointment_moves_and_the_change_is_small(
    spa: Clinic, module_database: DatabaseUrls
) -> None:
    visit = spa.book("consult", 700)
    before = picture_of(read(module_database, spa.organization_id, spa.location_id, DAY, Sight()))
    spa.desk("reschedule", appointment_id=visit["id"], revision=1, start=at(740))
    after = picture_of(read(module_database, spa.organization_id, spa.location_id, DAY, Sight()))
    change = json.loads(before.change_to(after) or "")
    assert [entry["id"] for entry in change["put"]] == [public_id("appointment", visit["id"])]
    assert change["drop"] == []
    assert change["version"] == after.version != before.version
    assert json.loads(after.change_to(after) or "") == {"version": after.version, "put": [], "drop": []}


@pytest.fixture
def reception(forms: Forms, served: Served, spa: Clinic) -> Forms:
    return sign_in(forms, "spa", hire(spa, "Dana", "desk"))


def test_the_day_can_be_read_without_a_script(reception: Forms, spa: Clinic) -> None:
    page = reception.open(f"/desk/day?location=main&date={DAY}").text
    assert "Ada Byron" in page
    assert "Lunch" in page
    assert "Being booked" in page
    assert "/desk/appointments/apt_" in page
    people = reception.open(f"/desk/day?date={DAY}&by=provider").text.partition('class="day-list')[2]
    assert "<h2>room-1" not in people
    assert "<h2>room-1" in reception.open(f"/desk/day?date={DAY}&by=room").text.partition('class="day-list')[2]
    assert reception.open("/desk").url.path == "/desk/day"
    told = reception.client.get(f"/desk/day.json?location=main&date={DAY}").json()
    assert {column["name"] for column in told["columns"]} >= {"ana", "ben", "room-1", "laser"}
    assert {entry["state"] for entry in told["entries"] if entry["kind"] == "visit"} == {"confirmed"}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/desk/day?date=never", 422),
        ("/desk/day?location=nowhere", 404),
        ("/desk/why?start=2026", 422),
        ("/desk/blocks/blk_1", 404),
        ("/desk/blocks/new?resource=nobody", 404),
        ("/desk/list?resource=apt_1", 404),
    ],
)
def test_what_cannot_be_read_is_a_page(reception: Forms, address: str, status: int) -> None:
    answer = reception.open(address)
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_the_week_the_list_and_the_sheet(reception: Forms, spa: Clinic) -> None:
    week = reception.open(f"/desk/week?location=main&date={DAY}").text
    assert "visits" in week
    listed = reception.open(f"/desk/list?location=main&date={DAY}").text
    assert listed.count("apt_") >= 4
    assert "Cancelled" in listed
    reception.send("/desk/list", q="nobody at all")
    assert "No appointments" in reception.page.text
    cancelled = reception.open(f"/desk/list?location=main&date={DAY}&state=cancelled").text
    assert cancelled.count("/desk/appointments/apt_") == 1
    sheet = reception.open(f"/desk/sheet?location=main&date={DAY}").text
    assert sheet.count('class="sheet"') == 2
    assert "Lunch" in sheet


def test_what_is_searched_for_in_the_list_stays_out_of_addresses(reception: Forms, spa: Clinic) -> None:
    reception.open(f"/desk/list?location=main&date={DAY}")
    [form] = [form for form in reception.found if "q" in form.fields]
    assert form.method == "post"
    reception.send("/desk/list", q="ada byron", state="cancelled")
    assert "Ada Byron" in reception.page.text
    assert 'value="ada byron"' in reception.page.text
    assert "ada" not in str(reception.page.url).casefold()
    assert reception.page.text.count("/desk/appointments/apt_") == 1, "the state counts as well"
    everybody = reception.open(f"/desk/list?location=main&date={DAY}&q=nobody").text
    assert "Ada Byron" in everybody, "an address searches for nobody"


def test_a_provider_finds_no_way_around_their_own_day(forms: Forms, served: Served, spa: Clinic) -> None:
    sign_in(forms, "spa", hire(spa, "Ben", "provider", "ben"))
    spa.book("consult", 800, choices={"provider": [[str(spa.resources["ana"])]]},
             client={"name": "Somebody Else", "email": "else@example.org"})  # fmt: skip
    for page in ("day", "day.json", "week", "list", "sheet"):
        for more in ("", "&by=provider", "&by=all", f"&resource={public_id('resource', spa.resources['ana'])}"):
            answer = forms.open(f"/desk/{page}?location=main&date={DAY}{more}")
            assert answer.status_code == 200
            assert "Somebody Else" not in answer.text, page
    assert forms.open(f"/desk/why?start={DAY}T10:00&location=main").status_code == 403
    ana = public_id("resource", spa.resources["ana"])
    assert forms.open(f"/desk/blocks/new?resource={ana}&location=main&start={DAY}T20:00").status_code == 403


def test_a_block_is_placed_seen_and_removed(reception: Forms, spa: Clinic) -> None:
    ana = public_id("resource", spa.resources["ana"])
    reception.open(f"/desk/blocks/new?resource={ana}&location=main&start={DAY}T19:00&end={DAY}T20:00")
    reception.send("/desk/blocks", start=f"{DAY}T19:00", end=f"{DAY}T18:00")
    assert reception.page.status_code == 422
    reception.send("/desk/blocks", start=f"{DAY}T19:00", end=f"{DAY}T20:00", reason="Dentist")
    assert "/desk/blocks/blk_" in str(reception.page.url)
    assert "Dentist" in reception.page.text
    assert "Dentist" in reception.client.get(f"/desk/day?date={DAY}").text
    reception.send("/remove")
    assert "removed" in reception.page.text
    assert "Dentist" not in reception.client.get(f"/desk/day?date={DAY}").text


def test_a_block_is_changed_by_a_form(reception: Forms, spa: Clinic) -> None:
    ana, ben = (public_id("resource", spa.resources[who]) for who in ("ana", "ben"))
    reception.open(f"/desk/blocks/new?location=main&start={NEXT}")
    assert "Whose time?" in reception.page.text, "without a column one is chosen"
    reception.send("/desk/blocks", resource=ana, start=f"{NEXT}T21:00", end=f"{NEXT}T21:30", reason="Tax")
    first = str(reception.page.url)
    page = reception.page.text
    assert f'value="{NEXT}T21:00"' in page
    reception.send(first.rpartition("/")[2], start=f"{NEXT}T21:15", end=f"{NEXT}T22:00", resource=ben, reason="Taxes")
    assert "Taxes" in reception.page.text
    assert "<dd>ben</dd>" in reception.page.text
    assert str(reception.page.url) != first
    assert "was removed" in reception.open(first).text
    standing = spa.desk.read("select reason from holdfast.block where reason like 'Tax%%' and removed_at is null")
    assert standing == [{"reason": "Taxes"}]


def test_a_block_that_cannot_be_changed_stays_as_it_was(reception: Forms, spa: Clinic) -> None:
    ana = public_id("resource", spa.resources["ana"])
    visit = spa.book("consult", 1440 + 770, choices={"provider": [[str(spa.resources["ana"])]]})
    start = local(visit["starts_at"])
    reception.open(f"/desk/blocks/new?location=main&start={NEXT}")
    reception.send("/desk/blocks", resource=ana, start=f"{NEXT}T22:15", end=f"{NEXT}T22:30", reason="Call")
    block = str(reception.page.url)
    reception.send(block.rpartition("/")[2], start=start, end=f"{NEXT}T23:30", reason="Long call")
    assert reception.page.status_code == 409
    assert "Something stands there already" in reception.page.text
    assert 'value="Long call"' in reception.page.text, "what was typed is kept"
    assert "was removed" not in reception.open(block).text


@pytest.mark.parametrize("start", ["", "never", "2026-99-99", "2031-03-04T10:00:00+09:00"])
def test_an_address_that_says_no_time_still_opens_the_form(reception: Forms, spa: Clinic, start: str) -> None:
    ana = public_id("resource", spa.resources["ana"])
    for page in ("blocks/new", "dropout"):
        answer = reception.client.get(f"/desk/{page}", params={"resource": ana, "location": "main", "start": start})
        assert answer.status_code == 200
        assert 'type="datetime-local" value="20' in answer.text


def test_a_block_does_not_go_over_a_booking(reception: Forms, spa: Clinic) -> None:
    ana = public_id("resource", spa.resources["ana"])
    visit = spa.book("consult", 900, choices={"provider": [[str(spa.resources["ana"])]]})
    start = local(visit["starts_at"])
    reception.open(f"/desk/blocks/new?resource={ana}&location=main&start={start}")
    reception.send("/desk/blocks", reason="Late lunch")
    assert reception.page.status_code == 409
    assert "Something stands there already" in reception.page.text
    assert "Late lunch" in reception.page.text, "what was typed is kept"


def test_why_not_says_what_stands_in_the_way_and_never_whose(reception: Forms, spa: Clinic) -> None:
    visit = spa.book("consult", 960, choices={"provider": [[str(spa.resources["ana"])]]})
    ana = public_id("resource", spa.resources["ana"])
    consult = public_id("service", spa.services["consult"])
    start = local(visit["starts_at"])
    taken = reception.open(f"/desk/why?start={start}&location=main&resource={ana}&service={consult}").text
    assert "1 booked" in taken
    assert "nearest time that works" in taken
    assert "Ada" not in taken.partition("<main")[2]
    ben = public_id("resource", spa.resources["ben"])
    free = reception.open(f"/desk/why?start={start}&location=main&resource={ben}&service={consult}").text
    assert "can be booked" in free


def test_why_not_is_asked_without_a_cell(reception: Forms, spa: Clinic) -> None:
    page = reception.open(f"/desk/why?location=main&start={DAY}").text
    assert 'name="start"' in page
    assert "Anybody and anything" in page
    assert reception.page.status_code == 200
    assert reception.open("/desk/why").status_code == 200


def local(instant: datetime) -> str:
    from holdfast.wallclock import to_local

    return to_local(instant, ZONE).strftime("%Y-%m-%dT%H:%M")


def drag(forms: Forms, appointment: str, revision: int | None, **body: Any) -> httpx.Response:
    forms.open(f"/desk/day?date={DAY}")
    token = forms.page.text.partition('data-token="')[2].partition('"')[0]
    headers = {"x-form-token": token, "origin": str(forms.client.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    if revision is not None:
        headers["if-match"] = f'"{revision}"'
    return forms.client.post(f"/desk/appointments/{appointment}/drag", json=body, headers=headers)


def test_a_drag_needs_the_revision_that_was_seen(reception: Forms, spa: Clinic) -> None:
    visit = spa.book("consult", 1020)
    id = public_id("appointment", visit["id"])
    assert drag(reception, id, None, start=local(at(1050))).status_code == 422
    moved = drag(reception, id, 1, start=local(at(1050)))
    assert (moved.status_code, moved.json()["revision"]) == (200, 2)
    late = drag(reception, id, 1, start=local(at(1080)))
    assert late.status_code == 412
    assert "Somebody changed" in late.json()["detail"]


def test_a_drag_onto_a_booking_is_refused_with_three_alternatives(reception: Forms, spa: Clinic) -> None:
    ana, ben = spa.resources["ana"], spa.resources["ben"]
    spa.book("consult", 1100, choices={"provider": [[str(ana)]]})
    visit = spa.book("consult", 1100, choices={"provider": [[str(ben)]]})
    id = public_id("appointment", visit["id"])
    body = {"start": local(at(1100)), "role": "provider", "resource": public_id("resource", ana),
            "from_resource": public_id("resource", ben)}  # fmt: skip
    refused = drag(reception, id, 1, **body)
    assert refused.status_code == 409
    assert len(refused.json()["alternatives"]) == 3
    assert spa.desk.read("select revision from holdfast.appointment where id = %(id)s", id=visit["id"]) == [
        {"revision": 1}
    ]
    to_ana = drag(reception, id, 1, **{**body, "start": local(at(1150))})
    assert to_ana.status_code == 200
    claims = spa.desk.read(
        "select u.resource_id from holdfast.claim k join holdfast.unit u on u.id = k.unit_id"
        " join holdfast.appointment a on a.hold_id = k.hold_id where a.id = %(id)s and k.active",
        id=visit["id"],
    )
    assert claims == [{"resource_id": ana}]


def test_undoing_a_move_puts_everything_back_as_it_was(reception: Forms, spa: Clinic) -> None:
    """The room has to change with the time; afterwards the old room is wanted again, not any."""

    def where() -> list[str]:
        rows = spa.desk.read(
            "select r.slug::text as slug from holdfast.claim k join holdfast.unit u on u.id = k.unit_id"
            " join holdfast.resource r on r.id = u.resource_id join holdfast.appointment a on a.hold_id = k.hold_id"
            " where a.id = %(id)s and k.active order by 1",
            id=visit["id"],
        )
        return [row["slug"] for row in rows]

    start = 2 * 1440
    rooms = [spa.resources["room-1"], spa.resources["room-2"]]
    spa.desk("place_block", resource_id=rooms[0], start=at(start + 100), end=at(start + 300), reason="Paint")
    visit = spa.book("laser", start, choices={"room": [[str(rooms[0])]]})
    before = where()
    assert "room-1" in before
    id = public_id("appointment", visit["id"])
    moved = drag(reception, id, 1, start=local(at(start + 160)))
    assert moved.status_code == 200, moved.text
    assert "room-2" in where()
    told = moved.json()["before"]
    assert datetime.fromisoformat(told["start"]) == visit["starts_at"]
    undone = drag(reception, id, 2, **told)
    assert undone.status_code == 200, undone.text
    assert where() == before


def test_a_change_of_the_hours_tells_the_whole_day(spa: Clinic, module_database: DatabaseUrls) -> None:
    picture = picture_of(read(module_database, spa.organization_id, spa.location_id, DAY, Sight()))
    wider = Picture({**picture.head, "hours": [9, 10]}, picture.entries)
    assert wider.version != picture.version
    assert picture.change_to(wider) is None, "screens have to draw their hours anew"


def test_a_drag_from_another_site_is_refused(reception: Forms, spa: Clinic) -> None:
    visit = spa.book("consult", 1200)
    id = public_id("appointment", visit["id"])
    url = f"/desk/appointments/{id}/drag"
    headers = {"if-match": '"1"', "sec-fetch-site": "same-origin"}
    assert reception.client.post(url, json={"start": local(at(1230))}, headers=headers).status_code == 403
    elsewhere = headers | {"x-form-token": "0" * 43, "sec-fetch-site": "cross-site"}
    assert reception.client.post(url, json={"start": local(at(1230))}, headers=elsewhere).status_code == 403


def test_screens_are_told_what_changed_and_only_what_they_lack(reception: Forms, spa: Clinic) -> None:
    address = f"/desk/live?location=main&date={DAY}"
    with Listening(reception, address) as screen:
        kind, day = screen.hear()
        assert kind == "day"
        visit = spa.book("consult", 640)
        kind, change = screen.hear()
        assert kind == "change"
        assert public_id("appointment", visit["id"]) in {entry["id"] for entry in change["put"]}
    with Listening(reception, f"{address}&seen={change['version']}") as screen:
        assert screen.hear() == ("ready", {}), "who lacks nothing is told nothing"
    with Listening(reception, address, {"Last-Event-ID": day["version"]}) as screen:
        kind, anew = screen.hear()
        assert (kind, anew["version"]) == ("day", change["version"])


def test_signed_out_screens_hear_nothing(forms: Forms, served: Served, spa: Clinic) -> None:
    with httpx.Client(base_url=served.url) as client:
        assert client.get(f"/desk/live?location=main&date={DAY}").status_code == 303
        assert client.get(f"/desk/day.json?location=main&date={DAY}").status_code == 303


class Listening:
    """A screen that reads Server-Sent Events."""

    def __init__(self, forms: Forms, address: str, headers: dict[str, str] | None = None) -> None:
        self._request = forms.client.stream("GET", address, headers=headers or {})

    def __enter__(self) -> Listening:
        self._lines = self._request.__enter__().iter_lines()
        return self

    def __exit__(self, *error: Any) -> None:
        self._request.__exit__(*error)

    def hear(self) -> tuple[str, Any]:
        """The next event: its name and its data."""
        name = ""
        for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            if field == "data":
                return name, json.loads(value)
        raise AssertionError("the stream ended")
