"""Booking without JavaScript: every step is a page, every refusal too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from icalendar import Calendar

from holdfast.web.languages import catalogs
from tests.clinic import Clinic
from tests.web.conftest import Served
from tests.web.forms import Forms

TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date()


@pytest.fixture
def other(served: Served) -> Iterator[Forms]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=30) as client:
        yield Forms(client)


def times(visitor: Forms, service: str = "botox", day: int = 2) -> list[tuple[str, str]]:
    """The buttons of a day's times."""
    visitor.open(f"/b/glow/austin/{service}?day={TOMORROW + timedelta(days=day)}")
    return next(form for form in visitor.found if form.action.endswith("/hold")).buttons


def hold(visitor: Forms, button: tuple[str, str]) -> httpx.Response:
    return visitor.send("/hold", button=button)


def details(visitor: Forms, **typed: str) -> httpx.Response:
    action = next(form.action for form in visitor.found if "name" in form.fields)
    return visitor.send(action, **({"name": "Ada Byron", "email": "ada@example.org"} | typed))


def test_a_visitor_books_and_changes_their_mind(glow: Clinic, forms: Forms) -> None:
    assert forms.open("/b/glow").url.path == "/b/glow/austin"
    assert "/b/glow/austin/botox" in forms.links
    hold(forms, times(forms)[4])
    assert "kept for you" in forms.page.text
    details(forms)
    assert forms.page.url.path.startswith("/v/")
    assert "You are booked" in forms.page.text
    link = str(forms.page.url.path)
    (event,) = Calendar.from_ical(forms.client.get(f"{link}/visit.ics").content).walk("VEVENT")
    assert event["SEQUENCE"] == 0
    assert "botox" not in str(event["SUMMARY"]), "a calendar is not told what is treated"

    forms.open(f"{link}/move")
    forms.send("/move", button=next(form for form in forms.found if form.action.endswith("/move")).buttons[9])
    (event,) = Calendar.from_ical(forms.client.get(f"{link}/visit.ics").content).walk("VEVENT")
    assert event["SEQUENCE"] == 1
    forms.open(link)
    assert forms.client.get(f"{link}/cancel").status_code in (404, 405), "looking at an address changes nothing"
    assert "cancelled" not in forms.open(link).text
    forms.send("/cancel")
    assert "This visit is cancelled" in forms.page.text


def test_of_two_visitors_one_wins_and_the_other_gets_the_nearest_three(
    glow: Clinic, forms: Forms, other: Forms
) -> None:
    slot = times(forms, "laser", 4)[2]
    assert slot in times(other, "laser", 4)
    assert hold(forms, slot).status_code == 200
    refused = hold(other, slot)
    assert refused.status_code == 409
    assert "a moment faster" in refused.text
    alternatives = other.found[0].buttons
    assert len(alternatives) == 3
    hold(other, alternatives[0])
    assert "kept for you" in other.page.text


def test_a_hold_belongs_to_its_browser_and_is_still_there_on_return(glow: Clinic, forms: Forms, other: Forms) -> None:
    hold(forms, times(forms, day=6)[1])
    address = forms.page.url.path
    assert other.open(address).status_code == 404
    assert "You are holding" in forms.open("/b/glow/austin").text
    assert "kept for you" in forms.open(address).text
    forms.send("/release")
    assert "You are holding" not in forms.open("/b/glow/austin").text


def test_what_is_typed_wrong_is_said_beside_it_and_stays(glow: Clinic, forms: Forms) -> None:
    hold(forms, times(forms, day=7)[0])
    answer = details(forms, name="Ada", email="", phone="")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert 'value="Ada"' in answer.text
    details(forms, email="", phone="512 555 0100")
    assert "You are booked" in forms.page.text, "the location's country code goes without saying"


def test_a_robot_that_fills_every_field_books_nothing(glow: Clinic, forms: Forms) -> None:
    hold(forms, times(forms, day=8)[0])
    assert details(forms, website="https://spam.example").status_code == 429


def test_the_form_is_kept_when_the_held_time_was_lost(glow: Clinic, forms: Forms, other: Forms) -> None:
    slot = times(forms, "laser", 9)[3]
    hold(forms, slot)
    typing = forms.page
    forms.send("/release")  # as an expiry would
    times(other, "laser", 9)
    hold(other, slot)
    forms.page = typing
    lost = details(forms, name="Grace Hopper", note="window seat")
    assert lost.status_code == 409
    assert 'value="Grace Hopper"' in lost.text
    assert "window seat" in lost.text
    again = next(form for form in forms.found if form.action.endswith("/again"))
    forms.send("/again", button=again.buttons[0])
    assert 'value="Grace Hopper"' in forms.page.text
    details(forms, name="Grace Hopper")
    assert "You are booked" in forms.page.text


def test_in_spanish_by_browser_and_by_choice(glow: Clinic, forms: Forms, other: Forms) -> None:
    spanish = forms.client.get("/b/glow/austin", headers={"accept-language": "es-MX,es;q=0.9,en;q=0.5"})
    assert 'lang="es"' in spanish.text
    assert "¿Qué quiere reservar?" in spanish.text
    other.open("/b/glow/austin?lang=es")
    assert (
        "Elija otro día" in other.open("/b/glow/austin/botox?day=2020-01-01").text
        or "Todos los servicios" in other.page.text
    )


def test_spanish_leaves_no_word_of_the_templates_out() -> None:
    from babel.messages.extract import extract_from_dir

    found = {
        message[0] if isinstance(message, tuple) else message
        for _, _, message, _, _ in extract_from_dir(
            "src/holdfast/web/templates", [("**.html", "jinja2.ext:babel_extract")],
            options_map={"**.html": {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true"}},
        )
    }  # fmt: skip
    known = catalogs()["es"]
    assert len(found) > 100
    assert {message for message in found if known.gettext(message) == message} == set()


@pytest.mark.parametrize("path", ["/b/nobody", "/b/glow/nowhere", "/b/glow/austin/nothing", "/v/" + "x" * 43])
def test_what_is_not_there_is_a_page_too(glow: Clinic, forms: Forms, path: str) -> None:
    answer = forms.open(path)
    assert answer.status_code in (404, 410)
    assert "<h1>" in answer.text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", answer.text)


def test_who_may_frame_the_page_is_chosen(glow: Clinic, forms: Forms) -> None:
    assert "frame-ancestors *" in forms.open("/b/glow/austin").headers["content-security-policy"]
    glow.desk(
        "set_booking_page", accent="#7c3aed", logo=None, logo_type=None, embed_origins=["https://glow.example"],
        change_notice_minutes=0, policy_text="Come in time.",
    )  # fmt: skip
    policy = forms.open("/b/glow/austin").headers["content-security-policy"]
    assert policy.endswith("frame-ancestors https://glow.example")
    assert "#7c3aed" in forms.client.get("/look/glow.css").text
