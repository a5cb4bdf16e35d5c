"""The JSON of API keys."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from holdfast.access.model import ApiKey, Scope
from holdfast.http.shapes import Ask, Name, Page, Surface
from holdfast.ids import public_id

T = TypeVar("T")


def _without_repeats(listed: list[T]) -> list[T]:
    return list(dict.fromkeys(listed))


class KeyAsk(Ask):
    """A booking widget on a public page gets the scope `book` and the surface `widget`, and nothing else."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Web widget", "scopes": ["book"], "surfaces": ["widget"]}]}
    )
    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10), AfterValidator(_without_repeats)]
    surfaces: Annotated[
        list[Surface],
        Field(min_length=1, max_length=20, description="Where the key acts; the first is the usual one."),
        AfterValidator(_without_repeats),
    ]


class NewKeyShape(BaseModel):
    """A new key: `key` is shown this once."""

    id: str
    name: str
    scopes: list[str]
    surfaces: list[str]
    key: str | None


class KeyShape(BaseModel):
    """A key as it can be listed; `ends_in` are its last characters."""

    id: str
    name: str
    ends_in: str
    scopes: list[str]
    surfaces: list[str]
    created_at: datetime
    last_used_on: date | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> KeyShape:
        """The key as the API shows it."""
        return cls(
            id=public_id("api_key", key.id),
            name=key.name,
            ends_in=key.key_hint,
            scopes=key.scopes,
            surfaces=key.surfaces,
            created_at=key.created_at,
            last_used_on=key.last_used_on,
            revoked_at=key.revoked_at,
        )


class KeyList(Page):
    items: list[KeyShape]
