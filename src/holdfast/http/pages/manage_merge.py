"""Manage: two records that are one thing, such as a laser that was entered twice, become one.

First the other record is chosen, then a page says what would move or what stands in the way, and one button does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.booking.merging import Merge, MergeRefused, preview_merge
from holdfast.catalog.document import CatalogDocument, read_document
from holdfast.catalog.model import Resource
from holdfast.catalog.service import get_resource, merge_resources
from holdfast.db.transact import Transaction
from holdfast.errors import ClaimsInTheWay, HoldfastError, Invalid, NotFound, RevisionMismatch, StateRefused, said
from holdfast.http.pages.manage_form import fingerprint, typed_in
from holdfast.http.pages.manage_frame import manage_page, require_unchanged, saved
from holdfast.http.pages.manage_preview import tell_affected
from holdfast.http.pages.manage_resources import pools_of
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.http.problems import status_of
from holdfast.ids import public_id

HOME: Final = "/desk/manage/resources"

router = APIRouter(prefix=HOME + "/{slug}/merge", route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The record that goes and the one that stays, and what a page shows of them."""

    goes: Resource
    stays: Resource
    document: CatalogDocument

    @property
    def shown(self) -> tuple[object, ...]:
        return tuple(self.document.resources.get(each.slug) for each in (self.goes, self.stays))


@router.get("")
async def show(request: Request, staff: Desk, slug: str, into: str = "") -> Response:
    """The records that it could be merged into or, once one is chosen, what that would do. Raises NotFound."""
    return await _draw(request, staff, slug, into)


@router.post("")
async def merge(request: Request, staff: Desk, slug: str) -> Response:
    """Merge it, as the page said. Refused, the page says why; nothing was changed."""
    staff.require("manage")
    typed = await typed_in(request)
    into = typed.get("into", "")

    async def work(tx: Transaction) -> str:
        if (done := await _merged_into(tx, slug)) is not None and done.slug == into:
            return into  # the button was pressed twice
        pair = await _find_pair(tx, slug, into)
        require_unchanged(typed, *pair.shown)
        return (await merge_resources(tx, pair.goes.id, pair.stays.id)).slug

    try:
        stays = await record_of(request).transact(staff.caller(), work)
    except (ClaimsInTheWay, RevisionMismatch, Invalid, StateRefused) as refusal:
        return await _draw(request, staff, slug, into, refusal)
    return saved(f"{HOME}/{stays}", "merge")


async def _draw(
    request: Request, staff: SignedIn, slug: str, into: str, refusal: HoldfastError | None = None
) -> Response:
    staff.require("manage")

    async def choose(tx: Transaction) -> tuple[Resource, CatalogDocument]:
        return await _find_going(tx, slug), await read_document(tx)

    async def look(tx: Transaction) -> tuple[_Pair, Merge | MergeRefused]:
        pair = await _find_pair(tx, slug, into)
        return pair, await preview_merge(tx, pair.goes, pair.stays)

    transact = record_of(request).transact
    if into:
        try:
            return await _preview(request, staff, *await transact(staff.caller(), look), refusal)
        except (Invalid, StateRefused) as unfit:
            refusal = unfit
    return await _chooser(request, staff, *await transact(staff.caller(), choose), refusal)


async def _chooser(
    request: Request, staff: SignedIn, goes: Resource, document: CatalogDocument, refusal: HoldfastError | None
) -> Response:
    others = [each for each in document.resources.values() if each.kind == goes.kind and each.slug != goes.slug]
    return await manage_page(
        request,
        staff,
        "manage/merge.html",
        topic="resources",
        home=HOME,
        goes=goes,
        others=sorted(others, key=lambda each: (each.name.casefold(), each.slug)),
        document=document,
        pools_of=lambda slug: [document.pools[each].name for each in pools_of(document, slug)],
        **_told(request, refusal),
    )


async def _preview(
    request: Request, staff: SignedIn, pair: _Pair, found: Merge | MergeRefused, refusal: HoldfastError | None
) -> Response:
    one, other = _names(pair.goes, pair.stays)
    return await manage_page(
        request,
        staff,
        "manage/merge_preview.html",
        topic="resources",
        home=HOME,
        goes=pair.goes,
        stays=pair.stays,
        one=one,
        other=other,
        seen=fingerprint(*pair.shown),
        refused=found if isinstance(found, MergeRefused) else None,
        merge=found if isinstance(found, Merge) else None,
        public_id=public_id,
        touched=tell_affected(found.affected, language_of(request)) if isinstance(found, Merge) else [],
        **_told(request, refusal),
    )


def _told(request: Request, refusal: HoldfastError | None) -> dict[str, Any]:
    """What the page says of a refusal, and its status."""
    if refusal is None:
        return {"problem": "", "status": 200}
    return {"problem": language_of(request).said(refusal.detail), "status": status_of(refusal)}


async def _find_pair(tx: Transaction, slug: str, into: str) -> _Pair:
    """Both records, in service. Raises NotFound for the one that goes, StateRefused for the one that stays."""
    goes = await _find_going(tx, slug)
    try:
        stays = await get_resource(tx, into)
    except NotFound:
        stays = None
    if stays is None or stays.retired_at is not None:
        raise StateRefused("The other record is not there any more. Choose another one.")
    return _Pair(goes, stays, await read_document(tx))


async def _find_going(tx: Transaction, slug: str) -> Resource:
    """The record that goes. Raises NotFound, and says into which other it was merged."""
    goes = await get_resource(tx, slug)
    if (stays := await _merged_into(tx, slug)) is not None:
        name, other = _names(goes, stays)
        raise NotFound(said("{name} was merged into {other}: look there.", name=name, other=other))
    if goes.retired_at is not None:
        raise NotFound("There is nothing of this name here any more.")
    return goes


async def _merged_into(tx: Transaction, slug: str) -> Resource | None:
    """The record that this one was merged into. Raises NotFound."""
    into_id = (await get_resource(tx, slug)).merged_into_id
    return None if into_id is None else await get_resource(tx, into_id)


def _names(goes: Resource, stays: Resource) -> tuple[str, str]:
    """What the two are called, so that they can be told apart."""
    if goes.name != stays.name:
        return goes.name, stays.name
    return f"{goes.name} ({goes.slug})", f"{stays.name} ({stays.slug})"
