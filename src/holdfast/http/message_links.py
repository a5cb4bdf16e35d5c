"""What comes back from outside without a key: preference links in e-mails, and the telephone carrier's posts.

A link is signed by us, a post by the carrier; nothing else is believed.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from holdfast.db.transact import Caller, Record
from holdfast.errors import Forbidden, NotFound
from holdfast.http.callers import network_of
from holdfast.http.limits import Pace
from holdfast.http.pages.pages import language_of
from holdfast.http.plain_page import plain_page
from holdfast.ids import public_id
from holdfast.messages import service as messages
from holdfast.messages.carriers import MessageSettings
from holdfast.messages.links import PATH, LinkSigner, PreferenceLink
from holdfast.messages.replies import receive
from holdfast.messages.sending import QUERIES
from holdfast.messages.twilio import INBOUND_PATH, STATUS_PATH, is_genuine
from holdfast.waitlist import service as waitlist

router = APIRouter(include_in_schema=False)

# What the page says, and its button, by channel and whether messages are allowed now.
WORDS: Final[Mapping[tuple[str, bool], tuple[str, str]]] = {
    ("email", True): ("You get e-mails about your appointments.", "No more e-mails"),
    ("email", False): ("You get no more e-mails about your appointments.", "Send me e-mails again"),
    ("sms", True): ("You get texts about your appointments.", "No more texts"),
    ("sms", False): ("You get no more texts about your appointments.", "Send me texts again"),
}
LINKS_A_MINUTE: Final = 60
# Twilio's words for a text that did not arrive.
LOST: Final = frozenset({"undelivered", "failed"})


@router.get(PATH + "{token}")
async def show_preference(request: Request, token: str) -> HTMLResponse:
    """A page with one button. Looking changes nothing: scanners of mail follow every link."""
    record, link, caller = _opened(request, token)
    allowed = await record.transact(caller, lambda tx: messages.takes_messages(tx, link.client_id, link.channel))
    return _page(request, link, allowed=allowed)


@router.post(PATH + "{token}")
async def set_preference(request: Request, token: str) -> HTMLResponse:
    """Opt out, or in again with ``allow=yes``. A mail program posts ``List-Unsubscribe=One-Click`` (RFC 8058)."""
    record, link, caller = _opened(request, token)
    allowed = ("allow", "yes") in await _form(request)
    await record.transact(
        caller, lambda tx: messages.set_preference(tx, link.client_id, link.channel, allowed=allowed, source="link")
    )
    return _page(request, link, allowed=allowed)


def _opened(request: Request, token: str) -> tuple[Record, PreferenceLink, Caller]:
    pace: Pace = request.app.state.link_pace
    pace.keep(network_of(request))
    link = LinkSigner(request.app.state.secret).read(token)
    if link is None:
        raise NotFound("This link is not one of ours. Please call us instead.")
    record: Record = request.app.state.record
    return record, link, Caller(link.organization_id, public_id("client", link.client_id), "system")


def _page(request: Request, link: PreferenceLink, *, allowed: bool) -> HTMLResponse:
    language = language_of(request)
    now, button = (language.gettext(words) for words in WORDS[link.channel, allowed])
    field = "" if allowed else '<input type="hidden" name="allow" value="yes">'
    body = f'<p>{html.escape(now)}</p><form method="post">{field}<button>{html.escape(button)}</button></form>'
    page = plain_page(html.escape(language.gettext("Your messages")), body, language=language.tag)
    page.headers["Cache-Control"] = "no-store"
    return page


@router.post(STATUS_PATH)
async def text_status(request: Request) -> Response:
    """What became of a text."""
    form = await _genuine(request, STATUS_PATH)
    status = form.get("MessageStatus", "")[:40]
    code = form.get("ErrorCode", "")[:10]
    cause = (
        f"The carrier could not deliver the text (Twilio {code or status}): call the client."
        if status in LOST
        else None
    )
    record: Record = request.app.state.record
    untold = await record.unscoped(
        lambda tx: tx.records(
            QUERIES["text_status"], provider_id=form.get("MessageSid", "")[:64], status=status, cause=cause
        )
    )
    for offer in untold:
        await _give_up_telling(record, offer["organization_id"], offer["offer_id"])
    return Response(status_code=204)


async def _give_up_telling(record: Record, organization_id: UUID, offer_id: UUID) -> None:
    caller = Caller(organization_id, "carrier", "system")
    await record.transact(caller, lambda tx: waitlist.give_up_telling(tx, offer_id))


@router.post(INBOUND_PATH)
async def text_received(request: Request) -> Response:
    """A text from a client; the answer is TwiML."""
    form = await _genuine(request, INBOUND_PATH)
    # with Twilio's own opt-out words, it says what it took the text for
    said = await receive(
        request.app.state.record,
        form.get("From", "")[:20],
        form.get("Body", ""),
        taken_for=form.get("OptOutType") or None,
        provider_id=form.get("MessageSid", "")[:64] or None,
    )
    message = f"<Message>{html.escape(said)}</Message>" if said else ""
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>', media_type="text/xml")


async def _genuine(request: Request, path: str) -> dict[str, str]:
    """The form, when the carrier signed it. Raises NotFound without a telephone line, Forbidden for anybody else."""
    settings: MessageSettings = request.app.state.message_settings
    if settings.twilio_auth_token is None or settings.public_url is None:
        raise NotFound("No telephone line is set up here.")
    form = await _form(request)
    # the address that the carrier was given, never the Host that a request names
    url = settings.public_url.rstrip("/") + path
    if not is_genuine(settings.twilio_auth_token, url, form, request.headers.get("x-twilio-signature", "")):
        raise Forbidden("The signature does not fit.")
    return dict(form)


async def _form(request: Request) -> list[tuple[str, str]]:
    return parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
