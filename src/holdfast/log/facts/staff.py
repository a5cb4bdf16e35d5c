"""Events of the people who work here, and of the page they show to the world. Part of the catalogue in ``events``."""

from __future__ import annotations

from uuid import UUID

from holdfast.log.facts import Facts, Instant

# -- staff: the subject is the person


class StaffRoleGiven(Facts):
    """Somebody joined the staff, or their part changed; ``resource_id``: the provider that they are."""

    types = ("staff.added", "staff.changed")
    role: str
    resource_id: UUID | None


class StaffRetired(Facts):
    """Somebody left the staff and signs in no more."""

    types = ("staff.retired",)


class StaffLinkIssued(Facts):
    """An invitation or a reset: whoever has the link may set the password, once."""

    types = ("staff.link_issued",)
    purpose: str
    expires_at: Instant


class StaffPasswordSet(Facts):
    """A new password; sessions that began with the old one are over."""

    types = ("staff.password_set",)


class StaffSecondFactorSet(Facts):
    """A sign-in takes a code from now on, or no longer does."""

    types = ("staff.second_factor_set",)
    on: bool


class StaffRecoveryCodesMade(Facts):
    """Codes for the day the phone is gone, in place of any before them."""

    types = ("staff.recovery_codes_made",)
    codes: int


class StaffRecoveryCodeUsed(Facts):
    """One of them stood in for the second factor; so many are left."""

    types = ("staff.recovery_code_used",)
    left: int


class StaffSignedIn(Facts):
    """A session began."""

    types = ("staff.signed_in",)
    session_id: UUID


class StaffSignedOut(Facts):
    """One session ended, or all of them."""

    types = ("staff.signed_out",)
    sessions: int


# -- the booking page: the subject is the organization


class BookingPageChanged(Facts):
    """Its look, its policy, or who may embed it."""

    types = ("booking_page.changed",)
