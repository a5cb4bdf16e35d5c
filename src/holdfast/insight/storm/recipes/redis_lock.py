"""A lock in Redis for every resource and start time, then check and insert, then unlock.

``SET lock:{resource}:{start} token NX`` keeps out those who ask for the same minute. A rival who starts five minutes
later takes another lock, checks at the same time, and overlaps. And since the locks are taken in request order without
waiting, two clients can each hold what the other needs, and both are turned away from a free slot.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from holdfast.db.blocking import BlockingConnection
from holdfast.errors import SetupRefused
from holdfast.insight.storm.arena import HELD, TAKEN, Outcome, Result
from holdfast.insight.storm.plan import Attempt
from holdfast.insight.storm.recipes.recipe import UNGUARDED_SQL, insert, is_taken

HOW_TO_GET_REDIS: Final = (
    "redis-lock was left out: there is no redis-server on the PATH. "
    "Install it (Debian, Ubuntu: apt install redis-server; macOS: brew install redis) and run the storm again."
)
_LOCK_LIFE_SECONDS = 30
_LOCKED = Outcome(Result.REFUSED, "locked")


class RedisLock:
    name = "redis-lock"
    create_sql = UNGUARDED_SQL

    def __init__(self, server: redis.Redis) -> None:
        self._server = server

    def take(self, connection: BlockingConnection, attempt: Attempt) -> Outcome:
        with ExitStack() as unlocking:
            for _, resource in attempt.ask.resources:
                # The client library's own lock: SET NX with a token and a life, and a release that compares the token.
                lock = self._server.lock(f"lock:{resource}:{attempt.ask.start.isoformat()}", timeout=_LOCK_LIFE_SECONDS)
                if not lock.acquire(blocking=False):
                    return _LOCKED
                unlocking.callback(lock.release)
            with connection.transaction():
                if is_taken(connection, attempt):
                    return TAKEN
                insert(connection, attempt)
            return HELD


def redis_is_installed() -> bool:
    return shutil.which("redis-server") is not None


@contextmanager
def temporary_redis() -> Iterator[redis.Redis]:
    """A redis-server of our own on a Unix socket, without files on disk; stopped at the end of the block.

    Raises SetupRefused when there is none to start, or it does not answer.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise SetupRefused(HOW_TO_GET_REDIS)
    with tempfile.TemporaryDirectory(prefix="holdfast-redis-") as directory:
        socket = Path(directory) / "redis.sock"
        arguments = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", directory]
        # A process group of its own: Ctrl-C ends the storm first, and the storm ends Redis.
        process = subprocess.Popen(  # noqa: S603
            [program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield _answering(socket)
        finally:
            process.terminate()
            process.wait()


def _answering(socket: Path) -> redis.Redis:
    """The client, once the server answers: it needs a few milliseconds to make its socket."""
    refused = [redis.ConnectionError]
    patience = Retry(ConstantBackoff(0.05), 100, supported_errors=tuple(refused))
    server = redis.Redis(unix_socket_path=str(socket), retry=patience)
    try:
        server.ping()
    except redis.ConnectionError as error:
        raise SetupRefused("The redis-server on the PATH was started but does not answer.") from error
    return server
