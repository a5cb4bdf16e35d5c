"""Events of messages to clients. The subject is the message, the client, or the organization."""

from __future__ import annotations

from uuid import UUID

from holdfast.log.facts import Facts, Instant


class MessageDied(Facts):
    """The last attempt failed, or the carrier could not deliver: a person must tell the client."""

    types = ("message.died",)
    appointment_id: UUID | None
    offer_id: UUID | None = None
    kind: str
    cause: str


class MessageRetried(Facts):
    """A person had it tried again."""

    types = ("message.retried",)
    from_state: str


class MessagesRetried(Facts):
    """A person had every message that died since then tried again. The subject is the organization."""

    types = ("message.all_retried",)
    since: Instant
    messages: int


class MessageDiscarded(Facts):
    """A person gave it up."""

    types = ("message.discarded",)


class MessageAnswered(Facts):
    """The client answered by text: ``confirm`` or ``cancel`` a visit, ``accept`` or ``decline`` an offer.

    ``confirm`` says that they will come; the others do what they say.
    """

    types = ("message.answered",)
    appointment_id: UUID | None
    offer_id: UUID | None = None
    answer: str


class MessagePolicyChanged(Facts):
    """What is said, when clients are reminded, or when it is quiet has changed. The subject is the organization."""

    types = ("message_policy.changed",)


class MessageTemplateChanged(Facts):
    """The words of a kind of message changed in one language. The subject is the organization."""

    types = ("message_template.changed",)
    kind: str
    language: str


class MessagePreferenceChanged(Facts):
    """A client wants messages by this channel, or none any more. The subject is the client."""

    types = ("message_preference.changed",)
    channel: str
    allowed: bool
    source: str


class ClientLanguageSet(Facts):
    """A client is written to in another language."""

    types = ("client.language_set",)
