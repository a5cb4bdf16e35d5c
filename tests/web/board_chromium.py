"""What the tests of the day board in real browsers share: visits, and what is on the board. Fixtures: conftest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from holdfast.ids import public_id
from tests.clinic import CLIENT, Clinic

ROOT = Path(__file__).parents[2]
AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
WIDE = {"viewport": {"width": 1440, "height": 900}}
FIRST = (datetime.now(UTC) + timedelta(days=10)).replace(hour=18, minute=0, second=0, microsecond=0)


def book(glow: Clinic, start: datetime, provider: str = "ana", service: str = "consult", **more: Any) -> str:
    role = "provider" if service == "consult" else "injector"
    made = glow.desk(
        "book", service_id=glow.services[service], location_id=glow.location_id, start=start, client=CLIENT | more,
        choices={role: [[str(glow.resources[provider])]]},
    )  # fmt: skip
    return public_id("appointment", made["id"])


def open_day(page: Page, noon: datetime, by: str = "provider", location: str = "austin") -> Page:
    page.goto(f"/desk/day?location={location}&date={noon.date()}&by={by}")
    expect(page.locator(".board.drawn .ec-main")).to_be_visible()
    return page


def entry(page: Page, id: str) -> Locator:
    return page.locator(f".ec-event:has([data-key^='{id}'])")


def serious(page: Page) -> list[str]:
    """What axe finds that keeps somebody out; the page may not be wider than the screen either."""
    page.evaluate(AXE.read_text())
    found = json.loads(page.evaluate("async () => JSON.stringify((await axe.run()).violations)"))
    said = [
        f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found if each["impact"] in ("serious", "critical")
    ]
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*said, "wider than the screen"] if wide else said
