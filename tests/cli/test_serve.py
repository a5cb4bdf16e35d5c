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

# A machine that is busy with other things takes many times as long; what hangs is told all the same.
START_SECONDS = 180
STOP_SECONDS = 120
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with data_directory() as path:
        yield path


RESERVED: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody else is given before, or between, the servers of a test that listen there.

    On Linux a port that is bound here without listening is given to nobody who asks for any, nor to a connection, and a
    server that asks for this very one gets it all the same. Elsewhere it is free, and somebody may be faster.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    port = int(reserved.getsockname()[1])
    if sys.platform == "linux":
        RESERVED.append(reserved)
    else:
        reserved.close()
    return port


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
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "it ended instead of serving"
        assert time.monotonic() < give_up_at, f"waited {START_SECONDS} s"
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
        said = process.communicate(timeout=STOP_SECONDS)[0].decode()
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
        assert process.wait(STOP_SECONDS) == 0


def test_several_workers_share_the_port_and_stop_together(data_dir: Path) -> None:
    with served(data_dir, free_port(), "--workers", "2") as process:
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0
    assert len(family) >= 3  # two workers and the database
    assert not psutil.wait_procs(family, timeout=STOP_SECONDS)[1]


def test_workers_that_are_slow_are_not_taken_for_dead(data_dir: Path, tmp_path: Path) -> None:
    """On a machine so busy that a worker is silent for longer than the five seconds after which uvicorn ends it."""
    slow = "import sys, time\nif '--multiprocessing-fork' in sys.orig_argv: time.sleep(7)\n"
    (tmp_path / "sitecustomize.py").write_text(slow)
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    with served(data_dir, free_port(), "--workers", "2", PYTHONPATH=paths) as process:
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0


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
