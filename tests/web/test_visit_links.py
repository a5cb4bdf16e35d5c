"""The page of a private link that is good no more: it offers a new one, and never says which links exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.clinic import Clinic
from tests.web.forms import Forms
from tests.web.people import hire, sign_in

DAY = (datetime.now(UTC) + timedelta(days=3)).date()


def booked_link(some: Forms) -> str:
    some.open(f"/b/glow/austin/laser?day={DAY}")
    some.send("/hold", button=next(form for form in some.found if form.action.endswith("/hold")).buttons[4])
    some.send(next(form.action for form in some.found if "name" in form.fields), name="Ada", email="ada@example.org")
    assert "You are booked" in some.page.text
    return some.page.url.path


def owed(glow: Clinic) -> int:
    return len(glow.desk.read("select id from holdfast.message where kind = 'link'"))


def test_the_desk_makes_a_link_and_the_one_before_leads_to_a_new_one(glow: Clinic, forms: Forms) -> None:
    link = booked_link(forms)
    id = glow.desk.read("select id from holdfast.appointment")[0]["id"]
    sign_in(forms, "glow", hire(glow, "Dee", "owner"))
    forms.open(f"/desk/appointments/apt_{id.hex}")
    forms.send("/link")
    fresh = forms.page.text.partition("/v/")[2].partition('"')[0]
    assert forms.open(f"/v/{fresh}").status_code == 200
    ended = forms.open(link)
    assert ended.status_code == 410
    assert "no longer good" in ended.text
    answers = []
    for path in (link, "/v/" + "x" * 43):
        assert forms.open(path).status_code == 410
        sent = forms.send("/send")
        assert sent.status_code == 200
        answers.append(sent.text.replace(path, "/v/this"))
    assert "on its way" in answers[0]
    assert answers[0] == answers[1], "which links exist is not said"
    assert owed(glow) == 1
    assert forms.open(f"/v/{fresh}/move").status_code == 200
    assert forms.open(f"{link}/move?day={DAY}").status_code == 410
    forms.send("/send")
    assert owed(glow) == 1, "not twice within minutes"
