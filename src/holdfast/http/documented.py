"""What the OpenAPI document says beyond the signatures of the routes: answers, headers, and how answers lead on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from holdfast.http.problems import MEDIA_TYPE
from holdfast.http.shapes import ProblemShape

Responses = dict[int | str, dict[str, Any]]
Document = dict[str, Any]


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": ProblemShape.model_json_schema()}}}


REFUSALS: Final[Responses] = {
    400: _problem("The request cannot be read."),
    401: _problem("No valid API key."),
    403: _problem("The key may not do that."),
    404: _problem("Nothing with this id here."),
    409: _problem(
        "slot-taken, series-unavailable, claims-in-the-way, state-refused, hold-not-live or request-in-progress."
    ),
    410: _problem("hold-expired or offer-ended."),
    412: _problem("revision-mismatch."),
    413: _problem("too-large."),
    415: _problem("not-json."),
    422: _problem("invalid, not-bookable, wall-time-refused or idempotency-key-reused."),
    429: _problem("too-many-holds or too-many-requests."),
    503: _problem("busy: nothing was done; see Retry-After."),
}
# Reading meets none of these.
_OF_COMMANDS: Final = ("400", "409", "410", "412", "415", "429")

_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~][!-~]*$"},
    "description": "Repeat the request with the same key, and the first answer is given again, for 24 hours.",
}
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string", "pattern": '^("[0-9]{1,9}"|\\*)$'},
    "description": "The `ETag` of what you change, as you know it: if it has changed since, the request is refused.",
}
_AT_A_REVISION: Final = tuple(
    f"/v1/{together}/{step}"
    for together in ("visits/{visit_id}", "series/{series_id}")
    for step in ("reschedule", "cancel")
)
_ETAG: Final = {"description": "The revision, for If-Match.", "schema": {"type": "string"}}
_LOCATION: Final = {"description": "The address of what was made.", "schema": {"type": "string"}}

# From the answer of one operation to others: where in the body the id is, and which parameter takes it.
_LEADS_ON: Final = {
    "place_hold": ("/id", "hold_id", ("get_hold", "extend_hold", "release_hold")),
    "create_appointment": (
        "/id",
        "appointment_id",
        ("get_appointment", "reschedule", "check_in", "complete", "cancel", "no_show"),
    ),
    "place_visit": ("/id", "visit_id", ("get_visit", "extend_visit", "release_visit")),
    "place_series": ("/id", "series_id", ("get_series", "extend_series", "release_series")),
    "place_block": ("/id", "block_id", ("get_block", "remove_block")),
    "create_api_key": ("/id", "key_id", ("revoke_api_key",)),
    "add_endpoint": (
        "/id",
        "webhook_id",
        ("get_endpoint", "change_endpoint", "test_endpoint", "rotate_secret", "replay", "remove_endpoint"),
    ),
    "test_endpoint": ("/id", "delivery_id", ("get_delivery", "discard_delivery")),
    "list_locations": ("/items/0/id", "reference", ("get_location",)),
    "list_services": ("/items/0/id", "reference", ("get_service",)),
    "list_resources": ("/items/0/id", "reference", ("get_resource", "set_capacity")),
    "join_waitlist": ("/id", "entry_id", ("get_waitlist_entry", "offer_by_hand", "leave_waitlist")),
    "list_offers": ("/items/0/id", "offer_id", ("skip_offer",)),
    "list_collisions": ("/items/0/id", "collision_id", ("resolve_collision",)),
}


def made(shape: type[BaseModel], status: int = 201) -> Responses:
    """A JSON answer of this shape."""
    return {status: {"model": shape, "description": shape.__doc__ or shape.__name__.removesuffix("Shape")}}


def operation_id(route: APIRoute) -> str:
    """An operation is called what its function is called."""
    return route.name


def install_document(app: FastAPI) -> None:
    """Complete the OpenAPI document of the application once all its routes are there."""

    def completed() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(FastAPI.openapi(app))
        return app.openapi_schema

    app.openapi = completed  # type: ignore[method-assign]  # the way FastAPI's own documentation has it


def _complete(document: Document) -> Document:
    for method, path, operation in _operations(document):
        if method == "get":
            for status in _OF_COMMANDS:
                operation["responses"].pop(status, None)
            continue
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
        if path.startswith("/v1/appointments/") or path in _AT_A_REVISION:
            operation["parameters"].append(_IF_MATCH)
    for _, path, operation in _operations(document):
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                _lead_on(operation["operationId"], response)
                _add_headers(status, path, response)
    return document


def _lead_on(operation_id: str, response: Document) -> None:
    if operation_id in _LEADS_ON:
        pointer, parameter, targets = _LEADS_ON[operation_id]
        parameters = {parameter: f"$response.body#{pointer}"}
        response["links"] = {target: {"operationId": target, "parameters": parameters} for target in targets}


def _add_headers(status: str, path: str, response: Document) -> None:
    headers = {}
    if status == "201" and path != "/v1/api-keys":
        headers["Location"] = _LOCATION
    if (
        path.startswith(("/v1/appointments", "/v1/visits/", "/v1/series/{"))
        and response.get("content", {})
        and "List" not in str(response["content"])
    ):
        headers["ETag"] = _ETAG
    if headers:
        response["headers"] = headers


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method, path, operation
