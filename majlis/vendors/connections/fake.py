"""A stand-in for all social networks on this machine, for development and tests.

`python -m majlis.vendors.connections` serves it and prints the settings that lead there. Whoever asks it for a page is
the person named in `people`, and allows everything at once. It listens on the loopback address only, and speaks as the
networks document their services: codes that count once, rotating refresh tokens, refusals in their own shapes.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from contextlib import AbstractContextManager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from majlis.kit import clock, crypto
from majlis.vendors import loopback
from majlis.vendors.connections.notices import REMOVED
from majlis.vendors.connections.table import NETWORKS, Network
from majlis.vendors.loopback import Answering, Loopback

SECRET = "a-secret-of-a-stand-in"
TEAM_ID, KEY_ID = "TEAM123456", "MUSIC12345"
# A key that everybody can compute: settings that were printed once still fit after the next start.
MUSIC_KEY = ec.derive_private_key(0x4D75736963, ec.SECP256R1())
ROTATES = frozenset({"tiktok", "twitter", "soundcloud", "spotify"})
LIVES = {"instagram": 5_183_944, "tiktok": 7200, "twitter": 7200}  # seconds of an access token; else an hour
Json = dict[str, Any]
Answer = tuple[int, Any]


class Grant(msgspec.Struct):
    """What somebody allowed, and the tokens of it that are good."""

    network: str
    person: str
    access: set[str] = msgspec.field(default_factory=set)
    refresh: str | None = None
    spent: set[str] = msgspec.field(default_factory=set)
    over: bool = False


class Fake(Loopback):
    """The server. `fault` is one of "down", "html" and "slow", on `faulty` paths only where that is set."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, Handler)
        self.lock = threading.RLock()
        self.faulty = ""  # only paths that begin so, such as /tiktok/v2/oauth/token
        self.entered = threading.Event()  # somebody waits there
        self.asked: list[str] = []
        self.people: dict[str, str] = {}  # network to who is signed in there
        self.denies = False
        self.flat = True  # Instagram answers flat, not as its documents show
        self.code_life = timedelta(minutes=10)
        self.codes: dict[str, Json] = {}
        self.grants: list[Grant] = []
        self.revoked: list[str] = []
        self.music_tokens: set[str] = set()
        self.verifiers: set[str] = set()  # that were shown

    def settings(self) -> dict[str, str]:
        """The settings of a server that takes this for the networks."""
        found = {"social_url": self.url}
        for name in NETWORKS:
            found[f"{name}_{'client_key' if name == 'tiktok' else 'client_id'}"] = f"{name}-client"
            found[f"{name}_client_secret"] = SECRET
        pem = MUSIC_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return found | {
            "apple_music_team_id": TEAM_ID,
            "apple_music_key_id": KEY_ID,
            "apple_music_private_key": pem.replace("\n", "\\n"),
        }

    def music_token(self) -> str:
        """What an app gets from MusicKit."""
        token = secrets.token_urlsafe(60)
        self.music_tokens.add(token)
        return token

    def revoke(self, network: str) -> None:
        """Everybody takes back at a network what they allowed."""
        for grant in self.grants:
            if grant.network == network:
                grant.over = True

    def signed_request(self, person: str = "amina", secret: str = SECRET, **more: Any) -> str:
        """What Meta's form holds: somebody took back what they allowed, or wants their data deleted."""
        at = int(clock.now().timestamp())
        told = {"algorithm": "HMAC-SHA256", "issued_at": at, "user_id": scoped(person), **more}
        payload = crypto.b64(json.dumps(told).encode())
        return f"{crypto.b64(hmac.digest(secret.encode(), payload.encode(), 'sha256'))}.{payload}"

    def tiktok_event(
        self, event: str = REMOVED, at: float = 0, secret: str = SECRET
    ) -> tuple[bytes, dict[str, str]]:
        """(body, headers) of a webhook of TikTok's, signed now or at another second."""
        second = int(at or clock.now().timestamp())
        body = json.dumps({
            "client_key": "tiktok-client", "event": event, "create_time": second,
            "user_openid": _subject("tiktok", "amina"), "content": json.dumps({"reason": 1}),
        }).encode()  # fmt: skip
        signature = hmac.digest(secret.encode(), f"{second}.".encode() + body, "sha256").hex()
        return body, {"TikTok-Signature": f"t={second},s={signature}", "Content-Type": "application/json"}

    def secrets(self) -> set[str]:
        """Every token and code that was ever given; nobody else may hold one in clear."""
        found = set(self.codes) | self.music_tokens | self.verifiers
        for grant in self.grants:
            found |= grant.access | grant.spent | ({grant.refresh} if grant.refresh else set())
        return found

    def of(self, token: str) -> Grant | None:
        """The grant that a good token is of."""
        live = (grant for grant in self.grants if not grant.over)
        return next(
            (grant for grant in live if token and (token in grant.access or token == grant.refresh)), None
        )

    def give(self, grant: Grant) -> Json:
        """New tokens of a grant; the refresh tokens of some networks count once."""
        name = grant.network
        token = f"{name}-access-{secrets.token_urlsafe(24)}"
        grant.access.add(token)
        found: Json = {"access_token": token, "token_type": "Bearer", "expires_in": LIVES.get(name, 3600)}
        if name == "instagram":
            return found
        first = grant.refresh is None
        if first or name in ROTATES:
            if grant.refresh:
                grant.spent.add(grant.refresh)
            grant.refresh = f"{name}-refresh-{secrets.token_urlsafe(24)}"
            found["refresh_token"] = grant.refresh
        if name == "tiktok":
            found |= {
                "open_id": _subject(name, grant.person),
                "scope": "user.info.basic",
                "refresh_expires_in": 15_552_000,
            }
        return found


def _subject(network: str, person: str) -> str:
    return str(int(hashlib.sha256(f"{network}:{person}".encode()).hexdigest()[:12], 16))


def scoped(person: str) -> str:
    """Who somebody of Instagram's is for our app alone."""
    return f"9{_subject('instagram', person)}"


# ---- refusals, as the networks word them


def refused(network: str, word: str, status: int = 400) -> Answer:
    """A refusal of a token endpoint."""
    if network == "instagram":
        message = "Authorization code was not found or was already used"
        return status, {"error_type": "OAuthException", "code": 400, "error_message": message}
    more = {"log_id": "2026"} if network == "tiktok" else {}
    return status, {"error": word, "error_description": "Something about it is not as it should be.", **more}


def dead(network: str) -> Answer:
    """A refusal of an access token."""
    if network == "instagram":
        return 400, {
            "error": {
                "message": "Session has expired",
                "type": "OAuthException",
                "code": 190,
                "fbtrace_id": "A",
            }
        }
    if network == "tiktok":
        return 401, {"data": {}, "error": {"code": "access_token_invalid", "message": "…", "log_id": "2026"}}
    if network == "youtube":
        errors = [{"reason": "authError", "domain": "global"}]
        return 401, {
            "error": {
                "code": 401,
                "message": "Invalid Credentials",
                "errors": errors,
                "status": "UNAUTHENTICATED",
            }
        }
    if network == "twitter":
        return 401, {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
    if network == "spotify":
        return 401, {"error": {"status": 401, "message": "The access token expired"}}
    return 401, {"code": 401, "message": "", "link": "https://developers.soundcloud.com", "error": None}


# ---- what the networks answer


def page(fake: Fake, network: Network, given: Json) -> Answer:
    """The sign-in page: whoever asks for it has allowed everything."""
    if given.get(network.client) != f"{network.name}-client" or given.get("response_type") != "code":
        return 400, {"error": "invalid_client"}
    if network.pkce and given.get("code_challenge_method") != "S256":
        return 400, {"error": "invalid_request", "error_description": "code_challenge is missing"}
    back = {"state": given.get("state", "")}
    if fake.denies:
        back |= {"error": "access_denied", "error_reason": "user_denied"}
    else:
        code = f"{network.name}-code-{secrets.token_urlsafe(16)}"
        fake.codes[code] = {
            "network": network.name, "person": fake.people.get(network.name, "amina"),
            "redirect_uri": given.get("redirect_uri"), "challenge": given.get("code_challenge"),
            "until": clock.now() + fake.code_life, "used": False,
        }  # fmt: skip
        back |= {"code": code}
    tail = "#_" if network.name == "instagram" else ""
    return 302, f"{given['redirect_uri']}?{urlencode(back)}{tail}"


def _known(network: Network, given: Json, header: str) -> bool:
    """Whether our id and secret are where the network wants them."""
    if network.basic:
        pair = base64.b64encode(f"{network.name}-client:{SECRET}".encode()).decode()
        return header == f"Basic {pair}"
    return given.get(network.client) == f"{network.name}-client" and given.get("client_secret") == SECRET


def token(fake: Fake, network: Network, given: Json, header: str) -> Answer:
    """Codes and refresh tokens become tokens; one that comes a second time ends everything it was of."""
    name = network.name
    if not _known(network, given, header):
        return refused(name, "invalid_client", 401)
    if given.get("grant_type") == "refresh_token":
        asked = given.get("refresh_token", "")
        for grant in fake.grants:
            grant.over = grant.over or asked in grant.spent
        found = fake.of(asked)
        return (200, fake.give(found)) if found and found.refresh == asked else refused(name, "invalid_grant")
    known = fake.codes.get(given.get("code", ""))
    if known is None or known["used"] or known["network"] != name or known["until"] <= clock.now():
        return refused(name, "invalid_grant")
    known["used"] = True
    fake.verifiers.update([given["code_verifier"]] if "code_verifier" in given else [])
    proof = base64.urlsafe_b64encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
    proved = not network.pkce or known["challenge"] == proof.rstrip(b"=").decode()
    if known["redirect_uri"] != given.get("redirect_uri") or not proved:
        return refused(name, "invalid_grant")
    made = Grant(name, known["person"])
    fake.grants.append(made)
    answer = fake.give(made)
    if name == "instagram":  # the first token says nothing of its hour
        short = {"access_token": answer["access_token"], "user_id": 1, "permissions": network.scopes}
        return 200, short if fake.flat else {"data": [short]}
    return 200, answer


def longer(fake: Fake, network: Network, given: Json) -> Answer:
    """Instagram's tokens that last, and their renewal."""
    first = given.get("grant_type") == "ig_exchange_token"
    if first and given.get("client_secret") != SECRET:
        return refused(network.name, "invalid_client")
    found = fake.of(given.get("access_token", ""))
    return (200, fake.give(found)) if found else dead(network.name)


def revoke(fake: Fake, network: Network, given: Json, header: str) -> Answer:
    """Everything of the grant is over; an unknown token is no error to most."""
    if network.name not in ("soundcloud", "youtube") and not _known(network, given, header):
        return refused(network.name, "invalid_client", 401)
    asked = given.get("token") or given.get("access_token") or ""
    found = fake.of(asked)
    if found is None:
        return refused(network.name, "invalid_token") if network.name == "youtube" else (200, {})
    found.over = True
    fake.revoked.append(asked)
    return 200, {}


def profile(fake: Fake, network: Network, given: Json, header: str) -> Answer:
    """Who a token stands for."""
    scheme, _, asked = header.partition(" ")
    found = fake.of(asked)
    if found is None or scheme != network.scheme or asked == found.refresh:
        return dead(network.name)
    who, own = found.person, _subject(network.name, found.person)
    ok = {"code": "ok", "message": "", "log_id": "2026"}
    user = {
        "open_id": own,
        "display_name": who.title(),
        "username": who,
        "avatar_url": "https://example.org/a",
    }
    return 200, {
        "instagram": {"user_id": own, "username": who, "id": scoped(who)},
        "tiktok": {"data": {"user": user}, "error": ok},
        "youtube": {"items": [{"id": f"UC{own}", "snippet": {"title": who.title(), "customUrl": f"@{who}"}}]},
        "spotify": {"id": who, "account_id": own, "display_name": who, "external_urls": {}},
        "twitter": {"data": {"id": own, "name": who.title(), "username": who}},
        "soundcloud": {
            "urn": f"soundcloud:users:{own}",
            "username": who,
            "permalink_url": f"https://soundcloud.com/{who}",
        },
    }[network.name]


def storefront(fake: Fake, developer: str, user: str) -> Answer:
    """Apple Music: our own token, and the person's."""
    try:
        claims = jwt.decode(
            developer.removeprefix("Bearer "), MUSIC_KEY.public_key(), ["ES256"], issuer=TEAM_ID,
            options={"require": ["iss", "iat", "exp"], "verify_exp": False, "verify_iat": False},
        )  # fmt: skip
        fine = claims["exp"] > clock.now().timestamp() and claims["exp"] - claims["iat"] <= 15_777_000
        fine = fine and jwt.get_unverified_header(developer.removeprefix("Bearer "))["kid"] == KEY_ID
    except jwt.PyJWTError:
        fine = False
    if not fine:
        return 401, {"errors": [{"id": "1", "title": "Unauthorized", "status": "401", "code": "40100"}]}
    if user not in fake.music_tokens:
        return 403, {"errors": [{"id": "1", "title": "Forbidden", "status": "403", "code": "40300"}]}
    return 200, {"data": [{"id": "us", "type": "storefronts", "attributes": {"name": "United States"}}]}


class Handler(Answering, BaseHTTPRequestHandler):
    """Answers as one network or another, by the path."""

    server: Fake

    def do_GET(self) -> None:
        """A page or a question."""
        self._answer({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})

    def do_POST(self) -> None:
        """A form, or JSON."""
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if self.headers.get_content_type() == "application/json":
            self._answer(json.loads(raw or "{}"))
        else:
            self._answer({name: values[0] for name, values in parse_qs(raw).items()})

    def _answer(self, given: Json) -> None:
        fake, path = self.server, urlsplit(self.path).path
        fake.asked.append(path)
        fault = fake.fault if path.startswith(fake.faulty) else None
        if fault == "slow":
            fake.entered.set()
            fake.release.wait(30)
        if fault == "down":
            self._send(500, {"error": "server_error"})
        elif fault == "html":
            self._send(200, b"<html>Sign in to the network</html>")
        else:
            with fake.lock:
                answer = self._work(path, given)
            self._send(*answer)

    def _work(self, path: str, given: Json) -> Answer:
        _, name, rest = path.split("/", 2)
        header = self.headers.get("Authorization", "")
        if name == "apple_music":
            return storefront(self.server, header, self.headers.get("Music-User-Token", ""))
        network, asked = NETWORKS[name], (self.command, "/" + rest)
        if asked == ("GET", urlsplit(network.authorize).path):
            return page(self.server, network, given)
        if asked == ("POST", urlsplit(network.exchange).path):
            return token(self.server, network, given, header)
        if asked[0] == "GET" and asked[1] in (urlsplit(network.longer).path, urlsplit(network.renew).path):
            return longer(self.server, network, given)
        if asked == ("POST", urlsplit(network.revoke).path):
            return revoke(self.server, network, given, header)
        if asked == ("GET", urlsplit(network.profile).path):
            return profile(self.server, network, given, header)
        return 404, {"error": "not_found"}

    def _send(self, status: int, body: Any) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", body)
            body = b""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def serving(port: int = 0) -> AbstractContextManager[Fake]:
    """The server on this port of this machine, or a free one, for the length of a block."""
    return loopback.serving(Fake(port))
