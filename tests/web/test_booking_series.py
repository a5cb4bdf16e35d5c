"""The same visit again every few weeks: proposed, held, booked and cancelled as a whole or one by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import httpx
import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from holdfast.wallclock import local_date
from tests.clinic import Clinic
from tests.web.browsers import chromium, visitor
from tests.web.conftest import Served
from tests.web.forms import Forms

DAY = (datetime.now(UTC) + timedelta(days=3)).date()


@pytest.fixture(autouse=True)
def generous(glow: Clinic) -> None:
    """A visitor may keep six visits at once, and change them up to their start."""
    glow.desk("set_hold_policy", surface="widget", changes={"live_holds_per_visitor_max": 6})
    glow.desk(
        "set_booking_page", accent="#0f766e", logo=None, logo_type=None, embed_origins=["*"], change_notice_minutes=0,
        policy_text="",
    )  # fmt: skip


@pytest.fixture
def other(served: Served) -> Iterator[Forms]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=30) as client:
        yield Forms(client)


def tap(some: Forms, day: int, number: int, service: str = "laser") -> str:
    """Hold a time; its start."""
    some.open(f"/b/glow/austin/{service}?day={DAY + timedelta(days=day)}")
    button = next(form for form in some.found if form.action.endswith("/hold")).buttons[number]
    some.send("/hold", button=button)
    assert "kept for you" in some.page.text
    return button[1]


def propose(some: Forms, weeks: int, times: int) -> None:
    address = next(link for link in some.links if link.endswith("/repeat"))
    some.open(f"{address}?weeks={weeks}&times={times}")


def book(some: Forms) -> None:
    action = next(form.action for form in some.found if "name" in form.fields)
    some.send(action, name="Ada Byron", email="ada@example.org")
    assert "You are booked" in some.page.text


def states(some: Forms) -> list[str]:
    content = some.client.get(f"{some.page.url.path}/visit.ics").content
    return sorted(str(event["STATUS"]) for event in Calendar.from_ical(content).walk("VEVENT"))


def test_a_series_is_proposed_held_booked_and_cancelled(glow: Clinic, forms: Forms) -> None:
    tap(forms, 0, 40)
    propose(forms, 4, 6)
    form = next(form for form in forms.found if form.method == "post" and "start-2" in form.fields)
    days = [
        local_date(datetime.fromisoformat(value), "America/Chicago")
        for name, value in form.fields.items()
        if name.startswith("start-")
    ]
    assert [(after - one).days for one, after in pairwise(days)] == [28] * 4
    forms.send(form.action)
    assert "/hold/ser_" in forms.page.url.path
    assert "All of your visits" in forms.page.text
    book(forms)
    assert states(forms) == ["CONFIRMED"] * 6
    forms.open(forms.page.url.path)
    third = [link for link in forms.links if "?of=vis_" in link][2]
    forms.open(third)
    cancel = next(form for form in forms.found if form.action.partition("?")[0].endswith("/cancel"))
    forms.send(cancel.action)
    assert states(forms) == ["CANCELLED"] + ["CONFIRMED"] * 5
    forms.open(forms.page.url.path)
    whole = next(form for form in forms.found if "series" in form.fields)
    assert forms.client.post(whole.action, data=whole.fields | {"form_token": "no"}).status_code == 403
    forms.page = forms.client.post(whole.action, data=whole.fields)
    assert states(forms) == ["CANCELLED"] * 6


def test_of_a_series_those_stay_that_it_is_too_late_for(glow: Clinic, forms: Forms) -> None:
    tap(forms, 7, 20)
    propose(forms, 1, 3)
    forms.send(next(form for form in forms.found if form.method == "post" and "start-2" in form.fields).action)
    book(forms)
    link = forms.page.url.path
    forms.open(link)
    last = [each for each in forms.links if "?of=vis_" in each][2]
    notice_days = (DAY - datetime.now(UTC).date()).days + 7 + 8  # up to between the second and the third
    glow.desk(
        "set_booking_page", accent="#0f766e", logo=None, logo_type=None, embed_origins=["*"],
        change_notice_minutes=notice_days * 1440, policy_text="",
    )  # fmt: skip
    forms.open(link)
    assert "too late to change this visit here" in forms.page.text
    assert "so they stay" in forms.page.text
    forms.open(last)
    assert "Cancel all that can be cancelled" in forms.page.text
    whole = next(form for form in forms.found if "series" in form.fields)
    forms.client.headers["sec-fetch-site"] = "same-origin"
    forms.page = forms.client.post(whole.action, data=whole.fields)
    assert states(forms) == ["CANCELLED", "CONFIRMED", "CONFIRMED"]
    assert "so they stay" in forms.page.text


def test_a_day_that_is_full_comes_with_what_is_near(glow: Clinic, forms: Forms, other: Forms) -> None:
    tap(other, 1 + 14, 50)
    full = datetime.combine(DAY + timedelta(days=1 + 28), time(), ZoneInfo("America/Chicago"))
    glow.desk("place_block", resource_id=glow.resources["laser"], start=full, end=full + timedelta(days=1), reason="")
    tap(forms, 1, 50)
    propose(forms, 2, 4)
    assert forms.page.text.count("another time on this day") == 1
    assert forms.page.text.count("is full. Instead:") == 1
    form = next(form for form in forms.found if form.method == "post" and "start-3" in form.fields)
    chosen = forms.page.text.partition('name="start-3"')[2].partition('value="')[2].partition('"')[0]
    forms.client.headers["sec-fetch-site"] = "same-origin"
    forms.page = forms.client.post(form.action, data=form.fields | {"start-3": chosen})
    assert "/hold/ser_" in forms.page.url.path


def test_what_is_lost_meanwhile_is_said_and_the_first_is_kept(glow: Clinic, forms: Forms, other: Forms) -> None:
    tap(forms, 2, 60)
    propose(forms, 2, 3)
    assert "another time on this day" not in forms.page.text
    shown = forms.page
    form = next(form for form in forms.found if form.method == "post" and "start-2" in form.fields)
    tap(other, 2 + 14, 60)
    forms.page = shown
    refused = forms.send(form.action)
    assert refused.status_code == 409
    assert "just taken" in refused.text
    assert "another time on this day" in refused.text
    assert "kept for you" in forms.open(form.action.removesuffix("/repeat")).text


def test_no_more_than_the_quota_and_only_by_whoever_holds(glow: Clinic, forms: Forms, other: Forms) -> None:
    tap(forms, 4, 70)
    propose(forms, 1, 8)
    form = next(form for form in forms.found if form.method == "post" and "start-2" in form.fields)
    assert forms.send(form.action).status_code == 409
    assert "Choose fewer" in forms.page.text
    propose_at = form.action
    assert other.open(propose_at).status_code == 404


def test_going_on_to_the_series_does_not_give_the_time_back(served: Served, glow: Clinic) -> None:
    with chromium() as browser, visitor(browser, served.url) as ada:
        ada.page.goto(f"/b/glow/austin/laser?day={DAY + timedelta(days=5)}")
        ada.page.locator(".slot").nth(30).click()
        ada.page.get_by_role("link", name="Repeat this visit").click()
        expect(ada.page.get_by_role("timer")).to_contain_text("Kept for")
        ada.page.get_by_label("Visits in all").select_option("4")
        ada.page.get_by_role("button", name="Show the days").click()
        ada.page.get_by_role("button", name="Keep all of these").click()
        expect(ada.page.locator(".dates li")).to_have_count(4)
        expect(ada.page.get_by_role("heading", name="This time is kept for you")).to_be_visible()
