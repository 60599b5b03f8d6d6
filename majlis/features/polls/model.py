"""Nouns of polls."""

from datetime import datetime
from uuid import UUID

import msgspec


class PollOption(msgspec.Struct):
    """An answer to choose, with its share of all votes in per cent."""

    id: UUID
    poll_id: UUID
    option: str
    vote_count: int
    percent: float
    created_at: datetime
    updated_at: datetime


class Poll(msgspec.Struct):
    """The poll of a post."""

    id: UUID
    post_id: UUID
    options: list[PollOption]
    total_votes: int
    my_vote: UUID | None
    created_at: datetime
    updated_at: datetime
