"""Sign-in with Google, Apple and Facebook: who a token stands for, as its provider vouches."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from majlis.kit.errors import NotFound, Unauthenticated, Unavailable
from majlis.settings import BadSettings, Settings, listed

TIMEOUT_S = 6.0  # for each question to a provider: somebody waits for it


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What an app got from a provider. The nonce is the one that the app made, the code is Apple's only."""

    token: str
    nonce: str | None = None
    code: str | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a provider vouches for. Only issuer and subject together say who it is; `client_id` asked for it."""

    issuer: str
    subject: str
    client_id: str
    email: str | None = None
    email_verified: bool = False
    first_name: str | None = None
    last_name: str | None = None


class BadProviderToken(Unauthenticated):
    """A token or code that its provider did not give, not to our app, or that is over."""

    code, detail = "bad_provider_token", "The provider's token is not valid here."


class NonceMismatch(BadProviderToken):
    """The token was made for another attempt to sign in."""

    code, detail = "nonce_mismatch", "The nonce is not the one in the token."


class ProviderUnavailable(Unavailable):
    """The provider does not answer, or not as documented."""

    code, status, detail = "provider_unavailable", 502, "The provider does not answer. Try again shortly."


class ProviderDisabled(NotFound):
    """This server has no settings for the provider."""

    code, detail = "provider_disabled", "This way of signing in is not set up on this server."


class Provider(Protocol):
    """A company that people sign in by."""

    async def person(self, proof: Proof) -> Person:
        """Whom the token stands for. Raises BadProviderToken or ProviderUnavailable."""

    async def aclose(self) -> None:
        """Close the connections."""


class Apple(Provider, Protocol):
    """Apple also gives a token that lasts, and that must be revoked when the account is deleted."""

    @property
    def can_exchange(self) -> bool:
        """Whether there is a key that codes can be exchanged with."""

    async def exchange(self, code: str, person: Person) -> str:
        """The refresh token for an authorization code of this person.

        Raises BadProviderToken or ProviderUnavailable.
        """

    async def revoke(self, client_id: str, refresh_token: str) -> None:
        """Take back what the person allowed the app. Raises ProviderUnavailable."""


class Providers:
    """Those that this server has settings for."""

    def __init__(self, known: Mapping[str, Provider], apple: Apple | None = None) -> None:
        self.apple = apple
        self._known = {**known, **({"apple": apple} if apple else {})}

    def get(self, name: str) -> Provider:
        """A provider by its name. Raises ProviderDisabled."""
        found = self._known.get(name)
        if found is None:
            raise ProviderDisabled()
        return found

    async def aclose(self) -> None:
        """Close the connections."""
        for provider in self._known.values():
            await provider.aclose()


def from_settings(settings: Settings) -> Providers:
    """The providers whose settings are there. BadSettings when some of one are missing or cannot be used."""
    known: dict[str, Provider] = {}
    apple: Apple | None = None
    agent = f"majlis ({settings.base_url()})"
    for name in ("google", "apple", "facebook"):
        url = getattr(settings, f"{name}_url")
        if url and not url.startswith(("http://", "https://")):
            raise BadSettings(f"MAJLIS_{name.upper()}_URL must begin with https:// or http://")
    # Only here: a server without these need not carry an HTTP client.
    if settings.google_client_ids:
        from majlis.vendors.oauth.google import Google

        known["google"] = Google(agent, listed(settings.google_client_ids), settings.google_url)
    if settings.apple_client_ids:
        from majlis.vendors.oauth.apple import from_settings as open_apple

        apple = open_apple(agent, settings)
    if bool(settings.facebook_app_id) != bool(settings.facebook_app_secret):
        raise BadSettings("MAJLIS_FACEBOOK_APP_ID and MAJLIS_FACEBOOK_APP_SECRET belong together")
    if settings.facebook_app_id:
        from majlis.vendors.oauth.facebook import Facebook

        known["facebook"] = Facebook(
            agent, settings.facebook_app_id, settings.facebook_app_secret, settings.facebook_url
        )
    return Providers(known, apple)
