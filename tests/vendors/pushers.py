"""Loopback servers that speak as Firebase Cloud Messaging and a browser's push service do, with real keys."""

import base64
import functools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

PROJECT = "hamsaya-test"
EMAIL = "pusher@hamsaya-test.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
# What Firebase answers: HTTP status, RPC status, and its own code or the field that is wrong.
REFUSALS: dict[str, tuple[int, str, dict[str, Any] | None]] = {
    "unregistered": (404, "NOT_FOUND", {"@type": FCM_ERROR, "errorCode": "UNREGISTERED"}),
    "mismatch": (403, "PERMISSION_DENIED", {"@type": FCM_ERROR, "errorCode": "SENDER_ID_MISMATCH"}),
    "bad_token": (
        400, "INVALID_ARGUMENT", {"@type": BAD_REQUEST, "fieldViolations": [{"field": "message.token"}]},
    ),
    "bad_data": (
        400, "INVALID_ARGUMENT", {"@type": BAD_REQUEST, "fieldViolations": [{"field": "message.data[0].value"}]},
    ),
    "no_project": (404, "NOT_FOUND", None),
    "quota": (429, "RESOURCE_EXHAUSTED", {"@type": FCM_ERROR, "errorCode": "QUOTA_EXCEEDED"}),
    "unavailable": (503, "UNAVAILABLE", {"@type": FCM_ERROR, "errorCode": "UNAVAILABLE"}),
    "internal": (500, "INTERNAL", {"@type": FCM_ERROR, "errorCode": "INTERNAL"}),
    "apns": (401, "UNAUTHENTICATED", {"@type": FCM_ERROR, "errorCode": "THIRD_PARTY_AUTH_ERROR"}),
    "denied": (403, "PERMISSION_DENIED", None),
}  # fmt: skip


@functools.cache
def account_key() -> rsa.RSAPrivateKey:
    """The service account's key; making one takes a while, so there is one."""
    return rsa.generate_private_key(65537, 2048)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Server(ThreadingHTTPServer):
    """What all fakes are: a server whose requests are kept. `fault` is shown to everybody, `faults` to one each."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.ended = threading.Event()  # before which it waits for `delay_s`
        self.fault: str | None = None
        self.faults: dict[str, str] = {}
        self.retry_after: str | None = None
        self.delay_s = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Reads requests and writes answers."""

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


# ---- Firebase


class Firebase(Server):
    """Google's token endpoint and Firebase. `sent` holds the messages that were taken."""

    def __init__(self) -> None:
        super().__init__(_Firebase)
        self.sent: list[dict[str, Any]] = []
        self.tried: list[str] = []
        self.grants = 0
        self.valid: set[str] = set()
        self.token_fault: int | None = None
        self.wrong: list[str] = []  # what of a request is not as it is documented
        self.lock = threading.Lock()

    def credentials(self, **changes: str) -> str:
        """A service-account file of Google's, as text."""
        pem = account_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return json.dumps(
            {
                "type": "service_account", "project_id": PROJECT, "private_key_id": "k1", "private_key": pem,
                "client_email": EMAIL, "client_id": "1", "token_uri": f"{self.url}/token", **changes,
            }
        )  # fmt: skip

    def to(self) -> list[str]:
        """The devices that got something, in no order."""
        return sorted(message.get("token") or message["fid"] for message in self.sent)


class _Firebase(Handler):
    server: Firebase

    def do_POST(self) -> None:
        raw = self.body()
        self.server.ended.wait(self.server.delay_s)
        if self.path == "/token":
            self.grant(parse_qs(raw.decode()))
        elif self.path == f"/v1/projects/{PROJECT}/messages:send":
            self.message(json.loads(raw)["message"])
        else:
            self.answer(404)

    def grant(self, form: dict[str, list[str]]) -> None:
        if self.server.token_fault is not None:
            self.answer(self.server.token_fault, b'{"error":"invalid_grant","error_description":"no"}')
            return
        try:
            assertion = form["assertion"][0]
            claims = jwt.decode(
                assertion,
                account_key().public_key(),
                ["RS256"],
                audience=f"{self.server.url}/token",
                options={"require": ["iss", "scope", "aud", "iat", "exp"]},
            )
            assert form["grant_type"] == [GRANT]
            assert (claims["iss"], claims["scope"]) == (EMAIL, SCOPE)
            assert claims["exp"] - claims["iat"] <= 3600
            assert jwt.get_unverified_header(assertion)["kid"] == "k1"
        except (jwt.InvalidTokenError, KeyError, AssertionError) as error:
            self.server.wrong.append(repr(error))
            self.answer(400, b'{"error":"invalid_grant","error_description":"no"}')
            return
        with self.server.lock:
            self.server.grants += 1
            token = f"ya29.{self.server.grants}"
            self.server.valid.add(token)
        body = {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
        self.answer(200, json.dumps(body).encode(), Content_Type="application/json")

    def message(self, message: dict[str, Any]) -> None:
        if self.headers["Authorization"].removeprefix("Bearer ") not in self.server.valid:
            self.refuse(401, "UNAUTHENTICATED", None)
            return
        to = message.get("token") or message["fid"]
        fault = self.server.faults.get(to) or self.server.fault  # before anybody sees that it was tried
        with self.server.lock:
            self.server.tried.append(to)
        if fault:
            self.refuse(*REFUSALS[fault])
            return
        if not all(isinstance(value, str) for value in message["data"].values()):
            self.server.wrong.append("data that is no text")
        with self.server.lock:
            self.server.sent.append(message)
        self.answer(200, json.dumps({"name": f"projects/{PROJECT}/messages/1"}).encode())

    def refuse(self, status: int, rpc: str, detail: dict[str, Any] | None) -> None:
        error = {"code": status, "message": rpc.lower(), "status": rpc, "details": [detail] if detail else []}
        headers = {"Retry-After": self.server.retry_after} if self.server.retry_after else {}
        self.answer(status, json.dumps({"error": error}).encode(), **headers)


# ---- a browser and its push service


class Browser:
    """A subscription, and the keys that open what comes to it."""

    def __init__(self, service: "PushService", name: str) -> None:
        self.endpoint = f"{service.url}/push/{name}"
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = name.encode().ljust(16, b".")[:16]
        service.browsers[f"/push/{name}"] = self

    @property
    def keys(self) -> dict[str, str]:
        public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": b64(public), "auth": b64(self.secret)}


class PushService(Server):
    """Where a browser is reached. It opens what it gets, which a real one could not."""

    def __init__(self) -> None:
        super().__init__(_PushService)
        self.browsers: dict[str, Browser] = {}
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.claims: list[dict[str, Any]] = []
        self.public_key = ""
        self.tried = 0


class _PushService(Handler):
    server: PushService

    def do_POST(self) -> None:
        raw = self.body()
        self.server.tried += 1
        self.server.ended.wait(self.server.delay_s)
        browser = self.server.browsers.get(self.path)
        fault = self.server.faults.get(self.path) or self.server.fault
        if fault or browser is None:
            headers = {"Retry-After": self.server.retry_after} if self.server.retry_after else {}
            if fault and fault.startswith("30"):
                headers["Location"] = f"{self.server.url}/elsewhere"
            self.answer(int(fault or 404), **headers)
            return
        if len(raw) > 4096:
            self.answer(413)
            return
        try:
            self.server.claims.append(self.vapid())
        except (jwt.InvalidTokenError, AssertionError, KeyError):
            self.answer(403)
            return
        plain = http_ece.decrypt(
            raw, private_key=browser.key, auth_secret=browser.secret, version="aes128gcm"
        )
        self.server.got.append(json.loads(plain))
        self.server.headers.append(dict(self.headers))
        self.answer(201, Location=f"{self.server.url}/message/1")

    def vapid(self) -> dict[str, Any]:
        scheme, _, rest = self.headers["Authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert scheme == "vapid" and parts["k"] == self.server.public_key
        raw = base64.urlsafe_b64decode(parts["k"] + "=")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
        claims: dict[str, Any] = jwt.decode(
            parts["t"], key, ["ES256"], audience=self.server.url, options={"require": ["aud", "exp", "sub"]}
        )
        assert claims["exp"] - time.time() <= 24 * 3600
        return claims


@contextmanager
def running(server: Any) -> Iterator[Any]:
    """The server at work for the length of a block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
