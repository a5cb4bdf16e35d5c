"""Every named query is prepared against the real schema, and its columns fit the class that its rows become."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import pq

import holdfast
from holdfast.booking.model import Appointment, Block, Hold
from holdfast.db.queries import load_queries
from holdfast.db.urls import DatabaseUrls
from holdfast.insight import doctor

ROOT = Path(holdfast.__file__).parent
PACKAGES = sorted({f"holdfast.{path.parent.relative_to(ROOT).as_posix().replace('/', '.')}"
                   for path in ROOT.rglob("queries*.sql")})  # fmt: skip
QUERIES = [(package, name) for package in PACKAGES for name in load_queries(package)]

# Rows whose class is chosen at run time, where reading the code cannot tell.
CHOSEN_AT_RUN_TIME: dict[tuple[str, str], type] = {
    **{("holdfast.booking", name): Hold for name in ("place_hold", "extend_hold", "release_hold")},
    **{("holdfast.booking", name): Appointment for name in ("confirm_hold", "book", "reschedule", "cancel")},
    **{("holdfast.booking", name): Appointment for name in ("check_in", "complete", "no_show")},
    **{("holdfast.booking", name): Block for name in ("place_block", "remove_block")},
    **{("holdfast.insight", name): row_type for name, row_type in doctor._TABLES.items()},
    **{
        ("holdfast.insight", name): doctor.Finding
        for name, text in load_queries("holdfast.insight").items()
        if " as kind" in text
    },
}

TYPES: dict[Any, set[str]] = {
    UUID: {"uuid"},
    str: {"text", "varchar", "name"},
    int: {"int2", "int4", "int8"},
    float: {"float4", "float8", "numeric"},
    bool: {"bool"},
    datetime: {"timestamptz", "timestamp"},
    date: {"date"},
    time: {"time"},
    bytes: {"bytea"},
    dict: {"json", "jsonb"},
    Mapping: {"json", "jsonb"},
}
ARRAYS = {list, tuple, set, frozenset, Sequence}


def read_as() -> Iterator[tuple[tuple[str, str], type]]:
    """(package, query) -> the class its rows become, from the calls rows/one/stream(Class, QUERIES["…"])."""
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(("holdfast", *path.relative_to(ROOT).with_suffix("").parts))
        text = path.read_text("utf-8")
        loaded = re.search(r'load_queries\("([a-z._]+)"\)', text)
        if loaded is None:
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="rows" | "one" | "stream"),
                    args=[
                        ast.Name(id=row_type),
                        ast.Subscript(value=ast.Name(id="QUERIES"), slice=ast.Constant(value=str(query))),
                        *_,
                    ],
                ):
                    yield (loaded[1], query), getattr(importlib.import_module(name), row_type)


READ_AS = [*read_as(), *CHOSEN_AT_RUN_TIME.items()]


@pytest.fixture(scope="module")
def owner(module_database: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(module_database.owner, autocommit=True) as connection:
        yield connection


def prepared(connection: psycopg.Connection[Any], query: str) -> dict[str, str]:
    """Prepare a query of ours, with its %(name)s parameters; the names of its columns and their types."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    numbered = re.sub(r"%\((\w+)\)s", number, query).replace("%%", "%")
    taken = connection.pgconn.prepare(b"", numbered.encode())
    assert taken.status == pq.ExecStatus.COMMAND_OK, taken.error_message.decode()
    answer = connection.pgconn.describe_prepared(b"")
    columns = {}
    for at in range(answer.nfields):
        name = answer.fname(at)
        assert name is not None
        columns[name.decode()] = type_name(connection, answer.ftype(at))
    assert len(columns) == answer.nfields, "two columns have one name"
    return columns


def type_name(connection: psycopg.Connection[Any], oid: int) -> str:
    row = connection.execute(
        "select coalesce(nullif(b.typname, ''), t.typname) from pg_type t left join pg_type b on b.oid = t.typbasetype"
        " where t.oid = %s", (oid,),
    ).fetchone()  # fmt: skip
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(("package", "name"), QUERIES, ids=lambda part: part.removeprefix("holdfast."))
def test_a_query_prepares(owner: psycopg.Connection[Any], package: str, name: str) -> None:
    prepared(owner, load_queries(package)[name])


def fits(annotation: Any, column_type: str) -> bool:
    """May a column of this type fill a field so annotated?"""
    options = typing.get_args(annotation) if typing.get_origin(annotation) in (typing.Union, types.UnionType) else ()
    if len(set(options) - {type(None)}) > 1 and column_type in {"json", "jsonb"}:
        return True  # one of several kinds
    if options:
        return any(fits(option, column_type) for option in options if option is not type(None))
    origin = typing.get_origin(annotation) or annotation
    if origin is typing.Literal:
        return column_type in TYPES[str]
    if origin in ARRAYS:
        return column_type.startswith("_") or column_type in {"json", "jsonb"}
    return column_type in TYPES.get(origin, {column_type})


@pytest.mark.parametrize(
    ("query", "row_type"), READ_AS, ids=lambda part: ".".join(part) if isinstance(part, tuple) else part.__name__
)
def test_its_columns_fit_what_they_become(
    owner: psycopg.Connection[Any], query: tuple[str, str], row_type: type
) -> None:
    columns = prepared(owner, load_queries(query[0])[query[1]])
    fields = {field.name: field for field in dataclasses.fields(row_type) if field.init}
    required = {
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    assert required <= columns.keys() <= fields.keys()
    hints = typing.get_type_hints(row_type)
    assert {name: kind for name, kind in columns.items() if not fits(hints[name], kind)} == {}


def test_control_a_column_of_another_type_is_noticed() -> None:
    assert not fits(int, "text")
    assert not fits(datetime | None, "date")
    assert fits(str | None, "text")
    assert fits(list[str], "_text")
