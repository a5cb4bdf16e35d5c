"""What a visit keeps and for how long, as a picture: a bar a role over its minutes, buffers lighter.

Drawn on the server as SVG without a style of its own: colours come from the page's style sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from holdfast.web.languages import Language

WIDTH: Final = 640
LABELS: Final = 150
ROW: Final = 34
BAR: Final = 22
TOP: Final = 24
TICKS: Final = (5, 10, 15, 20, 30, 60, 120, 240)
TICKS_MAX: Final = 9


@dataclass(frozen=True, slots=True)
class Bar:
    """One role: ``quantity`` of ``pool`` from ``start`` for ``minutes``; all in minutes from the visit's start."""

    role: str
    pool: str
    quantity: int
    start: int
    minutes: int
    before: int
    after: int


def segments_picture(duration: int, bars: Sequence[Bar], language: Language, *, small: bool = False) -> Markup:
    """The picture. ``small``: without minutes and names, for a list."""
    first = min([0, *(bar.start - bar.before for bar in bars)])
    last = max([duration, *(bar.start + bar.minutes + bar.after for bar in bars)])
    left = 0 if small else LABELS
    top = 0 if small else TOP
    row, height = (16, 11) if small else (ROW, BAR)
    scale = (WIDTH - left - 10) / max(1, last - first)

    def x(minute: int) -> float:
        return round(left + (minute - first) * scale, 1)

    shapes = [_visit(x(0), x(duration), top, top + max(1, len(bars)) * row)]
    if not small:
        shapes += _axis(first, last, x, top + max(1, len(bars)) * row)
    for at, bar in enumerate(bars):
        y = top + at * row + (row - height) / 2
        if not small:
            shapes.append(_label(bar, y + BAR / 2 + 4))
        shapes += _bar(bar, x, y, height, language)
    total = top + max(1, len(bars)) * row + (0 if small else 4)
    words = _in_words(duration, bars, language)
    kind = "segments small" if small else "segments"
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {total}" role="img" aria-label="{escape(words)}">'
        f"{''.join(shapes)}</svg>"
    )


def _visit(start: float, end: float, top: float, bottom: float) -> str:
    return f'<rect class="visit" x="{start}" y="{top}" width="{end - start:.1f}" height="{bottom - top}" rx="6"/>'


def _axis(first: int, last: int, x: Callable[[int], float], bottom: float) -> list[str]:
    step = next((each for each in TICKS if (last - first) / each <= TICKS_MAX), TICKS[-1])
    start = -(-first // step) * step
    shapes = []
    for minute in range(start, last + 1, step):
        at = x(minute)
        shapes.append(f'<line class="tick" x1="{at}" x2="{at}" y1="{TOP - 4}" y2="{bottom}"/>')
        shapes.append(f'<text class="minute" x="{at}" y="{TOP - 9}" text-anchor="middle">{minute}</text>')
    return shapes


def _label(bar: Bar, y: float) -> str:
    times = f" ×{bar.quantity}" if bar.quantity > 1 else ""
    return f'<text class="role" x="0" y="{y}">{escape(bar.role.replace("_", " ")[:20] + times)}</text>'


def _bar(bar: Bar, x: Callable[[int], float], y: float, height: float, language: Language) -> list[str]:
    edges = (bar.start - bar.before, bar.start, bar.start + bar.minutes, bar.start + bar.minutes + bar.after)
    before, start, end, after = (x(edge) for edge in edges)
    title = f"<title>{escape(_bar_in_words(bar, language))}</title>"
    whole = f'<rect class="buffer" x="{before}" y="{y}" width="{after - before:.1f}" height="{height}" rx="4"/>'
    worked = f'<rect class="worked" x="{start}" y="{y}" width="{end - start:.1f}" height="{height}" rx="4"/>'
    return [f"<g>{title}{whole if bar.before or bar.after else ''}{worked}</g>"]


def _bar_in_words(bar: Bar, language: Language) -> str:
    said = language.gettext("%(role)s: minute %(start)s to %(end)s") % {
        "role": bar.role.replace("_", " "), "start": bar.start, "end": bar.start + bar.minutes,
    }  # fmt: skip
    if bar.before:
        said += ", " + language.gettext("%(minutes)s min before") % {"minutes": bar.before}
    if bar.after:
        said += ", " + language.gettext("%(minutes)s min after") % {"minutes": bar.after}
    return said


def _in_words(duration: int, bars: Sequence[Bar], language: Language) -> str:
    visit = language.gettext("A visit of %(minutes)s minutes") % {"minutes": duration}
    return ". ".join([visit, *(_bar_in_words(bar, language) for bar in bars)])
