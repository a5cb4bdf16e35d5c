"""Refusals and explanations as the desk says them: in words, in the reader's language, never whose booking it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from holdfast.availability.explain import Explanation, Obstacle, RoleAnswer
from holdfast.errors import HoldfastError, NotBookable, RevisionMismatch, SlotTaken, StateRefused
from holdfast.web.languages import Language


def role_name(role: str) -> str:
    """``laser_room`` as people say it."""
    return role.replace("_", " ")


def refusal(error: HoldfastError, language: Language) -> str:
    """Why a change of an appointment was refused."""
    _ = language.gettext
    if isinstance(error, SlotTaken):
        return _("Somebody else has this time: %(roles)s.") % {"roles": _roles(error.facts.get("roles", ()))}
    if isinstance(error, RevisionMismatch):
        return _("Somebody changed this appointment meanwhile. Look at it again first.")
    if isinstance(error, StateRefused):
        return _("Only a confirmed appointment can be moved.")
    if isinstance(error, NotBookable):
        role = role_name(str(error.facts.get("role", "")))
        words = {
            "too_soon": _("This is too soon for this service."),
            "too_far": _("This is too far ahead for this service."),
            "closed": _("It is closed then."),
            "on_break": _("That is during a break."),
            "away": _("Whoever could serve as %(role)s is away then."),
            "not_working": _("Whoever could serve as %(role)s does not work then."),
            "no_credential": _("Nobody has on that day what serving as %(role)s takes."),
            "cap_reached": _("Whoever could serve as %(role)s has their visits of that day."),
        }.get(str(error.facts.get("reason")))
        if words:
            return words % {"role": role}
    return language.said(error.detail)


def rule(name: str, language: Language) -> str:
    """A rule that forbids a start whoever is free."""
    _ = language.gettext
    return {
        "too_soon": _("This is too soon for this service."),
        "too_far": _("This is too far ahead for this service."),
        "off_grid": _("The service does not start at this minute."),
    }.get(name, _("The rules do not allow this start."))


def answers(why: Explanation, zone: str, language: Language) -> list[tuple[str, bool, str]]:
    """For each role: its name, whether it can be served, and what stands in the way of the others."""
    return [(role_name(role.role), role.free >= role.needed, _role(role, zone, language)) for role in why.roles]


def _role(role: RoleAnswer, zone: str, language: Language) -> str:
    _ = language.gettext
    if role.free >= role.needed:
        return _("%(count)s free") % {"count": role.free}
    return ", ".join(_obstacle(each, zone, language) for each in role.obstacles) or _("Nobody and nothing serves here")


def _obstacle(obstacle: Obstacle, zone: str, language: Language) -> str:
    _ = language.gettext
    words = {
        "no_credential": _("%(count)s without what it takes that day"),
        "closed": _("closed then"),
        "on_break": _("%(count)s on a break"),
        "away": _("%(count)s away"),
        "not_working": _("%(count)s not working then"),
        "cap_reached": _("%(count)s with all visits of the day"),
        "booked": _("%(count)s booked"),
        "held": _("%(count)s being booked"),
        "blocked": _("%(count)s blocked"),
        "busy": _("%(count)s busy elsewhere"),
    }[obstacle.reason] % {"count": obstacle.count}
    return f"{words} {_until(obstacle.until, zone, language)}".strip()


def _until(until: datetime | None, zone: str, language: Language) -> str:
    if until is None:
        return ""
    return language.gettext("(until %(time)s at the latest)") % {"time": language.time(until, zone)}


def _roles(roles: Iterable[str]) -> str:
    return ", ".join(role_name(role) for role in roles)
