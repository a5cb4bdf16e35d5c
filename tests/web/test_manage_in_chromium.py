"""Managing in a real browser: readable by everybody (axe), no complaint in the console, and pictures that follow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clinic import Clinic
from tests.web.browsers import chromium, visitor
from tests.web.conftest import Served
from tests.web.desk_staff import employ, sign_in_page

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
PAGES = (
    "", "/locations", "/locations/austin", "/locations/new", "/resources", "/resources/ana",
    "/resources/ana/merge", "/resources/ana/merge?into=ben", "/resources/room-1/merge?into=room-2",
    "/resources/laser/merge", "/pools", "/pools/rooms",
    "/services", "/services/botox", "/hold_policies", "/hold_policies/widget", "/waitlist", "/waitlist/botox",
    "/booking-page", "/messages", "/messages/reminder/en", "/webhooks", "/webhooks/new", "/keys", "/keys/new", "/staff",
    "/staff/new",
)  # fmt: skip
SOON = (datetime.now(UTC) + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def browser(glow: Clinic) -> Iterator[Browser]:
    employ(glow)
    for name in ("Bea", "Carl"):  # at the same time, so that Ana and Ben cannot be merged
        glow.desk("book", service_id=glow.services["consult"], location_id=glow.location_id, client={"name": name,
                  "email": "bea@example.org"}, start=SOON)  # fmt: skip
    with chromium() as found:
        yield found


def serious(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = json.loads(page.evaluate("async () => JSON.stringify((await axe.run()).violations)"))
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found if v["impact"] in ("serious", "critical")]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_serious(browser: Browser, served: Served, scheme: str, width: int) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run scripts/build-frontend")
    options = {"color_scheme": scheme, "bypass_csp": True, "viewport": {"width": width, "height": 900}}
    with visitor(browser, served.url, **options) as some:
        page = some.page
        sign_in_page(page, "owner")
        seen = {}
        for path in PAGES:
            page.goto(f"/desk/manage{path}")
            seen[path] = serious(page)
            sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert sideways <= 0, f"{path} is wider than the screen"
        page.goto("/desk/manage/locations/austin")
        page.get_by_label("Monday, from and until").fill("09:00-12:00")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Before you save")).to_be_visible()
        seen["preview"] = serious(page)
        page.get_by_role("button", name="Back to the form").click()
        expect(page.get_by_label("Monday, from and until")).to_have_value("09:00-12:00")
        page.get_by_label("Monday, from and until").fill("nine")
        page.get_by_role("button", name="Continue").last.click()
        expect(page.locator("[id='hours-0-error']")).to_be_visible()
        seen["errors"] = serious(page)
        for path in ("/forgot/glow", "/welcome/nothing"):
            page.goto(path)
            seen[path] = serious(page)
        assert {name: found for name, found in seen.items() if found} == {}


def test_the_picture_follows_what_is_typed(browser: Browser, served: Served) -> None:
    with visitor(browser, served.url) as some:
        page = some.page
        sign_in_page(page, "manager")
        page.goto("/desk/manage/services/botox")
        expect(page.locator(".picture svg")).to_have_attribute("aria-label", "A visit of 30 minutes. injector: minute 0 to 30. room: minute 0 to 30")  # fmt: skip  # noqa: E501
        page.locator("[id='need-0-after']").fill("15")
        expect(page.locator(".picture svg .buffer")).to_have_count(1)
        page.goto("/desk/manage/booking-page")
        page.get_by_label("Colour", exact=True).fill("#ffee00")
        expect(page.locator(".swatches + p")).to_contain_text("too pale")


def test_a_logo_that_is_too_large_is_said_before_it_is_sent(browser: Browser, served: Served, glow: Clinic) -> None:
    with visitor(browser, served.url, viewport={"width": 1280, "height": 900}) as some:
        page = some.page
        sign_in_page(page, "owner")
        page.goto("/desk/manage/booking-page")
        logo = page.locator("#logo")
        said = "A logo is PNG, JPEG, WebP or SVG of at most 48 KiB."
        for size, message in ((49_153, said), (49_152, "")):
            logo.set_input_files([{"name": "logo.png", "mimeType": "image/png", "buffer": bytes(size)}])
            assert logo.evaluate("field => field.validationMessage") == message
