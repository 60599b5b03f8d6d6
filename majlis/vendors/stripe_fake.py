"""A stand-in for Stripe on this machine, for development and tests.

`python -m majlis.vendors.stripe_fake` serves it and prints the settings that lead there. It answers as Stripe documents
its API, keeps idempotency keys, signs webhooks, and does what people do at Stripe: `POST /_do/pay/pi_…`. It listens on
the loopback address only.
"""

import hashlib
import hmac
import json
import random
import secrets
import threading
import time
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click
import httpx

from majlis.vendors import loopback
from majlis.vendors.loopback import Answering, Loopback
from majlis.vendors.stripe_fake_books import Books, Failed, Json, refusal

KEY = "sk_test_of-a-stand-in"
SECRETS = ("whsec_of-a-stand-in", "whsec_older-one-of-a-stand-in")
Answer = tuple[int, Json]
# What people do at Stripe, by the word in `POST /_do/<word>/<id>`.
DEEDS = (
    "pay",
    "decline",
    "process",
    "settle",
    "bounce",
    "give_back",
    "onboard",
    "restrict",
    "renew",
    "lapse",
    "end",
)


class Fake(Loopback):
    """The server. `fault` is one of "down", "html", "slow" and "lost" (the work is done, the answer is not sent)."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, Handler)
        self.books = Books()
        self.lock = threading.RLock()
        self.slow_path = ""  # only this path is slow, where it is set
        self.entered = threading.Event()  # somebody waits there
        self.asked: list[str] = []
        self.keys: dict[str, tuple[str, Answer | None]] = {}  # key to digest of the request and its answer
        self.webhook = ""  # where events are delivered to as they happen

    def settings(self) -> dict[str, str]:
        """The settings of a server that takes this for Stripe."""
        return {"stripe_key": KEY, "stripe_webhook_secrets": ",".join(SECRETS), "stripe_url": self.url}

    def do(self, deed: str, object_id: str, **options: Any) -> Json:
        """Let somebody do something at Stripe: see DEEDS and Books."""
        with self.lock:
            found: Json = getattr(self.books, deed)(object_id, **options)
        if self.webhook:
            self.deliver(self.webhook, self.take())
        return found

    def take(self, *, mixed: random.Random | None = None, withheld: int = 0) -> list[Json]:
        """The events that were not taken yet; mixed up, some twice and the last ones withheld, if asked for."""
        with self.lock:
            events = self.books.events[: len(self.books.events) - withheld]
            del self.books.events[: len(events)]
        if mixed is not None:
            events += mixed.sample(events, mixed.randint(0, len(events)))
            mixed.shuffle(events)
        return events

    def deliver(self, url: str, events: list[Json]) -> list[int]:
        """Post these events to a webhook, as they are ordered. Returns the statuses."""
        found = []
        for event in events:
            body, headers = signed(event)
            found.append(httpx.post(url, content=body, headers=headers).status_code)
        return found

    def answer(self, method: str, path: str, given: Json, key: str | None, raw: bytes) -> Answer:
        """One request: a key that was used before gets the first answer again, or a refusal for another request."""
        if method != "POST" or key is None:
            with self.lock:
                return self._work(method, path, given)
        digest = hashlib.sha256(path.encode() + b"\0" + raw).hexdigest()
        with self.lock:
            known, answer = self.keys.get(key, (digest, None))
            if known != digest:
                return refusal(
                    400,
                    "idempotency_error",
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    f"Try using a key other than '{key}' if you meant to execute a different request.",
                )
            if key in self.keys and answer is None:
                return refusal(
                    409,
                    "idempotency_error",
                    "There is currently another in-progress request using this Idempotent Key.",
                    code="idempotency_key_in_use",
                )
            if answer is not None:
                return answer
            self.keys[key] = (digest, None)
        self.wait(path)
        with self.lock:
            answer = self._work(method, path, given)
            self.keys[key] = (digest, answer)
        return answer

    def wait(self, path: str) -> None:
        """Where this path is slow, until somebody says so."""
        if self.fault == "slow" and path.startswith(self.slow_path):
            self.entered.set()
            self.release.wait(30)

    def _work(self, method: str, path: str, given: Json) -> Answer:
        try:
            return 200, self.books.answer(method, path.strip("/").split("/"), given)
        except Failed as failed:
            return failed.answer


def signed(event: Json, secret: str = SECRETS[0], at: int | None = None) -> tuple[bytes, dict[str, str]]:
    """(body, headers) of the delivery of an event, signed at this second."""
    body = json.dumps(event).encode()
    at = int(time.time()) if at is None else at  # the library looks at no other clock
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return body, {"Stripe-Signature": f"t={at},v1={mac}", "Content-Type": "application/json"}


def nested(pairs: list[tuple[str, str]]) -> Json:
    """`a[b][0]=c` as nested dicts, lists too."""
    found: Json = {}
    for name, value in pairs:
        at, *rest = name.replace("]", "").split("[")
        inner = found
        for part in rest:
            inner = inner.setdefault(at, {})
            at = part
        inner[at] = value
    return found


class Handler(Answering, BaseHTTPRequestHandler):
    """Version 1 takes forms, version 2 JSON; both answer JSON."""

    server: Fake

    def do_GET(self) -> None:
        """A question."""
        parts = urlsplit(self.path)
        self._handle(parts.path, nested(parse_qsl(parts.query)), b"")

    def do_DELETE(self) -> None:
        """The end of something."""
        self._handle(urlsplit(self.path).path, {}, b"")

    def do_POST(self) -> None:
        """A change."""
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
        path = urlsplit(self.path).path
        if self.headers.get_content_type() == "application/json":
            given = json.loads(raw or b"{}")
        else:
            given = nested(parse_qsl(raw.decode()))
        self._handle(path, given, raw)

    def _handle(self, path: str, given: Json, raw: bytes) -> None:
        fake = self.server
        fake.asked.append(f"{self.command} {path}")
        _, _, deed = path.partition("/_do/")
        if deed:
            word, _, object_id = deed.partition("/")
            known = word in DEEDS
            self._send(200 if known else 404, fake.do(word, object_id, **given) if known else {})
        elif fake.fault == "down":
            self._send(*refusal(503, "api_error", "Stripe is down."))
        elif fake.fault == "html":
            self._send(200, b"<html>Sign in to the network</html>")
        elif self.headers.get("Authorization") != f"Bearer {KEY}":
            self._send(*refusal(401, "invalid_request_error", "Invalid API Key provided."))
        else:
            status, body = fake.answer(self.command, path, given, self.headers.get("Idempotency-Key"), raw)
            if fake.fault == "lost" and self.command == "POST":
                self.close_connection = True
                return
            self._send(status, body)

    def _send(self, status: int, body: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Request-Id", f"req_{secrets.token_hex(7)}")
        if status in (401, 503):
            self.send_header(
                "Stripe-Should-Retry", "false"
            )  # who tests need not wait for the library's patience
        self.end_headers()
        self.wfile.write(raw)


def serving(port: int = 0) -> AbstractContextManager[Fake]:
    """The server on this port of this machine, or a free one, for the length of a block."""
    return loopback.serving(Fake(port))


@click.command()
@click.option("--port", default=9401, show_default=True, help="where to listen, on 127.0.0.1")
@click.option(
    "--webhook", default="", help="where events are delivered to, such as http://127.0.0.1:8080/api/…"
)
def main(port: int, webhook: str) -> None:
    """Serve until interrupted, and print the settings that lead here."""
    fake = Fake(port)
    fake.webhook = webhook
    loopback.run(fake)


if __name__ == "__main__":
    main()
