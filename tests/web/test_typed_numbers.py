"""Numbers that people type: what has one meaning is taken, what has two is refused with both."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from holdfast.http.pages.manage_form import Reader
from holdfast.http.pages.typed_numbers import read_amount, read_whole
from holdfast.web.languages import Language
from tests.clinic import Clinic
from tests.web.desk_staff import sign_in
from tests.web.forms import Forms

TEXAS, BERLIN = Language("en", "US"), Language("es", "ES")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("120", "120"), ("0", "0"), ("49.50", "49.50"), ("49,50", "49.50"), ("49.5", "49.5"), (".50", "0.50"),
        ("1200", "1200"), ("1200.00", "1200"), ("1,200.00", "1200"), ("1.200,00", "1200"), ("1,200.5", "1200.5"),
        ("1 200", "1200"), ("1\u202f200,50", "1200.50"), ("1'200.50", "1200.50"), ("1’200", "1200"),
        ("100,000,00", None), ("100,000.00", "100000"), ("1,000,000", "1000000"), ("1.000.000", "1000000"),
        ("٤٩٫٥٠", "49.50"), ("0.125", None), ("12 00", None), ("1,20,00", None), ("1e3", None), ("NaN", None),
        ("-5", None), ("$120", None), ("", None), ("1,200.000", None), ("1234,567", None), ("٫", None),
    ],
)  # fmt: skip
def test_an_amount_has_one_meaning(typed: str, meant: str | None) -> None:
    assert read_amount(typed, TEXAS) == (None if meant is None else Decimal(meant))
    assert read_amount(typed, BERLIN) == read_amount(typed, TEXAS), "where one is does not change what was typed"


@pytest.mark.parametrize("typed", ["1,200", "1.200", "120,000", "9.999"])
def test_an_amount_with_two_meanings_is_refused_with_both(typed: str) -> None:
    with pytest.raises(ValueError, match="could mean"):
        read_amount(typed, TEXAS)


def test_the_sentence_writes_numbers_as_its_reader_does() -> None:
    reader = Reader({"price": "1,200"}, TEXAS)
    reader.cents("price")
    assert reader.errors == {"price": "1,200 could mean 1200 or 1.2. Write 1200 or 1,200.00."}
    reader = Reader({"price": "1,200"}, BERLIN)
    reader.cents("price")
    assert reader.errors == {"price": "1,200 puede ser 1200 o 1,2. Escriba 1200 o 1.200,00."}


@pytest.mark.parametrize(("typed", "meant"), [("30", 30), ("-5", -5), ("1 440", 1440), ("030", 30), ("3.5", None),
                                              ("--5", None), ("-", None), ("1e3", None), ("9" * 40, None)])  # fmt: skip
def test_a_whole_number(typed: str, meant: int | None) -> None:
    assert read_whole(typed) == meant


@pytest.mark.parametrize("typed", ["1,440", "1.440", "525,600"])
def test_a_whole_number_with_a_mark_is_asked_about(typed: str) -> None:
    reader = Reader({"notice": typed}, TEXAS)
    reader.integer("notice", 0, 1_000_000)
    number = typed.replace(",", "").replace(".", "")
    assert reader.errors == {"notice": f"Did you mean {number}? Write it without a comma or a point."}


@pytest.mark.parametrize("typed", ["--5", "9" * 40, "0000000009999999", "٣٥x"])
def test_what_is_no_number_is_said_and_never_an_error_of_ours(typed: str) -> None:
    reader = Reader({"capacity": typed}, TEXAS)
    reader.integer("capacity", 1, 500)
    assert reader.errors == {"capacity": "A whole number from 1 to 500, please."}


def test_a_price_is_never_a_thousandth_of_what_was_meant(glow: Clinic, staff: dict[str, UUID], forms: Forms) -> None:
    sign_in(forms, "owner")
    forms.open("/desk/manage/services/botox")
    refused = forms.send("services/botox", price="1,200")
    assert refused.status_code == 422
    assert "1,200 could mean 1200 or 1.2. Write 1200 or 1,200.00." in refused.text
    forms.send("services/botox", price="1,200.00")
    forms.send(button=("step", "apply"))
    (row,) = glow.desk.read("select price_cents from holdfast.service where slug = 'botox'")
    assert row["price_cents"] == 120_000
    forms.open("/desk/manage/messages")
    refused = forms.send("messages", before="72,2")
    assert "Put a space after each comma" in refused.text
