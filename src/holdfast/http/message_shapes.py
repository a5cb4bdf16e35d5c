"""The JSON of messages and of what decides about them. Instants are in UTC; times of day are the location's."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema

from holdfast.email_address import read_email
from holdfast.http.shapes import Ask, Name, Reason, Reference
from holdfast.ids import public_id
from holdfast.messages.model import Kind, Message, Policy, ReminderRule, Wording
from holdfast.messages.templates import VARIABLES, Rendered

Channel = Literal["email", "sms"]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$"), Field(description="Two letters, such as en or es.")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]

_WALL_TIME: Final = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"


def _wall_time(value: object) -> object:
    if isinstance(value, time) or (isinstance(value, str) and re.fullmatch(_WALL_TIME, value, re.ASCII)):
        return value
    raise ValueError("write a time of day like 21:00")


# Not OpenAPI's format "time", which has an offset (RFC 3339 section 5.6).
WallTime = Annotated[
    time,
    BeforeValidator(_wall_time),
    WithJsonSchema({"type": "string", "pattern": _WALL_TIME, "examples": ["21:00"]}),
]


class MessageShape(BaseModel):
    """A message to a client, about an appointment or an offer of the waitlist.

    `subject` and `body` are what was sent, but for the token of a private link; they are kept for 90 days.
    """

    id: str
    appointment: str | None
    offer: str | None
    client: str
    kind: Kind
    before_minutes: int
    state: Literal["pending", "sent", "dead", "skipped"]
    channel: Channel | None
    due_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None
    attempts: int
    reason: str | None
    delivered: str | None
    answer: Literal["confirm", "cancel", "accept", "decline"] | None
    subject: str | None
    body: str | None

    @classmethod
    def of(cls, message: Message) -> MessageShape:
        about = {
            "appointment": message.appointment_id and public_id("appointment", message.appointment_id),
            "offer": message.offer_id and public_id("offer", message.offer_id),
        }
        renamed = {
            "id": public_id("message", message.id),
            "client": public_id("client", message.client_id),
            "before_minutes": message.lead_minutes,
        }
        same = {name: getattr(message, name) for name in cls.model_fields.keys() - about.keys() - renamed.keys()}
        return cls.model_validate(same | about | renamed)


class MessageList(BaseModel):
    items: list[MessageShape]
    next: str | None


class DiscardMessageAsk(Ask):
    reason: Annotated[Reason, Field(min_length=1)]


class WordsAsk(Ask):
    """Words, `{{ variables }}` and `{% if variable %}`. `GET /v1/message_templates` lists the variables."""

    subject: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    email: Words
    sms: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class PreviewAsk(Ask):
    """What the client of an appointment (of the next one, unless named) would be sent, also in words not yet saved."""

    kind: Kind
    language: Language | None = None
    appointment: Reference | None = None
    words: WordsAsk | None = None


class PreviewShape(BaseModel):
    """The filled-in words."""

    language: str
    subject: str
    text: str
    html: str
    sms: str

    @classmethod
    def of(cls, rendered: Rendered) -> PreviewShape:
        return cls(**{name: getattr(rendered, name) for name in cls.model_fields})


class TemplateShape(BaseModel):
    """The words of one kind in one language. `own`: the organization's, instead of the built-in ones."""

    kind: Kind
    language: str
    subject: str
    email: str
    sms: str
    own: bool

    @classmethod
    def of(cls, wording: Wording) -> TemplateShape:
        return cls(**{name: getattr(wording, name) for name in cls.model_fields})


class TemplateList(BaseModel):
    items: list[TemplateShape]
    variables: dict[str, str] = Field(default_factory=lambda: dict(VARIABLES), description="What a template can say.")


class PolicyShape(Ask):
    """How the organization speaks to its clients. What is left out takes its default."""

    sender_name: Annotated[Name | None, Field(description="Instead of the organization's name.")] = None
    reply_to: Annotated[str, StringConstraints(max_length=254), AfterValidator(read_email)] | None = None
    language: Language = "en"
    notice_channels: Annotated[
        list[Channel], Field(max_length=2, description="The first that reaches the client carries the message.")
    ] = Field(["email", "sms"])
    reminder_channels: Annotated[list[Channel], Field(max_length=2)] = Field(["sms", "email"])
    quiet_from: Annotated[WallTime, Field(description="On the location's clock; equal times: never quiet.")] = time(21)
    quiet_until: WallTime = time(8)
    say_service: Annotated[bool, Field(description="May messages say what is booked?")] = False
    say_provider: bool = False

    @classmethod
    def of(cls, policy: Policy) -> PolicyShape:
        return cls(**{name: getattr(policy, name) for name in cls.model_fields})

    def policy(self) -> Policy:
        """As the service takes it."""
        return Policy(**{name: getattr(self, name) for name in type(self).model_fields})


class QuietHoursAsk(Ask):
    """Quiet hours of one location; without times, as the organization has them."""

    location: Reference
    quiet_from: WallTime | None = None
    quiet_until: WallTime | None = None


class RuleShape(Ask):
    """When clients are reminded. `service` null: of every service without a rule of its own."""

    service: Reference | None = None
    before_minutes: Annotated[
        list[Annotated[int, Field(ge=5, le=86_400)]] | None,
        Field(max_length=10, description="Minutes before the start; null takes the rule away.", examples=[[4320, 120]]),
    ]
    follow_up_after_minutes: Annotated[int | None, Field(ge=0, le=86_400)] = None

    @classmethod
    def of(cls, rule: ReminderRule) -> RuleShape:
        return cls(
            service=None if rule.service_id is None else public_id("service", rule.service_id),
            before_minutes=rule.before_minutes,
            follow_up_after_minutes=rule.follow_up_after_minutes,
        )


class RuleList(BaseModel):
    items: list[RuleShape]


class PreferenceAsk(Ask):
    """What a client told staff: whether a channel is welcome."""

    client: Reference
    channel: Channel
    allowed: bool


class PreferenceShape(BaseModel):
    """Whether the client's address takes messages."""

    client: str
    email: bool
    sms: bool


class LanguageAsk(Ask):
    client: Reference
    language: Annotated[Language | None, Field(description="null: the organization's language.")]
