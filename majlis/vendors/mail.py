"""Mail: what is sent, the templates it is made from, and the two ways it leaves."""

import asyncio
import ipaddress
import re
import secrets
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import msgspec
from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from majlis.kit.errors import NotFound, Refused, Unavailable
from majlis.settings import BadSettings, Settings

SEND_TIMEOUT = 60.0  # seconds for a whole mail, against servers that answer drop by drop
PORTS = {"smtp": 587, "smtps": 465}

_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]+@[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_OWN_HEADERS = re.compile(
    r"(?i)from|sender|to|cc|bcc|reply-to|return-path|subject|date|message-id|received"
    r"|auto-submitted|mime-version|(content|resent|dkim|arc)-.*"
)
_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{8}")


class Mail(msgspec.Struct, frozen=True):
    """One mail to one address. `headers` are further ones, such as List-Unsubscribe."""

    to: str
    subject: str
    text: str
    html: str | None = None
    headers: dict[str, str] = {}


class MailRejected(Refused):
    """This mail will never be taken: sending it again is of no use."""

    code, status, detail = "mail_rejected", 422, "This mail cannot be delivered."


class MailUnavailable(Unavailable):
    """The mail could not be handed over now; it may be later."""

    code, detail = "mail_unavailable", "Mail cannot be sent at present."


class Mailer(Protocol):
    """What sends mail."""

    async def send(self, mail: Mail) -> None:
        """Hand the mail over. MailRejected when that is hopeless, MailUnavailable when a retry may help."""

    async def aclose(self) -> None:
        """Let go of what is held."""


class SmtpMailer:
    """Mail over SMTP. `url` is smtp://user:password@host:587 or smtps://…, parts of it percent-encoded.

    smtp:// changes to TLS where the server offers it, and must when there is a password to protect, unless
    the server is this machine. Certificates are verified, except those of this machine. `timeout` is seconds
    for each answer. ValueError, without the password, when the URL or the sender cannot be used.
    """

    def __init__(self, url: str, sender: str, *, timeout: float = 10.0) -> None:
        self._sender = _sender(sender)
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # The message of urlsplit may quote a part of the password.
            raise ValueError("the address of the mail server cannot be read") from None
        if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("the address of the mail server must be smtp://… or smtps://…")
        self._host = parts.hostname
        self._port = port or PORTS[parts.scheme]
        self._username = None if parts.username is None else unquote(parts.username)
        self._password = None if parts.password is None else unquote(parts.password)
        self._tls = parts.scheme == "smtps"
        self._loopback = _is_loopback(self._host)
        self._timeout = timeout

    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server, over a connection of its own."""
        message = assemble(mail, self._sender)
        try:
            async with asyncio.timeout(SEND_TIMEOUT), self._client() as client:
                await _deliver(client, message)
        except (SMTPException, OSError) as error:
            raise MailUnavailable from error

    async def aclose(self) -> None:
        """Nothing is held between mails."""

    def _client(self) -> SMTP:
        return SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            # Else the name is looked up, and the event loop waits for it.
            local_hostname=self._sender.domain,
            timeout=self._timeout,
            use_tls=self._tls,
            start_tls=False if self._tls else self._start_tls(),
            validate_certs=not self._loopback,
        )

    def _start_tls(self) -> bool | None:
        """True when TLS is required, None when it is used if offered."""
        return True if self._username is not None and not self._loopback else None


class FolderMailer:
    """Mail into a folder, one .eml file each, for machines without a mail server."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = _sender(sender)

    async def send(self, mail: Mail) -> None:
        """Write the mail, whole or not at all, under a name that sorts by time."""
        await asyncio.to_thread(self._write, assemble(mail, self._sender))

    async def aclose(self) -> None:
        """Nothing is held."""

    def _write(self, message: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # mails hold tokens
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(4)}"
        unfinished = self._folder / f".{name}.tmp"
        try:
            unfinished.write_bytes(message.as_bytes())
            unfinished.rename(self._folder / f"{name}.eml")
        finally:
            unfinished.unlink(missing_ok=True)


class Letter(msgspec.Struct, frozen=True):
    """A mail in the folder; `date` as in its header."""

    id: str
    date: str
    to: str
    subject: str
    text: str


class Parts(msgspec.Struct, frozen=True):
    """What a template makes."""

    subject: str
    text: str
    html: str


def from_settings(settings: Settings) -> Mailer:
    """The server of MAJLIS_MAIL_URL, or else the folder of `mail_folder`. BadSettings when unusable."""
    try:
        if settings.mail_url:
            return SmtpMailer(settings.mail_url, settings.mail_from)
        return FolderMailer(mail_folder(settings), settings.mail_from)
    except ValueError as error:
        name = "MAJLIS_MAIL_FROM" if isinstance(error, BadSender) else "MAJLIS_MAIL_URL"
        raise BadSettings(f"{name}: {error}") from error


def mail_folder(settings: Settings) -> Path:
    """Where mail is written when there is no server for it."""
    return settings.data_path() / "mail"


def app_url(settings: Settings) -> str:
    """Where the links of templates lead, without a slash at the end."""
    return (settings.app_url or settings.base_url()).rstrip("/")


def listing(folder: Path, limit: int | None = None) -> list[Letter]:
    """The mails in the folder, newest first."""
    names = sorted((path.stem for path in folder.glob("*.eml") if _ID.fullmatch(path.stem)), reverse=True)
    return [show(folder, name) for name in names[:limit]]


def show(folder: Path, id: str) -> Letter:
    """One mail of the folder. NotFound when there is none of this id."""
    path = folder / f"{id}.eml"
    if not _ID.fullmatch(id) or not path.is_file():
        raise NotFound("There is no such mail.")
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    text = "" if body is None else str(body.get_content()).replace("\r\n", "\n")
    return Letter(id, str(message["Date"]), str(message["To"]), str(message["Subject"]), text)


def render(name: str, /, **values: str) -> Parts:
    """The subject, text and HTML of a template. A value that it needs and does not get is an error.

    No template has a place for words that people chose, but for moderators' reasons: whoever registers somebody
    else's address must not get to write to them.
    """
    clean = {key: " ".join(value.split()) for key, value in values.items()}
    lines = _TEMPLATES.get_template(f"{name}.txt").render(clean)
    subject, _, text = lines.partition("\n")
    html = _TEMPLATES.get_template(f"{name}.html").render(clean)
    return Parts(subject.removeprefix("Subject: ").strip(), text.lstrip("\n"), html)


def compose(to: str, name: str, /, **values: str) -> Mail:
    """A mail to somebody from a template."""
    parts = render(name, **values)
    return Mail(to, parts.subject, parts.text, parts.html)


def assemble(mail: Mail, sender: Address) -> EmailMessage:
    """The message as it goes out. MailRejected when a header would be more than it seems to be."""
    message = EmailMessage(policy=_POLICY if mail.to.isascii() else _POLICY.clone(utf8=True))
    message["From"] = sender
    message["To"] = _recipient(mail.to)
    message["Subject"] = _line(mail.subject, "subject")
    message["Date"] = datetime.now(UTC)
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"  # keeps answering machines quiet
    for name, value in mail.headers.items():
        if not _HEADER.fullmatch(name) or _OWN_HEADERS.fullmatch(name):
            raise MailRejected("The mail has a header that it may not set.")
        message[name] = _line(value, "header")
    message.set_content(mail.text, cte="quoted-printable")
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


class _Whole(UnstructuredHeader, BaseHeader):
    """A header of one line. A long address would be encoded when folded, and mail programs would not find it."""

    def fold(self, *, policy: policy.Policy) -> str:
        """The line as it goes out."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Whole)
_POLICY = policy.SMTP.clone(header_factory=_HEADERS)


class BadSender(ValueError):
    """The sender is not an address."""


async def _deliver(client: SMTP, message: EmailMessage) -> None:
    """Send over an open connection; what the server says for good to this mail is MailRejected."""
    try:
        await client.send_message(message)
    except SMTPRecipientsRefused as error:
        _judge(error.recipients[0].code, error)
    except SMTPResponseException as error:
        _judge(error.code, error)
    except SMTPNotSupported as error:
        raise MailRejected("The mail server does not take such an address.") from error


def _judge(code: int, error: SMTPException) -> None:
    """Raise what an answer of the server means."""
    # 530 asks for a password: that is a fault of the settings, and the mail can wait until it is mended.
    if 500 <= code < 600 and code != 530:
        raise MailRejected(f"The mail server refused this mail ({code}).") from error
    raise MailUnavailable from error


def _sender(sender: str) -> Address:
    wrong = BadSender("the sender must be an address, or Name <address>")
    if _CONTROL.search(sender):
        raise wrong
    header = policy.SMTP.header_factory("From", sender)
    if header.defects or len(header.addresses) != 1:
        raise wrong
    address: Address = header.addresses[0]
    if not _ADDRESS.fullmatch(address.addr_spec) or not address.addr_spec.isascii():
        raise wrong
    return address


def _recipient(to: str) -> Address:
    if not _ADDRESS.fullmatch(to):
        raise MailRejected("The recipient is not one address.")
    username, _, domain = to.rpartition("@")
    try:
        return Address("", username, domain.encode("idna").decode())
    except UnicodeError as error:
        raise MailRejected("The recipient's domain is not one.") from error


def _line(value: str, what: str) -> str:
    if _CONTROL.search(value):
        raise MailRejected(f"The {what} of the mail has line breaks or control characters.")
    return value


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _html_only(name: str | None) -> bool:
    return name is not None and name.endswith(".html")


_TEMPLATES = ImmutableSandboxedEnvironment(
    loader=PackageLoader("majlis.vendors", "mail_templates"),
    autoescape=_html_only,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
