"""What the demo's year looks like: how many visits on which day, wished for by whom and when. Pure and seeded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

from holdfast.booking.model import ClientDetails
from holdfast.catalog.document import CatalogDocument
from holdfast.demo.people import CLIENT_COUNT, client

SEED: Final = 6200
HISTORY_DAYS: Final = 275
AHEAD_DAYS: Final = 90
WEEKDAY_WEIGHTS: Final = (0.8, 1.0, 1.0, 1.15, 1.25, 1.5, 0.0)  # Saturdays are the peak, Sundays closed
LAST_DAY_WEIGHT: Final = 0.3  # the further ahead, the fewer have booked yet
STEP_MINUTES: Final = 15

LOCATION_SHARES: Final = {"austin": 0.46, "round-rock": 0.24, "denver": 0.30}
SURFACE_SHARES: Final = {
    **{"desk": 0.30, "phone": 0.26, "widget": 0.28, "walk_in": 0.06},
    **{"platform": 0.06, "assistant": 0.04},
}
# Chosen so that the average ticket comes to about $340.
SERVICE_SHARES: Final = {
    "botox": 0.24,
    "dermal-filler": 0.07,
    "lip-filler": 0.05,
    "laser-hair-removal": 0.14,
    "ipl": 0.06,
    "body-contouring": 0.04,
    "microneedling": 0.06,
    "prp-facial": 0.02,
    "chemical-peel": 0.06,
    "hydrafacial": 0.12,
    "signature-facial": 0.04,
    "dermaplaning": 0.02,
    "couples-massage": 0.02,
    "consultation": 0.06,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A visit that somebody asks for; whether it can be had is for the record to say."""

    surface: str
    client: ClientDetails
    service: str
    location: str
    local_start: datetime


def opening_hours(day: date) -> tuple[time, time] | None:
    """When every location is open on that day, by its own clock: 9 to 18, evenings on Tuesday and Thursday."""
    if day.weekday() == 6:
        return None
    return time(9), time(20) if day.weekday() in (1, 3) else time(18)


def visits_by_day(today: date, visits: int) -> dict[date, int]:
    """How many of the year's ``visits`` fall on each day around ``today``; they add up exactly."""
    days = [today + timedelta(days=offset) for offset in range(-HISTORY_DAYS, AHEAD_DAYS)]
    weights = [_weight(day, today) for day in days]
    so_far, given, counts = 0.0, 0, {}
    for day, weight in zip(days, weights, strict=True):
        so_far += weight
        counts[day] = round(visits * so_far / sum(weights)) - given
        given += counts[day]
    return counts


def wishes(day: date, document: CatalogDocument, *, share: int, shares: int) -> Iterator[Wish]:
    """Visits asked for on a day, without end; the same for the same day. ``share`` of ``shares`` limits the clients."""
    random = Random(f"{SEED} {day.isoformat()}")  # noqa: S311 - not for secrets
    hours = opening_hours(day)
    if hours is None:
        return
    while True:
        location = _pick(random, LOCATION_SHARES)
        offered = {
            slug: weight for slug, weight in SERVICE_SHARES.items() if location in document.services[slug].locations
        }
        service = _pick(random, offered)
        opens, closes = (datetime.combine(day, hour) for hour in hours)
        latest = closes - timedelta(minutes=document.services[service].duration_minutes)
        # half the clients would come late in the day, after work
        position = random.random() if random.random() < 0.5 else random.triangular(0, 1, 0.75)
        steps = int(position * ((latest - opens) // timedelta(minutes=STEP_MINUTES) + 1))
        # some come often: the distribution leans on the first
        number = int((CLIENT_COUNT // shares) * random.random() ** 1.6) * shares + share
        yield Wish(
            _pick(random, SURFACE_SHARES),
            client(number),
            service,
            location,
            opens + timedelta(minutes=STEP_MINUTES * steps),
        )


def _weight(day: date, today: date) -> float:
    ahead = max((day - today).days, 0) / AHEAD_DAYS
    return WEEKDAY_WEIGHTS[day.weekday()] * (1 - (1 - LAST_DAY_WEIGHT) * ahead)


def _pick(random: Random, shares: dict[str, float]) -> str:
    return random.choices(list(shares), list(shares.values()))[0]
