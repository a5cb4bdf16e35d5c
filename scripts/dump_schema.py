"""Write src/holdfast/db/schema.sql: types, tables, rules, views and policies as all migrations make them.

The file is for reading: `holdfast migrate` runs the migrations, and a test compares the two. Functions are left out:
db/functions/ already is what they are now.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from holdfast.db.binaries import find_binaries
from holdfast.db.embedded import EmbeddedServer
from holdfast.db.migrate import HERE, Migrator
from holdfast.db.urls import DatabaseUrls

SCHEMA = HERE / "schema.sql"
HEADING = """\
-- The schema as all migrations make it: for reading, never for running. `make schema` writes this file. The functions
-- are in functions/.

"""
_ENTRY = re.compile(r"^--\n-- Name: (?P<name>.*); Type: (?P<type>.*); Schema: .*\n--\n", re.MULTILINE)
# What differs from run to run or from version to version and says nothing about the schema.
_NOISE = re.compile(r"^(--.*|\\(un)?restrict .*|SET .*|SELECT pg_catalog\.set_config.*)\n", re.MULTILINE)


def dump(urls: DatabaseUrls) -> str:
    """The schema of a migrated database as text that two equal databases share."""
    program = find_binaries(None).program("pg_dump")
    dumped = subprocess.run(  # noqa: S603 - our own program and address
        [program, "--schema-only", "--no-owner", "--schema=holdfast", f"--dbname={urls.owner}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    _, *entries = _ENTRY.split(dumped.stdout)
    kept = [
        _NOISE.sub("", text).strip()
        for name, type, text in zip(entries[::3], entries[1::3], entries[2::3], strict=True)
        if type != "FUNCTION" and not name.startswith("FUNCTION ")
    ]
    return HEADING + "\n\n".join(re.sub(r"\n{3,}", "\n\n", text) for text in kept if text) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="holdfast-schema-") as name, EmbeddedServer(Path(name)) as urls:
        Migrator(urls.owner).apply()
        SCHEMA.write_text(dump(urls), "utf-8")
    sys.stderr.write(f"wrote {SCHEMA}\n")


if __name__ == "__main__":
    main()
