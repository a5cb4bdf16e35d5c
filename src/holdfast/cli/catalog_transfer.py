"""What ``holdfast catalog`` does, and how it tells it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import typer

from holdfast import wallclock
from holdfast.access.service import find_organization, list_organization_ids
from holdfast.booking.affected import affected_by_import
from holdfast.catalog.document import CatalogDocument, Change, read_document
from holdfast.catalog.service import get_organization
from holdfast.catalog.transfer import BookingsInTheWay, Conflict, Plan, carry_out, plan_import
from holdfast.catalog.yaml_file import CatalogFile, parse_catalog
from holdfast.catalog.yaml_nodes import FileInvalid, Remark
from holdfast.catalog.yaml_text import dump_catalog
from holdfast.cli.affected import affected_as_json, affected_lines
from holdfast.cli.record import with_record
from holdfast.db.transact import Caller, Record
from holdfast.errors import Invalid, NotFound
from holdfast.ids import public_id

SIGNS: Final = {"add": "+", "change": "~", "retire": "-"}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """``sure``: do not ask."""

    dry_run: bool
    sure: bool
    retire_missing: bool
    new_organization: bool
    as_json: bool


def export_catalog(output: Path | None, organization: str | None) -> None:
    """Write the catalog to the file, or the screen. Raises NotFound, Invalid."""

    async def work(record: Record) -> CatalogDocument:
        organization_id = await find_organization(record, organization)
        return await record.transact(_operator(organization_id), read_document)

    text = dump_catalog(with_record(work))
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise Invalid(f"{output} cannot be written: {(error.strerror or 'no such place').lower()}.") from None
    typer.echo(f"Written to {output}", err=True)


def import_catalog(file: Path, options: ImportOptions) -> None:
    """Show the difference and, unless it is a dry run, make it. Exits with 1 for a bad file or bookings in the way."""
    text = _read(file)
    try:
        found = parse_catalog(text)
    except FileInvalid as error:
        _say_remarks(file, error.remarks)
        raise typer.Exit(1) from None
    _say_remarks(file, found.warnings, kind="warning: ")
    try:
        plan = with_record(lambda record: _import(record, found, options))
    except BookingsInTheWay as error:
        _say_conflicts(error.conflicts, found.document)
        raise typer.Exit(1) from None
    if not options.as_json:
        typer.echo(_outcome(plan, dry_run=options.dry_run))


async def _import(record: Record, found: CatalogFile, options: ImportOptions) -> Plan:
    organization_id = await _organization(record, found, may_be_new=options.new_organization)
    plan = await plan_import(record, organization_id, found.document, retire_missing=options.retire_missing)
    if not options.as_json:
        _show(plan)
    # whoever is asked to agree should not be told afterwards that it was impossible, or what it did to whom
    preview = await affected_by_import(record, plan)
    if options.as_json:
        told = {
            "changes": [_as_json(each) for each in plan.changes],
            "left": [_as_json(each) for each in plan.left],
            "affected": [affected_as_json(each) for each in preview.affected],
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        for line in affected_lines(preview.affected):
            typer.echo(line)
    if preview.refusal is not None:
        raise preview.refusal
    if plan.changes and not options.dry_run:
        _ask(plan, sure=options.sure)
        await carry_out(record, plan)
    return plan


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {(error.strerror or 'no such file').lower()}.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{file}:{line}: this is not UTF-8 text. Save the file as UTF-8.") from None


async def _organization(record: Record, found: CatalogFile, *, may_be_new: bool) -> UUID | None:
    slug = found.document.organization.slug
    ids = await list_organization_ids(record)
    known = {(await record.transact(_operator(id), get_organization)).slug: id for id in ids}
    if known and slug not in known and not may_be_new:
        raise NotFound(
            f"There is no organization {slug!r} here; there is {', '.join(list(known)[:5])}. "
            "Write its slug in the file (organization: {name: …, slug: …}), or say --new-organization to add another."
        )
    return known.get(slug)


def _operator(organization_id: UUID) -> Caller:
    return Caller(organization_id, "system", "system")


def _ask(plan: Plan, *, sure: bool) -> None:
    if sure:
        return
    if not sys.stdin.isatty():
        raise Invalid("Nothing was changed. Say --yes to bring this into force, or --dry-run to look only.")
    count = len(plan.changes)
    typer.confirm(f"Make {'this change' if count == 1 else f'these {count} changes'}?", abort=True)


def _show(plan: Plan) -> None:
    for line in _lines(plan.changes):
        typer.echo(line)
    if plan.left:
        names = ", ".join(f"{each.kind} {each.slug}" for each in plan.left)
        typer.echo(
            f"Left as they are, though the file does not have them (--retire-missing would retire them): {names}"
        )


def _lines(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        yield f"{SIGNS[change.action]} {change.kind} {change.slug}"
        if change.action == "retire":
            continue
        for each in change.field_changes:
            if change.action == "add":
                yield f"    {each.name}: {each.new}"
            else:
                yield f"    {each.name}: {_value(each.old)} → {_value(each.new)}"


def _value(value: str | None) -> str:
    return "none" if value is None or value == "" else value


def _as_json(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "kind": change.kind,
        "slug": change.slug,
        "fields": {each.name: {"old": each.old, "new": each.new} for each in change.field_changes},
    }


def _outcome(plan: Plan, *, dry_run: bool) -> str:
    if not plan.changes:
        return "Nothing to change."
    count = len(plan.changes)
    things = f"{count} thing{'s' if count > 1 else ''}"
    return f"{things} would change; nothing was." if dry_run else f"Done: {things} changed."


def _say_remarks(file: Path, remarks: Sequence[Remark], *, kind: str = "") -> None:
    for remark in remarks:
        typer.echo(f"{file}:{remark.line}: {kind}{remark.message}", err=True)


def _say_conflicts(conflicts: Sequence[Conflict], document: CatalogDocument) -> None:
    typer.echo("Nothing was changed: there are bookings on what would be retired or made smaller.", err=True)
    for conflict in conflicts:
        wish = "retired" if conflict.change.new is None else "made smaller"
        typer.echo(f"{conflict.change.kind} {conflict.change.slug} cannot be {wish}:", err=True)
        for booking in sorted(conflict.bookings, key=lambda each: each["starts_at"]):
            typer.echo(f"    {_booking(booking, conflict.change, document)}", err=True)
    typer.echo("Move or cancel them first, or leave this out of the import.", err=True)


def _booking(booking: dict[str, str], change: Change, document: CatalogDocument) -> str:
    starts_at = datetime.fromisoformat(booking["starts_at"])
    zones = {
        document.locations[slug].time_zone
        for slug in getattr(change.old, "locations", ())
        if slug in document.locations
    }
    zone = min(zones) if len(zones) == 1 else "UTC"
    local = wallclock.to_local(starts_at, zone)
    kind = booking["kind"]
    id = public_id(kind, UUID(booking["id"])) if kind != "busy" else "in an outside calendar"
    return f"{local:%Y-%m-%d %H:%M} {zone}  {kind} {id}"
