"""Texts by Twilio: send one, and know what really comes from Twilio."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from holdfast.messages.carriers import NotSent, Outgoing

TIMEOUT_SECONDS: Final = 20.0
STATUS_PATH: Final = "/twilio/status"
INBOUND_PATH: Final = "/twilio/inbound"
OPTED_OUT: Final = 21610
# The number is wrong, cannot take texts, or is not allowed to be sent to: no use trying again.
_FINAL: Final = frozenset({21211, 21214, 21217, 21408, 21612, 21614})
_TOO_MUCH: Final = 20429
_PORTS: Final = {"https": 443, "http": 80}
CLOCKS_DIFFER: Final = timedelta(minutes=2)


class Twilio:
    """Sends texts from one number. ``open`` before use, ``close`` at the end."""

    def __init__(
        self, account_sid: str, auth_token: str, number: str, *, api_url: str, public_url: str | None = None
    ) -> None:
        self._number = number
        self._status_url = public_url.rstrip("/") + STATUS_PATH if public_url else None
        self._path = f"/2010-04-01/Accounts/{account_sid}/Messages.json"
        self._http = httpx.AsyncClient(
            base_url=api_url, auth=(account_sid, auth_token), timeout=TIMEOUT_SECONDS, trust_env=False
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def send(self, outgoing: Outgoing) -> str:
        """Hand the text to Twilio; its name for it (``SM…``). Raises NotSent.

        Twilio knows no idempotency key, so when an earlier attempt may have got through its list is asked first.
        """
        if outgoing.maybe_sent and (earlier := await self._find(outgoing)):
            return earlier
        form = {"To": outgoing.to, "From": self._number, "Body": outgoing.text}
        if self._status_url:
            form["StatusCallback"] = self._status_url
        answer = await self._ask("POST", data=form)
        return str(answer.get("sid", ""))

    async def _find(self, outgoing: Outgoing) -> str | None:
        since = outgoing.due_at.astimezone(UTC) - CLOCKS_DIFFER
        query = {"To": outgoing.to, "From": self._number, "DateSent>": since.date().isoformat(), "PageSize": "100"}
        listed: Sequence[dict[str, Any]] = (await self._ask("GET", params=query)).get("messages", [])
        for one in listed:
            same = one.get("to") == outgoing.to and one.get("body") == outgoing.text
            if same and one.get("status") not in ("failed", "undelivered", "canceled") and _made_at(one) >= since:
                return str(one["sid"])
        return None

    async def _ask(self, method: str, **request: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, self._path, **request)
            answer = response.json()
        except httpx.HTTPError:
            raise NotSent("The telephone carrier could not be reached, or did not answer in time.") from None
        except ValueError:
            answer = {}
        if response.is_success and isinstance(answer, dict):
            return answer
        raise _judge(response, answer.get("code") if isinstance(answer, dict) else None)


def _judge(response: httpx.Response, code: Any) -> NotSent:
    if code == OPTED_OUT:
        return NotSent("The client opted out of texts with their carrier.", refused=True)
    if code in _FINAL:
        return NotSent(f"This number cannot be sent texts (Twilio {code}): check it, or call.", final=True)
    if response.status_code in (401, 403):
        return NotSent("Twilio does not accept our account: check HOLDFAST_TWILIO_ACCOUNT_SID and its token.")
    if response.status_code == 429 or code == _TOO_MUCH:
        header = response.headers.get("retry-after", "")
        after = float(header[:6]) if header.isdecimal() else None
        return NotSent("Twilio is being sent too much at once.", retry_after_seconds=after)
    if 400 <= response.status_code < 500:
        named = f" {code}" if isinstance(code, int) else ""
        return NotSent(f"Twilio refused this text (error{named}).", final=True)
    return NotSent(f"Twilio answered {response.status_code}: something is broken there.")


def _made_at(listed: Mapping[str, Any]) -> datetime:
    try:
        return parsedate_to_datetime(str(listed.get("date_created"))).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def signature(auth_token: str, url: str, form: Sequence[tuple[str, str]]) -> str:
    """``X-Twilio-Signature`` of a form post: HMAC-SHA1 over the URL and every name and distinct value, sorted."""
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.digest(auth_token.encode(), signed.encode(), "sha1")).decode()


def is_genuine(auth_token: str, url: str, form: Sequence[tuple[str, str]], claimed: str) -> bool:
    """Whether Twilio signed this post to ``url``, the public address. It signs with or without the default port."""
    return any(
        # bytes: compare_digest takes only ASCII text, and this header is anybody's
        hmac.compare_digest(signature(auth_token, each, form).encode(), claimed.encode("utf-8", "replace"))
        for each in (url, _other_port(url))
    )


def _other_port(url: str) -> str:
    parts = urlsplit(url)
    default = f":{_PORTS.get(parts.scheme, 443)}"
    netloc = parts.netloc.removesuffix(default) if parts.port else parts.netloc + default
    return parts._replace(netloc=netloc).geturl()
