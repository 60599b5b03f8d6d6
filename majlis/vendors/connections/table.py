"""The networks: their addresses, and in what they differ."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from majlis.vendors.connections import Profile
from majlis.vendors.connections.notices import Reader, meta, tiktok

Json = dict[str, Any]


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network that speaks OAuth 2, more or less."""

    name: str
    label: str
    authorize: str
    exchange: str  # where codes and refresh tokens become tokens
    profile: str
    read: Callable[[Json], Profile]  # raises LookupError or TypeError for what is no profile
    scopes: str
    profile_query: Mapping[str, str] = {}
    client: str = "client_id"  # what the parameter with our id is called
    more: Mapping[str, str] = {}  # beside the usual parameters of the page
    pkce: bool = True
    basic: bool = False  # our id and secret go into the header
    scheme: str = "Bearer"
    renew: str = ""  # where an access token that has no refresh token beside it is renewed
    longer: str = ""  # where the first token becomes one that lasts
    revoke: str = ""
    notice: Reader | None = None  # of what it tells by itself


def text(value: Any) -> str:
    """A name or id. Raises TypeError for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value or len(value) > 255 or not value.isprintable():
        raise TypeError("not a text")
    return value


def link(value: Any) -> str | None:
    """An https address, or None for what is none."""
    fine = (
        isinstance(value, str) and value.startswith("https://") and len(value) <= 2000 and value.isprintable()
    )
    return value if fine else None


def _instagram(found: Json) -> Profile:
    name = text(found["username"])
    return Profile(
        subject=text(found.get("user_id") or found["id"]),
        username=name,
        profile_url=f"https://instagram.com/{name}",
        app_subject=text(found["id"]) if found.get("id") else None,
    )


def _tiktok(found: Json) -> Profile:
    user = found["data"]["user"]
    handle = user.get("username")
    address = f"https://www.tiktok.com/@{text(handle)}" if handle else link(user.get("profile_deep_link"))
    return Profile(
        subject=text(user["open_id"]), username=text(handle or user["display_name"]), profile_url=address
    )


def _youtube(found: Json) -> Profile:
    channel = found["items"][0]  # whoever has no channel has no items
    name = channel["snippet"].get("customUrl") or channel["snippet"]["title"]
    own = text(channel["id"])
    return Profile(
        subject=own,
        username=text(name).removeprefix("@"),
        profile_url=f"https://www.youtube.com/channel/{own}",
    )


def _spotify(found: Json) -> Profile:
    own = text(found.get("id") or found["account_id"])
    return Profile(
        subject=text(found.get("account_id") or own),
        username=text(found.get("display_name") or own),
        profile_url=f"https://open.spotify.com/user/{own}",
    )


def _twitter(found: Json) -> Profile:
    user = found["data"]
    name = text(user["username"])
    return Profile(subject=text(user["id"]), username=name, profile_url=f"https://x.com/{name}")


def _soundcloud(found: Json) -> Profile:
    return Profile(
        subject=text(found["urn"]),
        username=text(found["username"]),
        profile_url=link(found.get("permalink_url")),
    )


NETWORKS = {
    one.name: one
    for one in (
        Network(
            name="instagram",
            label="Instagram",
            authorize="https://www.instagram.com/oauth/authorize",
            exchange="https://api.instagram.com/oauth/access_token",
            longer="https://graph.instagram.com/access_token",
            renew="https://graph.instagram.com/refresh_access_token",
            profile="https://graph.instagram.com/v25.0/me",
            profile_query={"fields": "id,user_id,username"},
            read=_instagram,
            scopes="instagram_business_basic",
            pkce=False,
            notice=meta,
        ),
        Network(
            name="tiktok",
            label="TikTok",
            authorize="https://www.tiktok.com/v2/auth/authorize/",
            exchange="https://open.tiktokapis.com/v2/oauth/token/",
            revoke="https://open.tiktokapis.com/v2/oauth/revoke/",
            profile="https://open.tiktokapis.com/v2/user/info/",
            profile_query={"fields": "open_id,display_name,avatar_url,username,profile_deep_link"},
            read=_tiktok,
            scopes="user.info.basic,user.info.profile",
            client="client_key",
            pkce=False,
            notice=tiktok,
        ),
        Network(
            name="youtube",
            label="YouTube",
            authorize="https://accounts.google.com/o/oauth2/v2/auth",
            exchange="https://oauth2.googleapis.com/token",
            revoke="https://oauth2.googleapis.com/revoke",
            profile="https://www.googleapis.com/youtube/v3/channels",
            profile_query={"part": "snippet", "mine": "true"},
            read=_youtube,
            scopes="https://www.googleapis.com/auth/youtube.readonly",
            more={"access_type": "offline", "prompt": "consent"},
        ),
        Network(
            name="spotify",
            label="Spotify",
            authorize="https://accounts.spotify.com/authorize",
            exchange="https://accounts.spotify.com/api/token",
            profile="https://api.spotify.com/v1/me",
            read=_spotify,
            scopes="user-read-private",
            basic=True,
        ),
        Network(
            name="twitter",
            label="X",
            authorize="https://x.com/i/oauth2/authorize",
            exchange="https://api.x.com/2/oauth2/token",
            revoke="https://api.x.com/2/oauth2/revoke",
            profile="https://api.x.com/2/users/me",
            profile_query={"user.fields": "id,username"},
            read=_twitter,
            scopes="users.read tweet.read offline.access",
            basic=True,
        ),
        Network(
            name="soundcloud",
            label="SoundCloud",
            authorize="https://secure.soundcloud.com/authorize",
            exchange="https://secure.soundcloud.com/oauth/token",
            revoke="https://secure.soundcloud.com/sign-out",
            profile="https://api.soundcloud.com/me",
            read=_soundcloud,
            scopes="",
            scheme="OAuth",
        ),
    )
}
