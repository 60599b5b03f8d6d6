"""Nouns of what asks for somebody."""

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
