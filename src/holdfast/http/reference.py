"""The reference of the API at /docs: the OpenAPI document as a page. Rendered here, so that it needs no other host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from holdfast.http.plain_page import plain_page

Document = Mapping[str, Any]

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


async def reference(request: Request) -> HTMLResponse:
    """The page at /docs."""
    return plain_page("Holdfast API", render_reference(request.app.openapi()))


def render_reference(document: Document) -> str:
    """The body of the page for an OpenAPI document. Only what the document says; everything in it is escaped."""
    return _ENVIRONMENT.get_template("reference.html").render(document=document, groups=_groups(document))


def _groups(document: Document) -> dict[str, list[dict[str, Any]]]:
    """The operations by tag, each with the schemas of its body and its answers looked up."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "operation": operation,
                    "body": _schema(document, operation.get("requestBody", {})),
                    "answers": {
                        status: _schema(document, answer)
                        for status, answer in operation["responses"].items()
                        if status.startswith("2")
                    },
                }
            )
    return groups


def _schema(document: Document, content: Document) -> Document:
    schema: Document = content.get("content", {}).get("application/json", {}).get("schema", {})
    for each in schema.get("anyOf", []):
        schema = each if "$ref" in each else schema
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _marked(text: str) -> Markup:
    """Escaped text in which `code` and **bold** are as the descriptions write them."""
    parts = str(escape(text)).split("`")
    marked = "".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts))
    pieces = marked.split("**")
    bold = "".join(f"<strong>{piece}</strong>" if odd % 2 else piece for odd, piece in enumerate(pieces))
    return Markup(bold)  # noqa: S704 - escaped above; only the tags of the two marks are added


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


_ENVIRONMENT.filters |= {"marked": _marked, "pretty": _pretty}
