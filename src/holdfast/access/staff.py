"""Staff: who works here, what they may do, how they sign in and stay signed in.

Tokens (sessions, links) are 256 random bits; only their SHA-256 is stored. A session ends 15 minutes after somebody
last did something in it and 12 hours after it began; the database decides. Sign-ins are throttled per account and per
network.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import pyotp

from holdfast.access.passwords import hash_password, password_matches
from holdfast.access.sealed import Seal
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import Forbidden, LinkSpent, NotFound, SignInRefused, TooManyRequests, said
from holdfast.ids import public_id

Role = Literal["owner", "manager", "desk", "provider"]
Permission = Literal["book", "block", "overbook", "contacts", "manage", "staff", "everybody"]
Purpose = Literal["invitation", "reset"]

QUERIES: Final = load_queries("holdfast.access")
# `contacts`: see how a client is reached; `everybody`: see other people's days; `staff`: let people in and out.
PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    "owner": frozenset({"book", "block", "overbook", "contacts", "manage", "staff", "everybody"}),
    "manager": frozenset({"book", "block", "overbook", "contacts", "manage", "everybody"}),
    "desk": frozenset({"book", "block", "contacts", "everybody"}),
    "provider": frozenset({"block"}),
}
LINK_SECONDS: Final[Mapping[Purpose, int]] = {"invitation": 7 * 86400, "reset": 3600}
TOTP_STEP_SECONDS: Final = 30
RECOVERY_CODES: Final = 10
# 50 random bits in letters and digits that are not mistaken for each other: many for a door that counts every try.
RECOVERY_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody on the staff; ``resource_id`` is the provider they are, ``language`` what they chose for their pages."""

    id: UUID
    email: str
    name: str
    role: Role
    resource_id: UUID | None
    created_at: datetime
    retired_at: datetime | None
    signed_in: int
    has_password: bool
    has_second_factor: bool
    language: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whoever holds a live session. Until ``complete``, all they may do is give their second factor.

    ``seconds_left`` until it ends when nobody does anything; ``seconds_most``, whatever they do.
    """

    organization_id: UUID
    organization_slug: str
    session_id: UUID
    staff_id: UUID
    name: str
    email: str
    role: Role
    resource_id: UUID | None
    complete: bool
    has_totp: bool
    seconds_left: int
    seconds_most: int
    language: str | None  # which they chose for their pages
    time_zone: str | None  # of the location they look at or work at; None before there is any

    def may(self, permission: Permission) -> bool:
        return self.complete and permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Raises Forbidden when their role does not include it."""
        if not self.may(permission):
            raise Forbidden(
                said(
                    "This takes the permission {permission!r}, which the role {staff_role!r} does not have.",
                    permission=permission,
                    staff_role=self.role,
                )
            )

    def caller(self, surface: str = "desk") -> Caller:
        """The Caller of a transaction: they act by their own name, on the desk unless said otherwise."""
        return Caller(self.organization_id, public_id("staff", self.staff_id), surface)


@dataclass(frozen=True, slots=True)
class LinkHolder:
    """Whom a link lets in, to set their password."""

    organization_id: UUID
    staff_id: UUID
    purpose: Purpose
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody types so that a change of how they sign in is theirs: the password, and a code where one is set."""

    password: str
    code: str = ""

    def __repr__(self) -> str:
        return "Proof()"


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session at the one moment when its token is known."""

    token: str
    complete: bool

    def __repr__(self) -> str:
        return f"NewSession(complete={self.complete})"


@dataclass(frozen=True, slots=True)
class _ToSignIn:
    id: UUID
    password_hash: str
    totp_secret: bytes | None


async def create_staff(tx: Transaction, *, email: str, name: str, role: Role, resource_id: UUID | None = None) -> UUID:
    """Add somebody, who cannot sign in before they set a password by a link. Raises Invalid, NotFound."""
    id: UUID = await tx.value(
        QUERIES["create_staff"], email=email.strip().lower(), name=name, role=role, resource_id=resource_id
    )
    return id


async def create_first_owner(tx: Transaction, *, email: str, name: str) -> UUID:
    """The owner of an organization that has nobody yet. Raises StateRefused when somebody is there; Invalid."""
    id: UUID = await tx.value(QUERIES["create_first_owner"], email=email.strip().lower(), name=name)
    return id


async def has_staff(tx: Transaction) -> bool:
    """Whether anybody is, or was, on the staff."""
    return bool(await tx.value(QUERIES["has_staff"]))


async def find_staff(tx: Transaction, email: str) -> Staff:
    """Whoever works here and signs in with this address. Raises NotFound."""
    address = email.strip().lower()
    for each in await list_staff(tx):
        if each.email == address and each.retired_at is None:
            return each
    raise NotFound("Nobody on the staff signs in with this address. See: holdfast staff list")


async def change_staff(tx: Transaction, staff_id: UUID, *, name: str, role: Role, resource_id: UUID | None) -> None:
    """Raises NotFound; StateRefused for the last owner."""
    await tx.run(QUERIES["change_staff"], staff_id=staff_id, name=name, role=role, resource_id=resource_id)


async def retire_staff(tx: Transaction, staff_id: UUID) -> None:
    """They are signed out everywhere and sign in no more. Raises NotFound; StateRefused for the last owner."""
    await tx.run(QUERIES["retire_staff"], staff_id=staff_id)


async def list_staff(tx: Transaction) -> list[Staff]:
    """Everybody by name, those who left last."""
    return await tx.rows(Staff, QUERIES["list_staff"])


async def set_password(tx: Transaction, staff_id: UUID, password: str, *, about: str = "") -> None:
    """Set it and sign them out everywhere. Raises Invalid for a weak one, NotFound."""
    await tx.run(
        QUERIES["set_staff_password"], staff_id=staff_id, password_hash=await hash_password(password, about=about)
    )


async def issue_link(tx: Transaction, staff_id: UUID, purpose: Purpose) -> str:
    """The token of a link that sets the password once; any earlier link is spent. Raises NotFound."""
    token = secrets.token_urlsafe(32)
    await tx.value(
        QUERIES["issue_staff_link"],
        staff_id=staff_id,
        purpose=purpose,
        token_hash=_hash(token),
        ttl_seconds=LINK_SECONDS[purpose],
    )
    return token


async def reset_second_factor(tx: Transaction, staff_id: UUID) -> None:
    """Somebody lost their phone: the password is enough again, and they are signed out everywhere. Raises NotFound."""
    await tx.run(QUERIES["set_staff_totp"], staff_id=staff_id, secret=None, step=0)
    await end_sessions(tx, staff_id)


async def recovery_codes_left(tx: Transaction, staff_id: UUID) -> int:
    """How many recovery codes somebody has left."""
    return int(await tx.value(QUERIES["recovery_codes_left"], staff_id=staff_id))


async def holder_of_link(record: Record, token: str) -> LinkHolder:
    """Whom the link lets in; looking spends nothing. Raises LinkSpent."""
    found = await record.unscoped(lambda tx: tx.one(LinkHolder, QUERIES["staff_of_link"], token_hash=_hash(token)))
    if found is None:
        raise LinkSpent("This link was used, replaced or has expired. Ask for a new one.")
    return found


async def set_password_by_link(record: Record, token: str, password: str) -> LinkHolder:
    """Spend the link. Raises LinkSpent, Invalid for a weak password (then the link is still good)."""
    holder = await holder_of_link(record, token)
    password_hash = await hash_password(password, about=holder.email)
    caller = Caller(holder.organization_id, public_id("staff", holder.staff_id), "desk")
    await record.transact(
        caller,
        lambda tx: tx.run(QUERIES["set_password_by_link"], token_hash=_hash(token), password_hash=password_hash),
    )
    return holder


class Doorkeeper:
    """Lets staff in: password, second factor, throttle. ``secret`` is the installation's."""

    def __init__(self, record: Record, secret: bytes) -> None:
        self._record = record
        self._secret = secret
        self._seal = Seal(secret, "totp")

    async def sign_in(self, organization_id: UUID, email: str, password: str, network: str) -> NewSession:
        """A session; not ``complete`` where a second factor is set up.

        Raises SignInRefused, which does not say what was wrong; TooManyRequests with ``retry_after_seconds``.
        """
        address = email.strip().lower()
        door = Caller(organization_id, "system", "desk")
        account = self._keyed("account", address)
        await self._admit(door, account, self._keyed("network", network))
        found = await self._record.transact(
            door, lambda tx: tx.one(_ToSignIn, QUERIES["staff_to_sign_in"], email=address)
        )
        if not await password_matches(found.password_hash if found else None, password) or found is None:
            raise SignInRefused("The e-mail address and the password do not match.")
        return await self._start(organization_id, found.id, found.totp_secret is None, account, network)

    async def give_code(self, signed_in: SignedIn, code: str, network: str) -> NewSession:
        """A complete session, with another token, for a code of the second factor, or a recovery code.

        Raises SignInRefused for a code that is wrong or was used; TooManyRequests.
        """
        door = signed_in.caller()
        account = self._keyed("account", signed_in.email)
        await self._admit(door, account, self._keyed("network", network))
        found = await self._record.transact(
            door, lambda tx: tx.one(_ToSignIn, QUERIES["staff_to_sign_in"], email=signed_in.email)
        )
        await self._require_code(signed_in, found, code)
        await self._record.transact(door, lambda tx: end_session(tx, signed_in.session_id))
        return await self._start(signed_in.organization_id, signed_in.staff_id, True, account, network)

    async def change_password(self, signed_in: SignedIn, proof: Proof, new_password: str, network: str) -> NewSession:
        """Another password. Every session ends, and a new one begins here.

        Raises SignInRefused when the proof does not hold, Invalid for a weak password, TooManyRequests.
        """
        await self._require(signed_in, proof, network)
        password_hash = await hash_password(new_password, about=signed_in.email)

        async def work(tx: Transaction) -> None:
            await tx.run(QUERIES["set_staff_password"], staff_id=signed_in.staff_id, password_hash=password_hash)

        return await self._renew(signed_in, network, work)

    async def reset_link(self, organization_id: UUID, email: str, network: str) -> str | None:
        """The token of a link for whoever signs in with this address; None when nobody does.

        Asking is counted like a sign-in, apart from it, so that nobody is flooded. Raises TooManyRequests.
        """
        address = email.strip().lower()
        door = Caller(organization_id, "system", "desk")
        await self._admit(door, self._keyed("reset", address), self._keyed("network", network))

        async def work(tx: Transaction) -> str | None:
            found = await tx.one(_ToSignIn, QUERIES["staff_to_sign_in"], email=address)
            return await issue_link(tx, found.id, "reset") if found else None

        return await self._record.transact(door, work)

    async def set_up_totp(
        self, signed_in: SignedIn, password: str, secret: str, code: str, network: str
    ) -> tuple[NewSession, list[str]]:
        """From now on a sign-in takes a code of ``secret`` (base32). Every session ends, and a new one begins here.

        With it come recovery codes, to be shown this once. Raises SignInRefused when the password or the code is not
        right, StateRefused when there is a second factor already, TooManyRequests.
        """
        await self._require(signed_in, Proof(password), network, with_code=False)
        step = self._step_of(secret.encode(), code)
        if step is None:
            raise SignInRefused("This code is not right. Is the clock of your phone set automatically?")
        sealed = self._seal.close(secret.encode(), signed_in.organization_id, signed_in.staff_id)
        codes = _new_recovery_codes()

        async def work(tx: Transaction) -> None:
            await tx.run(QUERIES["set_staff_totp"], staff_id=signed_in.staff_id, secret=sealed, step=step)
            await self._set_recovery_codes(tx, signed_in.staff_id, codes)

        return await self._renew(signed_in, network, work), codes

    async def remove_totp(self, signed_in: SignedIn, proof: Proof, network: str) -> NewSession:
        """A sign-in takes the password alone again. Every session ends, and a new one begins here.

        Raises SignInRefused when the proof does not hold; TooManyRequests.
        """
        await self._require(signed_in, proof, network)
        return await self._renew(signed_in, network, lambda tx: reset_second_factor(tx, signed_in.staff_id))

    async def renew_recovery_codes(
        self, signed_in: SignedIn, proof: Proof, network: str
    ) -> tuple[NewSession, list[str]]:
        """Fresh recovery codes, to be shown this once, instead of any before them; otherwise as ``remove_totp``."""
        await self._require(signed_in, proof, network)
        codes = _new_recovery_codes()
        work = lambda tx: self._set_recovery_codes(tx, signed_in.staff_id, codes)  # noqa: E731
        return await self._renew(signed_in, network, work), codes

    async def _require(self, signed_in: SignedIn, proof: Proof, network: str, *, with_code: bool = True) -> None:
        """Raises SignInRefused unless it is them at the keyboard; every try counts, as at the door."""
        door = signed_in.caller()
        await self._admit(door, self._keyed("account", signed_in.email), self._keyed("network", network))
        found = await self._record.transact(
            door, lambda tx: tx.one(_ToSignIn, QUERIES["staff_to_sign_in"], email=signed_in.email)
        )
        if not await password_matches(found.password_hash if found else None, proof.password):
            raise SignInRefused("This is not your password now.")
        if with_code and found is not None and found.totp_secret is not None:
            await self._require_code(signed_in, found, proof.code)

    async def _require_code(self, signed_in: SignedIn, found: _ToSignIn | None, code: str) -> None:
        typed = re.sub(r"[\s-]", "", code).lower()
        sealed = found and found.totp_secret
        if sealed and len(typed) == RECOVERY_LENGTH:
            query = QUERIES["spend_recovery_code"]
            values: dict[str, object] = {"code_hash": self._recovery_hash(signed_in.staff_id, typed)}
        else:
            secret = sealed and self._seal.open(sealed, signed_in.organization_id, signed_in.staff_id)
            query = QUERIES["spend_totp_step"]
            values = {"step": self._step_of(secret, typed) if secret else None}
        # no step is later than the last one: null spends nothing
        fresh = await self._record.transact(
            signed_in.caller(), lambda tx: tx.value(query, staff_id=signed_in.staff_id, **values)
        )
        if not fresh:
            raise SignInRefused("This code is not right, or was used already. Wait for the next one.")

    async def _renew(
        self, signed_in: SignedIn, network: str, work: Callable[[Transaction], Awaitable[None]]
    ) -> NewSession:
        """Do it, end every session, and begin a new one in its place, all in one transaction."""
        token = secrets.token_urlsafe(32)
        account = self._keyed("account", signed_in.email)

        async def renewed(tx: Transaction) -> None:
            await work(tx)
            await end_sessions(tx, signed_in.staff_id)
            await self._begin(tx, signed_in.staff_id, token, True, account, network)

        await self._record.transact(signed_in.caller(), renewed)
        return NewSession(token, True)

    async def _set_recovery_codes(self, tx: Transaction, staff_id: UUID, codes: list[str]) -> None:
        hashes = [self._recovery_hash(staff_id, code.replace("-", "")) for code in codes]
        await tx.run(QUERIES["set_recovery_codes"], staff_id=staff_id, code_hashes=hashes)

    def _recovery_hash(self, staff_id: UUID, code: str) -> bytes:
        return hmac.digest(self._secret, f"recovery code:{staff_id}:{code}".encode(), hashlib.sha256)

    async def _admit(self, door: Caller, account: bytes, network: bytes) -> None:
        wait = await self._record.transact(
            door, lambda tx: tx.value(QUERIES["admit_sign_in"], account=account, network=network)
        )
        if wait:
            raise TooManyRequests(
                said("Too many tries. Wait {seconds} seconds, then try again.", seconds=wait),
                retry_after_seconds=int(wait),
            )

    async def _start(
        self, organization_id: UUID, staff_id: UUID, complete: bool, account: bytes, network: str
    ) -> NewSession:
        token = secrets.token_urlsafe(32)
        await self._record.transact(
            Caller(organization_id, public_id("staff", staff_id), "desk"),
            lambda tx: self._begin(tx, staff_id, token, complete, account, network),
        )
        return NewSession(token, complete)

    async def _begin(
        self, tx: Transaction, staff_id: UUID, token: str, complete: bool, account: bytes, network: str
    ) -> None:
        await tx.run(
            QUERIES["start_staff_session"],
            staff_id=staff_id,
            token_hash=_hash(token),
            complete=complete,
            account=account,
            network=self._keyed("network", network),
        )

    def _keyed(self, label: str, value: str) -> bytes:
        return hmac.digest(self._secret, f"sign-in {label}:{value}".encode(), hashlib.sha256)[:16]

    @staticmethod
    def _step_of(secret: bytes, code: str) -> int | None:
        """The time step whose code this is: now, or one before or after, for clocks that differ (RFC 6238, 5.2)."""
        totp = pyotp.TOTP(secret.decode())
        now = int(time.time()) // TOTP_STEP_SECONDS
        typed = code.replace(" ", "").encode()
        for step in (now, now - 1, now + 1):
            if hmac.compare_digest(totp.at(step * TOTP_STEP_SECONDS).encode(), typed):
                return step
        return None


async def authenticate_session(
    record: Record, token: str, location: str | None = None, *, used: bool = True
) -> SignedIn | None:
    """Whose session it is, or None when it ended, was never begun, or was left alone for too long.

    ``location`` is the slug of the one that is looked at. ``used``: they do something now. A screen that looks by
    itself says no, or nobody would ever be signed out.
    """
    found = {"token_hash": _hash(token), "used": used, "location": location}
    return await record.unscoped(lambda tx: tx.one(SignedIn, QUERIES["authenticate_session"], **found))


async def set_language(tx: Transaction, staff_id: UUID, language: str) -> None:
    """In which language somebody reads pages."""
    await tx.run(QUERIES["set_staff_language"], staff_id=staff_id, language=language)


async def end_session(tx: Transaction, session_id: UUID) -> None:
    """Sign out here."""
    await tx.run(QUERIES["end_staff_session"], session_id=session_id)


async def end_sessions(tx: Transaction, staff_id: UUID) -> int:
    """Sign out everywhere; how many sessions that ended."""
    return int(await tx.value(QUERIES["end_staff_sessions"], staff_id=staff_id))


def _new_recovery_codes() -> list[str]:
    """Such as ``k7m2p-x9dqt``."""

    def half() -> str:
        return "".join(secrets.choice(RECOVERY_LETTERS) for _ in range(RECOVERY_LENGTH // 2))

    return [f"{half()}-{half()}" for _ in range(RECOVERY_CODES)]


def new_totp_secret() -> str:
    """A fresh base32 secret for an authenticator app."""
    return pyotp.random_base32()


def totp_address(secret: str, email: str, organization: str) -> str:
    """The otpauth: address of a secret, which an authenticator app reads from a picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=organization)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
