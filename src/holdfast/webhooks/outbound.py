"""One HTTP request to an address that a tenant chose, and nothing else that such an address could be made to do.

The host is resolved once, every address it has is checked, and the connection goes to a checked address: a name that
resolves differently a moment later (DNS rebinding) changes nothing. No redirect is followed, no proxy of the
environment used, no cookie kept; time and bytes are bounded.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

import httpcore

from holdfast.errors import Invalid, either, said

PORTS: Final = frozenset({443, 8443})
TIMEOUT_SECONDS: Final = 15.0
RESPONSE_BYTES_MAX: Final = 64 * 1024
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)
_HOST_LENGTH_MAX: Final = 253
_PROTOCOL_ASSIGNMENTS: Final = IPv4Network("192.0.0.0/24")  # which Pythons differ about
_NAT64: Final = IPv6Network("64:ff9b::/96")
# These carry an IPv4 address that a gateway would go to; nobody serves webhooks there.
_TUNNELS: Final = (IPv6Network("2002::/16"), IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


class Unreachable(Exception):
    """No answer was had; the message says why in a plain sentence without the receiver's words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said. ``body``: at most RESPONSE_BYTES_MAX of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: int


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet.

    Not private, loopback, link-local, shared (CGNAT), multicast or reserved, nor an IPv6 way of writing such a one.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(address.packed[-4:]))
        if any(address in tunnel for tunnel in _TUNNELS):
            return False
    elif address in _PROTOCOL_ASSIGNMENTS:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def check_url(url: str, allowed_hosts: Iterable[str] = ()) -> str:
    """The URL, when webhooks may be sent there as far as can be told without resolving it. Raises Invalid.

    ``allowed_hosts``: what the operator allows (``host`` or ``host:port``) over plain HTTP and in private networks.
    """
    parts = _split(url)
    port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    if _is_allowed(parts.hostname or "", port, allowed_hosts):
        return url
    if parts.scheme != "https":
        raise Invalid("A webhook URL begins with https://.", field="url")
    if port not in PORTS:
        raise Invalid(said("A webhook URL uses port {ports}.", ports=either(sorted(PORTS))), field="url")
    literal = _literal(parts.hostname or "")
    if literal is not None and not is_public(literal):
        raise Invalid("A webhook URL names a server on the public internet.", field="url")
    return url


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed when asked for
    except ValueError:
        raise Invalid("This is not a URL: one looks like https://example.com/hook.", field="url") from None
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or not plain:
        raise Invalid("This is not a URL: one looks like https://example.com/hook.", field="url")
    if "@" in parts.netloc:
        raise Invalid("A webhook URL has no user name or password.", field="url")
    if not _is_host(parts.hostname):
        raise Invalid(
            "The host in this URL is not a name that can exist: look for a missing or doubled dot.", field="url"
        )
    return parts


def _is_host(host: str) -> bool:
    """Whether it is an address, or a name that could be resolved: what cannot be makes the resolver itself fail."""
    if _literal(host) is not None:
        return True
    labels = host.removesuffix(".").split(".")
    return len(host) <= _HOST_LENGTH_MAX and all(_LABEL.fullmatch(label) for label in labels)


def _is_allowed(host: str, port: int, allowed_hosts: Iterable[str]) -> bool:
    allowed = frozenset(allowed_hosts)
    return host.lower() in allowed or f"{host.lower()}:{port}" in allowed


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects by checked address only. TLS still verifies the host's name: it is told apart from the address."""

    def __init__(self, allowed_hosts: frozenset[str], resolver: Resolve) -> None:
        self._allowed_hosts = allowed_hosts
        self._resolve = resolver
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class's name for it
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise Unreachable("The host's name could not be resolved.") from None
        if not _is_allowed(host, port, self._allowed_hosts):
            literals = [_literal(address) for address in addresses]
            if not all(literal is not None and is_public(literal) for literal in literals):
                raise Unreachable("The host's address is in a private network, where webhooks are not sent.")
        refused: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refused = error
        raise refused or Unreachable("The host has no address.")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise Unreachable("Webhooks are sent over the network.")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class Outbound:
    """Sends requests. Use it as a context manager; connections are kept for the next request to the same host."""

    def __init__(
        self,
        allowed_hosts: Iterable[str] = (),
        *,
        resolver: Resolve = resolve,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._allowed_hosts = frozenset(allowed_hosts)
        self._timeout_seconds = timeout_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=30.0,
            network_backend=_CheckedBackend(self._allowed_hosts, resolver),
        )

    async def __aenter__(self) -> Outbound:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send it, whatever the answer. Raises Unreachable, also for a URL that ``check_url`` would refuse by now."""
        try:
            check_url(url, self._allowed_hosts)
            async with asyncio.timeout(self._timeout_seconds):
                return await self._post(url, headers, body)
        except Invalid as error:
            raise Unreachable(error.detail) from None
        except (TimeoutError, httpcore.TimeoutException):
            raise Unreachable(f"Their server did not answer within {self._timeout_seconds:g} seconds.") from None
        except (httpcore.ConnectError, OSError) as error:
            why = "its certificate is not valid" if _is_certificate(error) else "nothing accepts connections there"
            raise Unreachable(f"Their server could not be reached: {why}.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError):
            raise Unreachable("Their server broke the connection off.") from None

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        begun = time.monotonic()
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with self._pool.stream("POST", url, headers=given, content=body) as response:
            received = bytearray()
            async for chunk in response.aiter_stream():
                received += chunk[: RESPONSE_BYTES_MAX - len(received)]
                if len(received) >= RESPONSE_BYTES_MAX:
                    break  # the rest is not read; the connection is not used again
            return Answer(
                status=response.status,
                headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
                body=bytes(received),
                latency_ms=round((time.monotonic() - begun) * 1000),
            )


def _is_certificate(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError) or "CERTIFICATE" in str(error)
