"""``holdfast serve`` as an operator meets it: a process that starts, stops, is killed and starts again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from tests.postgres import data_directory


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with data_directory() as path:
        yield path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def environment(data_dir: Path, **variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    return inherited | {"HOLDFAST_DATA_DIR": str(data_dir)} | variables


def holdfast(data_dir: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "holdfast", *command],
        env=environment(data_dir, **variables),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def served(
    data_dir: Path, port: int, *options: str, stdout: int | None = None, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "holdfast", "serve", "--port", str(port), *options]
    given = environment(data_dir, **variables)
    with subprocess.Popen(command, env=given, stdout=stdout, start_new_session=True) as process:
        try:
            wait_until_healthy(process, port)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    give_up_at = time.monotonic() + 90
    while True:
        assert process.poll() is None, "it ended instead of serving"
        assert time.monotonic() < give_up_at, "waited 90 s"
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
                assert answer.status == 200
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)


def postmaster_pid(data_dir: Path) -> int:
    pid_file = (data_dir / "postgres").resolve() / "cluster" / "postmaster.pid"
    return int(pid_file.read_text().split("\n", 1)[0])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_in_order_when_told_to(data_dir: Path, how: signal.Signals) -> None:
    with served(data_dir, port := free_port(), stdout=subprocess.PIPE) as process:
        database = postmaster_pid(data_dir)
        process.send_signal(how)
        said = process.communicate(timeout=60)[0].decode()
        assert process.returncode == 0
    assert f"Set up your business here: http://127.0.0.1:{port}/setup?token=" in said
    assert not psutil.pid_exists(database)
    assert b"database system is shut down" in (data_dir / "postgres.log").read_bytes().splitlines()[-1]


def test_it_starts_again_after_kill_9(data_dir: Path) -> None:
    port = free_port()
    with served(data_dir, port) as process:
        process.kill()
    with served(data_dir, port) as process:
        process.terminate()
        assert process.wait(60) == 0


def test_several_workers_share_the_port_and_stop_together(data_dir: Path) -> None:
    with served(data_dir, free_port(), "--workers", "2") as process:
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        assert process.wait(60) == 0
    assert len(family) >= 3  # two workers and the database
    assert not psutil.wait_procs(family, timeout=30)[1]


def test_a_taken_port_is_one_sentence_before_anything_starts(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = holdfast(data_dir, "serve", HOLDFAST_PORT=str(port))
    assert said.returncode == 2
    assert said.stderr.startswith(f"holdfast: Port {port} on 127.0.0.1 cannot be used (address already in use)")
    assert "HOLDFAST_PORT=" in said.stderr
    assert said.stderr.count("\n") == 1
    assert not (data_dir / "postgres").exists()


def test_a_second_one_on_the_same_data_is_one_sentence_and_commands_join_the_first(data_dir: Path) -> None:
    with served(data_dir, free_port()) as process:
        second = holdfast(data_dir, "serve", "--port", str(free_port()))
        assert second.returncode == 2
        assert f"Another Holdfast (process {process.pid}) is using {data_dir}" in second.stderr

        plan = holdfast(data_dir, "migrate", "--plan", "--json")
        assert json.loads(plan.stdout) == {"applied": False, "steps": []}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOLDFAST_PORT", "eighty"),
        ("HOLDFAST_PORT", "70000"),
        ("HOLDFAST_POOL_SIZE", "0"),
        ("HOLDFAST_TRUSTED_PROXIES", "10.0.0.0/8, office"),
        ("HOLDFAST_LOG_LEVEL", "loud"),
        ("HOLDFAST_SECRET_KEY", "short"),
        ("HOLDFAST_DATABASE_URL", "mysql://somewhere"),
    ],
)
def test_a_bad_setting_is_one_sentence_that_names_it(data_dir: Path, variable: str, value: str) -> None:
    said = holdfast(data_dir, "migrate", "--plan", **{variable: value})
    assert said.returncode == 2
    assert said.stderr.startswith(f"holdfast: {variable} is not ")
    assert said.stderr.count("\n") == 1
    assert value == "70000" or value not in said.stderr


def test_migrate_apart_from_serving(data_dir: Path) -> None:
    plan = json.loads(holdfast(data_dir, "migrate", "--plan", "--json").stdout)
    assert plan["steps"][-2:] == ["functions", "queue"]
    assert json.loads(holdfast(data_dir, "migrate", "--json").stdout) == {"applied": True, "steps": plan["steps"]}
    assert holdfast(data_dir, "migrate").stdout == "The database is up to date.\n"
