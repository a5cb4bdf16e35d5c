"""Managing without JavaScript: forms save, say what is wrong beside the field, and show first what they touch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from holdfast.ids import public_id
from tests.clinic import Clinic, Desk
from tests.web.conftest import Served
from tests.web.desk_staff import sign_in
from tests.web.forms import Forms

HOME = "/desk/manage"
TOPICS = (
    "locations", "resources", "pools", "services", "hold_policies", "waitlist", "booking-page", "messages", "webhooks",
    "keys", "staff",
)  # fmt: skip
# a Tuesday, three weeks ahead at noon in Chicago
SOON = datetime.now(UTC).replace(hour=18, minute=0, second=0, microsecond=0)
TUESDAY = SOON + timedelta(days=21 + (1 - SOON.weekday()) % 7)


@pytest.fixture
def other(served: Served, staff: dict[str, UUID]) -> Iterator[Forms]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=30) as client:
        yield Forms(client)


def book(clinic: Clinic, service: str, start: datetime) -> str:
    row = clinic.desk(
        "book", service_id=clinic.services[service], location_id=clinic.location_id, start=start,
        client={"name": "Bea Ortiz", "email": "bea@example.org"},
    )  # fmt: skip
    return str(row["confirmation_code"])


def change(page: Forms, path: str, also: dict[str, str] | None = None, **typed: str) -> httpx.Response:
    """Open a form, send it, and go through with what it shows."""
    page.open(f"{HOME}/{path}")
    page.send(path, also=typed | (also or {}))
    assert "Before you save" in page.page.text, page.page.text
    return page.send(button=("step", "apply"))


def value(clinic: Clinic, sql: str, **parameters: object) -> object:
    (row,) = clinic.desk.read(f"select found.* from (select {sql}) as found (value)", **parameters)
    return row["value"]


def test_the_overview_counts_and_says_what_is_missing(owner: Forms) -> None:
    page = owner.open(HOME)
    for topic in TOPICS:
        assert f'href="{HOME}/{topic}"' in page.text
    assert "Austin has no opening hours yet" in page.text


@pytest.mark.parametrize("path", ["locations/austin", "resources/ana", "pools/rooms", "services/botox"])
def test_a_form_that_was_not_touched_changes_nothing(owner: Forms, path: str) -> None:
    owner.open(f"{HOME}/{path}")
    owner.send(path)
    assert owner.page.url.params["done"] == "nothing"


def test_a_location_is_added_changed_and_closed(owner: Forms, glow: Clinic) -> None:
    change(owner, "locations/new", name="Round Rock", time_zone="America/Chicago", holidays="us-tx",
           also={"hours-0": "09:00-12:00, 13:00-17:00"})  # fmt: skip
    assert "Added." in owner.page.text
    assert "mon 09:00-12:00, 13:00-17:00" in owner.page.text
    change(owner, "locations/round-rock", address="110 E Main St",
           also={"dated-0-from": "2030-12-24", "dated-0-until": "2030-12-26", "dated-0-reason": "Painting",
              "while-0-times": "10:00-14:00", "while-0-day5": "1", "while-0-every": "2",
              "while-0-anchor": "2030-01-05"},
    )  # fmt: skip
    assert "2030-12-24 to 2030-12-26 Painting" in owner.page.text
    assert "every_weeks 2" in owner.page.text
    owner.open(f"{HOME}/locations/round-rock")
    owner.send("round-rock")
    assert owner.page.url.params["done"] == "nothing", "what was saved is read back exactly"
    owner.open(f"{HOME}/locations/round-rock")
    owner.send("/retire")
    owner.send(button=("step", "apply"))
    assert "Taken out of service" in owner.page.text
    assert "Round Rock" not in owner.page.text


@pytest.mark.parametrize(
    ("path", "typed", "field"),
    [
        ("locations/austin", {"time_zone": "Mars/Base"}, "time_zone"),
        ("locations/austin", {"hours-0": "nine to five"}, "hours-0"),
        ("locations/austin", {"holidays": "Atlantis"}, "holidays"),
        ("locations/austin", {"name": ""}, "name"),
        ("locations/new", {"name": "Austin", "time_zone": "America/Chicago"}, "slug"),
        ("locations/austin", {"while-0-times": "10:00-14:00"}, "while-0-times"),
        ("locations/austin", {"dated-0-reason": "when?"}, "dated-0-from"),
        ("resources/ana", {"capacity": "0"}, "capacity"),
        ("resources/ana", {"has-0-name": "a b/c"}, None),
        ("pools/rooms", {"requires": "Ünlaut!"}, "requires"),
        ("services/botox", {"duration": "1e9"}, "duration"),
        ("services/botox", {"price": "-1"}, "price"),
        ("services/botox", {"need-1-role": "injector"}, "need-1-role"),
        ("services/botox", {"name": "x" * 300}, "name"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_what_was_typed_stays(
    owner: Forms, path: str, typed: dict[str, str], field: str | None
) -> None:
    owner.open(f"{HOME}/{path}")
    page = owner.send(path, also=typed)
    assert page.status_code == 422
    if field is not None:
        assert f'id="{field}-error"' in page.text
    for typed_value in filter(None, typed.values()):
        assert typed_value in page.text


def test_a_visit_that_a_change_touches_is_shown_before_it_is_saved(owner: Forms, glow: Clinic) -> None:
    book(glow, "consult", TUESDAY)
    owner.open(f"{HOME}/locations/austin")
    page = owner.send("austin", also={"hours-0": "09:00-18:00"})
    assert "Bea Ortiz" in page.text
    assert "It would be closed then." in page.text
    rules = value(glow, "count(*) from holdfast.weekly_rule where location_id = %(id)s", id=glow.location_id)
    assert rules == 0, "nothing is saved before one says so"
    page = owner.send(button=("step", "form"))
    assert 'value="09:00-18:00"' in page.text, "back to the form, with what was typed"
    page = owner.send("austin", also={"hours-0": "09:00-18:00", "hours-1": "09:00-18:00"})
    assert "No booked visit is touched." in page.text


def test_what_is_booked_cannot_be_taken_out_of_service(owner: Forms, glow: Clinic) -> None:
    book(glow, "laser", TUESDAY + timedelta(days=1))
    owner.open(f"{HOME}/resources/laser")
    page = owner.send("/retire")
    assert page.status_code == 409
    assert "laser cannot be taken away while it has this." in page.text
    assert 'value="apply"' not in page.text
    owner.open(f"{HOME}/resources/laser")
    owner.send("/retire", step="apply")
    assert owner.page.status_code == 409
    assert value(glow, "count(*) from holdfast.resource where slug = 'laser' and retired_at is null") == 1


def test_who_was_overtaken_is_told_and_loses_nothing(owner: Forms, other: Forms, glow: Clinic) -> None:
    sign_in(other, "manager")
    for each in (owner, other):
        each.open(f"{HOME}/services/consult")
    other.send("consult", price="99")
    other.send(button=("step", "apply"))
    page = owner.send("consult", price="120")
    assert page.status_code == 409
    assert "Somebody changed this since you opened it" in page.text
    assert 'value="120"' in page.text
    owner.send("consult", price="120")
    owner.send(button=("step", "apply"))
    assert value(glow, "price_cents from holdfast.service where slug = 'consult'") == 12000


def test_a_resource_and_its_pools_change_together(owner: Forms, glow: Clinic) -> None:
    change(
        owner, "resources/new", name="Dr. Trần Minh", kind="provider", capacity="1",
        also={"location-austin": "1", "pool-injectors": "1", "has-0-name": "Laser certificate",
           "has-0-until": "2030-01-31", "dated-0-kind": "time_off", "dated-0-from": "2030-02-01"},
    )  # fmt: skip
    assert "Dr. Trần Minh" in owner.page.text
    assert "laser-certificate" in owner.page.text
    members = "array_agg(r.slug::text) from holdfast.pool_member m join holdfast.resource r on r.id = m.resource_id"
    assert "dr-tran-minh" in str(value(glow, f"{members} where m.pool_id = %(id)s", id=glow.pools["injectors"]))
    change(owner, "pools/injectors", requires="laser-certificate", also={"preference-dr-tran-minh": "1"})
    assert value(glow, "requires from holdfast.pool where slug = 'injectors'") == ["laser-certificate"]
    change(owner, "pools/injectors", requires="")


def test_a_service_is_made_with_its_picture(owner: Forms, glow: Clinic) -> None:
    owner.open(f"{HOME}/services/new")
    page = owner.send("new", step="more-need", name="Peel", also={"need-0-pool": "rooms", "need-0-after": "10"})
    assert page.text.count('name="need-1-pool"') == 1
    assert '<svg class="segments"' in page.text
    assert "room: minute 0 to 30, 10 min after" in page.text
    owner.send(
        "new", step="preview", duration="45", price="180.50", off_grid="1",
        also={"need-0-minutes": "", "need-1-pool": "injectors", "need-1-role": "Injector", "need-1-start": "15",
           "notice-widget": "120", "horizon-widget": "60"},
    )  # fmt: skip
    assert "injectors for 30 min from 15" in owner.page.text
    owner.send(button=("step", "apply"))
    assert "$180.50" in owner.page.text
    owner.open(f"{HOME}/services/peel")
    typed = owner.found[0].fields | {"duration": "20"}
    drawn = owner.client.post(f"{HOME}/services/-/picture", data=typed, headers={"sec-fetch-site": "same-origin"})
    assert "A visit of 20 minutes" in drawn.text
    owner.send("/retire")
    owner.send(button=("step", "apply"))
    assert "Peel" not in owner.page.text


def test_holds_and_waitlist_by_surface_and_service(owner: Forms, glow: Clinic) -> None:
    owner.open(f"{HOME}/hold_policies/widget")
    page = owner.send("widget", ttl_seconds="600", ttl_seconds_max="300")
    assert page.status_code == 422
    assert 'id="ttl_seconds-error"' in page.text
    owner.send("widget", ttl_seconds="240", ttl_seconds_max="300")
    assert value(glow, "ttl_seconds from holdfast.hold_policy where surface = 'widget'") == 240
    owner.open(f"{HOME}/waitlist/botox")
    assert owner.send("botox", offer_minutes_min="60", offer_minutes_max="10").status_code == 422
    owner.send("botox", offer_minutes_min="10", offer_minutes_max="60", mode="best_value", quiet_from="20:30")
    assert "Most valuable visit first" in owner.page.text
    assert str(value(glow, "quiet_from from holdfast.waitlist_policy")) == "20:30:00"


def test_the_booking_page_s_look(owner: Forms, glow: Clinic) -> None:
    owner.open(f"{HOME}/booking-page")
    assert 'data-page="glow"' in owner.page.text.replace("&#34;", '"')
    page = owner.send("booking-page", accent="red", policy="Late is 50 %")
    assert page.status_code == 422
    assert 'id="accent-error"' in page.text
    assert "Late is 50 %" in page.text
    owner.send(
        "booking-page", accent="#7a1f5c", policy="Late is 50 %", origins="https://Glow.example/ https://b.example"
    )
    assert "#7a1f5c" in owner.open("/look/glow.css").text
    assert value(glow, "embed_origins from holdfast.booking_page") == ["https://glow.example", "https://b.example"]
    owner.open(f"{HOME}/booking-page")
    fields = owner.found[0].fields
    for content, status in (
        (b"\x89PNG\r\n\x1a\n rest", 303),
        (b"MZ program", 422),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50_000, 422),
    ):
        owner.open(f"{HOME}/booking-page")
        fields = next(each for each in owner.found if each.action.endswith("booking-page")).fields
        answer = owner.client.post(
            f"{HOME}/booking-page", data=fields, files={"logo": ("logo.png", content, "image/png")},
            headers={"sec-fetch-site": "same-origin"}, follow_redirects=False,
        )  # fmt: skip
        assert answer.status_code == status
    assert owner.open("/look/glow/logo").headers["content-type"] == "image/png"


def test_messages_their_policy_and_their_words(owner: Forms, glow: Clinic) -> None:
    owner.open(f"{HOME}/messages")
    assert 'id="before-error"' in owner.send("messages", before="soon").text
    owner.send("messages", before="48, 0.5", notice_channels="sms email", also={"say-service": "1"})
    assert value(glow, "before_minutes from holdfast.reminder_rule") == [2880, 30]
    owner.open(f"{HOME}/messages/reminder/en")
    page = owner.send("en", step="save", subject="Hello {{ surname }}")
    assert page.status_code == 422
    assert "surname" in page.text
    assert 'id="subject-error"' in page.text
    book(glow, "consult", SOON + timedelta(days=1))
    page = owner.send("en", step="preview", subject="See you, {{ client }}")
    assert "See you, Bea" in page.text, "with the data of a visit that is booked"
    assert value(glow, "count(*) from holdfast.message_template") == 0
    owner.send("en", step="save", subject="See you, {{ client }}")
    assert "your own words" in owner.page.text
    owner.open(f"{HOME}/messages/reminder/en")
    owner.send("en", step="reset")
    assert "your own words" not in owner.page.text


def test_an_endpoint_its_secret_and_its_deliveries(owner: Forms, glow: Clinic) -> None:
    owner.open(f"{HOME}/webhooks/new")
    assert 'id="url-error"' in owner.send("new", url="http://127.0.0.1/hook", events="appointment.*").text
    page = owner.send("new", url="https://hook.example.com/x", events="appointment.*, nonsense")
    assert 'id="events-error"' in page.text
    page = owner.send("new", url="https://hook.example.com/x", events="appointment.*")
    assert "whsec_" in page.text
    owner.open(f"{HOME}/webhooks")
    assert "whsec_" not in owner.page.text
    url = next(link for link in owner.links if "/webhooks/whk_" in link)
    owner.open(url)
    owner.send("/test")
    assert "webhook_endpoint.tested" in owner.page.text
    assert 'id="until-error"' in owner.send("/replay", since="2027-03-06T14:00", until="2027-03-06T13:00").text
    owner.send("/replay", since="2027-03-06T14:00", until="2027-03-06T15:00")
    assert owner.page.status_code == 200
    assert value(glow, "count(*) from holdfast.event where type = 'webhook_endpoint.replayed'") == 1
    owner.open(next(link for link in owner.links if "/desk/deliveries/dlv_" in link))
    owner.send("/fail")
    assert "not taken" in owner.page.text
    assert value(glow, "state from holdfast.delivery") == "dead"
    assert "hook.example.com" in owner.open("/desk/inbox").text, "somebody has to look at it"
    assert "waiting for you: 1" in owner.open("/desk/deliveries").text
    owner.send("/desk/deliveries/retry")
    assert value(glow, "state from holdfast.delivery") == "pending"
    owner.open(url)
    assert "whsec_" in owner.send("/secret").text
    owner.open(url)
    owner.send("/disable")
    assert "nothing is sent there" in owner.page.text
    owner.send("/enable")
    owner.send("/remove")
    assert "Nobody is told yet" in owner.page.text


def test_a_key_is_shown_once_and_opens_nothing_once_revoked(owner: Forms, glow: Clinic) -> None:
    owner.open(f"{HOME}/keys/new")
    page = owner.send("new", name="Website")
    assert 'id="surfaces-error"' in page.text
    page = owner.send("new", name="Website", also={"scopes-read": "1", "surfaces-widget": "1"})
    key = page.text.split('id="key"')[1].split(">")[1].split("<")[0]
    header = {"Authorization": f"Bearer {key}"}
    assert owner.client.get("/v1/services", headers=header).status_code == 200
    owner.open(f"{HOME}/keys")
    assert key not in owner.page.text
    owner.send("/revoke")
    assert owner.client.get("/v1/services", headers=header).status_code == 401


def test_somebody_is_invited_changed_and_let_go(owner: Forms, other: Forms, glow: Clinic) -> None:
    owner.open(f"{HOME}/staff/new")
    assert 'id="email-error"' in owner.send("new", name="Zoe", email="not an address", role="desk").text
    assert 'id="resource-error"' in owner.send("new", name="Zoe", email="zoe@example.org", role="provider").text
    page = owner.send("new", name="Zoe", email="zoe@example.org", role="desk")
    link = page.text.split('id="link"')[1].split(">")[1].split("<")[0]
    other.open(link)
    other.send(password="a very good password")
    assert "Your password is set" in other.page.text
    owner.open(f"{HOME}/staff")
    assert "invited" not in owner.page.text
    zoe = next(
        public_id("staff", row["id"])
        for row in glow.desk.read("select id, name from holdfast.staff")
        if row["name"] == "Zoe"
    )
    owner.open(f"{HOME}/staff/{zoe}")
    owner.send(zoe, role="manager")
    assert value(glow, "role from holdfast.staff where name = 'Zoe'") == "manager"
    owner.open(f"{HOME}/staff/{zoe}")
    assert "/welcome/" in owner.send("/link").text
    owner.open(f"{HOME}/staff/{zoe}")
    owner.send("/retire")
    assert owner.open(f"{HOME}/staff/{zoe}").status_code == 404


def test_the_last_owner_stays(owner: Forms, staff: dict[str, UUID]) -> None:
    owner.open(f"{HOME}/staff/{public_id('staff', staff['owner'])}")
    page = owner.send("/retire")
    assert page.status_code == 409
    assert "Somebody must own the organization" in page.text


@pytest.mark.parametrize("role", ["desk", "provider"])
def test_only_owners_and_managers_manage(other: Forms, staff: dict[str, UUID], role: str) -> None:
    sign_in(other, role)
    for path in ("", *(f"/{topic}" for topic in TOPICS), "/locations/austin", "/keys/new", "/messages/reminder/en"):
        assert other.open(HOME + path).status_code == 403, path


def test_a_manager_does_not_let_people_in(other: Forms, staff: dict[str, UUID]) -> None:
    sign_in(other, "manager")
    assert f"{HOME}/staff" not in other.open(HOME).text
    assert other.open(f"{HOME}/staff").status_code == 403
    assert other.open(f"{HOME}/locations").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "locations/austin", "resources/ana", "pools/rooms", "services/botox", "hold_policies/widget", "waitlist/botox",
        "booking-page", "messages", "messages/reminder/en", "webhooks/new", "keys/new", "staff/new",
    ],
)  # fmt: skip
def test_a_form_from_elsewhere_is_refused(owner: Forms, path: str) -> None:
    owner.open(f"{HOME}/{path}")
    assert owner.send(path, form_token="0" * 43).status_code == 403
    owner.open(f"{HOME}/{path}")
    assert owner.send(path, headers={"sec-fetch-site": "cross-site"}).status_code == 403


@pytest.fixture(scope="module")
def rival(glow: Clinic) -> Desk:
    """Another organization on the same installation."""
    connection = glow.desk.connection
    organization_id = Desk(connection, None)("create_organization", slug="rival", name="Rival")["create_organization"]
    desk = Desk(connection, organization_id)
    desk("put_location", slug="harbour", name="Harbour", time_zone="America/Chicago")
    return desk


def test_another_organization_s_things_do_not_exist_here(owner: Forms, rival: Desk) -> None:
    key = rival("create_api_key", name="K", key_hash=b"\0" * 32, key_hint="abcd", scopes=["read"], surfaces=["desk"])
    person = rival("create_staff", email="r@example.org", name="R", role="owner")
    assert "Harbour" not in owner.open(f"{HOME}/locations").text
    assert owner.open(f"{HOME}/locations/harbour").status_code == 404
    key_id = public_id("api_key", key["create_api_key"])
    staff_id = public_id("staff", person["create_staff"])
    assert owner.open(f"{HOME}/staff/{staff_id}").status_code == 404
    owner.open(f"{HOME}/keys/new")
    token = owner.found[0].fields["form_token"]
    for path in (
        f"keys/{key_id}/revoke",
        f"staff/{staff_id}/retire",
        f"staff/{staff_id}/link",
        "locations/harbour/retire",
    ):
        answer = owner.client.post(
            f"{HOME}/{path}", data={"form_token": token}, headers={"sec-fetch-site": "same-origin"}
        )
        assert answer.status_code == 404, path
    assert rival.read("select revoked_at from holdfast.api_key")[0]["revoked_at"] is None
