"""Every language says all that pages say, refusals included, and what fills a sentence fits."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import pytest
from scripts import languages

from holdfast.db.constraints import domain_error
from holdfast.errors import Forbidden, Invalid, either, said
from holdfast.wallclock import zone
from holdfast.web.languages import SOURCE, Language, catalogs
from tests.clinic import Clinic
from tests.web.desk_staff import sign_in
from tests.web.forms import Forms

SPANISH = {"accept-language": "es"}
OTHERS = sorted(set(catalogs()) - {SOURCE})


def test_the_words_are_found_where_they_are_said() -> None:
    found = languages.messages()
    assert found["Change the password"].where == "web/templates/desk/account.html"
    assert found["Too many tries. Wait {seconds} seconds, then try again."]
    assert found["This hold was confirmed: change the appointment instead."].where == "db/constraints.py"
    assert found["The request was refused"].where == "errors.py"
    assert found["Please fill this in."]
    assert found["visit"].plural == "visits"


def test_no_refusal_is_made_so_that_nobody_can_translate_it() -> None:
    assert languages.unreadable() == []


@pytest.mark.parametrize("tag", OTHERS)
def test_every_language_says_everything_with_the_same_blanks(tag: str) -> None:
    words = languages.catalog(tag)
    assert [f"{each.where}: {each.text}" for each in languages.missing(words)] == []
    assert languages.misfits(words) == []
    assert languages.said_twice(tag) == []
    assert languages.unused(words) == []


def test_what_two_files_say_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "board.po").write_text('msgid "Done"\nmsgstr "Hecho"\n')
    (folder / "desk.po").write_text('msgid "Done"\nmsgstr "Terminada"\n\nmsgid "Save"\nmsgstr "Guardar"\n')
    assert languages.said_twice("es", tmp_path) == ["Done"]


def test_what_is_missing_and_what_does_not_fit_is_seen() -> None:
    words = languages.catalog("es")
    words.delete("Sign in")
    words["The {part} is empty."].string = "Falta {parte}."
    assert [each.text for each in languages.missing(words)] == ["Sign in"]
    assert languages.misfits(words) == ["The {part} is empty."]


def test_a_sentence_is_english_for_programs_and_spanish_for_people() -> None:
    error = domain_error("appointment_state_allows", {"state": "checked_in", "allowed_from": ["confirmed", "no_show"]})
    assert error.detail == "The appointment is checked_in; this step is possible from confirmed, no_show."
    assert Language("en").said(error.detail) == (
        "The appointment is checked in; this step is possible from confirmed, no show."
    )
    assert Language("es").said(error.detail) == (
        "La cita está con la llegada registrada; este paso es posible desde: confirmada, ausencia."
    )


def test_sentences_within_sentences_are_translated_too() -> None:
    with pytest.raises(Invalid) as wrong:
        zone("America/Chicag")
    assert wrong.value.detail == "'America/Chicag' is not an IANA time zone; did you mean America/Chicago or " + (
        "America/Bahia or America/Cuiaba?"
    )
    spanish = Language("es").said(wrong.value.detail)
    assert spanish.endswith("¿quiso decir America/Chicago o America/Bahia o America/Cuiaba?")
    assert Language("es").said(said("did you mean {near}?", near=either(["A", "B"]))) == "did you mean A o B?"


def test_what_somebody_typed_fills_a_sentence_as_it_is() -> None:
    sentence = said("There is no {kind} {name!r} here.", kind="location", name="{seconds} 50% off, service")
    assert Language("es").said(sentence) == "Aquí no hay (local) '{seconds} 50% off, service'."
    assert Language("es").said(Forbidden("Nobody translated this 100%.").detail) == "Nobody translated this 100%."


def test_a_percent_sign_in_an_address_is_no_fault_of_ours(glow: Clinic, forms: Forms) -> None:
    for language in ("en", "es"):
        answer = forms.client.get("/b/100%25%28of", headers={"accept-language": language})
        assert answer.status_code == 404
        assert "100%(of" in answer.text


def test_refusals_are_in_the_language_of_the_page(glow: Clinic, staff: dict[str, UUID], forms: Forms) -> None:
    forms.client.headers.update(SPANISH)
    forms.open("/sign-in/glow")
    answers = [forms.send(email="nobody@example.org", password="not this one") for _ in range(6)]
    assert "Demasiados intentos. Espere" in answers[-1].text
    assert "Too many" not in answers[-1].text
    sign_in(forms, "desk")
    refused = forms.open("/desk/manage")
    assert refused.status_code == 403
    assert "Para esto hace falta el permiso de administrar, que la función de recepción no tiene." in refused.text
    unreadable = forms.open("/setup/services?business=circus")
    assert unreadable.status_code == 422
    assert "Algo de esta dirección o de este formulario no se puede leer." in unreadable.text


def test_what_changes_is_shown_in_the_language_of_the_page(glow: Clinic, staff: dict[str, UUID], forms: Forms) -> None:
    forms.client.headers.update(SPANISH)
    sign_in(forms, "owner")
    forms.open("/desk/manage/services/botox")
    page = forms.send("services/botox", duration="35", also={"need-0-minutes": "30", "need-0-after": "10"}).text
    assert "Duración en minutos" in page
    assert re.search(r"requiere \w+", page)
    assert "durante 30 min desde" in page
    assert "margen después 10" in page
    assert not re.search(r">(duration|price|requires \w+|category)<| for \d+ min|buffer", page)
