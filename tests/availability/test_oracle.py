"""The engine against the oracle: equal answers, and mutants of the engine that must be seen to differ.

500 cases by default; HOLDFAST_ORACLE_CASES=10000 for the long run, HOLDFAST_ORACLE_FIRST to go on from another seed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count, islice

import pytest

from holdfast import wallclock
from holdfast.availability import bitmap, fit, matching
from holdfast.availability.days import LocalDays
from holdfast.availability.masks import Masks
from holdfast.availability.model import Requirement
from holdfast.availability.search import Search
from holdfast.errors import Bug
from tests.availability.cases import Case
from tests.availability.oracle import Oracle

CASES = int(os.environ.get("HOLDFAST_ORACLE_CASES", "500"))
FIRST = int(os.environ.get("HOLDFAST_ORACLE_FIRST", "0"))


def difference(seed: int) -> str | None:
    """How engine and oracle disagree about a case, in words; None when they do not."""
    case = Case(seed)
    oracle = Oracle(case.snapshot, case.request)
    expected = oracle.starts()
    search = Search(case.snapshot, case.request)
    slots = search.slots()
    found = sorted(slot.start for slot in slots)
    if found != expected:
        missing, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
        return f"seed {seed}: {len(missing)} not offered {missing[:3]}, {len(extra)} wrongly offered {extra[:3]}"
    for slot in slots:
        if objections := oracle.objections(slot):
            return f"seed {seed}: {slot.start} {objections}"
    days = sorted({wallclock.local_date(start, case.zone) for start in expected})
    return None if search.days() == days else f"seed {seed}: days are {days}, not {search.days()}"


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
    def fill(seats: list[matching.Seat], together: Callable[[int, int], bool]) -> list[tuple[str, ...]] | None:
        chosen: list[tuple[str, ...]] = []
        for number, (candidates, quantity) in enumerate(seats):
            used = {unit for other, units in enumerate(chosen) if together(number, other) for unit in units}
            left = [unit for unit in candidates if unit not in used][:quantity]
            if len(left) < quantity:
                return None
            chosen.append(tuple(left))
        return chosen

    patch.setattr(matching, "fill", fill)


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
