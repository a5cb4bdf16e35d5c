"""What a browser gets: pages without anything from another host, and headers on every answer."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import FastAPI

from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from holdfast.http.envelope import HEADERS
from holdfast.http.problems import PROBLEMS
from holdfast.http.reference import render_reference
from tests.http.conftest import SECRET
from tests.http.houses import House, assert_is_problem, assert_problem
from tests.http.server import served

PAGES = ["/docs", "/problems", "/problems/slot-taken"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_and_allows_nothing_else(server: str, path: str) -> None:
    page = httpx.get(server + path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for forbidden in ("<script", "<link", "<img", "<iframe", "@import", "url(", " on", " style="):
        assert forbidden not in re.sub(r">[^<]*", ">", page.text), forbidden
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)


def test_every_problem_has_a_page_at_its_type(server: str) -> None:
    for error in PROBLEMS:
        page = httpx.get(f"{server}/problems/{error.code}")
        assert page.status_code == 200
        assert f"<code>{error.code}</code>" in page.text
    listed = httpx.get(f"{server}/problems").text
    assert all(f'href="/problems/{error.code}"' in listed for error in PROBLEMS)
    refused = httpx.get(f"{server}/v1/locations").json()
    assert httpx.get(refused["type"]).status_code == 200


def test_the_reference_names_every_operation(server: str) -> None:
    document = httpx.get(f"{server}/openapi.json").json()
    page = httpx.get(f"{server}/docs").text
    for operations in document["paths"].values():
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in page


def test_the_reference_escapes_what_the_document_says() -> None:
    document = build_app("", secret=SECRET).openapi()
    hostile = {**document, "info": {"description": "<script>`<b>`", "version": '"><img>'}}
    body = render_reference(hostile)
    assert "<script>" not in body
    assert "<img>" not in body


@pytest.mark.parametrize("path", [*PAGES, "/healthz", "/openapi.json", "/v1/locations", "/nothing"])
def test_every_answer_has_the_headers(spa: House, path: str) -> None:
    answer = spa.reader.get(path)
    for name in HEADERS:
        assert answer.headers[name], name
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers


def test_a_crash_is_a_problem_and_its_message_stays_out_of_the_log(
    database: DatabaseUrls, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    app: FastAPI = build_app(database.app, secret=SECRET, pool_size=1)

    async def crash() -> None:
        raise RuntimeError("Ada Byron, ada@example.org")

    app.add_api_route("/crash", crash, include_in_schema=False)
    with served(app) as url:
        body = assert_problem(httpx.get(f"{url}/crash"), 500, "internal")
        assert_is_problem(httpx.get(f"{url}/nothing"))
    logged = caplog.text + "".join(capsys.readouterr())
    assert "Ada" not in str(body)
    assert "Ada" not in logged
    assert "RuntimeError" in logged
