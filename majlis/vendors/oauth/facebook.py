"""Sign-in with Facebook: https://developers.facebook.com/docs/facebook-login, Graph API.

Where people allow no tracking, Facebook's apps for iOS give an identity token instead (Limited Login).
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import TypeVar

import httpx
import msgspec

from majlis.kit import clock
from majlis.vendors.oauth import BadProviderToken, Person, Proof, oidc
from majlis.vendors.oauth.wire import Wire

URL = "https://graph.facebook.com"
LIMITED_URL, LIMITED_KEYS = "https://limited.facebook.com", "/.well-known/oauth/openid/jwks/"
VERSION = "v25.0"
ISSUER = "https://www.facebook.com"
FIELDS = "id,first_name,last_name,email"
TOKEN_DEAD = 190  # the error code of a token that was taken back or is over
OTHER_APP = 100  # of debug_token, when it is to look at a token of another app

T = TypeVar("T")


class _Token(msgspec.Struct):
    """What debug_token says of a token. A time of 0 is never."""

    is_valid: bool = False
    app_id: str | int = ""
    user_id: str | int = ""
    type: str = ""
    expires_at: int = 0
    data_access_expires_at: int = 0


class _Debugged(msgspec.Struct):
    data: _Token


class _Me(msgspec.Struct):
    id: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class _Fault(msgspec.Struct):
    code: int = 0
    type: str = ""


class _Failed(msgspec.Struct):
    error: _Fault


class Facebook:
    """Checks Facebook's access tokens and identity tokens for our app."""

    def __init__(self, agent: str, app_id: str, secret: str, url: str = "") -> None:
        self._app_id = app_id
        self._secret = secret
        self._wire = Wire("Facebook", url or URL, agent)
        self._limited = Wire("Facebook", url or LIMITED_URL, agent)
        self._keys = oidc.Keys(self._limited, LIMITED_KEYS)

    async def person(self, proof: Proof) -> Person:
        """Whom the token stands for. Facebook does not say whether the address is confirmed, so it counts as not."""
        if _is_identity_token(proof.token):
            return await self._limited_person(proof)
        params = {"input_token": proof.token, "access_token": f"{self._app_id}|{self._secret}"}
        token = (await self._get("debug_token", params, _Debugged, bad=OTHER_APP)).data
        self._check(token)
        sealed = hmac.digest(self._secret.encode(), proof.token.encode(), hashlib.sha256).hex()
        params = {"fields": FIELDS, "access_token": proof.token, "appsecret_proof": sealed}
        me = await self._get("me", params, _Me, bad=TOKEN_DEAD)
        if not me.id or me.id != str(token.user_id):
            raise BadProviderToken("The provider's token is another person's.")
        return Person(
            issuer=ISSUER,
            subject=me.id,
            client_id=self._app_id,
            email=me.email,
            first_name=me.first_name,
            last_name=me.last_name,
        )

    async def _limited_person(self, proof: Proof) -> Person:
        """Whom an identity token stands for. The Graph API is not asked, so the nonce is needed."""
        claims = await oidc.verify(proof.token, self._keys, issuers=(ISSUER,), audiences=(self._app_id,))
        oidc.check_nonce(claims, proof.nonce or "")
        return Person(
            issuer=ISSUER,
            subject=claims.sub,
            client_id=self._app_id,
            email=claims.email,
            first_name=claims.given_name,
            last_name=claims.family_name,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()
        await self._limited.aclose()

    def _check(self, token: _Token) -> None:
        if not token.is_valid or token.type != "USER":
            raise BadProviderToken()
        if str(token.app_id) != self._app_id:
            raise BadProviderToken("The provider's token is for another app.")
        now = clock.now().timestamp()
        if any(0 < moment <= now for moment in (token.expires_at, token.data_access_expires_at)):
            raise BadProviderToken("The provider's token is over. Sign in with the provider again.")

    async def _get(self, what: str, params: Mapping[str, str], kind: type[T], *, bad: int) -> T:
        """An answer of the Graph API. `bad` is the error code that tells against the person's token."""
        response = await self._wire.send("GET", f"/{VERSION}/{what}", params=params)
        if response.status_code == httpx.codes.OK:
            return self._wire.read(response, kind)
        fault = self._wire.read(response, _Failed).error
        if fault.code == bad:
            raise BadProviderToken()
        # Any other error is about our app or its secret, or about Facebook itself.
        raise self._wire.failed(f"HTTP {response.status_code} {fault.type} {fault.code}")


def _is_identity_token(token: str) -> bool:
    """Whether this has the shape of a JWT: access tokens are one word without dots."""
    return token.count(".") == 2 and token.startswith("ey")
