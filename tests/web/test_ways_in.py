"""Ways in and back in: the page one was on, the organization one belongs to, the first owner, a lost phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pyotp
import pytest

from holdfast.access import staff as people
from holdfast.db.urls import DatabaseUrls
from holdfast.http.pages.setup import setup_token
from holdfast.ids import public_id
from tests.clinic import Clinic, Desk
from tests.postgres import PostgresForTests, superuser_url
from tests.web.conftest import SECRET, Served, serve
from tests.web.desk_staff import PASSWORD, employ, sign_in
from tests.web.forms import Forms

STAFF = "/desk/manage/staff"


@pytest.fixture(scope="module")
def admin(module_database: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(superuser_url(module_database), autocommit=True) as connection:
        yield connection


@pytest.fixture
def other(served: Served, staff: dict[str, UUID]) -> Iterator[Forms]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=60) as client:
        yield Forms(client)


def end_sessions(admin: psycopg.Connection[Any]) -> None:
    """Everybody was away for a quarter of an hour."""
    admin.execute("update holdfast.staff_session set seen_at = seen_at - interval '15 minutes'")


def type_password(page: Forms, role: str = "owner") -> httpx.Response:
    return page.send(email=f"{role}@example.org", password=PASSWORD)


def test_signing_in_leads_back_to_the_very_page(other: Forms) -> None:
    asked = "/desk/day?location=austin&date=2031-05-06&by=room"
    other.open(asked)
    assert other.page.url.path.startswith("/sign-in/glow")
    type_password(other)
    assert str(other.page.url).endswith(asked)


def test_after_the_end_of_a_session_a_form_leads_back_to_its_page(
    owner: Forms, admin: psycopg.Connection[Any], staff: dict[str, UUID]
) -> None:
    form = f"{STAFF}/{public_id('staff', staff['desk'])}"
    owner.open(form)
    page = str(owner.page.url)
    end_sessions(admin)
    owner.send("/sign-out", headers={"referer": page})
    assert owner.page.url.path == "/sign-in/glow"
    assert type_password(owner).url.path == form
    end_sessions(admin)
    owner.send("/sign-out", headers={"referer": f"{page}/link"})
    assert type_password(owner).url.path == "/desk/day", "an address that only takes forms is no page to come back to"
    owner.open(form)
    end_sessions(admin)
    owner.send("/sign-out", headers={"referer": "https://evil.example/desk/clients"})
    assert type_password(owner).url.path == "/desk/day"


@pytest.mark.parametrize("next", ["https://evil.example/", "//evil.example/", "/\\evil.example", "/desk\n", "x" * 3000])
def test_signing_in_never_leads_elsewhere(other: Forms, served: Served, next: str) -> None:
    other.page = other.client.get("/sign-in/glow", params={"next": next})
    type_password(other)
    assert str(other.page.url) == f"{served.url}/desk/day"


@pytest.fixture(scope="module")
def two(postgres: PostgresForTests) -> Iterator[tuple[str, Desk]]:
    """An installation with two organizations, of which glow has staff."""
    with postgres.clone() as urls, psycopg.connect(urls.app, autocommit=True) as connection:
        nobody = Desk(connection, None)
        desk = Desk(connection, nobody("create_organization", slug="glow", name="Glow")["create_organization"])
        nobody("create_organization", slug="secret-clinic", name="Secret Clinic")
        employ_owner(desk)
        for there in serve(urls):
            yield there.url, desk


def employ_owner(desk: Desk) -> None:
    clinic = Clinic(desk.organization_id, None, desk)  # type: ignore[arg-type]
    clinic.resources["ana"] = desk(
        "put_resource", slug="ana", name="Ana", kind="provider", location_ids=[], capacity=1
    )["put_resource"]  # fmt: skip
    employ(clinic)


@pytest.fixture
def one_of_two(two: tuple[str, Desk]) -> Iterator[Forms]:
    with httpx.Client(base_url=two[0], follow_redirects=True, timeout=60) as client:
        yield Forms(client)


def test_with_several_organizations_it_asks_which_and_remembers(one_of_two: Forms) -> None:
    page = one_of_two
    page.open("/account?done=password")
    assert page.page.status_code == 200
    assert "Secret" not in page.page.text, "who else lives here is nobody's business"
    page.page = page.client.get("/sign-in", params={"organization": "no-such", "next": "/account"})
    assert page.page.status_code == 404
    assert "no business of this name" in page.page.text
    page.page = page.client.get("/sign-in", params={"organization": " Glow ", "next": "/account"})
    assert page.page.url.path == "/sign-in/glow"
    assert type_password(page).url.path == "/account"
    page.send("/sign-out")
    assert page.page.url.path == "/sign-in/glow", "and signing out"
    assert page.open("/desk/day").url.path == "/sign-in/glow", "and whatever asks to sign in"
    assert page.open("/welcome/spent").status_code == 410
    assert page.open("/sign-in").url.path == "/sign-in/glow", "and a link that was spent"


def test_an_organization_from_a_file_gets_its_first_owner_by_the_printed_address(postgres: PostgresForTests) -> None:
    with postgres.clone() as urls, psycopg.connect(urls.app, autocommit=True) as connection:
        Desk(connection, None)("create_organization", slug="smile", name="Bright Smile")
        for there in serve(urls):
            with httpx.Client(base_url=there.url, follow_redirects=True, timeout=60) as client:
                page = Forms(client)
                assert page.open("/").url.path == "/setup", "there is nobody who could sign in"
                assert [form for form in page.found if form.method == "post"] == []
                page.open(there.setup_url)
                assert "Bright Smile" in page.page.text
                weak = page.send(name="Ada", email="ada@example.org", password="short")
                assert weak.status_code == 422
                assert 'id="password-error"' in weak.text
                page.send(name="Ada", email="ada@example.org", password=PASSWORD)
                assert page.page.url.path == "/setup/location"
                assert "Ada" in page.open("/desk").text
            with httpx.Client(base_url=there.url, follow_redirects=True, timeout=60) as client:
                page = Forms(client)
                assert page.open(there.setup_url).url.path == "/sign-in/smile", "once"
                token = page.found[0].fields["form_token"]
                typed = {"name": "Eve", "email": "eve@example.org", "password": PASSWORD, "form_token": token}
                typed["token"] = setup_token(SECRET)
                late = client.post("/setup", data=typed, headers={"sec-fetch-site": "same-origin"})
                assert late.url.path == "/sign-in/smile"
        assert connection.execute("select count(*) from holdfast.organization_ids()").fetchone() == (1,)


def turn_on(page: Forms) -> tuple[str, list[str]]:
    """Set up a second factor; its secret and recovery codes."""
    page.open("/account")
    secret = page.page.text.split('class="code">')[1].split("<")[0]
    page.send("/second-factor", password=PASSWORD, code=pyotp.TOTP(secret).now())
    codes = [part.split("<")[0] for part in page.page.text.split('<li class="code">')[1:]]
    assert len(codes) == people.RECOVERY_CODES, page.page.text
    return secret, codes


def test_a_lost_phone_has_a_way_back(other: Forms) -> None:
    sign_in(other, "manager")
    _, codes = turn_on(other)
    assert "10 recovery codes are left" in other.open("/account").text
    assert codes[0] not in other.page.text, "they are shown once"
    other.send("/sign-out")
    type_password(other, "manager")
    assert other.page.url.path.endswith("/code")
    assert other.send(code=codes[0]).url.path == "/desk/day"
    assert "9 recovery codes are left" in other.open("/account").text
    refused = other.send("/remove", password="not this one", code=codes[1])
    assert refused.status_code == 401
    assert "not your password" in refused.text
    refused = other.send("/remove", password=PASSWORD, code=codes[0])
    assert refused.status_code == 401
    assert "used already" in refused.text
    fresh = other.send("/recovery-codes", password=PASSWORD, code=codes[1])
    assert codes[2] not in fresh.text
    other.open("/account")
    assert other.send("/remove", password=PASSWORD, code=codes[2]).status_code == 401, "the old ones are gone"
    code = fresh.text.split('<li class="code">')[1].split("<")[0]
    assert "The second factor is off" in other.send("/remove", password=PASSWORD, code=code).text
    other.send("/sign-out")
    assert type_password(other, "manager").url.path == "/desk/day"


def test_an_owner_resets_the_second_factor_of_somebody_else(owner: Forms, other: Forms, staff: dict[str, UUID]) -> None:
    sign_in(other, "desk")
    turn_on(other)
    owner.open(f"{STAFF}/{public_id('staff', staff['desk'])}")
    owner.send("/second-factor")
    assert "Saved." in owner.page.text
    assert other.open("/desk/day").url.path == "/sign-in/glow", "signed out everywhere"
    assert type_password(other, "desk").url.path == "/desk/day"
    assert "Turn it on" in other.open("/account").text


def test_nobody_goes_round_their_own_password_by_managing(owner: Forms, staff: dict[str, UUID]) -> None:
    me = f"{STAFF}/{public_id('staff', staff['owner'])}"
    page = owner.open(me)
    assert "/account" in page.text
    token = owner.found[0].fields["form_token"]
    for path in ("/link", "/second-factor"):
        answer = owner.client.post(me + path, data={"form_token": token}, headers={"sec-fetch-site": "same-origin"})
        assert answer.status_code == 409, path
        assert "/welcome/" not in answer.text


def test_a_password_is_changed_by_who_knows_it_and_ends_other_sessions(owner: Forms, other: Forms) -> None:
    sign_in(other, "owner")
    owner.open("/account")
    wrong = owner.send("/password", password="not this one", new_password="another good battery")
    assert wrong.status_code == 401
    assert 'id="password-password-error"' in wrong.text
    weak = owner.send("/password", password=PASSWORD, new_password="short")
    assert weak.status_code == 422
    assert 'id="password-new_password-error"' in weak.text
    done = owner.send("/password", password=PASSWORD, new_password="another good battery")
    assert "Your password is changed" in done.text
    assert owner.open("/desk/day").url.path == "/desk/day"
    assert other.open("/desk/day").url.path == "/sign-in/glow"
    owner.open("/account")
    assert "changed" in owner.send("/password", password="another good battery", new_password=PASSWORD).text
