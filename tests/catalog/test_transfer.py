"""Bringing a catalog into the record: the difference is exact, everything or nothing happens, bookings are safe."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from uuid import UUID

import psycopg
import pytest

from holdfast.access.service import find_organization
from holdfast.booking import service as booking
from holdfast.booking.model import ClientDetails, Visit
from holdfast.catalog import service
from holdfast.catalog.document import CatalogDocument, FieldChange, changes_between, read_document, standard_hold_policy
from holdfast.catalog.transfer import BookingsInTheWay, Plan, carry_out, plan_import
from holdfast.catalog.yaml_file import parse_catalog
from holdfast.catalog.yaml_text import dump_catalog
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Invalid, NotFound, StateRefused

CLINIC = """\
organization: Glow
locations: {main: America/Chicago}
providers: [Ana, Bo]
rooms: {suite: {capacity: 2}}
devices: [Laser]
services:
  facial: {duration: 60, price: 100, requires: [providers, rooms]}
  ipl: {duration: 30, price: 300, requires: [providers, devices]}
"""


def document(text: str = CLINIC) -> CatalogDocument:
    return parse_catalog(text).document


async def bring_in(record: Record, text: str = CLINIC, *, retire_missing: bool = False) -> Plan:
    try:
        organization_id = await find_organization(record, "glow")
    except NotFound:
        organization_id = None
    plan = await plan_import(record, organization_id, document(text), retire_missing=retire_missing)
    await carry_out(record, plan)
    return plan


async def caller(record: Record) -> Caller:
    return Caller(await find_organization(record, "glow"), "system", "desk")


async def current(record: Record) -> CatalogDocument:
    return await record.transact(await caller(record), read_document)


async def book(record: Record, slug: str, **choices: UUID) -> UUID:
    """A visit next month."""
    who = await caller(record)
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=30)
    wanted = await record.transact(who, lambda tx: service.get_service(tx, slug))
    visit = Visit(wanted.id, wanted.location_ids[0], start, {role: [[id]] for role, id in choices.items()})
    client = ClientDetails(name="Cy", email="cy@example.com")
    return (await record.transact(who, lambda tx: booking.book(tx, visit, client))).id


def events(urls: DatabaseUrls) -> int:
    with psycopg.connect(urls.owner) as connection:
        row = connection.execute("select count(*) from holdfast.event").fetchone()
    assert row is not None
    return int(row[0])


async def test_export_after_import_is_the_file_and_the_other_way_round(record: Record) -> None:
    text = files("holdfast.demo").joinpath("catalog.yaml").read_text("utf-8")
    await bring_in(record, text)
    exported = dump_catalog(await current(record))
    assert parse_catalog(exported).document == parse_catalog(text).document
    plan = await bring_in(record, exported)
    assert (plan.changes, plan.left) == ([], [])


async def test_running_it_twice_changes_nothing_and_leaves_no_event(record: Record, database: DatabaseUrls) -> None:
    await bring_in(record)
    before = events(database)
    assert (await bring_in(record)).changes == []
    assert events(database) == before


async def test_a_dry_run_writes_nothing(record: Record, database: DatabaseUrls) -> None:
    plan = await plan_import(record, None, document())
    await carry_out(record, plan, dry_run=True)
    assert events(database) == 0
    with pytest.raises(NotFound):
        await find_organization(record)
    await carry_out(record, plan)  # the control: the same plan, carried out, does write
    assert events(database) > 0


async def test_the_difference_is_exact(record: Record) -> None:
    await bring_in(record)
    changed = CLINIC.replace("price: 300", "price: 349.50").replace("suite: {capacity: 2}", "suite: {capacity: 3}")
    changed = changed.replace("[Ana, Bo]", "[Ana, Bo, Cy]")
    plan = await bring_in(record, changed)
    told = {(change.action, change.kind, change.slug): change.field_changes for change in plan.changes}
    assert told == {
        ("add", "provider", "cy"): (
            FieldChange("name", None, "Cy"),
            FieldChange("kind", None, "provider"),
            FieldChange("locations", None, "main"),
            FieldChange("capacity", None, "1"),
        ),
        ("change", "room", "suite"): (FieldChange("capacity", "2", "3"),),
        ("change", "pool", "providers"): (FieldChange("members", "ana, bo", "ana, bo, cy"),),
        ("change", "service", "ipl"): (FieldChange("price", "300", "349.50"),),
    }
    assert await current(record) == document(changed)


async def test_what_the_file_lacks_stays_until_retiring_is_asked_for(record: Record) -> None:
    await bring_in(record)
    less = (
        CLINIC.replace("[Ana, Bo]", "[Ana]")
        .replace(CLINIC.splitlines()[-1] + "\n", "")
        .replace("devices: [Laser]\n", "")
    )
    plan = await bring_in(record, less)
    assert [(change.kind, change.slug) for change in plan.left] == [
        ("service", "ipl"),
        ("pool", "devices"),
        ("provider", "bo"),
        ("device", "laser"),
    ]
    assert "ipl" in (await current(record)).services
    await bring_in(record, less, retire_missing=True)
    assert await current(record) == document(less)
    assert (await bring_in(record, less, retire_missing=True)).changes == []
    # and everything can come back
    await bring_in(record)
    assert await current(record) == document()


async def test_bookings_in_the_way_are_all_listed_and_nothing_is_changed(
    record: Record, database: DatabaseUrls
) -> None:
    await bring_in(record)
    bo = (await record.transact(await caller(record), lambda tx: service.get_resource(tx, "bo"))).id
    ipl = await book(record, "ipl", provider=bo)
    await book(record, "facial")  # on Ana, who stays
    less = CLINIC.replace("[Ana, Bo]", "[Ana]").replace("devices: [Laser]\n", "")
    less = less.replace(CLINIC.splitlines()[-1] + "\n", "")
    before = events(database)
    for dry_run in (True, False):
        plan = await plan_import(record, await find_organization(record), document(less), retire_missing=True)
        with pytest.raises(BookingsInTheWay) as caught:
            await carry_out(record, plan, dry_run=dry_run)
        told = {
            (each.change.slug, booking["kind"], booking["id"])
            for each in caught.value.conflicts
            for booking in each.bookings
        }
        assert told == {("bo", "appointment", str(ipl)), ("laser", "appointment", str(ipl))}
    assert events(database) == before
    assert await current(record) == document()
    await record.transact(await caller(record), lambda tx: booking.cancel(tx, ipl))
    await bring_in(record, less, retire_missing=True)  # the control: without the booking it goes through
    assert await current(record) == document(less)


async def test_a_smaller_capacity_moves_bookings_or_lists_them(record: Record) -> None:
    await bring_in(record)
    await book(record, "facial")
    await bring_in(record, CLINIC.replace("capacity: 2", "capacity: 1"))  # one visit fits one unit
    await bring_in(record)
    await book(record, "facial")
    with pytest.raises(BookingsInTheWay) as caught:
        await bring_in(record, CLINIC.replace("capacity: 2", "capacity: 1"))
    assert [each.change.slug for each in caught.value.conflicts] == ["suite"]
    assert (await current(record)).resources["suite"].capacity == 2


async def test_a_plan_is_carried_out_as_shown_or_not_at_all(record: Record) -> None:
    await bring_in(record)
    organization_id = await find_organization(record)
    plan = await plan_import(record, organization_id, document(CLINIC.replace("price: 300", "price: 310")))
    await bring_in(record, CLINIC.replace("price: 100", "price: 110"))
    with pytest.raises(StateRefused, match="changed the catalog"):
        await carry_out(record, plan)
    assert (await current(record)).services["ipl"].price_cents == 30000


async def test_one_bad_entry_undoes_everything_and_is_named(record: Record) -> None:
    bad = document()
    bad = replace(bad, services={**bad.services, "ipl": replace(bad.services["ipl"], duration_minutes=5000)})
    plan = await plan_import(record, None, bad)
    with pytest.raises(Invalid) as caught:
        await carry_out(record, plan)
    assert caught.value.detail == "service ipl: A service lasts from 1 minute to 24 hours."
    with pytest.raises(NotFound):
        await find_organization(record)


async def test_a_merged_resource_does_not_come_back(record: Record) -> None:
    await bring_in(record)
    who = await caller(record)
    ana, bo = [await record.transact(who, lambda tx, s=slug: service.get_resource(tx, s)) for slug in ("ana", "bo")]  # type: ignore[misc]
    merged = await record.transact(who, lambda tx: service.merge_resources(tx, bo.id, ana.id))
    assert merged.id == ana.id
    with pytest.raises(Invalid, match="bo was merged into ana"):
        await bring_in(record)


async def test_hold_policies_and_the_organization_can_be_changed(record: Record) -> None:
    await bring_in(record)
    await bring_in(
        record,
        CLINIC.replace("organization: Glow", "organization: {name: Glow More, slug: glow, currency: EUR}")
        + "hold_policies: {widget: {ttl_seconds: 200}}\n",
    )
    now = await current(record)
    assert (now.organization.name, now.organization.currency) == ("Glow More", "EUR")
    assert now.hold_policies == {"widget": replace(standard_hold_policy("widget"), ttl_seconds=200)}
    # a file that does not speak of policies leaves them
    assert [change.kind for change in changes_between(now, document())] == ["organization"]


async def test_the_standard_policies_are_those_of_a_new_organization(record: Record) -> None:
    await bring_in(record)
    policies = await record.transact(await caller(record), service.list_hold_policies)
    assert len(policies) == 10
    assert policies == [standard_hold_policy(policy.surface) for policy in policies]


async def test_reading_by_slug_by_id_and_page_by_page(record: Record) -> None:
    await bring_in(record)
    who = await caller(record)

    async def read(tx: Transaction) -> None:
        first = await service.list_resources(tx, limit=2)
        rest = await service.list_resources(tx, after=first[-1].slug, limit=10)
        assert [each.slug for each in first + rest] == ["ana", "bo", "laser", "suite"]
        assert [each.slug for each in await service.list_resources(tx, kind="room")] == ["suite"]
        suite = await service.get_resource(tx, "suite")
        assert suite.capacity == len(set(suite.unit_ids)) == 2
        assert await service.get_resource(tx, suite.id) == suite
        assert await service.get_resource(tx, f"res_{suite.id.hex}") == suite
        facial = await service.get_service(tx, "facial")
        assert [each.role for each in facial.requirements] == ["provider", "room"]
        pool = await service.get_pool(tx, facial.requirements[1].pool_id)
        assert [member.resource_id for member in pool.members] == [suite.id]
        assert (await service.get_location(tx, "main")).time_zone == "America/Chicago"
        for wrong in (f"svc_{suite.id.hex}", "nobody", "no body", "\0", "res_1", "", "x" * 5000):
            with pytest.raises(NotFound):
                await service.get_resource(tx, wrong)

    await record.transact(who, read)


async def test_another_organizations_catalog_is_not_there(record: Record) -> None:
    await bring_in(record)
    other = document(CLINIC.replace("organization: Glow", "organization: Other"))
    await carry_out(record, await plan_import(record, None, other))
    glow = await caller(record)
    others = Caller(await find_organization(record, "other"), "system", "desk")
    laser = await record.transact(glow, lambda tx: service.get_resource(tx, "laser"))
    with pytest.raises(NotFound):
        await record.transact(others, lambda tx: service.get_resource(tx, laser.id))
    assert len(await record.transact(others, service.list_resources)) == 4
