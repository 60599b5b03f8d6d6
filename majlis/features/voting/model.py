"""Nouns of voting."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.polls.model import PollOption
from majlis.kit.errors import Conflict


class PollBody(msgspec.Struct):
    """The options of a new poll."""

    options: Annotated[list[Annotated[str, Meta(max_length=1000, examples=["Friday"])]], Meta(max_length=100)]


class VoteBody(msgspec.Struct):
    """The option chosen."""

    poll_option_id: UUID


class Results(msgspec.Struct):
    """The state of a poll."""

    poll_id: UUID
    total_votes: int
    options: list[PollOption]
    my_vote: UUID | None


class PollExists(Conflict):
    """A post has one poll."""

    code, detail = "poll_exists", "The post has its poll already."


class PollClosed(Conflict):
    """The post has expired."""

    code, detail = "poll_closed", "The poll is closed."
