"""Manage: how clients are written to: by which way, when they are reminded, in which words."""

from __future__ import annotations

import re
from datetime import time
from typing import Any, Final, get_args

from fastapi import APIRouter, Request, Response

from holdfast.db.transact import Transaction
from holdfast.errors import Invalid, NotFound
from holdfast.http.pages.manage_form import Fields, Reader, fingerprint, set_chosen, typed_in
from holdfast.http.pages.manage_frame import beside, keep, manage_page, require_unchanged
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.messages import service as messages
from holdfast.messages.model import KINDS, Channel, Policy, ReminderRule, Wording
from holdfast.messages.templates import LANGUAGES, VARIABLES, Rendered
from holdfast.web.languages import own_name

router = APIRouter(prefix="/desk/manage/messages", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/desk/manage/messages"
CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
# Which channel is tried first, and which after it.
ORDERS: Final = ("email", "sms", "email sms", "sms email", "")
FOLLOW_UP_MAX: Final = 86_400


@router.get("")
async def policy(request: Request, staff: Desk) -> Response:
    """The policy, the reminders, and the words by kind and language."""
    staff.require("manage")
    policy, rule, _ = await record_of(request).transact(staff.caller(), _read)
    return await _form(request, staff, _fields(policy, rule), fingerprint(policy, rule))


@router.post("")
async def change_policy(request: Request, staff: Desk) -> Response:
    """Change it; reminders of visits to come follow within moments."""
    staff.require("manage")
    typed = await typed_in(request)
    now, rule, _ = await record_of(request).transact(staff.caller(), _read)

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, typed, fingerprint(now, rule), **context)

    async def work(tx: Transaction) -> None:
        policy, rule, _ = await _read(tx)
        require_unchanged(typed, policy, rule)
        reader = Reader(typed, language_of(request))
        wanted, before, after = _policy(reader, policy), _before(reader), reader.optional("follow_up", 0, FOLLOW_UP_MAX)
        reader.done()
        await messages.set_policy(tx, wanted)
        await messages.set_reminder_rule(tx, None, before, after)

    return await keep(request, staff, work, draw, f"{HOME}?done=change")


@router.get("/{kind}/{language}")
async def words(request: Request, staff: Desk, kind: str, language: str) -> Response:
    """The words of one kind in one language, and how they read with a real visit. Raises NotFound."""
    staff.require("manage")
    found = await record_of(request).transact(staff.caller(), lambda tx: _wording(tx, kind, language))
    return await _words_form(request, staff, found, _words_fields(found))


@router.post("/{kind}/{language}")
async def change_words(request: Request, staff: Desk, kind: str, language: str) -> Response:
    """Show how they would read, use them, or go back to the built-in ones."""
    staff.require("manage")
    typed = await typed_in(request)
    step = typed.get("step", "preview")
    found = await record_of(request).transact(staff.caller(), lambda tx: _wording(tx, kind, language))

    async def draw(**context: Any) -> Response:
        return await _words_form(request, staff, found, typed, **context)

    async def work(tx: Transaction) -> None:
        require_unchanged(typed, await _wording(tx, kind, language))
        if step == "reset":
            await messages.remove_wording(tx, found.kind, found.language)
        else:
            await messages.set_wording(tx, _typed_wording(found, typed))

    if step not in ("save", "reset"):
        return await draw()
    return await keep(request, staff, work, draw, f"{HOME}?done=change")


async def _read(tx: Transaction) -> tuple[Policy, ReminderRule, list[Wording]]:
    rules = await messages.list_reminder_rules(tx)
    return await messages.get_policy(tx), rules[0], await messages.list_wordings(tx)


async def _wording(tx: Transaction, kind: str, language: str) -> Wording:
    for each in await messages.list_wordings(tx):
        if (each.kind, each.language) == (kind, language):
            return each
    raise NotFound("There are no messages of this kind and language.")


def _fields(policy: Policy, rule: ReminderRule) -> Fields:
    fields = {
        "sender_name": policy.sender_name or "",
        "reply_to": policy.reply_to or "",
        "language": policy.language,
        "notice_channels": " ".join(policy.notice_channels),
        "reminder_channels": " ".join(policy.reminder_channels),
        "quiet_from": f"{policy.quiet_from:%H:%M}",
        "quiet_until": f"{policy.quiet_until:%H:%M}",
        "before": ", ".join(f"{minutes / 60:g}" for minutes in rule.before_minutes),
        "follow_up": "" if rule.follow_up_after_minutes is None else str(rule.follow_up_after_minutes),
    }
    set_chosen(fields, "say", [name for name in ("service", "provider") if getattr(policy, f"say_{name}")])
    return fields


def _languages(now: Policy) -> tuple[str, ...]:
    """What can be chosen: the languages of the built-in words, and the one that is in force."""
    return tuple(dict.fromkeys((*LANGUAGES, now.language)))


def _policy(reader: Reader, now: Policy) -> Policy:
    return Policy(
        sender_name=reader.text("sender_name", required=False) or None,
        reply_to=reader.text("reply_to", required=False) or None,
        language=reader.choice("language", _languages(now)),
        notice_channels=_channels(reader, "notice_channels"),
        reminder_channels=_channels(reader, "reminder_channels"),
        quiet_from=reader.wall_time("quiet_from") or time(0),
        quiet_until=reader.wall_time("quiet_until") or time(0),
        say_service=reader.checked("say-service"),
        say_provider=reader.checked("say-provider"),
    )


def _channels(reader: Reader, name: str) -> list[Channel]:
    said = reader.choice(name, ORDERS).split()
    return sorted((each for each in CHANNELS if each in said), key=said.index)


def _before(reader: Reader) -> list[int]:
    """Hours before the visit, with commas, in minutes."""
    found = []
    typed = reader.text("before", required=False)
    if re.search(r"\d,\d", typed):
        reader.wrong("before", "Put a space after each comma, as in 72, 2; half an hour is 0.5.")
        return []
    for part in typed.split(","):
        if part.strip():
            try:
                found.append(round(float(part) * 60))
            except (ValueError, OverflowError):
                reader.wrong("before", "Hours with commas, such as 72, 2. Half an hour is 0.5.")
    return found


def _words_fields(wording: Wording) -> Fields:
    return {"subject": wording.subject, "email": wording.email.strip(), "sms": wording.sms}


def _typed_wording(found: Wording, typed: Fields) -> Wording:
    email = typed.get("email", "").replace("\r\n", "\n")
    return Wording(found.kind, found.language, typed.get("subject", ""), email, typed.get("sms", ""), own=True)


async def _form(
    request: Request, staff: Desk, typed: Fields, seen: str, *, problem: str = "", **context: Any
) -> Response:
    policy, _, wordings = await record_of(request).transact(staff.caller(), _read)
    return await manage_page(
        request,
        staff,
        "manage/messages.html",
        topic="messages",
        typed=typed,
        seen=seen,
        problem=problem,
        home=HOME,
        by_kind=[(kind, [each for each in wordings if each.kind == kind]) for kind in KINDS],
        choices=[(tag, own_name(tag)) for tag in _languages(policy)],
        orders=ORDERS,
        **context,
    )


async def _words_form(
    request: Request,
    staff: Desk,
    found: Wording,
    typed: Fields,
    *,
    problem: str = "",
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    wording = _typed_wording(found, typed)
    shown: Rendered | None = None
    try:
        shown = await record_of(request).transact(
            staff.caller(),
            lambda tx: messages.preview(tx, wording.kind, language=wording.language, wording=wording),
        )
    except Invalid as unsound:
        told = beside(request, unsound)
        errors, problem, status = errors or told.get("errors"), problem or told.get("problem", ""), 422
    except NotFound:
        pass  # nobody has booked yet, so there is nothing to show it with
    return await manage_page(
        request,
        staff,
        "manage/words.html",
        topic="messages",
        status=status,
        typed=typed,
        errors=errors,
        seen=fingerprint(found),
        problem=problem,
        home=HOME,
        wording=found,
        shown=shown,
        variables=VARIABLES,
    )
