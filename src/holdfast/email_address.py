"""What an e-mail address is here: one rule for the API, the forms, the settings and the mail that goes out."""

from __future__ import annotations

import re
from typing import Final

_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


def read_email(text: str) -> str:
    """The address in lower case. Raises ValueError, which says what is wrong with it.

    Plain addresses only (RFC 5321 without quoted names): a mail server that takes no others is the rule.
    """
    if not text.isascii():
        raise ValueError("has letters that mail servers do not take: write it in plain letters (xn--… for a domain)")
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or len(text) > 254 or any(sign in text for sign in " \t\r\n<>\"'"):
        raise ValueError("does not look like an e-mail address")
    if not _LOCAL.fullmatch(local) or len(local) > 64:
        raise ValueError("has a mistake before the @, such as two dots or a comma")
    labels = domain.split(".")
    if len(labels) < 2 or len(labels[-1]) < 2 or labels[-1].isdigit():
        raise ValueError("needs a whole domain after the @, such as example.org")
    if any(len(label) > 63 or not _LABEL.fullmatch(label) for label in labels):
        raise ValueError("has a mistake after the @, such as two dots or a comma")
    return text.lower()


def is_email(text: str) -> bool:
    """Whether mail can be addressed to it."""
    try:
        read_email(text)
    except ValueError:
        return False
    return True
