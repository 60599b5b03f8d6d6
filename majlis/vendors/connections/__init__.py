"""Accounts at social networks that people connect: who they are there, and tokens that last.

Each network is a line of `table.py` over one base, `oauth2.py`; Apple Music has no sign-in pages and stands alone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from majlis.settings import BadSettings, Settings
from majlis.vendors.connections.notices import Notice
from majlis.vendors.linking import NotConfigured

OAUTH = ("instagram", "tiktok", "youtube", "spotify", "twitter", "soundcloud")
CALLBACK = "/sioree/api/social/{platform}/callback"


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a network gives. Where there is no refresh token, the access token itself may be renewed."""

    access_token: str
    refresh_token: str | None = None
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        """Without values: this may end up in a log."""
        return "Tokens(…)"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is at a network. The username is bare, without a sign before it."""

    subject: str
    username: str
    profile_url: str | None = None
    app_subject: str | None = None  # who they are for our app alone, where the network names them so too


class Platform(Protocol):
    """A network with sign-in pages. All that ask it raise ProviderFailed, or GrantOver where a token is nothing any more."""

    @property
    def pkce(self) -> bool:
        """Whether an attempt needs a verifier."""

    @property
    def renews(self) -> bool:
        """Whether tokens can be renewed without the person."""

    def authorize_url(self, state: str, verifier: str | None) -> str:
        """Where a person allows it."""

    async def exchange(self, code: str, verifier: str | None) -> Tokens:
        """What the person's code is worth; it counts once."""

    async def refresh(self, tokens: Tokens) -> Tokens:
        """Newer tokens; the older ones may be over at once."""

    async def profile(self, tokens: Tokens) -> Profile:
        """Who the tokens stand for."""

    async def revoke(self, token: str) -> None:
        """Take back what was allowed, where the network lets one. One that is over already is no error."""

    def notice(self, body: bytes, signature: str) -> Notice | None:
        """What the network tells by itself; None where it is nothing to us. Raises BadNotice."""

    async def aclose(self) -> None:
        """Close the connections."""


class Music(Protocol):
    """Apple Music, whose tokens the app gets on the device."""

    async def profile(self, user_token: str) -> Profile:
        """Who the token stands for, as far as Apple tells. Raises GrantOver or ProviderFailed."""

    async def aclose(self) -> None:
        """Close the connections."""


class Platforms:
    """Those that this server has settings for."""

    def __init__(self, known: Mapping[str, Platform], music: Music | None, app_link: str) -> None:
        self._known = known
        self._music = music
        self._app_link = app_link

    def get(self, name: str) -> Platform:
        """A network by its name. Raises NotConfigured."""
        found = self._known.get(name)
        if found is None:
            raise NotConfigured()
        return found

    @property
    def music(self) -> Music:
        """Apple Music. Raises NotConfigured."""
        if self._music is None:
            raise NotConfigured()
        return self._music

    def app_link(self, name: str) -> str:
        """Where in the app people end who come from a network."""
        return self._app_link.replace("{platform}", name)

    async def aclose(self) -> None:
        """Close the connections."""
        for one in self._known.values():
            await one.aclose()
        if self._music is not None:
            await self._music.aclose()


def from_settings(settings: Settings) -> Platforms:
    """The networks whose settings are there. BadSettings when some of one are missing or cannot be used."""
    names = {name: "client_key" if name == "tiktok" else "client_id" for name in OAUTH}
    set_up: dict[str, tuple[str, str]] = {}
    for name, key in names.items():
        client, secret = getattr(settings, f"{name}_{key}"), getattr(settings, f"{name}_client_secret")
        if bool(client) != bool(secret):
            shown = name.upper()
            raise BadSettings(
                f"MAJLIS_{shown}_{key.upper()} and MAJLIS_{shown}_CLIENT_SECRET belong together"
            )
        if client:
            set_up[name] = (client, secret)
    if settings.social_url and not settings.social_url.startswith(("http://", "https://")):
        raise BadSettings("MAJLIS_SOCIAL_URL must begin with https:// or http://")
    parts = (settings.apple_music_team_id, settings.apple_music_key_id, settings.apple_music_private_key)
    if any(parts) and not all(parts):
        raise BadSettings("MAJLIS_APPLE_MUSIC_TEAM_ID, _KEY_ID and _PRIVATE_KEY belong together")
    known: dict[str, Platform] = {}
    music: Music | None = None
    agent, callback = f"majlis ({settings.base_url()})", settings.social_callback_url
    if set_up:  # only here: a server without these need not carry an HTTP client
        from majlis.vendors.connections import table
        from majlis.vendors.connections.oauth2 import OAuth2

        for name, (client, secret) in set_up.items():
            back = (callback or settings.base_url() + CALLBACK).replace("{platform}", name)
            known[name] = OAuth2(table.NETWORKS[name], client, secret, back, agent, settings.social_url)
    if all(parts):
        from majlis.vendors.connections.apple_music import AppleMusic

        music = AppleMusic(*parts, agent, settings.social_url)
    return Platforms(known, music, settings.social_app_link)
