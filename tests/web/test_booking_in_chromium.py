"""The booking page in a real browser: held at a tap, seen by others within a second, kept, released, by keyboard."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clinic import Clinic
from tests.web.browsers import Visitor, choose_another_day, scripts_ready, visitor
from tests.web.conftest import Served
from tests.web.shop import site_with

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
DAY = (datetime.now(UTC) + timedelta(days=3)).date()
FREE = ".slot:not([aria-disabled])"
WHOLE_TERM = re.compile("Kept for (5:00|4:)")


def open_times(page: Page, service: str, day: int) -> None:
    page.goto(f"/b/glow/austin/{service}?day={DAY + timedelta(days=day)}")


def slot(page: Page, number: int) -> str:
    """The start of the n-th time that is free."""
    return page.locator(FREE).nth(number).get_attribute("data-start") or ""


def at(start: str) -> str:
    return f".slot[data-start='{start}']"


def test_booking_on_a_phone(ada: Visitor) -> None:
    page = ada.page
    page.goto("/b/glow")
    page.get_by_role("link", name="botox").click()
    choose_another_day(page)
    page.locator(FREE).first.click()
    expect(page.get_by_role("heading", name="This time is kept for you")).to_be_visible()
    expect(page.get_by_role("timer")).to_contain_text(WHOLE_TERM)
    page.get_by_label("Your name").fill("Ada Byron")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_role("button", name="Book it").click()
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Add to calendar")).to_be_visible()


def test_a_tap_is_seen_by_the_others_and_given_back_when_they_go_back(ada: Visitor, bob: Visitor) -> None:
    for each in (ada, bob):
        open_times(each.page, "laser", 1)
    start = slot(ada.page, 3)
    with bob.page.expect_response(lambda answer: "/laser" in answer.url):
        ada.page.locator(at(start)).click()
    expect(bob.page.locator(at(start))).to_have_attribute("aria-disabled", "true")
    expect(bob.page.locator(at(start))).to_contain_text("being booked")
    ada.page.go_back()
    expect(bob.page.locator(at(start))).not_to_have_attribute("aria-disabled", "true")
    expect(ada.page.locator(at(start))).to_be_enabled()


def test_the_loser_of_a_race_is_told_the_nearest_three(ada: Visitor, bob: Visitor) -> None:
    bob.page.add_init_script("window.EventSource = class { addEventListener() {} close() {} }")  # no news reaches him
    for each in (ada, bob):
        open_times(each.page, "laser", 2)
    start = slot(ada.page, 5)
    ada.page.locator(at(start)).click()
    expect(ada.page.get_by_role("heading", name="This time is kept for you")).to_be_visible()
    bob.page.locator(at(start)).click()
    expect(bob.page.get_by_role("alert")).to_contain_text("a moment faster")
    assert bob.page.locator(".lost .slot").count() == 3
    bob.page.locator(".lost .slot").first.click()
    expect(bob.page.get_by_role("heading", name="This time is kept for you")).to_be_visible()


def test_a_reload_keeps_the_hold_and_its_term(ada: Visitor, bob: Visitor) -> None:
    open_times(ada.page, "laser", 3)
    start = slot(ada.page, 2)
    ada.page.locator(at(start)).click()
    expect(ada.page.get_by_role("timer")).to_contain_text(WHOLE_TERM)
    with ada.page.expect_response(lambda answer: answer.url.endswith("/return")):
        ada.page.reload()
    expect(ada.page.get_by_role("timer")).to_contain_text("4:")
    open_times(bob.page, "laser", 3)
    expect(bob.page.locator(at(start))).to_have_count(0)
    ada.page.goto("/b/glow/austin")
    expect(ada.page.get_by_role("link", name="Continue")).to_be_visible()


def test_booking_by_keyboard_alone(ada: Visitor) -> None:
    page = ada.page
    open_times(page, "consult", 4)
    page.locator(FREE).first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This time is kept for you")).to_be_visible()
    for label, words in (("Your name", "Ada Byron"), ("E-mail", "ada@example.org")):
        while page.evaluate("document.activeElement.id") != page.get_by_label(label).get_attribute("id"):
            page.keyboard.press("Tab")
        page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()


def test_the_visitor_s_own_clock_stands_beside_the_location_s(browser: Browser, served: Served, glow: Clinic) -> None:
    with visitor(browser, served.url, timezone_id="Europe/Berlin") as some:
        open_times(some.page, "consult", 5)
        some.page.locator(FREE).first.click()
        expect(some.page.locator(".yours")).to_contain_text("where you are")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, served: Served, glow: Clinic, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run scripts/build-frontend")
    with visitor(browser, served.url, color_scheme=scheme, bypass_csp=True) as some:
        page = some.page
        seen: dict[str, list[str]] = {}

        def look(name: str) -> None:
            page.evaluate(AXE.read_text())
            found = json.loads(page.evaluate("async () => JSON.stringify((await axe.run()).violations)"))
            seen[name] = [
                f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v["impact"] in ("serious", "critical")
            ]

        page.goto("/b/glow/austin")
        look("services")
        open_times(page, "botox", 6 if scheme == "light" else 7)
        look("times")
        page.locator(FREE).first.click()
        page.wait_for_selector("[data-hold]")
        look("details")
        page.get_by_label("Your name").fill("Ada Byron")
        page.get_by_role("button", name="Book it").click()
        page.wait_for_selector("#email-error")
        look("errors")
        page.get_by_label("E-mail").fill("ada@example.org")
        page.get_by_role("button", name="Book it").click()
        page.wait_for_selector(".done")
        look("visit")
        page.goto("/sign-in")
        look("sign-in")
        assert {name: found for name, found in seen.items() if found} == {}


def test_another_site_embeds_the_page_as_tall_as_it_is(ada: Visitor, served: Served) -> None:
    line = f"<!doctype html><body><script src='{served.url}/embed.js' data-page='glow/austin' async></script>"
    with site_with(line) as shop:
        ada.page.goto(shop)
        frame = ada.page.frame_locator("iframe")
        expect(frame.get_by_role("heading", name="What would you like to book?")).to_be_visible()
        scripts_ready(frame)  # and with them the style
        height = frame.locator("body").evaluate("document.body.scrollHeight")
        expect(ada.page.locator("iframe")).to_have_css("height", f"{height}px")
        frame.get_by_role("link", name="botox").click()
        choose_another_day(frame)
        frame.locator(FREE).first.click()
        expect(frame.get_by_role("heading", name="This time is kept for you")).to_be_visible()


def test_the_script_of_the_booking_page_is_light(served: Served, ada: Visitor) -> None:
    loaded: list[int] = []
    ada.page.on(
        "response", lambda r: loaded.append(int(r.headers["content-length"])) if r.url.endswith(".js") else None
    )
    ada.page.goto("/b/glow/austin")
    assert 0 < sum(loaded) <= 15_000
