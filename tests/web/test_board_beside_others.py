"""The board beside others in real browsers: out of order, the booking page on a phone, lists that are live, and axe."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from holdfast.ids import public_id
from holdfast.wallclock import to_local
from tests.clinic import Clinic
from tests.web.board_chromium import book, entry, open_day, serious
from tests.web.browsers import Visitor, visitor
from tests.web.conftest import Served
from tests.web.people import hire, sign_in_browser

ZONE = "America/Chicago"
PHONE = "+15125550177"


def plan_of(glow: Clinic, noon: datetime, resource: str = "ana") -> str:
    start, end = (to_local(at, ZONE).strftime("%Y-%m-%dT%H:%M") for at in (noon, noon + timedelta(hours=6)))
    id = public_id("resource", glow.resources[resource])
    return f"/desk/dropout?show=1&location=austin&resource={id}&start={start}&end={end}"


def test_a_broken_morning_is_put_right_from_the_board(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    moved = book(glow, noon, name="Ivy Ito")
    left = book(glow, noon + timedelta(hours=1), name="Max Mori", phone=PHONE)
    book(glow, noon + timedelta(hours=1), "ben")
    page = open_day(dana.page, noon)
    page.get_by_role("button", name="Ana Ruiz", exact=True).click()
    page.get_by_role("menuitem", name="Out of order / away").click()
    panel = page.locator("#panel")
    panel.get_by_label("From").fill(f"{noon.date()}T11:00")
    panel.get_by_label("Until").fill(f"{noon.date()}T18:00")
    panel.get_by_role("button", name="Show who could take over").click()
    page.wait_for_url("**/desk/dropout?*show=1*")
    plan = page.locator("#page")
    expect(plan.get_by_role("heading", level=1)).to_have_text("Ana Ruiz is out")
    expect(plan.locator(".move-line")).to_have_text(re.compile(r"Ivy Ito.*Ana Ruiz.*Ben Ode", re.S))
    expect(plan.get_by_role("link", name=re.compile("Call"))).to_have_attribute("href", f"tel:{PHONE}")
    page.get_by_label("Reason").fill("Migraine")
    page.get_by_role("button", name="Carry out this plan").click()
    expect(plan.locator(".note.good")).to_have_text("Done: 1 visit moved.")
    expect(plan.locator(".left-card")).to_have_count(1)
    page.wait_for_load_state()  # the scripts have come: without them the time would open as a page of its own
    # the time that suits the client is held and taken, beside the plan, which then has nothing left
    plan.locator(".left-card .slot").first.click()
    expect(panel.locator("[data-hold]")).to_contain_text("Held for")
    panel.get_by_role("button", name="Move it here").click()
    expect(plan.locator(".left-card")).to_have_count(0)
    expect(plan).to_contain_text("No booked visit is affected.")
    page.keyboard.press("Escape")
    open_day(page, noon)
    [off] = glow.desk.read("select kind, reason from holdfast.dated_rule where reason = 'Migraine'")
    assert off["kind"] == "time_off"
    expect(entry(page, moved)).to_contain_text("Ben Ode")
    assert left


def test_the_board_and_the_booking_page_see_each_other_hold_and_let_go(
    browser: Browser, served: Served, dana: Visitor, glow: Clinic, noon: datetime
) -> None:
    page = open_day(dana.page, noon)
    with visitor(browser, served.url) as client:
        phone = client.page
        phone.goto(f"/b/glow/austin/laser?day={noon.date()}")
        slot = phone.locator(".slot:not([aria-disabled])").nth(6)
        start = slot.get_attribute("data-start") or ""
        slot.click()
        expect(phone.get_by_role("heading", name="This time is kept for you")).to_be_visible()
        page.keyboard.press("3")
        hold = page.locator(".ec-event.hold")
        expect(hold).to_contain_text("Being booked")
        phone.go_back()
        expect(hold).to_have_count(0)
        # the other way round: what the desk holds fades on the phone, and comes back
        there = phone.locator(f".slot[data-start='{start}']")
        expect(there).not_to_have_attribute("aria-disabled", "true")
        held = glow.desk(
            "place_hold", service_id=glow.services["laser"], location_id=glow.location_id,
            start=datetime.fromisoformat(start),
        )  # fmt: skip
        expect(hold).to_have_count(1)
        expect(there).to_contain_text("being booked")
        glow.desk("release_hold", hold_id=held["id"])
        expect(hold).to_have_count(0)
        expect(there).not_to_have_attribute("aria-disabled", "true")


def test_the_week_the_list_and_the_inbox_are_live(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    page = dana.page
    with page.expect_response("**/desk/changes?*"):
        page.goto(f"/desk/week?location=austin&date={noon.date()}")
    page.evaluate("window.loadedOnce = true")
    row = page.locator("tr", has_text="Ana Ruiz")
    cell = row.locator("td").nth(noon.weekday())
    before = cell.text_content() or ""
    book(glow, noon, name="Lio Lam")
    expect(cell).not_to_have_text(before)
    assert page.evaluate("window.loadedOnce")

    with page.expect_response("**/desk/changes?*"):
        page.goto(f"/desk/list?location=austin&date={noon.date()}")
    page.get_by_role("searchbox").fill("nia")
    with page.expect_response("**/desk/changes?*"):
        page.get_by_role("button", name="Search").click()
    expect(page.locator(".visits")).to_have_count(0)
    assert "nia" not in page.url
    book(glow, noon + timedelta(hours=1), name="Nia Nolan")
    expect(page.locator(".visits tbody tr")).to_have_count(1)
    book(glow, noon + timedelta(hours=2), name="Olaf Ott")
    book(glow, noon + timedelta(hours=3), name="Nia Noble")
    expect(page.locator(".visits tbody tr")).to_have_count(2), "what is searched for stays searched for"

    badge = page.locator(".rail [data-inbox]")
    expect(badge).to_be_hidden()
    busy = glow.desk(
        "record_busy", resource_id=glow.resources["ana"], source="feed", external_id=str(noon), start=noon,
        end=noon + timedelta(minutes=30),
    )  # fmt: skip
    expect(badge).to_be_visible()
    expect(page.get_by_role("link", name="Inbox 1 to decide")).to_be_visible()
    page.goto("/desk/inbox")
    expect(page.locator(".cards .card")).to_have_count(1)
    assert busy


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_serious_in_what_opens(
    browser: Browser, served: Served, glow: Clinic, noon: datetime, scheme: Any, width: int
) -> None:
    book(glow, noon, name="Ivy Ito")
    left = book(glow, noon + timedelta(hours=1), name="Max Mori", phone=PHONE)
    book(glow, noon + timedelta(hours=1), "ben")
    made = glow.desk("place_block", resource_id=glow.resources["ben"], start=noon + timedelta(hours=3),
                     end=noon + timedelta(hours=4), reason="Lunch")  # fmt: skip
    ana, block = public_id("resource", glow.resources["ana"]), public_id("block", made["id"])
    at = f"location=austin&start={noon.date()}"
    found: dict[str, list[str]] = {}
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "reduced_motion": "reduce"}
    with visitor(browser, served.url, bypass_csp=True, **options) as some:
        page = some.page
        sign_in_browser(page, "glow", hire(glow, "Dana", "desk"))

        def look(name: str, shown: Callable[[Page], Any]) -> None:
            expect(shown(page)).to_be_visible()
            found[name] = serious(page)

        for address in (
            plan_of(glow, noon), f"/desk/dropout?{at}", f"/desk/blocks/new?{at}", f"/desk/blocks/{block}",
            f"/desk/why?{at}&resource={ana}", f"/desk/appointments/{left}/reschedule?with.provider={ana}",
            "/desk/blocks/blk_nothing",
        ):  # fmt: skip
            page.goto(address)
            look(address, lambda page: page.get_by_role("heading", level=1).first)
        open_day(page, noon)
        page.locator(".cell-cursor").focus()
        page.keyboard.press("Enter")
        look("menu", lambda page: page.get_by_role("menu"))
        page.keyboard.press("Escape")
        page.locator(".more summary").click()
        look("more", lambda page: page.locator(".more ul"))
        page.get_by_role("link", name="Why not?").click()
        look("panel", lambda page: page.get_by_role("dialog", name=re.compile("Why not|can be booked")))
        page.keyboard.press("Escape")
        entry(page, left).focus()
        page.keyboard.press("Enter")
        look("visit", lambda page: page.get_by_role("dialog", name="Max Mori"))
        page.keyboard.press("Escape")
        open_day(page, noon)
        page.keyboard.press("?")
        look("keys", lambda page: page.locator("#palette .keys").first)
        page.keyboard.press("Escape")
        client = glow.desk("add_client", name="Wanda Weiss", email=f"w{width}@example.org", phone=None)["add_client"]
        page.goto(f"/desk/waitlist/new?client={public_id('client', client)}")
        look("to the waitlist", lambda page: page.get_by_role("heading", level=1).first)
        page.get_by_label("consult").check()
        page.get_by_role("button", name="Put on the waitlist").click()
        page.wait_for_url("**/desk/waitlist/wle_*")
        look("waitlist entry", lambda page: page.get_by_role("heading", level=1).first)
        page.goto(f"{page.url.partition('?')[0]}/offer")
        look("waitlist offer", lambda page: page.get_by_role("heading", level=1).first)
    assert {name: said for name, said in found.items() if said} == {}


def test_a_plan_that_is_out_of_date_is_shown_anew(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    book(glow, noon)
    page = dana.page
    page.goto(plan_of(glow, noon))
    button = page.get_by_role("button", name="Carry out this plan")
    expect(button).to_be_visible()
    glow.desk("reschedule", appointment_id=_id(glow, noon), revision=1, start=noon + timedelta(days=40))
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("changed something meanwhile")
    expect(page.locator("#page")).to_contain_text("No booked visit is affected.")


def _id(glow: Clinic, noon: datetime) -> Any:
    [row] = glow.desk.read("select id from holdfast.appointment where starts_at = %(noon)s", noon=noon)
    return row["id"]
