"""A stand-in for Plaid on this machine, for development and tests.

`python -m majlis.vendors.plaid_fake` serves it and prints the settings that lead there. It answers as Plaid documents
its API, and signs webhooks with a real key. What an app gets from Plaid's pages, it gives at `POST /_do/link`. It
listens on the loopback address only.
"""

import hashlib
import json
import secrets
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import click
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from majlis.kit import clock
from majlis.vendors import loopback
from majlis.vendors.loopback import Answering, Loopback

CLIENT_ID, SECRET = "client-of-a-stand-in", "secret-of-a-stand-in"
PUBLIC_LIFE = timedelta(minutes=30)
CHECKING = {"name": "Plaid Checking", "subtype": "checking", "mask": "0000"}
SAVINGS = {"name": "Plaid Saving", "subtype": "savings", "mask": "1111"}
CARD = {"name": "Plaid Credit Card", "subtype": "credit card", "mask": "3333", "type": "credit"}
BANK = "First Platypus Bank"
Json = dict[str, Any]
Answer = tuple[int, Json]


class Failed(Exception):
    """A refusal in Plaid's shape."""

    def __init__(self, kind: str, code: str, message: str) -> None:
        super().__init__(code)
        self.answer: Answer = (
            400,
            {
                "error_type": kind,
                "error_code": code,
                "error_code_reason": None,
                "error_message": message,
                "display_message": None,
                "documentation_url": "https://plaid.com/docs/?ref=error",
                "suggested_action": None,
                "request_id": secrets.token_hex(8),
            },
        )


class Fake(Loopback):
    """The server. `fault` is one of "down", "html" and "slow", on `faulty` paths only where that is set."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, Handler)
        self.lock = threading.RLock()
        self.faulty = ""  # only paths that begin so
        self.asked: list[tuple[str, Json]] = []
        self.items: dict[str, Json] = {}  # access token to the item
        self.public: dict[str, Json] = {}
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.expired: set[str] = set()  # ids of keys that Plaid does not sign with any more
        self.kid = self.new_key()
        self.named = True  # whether an item tells the name of its bank

    def settings(self) -> dict[str, str]:
        """The settings of a server that takes this for Plaid."""
        return {"plaid_client_id": CLIENT_ID, "plaid_secret": SECRET, "plaid_url": self.url}

    def new_key(self) -> str:
        """Sign webhooks with a new key from now on; its id."""
        self.kid = str(uuid.uuid4())
        self.keys[self.kid] = ec.generate_private_key(ec.SECP256R1())
        return self.kid

    # ---- what people do on Plaid's pages, and banks behind Plaid

    def link(self, *accounts: Mapping[str, str], bank: str = BANK) -> str:
        """Somebody logs in to their bank; the public token that the app gets."""
        found = [
            {"account_id": secrets.token_urlsafe(24), "type": "depository", "official_name": None, **one}
            for one in accounts or (CHECKING,)
        ]
        item = {
            "item_id": secrets.token_urlsafe(24), "institution_id": f"ins_{len(self.items) + 1}", "bank": bank,
            "error": None, "accounts": found, "revoked": False,
        }  # fmt: skip
        return self._public(item)

    def relink(self, item_id: str) -> str:
        """Somebody logs in again, in update mode; the public token of the same item."""
        _, item = self._by_id(item_id)
        item["error"] = None
        return self._public(item)

    def _public(self, item: Json) -> str:
        token = f"public-sandbox-{uuid.uuid4()}"
        self.public[token] = {"item": item, "until": clock.now() + PUBLIC_LIFE}
        return token

    def require_login(self, item_id: str) -> None:
        """The bank wants the person to log in again."""
        self._by_id(item_id)[1]["error"] = _login_required()

    def revoke(self, item_id: str) -> None:
        """The person takes back at Plaid what they allowed."""
        self._by_id(item_id)[1]["revoked"] = True

    def _by_id(self, item_id: str) -> tuple[str, Json]:
        return next((token, item) for token, item in self.items.items() if item["item_id"] == item_id)

    def webhook(
        self, code: str, item_id: str, *, kind: str = "ITEM", error: Json | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """(body, headers) of a webhook."""
        body = {
            "webhook_type": kind,
            "webhook_code": code,
            "item_id": item_id,
            "environment": "sandbox",
            "error": error,
        }
        raw = json.dumps(body, indent=2).encode()
        return raw, {"Plaid-Verification": self.signature(raw), "Content-Type": "application/json"}

    def login_required(self, item_id: str) -> tuple[bytes, dict[str, str]]:
        """The webhook that tells that the person has to log in again."""
        return self.webhook("ERROR", item_id, error=_login_required())

    def signature(self, body: bytes, *, at: float | None = None, kid: str = "", **changes: Any) -> str:
        """What proves a body, signed now or at another second; `changes` are of the claims."""
        issued = int(clock.now().timestamp() if at is None else at)
        claims = {"iat": issued, "request_body_sha256": hashlib.sha256(body).hexdigest(), **changes}
        return jwt.encode(claims, self.keys[kid or self.kid], "ES256", headers={"kid": kid or self.kid})

    # ---- the API

    def answer(self, path: str, given: Json, headers: Mapping[str, str]) -> Answer:
        """One request."""
        shown = {name.lower(): value for name, value in headers.items()}
        if (shown.get("plaid-client-id"), shown.get("plaid-secret")) != (CLIENT_ID, SECRET):
            return Failed("INVALID_INPUT", "INVALID_API_KEYS", "invalid client_id or secret provided").answer
        work = ROUTES.get(path)
        if work is None:
            return 404, Failed("INVALID_REQUEST", "NOT_FOUND", "the requested route was not found").answer[1]
        try:
            with self.lock:
                return 200, {**work(self, given), "request_id": secrets.token_hex(8)}
        except Failed as failed:
            return failed.answer

    def item(self, given: Json) -> Json:
        """The item of an access token. Raises Failed."""
        token = given.get("access_token", "")
        found = self.items.get(token)
        if not token.startswith("access-sandbox-"):
            raise Failed(
                "INVALID_INPUT", "INVALID_ACCESS_TOKEN", "provided access token is in an invalid format"
            )
        if found is None:
            raise Failed("ITEM_ERROR", "ITEM_NOT_FOUND", "The Item you requested cannot be found.")
        if found["revoked"]:
            raise Failed(
                "ITEM_ERROR", "USER_PERMISSION_REVOKED", "the holder of this account has revoked permission"
            )
        return found


def _login_required() -> Json:
    message = "the login details of this item have changed"
    return Failed("ITEM_ERROR", "ITEM_LOGIN_REQUIRED", message).answer[1]


def _needed(given: Json, names: Sequence[str]) -> None:
    missing = [name for name in names if not given.get(name)]
    if missing:
        raise Failed("INVALID_REQUEST", "MISSING_FIELDS", f"missing fields: {', '.join(missing)}")


def link_token(fake: Fake, given: Json) -> Json:
    """POST /link/token/create: products for a new login, an access token to renew one."""
    _needed(given, ("client_name", "language", "country_codes", "user"))
    _needed(given["user"], ("client_user_id",))
    if len(given["client_name"]) > 30:
        raise Failed("INVALID_INPUT", "INVALID_FIELD", "client_name must have at most 30 characters")
    life = timedelta(hours=4)
    if given.get("access_token"):
        fake.item(given)
        if given.get("products"):
            raise Failed("INVALID_INPUT", "INVALID_FIELD", "products must not be set in update mode")
        life = timedelta(minutes=30)
    else:
        _needed(given, ("products",))
    until = (clock.now() + life).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"link_token": f"link-sandbox-{uuid.uuid4()}", "expiration": until}


def exchange(fake: Fake, given: Json) -> Json:
    """POST /item/public_token/exchange: a public token counts once, for half an hour."""
    found = fake.public.pop(given.get("public_token", ""), None)
    if found is None or found["until"] <= clock.now():
        raise Failed("INVALID_INPUT", "INVALID_PUBLIC_TOKEN", "could not find matching public token")
    item = found["item"]
    known = next((token for token, one in fake.items.items() if one is item), None)
    token = known or f"access-sandbox-{uuid.uuid4()}"
    fake.items[token] = item
    return {"access_token": token, "item_id": item["item_id"]}


def _shown(fake: Fake, item: Json) -> Json:
    return {
        "item_id": item["item_id"],
        "institution_id": item["institution_id"],
        **({"institution_name": item["bank"]} if fake.named else {}),
        "error": item["error"],
        "available_products": ["balance"],
        "billed_products": ["auth", "transactions"],
        "consent_expiration_time": None,
        "update_type": "background",
        "webhook": "",
    }


def accounts(fake: Fake, given: Json) -> Json:
    """POST /accounts/get: what is kept of the accounts, also while the login needs to be renewed."""
    item = fake.item(given)
    balances = {"available": 100, "current": 110, "limit": None, "iso_currency_code": "USD"}
    return {
        "accounts": [{**one, "balances": balances} for one in item["accounts"]],
        "item": _shown(fake, item),
    }


def item_get(fake: Fake, given: Json) -> Json:
    """POST /item/get."""
    return {"item": _shown(fake, fake.item(given)), "status": {}}


def remove(fake: Fake, given: Json) -> Json:
    """POST /item/remove: the access token is nothing any more."""
    fake.item(given)
    del fake.items[given["access_token"]]
    return {}


def institution(fake: Fake, given: Json) -> Json:
    """POST /institutions/get_by_id."""
    _needed(given, ("institution_id", "country_codes"))
    found = [item for item in fake.items.values() if item["institution_id"] == given["institution_id"]]
    if not found:
        raise Failed("INVALID_INPUT", "INVALID_INSTITUTION", "invalid institution_id provided")
    return {
        "institution": {
            "institution_id": given["institution_id"],
            "name": found[0]["bank"],
            "routing_numbers": [],
        }
    }


def verification_key(fake: Fake, given: Json) -> Json:
    """POST /webhook_verification_key/get."""
    kid = given.get("key_id", "")
    key = fake.keys.get(kid)
    if key is None:
        raise Failed("INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID", "invalid key_id provided")
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    expired = int(time.time()) if kid in fake.expired else None
    return {
        "key": {**public, "alg": "ES256", "use": "sig", "kid": kid, "created_at": 1, "expired_at": expired}
    }


def do_link(fake: Fake, given: Json) -> Json:
    """POST /_do/link: what the app gets from Plaid's pages; `{"accounts": [{"subtype": …, "mask": …}]}`."""
    return {"public_token": fake.link(*given.get("accounts", ()))}


ROUTES: dict[str, Any] = {
    "/link/token/create": link_token,
    "/item/public_token/exchange": exchange,
    "/accounts/get": accounts,
    "/item/get": item_get,
    "/item/remove": remove,
    "/institutions/get_by_id": institution,
    "/webhook_verification_key/get": verification_key,
}


class Handler(Answering, BaseHTTPRequestHandler):
    """Takes and answers JSON."""

    server: Fake

    def do_POST(self) -> None:
        """Every question of this API is a POST."""
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
        fake = self.server
        if self.path == "/_do/link":
            self._send(200, do_link(fake, given))
            return
        fake.asked.append((self.path, given))
        fault = fake.fault if self.path.startswith(fake.faulty) else None
        if fault == "slow":
            fake.release.wait(30)
        if fault == "down":
            self._send(
                500, Failed("API_ERROR", "INTERNAL_SERVER_ERROR", "an unexpected error occurred").answer[1]
            )
        elif fault == "html":
            self._send(200, b"<html>Sign in to the network</html>")
        else:
            self._send(*fake.answer(self.path, given, dict(self.headers)))

    def _send(self, status: int, body: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def serving(port: int = 0) -> AbstractContextManager[Fake]:
    """The server on this port of this machine, or a free one, for the length of a block."""
    return loopback.serving(Fake(port))


@click.command()
@click.option("--port", default=9402, show_default=True, help="where to listen, on 127.0.0.1")
def main(port: int) -> None:
    """Serve until interrupted, and print the settings that lead here."""
    fake = Fake(port)
    loopback.run(fake)


if __name__ == "__main__":
    main()
