"""What others do is seen at once, where it matters, and nothing else is: the times, the days, and the time one held."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from holdfast.ids import parse_id
from tests.clinic import Clinic
from tests.web.browsers import Visitor, visitor
from tests.web.conftest import Served
from tests.web.forms import Forms

DAY = (datetime.now(UTC) + timedelta(days=3)).date()
FREE = ".slot:not([aria-disabled])"
POLICY = {"ttl_seconds": 300, "grace_seconds": 60}


@pytest.fixture(autouse=True)
def plain(glow: Clinic) -> None:
    glow.desk("set_hold_policy", surface="widget", changes=POLICY)
    glow.desk(
        "set_booking_page", accent="#0f766e", logo=None, logo_type=None, embed_origins=["*"], change_notice_minutes=0,
        policy_text="",
    )  # fmt: skip


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def at(start: str) -> str:
    return f"[data-part=times] .slot[data-start='{start}']"


def start_of(page: Page, number: int) -> str:
    return page.locator(FREE).nth(number).get_attribute("data-start") or ""


def block(glow: Clinic, start: str, minutes: int = 60) -> dict[str, Any]:
    begin = datetime.fromisoformat(start)
    return glow.desk(
        "place_block",
        resource_id=glow.resources["laser"],
        start=begin,
        end=begin + timedelta(minutes=minutes),
        reason="",
    )


def run_out(page: Page, glow: Clinic) -> None:
    """The time that this page holds is over, for the record and then for the page, whose clock is the test's."""
    glow.desk("leave_hold", hold_id=parse_id("hold", page.url.rpartition("/")[2]), seconds=0)
    page.clock.fast_forward(POLICY["ttl_seconds"] * 1000)
    expect(page.get_by_role("timer")).to_contain_text("No longer kept")
    hears(page)


def hears(page: Page) -> None:
    """It hears of changes from now on."""
    page.wait_for_selector("#page[data-hearing]", state="attached")


def lose_a_race(ada: Page, bob: Page, address: str, number: int) -> None:
    """Bob taps what Ada has: no news reaches him until then."""
    bob.route("**/live/**", lambda route: route.abort())
    for each in (ada, bob):
        each.goto(address)
    start = start_of(ada, number)
    bob.wait_for_selector(at(start))
    ada.locator(at(start)).click()
    expect(ada.get_by_role("heading", name="This time is kept for you")).to_be_visible()
    bob.locator(at(start)).click()
    expect(bob.get_by_role("alert")).to_contain_text("a moment faster")
    bob.unroute("**/live/**")


def test_after_a_lost_race_the_times_stay_those_of_the_day(ada: Visitor, bob: Visitor, glow: Clinic) -> None:
    address = f"/b/glow/austin/laser?day={day(20)}"
    lose_a_race(ada.page, bob.page, address, 5)
    hears(bob.page)
    bob.complaints.clear()  # the connections that the test cut
    assert bob.page.url.endswith(address), "loaded again it is the day that was chosen"
    assert bob.page.locator("[data-part=times]").get_attribute("data-day") == str(day(20))
    nearest = bob.page.locator(".lost .slot").first.get_attribute("value") or ""
    taken = start_of(bob.page, 12)
    block(glow, taken)
    expect(bob.page.locator(at(taken))).to_have_attribute("aria-disabled", "true")
    assert bob.page.locator("[data-part=times]").get_attribute("data-day") == str(day(20))
    block(glow, nearest)
    expect(bob.page.locator(f".lost .slot[value='{nearest}']")).to_have_count(0)
    expect(bob.page.locator(".lost .slot")).to_have_count(3)


def test_so_do_those_of_a_visit_that_could_not_be_moved(ada: Visitor, bob: Visitor, glow: Clinic, forms: Forms) -> None:
    page = bob.page
    page.goto(f"/b/glow/austin/laser?day={day(21)}")
    page.locator(FREE).nth(2).click()
    page.get_by_label("Your name").fill("Bob")
    page.get_by_label("E-mail").fill("bob@example.org")
    page.get_by_role("button", name="Book it").click()
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    page.route("**/live/**", lambda route: route.abort())
    page.goto(f"{page.url.partition('?')[0]}/move?day={day(23)}")
    start = start_of(page, 6)
    block(glow, start)
    page.locator(at(start)).click()
    expect(page.get_by_role("alert")).to_contain_text("Your visit stays where it was")
    page.unroute("**/live/**")
    hears(page)
    bob.complaints.clear()
    assert f"day={day(23)}" in page.url
    taken = start_of(page, 12)
    block(glow, taken)
    expect(page.locator(at(taken))).to_have_attribute("aria-disabled", "true")
    assert page.locator("[data-part=times]").get_attribute("data-day") == str(day(23))


def test_a_time_that_is_lost_is_said_while_they_type(ada: Visitor, forms: Forms, glow: Clinic) -> None:
    page = ada.page
    page.clock.install()
    page.goto(f"/b/glow/austin/laser?day={day(1)}")
    start = start_of(page, 4)
    page.locator(at(start)).click()
    page.wait_for_selector("[data-hold]")
    page.get_by_label("Your name").fill("Ada Byron")
    run_out(page, glow)
    made = block(glow, start)
    expect(page.get_by_role("heading", name="This time was taken meanwhile")).to_be_visible()
    expect(page.get_by_role("alert").locator(".slot")).to_have_count(3)
    expect(page.locator(".said")).to_contain_text("taken meanwhile")
    expect(page.get_by_label("Your name")).to_be_focused()
    assert page.get_by_label("Your name").input_value() == "Ada Byron"
    glow.desk("remove_block", block_id=made["id"])
    expect(page.get_by_role("heading", name="This time is kept for you")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    block(glow, start)
    page.get_by_role("alert").locator(".slot").first.click()
    expect(page.get_by_role("timer")).to_contain_text("Kept for")
    assert page.get_by_label("Your name").input_value() == "Ada Byron"
    page.get_by_label("E-mail").fill("ada@example.org")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()


def test_enter_in_the_form_never_takes_an_alternative(ada: Visitor, glow: Clinic) -> None:
    page = ada.page
    page.clock.install()
    page.goto(f"/b/glow/austin/laser?day={day(2)}")
    start = start_of(page, 4)
    page.locator(at(start)).click()
    page.wait_for_selector("[data-hold]")
    page.get_by_label("Your name").fill("Ada Byron")
    run_out(page, glow)
    block(glow, start)
    expect(page.get_by_role("alert").locator(".slot")).to_have_count(3)
    page.get_by_label("E-mail").fill("ada@example.org")
    page.keyboard.press("Enter")
    expect(page.get_by_text("What you typed is kept")).to_be_visible()


def test_what_is_first_and_which_days_are_free_is_kept_up_to_date(ada: Visitor, glow: Clinic) -> None:
    page = ada.page
    # what comes first is hours away: a time of today could pass while this runs
    now = datetime.now(UTC)
    soon = block(glow, now.isoformat(), 120)
    page.goto("/b/glow/austin/laser")
    hears(page)
    first = page.locator("button.first")
    value = first.get_attribute("value") or ""
    words = first.text_content()
    made = block(glow, value, 90)
    expect(first).not_to_have_attribute("value", value)
    assert first.text_content() != words
    glow.desk("remove_block", block_id=made["id"])
    expect(first).to_have_attribute("value", value)
    glow.desk("remove_block", block_id=soon["id"])
    other = page.locator("[data-part=days] a.day:not([aria-current])").nth(1)
    full = other.get_attribute("data-day") or ""
    page.locator(f"[data-part=days] a.day[data-day='{full}']").focus()
    made = block(glow, f"{full}T00:00:00-08:00", 30 * 60)  # before midnight there, and after
    begin = datetime.fromisoformat(f"{full}T00:00:00-05:00") - timedelta(hours=2)
    more = glow.desk(
        "place_block", resource_id=glow.resources["laser"], start=begin, end=begin + timedelta(hours=5), reason=""
    )
    gone = page.locator(f"[data-part=days] span.day.none[data-day='{full}']")
    expect(gone).to_be_visible()
    expect(gone).to_be_focused()
    for each in (made, more):
        glow.desk("remove_block", block_id=each["id"])
    expect(page.locator(f"[data-part=days] a.day[data-day='{full}']")).to_be_focused()


def test_the_keyboard_keeps_its_place_and_is_told_what_became_of_it(ada: Visitor, glow: Clinic) -> None:
    page = ada.page
    page.goto(f"/b/glow/austin/laser?day={day(4)}")
    hears(page)
    earlier, here = start_of(page, 3), start_of(page, 30)
    made = block(glow, earlier)
    expect(page.locator(at(earlier))).to_have_attribute("aria-disabled", "true")
    page.reload()
    hears(page)
    expect(page.locator(at(earlier))).to_have_count(0)
    page.locator(at(here)).focus()
    glow.desk("remove_block", block_id=made["id"])
    expect(page.locator(at(earlier))).to_be_visible()
    expect(page.locator(at(here))).to_be_focused()
    expect(page.locator(".said")).to_be_empty()
    made = block(glow, here)
    expect(page.locator(".said")).to_contain_text("just taken")
    expect(page.locator(at(here))).to_be_focused()
    glow.desk("remove_block", block_id=made["id"])
    expect(page.locator(".said")).to_contain_text("free again")


def test_a_time_that_went_stays_in_its_place_when_another_comes(ada: Visitor, glow: Clinic) -> None:
    page = ada.page
    page.goto(f"/b/glow/austin/laser?day={day(5)}")
    hears(page)
    earlier, gone = start_of(page, 3), start_of(page, 30)
    made = block(glow, earlier)
    expect(page.locator(at(earlier))).to_have_attribute("aria-disabled", "true")
    page.reload()
    hears(page)
    block(glow, gone)
    expect(page.locator(at(gone))).to_have_attribute("aria-disabled", "true")
    page.locator(at(gone)).focus()
    glow.desk("remove_block", block_id=made["id"])
    expect(page.locator(at(earlier))).to_be_visible()
    expect(page.locator(at(gone))).to_be_focused()
    starts = page.locator("[data-part=times] .slot").evaluate_all("slots => slots.map((slot) => slot.dataset.start)")
    assert starts == sorted(starts, key=datetime.fromisoformat)


def test_their_own_clock_stands_where_they_choose(browser: Browser, served: Served, glow: Clinic) -> None:
    with visitor(browser, served.url, timezone_id="Europe/Berlin") as some:
        page = some.page
        page.goto("/b/glow/austin/consult")
        expect(page.locator("button.first .yours")).to_contain_text("where you are")
        page.goto(f"/b/glow/austin/laser?day={day(6)}")
        start = datetime.combine(day(6), time(10), ZoneInfo("America/Chicago")).astimezone(UTC)
        ten = page.locator(at(start.isoformat()))
        expect(ten).to_contain_text("10:00 AM")
        # seven hours later, but for the weeks in which only one of the two has summer time
        expect(ten.locator(".own")).to_contain_text(f"{start.astimezone(ZoneInfo('Europe/Berlin')).hour - 12}:00 PM")
        expect(page.get_by_text("In small print")).to_be_visible()
        hears(page)
        start = start_of(page, 30)
        made = block(glow, start)
        expect(page.locator(at(start))).to_contain_text("just taken")
        glow.desk("remove_block", block_id=made["id"])
        expect(page.locator(at(start))).not_to_contain_text("just taken")
        expect(page.locator(at(start)).locator(".own")).to_have_count(1)


def test_nobody_is_told_their_own_time_twice(browser: Browser, served: Served, glow: Clinic) -> None:
    # another zone with the same clock
    with visitor(browser, served.url, timezone_id="America/Menominee") as some:
        some.page.goto(f"/b/glow/austin/laser?day={day(6)}")
        expect(some.page.locator(".own")).to_have_count(0)
        expect(some.page.get_by_text("In small print")).to_be_hidden()


def test_a_page_hears_of_its_own_location_and_days_alone(served: Served, glow: Clinic) -> None:
    place = {"address": "1 Main St", "time_zone": "America/Chicago"}
    dallas = glow.desk("put_location", slug="dallas", name="Dallas", **place)["put_location"]
    there = glow.desk(
        "put_resource", slug="lamp", name="Lamp", kind="device", location_ids=[dallas], capacity=1
    )["put_resource"]  # fmt: skip
    both = glow.desk(
        "put_resource", slug="van", name="Van", kind="device", location_ids=[dallas, glow.location_id], capacity=1
    )["put_resource"]  # fmt: skip

    def close(resource: Any, when: date) -> Any:
        begin = datetime.combine(when, datetime.min.time(), UTC) + timedelta(hours=18)
        made = glow.desk(
            "place_block", resource_id=resource, start=begin, end=begin + timedelta(hours=1), reason=""
        )  # fmt: skip
        return made["id"]

    address = f"{served.url}/live/glow/austin?first={day(7)}&last={day(8)}"
    with httpx.stream("GET", address, timeout=30) as answer:
        lines = answer.iter_lines()
        next(line for line in lines if line.startswith("event:"))
        close(there, day(7))  # elsewhere
        close(glow.resources["laser"], day(9))  # another day
        glow.desk("remove_block", block_id=close(glow.resources["laser"], day(8)))
        close(both, day(7))  # of both places
        changes = (json.loads(line[5:]) for line in lines if line.startswith("data:"))
        told = [next(each for each in changes if each) for _ in range(3)]
    assert [(each["from"][:10], each["how"]) for each in told] == [
        (str(day(8)), "booked"), (str(day(8)), "freed"), (str(day(7)), "booked"),
    ]  # fmt: skip
