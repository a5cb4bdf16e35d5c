"""What the OpenAPI document says of answers: their shape, and the problems that any route can meet."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from holdfast.http.problems import MEDIA_TYPE
from holdfast.http.shapes import ProblemShape

Responses = dict[int | str, dict[str, Any]]


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": ProblemShape.model_json_schema()}}}


REFUSALS: Final[Responses] = {
    400: _problem("The request cannot be read."),
    401: _problem("No valid API key."),
    403: _problem("The key may not do that."),
    404: _problem("Nothing with this id here."),
    409: _problem("slot-taken, claims-in-the-way, state-refused, hold-not-live or request-in-progress."),
    410: _problem("hold-expired or offer-ended."),
    412: _problem("revision-mismatch."),
    413: _problem("too-large."),
    422: _problem("invalid, not-bookable, wall-time-refused or idempotency-key-reused."),
    429: _problem("too-many-holds or too-many-requests."),
    503: _problem("busy: nothing was done; see Retry-After."),
}


def made(shape: type[BaseModel], status: int = 201) -> Responses:
    """A JSON answer of this shape."""
    return {status: {"model": shape, "description": shape.__doc__ or shape.__name__.removesuffix("Shape")}}
