"""Refusals on HTTP: RFC 9457 problem details, and a page for each problem. The only place that knows status codes."""

from __future__ import annotations

import html
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from holdfast import errors
from holdfast.errors import HoldfastError
from holdfast.http.plain_page import plain_page
from holdfast.ids import KINDS, public_id

MEDIA_TYPE: Final = "application/problem+json"


class Malformed(HoldfastError):
    code: ClassVar[str] = "malformed"
    title: ClassVar[str] = "The request cannot be read"


class NotJson(HoldfastError):
    code: ClassVar[str] = "not-json"
    title: ClassVar[str] = "The body is not sent as JSON"


class MethodNotAllowed(HoldfastError):
    code: ClassVar[str] = "method-not-allowed"
    title: ClassVar[str] = "This address does not take that method"


# code -> status, and what the page says to do about it.
PROBLEMS: Final[Mapping[type[HoldfastError], tuple[HTTPStatus, str]]] = {
    Malformed: (
        HTTPStatus.BAD_REQUEST,
        "Send the body as JSON (Content-Type: application/json) and check quotes and commas.",
    ),
    NotJson: (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Send the header <code>Content-Type: application/json</code>, and JSON in UTF-8 as the body.",
    ),
    errors.Invalid: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Each entry of <code>errors</code> points at a field and says what it takes. Nothing was done.",
    ),
    errors.Unauthorized: (
        HTTPStatus.UNAUTHORIZED,
        "Send <code>Authorization: Bearer hf_…</code>. A manager makes keys with <code>holdfast keys create</code>.",
    ),
    errors.Forbidden: (
        HTTPStatus.FORBIDDEN,
        "The key lacks the scope or the surface named in <code>detail</code>. Use another key, or have one made.",
    ),
    errors.NotFound: (
        HTTPStatus.NOT_FOUND,
        "Check the id: its first letters say what kind of thing it is. Ids of another organization are unknown here.",
    ),
    errors.LinkSpent: (HTTPStatus.GONE, "Private links end. Ask whoever sent it for a new one."),
    errors.SignInRefused: (HTTPStatus.UNAUTHORIZED, "Check the e-mail address and the password, and try again."),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "See the <code>Allow</code> header and /docs."),
    errors.NotBookable: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "<code>reason</code> names the rule. Where another start may do, hold one of the <code>alternatives</code>; "
        "else this will be refused until the rule changes.",
    ),
    errors.WallTimeRefused: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Clocks change at this hour. Send one of the <code>choices</code>, with its offset.",
    ),
    errors.SlotTaken: (
        HTTPStatus.CONFLICT,
        "<code>roles</code> says what was taken. Hold one of the <code>alternatives</code>, or search again.",
    ),
    errors.SeriesUnavailable: (
        HTTPStatus.CONFLICT,
        "<code>occurrences</code> names each visit that cannot be had, with what is nearest <code>instead</code>. "
        "Choose, and send all <code>starts</code>. Nothing was held.",
    ),
    errors.ClaimsInTheWay: (
        HTTPStatus.CONFLICT,
        "Move or cancel each of the <code>conflicts</code>, then ask again. Nothing was changed.",
    ),
    errors.HoldExpired: (
        HTTPStatus.GONE,
        "The time is no longer kept for you. Hold one of the <code>alternatives</code>: the very same time comes "
        "first, if it is still free.",
    ),
    errors.OfferEnded: (
        HTTPStatus.GONE,
        "<code>state</code> says what became of it. Book one of the <code>alternatives</code>, or go on waiting.",
    ),
    errors.HoldNotLive: (HTTPStatus.CONFLICT, "The hold became an appointment. Read or change that instead."),
    errors.ExtensionRefused: (
        HTTPStatus.CONFLICT,
        "A hold can be extended a few times and only up to its longest term. Confirm it, or hold the time again.",
    ),
    errors.StateRefused: (HTTPStatus.CONFLICT, "<code>state</code> says where it stands now."),
    errors.RevisionMismatch: (
        HTTPStatus.PRECONDITION_FAILED,
        "Read it again, look at what changed, and repeat with the new <code>ETag</code> if you still want to.",
    ),
    errors.TooManyHolds: (
        HTTPStatus.TOO_MANY_REQUESTS,
        "<code>limits</code> says which limit was met. Confirm or release a hold, or wait for one to expire.",
    ),
    errors.TooManyRequests: (HTTPStatus.TOO_MANY_REQUESTS, "Wait as long as <code>Retry-After</code> says."),
    errors.IdempotencyKeyReused: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Repeat the very same request to get its stored answer, or use a new key for a new request.",
    ),
    errors.RequestInProgress: (
        HTTPStatus.CONFLICT,
        "Ask again in a moment: you will get the answer of the request that is running.",
    ),
    errors.TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Send less at once."),
    errors.Busy: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Nothing was done. Repeat the request, with its Idempotency-Key, after <code>Retry-After</code> seconds.",
    ),
    errors.Bug: (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Nothing was changed. Please report it, with the time and the <code>rule</code> or <code>sqlstate</code>.",
    ),
}


def install_problem_pages(app: FastAPI) -> None:
    """Serve a page at each problem's ``type``."""
    app.add_api_route("/problems/{code}", problem_page, methods=["GET"], include_in_schema=False)
    app.add_api_route("/problems", problem_list, methods=["GET"], include_in_schema=False)


def problem_response(request: Request, error: HoldfastError) -> Response:
    """The error as ``application/problem+json``, with ``Retry-After`` where there is one."""
    status, _ = _meaning(error)
    body = {
        "type": f"{request.base_url}problems/{error.code}",
        "title": error.title,
        "status": status.value,
        "detail": error.detail,
        **{name: _public(name, value) for name, value in error.facts.items()},
    }
    headers = {"Cache-Control": "no-store"}
    if "retry_after_seconds" in error.facts:
        headers["Retry-After"] = str(error.facts["retry_after_seconds"])
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="holdfast"'
    return Response(to_json(body), status.value, headers, MEDIA_TYPE)


def status_of(error: HoldfastError) -> int:
    """The status code of a refusal, for answers that are no problem details."""
    return _meaning(error)[0].value


def _meaning(error: HoldfastError) -> tuple[HTTPStatus, str]:
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return PROBLEMS[errors.Bug]


def _public(name: str, value: Any) -> Any:
    """Facts come from the record, where ids are UUIDs; callers only ever see public ids."""
    if name == "conflicts":
        return [
            {
                "kind": c["kind"],
                "id": public_id(c["kind"], UUID(c["id"])),
                "resource": public_id("resource", UUID(c["resource_id"])),
                "start": c["starts_at"],
                "end": c["ends_at"],
            }
            for c in value
        ]
    if name.endswith("_id") and name[:-3] in KINDS:
        return public_id(name[:-3], UUID(str(value)))
    return value


async def unreadable(request: Request, error: RequestValidationError) -> Response:
    """The problem with a request that does not have the shape which its route takes."""
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return problem_response(request, Malformed("The body is not valid JSON."))
    if any(each["loc"] == ("body",) for each in found) and await request.body() and not _is_json(request):
        return problem_response(request, NotJson())
    listed = [
        {
            "pointer": "/" + "/".join(str(part) for part in each["loc"][1:]),
            "in": each["loc"][0],
            "detail": each["msg"].removeprefix("Value error, "),
        }
        for each in found[:20]
    ]
    first = listed[0]
    where = first["pointer"].strip("/") or first["in"]
    return problem_response(request, errors.Invalid(f"{where}: {first['detail']}.", errors=listed))


def framework_refused(request: Request, error: HTTPException) -> Response:
    """The problem with a request that no route takes."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response = problem_response(request, MethodNotAllowed())
        response.headers["Allow"] = ", ".join(_methods(request)) or (error.headers or {})["Allow"]
        return response
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem_response(request, errors.NotFound("There is nothing at this address. See /docs."))
    return problem_response(request, Malformed("The body is not JSON in UTF-8, or is nested too deep."))


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _methods(request: Request) -> list[str]:
    """Every method that the address takes (RFC 9110 section 10.2.1); the router knows those of one route only."""
    methods: set[str] = set()
    for path, operations in request.app.openapi()["paths"].items():
        if compile_path(path)[0].match(request.scope["path"]):
            methods |= {method.upper() for method in operations}
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def problem_page(code: str) -> HTMLResponse:
    """What a problem means and what to do about it."""
    for error, (status, advice) in PROBLEMS.items():
        if error.code == code:
            facts = f"<p><code>{code}</code> · HTTP {status.value} {html.escape(status.phrase)}</p>"
            return plain_page(
                html.escape(error.title), f'{facts}<p>{advice}</p><p><a href="/problems">All problems</a></p>'
            )
    raise errors.NotFound("There is no such problem. See /problems.")


async def problem_list() -> HTMLResponse:
    """Every problem, by status."""
    rows = "".join(
        f'<li>{status.value} <a href="/problems/{error.code}">{html.escape(error.title)}</a></li>'
        for error, (status, _) in sorted(PROBLEMS.items(), key=lambda item: item[1][0])
    )
    return plain_page("What can go wrong", f"<ul>{rows}</ul>")
