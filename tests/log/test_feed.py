"""The live feed: everything after a position, once and in order; a reset rather than a gap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from holdfast.db.transact import Record
from holdfast.ids import public_id
from holdfast.log import feed as feed_module
from holdfast.log.feed import Feed, FeedEnded, FeedEvent, Listener, Ready, Reset, Told
from holdfast.log.public import EventNames
from tests.clinic import CLIENT, Clinic, open_clinic
from tests.worker.running import SECRET

PATIENCE = 30.0


@pytest.fixture
async def feed(record: Record) -> AsyncIterator[Feed]:
    one = Feed(record, EventNames(SECRET))
    yield one
    await one.close()


async def hear(listener: Listener) -> Told:
    told = await listener.hear(PATIENCE)
    assert told is not None, "nothing was heard"
    return told


async def hear_types(listener: Listener, count: int) -> list[str]:
    heard = [await hear(listener) for _ in range(count)]
    return [told.type if isinstance(told, FeedEvent) else type(told).__name__ for told in heard]


async def test_a_screen_is_told_what_happens_with_ids_and_no_names(feed: Feed, spa: Clinic) -> None:
    async with feed.listen(spa.organization_id) as listener:
        assert isinstance(await hear(listener), Ready)
        booked = spa.book("laser", 0)
        placed, told = await hear(listener), await hear(listener)
    assert isinstance(placed, FeedEvent)
    assert isinstance(told, FeedEvent)
    assert (placed.type, told.type) == ("hold.placed", "appointment.booked")
    assert told.subject == public_id("appointment", booked["id"])
    assert told.data["hold_id"] == placed.subject
    assert (told.actor, told.surface) == ("key_desk", "desk")
    assert not any(word in repr(told) for word in (*CLIENT.values(), "client"))


async def test_who_comes_back_is_told_everything_since_and_nothing_twice(feed: Feed, spa: Clinic) -> None:
    async with feed.listen(spa.organization_id) as listener:
        ready = await hear(listener)
        spa.book("consult", 0)
        _, last = await hear(listener), await hear(listener)
    spa.book("consult", 60)
    async with feed.listen(spa.organization_id, last.position) as again:
        spa.book("consult", 120)
        assert await hear_types(again, 4) == ["hold.placed", "appointment.booked"] * 2
    async with feed.listen(spa.organization_id, ready.position) as from_ready:
        assert await hear_types(from_ready, 6) == ["hold.placed", "appointment.booked"] * 3


async def test_many_screens_share_one_poller_and_hear_the_same(feed: Feed, spa: Clinic, record: Record) -> None:
    async with feed.listen(spa.organization_id) as first, feed.listen(spa.organization_id) as second:
        assert feed.listening == 2
        assert len(feed._pollers) == 1
        await hear(first), await hear(second)
        spa.book("consult", 0)
        assert [await hear(first), await hear(first)] == [await hear(second), await hear(second)]
    assert feed.listening == 0
    assert feed._pollers == {}


async def test_another_organizations_events_are_not_heard(
    feed: Feed, spa: Clinic, app: psycopg.Connection[Any]
) -> None:
    other = open_clinic(app, "other")
    async with feed.listen(other.organization_id) as listener:
        await hear(listener)
        spa.book("consult", 0)
        other.resource("lamp")
        assert await hear_types(listener, 1) == ["resource.added"]


@pytest.mark.parametrize("position", ["0" * 32, "nonsense", "", "é", "f" * 31, "f" * 5000])
async def test_a_position_that_is_not_ours_gives_a_reset(feed: Feed, spa: Clinic, position: str) -> None:
    async with feed.listen(spa.organization_id, position) as listener:
        reset = await hear(listener)
        assert isinstance(reset, Reset)
        spa.book("consult", 0)
        assert await hear_types(listener, 2) == ["hold.placed", "appointment.booked"]
    async with feed.listen(spa.organization_id, reset.position) as listener:
        assert await hear_types(listener, 2) == ["hold.placed", "appointment.booked"]


async def test_who_missed_too_much_and_who_listens_too_slowly_are_reset(
    feed: Feed, spa: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "REPLAYED_MAX", 3)
    async with feed.listen(spa.organization_id) as listener:
        begin = await hear(listener)
    for hour in range(3):
        spa.book("consult", 60 * hour)
    async with feed.listen(spa.organization_id, begin.position) as listener:
        assert isinstance(await hear(listener), Reset)

    slow = Listener()
    events = [
        FeedEvent(str(n), "evt", "hold.placed", None, "hld", "", "", {}) for n in range(feed_module.QUEUED_MAX + 1)
    ]  # type: ignore[arg-type]
    for event in events:
        slow.tell(event)
    assert await slow.hear() == Reset(events[-1].position)
    assert await slow.hear(0.001) is None


async def test_a_transaction_that_commits_late_is_heard_too(
    feed: Feed, spa: Clinic, admin: psycopg.Connection[Any], database: Any
) -> None:
    async with feed.listen(spa.organization_id) as listener:
        await hear(listener)
        with psycopg.connect(database.owner, options="-c search_path=holdfast") as slow:
            slow.execute("select holdfast.act_as(%s, 'system', 'system')", [spa.organization_id])
            slow.execute("select holdfast.record_event('block.removed', gen_random_uuid(), '{}')")
            spa.book("consult", 0)
            assert await listener.hear(0.5) is None
            slow.commit()
        assert await hear_types(listener, 3) == ["block.removed", "hold.placed", "appointment.booked"]


async def test_at_a_shutdown_every_listener_is_told_that_it_is_over(feed: Feed, spa: Clinic) -> None:
    async with feed.listen(spa.organization_id) as listener:
        await hear(listener)
        await feed.close()
        with pytest.raises(FeedEnded):
            await listener.hear(PATIENCE)
