"""The one resolver between a clock on the wall and an instant.

A wall time plus a zone is not always one moment: in spring an hour does not exist, in autumn one happens twice.
PostgreSQL and Python quietly pick different sides of that hour, so nothing else in Holdfast converts: what a person
typed is resolved strictly (``resolve``, ``parse_instant``: refused with both choices), what a weekly rule says is
resolved by RFC 5545 section 3.3.5 (``resolve_rule``).

Instants are aware ``datetime`` in UTC. The zone rules are those of the locked ``tzdata`` package, never the operating
system's, so every node of an installation answers alike; ``tzdata_version`` says which.
"""

from __future__ import annotations

import difflib
import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Final, Literal
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]  # the package has no stubs of its own

from holdfast.errors import Invalid, Sentence, WallTimeRefused, either, said

Choice = Literal["earlier", "later"]

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
"""What people may write lies in these years. What is looked at around it may reach a year further."""
FAR: Final = f"the year is outside {FIRST_YEAR} to {LAST_YEAR}"
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(?P<offset>Z|[+-]\d\d(:?\d\d)?)?", re.ASCII
)
_LOST_PLUS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)? \d\d:?\d\d", re.ASCII)


def tzdata_version() -> str:
    """The release of the IANA time zone database in use, such as ``2025b``."""
    return str(tzdata.IANA_VERSION)


@cache
def zone_names() -> frozenset[str]:
    """Every IANA zone name known here, links such as ``US/Eastern`` included."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises Invalid, with the nearest names in ``facts['suggestions']``."""
    if name not in zone_names():
        near = _near(name)
        told = said("{name!r} is not an IANA time zone; one looks like Europe/Berlin.", name=name[:80])
        if near:
            told = said("{name!r} is not an IANA time zone; did you mean {near}?", name=name[:80], near=either(near))
        raise Invalid(told, field="time_zone", suggestions=near)
    file = resources.files("tzdata.zoneinfo").joinpath(*name.split("/"))
    with file.open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def resolve(local: datetime, zone_name: str, *, choice: Choice | None = None) -> datetime:
    """The instant (UTC) at which the clock on the wall in that zone reads ``local`` (naive).

    Raises WallTimeRefused when there is none, or there are two, and ``choice`` does not say which neighbour is meant.
    Its facts: ``reason`` ("does not exist" or "happens twice") and ``choices``, the earlier and the later moment as
    ISO 8601 with offset. In a gap the neighbours are the reading on the clock that was not yet put forward, and the
    one on the clock that already was.
    """
    earlier, later = _readings(local, zone_name)
    if earlier == later:
        return earlier
    if choice is not None:
        return earlier if choice == "earlier" else later
    reason = "happens twice" if to_local(earlier, zone_name).replace(tzinfo=None) == local else "does not exist"
    choices = [to_local(instant, zone_name).isoformat() for instant in (earlier, later)]
    words = {"time": local.isoformat(sep=" "), "zone": zone_name, "choices": either(choices)}
    told = said("{time} does not exist in {zone}, where the clocks change: say {choices}.", **words)
    if reason == "happens twice":
        told = said("{time} happens twice in {zone}, where the clocks change: say {choices}.", **words)
    raise WallTimeRefused(told, reason=reason, choices=choices)


def resolve_rule(local: datetime, zone_name: str) -> datetime:
    """The instant (UTC) a recurring rule means by ``local``; never refuses a clock change.

    RFC 5545 section 3.3.5, for openings and closings alike: a time that happens twice means its first occurrence, a
    time that does not exist is read with the offset from before the gap and so moves forward by the gap. The
    mapping is therefore not monotonic around a gap (02:30 lands after 03:00): an interval that comes out inverted
    has no minute in that night, and is empty.
    """
    earlier, later = _readings(local, zone_name)
    if earlier != later and to_local(earlier, zone_name).replace(tzinfo=None) != local:
        return later
    return earlier


def to_local(instant: datetime, zone_name: str) -> datetime:
    """The same moment as the wall clock of the zone shows it (aware, so it prints with its offset)."""
    if instant.tzinfo is None:
        raise Invalid(said("{text} has no offset, so it is not an instant.", text=instant.isoformat()), field="instant")
    return instant.astimezone(zone(zone_name))


def local_date(instant: datetime, zone_name: str) -> date:
    """The calendar day at that moment in the zone."""
    return to_local(instant, zone_name).date()


def day_start(day: date, zone_name: str) -> datetime:
    """The first instant (UTC) of a local calendar day; the next day's start is its end.

    Usually local midnight. Where the clocks go forward over midnight it is the end of the gap, and a day that the
    zone skipped (Samoa's 30 December 2011) starts and ends at the same instant.
    """
    earlier, later = _readings(datetime.combine(day, time.min), zone_name)
    if local_date(earlier, zone_name) >= day:
        return earlier
    while later - earlier > timedelta(seconds=1):
        middle = earlier + ((later - earlier) // timedelta(seconds=2)) * timedelta(seconds=1)
        if local_date(middle, zone_name) >= day:
            later = middle
        else:
            earlier = middle
    return later


def parse_instant(text: str, zone_name: str | None, *, field: str = "start", choice: Choice | None = None) -> datetime:
    """The instant (UTC) a caller wrote: ISO 8601 with an offset, or a wall time in the given zone, if there is one.

    Raises Invalid, naming ``field``, for anything else: a date without a time, an impossible date, a year outside
    1970 to 2199, no offset where no zone is given. Raises WallTimeRefused as ``resolve`` does; an offset always says
    which moment is meant.
    """
    written = text.strip().upper()
    shape = _INSTANT.fullmatch(written)
    if shape is None:
        raise Invalid(
            said("{field} is {text!r}: {wrong}", field=field, text=text[:60], wrong=_what_is_wrong(written)),
            field=field,
        )
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as impossible:
        raise Invalid(
            said("{field} is {text!r}: {wrong}.", field=field, text=text[:60], wrong=str(impossible)), field=field
        ) from impossible
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Invalid(far(field, text[:60]), field=field)
    if shape["offset"] is None and zone_name is None:
        raise Invalid(
            said(
                "{field} is {text!r}, which is a moment only somewhere. Write its offset: 2027-03-06T14:00:00-06:00.",
                field=field,
                text=text[:60],
            ),
            field=field,
        )
    if shape["offset"] is None and zone_name is not None:
        return resolve(moment, zone_name, choice=choice)
    return moment.astimezone(UTC)


def parse_day(text: str, *, field: str = "day") -> date:
    """The day that somebody wrote, like 2026-03-02. Raises Invalid, naming ``field``, outside 1970 to 2199 as well."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        wrong = said("{field} is {text!r}: a day is written like 2026-03-02.", field=field, text=text[:60])
        raise Invalid(wrong, field=field) from None
    if not is_sane(day):
        raise Invalid(far(field, text[:60]), field=field)
    return day


def far(field: str, text: str) -> str:
    """What is said of a day or moment that lies too far away to be meant."""
    sentence = "{field} is {text!r}: the year is outside {first} to {last}."
    return said(sentence, field=field, text=text, first=FIRST_YEAR, last=LAST_YEAR)


def is_sane(day: date) -> bool:
    """Whether the day lies in the years that people may write."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def _readings(local: datetime, zone_name: str) -> tuple[datetime, datetime]:
    """The earlier and the later instant that ``local`` could mean; equal when it means one."""
    if local.tzinfo is not None:
        raise Invalid(
            said("{text} has an offset already, so it is not a wall time.", text=local.isoformat()), field="local"
        )
    if not FIRST_YEAR - 1 <= local.year <= LAST_YEAR + 1:
        raise Invalid(
            said("The year {year} is outside {first} to {last}.", year=local.year, first=FIRST_YEAR, last=LAST_YEAR),
            field="local",
        )
    rules = zone(zone_name)
    # PEP 495: fold=0 reads with the offset from before a change of the clocks, fold=1 with the one from after it.
    before = local.replace(tzinfo=rules, fold=0).astimezone(UTC)
    after = local.replace(tzinfo=rules, fold=1).astimezone(UTC)
    return min(before, after), max(before, after)


def _near(name: str) -> list[str]:
    """Up to three zone names like this one; a bare city counts as the last part of its zone's name."""
    wanted = name.strip().lower().replace(" ", "_")[:80]
    spelled = {full.lower(): full for full in sorted(zone_names())}
    cities = {full.rpartition("/")[2].lower(): full for full in sorted(zone_names(), reverse=True)}
    hits = [spelled[key] for key in difflib.get_close_matches(wanted, spelled, n=3, cutoff=0.75)]
    hits += [cities[key] for key in difflib.get_close_matches(wanted.rpartition("/")[2], cities, n=3, cutoff=0.85)]
    return list(dict.fromkeys(hits))[:3]


def _what_is_wrong(written: str) -> Sentence:
    if _LOST_PLUS.fullmatch(written):
        return said("the + of the offset was lost; write it as %2B in a URL.")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", written, re.ASCII):
        return said("a date alone names no moment; add a time, such as {written}T09:00.", written=written)
    return said("write a time like 2026-03-02T09:00:00+01:00, or 2026-03-02T09:00 for the location's wall clock.")
