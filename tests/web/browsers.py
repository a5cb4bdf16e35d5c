"""A real browser: Debian's Chromium through Playwright, phone-sized by default. Skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
PHONE = {"width": 390, "height": 844}
# How long anything may take: these tests say what happens, not how fast, and a busy machine is slow.
PATIENCE_MILLISECONDS = 30_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("No chromium on this machine: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *flags], timeout=120_000)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """Somebody with a browser of their own. ``complaints``: what the browser found wrong, which is always too much."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)


@contextmanager
def visitor(browser: Browser, url: str, **options: Any) -> Iterator[Visitor]:
    """A visitor on a phone, unless said otherwise."""
    context = browser.new_context(base_url=url, **({"viewport": PHONE, "locale": "en-US"} | options))
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    some = Visitor(context, context.new_page())
    # A refusal is an answer: the browser notes its status, which is no mistake of the page.
    some.page.on(
        "console",
        lambda said: (
            some.complaints.append(said.text)
            if said.type in ("error", "warning") and "responded with a status of 4" not in said.text
            else None
        ),
    )
    some.page.on("pageerror", lambda error: some.complaints.append(str(error)))
    try:
        yield some
        assert some.complaints == [], some.complaints
    finally:
        context.close()


def forget(some: Visitor, words: str) -> None:
    """The test wanted complaints of these words: the page goes, so that it says no more of them."""
    some.page.goto("about:blank")
    some.complaints[:] = [each for each in some.complaints if words not in each]


def scripts_ready(where: Page | FrameLocator) -> None:
    """The scripts of the booking page listen; before, it works as it does without them."""
    expect(where.locator("html.script")).to_be_attached()


def choose_another_day(where: Page | FrameLocator) -> None:
    """From a page that shows the first day there is: near midnight that has no times left, and the next of them may
    begin before it is tapped."""
    other = where.locator("a.day:not([aria-current])").first
    day = other.get_attribute("data-day")
    other.click()
    expect(where.locator(f"[data-part=times][data-day='{day}']")).to_be_visible()
