"""What every event tells beside its envelope: the form of facts, for the catalogue in ``events``."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

Instant = Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC))]


class Facts(BaseModel):
    """What an event tells beside its envelope."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1
