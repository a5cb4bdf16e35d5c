"""The day board without a mouse: a cursor over the empty times, names and focus of what opens, keys that can be off."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from holdfast.ids import public_id
from tests.clinic import CLIENT, Clinic, requires
from tests.web.board_chromium import WIDE, book, entry, open_day, serious
from tests.web.browsers import Visitor, visitor
from tests.web.conftest import Served
from tests.web.people import hire, sign_in_browser


@pytest.fixture(scope="module")
def boston(glow: Clinic) -> Clinic:
    """A second location, in another zone, that is open from nine to five."""
    made = glow.desk("put_location", slug="boston", name="Boston", time_zone="America/New_York")
    there = Clinic(glow.organization_id, made["put_location"], glow.desk)
    hours = [{"kind": "hours", "weekday": day, "starts": "09:00", "ends": "17:00"} for day in range(7)]
    glow.desk("set_weekly_rules", location_id=there.location_id, resource_id=None, rules=hours)
    there.resource("cleo", "provider")
    there.pool("peelers", ["cleo"])
    there.service("peel", 30, requires("peeler", "peelers", (0, 30)))
    return there


def cursor(page: Page) -> Any:
    return page.locator(".cell-cursor")


def test_empty_times_are_reached_moved_over_and_blocked_by_keyboard(
    dana: Visitor, glow: Clinic, noon: datetime
) -> None:
    page = open_day(dana.page, noon)
    cursor(page).focus()
    mark = page.locator(".ec-bg-event.cursor")
    expect(mark).to_be_visible()
    page.keyboard.press("Home")
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    said = page.locator(".cell-said")
    expect(said).to_have_text(re.compile("Ben Ode, 1:15.AM – 1:45.AM"))
    page.keyboard.press("Shift+ArrowDown")
    expect(said).to_have_text(re.compile("1:15.AM – 2:00.AM"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Book here")).to_be_focused()
    page.keyboard.press("Escape")
    expect(cursor(page)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    assert page.get_by_label("From", exact=True).input_value().endswith("T01:15")
    assert page.get_by_label("Until", exact=True).input_value().endswith("T02:00")
    page.keyboard.type("Stock")
    page.keyboard.press("Enter")
    expect(page.locator(".ec-event.block")).to_contain_text("Stock")
    expect(page.locator("#panel h1")).to_have_text("Stock")
    page.keyboard.press("Escape")
    expect(cursor(page)).to_be_focused()
    expect(said).to_contain_text("Ben Ode")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Open: Stock")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    expect(mark).to_have_count(0)


def test_a_column_opens_what_can_be_begun_for_it(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    page = open_day(dana.page, noon, "device")
    page.get_by_role("button", name="laser").focus()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Out of order / away").click()
    chosen = public_id("resource", glow.resources["laser"])
    expect(page.get_by_label("Who or what?")).to_have_value(chosen)
    expect(page.locator("#panel").get_by_label("From")).to_have_value(f"{noon.date()}T00:00")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="laser")).to_be_focused()


def test_b_books_where_and_when_the_board_is(dana: Visitor, glow: Clinic, boston: Clinic, noon: datetime) -> None:
    glow.desk("add_client", name="Zoe Zimmer", email="zoe@example.org", phone=None)
    page = open_day(dana.page, noon, location="boston")
    with page.expect_request(re.compile("/desk/book")) as asked:
        page.keyboard.press("b")
    assert f"location=boston&start={noon.date()}" in asked.value.url
    page.locator("#panel").get_by_label("Name, phone or e-mail").fill("zoe")
    expect(page.locator("#panel #found-clients .pick").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#panel #services")).to_contain_text("peel")
    page.keyboard.press("Enter")
    held = page.locator("#panel .held-card")
    expect(held).to_contain_text(f"{noon:%B} {noon.day}")
    expect(held).to_contain_text("Boston")
    page.keyboard.press("Escape")
    page.goto("/desk/messages")
    page.keyboard.press("b")
    page.locator("#panel").get_by_label("Name, phone or e-mail").fill("zoe")
    expect(page.locator("#panel #found-clients .pick").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#panel #services")).to_contain_text("peel"), "where one looked last"


def test_the_palette_begins_where_the_board_is(dana: Visitor, boston: Clinic, noon: datetime) -> None:
    page = open_day(dana.page, noon, location="boston")
    for words, field in (("block", "Whose time?"), ("out of", "Who or what?"), ("why", "Service")):
        page.keyboard.press("Control+k")
        expect(page.locator("#palette-text")).to_be_focused()
        page.keyboard.type(words)
        expect(page.locator("#palette-hits .pick")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator("#panel").get_by_label(field, exact=True)).to_be_visible()
        first = page.locator("#panel input[name=start]")
        assert first.input_value().startswith(str(noon.date())), words
        expect(page.locator("#panel select").last).to_contain_text("cleo")
        page.keyboard.press("Escape")


def test_the_panel_has_the_name_of_its_page_and_gives_the_focus_back(
    dana: Visitor, glow: Clinic, noon: datetime
) -> None:
    id = book(glow, noon)
    page = open_day(dana.page, noon)
    entry(page, id).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Ada Byron")).to_be_visible()
    expect(page.get_by_role("button", name="Check in")).to_be_focused()
    page.locator("#panel").get_by_role("link", name="Move", exact=True).click()
    expect(page.get_by_role("dialog", name="Move Ada Byron")).to_be_visible()
    expect(page.locator("#panel h1")).to_be_focused()
    # the entry is drawn anew while the panel is open
    glow.desk("change_note", appointment_id=entry_id(glow, id), note="tea", revision=1)
    expect(entry(page, id).locator(".mark-note")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(entry(page, id)).to_be_focused()


def entry_id(glow: Clinic, id: str) -> Any:
    [row] = glow.desk.read(
        "select id from holdfast.appointment where 'apt_' || replace(id::text, '-', '') = %(id)s", id=id
    )
    return row["id"]


def test_a_refused_move_is_named_and_gives_the_focus_back(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    id = book(glow, noon)
    book(glow, noon, "ben")
    page = open_day(dana.page, noon)
    entry(page, id).scroll_into_view_if_needed()
    box = entry(page, id).bounding_box()
    assert box is not None
    heads = page.locator(".ec-col-head").all()
    ends = [head.bounding_box() for head in heads[:2]]
    assert ends[0] is not None
    assert ends[1] is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    for part in (0.4, 0.8, 1.0):
        page.mouse.move(x + (ends[1]["x"] - ends[0]["x"]) * part, y)
    page.mouse.up()
    card = page.get_by_role("alertdialog", name="This could not be moved.")
    expect(card).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(entry(page, id)).to_be_focused()


def test_who_serves_is_changed_without_dragging(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    id = book(glow, noon, service="botox")
    page = open_day(dana.page, noon)
    entry(page, id).focus()
    page.keyboard.press("m")
    page.get_by_text("With somebody else, or elsewhere").click()
    page.get_by_label("Injector").select_option("Ben Ode")
    page.get_by_role("button", name="Show their times").click()
    page.get_by_role("button", name="Keep the time").click()
    page.get_by_role("button", name="Move it here").click()
    expect(page.locator("#panel .claims")).to_contain_text("Ben Ode")
    rows = glow.desk.read(
        "select r.slug::text as slug from holdfast.claim k join holdfast.unit u on u.id = k.unit_id"
        " join holdfast.resource r on r.id = u.resource_id join holdfast.appointment a on a.hold_id = k.hold_id"
        " where 'apt_' || replace(a.id::text, '-', '') = %(id)s and k.active and a.starts_at = %(noon)s order by 1",
        id=id, noon=noon,
    )  # fmt: skip
    assert [row["slug"] for row in rows] == ["ben", "room-1"]
    page.keyboard.press("Escape")


def test_single_keys_can_be_switched_off(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    page = open_day(dana.page, noon)
    page.keyboard.press("?")
    sheet = page.locator("#palette .shortcuts")
    for key in ("1–4", "t", "m", "b"):
        expect(sheet.locator("kbd", has_text=re.compile(f"^{key}$"))).to_have_count(1)
    page.get_by_role("button", name="Switch single keys off").click()
    expect(page.get_by_role("button", name="Switch single keys on")).to_be_focused()
    page.keyboard.press("Escape")
    for reload in (False, True):
        if reload:
            open_day(page, noon)
        for key in ("b", "2", "?", "/"):
            page.keyboard.press(key)
        expect(page.locator(".ec-col-head").first).to_contain_text("Ana Ruiz")
        expect(page.locator("#panel")).to_be_hidden()
        expect(page.locator("#palette")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.locator("#palette .shortcuts summary").click()
    page.get_by_role("button", name="Switch single keys on").click()
    expect(page.get_by_role("button", name="Switch single keys off")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_have_count(0)
    page.keyboard.press("2")
    expect(page.locator(".ec-col-head").first).to_contain_text("room-1")


def test_a_provider_is_not_thrown_off_the_board(browser: Browser, served: Served, glow: Clinic, noon: datetime) -> None:
    with visitor(browser, served.url, **WIDE) as some:
        sign_in_browser(some.page, "glow", hire(glow, "Ana", "provider", "ana"))
        page = open_day(some.page, noon)
        cursor(page).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("menuitem")).to_have_text(["Block this time", "Out of order / away"])
        page.keyboard.press("Escape")
        # an address of somebody else's day, as from a colleague's message
        page.evaluate(
            "() => { const a = document.createElement('a'); a.href = '/desk/why'; a.dataset.panel = '';"
            " a.textContent = 'theirs'; document.getElementById('page').append(a); }"
        )
        page.get_by_text("theirs").click()
        expect(page.locator("#panel")).to_contain_text("This shows other people's days.")
        expect(page.get_by_role("dialog", name="That did not work")).to_be_visible()
        assert "/desk/day" in page.url


def test_what_is_booked_outside_the_hours_that_are_shown_is_seen(dana: Visitor, boston: Clinic, noon: datetime) -> None:
    page = open_day(dana.page, noon, location="boston")
    expect(page.locator(".ec-body time", has_text="8 PM")).to_have_count(0)
    evening = noon.replace(hour=0) + timedelta(days=1)  # seven or eight at night in Boston
    made = boston.desk(
        "book", service_id=boston.services["peel"], location_id=boston.location_id, start=evening, client=CLIENT
    )
    late = entry(page, public_id("appointment", made["id"]))
    expect(late).to_have_count(1)
    late.scroll_into_view_if_needed()
    expect(late).to_be_in_viewport()
    expect(page.locator(".ec-body time", has_text="8 PM")).to_have_count(1)


def test_a_hold_runs_out_by_the_servers_clock(browser: Browser, served: Served, glow: Clinic, noon: datetime) -> None:
    held = glow.desk("place_hold", service_id=glow.services["consult"], location_id=glow.location_id, start=noon)
    with visitor(browser, served.url, **WIDE) as some:
        some.page.clock.install(time=datetime.now(UTC) + timedelta(hours=1))
        sign_in_browser(some.page, "glow", hire(glow, "Dana", "desk"))
        page = open_day(some.page, noon)
        hold = entry(page, public_id("hold", held["id"]))
        expect(hold.locator(".countdown")).to_have_text(re.compile(r"[1-9]:\d\d"))
        page.clock.run_for(3000)
        expect(hold).to_have_count(1)
        page.clock.fast_forward("10:00")
        expect(hold).to_have_count(0)


def test_a_board_that_shows_today_turns_at_midnight(browser: Browser, served: Served, glow: Clinic) -> None:
    with visitor(browser, served.url, **WIDE) as some:
        some.page.clock.install()
        sign_in_browser(some.page, "glow", hire(glow, "Dana", "desk"))
        page = some.page
        page.goto("/desk/day?location=austin")
        expect(page.locator(".board.drawn .ec-main")).to_be_visible()
        cursor(page).focus()
        page.keyboard.press("Enter")
        page.clock.fast_forward("24:00:00")
        expect(page.locator(".live-bar")).to_contain_text("It is ")
        expect(page.get_by_role("link", name="Show today")).to_have_attribute("href", re.compile("location=austin"))
        page.goto("/desk/day?location=austin")
        expect(page.locator(".board.drawn .ec-main")).to_be_visible()
        with page.expect_navigation():
            page.clock.fast_forward("24:00:00")
        expect(page.locator(".board.drawn .ec-main")).to_be_visible()
