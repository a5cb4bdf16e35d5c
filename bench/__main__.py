"""``make bench``: every mark, the table, and ``bench.json``. ``python -m bench wal storm`` measures some."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from bench.marks import Mark, report

PIECES = (
    "through_http",
    "storm",
    "wal",
    "row_security",
    "availability",
    "availability_record",
    "relay",
    "waitlist",
    "pages",
    "visits",
    "screens",
)


def main() -> None:
    """Measure the pieces named on the command line, or all."""
    marks: list[Mark] = []
    for name in sys.argv[1:] or PIECES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        marks += importlib.import_module(f"bench.{name}").run()
    sys.exit(0 if report(marks, Path("bench.json")) else 1)


if __name__ == "__main__":
    main()
