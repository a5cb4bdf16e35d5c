"""Which messages an appointment owes its client, from the appointment as it is now. Pure.

The record makes what is owed agree with the plan, so planning twice changes nothing, and a moved appointment moves its
reminders because they are planned from its new start.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from holdfast.messages.model import NOTICES, Notice, Owed, PlanFacts
from holdfast.quiet_hours import QuietHours

# A reminder so soon after the confirmation tells nothing new.
AFTER_AGREED: Final = timedelta(hours=1)
BEFORE_START: Final = timedelta(minutes=30)
# Moved out of quiet hours, a reminder leaves this much before they begin, so that a slow sender still meets it.
BEFORE_QUIET: Final = timedelta(minutes=15)
# After an outage, what happened longer ago than this is not news any more.
NEWS: Final = timedelta(days=2)


def plan(facts: PlanFacts, notices: Sequence[Notice] = ()) -> list[Owed]:
    """What is owed: the notices that are still news, and the reminders or the follow-up that the rules ask for."""
    return [*_notices(facts, notices), *_reminders(facts), *_follow_up(facts)]


def _notices(facts: PlanFacts, notices: Sequence[Notice]) -> list[Owed]:
    if facts.starts_at <= facts.now:
        return []
    return [
        Owed(NOTICES[notice.type], 0, notice.revision, notice.at)
        for notice in notices
        # whoever brings in old bookings has told the clients long ago
        if notice.surface != "import" and notice.at > facts.now - NEWS
    ]


def _reminders(facts: PlanFacts) -> list[Owed]:
    if facts.state != "confirmed" or facts.starts_at <= facts.now:
        return []
    dues = {minutes: reminder_due(facts, minutes) for minutes in sorted(set(facts.before_minutes))}
    occasion = int(facts.starts_at.timestamp())
    return [Owed("reminder", minutes, occasion, due) for minutes, due in dues.items() if due is not None]


def reminder_due(facts: PlanFacts, before_minutes: int) -> datetime | None:
    """When to remind; None when it would come too soon after the booking, or too late before the visit.

    In quiet hours it moves to the evening before; where the booking is too fresh for that, to the morning after.
    """
    quiet = QuietHours(facts.quiet_from, facts.quiet_until, facts.time_zone)
    due, earliest = facts.starts_at - timedelta(minutes=before_minutes), facts.agreed_at + AFTER_AGREED
    if quiet.cover(due):
        evening, morning = quiet.began(due) - BEFORE_QUIET, quiet.over(due)
        due = evening if evening >= earliest else morning
        if due > facts.starts_at - BEFORE_START:
            return None
    return due if due >= earliest else None


def _follow_up(facts: PlanFacts) -> list[Owed]:
    if facts.state != "completed" or facts.follow_up_after_minutes is None:
        return []
    quiet = QuietHours(facts.quiet_from, facts.quiet_until, facts.time_zone)
    due = facts.ends_at + timedelta(minutes=facts.follow_up_after_minutes)
    if quiet.cover(due):
        due = quiet.over(due)
    if due < facts.now - NEWS:
        return []
    return [Owed("follow_up", facts.follow_up_after_minutes, int(facts.starts_at.timestamp()), due)]
