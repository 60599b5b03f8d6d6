"""Nouns of what asks for somebody."""

from uuid import UUID

import msgspec

from majlis.features.discussions.model import ChannelMessage
from majlis.kit.http import PageQuery


class AttentionQuery(PageQuery, kw_only=True):
    """All, or only what is new."""

    unread_only: bool = False


class Thread(msgspec.Struct):
    """A thread that the caller follows: what is new in it, and its latest replies in their order."""

    root: ChannelMessage
    unread_count: int
    mention_count: int
    last_replies: list[ChannelMessage]


class Said(msgspec.Struct, frozen=True):
    """A message in a channel, and the member up to whom it is known who is to hear of it."""

    message_id: UUID
    after: UUID


class Missed(msgspec.Struct, frozen=True):
    """A message in a channel that somebody may be about to read."""

    message_id: UUID
    user_id: UUID
