"""Holdfast itself, over HTTP, as any of its surfaces would ask.

Built on ``http.client``, one keep-alive connection a client. It costs 0.15 ms of CPU a request where httpx costs 0.63
(both measured on one core of a small machine): on a machine shared with the server, the richer client would measure
itself. What a run cost is printed with it.

Each POST carries an Idempotency-Key, so a request whose answer was lost, or that met a busy server, is sent again
without the danger of a second hold.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from holdfast.db.blocking import BlockingConnection
from holdfast.errors import Busy, Invalid, SetupRefused, Unauthorized
from holdfast.insight.storm.arena import HELD, STOPPED, Outcome, Result
from holdfast.insight.storm.independent_check import OVERLAPS_SQL, Claim, rows_without_index
from holdfast.insight.storm.plan import Ask, Attempt, HotSlot

_ANSWER_WITHIN_SECONDS = 15
_TRIES = 3
_LONGEST_WAIT_SECONDS = 2.0
# Tomorrow onwards, so that no slot slides into the past during a run; far enough to find free time in a full week.
_FIRST_DAY, _LAST_DAY = 1, 15


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class Grant:
    """A 201: what this attempt was told that it holds, and until when."""

    hold_id: str
    attempt: int
    expires_at: datetime
    claims: tuple[Claim, ...]


class Api:
    """One keep-alive connection to one Holdfast, for one thread."""

    def __init__(self, url: str, key: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # a port beyond 65535, half of an IPv6 address
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid(f"{url!r} is not the address of a Holdfast: one looks like http://127.0.0.1:8000.")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, port, timeout=_ANSWER_WITHIN_SECONDS)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request, one answer. Raises OSError or HTTPException when there is none; the next call reconnects."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self._connection.request(method, self._prefix + path, body, self._headers | given)
            return _answer(self._connection.getresponse())
        except (OSError, HTTPException):
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()


def _answer(response: HTTPResponse) -> Answer:
    text = response.read()
    try:
        body = json.loads(text) if text else {}
    except ValueError:
        body = {}
    wait = response.headers.get("Retry-After", "")
    return Answer(response.status, body if isinstance(body, dict) else {}, float(wait) if wait.isdigit() else 1.0)


class HttpArena:
    """A running Holdfast. Holds taken in the storm stay until ``release``."""

    name = "holdfast"

    def __init__(self, url: str, key: str, database_url: str = "") -> None:
        """``database_url``: the record behind it, as its owner, for the check by SQL; without it there is none."""
        self._url = url
        self._key = key
        self._database_url = database_url
        self._stopped = threading.Event()
        self._grants: list[Grant] = []
        # Not from the seed: the second storm with the same seed must not be answered with the holds of the first.
        self._run = secrets.token_hex(8)

    def open_target(self) -> HttpTarget:
        return HttpTarget(Api(self._url, self._key), self._run, self._stopped, self._grants)

    def interrupt(self) -> None:
        """Requests under way are waited for: an answer unread would be a hold that nobody releases."""
        self._stopped.set()

    def claims(self) -> Sequence[Claim]:
        """The union of the claims in all answers, but for holds that have expired since: those no longer stand."""
        return [claim for grant in self._grants if grant.expires_at > datetime.now(UTC) for claim in grant.claims]

    def overlaps_by_sql(self) -> int | None:
        """Over the whole record, the storm's holds among the rest."""
        if not self._database_url:
            return None
        connection = BlockingConnection(self._database_url, application_name="holdfast storm", search_path="holdfast")
        try:
            return len(rows_without_index(connection, OVERLAPS_SQL))
        finally:
            connection.close()

    def release(self) -> int:
        """Give back every hold that the storm got; returns how many were given back. Raises Busy when it cannot."""
        api = Api(self._url, self._key)
        try:
            answers = [api.send("DELETE", f"/v1/holds/{grant.hold_id}") for grant in self._grants]
        except (OSError, HTTPException) as error:
            raise Busy(f"The storm's holds could not all be released ({error}); they expire by themselves.") from error
        finally:
            api.close()
        return sum(answer.status < 300 for answer in answers)


class HttpTarget:
    def __init__(self, api: Api, run: str, stopped: threading.Event, grants: list[Grant]) -> None:
        self._api = api
        self._run = run
        self._stopped = stopped
        self._grants = grants

    def attempt(self, attempt: Attempt) -> Outcome:
        body = _body(attempt)
        headers = {"Content_Type": "application/json", "Idempotency_Key": f"storm-{self._run}-{attempt.number}"}
        outcome = Outcome(Result.FAILED, "no-answer")
        for retries in range(_TRIES):
            wait = 0.0
            try:
                answer = self._api.send("POST", "/v1/holds", body, **headers)
            except (OSError, HTTPException) as error:
                outcome = Outcome(Result.FAILED, type(error).__name__, retries)
            else:
                outcome = self._judge(attempt, answer, retries)
                if answer.status != 503:
                    return outcome
                wait = min(answer.retry_after_seconds, _LONGEST_WAIT_SECONDS)
            if self._stopped.wait(wait):
                return STOPPED
        return outcome

    def _judge(self, attempt: Attempt, answer: Answer, retries: int) -> Outcome:
        if answer.status == 201:
            try:
                self._grants.append(_grant(attempt, answer.body))
            except (KeyError, TypeError, ValueError):
                return Outcome(Result.FAILED, "unreadable-201", retries)
            return Outcome(Result.HELD, retries=retries) if retries else HELD
        # RFC 9457: the last part of the problem's type is its stable name.
        named = str(answer.body.get("type", "")).rstrip("/").rsplit("/", 1)[-1]
        if answer.status == 503 or 400 <= answer.status < 500:
            return Outcome(Result.REFUSED, named or f"http-{answer.status}", retries)
        return Outcome(Result.FAILED, f"http-{answer.status}", retries)

    def close(self) -> None:
        self._api.close()


def _body(attempt: Attempt) -> bytes:
    ask = attempt.ask
    return json.dumps(
        {
            "service": ask.service,
            "start": ask.start.isoformat(),
            "location": ask.location,
            "resources": dict(ask.resources),
            "surface": attempt.surface,
        }
    ).encode()


def _grant(attempt: Attempt, body: dict[str, Any]) -> Grant:
    claims = tuple(
        Claim(str(claim["unit"]), _instant(claim["start"]), _instant(claim["end"]), str(attempt.number))
        for claim in body["claims"]
    )
    return Grant(str(body["id"]), attempt.number, _instant(body["expires_at"]), claims)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return at


def discover_slots(url: str, key: str, *, count: int, resources: int) -> list[HotSlot]:
    """Up to ``count`` hot slots out of what this Holdfast offers in the two weeks from tomorrow.

    Services that need ``resources`` resources at once come first; no two slots share a resource at the same time.
    Raises Unauthorized, SetupRefused (no Holdfast at this address).
    """
    api = Api(url, key)
    try:
        asks = [ask for group in _offers(api) for ask in group]
    except (OSError, HTTPException) as error:
        raise SetupRefused(
            f"There is no Holdfast at {url} ({error}). Start one with: holdfast serve, or storm a database of its own "
            "by leaving --url out."
        ) from error
    finally:
        api.close()
    asks.sort(key=lambda ask: (len(ask.resources) != resources, -len(ask.resources), ask.start))
    return _hot_slots(asks, count)


def _offers(api: Api) -> Iterator[list[Ask]]:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    window = {
        "from": (today + timedelta(days=_FIRST_DAY)).isoformat(),
        "to": (today + timedelta(days=_LAST_DAY)).isoformat(),
    }
    locations = _get(api, "/v1/locations")["items"]
    for service in _get(api, "/v1/services")["items"]:
        for location in locations:
            query = {"service": service["id"], "location": location["id"], **window}
            offered = _get(api, f"/v1/availability?{urlencode(query)}")
            yield [_ask(service["id"], location["id"], slot) for slot in offered["slots"]]


def _get(api: Api, path: str) -> dict[str, Any]:
    answer = api.send("GET", path)
    if answer.status in (401, 403):
        raise Unauthorized("This key may not read what can be booked: give the storm a key with --key.")
    # A service that is not sold at a location is no error of the storm's.
    if answer.status in (404, 422):
        return {"items": [], "slots": []}
    if answer.status != 200:
        raise HTTPException(f"GET {path} was answered with {answer.status}")
    return answer.body


def _ask(service: str, location: str, slot: dict[str, Any]) -> Ask:
    start, end = _instant(slot["start"]), _instant(slot["end"])
    named = tuple((str(role["role"]), str(role["resource"])) for role in slot["resources"])
    return Ask(service, location, start, int((end - start) / timedelta(minutes=1)), named)


def _hot_slots(asks: Sequence[Ask], count: int) -> list[HotSlot]:
    """Gather asks into slots: the first ask of a slot, and those for the same service, people and things that start
    during its first half. What touches a slot's resources at another moment is left alone."""
    slots: list[list[Ask]] = []
    for ask in asks:
        home = next((slot for slot in slots if _fights(slot[0], ask)), None)
        if home is not None:
            home.append(ask)
        elif len(slots) < count and not any(_touches(slot[0], ask) for slot in slots):
            slots.append([ask])
    return [HotSlot(tuple(slot)) for slot in slots]


def _fights(first: Ask, other: Ask) -> bool:
    half = timedelta(minutes=first.length_minutes / 2)
    return (other.service, other.location, set(other.resources)) == (
        first.service,
        first.location,
        set(first.resources),
    ) and first.start <= other.start < first.start + half


def _touches(first: Ask, other: Ask) -> bool:
    # Buffers are not in an offer: keep a visit's length of distance.
    apart = timedelta(minutes=2 * max(first.length_minutes, other.length_minutes))
    shared = {resource for _, resource in first.resources} & {resource for _, resource in other.resources}
    return bool(shared) and abs(first.start - other.start) < apart
