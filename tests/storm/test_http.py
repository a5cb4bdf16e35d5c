"""The storm over HTTP, against a stand-in that is honest and one that is not."""

from __future__ import annotations

import pytest

from holdfast.errors import Invalid, SetupRefused, Unauthorized
from holdfast.insight.storm.campaign import Settings, storm_holdfast
from holdfast.insight.storm.http_target import discover_slots
from holdfast.insight.storm.report import Summary
from tests.storm.stand_in import KEY, StandIn, serving

SETTINGS = Settings(seed=11, clients=8, attempts=80, surfaces=("desk", "widget"), seconds=240)


def storm(stand_in: StandIn, *, keep: bool = False) -> Summary:
    return storm_holdfast(stand_in.url, KEY, SETTINGS, lambda done, held: None, keep=keep)


def test_an_honest_server_passes_and_gets_its_time_back() -> None:
    with serving(StandIn()) as server:
        summary = storm(server)
        assert (summary.attempts, summary.overlaps, summary.partial_visits) == (80, 0, 0)
        assert summary.slots_contested == summary.slots_with_one_winner == summary.held == 10
        assert summary.refused == {"slot-taken": 70}
        assert summary.is_safe
        assert server.surfaces == {"desk", "widget"}
        assert len(set(server.keys)) == 80
        assert server.held == {}


def test_a_server_that_locks_by_start_time_is_convicted() -> None:
    with serving(StandIn(honest=False)) as server:
        summary = storm(server)
        assert summary.overlaps > 0
        assert summary.slots_with_several_winners > 0
        assert not summary.is_safe


def test_a_part_of_a_visit_is_seen() -> None:
    with serving(StandIn(drop=True)) as server:
        summary = storm(server)
        assert summary.partial_visits == summary.held > 0
        assert not summary.is_safe


def test_a_busy_server_is_asked_again_with_the_same_key() -> None:
    with serving(StandIn(busy_first=5)) as server:
        summary = storm(server)
        assert (summary.attempts, summary.retries) == (80, 5)
        assert (len(server.keys), len(set(server.keys))) == (85, 80)


def test_keep_leaves_the_holds() -> None:
    with serving(StandIn()) as server:
        summary = storm(server, keep=True)
        assert len(server.held) == summary.held


def test_hot_slots_have_contenders_at_several_starts() -> None:
    with serving(StandIn()) as server:
        slots = discover_slots(server.url, KEY, count=4, resources=3)
    assert len(slots) == 4
    assert all(len({ask.start for ask in slot.asks}) == 2 for slot in slots)
    assert all(ask.start < slot.asks[0].end for slot in slots for ask in slot.asks)


def test_refusals_say_what_to_do() -> None:
    with serving(StandIn()) as server:
        with pytest.raises(Unauthorized, match="--key"):
            discover_slots(server.url, "another", count=1, resources=3)
        gone = server.url
    with pytest.raises(SetupRefused, match="no Holdfast at"):
        discover_slots(gone, KEY, count=1, resources=3)
    with pytest.raises(Invalid, match="not the address"):
        discover_slots("gopher://x", KEY, count=1, resources=3)
