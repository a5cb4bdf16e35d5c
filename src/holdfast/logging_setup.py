"""Logs: for people at a terminal, JSON lines elsewhere. They carry ids, counts and reasons, never a client's data."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


def set_up_logging(level: str, *, stream: TextIO = sys.stderr) -> None:
    """Send structlog's and the standard library's records to ``stream``, at ``level`` and above."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.RichTracebackFormatter(show_locals=False))
        if stream.isatty()
        else structlog.processors.JSONRenderer()
    )
    # Neither way shows local variables, which may hold what a client typed.
    trace: list[structlog.typing.Processor] = (
        [] if stream.isatty() else [structlog.processors.ExceptionRenderer(_without_locals())]
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *trace, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The access log holds URLs; requests are counted and timed in metrics instead.
    logging.getLogger("uvicorn.access").disabled = True
    # The job queue tells of every job, twice; what matters of a delivery is in the record.
    logging.getLogger("procrastinate").setLevel(max(root.level, logging.WARNING) if level != "debug" else logging.DEBUG)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _without_locals() -> structlog.tracebacks.ExceptionDictTransformer:
    return structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
