"""E-mail: the message in every form a reader may want, and one SMTP session for each."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from holdfast.email_address import is_email
from holdfast.errors import SetupRefused
from holdfast.messages.carriers import NotSent, Outgoing

TIMEOUT_SECONDS: Final = 20.0
NO_ADDRESS: Final = "The client's e-mail address cannot be right: correct it, or call."
_PORTS: Final = {"smtp": 587, "smtps": 465}
# Our own credentials or address were refused: a mistake of the operator's, to be put right while attempts go on.
_OURS: Final = frozenset({530, 534, 535, 538, 454})


@dataclass(frozen=True)
class MailServer:
    """``smtp://`` is upgraded with STARTTLS, which must succeed unless the server is on this machine."""

    host: str
    port: int
    username: str | None
    password: str | None
    implicit_tls: bool
    starttls: bool

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port})"


def parse_smtp_url(url: str) -> MailServer:
    """``smtp[s]://user:password@host[:port]``. Raises SetupRefused."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise SetupRefused(
            "HOLDFAST_SMTP_URL looks like smtps://user:password@mail.example.com, or smtp:// for STARTTLS."
        )
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise SetupRefused("HOLDFAST_SMTP_URL has a port that is not a number from 1 to 65535.") from None
    return MailServer(
        parts.hostname,
        port,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        implicit_tls=parts.scheme == "smtps",
        starttls=parts.scheme == "smtp" and not _is_here(parts.hostname),
    )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def sender_address(mail_from: str) -> str:
    """The address in ``visits@example.com`` or ``Visits <visits@example.com>``. Raises SetupRefused."""
    address = parseaddr(mail_from)[1]
    if address.count("@") != 1 or address.startswith("@") or address.endswith("@"):
        raise SetupRefused("HOLDFAST_MAIL_FROM is an address that your mail server may send from.")
    return address


def compose(outgoing: Outgoing, address: str) -> EmailMessage:
    """The message as RFC 5322 has it, from ``address``.

    The invitation is the last alternative, which is where Gmail, Outlook and Apple Mail look for it. Message-ID and
    Date come from the message, not the attempt: a repeat is the same mail. Raises NotSent for a recipient that is no
    address.
    """
    if not is_email(outgoing.to):
        raise NotSent(NO_ADDRESS, final=True)
    mail = EmailMessage()
    user, _, domain = address.partition("@")
    mail["From"] = Address(outgoing.sender_name, user, domain)
    mail["To"] = _address(outgoing.to)
    if outgoing.reply_to and is_email(outgoing.reply_to):  # a broken one must not keep mails from their clients
        mail["Reply-To"] = _address(outgoing.reply_to)
    mail["Subject"] = outgoing.subject
    mail["Date"] = format_datetime(outgoing.due_at)
    mail["Message-ID"] = f"<{outgoing.key}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices back
    if outgoing.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{outgoing.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    mail.set_content(outgoing.text)
    mail.add_alternative(outgoing.html, subtype="html")
    if outgoing.invitation:
        mail.add_alternative(
            outgoing.invitation.ics.encode(),
            maintype="text",
            subtype="calendar",
            params={"charset": "utf-8", "method": outgoing.invitation.method},
        )
    return mail


def _address(text: str) -> Address:
    user, _, domain = text.rpartition("@")
    return Address(username=user, domain=domain)


class Mailer:
    """Sends by one mail server. Raises SetupRefused when the settings cannot be meant."""

    def __init__(self, smtp_url: str, mail_from: str) -> None:
        self._server = parse_smtp_url(smtp_url)
        self.address = sender_address(mail_from)

    async def send(self, outgoing: Outgoing) -> str:
        """Hand it to the mail server, which answers for it from then on; its Message-ID. Raises NotSent."""
        mail = compose(outgoing, self.address)
        server = self._server
        try:
            await aiosmtplib.send(
                mail,
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password,
                use_tls=server.implicit_tls,
                start_tls=server.starttls,
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0].code if error.recipients else 550, "this address") from None
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code, "this message") from None
        except (aiosmtplib.SMTPException, ssl.SSLError, OSError) as error:
            raise NotSent(_unreachable(error)) from None
        return str(mail["Message-ID"])


def _refused(code: int, what: str) -> NotSent:
    if code in _OURS:
        return NotSent(f"Our mail server did not accept us ({code}): check HOLDFAST_SMTP_URL.")
    if 500 <= code < 600:
        return NotSent(f"The mail server refused {what} for good ({code}): check the address, or call.", final=True)
    return NotSent(f"The mail server did not take {what} yet ({code}).")


def _unreachable(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "Our mail server's certificate is not valid."
    if isinstance(error, TimeoutError):
        return "Our mail server did not answer in time."
    return "Our mail server could not be reached, or hung up."
