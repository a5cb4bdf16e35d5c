"""Whether a due message still makes sense at the moment it is about to be sent. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from holdfast.email_address import is_email
from holdfast.messages.model import Channel, Context
from holdfast.messages.plan import BEFORE_START
from holdfast.quiet_hours import QuietHours

STATES: Final = {
    "confirmation": ("confirmed", "checked_in"),
    "change": ("confirmed", "checked_in"),
    "cancellation": ("cancelled",),
    "reminder": ("confirmed",),
    "follow_up": ("completed",),
    "waitlist_offer": ("open",),
    "link": ("confirmed", "checked_in", "completed", "cancelled", "no_show"),
}
# A text at night about a visit early in the morning is better than one that comes too late.
SOON_AFTER_QUIET: Final = timedelta(hours=3)
# They have the page, or the conversation, in their hand.
AWAKE: Final = frozenset({"widget", "assistant"})


@dataclass(frozen=True, slots=True)
class Send:
    channel: Channel
    to: str


@dataclass(frozen=True, slots=True)
class Skip:
    """``reason`` is a sentence for staff."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postpone:
    until: datetime


def judge(context: Context, working: Collection[Channel]) -> Send | Skip | Postpone:
    """What to do with a due message now. ``working``: the channels that are set up."""
    if reason := _pointless(context):
        return Skip(reason)
    chosen = _channel(context, working)
    if isinstance(chosen, Skip):
        return chosen
    return _quiet(context, chosen.channel) or chosen


def _pointless(context: Context) -> str | None:
    """Why it would tell nothing any more."""
    if context.state not in STATES[context.kind]:
        what = "offer" if context.offer_id else "appointment"
        return f"The {what} is {context.state.replace('_', ' ')}."
    if context.expires_at is not None and context.expires_at <= context.now:
        return "The time to answer the offer was over already."
    if context.kind == "reminder" and context.occasion != int(context.starts_at.timestamp()):
        return "The appointment was moved."
    if context.kind not in ("follow_up", "link") and context.starts_at <= context.now:
        return "The appointment had begun already."
    return "A later message says more." if context.superseded else _told_elsewhere(context)


def _told_elsewhere(context: Context) -> str | None:
    return "It is told with the other parts of the visit." if context.told_elsewhere else None


def _channel(context: Context, working: Collection[Channel]) -> Send | Skip:
    ways = [
        Send(channel, to)
        for channel in context.channels
        if channel in working and (to := context.address_of(channel)) is not None
    ]
    # an address that cannot be right gives way to the next channel; where there is none, it dies and staff see it
    sound = [way for way in ways if way.channel != "email" or is_email(way.to)]
    if ways:
        return (sound or ways)[0]
    if not context.channels:
        return Skip("The organization sends no messages of this kind.")
    if not any((context.email, context.phone)):
        return Skip("The client left no address.")
    if not any(context.address_of(channel) for channel in context.channels):
        return Skip("The client wants no messages by the channels that are used.")
    return Skip("No mail server or telephone line is set up that could reach the client.")


def _quiet(context: Context, channel: Channel) -> Postpone | Skip | None:
    if context.kind in ("waitlist_offer", "link"):
        # the waitlist's own quiet hours decide when an offer is made; once made, every minute of its term counts. And
        # who asks for a link is awake.
        return None
    quiet = QuietHours(context.quiet_from, context.quiet_until, context.time_zone)
    if not quiet.cover(context.now):
        return None
    over = quiet.over(context.now)
    if context.kind == "reminder":
        late = over > context.starts_at - BEFORE_START
        return Skip("It would have come in quiet hours, or too late.") if late else Postpone(over)
    if context.kind == "follow_up":
        return Postpone(over)
    fresh = context.kind == "confirmation" and context.surface in AWAKE
    if channel == "email" or fresh or context.starts_at < over + SOON_AFTER_QUIET:
        return None
    return Postpone(over)
