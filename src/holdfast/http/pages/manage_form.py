"""Forms of many parts: what was typed, read field by field, with every mistake beside its field.

A form is flat, so that it works without scripts: the third requirement's pool is ``need-2-pool``. What was typed is all
there is to draw a form from, whether it comes from the record, from a refusal, or back from the preview.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import time
from typing import Any, Final, TypeVar

from fastapi import Request

from holdfast.errors import HoldfastError, Invalid
from holdfast.http.pages.typed_numbers import read_amount, read_whole
from holdfast.wallclock import parse_day
from holdfast.web.languages import Language

T = TypeVar("T")
Fields = dict[str, str]

FIELDS_MAX: Final = 4000
ROWS_MAX: Final = 200
LENGTH_MAX: Final = 10_000
AMOUNT_MAX: Final = 1_000_000
CHECKED: Final = "1"
# What decides about the form itself and is not part of what was typed.
OWN: Final = frozenset({"form_token", "seen", "step"})


class FormErrors(Exception):
    """What is wrong, by field; ``""`` is about the whole form."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__(self.errors)


async def typed_in(request: Request) -> Fields:
    """What was typed, without surrounding space. Raises Invalid for more than any form of ours has."""
    form = await request.form(max_fields=FIELDS_MAX)
    fields = {name: value.strip() for name, value in form.items() if isinstance(value, str)}
    if any(len(value) > LENGTH_MAX for value in fields.values()):
        raise Invalid("A field has at most 10,000 characters.")
    return fields


def without_own(fields: Fields) -> Fields:
    """What is sent along to the next step."""
    return {name: value for name, value in fields.items() if name not in OWN}


class Reader:
    """Reads fields and gathers what is wrong with them; ``done`` raises it."""

    def __init__(self, fields: Fields, language: Language) -> None:
        self.fields = fields
        self.errors: dict[str, str] = {}
        self.language = language
        self.gettext = language.gettext

    def wrong(self, name: str, message: str, **values: Any) -> None:
        self.errors.setdefault(name, self.gettext(message) % values if values else self.gettext(message))

    def done(self) -> None:
        """Raises FormErrors if anything was wrong."""
        if self.errors:
            raise FormErrors(self.errors)

    def text(self, name: str, *, required: bool = True) -> str:
        value = self.fields.get(name, "")
        if required and not value:
            self.wrong(name, "Please fill this in.")
        return value

    def choice(self, name: str, choices: Iterable[str]) -> str:
        value = self.fields.get(name, "")
        if value not in set(choices):
            self.wrong(name, "Choose one of the list.")
        return value

    def checked(self, name: str) -> bool:
        return self.fields.get(name) == CHECKED

    def integer(self, name: str, least: int, most: int, empty: int | None = None) -> int:
        """A whole number; ``empty`` stands for one that was left out."""
        found = self.optional(name, least, most)
        if found is None and empty is None:
            self.wrong(name, "Please fill this in.")
        return found if found is not None else (empty if empty is not None else least)

    def optional(self, name: str, least: int, most: int) -> int | None:
        value = self.fields.get(name, "")
        if not value:
            return None
        try:
            number = read_whole(value)
        except ValueError as meant:
            self._refuse(name, meant)
            return least
        if number is None or not least <= number <= most:
            self.wrong(name, "A whole number from %(least)s to %(most)s, please.", least=least, most=most)
            return least
        return number

    def cents(self, name: str) -> int:
        value = self.fields.get(name, "") or "0"
        try:
            amount = read_amount(value, self.language)
        except ValueError as two_ways:
            self._refuse(name, two_ways)
            return 0
        if amount is None or amount > AMOUNT_MAX:
            self.wrong(name, "An amount such as 120 or 49.50, please.")
            return 0
        return int(amount * 100)

    def day(self, name: str) -> str:
        """A date, or empty."""
        value = self.fields.get(name, "")
        try:
            return parse_day(value).isoformat() if value else ""
        except Invalid:
            self.wrong(name, "A date, please.")
            return ""

    def wall_time(self, name: str) -> time | None:
        value = self.fields.get(name, "")
        try:
            return time.fromisoformat(value) if value else None
        except ValueError:
            self.wrong(name, "A time such as 09:00, please.")
            return None

    def _refuse(self, name: str, why: ValueError) -> None:
        self.errors.setdefault(name, self.language.said(why.args[0]))

    def rows(self, name: str, *parts: str) -> Iterator[str]:
        """The prefix (``need-2-``) of each row in which something was typed."""
        for number in _numbers(self.fields, name):
            prefix = f"{name}-{number}-"
            if any(self.fields.get(prefix + part) for part in parts):
                yield prefix

    def attempt(self, name: str, read: Callable[[str], T]) -> T | None:
        """``read`` the text; its ValueError, or refusal, is what is wrong with the field."""
        try:
            return read(self.fields.get(name, ""))
        except ValueError as error:
            words = self.language.said(error.args[0])
            self.errors.setdefault(name, f"{words[:1].upper()}{words[1:]}.")
        except HoldfastError as error:
            self.errors.setdefault(name, self.language.said(error.detail))
        return None


def set_rows(fields: Fields, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows into a form: empty where a value is None."""
    for number, row in enumerate(rows):
        for part, value in row.items():
            fields[f"{name}-{number}-{part}"] = "" if value is None else str(value)


def row_numbers(fields: Fields, name: str, *, more: int) -> list[int]:
    """The rows to draw: those that there are, and ``more`` empty ones after them."""
    filled = [
        number
        for number in _numbers(fields, name)
        if any(value for field, value in fields.items() if field.startswith(f"{name}-{number}-"))
    ]
    last = filled[-1] if filled else -1
    return [*filled, *range(last + 1, last + 1 + more)]


def _numbers(fields: Fields, name: str) -> list[int]:
    found = {field.removeprefix(f"{name}-").split("-")[0] for field in fields if field.startswith(f"{name}-")}
    return sorted(int(each) for each in found if each.isascii() and each.isdigit() and len(each) < 5)[:ROWS_MAX]


def set_chosen(fields: Fields, name: str, chosen: Iterable[str]) -> None:
    """Tick the boxes ``name-slug``."""
    fields.update({f"{name}-{slug}": CHECKED for slug in chosen})


def chosen(fields: Fields, name: str, among: Iterable[str]) -> tuple[str, ...]:
    """Which boxes are ticked, in order."""
    return tuple(sorted(slug for slug in among if fields.get(f"{name}-{slug}") == CHECKED))


def fingerprint(*shown: object) -> str:
    """What a form shows, in a few letters: the same exactly when nothing of it changed."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
