"""Mail to real SMTP servers on this machine, and into a folder."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import jinja2
import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from majlis.kit.errors import NotFound, Unavailable
from majlis.settings import BadSettings, Settings
from majlis.vendors import mail
from majlis.vendors.mail import FolderMailer, Mail, MailRejected, MailUnavailable, SmtpMailer
from tests.servers import free_port

SENDER = "Majlis <majlis@example.org>"
LETTER = Mail("one@example.com", "Hello", "Some words.\n")
# Reaches this machine under an address that does not look like it.
ELSEWHERE = "0.0.0.0"


class Inbox:
    """What arrived, and what the server is to answer to each command."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.messages: list[EmailMessage] = []
        self.envelopes: list[Any] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.encrypted: list[bool] = []

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None)
        message = message_from_bytes(envelope.original_content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        return self.answers.get("QUIT", "221 Bye")

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        # Unless `handled` is False the server would send no answer to a refusal.
        return AuthResult(success=data.password == b"pa ss:w@rd/", handled=False)


class Serving(Controller):
    """A server with any options of aiosmtpd's."""

    def factory(self) -> SMTP:
        return SMTP(self.handler, **self.SMTP_kwargs)


@contextmanager
def serving(inbox: Inbox, *, tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    port = free_port()
    controller = Serving(inbox, hostname="127.0.0.1", port=port, ssl_context=tls, ready_timeout=60, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def sent(url: str, letter: Mail = LETTER, *, timeout: float = 60.0) -> None:
    async def body() -> None:
        mailer = SmtpMailer(url, SENDER, timeout=timeout)
        try:
            await mailer.send(letter)
        finally:
            await mailer.aclose()
            await parted()

    asyncio.run(body())


async def parted() -> None:
    """Until no connection is left. Under TLS either side says goodbye after the last word of the mail, and a loop that
    ends before leaves a socket behind, which some later test would be blamed for."""
    watched = asyncio.get_running_loop()._selector.get_map()  # type: ignore[attr-defined]
    while len(watched) > 1:  # noqa: ASYNC110  the loop's own pipe stays
        await asyncio.sleep(0.001)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.mark.rule("afrochat:R22")
def test_a_mail_arrives_as_it_was_written() -> None:
    inbox = Inbox()
    letter = Mail(
        "one@example.com",
        "سلام — привет",
        "متن نامه\n.\nlast line " + "long " * 400 + "\n",
        "<p>سلام &amp; привет</p>",
        {"List-Unsubscribe": "<https://example.org/u?t=1>"},
    )
    with serving(inbox) as port:
        sent(f"smtp://127.0.0.1:{port}", letter)
    [message], [envelope] = inbox.messages, inbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("majlis@example.org", ["one@example.com"])
    assert message["From"] == SENDER
    assert message["To"] == "one@example.com"
    assert message["Subject"] == "سلام — привет"
    assert message["List-Unsubscribe"] == "<https://example.org/u?t=1>"
    assert message["Message-ID"].endswith("@example.org>")
    age = datetime.now(UTC) - message["Date"].datetime
    assert age < timedelta(minutes=1)
    assert "Reply-To" not in message
    assert message["Auto-Submitted"] == "auto-generated"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None and plain.get_content().replace("\r\n", "\n") == letter.text
    assert html is not None and html.get_content().strip() == letter.html
    assert max(len(line) for line in envelope.original_content.splitlines()) < 998
    assert envelope.original_content.isascii()
    assert inbox.encrypted == [False]  # not needed on the way to this machine


def test_every_mail_has_an_id_of_its_own() -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        sent(f"smtp://127.0.0.1:{port}")
        sent(f"smtp://127.0.0.1:{port}")
    assert len({message["Message-ID"] for message in inbox.messages}) == 2


@pytest.mark.parametrize(
    "command, answer, refusal",
    [
        ("RCPT", "550 no such person", MailRejected),
        ("RCPT", "451 come again", MailUnavailable),
        ("MAIL", "553 not from you", MailRejected),
        ("MAIL", "452 full", MailUnavailable),
        ("MAIL", "530 sign in first", MailUnavailable),
        ("DATA", "554 looks like spam", MailRejected),
        ("DATA", "451 busy", MailUnavailable),
        ("DATA", "421 closing", MailUnavailable),
    ],
)
def test_refusals_tell_what_may_be_retried(command: str, answer: str, refusal: type[Exception]) -> None:
    inbox = Inbox(**{command: answer})
    with serving(inbox) as port, pytest.raises(refusal) as refused:
        sent(f"smtp://127.0.0.1:{port}")
    assert type(refused.value) is refusal
    assert answer.split(" ", 1)[1] not in str(refused.value)  # another server's words stay in the cause
    assert answer.split(" ", 1)[1] in repr(refused.value.__cause__)
    assert inbox.messages == []


def test_what_may_be_retried_is_a_kind_of_unavailable() -> None:
    assert issubclass(MailUnavailable, Unavailable)
    assert not issubclass(MailRejected, Unavailable)


def test_a_bad_goodbye_does_not_make_a_sent_mail_unsent() -> None:
    inbox = Inbox(QUIT="500 what?")
    with serving(inbox) as port:
        sent(f"smtp://127.0.0.1:{port}")
    assert len(inbox.messages) == 1


def test_signing_in_with_a_percent_encoded_password() -> None:
    inbox = Inbox()
    with serving(inbox, authenticator=inbox.authenticate, auth_require_tls=False) as port:
        sent(f"smtp://us%40er:pa%20ss%3Aw%40rd%2F@127.0.0.1:{port}")
        assert inbox.logins == [(b"us@er", b"pa ss:w@rd/")]
        assert len(inbox.messages) == 1
        with pytest.raises(
            MailUnavailable
        ):  # the settings are at fault: the mail waits until they are mended
            sent(f"smtp://us%40er:wrong@127.0.0.1:{port}")
    assert (b"us@er", b"wrong") in inbox.logins
    assert len(inbox.messages) == 1


def test_a_password_for_a_server_that_asks_for_none_is_no_reason_to_drop_mail() -> None:
    with serving(Inbox()) as port, pytest.raises(MailUnavailable):
        sent(f"smtp://user:password@127.0.0.1:{port}")


def test_tls_is_used_where_it_is_offered(tls: ssl.SSLContext) -> None:
    inbox = Inbox()
    options: dict[str, Any] = {"authenticator": inbox.authenticate, "auth_required": True}
    with serving(inbox, tls_context=tls, require_starttls=True, **options) as port:
        sent(f"smtp://user:pa%20ss%3Aw%40rd%2F@127.0.0.1:{port}")
    assert inbox.encrypted == [True]
    assert inbox.logins == [(b"user", b"pa ss:w@rd/")]


def test_smtps_is_encrypted_from_the_first_byte(tls: ssl.SSLContext) -> None:
    inbox = Inbox()
    with serving(inbox, tls=tls) as port:
        sent(f"smtps://localhost:{port}")
    assert len(inbox.messages) == 1


def test_beyond_this_machine_no_password_goes_in_the_clear() -> None:
    inbox = Inbox()
    with serving(inbox, authenticator=inbox.authenticate, auth_require_tls=False) as port:
        with pytest.raises(MailUnavailable):
            sent(f"smtp://user:pa%20ss%3Aw%40rd%2F@{ELSEWHERE}:{port}")
        assert inbox.logins == []
        sent(f"smtp://{ELSEWHERE}:{port}")  # without a password there is none to protect
    assert len(inbox.messages) == 1


def test_beyond_this_machine_certificates_are_verified(tls: ssl.SSLContext) -> None:
    inbox = Inbox()
    with serving(inbox, tls_context=tls) as port, pytest.raises(MailUnavailable) as refused:
        sent(f"smtp://{ELSEWHERE}:{port}")
    assert "CERTIFICATE_VERIFY_FAILED" in repr(refused.value.__cause__)
    with serving(inbox, tls=tls) as port, pytest.raises(MailUnavailable):
        sent(f"smtps://{ELSEWHERE}:{port}")
    assert inbox.messages == []


def test_a_server_that_is_away_or_silent_is_unavailable() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        with pytest.raises(MailUnavailable):
            sent(f"smtp://127.0.0.1:{port}")  # bound, but nobody listens
        silent.listen()
        with pytest.raises(MailUnavailable):
            sent(f"smtp://127.0.0.1:{port}", timeout=0.2)


def test_addresses_beyond_ascii_need_a_server_that_knows_them() -> None:
    letter = Mail("jörg@bücher.example", "Hello", "Words.\n")
    inbox = Inbox()
    with serving(inbox, enable_SMTPUTF8=False) as port:
        with pytest.raises(MailRejected):
            sent(f"smtp://127.0.0.1:{port}", letter)
        sent(f"smtp://127.0.0.1:{port}", Mail("joerg@bücher.example", "Hello", "Words.\n"))
    with serving(inbox, enable_SMTPUTF8=True) as port:
        sent(f"smtp://127.0.0.1:{port}", letter)
    recipients = [envelope.rcpt_tos for envelope in inbox.envelopes]
    assert recipients == [["joerg@xn--bcher-kva.example"], ["jörg@xn--bcher-kva.example"]]


INJECTIONS = [
    Mail("a@x.org\r\nBcc: b@y.org", "Hello", "x"),
    Mail("a@x.org\nBcc: b@y.org", "Hello", "x"),
    Mail("a@x.org, b@y.org", "Hello", "x"),
    Mail("a@x.org b@y.org", "Hello", "x"),
    Mail("A <a@x.org>", "Hello", "x"),
    Mail("a@x.org> SIZE=9", "Hello", "x"),
    Mail("a@b@x.org", "Hello", "x"),
    Mail("a", "Hello", "x"),
    Mail("@x.org", "Hello", "x"),
    Mail("", "Hello", "x"),
    Mail("a@x.org\x00", "Hello", "x"),
    Mail("a@x..org", "Hello", "x"),
    Mail("a@x.org", "Hello\r\nBcc: b@y.org", "x"),
    Mail("a@x.org", "Hello\nBcc: b@y.org", "x"),
    Mail("a@x.org", "Hello\rthere", "x"),
    Mail("a@x.org", "Hello\u2028there", "x"),
    Mail("a@x.org", "Hello\x00", "x"),
    Mail("a@x.org", "Hello", "x", headers={"X-One": "1\r\nBcc: b@y.org"}),
    Mail("a@x.org", "Hello", "x", headers={"X-One: 1\r\nBcc": "b@y.org"}),
    Mail("a@x.org", "Hello", "x", headers={"": "1"}),
    Mail("a@x.org", "Hello", "x", headers={"bcc": "b@y.org"}),
    Mail("a@x.org", "Hello", "x", headers={"Reply-To": "b@y.org"}),
    Mail("a@x.org", "Hello", "x", headers={"Content-Type": "text/html"}),
]


@pytest.mark.parametrize("letter", INJECTIONS)
def test_nothing_can_be_smuggled_into_the_headers(letter: Mail, tmp_path: Path) -> None:
    inbox = Inbox()
    with serving(inbox) as port, pytest.raises(MailRejected):
        sent(f"smtp://127.0.0.1:{port}", letter)
    with pytest.raises(MailRejected):
        asyncio.run(FolderMailer(tmp_path, SENDER).send(letter))
    assert inbox.messages == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cret@host",
        "smtp://",
        "smtp://user:s3cret@",
        "smtp://user:s3/cret@host:25",
        "smtp://user:s3cret@host:mail",
        "smtp://user:s3cret@host:99999",
        "smtp://user:s3cret@[::1",
        "smtp://host/path",
        "smtp://host?tls=no",
        "host:25",
    ],
)
def test_an_address_that_cannot_be_used_is_named_without_its_password(url: str) -> None:
    with pytest.raises(BadSettings, match="MAJLIS_MAIL_URL") as refused:
        mail.from_settings(Settings(mail_url=url))
    error: BaseException | None = refused.value
    while error is not None:
        assert "s3" not in str(error)
        error = None if error.__suppress_context__ and error.__cause__ is None else error.__cause__


@pytest.mark.parametrize("sender", ["", "nobody", "a@b\nBcc: c@d", "Two <a@b>, <c@d>", "jörg@x.org"])
def test_a_sender_that_is_no_address_is_refused(sender: str) -> None:
    with pytest.raises(BadSettings, match="MAJLIS_MAIL_FROM"):
        mail.from_settings(Settings(mail_from=sender))


@pytest.mark.rule("afrochat:R22")
def test_without_a_server_mail_goes_into_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"))
    folder = mail.mail_folder(settings)
    assert mail.listing(folder) == []

    async def body() -> None:
        mailer = mail.from_settings(settings)
        for number in range(3):
            await mailer.send(
                Mail(f"p{number}@x.org", f"Nr. {number} سلام", f"Text {number} سلام\n", "<p>x</p>")
            )
        await mailer.aclose()

    asyncio.run(body())
    letters = mail.listing(folder)
    assert [letter.subject for letter in letters] == ["Nr. 2 سلام", "Nr. 1 سلام", "Nr. 0 سلام"]
    assert [letter.to for letter in letters] == ["p2@x.org", "p1@x.org", "p0@x.org"]
    assert [letter.text for letter in letters] == ["Text 2 سلام\n", "Text 1 سلام\n", "Text 0 سلام\n"]
    assert mail.listing(folder, 1) == letters[:1]
    assert mail.show(folder, letters[1].id) == letters[1]
    files = sorted(path.name for path in folder.iterdir())
    assert files == [f"{letter.id}.eml" for letter in reversed(letters)]
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("id", ["", "..", "../secret", "20261121T123456000000Z-00000000", "*"])
def test_only_mail_is_shown(tmp_path: Path, id: str) -> None:
    folder = tmp_path / "mail"
    folder.mkdir()
    (tmp_path / "secret.eml").write_text("Subject: secret\n\nsecret")
    (folder / "notes.eml").write_text("Subject: not written by us\n\n")
    (folder / ".20261121T123456000000Z-00000000.tmp").write_text("Subject: half\n")
    with pytest.raises(NotFound):
        mail.show(folder, id)
    assert mail.listing(folder) == []


LINKED: list[tuple[str, str]] = [("verify_email", "/verify-email"), ("reset_password", "/reset-password")]


@pytest.mark.parametrize("name, path", LINKED)
def test_templates_with_a_token_have_it_as_link_and_as_text(name: str, path: str) -> None:
    parts = mail.render(name, app_url="https://app.example", token="a_b-c+d/e")
    link = f"https://app.example{path}?token=a_b-c%2Bd/e"
    assert link in parts.text.splitlines()
    assert "a_b-c+d/e" in parts.text.splitlines()
    assert f'<a href="{link}"' in parts.html
    assert ">a_b-c+d/e<" in parts.html
    assert parts.subject and "\n" not in parts.subject
    assert not parts.text.startswith("Subject")
    with pytest.raises(jinja2.UndefinedError):
        mail.render(name, app_url="https://app.example")


@pytest.mark.parametrize("name, path", LINKED)
def test_values_are_escaped_in_html_and_in_links(name: str, path: str) -> None:
    token = '"><script>alert(1)</script>&x=1\n\nhttps://evil.example'
    parts = mail.render(name, app_url="https://app.example", token=token)
    assert "<script" not in parts.html
    assert '"><' not in parts.html.split(path, 1)[1].split("style", 1)[0]
    link = next(line for line in parts.text.splitlines() if path in line)
    assert not set('<>" &') & set(link)
    assert "https://evil.example" not in parts.text.splitlines()  # no line of its own


def test_values_are_never_taken_for_a_template() -> None:
    parts = mail.render("verify_email", app_url="https://app.example", token="{{ 7 * 7 }}{% raw %}")
    assert "{{ 7 * 7 }}{% raw %}" in parts.text.splitlines()


def test_notices_need_no_token() -> None:
    changed = mail.render("password_changed", app_url="https://app.example")
    assert "https://app.example/forgot-password" in changed.text.splitlines()
    assert " on 5 May" in mail.render("password_changed", app_url="https://a", when="5 May").text
    deleted = mail.render("account_deleted")
    assert "deleted" in deleted.subject
    assert "deleted" in deleted.html


@pytest.mark.parametrize(
    "name, values",
    [
        ("verify_email", {"app_url": "https://app.example", "token": "t"}),
        ("reset_password", {"app_url": "https://app.example", "token": "t", "lifetime": "30 minutes"}),
        ("password_changed", {"app_url": "https://app.example"}),
        ("export_ready", {"app_url": "https://app.example", "days": "7"}),
        (
            "order_paid",
            {
                "app_url": "https://app.example",
                "tickets": "2 Entry",
                "event": "kites",
                "total": "9 EUR",
                "invoice": "Invoice 1.",
            },
        ),
        ("payment_returned", {"app_url": "https://app.example", "total": "9.00 EUR"}),
        ("order_refunded", {"app_url": "https://app.example", "total": "9.00 EUR"}),
        ("places_offered", {"app_url": "https://app.example", "tickets": "2", "until": "noon"}),
        ("ticket_offered", {"app_url": "https://app.example", "name": "Amina", "event": "kites"}),
        ("account_deleted", {}),
        ("identity_linked", {"app_url": "https://app.example", "provider": "Google"}),
    ],
)
def test_every_template_makes_a_mail(name: str, values: dict[str, str], tmp_path: Path) -> None:
    letter = mail.compose("one@example.com", name, **values)
    asyncio.run(FolderMailer(tmp_path, SENDER).send(letter))
    [written] = mail.listing(tmp_path)
    assert (written.to, written.subject, written.text) == ("one@example.com", letter.subject, letter.text)
    assert letter.html is not None and letter.html.startswith("<!doctype html>")
    for text in (letter.text, letter.html):
        assert values.get("lifetime", "") in text


CASES: list[tuple[dict[str, str], str]] = [
    ({"app_url": "https://app.example/"}, "https://app.example"),
    ({"public_url": "https://api.example/"}, "https://api.example"),
    ({}, "http://127.0.0.1:8080"),
]


@pytest.mark.parametrize("values, expected", CASES)
def test_links_lead_to_the_app_or_else_to_the_server(values: dict[str, Any], expected: str) -> None:
    assert mail.app_url(Settings(**values)) == expected


def test_mail_travels_as_json() -> None:
    letter = Mail("a@x.org", "s", "t", "<p>h</p>", {"X-One": "1"})
    assert msgspec.json.decode(msgspec.json.encode(letter), type=Mail) == letter
