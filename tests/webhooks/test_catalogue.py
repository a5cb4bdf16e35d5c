"""The catalogue in the documentation is the one in the code."""

from __future__ import annotations

from pathlib import Path

from holdfast.log.events import CATALOGUE
from holdfast.log.public import PUBLIC_TYPES, catalogue_as_markdown, public_facts

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


def test_the_page_has_the_catalogue_of_the_code() -> None:
    assert catalogue_as_markdown() in PAGE.read_text("utf-8"), "run scripts/event-catalogue"


def test_nobody_outside_is_told_of_clients_keys_or_webhooks() -> None:
    nouns = {type.split(".", 1)[0] for type in PUBLIC_TYPES}
    assert nouns.isdisjoint({"client", "api_key", "webhook_endpoint", "delivery", "organization", "hold_policy"})
    every_field = {name: "x" for facts in CATALOGUE.values() for name in facts.model_fields if not name.endswith("_id")}
    assert (
        public_facts(every_field).keys().isdisjoint({"client", "name", "address", "source", "claims", "slug", "cause"})
    )
    assert "overbook_reason" not in public_facts(every_field), "what staff wrote stays inside"
