"""The sweep against an oracle that compares every pair."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.insight.calendar_events import Event
from holdfast.insight.overlaps import Timeline, booking_key, collisions, tight_gaps

Row = tuple[int, int, int]
ROWS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 30), st.integers(0, 12)).map(lambda r: (r[0], r[0] + r[1], r[2])),
    max_size=40,
)


def timeline(rows: list[Row]) -> Timeline:
    made = Timeline()
    for row in rows:
        made.add(*row)
    return made


def without_repeats(rows: list[Row]) -> list[int]:
    kept: list[int] = []
    for position in sorted(range(len(rows)), key=lambda at: (rows[at][0], at)):
        start, _, booking = rows[position]
        if not any(rows[other][0] == start and rows[other][2] == booking for other in kept):
            kept.append(position)
    return kept


def colliding_pairs(rows: list[Row]) -> dict[int, list[int]]:
    """Every position to all earlier ones of other bookings that still run when it starts: O(n²), by definition."""
    order = without_repeats(rows)
    met: dict[int, list[int]] = {}
    for at, later in enumerate(order):
        running = [
            earlier
            for earlier in order[:at]
            if rows[earlier][1] > rows[later][0] and rows[earlier][2] != rows[later][2]
        ]
        if running:
            met[later] = running
    return met


@settings(max_examples=400, deadline=None)
@given(ROWS)
def test_the_sweep_finds_what_comparing_every_pair_finds(rows: list[Row]) -> None:
    made = timeline(rows)
    order = made.in_order()
    assert order == without_repeats(rows)
    expected = colliding_pairs(rows)
    found = {collision.later: collision for collision in collisions(made, order)}
    assert found.keys() == expected.keys()
    for later, collision in found.items():
        running = expected[later]
        assert collision.earlier in running
        assert rows[collision.earlier][1] == max(rows[other][1] for other in running)
        assert collision.pile == 1 + len({rows[other][2] for other in running})


@settings(max_examples=300, deadline=None)
@given(ROWS, st.integers(0, 10))
def test_tight_gaps_are_those_after_everything_before_has_ended(rows: list[Row], buffer: int) -> None:
    made = timeline(rows)
    order = made.in_order()
    expected = []
    for at, later in enumerate(order[1:], start=1):
        last = max(order[:at], key=lambda position: (rows[position][1], -order.index(position)))
        gap = rows[later][0] - rows[last][1]
        if 0 <= gap < buffer and rows[later][2] != rows[last][2]:
            expected.append((later, gap))
    assert [tuple(gap) for gap in tight_gaps(made, order, buffer)] == expected


def test_the_oracle_sees_a_sweep_that_calls_touching_an_overlap() -> None:
    """Control: with closed ranges the two would disagree, so the comparison has teeth."""
    rows = [(0, 10, 1), (10, 20, 2)]
    assert not colliding_pairs(rows)
    closed = timeline([(start, end + 1, booking) for start, end, booking in rows])
    assert list(collisions(closed, closed.in_order()))


def test_three_at_once_are_two_collisions() -> None:
    made = timeline([(0, 60, 1), (10, 60, 2), (20, 60, 3)])
    found = list(collisions(made, made.in_order()))
    assert [(each.later, each.pile) for each in found] == [(1, 2), (2, 3)]


def test_a_booking_never_collides_with_its_own_parts() -> None:
    made = timeline([(0, 60, 1), (30, 90, 1), (0, 60, 1)])
    assert made.in_order() == [0, 1]
    assert not list(collisions(made, made.in_order()))


def event(**changes: object) -> Event:
    plain: dict[str, object] = {
        "uid": "",
        "recurrence_id": None,
        "start": datetime(2025, 3, 14, 9, tzinfo=UTC),
        "end": datetime(2025, 3, 14, 10, tzinfo=UTC),
        "resource": "Anna",
        "resource_kind": "provider",
        "summary": "",
        "status": "",
        "kind": "",
        "source": "",
        "all_day": False,
        "line": 1,
    }
    return Event(**{**plain, **changes})  # type: ignore[arg-type]


def test_what_makes_two_lines_one_booking() -> None:
    later = {"start": datetime(2025, 3, 14, 11, tzinfo=UTC)}
    next_day = {"start": datetime(2025, 3, 15, 9, tzinfo=UTC)}
    same = booking_key(event(uid="A1"), "", 1)
    assert same == booking_key(event(uid="A1", **later), "", 2)
    assert same != booking_key(event(uid="A1", **next_day), "", 2)
    assert same != booking_key(event(uid="A2"), "", 1)
    assert booking_key(event(summary="Kim"), "", 1) == booking_key(event(summary="Kim"), "", 2)
    assert booking_key(event(summary="Kim"), "", 1) != booking_key(event(summary="Kim", **later), "", 2)
    assert booking_key(event(), "", 1) != booking_key(event(), "", 2)
    assert booking_key(event(), "", 1) == booking_key(event(resource="Room 1"), "", 1)
