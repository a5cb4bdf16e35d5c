"""`holdfast storm` as a person runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner, Result

from holdfast.cli.main import app
from holdfast.db.scratch import ScratchSchema
from holdfast.errors import HoldfastError
from tests.storm.stand_in import KEY, StandIn, serving

# A shell that runs the tests in the background lets what it starts ignore Ctrl-C, and that is inherited.
HEED_CTRL_C = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
)
SMALL = ["--clients", "8", "--attempts", "80", "--seed", "5"]


def storm(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["storm", *SMALL, *arguments])


def test_table_and_verdict(storm_url: str) -> None:
    result = storm("--database-url", storm_url, "--recipe", "guarded")
    assert result.exit_code == 0, result.output
    assert "seed 5, 8 clients" in result.output
    assert "guarded: nothing overlaps; 10 of 10 slots have one winner." in result.output


def test_json(storm_url: str) -> None:
    result = storm("--database-url", storm_url, "--recipe", "guarded", "--json")
    told = json.loads(result.stdout)
    assert told["seed"] == 5
    assert (told["storms"][0]["overlaps"], told["storms"][0]["is_safe"]) == (0, True)


def test_an_exhibit_that_fails_is_no_failure_unless_asked(storm_url: str) -> None:
    naive = ["--database-url", storm_url, "--recipe", "check-then-insert", "--clients", "16", "--attempts", "320"]
    assert storm(*naive).exit_code == 0
    assert storm(*naive, "--fail").exit_code == 1


def test_holdfast_that_fails_is_a_failure() -> None:
    with serving(StandIn()) as server:
        assert storm("--url", server.url, "--key", KEY).exit_code == 0
    with serving(StandIn(honest=False)) as server:
        assert storm("--url", server.url, "--key", KEY).exit_code == 1


def test_bad_input_is_one_sentence(storm_url: str) -> None:
    for arguments, sentence in [
        (["--recipe", "hope"], "There is no recipe 'hope'"),
        (["--recipe", "holdfast", "--database-url", storm_url], "Leave --database-url out"),
        (["--url", "http://127.0.0.1:99999", "--key", "k"], "is not the address of a Holdfast"),
        (["--url", "http://[", "--key", "k"], "is not the address of a Holdfast"),
        (["--url", "http://127.0.0.1:1"], "Say with which key"),
        (["--url", "http://127.0.0.1:1", "--key", KEY], "There is no Holdfast at"),
        (["--url", "http://127.0.0.1:1", "--recipe", "guarded"], "runs on a database"),
        (["--surfaces", " , "], "Name at least one surface"),
    ]:
        with pytest.raises(HoldfastError, match=sentence):
            app(["storm", *arguments], standalone_mode=False)


def test_ctrl_c_reports_what_was_done_and_leaves_nothing(storm_url: str) -> None:
    command = [sys.executable, "-m", "holdfast", "storm", "--database-url", storm_url, "--recipe", "check-then-insert"]
    limits = ["--clients", "8", "--attempts", "200000", "--slots", "100", "--seconds", "100"]
    under_way = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid() and query ~ '(from|into) claim'"
    )
    left = "select count(*) from pg_class where relname = 'claim'"
    with ScratchSchema(storm_url, "select 1") as witness:
        watch = witness.connect()
        process = subprocess.Popen(
            [sys.executable, "-c", HEED_CTRL_C, *command, *limits],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        give_up_at = time.monotonic() + 120
        while watch.rows(under_way) == [(0,)] and time.monotonic() < give_up_at:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=120)
        assert watch.rows(left) == [(0,)]
    assert process.returncode == 0, errors
    assert "interrupted" in output
    assert "Traceback" not in errors
