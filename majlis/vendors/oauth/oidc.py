"""Identity tokens of OpenID Connect: signed by their issuer, for one app, for a time, for one attempt."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from msgspec import Meta

from majlis.kit import clock
from majlis.vendors.oauth import BadProviderToken, NonceMismatch, ProviderUnavailable
from majlis.vendors.oauth.wire import Wire

ALGORITHM = "RS256"  # the only one, whatever a token says of itself
LONGEST = 16_384  # characters; Google's and Apple's have about 1,200
LEAST_BITS = 2048
SKEW = timedelta(seconds=60)  # how far the provider's clock may be from ours

KEPT = timedelta(hours=1)  # keys, when the provider does not say how long
KEPT_LEAST, KEPT_MOST = timedelta(minutes=5), timedelta(hours=24)
USABLE = timedelta(hours=24)  # how old keys may get while the provider does not answer
PAUSE = timedelta(seconds=10)  # between two questions for keys, whoever makes up key ids
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})\b", re.IGNORECASE)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class _Key(msgspec.Struct):
    kty: str
    kid: str = ""
    use: str = "sig"
    alg: str = ALGORITHM
    n: str = ""
    e: str = ""


class _Document(msgspec.Struct):
    keys: list[_Key]


class Keys:
    """The public keys of an issuer, fetched when they are needed and kept for as long as it says."""

    def __init__(self, wire: Wire, path: str) -> None:
        self._wire = wire
        self._path = path
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched = self._fresh_until = self._asked = _LONG_AGO
        self._asking = asyncio.Lock()

    async def find(self, kid: str) -> RSAPublicKey | None:
        """The key of this id. One that is not known may be new, so it is asked for, but not each time.

        Raises ProviderUnavailable while there are no keys that could be trusted.
        """
        if self._wanting(kid):
            async with self._asking:
                if self._wanting(kid):  # whoever waited finds what the first one fetched
                    await self._fetch()
        if clock.now() >= self._fetched + USABLE:
            raise ProviderUnavailable(f"The keys of {self._wire.name} are not known. Try again shortly.")
        return self._keys.get(kid)

    def _wanting(self, kid: str) -> bool:
        now = clock.now()
        return (now >= self._fresh_until or kid not in self._keys) and now >= self._asked + PAUSE

    async def _fetch(self) -> None:
        """Ask for the keys. A failure leaves the old ones, which `find` judges by their age."""
        try:
            response = await self._wire.send("GET", self._path)
            found = _usable(self._wire.read(response, _Document))
            if not found:
                raise self._wire.failed("there is no usable key")
        except ProviderUnavailable:
            self._asked = clock.now()
            return
        match = _MAX_AGE.search(response.headers.get("cache-control", ""))
        kept = timedelta(seconds=int(match[1])) if match else KEPT
        self._keys = found
        self._asked = self._fetched = clock.now()
        self._fresh_until = self._fetched + min(max(kept, KEPT_LEAST), KEPT_MOST)


def _usable(document: _Document) -> dict[str, RSAPublicKey]:
    found: dict[str, RSAPublicKey] = {}
    for key in document.keys:
        if key.kty != "RSA" or key.use != "sig" or key.alg != ALGORITHM or not key.kid:
            continue
        try:
            made = RSAAlgorithm.from_jwk({"kty": "RSA", "n": key.n, "e": key.e})
        except (jwt.InvalidKeyError, ValueError):
            continue  # the others may do
        if isinstance(made, RSAPublicKey) and made.key_size >= LEAST_BITS:
            found[key.kid] = made
    return found


class Claims(msgspec.Struct, kw_only=True):
    """What an identity token says. Apple writes truth as a word at times."""

    iss: str
    aud: str
    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    exp: float
    iat: float
    nbf: float | None = None
    nonce: str | None = None
    email: str | None = None
    email_verified: bool | str = False
    given_name: str | None = None
    family_name: str | None = None

    @property
    def verified(self) -> bool:
        """Whether the issuer vouches for the e-mail address."""
        return self.email is not None and self.email_verified in (True, "true")


async def verify(token: str, keys: Keys, *, issuers: Collection[str], audiences: Collection[str]) -> Claims:
    """The claims of a token of one of these issuers for one of these apps.

    Raises BadProviderToken or ProviderUnavailable.
    """
    if len(token) > LONGEST:
        raise BadProviderToken("The provider's token is too long.")
    try:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise BadProviderToken("The provider's token is not signed as it should be.")
        key = await keys.find(kid)
        if key is None:
            raise BadProviderToken("The provider's token is signed by a key that its issuer does not have.")
        claims = msgspec.convert(_signed(token, key), Claims)
    except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError, RecursionError) as error:
        raise BadProviderToken() from error
    if claims.iss not in issuers:
        raise BadProviderToken("The provider's token is from another issuer.")
    if claims.aud not in audiences:
        raise BadProviderToken("The provider's token is for another app.")
    _check_times(claims)
    return claims


def _signed(token: str, key: RSAPublicKey) -> Any:
    """What the signature covers; `verify` looks at the claims itself, by our clock."""
    off = dict.fromkeys(("exp", "nbf", "iat", "aud", "iss", "sub", "jti"), False)
    options: Any = {f"verify_{name}": value for name, value in off.items()}
    return jwt.decode(token, key, [ALGORITHM], options=options)


def _check_times(claims: Claims) -> None:
    now, skew = clock.now().timestamp(), SKEW.total_seconds()
    if not claims.exp > now - skew:  # written so that NaN is over
        raise BadProviderToken("The provider's token is over. Sign in with the provider again.")
    if not max(claims.iat, claims.nbf or 0) <= now + skew:
        raise BadProviderToken("The provider's token is not valid yet.")


def check_nonce(claims: Claims, nonce: str, *, raw: bool = False) -> None:
    """Raises NonceMismatch unless the token holds the SHA-256 of this nonce, or with `raw` the nonce itself.

    A raw nonce can be read in the token by whoever stole it. Only the app that made it knows what a hash is of.
    """
    told = (claims.nonce or "").encode()
    forms = [hashlib.sha256(nonce.encode()).hexdigest(), *([nonce] if raw else [])]
    same = [hmac.compare_digest(told, form.encode()) for form in forms]
    if not nonce or not any(same):
        raise NonceMismatch()
