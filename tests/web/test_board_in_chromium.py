"""The day board in real browsers: what others do appears by itself; dragging is accepted, refused and undone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from holdfast.ids import public_id
from tests.clinic import CLIENT, Clinic
from tests.web.browsers import Visitor, forget, visitor
from tests.web.conftest import Served
from tests.web.people import hire, sign_in_browser

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
WIDE = {"viewport": {"width": 1440, "height": 900}}
FIRST = (datetime.now(UTC) + timedelta(days=10)).replace(hour=18, minute=0, second=0, microsecond=0)


def book(glow: Clinic, start: datetime, provider: str = "ana", service: str = "consult") -> str:
    role = "provider" if service == "consult" else "injector"
    made = glow.desk(
        "book", service_id=glow.services[service], location_id=glow.location_id, start=start, client=CLIENT,
        choices={role: [[str(glow.resources[provider])]]},
    )  # fmt: skip
    return public_id("appointment", made["id"])


def open_day(page: Page, noon: datetime, by: str = "provider") -> Page:
    page.goto(f"/desk/day?location=austin&date={noon.date()}&by={by}")
    expect(page.locator(".board.drawn .ec-main")).to_be_visible()
    return page


def entry(page: Page, id: str) -> Locator:
    return page.locator(f".ec-event:has([data-key^='{id}'])")


def drag(page: Page, id: str, *, columns: float = 0, minutes: float = 0) -> None:
    """Drag an entry by so many columns and minutes: the board's own sizes say how far that is."""
    what = entry(page, id)
    what.scroll_into_view_if_needed()
    box = what.bounding_box()
    heads = page.locator(".ec-col-head").all()
    assert box is not None
    first, second = heads[0].bounding_box(), heads[1].bounding_box()
    assert first is not None
    assert second is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    for part in (0.3, 0.7, 1.0):
        page.mouse.move(x + columns * (second["x"] - first["x"]) * part, y + minutes / 15 * 19 * part)
    page.mouse.up()


def standing(glow: Clinic, id: str) -> tuple[datetime, str]:
    """When it is and with whom, by the record."""
    [row] = glow.desk.read(
        "select a.starts_at, r.slug::text from holdfast.appointment a join holdfast.claim k on k.hold_id = a.hold_id"
        " join holdfast.unit u on u.id = k.unit_id join holdfast.resource r on r.id = u.resource_id"
        " where 'apt_' || replace(a.id::text, '-', '') = %(id)s and r.kind = 'provider' and k.active",
        id=id,
    )
    return row["starts_at"], row["slug"]


def test_what_others_do_appears_by_itself(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    page = open_day(dana.page, noon)
    page.evaluate("window.loadedOnce = true")
    held = glow.desk("place_hold", service_id=glow.services["consult"], location_id=glow.location_id, start=noon)
    hold = entry(page, public_id("hold", held["id"]))
    expect(hold).to_contain_text("Being booked")
    expect(hold.locator(".countdown")).to_have_text(re.compile(r"\d:\d\d"))

    made = glow.desk("confirm_hold", hold_id=held["id"], client=CLIENT)
    id = public_id("appointment", made["id"])
    expect(entry(page, id)).to_contain_text("Ada Byron")
    expect(hold).to_have_count(0)
    glow.desk("check_in", appointment_id=made["id"], revision=None)
    expect(page.locator(".ec-event.checked_in")).to_have_count(1)
    assert page.evaluate("window.loadedOnce")


def test_a_drag_is_accepted_and_undone(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    id = book(glow, noon)
    page = open_day(dana.page, noon)
    drag(page, id, columns=1, minutes=60)
    expect(page.locator(".toast")).to_contain_text("Moved to")
    assert standing(glow, id) == (noon + timedelta(hours=1), "ben")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast").last).to_contain_text("Moved back")
    assert standing(glow, id) == (noon, "ana")
    expect(entry(page, id)).not_to_have_class(re.compile("pending"))


def test_a_refused_drag_is_put_back_with_the_reason_and_alternatives(
    dana: Visitor, glow: Clinic, noon: datetime
) -> None:
    id = book(glow, noon)
    book(glow, noon, "ben")
    page = open_day(dana.page, noon)
    before = entry(page, id).get_attribute("style")
    drag(page, id, columns=1)
    card = page.get_by_role("alertdialog")
    expect(card).to_contain_text("Somebody else has this time")
    expect(entry(page, id)).to_have_attribute("style", before or "")
    assert card.locator(".row .button").count() >= 2, "where it is now is none of them"
    assert standing(glow, id) == (noon, "ana")
    card.locator(".row .button").first.click()
    expect(page.locator(".toast")).to_contain_text("Moved to")
    assert standing(glow, id) != (noon, "ana")


def test_a_drag_of_what_somebody_changed_meanwhile_is_refused(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    id = book(glow, noon)
    page = dana.page
    # no news reaches this screen, so what it has seen is old when it drags
    page.route("**/desk/live**", lambda route: route.abort())
    open_day(page, noon)
    glow.desk("reschedule", appointment_id=UUID(id[4:]), revision=1, start=noon + timedelta(hours=3))
    drag(page, id, minutes=60)
    expect(page.get_by_role("alertdialog")).to_contain_text("Somebody changed this appointment meanwhile")
    assert standing(glow, id)[0] == noon + timedelta(hours=3)
    page.unroute("**/desk/live**")
    forget(dana, "ERR_FAILED")


def test_a_lost_connection_is_said_and_made_good(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    page = open_day(dana.page, noon)
    page.evaluate("window.loadedOnce = true")
    dana.context.set_offline(True)
    expect(page.locator(".live-bar")).to_contain_text("Connection lost")
    id = book(glow, noon)
    dana.context.set_offline(False)
    expect(page.locator(".live-bar")).to_contain_text("Up to date again")
    expect(entry(page, id)).to_have_count(1)
    assert page.evaluate("window.loadedOnce")
    forget(dana, "ERR_INTERNET_DISCONNECTED")


def test_the_menu_of_an_empty_span_blocks_time_and_says_why_not(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    book(glow, noon)
    page = open_day(dana.page, noon, "room")
    grid = page.locator(".ec-main").bounding_box()
    assert grid is not None
    page.mouse.click(grid["x"] + grid["width"] * 0.8, grid["y"] + grid["height"] * 0.6)
    page.get_by_role("menuitem", name="Block this time").click()
    page.get_by_label("Reason").fill("Cleaning")
    page.get_by_role("button", name="Block time").click()
    expect(page.locator("#panel")).to_contain_text("Remove the block")
    block = page.locator(".ec-event.block")
    expect(block).to_contain_text("Cleaning")
    page.locator("#panel").get_by_role("button", name="Remove the block").click()
    expect(block).to_have_count(0)
    expect(page.locator("#panel")).to_contain_text("was removed")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    page.mouse.click(grid["x"] + grid["width"] * 0.8, grid["y"] + grid["height"] * 0.6, button="right")
    page.get_by_role("menuitem", name="Why not?").click()
    expect(page.locator("#panel")).to_contain_text("can be booked")


def test_the_board_by_keyboard(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    id = book(glow, noon)
    page = open_day(dana.page, noon)
    page.keyboard.press("2")
    expect(page.locator(".ec-col-head").first).to_contain_text("room-1")
    page.keyboard.press("1")
    expect(page.locator(".ec-col-head").first).to_contain_text("Ana Ruiz")
    entry(page, id).focus()
    page.keyboard.press("m")
    expect(page.locator("#panel[open]")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**date={(noon + timedelta(days=1)).date()}*")


def test_a_provider_sees_one_column_and_drags_nothing(
    browser: Browser, served: Served, glow: Clinic, noon: datetime
) -> None:
    id = book(glow, noon)
    other = book(glow, noon, "ben")
    with visitor(browser, served.url, **WIDE) as some:
        sign_in_browser(some.page, "glow", hire(glow, "Ana", "provider", "ana"))
        page = open_day(some.page, noon)
        expect(page.locator(".ec-col-head")).to_have_count(1)
        expect(entry(page, id)).to_have_count(1)
        expect(entry(page, other)).to_have_count(0)
        expect(page.locator(".ec-event.ec-draggable")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_serious(
    browser: Browser, served: Served, glow: Clinic, noon: datetime, width: int, scheme: Any
) -> None:
    book(glow, noon)
    glow.desk("place_block", resource_id=glow.resources["ben"], start=noon, end=noon + timedelta(hours=1), reason="x")
    with visitor(
        browser, served.url, viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    ) as some:
        sign_in_browser(some.page, "glow", hire(glow, "Dana", "desk"))
        for path in ("day", "week", "list", "sheet"):
            some.page.goto(f"/desk/{path}?location=austin&date={noon.date()}")
            if path == "day":
                expect(some.page.locator(".board.drawn .ec-main")).to_be_visible()
            some.page.add_script_tag(path=str(AXE))
            found = some.page.evaluate("async () => (await axe.run()).violations")
            serious = [
                (path, each["id"], [(node["html"][:200], node["failureSummary"]) for node in each["nodes"]][:3])
                for each in found
                if each["impact"] in ("serious", "critical")
            ]
            assert not serious, serious
