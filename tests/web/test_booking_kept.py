"""A held time in a real browser: longer while they type, over when it is over, and in a frame on another site."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, Page, expect

from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic
from tests.web.browsers import choose_another_day, chromium, scripts_ready, visitor
from tests.web.conftest import Served, serve
from tests.web.shop import site_with
from tests.web.test_booking_live import run_out

DAY = (datetime.now(UTC) + timedelta(days=3)).date()
FREE = ".slot:not([aria-disabled])"
POLICY = {"ttl_seconds": 300, "ttl_seconds_max": 900, "extensions_max": 1, "grace_seconds": 60}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium("--test-third-party-cookie-phaseout") as found:
        yield found


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for localhost that nobody vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    folder: Path = tmp_path_factory.mktemp("tls")
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return str(folder / "certificate.pem"), str(folder / "key.pem")


@pytest.fixture(scope="module")
def secure(module_database: DatabaseUrls, pair: tuple[str, str]) -> Iterator[Served]:
    yield from serve(module_database, pair)


def tap(page: Page, day: int, number: int = 2) -> str:
    page.goto(f"/b/glow/austin/laser?day={DAY + timedelta(days=day)}")
    start = page.locator(FREE).nth(number).get_attribute("data-start") or ""
    page.locator(FREE).nth(number).click()
    expect(page.get_by_role("heading", name="This time is kept for you")).to_be_visible()
    return start


def test_typing_makes_it_last_longer_once(browser: Browser, served: Served, glow: Clinic) -> None:
    glow.desk("set_hold_policy", surface="widget", changes=POLICY)
    with visitor(browser, served.url) as some:
        asked: list[str] = []
        some.page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
        some.page.clock.install()
        tap(some.page, 0)
        some.page.get_by_label("Your name").press_sequentially("Ad")
        assert "extend" not in asked, "there is more than half of the time left"
        some.page.clock.fast_forward(200_000)
        expect(some.page.get_by_role("timer")).to_contain_text("1:")
        with some.page.expect_response(lambda answer: answer.url.endswith("/extend")):
            some.page.get_by_label("Your name").press_sequentially("a")
        expect(some.page.get_by_role("timer")).to_contain_text("Kept for 4:")
        some.page.clock.fast_forward(200_000)
        some.page.get_by_label("Your name").press_sequentially(" Byron")
        expect(some.page.get_by_role("timer")).to_contain_text("1:")
        assert asked.count("extend") == 1


def test_when_time_is_up_it_says_so_and_whoever_comes_may_have_it(
    browser: Browser, served: Served, glow: Clinic
) -> None:
    glow.desk("set_hold_policy", surface="widget", changes=POLICY | {"grace_seconds": 0})
    with visitor(browser, served.url) as ada, visitor(browser, served.url) as bob:
        ada.page.clock.install()
        start = tap(ada.page, 1)
        run_out(ada.page, glow)
        glow.desk("set_hold_policy", surface="widget", changes=POLICY)
        bob.page.goto(f"/b/glow/austin/laser?day={DAY + timedelta(days=1)}")
        bob.page.locator(f"{FREE}[data-start='{start}']").click()
        expect(bob.page.get_by_role("heading", name="This time is kept for you")).to_be_visible()
        ada.page.get_by_label("Your name").fill("Ada Byron")
        ada.page.get_by_label("E-mail").fill("ada@example.org")
        ada.page.get_by_role("button", name="Book it").click()
        expect(ada.page.get_by_role("heading", name="This time was taken meanwhile")).to_be_visible()
        expect(ada.page.get_by_label("Your name")).to_have_value("Ada Byron")


def test_a_time_that_ran_out_is_still_theirs_while_nobody_takes_it(
    browser: Browser, served: Served, glow: Clinic
) -> None:
    glow.desk("set_hold_policy", surface="widget", changes=POLICY | {"grace_seconds": 0})
    with visitor(browser, served.url) as ada:
        ada.page.clock.install()
        tap(ada.page, 2)
        run_out(ada.page, glow)
        glow.desk("set_hold_policy", surface="widget", changes=POLICY)
        ada.page.get_by_label("Your name").fill("Ada Byron")
        ada.page.get_by_label("E-mail").fill("ada@example.org")
        ada.page.get_by_role("button", name="Book it").click()
        expect(ada.page.get_by_role("heading", name="You are booked")).to_be_visible()


def test_in_a_frame_where_third_party_cookies_are_blocked(browser: Browser, secure: Served, glow: Clinic) -> None:
    line = f"<!doctype html><body><script src='{secure.url}/embed.js' data-page='glow/austin' async></script>"
    with site_with(line) as shop, visitor(browser, shop, ignore_https_errors=True) as some:
        some.page.goto(shop)
        frame = some.page.frame_locator("iframe")
        frame.get_by_role("link", name="consult").click()
        choose_another_day(frame)
        frame.locator(FREE).first.click()
        expect(frame.get_by_role("heading", name="This time is kept for you")).to_be_visible()
        # negative control: a cookie that is not partitioned does not come back here
        kept = frame.locator("body").evaluate(
            """() => {
              document.cookie = "plain=1; SameSite=None; Secure";
              document.cookie = "chips=1; SameSite=None; Secure; Partitioned";
              return document.cookie;
            }"""
        )
        assert kept == "chips=1"
        frame.get_by_label("Your name").fill("Ada Byron")
        frame.get_by_label("E-mail").fill("ada@example.org")
        frame.get_by_role("button", name="Book it").click()
        expect(frame.get_by_role("heading", name="You are booked")).to_be_visible()
        given = [each for each in some.context.cookies(secure.url) if "visitor" in each["name"]]
        assert [(each["name"], each["secure"], each["sameSite"]) for each in given] == [
            ("__Host-holdfast-visitor", True, "None")
        ]


def test_a_button_opens_the_page_in_a_dialog(browser: Browser, secure: Served, glow: Clinic) -> None:
    line = f"<!doctype html><body><script src='{secure.url}/embed.js' data-page='glow/austin' data-button='Book now'>"
    with (
        site_with(line + "</script>") as shop,
        visitor(browser, shop, ignore_https_errors=True, timezone_id="Europe/Berlin") as some,
    ):
        some.page.goto(shop)
        expect(some.page.locator("iframe")).to_have_count(0)
        some.page.get_by_role("button", name="Book now").click()
        frame = some.page.frame_locator("dialog iframe")
        frame.get_by_role("link", name="consult").click()
        choose_another_day(frame)
        scripts_ready(frame)
        frame.locator(FREE).nth(3).click()
        expect(frame.get_by_role("heading", name="This time is kept for you")).to_be_visible()
        frame.get_by_label("Your name").fill("Ada")
        some.page.get_by_role("button", name="Close").click()
        expect(some.page.locator("dialog")).to_be_hidden()
        some.page.get_by_role("button", name="Book now").click()
        expect(frame.get_by_label("Your name")).to_have_value("Ada")
