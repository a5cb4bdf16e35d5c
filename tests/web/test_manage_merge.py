"""Two records of one thing become one, without JavaScript: what would move is said first, or what stands in the way."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from holdfast.ids import public_id
from holdfast.web.languages import Language
from tests.clinic import Clinic, Desk, requires
from tests.web.desk_staff import sign_in
from tests.web.forms import Form, Forms

HOME = "/desk/manage/resources"
NOON = (datetime.now(UTC) + timedelta(days=12)).replace(hour=18, minute=0, second=0, microsecond=0)
CLEAR = {"valid_from": None, "valid_until": None, "every_weeks": 1, "anchor": None}
numbers = count(1)


class Twins:
    """A device that was entered twice; each record has a pool and a service of its own."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.goes, self.stays = (f"{each}-{next(numbers)}" for each in ("ipl", "lamp"))
        for slug in (self.goes, self.stays):
            clinic.resource(slug, "device")
            clinic.pool(slug, [slug])
            clinic.service(slug, 30, requires("device", slug, (0, 30)))
        self.url = f"{HOME}/{self.goes}/merge?into={self.stays}"

    def book(self, slug: str, minutes: int = 0, client: str = "Bea Ortiz") -> UUID:
        row = self.clinic.desk(
            "book", service_id=self.clinic.services[slug], location_id=self.clinic.location_id, client={"name": client,
            "email": "bea@example.org"}, start=NOON + timedelta(minutes=minutes),
        )  # fmt: skip
        return UUID(str(row["id"]))

    def open_from_eight_to_nine(self, slug: str) -> None:
        week = [{"kind": "hours", "weekday": day, "starts": "08:00", "ends": "09:00", **CLEAR} for day in range(7)]
        self.clinic.desk("set_weekly_rules", location_id=None, resource_id=self.clinic.resources[slug], rules=week)

    def claims(self) -> dict[str, int]:
        """How many active claims stand on each of the two."""
        rows = self.clinic.desk.read(
            "select r.slug::text, count(*) from holdfast.claim k join holdfast.unit u on u.id = k.unit_id"
            " join holdfast.resource r on r.id = u.resource_id where k.active and r.slug in (%(goes)s, %(stays)s)"
            " group by 1",
            goes=self.goes, stays=self.stays,
        )  # fmt: skip
        return {row["slug"]: row["count"] for row in rows}

    def merged(self) -> bool:
        (row,) = self.clinic.desk.read(
            "select merged_into_id, retired_at from holdfast.resource where slug = %(slug)s", slug=self.goes
        )
        assert (row["merged_into_id"] is None) == (row["retired_at"] is None)
        return bool(row["merged_into_id"] == self.clinic.resources[self.stays])


@pytest.fixture
def twins(glow: Clinic) -> Twins:
    return Twins(glow)


def words(page: Forms) -> str:
    """What the page says, as one reads it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.page.text))


def merge_form(page: Forms) -> Form:
    return next(each for each in page.found if each.action.endswith("/merge"))


def offers_merge(page: Forms) -> bool:
    return "Merge them" in page.page.text


def test_others_of_its_kind_in_service_are_offered_and_nothing_else(owner: Forms, twins: Twins) -> None:
    gone = Twins(twins.clinic).goes
    twins.clinic.desk("retire_resource", resource_id=twins.clinic.resources[gone])
    owner.open(f"{HOME}/{twins.goes}")
    assert "Entered twice?" in words(owner)
    assert f"{HOME}/{twins.goes}/merge" in owner.links
    owner.open(f"{HOME}/{twins.goes}/merge")
    offered = {link.split("into=")[1] for link in owner.links if "into=" in link}
    assert {twins.stays, "laser"} <= offered
    assert not offered & {twins.goes, gone, "ana", "room-1"}
    assert "Austin" in words(owner)


def test_the_only_one_of_its_kind_has_nothing_to_be_merged_into(owner: Forms, glow: Clinic) -> None:
    glow.resource("sterilizer", "other")
    owner.open(f"{HOME}/sterilizer/merge")
    assert "There is no other one of its kind" in owner.page.text
    assert not [link for link in owner.links if "into=" in link]


def test_what_would_move_is_said_and_nothing_moves_before_the_button(owner: Forms, twins: Twins) -> None:
    desk, goes = twins.clinic.desk, twins.clinic.resources[twins.goes]
    dallas = desk("put_location", slug="dallas", name="Dallas", time_zone="America/Chicago")["put_location"]
    desk("put_resource", slug=twins.goes, name="IPL", kind="device", capacity=1,
         location_ids=[twins.clinic.location_id, dallas])  # fmt: skip
    desk(
        "set_resource_rules", resource_id=goes, visits_per_day=None, attributes=[{"name": "cooled", "good_until": None}]
    )
    twins.book(twins.goes)
    twins.book(twins.goes, 60)
    desk("place_hold", service_id=twins.clinic.services[twins.goes], location_id=twins.clinic.location_id,
         start=NOON + timedelta(minutes=120))  # fmt: skip
    desk(
        "place_block",
        resource_id=goes,
        start=NOON + timedelta(hours=5),
        end=NOON + timedelta(hours=6),
        reason="Cleaning",
    )
    for resource, event in ((goes, "own"), (goes, "both"), (twins.clinic.resources[twins.stays], "both")):
        hour = 8 if event == "own" else 10
        desk("record_busy", resource_id=resource, source="house@example.org", external_id=event,
             start=NOON + timedelta(hours=hour), end=NOON + timedelta(hours=hour + 1))  # fmt: skip
    before = twins.claims()
    events = desk.read("select count(*) from holdfast.event")

    owner.open(twins.url)
    said = words(owner)
    assert "2 visits, 1 hold, 1 block, 1 busy time" in said
    assert "1 busy time that both have" in said
    assert f"Pools {twins.goes}" in said
    assert "Locations Dallas" in said
    assert "What it has cooled" in said
    assert "A merge cannot be undone." in said
    assert "hours, how many at once and visits a day are those of " + twins.stays in said
    assert not twins.merged()
    assert twins.claims() == before
    assert desk.read("select count(*) from holdfast.event") == events

    owner.send("/merge")
    assert owner.page.url.path == f"{HOME}/{twins.stays}"
    assert "Merged: what was booked, blocked and busy on the other record is on this one now." in owner.page.text
    assert twins.merged()
    assert twins.claims() == {twins.stays: 6}
    owner.open(HOME)
    assert f"{HOME}/{twins.goes}" not in owner.links


def test_whoever_signs_in_as_that_person_is_named(owner: Forms, glow: Clinic) -> None:
    zoe, zoe_2 = glow.resource("zoe", "provider"), glow.resource("zoe-2", "provider")
    glow.desk("create_staff", email="zoe@example.org", name="Zoe Gray", role="provider", resource_id=zoe_2)
    owner.open(f"{HOME}/zoe-2/merge?into=zoe")
    assert "Zoe Gray, as zoe from then on" in words(owner)
    assert "Whoever waits for zoe-2 waits for zoe from then on." in words(owner)
    assert "To come nothing" in words(owner)
    owner.send("/merge")
    (row,) = glow.desk.read("select resource_id from holdfast.staff where name = 'Zoe Gray'")
    assert row["resource_id"] == zoe


def test_two_of_the_same_name_are_told_apart(owner: Forms, twins: Twins) -> None:
    for slug in (twins.goes, twins.stays):
        twins.clinic.desk("put_resource", slug=slug, name="Pulsed light", kind="device", capacity=1,
                          location_ids=[twins.clinic.location_id])  # fmt: skip
    owner.open(twins.url)
    assert f"Merge Pulsed light ({twins.goes}) into Pulsed light ({twins.stays})" in words(owner)


def test_visits_that_the_hours_of_the_one_that_stays_do_not_have_are_shown(owner: Forms, twins: Twins) -> None:
    visit = twins.book(twins.goes)
    twins.open_from_eight_to_nine(twins.stays)
    owner.open(twins.url)
    assert "1 booked visit is touched" in words(owner)
    assert f"{twins.stays} would not be working then." in words(owner)
    assert f"/desk/appointments/{public_id('appointment', visit)}" in owner.links
    owner.open(f"{HOME}/{twins.stays}/merge?into={twins.goes}")
    assert "touched" not in words(owner), "the other way round it is as it was"
    twins.open_from_eight_to_nine(twins.goes)
    owner.open(twins.url)
    assert "touched" not in words(owner), "it lies outside the hours of both"


def test_what_would_overlap_is_listed_in_words_until_one_of_them_is_moved(owner: Forms, twins: Twins) -> None:
    one, other = twins.book(twins.goes), twins.book(twins.stays, 15, "Carl Jung")
    twins.book(twins.goes, 90)
    desk = twins.clinic.desk
    block = desk("place_block", resource_id=twins.clinic.resources[twins.goes], reason="Repair",
                 start=NOON + timedelta(hours=4), end=NOON + timedelta(hours=5))["id"]  # fmt: skip
    hold = desk("place_hold", service_id=twins.clinic.services[twins.stays], location_id=twins.clinic.location_id,
                start=NOON + timedelta(minutes=250))["id"]  # fmt: skip
    before = twins.claims()
    page = owner.open(twins.url)
    said = words(owner)
    assert page.status_code == 200
    assert not offers_merge(owner)
    assert "2 times have no place on" in said
    assert said.count("At the same time on") == 2, "each with what it meets alone"
    for client, id in (("Bea Ortiz", one), ("Carl Jung", other)):
        assert client in said
        assert f"/desk/appointments/{public_id('appointment', id)}" in owner.links
    assert f"/desk/blocks/{public_id('block', block)}" in owner.links
    assert "A blocked time: Repair" in said
    assert "A time that somebody is holding" in said
    zoned = Language("en", "US").time(NOON, "America/Chicago")
    assert re.sub(r"\s", " ", zoned) in said
    assert "Move, cancel or remove one of each pair" in said
    assert twins.claims() == before

    desk("cancel", appointment_id=other, revision=None)
    desk("release_hold", hold_id=hold)
    owner.open(twins.url)
    assert offers_merge(owner)
    owner.send("/merge")
    assert twins.merged()


def test_two_of_one_record_that_the_other_has_no_room_for_meet_each_other(owner: Forms, twins: Twins) -> None:
    twins.clinic.desk("set_capacity", resource_id=twins.clinic.resources[twins.goes], capacity=2)
    visits = {twins.book(twins.goes), twins.book(twins.goes)}
    owner.open(twins.url)
    assert "1 time has no place on" in words(owner)
    assert f"At the same time on {twins.goes}" in words(owner)
    linked = {link for link in owner.links if link.startswith("/desk/appointments/")}
    assert linked == {f"/desk/appointments/{public_id('appointment', each)}" for each in visits}


def test_what_was_booked_meanwhile_stops_it_and_nothing_is_half_done(owner: Forms, twins: Twins) -> None:
    twins.book(twins.goes, 60)
    twins.book(twins.goes)
    owner.open(twins.url)
    assert offers_merge(owner)
    twins.book(twins.stays, 10, "Carl Jung")
    before = twins.claims()
    page = owner.send("/merge")
    assert page.status_code == 409
    assert "1 time has no place on" in words(owner)
    assert "Carl Jung" in words(owner)
    assert not offers_merge(owner)
    assert not twins.merged()
    assert twins.claims() == before == {twins.goes: 2, twins.stays: 1}


def test_a_record_that_was_changed_meanwhile_is_looked_at_again(owner: Forms, twins: Twins) -> None:
    owner.open(twins.url)
    twins.clinic.desk("put_resource", slug=twins.stays, name="Renamed", kind="device", capacity=1,
                      location_ids=[twins.clinic.location_id])  # fmt: skip
    page = owner.send("/merge")
    assert page.status_code == 412
    assert "Somebody changed this since you opened it." in words(owner)
    assert "Renamed" in words(owner)
    assert not twins.merged()
    owner.send("/merge")
    assert twins.merged()


def test_the_button_pressed_twice_merges_once(owner: Forms, twins: Twins) -> None:
    owner.open(twins.url)
    fields = merge_form(owner).fields
    for _ in range(2):
        answer = owner.client.post(
            f"{HOME}/{twins.goes}/merge", data=fields, headers={"sec-fetch-site": "same-origin"}, follow_redirects=False
        )
        assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}/{twins.stays}?done=merge")
    assert twins.merged()
    for path in (f"{HOME}/{twins.goes}/merge", twins.url):
        assert owner.open(path).status_code == 404
        assert f"{twins.goes} was merged into {twins.stays}: look there." in words(owner)


def test_the_other_one_retired_meanwhile(owner: Forms, twins: Twins) -> None:
    third = Twins(twins.clinic)
    owner.open(twins.url)
    twins.clinic.desk("retire_resource", resource_id=twins.clinic.resources[twins.stays])
    page = owner.send("/merge")
    assert page.status_code == 409
    assert "The other record is not there any more. Choose another one." in words(owner)
    assert f"{HOME}/{twins.goes}/merge?into={third.stays}" in owner.links, "and they can"
    assert not twins.merged()
    twins.clinic.desk("retire_resource", resource_id=twins.clinic.resources[twins.goes])
    assert owner.open(f"{HOME}/{twins.goes}/merge").status_code == 404


@pytest.mark.parametrize(
    ("into", "status", "told"),
    [
        ("itself", 422, "A resource cannot be merged into itself."),
        ("ana", 422, "A provider, a room and a device are never one thing: merge like into like."),
        ("nothing-like-it", 409, "The other record is not there any more. Choose another one."),
        ("Not A Slug!", 409, "The other record is not there any more. Choose another one."),
        ("tug", 409, "The other record is not there any more. Choose another one."),
    ],
)
def test_what_it_cannot_be_merged_into(
    owner: Forms, twins: Twins, rival: Desk, into: str, status: int, told: str
) -> None:
    into = twins.goes if into == "itself" else into
    owner.open(twins.url)
    form = merge_form(owner).fields | {"into": into}
    for page in (
        owner.client.get(f"{HOME}/{twins.goes}/merge", params={"into": into}),
        owner.client.post(f"{HOME}/{twins.goes}/merge", data=form, headers={"sec-fetch-site": "same-origin"}),
    ):
        assert page.status_code == status
        assert told in page.text
        assert f"into={twins.stays}" in page.text, "another one can be chosen"
    assert not twins.merged()
    assert rival.read("select retired_at from holdfast.resource where slug = 'tug'")[0]["retired_at"] is None


@pytest.fixture(scope="module")
def rival(glow: Clinic) -> Desk:
    """Another organization on the same installation, with a device of its own."""
    connection = glow.desk.connection
    organization_id = Desk(connection, None)("create_organization", slug="rival", name="Rival")["create_organization"]
    desk = Desk(connection, organization_id)
    place = desk("put_location", slug="harbour", name="Harbour", time_zone="America/Chicago")["put_location"]
    desk("put_resource", slug="tug", name="Tug", kind="device", location_ids=[place], capacity=1)
    return desk


def test_another_organization_s_record_does_not_exist_here(owner: Forms, twins: Twins, rival: Desk) -> None:
    assert "Tug" not in owner.open(f"{HOME}/{twins.goes}/merge").text
    for slug in ("tug", "nothing", "new"):
        assert owner.open(f"{HOME}/{slug}/merge").status_code == 404
        assert owner.open(f"{HOME}/{slug}/merge?into={twins.stays}").status_code == 404
    owner.open(twins.url)
    answer = owner.client.post(
        f"{HOME}/tug/merge", data=merge_form(owner).fields, headers={"sec-fetch-site": "same-origin"}
    )
    assert answer.status_code == 404
    assert rival.read("select retired_at from holdfast.resource where slug = 'tug'")[0]["retired_at"] is None


@pytest.mark.parametrize("role", ["desk", "provider"])
def test_only_owners_and_managers_merge(forms: Forms, staff: dict[str, UUID], twins: Twins, role: str) -> None:
    sign_in(forms, role)
    assert forms.open(f"{HOME}/{twins.goes}/merge").status_code == 403
    assert forms.open(twins.url).status_code == 403
    forms.open("/desk")
    token = next(each.fields["form_token"] for each in forms.found if "form_token" in each.fields)
    answer = forms.client.post(
        f"{HOME}/{twins.goes}/merge", data={"form_token": token, "into": twins.stays},
        headers={"sec-fetch-site": "same-origin"},
    )  # fmt: skip
    assert answer.status_code == 403
    assert not twins.merged()


def test_a_form_from_elsewhere_merges_nothing(owner: Forms, twins: Twins) -> None:
    owner.open(twins.url)
    assert owner.send("/merge", form_token="0" * 43).status_code == 403
    owner.open(twins.url)
    assert owner.send("/merge", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert not twins.merged()


def test_in_spanish(owner: Forms, twins: Twins) -> None:
    owner.open(f"{twins.url}&lang=es")
    assert "Unirlos" in owner.page.text
    assert "Una unión no se puede deshacer." in owner.page.text
