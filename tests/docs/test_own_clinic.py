"""The walkthrough of docs/own-clinic.md, typed as it stands: every command of the page, against a server of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

import holdfast as package
from holdfast.db.embedded import running_server
from tests.cli.test_serve import environment, free_port, served
from tests.postgres import data_directory
from tests.web.forms import Forms

PAGE = Path(__file__).parents[2] / "docs" / "own-clinic.md"
STEPS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="the walkthrough asks with curl"),
    pytest.mark.timeout(900),  # it starts a server and a dozen commands, maybe on a busy machine
]
# As if it were early on the Monday to come. Of a start that is offered a moment before it begins, nothing can be booked
# a moment later, and nobody who reads the page is as unlucky as one run in so many of its test.
EARLY_ON_MONDAY = """
do $$
begin
  execute format($f$
    create or replace function holdfast.clock() returns timestamptz language sql volatile parallel safe
    return clock_timestamp() + %L::interval$f$,
    (date_trunc('week', now() at time zone 'America/Chicago') + interval '7 days 6 hours')
      at time zone 'America/Chicago' - now());
end $$
"""


@pytest.fixture(scope="module")
def clinic_url() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, clinic_url: str) -> Iterator[list[str]]:
    """What each step printed, one shell for all of them; the server runs on for the tests."""
    directory, port = tmp_path_factory.mktemp("clinic"), int(clinic_url.rpartition(":")[2])
    programs = directory / "bin"
    programs.mkdir()
    (programs / "holdfast").write_text(f'#!/bin/sh\nexec {sys.executable} -m holdfast "$@"\n')
    (programs / "holdfast").chmod(0o755)
    script = "\n".join(f"{step}\nprintf '\\036'" for step in STEPS)
    with data_directory() as data, served(data, port):
        urls = running_server(data)
        assert urls is not None
        with psycopg.connect(urls.owner, autocommit=True) as owner:
            owner.execute(EARLY_ON_MONDAY)
        variables = environment(data, HOLDFAST_URL=clinic_url, HOLDFAST_PORT=str(port))
        variables["PYTHONPATH"] = str(Path(package.__file__).parents[1])  # where the package is not installed
        variables["PATH"] = f"{programs}:{variables['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=directory, env=variables, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        yield done.stdout.split("\036")


def test_every_step_says_what_the_page_says(told: list[str]) -> None:
    _, imported, _, _, booked, refused, why, ill, changed, _ = told
    assert "+ service crown" in imported
    assert imported.count("Done: ") == 1
    assert all(f'"{word}' in booked for word in ("apt_", "confirmation_code", "Dr. Ana Ruiz", "Room 1"))
    planned, second, third = re.split(r"(?<=\n)(?=\{)|(?<=\})(?=\{)", refused)
    assert "provider -> Dr. Tom Weld" in planned
    assert "Nothing was changed." in planned
    assert '"Dr. Tom Weld"' in second
    assert '"slot-taken' in third or "problems/slot-taken" in third
    assert third.count('"start"') == 3
    assert '"works":false' in why
    assert why.count('"reason":"booked","count":2') == 2
    assert "nobody else can take it (taken)" in ill
    assert ill.count("instead: ") == 3
    assert "2 booked visits would no longer be as the rules say, and would stay as booked:" in changed
    assert "It would be closed then." in changed


def test_the_link_leads_to_a_signed_in_desk(told: list[str], clinic_url: str) -> None:
    found = re.search(rf"Open {re.escape(clinic_url)}(/welcome/[\w-]+)", told[3])
    assert found is not None, told[3]
    with httpx.Client(base_url=clinic_url, follow_redirects=True, timeout=60) as client:
        page = Forms(client)
        assert "Welcome, Ana Ruiz" in page.open(found[1]).text
        page.send(password="correct horse battery")
        assert page.page.url.path == "/sign-in/bright-smile-dental"
        page.send(email="you@example.org", password="correct horse battery")
        assert page.page.url.path == "/desk/day"
        assert "Dr. Ana Ruiz" in page.page.text
        assert "Dr. Tom Weld" in page.page.text


def test_the_page_names_only_pages_that_exist() -> None:
    for name in re.findall(r"\]\(([a-z-]+\.md)", PAGE.read_text("utf-8")):
        assert (PAGE.parent / name).is_file(), name
