"""Apple Music: no sign-in pages, a token of the app's device beside one of our own."""

from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from majlis.kit import clock
from majlis.settings import BadSettings
from majlis.vendors.connections import Profile
from majlis.vendors.linking import GrantOver, Wire

URL = "https://api.music.apple.com"
LIFE = timedelta(hours=12)  # of our own token; Apple allows six months


class AppleMusic:
    """Asks Apple in the name of people whose token the app brought."""

    def __init__(self, team: str, key_id: str, key: str, agent: str, elsewhere: str = "") -> None:
        """Raises BadSettings for a key that is none of Apple's kind."""
        try:
            made = load_pem_private_key(key.replace("\\n", "\n").encode(), None)
        except ValueError as error:
            raise BadSettings("MAJLIS_APPLE_MUSIC_PRIVATE_KEY cannot be read") from error
        if not isinstance(made, EllipticCurvePrivateKey) or not isinstance(made.curve, SECP256R1):
            raise BadSettings("MAJLIS_APPLE_MUSIC_PRIVATE_KEY is no P-256 key")
        self._key, self._team, self._key_id = made, team, key_id
        self._wire = Wire("Apple Music", agent)
        self._base = f"{elsewhere.rstrip('/')}/apple_music" if elsewhere else URL

    async def profile(self, user_token: str) -> Profile:
        """Who the token stands for: Apple tells the country of the shop only. Raises GrantOver or ProviderFailed."""
        headers = {"Authorization": f"Bearer {self._developer_token()}", "Music-User-Token": user_token}
        response = await self._wire.ask("GET", f"{self._base}/v1/me/storefront", headers=headers)
        if response.status_code == 403:
            raise GrantOver()
        if response.status_code != 200:
            raise self._wire.failed(f"HTTP {response.status_code}")
        found: dict[str, Any] = self._wire.read(response, dict[str, Any])
        try:
            shop = str(found["data"][0]["id"])[:20]
        except (LookupError, TypeError) as error:
            raise self._wire.failed(f"no storefront: {type(error).__name__}") from None
        return Profile(subject=shop, username=shop, profile_url=None)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    def _developer_token(self) -> str:
        now = int(clock.now().timestamp())
        claims = {"iss": self._team, "iat": now, "exp": now + int(LIFE.total_seconds())}
        return jwt.encode(claims, self._key, "ES256", headers={"kid": self._key_id})
