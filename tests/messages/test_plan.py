"""When clients are reminded, and what a due message does at the last moment. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from holdfast.messages.model import Context, Notice, PlanFacts
from holdfast.messages.moment import Postpone, Send, Skip, judge
from holdfast.messages.plan import plan, reminder_due
from holdfast.quiet_hours import QuietHours

NEW_YORK = "America/New_York"
NIGHT = QuietHours(time(21), time(8), NEW_YORK)


def ny(text: str, fold: int = 0) -> datetime:
    """A wall time in New York as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(NEW_YORK), fold=fold).astimezone(UTC)


FACTS = PlanFacts(
    id=UUID(int=1),
    state="confirmed",
    starts_at=ny("2027-06-10T14:00"),
    ends_at=ny("2027-06-10T15:00"),
    time_zone=NEW_YORK,
    agreed_at=ny("2027-06-01T10:00"),
    quiet_from=time(21),
    quiet_until=time(8),
    before_minutes=[4320, 120],
    follow_up_after_minutes=None,
    now=ny("2027-06-01T10:00"),
)


def test_reminders_are_so_long_before_the_start() -> None:
    owed = plan(FACTS)
    assert [(one.kind, one.lead_minutes, one.due_at) for one in owed] == [
        ("reminder", 120, ny("2027-06-10T12:00")),
        ("reminder", 4320, ny("2027-06-07T14:00")),
    ]


@pytest.mark.parametrize(
    ("start", "agreed", "minutes", "due"),
    [
        ("2027-06-10T09:00", "2027-06-01T10:00", 120, "2027-06-09T20:45"),  # 07:00: the evening before
        ("2027-06-10T09:00", "2027-06-09T20:30", 120, "2027-06-10T08:00"),  # booked that evening: in the morning
        ("2027-06-10T08:15", "2027-06-09T20:30", 120, None),  # in the morning would be too late
        ("2027-06-10T23:30", "2027-06-01T10:00", 120, "2027-06-10T20:45"),
        ("2027-06-10T14:00", "2027-06-10T11:30", 120, None),  # half an hour after the confirmation
        ("2027-06-10T14:00", "2027-06-10T13:00", 120, None),  # booked inside the lead
    ],
)
def test_quiet_hours_move_a_reminder_and_a_fresh_booking_needs_none(
    start: str, agreed: str, minutes: int, due: str | None
) -> None:
    facts = replace(FACTS, starts_at=ny(start), agreed_at=ny(agreed))
    assert reminder_due(facts, minutes) == (due and ny(due))


def test_quiet_hours_follow_the_wall_clock_over_a_change_of_the_clocks() -> None:
    # in the night of 14 March 2027 the clocks go forward, in that of 7 November back
    assert NIGHT.over(ny("2027-03-14T01:00")) == ny("2027-03-14T08:00")
    assert NIGHT.over(ny("2027-03-14T01:00")) - NIGHT.began(ny("2027-03-14T01:00")) == timedelta(hours=10)
    assert NIGHT.over(ny("2027-11-07T01:30")) - NIGHT.began(ny("2027-11-07T01:30")) == timedelta(hours=12)
    assert NIGHT.cover(ny("2027-11-07T01:30", fold=1))
    assert not NIGHT.cover(ny("2027-06-10T08:00"))
    assert NIGHT.cover(ny("2027-06-10T21:00"))
    never, noon = QuietHours(time(0), time(0), NEW_YORK), QuietHours(time(12), time(14), NEW_YORK)
    assert not never.cover(ny("2027-06-10T00:00"))
    assert (noon.cover(ny("2027-06-10T13:00")), noon.cover(ny("2027-06-10T14:00"))) == (True, False)


def test_three_days_before_is_three_days_on_the_clock_of_the_start_also_over_a_change() -> None:
    facts = replace(
        FACTS, starts_at=ny("2027-03-15T14:00"), agreed_at=ny("2027-03-01T10:00"), now=ny("2027-03-01T10:00")
    )
    assert reminder_due(facts, 120) == ny("2027-03-15T12:00")
    assert reminder_due(facts, 4320) == ny("2027-03-12T13:00"), "72 hours, as the rule says"


def test_nothing_is_owed_after_the_fact_or_for_what_was_brought_in() -> None:
    booked = Notice("appointment.booked", 1, FACTS.now, "widget")
    assert [one.kind for one in plan(FACTS, [booked])] == ["confirmation", "reminder", "reminder"]
    assert plan(replace(FACTS, now=FACTS.starts_at), [booked]) == []
    assert [one.kind for one in plan(FACTS, [replace(booked, surface="import")])] == ["reminder", "reminder"]
    assert [one.kind for one in plan(FACTS, [replace(booked, at=FACTS.now - timedelta(days=3))])] == ["reminder"] * 2
    assert plan(replace(FACTS, state="cancelled")) == []
    assert plan(replace(FACTS, state="checked_in")) == []


def test_a_follow_up_waits_for_the_morning() -> None:
    done = replace(FACTS, state="completed", follow_up_after_minutes=420, now=ny("2027-06-10T15:05"))
    assert [(one.kind, one.due_at) for one in plan(done)] == [("follow_up", ny("2027-06-11T08:00"))]


CONTEXT = Context(
    id=UUID(int=2), kind="reminder", lead_minutes=120, occasion=int(FACTS.starts_at.timestamp()),
    due_at=ny("2027-06-10T12:00"), superseded=False, appointment_id=UUID(int=1), offer_id=None, state="confirmed",
    surface="desk", revision=1, starts_at=FACTS.starts_at, ends_at=FACTS.ends_at,
    confirmation_code="ABCD2345", expires_at=None,
    time_zone=NEW_YORK, location_name="Main Street", address="1 Main St", service_name="Botox", provider_name="Ana",
    organization_name="Glow", reply_to=None, client_id=UUID(int=3), client_name="Ada Byron", email="ada@example.org",
    phone="+15125550111", email_refused=False, sms_refused=False, language="en", channels=["sms", "email"],
    quiet_from=time(21), quiet_until=time(8), say_service=False, say_provider=False, own_subject=None, own_email=None,
    own_sms=None, now=ny("2027-06-10T12:00"),
)  # fmt: skip
BOTH = ("email", "sms")


def test_the_first_channel_that_reaches_the_client_carries_it() -> None:
    assert judge(CONTEXT, BOTH) == Send("sms", "+15125550111")
    assert judge(replace(CONTEXT, sms_refused=True), BOTH) == Send("email", "ada@example.org")
    assert judge(CONTEXT, ("email",)) == Send("email", "ada@example.org")
    for missing, reason in (
        ({"email": None, "phone": None}, "The client left no address."),
        ({"email_refused": True, "sms_refused": True}, "The client wants no messages by the channels that are used."),
        ({"channels": []}, "The organization sends no messages of this kind."),
    ):
        assert judge(replace(CONTEXT, **missing), BOTH) == Skip(reason)  # type: ignore[arg-type]


def test_what_makes_no_sense_any_more_is_skipped() -> None:
    moved = replace(CONTEXT, starts_at=CONTEXT.starts_at + timedelta(days=1))
    assert judge(moved, BOTH) == Skip("The appointment was moved.")
    assert judge(replace(CONTEXT, state="cancelled"), BOTH) == Skip("The appointment is cancelled.")
    assert judge(replace(CONTEXT, now=CONTEXT.starts_at), BOTH) == Skip("The appointment had begun already.")
    assert judge(replace(CONTEXT, superseded=True), BOTH) == Skip("A later message says more.")


def test_a_message_that_is_late_does_not_wake_anybody() -> None:
    night = replace(CONTEXT, now=ny("2027-06-10T03:00"))
    assert judge(night, BOTH) == Postpone(ny("2027-06-10T08:00"))
    early = replace(night, starts_at=ny("2027-06-10T08:15"), occasion=int(ny("2027-06-10T08:15").timestamp()))
    assert isinstance(judge(early, BOTH), Skip)
    confirmation = replace(night, kind="confirmation", channels=["sms"])
    assert judge(confirmation, BOTH) == Postpone(ny("2027-06-10T08:00"))
    assert isinstance(judge(replace(confirmation, surface="widget"), BOTH), Send), "they are awake"
    assert isinstance(judge(replace(confirmation, starts_at=ny("2027-06-10T09:00")), BOTH), Send), "else too late"
    assert isinstance(judge(replace(confirmation, channels=["email"]), BOTH), Send), "mail wakes nobody"
