"""What start-up refuses: a server that may lose a commit, a role above the rules, a guard that does not bite."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from holdfast.db.pool import session_options
from holdfast.db.urls import WORKER_ROLE, DatabaseUrls
from holdfast.errors import SetupRefused

GUARD: Final = "claim_no_overlap"
# As PostgreSQL words it: one operator or one condition more, and two people could have one unit.
GUARD_DEFINITION: Final = (
    "EXCLUDE USING gist (organization_id WITH =, unit_id WITH =, during WITH &&) WHERE ((active AND (NOT overbook)))"
)
# Setting -> the values that lose no acknowledged commit and hide no damage.
SAFE_SETTINGS: Final = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply", "remote_write"),
    "zero_damaged_pages": ("off",),
    "ignore_checksum_failure": ("off",),
    "session_replication_role": ("origin",),  # with replica no trigger fires
    "default_transaction_read_only": ("off",),
}

Connection = psycopg.Connection[tuple[Any, ...]]


def require_safe(urls: DatabaseUrls) -> None:
    """Return when bookings are safe in this database. Raises SetupRefused with every reason why they are not."""
    try:
        with psycopg.connect(urls.app, options=session_options()) as app:
            faults = [*setting_faults(app), *role_faults(app)]
        with psycopg.connect(urls.owner, options=session_options()) as owner:
            faults += guard_faults(owner) or probe_faults(owner)
    except psycopg.OperationalError as error:
        raise SetupRefused(f"The database cannot be reached: {str(error).partition(chr(10))[0]}") from error
    if faults:
        raise SetupRefused(" ".join(faults), faults=faults)


def setting_faults(connection: Connection) -> list[str]:
    """The settings of this session that may lose a commit or let a stale server take bookings."""
    faults = []
    for name, safe in SAFE_SETTINGS.items():
        value = _row(connection, "select current_setting(%s)", name)[0]
        if value not in safe:
            faults.append(f"PostgreSQL runs with {name}={value}, which can lose bookings: set {name}={safe[0]}.")
    if _row(connection, "select pg_is_in_recovery()")[0]:
        faults.append("This PostgreSQL is a standby, which may offer but never take: use the primary.")
    return faults


def role_faults(connection: Connection) -> list[str]:
    """Why this session's role, or the worker's, could get round the row-level rules.

    They bind neither a superuser nor an owner.
    """
    faults = []
    for name, superuser, bypasses, owns in connection.execute(
        """
        select rolname, rolsuper, rolbypassrls, exists (
          select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
          where nspname = 'holdfast' and pg_has_role(pg_roles.oid, relowner, 'usage')
        )
        from pg_roles where rolname in (current_user, %s) order by rolname = current_user desc
        """,
        [WORKER_ROLE],
    ):
        if superuser or bypasses or owns:
            why = (
                "is a superuser"
                if superuser
                else "bypasses row-level security"
                if bypasses
                else "owns Holdfast's tables"
            )
            faults.append(f"The lesser role {name} {why}: give Holdfast a role without that.")
    return faults


def guard_faults(connection: Connection) -> list[str]:
    """Why the exclusion constraint as the catalog describes it would not refuse an overlap at once, for every row."""
    row = connection.execute(
        """
        select contype = 'x',
               convalidated and coalesce((to_jsonb(pg_constraint) ->> 'conenforced')::boolean, true),
               not condeferrable,
               indisvalid and indisready and indislive,
               contype <> 'x' or starts_with(pg_get_constraintdef(pg_constraint.oid), %s)
        from pg_constraint
        join pg_class on pg_class.oid = conrelid
        join pg_namespace on pg_namespace.oid = relnamespace
        left join pg_index on indexrelid = conindid
        where nspname = 'holdfast' and relname = 'claim' and conname = %s
        """,
        [GUARD_DEFINITION, GUARD],
    ).fetchone()
    complaints = (
        "is not an exclusion constraint",
        "is not validated or not enforced",
        "is deferrable, so it looks too late",
        "has an index that is not valid",
        "lets through what it was made to refuse (its definition was changed)",
    )
    found = [why for holds, why in zip(row, complaints, strict=True) if not holds] if row else ["is missing"]
    return [
        f"The guard {GUARD} on holdfast.claim {why}: nothing would stop a double booking. "
        "Restore it from a backup or ask for help."
        for why in found
    ]


def probe_faults(connection: Connection) -> list[str]:
    """Try to double-book, in a transaction that is rolled back: a guard that exists may still not bite."""
    if _row(connection, "select to_regprocedure('holdfast.guard_probe()')")[0] is None:
        return ["The probe holdfast.guard_probe() is missing: run `holdfast migrate`."]
    with connection.transaction(force_rollback=True):
        bites = _row(connection, "select holdfast.guard_probe()")[0]
    return [] if bites else [f"A double booking went through: the guard {GUARD} exists and does not bite."]


def _row(connection: Connection, query: str, *values: Any) -> tuple[Any, ...]:
    row = connection.execute(query, values).fetchone()
    assert row is not None, "a query without a table always has a row"
    return row
