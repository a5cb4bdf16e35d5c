"""The calendar part of an e-mail: iTIP (RFC 5546) as Google, Outlook and Apple act on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from icalendar import Calendar, Event, vCalAddress, vText

from holdfast import __version__

Method = Literal["REQUEST", "CANCEL"]
PRODUCT: Final = f"-//Holdfast//Holdfast {__version__}//EN"


@dataclass(frozen=True, slots=True)
class Invitation:
    """``method`` must also stand in the MIME type (RFC 6047 section 2.4)."""

    method: Method
    ics: str


def invitation(
    *,
    method: Method,
    uid: str,
    sequence: int,
    at: datetime,
    starts_at: datetime,
    ends_at: datetime,
    summary: str,
    location: str,
    organizer: tuple[str, str],
    attendee: str,
) -> Invitation:
    """One event. ``uid`` is the same for the appointment for ever, and ``sequence`` grows with every revision.

    ``organizer`` (name, address) is who sends; ``attendee`` the recipient. No answer is asked for, as nobody reads it.
    Times are in UTC, so that no reader needs the zone's rules.
    """
    event = Event()
    event.add("uid", uid)
    event.add("sequence", sequence)
    event.add("dtstamp", at)
    event.add("dtstart", starts_at)
    event.add("dtend", max(ends_at, starts_at + timedelta(minutes=1)))
    event.add("summary", summary)
    event.add("location", location)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if method == "CANCEL" else "OPAQUE")
    event.add("class", "PRIVATE")
    name, address = organizer
    event.add("organizer", _person(address, CN=name))
    event.add("attendee", _person(attendee, RSVP="FALSE", PARTSTAT="ACCEPTED", ROLE="REQ-PARTICIPANT"), encode=False)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(event)
    return Invitation(method, calendar.to_ical().decode())


def _person(address: str, **parameters: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    for name, value in parameters.items():
        person.params[name] = vText(value)
    return person
