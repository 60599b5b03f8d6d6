"""Sign in with Apple: https://developer.apple.com/documentation/signinwithapplerestapi."""

from collections.abc import Collection, Mapping
from datetime import timedelta

import httpx
import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from majlis.kit import clock
from majlis.settings import BadSettings, Settings, listed
from majlis.vendors.oauth import BadProviderToken, Person, Proof, oidc
from majlis.vendors.oauth.wire import Wire

URL = "https://appleid.apple.com"
KEYS, TOKEN, REVOKE = "/auth/keys", "/auth/token", "/auth/revoke"
ISSUER = "https://appleid.apple.com"
SECRET_LIFE = timedelta(minutes=5)


class Key(msgspec.Struct, frozen=True):
    """What our requests to Apple are signed with."""

    team_id: str
    key_id: str
    private: ec.EllipticCurvePrivateKey

    def secret(self, client_id: str) -> str:
        """What Apple takes for a client secret, for a few minutes."""
        now = clock.now()
        claims = {
            "iss": self.team_id,
            "iat": now,
            "exp": now + SECRET_LIFE,
            "aud": ISSUER,  # also where Apple is at another address
            "sub": client_id,
        }
        return jwt.encode(claims, self.private, "ES256", headers={"kid": self.key_id})


class _Tokens(msgspec.Struct):
    refresh_token: str
    id_token: str


class _Error(msgspec.Struct):
    error: str = ""


class AppleSignIn:
    """Checks Apple's identity tokens for our apps, and with a key keeps and revokes what people allowed."""

    def __init__(
        self,
        agent: str,
        client_ids: Collection[str],
        key: Key | None = None,
        redirects: Mapping[str, str] | None = None,
        url: str = "",
    ) -> None:
        self._client_ids = frozenset(client_ids)
        self._key = key
        self._redirects = redirects or {}
        self._wire = Wire("Apple", url or URL, agent)
        self._keys = oidc.Keys(self._wire, KEYS)

    @property
    def can_exchange(self) -> bool:
        """Whether there is a key that codes can be exchanged with."""
        return self._key is not None

    async def person(self, proof: Proof) -> Person:
        """Whom the token stands for. Apple tells no names, and the address may be one that it relays."""
        claims = await self._verify(proof.token)
        oidc.check_nonce(claims, proof.nonce or "")
        return Person(
            issuer=ISSUER,
            subject=claims.sub,
            client_id=claims.aud,
            email=claims.email,
            email_verified=claims.verified,
        )

    async def exchange(self, code: str, person: Person) -> str:
        """The refresh token for a code, which counts once and for five minutes.

        Raises BadProviderToken when the code is another person's, or spent; ProviderUnavailable.
        """
        form = {"code": code, "grant_type": "authorization_code"}
        if person.client_id in self._redirects:
            form["redirect_uri"] = self._redirects[person.client_id]
        response = await self._ask(TOKEN, person.client_id, form)
        if response.status_code != httpx.codes.OK:
            if self._wire.read(response, _Error).error == "invalid_grant":
                raise BadProviderToken("The authorization code is spent or over. Sign in with Apple again.")
            raise self._refused(response)
        tokens = self._wire.read(response, _Tokens)
        owner = await self._verify(tokens.id_token)
        if (owner.sub, owner.aud) != (person.subject, person.client_id):
            raise BadProviderToken("The authorization code is another person's.")
        return tokens.refresh_token

    async def revoke(self, client_id: str, refresh_token: str) -> None:
        """Take back what the person allowed; a token that Apple does not know any more is no fault."""
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        response = await self._ask(REVOKE, client_id, form)
        if response.status_code != httpx.codes.OK:
            raise self._refused(response)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    async def _verify(self, token: str) -> oidc.Claims:
        return await oidc.verify(token, self._keys, issuers=(ISSUER,), audiences=self._client_ids)

    async def _ask(self, path: str, client_id: str, form: Mapping[str, str]) -> httpx.Response:
        if self._key is None:
            raise self._wire.failed("there is no key to sign with")
        # The id of the app that asked: Apple refuses the code of one from another.
        signed = {"client_id": client_id, "client_secret": self._key.secret(client_id)}
        return await self._wire.send("POST", path, form={**signed, **form})

    def _refused(self, response: httpx.Response) -> Exception:
        """A refusal that is no fault of the person's, such as a wrong key of ours."""
        error = self._wire.read(response, _Error).error
        return self._wire.failed(f"HTTP {response.status_code} {error}")


def from_settings(agent: str, settings: Settings) -> AppleSignIn:
    """Apple with the settings' ids and key. BadSettings when these are incomplete or unreadable."""
    parts = (settings.apple_team_id, settings.apple_key_id, settings.apple_private_key)
    if any(parts) and not all(parts):
        raise BadSettings(
            "MAJLIS_APPLE_TEAM_ID, MAJLIS_APPLE_KEY_ID and MAJLIS_APPLE_PRIVATE_KEY belong together"
        )
    redirects = {}
    for pair in listed(settings.apple_redirects):
        client_id, equals, address = pair.partition("=")
        if not equals or not address.startswith(("https://", "http://")):
            raise BadSettings("MAJLIS_APPLE_REDIRECTS is written as services id=https://…, with commas")
        redirects[client_id.strip()] = address.strip()
    key = Key(parts[0], parts[1], _private(parts[2])) if all(parts) else None
    return AppleSignIn(agent, listed(settings.apple_client_ids), key, redirects, settings.apple_url)


def _private(pem: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the reason: it may quote the key.
        raise BadSettings("MAJLIS_APPLE_PRIVATE_KEY is not the text of a .p8 file") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadSettings("MAJLIS_APPLE_PRIVATE_KEY is not a key of the curve P-256")
    return key
