"""Two organizations that know nothing of each other, the keys that act for them, and how a refusal must look."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from holdfast.access.service import new_api_key
from holdfast.http.problems import MEDIA_TYPE, PROBLEMS
from holdfast.ids import public_id
from tests.clinic import NINE, Clinic

ROLES: Final = {
    "manager": (["read", "book", "manage", "overbook"], ["desk", "phone", "walk_in", "widget", "api", "import"]),
    "desk": (["read", "book"], ["desk", "phone", "walk_in"]),
    "widget": (["book"], ["widget"]),
    "reader": (["read"], ["api"]),
}
ADA: Final = {"name": "Ada Byron", "email": "ada@example.org"}


@dataclass
class House:
    """One organization seen from outside: its clinic, and an HTTP client for each kind of key."""

    clinic: Clinic
    url: str
    keys: dict[str, str]
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def __getattr__(self, role: str) -> httpx.Client:
        if role not in ROLES:
            raise AttributeError(role)
        if role not in self._clients:
            self._clients[role] = httpx.Client(
                base_url=self.url, headers={"Authorization": f"Bearer {self.keys[role]}"}, timeout=30
            )
        return self._clients[role]

    def resource_id(self, slug: str) -> str:
        return public_id("resource", self.clinic.resources[slug])

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def hold(self, start: datetime, service: str = "laser", role: str = "desk", **more: Any) -> Any:
        """A hold that must succeed."""
        return made(getattr(self, role).post("/v1/holds", json=visit(start, service, **more)))

    def book(self, start: datetime, service: str = "laser", role: str = "desk", **more: Any) -> Any:
        """An appointment that must succeed."""
        asked = visit(start, service, **({"client": ADA} | more))
        return made(getattr(self, role).post("/v1/appointments", json=asked))


def give_keys(clinic: Clinic) -> dict[str, str]:
    """A key for each of ROLES."""
    keys = {}
    for role, (scopes, surfaces) in ROLES.items():
        keys[role] = key = new_api_key(role)
        clinic.desk(
            "create_api_key",
            name=role,
            key_hash=hashlib.sha256(key.encode()).digest(),
            key_hint=key[-4:],
            scopes=scopes,
            surfaces=surfaces,
        )
    return keys


def visit(start: datetime | str, service: str = "laser", **more: Any) -> dict[str, Any]:
    """The body of a request for a visit at the clinic."""
    at = start if isinstance(start, str) else start.isoformat()
    return {"service": service, "location": "main", "start": at, **more}


def made(response: httpx.Response) -> Any:
    """The JSON of an answer that must not be a refusal."""
    assert response.status_code in (200, 201), response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def assert_problem(response: httpx.Response, status: int, code: str) -> Any:
    """Every refusal looks like this, wherever it arose; returns its members."""
    assert response.status_code == status, f"{response.status_code} {response.text}"
    assert_is_problem(response)
    body = response.json()
    assert body["type"].endswith(f"/problems/{code}"), body
    return body


def assert_is_problem(response: httpx.Response) -> None:
    """The shape of RFC 9457 as we send it: all five members, agreeing with the status line, never to be cached."""
    assert response.headers["content-type"] == MEDIA_TYPE, f"{response.status_code} {response.text[:200]}"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    body = response.json()
    assert body["status"] == response.status_code
    known = {error.code: (error.title, meaning[0].value) for error, meaning in PROBLEMS.items()}
    code = body["type"].rpartition("/problems/")[2]
    assert known[code] == (body["title"], response.status_code)
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert response.status_code != 503 or int(response.headers["retry-after"]) > 0
    assert response.status_code != 401 or response.headers["www-authenticate"].startswith("Bearer")
    assert "Traceback" not in response.text


def days_of_their_own() -> Callable[[], datetime]:
    """Each call another day at nine (UTC), so that tests that share a database do not meet."""
    numbers: Iterator[int] = itertools.count()
    return lambda: NINE + timedelta(days=next(numbers))
