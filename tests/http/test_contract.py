"""R16: the server does what its OpenAPI document says. Asked by Schemathesis: requests of every kind, every link."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import positive_data_acceptance, use_after_free

from holdfast.db.urls import DatabaseUrls
from holdfast.http import shapes
from holdfast.http.app import build_app
from tests.clinic import NINE
from tests.http.conftest import SECRET, opened
from tests.http.houses import House
from tests.http.server import served

# Enough to meet every operation; a long run: HOLDFAST_CONTRACT_EXAMPLES=200.
EXAMPLES = int(os.environ.get("HOLDFAST_CONTRACT_EXAMPLES", "4"))
REACHED_MIN = 0.7  # of the operations are seen to succeed, or only refusals would have been looked at
# What the schema allows can still be taken, unknown or in the past; and a hold that was given back can still be read.
EXCLUDED = [positive_data_acceptance, use_after_free]
BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Examined:
    """A server with its document, and what was seen of it."""

    house: House
    reached: set[str] = field(default_factory=set)

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.house.keys['manager']}"}

    def ask(self, case: Any) -> Any:
        """Send a request, and hold the answer against the document."""
        response = case.call(headers=self.key)
        if response.status_code < 300:
            self.reached.add(case.operation.label)
        case.validate_response(response, excluded_checks=EXCLUDED, headers=self.key)
        return response


@pytest.fixture(scope="module")
def examined(module_database: DatabaseUrls, server: str) -> Iterator[Examined]:
    with opened(module_database, server, "contract") as house:
        # two things in one place, so that there is a collision to resolve
        for external_id in ("1", "2"):
            house.clinic.desk(
                "record_busy",
                resource_id=house.clinic.resources["room-1"],
                source="calendar",
                external_id=external_id,
                start=NINE,
                end=NINE + timedelta(hours=1),
            )
        yield Examined(house)


def schema_of(url: str) -> Any:
    """The document as the server serves it; the endless feed has tests of its own."""
    return schemathesis.openapi.from_url(f"{url}/openapi.json").exclude(path="/v1/events")


def test_requests_of_every_kind(examined: Examined) -> None:
    """Well-formed and malformed, made up from the document alone."""
    for operation in operations_of(examined):

        @BOUNDED
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            examined.ask(case)

        ask()


def test_every_link_leads_on(examined: Examined) -> None:
    """Each operation with what this clinic has, then wherever the document says that its answer leads. Most succeed."""
    fit = Fitting()
    by_id = {each.definition.raw["operationId"]: each for each in operations_of(examined)}
    for operation in by_id.values():
        if operation.path_parameters and not fit.path(operation):
            continue  # only a link leads there
        response = examined.ask(fit.case(operation, fit.path(operation)))
        documented = operation.definition.raw["responses"].get(str(response.status_code), {})
        for name, link in documented.get("links", {}).items():
            source = examined.ask(fit.case(operation, fit.path(operation))).json()
            ((parameter, expression),) = link["parameters"].items()
            value = pointed_at(source, expression.removeprefix("$response.body#"))
            reached = examined.ask(fit.case(by_id[link["operationId"]], {parameter: value}))
            assert reached.status_code < 300 or name in ("complete", "discard_delivery"), (name, reached.text)
    missed = sorted({each.label for each in by_id.values()} - examined.reached)
    assert len(missed) <= (1 - REACHED_MIN) * len(by_id), missed


def operations_of(examined: Examined) -> list[Any]:
    return [found.ok() for found in schema_of(examined.house.url).get_all_operations()]


def pointed_at(body: Any, pointer: str) -> Any:
    for part in pointer.strip("/").split("/"):
        body = body[int(part) if part.isdigit() else part]
    return body


class Fitting:
    """What an operation needs in order to succeed at this clinic; every visit has a time of its own."""

    def __init__(self) -> None:
        self._starts = (NINE + timedelta(days=3, minutes=30 * number) for number in itertools.count())

    def case(self, operation: Any, path_parameters: dict[str, str]) -> Any:
        body = self._body(operation.definition.raw["operationId"])
        sent = {} if body is None else {"body": body, "media_type": "application/json"}
        return operation.Case(path_parameters=path_parameters, query=self._query(operation), **sent)

    @staticmethod
    def path(operation: Any) -> dict[str, str]:
        slugs = {"locations": "main", "services": "consult", "resources": "room-2"}
        return {"reference": slugs[operation.path.split("/")[2]]} if "{reference}" in operation.path else {}

    @staticmethod
    def _query(operation: Any) -> dict[str, str]:
        if "/availability" not in operation.path:
            return {}
        asked = {"service": "consult", "location": "main", "from": NINE.isoformat(), "start": NINE.isoformat()}
        names = {each["name"] for each in operation.definition.raw["parameters"]}
        return {name: value for name, value in asked.items() if name in names}

    def _body(self, operation: str) -> dict[str, Any] | None:
        start = next(self._starts)
        at, end = start.isoformat(), (start + timedelta(minutes=30)).isoformat()
        visit = {"service": "consult", "location": "main", "start": at}
        rule = {"first": start.date().isoformat(), "every_days": 9}
        series = {"location": "main", "services": ["consult"], "rule": rule, "count": 2}
        bodies: dict[str, dict[str, Any]] = {
            "place_hold": visit,
            "create_appointment": visit | {"client": {"name": "Ada Byron"}},
            "reschedule": {"start": at},
            "extend_hold": {"ttl_seconds": 600},
            "place_visit": {
                "location": "main",
                "services": ["consult", "consult"],
                "start": at,
                "max_wait_minutes": 60,
            },
            "place_series": series,
            "propose_series": series,
            "place_block": {"resource": "laser", "start": at, "end": end},
            "set_capacity": {"capacity": 2},
            "merge_resources": {"into": "room-1"},
            "resolve_collision": {"resolution": "Moved."},
            "add_endpoint": {"url": "https://hooks.example.org/", "events": ["*"]},
            "set_message_policy": {"sender_name": "The Spa"},
            "set_quiet_hours": {"location": "main", "quiet_from": "20:00", "quiet_until": "09:00"},
            "change_endpoint": {"description": "Accounting"},
            "replay": {"since": at},
            "retry_dead": {"since": at},
            "discard_delivery": {"reason": "No longer wanted."},
            "join_waitlist": {"client": {"name": "Ada Byron"}, "services": ["consult"], "locations": ["main"]},
            "offer_by_hand": visit,
            "create_api_key": {"name": "Widget", "scopes": ["book"], "surfaces": ["widget"]},
        }
        return bodies.get(operation)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_control_a_broken_answer_is_caught(database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shapes.HoldShape.of
    monkeypatch.setattr(shapes.HoldShape, "of", lambda hold: real(hold).model_copy(update={"extensions": "none"}))
    with served(build_app(database.app, secret=SECRET, pool_size=2)) as url, opened(database, url, "broken") as house:
        operation = schema_of(url)["/v1/holds"]["POST"]
        case = operation.Case(
            body={"service": "consult", "location": "main", "start": NINE.isoformat()}, media_type="application/json"
        )
        with pytest.raises(FailureGroup, match="Schemathesis found 1 distinct failure"):
            case.call_and_validate(
                headers={"Authorization": f"Bearer {house.keys['manager']}"}, excluded_checks=EXCLUDED
            )
