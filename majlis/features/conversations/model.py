"""Nouns of conversations and their logs, and what is refused. Codes are those of contracts/realtime.md."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

import msgspec

from majlis.kit import ids
from majlis.kit.errors import FieldFault, Forbidden, Invalid, NotFound

Kind = Literal["dm", "group_dm", "channel"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_MEMBERS = 50  # of a group
RECEIPTS = 50  # people in a channel, up to which it is noted who has read what


class Place(msgspec.Struct):
    """A conversation and the viewer's place in it.

    `met` is false where the other one of a dm is gone or blocks the viewer: there is nothing to see then.
    """

    id: UUID
    kind: Kind
    archived: bool
    met: bool
    other_id: UUID | None
    last_seq: int
    joined_seq: int
    last_read_seq: int


class Event(msgspec.Struct):
    """An entry of a log: what happened in a conversation (`c_<uuid>`) or to one person (`u_<uuid>`)."""

    stream: str
    seq: int
    type: str
    at: datetime
    data: msgspec.Raw


class Head(msgspec.Struct):
    """Where a log ends, and the first of its entries that this reader can still have."""

    stream: str
    seq: int
    min_seq: int
    status: Literal["live", "archived"] = "live"


class Heads(msgspec.Struct):
    """Logs that may be followed, and why others may not, by name."""

    heads: dict[str, Head]
    denied: dict[str, str]


class NotMember(NotFound):
    """There is no such conversation, or the caller is none of it."""

    code, detail = "not_a_member", "There is no such conversation of yours."


class MayNotWrite(Forbidden):
    """One of the two blocks the other."""

    code, detail = "blocked_by_user", "You cannot write to this person."


class NotAccepted(Forbidden):
    """The recipient takes no messages from the caller."""

    code, detail = "messages_not_accepted", "This person does not accept messages from you."


class Archived(Forbidden):
    """Nothing is written any more."""

    code, detail = "channel_archived", "This conversation is archived."


class Crowded(Invalid):
    """A group has so many members only."""

    code, detail = "too_many_members", f"A group has at most {MAX_MEMBERS} members."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("user_ids", "too_many", self.detail)])


class Alone(Invalid):
    """Nobody converses with themselves."""

    code, detail = "oneself", "You cannot write to yourself."

    def __init__(self, field: str = "user_id") -> None:
        super().__init__(fields=[FieldFault(field, "oneself", self.detail)])


def conversation_stream(conversation_id: UUID) -> str:
    """The name of a conversation's log on the wire."""
    return f"c_{conversation_id}"


def user_stream(user_id: UUID) -> str:
    """The name of a person's log on the wire."""
    return f"u_{user_id}"


def parted(streams: Sequence[str]) -> tuple[list[UUID], list[UUID]]:
    """The conversations and the people behind names of logs; names of nothing are left out."""
    found: dict[str, list[UUID]] = {"c_": [], "u_": []}
    for name in streams:
        named = ids.parse(name[2:])
        if named is not None and str(named) == name[2:]:
            found.get(name[:2], []).append(named)
    return found["c_"], found["u_"]
