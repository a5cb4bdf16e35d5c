"""Being signed in, in a real browser: left alone it ends by the record's clock, warns before, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from holdfast.access.staff import RECOVERY_CODES
from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic, at
from tests.postgres import superuser_url
from tests.web.browsers import Visitor, visitor
from tests.web.conftest import Served
from tests.web.desk_staff import PASSWORD, sign_in_page
from tests.web.test_manage_in_chromium import AXE, serious

WIDE = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def admin(module_database: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(superuser_url(module_database), autocommit=True) as connection:
        yield connection


@pytest.fixture
def olga(browser: Browser, served: Served, staff: dict[str, UUID]) -> Iterator[Visitor]:
    with visitor(browser, served.url, viewport=WIDE, reduced_motion="reduce") as some:
        sign_in_page(some.page, "owner")
        yield some


def leave(admin: psycopg.Connection[Any], seconds: int) -> None:
    """So many seconds are left, by the record's clock, of every session."""
    admin.execute(
        "update holdfast.staff_session"
        " set seen_at = holdfast.clock() - interval '15 minutes' + make_interval(secs => %s)",
        [seconds],
    )


def come_back(page: Page) -> None:
    """As when the window comes to the front."""
    page.evaluate("dispatchEvent(new Event('focus'))")


def seconds_left(admin: psycopg.Connection[Any]) -> float:
    row = admin.execute(
        "select extract(epoch from max(seen_at) + interval '15 minutes' - holdfast.clock())::float"
        " from holdfast.staff_session where ended_at is null"
    ).fetchone()
    assert row is not None
    return float(row[0])


def type_password(page: Page) -> None:
    page.locator("#session-password").fill(PASSWORD)
    page.keyboard.press("Enter")


def test_an_open_board_ends_by_the_record_s_clock_and_says_so(
    olga: Visitor, admin: psycopg.Connection[Any], glow: Clinic
) -> None:
    page = olga.page
    leave(admin, 60)  # nobody is at work from here on, though the board hears its stream
    # opened as it stands: its own request is the last thing that somebody did
    with page.expect_response(lambda answer: "/desk/live" in answer.url):
        page.goto("/desk/day")
    assert seconds_left(admin) > 800, "opening the board is work"
    leave(admin, 3)
    with page.expect_request(lambda asked: "/desk/live" in asked.url):
        page.evaluate("dispatchEvent(new Event('online'))")  # the stream begins anew, and keeps nobody signed in
    assert seconds_left(admin) < 4
    dialog = page.get_by_role("dialog", name="Please sign in again")
    expect(dialog).to_be_visible()
    expect(page.locator(".live-bar")).to_have_text("You were signed out. What you see may be out of date.")
    expect(page.locator(".board")).to_be_hidden()  # whoever walks past sees nothing of it
    type_password(page)
    expect(dialog).to_be_hidden()
    expect(page.locator(".live-bar")).to_have_text("Up to date again.")
    expect(page.locator(".board.drawn")).to_be_visible()


def test_it_warns_before_the_end_and_one_can_stay(olga: Visitor, admin: psycopg.Connection[Any]) -> None:
    page = olga.page
    page.goto("/desk/manage/staff/new")
    # typed some time ago: whoever typed within the last minute is at work, and is not asked
    page.evaluate("document.getElementById('name').value = 'Zoe'")
    leave(admin, 90)
    come_back(page)
    dialog = page.get_by_role("dialog", name="Are you still there?")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("You are signed out in 1:")
    expect(dialog.get_by_role("button", name="Stay signed in")).to_be_focused()
    dialog.get_by_role("button", name="Stay signed in").click()
    expect(dialog).to_be_hidden()
    assert seconds_left(admin) > 880
    expect(page.get_by_label("Name")).to_have_value("Zoe")


def test_another_window_at_work_closes_the_warning(olga: Visitor, admin: psycopg.Connection[Any]) -> None:
    page = olga.page
    page.goto("/desk/manage/staff/new")
    leave(admin, 90)
    come_back(page)
    dialog = page.get_by_role("dialog", name="Are you still there?")
    expect(dialog).to_be_visible()
    leave(admin, 900)
    come_back(page)
    expect(dialog).to_be_hidden()


def test_what_was_typed_survives_signing_in_again(olga: Visitor, admin: psycopg.Connection[Any]) -> None:
    page = olga.page
    page.goto("/desk/manage/staff/new")
    page.get_by_label("Name").fill("Zoe Zimmer")
    page.get_by_label("E-mail", exact=True).first.fill("zoe@example.org")
    leave(admin, 0)
    come_back(page)
    dialog = page.get_by_role("dialog", name="Please sign in again")
    expect(dialog).to_be_visible()
    page.locator("#session-password").fill("not this one")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("do not match")
    type_password(page)
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#link")).to_contain_text("/welcome/")
    expect(page.get_by_role("heading", name="A link for Zoe Zimmer")).to_be_visible()


def test_a_panel_that_meets_the_end_goes_on_after_signing_in(olga: Visitor, admin: psycopg.Connection[Any]) -> None:
    page = olga.page
    page.goto("/desk/messages")
    leave(admin, 0)
    page.keyboard.press("b")
    expect(page.get_by_role("dialog", name="Please sign in again")).to_be_visible()
    type_password(page)
    expect(page.locator("#panel #client-text")).to_be_visible()
    assert page.url.endswith("/desk/messages")


def test_the_second_factor_is_asked_for_in_place_too(olga: Visitor, admin: psycopg.Connection[Any]) -> None:
    page = olga.page
    page.goto("/account")
    secret = page.locator(".code").inner_text()
    page.locator("#second-factor-password").fill(PASSWORD)
    page.locator("#second-factor-code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".recovery-codes .code")).to_have_count(RECOVERY_CODES)
    codes = page.locator(".recovery-codes .code").all_inner_texts()
    page.goto("/desk/manage/staff/new")
    page.get_by_label("Name").fill("Yan")
    leave(admin, 0)
    come_back(page)
    expect(page.get_by_role("dialog", name="Please sign in again")).to_be_visible()
    type_password(page)
    expect(page.locator("#session-code")).to_be_focused()
    page.locator("#session-code").fill(codes[0])
    page.keyboard.press("Enter")
    expect(page.locator("#session")).to_be_hidden()
    expect(page.get_by_label("Name")).to_have_value("Yan")
    page.goto("/account")
    page.get_by_text("Another phone, or").click()
    page.locator("#remove-password").fill(PASSWORD)
    page.locator("#remove-code").fill(codes[1])
    page.get_by_role("button", name="Take it away").click()
    expect(page.get_by_role("status").first).to_contain_text("The second factor is off")


def test_whoever_types_or_points_is_at_work(olga: Visitor, admin: psycopg.Connection[Any]) -> None:
    page = olga.page
    page.clock.install()
    page.goto(f"/desk/day?date={at(0).date()}")  # today's board would turn at midnight
    expect(page.locator(".board.drawn")).to_be_visible()
    leave(admin, 300)
    with page.expect_response(lambda answer: answer.url.endswith("/desk/to-decide")):
        page.clock.run_for(61_000)  # what the board asks by itself meanwhile is answered
    assert seconds_left(admin) < 301, "an open board alone is nobody"
    page.keyboard.press("ArrowDown")
    with page.expect_response(lambda answer: answer.url.endswith("/desk/session")) as told:
        page.clock.run_for(2_000)
    assert told.value.request.method == "POST"
    assert seconds_left(admin) > 880


def test_a_list_that_reads_itself_anew_is_nobody_at_work(
    olga: Visitor, admin: psycopg.Connection[Any], glow: Clinic
) -> None:
    page = olga.page
    with page.expect_response(lambda answer: "/desk/changes?" in answer.url):
        page.goto("/desk/list")
    leave(admin, 300)
    with page.expect_response(lambda answer: "/desk/list" in answer.url):
        glow.desk("place_block", resource_id=glow.resources["ana"], start=at(0), end=at(60), reason="Training")
    assert seconds_left(admin) < 301


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_serious(
    browser: Browser, served: Served, staff: dict[str, UUID], admin: psycopg.Connection[Any], scheme: str, width: int
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run scripts/build-frontend")
    options = {"color_scheme": scheme, "bypass_csp": True, "viewport": {"width": width, "height": 900}}
    with visitor(browser, served.url, reduced_motion="reduce", **options) as some:
        page = some.page
        sign_in_page(page, "manager")
        seen = {}
        for path in ("/account", "/desk/nothing", "/b/glow/austin/nothing", "/sign-in/no-such"):
            page.goto(path)
            seen[path] = serious(page)
            sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert sideways <= 0, f"{path} is wider than the screen"
        page.goto("/desk/manage/services")
        for seconds, name in ((90, "Are you still there?"), (0, "Please sign in again")):
            leave(admin, seconds)
            come_back(page)
            expect(page.get_by_role("dialog", name=name)).to_be_visible()
            seen[name] = serious(page)
    assert not any(seen.values()), seen
