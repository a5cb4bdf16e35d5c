"""What can be refused, and why: the one list of domain errors.

Every error has a stable ``code`` (the problem type on HTTP), a one-line ``title`` and, for this
occurrence, a ``detail`` that says what to do next. Status codes live in ``http/problems.py`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, ClassVar


class Sentence(str):
    """An English sentence that remembers its template and what fills it, so that a page can say it in its language.

    To everybody else it is the text: ``detail`` of a problem is English, whatever the words are made of.
    """

    __slots__ = ("template", "words")
    template: str
    words: Mapping[str, Any]

    def __new__(cls, template: str, words: Mapping[str, Any]) -> Sentence:
        sentence = super().__new__(cls, template.format_map(_Plain(words)))
        sentence.template = template
        sentence.words = words
        return sentence


def said(template: str, **words: Any) -> Sentence:
    """``said("Wait {seconds} seconds.", seconds=5)``: what a refusal says when it names something."""
    return Sentence(template, words)


def either(names: Sequence[Any]) -> Any:
    """``a or b or c``, in words that can be translated."""
    return reduce(lambda one, other: said("{one} or {other}", one=one, other=other), names)


class _Plain(dict[str, Any]):
    """Lists as people write them. A word that is not known is its own name: a table constraint carries no facts."""

    def __getitem__(self, key: str) -> Any:
        value = self.get(key, key.replace("_", " "))
        return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


class HoldfastError(Exception):
    """A refusal that the caller can act on. ``facts`` are shown to the caller: never another client's data.

    ``wanted`` is the visit that was refused, where one was: other starts can be found from it. It is not shown.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "The request was refused"
    rule: str | None = None  # of the record, by its name there; not shown
    wanted: Any = None

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        self.detail = detail or self.title
        self.facts = facts
        super().__init__(self.detail)


class Invalid(HoldfastError):
    code = "invalid"
    title = "Something in the request is not valid"


class NotFound(HoldfastError):
    code = "not-found"
    title = "There is nothing with this id here"


class Unauthorized(HoldfastError):
    code = "unauthorized"
    title = "An API key is needed"


class Forbidden(HoldfastError):
    code = "forbidden"
    title = "This key may not do that"


class LinkSpent(HoldfastError):
    """A private link that was used, replaced, or has expired."""

    code = "link-spent"
    title = "This link is no longer good"


class SignInRefused(HoldfastError):
    """The address and the password, or the code, are not right together; which of them is never said."""

    code = "sign-in-refused"
    title = "These do not match"


class NotBookable(HoldfastError):
    """The rules say no whatever is free: ``facts['reason']`` names the rule."""

    code = "not-bookable"
    title = "This cannot be booked"


class WallTimeRefused(NotBookable):
    """A wall-clock time that does not exist, or exists twice; ``facts['choices']`` are the two instants."""

    code = "wall-time-refused"
    title = "This local time does not name one moment"


class SlotTaken(HoldfastError):
    """Another claim stands in the way; ``facts['roles']`` names the roles lost, never whose claim it is."""

    code = "slot-taken"
    title = "This time was just taken"


class SeriesUnavailable(HoldfastError):
    """A series cannot be had as a whole; nothing was held or moved.

    ``occurrences`` are all of its visits, each with its slot or with what could be had instead; they are shown as
    ``facts['occurrences']``, those alone that have none.
    """

    code = "series-unavailable"
    title = "Not every visit of this series can be had"
    occurrences: Any = ()


class ClaimsInTheWay(HoldfastError):
    """A change of a resource meets claims that stand; ``facts['conflicts']`` lists them."""

    code = "claims-in-the-way"
    title = "Bookings stand in the way of this change"


class HoldExpired(HoldfastError):
    code = "hold-expired"
    title = "This hold is no longer live"


class HoldNotLive(HoldfastError):
    """The hold was confirmed or released before; ``facts['state']`` says which."""

    code = "hold-not-live"
    title = "This hold has already been settled"


class OfferEnded(HoldfastError):
    """A waitlist offer was answered or withdrawn, or its time ran out; ``facts['state']`` says what became of it."""

    code = "offer-ended"
    title = "This offer has ended"


class ExtensionRefused(HoldfastError):
    code = "extension-refused"
    title = "This hold cannot be extended again"


class StateRefused(HoldfastError):
    """The appointment's state does not allow the step; ``facts['state']`` says where it stands."""

    code = "state-refused"
    title = "The appointment's state does not allow this"


class RevisionMismatch(HoldfastError):
    """Somebody changed it meanwhile; ``facts['revision']`` is the current one."""

    code = "revision-mismatch"
    title = "Somebody changed this meanwhile"


class TooManyHolds(HoldfastError):
    code = "too-many-holds"
    title = "Too many times are being held from here"


class TooManyRequests(HoldfastError):
    """``facts['retry_after_seconds']`` says when to come back."""

    code = "too-many-requests"
    title = "Too many requests from here"


class IdempotencyKeyReused(HoldfastError):
    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request"


class RequestInProgress(HoldfastError):
    code = "request-in-progress"
    title = "The same request is still being worked on"


class TooLarge(HoldfastError):
    code = "too-large"
    title = "The request is larger than this route accepts"


class Busy(HoldfastError):
    """The database is overloaded or away; nothing was done. ``facts['retry_after_seconds']`` says when to come back."""

    code = "busy"
    title = "Holdfast is busy; nothing was done"


class SetupRefused(HoldfastError):
    """Holdfast will not start like this; the detail says what to change."""

    code = "setup-refused"
    title = "Holdfast cannot start safely like this"


class Bug(HoldfastError):
    """A rule of the record that no caller should be able to meet. The record refused it; nothing was written."""

    code = "internal"
    title = "Holdfast made a mistake; the record refused it and nothing was changed"
