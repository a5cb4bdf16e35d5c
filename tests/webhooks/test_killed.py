"""A worker that is killed at any moment, again and again: nothing is lost, and whatever is repeated can be told."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Any

import psycopg
import pytest

from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.ids import public_id
from holdfast.messages.carriers import MessageSettings
from tests.clinic import Clinic
from tests.messages.mailbox import Mailbox, mail_server
from tests.webhooks.receiver import Received, Receiver, listening
from tests.webhooks.test_delivery import until
from tests.worker.running import LEASE_SECONDS, endpoint_for, missed, worker_process, worker_settings, working

SEED = 20270306
ROUNDS = 3
BOOKED = 3  # a round

# What a sender would do that writes down first and sends then: at most once.
MARK_FIRST = """
from holdfast.webhooks.sending import Outcome, Sender
attempt, write_down = Sender._attempt, Sender._write_down
async def first(self, organization_id, endpoint_id, due, headers):
    from holdfast.db.transact import Caller
    done = Outcome("delivered", 204, None, "", 0)
    await write_down(self, Caller(organization_id, "system", "system"), due, done, {})
    return await attempt(self, organization_id, endpoint_id, due, headers)
Sender._attempt = first
"""


@dataclass
class Ledger:
    """What the other side has taken. What it had in hand when the worker died it never took."""

    webhooks: list[Received] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    lost_in_hand: set[int] = field(default_factory=set)

    def take_webhook(self, got: Received) -> tuple[int, dict[str, str]]:
        if id(got) not in self.lost_in_hand:
            self.webhooks.append(got)
        return 204, {}

    def take_mail(self, mail: EmailMessage) -> str:
        if id(mail) not in self.lost_in_hand:
            self.mails.append(mail)
        return "250 taken"

    @property
    def told(self) -> set[str]:
        return {one.json["data"]["id"] for one in self.webhooks}


@dataclass
class Chain:
    """From the booking to a receiver and a mail server, with a worker that lives as long as ``kill_when`` says."""

    spa: Clinic
    admin: psycopg.Connection[Any]
    receiver: Receiver
    mailbox: Mailbox
    ledger: Ledger
    booked: list[str] = field(default_factory=list)

    def book(self) -> None:
        for _ in range(BOOKED):
            booked = self.spa.book("consult", 30 * len(self.booked), client=self._client())
            self.booked.append(public_id("appointment", booked["id"]))

    def _client(self) -> dict[str, str]:
        number = len(self.booked)
        return {"name": f"Client {number}", "email": f"client{number}@example.org"}

    def shut(self, *, shut: bool) -> None:
        """While they are shut, both have what comes and say nothing."""
        for gate in (self.receiver.gate, self.mailbox.gate):
            (gate.clear if shut else gate.set)()

    def died(self) -> None:
        taken = {id(one) for one in (*self.ledger.webhooks, *self.ledger.mails)}
        self.ledger.lost_in_hand |= {id(one) for one in (*self.receiver.received, *self.mailbox.received)} - taken

    def moments(self) -> dict[str, Callable[[], bool]]:
        """What may have happened when it is killed, counted from now."""
        webhooks, mails, position = len(self.receiver.received), len(self.mailbox.received), self._handed_on()
        return {
            "the relay has handed on": lambda: self._handed_on() > position,
            "a webhook has arrived": lambda: len(self.receiver.received) > webhooks,
            "a mail has arrived": lambda: len(self.mailbox.received) > mails,
            "all webhooks have arrived": lambda: len(self.receiver.received) >= webhooks + BOOKED,
        }

    def _handed_on(self) -> int:
        (event_id,) = self.admin.execute("select event_id from holdfast.relay_position").fetchone() or (0,)
        return int(event_id)


@pytest.mark.parametrize("prelude", ["", MARK_FIRST], ids=["as it is", "the control: marked before it is sent"])
async def test_killed_again_and_again(
    database: DatabaseUrls, record: Record, spa: Clinic, admin: psycopg.Connection[Any], prelude: str
) -> None:
    chance = random.Random(SEED)
    ledger, lived = Ledger(), [f"seed {SEED}"]
    spa.desk("set_message_policy", policy={"quiet_from": "00:00", "quiet_until": "00:00"})
    async with listening() as receiver, mail_server() as mailbox:
        receiver.answer, mailbox.answer = ledger.take_webhook, ledger.take_mail
        await endpoint_for(record, spa, receiver.url, "appointment.booked")
        settings = replace(
            worker_settings(database, receiver, delays_seconds=(0.05,) * 10),
            messages=MessageSettings(
                smtp_url=mailbox.url,
                mail_from="visits@spa.example",
                lease_seconds=LEASE_SECONDS,
                delays_seconds=(0.05,) * 10,
            ),
        )
        chain = Chain(spa, admin, receiver, mailbox, ledger)
        for number in range(1 if prelude else ROUNDS):
            chain.book()
            chain.shut(shut=number == 0 or chance.random() < 0.5)
            moments = chain.moments()
            name = "a webhook has arrived" if number == 0 else chance.choice(sorted(moments))
            lived.append(f"killed when {name}")
            async with worker_process(settings, prelude) as doomed:

                async def is_time(reached: Callable[[], bool] = moments[name]) -> bool:
                    return reached()

                await until(is_time)
                doomed.kill()
                await doomed.wait()
            missed(admin)
            chain.died()
        chain.shut(shut=False)
        async with working(settings):

            async def all_is_settled() -> bool:
                owed = admin.execute(
                    "select (select count(*) from holdfast.delivery where state = 'pending')"
                    " + (select count(*) from holdfast.message where kind = 'confirmation' and state = 'pending')"
                ).fetchone()
                planned = admin.execute("select count(*) from holdfast.message where kind = 'confirmation'").fetchone()
                due = admin.execute("select count(*) from holdfast.delivery").fetchone()
                return owed == (0,) and planned == due == (len(chain.booked),)

            await until(all_is_settled)
    if prelude:
        assert set(chain.booked) - ledger.told, "marked as sent, and never taken: lost"
        return
    assert ledger.told == set(chain.booked), lived
    assert len({one.id for one in ledger.webhooks}) == len(chain.booked), "a repeat has the id of the first"
    assert len({mail["Message-ID"] for mail in ledger.mails}) == len(chain.booked)
    assert {mail["To"] for mail in ledger.mails} == {
        f"client{number}@example.org" for number in range(len(chain.booked))
    }
