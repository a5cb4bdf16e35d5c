"""``make bench``: every mark, the table, and ``bench.json``. ``python -m bench wal storm`` measures some."""

from __future__ import annotations

import argparse
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
    parser = argparse.ArgumentParser("python -m bench", description="Measure the marks, and write bench.json.")
    parser.add_argument("pieces", nargs="*", metavar="PIECE", help=f"{', '.join(PIECES)}; all of them without one")
    wanted = parser.parse_args().pieces
    for name in wanted:
        if name not in PIECES:
            parser.error(f"there is no piece {name!r}; there are {', '.join(PIECES)}")
    marks: list[Mark] = []
    for name in wanted or PIECES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        marks += importlib.import_module(f"bench.{name}").run()
    sys.exit(0 if report(marks, Path("bench.json")) else 1)


if __name__ == "__main__":
    main()
