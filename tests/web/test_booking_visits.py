"""Several services, or two people, booked on the page as one visit, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from tests.clinic import Clinic
from tests.web.browsers import chromium, visitor
from tests.web.conftest import Served
from tests.web.forms import Forms

DAY = (datetime.now(UTC) + timedelta(days=3)).date()


@pytest.fixture(autouse=True)
def anytime(glow: Clinic) -> None:
    """Clients may change a visit up to its start."""
    glow.desk(
        "set_booking_page", accent="#0f766e", logo=None, logo_type=None, embed_origins=["*"], change_notice_minutes=0,
        policy_text="",
    )  # fmt: skip


@pytest.fixture
def other(served: Served) -> Iterator[Forms]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=30) as client:
        yield Forms(client)


def times(some: Forms, path: str, day: int) -> list[tuple[str, str]]:
    """The buttons of a day's times."""
    some.open(f"/b/glow/austin/{path}{'&' if '?' in path else '?'}day={DAY + timedelta(days=day)}")
    assert some.page.status_code == 200, some.page.text
    return next(form for form in some.found if "/hold" in form.action).buttons


def tap(some: Forms, button: tuple[str, str]) -> httpx.Response:
    return some.send(next(form.action for form in some.found if "/hold" in form.action), button=button)


def book(some: Forms) -> httpx.Response:
    action = next(form.action for form in some.found if "name" in form.fields)
    return some.send(action, name="Ada Byron", email="ada@example.org")


def events(some: Forms, link: str | None = None) -> list[tuple[datetime, datetime, str, int]]:
    """The calendar file's events by start: start, end, status and sequence."""
    calendar = Calendar.from_ical(some.client.get(f"{link or some.page.url.path}/visit.ics").content)
    found = [
        (event.decoded("DTSTART"), event.decoded("DTEND"), str(event["STATUS"]), int(str(event["SEQUENCE"])))
        for event in calendar.walk("VEVENT")
    ]
    return sorted(found)


def states(some: Forms) -> list[str]:
    return sorted(state for _, _, state, _ in events(some))


def test_one_service_is_as_many_steps_as_ever(glow: Clinic, forms: Forms) -> None:
    assert "/b/glow/austin/botox" in forms.open("/b/glow/austin").text
    tap(forms, times(forms, "botox", 0)[4])
    assert "kept for you" in forms.page.text
    assert "/hold/hld_" in forms.page.url.path


def test_a_service_is_added_held_and_booked_with_the_other(glow: Clinic, forms: Forms, other: Forms) -> None:
    forms.open("/b/glow/austin/laser")
    add = next(link for link in forms.links if "after=laser" in link)
    forms.open(add)
    assert "What else would you like?" in forms.page.text
    assert "/b/glow/austin/laser?and=botox" in forms.links
    buttons = times(forms, "laser?and=botox", 1)
    tap(forms, buttons[6])
    assert "/hold/vis_" in forms.page.url.path
    assert forms.page.text.count('<li><span class="numbers soft">') == 2
    assert buttons[6] not in times(other, "laser", 1), "the laser is kept from the first on"
    book(forms)
    assert "You are booked" in forms.page.text
    assert states(forms) == ["CONFIRMED", "CONFIRMED"]
    assert "Change only a part of it" in forms.open(forms.page.url.path).text


def test_for_two_where_there_is_enough_of_everything(glow: Clinic, forms: Forms) -> None:
    forms.open("/b/glow/austin/botox")
    assert any("party=2" in link for link in forms.links)
    forms.open("/b/glow/austin/laser")
    assert not any("party=2" in link for link in forms.links), "there is one laser"
    assert forms.open("/b/glow/austin/laser?party=2").status_code == 404
    assert forms.open("/b/glow/austin/botox?party=3").status_code == 404
    tap(forms, times(forms, "botox?party=2", 2)[3])
    book(forms)
    assert "Ana Ruiz" in forms.page.text
    assert "Ben Ode" in forms.page.text


def test_a_part_is_cancelled_and_then_the_rest(glow: Clinic, forms: Forms) -> None:
    tap(forms, times(forms, "laser?and=botox", 3)[2])
    book(forms)
    forms.open(forms.page.url.path)
    part = next(form for form in forms.found if form.action.endswith("/cancel") and "part" in form.fields)
    forms.send("/cancel", part=part.fields["part"])
    assert "Change only a part of it" not in forms.page.text
    assert states(forms) == ["CANCELLED", "CONFIRMED"]
    forms.send("/cancel")
    assert "This visit is cancelled" in forms.page.text
    assert states(forms) == ["CANCELLED", "CANCELLED"]


def test_all_of_it_moves_or_a_part(glow: Clinic, forms: Forms) -> None:
    tap(forms, times(forms, "laser?and=botox", 4)[2])
    book(forms)
    link = forms.page.url.path
    forms.open(f"{link}/move?day={DAY + timedelta(days=5)}")
    forms.send("/move", button=next(form for form in forms.found if form.action.endswith("/move")).buttons[8])
    assert "You are booked" in forms.page.text
    first, second = events(forms, link)
    assert first[3] == second[3] == 1
    assert second[0] >= first[1]
    part = next(each for each in forms.links if "/move?part=apt_" in each)
    forms.open(f"{part}&day={DAY + timedelta(days=6)}")
    form = next(form for form in forms.found if form.action.endswith("/move"))
    forms.send("/move", button=form.buttons[1], part=form.fields["part"])
    assert sorted(sequence for _, _, _, sequence in events(forms, link)) == [1, 2]


def test_whoever_loses_a_visit_gets_three_others_and_keeps_the_form(glow: Clinic, forms: Forms, other: Forms) -> None:
    slot = times(forms, "laser?and=botox", 7)[3]
    assert slot in times(other, "laser?and=botox", 7)
    tap(forms, slot)
    assert tap(other, slot).status_code == 409
    alternatives = other.found[0].buttons
    assert len(alternatives) == 3
    tap(other, alternatives[0])
    assert "kept for you" in other.page.text
    typing = forms.page
    forms.send("/release")  # as an expiry would
    other.send("/release")
    tap(other, next(button for button in times(other, "laser?and=botox", 7) if button == slot))
    forms.page = typing
    lost = forms.send(next(f.action for f in forms.found if "name" in f.fields), name="Grace", email="g@example.org")
    assert lost.status_code == 409
    assert 'value="Grace"' in lost.text
    again = next(form for form in forms.found if form.action.endswith("/again"))
    forms.send("/again", button=again.buttons[0])
    assert 'value="Grace"' in forms.page.text
    assert "/hold/vis_" in next(form.action for form in forms.found if "name" in form.fields)


def test_the_first_start_there_is_is_one_tap_away(glow: Clinic, forms: Forms) -> None:
    now = datetime.now(UTC)
    for name in ("ana", "ben"):  # the first there is could pass before it is tapped, were it not hours away
        until = now + timedelta(hours=2)
        glow.desk("place_block", resource_id=glow.resources[name], start=now, end=until, reason="")
    forms.open("/b/glow/austin/consult")
    assert "First available" in forms.page.text
    first = forms.found[0]
    assert len(first.buttons) == 1
    forms.send(first.action, button=first.buttons[0])
    assert "kept for you" in forms.page.text


def test_others_see_the_times_of_a_visit_fade(served: Served, glow: Clinic) -> None:
    with chromium() as browser, visitor(browser, served.url) as ada, visitor(browser, served.url) as bob:
        for each in (ada, bob):
            each.page.goto(f"/b/glow/austin/laser?and=botox&day={DAY + timedelta(days=8)}")
        start = ada.page.locator(".slot").nth(4).get_attribute("data-start")
        ada.page.locator(f".slot[data-start='{start}']").click()
        expect(ada.page.get_by_role("heading", name="This time is kept for you")).to_be_visible()
        taken = bob.page.locator(f".slot[data-start='{start}']")
        expect(taken).to_have_attribute("aria-disabled", "true")
        ada.page.go_back()
        expect(taken).not_to_have_attribute("aria-disabled", "true")
