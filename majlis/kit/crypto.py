"""Keys, tokens and sealed values."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def derive(secret: str, purpose: str) -> bytes:
    """A 32-byte key for one purpose (HMAC-SHA-256 of the purpose under the secret)."""
    return hmac.digest(secret.encode(), b"majlis:" + purpose.encode(), "sha256")


def token() -> str:
    """A random secret of 256 bits, safe in URLs."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> bytes:
    """What is stored of a random token: its SHA-256. Not for passwords."""
    return hashlib.sha256(value.encode()).digest()


def b64(data: bytes) -> str:
    """URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The reverse of b64. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


class Unsealable(Exception):
    """A sealed value that does not open: wrong key, wrong place, or tampered with."""


class Sealer:
    """AES-256-GCM under named keys. The first key seals; all of them open."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys` maps a key id (no colons) to 32 bytes, newest first."""
        self._ciphers = {kid: AESGCM(key) for kid, key in keys.items()}
        self._kid = next(iter(keys))

    @property
    def kid(self) -> str:
        """The id of the newest key."""
        return self._kid

    @property
    def prefix(self) -> str:
        """What everything begins with that the newest key seals."""
        return f"v1:{self._kid}:"

    def seal(self, plain: bytes, place: str) -> str:
        """`v1:kid:…`; `place` (table|column|row id) must be given again to open it."""
        nonce = secrets.token_bytes(12)
        sealed = nonce + self._ciphers[self._kid].encrypt(nonce, plain, place.encode())
        return f"v1:{self._kid}:{b64(sealed)}"

    def open(self, sealed: str, place: str) -> bytes:
        """The plain value. Raises Unsealable."""
        try:
            version, kid, body = sealed.split(":", 2)
            raw = unb64(body)
            if version != "v1":
                raise Unsealable(f"unknown version {version}")
            return self._ciphers[kid].decrypt(raw[:12], raw[12:], place.encode())
        except (KeyError, ValueError, InvalidTag) as error:
            raise Unsealable(type(error).__name__) from error
