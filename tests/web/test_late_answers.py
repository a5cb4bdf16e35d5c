"""Late answers: what was asked for last is shown; what nobody waits for any more is not, and holds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from playwright.sync_api import APIResponse, Error, Page, Request, Response, Route, expect

from tests.clinic import Clinic
from tests.web.board_chromium import book
from tests.web.browsers import Visitor, scripts_ready
from tests.web.test_booking_live import at, block, run_out, start_of
from tests.web.test_desk_in_chromium import filter_ready, hold_by_keys, holds, open_panel, show_day, until

DAY = (datetime.now(UTC) + timedelta(days=3)).date()


@pytest.fixture(scope="module", autouse=True)
def naomi(glow: Clinic) -> None:
    glow.desk("add_client", name="Naomi Okafor", email="naomi@example.org", phone=None)


class Late:
    """Requests of a page that wait; or, ``answered``, whose answers do."""

    def __init__(self, page: Page, address: str, answered: bool) -> None:
        self._page = page
        self._address = address
        self._answered = answered
        self._waiting: list[tuple[Route, APIResponse | None]] = []
        self._begun = False

    def meant(self, url: str) -> bool:
        return self._address in url

    def take(self, route: Route) -> None:
        if self._begun:
            route.continue_()
        else:
            self._waiting.append((route, route.fetch() if self._answered else None))

    def begin(self) -> None:
        """What is asked for from here on does not wait."""
        while not self._waiting:
            self._page.evaluate("0")  # meanwhile the answer can come
        self._begun = True

    def let_go(self) -> None:
        """Now they come, and the page has heard them."""
        for route, answer in self._waiting:
            asked = route.request
            with self._page.expect_response(partial(_answers, asked)) as heard:
                if answer is None:
                    route.continue_()
                else:
                    route.fulfill(response=answer)
            heard.value.finished()
        self._page.unroute(self.meant)
        _paint(self._page)


def _answers(asked: Request, answer: Response) -> bool:
    return answer.request == asked


def _paint(page: Page) -> None:
    """Two frames later. What was answered may lead to another page; then it is that one's frames."""
    try:
        page.evaluate(PAINTED)
    except Error:
        page.wait_for_load_state()
        page.evaluate(PAINTED)


PAINTED = "() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))"


@contextmanager
def late(page: Page, address: str, *, answered: bool = False) -> Iterator[Late]:
    """What is asked for inside, at an address of which this is a part, waits; what is asked for later does not."""
    some = Late(page, address, answered)
    page.route(some.meant, some.take)
    with page.expect_request(lambda asked: some.meant(asked.url)):
        yield some
    some.begin()


def test_enter_means_what_was_typed_and_not_what_is_listed_yet(dana: Visitor) -> None:
    page = dana.page
    page.goto("/desk/messages")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-text")).to_be_focused()
    with late(page, "/desk/palette") as answers:
        page.keyboard.type("inb")
    page.keyboard.press("Enter")
    answers.let_go()
    page.wait_for_url("**/desk/inbox")


def test_what_is_typed_before_the_palette_is_there_is_meant_for_it(dana: Visitor, glow: Clinic) -> None:
    page = dana.page
    page.goto("/desk/list")
    scripts_ready(page)
    with late(page, "/desk/palette") as answers:
        page.keyboard.press("/")
        page.keyboard.type("bxo")
        page.keyboard.press("Backspace")
        page.keyboard.press("Backspace")
    answers.let_go()
    field = page.get_by_placeholder("A page, a day, a client or a code")
    expect(field).to_have_value("b")
    expect(field).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(1)
    page.keyboard.type("ook")
    expect(field).to_have_value("book")


def test_somebody_is_chosen_while_the_search_goes_on(dana: Visitor) -> None:
    page = dana.page
    open_panel(page)
    page.keyboard.type("nao")
    expect(page.locator("#panel #found-clients .pick")).to_have_count(1)
    with late(page, "/desk/book/client") as answers:
        page.keyboard.type(" oka")
    page.locator("#panel #found-clients .pick").click()
    expect(page.locator("#panel #service-text")).to_be_focused()
    answers.let_go()
    expect(page.locator("#panel #service-text")).to_be_focused()
    assert dana.complaints == []


def test_a_panel_that_is_closed_before_its_answer_holds_nothing(dana: Visitor, glow: Clinic) -> None:
    page = dana.page
    before = holds(glow)
    open_panel(page)
    page.keyboard.type("nao")
    expect(page.locator("#panel #found-clients .pick")).to_have_count(1)
    page.keyboard.press("Enter")
    filter_ready(page)
    page.keyboard.type("cons")
    with late(page, "/desk/book/hold?") as answers:
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    answers.let_go()  # the time is held, and nobody sees it
    until(lambda: holds(glow) == before)
    expect(page.locator("#panel")).to_be_hidden()
    assert page.url.endswith("/desk/messages")


def test_the_panel_shows_what_was_asked_for_last(dana: Visitor, glow: Clinic) -> None:
    page = dana.page
    before = holds(glow)
    open_panel(page)
    hold_by_keys(page)
    links = page.locator("#panel .day-strip a")
    address = links.nth(2).get_attribute("href") or ""
    with late(page, address) as answers:
        links.nth(2).click()
    day = show_day(page, 3)
    answers.let_go()
    expect(page.locator("#panel #typed-day")).to_have_value(day)
    page.keyboard.press("Escape")
    until(lambda: holds(glow) == before)


# A link to whatever day: which days the page itself has depends on the weekday.
GO = """(to) => {
  const link = Object.assign(document.createElement("a"), { href: to });
  document.getElementById("page").append(link);
  link.click();
}"""


def test_the_booking_page_shows_the_day_that_was_tapped_last(ada: Visitor) -> None:
    page = ada.page
    one, other = DAY + timedelta(days=1), DAY + timedelta(days=2)
    page.goto(f"/b/glow/austin/laser?day={DAY}")
    with late(page, f"/laser?day={one}") as answers:
        page.evaluate(GO, f"/b/glow/austin/laser?day={one}")
    page.evaluate(GO, f"/b/glow/austin/laser?day={other}")
    shown = page.locator("[data-part=times]")
    expect(shown).to_have_attribute("data-day", str(other))
    answers.let_go()
    expect(shown).to_have_attribute("data-day", str(other))
    assert page.url.endswith(f"day={other}")


def test_a_list_that_reads_itself_anew_never_goes_back(dana: Visitor, glow: Clinic, noon: datetime) -> None:
    page = dana.page
    address = f"/desk/list?location=austin&date={noon.date()}"
    page.goto(address)
    with late(page, "/desk/list", answered=True) as answers:
        book(glow, noon, name="Lio Lam")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    book(glow, noon + timedelta(hours=1), name="Nia Nolan")
    with dana.context.new_page() as another:  # what it shows, the first has heard of
        another.goto(address)
        expect(another.locator(".visits tbody tr")).to_have_count(2)
        book(glow, noon + timedelta(hours=2), name="Olaf Ott")
        expect(another.locator(".visits tbody tr")).to_have_count(3)
    assert not [url for url in asked if "/desk/list" in url], "it asks again when it has its answer"
    answers.let_go()
    expect(page.locator(".visits tbody tr")).to_have_count(3)


def test_a_time_that_is_lost_stays_lost_whatever_was_asked_before(ada: Visitor, glow: Clinic) -> None:
    page = ada.page
    page.clock.install()
    page.goto(f"/b/glow/austin/laser?day={DAY + timedelta(days=4)}")
    start = start_of(page, 4)
    page.locator(at(start)).click()
    page.wait_for_selector("[data-hold]")
    with late(page, "/lost", answered=True) as answers:
        run_out(page, glow)
    block(glow, start)
    heading = page.get_by_role("heading", name="This time was taken meanwhile")
    expect(heading).to_be_visible()
    answers.let_go()
    expect(heading).to_be_visible()
