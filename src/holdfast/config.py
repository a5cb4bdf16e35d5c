"""Settings, from environment variables that begin with ``HOLDFAST_``. Read once at start-up; never changed."""

from __future__ import annotations

import hashlib
import os
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from holdfast.errors import SetupRefused

PREFIX: Final = "HOLDFAST_"
SECRET_BYTES: Final = 32
WAIT_SECONDS_MAX: Final = 7 * 24 * 3600.0

Network: TypeAlias = IPv4Network | IPv6Network


class Settings(BaseSettings):
    """What an operator may choose. Every field ``name`` is the variable ``HOLDFAST_NAME``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Field(Path(".data"), description="Where the embedded database, the secret and demo keys are kept.")
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="The port to listen on.")
    # URLs hold passwords, so no repr may show them.
    database_url: str | None = Field(None, repr=False, description="The owner's URL of your own PostgreSQL.")
    app_database_url: str | None = Field(None, repr=False, description="The application role's URL; derived if unset.")
    worker_database_url: str | None = Field(None, repr=False, description="The worker role's URL; derived if unset.")
    secret_key: str | None = Field(None, repr=False, min_length=SECRET_BYTES, description="Signs links and cookies.")
    pool_size: int = Field(10, ge=1, le=500, description="Database connections of one worker process.")
    workers: int = Field(1, ge=1, le=64, description="Web worker processes.")
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Networks, separated by commas, whose X-Forwarded-For is believed."
    )
    webhook_allowed_hosts: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(),
        description="Hosts, separated by commas, that webhooks may reach over http and in private networks.",
    )
    webhook_retry_seconds: Annotated[tuple[float, ...], NoDecode] = Field(
        (),
        max_length=20,
        description="Waits between attempts of a webhook, separated by commas; unset: over three days.",
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#]+/?$",
        description="Where clients reach this server, such as https://book.example.com.",
    )
    smtp_url: str | None = Field(
        None, repr=False, description="Your mail server: smtps://user:password@host, or smtp://."
    )
    mail_from: str | None = Field(None, description="The address that messages come from.")
    twilio_account_sid: str | None = Field(None, repr=False, description="Twilio's account for texts (AC…).")
    twilio_auth_token: str | None = Field(None, repr=False, description="Its token, which also proves what comes back.")
    twilio_from: str | None = Field(None, description="The number that texts come from, as in +15125550100.")
    twilio_api_url: str = Field("https://api.twilio.com", description="Twilio's address, for another region.")
    messages_to: Literal["clients", "console"] = Field(
        "clients", description="console: messages are kept and shown, and nothing leaves; for trying Holdfast."
    )
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Where the worker serves /metrics for Prometheus; unset: nowhere."
    )
    metrics_host: str = Field("127.0.0.1", description="The address that metrics are served on.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        return (
            tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("webhook_allowed_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: Any) -> Any:
        return (
            frozenset(part.strip().lower() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("webhook_retry_seconds", mode="before")
    @classmethod
    def _waits(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        waits = tuple(float(part) for part in value.split(",") if part.strip())
        if not all(0 < wait <= WAIT_SECONDS_MAX for wait in waits):
            raise ValueError("a wait is between 0 and 604800 seconds, as in 5,300,1800")
        return waits

    def secret(self) -> bytes:
        """32 bytes that sign links, cookies and cursors: from ``secret_key``, else the file ``secret`` in the data dir.

        The file is made on first use, readable by its owner alone. Two processes that start together get the same one.
        """
        if self.secret_key is not None:
            return hashlib.sha256(self.secret_key.encode()).digest()
        path = self.data_dir / "secret"
        if not path.exists():
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_once(path, secrets.token_bytes(SECRET_BYTES))
        return path.read_bytes()


def _write_once(path: Path, content: bytes) -> None:
    # Written aside and linked into place: a reader never sees half a secret, and the first writer wins.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_bytes(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process; ``overrides`` are command-line options.

    Raises SetupRefused that names the variable and what is wrong with it.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        variable = PREFIX + "_".join(str(part) for part in first["loc"][:1]).upper()
        raise SetupRefused(f"{variable} is not valid: {first['msg'][:1].lower()}{first['msg'][1:]}.") from None
