"""The booking page for everybody: without JavaScript, in other languages and directions, in frames, and by axe."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from holdfast.db.pool import Pool
from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic
from tests.web.browsers import forget, scripts_ready, visitor
from tests.web.conftest import Served
from tests.web.shop import site_with
from tests.web.test_booking_live import block, run_out
from tests.web.test_waitlist_pages import TOKENS, Desk

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
DAY = (datetime.now(UTC) + timedelta(days=3)).date()
FREE = ".slot:not([aria-disabled])"
LOOK = {"accent": "#0f766e", "logo": None, "logo_type": None, "change_notice_minutes": 0, "policy_text": ""}
STYLE = "(element, pseudo) => getComputedStyle(element, pseudo || null).transform"
POLICY = {"ttl_seconds": 300, "grace_seconds": 60, "live_holds_per_visitor_max": 6}


@pytest.fixture(autouse=True)
def plain(glow: Clinic) -> None:
    glow.desk("set_booking_page", embed_origins=["*"], **LOOK)
    glow.desk("set_hold_policy", surface="widget", changes=POLICY)


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def book(page: Page, name: str = "Your name", email: str = "E-mail", button: str = "Book it") -> None:
    page.get_by_label(name, exact=True).fill("Ada Byron")
    page.get_by_label(email, exact=True).fill("ada@example.org")
    page.get_by_role("button", name=button).click()


def test_a_booking_with_javascript_switched_off(browser: Browser, served: Served, glow: Clinic) -> None:
    with visitor(browser, served.url, java_script_enabled=False) as some:
        page = some.page
        page.goto("/b/glow/austin")
        page.get_by_role("link", name="laser").click()
        page.locator("a.day").nth(1).click()
        page.locator(FREE).nth(3).click()
        expect(page.get_by_role("heading", name="This time is kept for you")).to_be_visible()
        expect(page.get_by_role("timer")).to_contain_text("Kept for")
        expect(page.locator(".lost-place")).to_be_hidden()
        page.get_by_label("Your name").fill("Ada Byron")
        page.get_by_label("E-mail").fill("ada@example.org")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
        page.get_by_role("link", name="Move it").click()
        page.locator(FREE).nth(9).click()
        expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
        page.locator("summary", has_text="Cancel it").click()
        page.get_by_role("button", name="Yes, cancel my visit").click()
        expect(page.get_by_role("heading", name="This visit is cancelled")).to_be_visible()


def test_a_booking_in_spanish(browser: Browser, served: Served, glow: Clinic) -> None:
    with visitor(browser, served.url, locale="es-MX", timezone_id="Europe/Madrid") as some:
        page = some.page
        page.goto(f"/b/glow/austin/laser?day={day(1)}")
        slot = page.locator(FREE).nth(4)
        expect(slot).to_contain_text("donde está usted")
        page.wait_for_selector("#page[data-hearing]", state="attached")
        start = datetime.fromisoformat(slot.get_attribute("data-start") or "")
        glow.desk(
            "place_block", resource_id=glow.resources["laser"], start=start, end=start + timedelta(hours=1), reason=""
        )
        expect(page.locator(f".slot[data-start='{start.isoformat()}']")).to_contain_text("recién ocupada")
        page.locator(FREE).nth(9).click()
        expect(page.get_by_role("heading", name="Esta hora está reservada para usted")).to_be_visible()
        page.route("**/hold/**", lambda route: route.abort())
        book(page, "Su nombre", "Correo electrónico", "Reservar")
        expect(page.locator(".toast")).to_contain_text("Sin conexión")
        page.unroute("**/hold/**")
        some.complaints.clear()  # the connection that the test cut
        page.get_by_role("button", name="Reservar").click()
        expect(page.locator(".done h1")).to_be_visible()
        assert page.locator("html").get_attribute("lang") == "es"


def test_another_language_keeps_what_was_chosen(browser: Browser, served: Served, glow: Clinic) -> None:
    with visitor(browser, served.url) as some:
        page = some.page
        page.goto(f"/b/glow/austin/botox?and=consult&with=ana&day={day(2)}")
        page.get_by_role("link", name="Español").click()
        page.wait_for_selector("html[lang=es]")
        assert f"and=consult&with=ana&day={day(2)}&lang=es" in page.url
        expect(page.locator(".people [aria-current]")).to_have_text("Ana Ruiz")
        expect(page.locator("[data-part=times]")).to_have_attribute("data-day", str(day(2)))
        add = page.locator("a.add").get_attribute("href") or ""
        assert "with=ana" in add, "adding a service keeps the person"


def test_a_page_that_may_not_be_framed_here_is_refused(browser: Browser, served: Served, glow: Clinic) -> None:
    glow.desk("set_booking_page", embed_origins=["https://glow.example"], **LOOK)
    line = f"<!doctype html><body><script src='{served.url}/embed.js' data-page='glow/austin' async></script>"
    with site_with(line) as shop, visitor(browser, shop) as some:
        with some.page.expect_event("console", lambda said: "frame-ancestors" in said.text):
            some.page.goto(shop)
        expect(some.page.frame_locator("iframe").get_by_role("link", name="botox")).to_have_count(0)
        forget(some, "")  # the refusal that was wanted, in whatever words


def test_a_frame_shows_the_top_of_each_step_and_has_words_in_its_language(
    browser: Browser, served: Served, glow: Clinic
) -> None:
    line = (
        f"<!doctype html><body><div style='height:500px'></div>"
        f"<script src='{served.url}/embed.js' data-page='glow/austin/laser?day={day(3)}' async></script>"
    )
    with site_with(line) as shop, visitor(browser, shop, locale="es-MX") as some:
        some.page.goto(shop)
        expect(some.page.locator("iframe")).to_have_attribute("title", "Reservar en línea")
        frame = some.page.frame_locator("iframe")
        scripts_ready(frame)
        frame.locator(FREE).last.click()  # far below the top of the frame
        expect(frame.get_by_role("heading", name="Esta hora está reservada para usted")).to_be_in_viewport()


@pytest.mark.parametrize("width", [390, 1440])
def test_from_right_to_left_nothing_sticks_out(browser: Browser, served: Served, glow: Clinic, width: int) -> None:
    size = {"width": width, "height": 900}
    with visitor(browser, served.url, viewport=size, java_script_enabled=True) as some:
        page = some.page

        def turned(route: Any) -> None:
            answer = route.fetch()
            body = answer.text().replace('dir="ltr"', 'dir="rtl"')
            route.fulfill(response=answer, body=body)

        # no news: what is fetched by itself could still be on its way when the test is over
        page.add_init_script("window.EventSource = class { addEventListener() {} close() {} }")
        page.route(re.compile(r"/(b|v)/"), turned)
        for address in ("/b/glow/austin", f"/b/glow/austin/laser?day={day(4)}", "/b/glow/austin/laser/wait"):
            page.goto(address)
            assert page.locator("html").get_attribute("dir") == "rtl"
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, address
        page.goto(f"/b/glow/austin/laser?day={day(4)}")
        # the browser mirrors ‹ and › by itself: a transform of ours would turn them back
        for arrow in (".back", ".step span", ".back::before"):
            element, _, pseudo = arrow.partition("::")
            assert page.locator(element).first.evaluate(STYLE, pseudo and f"::{pseudo}") == "none"
        earlier, later = page.locator(".step").first, page.locator(".step").last
        assert earlier.bounding_box()["x"] > later.bounding_box()["x"]  # type: ignore[index]
        page.locator(FREE).first.click()
        expect(page.get_by_role("timer")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


Look = Callable[[str], None]


def everything(page: Page, glow: Clinic, look: Look, first: int) -> None:
    """The pages that the other test of axe does not come by."""
    desk = glow.desk
    address = f"/b/glow/austin/laser?day={day(first)}"
    page.goto(address)
    start = page.locator(FREE).nth(5).get_attribute("data-start") or ""
    begin = datetime.fromisoformat(start)
    page.route("**/live/**", lambda route: route.abort())
    page.goto(address)
    laser = glow.resources["laser"]
    desk("place_block", resource_id=laser, start=begin, end=begin + timedelta(hours=1), reason="")
    page.locator(f".slot[data-start='{start}']").click()
    page.wait_for_selector(".lost")
    look("lost a race")
    page.unroute("**/live/**")
    page.locator(".lost .slot").first.click()
    page.wait_for_selector("[data-hold]")
    page.get_by_role("link", name="Repeat this visit").click()
    page.wait_for_selector(".repeat-how")
    look("repeat")
    page.get_by_role("link", name="Only this once").click()
    page.wait_for_selector("[data-details]")
    hold = page.url
    page.route("**/prove*", lambda route: route.abort())  # so that the page of the proof stays
    page.locator("#website").evaluate("field => field.value = 'filled'")
    book(page)
    page.wait_for_selector("form.failed")
    look("proof of work")
    page.unroute("**/prove*")
    page.goto(hold)
    book(page)
    page.wait_for_selector(".done")
    link = page.url.partition("?")[0]
    page.goto(hold)
    look("booked already")
    page.goto(f"{link}/move")
    look("move")
    page.goto("/b/glow/austin/laser/wait")
    look("waitlist")
    book(page, button="Join the waitlist")
    page.wait_for_selector(".done")
    look("on the waitlist")
    page.goto("/b/glow/nowhere")
    look("error")
    page.goto("/v/" + "x" * 43)
    look("ended link")
    page.get_by_role("button", name="Send me a new link").click()
    page.wait_for_selector("text=Look at your messages")
    look("link sent")


def offer(urls: DatabaseUrls, glow: Clinic) -> str:
    """The address of an offer to whoever came to the waitlist last."""

    async def make() -> str:
        pool = Pool(urls.app, size=2)
        await pool.open()
        try:
            desk = Desk(Record(pool), glow)
            made = await desk.offer(await desk.newest(), 0)
            return f"/o/{TOKENS.token(made.id)}"
        finally:
            await pool.close()

    with ThreadPoolExecutor(1) as threads:  # the browser has a loop of its own in this one
        return threads.submit(lambda: asyncio.run(make())).result()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_anywhere(
    browser: Browser, served: Served, glow: Clinic, module_database: DatabaseUrls, scheme: str
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run scripts/build-frontend")
    with visitor(browser, served.url, color_scheme=scheme, bypass_csp=True) as some:
        page, seen = some.page, dict[str, list[str]]()

        def look(name: str) -> None:
            page.evaluate(AXE.read_text())
            found = json.loads(page.evaluate("async () => JSON.stringify((await axe.run()).violations)"))
            seen[name] = [
                f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found if v["impact"] in ("serious", "critical")
            ]

        everything(page, glow, look, 20 if scheme == "light" else 22)
        page.goto(offer(module_database, glow))
        look("offer")
        page.get_by_role("button", name="No, it does not suit me").click()
        page.wait_for_selector(".ticket.over")
        look("offer refused")
        if scheme == "light":  # a second location: then there is one to choose
            glow.desk("put_location", slug="dallas", name="Dallas", time_zone="America/Chicago", address="1 Main St")
        page.goto("/b/glow")
        look("locations")
        page.clock.install()
        page.goto(f"/b/glow/austin/laser?day={day(24 if scheme == 'light' else 26)}")
        start = page.locator(FREE).nth(5).get_attribute("data-start") or ""
        page.locator(FREE).nth(5).click()
        page.wait_for_selector("[data-hold]")
        run_out(page, glow)
        block(glow, start)
        page.wait_for_selector(".lost-place .slot")
        look("lost while typing")
        some.complaints.clear()  # the connections that the test cut
        assert {name: found for name, found in seen.items() if found} == {}
        assert len(seen) == 14
