"""Sending what endpoints are owed: in order for each subject, several subjects at a time, as often as it takes.

The delivery rows are the truth about what is owed. A job only says "look at this endpoint", so a lost or doubled job
loses and doubles nothing. No transaction is open while a receiver is waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from uuid import UUID

from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record
from holdfast.log.public import EventNames
from holdfast.webhooks.message import CONTENT_TYPE, USER_AGENT, message_body
from holdfast.webhooks.model import DueDelivery
from holdfast.webhooks.outbound import Answer, Outbound, Unreachable
from holdfast.webhooks.schedule import DELAYS_SECONDS, retry_in_seconds
from holdfast.webhooks.signing import SecretBox, WrongServerSecret, sign

QUERIES: Final = load_queries("holdfast.webhooks")
PAGE: Final = 200
SUBJECTS_AT_A_TIME: Final = 8  # requests under way to one endpoint
RESPONSE_KEPT: Final = 1024
GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went: ``delivered``, ``failed`` or ``gone``; ``cause`` says in plain words why not delivered."""

    outcome: str
    status: int | None
    cause: str | None
    response: str | None
    latency_ms: int
    retry_after_seconds: float | None = None


class Sender:
    """Works through what one endpoint is owed. ``record`` acts as the worker's role."""

    def __init__(
        self,
        record: Record,
        outbound: Outbound,
        box: SecretBox,
        names: EventNames,
        *,
        delays_seconds: Sequence[float] = DELAYS_SECONDS,
    ) -> None:
        self._record = record
        self._outbound = outbound
        self._box = box
        self._names = names
        self._delays_seconds = delays_seconds

    async def send_due(self, organization_id: UUID, endpoint_id: UUID) -> int:
        """Attempt everything that is due there now, page by page; how many attempts were made."""
        caller = Caller(organization_id, "system", "system")
        count, after = 0, 0
        while page := await self._page(caller, endpoint_id, after):
            subjects: defaultdict[UUID, list[DueDelivery]] = defaultdict(list)
            for due in page:
                subjects[due.subject_id].append(due)
            gate = asyncio.Semaphore(SUBJECTS_AT_A_TIME)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._send_in_order(gate, caller, endpoint_id, each))
                    for each in subjects.values()
                ]
            count += sum(task.result() for task in tasks)
            after = page[-1].event_id
        return count

    async def _page(self, caller: Caller, endpoint_id: UUID, after: int) -> list[DueDelivery]:
        return await self._record.transact(
            caller,
            lambda tx: tx.rows(
                DueDelivery, QUERIES["deliveries_due"], endpoint_id=endpoint_id, after=after, limit=PAGE
            ),
        )

    async def _send_in_order(
        self, gate: asyncio.Semaphore, caller: Caller, endpoint_id: UUID, deliveries: Sequence[DueDelivery]
    ) -> int:
        async with gate:
            for count, due in enumerate(deliveries, start=1):
                outcome = await self._attempt(caller.organization_id, endpoint_id, due)
                await self._write_down(caller, due, outcome)
                if outcome.outcome != "delivered":
                    return count
            return len(deliveries)

    async def _attempt(self, organization_id: UUID, endpoint_id: UUID, due: DueDelivery) -> Outcome:
        body = message_body(
            type=due.type,
            at=due.at,
            subject_id=due.subject_id,
            sequence=due.sequence,
            version=due.version,
            data=due.data,
        )
        begun = time.monotonic()
        try:
            headers = self._headers(organization_id, endpoint_id, due, body)
            return judge(await self._outbound.post(due.url, headers, body))
        except (Unreachable, WrongServerSecret) as error:
            return Outcome("failed", None, str(error), None, round((time.monotonic() - begun) * 1000))

    def _headers(self, organization_id: UUID, endpoint_id: UUID, due: DueDelivery, body: bytes) -> dict[str, str]:
        message_id, timestamp = self._names.event(organization_id, due.event_id), int(time.time())
        sealed = [due.secret] if due.previous_secret is None else [due.secret, due.previous_secret]
        return {
            "content-type": CONTENT_TYPE,
            "user-agent": USER_AGENT,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(
                [self._box.open(each, endpoint_id) for each in sealed], message_id, timestamp, body
            ),
        }

    async def _write_down(self, caller: Caller, due: DueDelivery, outcome: Outcome) -> None:
        retry = retry_in_seconds(due.attempts + 1, outcome.retry_after_seconds, delays=self._delays_seconds)
        await self._record.transact(
            caller,
            lambda tx: tx.run(
                QUERIES["record_attempt"],
                delivery_id=due.id,
                outcome=outcome.outcome,
                status=outcome.status,
                cause=outcome.cause,
                response=outcome.response,
                latency_ms=outcome.latency_ms,
                retry_in_seconds=retry,
            ),
        )


def judge(answer: Answer) -> Outcome:
    """What an answer means: any 2xx is success, 410 says never again, and a redirect is not followed."""
    kept = "".join(
        c if c.isprintable() or c == "\n" else "\ufffd" for c in answer.body[:RESPONSE_KEPT].decode("utf-8", "replace")
    )
    outcome, cause = "failed", f"Their server answered {answer.status}."
    if 200 <= answer.status < 300:
        return Outcome("delivered", answer.status, None, kept, answer.latency_ms)
    if answer.status == GONE:
        outcome, cause = "gone", "Their server answered 410: it wants no more of these."
    elif 300 <= answer.status < 400:
        cause = f"Their server answered {answer.status}, a redirect, which webhooks do not follow: correct the URL."
    elif answer.status == 429:
        cause = "Their server answered 429: it is being sent too much at once."
    elif answer.status in (401, 403):
        cause = f"Their server answered {answer.status}: it does not accept the signature, or bars us."
    elif answer.status >= 500:
        cause = f"Their server answered {answer.status}: something is broken there."
    return Outcome(
        outcome, answer.status, cause, kept, answer.latency_ms, _retry_after(answer.headers.get("retry-after"))
    )


def _retry_after(header: str | None) -> float | None:
    """Seconds, from seconds or an HTTP date (RFC 9110 section 10.2.3); None for anything else."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header.strip()[:9])
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
