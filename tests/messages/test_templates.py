"""The words: what may be said, what is checked, and that a broken template is never in the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.errors import Invalid
from holdfast.messages.model import KINDS, Wording
from holdfast.messages.templates import LANGUAGES, VARIABLES, built_in, check, render, render_wording, variables
from holdfast.web.languages import Language, territory_of
from tests.messages.test_plan import CONTEXT

OWN = Wording("reminder", "en", "Soon: {{ date }}", "Hi {{ client }}", "See you {{ when }}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_built_in_words_are_sound_and_tell_nothing_of_health(kind: str, language: str) -> None:
    wording = built_in(language)[kind]
    check(wording)
    said = render_wording(wording, replace(CONTEXT, kind=wording.kind), can_reply=True)
    for words in (said.subject, said.text, said.html, said.sms):
        assert "Botox" not in words
        assert "Ana" not in words
        assert "Glow" in words
    assert "CANCEL" not in said.sms, "the carrier takes that word for STOP"
    allowed = render_wording(
        wording, replace(CONTEXT, kind=wording.kind, say_service=True, say_provider=True), can_reply=True
    )
    assert ("Botox" in allowed.text) == (kind != "follow_up")


def test_every_variable_is_documented_and_every_documented_one_exists() -> None:
    assert variables(CONTEXT, "en", can_reply=True).keys() == VARIABLES.keys()


def test_the_text_is_cheap_to_send_and_the_times_are_the_locations() -> None:
    said = render(CONTEXT, can_reply=True)
    assert said.sms == (
        "Glow: your appointment is on Thursday, June 10, 2:00 PM EDT, Main Street. "
        "Reply C to confirm, X to cancel, STOP for no more texts."
    )
    assert said.sms.isascii()
    assert len(said.sms) <= 160
    spanish = render(replace(CONTEXT, language="es"))
    assert "jueves, 10 de junio, 2:00 p.m. EDT" in spanish.sms


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("zone", ["America/Chicago", "Europe/Berlin", "Asia/Tokyo", "UTC"])
def test_days_and_times_are_written_as_the_booking_page_writes_them(language: str, zone: str) -> None:
    page = Language(language, territory_of(zone))
    said = variables(replace(CONTEXT, time_zone=zone), language, can_reply=True)
    plain = str.maketrans("\u202f\u00a0", "  ")
    assert said["date"] == page.day_of(CONTEXT.starts_at, zone).translate(plain)
    assert said["time"].startswith(page.time(CONTEXT.starts_at, zone).translate(plain))


def test_a_language_that_has_no_words_of_ours_has_its_own_dates() -> None:
    assert "juin" in variables(CONTEXT, "fr", can_reply=True)["date"]
    assert "June" in variables(CONTEXT, "xx", can_reply=True)["date"]


def test_html_is_escaped() -> None:
    said = render(replace(CONTEXT, client_name="<script>alert(1)</script>"))
    assert "<script>" not in said.html
    assert "&lt;script&gt;" in said.html


@pytest.mark.parametrize(
    ("part", "source", "named"),
    [
        ("email", "Hello {{ cleint }}", "cleint"),
        ("subject", "{{ client", "subject cannot be read"),
        ("sms", "{{ client.__class__ }}", "nothing else"),
        ("sms", "{% for x in client %}{{ client }}{% endfor %}", "nothing else"),
        ("sms", "{{ 'a' * 1000000000 }}", "nothing else"),
        ("email", "{% include 'email.html.j2' %}", "nothing else"),
        ("email", " ", "email is empty"),
        ("subject", "two\nlines", "one line"),
    ],
)
def test_a_mistake_is_named_before_it_is_saved(part: str, source: str, named: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(replace(OWN, **{part: source}))  # type: ignore[arg-type]
    assert named in refused.value.detail
    assert refused.value.facts["field"] == part


def test_own_words_are_used_and_broken_ones_give_way_to_the_built_in() -> None:
    own = replace(CONTEXT, own_subject=OWN.subject, own_email=OWN.email, own_sms=OWN.sms)
    assert render(own).sms == "See you Thursday, June 10, 2:00 PM EDT"
    broken = replace(own, own_sms="{{ nobody_knows }}")
    assert render(broken).sms == render(CONTEXT).sms
