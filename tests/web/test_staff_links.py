"""Invitations and resets: looked at without being spent, used once, asked for by mail, and told to nobody else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from holdfast.access import staff as people
from holdfast.access.service import create_organization
from holdfast.access.staff import Purpose
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from holdfast.messages.carriers import MessageSettings
from tests.messages.mailbox import Mailbox, mail_server

PASSWORD = "correct horse battery"
PUBLIC_URL = "https://book.example.org"
EMAIL = "ada@example.org"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with mail_server() as one:
        yield one


@pytest.fixture
async def door(record: Record) -> Caller:
    """Of a business with one owner, who has a password."""
    organization_id = await create_organization(record, slug="luz", name="Luz")
    caller = Caller(organization_id, "system", "desk")

    async def work(tx: Transaction) -> None:
        owner = await people.create_staff(tx, email=EMAIL, name="Ada", role="owner")
        await people.set_password(tx, owner, PASSWORD)

    await record.transact(caller, work)
    return caller


@asynccontextmanager
async def browser(database: DatabaseUrls, messages: MessageSettings | None = None) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(database.app, secret=b"a secret of thirty-two bytes ...", pool_size=2, messages=messages)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://desk.test", follow_redirects=True) as client,
    ):
        yield client


async def link(record: Record, door: Caller, purpose: Purpose) -> str:
    async def work(tx: Transaction) -> str:
        (owner,) = await people.list_staff(tx)
        return await people.issue_link(tx, owner.id, purpose)

    return await record.transact(door, work)


async def send(client: httpx.AsyncClient, page: httpx.Response, **typed: str) -> httpx.Response:
    token = re.search(r'name="form_token" value="(\w+)"', page.text)
    assert token is not None
    # as a browser does from a page that tells nobody where it was
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    return await client.post(page.url, data={"form_token": token[1], **typed}, headers=headers)


async def test_a_link_is_looked_at_as_often_as_one_likes_and_used_once(
    record: Record, database: DatabaseUrls, door: Caller
) -> None:
    token = await link(record, door, "invitation")
    async with browser(database) as client:
        for _ in range(3):
            page = await client.get(f"/welcome/{token}")
            assert "Welcome, Ada" in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
        weak = await send(client, page, password="short")
        assert weak.status_code == 422
        assert "10 to 200 characters" in weak.text
        done = await send(client, page, password="another good battery")
        assert done.url.path == "/sign-in/luz"
        assert "Your password is set" in done.text
        for spent in (await client.get(f"/welcome/{token}"), await send(client, page, password="a third long one")):
            assert spent.status_code == 410
            assert "no longer good" in spent.text
            assert spent.headers["referrer-policy"] == "no-referrer"
        assert (await client.get("/welcome/never-issued")).status_code == 410


async def test_a_forgotten_password_is_mailed_a_link_of_our_own_address(
    record: Record, database: DatabaseUrls, door: Caller, mailbox: Mailbox
) -> None:
    settings = MessageSettings(smtp_url=mailbox.url, mail_from="desk@luz.example", public_url=PUBLIC_URL)
    async with browser(database, settings) as client:
        page = await client.get("/forgot/luz")
        client.headers["host"] = "evil.example"
        known = await send(client, page, email=" Ada@Example.org ")
        unknown = await send(client, page, email="nobody@example.org")
        assert known.status_code == unknown.status_code == 200
        assert "is on its way" in known.text
        assert known.text == unknown.text
        (mail,) = await mailbox.wait_for(1)
        assert mail["to"] == EMAIL
        assert "evil" not in mail.as_string()
        found = re.search(PUBLIC_URL + r"(/welcome/[\w-]+)", mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        assert found is not None
        del client.headers["host"]
        assert "Set a new password" in (await client.get(found[1])).text
        answers = [await send(client, page, email=EMAIL) for _ in range(6)]
        assert answers[-1].status_code == 429
        assert "Too many tries" in answers[-1].text
    assert len(mailbox.received) == 5


async def test_without_a_mail_server_it_says_whom_to_ask_and_makes_no_link(
    record: Record, database: DatabaseUrls, door: Caller
) -> None:
    token = await link(record, door, "reset")
    async with browser(database) as client:
        page = await client.get("/forgot/luz")
        assert "Ask an owner or manager" in page.text
        sign_in = await client.get("/sign-in/luz")
        assert 'href="/forgot/luz"' in sign_in.text
        assert (await send(client, sign_in, email=EMAIL, password="x")).status_code == 401
        form_token = re.search(r'name="form_token" value="(\w+)"', sign_in.text)
        assert form_token is not None
        await client.post("/forgot/luz", data={"form_token": form_token[1], "email": EMAIL})
        assert (await client.get(f"/welcome/{token}")).status_code == 200, "the manager's link is still good"
