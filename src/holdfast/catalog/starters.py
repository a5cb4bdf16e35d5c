"""Services to begin with, by kind of business: common lengths and prices, to be changed at once or later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Business = Literal["med_spa", "clinic", "salon"]


@dataclass(frozen=True, slots=True)
class Starter:
    """A service to offer; ``room_minutes_after`` is how long its room is cleaned."""

    slug: str
    name: str
    category: str
    duration_minutes: int
    price_cents: int
    room_minutes_after: int = 0


STARTERS: Final[dict[Business, tuple[Starter, ...]]] = {
    "med_spa": (
        Starter("consultation", "Consultation", "Start here", 30, 5000, 5),
        Starter("neurotoxin", "Neurotoxin", "Injectables", 30, 36000, 10),
        Starter("dermal-filler", "Dermal filler", "Injectables", 60, 65000, 10),
        Starter("laser-hair-removal", "Laser hair removal", "Laser and light", 45, 22000, 10),
        Starter("chemical-peel", "Chemical peel", "Skin", 45, 18000, 10),
        Starter("facial", "Facial", "Skin", 60, 14500, 10),
    ),
    "clinic": (
        Starter("first-visit", "First visit", "Visits", 40, 16000, 5),
        Starter("follow-up", "Follow-up", "Visits", 20, 9000, 5),
        Starter("check-up", "Check-up", "Visits", 30, 12000, 5),
        Starter("vaccination", "Vaccination", "Short", 10, 4500, 5),
        Starter("blood-test", "Blood test", "Short", 15, 5000, 5),
    ),
    "salon": (
        Starter("cut", "Cut", "Hair", 45, 6000),
        Starter("cut-and-colour", "Cut and colour", "Hair", 120, 16000),
        Starter("blow-dry", "Blow-dry", "Hair", 30, 4000),
        Starter("manicure", "Manicure", "Nails", 45, 4500),
        Starter("massage", "Massage", "Body", 60, 9500, 10),
    ),
}
