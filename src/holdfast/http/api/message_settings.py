"""What decides about messages: their words, the policy, reminders, and what clients said."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from holdfast.db.transact import Transaction
from holdfast.http.api.references import find_id
from holdfast.http.callers import ManageKey
from holdfast.http.commands import Answer, answer, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.message_shapes import (
    LanguageAsk,
    PolicyShape,
    PreferenceAsk,
    PreferenceShape,
    PreviewAsk,
    PreviewShape,
    QuietHoursAsk,
    RuleList,
    RuleShape,
    TemplateList,
    TemplateShape,
    WordsAsk,
)
from holdfast.ids import parse_id, public_id
from holdfast.messages import service as messages
from holdfast.messages.model import Kind, Wording

router = APIRouter(prefix="/v1", tags=["messages"], responses=REFUSALS)

LanguagePath = Annotated[str, Path(pattern=r"^[a-z]{2}$")]


@router.get("/message_templates", responses=made(TemplateList, 200))
async def list_message_templates(request: Request, principal: ManageKey) -> Response:
    """The words in force by kind and language, and the variables that they can say."""

    async def work(tx: Transaction) -> Answer:
        return answer(200, TemplateList(items=[TemplateShape.of(each) for each in await messages.list_wordings(tx)]))

    return await read(request, principal.caller(), work)


@router.put("/message_templates/{kind}/{language}", responses=made(TemplateShape, 200))
async def set_message_template(
    request: Request, kind: Kind, language: LanguagePath, ask: WordsAsk, principal: ManageKey
) -> Response:
    """Use words of your own. A variable that does not exist is refused by its name."""
    wording = Wording(kind, language, ask.subject, ask.email, ask.sms, own=True)

    async def work(tx: Transaction) -> Answer:
        await messages.set_wording(tx, wording)
        return answer(200, TemplateShape.of(wording))

    return await run_command(request, principal.caller(), work)


@router.delete("/message_templates/{kind}/{language}", responses=made(TemplateList, 200))
async def remove_message_template(
    request: Request, kind: Kind, language: LanguagePath, principal: ManageKey
) -> Response:
    """Use the built-in words again."""

    async def work(tx: Transaction) -> Answer:
        await messages.remove_wording(tx, kind, language)
        return answer(200, TemplateList(items=[TemplateShape.of(each) for each in await messages.list_wordings(tx)]))

    return await run_command(request, principal.caller(), work)


@router.post("/message_templates/preview", responses=made(PreviewShape, 200))
async def preview_message(request: Request, ask: PreviewAsk, principal: ManageKey) -> Response:
    """What a client would be sent, with the data of a real appointment. Nothing is saved or sent."""
    appointment_id = None if ask.appointment is None else parse_id("appointment", ask.appointment)
    words = None
    if ask.words is not None:
        words = Wording(ask.kind, ask.language or "en", ask.words.subject, ask.words.email, ask.words.sms)

    async def work(tx: Transaction) -> Answer:
        shown = await messages.preview(
            tx, ask.kind, appointment_id=appointment_id, language=ask.language, wording=words
        )
        return answer(200, PreviewShape.of(shown))

    return await read(request, principal.caller(), work)


@router.get("/message_policy", responses=made(PolicyShape, 200))
async def get_message_policy(request: Request, principal: ManageKey) -> Response:
    """How the organization speaks to its clients."""

    async def work(tx: Transaction) -> Answer:
        return answer(200, PolicyShape.of(await messages.get_policy(tx)))

    return await read(request, principal.caller(), work)


@router.put("/message_policy", responses=made(PolicyShape, 200))
async def set_message_policy(request: Request, ask: PolicyShape, principal: ManageKey) -> Response:
    """Replace the policy. Reminders of visits to come follow within moments."""

    async def work(tx: Transaction) -> Answer:
        return answer(200, PolicyShape.of(await messages.set_policy(tx, ask.policy())))

    return await run_command(request, principal.caller(), work)


@router.put("/message_policy/quiet_hours", responses=made(QuietHoursAsk, 200))
async def set_quiet_hours(request: Request, ask: QuietHoursAsk, principal: ManageKey) -> Response:
    """Give a location quiet hours of its own, or take them away."""

    async def work(tx: Transaction) -> Answer:
        location_id = await find_id(tx, "location", ask.location)
        await messages.set_quiet_hours(tx, location_id, ask.quiet_from, ask.quiet_until)
        return answer(200, ask)

    return await run_command(request, principal.caller(), work)


@router.get("/reminder_rules", responses=made(RuleList, 200))
async def list_reminder_rules(request: Request, principal: ManageKey) -> Response:
    """When clients are reminded: the rule for every service first, then the services that have their own."""

    async def work(tx: Transaction) -> Answer:
        return answer(200, RuleList(items=[RuleShape.of(each) for each in await messages.list_reminder_rules(tx)]))

    return await read(request, principal.caller(), work)


@router.put("/reminder_rules", responses=made(RuleList, 200))
async def set_reminder_rule(request: Request, ask: RuleShape, principal: ManageKey) -> Response:
    """Set the rule of a service, or of every other. Reminders of visits to come follow within moments."""

    async def work(tx: Transaction) -> Answer:
        service_id = None if ask.service is None else await find_id(tx, "service", ask.service)
        await messages.set_reminder_rule(tx, service_id, ask.before_minutes, ask.follow_up_after_minutes)
        return answer(200, RuleList(items=[RuleShape.of(each) for each in await messages.list_reminder_rules(tx)]))

    return await run_command(request, principal.caller(), work)


@router.put("/message_preferences", responses=made(PreferenceShape, 200))
async def set_message_preference(request: Request, ask: PreferenceAsk, principal: ManageKey) -> Response:
    """Write down that a client wants messages by a channel, or no more. It holds for everybody at the same address."""
    client_id = parse_id("client", ask.client)

    async def work(tx: Transaction) -> Answer:
        await messages.set_preference(tx, client_id, ask.channel, allowed=ask.allowed, source="staff")
        return answer(
            200,
            PreferenceShape(
                client=public_id("client", client_id),
                email=await messages.takes_messages(tx, client_id, "email"),
                sms=await messages.takes_messages(tx, client_id, "sms"),
            ),
        )

    return await run_command(request, principal.caller(), work)


@router.put("/message_preferences/language", responses=made(LanguageAsk, 200))
async def set_client_language(request: Request, ask: LanguageAsk, principal: ManageKey) -> Response:
    """Write to a client in another language."""
    client_id = parse_id("client", ask.client)

    async def work(tx: Transaction) -> Answer:
        await messages.set_client_language(tx, client_id, ask.language)
        return answer(200, ask)

    return await run_command(request, principal.caller(), work)
