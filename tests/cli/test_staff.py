"""``holdfast staff``: the first owner of an organization without anybody, and a way back for whoever lost theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_serve import free_port, holdfast, served
from tests.postgres import data_directory

pytestmark = pytest.mark.timeout(600)  # it starts a server, and a dozen commands
OWNER = ("staff", "invite", "ada@example.org", "--name", "Ada Byron", "--role", "owner")
CLINIC = (
    "organization: Luz\nlocations: {main: {time_zone: America/Chicago}}\nproviders: [Ana]\nservices: {Check-up: 30}\n"
)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of an organization that came from a file, while its server runs."""
    file = tmp_path_factory.mktemp("clinic") / "clinic.yaml"
    file.write_text(CLINIC)
    with data_directory() as data, served(data, free_port(), "--no-worker"):
        imported = holdfast(data, "catalog", "import", str(file), "--yes")
        assert imported.returncode == 0, imported.stderr
        yield data


def test_an_owner_is_let_in_listed_and_let_in_again(clinic: Path) -> None:
    assert "--role owner" in holdfast(clinic, "staff", "list").stdout
    made = holdfast(clinic, *OWNER, HOLDFAST_PUBLIC_URL="https://desk.example.org")
    assert made.stdout.startswith("https://desk.example.org/welcome/"), made.stderr
    assert made.stdout.count("\n") == 1, "the link alone, so that a script can take it"
    assert "works once, within seven days" in made.stderr
    (owner,) = json.loads(holdfast(clinic, "staff", "list", "--json").stdout)
    assert (owner["email"], owner["role"], owner["invited"]) == ("ada@example.org", "owner", True)
    twice = holdfast(clinic, *OWNER)
    assert twice.returncode == 2
    assert twice.stderr == "holdfast: Somebody on the staff has this e-mail address.\n"
    again = json.loads(holdfast(clinic, "staff", "reset", " ADA@example.org", "--second-factor", "--json").stdout)
    assert "/welcome/" in again["url"]
    assert again["url"].rpartition("/")[2] not in made.stdout


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("reset", "nobody@example.org"), "Nobody on the staff signs in with this address. See: holdfast staff list"),
        (("invite", "x@example.org", "--name", "X", "--role", "boss"), "There is no role 'boss': use owner, manager,"),
        (("invite", "x@example.org", "--name", "X", "--role", "provider"), "Say which provider in the catalog"),
        (("invite", "x@example.org", "--name", "X", "--provider", "nobody"), "There is no"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(clinic: Path, command: tuple[str, ...], said: str) -> None:
    done = holdfast(clinic, "staff", *command)
    assert done.returncode == 2
    assert done.stderr.startswith(f"holdfast: {said}"), done.stderr
    assert done.stdout == ""
