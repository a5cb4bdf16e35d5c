"""Staff: sessions end by the database's clock, a lost phone has a way back, and changes take what proves a person."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pyotp
import pytest

from holdfast.access import staff as people
from holdfast.access.service import create_organization
from holdfast.access.staff import Doorkeeper, NewSession, Proof, SignedIn, authenticate_session
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import Invalid, SignInRefused, StateRefused

PASSWORD = "correct horse battery"
EMAIL = "ada@example.org"
HERE = "192.0.2.7"


@pytest.fixture
async def door(record: Record) -> Caller:
    return Caller(await create_organization(record, slug="luz", name="Luz"), "system", "desk")


@pytest.fixture
async def keeper(record: Record, door: Caller) -> Doorkeeper:
    """Of a business with one owner, who has a password."""

    async def work(tx: Transaction) -> None:
        owner = await people.create_first_owner(tx, email=EMAIL, name="Ada")
        await people.set_password(tx, owner, PASSWORD)

    await record.transact(door, work)
    return Doorkeeper(record, b"a secret of thirty-two bytes ...")


async def sign_in(keeper: Doorkeeper, door: Caller) -> NewSession:
    return await keeper.sign_in(door.organization_id, EMAIL, PASSWORD, HERE)


async def who(record: Record, session: NewSession, *, used: bool = False) -> SignedIn:
    found = await authenticate_session(record, session.token, used=used)
    assert found is not None
    return found


async def with_second_factor(keeper: Doorkeeper, record: Record, door: Caller) -> tuple[SignedIn, str, list[str]]:
    """Signed in, with an authenticator app and recovery codes."""
    secret = people.new_totp_secret()
    staff = await who(record, await sign_in(keeper, door))
    session, codes = await keeper.set_up_totp(staff, PASSWORD, secret, pyotp.TOTP(secret).now(), HERE)
    return await who(record, session), secret, codes


def later(admin: psycopg.Connection[Any], interval: str) -> None:
    """So much time passes for every session."""
    admin.execute(
        "update holdfast.staff_session set seen_at = seen_at - %(by)s::interval,"
        " expires_at = expires_at - %(by)s::interval", {"by": interval},
    )  # fmt: skip


async def test_looking_does_not_prolong_a_session_and_using_does(
    record: Record, keeper: Doorkeeper, door: Caller, admin: psycopg.Connection[Any]
) -> None:
    session = await sign_in(keeper, door)
    assert 890 <= (await who(record, session)).seconds_left <= 900
    later(admin, "10 minutes")
    assert 290 <= (await who(record, session)).seconds_left <= 300, "a look changes nothing"
    assert 890 <= (await who(record, session, used=True)).seconds_left <= 900
    later(admin, "14 minutes 50 seconds")
    assert (await who(record, session)).seconds_left <= 10
    later(admin, "11 seconds")
    assert await authenticate_session(record, session.token) is None


async def test_a_session_ends_after_twelve_hours_however_busy(
    record: Record, keeper: Doorkeeper, door: Caller, admin: psycopg.Connection[Any]
) -> None:
    session = await sign_in(keeper, door)
    admin.execute("update holdfast.staff_session set expires_at = holdfast.clock() + interval '100 seconds'")
    staff = await who(record, session, used=True)
    assert 95 <= staff.seconds_left <= 100
    assert staff.seconds_left == staff.seconds_most
    admin.execute("update holdfast.staff_session set expires_at = holdfast.clock()")
    assert await authenticate_session(record, session.token) is None


async def test_there_is_one_first_owner(record: Record, keeper: Doorkeeper, door: Caller) -> None:
    with pytest.raises(StateRefused, match="Somebody is on the staff already"):
        await record.transact(door, lambda tx: people.create_first_owner(tx, email="eve@example.org", name="Eve"))


async def test_a_recovery_code_stands_in_for_the_phone_once(record: Record, keeper: Doorkeeper, door: Caller) -> None:
    staff, _, codes = await with_second_factor(keeper, record, door)
    assert len(set(codes)) == people.RECOVERY_CODES
    half = await sign_in(keeper, door)
    assert not half.complete
    session = await keeper.give_code(await who(record, half), f" {codes[3].upper()} ", HERE)
    assert (await who(record, session)).complete
    assert await record.transact(door, lambda tx: people.recovery_codes_left(tx, staff.staff_id)) == 9
    half = await sign_in(keeper, door)
    with pytest.raises(SignInRefused, match="used already"):
        await keeper.give_code(await who(record, half), codes[3], HERE)


async def test_a_dump_does_not_hold_recovery_codes(
    record: Record, keeper: Doorkeeper, door: Caller, admin: psycopg.Connection[Any]
) -> None:
    _, _, codes = await with_second_factor(keeper, record, door)
    kept = admin.execute("select c::text from holdfast.staff_recovery_code c").fetchall()
    events = admin.execute("select e::text from holdfast.event e").fetchall()
    assert len(kept) == people.RECOVERY_CODES
    assert not any(code[:5] in repr(kept) + repr(events) or code in repr(kept) for code in codes)
    other = Doorkeeper(record, b"another installation's secret ..")
    half = await sign_in(other, door)
    with pytest.raises(SignInRefused):
        await other.give_code(await who(record, half), codes[0], HERE)


async def test_a_second_factor_is_never_written_over(record: Record, keeper: Doorkeeper, door: Caller) -> None:
    staff, _, _ = await with_second_factor(keeper, record, door)
    mine = people.new_totp_secret()
    with pytest.raises(StateRefused, match="set up already"):
        await keeper.set_up_totp(staff, PASSWORD, mine, pyotp.TOTP(mine).now(), HERE)


async def test_taking_the_second_factor_away_takes_password_and_code(
    record: Record, keeper: Doorkeeper, door: Caller
) -> None:
    staff, _, codes = await with_second_factor(keeper, record, door)
    for proof in (Proof("not this one", codes[0]), Proof(PASSWORD), Proof(PASSWORD, "000000")):
        with pytest.raises(SignInRefused):
            await keeper.remove_totp(staff, proof, HERE)
    assert (await keeper.remove_totp(staff, Proof(PASSWORD, codes[0]), HERE)).complete
    assert (await sign_in(keeper, door)).complete, "the password is enough again"
    assert await record.transact(door, lambda tx: people.recovery_codes_left(tx, staff.staff_id)) == 0


async def test_every_other_session_ends_with_a_change(record: Record, keeper: Doorkeeper, door: Caller) -> None:
    elsewhere, here = await sign_in(keeper, door), await sign_in(keeper, door)
    staff = await who(record, here)
    with pytest.raises(SignInRefused, match="not your password"):
        await keeper.change_password(staff, Proof("not this one"), "another good battery", HERE)
    with pytest.raises(Invalid, match="10 to 200"):
        await keeper.change_password(staff, Proof(PASSWORD), "short", HERE)
    assert await authenticate_session(record, elsewhere.token) is not None, "nothing changed yet"
    session = await keeper.change_password(staff, Proof(PASSWORD), "another good battery", HERE)
    assert (await who(record, session)).complete
    assert [await authenticate_session(record, each.token) for each in (elsewhere, here)] == [None, None]
    with pytest.raises(SignInRefused):
        await sign_in(keeper, door)


async def test_whoever_left_gives_their_address_free(record: Record, keeper: Doorkeeper, door: Caller) -> None:
    async def hire(tx: Transaction) -> None:
        await people.create_staff(tx, email="Desk@example.org", name="Dee", role="desk")

    await record.transact(door, hire)
    with pytest.raises(Invalid, match="has this e-mail address"):
        await record.transact(door, hire)
    first = await record.transact(door, lambda tx: people.find_staff(tx, "desk@example.org"))
    await record.transact(door, lambda tx: people.retire_staff(tx, first.id))
    await record.transact(door, hire)
    second = await record.transact(door, lambda tx: people.find_staff(tx, " DESK@example.org"))
    assert second.id != first.id


async def test_a_code_of_the_app_still_works_beside_the_recovery_codes(
    record: Record, keeper: Doorkeeper, door: Caller
) -> None:
    _, secret, _ = await with_second_factor(keeper, record, door)
    half = await who(record, await sign_in(keeper, door))
    code = pyotp.TOTP(secret).at(int(time.time()) + people.TOTP_STEP_SECONDS)  # this step's was spent by setting it up
    assert (await keeper.give_code(half, f"{code[:3]} {code[3:]}", HERE)).complete
