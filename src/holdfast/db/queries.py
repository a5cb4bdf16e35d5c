"""Named queries: SQL lives in ``queries*.sql`` beside its domain, each statement with a name and a sentence.

-- name: hold_by_id
-- The hold and its claims, whatever its state.
select … from holdfast.hold where id = %(id)s;
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_FILE: Final = re.compile(r"queries(_[a-z]+)?\.sql")
_NAME: Final = re.compile(r"^-- name:[ \t]*(\S*)[ \t]*$", re.MULTILINE)


class QueryFileBroken(ValueError):
    """A query file that breaks the form; found at import, so it never ships."""


def load_queries(package: str) -> Mapping[str, str]:
    """The queries of ``package`` (``"holdfast.booking"``), of one file or several: name -> SQL, read-only.

    Raises QueryFileBroken for a name used twice, a missing sentence or a missing statement.
    """
    queries: dict[str, str] = {}
    for file in sorted(files(package).iterdir(), key=lambda file: file.name):
        if _FILE.fullmatch(file.name):
            found = parse_queries(file.read_text("utf-8"), source=f"{package}/{file.name}")
            if twice := queries.keys() & found.keys():
                raise QueryFileBroken(f"{package}/{file.name}: there is another query named {min(twice)}")
            queries |= found
    return MappingProxyType(queries)


def parse_queries(text: str, *, source: str) -> Mapping[str, str]:
    """The queries in ``text``; ``source`` names it in errors."""
    preamble, *parts = _NAME.split(text)
    if any(line and not line.startswith("--") for line in map(str.strip, preamble.splitlines())):
        raise QueryFileBroken(f"{source}: SQL before the first '-- name:' line")
    queries: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if not name.isidentifier():
            raise QueryFileBroken(f"{source}: {name!r} is not a name for a query")
        if name in queries:
            raise QueryFileBroken(f"{source}: two queries are named {name}")
        queries[name] = _statement(body.strip(), where=f"{source}: {name}")
    return MappingProxyType(queries)


def _statement(body: str, *, where: str) -> str:
    lines = body.splitlines()
    sentence = [line for line in lines[: _first_code(lines)] if line.lstrip("- \t")]
    if not sentence:
        raise QueryFileBroken(f"{where} lacks the comment line that says what it is for")
    statement = "\n".join(lines[_first_code(lines) :]).strip().removesuffix(";")
    if not statement:
        raise QueryFileBroken(f"{where} has no statement")
    return statement


def _first_code(lines: list[str]) -> int:
    return next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("--")), len(lines))
