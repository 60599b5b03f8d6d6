"""A stand-in for Google, Apple and Facebook on this machine, for development and tests.

`python -m majlis.vendors.oauth` serves it and prints the settings that lead there. Whoever reaches it can
be anybody, so it listens on the loopback address only. It speaks as the companies document their services, with
real keys; what apps get from the companies, it gives at `POST /google/token`, `/apple/token`, `/facebook/token`.
"""

import functools
import hashlib
import hmac
import itertools
import json
import secrets
from contextlib import AbstractContextManager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from majlis.kit import clock
from majlis.vendors import loopback
from majlis.vendors.loopback import Answering, Loopback

GOOGLE_CLIENTS = ("web.apps.googleusercontent.com", "android.apps.googleusercontent.com")
BUNDLE_ID, SERVICES_ID = "org.example.majlis", "org.example.majlis.web"
REDIRECT = "https://app.example.org/apple"
TEAM_ID, KEY_ID = "TEAM123456", "KEY1234567"
APP_ID, APP_SECRET = "1000000000000001", "an-app-secret-for-nobody"
OTHER_APP = "2000000000000002"
LIFE = timedelta(hours=1)
# A key that everybody can compute: settings that were printed once still fit after the next start.
APPLE_KEY = ec.derive_private_key(0x4D616A6C6973, ec.SECP256R1())
Answer = tuple[int, Any]
Claims = dict[str, Any]


@functools.cache
def rsa_key(number: int) -> rsa.RSAPrivateKey:
    """One of some keys; making one takes a while."""
    return rsa.generate_private_key(65537, 2048)


def apple_key_pem() -> str:
    """The text of Apple's .p8 file."""
    return APPLE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Fake(Loopback):
    """The server. `fault` is one of "down", "html" and "slow"; `asked` are the paths that were asked for."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, Handler)
        self.asked: list[str] = []
        self.max_age: int | None = 3600
        self._run = secrets.token_hex(4)  # in key ids: keys are others after each start
        self._numbers = itertools.count(2)
        self.keys = [0, 1]  # signing is done with the last
        self.codes: dict[str, Claims] = {}
        self.refresh_tokens: dict[str, Claims] = {}
        self.revoked: list[str] = []
        self.facebook_tokens: dict[str, Claims] = {}

    def settings(self) -> dict[str, str]:
        """The settings of a server that takes this for the companies."""
        return {
            "google_client_ids": ",".join(GOOGLE_CLIENTS),
            "google_url": f"{self.url}/google",
            "apple_client_ids": f"{BUNDLE_ID},{SERVICES_ID}",
            "apple_team_id": TEAM_ID,
            "apple_key_id": KEY_ID,
            "apple_private_key": apple_key_pem().replace("\n", "\\n"),
            "apple_redirects": f"{SERVICES_ID}={REDIRECT}",
            "apple_url": f"{self.url}/apple",
            "facebook_app_id": APP_ID,
            "facebook_app_secret": APP_SECRET,
            "facebook_url": f"{self.url}/facebook",
        }

    def rotate(self) -> None:
        """Sign with a new key from now on, and forget the oldest."""
        self.keys = [*self.keys[1:], next(self._numbers)]

    def kid(self, number: int) -> str:
        """The id of a key."""
        return f"{self._run}-{number}"

    def jwks(self) -> Claims:
        """The public keys, as Google and Apple show them."""
        shown = []
        for number in self.keys:
            public = RSAAlgorithm.to_jwk(rsa_key(number).public_key(), as_dict=True)
            key = {name: public[name] for name in ("kty", "n", "e")}
            shown.append({**key, "use": "sig", "alg": "RS256", "kid": self.kid(number)})
        return {"keys": shown}

    def signed(self, claims: Claims) -> str:
        """An identity token of these claims and no others; None leaves one out."""
        body = {name: value for name, value in claims.items() if value is not None}
        kid = self.kid(self.keys[-1])
        return jwt.encode(body, rsa_key(self.keys[-1]), "RS256", headers={"kid": kid})

    def google(self, sub: str, email: str | None = None, /, **changes: Any) -> str:
        """What an app gets from Google for this person."""
        given = {"email": email, "email_verified": True} if email else {}
        return self.signed(
            {
                "iss": "https://accounts.google.com",
                "azp": GOOGLE_CLIENTS[1],
                "aud": GOOGLE_CLIENTS[0],
                "sub": sub,
                **given,
                **_times(),
                **changes,
            }
        )

    def apple(
        self, sub: str, email: str | None = None, /, *, nonce: str | None = None, **changes: Any
    ) -> str:
        """What an app gets from Apple for this person; as apps are told to, it sends the nonce's SHA-256."""
        relayed = bool(email and email.endswith("@privaterelay.appleid.com"))
        given = {"email": email, "email_verified": "true", "is_private_email": str(relayed).lower()}
        return self.signed(
            {
                "iss": "https://appleid.apple.com",
                "aud": BUNDLE_ID,
                "sub": sub,
                "nonce": hashlib.sha256(nonce.encode()).hexdigest() if nonce else None,
                "nonce_supported": True,
                **(given if email else {}),
                **_times(),
                **changes,
            }
        )

    def apple_code(self, sub: str, client_id: str = BUNDLE_ID, redirect: str | None = None) -> str:
        """The authorization code that comes beside Apple's token."""
        code = f"c{secrets.token_hex(16)}.0.mtqy"
        self.codes[code] = {
            "sub": sub,
            "aud": client_id,
            "redirect_uri": redirect,
            "until": clock.now() + timedelta(minutes=5),
        }
        return code

    def facebook_limited(
        self, user_id: str, email: str | None = None, /, *, nonce: str | None = None, **changes: Any
    ) -> str:
        """What an app gets from Facebook for a person who allows no tracking; it sends the nonce's SHA-256."""
        return self.signed(
            {
                "iss": "https://www.facebook.com",
                "aud": APP_ID,
                "sub": user_id,
                "jti": secrets.token_hex(8),
                "nonce": hashlib.sha256(nonce.encode()).hexdigest() if nonce else None,
                "given_name": "Farid",
                "family_name": "Noori",
                "email": email,
                **_times(),
                **changes,
            }
        )

    def facebook(self, user_id: str, email: str | None = None, /, **changes: Any) -> str:
        """What an app gets from Facebook for this person. Known changes: those of debug_token, and `me`."""
        token = "EAA" + secrets.token_urlsafe(48)
        me = {
            "id": user_id,
            "first_name": "Farid",
            "last_name": "Noori",
            **({"email": email} if email else {}),
        }
        expires = int((clock.now() + LIFE).timestamp())
        self.facebook_tokens[token] = {
            "app_id": APP_ID,
            "type": "USER",
            "application": "Majlis",
            "data_access_expires_at": expires,
            "expires_at": expires,
            "is_valid": True,
            "scopes": ["email", "public_profile"],
            "user_id": user_id,
            "me": me,
            **changes,
        }
        return token


def _times() -> Claims:
    now = clock.now()
    return {"iat": int(now.timestamp()), "exp": int((now + LIFE).timestamp())}


class Handler(Answering, BaseHTTPRequestHandler):
    """Answers as one company or another, by the path."""

    server: Fake

    def do_GET(self) -> None:
        """A question by GET."""
        parts = urlsplit(self.path)
        self._answer(parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()})

    def do_POST(self) -> None:
        """A form; or what an app asks for, in JSON."""
        data = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if self.headers.get_content_type() == "application/x-www-form-urlencoded":
            given = {name: values[0] for name, values in parse_qs(data).items()}
        else:
            given = json.loads(data or "{}")
        self._answer(urlsplit(self.path).path, given)

    def _answer(self, path: str, given: Claims) -> None:
        self.server.asked.append(path)
        if self.server.fault == "slow":
            self.server.release.wait(30)
        company, _, rest = path.strip("/").partition("/")
        route = ROUTES.get((self.command, company, rest))
        if self.server.fault == "down":
            self._send(503, b"Service Unavailable")
        elif self.server.fault == "html":
            self._send(200, b"<html>Sign in to the network</html>")
        elif route is None:
            self._send(404, {"error": "not_found"})
        else:
            self._send(*route(self.server, given))

    def _send(self, status: int, body: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if self.server.max_age is not None and self.command == "GET":
            self.send_header("Cache-Control", f"public, max-age={self.server.max_age}, must-revalidate")
        self.end_headers()
        self.wfile.write(raw)


def _apple_client(given: Claims) -> str | None:
    """The client id of a request that is signed as Apple demands, else None."""
    try:
        claims = jwt.decode(
            given.get("client_secret", ""),
            APPLE_KEY.public_key(),
            ["ES256"],
            audience="https://appleid.apple.com",
            issuer=TEAM_ID,
            options={
                "require": ["iss", "iat", "exp", "aud", "sub"],
                "verify_iat": False,
                "verify_exp": False,
            },
        )
        kid = jwt.get_unverified_header(given["client_secret"]).get("kid")
    except jwt.InvalidTokenError:
        return None
    now = clock.now().timestamp()
    fresh = claims["exp"] > now and claims["exp"] - claims["iat"] <= 15_777_000
    known = claims["sub"] in (BUNDLE_ID, SERVICES_ID) and claims["sub"] == given.get("client_id")
    return claims["sub"] if kid == KEY_ID and fresh and known else None


def apple_tokens(fake: Fake, given: Claims) -> Answer:
    """POST /auth/token: a code counts once, for five minutes, and for the app that got it."""
    client = _apple_client(given)
    if client is None:
        return 400, {"error": "invalid_client"}
    if given.get("grant_type") != "authorization_code":
        return 400, {"error": "unsupported_grant_type"}
    known = fake.codes.pop(given.get("code", ""), None)
    if known is None or known["until"] <= clock.now() or known["aud"] != client:
        return 400, {
            "error": "invalid_grant",
            "error_description": "The code has expired or has been revoked.",
        }
    if known["redirect_uri"] != given.get("redirect_uri"):
        return 400, {"error": "invalid_grant", "error_description": "The redirect_uri does not match."}
    refresh = f"r{secrets.token_hex(16)}.0.mtqy"
    fake.refresh_tokens[refresh] = known
    return 200, {
        "access_token": f"a{secrets.token_hex(16)}.0.mtqy",
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": refresh,
        "id_token": fake.apple(known["sub"], aud=client),
    }


def apple_revoke(fake: Fake, given: Claims) -> Answer:
    """POST /auth/revoke: an unknown token is no error."""
    if _apple_client(given) is None:
        return 400, {"error": "invalid_client"}
    if not given.get("token"):
        return 400, {"error": "invalid_request"}
    if fake.refresh_tokens.pop(given["token"], None) is not None:
        fake.revoked.append(given["token"])
    return 200, b""


def _graph_error(code: int, message: str) -> Answer:
    return 400, {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1"}}


def facebook_debug(fake: Fake, given: Claims) -> Answer:
    """GET /debug_token: 200 also for a token that is none."""
    if given.get("access_token") != f"{APP_ID}|{APP_SECRET}":
        return _graph_error(190, "Invalid OAuth access token signature.")
    known = fake.facebook_tokens.get(given.get("input_token", ""))
    if known is None:
        error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return 200, {"data": {"error": error, "is_valid": False, "scopes": []}}
    if known["app_id"] == OTHER_APP:
        return _graph_error(100, "(#100) The App_id in the input_token did not match the Viewing App")
    return 200, {"data": {name: value for name, value in known.items() if name != "me"}}


def facebook_me(fake: Fake, given: Claims) -> Answer:
    """GET /me, of an app that wants to be proved for each call."""
    token = given.get("access_token", "")
    known = fake.facebook_tokens.get(token)
    if known is None or not known["is_valid"]:
        return _graph_error(190, "Error validating access token: The session has been invalidated.")
    proof = hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
    if given.get("appsecret_proof") != proof:
        return _graph_error(100, "Invalid appsecret_proof provided in the API argument")
    return 200, {name: value for name, value in known["me"].items() if name in given["fields"].split(",")}


def give_google(fake: Fake, given: Claims) -> Answer:
    """What an app gets from Google: `{"sub": …, "email": …}` and any other claims."""
    return 200, {"id_token": fake.google(*_person(given), **given)}


def give_apple(fake: Fake, given: Claims) -> Answer:
    """What an app gets from Apple: `{"sub": …, "email": …, "nonce": …}` and any other claims."""
    sub, email = _person(given)
    code = fake.apple_code(sub, given.get("aud", BUNDLE_ID))
    return 200, {"id_token": fake.apple(sub, email, **given), "authorization_code": code}


def give_facebook(fake: Fake, given: Claims) -> Answer:
    """What an app gets from Facebook: `{"sub": …, "email": …}`; with `"nonce"` by Limited Login."""
    if "nonce" in given:
        return 200, {"access_token": fake.facebook_limited(*_person(given), **given)}
    return 200, {"access_token": fake.facebook(*_person(given), **given)}


def _person(given: Claims) -> tuple[str, str | None]:
    """Takes out who it is: where nobody is named, the same one for the same address."""
    email = given.pop("email", None)
    some = int(hashlib.sha256(str(email).encode()).hexdigest()[:12], 16)
    return str(given.pop("sub", some)), email


ROUTES: dict[tuple[str, str, str], Any] = {
    ("GET", "google", "oauth2/v3/certs"): lambda fake, given: (200, fake.jwks()),
    ("GET", "apple", "auth/keys"): lambda fake, given: (200, fake.jwks()),
    ("POST", "apple", "auth/token"): apple_tokens,
    ("POST", "apple", "auth/revoke"): apple_revoke,
    ("GET", "facebook", "v25.0/debug_token"): facebook_debug,
    ("GET", "facebook", "v25.0/me"): facebook_me,
    ("GET", "facebook", ".well-known/oauth/openid/jwks"): lambda fake, given: (200, fake.jwks()),
    ("POST", "google", "token"): give_google,
    ("POST", "apple", "token"): give_apple,
    ("POST", "facebook", "token"): give_facebook,
}


def serving(port: int = 0) -> AbstractContextManager[Fake]:
    """The server on this port of this machine, or a free one, for the length of a block."""
    return loopback.serving(Fake(port))
