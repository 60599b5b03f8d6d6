"""Push over the wires that Firebase and browsers' push services document, against servers that speak them."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from majlis import cli
from majlis.kit import clock
from majlis.settings import BadSettings, Settings
from majlis.vendors import push, push_fcm, push_web
from majlis.vendors.push import Outcome, Push, Pushers, Target
from tests.vendors.pushers import Browser, Firebase, PushService, account_key, running

PUSH = Push("n" * 36, "New like", "Amina liked your post.", {"type": "POST_LIKE", "post_id": "1"})
PHONE = Target("fcm", "token-1")
PRIVATE, PUBLIC = push_web.new_key()


@pytest.fixture
def firebase() -> Iterator[Firebase]:
    with running(Firebase()) as server:
        yield server


@pytest.fixture
def service() -> Iterator[PushService]:
    with running(PushService()) as server:
        server.public_key = PUBLIC
        yield server


def settings(folder: Path, **values: Any) -> Settings:
    return Settings(**{"data_dir": str(folder), "secret_key": "x" * 40, **values})


def sent(runner: asyncio.Runner, given: Settings, *targets: Target, note: Push = PUSH) -> list[Outcome]:
    """What becomes of a push to each of these, at once, by the ways of these settings."""

    async def run() -> list[Outcome]:
        pushers = push.from_settings(given)
        try:
            return await asyncio.gather(*(pushers.send(target, note) for target in targets))
        finally:
            await pushers.aclose()

    return runner.run(run())


def by_firebase(folder: Path, firebase: Firebase) -> Settings:
    return settings(folder, fcm_credentials=firebase.credentials(), fcm_url=firebase.url)


def by_web(folder: Path, service: PushService, **values: Any) -> Settings:
    given = {"vapid_key": PRIVATE, "vapid_subject": "mailto:amina@example.org", "webpush_hosts": service.url}
    return settings(folder, **{**given, **values})


# ---- Firebase


@pytest.mark.rule("hamsaya:155")
def test_firebase_gets_title_body_and_data(
    runner: asyncio.Runner, firebase: Firebase, tmp_path: Path
) -> None:
    assert sent(runner, by_firebase(tmp_path, firebase), PHONE) == [push.SENT]
    (message,) = firebase.sent
    assert firebase.wrong == []
    assert message["token"] == "token-1" and "fid" not in message
    assert message["notification"] == {"title": PUSH.title, "body": PUSH.body}
    assert message["data"] == dict(PUSH.data)
    assert message["android"]["collapse_key"] == message["apns"]["headers"]["apns-collapse-id"] == PUSH.tag


def test_installation_ids_stand_in_their_own_field(
    runner: asyncio.Runner, firebase: Firebase, tmp_path: Path
) -> None:
    assert sent(runner, by_firebase(tmp_path, firebase), Target("fid", "fid-1")) == [push.SENT]
    assert firebase.sent[0]["fid"] == "fid-1" and "token" not in firebase.sent[0]


def test_one_access_token_serves_many_pushes(
    runner: asyncio.Runner, firebase: Firebase, tmp_path: Path
) -> None:
    firebase.delay_s = 0.05
    phones = [Target("fcm", f"token-{number}") for number in range(8)]
    assert sent(runner, by_firebase(tmp_path, firebase), *phones) == [push.SENT] * 8
    assert firebase.grants == 1
    assert firebase.to() == [phone.token for phone in phones]


def test_an_access_token_that_was_ended_is_renewed(
    runner: asyncio.Runner, firebase: Firebase, tmp_path: Path
) -> None:
    async def run() -> list[Outcome]:
        pushers = push.from_settings(by_firebase(tmp_path, firebase))
        first = await pushers.send(PHONE, PUSH)
        firebase.valid.clear()
        second = await pushers.send(PHONE, PUSH)
        await pushers.aclose()
        return [first, second]

    assert runner.run(run()) == [push.SENT, push.SENT]
    assert firebase.grants == 2


@pytest.mark.rule("hamsaya:156")
@pytest.mark.parametrize(
    "fault, state, reason",
    [
        ("unregistered", "dead", "UNREGISTERED"),
        ("mismatch", "dead", "SENDER_ID_MISMATCH"),
        ("bad_token", "dead", "INVALID_ARGUMENT"),
        ("bad_data", "refused", "INVALID_ARGUMENT"),
        ("no_project", "refused", "NOT_FOUND"),
        ("denied", "refused", "PERMISSION_DENIED"),
        ("apns", "refused", "THIRD_PARTY_AUTH_ERROR"),
        ("quota", "later", "QUOTA_EXCEEDED"),
        ("unavailable", "later", "UNAVAILABLE"),
        ("internal", "later", "INTERNAL"),
    ],
)
def test_what_answers_of_firebase_mean(
    runner: asyncio.Runner, firebase: Firebase, tmp_path: Path, fault: str, state: str, reason: str
) -> None:
    firebase.faults = {"token-1": fault}
    failed, fine = sent(runner, by_firebase(tmp_path, firebase), PHONE, Target("fcm", "token-2"))
    assert (failed.state, failed.reason) == (state, reason)
    assert fine == push.SENT, "what is wrong with one device is nothing to the others"


def test_a_bad_token_field_is_that_of_the_kind(
    runner: asyncio.Runner, firebase: Firebase, tmp_path: Path
) -> None:
    firebase.fault = "bad_token"
    (outcome,) = sent(runner, by_firebase(tmp_path, firebase), Target("fid", "fid-1"))
    assert outcome.state == "refused", "it is not the installation id that Firebase complains of"


@pytest.mark.parametrize(
    "fault, header, least, most",
    [
        ("quota", None, 60, 60),
        ("quota", "90", 90, 90),
        ("unavailable", None, 0, 0),
        ("unavailable", "7", 7, 7),
    ],
)
def test_firebase_says_how_long_to_wait(
    runner: asyncio.Runner,
    firebase: Firebase,
    tmp_path: Path,
    fault: str,
    header: str | None,
    least: float,
    most: float,
) -> None:
    firebase.fault, firebase.retry_after = fault, header
    (outcome,) = sent(runner, by_firebase(tmp_path, firebase), PHONE)
    assert outcome.state == "later" and least <= outcome.after_s <= most


@pytest.mark.parametrize(
    "status, state", [(400, "refused"), (401, "refused"), (500, "later"), (429, "later")]
)
def test_a_service_account_that_google_refuses(
    runner: asyncio.Runner, firebase: Firebase, tmp_path: Path, status: int, state: str
) -> None:
    firebase.token_fault = status
    (outcome,) = sent(runner, by_firebase(tmp_path, firebase), PHONE)
    assert outcome.state == state
    assert firebase.sent == []


def test_firebase_that_is_silent_is_left_alone_for_a_while(
    runner: asyncio.Runner, firebase: Firebase, tmp_path: Path
) -> None:
    async def run() -> list[Outcome]:
        account = push_fcm.account(firebase.credentials())
        pusher = push_fcm.FcmPusher(account, firebase.url, timeout_s=0.2)
        firebase.delay_s = 60
        first = await pusher.send(PHONE, PUSH)
        firebase.delay_s = 0
        second = await pusher.send(PHONE, PUSH)
        await pusher.aclose()
        return [first, second]

    assert [outcome.state for outcome in runner.run(run())] == ["later", "later"]
    assert firebase.tried == []


def test_firebase_that_is_not_there(runner: asyncio.Runner, firebase: Firebase, tmp_path: Path) -> None:
    given = settings(tmp_path, fcm_credentials=firebase.credentials(), fcm_url="http://127.0.0.1:1")
    (outcome,) = sent(runner, given, PHONE)
    assert (outcome.state, outcome.reason) == ("later", "ConnectError")


def test_the_service_account_may_be_a_file(
    runner: asyncio.Runner, firebase: Firebase, tmp_path: Path
) -> None:
    path = tmp_path / "account.json"
    path.write_text(firebase.credentials())
    given = settings(tmp_path, fcm_credentials=str(path), fcm_url=firebase.url)
    assert sent(runner, given, PHONE) == [push.SENT]


@pytest.mark.parametrize(
    "text",
    [
        "/nowhere/at/all.json",
        "{",
        "{}",
        '{"project_id":"p","client_email":"e","private_key":"a-secret-word"}',
    ],
)
def test_bad_credentials_stop_the_start_and_are_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSettings, match="MAJLIS_FCM_CREDENTIALS") as caught:
        push.from_settings(settings(tmp_path, fcm_credentials=text))
    assert "a-secret-word" not in str(caught.value)
    assert caught.value.__cause__ is None


# ---- browsers


@pytest.mark.rule("hamsaya:155")
def test_a_browser_can_read_it_and_its_service_knows_us(
    runner: asyncio.Runner, service: PushService, tmp_path: Path
) -> None:
    browser = Browser(service, "amina")
    target = Target("webpush", browser.endpoint, **browser.keys)
    assert sent(runner, by_web(tmp_path, service), target) == [push.SENT]
    assert service.got == [{"tag": PUSH.tag, "title": PUSH.title, "body": PUSH.body, "data": dict(PUSH.data)}]
    (headers,) = service.headers
    assert headers["Content-Encoding"] == "aes128gcm"
    assert (headers["TTL"], headers["Topic"]) == ("86400", PUSH.tag[:32])
    assert service.claims[0]["sub"] == "mailto:amina@example.org"


@pytest.mark.rule("hamsaya:156")
@pytest.mark.parametrize(
    "status, state",
    [
        ("404", "dead"), ("410", "dead"), ("400", "refused"), ("403", "refused"), ("413", "refused"),
        ("301", "refused"), ("307", "refused"), ("429", "later"), ("500", "later"), ("503", "later"),
    ],
)  # fmt: skip
def test_what_answers_of_push_services_mean(
    runner: asyncio.Runner, service: PushService, tmp_path: Path, status: str, state: str
) -> None:
    browsers = [Browser(service, name) for name in ("amina", "karim")]
    service.faults = {"/push/amina": status}
    targets = [Target("webpush", browser.endpoint, **browser.keys) for browser in browsers]
    failed, fine = sent(runner, by_web(tmp_path, service), *targets)
    assert (failed.state, failed.reason, fine) == (state, f"HTTP {status}", push.SENT)
    assert service.tried == 2, "redirects are not followed"


def test_a_service_that_does_not_know_our_key_refuses(
    runner: asyncio.Runner, service: PushService, tmp_path: Path
) -> None:
    browser = Browser(service, "amina")
    other, _ = push_web.new_key()
    target = Target("webpush", browser.endpoint, **browser.keys)
    (outcome,) = sent(runner, by_web(tmp_path, service, vapid_key=other), target)
    assert (outcome.state, service.got) == ("refused", [])


def test_a_silent_service_holds_nothing_up(
    runner: asyncio.Runner, service: PushService, tmp_path: Path
) -> None:
    browser = Browser(service, "amina")

    async def run() -> Outcome:
        service.delay_s = 60
        pusher = push_web.WebPusher(push_web.private_key(PRIVATE), "mailto:a@b.c", timeout_s=0.2)
        outcome = await pusher.send(Target("webpush", browser.endpoint, **browser.keys), PUSH)
        await pusher.aclose()
        return outcome

    assert runner.run(run()).state == "later"


def test_addresses_that_are_no_push_services_get_nothing(
    runner: asyncio.Runner, service: PushService, tmp_path: Path
) -> None:
    browser = Browser(service, "amina")
    target = Target("webpush", browser.endpoint, **browser.keys)
    given = by_web(tmp_path, service, webpush_hosts=Settings().webpush_hosts)
    (outcome,) = sent(runner, given, target)
    assert (outcome.state, service.tried) == ("refused", 0)


@pytest.mark.parametrize(
    "endpoint, fine",
    [
        ("https://fcm.googleapis.com/fcm/send/abc:def", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/gAAA?x=1", True),
        ("https://web.push.apple.com:443/QH", True),
        ("https://db5p.notify.windows.com/w/?token=B%2f", True),
        ("https://FCM.googleapis.com/fcm/send/abc", True),
        ("http://fcm.googleapis.com/fcm/send/abc", False),
        ("https://fcm.googleapis.com:8443/fcm", False),
        ("https://user:pw@fcm.googleapis.com/fcm", False),
        ("https://127.0.0.1/", False),
        ("https://169.254.169.254/latest", False),
        ("https://push.apple.com.evil.example/", False),
        ("https://evil.example\\.push.apple.com/", False),
        ("https://evil.example?.push.apple.com", False),
        ("https://evil.example#.push.apple.com", False),
        ("https://evil.example/.push.apple.com", False),
        ("https://a.push.apple.com@evil.example/", False),
        ("https://fcm.googleapis.com\t.evil.example/", False),
        ("https://[::1]/", False),
        ("ftp://fcm.googleapis.com/", False),
        ("fcm.googleapis.com", False),
        ("", False),
        ("https://fcm.googleapis.com/\n", False),
        ("https://fcm.googleapis.com/a b", False),
    ],
)
def test_which_addresses_are_push_services(endpoint: str, fine: bool) -> None:
    hosts = Settings().webpush_hosts.split(",")
    assert push.permitted(endpoint, hosts) is fine


def test_an_origin_of_the_settings_is_taken_as_it_is_written() -> None:
    hosts = ["http://127.0.0.1:8123"]
    assert push.permitted("http://127.0.0.1:8123/push/a", hosts)
    assert not push.permitted("http://127.0.0.1:8124/push/a", hosts)
    assert not push.permitted("http://127.0.0.1:81234/push/a", hosts)
    assert not push.permitted("https://127.0.0.1:8123/push/a", hosts)


def rsa_pem() -> str:
    """A key of another kind."""
    return account_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("key", ["short", "!" * 43, "A" * 44, "A" * 43, "-----BEGIN nothing", rsa_pem])
def test_a_bad_vapid_key_stops_the_start(key: Any, tmp_path: Path) -> None:
    text = key() if callable(key) else key
    with pytest.raises(BadSettings, match="MAJLIS_VAPID_KEY") as caught:
        push.from_settings(settings(tmp_path, vapid_key=text))
    assert text not in str(caught.value) and caught.value.__cause__ is None


def test_a_vapid_key_may_be_pem(tmp_path: Path) -> None:
    pem = push_web.private_key(PRIVATE).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for text in (pem.decode(), pem.decode().replace("\n", "\\n")):
        assert push.from_settings(settings(tmp_path, vapid_key=text)).web_key == PUBLIC


def test_a_key_is_made_by_a_command(tmp_path: Path) -> None:
    said = CliRunner().invoke(cli.main, ["push-key"])
    name, _, key = said.output.strip().partition("=")
    assert (said.exit_code, name) == (0, "MAJLIS_VAPID_KEY")
    public = push.from_settings(settings(tmp_path, vapid_key=key)).web_key
    assert public is not None and push.usable_key(public)


def test_the_subject_must_be_an_address(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="MAJLIS_VAPID_SUBJECT"):
        push.from_settings(settings(tmp_path, vapid_key=PRIVATE, vapid_subject="amina@example.org"))
    assert (
        push.subject(settings(tmp_path, public_url="https://api.example.org/")) == "https://api.example.org"
    )
    assert push.subject(settings(tmp_path)).startswith("mailto:")


def test_keys_of_browsers() -> None:
    assert push.usable_key(PUBLIC) and not push.usable_key(PUBLIC[:-2]) and not push.usable_key("no key!")
    assert not push.usable_key(PUBLIC[:-6] + "AAAAAA"), "not on the curve"
    assert push.usable_auth("A" * 22) and not push.usable_auth("A" * 20) and not push.usable_auth("?")


# ---- without accounts, and what is the same for all


def test_in_development_pushes_are_written_into_a_folder(runner: asyncio.Runner, tmp_path: Path) -> None:
    given = settings(tmp_path)
    browser = Target("webpush", "https://fcm.googleapis.com/x", PUBLIC, "A" * 22)
    assert sent(runner, given, PHONE, browser) == [push.SENT] * 2
    found = [json.loads(path.read_text()) for path in push.push_folder(given).iterdir()]
    assert {told["to"]["kind"] for told in found} == {"fcm", "webpush"}
    assert all(told["push"]["body"] == PUSH.body for told in found)
    assert os.stat(push.push_folder(given)).st_mode & 0o077 == 0


def test_in_production_nothing_is_sent_without_accounts(runner: asyncio.Runner, tmp_path: Path) -> None:
    given = settings(tmp_path, mode="production")
    assert [outcome.state for outcome in sent(runner, given, PHONE)] == ["refused"]
    assert not push.push_folder(given).exists()


@pytest.mark.parametrize("letter", ["a", "ط", '"', "🪁"])
def test_long_words_are_cut_to_what_services_take(
    runner: asyncio.Runner, service: PushService, tmp_path: Path, letter: str
) -> None:
    browser = Browser(service, "amina")
    target = Target("webpush", browser.endpoint, **browser.keys)
    note = Push("n", "Title", letter * 50_000, dict.fromkeys("abcdef", "0" * 36))
    assert sent(runner, by_web(tmp_path, service), target, note=note) == [push.SENT]
    (got,) = service.got
    assert got["body"].startswith(letter * 400) and got["body"].endswith("…")
    assert (got["title"], got["data"]) == (note.title, dict(note.data))
    assert push.fitted(PUSH) is PUSH


@pytest.mark.parametrize(
    "value, seconds",
    [
        (None, 5),
        ("12", 12),
        (" 12 ", 12),
        ("999999999999", 3600),
        ("-4", 5),
        ("soon", 5),
        ("", 5),
        ("1.5", 5),
    ],
)
def test_how_long_a_service_asks_to_wait(value: str | None, seconds: float) -> None:
    assert push.retry_after(value, 5) == seconds


def test_how_long_until_a_date() -> None:
    with clock.frozen(clock.now().replace(microsecond=0)):
        later = clock.now() + timedelta(seconds=40)
        assert push.retry_after(format_datetime(later, usegmt=True)) == 40
        assert push.retry_after(format_datetime(later - timedelta(hours=1), usegmt=True)) == 0


def test_pushers_close_each_way_once() -> None:
    class Counting:
        closed = 0

        async def send(self, target: Target, note: Push) -> Outcome:
            return push.SENT

        async def aclose(self) -> None:
            self.closed += 1

    way = Counting()
    asyncio.run(Pushers({"fcm": way, "fid": way}, push.NoPusher()).aclose())
    assert way.closed == 1
