"""``holdfast webhooks listen``: a receiver on this machine that shows what arrives, and whether its signature is right.

It plays the other side: a server that works, or (``--answer 500``) one that does not.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Annotated, Any, Final

import typer

from holdfast.errors import Invalid, SetupRefused

PORT: Final = 9009
HOST: Final = "127.0.0.1"
TOLERANCE_SECONDS: Final = 300
BODY_BYTES_MAX: Final = 1 << 20


def listen(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen, on 127.0.0.1.")] = PORT,
    secret: Annotated[
        str | None, typer.Option(help="The endpoint's secret (whsec_…): signatures are checked with it.")
    ] = None,
    answer: Annotated[int, typer.Option(min=200, max=599, help="What to answer: 500 plays a broken server.")] = 204,
) -> None:
    """Receive webhooks on this machine and show them, until Ctrl-C. Which ids came before is remembered meanwhile.

    Add the endpoint with `holdfast webhooks add http://127.0.0.1:9009/`. The demo allows that address; elsewhere set
    HOLDFAST_WEBHOOK_ALLOWED_HOSTS=127.0.0.1:9009 where the worker runs.
    """
    key = None if secret is None else secret_bytes(secret)
    known: set[str] = set()

    class Receiver(BaseHTTPRequestHandler):
        """One request at a time, in the order in which they come."""

        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("content-length") or 0), BODY_BYTES_MAX))
            headers = {name.lower(): value for name, value in self.headers.items()}
            typer.echo("\n".join(describe(headers, body, key, known)))
            sys.stdout.flush()
            self.send_response(answer)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """What matters is printed already."""

    try:
        server = HTTPServer((HOST, port), Receiver)
    except OSError:
        raise SetupRefused(f"Port {port} cannot be used: another program may have it. Choose another --port.") from None
    typer.echo(f"Listening on http://{HOST}:{port}/, answering {answer}. Stop with Ctrl-C.", err=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass  # how one stops it
    finally:
        server.server_close()


def secret_bytes(secret: str) -> bytes:
    """The key in ``whsec_…``. Raises Invalid."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("A secret looks like whsec_ and base64: copy all of it.", field="secret") from None


def describe(headers: Mapping[str, str], body: bytes, key: bytes | None, known: set[str]) -> list[str]:
    """The lines that tell of one message; its id joins ``known``."""
    id = headers.get("webhook-id", "")
    repeat = " (again: this id came before)" if id in known else ""
    known.add(id)
    try:
        message = json.loads(body)
        told = f"{message['type']} {message['data'].get('id', '')} sequence {message['sequence']}"
    except (ValueError, KeyError, TypeError, AttributeError):
        told = "not a message of Holdfast's"
    return [f"{told}{repeat}", f"  {id}", f"  {check(headers, body, key)}", f"  {body.decode('utf-8', 'replace')}"]


def check(headers: Mapping[str, str], body: bytes, key: bytes | None) -> str:
    """Whether the signature is right, as your receiver should look: over the bytes as they came, with the time."""
    if key is None:
        return "signature not checked: start it with --secret whsec_…"
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return "REFUSED: the timestamp is more than five minutes off"
    expected = base64.b64encode(hmac.digest(key, f"{id}.{timestamp}.".encode() + body, "sha256")).decode()
    given = [entry.removeprefix("v1,") for entry in headers.get("webhook-signature", "").split()]
    if any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
        return "signature verified"
    return "REFUSED: no signature is by this secret"
