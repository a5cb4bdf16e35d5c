"""A business chooses one accent colour; this finds its companions that people can read (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from typing import Final

LIGHT_GROUND: Final = "#fbfaf8"
DARK_GROUND: Final = "#1b1f1e"
TEXT_CONTRAST: Final = 5.4  # 4.5, and what the tints take that lie under text of the accent
_WHITE: Final = "#ffffff"
_BLACK: Final = "#101413"
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")


def is_color(text: str) -> bool:
    """Whether it is ``#`` and six hexadecimal digits."""
    return _COLOR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours like ``#0f766e``: 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(ground: str) -> str:
    """White or black, whichever reads better on ``ground``."""
    return max((_WHITE, _BLACK), key=lambda ink: contrast(ink, ground))


def readable_on(accent: str, ground: str) -> str:
    """The accent, darkened or lightened just as far as text of it on ``ground`` needs."""
    target = _BLACK if _luminance(ground) > 0.5 else _WHITE
    for step in range(21):
        mixed = _mix(accent, target, step / 20)
        if contrast(mixed, ground) >= TEXT_CONTRAST:
            return mixed
    return target


def accent_style(accent: str) -> str:
    """The style sheet that gives a page this accent, in light and dark."""
    light, dark = readable_on(accent, LIGHT_GROUND), readable_on(accent, DARK_GROUND)
    dark_rule = _rule(dark)
    return f"{_rule(light)}\n@media (prefers-color-scheme:dark){{{dark_rule}}}\n"


def _rule(accent: str) -> str:
    return f":root{{--accent:{accent};--accent-ink:{ink_on(accent)};--accent-text:{accent}}}"


def _mix(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (n / 255 for n in _channels(color))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
