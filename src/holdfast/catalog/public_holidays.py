"""Of which places the public holidays are known (by the library ``holidays``): ``US``, ``US-TX``."""

from __future__ import annotations

from holidays import list_supported_countries

from holdfast.errors import said


def holiday_countries() -> list[str]:
    """Countries by their ISO 3166-1 codes."""
    return list(list_supported_countries())


def check_holidays(place: str) -> None:
    """Raises ValueError, which says what can be written instead, for a place whose holidays are not known."""
    country, _, region = place.partition("-")
    known = list_supported_countries().get(country)
    if known is None or (region and region not in known):
        if not known:
            raise ValueError(
                said("no holidays are known for {place!r}: write a country such as US or DE", place=place[:20])
            )
        told = said(
            "no holidays are known for {place!r}: write {choices}", place=place[:20], choices=", ".join(known)[:300]
        )
        raise ValueError(told)
