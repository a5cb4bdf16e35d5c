"""From nothing to a desk: setting up, signing in, the second factor, links, and what is refused."""

from __future__ import annotations

import re

import httpx
import pyotp
import pytest

from tests.web.conftest import Served
from tests.web.forms import Forms

PASSWORD = "correct horse battery"


@pytest.fixture
def owner(forms: Forms, served: Served) -> Forms:
    """Signed in as the owner; the business is set up by the first test that asks."""
    if forms.open("/").url.path == "/setup":
        set_up(forms, served)
    elif "sign-in" in forms.page.url.path:
        forms.send(email="ada@example.org", password=PASSWORD)
    return forms


def set_up(forms: Forms, served: Served) -> None:
    forms.open(served.setup_url)
    forms.send(organization="Luz Clínica", name="Ada Byron", email="Ada@Example.org", password=PASSWORD)
    assert forms.page.url.path == "/setup/location"
    forms.send(name="Centro", time_zone="Mars/Base")
    assert forms.page.status_code == 422
    assert "IANA time zone" in forms.page.text
    forms.send(name="Centro", time_zone="America/Chicago")
    assert forms.page.url.path == "/setup/providers"
    forms.send(providers="Trần Minh Anh\nSofía Delgado", rooms="2")
    forms.send(service="consultation")
    assert forms.page.url.path == "/setup/done"
    assert "/b/luz-clinica" in forms.page.text


def test_set_up_in_five_steps_needs_the_printed_address(forms: Forms, served: Served) -> None:
    assert "token" not in {name for form in forms_of(forms, "/setup") for name in form}
    set_up(forms, served)
    assert "Ada" in forms.open("/desk").text


def forms_of(forms: Forms, url: str) -> list[dict[str, str]]:
    forms.open(url)
    return [form.fields for form in forms.found]


def test_a_wrong_password_says_nothing_and_enough_of_them_wait(owner: Forms, served: Served) -> None:
    with httpx.Client(base_url=served.url, follow_redirects=True) as client:
        stranger = Forms(client)
        stranger.open("/sign-in")
        known = stranger.send(email="ada@example.org", password="not this one")
        answers = [stranger.send(email="nobody@example.org", password="not this one") for _ in range(6)]
        assert [answer.status_code for answer in (known, *answers)] == [401] * 7
        assert all("do not match" in answer.text for answer in (known, *answers[:5]))
        assert "Wait" in answers[5].text
        assert stranger.open("/desk").url.path.startswith("/sign-in")


def test_a_session_has_another_token_after_every_sign_in_and_dies_everywhere(owner: Forms) -> None:
    first = owner.client.cookies["holdfast-session"]
    owner.open("/account")
    owner.send("/sign-out/everywhere")
    owner.client.cookies.set("holdfast-session", first)  # a copy that somebody kept
    assert owner.open("/desk").url.path.startswith("/sign-in")


def test_the_second_factor_is_asked_for_and_no_code_works_twice(owner: Forms) -> None:
    owner.open("/sign-in")
    if "sign-in" in owner.page.url.path:
        owner.send(email="ada@example.org", password=PASSWORD)
    owner.open("/account")
    secret = re.search(r'class="code">([A-Z2-7]+)<', owner.page.text)
    assert secret is not None
    code = pyotp.TOTP(secret[1]).now()
    owner.send("/second-factor", code=code, password=PASSWORD)
    assert "Recovery codes" in owner.page.text
    owner.open("/account")
    owner.send("/sign-out")
    owner.send(email="ada@example.org", password=PASSWORD)
    assert owner.page.url.path.endswith("/code")
    assert owner.open("/desk").url.path != "/desk", "half a sign-in opens nothing"
    assert owner.page.url.path.endswith("/code")
    assert "used already" in owner.send(code=code).text


@pytest.mark.parametrize(
    ("headers", "token"),
    [({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, None), ({}, "0" * 43), ({}, "")],
)
def test_a_form_from_elsewhere_is_refused(
    owner: Forms, served: Served, headers: dict[str, str], token: str | None
) -> None:
    with httpx.Client(base_url=served.url, follow_redirects=True) as client:
        stranger = Forms(client)
        stranger.open("/sign-in")
        typed = {"email": "ada@example.org", "password": PASSWORD} | ({} if token is None else {"form_token": token})
        refused = stranger.send(headers=headers, **typed)
        assert refused.status_code == 403
        assert "holdfast-session" not in client.cookies


def test_every_page_is_fenced(owner: Forms) -> None:
    for url in ("/setup", "/sign-in/luz-clinica", "/nothing-here", "/desk"):
        response = owner.open(url)
        if response.headers["content-type"].startswith("text/html"):
            policy = response.headers["content-security-policy"]
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert response.headers["cache-control"] == "no-store"
            assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", response.text)
