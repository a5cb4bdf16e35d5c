"""Out of order, or away: the plan on the desk's page, carried out with one button, and what is left to a person."""

from __future__ import annotations

import itertools
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from holdfast.ids import public_id
from holdfast.wallclock import to_local
from tests.clinic import CLIENT, Clinic, at
from tests.web.conftest import Served
from tests.web.forms import Forms
from tests.web.people import hire, sign_in

ZONE = "America/Chicago"
_days = itertools.count(20)


@pytest.fixture
def noon() -> datetime:
    """Nine in the morning or so at the clinic, of a day that no other test uses."""
    return at(6 * 60) + timedelta(days=next(_days))


@pytest.fixture
def dana(forms: Forms, served: Served, glow: Clinic) -> Forms:
    return sign_in(forms, "glow", hire(glow, "Dana", "desk"))


def wall(instant: datetime) -> str:
    return to_local(instant, ZONE).strftime("%Y-%m-%dT%H:%M")


def book(glow: Clinic, start: datetime, provider: str = "ana") -> dict[str, Any]:
    return glow.desk(
        "book", service_id=glow.services["consult"], location_id=glow.location_id, start=start,
        client=CLIENT | {"phone": "+15125550199"}, choices={"provider": [[str(glow.resources[provider])]]},
    )  # fmt: skip


def address(glow: Clinic, noon: datetime, resource: str = "ana", hours: int = 8) -> str:
    id = public_id("resource", glow.resources[resource])
    end = noon + timedelta(hours=hours)
    return f"/desk/dropout?show=1&resource={id}&location=austin&start={wall(noon)}&end={wall(end)}"


def serving(glow: Clinic, id: UUID) -> set[str]:
    return {
        row["slug"]
        for row in glow.desk.read(
            "select r.slug::text from holdfast.claim k join holdfast.appointment a on a.hold_id = k.hold_id"
            " join holdfast.unit u on u.id = k.unit_id join holdfast.resource r on r.id = u.resource_id"
            " where a.id = %(id)s and k.active",
            id=id,
        )
    }


def time_off(glow: Clinic, resource: str, noon: datetime) -> list[tuple[datetime, datetime, str]]:
    rows = glow.desk.read(
        "select d.starts at time zone l.time_zone as starts, d.ends at time zone l.time_zone as ends, d.reason"
        " from holdfast.dated_rule d join holdfast.location l on l.slug = 'austin'"
        " where d.resource_id = %(id)s and d.kind = 'time_off' order by d.starts",
        id=glow.resources[resource],
    )
    found = [(row["starts"], row["ends"], row["reason"]) for row in rows]
    return [each for each in found if noon <= each[0] < noon + timedelta(days=1)]


def main(forms: Forms) -> str:
    return re.sub(r"\s+", " ", forms.page.text.partition("<main")[2])


def test_who_or_what_is_out_is_chosen_by_its_kind(dana: Forms, glow: Clinic) -> None:
    page = dana.open("/desk/dropout?location=austin&start=2031-03-04").text
    for name in ("People", "Rooms", "Devices", "Ana Ruiz", "room-1", "laser"):
        assert name in page
    assert 'value="2031-03-04T00:00"' in page
    assert 'value="2031-03-05T00:00"' in page
    ana = public_id("resource", glow.resources["ana"])
    chosen = dana.open(f"/desk/dropout?location=austin&start=2031-03-04T10:30&resource={ana}").text
    assert f'value="{ana}" selected' in chosen
    assert 'value="2031-03-04T10:30"' in chosen


def test_the_plan_is_shown_carried_out_and_the_time_taken_off(dana: Forms, glow: Clinic, noon: datetime) -> None:
    moved, stays = book(glow, noon), book(glow, noon + timedelta(hours=2))
    book(glow, noon + timedelta(hours=2), "ben")
    dana.open(address(glow, noon))
    page = main(dana)
    assert "Ana Ruiz is out" in page
    assert "1 visit keeps its time" in page
    assert "<s>Ana Ruiz</s>" in page
    assert "<strong>Ben Ode</strong>" in page
    assert "1 visit needs you" in page
    assert "tel:+15125550199" in page
    instead = [form for form in dana.found if "/reschedule?" in form.action]
    assert 1 <= len(instead) <= 3
    assert serving(glow, moved["id"]) == {"ana"}, "nothing is changed by looking"
    dana.send("/desk/dropout", reason="Flu")
    assert "Done: 1 visit moved." in main(dana)
    assert "1 visit needs you" in main(dana)
    assert serving(glow, moved["id"]) == {"ben"}
    assert serving(glow, stays["id"]) == {"ana"}
    assert time_off(glow, "ana", noon) == [(noon, noon + timedelta(hours=8), "Flu")]


def test_a_stranded_visit_is_moved_with_one_of_the_offered_times(dana: Forms, glow: Clinic, noon: datetime) -> None:
    left = book(glow, noon)
    book(glow, noon, "ben")
    dana.open(address(glow, noon, hours=1))
    form = next(form for form in dana.found if "/reschedule?" in form.action)
    start = dict(form.buttons)["start"]
    dana.send(form.action, button=("start", start))
    assert dana.page.status_code == 200
    dana.send("/reschedule/confirm?" + form.action.partition("?")[2])
    assert "/desk/appointments/" in str(dana.page.url)
    [row] = glow.desk.read("select starts_at from holdfast.appointment where id = %(id)s", id=left["id"])
    assert row["starts_at"] == datetime.fromisoformat(start) != noon


def test_a_record_that_changed_shows_the_new_plan_and_moves_nothing(dana: Forms, glow: Clinic, noon: datetime) -> None:
    first = book(glow, noon)
    dana.open(address(glow, noon))
    second = book(glow, noon + timedelta(hours=3))
    dana.send("/desk/dropout", reason="Broken")
    assert dana.page.status_code == 409
    assert "changed something meanwhile" in main(dana)
    assert "2 visits keep their times" in main(dana)
    assert 'value="Broken"' in dana.page.text, "what was typed is kept"
    assert serving(glow, first["id"]) == {"ana"}
    assert time_off(glow, "ana", noon) == []
    dana.send("/desk/dropout")
    assert serving(glow, first["id"]) == serving(glow, second["id"]) == {"ben"}


def test_a_time_without_visits_is_simply_taken_off(dana: Forms, glow: Clinic, noon: datetime) -> None:
    dana.open(address(glow, noon, "laser", hours=2))
    assert "No booked visit is affected." in main(dana)
    dana.send("/desk/dropout", reason="Pulse lamp")
    assert "Done: the time is closed." in main(dana)
    assert time_off(glow, "laser", noon) == [(noon, noon + timedelta(hours=2), "Pulse lamp")]
    assert not any(form.method == "post" and form.action == "/desk/dropout" for form in dana.found), "once is enough"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("resource=&start=2031-03-04T10:00&end=2031-03-04T11:00", "Choose who or what is out."),
        ("resource={ana}&start=2031-03-04T10:00&end=2031-03-04T09:00", "It has to end after it begins."),
        ("resource={ana}&start=never&end=2031-03-04T09:00", "start is"),
        ("resource={ana}&start=2031-03-04T10:00&end=2032-03-04T09:00", "at most 92 days"),
    ],
)
def test_what_makes_no_sense_is_said_beside_the_form(dana: Forms, glow: Clinic, query: str, words: str) -> None:
    ana = public_id("resource", glow.resources["ana"])
    answer = dana.open(f"/desk/dropout?show=1&location=austin&{query.format(ana=ana)}")
    assert answer.status_code == 422
    assert words in main(dana)
    assert "Show who could take over" in main(dana)


def test_a_provider_declares_themselves_alone_out(forms: Forms, served: Served, glow: Clinic, noon: datetime) -> None:
    sign_in(forms, "glow", hire(glow, "Ben", "provider", "ben"))
    hers = glow.desk(
        "book", service_id=glow.services["consult"], location_id=glow.location_id, start=noon,
        client={"name": "Somebody Else", "email": "else@example.org"},
        choices={"provider": [[str(glow.resources["ana"])]]},
    )  # fmt: skip
    book(glow, noon, "ben")
    page = forms.open("/desk/dropout?location=austin").text
    assert "Ben Ode" in page
    assert "Ana Ruiz" not in page
    assert forms.open(address(glow, noon)).status_code == 403
    forms.open(address(glow, noon, "ben"))
    assert "Ben Ode is out" in main(forms)
    assert "Somebody Else" not in forms.page.text
    assert "tel:" not in main(forms), "a provider is not told how clients are reached"
    token = next(form.fields for form in forms.found if form.action == "/desk/dropout")
    ana = public_id("resource", glow.resources["ana"])
    forms.send("/desk/dropout", resource=ana, approve=token["approve"])
    assert forms.page.status_code == 403
    assert serving(glow, hers["id"]) == {"ana"}


def test_the_desk_offers_it_where_one_looks_for_it(dana: Forms, glow: Clinic, noon: datetime) -> None:
    for page in (f"/desk/day?location=austin&date={noon.date()}", "/desk/palette"):
        assert any(link.startswith("/desk/dropout") for link in dana.open(page) and dana.links), page
    ana = public_id("resource", glow.resources["ana"])
    dana.open(f"/desk/blocks/new?resource={ana}&location=austin&start={wall(noon)}")
    assert any(link.startswith(f"/desk/dropout?resource={ana}") for link in dana.links)
