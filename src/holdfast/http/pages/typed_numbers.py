"""Numbers as people type them: with a comma or a point, and never guessed.

In Texas ``1,200`` is twelve hundred, in Berlin it is one and a fifth, and nobody knows where whoever typed it learnt to
write. One mark with three digits after it is therefore refused, with what it could mean; all else has one meaning.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from holdfast.errors import said
from holdfast.web.languages import Language

# Spaces of every width and the Swiss apostrophe only ever group; Arabic has marks of its own.
_GROUPING: Final = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f'\u2019](?=\d{3}(?!\d))")
_MARKS: Final = str.maketrans({"\u066b": ".", "\u066c": ","})
_PLAIN: Final = re.compile(r"\d+")
_DECIMAL: Final = re.compile(r"\d*[.,]\d{1,2}")
_GROUPED: Final = re.compile(
    r"[1-9]\d{0,2}(?:(?:,\d{3})+(?:\.(?P<point>\d{1,2}))?|(?:\.\d{3})+(?:,(?P<comma>\d{1,2}))?)"
)
_TWO_WAYS: Final = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


def read_amount(text: str, language: Language) -> Decimal | None:
    """``1200``, ``49.50``, ``49,50``, ``1,200.00``, ``1.200,00``, ``1 200``; None for what is no amount.

    Raises ValueError, which says what it could mean, for what can be read in two ways.
    """
    typed = _GROUPING.sub("", text.strip().translate(_MARKS))
    if _TWO_WAYS.fullmatch(typed):
        raise ValueError(_two_ways(typed, language))
    if _PLAIN.fullmatch(typed) or _DECIMAL.fullmatch(typed):
        return Decimal(typed.replace(",", "."))
    if grouped := _GROUPED.fullmatch(typed):
        cents = grouped["point"] or grouped["comma"] or ""
        whole = re.sub(r"[.,]", "", typed[: -len(cents) - 1] if cents else typed)
        return Decimal(f"{whole}.{cents or 0}")
    return None


def read_whole(text: str) -> int | None:
    """``1200``, ``-5``, ``1 200``; None for what is no whole number.

    Raises ValueError, which says what was probably meant, for one with a mark that could be a decimal one.
    """
    typed = _GROUPING.sub("", text.strip())
    sign, digits = (-1, typed[1:]) if typed.startswith("-") else (1, typed)
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits):
        number = re.sub(r"[.,]", "", typed)
        raise ValueError(said("Did you mean {number}? Write it without a comma or a point.", number=number))
    return sign * int(digits) if _PLAIN.fullmatch(digits) and len(digits) <= 18 else None


def _two_ways(typed: str, language: Language) -> str:
    large = re.sub(r"[.,]", "", typed)
    small = Decimal(typed.replace(",", "."))
    return said(
        "{typed} could mean {large} or {small}. Write {large} or {full}.",
        typed=typed,
        large=large,
        small=language.number(small.normalize()),
        full=language.number(Decimal(large), places=2),
    )
