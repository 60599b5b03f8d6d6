"""Nouns of connected accounts, and what is refused of them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import FieldFault, Invalid, Malformed

Platform = Literal["instagram", "tiktok", "youtube", "spotify", "twitter", "soundcloud", "apple_music"]
Code = Annotated[str, Meta(max_length=4096, description="as the network gave it to the app; counts once")]
State = Annotated[str, Meta(max_length=255, description="as it was given with the address")]
MusicToken = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4096,
        pattern=r"^[!-~]+$",
        examples=["AqT1kXk0Zr5uUserToken"],
        description="from MusicKit on the device",
    ),
]


class Attempt(msgspec.Struct):
    """Where a person allows it, and what the app brings back together with the code."""

    url: str
    state: str


class ExchangeBody(msgspec.Struct):
    """What came back from the network."""

    code: Code
    state: State


class MusicBody(msgspec.Struct):
    """Apple Music has no pages to sign in at: the app gets a token on the device."""

    music_user_token: MusicToken


class Connection(msgspec.Struct):
    """An account at a network, as its owner sees it. The username has no sign before it."""

    id: UUID
    platform: Platform
    username: str
    profile_url: str | None
    is_connected: bool
    connected_at: datetime


class Connections(msgspec.Struct):
    """All of one's own."""

    data: list[Connection]


class Deletion(msgspec.Struct):
    """What Meta shows to people who had their data deleted: where they see what became of it, and under which code."""

    url: str
    confirmation_code: str


class Deleted(msgspec.Struct):
    """What became of it."""

    platform: Platform
    deleted_at: datetime


class DeletionStatus(msgspec.Struct):
    """The same for people to read."""

    status: Literal["deleted"]
    detail: Annotated[str, Meta(examples=["Everything that we kept of your instagram account was deleted."])]
    deleted_at: datetime


class BadState(Malformed):
    """No attempt of this person at this network, or it is over."""

    code, detail = "bad_state", "This attempt is not known, is over, or was used before. Start again."


class CodeRequired(Invalid):
    """What came back holds no code."""

    code = "code_required"

    def __init__(self) -> None:
        message = "The network's code is missing."
        super().__init__(message, fields=[FieldFault("code", "required", message)])


class UnknownPlatform(Malformed):
    """There is no such network."""

    code, detail = "unknown_platform", "There is no such platform."
