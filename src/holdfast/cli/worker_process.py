"""The worker beside ``holdfast serve``: a process of its own, started again when it dies, gone when the server goes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog

STOP_SECONDS: Final = 15.0
RESTART_SECONDS: Final = (1.0, 2.0, 5.0, 15.0, 30.0)
COMMAND: Final = (sys.executable, "-m", "holdfast", "worker", "--until-stdin-ends")

logger = structlog.get_logger()


@contextmanager
def worker_process(environment: Mapping[str, str]) -> Iterator[None]:
    """Run a worker with these variables on top of ours, as long as the block."""
    stopping = threading.Event()
    supervisor = threading.Thread(target=_supervise, args=(stopping, dict(os.environ) | dict(environment)), daemon=True)
    supervisor.start()
    try:
        yield
    finally:
        stopping.set()
        supervisor.join(STOP_SECONDS + 5)


def _supervise(stopping: threading.Event, environment: dict[str, str]) -> None:
    deaths = 0
    while not stopping.is_set():
        # a session of its own, so that Ctrl-C at the terminal reaches it in order: through us
        with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, env=environment, start_new_session=True) as process:
            while process.poll() is None and not stopping.wait(0.2):
                pass
            if stopping.is_set():
                _stop(process)
                return
        pause = RESTART_SECONDS[min(deaths, len(RESTART_SECONDS) - 1)]
        deaths += 1
        logger.error("worker_died", exit_code=process.returncode, restart_in_seconds=pause)
        stopping.wait(pause)


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
