"""Questions that could take for ever: they are answered all the same, or refused, naming the field."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from holdfast.availability import fit, matching
from holdfast.availability.bitmap import Lookup
from holdfast.availability.matching import Seat, fill, fill_at_once
from holdfast.availability.model import Pool, Requirement, Resource, Service
from holdfast.availability.search import Search
from holdfast.errors import Bug, Invalid
from tests.availability.clinic import ask, record

CROWD = [Resource(f"p{number:02}", "provider", (f"p{number:02}",), {"berlin": None}) for number in range(40)]


def pool(*numbers: int) -> Pool:
    return Pool(tuple(f"p{number:02}" for number in numbers))


def test_a_party_that_gets_lost_in_the_order_of_choice_is_served_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty of the first thirty and twenty of the last thirty: thirty million wrong ways to begin from the end."""
    needs = (Requirement("a", pool(*range(29, -1, -1)), 30), Requirement("b", pool(*range(10, 40)), 30))
    snapshot = record(resources=CROWD, services=[Service("dance", 30, needs)])
    [slot] = Search(snapshot, ask("dance", party=20, limit=1)).slots()
    assert len({pick.unit for pick in slot.picks}) == 40
    assert {pick.unit for pick in slot.picks if pick.role == "b"} > {f"p{number}" for number in range(30, 40)}
    monkeypatch.setattr(matching, "fill_at_once", lambda seats: None)
    with pytest.raises(Bug):
        Search(snapshot, ask("dance", party=20, limit=1)).slots()


@pytest.mark.parametrize("seed", range(100))
def test_all_at_once_is_filled_exactly_when_it_can_be(seed: int) -> None:
    rng = random.Random(seed)
    seats = [Seat(rng.sample("abcdefgh", k=rng.randint(1, 6)), rng.choice([1, 1, 2])) for _ in range(rng.randint(1, 5))]
    found = fill_at_once(seats)
    assert (found is None) == (fill(seats, lambda one, other: True) is None)
    if found is not None:
        units = [unit for each in found for unit in each]
        assert len(units) == len(set(units)) == sum(seat.quantity for seat in seats)
        assert all(set(units) <= set(seat.candidates) for units, seat in zip(found, seats, strict=True))


def test_too_much_trying_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of roles that share people has to be tried; the same people free are tried once."""
    chain = tuple(Requirement(f"r{number}", pool(0, 1, 2), 30, 20 * number) for number in range(3))
    snapshot = record(resources=CROWD, services=[Service("relay", 70, chain)])
    whole = Search(snapshot, ask("relay", any_minute=True, limit=1000))
    assert len(whole.slots()) > 200
    assert fit.MAX_TRIED - whole._candidates["relay"].tries.left < 50
    monkeypatch.setattr(fit, "MAX_TRIED", 2)
    with pytest.raises(Invalid) as refused:
        Search(snapshot, ask("relay"))
    assert refused.value.facts["field"] == "to"


def test_only_what_is_shown_is_dressed() -> None:
    """The tightest few of many are the same as the first of all of them."""
    needs = (Requirement("provider", pool(0, 1, 2), 30),)
    snapshot = record(resources=CROWD, services=[Service("short", 30, needs, grid_minutes=5)])
    every = Search(snapshot, ask("short", rank="tight", limit=1000)).slots()
    few = Search(snapshot, replace(ask("short", rank="tight"), limit=3)).slots()
    assert few == every[:3]


def test_looking_up_minutes() -> None:
    lookup = Lookup(0b101000)
    assert [index for index in range(-2, 9) if lookup.has(index)] == [3, 5]
    assert [lookup.first_from(index) for index in (0, 3, 4, 6)] == [3, 3, 5, -1]
