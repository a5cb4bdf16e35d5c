"""The languages that pages speak: gettext catalogs in ``locales/``, dates and money by Babel.

English is the language of the source; every other one is a folder of ``.po`` files, one a part of the pages, which
together are its catalog. ``make languages ARGS="de"`` begins one. Catalogs are read when the server starts, so there is
nothing to compile.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale, UnknownLocaleError, dates, negotiate_locale, numbers
from babel.core import get_global
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from babel.units import format_unit

from holdfast import wallclock
from holdfast.errors import Sentence
from holdfast.wallclock import local_date, to_local

SOURCE: Final = "en"
# What fills a sentence and is one of Holdfast's own words, so it is translated too; all else is somebody's name.
TERMS: Final = frozenset(
    {"allowed_from", "cap", "kind", "limits", "part", "permission", "staff_role", "state", "surface"}
)
LOCALES = files("holdfast.web").joinpath("locales")
_NONE: Final = NullTranslations()


@cache
def catalogs() -> Mapping[str, NullTranslations]:
    """Translations by language tag, the source's own included."""
    found: dict[str, NullTranslations] = {SOURCE: _NONE}
    for folder in LOCALES.iterdir():
        words = Catalog(Locale.parse(folder.name, sep="-"))
        for messages in folder.joinpath("LC_MESSAGES").iterdir():
            for message in read_po(io.BytesIO(messages.read_bytes()), locale=words.locale):
                words[message.id] = message
        compiled = io.BytesIO()
        write_mo(compiled, words)
        compiled.seek(0)
        found[folder.name] = Translations(compiled)
    return found


def choose(asked: str | None, accept_language: str | None) -> str:
    """The tag of the language to answer in: the one asked for, else the best of ``Accept-Language``, else English."""
    if asked in catalogs():
        return str(asked)
    wanted: list[tuple[float, str]] = []
    for part in (accept_language or "")[:200].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), tag))
        except ValueError:
            continue
    return negotiate_locale([tag for _, tag in sorted(wanted)], list(catalogs()), sep="-") or SOURCE


class Language:
    """Words, dates and money in one language; one that has no catalog has the English words.

    Times are shown by the wall clock of the zone that is named.
    """

    def __init__(self, tag: str, territory: str | None = None) -> None:
        self.tag = tag
        self.translations = catalogs().get(tag, _NONE)
        # "en" alone would write American dates for everybody; the place where the visit is knows better
        self._locale = locale_of(tag, territory)

    @property
    def locale(self) -> str:
        """Language and place (BCP 47), for scripts that write dates as pages do: ``en-DE``."""
        return str(self._locale).replace("_", "-")

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Every language that there is: its tag, and its name in its own words."""
        return [(tag, own_name(tag)) for tag in sorted(catalogs())]

    @property
    def all(self) -> list[tuple[str, str]]:
        """Every language that there is, by tag, with its own name for itself: ``es``, ``Español``."""
        names = [(tag, str(Locale.parse(tag, sep="-").display_name)) for tag in sorted(catalogs())]
        return [(tag, name[:1].upper() + name[1:]) for tag, name in names]

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return self._locale.text_direction

    def gettext(self, message: str) -> str:
        return self.translations.gettext(message)

    def said(self, sentence: str) -> str:
        """A refusal's ``detail`` in this language: its template is translated, then filled."""
        if not isinstance(sentence, Sentence):
            return self.gettext(sentence)
        words = {name: self._word(name, value) for name, value in sentence.words.items()}
        return str(Sentence(self.gettext(sentence.template), words))

    def _word(self, name: str, value: object) -> object:
        if isinstance(value, Sentence):
            return self.said(value)
        if isinstance(value, (list, tuple)):
            return [self._word(name, each) for each in value]
        return self.gettext(value.replace("_", " ")) if name in TERMS and isinstance(value, str) else value

    def time(self, at: datetime, zone: str) -> str:
        """``2:30 PM``, ``14:30``."""
        return dates.format_time(to_local(at, zone), "short", locale=self._locale)

    def day(self, day: date) -> str:
        """``Monday, March 2``: the year goes without saying."""
        return dates.format_date(day, self._day_pattern, locale=self._locale)

    def short_day(self, day: date) -> str:
        """``Mon, Mar 2``."""
        return dates.format_skeleton("MMMEd", day, locale=self._locale)

    def day_of(self, at: datetime, zone: str) -> str:
        """The day at that moment in the zone: ``Monday, March 2``."""
        return self.day(local_date(at, zone))

    def short_day_of(self, at: datetime, zone: str) -> str:
        """``Mon, Mar 2``."""
        return self.short_day(local_date(at, zone))

    def moments(self, moments: Iterable[datetime], zone: str) -> str:
        """``Mon, Mar 2, 2:30 PM; Mon, Mar 9, 2:30 PM``."""
        return "; ".join(f"{self.short_day_of(at, zone)}, {self.time(at, zone)}" for at in moments)

    def weekday(self, day: date) -> str:
        """``Mon``."""
        return dates.format_date(day, "EEE", locale=self._locale)

    def month(self, day: date) -> str:
        """``March 2026``."""
        return dates.format_skeleton("yMMMM", day, locale=self._locale)

    def zone_name(self, zone: str) -> str:
        """``Central Time``."""
        return dates.get_timezone_name(wallclock.zone(zone), width="long", locale=self._locale)

    def country(self, code: str) -> str:
        """``Germany`` for ``DE`` (ISO 3166-1); the code where the language has no name for it."""
        return str(self._locale.territories.get(code, code))

    @property
    def currencies(self) -> list[tuple[str, str]]:
        """Every currency in use: its code, and its name with the code; by name."""
        names = ((code, numbers.get_currency_name(code, locale=self._locale)) for code in currencies())
        named = ((code, f"{name} ({code})" if name != code else code) for code, name in names)
        return sorted(named, key=lambda each: each[1].casefold())

    def date(self, day: date) -> str:
        """``Mar 2, 2027``."""
        return dates.format_date(day, "medium", locale=self._locale)

    def minutes(self, minutes: int) -> str:
        """``50 min``, ``1 hr 15 min``."""
        hours, rest = divmod(minutes, 60)
        counted = [(hours, "duration-hour"), (rest, "duration-minute")]
        parts = [format_unit(n, unit, length="short", locale=self._locale) for n, unit in counted if n]
        return " ".join(parts) or format_unit(0, "duration-minute", length="short", locale=self._locale)

    def number(self, number: Decimal, places: int = 0) -> str:
        """``1,200.00`` with two places; without, as many as it has."""
        pattern = f"#,##0.{'0' * places}" if places else "#,##0.###"
        return numbers.format_decimal(number, format=pattern, locale=self._locale)

    def money(self, cents: int, currency: str) -> str:
        """``$340``, ``$340.50``: a list of prices is calmer without .00."""
        if cents % 100:
            return numbers.format_currency(Decimal(cents) / 100, currency, locale=self._locale)
        whole = str(self._locale.currency_formats["standard"].pattern).replace("0.00", "0")
        return numbers.format_currency(cents // 100, currency, format=whole, locale=self._locale, currency_digits=False)

    @property
    def _day_pattern(self) -> str:
        full = str(self._locale.date_formats["full"].pattern)
        return re.sub(r"[ ,]*('[^']*' ?)?y+$", "", full)


def locale_of(tag: str, territory: str | None) -> Locale:
    """How the language is written in the territory (ISO 3166-1), where people write it; else as it is at its home."""
    plain = _parsed(tag)
    try:
        return Locale(plain.language, territory, plain.script) if territory else plain
    except UnknownLocaleError:
        return plain


@cache
def currencies() -> tuple[str, ...]:
    """The codes (ISO 4217) of all money that is in use somewhere."""
    return tuple(sorted({code for place in get_global("territory_currencies") for code in _money_of(place)}))


def currency_of(territory: str | None) -> str | None:
    """What people pay with in a territory (ISO 3166-1)."""
    return next(iter(_money_of(territory)), None) if territory else None


def _money_of(territory: str) -> list[str]:
    return numbers.get_territory_currencies(territory)


@cache
def own_name(tag: str) -> str:
    """What a language is called by those who speak it: ``Español``."""
    locale = _parsed(tag)
    name = str(locale.get_display_name(locale) or tag)
    return name[:1].upper() + name[1:]


def _parsed(tag: str) -> Locale:
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(SOURCE)


def territory_of(zone: str) -> str | None:
    """The country (ISO 3166-1) that an IANA zone lies in, where it lies in one."""
    return get_global("zone_territories").get(zone)
