"""R5: a request that is sent again, at once or after its connection broke, has one effect and one answer (I4)."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic, at, call, open_clinic, refusal, requires

REQUESTS = int(os.environ.get("HOLDFAST_R5_REQUESTS", "150"))  # logical ones, of each of three organizations
SEED = int(os.environ.get("HOLDFAST_SEED", "20261101"))
THREADS = 8
PATIENCE_SECONDS = 60
IN_PROGRESS = "request_is_not_in_progress"  # a twin of it is
ROUTE = "POST /v1/appointments"


class Cut(Exception):
    """The connection broke."""


@pytest.fixture
def clinics(app: psycopg.Connection[Any]) -> list[Clinic]:
    """Three organizations that use the same keys for the same things."""
    opened = [open_clinic(app, f"clinic-{n}") for n in range(3)]
    for clinic in opened:
        clinic.resource("bed")
        clinic.pool("beds", ["bed"])
        clinic.service("visit", 10, requires("bed", "beds", (0, 10)))
    return opened


def book_once(connection: psycopg.Connection[Any], clinic: Clinic, number: int, cut: str = "") -> bytes:
    """The request as the server does it: the key first, then the command, then the answer, in one transaction."""
    with connection.transaction():
        clinic_says(connection, clinic)
        stored = call(connection, "begin_idempotent", route=ROUTE, key=f"key-{number}", request_hash=b"%d" % number)
        if stored:
            return bytes(stored[0]["body"])
        body = book(connection, clinic, number)
        keep(connection, number, body)
        if cut == "before":
            raise Cut
    if cut == "after":
        raise Cut
    return body


def ask(
    connection: psycopg.Connection[Any], clinic: Clinic, key: str, request_hash: bytes, *, and_book: int | None = None
) -> list[dict[str, Any]]:
    """What is stored for a key; with ``and_book`` the command follows in the same transaction."""
    with connection.transaction():
        clinic_says(connection, clinic)
        stored = call(connection, "begin_idempotent", route=ROUTE, key=key, request_hash=request_hash)
        if and_book is not None:
            book(connection, clinic, and_book)
        return stored


def clinic_says(connection: psycopg.Connection[Any], clinic: Clinic) -> None:
    connection.execute("select holdfast.act_as(%s, 'key_shared', 'api')", (clinic.organization_id,))


def book(connection: psycopg.Connection[Any], clinic: Clinic, number: int) -> bytes:
    (row,) = call(connection, "book", service_id=clinic.services["visit"], location_id=clinic.location_id,
                  start=at(number * 10), client={"name": "Ada Byron"})  # fmt: skip
    return json.dumps({"id": str(row["id"]), "code": row["confirmation_code"]}).encode()


def keep(connection: psycopg.Connection[Any], number: int, body: bytes) -> None:
    call(connection, "store_answer", route=ROUTE, key=f"key-{number}", request_hash=b"%d" % number, status=201,
         headers={}, body=body)  # fmt: skip


Send = Callable[[psycopg.Connection[Any], Clinic, int, str], bytes]


def send_everything(
    database: DatabaseUrls, clinics: list[Clinic], send: Send
) -> tuple[dict[tuple[int, int], set[bytes]], Counter[str]]:
    """Every request 1 to 5 times, many at once, a fifth with its connection cut; who was answered what, and errors."""
    dice = random.Random(SEED)
    sends = [
        (which, number, "" if dice.random() < 0.8 else dice.choice(["before", "after"]))
        for which in range(3)
        for number in range(REQUESTS)
        for _ in range(dice.randint(1, 5))
    ]
    dice.shuffle(sends)
    # the last one of each is not cut
    sends += [(which, number, "") for which in range(3) for number in range(REQUESTS)]
    answers: dict[tuple[int, int], set[bytes]] = {}
    errors: Counter[str] = Counter()

    def work(mine: list[tuple[int, int, str]]) -> None:
        with psycopg.connect(database.app, autocommit=True) as connection:
            for which, number, cut in mine:
                give_up_at = time.monotonic() + PATIENCE_SECONDS
                # a client asks again while a twin is being worked on, which another thread may be slow to do
                while one_send(connection, which, number, cut) == IN_PROGRESS:
                    assert time.monotonic() < give_up_at, "the twin never ended"

    def one_send(connection: psycopg.Connection[Any], which: int, number: int, cut: str) -> str:
        """The rule or the SQLSTATE that it was refused by; nothing of a request that was answered, or cut."""
        try:
            body = send(connection, clinics[which], number, cut)
        except Cut:
            return ""
        except psycopg.Error as error:
            refused = refusal(error)
            why = refused.rule if refused else str(error.sqlstate)
            errors[why] += 1
            return why
        answers.setdefault((which, number), set()).add(body)
        return ""

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, [sends[n::THREADS] for n in range(THREADS)]))
    return answers, errors


def effects(admin: psycopg.Connection[Any]) -> Counter[tuple[UUID, str]]:
    rows = admin.execute("select organization_id, starts_at::text from holdfast.appointment")
    return Counter((organization_id, start) for organization_id, start in rows)


def test_every_request_has_one_effect_and_one_answer(
    database: DatabaseUrls, clinics: list[Clinic], admin: psycopg.Connection[Any]
) -> None:
    answers, errors = send_everything(database, clinics, book_once)
    assert errors.keys() <= {IN_PROGRESS}, f"seed {SEED}"
    assert set(effects(admin).values()) == {1}
    assert len(effects(admin)) == 3 * REQUESTS
    assert {len(bodies) for bodies in answers.values()} == {1}, "answered byte for byte the same"
    assert len({body for bodies in answers.values() for body in bodies}) == 3 * REQUESTS, "and nobody else's"


def test_the_same_key_with_another_request_is_refused(app: psycopg.Connection[Any], clinics: list[Clinic]) -> None:
    book_once(app, clinics[0], 1)
    with pytest.raises(psycopg.Error) as error:
        ask(app, clinics[0], "key-1", b"another")
    refused = refusal(error.value)
    assert refused is not None
    assert refused.rule == "idempotency_key_is_for_this_request"


def test_a_refusal_keeps_no_answer(app: psycopg.Connection[Any], clinics: list[Clinic]) -> None:
    """It had no effect, so asking again asks anew."""
    book_once(app, clinics[0], 1)
    visit = clinics[0].desk.read("select id from holdfast.appointment")[0]["id"]
    assert ask(app, clinics[0], "other", b"x") == []
    with pytest.raises(psycopg.Error):
        ask(app, clinics[0], "other", b"x", and_book=1)
    clinics[0].desk("cancel", appointment_id=visit, revision=None)
    assert ask(app, clinics[0], "other", b"x", and_book=1) == []
    assert len(clinics[0].desk.read("select from holdfast.appointment where state = 'confirmed'")) == 1


def test_control_an_answer_kept_in_a_second_transaction_comes_too_late(
    database: DatabaseUrls, clinics: list[Clinic], admin: psycopg.Connection[Any]
) -> None:
    def book_and_keep_later(connection: psycopg.Connection[Any], clinic: Clinic, number: int, cut: str) -> bytes:
        with connection.transaction():
            clinic_says(connection, clinic)
            stored = call(connection, "begin_idempotent", route=ROUTE, key=f"key-{number}", request_hash=b"%d" % number)
            if stored:
                return bytes(stored[0]["body"])
            body = book(connection, clinic, number)
        if cut:
            raise Cut
        with connection.transaction():
            clinic_says(connection, clinic)
            keep(connection, number, body)
        return body

    _, errors = send_everything(database, clinics, book_and_keep_later)
    # the guard still holds: what was a second booking elsewhere is a refusal of one's own booking here
    assert errors["slot_is_free"] > 0


def test_control_without_the_organization_an_answer_goes_astray(
    database: DatabaseUrls, clinics: list[Clinic], admin: psycopg.Connection[Any]
) -> None:
    row = admin.execute("select pg_get_functiondef('holdfast.begin_idempotent'::regproc)").fetchone()
    assert row is not None
    astray = row[0].replace("where organization_id = current_organization() and actor", "where actor")
    assert astray != row[0]
    admin.execute(astray)
    answers, _ = send_everything(database, clinics, book_once)
    assert len({body for bodies in answers.values() for body in bodies}) < 3 * REQUESTS
