"""schema.sql, which people read, is what the migrations make."""

from __future__ import annotations

import difflib
from typing import Any

import psycopg
import pytest
from scripts.dump_schema import SCHEMA, dump

from holdfast.db.binaries import find_binaries
from holdfast.db.urls import DatabaseUrls

pytestmark = pytest.mark.skipif(find_binaries(None).major != 18, reason="the file is as pg_dump 18 writes it")


def test_the_file_equals_the_migrations(database: DatabaseUrls) -> None:
    difference = difflib.unified_diff(
        SCHEMA.read_text("utf-8").splitlines(), dump(database).splitlines(), "schema.sql", "the migrations", lineterm=""
    )
    assert list(difference) == [], "run `make schema`"


def test_control_a_change_is_noticed(database: DatabaseUrls, admin: psycopg.Connection[Any]) -> None:
    admin.execute("alter table holdfast.client add column nickname text")
    assert dump(database) != SCHEMA.read_text("utf-8")
