"""The words of messages: built in, or an organization's own; checked before they are kept, and never in the way.

A template is words, ``{{ variables }}`` and ``{% if variable %}``; it can do nothing else, so it can neither run away
nor reach what it should not. The HTML of an e-mail is made from its text. Words of one's own that break after all give
way to the built-in ones: no confirmation waits for a typing error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from holdfast.errors import Invalid, said
from holdfast.messages.model import KINDS, Context, Wording
from holdfast.wallclock import to_local
from holdfast.web.languages import SOURCE, Language, territory_of

# What a template can say. Optional ones are empty where there is nothing, or where the policy does not let it be said.
VARIABLES: Final[Mapping[str, str]] = {
    "client": "the client's first name",
    "organization": "the name the organization writes under",
    "location": "the location's name",
    "address": "the location's address; may be empty",
    "date": "the day of the visit, such as Monday, March 2",
    "time": "when it starts on the location's clock, such as 2:00 PM CST",
    "when": "day and time",
    "code": "the confirmation code",
    "parts": "the times of a visit of several parts, or of a series; else empty",
    "service": "what is booked; empty unless the policy lets it be said",
    "provider": "who serves; empty unless the policy lets it be said",
    "link": "the visit's private page, or the offer's; empty unless HOLDFAST_PUBLIC_URL says where we are reached",
    "until": "until when an offer stands, as {{ when }} has it; empty in other messages",
    "can_reply": "whether an answer by text is read: for {% if can_reply %}",
}
# The built-in words: a file for each language, and no list beside them.
LANGUAGES: Final = tuple(
    sorted(
        file.name.removesuffix(".toml")
        for file in files("holdfast.messages").joinpath("templates").iterdir()
        if file.name.endswith(".toml")
    )
)
_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not, nodes.And, nodes.Or,
)  # fmt: skip
_PARTS: Final = ("subject", "email", "sms")

logger = structlog.get_logger()
_text = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
_html = Environment(loader=PackageLoader("holdfast.messages"), undefined=StrictUndefined, autoescape=True)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The words of one message. ``text`` is the e-mail's plain part; ``sms`` the text message."""

    language: str
    subject: str
    text: str
    html: str
    sms: str


@cache
def _source(language: str) -> Mapping[str, Mapping[str, str]]:
    known = _known(language)
    return tomllib.loads(files("holdfast.messages").joinpath("templates", f"{known}.toml").read_text("utf-8"))


def _known(language: str) -> str:
    return language if language in LANGUAGES else SOURCE


def answers(language: str) -> Mapping[str, str]:
    """What we answer to a client's text, by occasion; of a language that is not built in, in English."""
    return _source(language)["answers"]


@cache
def built_in(language: str) -> Mapping[str, Wording]:
    """The built-in words by kind; of a language that is not built in, the English ones."""
    known = _known(language)
    source = _source(known)
    return {
        kind: Wording(kind, known, source[kind]["subject"], source[kind]["email"], source[kind]["sms"])
        for kind in KINDS
    }


def check(wording: Wording) -> None:
    """Raises Invalid, naming the part and the mistake: a variable that does not exist, or more than words can do."""
    for part in _PARTS:
        _template(part, getattr(wording, part))


# Reading a template takes ten times as long as filling it in, and the same few are filled in all day.
@lru_cache(maxsize=1024)
def _template(part: str, source: str) -> Template:
    """The part of a message that is sound. Raises Invalid."""
    if not source.strip():
        raise Invalid(said("The {part} is empty.", part=part), field=part)
    _check_part(part, source)
    return _text.from_string(source)


def _check_part(part: str, source: str) -> None:
    try:
        tree = _text.parse(source)
    except TemplateError as error:
        raise Invalid(said("The {part} cannot be read: {why}.", part=part, why=str(error)), field=part) from None
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Name) and node.name not in VARIABLES:
            raise Invalid(
                said(
                    "The {part} has {{{{ {name} }}}}, which does not exist. There are: {names}.",
                    part=part,
                    name=node.name[:60],
                    names=list(VARIABLES),
                ),
                field=part,
            )
        if not isinstance(node, _ALLOWED):
            raise Invalid(
                said(
                    "The {part} may have words, {{{{ variables }}}} and {{% if variable %}}, and nothing else "
                    "(line {line}).",
                    part=part,
                    line=node.lineno,
                ),
                field=part,
            )
    if part == "subject" and "\n" in source.strip():
        raise Invalid("The subject is one line.", field=part)


def render(
    context: Context, *, link: str = "", preferences_url: str | None = None, can_reply: bool = False
) -> Rendered:
    """The message in the client's language, in the organization's own words where those are sound.

    ``link``: where the client can see to the visit or answer the offer; empty where there is no such page.
    """
    if context.own_subject is not None and context.own_email is not None and context.own_sms is not None:
        own = Wording(context.kind, context.language, context.own_subject, context.own_email, context.own_sms, own=True)
        try:
            return render_wording(own, context, link=link, preferences_url=preferences_url, can_reply=can_reply)
        except Invalid as error:
            logger.warning("template_broken", kind=context.kind, language=context.language, reason=error.detail)
    wording = built_in(context.language)[context.kind]
    return render_wording(wording, context, link=link, preferences_url=preferences_url, can_reply=can_reply)


def render_wording(
    wording: Wording,
    context: Context,
    *,
    link: str = "",
    preferences_url: str | None = None,
    can_reply: bool = False,
) -> Rendered:
    """The message in these words. Raises Invalid when they are not sound."""
    templates = [_template(part, getattr(wording, part)) for part in _PARTS]
    values = variables(context, wording.language, link=link, can_reply=can_reply)
    subject, text, sms = (_fill_in(template, values) for template in templates)
    html = mail_html(wording.language, subject, text, link=link, preferences_url=preferences_url)
    return Rendered(wording.language, " ".join(subject.split()), text, html, " ".join(sms.split()))


def mail_html(language: str, subject: str, text: str, *, link: str = "", preferences_url: str | None = None) -> str:
    """The HTML of a mail, made from its text: an empty line begins a paragraph, and ``link`` becomes one to tap."""
    return _html.get_template("email.html.j2").render(
        language=language,
        subject=subject,
        paragraphs=[block.splitlines() for block in text.split("\n\n")],
        link=link,
        preferences_url=preferences_url,
        preferences_words=_source(language)["mail"]["preferences"],
    )


def _fill_in(template: Template, values: Mapping[str, Any]) -> str:
    try:
        return template.render(values).strip()
    except TemplateError as error:
        raise Invalid(said("The template cannot be filled in: {why}.", why=str(error))) from None


def variables(context: Context, language: str, *, link: str = "", can_reply: bool) -> dict[str, Any]:
    """What a template can say of this appointment or offer. See VARIABLES."""
    day, clock = _day_and_time(context.starts_at, context.time_zone, language)
    values = {
        "client": context.client_name.split()[0],
        "organization": context.organization_name,
        "location": context.location_name,
        "address": context.address or "",
        "date": day,
        "time": clock,
        "when": f"{day}, {clock}",
        "code": context.confirmation_code,
        "parts": _parts(context, language),
        "service": ", ".join(dict.fromkeys(context.part_services or [context.service_name]))
        if context.say_service
        else "",
        "provider": (context.provider_name or "") if context.say_provider else "",
        "until": ", ".join(_day_and_time(context.expires_at, context.time_zone, language))
        if context.expires_at
        else "",
    }
    return {name: _plain_spaces(value) for name, value in values.items()} | {"link": link, "can_reply": can_reply}


def _parts(context: Context, language: str) -> str:
    """``9:00 AM consult, 10:00 AM laser`` of a visit; days and times of a series. Empty when there is one time only."""
    told: list[str] = []
    for start, service in zip(context.part_starts, context.part_services, strict=True):
        day, clock = _day_and_time(start, context.time_zone, language)
        words = [clock] if context.is_one_visit else [f"{day}, {clock}"]
        told.append(" ".join([*words, service] if context.say_service else words))
    times = list(dict.fromkeys(told))
    return ("; " if not context.is_one_visit else ", ").join(times) if len(times) > 1 else ""


def when_of(start: datetime, time_zone: str, language: str) -> str:
    """Day and time in words, as ``{{ when }}`` has them."""
    return _plain_spaces(", ".join(_day_and_time(start, time_zone, language)))


def _day_and_time(at: datetime, time_zone: str, language: str) -> tuple[str, str]:
    """As the booking page writes them: in the language, and as people write it where the location is."""
    words = Language(language, territory_of(time_zone))
    return words.day_of(at, time_zone), f"{words.time(at, time_zone)} {to_local(at, time_zone).tzname()}"


def _plain_spaces(text: str) -> str:
    # A narrow no-break space is outside the alphabet of texts: one of them halves what fits in a segment.
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def all_wordings(own: Iterable[Wording]) -> list[Wording]:
    """The words in force: the organization's own, and the built-in ones beside them."""
    found = {(wording.kind, wording.language): wording for wording in own}
    for language in LANGUAGES:
        for wording in built_in(language).values():
            found.setdefault((wording.kind, language), wording)
    return [found[key] for key in sorted(found)]
