"""Anybody can add a language: one that is made up here, from right to left and with longer words, fills every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from scripts import languages as words

from holdfast.ids import public_id
from holdfast.web import languages, templates
from tests.clinic import CLIENT, Clinic
from tests.web.desk_staff import employ, sign_in
from tests.web.forms import Forms

TAG = "ar"
TEXTS = ("aria-label", "placeholder", "title", "alt", "data-copied", "data-lost")
MANAGE = (
    "", "/business", "/locations", "/locations/new", "/locations/austin", "/resources", "/resources/new", "/pools",
    "/pools/rooms", "/services", "/services/new", "/services/botox", "/hold_policies", "/hold_policies/widget",
    "/waitlist", "/waitlist/botox", "/booking-page", "/messages", "/webhooks", "/webhooks/new", "/keys", "/keys/new",
    "/staff", "/staff/new",
)  # fmt: skip
DESK = ("/day", "/clients", "/waitlist", "/inbox", "/messages", "/deliveries", "/book", "/palette")
# What is written the same everywhere: names of things outside, examples of what is typed, and Holdfast's own.
SAME = re.compile(
    r"Holdfast|English|Español|[A-Z2-7]{32}|https?://\S+|<script.*|\b(?:hf_|whk_|apt_)\w*|#[0-9a-f]{6}|\S+@\S+|\S+/\S+|[A-Z]{3}\b|PDF|"
    r"\b(?:America|Europe|US-TX|US|TX)\b|\{[%{].*?[%}]\}|\b[a-z]+(?:[-_.][a-z*]+)+\b"
)


class _Texts(HTMLParser):
    """What people read or hear of a page, without what they typed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._closed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("code", "script", "style", "textarea", "option", "kbd"):
            self._closed.append(tag)
        self.found += [value for name, value in attrs if name in TEXTS and value]

    def handle_endtag(self, tag: str) -> None:
        if self._closed and self._closed[-1] == tag:
            self._closed.pop()

    def handle_data(self, data: str) -> None:
        if not self._closed:
            self.found.append(data)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A catalog in which every word is said between brackets, in place of those that are shipped."""
    folder = tmp_path_factory.mktemp("locales")
    catalog = Catalog(TAG)
    for each in words.messages().values():
        if each.plural:
            catalog.add((each.text, each.plural), [f"⟦{each.plural} ·····⟧"] * catalog.num_plurals)
        else:
            catalog.add(each.text, f"⟦{each.text} ·····⟧")
    target = folder / TAG / "LC_MESSAGES" / "messages.po"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_po(file, catalog)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(languages, "LOCALES", folder)
        _forget()
        yield folder
    _forget()


def _forget() -> None:
    languages.catalogs.cache_clear()
    templates._environment.cache_clear()


@pytest.fixture(scope="module")
def staff(glow: Clinic) -> dict[str, UUID]:
    start = (datetime.now(UTC) + timedelta(days=3)).replace(hour=18, minute=0, second=0, microsecond=0)
    glow.desk("book", service_id=glow.services["botox"], location_id=glow.location_id, start=start, client=CLIENT)
    return employ(glow)


@pytest.fixture
def owner(made_up: Path, forms: Forms, staff: dict[str, UUID]) -> Forms:
    forms.client.headers["accept-language"] = TAG
    return sign_in(forms, "owner")


def left_in_english(page: str, data: set[str]) -> set[str]:
    """Words of Latin letters that no catalog said and nobody typed."""
    reader = _Texts()
    reader.feed(page)
    left = set()
    names = re.compile("|".join(re.escape(name) for name in sorted(data, key=len, reverse=True)))
    for text in reader.found:
        rest, said = text, True
        while said:
            rest, said = re.subn(r"⟦[^⟦⟧]*⟧", " ", rest)
        kept = names.sub(" ", SAME.sub(" ", rest)), SAME.sub(" ", names.sub(" ", rest))  # a name may look like a code
        if all(re.search(r"[A-Za-z]{3,}", each) for each in kept):
            left.add(" ".join(text.split()))
    return left


@pytest.fixture(scope="module")
def data(glow: Clinic) -> set[str]:
    """What somebody typed: names of people, places and things."""
    tables = ("organization", "location", "resource", "pool", "service", "client", "staff")
    names = {row["name"] for table in tables for row in glow.desk.read(f"select name::text from holdfast.{table}")}
    slugs = {row["slug"] for table in tables[:5] for row in glow.desk.read(f"select slug::text from holdfast.{table}")}
    roles = {row["role"] for row in glow.desk.read("select distinct role from holdfast.requirement")}
    return names | slugs | roles | {"Tests", "200 Congress Ave, Austin", "Olga"}


@pytest.mark.parametrize("path", [f"/desk/manage{path}" for path in MANAGE] + [f"/desk{path}" for path in DESK])
def test_no_page_has_a_word_that_no_catalog_says(owner: Forms, data: set[str], path: str) -> None:
    page = owner.open(path)
    assert page.status_code == 200
    assert '<html lang="ar" dir="rtl"' in page.text
    assert left_in_english(page.text, data) == set()


def test_a_visit_a_client_and_the_gates_too(owner: Forms, glow: Clinic, data: set[str]) -> None:
    (visit,) = glow.desk.read("select id, client_id from holdfast.appointment")
    code = {row["confirmation_code"] for row in glow.desk.read("select confirmation_code from holdfast.appointment")}
    for path in (
        f"/desk/appointments/{public_id('appointment', visit['id'])}",
        f"/desk/clients/{public_id('client', visit['client_id'])}",
        "/desk/manage/services/nothing",
        "/account",
    ):
        page = owner.open(path)
        assert left_in_english(page.text, data | code) == set(), path
    owner.client.cookies.clear()
    for path in ("/sign-in/glow", "/forgot/glow", "/welcome/" + "x" * 43):
        assert left_in_english(owner.open(path).text, data) == set(), path


def test_a_language_that_says_half_falls_back_to_english(made_up: Path, forms: Forms, staff: dict[str, UUID]) -> None:
    target = made_up / TAG / "LC_MESSAGES" / "messages.po"
    whole = target.read_bytes()
    assert words.write_missing("de", made_up) > 500
    _forget()
    page = forms.open("/sign-in/glow?lang=de").text
    assert '<html lang="de" dir="ltr"' in page
    assert "Forgot your password?" in page, "nothing is translated yet, so it is English"
    assert "Deutsch" in page, "and it can be chosen"
    assert target.read_bytes() == whole
    assert words.write_missing("de", made_up) > 500, "what is not translated stays missing, and is not lost"
