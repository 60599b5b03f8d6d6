"""Sign-in with Google: https://developers.google.com/identity/openid-connect/openid-connect."""

from collections.abc import Collection

from majlis.vendors.oauth import Person, Proof, oidc
from majlis.vendors.oauth.wire import Wire

URL = "https://www.googleapis.com"
KEYS = "/oauth2/v3/certs"
ISSUER = "https://accounts.google.com"
ISSUERS = (ISSUER, "accounts.google.com")  # it writes both


class Google:
    """Checks Google's identity tokens for our apps."""

    def __init__(self, agent: str, client_ids: Collection[str], url: str = "") -> None:
        self._client_ids = frozenset(client_ids)
        self._wire = Wire("Google", url or URL, agent)
        self._keys = oidc.Keys(self._wire, KEYS)

    async def person(self, proof: Proof) -> Person:
        """Whom the token stands for. Not every app sends a nonce; one that is given must be in the token."""
        claims = await oidc.verify(proof.token, self._keys, issuers=ISSUERS, audiences=self._client_ids)
        if proof.nonce is not None:
            oidc.check_nonce(claims, proof.nonce, raw=True)  # not every SDK of Google's lets apps hash it
        return Person(
            issuer=ISSUER,
            subject=claims.sub,
            client_id=claims.aud,
            email=claims.email,
            email_verified=claims.verified,
            first_name=claims.given_name,
            last_name=claims.family_name,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()
