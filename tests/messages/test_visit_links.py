"""Private links: a new one ends those before, and one that ended can be asked for again, by message alone."""

from __future__ import annotations

import psycopg
import pytest

from holdfast.booking import visitors
from holdfast.db.transact import Record
from holdfast.errors import LinkSpent
from holdfast.worker.run import WorkerSettings
from tests.clinic import CLIENT
from tests.messages.conftest import PUBLIC_URL, Office
from tests.messages.mailbox import Mailbox, part
from tests.worker.running import system_of, working


def token_in(text: str) -> str:
    (link,) = [word for word in text.split() if word.startswith(f"{PUBLIC_URL}/v/")]
    return link.rpartition("/")[2]


async def test_a_new_link_ends_those_before_and_messages_carry_one_that_works(
    settings: WorkerSettings, office: Office, mailbox: Mailbox, record: Record
) -> None:
    caller = system_of(office.clinic)
    async with working(settings):
        booked = office.clinic.book("laser", 0)
        (told,) = await mailbox.wait_for(1)
        mailed = token_in(part(told, "text/plain"))
        shown = await record.transact(caller, lambda tx: visitors.issue_link(tx, booked["id"]))
        for token in (mailed, shown):
            assert (await visitors.visit_of_link(record, token)).appointment_id == booked["id"]

        fresh = await record.transact(caller, lambda tx: visitors.replace_link(tx, booked["id"]))
        for token in (mailed, shown):
            with pytest.raises(LinkSpent):
                await visitors.visit_of_link(record, token)
        assert (await visitors.visit_of_link(record, fresh)).appointment_id == booked["id"]

        for _ in range(2):  # the second time is too soon
            await visitors.send_link(record, mailed)
        await visitors.send_link(record, "no link of ours")
        (message,) = await office.until_states("link", "sent")
        mail = (await mailbox.wait_for(2))[1]
    assert mail["To"] == CLIENT["email"]
    assert "somebody asked us" in part(mail, "text/plain")
    sent = token_in(part(mail, "text/plain"))
    assert sent not in (mailed, shown, fresh)
    assert (await visitors.visit_of_link(record, sent)).appointment_id == booked["id"]
    assert (await visitors.visit_of_link(record, fresh)).appointment_id == booked["id"], "asking ends nothing"
    assert message.body is not None
    assert sent not in message.body


async def test_an_expired_link_can_be_asked_for_and_a_moved_visit_keeps_its_own(
    office: Office, record: Record, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    caller = system_of(office.clinic)
    booked = office.clinic.book("laser", 0)
    token = await record.transact(caller, lambda tx: visitors.issue_link(tx, booked["id"]))
    admin.execute("update holdfast.visit_link set expires_at = now() - interval '1 second'")
    assert await visitors.visit_of_link(record, token), "the visit is still to come"
    admin.execute(
        "update holdfast.appointment"
        " set starts_at = starts_at - interval '900 days', ends_at = ends_at - interval '900 days'"
    )
    with pytest.raises(LinkSpent):
        await visitors.visit_of_link(record, token)
    await visitors.send_link(record, token)
    assert [one.state for one in await office.messages("link")] == ["pending"]


async def test_no_more_than_three_a_day(
    office: Office, record: Record, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    booked = office.clinic.book("laser", 0)
    token = await record.transact(system_of(office.clinic), lambda tx: visitors.issue_link(tx, booked["id"]))
    for _ in range(5):
        await visitors.send_link(record, token)
        admin.execute("update holdfast.message set created_at = created_at - interval '11 minutes' where kind = 'link'")
    assert len(await office.messages("link")) == 3
