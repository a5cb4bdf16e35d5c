"""PostgreSQL as a child process of Holdfast, on a Unix socket that only this account can open.

The files live in ``<data dir>/postgres``. PostgreSQL refuses to run as root; for root it runs as the owner of the data
directory, or as ``nobody``. Where that account cannot get to (a clone below /root), the files are in
``/var/lib/holdfast`` and ``<data dir>/postgres`` is a link to them.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Any, Final, Self

import psutil
import psycopg

from holdfast.db.binaries import Binaries, find_binaries
from holdfast.db.urls import APP_ROLE, DatabaseUrls, socket_url
from holdfast.errors import SetupRefused

OWNER_ROLE: Final = "holdfast_owner"
DATABASE: Final = "holdfast"
SUPERUSER: Final = "postgres"
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "wal_level": "replica",
        "shared_buffers": "128MB",
        "max_connections": "100",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "password_encryption": "scram-sha-256",
        # A failed statement can quote a client's data; it is told to the caller and never to the log.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
        # A plain fsync on macOS leaves the data in the drive's cache.
        **({"wal_sync_method": "fsync_writethrough"} if sys.platform == "darwin" else {}),
    }
)
ROOTS_PLACE: Final = Path("/var/lib/holdfast")
SOCKET_NAME: Final = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH: Final = 100  # bytes; the system's limit is 107 on Linux and 103 on macOS
LARGEST_LOG: Final = 1 << 20  # bytes; the log before this start is kept beside it once
START_SECONDS: Final = 300  # recovery after a crash replays the log first
# What a server says whose predecessor was killed a moment ago; it passes as the last of its processes notice and end.
_PASSING: Final = "pre-existing shared memory block"
_NO_SUCH_PID: Final = "999999999"


class EmbeddedServer:
    """The server of one data directory. ``start`` it, use its URLs, ``stop`` it; or use it as a context manager.

    ``settings`` override SETTINGS; tests use that for what start-up must refuse.
    """

    def __init__(self, data_dir: Path, *, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        self.data_dir = data_dir
        self._settings = {**SETTINGS, **settings}
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> DatabaseUrls:
        """Make the cluster if there is none, run the server, and return once it takes connections.

        A server left over from a Holdfast that was killed is stopped first. Raises SetupRefused, with what to do,
        when another Holdfast uses the directory or the server will not start.
        """
        try:
            self._lock = _lock_data_dir(self.data_dir)
            home = _Home.prepare(self.data_dir)
            if not home.cluster.exists():
                self._create_cluster(home)
            binaries = home.binaries()
            _stop_leftover(home)
            self._run(home, binaries)
            _create_owner_and_database(str(home.socket_dir))
            return home.urls()
        except PermissionError as error:
            self.stop()
            raise SetupRefused(
                f"This account may not use {error.filename or self.data_dir}. "
                "Give it to this account, or choose another place with HOLDFAST_DATA_DIR."
            ) from error
        except (FileExistsError, NotADirectoryError, FileNotFoundError) as error:
            self.stop()
            raise SetupRefused(
                f"{self.data_dir} cannot be a directory ({error.strerror}). "
                "Choose another place with HOLDFAST_DATA_DIR."
            ) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server: connections are closed, everything is on disk. Does nothing when it does not run."""
        if self._process is not None:
            # Fast; then at once, which costs a recovery at the next start but loses nothing.
            for stop_signal, patience_seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
                self._process.send_signal(stop_signal)
                try:
                    self._process.wait(patience_seconds)
                    break
                except subprocess.TimeoutExpired:
                    continue
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> DatabaseUrls:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _create_cluster(self, home: _Home) -> None:
        binaries = home.binaries()
        if binaries.major >= 17:  # this collation is the same on every system
            collation = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            collation = ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]
        draft = home.path / "cluster.new"
        shutil.rmtree(draft, ignore_errors=True)
        unsynced = ["--no-sync"] if self._settings["fsync"] == "off" else []
        made = subprocess.run(
            [
                *(binaries.program("initdb"), f"--pgdata={draft}", f"--username={SUPERUSER}"),
                *("--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--data-checksums"),
                *(*collation, *unsynced),
            ],
            **home.as_account(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise SetupRefused(f"The database could not be created in {home.path}: {_last_line(made.stderr)}")
        draft.rename(home.cluster)  # so that an interrupted initdb never looks like a cluster

    def _run(self, home: _Home, binaries: Binaries) -> None:
        settings = self._settings | {"unix_socket_directories": str(home.socket_dir)}
        command = [binaries.program("postgres"), "-D", str(home.cluster)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = self.data_dir / "postgres.log"
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.rename(log.with_suffix(".log.1"))
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            with log.open("ab") as output:
                before = output.tell()
                self._process = subprocess.Popen(
                    command,
                    **home.as_account(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C reaches Holdfast alone, which then stops the server in order
                    preexec_fn=_end_with_parent(),  # noqa: PLW1509 - one call into the kernel, no locks
                )
            if _ready(self._process, home.cluster, give_up_at):
                return
            said = log.read_bytes()[before:].decode(errors="replace")
            if time.monotonic() > give_up_at or _PASSING not in said:
                raise SetupRefused(f"PostgreSQL did not start: {_last_line(said)} (all of it: {log})")
            time.sleep(0.1)


def has_cluster(data_dir: Path) -> bool:
    """Whether a database was ever made in ``data_dir``."""
    try:
        return (data_dir / "postgres" / "cluster").exists()
    except PermissionError:
        return True  # somebody's; starting it says whose


def running_server(data_dir: Path) -> DatabaseUrls | None:
    """The URLs of the server that another Holdfast runs on ``data_dir`` now, or None when none does."""
    try:
        _lock_data_dir(data_dir).close()
    except SetupRefused:
        return _Home.prepare(data_dir).urls()
    return None


def _lock_data_dir(data_dir: Path) -> IO[str]:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.fdopen(os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = file.read().strip() or "unknown"
        file.close()
        raise SetupRefused(
            f"Another Holdfast (process {holder}) is using {data_dir}. "
            "Stop it, or give this one its own place with HOLDFAST_DATA_DIR.",
            process=holder,
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


class _Home:
    """Where the server's files are, and which account runs it."""

    def __init__(self, path: Path, account: pwd.struct_passwd | None) -> None:
        self.path = path
        self.cluster = path / "cluster"
        self.socket_dir = path / "run"
        self._account = account

    @property
    def socket_lock(self) -> Path:
        return self.socket_dir / f"{SOCKET_NAME}.lock"

    @classmethod
    def prepare(cls, data_dir: Path) -> Self:
        """The home of ``data_dir``, made when there is none yet."""
        path = data_dir / "postgres"
        account = _unprivileged_account(path if path.exists() else data_dir)
        if not path.exists():
            _make_home(path, account)
        home = cls(path.resolve(), account)
        if not home._can_use(home.path):
            raise SetupRefused(f"The account that runs the database cannot get to {home.path}: allow it the way there.")
        home._prepare_socket_dir()
        return home

    def urls(self) -> DatabaseUrls:
        at = str(self.socket_dir)
        return DatabaseUrls(owner=socket_url(OWNER_ROLE, DATABASE, at), app=socket_url(APP_ROLE, DATABASE, at))

    def as_account(self) -> dict[str, Any]:
        """Arguments for subprocess: run as the account, from a directory it can read, without our PG variables."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        common = {"cwd": "/", "env": environment | {"LC_ALL": "C"}}
        if self._account is None:
            return common
        return common | {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def binaries(self) -> Binaries:
        """The programs that fit the cluster, in a place that the account can run them from."""
        version_file = self.cluster / "PG_VERSION"
        found = find_binaries(int(version_file.read_text()) if version_file.exists() else None)
        if self._can_use(found.directory / "postgres"):
            return found
        return found.copy_below(_roots_place())  # a virtual environment below /root

    def _can_use(self, path: Path) -> bool:
        asked = subprocess.run(["/bin/sh", "-c", 'test -x "$0"', str(path)], **self.as_account(), check=False)
        return asked.returncode == 0

    def _prepare_socket_dir(self) -> None:
        if len(os.fsencode(self.socket_dir / SOCKET_NAME)) > LONGEST_SOCKET_PATH:
            name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
            self.socket_dir = Path("/tmp") / f"holdfast-{name}"  # noqa: S108 - its owner is checked below
        own_uid = self._account.pw_uid if self._account else os.geteuid()
        if not os.path.lexists(self.socket_dir):
            self.socket_dir.mkdir(mode=0o700)
            os.chown(self.socket_dir, own_uid, -1)
        if self.socket_dir.is_symlink() or self.socket_dir.stat().st_uid != own_uid:
            raise SetupRefused(f"{self.socket_dir} belongs to somebody else. Remove it, or move the data directory.")
        self.socket_dir.chmod(0o700)


def _unprivileged_account(place: Path) -> pwd.struct_passwd | None:
    """None: our own. As root: the owner of ``place``, or ``nobody`` where that is root too."""
    if os.geteuid() != 0:
        return None
    owner = place.stat().st_uid
    return pwd.getpwuid(owner) if owner != 0 else pwd.getpwnam("nobody")


def _make_home(path: Path, account: pwd.struct_passwd | None) -> None:
    if path.is_symlink():
        raise SetupRefused(
            f"{path} points to {path.readlink()}, which is not there. Bring it back, or remove the link."
        )
    if account is None:
        path.mkdir(mode=0o700)
        return
    if path.parent.stat().st_uid == 0:
        path.parent.chmod(0o711)  # the account may pass through, not look
    path.mkdir(mode=0o700)
    os.chown(path, account.pw_uid, account.pw_gid)
    if not _Home(path, account)._can_use(path):
        path.rmdir()
        elsewhere = Path(tempfile.mkdtemp(prefix="data-", dir=_roots_place()))
        os.chown(elsewhere, account.pw_uid, account.pw_gid)
        path.symlink_to(elsewhere)


def _roots_place() -> Path:
    ROOTS_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
    return ROOTS_PLACE


def _stop_leftover(home: _Home) -> None:
    """Stop a server that outlived its Holdfast (kill -9); we hold the lock, so nobody else's can be running."""
    pid_file = home.cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    pid, rest = pid_file.read_text().split("\n", 1)
    if _is_server(int(pid), home.cluster):
        os.kill(int(pid), signal.SIGINT)
        while _is_server(int(pid), home.cluster):
            time.sleep(0.02)
    elif psutil.pid_exists(int(pid)):
        # A zombie that nobody reaps, or an unrelated process with the same number (usual after a container restart):
        # PostgreSQL would refuse for ever. Only the number goes: the rest lets it find survivors by shared memory.
        pid_file.write_text(f"{_NO_SUCH_PID}\n{rest}")
        home.socket_lock.unlink(missing_ok=True)


def _is_server(pid: int, cluster: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and cluster.samefile(process.cwd())
    except (psutil.Error, OSError):
        return False


def _ready(process: subprocess.Popen[bytes], cluster: Path, give_up_at: float) -> bool:
    """Wait until the server takes connections (True), or has ended or not come up by then (False)."""
    status = re.compile(rf"{process.pid}\n(.*\n){{6}}ready")
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            if status.match((cluster / "postmaster.pid").read_text()):
                return True
        except FileNotFoundError:
            pass
        time.sleep(0.01)
    return False


def _end_with_parent() -> Callable[[], None] | None:
    """On Linux the kernel stops the server when Holdfast is killed; elsewhere the next start does.

    The kernel watches the thread that starts the child, so only the main thread may ask for it.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: the child must not take the loader's lock
    set_parent_death_signal = 1
    return lambda: prctl(set_parent_death_signal, signal.SIGINT) and None


def _create_owner_and_database(socket_dir: str) -> None:
    with psycopg.connect(socket_url(SUPERUSER, "postgres", socket_dir), autocommit=True) as connection:
        role = connection.execute("select from pg_roles where rolname = %s", [OWNER_ROLE]).fetchone()
        if role is None:
            connection.execute(f"create role {OWNER_ROLE} login createrole")
        database = connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone()
        if database is None:
            connection.execute(f"create database {DATABASE} owner {OWNER_ROLE}")


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "error:" in line]
    return (fatal or lines or ["it said nothing"])[-1]
