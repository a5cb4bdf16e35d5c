"""Whoever holds more than people do shows a proof of work: it is good once, for one browser, for minutes."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import altcha
import httpx
import pytest
from playwright.sync_api import expect

from holdfast.http.pages import proof
from tests.clinic import Clinic
from tests.web.browsers import chromium, visitor
from tests.web.conftest import Served
from tests.web.forms import Forms

DAY = (datetime.now(UTC) + timedelta(days=3)).date()
Another = Callable[[], Forms]


@pytest.fixture(scope="module", autouse=True)
def quota(glow: Clinic) -> None:
    glow.desk("set_hold_policy", surface="widget", changes={"live_holds_per_network_max": 4})


@pytest.fixture(autouse=True)
def easy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python counts slowly: only the browser solves what a browser is given."""
    if "browser" not in request.node.name:
        monkeypatch.setattr(proof, "KEY_PREFIX", "00")


@pytest.fixture
def another(served: Served) -> Iterator[Another]:
    """Another browser of the same network; at the end all of them let go, and the network's past is forgotten."""
    opened: list[Forms] = []

    def open_one() -> Forms:
        opened.append(Forms(httpx.Client(base_url=served.url, follow_redirects=True, timeout=30)))
        return opened[-1]

    yield open_one
    for each in opened:
        if any(form.action.endswith("/release") for form in each.found):
            each.send("/release")
        each.client.close()


@pytest.fixture(autouse=True)
def forgotten(glow: Clinic, module_database: object) -> Iterator[None]:
    """No test is suspicious for what another did."""
    yield
    with owner(module_database) as execute:
        execute("update holdfast.hold set network = null")


@contextmanager
def owner(urls: object) -> Iterator[Callable[[str], object]]:
    import psycopg

    with psycopg.connect(urls.owner, autocommit=True) as connection:  # type: ignore[attr-defined]
        yield connection.execute


def tap(some: Forms, number: int, service: str = "botox") -> httpx.Response:
    some.open(f"/b/glow/austin/{service}?day={DAY}")
    buttons = next(form for form in some.found if form.action.endswith("/hold")).buttons
    return some.send("/hold", button=buttons[number])


def use_up(another: Another) -> None:
    """Three of the network's four holds."""
    for n in range(3):
        assert "kept for you" in tap(another(), 3 * n).text


def challenge(some: Forms) -> altcha.Challenge:
    found = re.search(r'data-challenge="([^"]+)"', some.page.text)
    assert found is not None
    return altcha.Challenge.from_dict(json.loads(html.unescape(found[1])))


def solved(asked: altcha.Challenge) -> str:
    solution = altcha.solve_challenge(asked)
    assert solution is not None
    return altcha.Payload(asked, solution).to_base64()


def test_a_calm_network_is_asked_nothing(another: Another) -> None:
    for n in range(2):
        assert "kept for you" in tap(another(), 3 * n).text


def test_from_half_of_the_quota_on_a_proof_is_asked_and_a_solved_one_holds(another: Another) -> None:
    use_up(another)
    some = another()
    refused = tap(some, 12)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "600"
    assert "Please call us" in refused.text, "without JavaScript one is told what else there is"
    assert "kept for you" in some.send("/hold", proof=solved(challenge(some))).text


@pytest.mark.parametrize("wrong", ["", "e30=", "W10=", "no base64", "counter", "cheaper", "expired", "foreign"])
def test_a_proof_that_is_wrong_late_or_another_s_is_refused(
    another: Another, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_up(another)
    if wrong == "expired":
        monkeypatch.setattr(proof.challenge_for, "__kwdefaults__", {"valid_seconds": -1})
    some = another()
    tap(some, 12)
    asked = challenge(some)
    sent = wrong
    if wrong == "counter":
        sent = altcha.Payload(asked, altcha.Solution(1, "00" * 32)).to_base64()
    elif wrong == "cheaper":
        asked.parameters.key_prefix = ""
        sent = solved(asked)
    elif wrong == "expired":
        sent = solved(asked)
    elif wrong == "foreign":
        sent = solved(asked)
        some = another()
        tap(some, 12)
    answer = some.send("/hold", proof=sent)
    assert answer.status_code == 429
    assert "kept for you" not in answer.text


def test_a_proof_is_used_once(another: Another) -> None:
    use_up(another)
    some = another()
    tap(some, 12)
    used = solved(challenge(some))
    assert "kept for you" in some.send("/hold", proof=used).text
    some.send("/release")
    assert tap(some, 12).status_code == 429
    assert some.send("/hold", proof=used).status_code == 429
    assert "kept for you" in some.send("/hold", proof=solved(challenge(some))).text


def test_a_proof_for_a_time_that_was_lost_is_still_good(another: Another) -> None:
    """Nothing was had for it: the transaction that refused the time took nothing."""
    use_up(another)
    some = another()
    tap(some, 12, "laser")
    asked = some.page
    kept = solved(challenge(some))
    for _ in range(2):  # the last of the quota, with a proof of its own
        winner = another()
        tap(winner, 12, "laser")
        if winner.page.status_code == 429 and "data-challenge" in winner.page.text:
            winner.send("/hold", proof=solved(challenge(winner)))
            break
    assert "kept for you" in winner.page.text
    some.page = asked
    assert some.send("/hold", proof=kept).status_code == 409
    winner.send("/release")
    some.page = asked
    assert "kept for you" in some.send("/hold", proof=kept).text


def test_the_more_is_let_go_the_harder_it_gets(another: Another) -> None:
    some = another()
    costs: list[int] = []
    for _ in range(12):
        tap(some, 6)
        if some.page.status_code == 429:
            asked = challenge(some)
            costs.append(asked.parameters.cost)
            some.send("/hold", proof=solved(asked))
        some.send("/release")
    assert len(costs) >= 4, "somebody who takes and lets go is asked"
    assert costs == sorted(costs)
    assert costs[-1] > costs[0]


def test_a_hidden_field_that_a_browser_filled_costs_a_proof_and_no_booking(another: Another) -> None:
    some = another()
    tap(some, 9)
    action = next(form.action for form in some.found if "name" in form.fields)
    refused = some.send(action, name="Ada Byron", email="ada@example.org", website="https://example.org")
    assert refused.status_code == 429
    assert "You are booked" in some.send(proof=solved(challenge(some))).text


def test_a_browser_solves_it_on_plain_http_by_itself(served: Served, another: Another) -> None:
    use_up(another)
    with chromium() as browser, visitor(browser, served.url) as some:
        some.page.goto(f"/b/glow/austin/botox?day={DAY}")
        some.page.locator(".slot").nth(12).click()
        expect(some.page.get_by_role("heading", name="This time is kept for you")).to_be_visible(timeout=300_000)
