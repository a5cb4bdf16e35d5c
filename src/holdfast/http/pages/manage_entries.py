"""Entries of the catalog and their forms: listed, added, changed and retired, each change shown before it is made.

A form says what an entry of the catalog document should be. The document with it is compared with the one in the
record, by the same code as an import; the difference is tried and taken back to find the visits that it touches, and
then made by the same commands. ``seen`` is the fingerprint of what the form showed: who was overtaken is told.

    router = entry_routes(EntryForm("locations", …))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.catalog.document import CatalogDocument, Change, Section, changes_between, read_document
from holdfast.catalog.transfer import make_changes
from holdfast.catalog.yaml_file import slugify
from holdfast.db.transact import Transaction
from holdfast.errors import ClaimsInTheWay, HoldfastError, Invalid, NotFound, StateRefused
from holdfast.http.pages.manage_form import (
    Fields,
    FormErrors,
    Reader,
    fingerprint,
    row_numbers,
    typed_in,
    without_own,
)  # fmt: skip
from holdfast.http.pages.manage_frame import beside, manage_page, saved
from holdfast.http.pages.manage_preview import field_changes, look_ahead
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.http.problems import status_of
from holdfast.web.languages import Language


@dataclass(frozen=True)
class EntryForm:
    """The form of one section's entries.

    ``fields`` writes an entry as its form has it (None: a new one), ``read`` puts what was typed into the document
    under that slug. ``around`` is what else the template draws. ``also`` is what the form shows of other entries.
    """

    section: Section
    list_template: str
    template: str
    fields: Callable[[CatalogDocument, str | None], Fields]
    read: Callable[[Reader, CatalogDocument, str], CatalogDocument]
    around: Callable[[CatalogDocument, Fields, Language], Mapping[str, Any]]
    also: Callable[[CatalogDocument, str | None], object] = lambda _document, _slug: None

    @property
    def home(self) -> str:
        return f"/desk/manage/{self.section}"

    def seen(self, document: CatalogDocument, slug: str | None) -> str:
        """What the form shows, in a few letters: the same exactly when nothing of it changed."""
        entry = getattr(document, self.section).get(slug)
        return fingerprint(entry, self.also(document, slug))


def entry_routes(form: EntryForm) -> APIRouter:
    """Its pages: the list, an entry, a new one, and retiring one."""
    router = APIRouter(prefix=form.home, route_class=PageRoute, include_in_schema=False)

    @router.get("")
    async def listed(request: Request, staff: Desk) -> Response:
        document = await _read(request, staff)
        around = form.around(document, {}, language_of(request))
        return await manage_page(
            request, staff, form.list_template, topic=form.section, home=form.home, document=document, **around
        )

    @router.get("/new")
    async def blank(request: Request, staff: Desk) -> Response:
        document = await _read(request, staff)
        return await _Sheet(request, staff, form, None, document, form.fields(document, None)).draw()

    @router.post("/new")
    async def add(request: Request, staff: Desk) -> Response:
        return await _handle(request, staff, form, None)

    @router.get("/{slug}")
    async def shown(request: Request, staff: Desk, slug: str) -> Response:
        document = await _read(request, staff)
        _require(form, document, slug)
        return await _Sheet(request, staff, form, slug, document, form.fields(document, slug)).draw()

    @router.post("/{slug}")
    async def change(request: Request, staff: Desk, slug: str) -> Response:
        return await _handle(request, staff, form, slug)

    @router.post("/{slug}/retire")
    async def retire(request: Request, staff: Desk, slug: str) -> Response:
        return await _handle(request, staff, form, slug, retire=True)

    return router


@dataclass(frozen=True)
class _Sheet:
    """One form in somebody's hand: an entry, or a new one, with what is typed."""

    request: Request
    staff: SignedIn
    form: EntryForm
    slug: str | None
    document: CatalogDocument
    fields: Fields

    @property
    def seen(self) -> str:
        return self.form.seen(self.document, self.slug)

    async def draw(
        self, *, more: str = "", problem: str = "", errors: Mapping[str, str] | None = None, status: int = 200
    ) -> Response:
        """The form; ``more`` names the rows that get another empty one."""
        form = self.form
        return await manage_page(
            self.request,
            self.staff,
            form.template,
            topic=form.section,
            status=status,
            typed=self.fields,
            errors=errors,
            problem=problem,
            slug=self.slug,
            seen=self.seen,
            home=form.home,
            document=self.document,
            more=more,
            rows=lambda name: row_numbers(self.fields, name, more=1),
            named=lambda entries: [(each.slug, each.name) for each in entries.values()],
            **form.around(self.document, self.fields, language_of(self.request)),
        )

    async def refuse(self, refusal: HoldfastError) -> Response:
        """The form, with the refusal beside its field."""
        return await self.draw(status=status_of(refusal), **beside(self.request, refusal))

    async def preview(self, changes: list[Change]) -> Response:
        """The change and what it touches; nothing is done yet. Raises what making it raises."""
        language = language_of(self.request)
        outlook = await record_of(self.request).transact(
            self.staff.caller(), lambda tx: look_ahead(tx, changes, language)
        )
        return await manage_page(
            self.request,
            self.staff,
            "manage/preview.html",
            topic=self.form.section,
            status=409 if outlook.in_the_way else 200,
            typed=self.fields,
            seen=self.seen,
            home=self.form.home,
            document=self.document,
            changes=changes,
            field_changes=lambda change: field_changes(change, language),
            outlook=outlook,
        )


async def _handle(
    request: Request, staff: SignedIn, form: EntryForm, slug: str | None, *, retire: bool = False
) -> Response:
    """What a form that was sent does: it is drawn again, shows what it would do, or does it."""
    staff.require("manage")
    typed = await typed_in(request)
    step = typed.get("step", "")
    document = await _read(request, staff)
    _require(form, document, slug)
    sheet = _Sheet(request, staff, form, slug, document, without_own(typed))
    gettext = language_of(request).gettext
    if typed.get("seen") != sheet.seen:
        return await sheet.draw(
            status=409,
            problem=gettext("Somebody changed this since you opened it. Look whether what you typed is still right."),
        )
    if step == "form" or step.startswith("more-"):
        fields = sheet.fields if not retire else form.fields(document, slug)
        return await replace(sheet, fields=fields).draw(more=step.removeprefix("more-"))
    return await _carry_out(sheet, step, retire=retire)


async def _carry_out(sheet: _Sheet, step: str, *, retire: bool) -> Response:
    """Show what the sheet would do or, as the second step, do it."""
    form, document, transact = sheet.form, sheet.document, record_of(sheet.request).transact
    reader = Reader(sheet.fields, language_of(sheet.request))
    try:
        after = _without(form, document, sheet.slug) if retire else _with(form, document, sheet.slug, reader)
    except FormErrors as wrong:
        return await sheet.draw(errors=wrong.errors, status=422)
    changes = list(changes_between(document, after))
    if not changes:
        return saved(form.home, "nothing")
    try:
        if step == "apply":
            await transact(sheet.staff.caller(), lambda tx: _apply(tx, document, changes))
            return saved(form.home, changes[0].action)
        return await sheet.preview(changes)
    except ClaimsInTheWay:
        return await sheet.preview(changes)  # booked since it was last looked at
    except (Invalid, NotFound, StateRefused) as refusal:
        return await sheet.refuse(refusal)


async def _apply(tx: Transaction, before: CatalogDocument, changes: list[Change]) -> None:
    if await read_document(tx) != before:
        raise StateRefused("Somebody changed the catalog at this moment. Look at it again.")
    await make_changes(tx, changes)


def _with(form: EntryForm, document: CatalogDocument, slug: str | None, reader: Reader) -> CatalogDocument:
    key = slug or slugify(reader.fields.get("slug") or reader.text("name"))
    if slug is None and key in getattr(document, form.section):
        reader.wrong("slug", "Another one has this short name. Write a different one.")
    if not key:
        reader.wrong("slug", "The name has no Latin letter: write a short name of your own.")
    after = form.read(reader, document, key)
    reader.done()
    return after


def _without(form: EntryForm, document: CatalogDocument, slug: str | None) -> CatalogDocument:
    entries: Mapping[str, Any] = getattr(document, form.section)
    changed: dict[str, Any] = {form.section: {name: each for name, each in entries.items() if name != slug}}
    return replace(document, **changed)


def put_entry(document: CatalogDocument, section: Section, entry: Any) -> CatalogDocument:
    """The document with this entry in place of, or beside, what it has."""
    changed: dict[str, Any] = {section: {**getattr(document, section), entry.slug: entry}}
    return replace(document, **changed)


def _require(form: EntryForm, document: CatalogDocument, slug: str | None) -> None:
    if slug is not None and slug not in getattr(document, form.section):
        raise NotFound("There is nothing of this name here any more.")


async def _read(request: Request, staff: SignedIn) -> CatalogDocument:
    staff.require("manage")
    return await record_of(request).transact(staff.caller(), read_document)
