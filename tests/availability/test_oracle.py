"""The engine against the oracle: equal answers, and mutants of the engine that must be seen to differ.

500 cases by default; HOLDFAST_ORACLE_CASES=10000 for the long run, HOLDFAST_ORACLE_FIRST to go on from another seed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count, islice

import pytest

from holdfast import wallclock
from holdfast.availability import bitmap, fit, matching, search
from holdfast.availability.days import LocalDays
from holdfast.availability.masks import Masks
from holdfast.availability.model import Part, Requirement, Resource, Service, Slot
from holdfast.availability.order import Order
from holdfast.availability.search import Search
from holdfast.availability.tightness import Tightness
from holdfast.errors import Bug
from tests.availability.cases import Case
from tests.availability.oracle import Oracle
from tests.availability.oracle_choice import Choice

CASES = int(os.environ.get("HOLDFAST_ORACLE_CASES", "500"))
FIRST = int(os.environ.get("HOLDFAST_ORACLE_FIRST", "0"))
LOOKED_AT = 6


def difference(seed: int) -> str | None:
    """How engine and oracle disagree about a case, in words; None when they do not."""
    case = Case(seed)
    oracle = Oracle(case.snapshot, case.request)
    expected = oracle.starts()
    found_by = Search(case.snapshot, case.request)
    slots = found_by.slots()
    found = sorted(slot.start for slot in slots)
    if found != expected:
        missing, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
        return f"seed {seed}: {len(missing)} not offered {missing[:3]}, {len(extra)} wrongly offered {extra[:3]}"
    for slot in slots:
        if objections := oracle.objections(slot):
            return f"seed {seed}: {slot.start} {objections}"
    if other := other_choice(oracle, slots):
        return f"seed {seed}: {other}"
    days = sorted({wallclock.local_date(start, case.zone) for start in expected})
    return None if found_by.days() == days else f"seed {seed}: days are {days}, not {found_by.days()}"


def other_choice(oracle: Oracle, slots: list[Slot]) -> str | None:
    """Where some of the slots have other parts, people or places in the ranking than they should."""
    choice = Choice(oracle)
    looked_at = slots[:: max(1, len(slots) // LOOKED_AT)]
    for slot in looked_at:
        parts, picks = choice.expected(slot.start)
        if list(slot.parts) != parts:
            return f"{slot.start} has parts {slot.parts}, not {parts}"
        if (served := sorted((pick.part, pick.role, pick.unit) for pick in slot.picks)) != picks:
            return f"{slot.start} is served by {served}, not {picks}"
    if oracle.request.rank == "earliest":
        return None if slots == sorted(slots, key=lambda slot: slot.start) else "not the earliest first"
    costs = [(choice.cost(slot), slot.start) for slot in looked_at]
    if costs != sorted(costs):
        return f"not the tightest first: {costs}"
    wrong = (slot for slot, ((wasted, _), _) in zip(looked_at, costs, strict=True) if wasted_in_words(slot) != wasted)
    return next((f"{slot.start} {slot.why}, and that is wrong" for slot in wrong), None)


def wasted_in_words(slot: Slot) -> int:
    return int("".join(filter(str.isdigit, slot.why)) or 0)


def test_engine_and_oracle_agree() -> None:
    differences = [found for seed in range(FIRST, FIRST + CASES) if (found := difference(seed))]
    assert not differences, "\n".join(differences[:5])


def test_the_cases_are_worth_answering() -> None:
    """Cases that offer nothing would agree about anything."""
    searches = [Search(case.snapshot, case.request) for case in map(Case, range(200))]
    offering = [search for search in searches if search.starts]
    assert len(offering) > 70
    assert any(search.request.same_provider and len(search.services) > 1 for search in offering)
    assert any(search.request.party > 1 for search in offering)
    assert len({search.masks.location.zone for search in offering}) > 6


def touching_counts_as_overlapping(patch: pytest.MonkeyPatch) -> None:
    true = bitmap.Window.outward
    patch.setattr(bitmap.Window, "outward", lambda *args: (true(*args)[0], true(*args)[1] + 1))


def claims_rounded_inwards(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        bitmap.Window, "outward", lambda self, start, end: (-((self.origin - start) // bitmap.MINUTE), self.index(end))
    )


def buffers_ignored(patch: pytest.MonkeyPatch) -> None:
    true = Masks.starts

    def starts(self: Masks, need: Requirement, *rest: object) -> int:
        bare = Requirement(need.role, need.pool, need.length_minutes, need.offset_minutes, need.quantity)
        return true(self, bare, *rest)  # type: ignore[arg-type]

    patch.setattr(Masks, "starts", starts)


def quantity_ignored(patch: pytest.MonkeyPatch) -> None:
    true = bitmap.at_least
    patch.setattr(bitmap, "at_least", lambda count, masks, full: true(1, masks, full))


def each_role_by_itself(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fit, "overlapping", lambda group: [[role] for role in group])
    patch.setattr(fit, "settled_by_counting", lambda group: True)


def greedy_matching(patch: pytest.MonkeyPatch) -> None:
    def fill(
        seats: list[matching.Seat], together: Callable[[int, int], bool], _: object = None
    ) -> list[tuple[str, ...]] | None:
        chosen: list[tuple[str, ...]] = []
        for number, (candidates, quantity) in enumerate(seats):
            used = {unit for other, units in enumerate(chosen) if together(number, other) for unit in units}
            left = [unit for unit in candidates if unit not in used][:quantity]
            if len(left) < quantity:
                return None
            chosen.append(tuple(left))
        return chosen

    patch.setattr(matching, "fill", fill)
    patch.setattr(matching, "fill_at_once", lambda seats: None)


def chains_are_only_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fit, "settled_by_counting", lambda group: True)


def same_unit_may_not_serve_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Requirement, "overlaps", lambda self, other: True)


def length_one_short(patch: pytest.MonkeyPatch) -> None:
    true = bitmap.runs
    patch.setattr(bitmap, "runs", lambda bits, length: true(bits, length - 1))


def days_always_have_24_hours(patch: pytest.MonkeyPatch) -> None:
    def index(self: LocalDays, local: object) -> int:
        low, _ = self.spans[local.date()]  # type: ignore[attr-defined]
        return low + local.hour * 60 + local.minute  # type: ignore[attr-defined]

    true = LocalDays.index
    patch.setattr(LocalDays, "index", lambda self, local: (index if local.date() in self.spans else true)(self, local))


def ambiguous_means_the_second(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wallclock, "resolve_rule", lambda local, zone: wallclock.resolve(local, zone, choice="later"))


def cap_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Masks, "below_cap", lambda self, resource: self.window.full)


def credentials_never_expire(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Masks,
        "qualified",
        lambda self, resource, pool: self.window.full if pool.requires <= resource.attributes.keys() else 0,
    )


def notice_ignored(patch: pytest.MonkeyPatch) -> None:
    true = Masks.bookable
    patch.setattr(Masks, "bookable", lambda self, lead, now: (now, true(self, lead, now)[1]))


def grid_counts_from_utc(patch: pytest.MonkeyPatch) -> None:
    def grid(self: LocalDays, every: int) -> int:
        since_midnight = self.window.origin.hour * 60 + self.window.origin.minute
        return sum(1 << i for i in range(self.window.minutes) if (i + since_midnight) % every == 0)

    patch.setattr(LocalDays, "grid", grid)


def the_longest_wait(patch: pytest.MonkeyPatch) -> None:
    true = bitmap.Lookup.first_from

    def first_from(self: bitmap.Lookup, index: int) -> int:
        found = true(self, index)
        return found + 1 if self.has(found + 1) else found

    patch.setattr(bitmap.Lookup, "first_from", first_from)


def no_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bitmap.Lookup, "first_from", lambda self, index: index)


def parts_without_their_length(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(search, "Part", lambda service, start, end: Part(service, start, start))


def anybody_serves(patch: pytest.MonkeyPatch) -> None:
    true = Search.fits
    patch.setattr(Search, "fits", lambda self, service, person=None: true(self, service))


def only_the_longest_role(patch: pytest.MonkeyPatch) -> None:
    true = Search.fits
    patch.setattr(Search, "fits", lambda self, service, person=None: true(self, service, person)[:1])


def in_every_role_at_once(patch: pytest.MonkeyPatch) -> None:
    def fits(self: Search, service: Service, person: str | None = None) -> list[fit.Fit]:
        able = service.served_by(person) if person else []
        return [fit.Fit(self.masks, service, party=self.request.party, named={n.role: person or "" for n in able})]

    patch.setattr(Search, "fits", fits)


def the_shortest_role_first(patch: pytest.MonkeyPatch) -> None:
    true = Service.served_by
    patch.setattr(Service, "served_by", lambda self, *who: true(self, *who)[::-1])


def named_in_services_that_do_not_have_them(patch: pytest.MonkeyPatch) -> None:
    def fits(self: Search, service: Service, person: str | None = None) -> list[fit.Fit]:
        named = {n.role: wanted for n in service.requirements if (wanted := self.request.resources.get(n.role))}
        return [fit.Fit(self.masks, service, party=self.request.party, named=named)]

    patch.setattr(Search, "fits", fits)


def where_possible_means_always(patch: pytest.MonkeyPatch) -> None:
    true = Search._people
    patch.setattr(Search, "_people", lambda self: true(self)[:-1] or true(self))


def several_before_one_throughout(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Search, "_preference", lambda self, chain, start: chain.person is not None)


def wishes_ignored(patch: pytest.MonkeyPatch) -> None:
    true = Order.key
    patch.setattr(Order, "key", lambda *args: (False, true(*args)[1]))


def the_busiest_first(patch: pytest.MonkeyPatch) -> None:
    true = Order._load
    patch.setattr(Order, "_load", lambda *args: -true(*args))


def blocks_count_as_load(patch: pytest.MonkeyPatch) -> None:
    def load(self: Order, resource: Resource, day: object) -> int:
        low, high = self._masks.days.spans[day]  # type: ignore[index]
        spans = [
            self._masks.window.outward(c.start, c.end) for unit in resource.units for c in self._masks.claims(unit)
        ]
        return sum(max(0, min(end, high) - max(start, low)) for start, end in spans)

    patch.setattr(Order, "_load", load)


def everybody_takes_turns_backwards(patch: pytest.MonkeyPatch) -> None:
    true = Order.key
    patch.setattr(Order, "key", lambda *args: (true(*args)[0], -true(*args)[1]))


def gaps_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    true = Tightness.cost
    patch.setattr(Tightness, "cost", lambda *args: true(*args)._replace(gaps=0))


def every_gap_is_wasted(patch: pytest.MonkeyPatch) -> None:
    true = Tightness._gaps
    patch.setattr(Tightness, "_gaps", lambda *args: [min(gap, 1) for gap in true(*args)])


def the_last_unit_is_not_ranked(patch: pytest.MonkeyPatch) -> None:
    true = Tightness.cost
    patch.setattr(Tightness, "cost", lambda self, spans: true(self, dict(list(spans.items())[:-1])))


MUTANTS = [
    touching_counts_as_overlapping,
    claims_rounded_inwards,
    buffers_ignored,
    quantity_ignored,
    each_role_by_itself,
    greedy_matching,
    chains_are_only_counted,
    same_unit_may_not_serve_twice,
    length_one_short,
    days_always_have_24_hours,
    ambiguous_means_the_second,
    cap_ignored,
    credentials_never_expire,
    notice_ignored,
    grid_counts_from_utc,
    the_longest_wait,
    no_wait,
    parts_without_their_length,
    anybody_serves,
    only_the_longest_role,
    in_every_role_at_once,
    the_shortest_role_first,
    named_in_services_that_do_not_have_them,
    where_possible_means_always,
    several_before_one_throughout,
    wishes_ignored,
    the_busiest_first,
    blocks_count_as_load,
    everybody_takes_turns_backwards,
    gaps_are_not_counted,
    every_gap_is_wasted,
    the_last_unit_is_not_ranked,
]


def complaints() -> Iterator[str]:
    for seed in count():
        try:
            found = difference(seed)
        except Bug as broken:
            found = f"seed {seed}: {broken}"
        yield found or ""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_oracle_catches(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    assert any(islice(complaints(), 500)), f"500 cases do not tell {mutant.__name__} from the engine"
