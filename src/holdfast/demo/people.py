"""The demo's clients: invented names, addresses in example.com, numbers from the range kept for fiction (555-01xx)."""

from __future__ import annotations

from typing import Final

from holdfast.booking.model import ClientDetails
from holdfast.catalog.yaml_file import slugify

CLIENT_COUNT: Final = 1500
_FIRST: Final = (
    *(
        "Aaliyah",
        "Ada",
        "Agnieszka",
        "Ama",
        "Anika",
        "Arjun",
        "Beatriz",
        "Bilal",
        "Camille",
        "Chidi",
        "Chloe",
        "Daichi",
    ),
    *("Daniela", "Dmitri", "Elif", "Emeka", "Erin", "Esther", "Farah", "Gabriel", "Giulia", "Hana", "Ibrahim", "Imani"),
    *("Ines", "Ingrid", "Isabel", "Jamal", "Jasmine", "Jia", "Joseph", "Kaia", "Kavya", "Leila", "Lucas", "Malia"),
    *("Marisol", "Mei", "Nadia", "Naomi", "Nikhil", "Olena", "Omar", "Paloma", "Rachel", "Renée", "Rosa", "Samira"),
    *("Saoirse", "Shira", "Soo-jin", "Tadeo", "Tala", "Thandi", "Valentina", "Wei", "Ximena", "Yara", "Zeynep", "Zoë"),
)
_LAST: Final = (
    *("Abdi", "Achterberg", "Alvarez", "Begum", "Bianchi", "Castillo", "Cohen", "Costa", "Diallo", "Douglas", "Eze"),
    *(
        "Fernández",
        "Fischer",
        "Ghorbani",
        "Gupta",
        "Hansen",
        "Ibáñez",
        "Jackson",
        "Kahananui",
        "Kim",
        "Kovács",
        "Lefèvre",
    ),
    *("Lopez", "Malik", "Mbeki", "Mehta", "Moreau", "Nakamura", "Nguyen", "Novak", "O'Brien", "Osei", "Park", "Petrov"),
    *(
        "Quispe",
        "Reyes",
        "Rossi",
        "Santos",
        "Schwartz",
        "Shevchenko",
        "Silva",
        "Tanaka",
        "Thompson",
        "Vargas",
        "Walker",
    ),
    *("Wong", "Yilmaz", "Zhang"),
)
_AREA_CODES: Final = (512, 737, 210, 830, 254, 303, 720, 970, 719, 214, 469, 972, 817, 713, 281)


def client(number: int) -> ClientDetails:
    """The client of that number, from 0 to CLIENT_COUNT - 1: always the same person."""
    first = _FIRST[number % len(_FIRST)]
    # 60 and 48 share factors, so the quotient shifts the second wheel to keep the pairs different
    last = _LAST[(number + number // len(_FIRST)) % len(_LAST)]
    return ClientDetails(
        name=f"{first} {last}",
        email=f"{slugify(first)}.{slugify(last)}.{number}@example.com",
        phone=f"+1{_AREA_CODES[number // 100]}55501{number % 100:02}",
    )
