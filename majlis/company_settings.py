"""Settings of companies whose accounts people bring: to sign in by, banks through Plaid, social networks."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

SECRET = {"secret": True}  # marks a value that must never be shown


class CompanySettings(msgspec.Struct, frozen=True, kw_only=True):
    """A part of `Settings`. What has no settings answers that it is not configured."""

    google_client_ids: Annotated[
        str, Meta(description="comma-separated client ids of the apps; empty turns sign-in with Google off")
    ] = ""
    google_url: Annotated[str, Meta(description="where Google's keys are, instead of Google")] = ""
    apple_client_ids: Annotated[
        str, Meta(description="comma-separated bundle and services ids; empty turns sign-in with Apple off")
    ] = ""
    apple_team_id: Annotated[str, Meta(description="team of the key for Apple")] = ""
    apple_key_id: Annotated[str, Meta(description="id of the key for Apple")] = ""
    apple_private_key: Annotated[
        str,
        Meta(
            description="text of the .p8 file, line breaks as \\n if need be; lets deletion revoke at Apple",
            extra=SECRET,
        ),
    ] = ""
    apple_redirects: Annotated[
        str, Meta(description="services id=redirect address pairs with commas, as the apps use them")
    ] = ""
    apple_url: Annotated[str, Meta(description="another address instead of Apple's")] = ""
    facebook_app_id: Annotated[str, Meta(description="empty turns sign-in with Facebook off")] = ""
    facebook_app_secret: Annotated[str, Meta(description="secret of the app at Facebook", extra=SECRET)] = ""
    facebook_url: Annotated[str, Meta(description="another address instead of Facebook's Graph API")] = ""
    plaid_client_id: Annotated[str, Meta(description="empty turns bank accounts off")] = ""
    plaid_secret: Annotated[str, Meta(description="secret of the client at Plaid", extra=SECRET)] = ""
    plaid_env: Annotated[
        Literal["sandbox", "production"], Meta(description="which of Plaid's environments the secret is of")
    ] = "sandbox"
    plaid_client_name: Annotated[
        str, Meta(min_length=1, max_length=30, description="what Plaid calls the app to people")
    ] = "Sioree"
    plaid_webhook_url: Annotated[
        str,
        Meta(
            description="where Plaid tells of changes; empty means <public address>/sioree/api/webhooks/plaid"
        ),
    ] = ""
    plaid_url: Annotated[str, Meta(description="another address instead of Plaid's")] = ""
    instagram_client_id: Annotated[str, Meta(description="Instagram App ID; empty turns it off")] = ""
    instagram_client_secret: Annotated[str, Meta(description="secret of that app", extra=SECRET)] = ""
    tiktok_client_key: Annotated[
        str, Meta(description="client key at TikTok; empty turns it off", extra=SECRET)
    ] = ""
    tiktok_client_secret: Annotated[str, Meta(description="secret of that client", extra=SECRET)] = ""
    youtube_client_id: Annotated[
        str, Meta(description="web client at Google with the YouTube Data API v3; empty turns it off")
    ] = ""
    youtube_client_secret: Annotated[str, Meta(description="secret of that client", extra=SECRET)] = ""
    spotify_client_id: Annotated[str, Meta(description="client at Spotify; empty turns it off")] = ""
    spotify_client_secret: Annotated[str, Meta(description="secret of that client", extra=SECRET)] = ""
    twitter_client_id: Annotated[
        str, Meta(description="confidential client at X, which costs money per read; empty turns it off")
    ] = ""
    twitter_client_secret: Annotated[str, Meta(description="secret of that client", extra=SECRET)] = ""
    soundcloud_client_id: Annotated[str, Meta(description="client at SoundCloud; empty turns it off")] = ""
    soundcloud_client_secret: Annotated[str, Meta(description="secret of that client", extra=SECRET)] = ""
    apple_music_team_id: Annotated[str, Meta(description="team of the MusicKit key; empty turns it off")] = ""
    apple_music_key_id: Annotated[str, Meta(description="id of the MusicKit key")] = ""
    apple_music_private_key: Annotated[
        str, Meta(description="text of its .p8 file, line breaks as \\n if need be", extra=SECRET)
    ] = ""
    social_callback_url: Annotated[
        str,
        Meta(
            description="where social networks send people back to, with {platform} in it; "
            "empty means <public address>/sioree/api/social/{platform}/callback"
        ),
    ] = ""
    social_app_link: Annotated[
        str, Meta(description="link of the app that people are forwarded to, with {platform} in it")
    ] = "sioree://{platform}-callback"
    social_url: Annotated[str, Meta(description="another address instead of all the social networks'")] = ""
