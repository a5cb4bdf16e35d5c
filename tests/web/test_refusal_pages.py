"""What people are shown when something is refused: a page of the house they are in, with a way back to a page."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Busy, TooManyRequests
from holdfast.http.app import build_app
from holdfast.http.problems import MEDIA_TYPE
from holdfast.ids import public_id
from tests.clinic import Clinic
from tests.http.server import served as serving
from tests.web.conftest import SECRET, Served
from tests.web.desk_staff import sign_in
from tests.web.forms import Forms

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HOME = "/desk/manage/booking-page"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def stranger(served: Served, glow: Clinic) -> Iterator[Forms]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=60, headers=HTML) as client:
        yield Forms(client)


@pytest.fixture
def owner(stranger: Forms, staff: dict[str, UUID]) -> Forms:
    return sign_in(stranger, "owner")


def assert_page(answer: httpx.Response, status: int, frame: str) -> None:
    """A page with that status, in that frame, which scripts can show in place."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert f'<body class="{frame}">' in answer.text
    assert answer.text.count('id="page"') == 1
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'; script-src 'self'" in answer.headers["content-security-policy"]


def back(page: Forms) -> str:
    """Where the one button of the page leads."""
    said = page.page.text[page.page.text.index("<h1>") :]
    return said.split('<a class="button quiet" href="')[1].split('"')[0]


@pytest.mark.parametrize("path", ["/b/glow/austin/no/such/page/at/all", "/b/glow/nowhere", "/b/glow/austin/nothing"])
def test_an_unknown_booking_address_has_the_clinic_s_look_and_leads_back(stranger: Forms, path: str) -> None:
    stranger.open(path)
    assert_page(stranger.page, 404, "booking")
    assert "/look/glow.css" in stranger.page.text
    assert stranger.open(back(stranger)).status_code == 200
    assert stranger.page.url.path.startswith("/b/glow")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nothing-here", 404), ("/b/no-such-business", 404), ("/v/no-such-link", 410), ("/desk/nothing", 404)],
)
def test_an_unknown_address_is_a_page_and_leads_somewhere(stranger: Forms, path: str, status: int) -> None:
    assert_page(stranger.open(path), status, "gate")
    assert "{" not in stranger.page.text.split("<main")[1].split("<svg")[0]
    assert stranger.open(back(stranger)).status_code == 200


@pytest.mark.parametrize("path", ["/desk/nothing", "/desk/appointments/apt_nothing", "/desk/manage/locations/nowhere"])
def test_at_the_desk_the_way_around_it_stays(owner: Forms, path: str) -> None:
    assert_page(owner.open(path), 404, "desk")
    assert 'class="rail"' in owner.page.text
    assert owner.open(back(owner)).status_code == 200
    assert owner.page.url.path.startswith("/desk")


def test_programs_get_problems_still(owner: Forms, served: Served) -> None:
    for path, headers in (("/v1/nothing", HTML), ("/v1", HTML), ("/nothing-here", {"accept": "*/*"})):
        answer = httpx.get(served.url + path, headers=headers, timeout=60)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == MEDIA_TYPE


def test_an_address_that_takes_forms_only_says_so_and_leads_to_the_page_above(
    owner: Forms, staff: dict[str, UUID]
) -> None:
    person = f"/desk/manage/staff/{public_id('staff', staff['desk'])}"
    owner.open(f"{person}/link")
    assert_page(owner.page, 405, "desk")
    assert owner.page.headers["allow"] == "POST"
    assert back(owner) == person
    assert owner.open(person).status_code == 200


def test_a_refused_form_leads_back_to_its_page(owner: Forms, staff: dict[str, UUID]) -> None:
    owner.open(f"/desk/manage/staff/{public_id('staff', staff['owner'])}")
    token = owner.found[0].fields["form_token"]
    url = str(owner.page.url)
    sent = {"sec-fetch-site": "same-origin", "referer": url}
    owner.page = owner.client.post(f"{url}/link", data={"form_token": token}, headers=sent)
    assert_page(owner.page, 409, "desk")
    assert "in your account" in owner.page.text
    assert back(owner) == httpx.URL(url).path
    owner.page = owner.client.post(f"{url}/link", data={"form_token": "0" * 43}, headers=sent)
    assert_page(owner.page, 403, "desk")
    assert "out of date" in owner.page.text


def send_logo(owner: Forms, size: int) -> httpx.Response:
    owner.open(HOME)
    fields = next(form for form in owner.found if "notice" in form.fields).fields
    fields = {name: value for name, value in fields.items() if name != "logo"} | {"notice": "77"}
    owner.page = owner.client.post(
        HOME, data=fields, files={"logo": ("logo.png", PNG + bytes(size), "image/png")},
        headers={"sec-fetch-site": "same-origin", "referer": str(owner.page.url)},
    )  # fmt: skip
    return owner.page


@pytest.mark.parametrize("size", [49_153, 100_000, 3_000_000])
def test_a_logo_that_is_too_large_is_said_beside_its_field(owner: Forms, size: int) -> None:
    page = send_logo(owner, size)
    assert page.status_code == 422
    assert 'id="logo-error"' in page.text
    assert "at most 48 KiB" in page.text
    assert 'value="77"' in page.text, "what was typed is still there"


def test_what_is_larger_than_anything_is_a_page_that_leads_back(owner: Forms) -> None:
    page = send_logo(owner, 5_000_000)
    assert_page(page, 413, "desk")
    assert "too large" in page.text
    assert back(owner) == HOME


@pytest.fixture(scope="module")
def troubled(module_database: DatabaseUrls, glow: Clinic) -> Iterator[str]:
    """A server with addresses at which things go wrong."""
    app: FastAPI = build_app(module_database.app, secret=SECRET, pool_size=2)

    async def crash() -> None:
        raise RuntimeError("Ada Byron, ada@example.org")

    async def busy() -> None:
        raise Busy(retry_after_seconds=7)

    async def flood() -> None:
        raise TooManyRequests("Too many.", retry_after_seconds=9)

    for name, work in (("crash", crash), ("busy", busy), ("flood", flood)):
        app.add_api_route(f"/b/glow/austin/-/{name}", work, include_in_schema=False)
    with serving(app) as url:
        yield url


@pytest.mark.parametrize(("name", "status"), [("crash", 500), ("busy", 503), ("flood", 429)])
def test_trouble_is_a_page_in_the_reader_s_language(troubled: str, name: str, status: int) -> None:
    url = f"{troubled}/b/glow/austin/-/{name}"
    answer = httpx.get(url, headers=HTML | {"accept-language": "es"}, timeout=60)
    assert_page(answer, status, "booking")
    assert '<html lang="es"' in answer.text
    assert "Ada" not in answer.text
    assert answer.headers.get("retry-after") == {"busy": "7", "flood": "9"}.get(name)
    said = {"crash": "Algo salió mal", "busy": "demasiado movimiento", "flood": "Espere 9 segundos"}
    assert said[name] in answer.text
    problem = httpx.get(url, timeout=60)
    assert problem.status_code == status
    assert problem.headers["content-type"] == MEDIA_TYPE
