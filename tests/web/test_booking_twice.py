"""A booking whose answer was lost, or that is sent twice, is answered with the visit, once there is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Route, expect

from holdfast.ids import parse_id
from tests.clinic import Clinic
from tests.web.browsers import visitor
from tests.web.conftest import Served
from tests.web.forms import Forms

DAY = (datetime.now(UTC) + timedelta(days=3)).date()
POLICY = {"ttl_seconds": 300, "grace_seconds": 60, "live_holds_per_visitor_max": 6}


@pytest.fixture(autouse=True)
def generous(glow: Clinic) -> None:
    glow.desk("set_hold_policy", surface="widget", changes=POLICY)


def tap(some: Forms, address: str, number: int) -> None:
    some.open(f"/b/glow/austin/{address}")
    button = next(form for form in some.found if form.action.partition("?")[0].endswith("/hold")).buttons[number]
    some.send(next(form.action for form in some.found if form.buttons), button=button)
    assert "kept for you" in some.page.text


def book(some: Forms) -> None:
    action = next(form.action for form in some.found if "name" in form.fields)
    some.send(action, name="Ada Byron", email="ada@example.org")


def booked(glow: Clinic) -> int:
    return len(glow.desk.read("select id from holdfast.appointment"))


def both_times_to_the_visit(glow: Clinic, forms: Forms) -> None:
    asked = forms.page
    before = booked(glow)
    book(forms)
    assert "You are booked" in forms.page.text
    code = forms.page.text.partition('class="code">')[2].partition("<")[0]
    made = booked(glow) - before
    forms.page = asked
    book(forms)
    assert forms.page.status_code == 200
    assert forms.page.url.path.startswith("/v/")
    assert "You are booked" in forms.page.text
    assert code in forms.page.text
    assert booked(glow) - before == made
    forms.open(asked.url.path)
    assert "You have booked this" in forms.page.text
    forms.send(asked.url.path)
    assert code in forms.page.text


def test_a_booking_that_is_sent_twice(glow: Clinic, forms: Forms) -> None:
    tap(forms, f"laser?day={DAY}", 3)
    both_times_to_the_visit(glow, forms)


def test_a_visit_of_several_that_is_sent_twice(glow: Clinic, forms: Forms) -> None:
    tap(forms, f"botox?and=consult&day={DAY + timedelta(days=1)}", 3)
    both_times_to_the_visit(glow, forms)


def test_a_series_that_is_sent_twice(glow: Clinic, forms: Forms) -> None:
    tap(forms, f"laser?day={DAY + timedelta(days=2)}", 3)
    address = next(link for link in forms.links if link.endswith("/repeat"))
    forms.open(f"{address}?weeks=1&times=3")
    proposed = forms.page
    forms.send(address)
    series = forms.page.url.path
    assert "/hold/ser_" in series
    forms.page = proposed
    forms.send(address)
    assert forms.page.url.path == series, "the same series is kept, and no second one"
    both_times_to_the_visit(glow, forms)


def test_one_that_ran_out_and_was_taken_again(glow: Clinic, forms: Forms) -> None:
    glow.desk("set_hold_policy", surface="widget", changes={"grace_seconds": 0})
    tap(forms, f"laser?day={DAY + timedelta(days=3)}", 3)
    hold = forms.page.url.path.rpartition("/")[2]
    glow.desk("leave_hold", hold_id=parse_id("hold", hold), seconds=0)
    assert "kept for you" not in forms.client.get(forms.page.url.path).text
    both_times_to_the_visit(glow, forms)


def test_an_alternative_that_is_tapped_twice(glow: Clinic, forms: Forms) -> None:
    tap(forms, f"laser?day={DAY + timedelta(days=4)}", 3)
    typing = forms.page
    forms.send("/release")
    start = datetime.combine(DAY + timedelta(days=4), datetime.min.time(), UTC)
    laser = glow.resources["laser"]
    glow.desk("place_block", resource_id=laser, start=start, end=start + timedelta(hours=14), reason="")
    forms.page = typing
    book(forms)
    assert "taken meanwhile" in forms.page.text
    lost = forms.page
    again = next(form for form in forms.found if form.action.endswith("/again"))
    for _ in range(2):
        forms.page = lost
        forms.send("/again", button=again.buttons[0])
        assert "This time is kept for you" in forms.page.text
    book(forms)
    assert "You are booked" in forms.page.text


def test_an_answer_that_was_lost_on_its_way(browser: Browser, served: Served, glow: Clinic) -> None:
    with visitor(browser, served.url) as some:
        page = some.page
        page.goto(f"/b/glow/austin/laser?day={DAY + timedelta(days=5)}")
        page.locator(".slot").nth(4).click()
        page.get_by_label("Your name").fill("Ada Byron")
        page.get_by_label("E-mail").fill("ada@example.org")
        before = booked(glow)

        def lose(route: Route) -> None:
            route.fetch(max_redirects=0)  # it reaches the server; the answer reaches nobody
            route.abort("connectionreset")

        address = page.url
        page.route(address, lose)
        page.get_by_role("button", name="Book it").click()
        expect(page.locator(".toast")).to_contain_text("No connection")
        page.unroute(address)
        some.complaints.clear()  # the browser's own line about the connection
        assert booked(glow) == before + 1
        page.get_by_role("button", name="Book it").click()
        expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
        assert booked(glow) == before + 1
        page.goto(address)
        page.get_by_role("button", name="See your visit").click()
        expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
