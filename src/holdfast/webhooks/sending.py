"""Sending what endpoints are owed: in order for each subject, several subjects at a time, as often as it takes.

The delivery rows are the truth about what is owed. A job only says "look at this endpoint", so a lost or doubled job
loses and doubles nothing. No transaction is open while a receiver is waited for.

One receiver must not keep the others waiting: a turn begins no attempt after TURN_SECONDS, and none after one that had
no answer, or was told to come later. Then the endpoint as a whole is left in peace for a while, and one delivery tries.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from uuid import UUID

import structlog

from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record
from holdfast.log.public import EventNames
from holdfast.log.rush import Rush
from holdfast.webhooks.message import CONTENT_TYPE, USER_AGENT, message_of
from holdfast.webhooks.model import DueDelivery
from holdfast.webhooks.outbound import Answer, Outbound, Unreachable
from holdfast.webhooks.schedule import DELAYS_SECONDS, pause_seconds, retry_in_seconds
from holdfast.webhooks.signing import SecretBox, WrongServerSecret, sign

QUERIES: Final = load_queries("holdfast.webhooks")
PAGE: Final = 200
SUBJECTS_AT_A_TIME: Final = 8  # requests under way to one endpoint
TURN_SECONDS: Final = 5.0
TURN_ATTEMPTS_MIN: Final = 100  # a receiver that takes fewer in a whole turn is slow
RESPONSE_KEPT: Final = 1024
HEADERS_KEPT: Final = 20
NAME_KEPT, VALUE_KEPT = 60, 120  # characters of each; all of them, escaped, are fewer than the record takes
UNEXPECTED: Final = "It could not be sent, by a fault of Holdfast's own: its log says more."
GONE: Final = 410
TOO_MANY: Final = 429
UNAVAILABLE: Final = 503

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went: ``delivered``, ``failed`` or ``gone``; ``cause`` says in plain words why not delivered.

    ``closed``: the endpoint as a whole does not answer, or wants no more for now.
    """

    outcome: str
    status: int | None
    cause: str | None
    response: str | None
    latency_ms: int
    retry_after_seconds: float | None = None
    response_headers: Mapping[str, str] | None = None
    closed: bool = False


@dataclass(slots=True)
class Turn:
    """One look at an endpoint. ``unfinished``: time was up, and more may be due. ``closed``: see Outcome.

    ``rested``: it left the machine to bookings, which is no slowness of the endpoint's.
    """

    ends_at: float
    attempts: int = 0
    unfinished: bool = False
    closed: bool = False
    rested: bool = False
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SUBJECTS_AT_A_TIME))

    @property
    def is_slow(self) -> bool:
        """Whether it kept its slot for longer than work takes: what was under way at the end went on for long."""
        return self.closed or (self.unfinished and not self.rested and self.attempts < TURN_ATTEMPTS_MIN)

    @property
    def is_over(self) -> bool:
        """Whether another attempt may not begin."""
        self.unfinished = self.unfinished or time.monotonic() >= self.ends_at
        return self.closed or self.unfinished


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
        turn_seconds: float = TURN_SECONDS,
        rush: Rush | None = None,
    ) -> None:
        self._record = record
        self._outbound = outbound
        self._box = box
        self._names = names
        self._delays_seconds = delays_seconds
        self._turn_seconds = turn_seconds
        self._rush = rush or Rush()

    async def send_due(self, organization_id: UUID, endpoint_id: UUID) -> Turn:
        """Attempt what is due there now, page by page, as long as a turn lasts."""
        caller = Caller(organization_id, "system", "system")
        turn, after = Turn(time.monotonic() + self._turn_seconds), 0
        while not turn.is_over and (page := await self._page(caller, endpoint_id, after)):
            subjects: defaultdict[UUID, list[DueDelivery]] = defaultdict(list)
            for due in page:
                subjects[due.subject_id].append(due)
            async with asyncio.TaskGroup() as group:
                for each in subjects.values():
                    group.create_task(self._send_in_order(turn, caller, endpoint_id, each))
            after = page[-1].event_id
        return turn

    async def _page(self, caller: Caller, endpoint_id: UUID, after: int) -> list[DueDelivery]:
        return await self._record.transact(
            caller,
            lambda tx: tx.rows(
                DueDelivery, QUERIES["deliveries_due"], endpoint_id=endpoint_id, after=after, limit=PAGE
            ),
        )

    async def _send_in_order(
        self, turn: Turn, caller: Caller, endpoint_id: UUID, deliveries: Sequence[DueDelivery]
    ) -> None:
        async with turn.gate:
            for due in deliveries:
                if turn.is_over:
                    return
                headers: dict[str, str] = {}
                begun = time.monotonic()
                outcome = await self._attempt(caller.organization_id, endpoint_id, due, headers)
                turn.attempts += 1
                turn.closed = turn.closed or outcome.closed
                await self._write_down(caller, due, outcome, headers)
                if outcome.outcome != "delivered":
                    return
                turn.rested = turn.rested or self._rush.is_on
                await self._rush.let_pass(time.monotonic() - begun)

    async def _attempt(
        self, organization_id: UUID, endpoint_id: UUID, due: DueDelivery, headers: dict[str, str]
    ) -> Outcome:
        """Try it once; ``headers`` are filled with those that were sent. It never raises: an attempt is counted."""
        begun = time.monotonic()
        try:
            body = message_of(due)
            headers |= self._headers(organization_id, endpoint_id, due, body)
            return judge(await self._outbound.post(due.url, headers, body))
        except Unreachable as error:
            return Outcome("failed", None, str(error), None, _since(begun), closed=True)
        except WrongServerSecret as error:
            return Outcome("failed", None, str(error), None, _since(begun))
        except Exception as error:  # whatever it is, a delivery that is never counted would be tried for ever
            logger.exception("webhook_attempt_failed", delivery=str(due.id), error=type(error).__name__)
            return Outcome("failed", None, UNEXPECTED, None, _since(begun))

    def _headers(self, organization_id: UUID, endpoint_id: UUID, due: DueDelivery, body: bytes) -> dict[str, str]:
        message_id, timestamp = self._names.event(organization_id, due.event_id, due.epoch), int(time.time())
        return {
            "content-type": CONTENT_TYPE,
            "user-agent": USER_AGENT,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(
                [self._box.open(each, endpoint_id) for each in due.secrets], message_id, timestamp, body
            ),
        }

    async def _write_down(self, caller: Caller, due: DueDelivery, outcome: Outcome, headers: Mapping[str, str]) -> None:
        attempts, asked = due.attempts + 1, outcome.retry_after_seconds
        retry = retry_in_seconds(attempts, asked, delays=self._delays_seconds)
        pause = pause_seconds(asked, delays=self._delays_seconds) if outcome.closed else None
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
                pause_seconds=pause,
                request_headers=json.dumps(dict(headers)),
                response_headers=None if outcome.response_headers is None else json.dumps(outcome.response_headers),
            ),
        )


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


def judge(answer: Answer) -> Outcome:
    """What an answer means: any 2xx is success, 410 says never again, and a redirect is not followed."""
    kept = _printable(answer.body[:RESPONSE_KEPT].decode("utf-8", "replace"))
    outcome, cause = "failed", f"Their server answered {answer.status}."
    if 200 <= answer.status < 300:
        return Outcome(
            "delivered", answer.status, None, kept, answer.latency_ms, response_headers=_kept(answer.headers)
        )
    if answer.status == GONE:
        outcome, cause = "gone", "Their server answered 410: it wants no more of these."
    elif 300 <= answer.status < 400:
        cause = f"Their server answered {answer.status}, a redirect, which webhooks do not follow: correct the URL."
    elif answer.status == TOO_MANY:
        cause = "Their server answered 429: it is being sent too much at once."
    elif answer.status in (401, 403):
        cause = f"Their server answered {answer.status}: it does not accept the signature, or bars us."
    elif answer.status >= 500:
        cause = f"Their server answered {answer.status}: something is broken there."
    asked = _retry_after(answer.headers.get("retry-after"))
    return Outcome(
        outcome,
        answer.status,
        cause,
        kept,
        answer.latency_ms,
        asked,
        response_headers=_kept(answer.headers),
        closed=answer.status in (TOO_MANY, UNAVAILABLE) or asked is not None,
    )


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The answer's headers for whoever looks into it, without what may be a secret of theirs."""
    told = [(name, value) for name, value in headers.items() if name not in ("set-cookie", "www-authenticate")]
    return {_printable(name)[:NAME_KEPT]: _printable(value)[:VALUE_KEPT] for name, value in told[:HEADERS_KEPT]}


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def _retry_after(header: str | None) -> float | None:
    """Seconds, from seconds or an HTTP date (RFC 9110 section 10.2.3); None for anything else."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header.strip()[:9])
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
