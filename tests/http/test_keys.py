"""API keys over HTTP: shown once, never wider than the key that makes them, ended at once."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from tests.http.houses import House, assert_problem, made
from tests.postgres import superuser_url

NEW = {"name": "Web widget", "scopes": ["book"], "surfaces": ["widget"]}


def with_key(house: House, key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_made_used_listed_revoked(spa: House) -> None:
    new = made(spa.manager.post("/v1/api-keys", json=NEW))
    assert new["key"].startswith("hf_web_")
    locations = httpx.get(f"{spa.url}/v1/locations", headers=with_key(spa, new["key"]))
    assert locations.status_code == 200
    listed = made(spa.manager.get("/v1/api-keys"))["items"]
    assert listed[0] | NEW == listed[0]
    assert listed[0]["ends_in"] == new["key"][-4:]
    assert new["key"] not in str(listed)
    for _ in range(2):
        assert spa.manager.delete(f"/v1/api-keys/{new['id']}").status_code == 204
        assert_problem(httpx.get(f"{spa.url}/v1/locations", headers=with_key(spa, new["key"])), 401, "unauthorized")
    assert made(spa.manager.get("/v1/api-keys"))["items"][-1]["revoked_at"] is not None


def test_a_replay_does_not_show_the_key_and_the_record_does_not_have_it(
    spa: House, module_database: DatabaseUrls
) -> None:
    headers = {"Idempotency-Key": "make-it-once"}
    new = made(spa.manager.post("/v1/api-keys", json=NEW, headers=headers))
    again = spa.manager.post("/v1/api-keys", json=NEW, headers=headers)
    assert made(again) == new | {"key": None}
    with psycopg.connect(superuser_url(module_database)) as admin:
        kept = admin.execute("select body from holdfast.idempotency").fetchall()
        told = admin.execute("select data::text from holdfast.event where type = 'api_key.created'").fetchall()
    assert not any(new["key"].encode() in body for (body,) in kept)
    assert not any(new["key"] in data for (data,) in told)


@pytest.mark.parametrize(
    "wider",
    [{"scopes": ["read", "overbook"]}, {"scopes": ["book"], "surfaces": ["desk", "platform"]}],
)
def test_nobody_gives_away_what_they_have_not(spa: House, wider: dict[str, list[str]]) -> None:
    narrow = made(
        spa.manager.post(
            "/v1/api-keys", json={"name": "Deputy", "scopes": ["manage", "book", "read"], "surfaces": ["desk"]}
        )
    )
    refused = spa.manager.post("/v1/api-keys", json=NEW | wider, headers=with_key(spa, narrow["key"]))
    assert_problem(refused, 403, "forbidden")
    same = spa.manager.post("/v1/api-keys", json=NEW | {"surfaces": ["desk"]}, headers=with_key(spa, narrow["key"]))
    made(same)


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": "book"},
        {"surfaces": []},
        {"surfaces": ["system"]},
        {"name": "  "},
        {"name": "a\u202eb"},
        {"expires": "never"},
    ],
)
def test_keys_that_cannot_be_made(spa: House, change: dict[str, object]) -> None:
    assert_problem(spa.manager.post("/v1/api-keys", json=NEW | change), 422, "invalid")


def test_repeats_are_one(spa: House) -> None:
    new = made(spa.manager.post("/v1/api-keys", json=NEW | {"scopes": ["book", "book"], "surfaces": ["widget"] * 3}))
    assert (new["scopes"], new["surfaces"]) == (["book"], ["widget"])
