"""What is taken for an e-mail address, and what is said of the rest."""

from __future__ import annotations

from email.headerregistry import Address

import pytest

from holdfast.email_address import read_email


@pytest.mark.parametrize("text", ["Ada@Example.org", "a.b+c@sub.example.co.uk", "o_1@x-y.org", "x@xn--exmple-cua.org"])
def test_addresses_that_mail_can_be_sent_to(text: str) -> None:
    assert read_email(text) == text.lower()
    assert Address(addr_spec=text).addr_spec == text


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("anna..s@x.org", "before the @"),
        (".anna@x.org", "before the @"),
        ("a,b@x.org", "before the @"),
        ("a@b..com", "after the @"),
        ("a@-b.com", "after the @"),
        ("a@b", "whole domain"),
        ("a@b.1", "whole domain"),
        ("a@10.0.0.12", "whole domain"),
        ("ü@x.org", "plain letters"),
        ("a@exämple.org", "plain letters"),
        ("a b@x.org", "look like"),
        ("nowhere", "look like"),
        ("@x.org", "look like"),
        ('"a b"@x.org', "look like"),
        ("a" * 65 + "@x.org", "before the @"),
        ("a@" + "b" * 64 + ".org", "after the @"),
        ("a@" + "b." * 130 + "org", "look like"),
    ],
)
def test_mistakes_are_named(text: str, mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        read_email(text)
