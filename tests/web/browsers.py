"""A real browser: Debian's Chromium through Playwright, phone-sized by default. Skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
PHONE = {"width": 390, "height": 844}


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("No chromium on this machine: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *flags])
        yield browser
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
    context.set_default_timeout(15_000)
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
    yield some
    assert some.complaints == [], some.complaints
    context.close()
