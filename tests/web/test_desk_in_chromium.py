"""The desk in a real browser: booking by keyboard alone, a time held only while its panel is open, palette, and axe."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from holdfast.ids import public_id
from tests.clinic import Clinic
from tests.web.browsers import Visitor, visitor
from tests.web.conftest import Served
from tests.web.desk_staff import employ, sign_in_page

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
WIDE = {"width": 1280, "height": 900}
SOON = (datetime.now(UTC) + timedelta(days=3)).replace(hour=15, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def staff(glow: Clinic) -> dict[str, UUID]:
    for number, name in enumerate(("Naomi Okafor", "Noa Levi", "Wanda Weiss")):
        glow.desk("add_client", name=name, email=f"{name.split()[0].lower()}@example.org", phone=f"+1512555018{number}")
    return employ(glow)


@pytest.fixture
def dee(browser: Browser, served: Served, staff: dict[str, UUID]) -> Iterator[Visitor]:
    with visitor(browser, served.url, viewport=WIDE, reduced_motion="reduce") as some:
        sign_in_page(some.page, "desk")
        yield some


def holds(clinic: Clinic) -> int:
    """How many times are held now."""
    live = "select count(*) as n from holdfast.hold where state = 'live' and expires_at > holdfast.clock()"
    return int(clinic.desk.read(live)[0]["n"])


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for a condition of the record, which a beacon reaches in its own time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def open_panel(page: Page) -> None:
    page.goto("/desk/messages")
    page.keyboard.press("b")
    expect(page.locator("#panel #client-text")).to_be_focused()


def hold_by_keys(page: Page) -> None:
    """The first two steps: who, and what."""
    page.keyboard.type("nao oka")
    expect(page.locator("#panel #found-clients .pick")).to_have_count(1)
    expect(page.locator("#panel #found-clients .pick")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#panel #service-text")).to_be_focused()
    page.keyboard.type("cons")
    expect(page.locator("#panel #services .pick:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#panel [data-hold]")).to_contain_text(re.compile("Held for (5:00|4:)"))


def filter_ready(page: Page) -> None:
    """The list of services follows what is typed: a page has its focus before it has its scripts."""
    expect(page.locator("#service-text")).to_have_attribute("role", "combobox")
    expect(page.locator("#service-text")).to_be_focused()


def show_day(page: Page, number: int) -> str:
    """Another of the days that are shown beside a held time."""
    link = page.locator("#panel .day-strip a").nth(number)
    day = parse_qs(urlsplit(link.get_attribute("href") or "").query)["day"][0]
    link.click()
    expect(page.locator("#panel #typed-day")).to_have_value(day)
    return day


def test_booking_by_keyboard_in_three_steps(dee: Visitor, glow: Clinic) -> None:
    page = dee.page
    open_panel(page)
    hold_by_keys(page)
    assert holds(glow) == 1
    expect(page.get_by_role("button", name="Book it", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#panel .badge.state-confirmed").first).to_be_visible()
    expect(page.locator("#panel h1")).to_have_text("Naomi Okafor")
    assert holds(glow) == 0
    # the next key is the next step: they are here
    expect(page.get_by_role("button", name="Check in")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#panel .badge.state-checked_in").first).to_be_visible()
    assert page.url.endswith("/desk/messages"), "the panel stays beside the page"


def test_a_closed_panel_holds_nothing_and_an_open_one_does(dee: Visitor, glow: Clinic) -> None:
    page = dee.page
    open_panel(page)
    hold_by_keys(page)
    assert holds(glow) == 1
    with page.expect_response(lambda answer: answer.url.endswith("/release")):
        page.keyboard.press("Escape")
    assert holds(glow) == 0
    expect(page.locator("#panel")).to_be_hidden()


def test_another_time_takes_the_place_of_the_one_before(dee: Visitor, glow: Clinic) -> None:
    page = dee.page
    open_panel(page)
    hold_by_keys(page)
    show_day(page, 2)
    assert holds(glow) == 1, "looking at another day keeps the time"
    before = page.locator("#panel [data-hold]").get_attribute("data-hold")
    page.locator("#panel .slots .slot").nth(4).click()
    expect(page.locator("#panel [data-hold]")).not_to_have_attribute("data-hold", before or "")
    assert holds(glow) == 1
    page.get_by_role("button", name="Ben Ode").click()
    expect(page.locator("#panel .held-card")).to_contain_text("Ben Ode")
    assert holds(glow) == 1
    page.locator("#panel [data-close]").click()
    until(lambda: holds(glow) == 0)


def test_a_page_of_its_own_lets_go_soon_after_it_is_left(dee: Visitor, glow: Clinic) -> None:
    page = dee.page
    page.goto("/desk/book")
    page.keyboard.type("noa")
    expect(page.locator("#found-clients .pick")).to_have_count(1)
    page.locator("#found-clients .pick").click()
    filter_ready(page)
    page.keyboard.type("botox")
    with page.expect_response(lambda answer: answer.url.endswith("/return")):
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-hold]")
    left = "select extract(epoch from min(expires_at) - holdfast.clock()) as s from holdfast.hold where state = 'live'"
    assert glow.desk.read(left)[0]["s"] > 60
    page.goto("/desk/messages")
    until(lambda: (glow.desk.read(left)[0]["s"] or 0) <= 20)


def test_somebody_new_by_keyboard(dee: Visitor) -> None:
    page = dee.page
    open_panel(page)
    page.keyboard.type("Quincy Quill")
    expect(page.locator("#panel .new-client")).to_have_attribute("open", "")
    page.keyboard.press("Enter")
    expect(page.locator("#panel #phone")).to_be_focused()
    page.keyboard.type("512 555 0190")
    page.keyboard.press("Enter")
    expect(page.locator("#panel .back")).to_contain_text("Quincy Quill")


def test_the_palette_goes_anywhere(dee: Visitor) -> None:
    page = dee.page
    page.goto("/desk/messages")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-text")).to_be_focused()
    page.keyboard.type("inb")
    expect(page.locator("#palette-hits .pick").first).to_have_text("Inboxpage g i")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/inbox")
    page.keyboard.press("/")
    page.locator("#palette-text").fill("wanda")
    expect(page.locator("#palette-hits .pick").first).to_contain_text("Wanda Weiss")
    page.keyboard.press("Enter")
    expect(page.locator("#panel h1")).to_have_text("Wanda Weiss")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#palette .keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_have_count(0)
    page.keyboard.type("gc")  # in one go: the second key counts for a moment only
    page.wait_for_url("**/desk/clients")
    page.get_by_role("searchbox").fill("b")
    expect(page.locator("#panel")).to_be_hidden()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_serious_and_nothing_overflows(
    browser: Browser, served: Served, glow: Clinic, staff: dict[str, UUID], scheme: str, width: int
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run scripts/build-frontend")
    days = timedelta(days=20 if scheme == "light" else 21)
    visit = glow.desk(
        "book", service_id=glow.services["laser"], location_id=glow.location_id, start=SOON + days,
        client={"name": "Dana Ruiz", "email": "dana@example.org", "phone": "+15125550166"},
    )  # fmt: skip
    glow.desk(
        "record_busy", resource_id=glow.resources["laser"], source="Laser’s calendar", external_id=scheme,
        start=SOON + days, end=SOON + days + timedelta(hours=1),
    )  # fmt: skip
    client = glow.desk("add_client", name="Wanda Weiss", email="wanda@example.org", phone=None)["add_client"]
    seen: dict[str, list[str]] = {}
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 844}, "reduced_motion": "reduce"}
    with visitor(browser, served.url, bypass_csp=True, **options) as some:
        page = some.page
        sign_in_page(page, "manager")

        def look(name: str) -> None:
            page.evaluate(AXE.read_text())
            found = json.loads(page.evaluate("async () => JSON.stringify((await axe.run()).violations)"))
            seen[name] = [
                f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found if v["impact"] in ("serious", "critical")
            ]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                seen[name].append("wider than the screen")

        url = f"/desk/appointments/{public_id('appointment', visit['id'])}"
        who = public_id("client", client)
        for address in (
            *(url, f"{url}/reschedule", "/desk/clients", f"/desk/clients/{who}", "/desk/inbox", "/desk/waitlist"),
            *(f"/desk/waitlist/new?client={who}", "/desk/messages", "/desk/deliveries", "/desk/palette"),
        ):
            page.goto(address)
            look(address)
        page.goto("/desk/book")
        page.keyboard.type("nao")
        expect(page.locator("#found-clients .pick")).to_have_count(1)
        look("who")
        page.keyboard.press("Enter")
        filter_ready(page)
        look("what")
        page.keyboard.type("bot")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-hold]")
        look("held")
        page.goto("/desk/messages")
        page.keyboard.press("Control+k")
        expect(page.locator("#palette-text")).to_be_focused()
        look("palette")
    assert {name: found for name, found in seen.items() if found} == {}
