"""The form of a query file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from holdfast.db.queries import QueryFileBroken, load_queries, parse_queries

TWO = """-- What this file is about.

-- name: one
-- The first, in
-- two lines.
select 1 -- not the end;
  from holdfast.thing;

-- name: two
-- The second.
select '-- name: not a name';
"""


def test_names_statements_and_nothing_else() -> None:
    assert parse_queries(TWO, source="x") == {
        "one": "select 1 -- not the end;\n  from holdfast.thing",
        "two": "select '-- name: not a name'",
    }


def test_it_is_read_only() -> None:
    with pytest.raises(TypeError):
        parse_queries(TWO, source="x")["one"] = "select 2"  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: a\nselect 1;", "x: a lacks the comment line"),
        ("-- name: a\n--\nselect 1;", "x: a lacks the comment line"),
        ("-- name: a\n-- Why.\n", "x: a has no statement"),
        ("-- name: a\n-- Why.\n;", "x: a has no statement"),
        ("-- name: a\n-- Why.\nselect 1;\n-- name: a\n-- Why.\nselect 2;", "x: two queries are named a"),
        ("-- name: a b\n-- Why.\nselect 1;", "x: SQL before"),
        ("-- name:\n-- Why.\nselect 1;", "x: '' is not a name"),
        ("-- name: 1st\n-- Why.\nselect 1;", "x: '1st' is not a name"),
        ("select 1;\n-- name: a\n-- Why.\nselect 1;", "x: SQL before the first"),
    ],
)
def test_a_broken_form_is_named(text: str, complaint: str) -> None:
    with pytest.raises(QueryFileBroken, match=complaint):
        parse_queries(text, source="x")


def test_a_package_may_have_several_files_but_a_name_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "holdfast_queries_of_a_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "queries.sql").write_text(TWO)
    (package / "queries_more.sql").write_text("-- name: three\n-- The third.\nselect 3;\n")
    (package / "schema.sql").write_text("create table thing ();")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        assert list(load_queries(package.name)) == ["one", "two", "three"]
        (package / "queries_more.sql").write_text("-- name: one\n-- Again.\nselect 3;\n")
        with pytest.raises(QueryFileBroken, match="there is another query named one"):
            load_queries(package.name)
    finally:
        sys.modules.pop(package.name, None)
