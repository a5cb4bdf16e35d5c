"""The booking pages in a browser: the weight of their scripts at first sight, and what jumps under a finger."""

from __future__ import annotations

import shutil
import sys

from playwright.sync_api import Page, ViewportSize, sync_playwright

from bench.clinic import clinic, web
from bench.marks import Mark

SCRIPT_BYTES_MAX = 15_000
PHONE: ViewportSize = {"width": 390, "height": 844}
# Every shift counts, also those within half a second of a tap, which the usual figure leaves out.
WATCH = """
  window.shifts = 0;
  new PerformanceObserver(list => { for (const each of list.getEntries()) window.shifts += each.value; })
    .observe({ type: "layout-shift", buffered: true });
"""


def run() -> list[Mark]:
    """Compressed bytes of script that a first visit loads, and layout shifts on the way to a held time."""
    program = shutil.which("chromium")
    if program is None:
        print("no chromium on this machine: the pages are not measured", file=sys.stderr)
        return []
    with clinic(locations=1) as found, web(found) as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(base_url=f"http://127.0.0.1:{port}", viewport=PHONE)
        page.add_init_script(WATCH)
        loaded: list[int] = []
        page.on("response", lambda answer: loaded.append(_weight(answer.url, answer.headers)))
        page.goto("/b/bench/l0/ipl", wait_until="load")
        weight = sum(loaded)
        shown = _shifts(page)
        page.locator(".slot").nth(20).scroll_into_view_if_needed()
        page.locator(".slot").nth(20).click()
        page.wait_for_selector("[data-hold]")
        held = _shifts(page)
        browser.close()
    return [
        Mark("script of the booking page", weight, "bytes, compressed", "at most", SCRIPT_BYTES_MAX, "first view"),
        Mark("layout shift of the times", shown, "CLS", "exactly", 0, "a phone, from opening on"),
        Mark("layout shift of holding", held - shown, "CLS", "exactly", 0, "from the tap to the countdown"),
    ]


def _weight(url: str, headers: dict[str, str]) -> int:
    return int(headers.get("content-length", 0)) if url.endswith(".js") else 0


def _shifts(page: Page) -> float:
    """What has shifted up to now, once two more frames were drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return float(page.evaluate("window.shifts"))
