"""The business's own settings under Manage: its name and its currency."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.clinic import CLIENT, Clinic
from tests.web.desk_staff import sign_in
from tests.web.forms import Forms

HOME = "/desk/manage/business"


def organization(glow: Clinic) -> tuple[str, str]:
    (row,) = glow.desk.read("select name, currency from holdfast.organization")
    return row["name"], row["currency"]


def test_the_name_is_changed_and_what_is_no_name_is_said_beside_it(owner: Forms, glow: Clinic) -> None:
    assert f'href="{HOME}"' in owner.open("/desk/manage").text
    owner.open(HOME)
    assert owner.send("business", name="").status_code == 422
    assert 'id="name-error"' in owner.page.text
    assert owner.send("business", name="x" * 300).status_code == 422
    assert 'id="name-error"' in owner.page.text
    owner.send("business", name="Glow & Go")
    assert "Saved." in owner.page.text
    assert organization(glow) == ("Glow & Go", "USD")
    assert "Glow &amp; Go" in owner.open("/b/glow").text


def test_another_currency_leaves_the_price_of_what_is_booked(owner: Forms, glow: Clinic) -> None:
    start = (datetime.now(UTC) + timedelta(days=20)).replace(hour=18, minute=0, second=0, microsecond=0)
    before = glow.desk(
        "book", service_id=glow.services["consult"], location_id=glow.location_id, start=start, client=CLIENT
    )
    owner.open(HOME)
    assert "keeps its price in USD" in owner.page.text
    owner.send("business", currency="EUR")
    assert organization(glow)[1] == "EUR"
    later = start + timedelta(days=1)
    after = glow.desk(
        "book", service_id=glow.services["consult"], location_id=glow.location_id, start=later, client=CLIENT
    )
    rows = glow.desk.read("select id, price_cents, currency from holdfast.appointment_detail")
    assert {row["id"]: (row["price_cents"], row["currency"]) for row in rows} == {
        before["id"]: (34000, "USD"), after["id"]: (34000, "EUR"),
    }  # fmt: skip
    assert "€340" in owner.open("/desk/manage/services").text
    owner.open(HOME)
    owner.send("business", currency="USD")
    rows = glow.desk.read("select id, currency from holdfast.appointment_detail")
    assert {row["id"]: row["currency"] for row in rows} == {before["id"]: "USD", after["id"]: "EUR"}


def test_no_money_of_ones_own_and_no_change_over_anothers(owner: Forms, glow: Clinic) -> None:
    owner.open(HOME)
    assert owner.send("business", currency="DEM").status_code == 422
    owner.open(HOME)
    glow.desk("set_organization", name="Elsewhere", currency="USD")
    assert owner.send("business", name="Glow").status_code == 412
    assert organization(glow)[0] == "Elsewhere"


def test_only_who_manages_sees_it(forms: Forms, staff: dict[str, UUID]) -> None:
    sign_in(forms, "desk")
    assert forms.open(HOME).status_code == 403
    assert "Business" not in forms.open("/desk/day").text
