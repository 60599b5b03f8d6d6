"""Push to apps through Firebase Cloud Messaging, HTTP v1."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from majlis.kit import clock, log
from majlis.kit.cache import Breaker
from majlis.settings import BadSettings
from majlis.vendors.push import LIFE_S, PAUSE_S, SENT, TIMEOUT_S, Outcome, Push, Target, retry_after

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE = timedelta(hours=1)  # of an assertion; Google gives no longer one
EARLY_S = 300.0  # a token is renewed this long before it ends
REST_S = 5.0  # how long Firebase is left alone after it failed
AT_ONCE = 100  # connections

logger = log.get("majlis.push")


class Account(msgspec.Struct):
    """What a service-account file of Google's holds for us."""

    project_id: str
    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"


class Unauthorized(Exception):
    """Google does not take the service account; the message says why."""


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float = 3600.0


class _Violation(msgspec.Struct):
    field: str = ""


class _Detail(msgspec.Struct, rename={"error_code": "errorCode", "violations": "fieldViolations"}):
    error_code: str = ""
    violations: list[_Violation] = []


class _Error(msgspec.Struct):
    status: str = ""
    details: list[_Detail] = []


class _Failure(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


def account(credentials: str) -> Account:
    """The account of a service-account file, or of its text. BadSettings when it is none."""
    try:
        text = credentials if credentials.lstrip().startswith("{") else Path(credentials).read_text()
        found = msgspec.json.decode(text, type=Account)
        _key(found)
    except OSError as error:
        raise BadSettings(f"MAJLIS_FCM_CREDENTIALS: {error.strerror}") from None
    except (ValueError, msgspec.DecodeError):
        # Their words may quote the key.
        raise BadSettings("MAJLIS_FCM_CREDENTIALS is no service-account file of Google's") from None
    return found


def _key(account: Account) -> RSAPrivateKey:
    key = load_pem_private_key(account.private_key.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the key of a service account is an RSA key")
    return key


class FcmPusher:
    """Sends as a service account. Its access token is fetched once an hour."""

    def __init__(self, account: Account, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._account = account
        self._key = _key(account)
        self._url = f"{url.rstrip('/')}/v1/projects/{account.project_id}/messages:send"
        self._timeout_s = timeout_s
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=20)
        self._client = httpx.AsyncClient(timeout=timeout_s, limits=limits)
        self._breaker = Breaker("fcm", REST_S)
        self._renewing = asyncio.Lock()
        self._bearer = ""
        self._renew_at = 0.0

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, target: Target, push: Push) -> Outcome:
        """Hand one push to Firebase."""
        if not self._breaker.allows():
            return Outcome("later", "firebase failed a moment ago", REST_S)
        try:
            async with asyncio.timeout(self._timeout_s):
                outcome = judged(await self._post(message(target, push)), target)
        except Unauthorized as error:
            logger.error("push_unauthorized", reason=str(error))
            return Outcome("refused", str(error))
        except (TimeoutError, httpx.HTTPError, msgspec.DecodeError) as error:
            self._breaker.failed(error)
            return Outcome("later", type(error).__name__)
        self._breaker.worked()
        return outcome

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        """The answer; an access token that Google ended early is renewed once."""
        bearer = await self._token()
        response = await self._client.post(self._url, json=body, headers=_authorization(bearer))
        if response.status_code == httpx.codes.UNAUTHORIZED and not _failure(response)[0]:
            bearer = await self._token(instead_of=bearer)
            response = await self._client.post(self._url, json=body, headers=_authorization(bearer))
        return response

    async def _token(self, instead_of: str = "") -> str:
        """An access token; one request fetches it for all who wait. Raises Unauthorized."""
        async with self._renewing:
            if self._bearer and self._bearer != instead_of and time.monotonic() < self._renew_at:
                return self._bearer
            form = {"grant_type": GRANT, "assertion": self._assertion()}
            response = await self._client.post(self._account.token_uri, data=form)
            if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                response.raise_for_status()
            if response.status_code != httpx.codes.OK:
                raise Unauthorized(f"the service account was refused (HTTP {response.status_code})")
            token = msgspec.json.decode(response.content, type=_Token)
            self._bearer = token.access_token
            self._renew_at = time.monotonic() + max(0.0, token.expires_in - EARLY_S)
            return self._bearer

    def _assertion(self) -> str:
        now = clock.now()
        claims = {
            "iss": self._account.client_email,
            "scope": SCOPE,
            "aud": self._account.token_uri,
            "iat": now,
            "exp": now + LIFE,
        }
        return jwt.encode(claims, self._key, "RS256", headers={"kid": self._account.private_key_id})


def _authorization(bearer: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {bearer}"}


def message(target: Target, push: Push) -> dict[str, Any]:
    """The body of a request. Installation ids stand in a field of their own."""
    return {
        "message": {
            "fid" if target.kind == "fid" else "token": target.token,
            "notification": {"title": push.title, "body": push.body},
            "data": dict(push.data),
            "android": {
                "priority": "HIGH",
                "ttl": f"{LIFE_S}s",
                "collapse_key": push.tag,
                "notification": {"tag": push.tag},
            },
            "apns": {
                "headers": {
                    "apns-priority": "10",
                    "apns-collapse-id": push.tag[:64],
                    "apns-expiration": str(int(clock.now().timestamp()) + LIFE_S),
                },
                "payload": {"aps": {"sound": "default"}},
            },
        }
    }


def _failure(response: httpx.Response) -> tuple[str, list[str], str]:
    """(FCM's error code, wrong fields, status) of a refusal; empty where it names none."""
    try:
        error = msgspec.json.decode(response.content, type=_Failure).error
    except msgspec.DecodeError:
        return "", [], ""
    code = next((detail.error_code for detail in error.details if detail.error_code), "")
    fields = [violation.field for detail in error.details for violation in detail.violations]
    return code, fields, error.status


def judged(response: httpx.Response, target: Target) -> Outcome:
    """What an answer of Firebase means. Only what is said of the device itself makes it dead."""
    if response.status_code == httpx.codes.OK:
        return SENT
    code, fields, status = _failure(response)
    reason = code or status or f"HTTP {response.status_code}"
    if code in ("UNREGISTERED", "SENDER_ID_MISMATCH"):
        return Outcome("dead", reason)
    # A bad device and a bad message share a code; the field tells them apart.
    if response.status_code == httpx.codes.BAD_REQUEST and _names_device(fields, target):
        return Outcome("dead", reason)
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return Outcome("later", reason, retry_after(response.headers.get("retry-after"), PAUSE_S))
    if response.is_server_error:
        return Outcome("later", reason, retry_after(response.headers.get("retry-after")))
    return Outcome("refused", reason)


def _names_device(fields: list[str], target: Target) -> bool:
    return ("message.fid" if target.kind == "fid" else "message.token") in fields
