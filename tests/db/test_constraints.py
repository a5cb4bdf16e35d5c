"""Every rule in the schema has a meaning, or is declared a bug to meet; and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg

from holdfast import db
from holdfast.db.constraints import BUGS, RULES

NAMED_RULES = """
    select conname from pg_constraint
    left join pg_class on pg_class.oid = conrelid
    where pg_constraint.connamespace = 'holdfast'::regnamespace
      and contype <> 'n'  -- not null: PostgreSQL 18 lists them, and names no constraint when one is broken
      and coalesce(relname, '') not in ('migration', 'function_set', 'queue_schema')
"""


def refused_by_functions() -> set[str]:
    """The names in ``refuse('…')`` calls of the command functions."""
    files = sorted((Path(db.__file__).parent / "functions").glob("*.sql"))
    return {name for file in files for name in re.findall(r"refuse\(\s*'([a-z_]+)'", file.read_text("utf-8"))}


def test_every_constraint_and_every_refusal_is_listed_once(admin: psycopg.Connection[Any]) -> None:
    in_schema = {name for (name,) in admin.execute(NAMED_RULES)}
    assert not RULES.keys() & BUGS
    assert (in_schema | refused_by_functions()) - RULES.keys() - BUGS == set(), "these have no meaning yet"
    assert (RULES.keys() | BUGS) - in_schema - refused_by_functions() == set(), "these do not exist"
