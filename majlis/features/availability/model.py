"""Nouns of what people say of themselves."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Chosen = Literal["auto", "away", "dnd"]
Shown = Literal["online", "away", "dnd", "offline"]
Moment = Annotated[datetime, Meta(tz=True)]
# A Unicode emoji, or a name without colons.
Emoji = Annotated[
    str, Meta(max_length=64, pattern=r"\A([a-z0-9_+-]{1,64}|[^\x00-\x7f\s]{1,32}|[0-9#*]\ufe0f?\u20e3)\Z")
]


class PresenceChoice(msgspec.Struct):
    """Whether somebody wants to seem away or not to be disturbed, and until when."""

    presence: Chosen
    until: datetime | None


class PresenceBody(msgspec.Struct):
    """`auto` shows what the devices tell. The rest ends by itself at `until`, if it is given."""

    presence: Chosen
    until: Moment | None = None


class UserStatus(msgspec.Struct):
    """What somebody says of themselves to those who share a workspace with them."""

    emoji: str | None
    text: str | None
    expires_at: datetime | None


class UserStatusBody(msgspec.Struct):
    """The whole status: what is left out is not said any more."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"user_id", "updated_at"})

    emoji: Emoji | None = None
    text: Annotated[str, Meta(max_length=100)] | None = None
    expires_at: Moment | None = None


class Told(msgspec.Struct, frozen=True):
    """What somebody chose, for processes whose connections watch them."""

    user_id: UUID
    presence: Chosen
    until: datetime | None


def shown(now: datetime, there: bool, active: bool, choice: PresenceChoice | Told | None) -> Shown:
    """How somebody is shown, by what their devices tell and what they chose. Who is not there is offline."""
    if not there:
        return "offline"
    if choice is not None and choice.presence != "auto" and (choice.until is None or choice.until > now):
        return choice.presence
    return "online" if active else "away"
