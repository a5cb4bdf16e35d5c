"""The desk without JavaScript: booking as steps, an appointment's life, clients, and what each role may see and do."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from holdfast.ids import public_id
from tests.clinic import Clinic
from tests.web.conftest import Served
from tests.web.desk_staff import sign_in
from tests.web.forms import Form, Forms

SOON = (datetime.now(UTC) + timedelta(days=3)).replace(hour=15, minute=0, second=0, microsecond=0)


@pytest.fixture
def dee(forms: Forms, staff: dict[str, UUID]) -> Forms:
    return sign_in(forms, "desk")


@pytest.fixture
def other(served: Served, staff: dict[str, UUID]) -> Iterator[Forms]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=30) as client:
        yield Forms(client)


def book(clinic: Clinic, service: str = "consult", days: int = 0, name: str = "Bea Ortiz", **more: object) -> str:
    """A visit on a day of its own, booked by the desk; its public id."""
    row = clinic.desk(
        "book", service_id=clinic.services[service], location_id=clinic.location_id, start=SOON + timedelta(days=days),
        client={"name": name, "email": f"{name[:3].strip().lower()}@example.org", "phone": "+15125550123"}, **more,
    )  # fmt: skip
    return public_id("appointment", row["id"])


def form(page: Forms, part: str) -> Form:
    """The form whose address has that part."""
    return next(each for each in page.found if part in each.action)


def send(page: Forms, part: str, button: tuple[str, str] | None = None, **typed: str) -> httpx.Response:
    return page.send(form(page, part).action, button=button, headers=None, **typed)


def client_link(page: Forms, number: int = 0) -> str:
    links = [link for link in page.links if re.match(r"/desk/book\?client=cli_", link)]
    return links[number].replace("&amp;", "&")


def test_booking_in_steps(dee: Forms, glow: Clinic) -> None:
    book(glow, name="Ximena Núñez", days=1)
    dee.open("/desk/book")
    send(dee, "/client", text="nunez xi")
    assert "Ximena Núñez" in dee.page.text
    dee.open(client_link(dee))
    service = next(each for each in form(dee, "/hold").buttons if each[0] == "service")
    send(dee, "/hold", button=service)
    assert "/desk/book/hold/hld_" in str(dee.page.url)
    assert "Held for" in dee.page.text
    held = dee.page.url.path.rpartition("/")[2]
    send(dee, f"/hold/{held}?", surface="phone", note="Prefers the window")
    assert dee.page.url.path.startswith("/desk/appointments/apt_")
    assert "Booked by phone." in dee.page.text
    assert "Prefers the window" in dee.page.text


def test_another_provider_is_one_button_away_at_their_nearest_time(dee: Forms, glow: Clinic) -> None:
    book(glow, name="Yara Ode", days=1)
    live = "select count(*) as n from holdfast.hold where state = 'live'"
    before = glow.desk.read(live)[0]["n"]
    dee.open("/desk/book")
    send(dee, "/client", text="yara")
    dee.open(client_link(dee))
    send(dee, "/hold", button=("service", public_id("service", glow.services["consult"])))
    for name, slug in (("Ben Ode", "ben"), ("Ana Ruiz", "ana")):
        people = next(each for each in dee.found if "near" in each.fields)
        near = people.fields["near"]
        ben_or_ana = ("resource", public_id("resource", glow.resources[slug]))
        dee.send(people.action, button=ben_or_ana, near=near, instead=people.fields["instead"])
        card = dee.page.text[dee.page.text.index("held-card") :]
        assert name in card[: card.index("countdown")]
    assert glow.desk.read(live)[0]["n"] == before + 1, "each took the place of the one before"


def test_somebody_new_is_added_in_place_and_what_is_wrong_is_said(dee: Forms) -> None:
    dee.open("/desk/book")
    send(dee, "/client", text="Quentin Nobody")
    assert "Nobody of that name" in dee.page.text
    send(dee, "/new-client", name="Quentin Nobody", email="no address", phone="")
    assert dee.page.status_code == 422
    assert "does not look like an e-mail address" in dee.page.text
    send(dee, "/new-client", name="Quentin Nobody", email="", phone="512 555 0177")
    assert "client=cli_" in str(dee.page.url)
    assert "Quentin" not in str(dee.page.url)


def test_a_taken_time_is_refused_with_three_others_and_only_some_may_put_it_on_top(
    dee: Forms, other: Forms, glow: Clinic
) -> None:
    start = SOON + timedelta(days=40)
    for resource in ("ana", "ben"):
        choices = {"provider": [[str(glow.resources[resource])]]}
        book(glow, days=40, name=f"Zoe {resource}", choices=choices)
    query = {"start": start.isoformat(), "location": public_id("location", glow.location_id)}
    for page, role in ((dee, "desk"), (sign_in(other, "manager"), "manager")):
        page.open(f"/desk/book?{httpx.QueryParams(query)}")
        send(page, "/client", text="Zoe")
        page.open(client_link(page))
        send(page, "/hold", button=("service", public_id("service", glow.services["consult"])))
        assert page.page.status_code == 409, page.page.text
        assert "Taken" in page.page.text
        near = [each for each in page.found if each.buttons and each.buttons[0][0] == "start"]
        assert len(near[0].buttons) == 3
        assert any("/overbook" in each.action for each in page.found) == (role == "manager")
    send(other, "/overbook", reason="Her sister is here too")
    assert "on top of somebody else" in other.page.text
    assert "Her sister is here too" in other.page.text
    # the desk cannot by forging the form either
    forged = form(dee, "/hold").action.replace("/hold", "/overbook")
    token = form(dee, "/hold").fields["form_token"]
    data = {"form_token": token, "reason": "because", "start": start.isoformat(),
            "service": public_id("service", glow.services["consult"])}  # fmt: skip
    assert dee.client.post(forged, data=data).status_code == 403


def test_a_visit_from_here_to_done_and_its_story(dee: Forms, glow: Clinic) -> None:
    url = f"/desk/appointments/{book(glow, days=2)}"
    dee.open(url)
    assert dee.page.headers["etag"] == '"1"'
    assert "bea@example.org" in dee.page.text
    send(dee, "/note", note="Allergic to latex")
    assert "Allergic to latex" in dee.page.text
    assert dee.page.headers["etag"] == '"2"'
    send(dee, "/step/check-in")
    assert "state-checked_in" in dee.page.text
    send(dee, "/step/complete")
    assert "state-completed" in dee.page.text
    story = dee.page.text[dee.page.text.index("story-heading") :]
    assert [
        word for word in ("marked it as done", "checked the client in", "changed the note", "booked") if word in story
    ]
    assert story.index("marked it as done") < story.index("checked the client in") < story.index("changed the note")
    assert "Dee Park" in story


def test_whoever_changes_what_somebody_changed_meanwhile_is_told_what_it_was(
    dee: Forms, other: Forms, glow: Clinic
) -> None:
    url = f"/desk/appointments/{book(glow, days=3)}"
    dee.open(url)
    sign_in(other, "manager").open(url)
    send(other, "/step/check-in")
    send(dee, "/cancel", reason="The client called")
    assert dee.page.status_code == 412
    assert "Mai Meyer checked the client in meanwhile" in dee.page.text
    assert "state-checked_in" in dee.page.text, "the page shows how it stands now"
    send(dee, "/cancel", reason="The client called")
    assert "Why cancelled: The client called" in dee.page.text
    assert "Book again" in dee.page.text


def test_a_visit_is_moved_onto_a_held_time_and_by_a_little(dee: Forms, glow: Clinic) -> None:
    url = f"/desk/appointments/{book(glow, days=4)}"
    dee.open(f"{url}/reschedule?day={(SOON + timedelta(days=5)).date()}")
    slots = next(each for each in dee.found if each.buttons and each.buttons[0][0] == "start")
    dee.send(slots.action, button=slots.buttons[5])
    assert "Held for" in dee.page.text
    send(dee, "/reschedule/confirm")
    assert "moved it from" in dee.page.text
    dee.open(url)
    before = re.search(r"<strong>([^<]+)–", dee.page.text)
    dee.open(f"{url}/reschedule")
    later = datetime.fromisoformat(slots.buttons[5][1]).astimezone(ZoneInfo("America/Chicago")) + timedelta(minutes=10)
    dee.send(slots.action, start="", day=str(later.date()), time=f"{later:%H:%M}")
    assert "meets the present time" in dee.page.text
    send(dee, "/reschedule/confirm")
    after = re.search(r"<strong>([^<]+)–", dee.page.text)
    assert before
    assert after
    assert before[1] != after[1]


def test_a_private_link_is_shown_once_and_works(dee: Forms, glow: Clinic) -> None:
    url = f"/desk/appointments/{book(glow, days=6)}"
    dee.open(url)
    send(dee, "/link")
    link = re.search(r'data-copy="[^"]+(/v/[^"]+)"', dee.page.text)
    assert link
    assert link[1] not in dee.open(url).text
    assert "Your visit" in dee.open(link[1]).text


def test_a_provider_sees_their_own_visits_without_contacts_and_changes_nothing(
    forms: Forms, dee: Forms, glow: Clinic
) -> None:
    mine = book(glow, days=7, choices={"provider": [[str(glow.resources["ana"])]]})
    theirs = book(glow, days=8, choices={"provider": [[str(glow.resources["ben"])]]})
    token = form(dee_page(dee, mine), "/note").fields["form_token"]
    dee.open("/account")
    dee.send("/sign-out")
    ana = sign_in(forms, "provider")
    assert "Bea Ortiz" in ana.open(f"/desk/appointments/{mine}").text
    assert "bea@example.org" not in ana.page.text
    assert "+1512" not in ana.page.text
    assert ana.open(f"/desk/appointments/{theirs}").status_code == 404
    for closed in (
        "/desk/clients",
        "/desk/inbox",
        "/desk/waitlist",
        "/desk/messages",
        "/desk/deliveries",
        "/desk/book",
    ):
        assert ana.open(closed).status_code == 403, closed
    forged = {"form_token": token, "revision": "1", "note": "mine"}
    assert ana.client.post(f"/desk/appointments/{mine}/note", data=forged).status_code == 403


def dee_page(page: Forms, visit: str) -> Forms:
    page.open(f"/desk/appointments/{visit}")
    return page


def test_ids_of_another_organization_and_forms_without_a_token_do_nothing(dee: Forms, glow: Clinic) -> None:
    visit = book(glow, days=9)
    stranger = public_id("appointment", UUID(int=7))
    nobody = {kind: public_id(kind, UUID(int=7)) for kind in ("client", "hold", "message", "waitlist_entry")}
    for url in (
        *(f"/desk/appointments/{stranger}", "/desk/appointments/nonsense", f"/desk/clients/{nobody['client']}"),
        *(f"/desk/book/hold/{nobody['hold']}", f"/desk/messages/{nobody['message']}"),
        f"/desk/waitlist/{nobody['waitlist_entry']}",
    ):
        assert dee.open(url).status_code == 404, url
    refused = dee.client.post(f"/desk/appointments/{visit}/cancel", data={"revision": "1"})
    assert refused.status_code == 403
    assert "state-confirmed" in dee.open(f"/desk/appointments/{visit}").text


@pytest.mark.parametrize(
    "typed", ["TRAN", "minh trần", "+1 (512) 555-0166", "0166", "5125550166", "tran.minh@ex", "example.org minh"]
)
def test_a_client_is_found_by_each_of_name_phone_and_email(dee: Forms, glow: Clinic, typed: str) -> None:
    glow.desk("add_client", name="Trần Minh Anh", email="tran.minh@example.org", phone="+15125550166")
    dee.open("/desk/clients")
    send(dee, "/desk/clients", text=typed)
    assert "Trần Minh Anh" in dee.page.text
    assert str(dee.page.url.query) == "b''"
    send(dee, "/desk/clients", text="minh schmidt")
    assert "Nobody found" in dee.page.text, "every word counts"


def test_what_is_searched_for_stays_out_of_addresses_and_logs(
    dee: Forms, glow: Clinic, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    glow.desk("add_client", name="Secretia Quill", email="secretia@example.org", phone="+15125550199")
    with caplog.at_level("DEBUG"):
        for page, part in (
            ("/desk/clients", "/desk/clients"),
            ("/desk/book", "/client"),
            ("/desk/palette", "/desk/palette"),
        ):
            dee.open(page)
            send(dee, part, text="secretia")
            assert "Secretia Quill" in dee.page.text
            assert "ecretia" not in str(dee.page.url)
    said = "\n".join([*(record.getMessage() for record in caplog.records), *capfd.readouterr()])
    assert "ecretia" not in said


def test_a_client_is_changed_by_one_person_at_a_time(dee: Forms, other: Forms, glow: Clinic) -> None:
    id = glow.desk("add_client", name="Cleo Diaz", email="cleo@example.org", phone=None)["add_client"]
    url = f"/desk/clients/{public_id('client', id)}"
    dee.open(url)
    sign_in(other, "manager").open(url)
    other.send(url, name="Cleo Díaz", email="cleo@example.org", phone="512 555 0188")
    assert "+15125550188" in other.page.text
    dee.send(url, name="Cleo D.", email="", phone="")
    assert dee.page.status_code == 412
    assert "Cleo Díaz" in dee.page.text
    dee.open(url)
    dee.send(f"{url}/messages", language="es", takes="sms")
    assert dee.page.status_code == 200, dee.page.text
    assert re.search(r'value="es" selected', dee.page.text)
    assert not re.search(r'value="email" checked', dee.page.text)


def test_the_palette_knows_pages_days_clients_and_codes(dee: Forms, glow: Clinic) -> None:
    visit = book(glow, days=10)
    shown = dee.open(f"/desk/appointments/{visit}").text
    code = re.search(r'class="code small soft">([^<]+)<', shown)
    assert code

    def hits(text: str) -> list[str]:
        dee.open("/desk/palette")
        send(dee, "/desk/palette", text=text)
        main = dee.page.text[dee.page.text.index("palette-hits") :]
        return re.findall(r'href="([^"]+)"', main[: main.index("</ul>")])

    assert "/desk/waitlist" in hits("wait")
    assert "/desk/manage" not in hits("")
    for link in (hits("tomorrow")[0], *re.findall(r'"(/desk/day[?][^"]+)" data-whole', shown)):
        assert f'name="date" value="{link.rpartition("=")[2]}"' in dee.open(html.unescape(link)).text
    assert hits(code[1].lower())[0] == f"/desk/appointments/{visit}"
    assert any("/desk/clients/cli_" in hit for hit in hits("bea"))


def test_a_collision_is_told_in_plain_words_and_decided_once(dee: Forms, glow: Clinic) -> None:
    assert "Nothing to decide" in dee.open("/desk/inbox").text
    start = SOON + timedelta(days=12)
    visit = book(glow, days=12, name="Dana Ruiz", choices={"provider": [[str(glow.resources["ana"])]]})
    glow.desk(
        "record_busy", resource_id=glow.resources["ana"], source="Ana's own calendar", external_id="x-1", start=start,
        end=start + timedelta(hours=1),
    )  # fmt: skip
    dee.open("/desk/inbox")
    assert "Ana Ruiz has two things on" in dee.page.text
    assert "Dana Ruiz: consult" in dee.page.text
    assert f"/desk/appointments/{visit}/reschedule" in dee.links
    send(dee, "/desk/inbox/col_", resolution="  ")
    assert dee.page.status_code == 422
    send(dee, "/desk/inbox/col_", resolution="Both can happen")
    assert "Nothing to decide" in dee.page.text
    decided = dee.open("/desk/inbox?decided=1").text
    assert "Dee Park" in decided
    assert "Both can happen" in decided


def test_somebody_waits_is_offered_a_time_by_hand_and_passed_over(dee: Forms, glow: Clinic) -> None:
    assert "Nobody waits" in dee.open("/desk/waitlist").text
    id = glow.desk("add_client", name="Wanda Weiss", email="wanda@example.org", phone=None)["add_client"]
    dee.open(f"/desk/waitlist/new?client={public_id('client', id)}")
    send(dee, "/desk/waitlist/new", services=public_id("service", glow.services["consult"]), parts="morning",
         location=public_id("location", glow.location_id))  # fmt: skip
    assert dee.page.url.path.startswith("/desk/waitlist/wle_"), dee.page.text
    entry = str(dee.page.url.path)
    dee.open(f"{entry}/offer?day={(SOON + timedelta(days=13)).date()}")
    slots = next(each for each in dee.found if each.buttons and each.buttons[0][0] == "start")
    dee.send(slots.action, button=slots.buttons[3])
    assert "may answer" in dee.page.text
    assert "offered by hand" in dee.page.text
    assert "Wanda Weiss" in dee.open("/desk/waitlist").text
    dee.open(entry)
    send(dee, "/skip")
    assert "may answer" not in dee.page.text
    send(dee, "/leave")
    assert "left the line" in dee.page.text


def test_messages_and_deliveries_have_empty_states(dee: Forms) -> None:
    assert "No messages here" in dee.open("/desk/messages").text
    assert "Nothing here" in dee.open("/desk/deliveries").text
