"""What networks tell by themselves: that somebody took back there what they allowed. Our secret proves it.

Instagram sends a form with a signed request, TikTok JSON with a signature in a header; the others tell nothing.
"""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import msgspec

from majlis.kit import clock, crypto
from majlis.kit.errors import Malformed

OLDEST = timedelta(minutes=5)  # TikTok's time is there to be looked at
REMOVED = "authorization.removed"


class Notice(msgspec.Struct, frozen=True):
    """Who took it back, as our app knows them there, and when."""

    subject: str
    at: datetime


class BadNotice(Malformed):
    """It is not as documented, or somebody else's."""

    code, detail = "bad_signature", "This is not signed as it has to be."


# From the body, the header with the signature, our id and our secret. None for other news. Raises BadNotice.
Reader = Callable[[bytes, str, str, str], Notice | None]


class _Signed(msgspec.Struct):
    algorithm: str
    user_id: str | int
    issued_at: float | None = None


def meta(body: bytes, _header: str, _client: str, secret: str) -> Notice:
    """`signed_request=<signature>.<payload>`, both in URL-safe base64; HMAC-SHA256 of the payload as it is sent."""
    try:
        (sent,) = parse_qs(body.decode("ascii"), errors="strict", max_num_fields=20)["signed_request"]
        signature, _, payload = sent.partition(".")
        if not hmac.compare_digest(crypto.unb64(signature.rstrip("=")), _mac(secret, payload.encode())):
            raise BadNotice()
        told = msgspec.json.decode(crypto.unb64(payload.rstrip("=")), type=_Signed)
        if told.algorithm.upper() != "HMAC-SHA256" or not str(told.user_id):
            raise BadNotice()
        return Notice(str(told.user_id), _moment(told.issued_at))
    except (LookupError, ValueError, msgspec.DecodeError) as error:
        raise BadNotice() from error


class _Event(msgspec.Struct):
    client_key: str
    event: str
    create_time: float | None = None
    user_openid: str = ""


def tiktok(body: bytes, header: str, client: str, secret: str) -> Notice | None:
    """`TikTok-Signature: t=<seconds>,s=<hexadecimal>`: HMAC-SHA256 of the seconds, a dot and the body."""
    try:
        parts = dict(part.strip().split("=", 1) for part in header.split(","))
        signed = _mac(secret, parts["t"].encode() + b"." + body).hex()
        if not hmac.compare_digest(signed.encode(), parts["s"].encode()):
            raise BadNotice()
        if abs(clock.now() - _moment(float(parts["t"]))) > OLDEST:
            raise BadNotice()
        told = msgspec.json.decode(body, type=_Event)
        if told.client_key != client:
            raise BadNotice()
        if told.event != REMOVED or not told.user_openid:
            return None
        return Notice(told.user_openid, _moment(told.create_time))
    except (LookupError, ValueError, msgspec.DecodeError) as error:
        raise BadNotice() from error


def _mac(secret: str, data: bytes) -> bytes:
    return hmac.digest(secret.encode(), data, "sha256")


def _moment(seconds: float | None) -> datetime:
    """Raises ValueError for what is no time."""
    if seconds is None:
        return clock.now()
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("no time") from error
