"""Manage: how the booking page looks, what it tells clients, and where it may be shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape
from starlette.datastructures import UploadFile

from holdfast.catalog.booking_page import BookingPage, get_booking_page, set_booking_page
from holdfast.db.transact import Transaction
from holdfast.errors import said
from holdfast.http.pages.manage_form import Fields, Reader, fingerprint, typed_in
from holdfast.http.pages.manage_frame import keep, manage_page, require_unchanged
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.messages.carriers import MessageSettings
from holdfast.web.colors import DARK_GROUND, LIGHT_GROUND, contrast, ink_on, is_color, readable_on
from holdfast.web.languages import Language

router = APIRouter(prefix="/desk/manage/booking-page", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/desk/manage/booking-page"
NOTICE_MAX: Final = 43_200
POLICY_MAX: Final = 4000
LOGO_BYTES_MAX: Final = 49_152
# Room for a picture that is too large, so that the form can say so and keep what was typed.
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
HALF_PAST_TWO: Final = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)  # a time to show, of no day in particular
# How the pictures that are taken begin; what a browser says about a file is not believed.
SIGNATURES: Final = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@router.get("")
async def look(request: Request, staff: Desk) -> Response:
    """The form, and the line that puts the page on a website."""
    staff.require("manage")
    found = await record_of(request).transact(staff.caller(), get_booking_page)
    return await _form(request, staff, found, _fields(found))


@router.post("")
async def change_look(request: Request, staff: Desk) -> Response:
    """Change it at once: no visit depends on it."""
    staff.require("manage")
    typed = await typed_in(request)
    upload = (await request.form()).get("logo")
    picture = await upload.read(LOGO_BYTES_MAX + 1) if isinstance(upload, UploadFile) else b""
    found = await record_of(request).transact(staff.caller(), get_booking_page)

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, found, typed, **context)

    async def work(tx: Transaction) -> None:
        now = await get_booking_page(tx)
        require_unchanged(typed, now)
        reader = Reader(typed, language_of(request))
        changes = _read(reader, now, picture)
        reader.done()
        await set_booking_page(tx, **changes)

    return await keep(request, staff, work, draw, f"{HOME}?done=change")


@router.post("/-/picture")
async def picture(request: Request, staff: Desk) -> Response:
    """How the colour would look, while it is being chosen."""
    staff.require("manage")
    return HTMLResponse(str(_swatches((await typed_in(request)).get("accent", ""), language_of(request))))


def _fields(page: BookingPage) -> Fields:
    return {
        "accent": page.accent,
        "policy": page.policy,
        "notice": str(page.change_notice_minutes),
        "origins": "\n".join(page.embed_origins),
    }


def _read(reader: Reader, now: BookingPage, picture: bytes) -> dict[str, Any]:
    accent = reader.text("accent").lower()
    if accent and not is_color(accent):
        reader.wrong("accent", "A colour is # and six digits, such as #0f766e.")
    logo, logo_type = (None, None) if reader.checked("remove_logo") else (now.logo, now.logo_type)
    if picture:
        logo, logo_type = picture, _picture_type(picture)
        if logo_type is None or len(picture) > LOGO_BYTES_MAX:
            reader.wrong("logo", "A logo is PNG, JPEG, WebP or SVG of at most 48 KiB.")
    policy = reader.text("policy", required=False).replace("\r\n", "\n")
    if len(policy) > POLICY_MAX:
        reader.wrong("policy", "A policy has at most 4,000 characters.")
    return {
        "accent": accent,
        "logo": logo,
        "logo_type": logo_type,
        "embed_origins": [origin.rstrip("/").lower() for origin in reader.text("origins", required=False).split()],
        "change_notice_minutes": reader.integer("notice", 0, NOTICE_MAX),
        "policy": policy,
    }


def _picture_type(content: bytes) -> str | None:
    for signature, kind in SIGNATURES.items():
        if content.startswith(signature):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "image/svg+xml" if content.lstrip()[:1] == b"<" and b"<svg" in content[:2000] else None


def _swatches(accent: str, language: Language) -> Markup:
    """The accent as buttons and links have it, light and dark, with what was done so that it can be read."""
    if not is_color(accent):
        return Markup("")
    shown = []
    clock = escape(language.time(HALF_PAST_TWO, "UTC"))
    for ground, ink, name in ((LIGHT_GROUND, "#1d2321", said("Light")), (DARK_GROUND, "#eef1ef", said("Dark"))):
        color = readable_on(accent, ground)
        ratio = f"{contrast(color, ground):.1f}"
        words = language.gettext("%(name)s: contrast %(ratio)s to 1") % {"name": language.said(name), "ratio": ratio}
        button = escape(language.gettext("Book it"))
        shown.append(
            f'<figure><svg viewBox="0 0 260 120" role="img" aria-label="{escape(words)}">'
            f'<rect width="260" height="120" fill="{ground}"/>'
            f'<rect x="20" y="20" width="120" height="42" rx="9" fill="{color}"/>'
            f'<text x="80" y="46" fill="{ink_on(color)}" font-size="15" text-anchor="middle">{button}</text>'
            f'<text x="20" y="94" fill="{color}" font-size="15">{clock}</text>'
            f'<text x="92" y="94" fill="{ink}" font-size="15">{escape(color)}</text></svg>'
            f'<figcaption class="small soft">{escape(words)}</figcaption></figure>'
        )
    adjusted = readable_on(accent, LIGHT_GROUND) != accent.lower()
    note = language.gettext("This colour is too pale for text, so a darker one is used.") if adjusted else ""
    return Markup(f'<div class="swatches">{"".join(shown)}</div><p class="small soft">{escape(note)}</p>')  # noqa: S704


async def _form(
    request: Request, staff: Desk, found: BookingPage, typed: Fields, *, problem: str = "", **context: Any
) -> Response:
    settings: MessageSettings = request.app.state.message_settings
    base = (settings.public_url or str(request.base_url)).rstrip("/")
    return await manage_page(
        request,
        staff,
        "manage/booking_page.html",
        topic="booking-page",
        typed=typed,
        seen=fingerprint(found),
        problem=problem,
        home=HOME,
        look=found,
        most=LOGO_BYTES_MAX,
        url=f"{base}/b/{found.slug}",
        line=f'<script src="{base}/embed.js" data-page="{found.slug}" async></script>',
        picture=_swatches(typed.get("accent", ""), language_of(request)),
        **context,
    )
