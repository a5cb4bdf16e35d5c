"""API keys: make, list and revoke them. Nobody can give away more than they have."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from holdfast.access import service as access
from holdfast.access.model import Principal
from holdfast.db.transact import Transaction
from holdfast.errors import Forbidden
from holdfast.http.callers import KeyRing, ManageKey
from holdfast.http.commands import Answer, answer, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.key_shapes import KeyAsk, KeyList, KeyShape, NewKeyShape
from holdfast.ids import parse_id, public_id

router = APIRouter(prefix="/v1/api-keys", tags=["api keys"], responses=REFUSALS)


@router.get("", responses=made(KeyList, 200))
async def list_api_keys(request: Request, principal: ManageKey) -> Response:
    """Every key of the organization, newest first, revoked ones last; of the key itself only its last characters."""

    async def work(tx: Transaction) -> Answer:
        keys = await access.list_api_keys(tx)
        return answer(200, KeyList(items=[KeyShape.of(each) for each in keys], next=None))

    return await read(request, principal.caller(), work)


@router.post("", status_code=201, responses=made(NewKeyShape))
async def create_api_key(request: Request, ask: KeyAsk, principal: ManageKey) -> Response:
    """Make a key, with scopes and surfaces that the asking key has itself.

    `key` is shown in this answer alone: only its hash is stored, and a repeated request is answered with `key: null`.
    """
    _require_all(principal, ask)

    async def work(tx: Transaction) -> Answer:
        new = await access.create_api_key(tx, name=ask.name, scopes=ask.scopes, surfaces=ask.surfaces)
        shown = NewKeyShape(id=public_id("api_key", new.id), key=new.key, **ask.model_dump())
        hidden = shown.model_copy(update={"key": None})
        return answer(201, shown, kept=hidden)

    return await run_command(request, principal.caller(), work)


@router.delete("/{key_id}", status_code=204, response_class=Response)
async def revoke_api_key(request: Request, key_id: str, principal: ManageKey) -> Response:
    """End a key. Another server process that has just seen it may honour it for two more seconds. Twice is no error."""
    id = parse_id("api_key", key_id)

    async def work(tx: Transaction) -> Answer:
        await access.revoke_api_key(tx, id)
        return Answer(204, b"")

    response = await run_command(request, principal.caller(), work)
    keys: KeyRing = request.app.state.keys
    keys.forget(id)
    return response


def _require_all(principal: Principal, ask: KeyAsk) -> None:
    for scope in ask.scopes:
        principal.require(scope)
    if beyond := [surface for surface in ask.surfaces if surface not in principal.surfaces]:
        raise Forbidden(
            f"A key can only be given surfaces that yours has ({', '.join(principal.surfaces)}); "
            f"{', '.join(beyond)} is beyond it.",
            surfaces=principal.surfaces,
        )
