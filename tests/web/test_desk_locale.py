"""The desk writes dates, times and money as people do where the business is, in the language that was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import expect

from holdfast.web.languages import Language, territory_of
from tests.clinic import Clinic
from tests.web.browsers import chromium, visitor
from tests.web.conftest import Served
from tests.web.desk_staff import PASSWORD
from tests.web.forms import Forms
from tests.web.people import hire, sign_in_browser


@pytest.fixture(scope="module")
def berlin(glow: Clinic) -> None:
    id = glow.desk("put_location", slug="berlin", name="Berlin", time_zone="Europe/Berlin", address=None)[
        "put_location"
    ]
    ids = [glow.location_id, id]
    glow.desk("put_resource", slug="ana", name="Ana Ruiz", kind="provider", location_ids=ids, capacity=1)


@pytest.fixture
def other(served: Served, staff: dict[str, UUID]) -> Iterator[Forms]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=30) as client:
        yield Forms(client)


def test_prices_are_written_as_people_do_at_the_place(owner: Forms) -> None:
    assert "$" in owner.open("/desk/manage/services").text
    spanish = owner.open("/desk/manage/services?lang=es").text
    assert 'data-locale="es-US"' in spanish
    assert "US$" not in spanish
    assert Language("es", territory_of("America/Chicago")).money(34000, "USD") == "$340"


def test_the_place_that_is_looked_at_decides(owner: Forms, berlin: None) -> None:
    assert 'data-locale="en-US"' in owner.open("/desk/day").text
    assert 'data-locale="en-DE"' in owner.open("/desk/day?location=berlin").text
    assert 'data-locale="en-DE"' in owner.open("/desk/manage").text, "it is remembered"
    assert 'data-locale="en-US"' in owner.open("/desk/day?location=austin").text


@pytest.mark.parametrize("location", ["nowhere", "%00", "x" * 500, "loc_0"])
def test_a_place_that_is_none_is_no_fault_of_ours(owner: Forms, location: str) -> None:
    assert owner.open(f"/desk/day?location={location}").status_code in (404, 422)


def test_the_board_and_its_pages_agree_about_the_clock(glow: Clinic, berlin: None, served: Served) -> None:
    if not (Path(__file__).parents[2] / "src/holdfast/web/dist/.vite/manifest.json").exists():
        pytest.skip("The scripts were not built: run scripts/build-frontend")
    with chromium() as browser, visitor(browser, served.url, viewport={"width": 1440, "height": 900}) as some:
        sign_in_browser(some.page, "glow", hire(glow, "Dana", "desk"))
        some.page.goto("/desk/day?location=austin")
        expect(some.page.locator(".board.drawn .ec-sidebar >> nth=1")).to_contain_text("PM")
        some.page.goto("/desk/day?location=berlin")
        axis = some.page.locator(".board.drawn .ec-sidebar >> nth=1")
        expect(axis).to_contain_text("14")
        expect(axis).not_to_contain_text("PM")


def test_a_language_is_chosen_in_the_account_and_remembered_with_the_person(owner: Forms, other: Forms) -> None:
    assert 'lang="en"' in owner.open("/account").text
    owner.send("/account/language", tag="es")
    assert "Segundo factor" in owner.page.text
    assert owner.send("/account/language", tag="tlh").url.path == "/account"
    assert "Segundo factor" in owner.page.text, "what is no language of ours changes nothing"

    other.open("/sign-in/glow")
    other.send(email="owner@example.org", password=PASSWORD)
    assert "Administrar" in other.open("/desk/manage").text
    other.open("/account")
    other.send("/account/language", tag="en")


def test_a_language_is_chosen_before_anybody_signs_in(other: Forms) -> None:
    assert "Forgot your password?" in other.open("/sign-in/glow?next=/desk/manage").text
    link = next(link for link in other.links if "lang=es" in link)
    assert "next=" in link
    assert "¿Olvidó su contraseña?" in other.open(link).text
    assert "¿Olvidó su contraseña?" in other.open("/sign-in/glow").text
