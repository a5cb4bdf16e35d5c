"""Setting up, the other way: the demo is loaded from the page, by whoever holds the printed address."""

from __future__ import annotations

import re

import httpx
import pytest

from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from holdfast.http.pages import setup
from holdfast.messages.carriers import MessageSettings

SECRET = b"a secret of thirty-two bytes ..."


async def test_the_demo_is_loaded_and_its_owner_signed_in(
    database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "DEMO_VISITS", 10)
    app = build_app(database.app, secret=SECRET)
    token = setup.setup_token(SECRET)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://desk.test", follow_redirects=True, timeout=120
        ) as client,
    ):
        page = await client.get(f"/setup?token={token}")
        assert "Load the demo" in page.text
        form_token = re.search(r'name="form_token" value="(\w+)"', page.text)
        assert form_token is not None
        refused = await client.post("/setup/demo", data={"form_token": form_token[1], "token": "0" * 32})
        assert refused.status_code == 403
        done = await client.post("/setup/demo", data={"form_token": form_token[1], "token": token})
        assert "The demo is ready" in done.text
        assert "owner@glow.example" in done.text
        assert (await client.get("/desk/manage")).status_code == 200
        again = await client.get(f"/setup?token={token}")
        assert "Load the demo" not in again.text


async def test_it_is_not_offered_where_messages_would_leave(database: DatabaseUrls) -> None:
    settings = MessageSettings(smtp_url="smtp://127.0.0.1:9", mail_from="a@example.org")
    app = build_app(database.app, secret=SECRET, messages=settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.test") as client,
    ):
        page = await client.get(f"/setup?token={setup.setup_token(SECRET)}")
        assert "Load the demo" not in page.text
        assert "Run “holdfast demo”" in page.text
