"""What a client typed stays out of the log, also when something breaks while it is at hand."""

from __future__ import annotations

import io
import logging

import pytest
import structlog

from holdfast.logging_setup import set_up_logging

CANARY = "ana.ruiz@example.org"


class Stream(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.fixture(autouse=True)
def loggers_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def book(email: str) -> None:
    raise RuntimeError("the disk is full")


@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "file"])
def test_a_traceback_shows_no_local_variables(*, is_terminal: bool) -> None:
    stream = Stream(is_terminal=is_terminal)
    set_up_logging("info", stream=stream)
    try:
        book(CANARY)
    except RuntimeError:
        structlog.get_logger("test").exception("booking failed")
    assert "the disk is full" in stream.getvalue()
    assert CANARY not in stream.getvalue()
