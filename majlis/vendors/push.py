"""Push: what is shown on somebody's device, and the ways it gets there."""

import asyncio
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import Counter

from majlis.kit import clock, crypto
from majlis.settings import BadSettings, Settings, listed

Kind = Literal["fcm", "fid", "webpush"]
State = Literal["sent", "dead", "later", "refused"]

TIMEOUT_S = 10.0  # for one push
LIFE_S = 24 * 3600  # how long a push service keeps what a device that is off did not get
LARGEST = 3800  # bytes of a push; services take 4096 with what is around it
PAUSE_S = 60.0  # before trying again where a service says that we send too much and not how long to wait

# Without a user, a backslash or anything else that two readers of it may take for different hosts.
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+)(?P<port>:\d{1,5})?(/[!-\[\]-~]*)?")

pushes = Counter(
    "majlis_pushes_total", "Pushes by kind of device and what became of them.", ["kind", "state"]
)


class Target(msgspec.Struct, frozen=True):
    """A device: its registration token, its Firebase installation id, or where and how a browser is reached."""

    kind: Kind
    token: str
    p256dh: str = ""
    auth: str = ""


class Push(msgspec.Struct, frozen=True):
    """What is shown. `tag` names it: a second push of the same name takes the place of the first."""

    tag: str
    title: str
    body: str
    data: Mapping[str, str] = {}


class Outcome(msgspec.Struct, frozen=True):
    """What became of a push.

    dead: this device will never get one again. later: trying again may help, after `after_s` seconds.
    refused: the push or the settings are wrong, and trying again is of no use.
    """

    state: State
    reason: str = ""
    after_s: float = 0.0


SENT = Outcome("sent")


class Pusher(Protocol):
    """What sends to devices."""

    async def send(self, target: Target, push: Push) -> Outcome:
        """Hand one push over. Raises nothing that a network can do."""

    async def aclose(self) -> None:
        """Let go of what is held."""


class FolderPusher:
    """Pushes into a folder, one JSON file each, for machines without accounts at push services."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, target: Target, push: Push) -> Outcome:
        """Write the push under a name that sorts by time."""
        await asyncio.to_thread(self._write, target, push)
        return SENT

    def _write(self, target: Target, push: Push) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(4)}.json"
        told = {"to": msgspec.to_builtins(target), "push": msgspec.to_builtins(push)}
        (self._folder / name).write_text(json.dumps(told, ensure_ascii=False, indent=1))

    async def aclose(self) -> None:
        """Nothing is held."""


class NoPusher:
    """Sends nothing: no account at a push service is set."""

    async def send(self, target: Target, push: Push) -> Outcome:
        """Refused."""
        return Outcome("refused", "not set up")

    async def aclose(self) -> None:
        """Nothing is held."""


class Pushers:
    """The way for each kind of device. `web_key` is the public key that browsers subscribe with, if there is one."""

    def __init__(
        self,
        ways: Mapping[Kind, Pusher],
        otherwise: Pusher,
        *,
        web_key: str | None = None,
        web_hosts: Sequence[str] = (),
    ) -> None:
        self._ways = ways
        self._otherwise = otherwise
        self._web_hosts = web_hosts
        self.web_key = web_key

    async def send(self, target: Target, push: Push) -> Outcome:
        """Hand one push over, cut to the size that services take."""
        if target.kind == "webpush" and not self.reaches(target.token):
            outcome = Outcome("refused", "not one of the push services of MAJLIS_WEBPUSH_HOSTS")
        else:
            outcome = await self._ways.get(target.kind, self._otherwise).send(target, fitted(push))
        pushes.labels(target.kind, outcome.state).inc()
        return outcome

    def reaches(self, endpoint: str) -> bool:
        """Whether this is the address of a push service that we send to: people could name any host."""
        return permitted(endpoint, self._web_hosts)

    async def aclose(self) -> None:
        """Close connections."""
        for way in {id(way): way for way in (*self._ways.values(), self._otherwise)}.values():
            await way.aclose()


def from_settings(settings: Settings) -> Pushers:
    """The ways that are set up; without them a folder in development, nothing in production. BadSettings."""
    ways: dict[Kind, Pusher] = {}
    web_key = None
    # Only here: a server that pushes nothing need not carry HTTP clients.
    if settings.fcm_credentials:
        from majlis.vendors import push_fcm

        account = push_fcm.account(settings.fcm_credentials)
        ways["fcm"] = ways["fid"] = push_fcm.FcmPusher(account, settings.fcm_url)
    if settings.vapid_key:
        from majlis.vendors import push_web

        key = push_web.private_key(settings.vapid_key)
        ways["webpush"] = push_web.WebPusher(key, subject(settings))
        web_key = push_web.public_text(key)
    development = settings.mode == "development"
    otherwise: Pusher = FolderPusher(push_folder(settings)) if development else NoPusher()
    return Pushers(ways, otherwise, web_key=web_key, web_hosts=listed(settings.webpush_hosts))


def subject(settings: Settings) -> str:
    """Whom push services may write to about us: the setting, or else the public address if it is https."""
    given = settings.vapid_subject or settings.base_url()
    if settings.vapid_subject and not given.startswith(("mailto:", "https://")):
        raise BadSettings("MAJLIS_VAPID_SUBJECT must begin with mailto: or https://")
    return given if given.startswith(("mailto:", "https://")) else "mailto:majlis@localhost"


def push_folder(settings: Settings) -> Path:
    """Where pushes are written in development when no push service is set."""
    return settings.data_path() / "push"


def permitted(endpoint: str, hosts: Sequence[str]) -> bool:
    """Whether an address is on one of these hosts (`*.example.com`), by https on its usual port.

    A whole origin among them, `http://127.0.0.1:8123`, is taken as it is written.
    """
    found = _ADDRESS.fullmatch(endpoint)
    if found is None:
        return False
    scheme, host, port = found["scheme"], found["host"].lower(), found["port"]
    for entry in hosts:
        if "://" in entry:
            if f"{scheme}://{found['host']}{port or ''}" == entry:
                return True
        elif scheme == "https" and port in (None, ":443") and fnmatchcase(host, entry.lower()):
            return True
    return False


def usable_key(p256dh: str) -> bool:
    """Whether this is the public key of a browser's subscription."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), crypto.unb64(p256dh.rstrip("=")))
    except ValueError:
        return False
    return True


def usable_auth(auth: str) -> bool:
    """Whether this is the secret of a browser's subscription: 16 bytes."""
    try:
        return len(crypto.unb64(auth.rstrip("="))) == 16
    except ValueError:
        return False


def fitted(push: Push) -> Push:
    """The same push, its body shortened until services take it."""
    while (over := len(msgspec.json.encode(push)) - LARGEST) > 0 and push.body:
        # A letter has a byte or more: this comes near in steps, and never cuts much more than it must.
        keep = max(0, len(push.body) - over // 4 - 2)
        push = msgspec.structs.replace(push, body=push.body[:keep].rstrip() + "…" if keep else "")
    return push


def retry_after(value: str | None, otherwise: float = 0.0) -> float:
    """The seconds that a Retry-After header asks for, at most an hour."""
    seconds = otherwise
    if value is not None and value.strip().isdigit():
        seconds = float(value.strip()[:9])
    elif value is not None:
        try:
            seconds = (parsedate_to_datetime(value) - clock.now()).total_seconds()
        except (ValueError, TypeError):
            seconds = otherwise
    return min(max(seconds, 0.0), 3600.0)
