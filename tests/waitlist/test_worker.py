"""The whole way: a cancellation at the desk, the relay, a job, and the offer is made; a lapse moves it on by itself."""

from __future__ import annotations

import asyncio

from holdfast.db.urls import DatabaseUrls
from holdfast.waitlist import service
from tests.waitlist.line import Line
from tests.webhooks.receiver import PATIENCE_SECONDS
from tests.worker.running import worker_settings, working


async def until_offered_to(line: Line, entry_id: object) -> service.Offer:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            offers = await line.record.transact(line.desk, lambda tx: service.list_offers(tx, limit=10, state="open"))
            if found := [offer for offer in offers if offer.entry_id == entry_id]:
                return found[0]
            await asyncio.sleep(0.02)


async def test_a_freed_time_finds_its_client_and_then_the_next(line: Line, database: DatabaseUrls) -> None:
    taken = line.clinic.book("facial", 0)
    first, second = await line.join(1, "facial"), await line.join(2, "facial")
    async with working(worker_settings(database)):
        line.clinic.desk("cancel", appointment_id=taken["id"], revision=None)
        offer = await until_offered_to(line, first.id)
        line.run_out(offer)
        offer = await until_offered_to(line, second.id)
        assert (await line.accept(offer)).client_name == "Client 2"
