"""Push to browsers: Web Push (RFC 8030), encrypted for the browser (RFC 8291), signed by us (RFC 8292)."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from pywebpush import WebPusher as Encrypter

from majlis.kit import clock, crypto
from majlis.settings import BadSettings
from majlis.vendors.push import LIFE_S, PAUSE_S, SENT, TIMEOUT_S, Outcome, Push, Target, retry_after

LIFE = timedelta(hours=12)  # of a signature; services take up to 24
TOPIC = 32  # characters
CURVE = ec.SECP256R1()


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """The key of MAJLIS_VAPID_KEY: 32 bytes as URL-safe base64, or PEM. BadSettings."""
    try:
        if "-----BEGIN" in text:
            loaded = load_pem_private_key(text.replace("\\n", "\n").encode(), None)
        else:
            raw = crypto.unb64(text.strip().rstrip("="))
            if len(raw) != 32:
                raise ValueError("not 32 bytes")
            loaded = ec.derive_private_key(int.from_bytes(raw), CURVE)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey) or loaded.curve.name != CURVE.name:
            raise ValueError("another curve")
    except (ValueError, TypeError):
        # Their words may quote the key.
        raise BadSettings("MAJLIS_VAPID_KEY is no private key on the curve P-256") from None
    return loaded


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """The public key as browsers take it (`applicationServerKey`)."""
    return crypto.b64(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def new_key() -> tuple[str, str]:
    """A new pair: (private, public), as MAJLIS_VAPID_KEY and browsers take them."""
    key = ec.generate_private_key(CURVE)
    private = crypto.b64(key.private_numbers().private_value.to_bytes(32))
    return private, public_text(key)


class WebPusher:
    """Sends to the push services of browsers. Whether an address is one of them, the caller has looked."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, subject: str, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._key = key
        self._public = public_text(key)
        self._subject = subject
        self._timeout_s = timeout_s
        # Redirects are not followed: the caller has looked at this address and no other.
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, target: Target, push: Push) -> Outcome:
        """Encrypt a push for the browser and hand it to its service."""
        try:
            body = sealed(target, push)
        except ValueError as error:
            return Outcome("dead", f"keys that cannot be used: {type(error).__name__}")
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.post(
                    target.token, content=body, headers=self._headers(target, push)
                )
        except (TimeoutError, httpx.HTTPError) as error:
            return Outcome("later", type(error).__name__)
        except httpx.InvalidURL:
            return Outcome("dead", "no address")
        return judged(response)

    def _headers(self, target: Target, push: Push) -> dict[str, str]:
        parts = urlsplit(target.token)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": clock.now() + LIFE,
            "sub": self._subject,
        }
        signed = jwt.encode(claims, self._key, "ES256")
        return {
            "Authorization": f"vapid t={signed}, k={self._public}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(LIFE_S),
            "Urgency": "normal",
            "Topic": push.tag[:TOPIC],
        }


def sealed(target: Target, push: Push) -> bytes:
    """A push as only this browser can read it. ValueError for keys that are none."""
    subscription = {"endpoint": target.token, "keys": {"p256dh": target.p256dh, "auth": target.auth}}
    body: bytes = Encrypter(subscription).encode(msgspec.json.encode(push), "aes128gcm")["body"]
    return body


def judged(response: httpx.Response) -> Outcome:
    """What an answer of a push service means."""
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.CREATED, httpx.codes.ACCEPTED):
        return SENT
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        return Outcome("dead", f"HTTP {status}")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Outcome("later", f"HTTP {status}", retry_after(response.headers.get("retry-after"), PAUSE_S))
    if response.is_server_error:
        return Outcome("later", f"HTTP {status}", retry_after(response.headers.get("retry-after")))
    return Outcome("refused", f"HTTP {status}")
