"""The two addresses of one database: the owner's, who may change the schema, and the application's, who may not."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from holdfast.errors import SetupRefused

APP_ROLE: Final = "holdfast_app"
WORKER_ROLE: Final = "holdfast_worker"  # the relay's and the job queue's: see docs/adr/0010


@dataclass(frozen=True)
class DatabaseUrls:
    """Connection strings (URL or libpq keywords). They may hold passwords, so neither shows in a repr."""

    owner: str
    app: str

    def __repr__(self) -> str:
        return "DatabaseUrls(…)"


def socket_url(role: str, database: str, socket_dir: str) -> str:
    """The URL of a server that listens on a Unix socket in ``socket_dir``."""
    return f"postgresql://{role}@/{database}?host={quote(socket_dir, safe='')}"


def role_password(owner_url: str, role: str) -> str | None:
    """A lesser role's password: derived from the owner's, so that one secret sets up all. None without one.

    Raises SetupRefused for what is no connection string.
    """
    password = _keywords(owner_url).get("password")
    return hmac.digest(str(password).encode(), role.encode(), "sha256").hex() if password else None


def derive_url(owner_url: str, role: str) -> str:
    """The same database as ``role``, with the derived password. Raises SetupRefused as above."""
    keywords = {**_keywords(owner_url), "user": role, "password": role_password(owner_url, role)}
    return make_conninfo(**keywords)


def derive_app_url(owner_url: str) -> str:
    """The same database as ``holdfast_app``. Raises SetupRefused as above."""
    return derive_url(owner_url, APP_ROLE)


def _keywords(url: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(url))
    except ProgrammingError:
        raise SetupRefused(
            "HOLDFAST_DATABASE_URL is not a PostgreSQL URL: one looks like postgresql://owner:password@host:5432/name."
        ) from None
