"""R20 and I9: nothing is written but by commands, and nobody sees, changes or infers what belongs to another."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from tests.busy_day import live_a_busy_day
from tests.clinic import Clinic, Desk, Refused, at, open_med_spa

# Definer functions without an organization to filter by: they say whose key it is, make an organization, or tidy all.
BEFORE_ANYBODY_ACTS = {
    # a link's or a session's secret says whose it is
    "authenticate_session", "find_offer", "staff_of_link", "visit_of_link", "visit_of_any_link",
    "authenticate", "note_key_use", "create_organization", "organization_by_slug", "organization_ids", "guard_probe",
    "forget_answers",
    "feed_now", "refresh_statistics", "relay_lag", "act_as",
    # a carrier's text comes to a telephone line that several organizations may share
    "set_text_preference", "take_text", "answer_text", "release_text", "visits_texted", "record_text_status",
    "offers_texted", "text_language",
}  # fmt: skip
COMMANDS = "p.prosecdef and has_function_privilege('holdfast_app', p.oid, 'execute')"


def tables(admin: psycopg.Connection[Any]) -> list[str]:
    rows = admin.execute(
        "select relname from pg_class"
        " where relnamespace = 'holdfast'::regnamespace and relkind in ('r', 'p') order by relname"
    )
    return [row[0] for row in rows]


def test_the_application_cannot_write_a_single_table(
    spa: Clinic, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    live_a_busy_day(spa)
    for table in tables(admin):
        name = sql.Identifier("holdfast", table)
        (column,) = admin.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and attgenerated = ''"
            " and attidentity = '' limit 1", (f"holdfast.{table}",),
        ).fetchone() or ("",)  # fmt: skip
        for statement in (
            sql.SQL("insert into {} default values").format(name),
            sql.SQL("update {0} set {1} = {1}").format(name, sql.Identifier(column)),
            sql.SQL("delete from {}").format(name),
            sql.SQL("truncate {}").format(name),
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                execute_as(spa.desk, statement)


def execute_as(desk: Desk, statement: sql.Composed) -> None:
    with desk.connection.transaction():
        desk.act()
        desk.connection.execute(statement)


def functions(admin: psycopg.Connection[Any], where: str) -> list[str]:
    rows = admin.execute(f"""
        select p.proname from pg_proc p
        where p.pronamespace = 'holdfast'::regnamespace and ({where}) order by 1
    """)  # type: ignore[arg-type]
    return [row[0] for row in rows]


def test_internal_functions_cannot_be_called(admin: psycopg.Connection[Any]) -> None:
    callable_ = set(functions(admin, "has_function_privilege('holdfast_app', p.oid, 'execute')"))
    definer = set(functions(admin, "p.prosecdef"))
    reading = {"act_as", "clock", "current_organization", "current_actor", "current_surface",
               "event_epoch", "opted_out", "can_be_told", "offer_channels", "waitlist_policy_revision"}  # fmt: skip
    assert callable_ - definer <= reading
    internal = {
        "let_go",
        "take",
        "displace",
        "insert_claims",
        "record_event",
        "promote_overbooks",
        "claim_for_busy",
        "record_catalog_change",
    }
    assert internal & callable_ == set()


def test_every_function_with_the_owner_s_rights_is_fixed_and_filters(admin: psycopg.Connection[Any]) -> None:
    assert (
        functions(admin, "p.prosecdef and not coalesce('search_path=holdfast, pg_temp' = any (p.proconfig), false)")
        == []
    )
    bodies = dict(
        admin.execute(
            "select proname, coalesce(pg_get_function_sqlbody(oid), prosrc) from pg_proc"
            " where pronamespace = 'holdfast'::regnamespace"
        ).fetchall()
    )
    commands = set(functions(admin, COMMANDS)) - BEFORE_ANYBODY_ACTS

    def filters(name: str, seen: frozenset[str] = frozenset()) -> bool:
        """It names the organization itself, or hands everything on to functions of ours that do."""
        called = {other for other in bodies if other not in seen and f"{other}(" in bodies[name] and other != name}
        return "current_organization()" in bodies[name] or any(filters(other, seen | {name}) for other in called)

    assert {name for name in commands if not filters(name)} == set()


def test_without_an_organization_no_row_is_seen(
    spa: Clinic, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    live_a_busy_day(spa)
    assert visible(app, admin, None) == {}


def test_an_organization_sees_its_own_rows_alone(
    spa: Clinic, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    live_a_busy_day(spa)
    other = open_med_spa(app, "other")
    live_a_busy_day(other)
    for clinic in (spa, other):
        seen = visible(app, admin, clinic.organization_id)
        assert seen.keys() >= {"claim", "hold", "appointment", "event", "client"}
        assert {owner for owners in seen.values() for owner in owners} == {clinic.organization_id}


def visible(
    app: psycopg.Connection[Any], admin: psycopg.Connection[Any], organization_id: UUID | None
) -> dict[str, set[UUID]]:
    """Table -> the organizations whose rows the application sees in it while acting for this one."""
    seen = {}
    for table in tables(admin):
        column = "id" if table == "organization" else "organization_id"
        statement = sql.SQL("select distinct {} from {}").format(
            sql.Identifier(column), sql.Identifier("holdfast", table)
        )
        try:
            with app.transaction():
                app.execute("select holdfast.act_as(%s, 'key_x', 'desk')", (organization_id,))
                owners = {row[0] for row in app.execute(statement)}
        except (errors.InsufficientPrivilege, errors.UndefinedColumn):
            continue
        if owners:
            seen[table] = owners
    return seen


def test_control_a_dropped_policy_is_noticed(
    spa: Clinic, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    live_a_busy_day(spa)
    admin.execute("drop policy own_organization on holdfast.client")
    admin.execute("create policy everybody on holdfast.client for select to holdfast_app using (true)")
    assert visible(app, admin, uuid4()) == {"client": {spa.organization_id}}


# Every command that takes an id of a row: how it is called with that id. None: the answer to an id that is nowhere.
def calls(mine: Clinic, theirs: dict[str, UUID]) -> dict[str, dict[str, Any]]:
    """Command -> arguments that are all in order, but for one id."""
    visit = {"service_id": mine.services["laser"], "location_id": mine.location_id, "start": at(3000)}
    stranger = {"name": "Stranger"}
    listed = [str(theirs["resource"])]
    return {
        "place_hold service": {"place_hold": visit | {"service_id": theirs["service"]}},
        "place_hold location": {"place_hold": visit | {"location_id": theirs["location"]}},
        "place_hold choice": {"place_hold": visit | {"choices": {"room": [listed]}}},
        "book service": {"book": visit | {"service_id": theirs["service"], "client": stranger}},
        "book location": {"book": visit | {"location_id": theirs["location"], "client": stranger}},
        "book client": {"book": visit | {"client": {"id": str(theirs["client"])}}},
        "extend_hold": {"extend_hold": {"hold_id": theirs["hold"]}},
        "release_hold": {"release_hold": {"hold_id": theirs["hold"]}},
        "confirm_hold": {"confirm_hold": {"hold_id": theirs["hold"], "client": stranger}},
        "reschedule": {"reschedule": {"appointment_id": theirs["appointment"], "revision": None, "start": at(3000)}},
        "reschedule hold": {
            "reschedule": {"appointment_id": theirs["own_appointment"], "revision": None, "hold_id": theirs["hold"]}
        },
        "cancel": {"cancel": {"appointment_id": theirs["appointment"], "revision": None}},
        "check_in": {"check_in": {"appointment_id": theirs["appointment"], "revision": None}},
        "complete": {"complete": {"appointment_id": theirs["appointment"], "revision": None}},
        "no_show": {"no_show": {"appointment_id": theirs["appointment"], "revision": None}},
        "place_block": {"place_block": {
            "resource_id": theirs["resource"], "start": at(3000), "end": at(3060), "reason": ""
        }},
        "remove_block": {"remove_block": {"block_id": theirs["block"]}},
        "record_busy": {"record_busy": {
            "resource_id": theirs["resource"], "source": "s", "external_id": "e", "start": at(0), "end": at(10)
        }},
        "remove_busy": {"remove_busy": {"busy_id": theirs["busy"]}},
        "resolve_collision": {"resolve_collision": {"collision_id": theirs["collision"], "resolution": "x"}},
        "set_capacity": {"set_capacity": {"resource_id": theirs["resource"], "capacity": 3}},
        "retire_resource": {"retire_resource": {"resource_id": theirs["resource"]}},
        "merge_resources from": {
            "merge_resources": {"from_id": theirs["resource"], "into_id": mine.resources["ana"]}
        },
        "merge_resources into": {
            "merge_resources": {"from_id": mine.resources["ana"], "into_id": theirs["resource"]}
        },
        "put_resource": {"put_resource": {
            "slug": "x", "name": "X", "kind": "room", "location_ids": [theirs["location"]], "capacity": 1
        }},
        "put_pool": {"put_pool": {"slug": "x", "name": "X", "members": [{"resource_id": listed[0]}]}},
        "put_service location": {"put_service": {
            "slug": "x", "name": "X", "category": "C", "duration_minutes": 5, "price_cents": 0,
            "location_ids": [theirs["location"]], "requirements": [],
        }},
        "put_service pool": {"put_service": {
            "slug": "x", "name": "X", "category": "C", "duration_minutes": 5, "price_cents": 0,
            "location_ids": [mine.location_id],
            "requirements": [{"role": "r", "pool_id": str(theirs["pool"]), "quantity": 1, "segment_start_minutes": 0,
                              "segment_minutes": 5, "buffer_before_minutes": 0, "buffer_after_minutes": 0}],
        }},
        "retire_service": {"retire_service": {"service_id": theirs["service"]}},
        "retire_location": {"retire_location": {"location_id": theirs["location"]}},
        "remove_pool": {"remove_pool": {"pool_id": theirs["pool"]}},
        "revoke_api_key": {"revoke_api_key": {"api_key_id": theirs["api_key"]}},
        "set_location_holidays": {"set_location_holidays": {
            "location_id": theirs["location"], "country": "US", "region": None
        }},
        "set_resource_rules": {"set_resource_rules": {
            "resource_id": theirs["resource"], "visits_per_day": 1, "attributes": []
        }},
        "set_pool_requires": {"set_pool_requires": {"pool_id": theirs["pool"], "requires": []}},
        "set_service_rules": {"set_service_rules": {
            "service_id": theirs["service"], "grid_minutes": 15, "off_grid_after_claims": True, "leads": []
        }},
        "set_weekly_rules location": {"set_weekly_rules": {
            "location_id": theirs["location"], "resource_id": None, "rules": []
        }},
        "set_weekly_rules resource": {"set_weekly_rules": {
            "location_id": mine.location_id, "resource_id": theirs["resource"], "rules": []
        }},
        "set_dated_rules location": {"set_dated_rules": {
            "location_id": theirs["location"], "resource_id": None, "rules": []
        }},
        "set_dated_rules resource": {"set_dated_rules": {
            "location_id": None, "resource_id": theirs["resource"], "rules": []
        }},
        "add_dated_rule": {"add_dated_rule": {
            "location_id": theirs["location"], "resource_id": None, "kind": "closure",
            "starts": at(0).replace(tzinfo=None), "ends": at(60).replace(tzinfo=None),
        }},
        "remove_dated_rule": {"remove_dated_rule": {"rule_id": theirs["rule"]}},
        "change_webhook_endpoint": {"change_webhook_endpoint": {
            "endpoint_id": theirs["endpoint"], "url": "https://example.org/", "description": "", "events": ["*"],
            "enabled": True,
        }},
        "rotate_webhook_secret": {"rotate_webhook_secret": {
            "endpoint_id": theirs["endpoint"], "secret": b"s" * 32, "overlap_hours": 1
        }},
        "remove_webhook_endpoint": {"remove_webhook_endpoint": {"endpoint_id": theirs["endpoint"]}},
        "test_webhook_endpoint": {"test_webhook_endpoint": {"endpoint_id": theirs["endpoint"]}},
        "replay_webhook_endpoint": {"replay_webhook_endpoint": {
            "endpoint_id": theirs["endpoint"], "since": at(-99999)
        }},
        "retry_deliveries_since": {"retry_deliveries_since": {"since": at(-99999), "endpoint_id": theirs["endpoint"]}},
        "retry_delivery": {"retry_delivery": {"delivery_id": theirs["delivery"]}},
        "fail_delivery": {"fail_delivery": {"delivery_id": theirs["delivery"]}},
        "discard_delivery": {"discard_delivery": {"delivery_id": theirs["delivery"], "reason": "x"}},
        "set_quiet_hours": {"set_quiet_hours": {
            "location_id": theirs["location"], "quiet_from": time(21), "quiet_until": time(8)
        }},
        "set_reminder_rule": {"set_reminder_rule": {
            "service_id": theirs["service"], "before_minutes": [60], "follow_up_after_minutes": None
        }},
        "set_message_preference": {"set_message_preference": {
            "client_id": theirs["client"], "channel": "sms", "allowed": False, "source": "desk"
        }},
        "set_client_language": {"set_client_language": {"client_id": theirs["client"], "language": "en"}},
        "retry_message": {"retry_message": {"message_id": theirs["message"]}},
        "discard_message": {"discard_message": {"message_id": theirs["message"], "reason": "x"}},
        "answer_message": {"answer_message": {"message_id": theirs["message"], "answer": "C"}},
        "claims_between": {"claims_between": {"unit_ids": [theirs["unit"]], "from": at(0), "to": at(9000)}},
        "last_taken": {"last_taken": {"resource_ids": [theirs["resource"]]}},
    }  # fmt: skip


# An unknown id is no error here: there is just nothing.
SAY_NOTHING = {"remove_busy", "claims_between", "last_taken", "retry_deliveries_since"}
# These name nothing by id, or cannot be told an id of another organization.
WITHOUT_IDS = {
    "begin_idempotent", "store_answer", "sweep_holds", "put_location", "create_api_key", "set_hold_policy",
    "set_organization", "set_organization_policy", "set_message_policy", "set_message_template",
    "add_webhook_endpoint", "feed", "unchanged_since",
}  # fmt: skip


def their_ids(clinic: Clinic, mine: Clinic) -> dict[str, UUID]:
    rows = {
        table: clinic.desk.read(f"select id from holdfast.{table} order by id desc limit 1")[0]["id"]
        for table in ("client", "busy", "collision", "pool", "api_key", "unit")
    }
    desk, endpoint = clinic.desk, uuid4()
    desk("add_webhook_endpoint", endpoint_id=endpoint, url="https://example.org/hook", description="", events=["*"],
         secret=b"s" * 32)  # fmt: skip
    rows["rule"] = desk(
        "add_dated_rule", location_id=clinic.location_id, resource_id=None, kind="closure",
        starts=at(9000).replace(tzinfo=None), ends=at(9060).replace(tzinfo=None),
    )["add_dated_rule"]  # fmt: skip
    rows["endpoint"] = endpoint
    # messages are planned by the worker alone, so here none is known: any id will do
    rows["message"] = uuid4()
    rows["delivery"] = desk("test_webhook_endpoint", endpoint_id=endpoint)["test_webhook_endpoint"]
    return rows | {
        "own_appointment": mine.book("laser", 2000)["id"],
        "hold": clinic.hold("laser", 2100)["id"],
        "appointment": clinic.book("laser", 2200)["id"],
        "block": clinic.desk(
            "place_block", resource_id=clinic.resources["ben"], start=at(4000), end=at(4060), reason=""
        )["id"],
        "service": clinic.services["laser"],
        "location": clinic.location_id,
        "resource": clinic.resources["ana"],
    }


def answer(desk: Desk, command: dict[str, Any]) -> tuple[Any, ...]:
    ((function, arguments),) = command.items()
    try:
        return ("done", desk.all(function, **arguments))
    except Refused as refused:
        return (refused.rule, refused.facts)


def dump(admin: psycopg.Connection[Any], organization_id: UUID) -> dict[str, list[Any]]:
    """Every row of an organization."""
    return {
        table: sorted(row[0] for row in admin.execute(
            sql.SQL("select t::text from {} t where {} = %s").format(
                sql.Identifier("holdfast", table),
                sql.Identifier("id" if table == "organization" else "organization_id"),
            ), (organization_id,),
        ))
        for table in tables(admin)
        if admin.execute(
            "select 1 from pg_attribute where attrelid = %s::regclass and attname = 'organization_id'"
            " union select 1 where %s = 'organization'", (f"holdfast.{table}", table),
        ).fetchone()
    }  # fmt: skip


def test_another_organization_s_ids_are_as_good_as_none(
    spa: Clinic, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    theirs = open_med_spa(app, "theirs")
    live_a_busy_day(theirs)
    ids = their_ids(theirs, spa)
    nowhere = {kind: uuid4() if kind != "own_appointment" else id for kind, id in ids.items()}
    before = dump(admin, theirs.organization_id)
    for name, command in calls(spa, ids).items():
        unknown = answer(spa.desk, calls(spa, nowhere)[name])
        assert answer(spa.desk, command) == unknown, name
        assert unknown[0] != "done" or name in SAY_NOTHING, name
    assert dump(admin, theirs.organization_id) == before


class AnyId(dict[str, UUID]):
    """An id of every kind."""

    def __missing__(self, kind: str) -> UUID:
        return uuid4()


# Arguments that are in order for whatever a command without its own lines above wants.
PLAIN = {
    "text": "x", "text[]": ["x"], "integer": 1, "integer[]": [1], "bigint": 1, "bigint[]": [1], "boolean": True,
    "bytea": b"x" * 32, "bytea[]": [b"x" * 32], "timestamp with time zone": at(3000),
    "timestamp with time zone[]": [at(3000)], "jsonb": Jsonb({}), "time without time zone": time(9),
}  # fmt: skip


def others(spa: Clinic, admin: psycopg.Connection[Any]) -> dict[str, list[tuple[str, str]]]:
    """The commands that take ids and have no lines of their own above, with the names and types of their arguments."""
    tried = {name.partition(" ")[0] for name in calls(spa, AnyId())}
    left = set(functions(admin, COMMANDS)) - tried - WITHOUT_IDS - BEFORE_ANYBODY_ACTS
    signatures = admin.execute(
        "select proname, pg_get_function_identity_arguments(oid) from pg_proc"
        " where pronamespace = 'holdfast'::regnamespace and proname = any (%s)", (sorted(left),),
    ).fetchall()  # fmt: skip
    split = {name: [tuple(a.split(" ", 1)) for a in arguments.split(", ") if a] for name, arguments in signatures}
    return {name: arguments for name, arguments in split.items() if any(kind == "uuid" for _, kind in arguments)}


def an_id_of(admin: psycopg.Connection[Any], parameter: str, organization_id: UUID) -> UUID:
    """An id that this organization has in the table that the parameter is named after; any id, where it has none."""
    kind = parameter.removeprefix("p_").removesuffix("_id")
    for table in tables(admin):
        if table.endswith(kind):
            try:
                row = admin.execute(
                    sql.SQL("select id from {} where organization_id = %s limit 1").format(
                        sql.Identifier("holdfast", table)
                    ), (organization_id,),
                ).fetchone()  # fmt: skip
            except errors.UndefinedColumn:
                continue
            if row is not None:
                return UUID(str(row[0]))
    return uuid4()


def outcome(desk: Desk, function: str, arguments: list[tuple[str, str]], ids: dict[str, UUID]) -> str:
    """The rule, the SQLSTATE, or what was answered."""
    values = [ids[name] if kind == "uuid" else PLAIN[kind] for name, kind in arguments]
    statement = sql.SQL("select t::text from holdfast.{}({}) t").format(
        sql.Identifier(function),
        sql.SQL(", ").join(sql.SQL("{} => %s").format(sql.Identifier(n)) for n, _ in arguments),
    )
    try:
        with desk.connection.transaction():
            desk.act()
            return str(desk.connection.execute(statement, values).fetchall())
    except psycopg.Error as error:
        return f"{error.sqlstate} {error.diag.constraint_name}"


def test_commands_that_nobody_wrote_a_line_for_do_not_tell_a_foreign_id_from_none(
    spa: Clinic, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    """So that a new command is tried from the day it exists."""
    theirs = open_med_spa(app, "theirs")
    live_a_busy_day(theirs)
    for function, arguments in others(spa, admin).items():
        names = [name for name, kind in arguments if kind == "uuid"]
        foreign = {name: an_id_of(admin, name, theirs.organization_id) for name in names}
        nowhere = {name: uuid4() for name in names}
        before = dump(admin, theirs.organization_id)
        told = outcome(spa.desk, function, arguments, foreign)
        # what an answer repeats of the question is no news
        blank = {str(id) for id in (*foreign.values(), *nowhere.values())}
        assert without(told, blank) == without(outcome(spa.desk, function, arguments, nowhere), blank), function
        assert dump(admin, theirs.organization_id) == before, function


def test_control_a_command_that_forgets_the_organization_is_noticed(
    spa: Clinic, app: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    admin.execute("""
        create function holdfast.forget_resource(p_resource_id uuid) returns void
        language sql security definer set search_path = holdfast, pg_temp
        as 'update resource set name = name || current_organization()::text where id = p_resource_id';
        grant execute on function holdfast.forget_resource(uuid) to holdfast_app;
    """)
    with pytest.raises(AssertionError, match="forget_resource"):
        test_commands_that_nobody_wrote_a_line_for_do_not_tell_a_foreign_id_from_none(spa, app, admin)


def without(text: str, blank: set[str]) -> str:
    for word in blank:
        text = text.replace(word, "")
    return text


def test_nothing_is_inferred_through_a_constraint(spa: Clinic, app: psycopg.Connection[Any]) -> None:
    """The same names, keys and times are free here, whatever another organization has."""
    theirs = open_med_spa(app, "theirs")
    for clinic in (theirs, spa):
        clinic.book("laser", 0)
        clinic.desk("store_answer", route="r", key="k", request_hash=b"h", status=201, headers={}, body=b"")
        clinic.desk("record_busy", resource_id=clinic.resources["ana"], source="s", external_id="e", start=at(500),
                    end=at(560))  # fmt: skip
        clinic.resource("same-slug")
