"""However many resources there are, a search asks at most three times, and a hold only once when it is warm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from holdfast.availability import service as availability
from holdfast.booking import service as booking
from holdfast.db.transact import Record, Transaction
from holdfast.wallclock import day_start
from tests.rules.clinic import ZONE, Clinic, daily, next_monday, wall

T = TypeVar("T")
MONDAY = next_monday()


class Counted(Transaction):
    """A transaction that counts what it is asked."""

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx._connection, tx.scene)
        self.queries = 0

    async def tuples(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        self.queries += 1
        return await super().tuples(query, **parameters)

    async def value(self, query: str, **parameters: Any) -> Any:
        self.queries += 1
        return await super().value(query, **parameters)

    async def one(self, row_type: type[T], query: str, **parameters: Any) -> T | None:
        self.queries += 1
        return await super().one(row_type, query, **parameters)


async def count(clinic: Clinic, work: Callable[[Transaction], Awaitable[Any]]) -> int:
    async def counted(tx: Transaction) -> int:
        counting = Counted(tx)
        await work(counting)
        return counting.queries

    return await clinic.as_("widget", counted)


@pytest.mark.parametrize("providers", [1, 60])
@pytest.mark.parametrize("assign", ["preference", "round_robin"])
async def test_a_search_asks_at_most_three_times(record: Record, providers: int, assign: str) -> None:
    clinic = await Clinic.open(record)
    names = [f"p{number}" for number in range(providers)]
    for name in names:
        await clinic.resource(name)
    await clinic.pool("providers", names)
    await clinic.service("facial", 60, {"provider": {"pool": "providers"}})
    await clinic.run("select holdfast.set_organization_policy(%(a)s, 'earliest')", a=assign)
    first = day_start(MONDAY, ZONE)
    asked = clinic.asked("facial", first, first + timedelta(days=30), limit=50)

    def search(tx: Transaction) -> Awaitable[Any]:
        return availability.search(tx, asked, [asked.location])

    cold, warm = await count(clinic, search), await count(clinic, search)
    assert cold == (3 if assign == "round_robin" else 2)
    assert warm == cold - 1
    visit = clinic.visit("facial", wall(MONDAY, "10:00"))
    held = await count(clinic, lambda tx: booking.place_hold(tx, visit))
    assert held == (1 if assign == "preference" else 3)


@pytest.mark.parametrize("providers", [1, 100])
@pytest.mark.parametrize("assign", ["preference", "round_robin"])
async def test_every_question_asks_at_most_three_times(record: Record, providers: int, assign: str) -> None:
    """Where there is nothing far and wide, so that all of them have to look on; each for the first time."""
    clinic = await Clinic.open(record)
    names = [f"p{number}" for number in range(providers)]
    for name in names:
        await clinic.resource(name)
    await clinic.pool("providers", names)
    await clinic.service("facial", 60, {"provider": {"pool": "providers"}})
    await clinic.hours(daily("03:00", "03:20"))
    first = day_start(MONDAY, ZONE)
    asked = clinic.asked("facial", first, first + timedelta(days=1), limit=1)
    here = [asked.location]
    wanted = availability.Wanted(clinic.ids["facial"], clinic.ids["austin"], wall(MONDAY, "10:00"))
    questions: list[Callable[[Transaction], Awaitable[Any]]] = [
        lambda tx: availability.search(tx, asked, here),
        lambda tx: availability.next_available(tx, asked, here),
        lambda tx: availability.days_with_slots(tx, asked, here),
        lambda tx: availability.explain_start(tx, asked, wall(MONDAY, "10:00")),
        lambda tx: availability.explain_start(tx, asked, wall(next_monday(300), "10:00")),
        lambda tx: availability.alternatives(tx, wanted),
    ]
    counts = []
    for question in questions:
        # another version of the catalog, so that it has to be read anew
        await clinic.run("select holdfast.set_organization_policy(%(a)s, 'tight')", a=assign)
        await clinic.run("select holdfast.set_organization_policy(%(a)s, 'earliest')", a=assign)
        counts.append(await count(clinic, question))
    assert max(counts) <= 3, counts
    assert counts[0] == (3 if assign == "round_robin" else 2)
