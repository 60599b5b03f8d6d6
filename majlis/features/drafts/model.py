"""Nouns of drafts, in and out."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.posts.model import SERVER_OWNED, Fields, Option, Photos, PostTypeIn
from majlis.kit.errors import Conflict, FieldFault
from majlis.kit.http import PageQuery

MOST = 100  # drafts of one person


class Contents(Fields, kw_only=True):
    """What the post will be made of, as much of it as there is yet: the body of POST /api/v1/posts."""

    type: PostTypeIn | UnsetType = UNSET
    business_id: UUID | None | UnsetType = UNSET
    attachments: Photos | UnsetType = UNSET
    poll_options: Annotated[list[Option], Meta(max_length=10)] | None | UnsetType = UNSET


class DraftBody(Contents, kw_only=True):
    """A draft as its owner writes it. In a change absent fields stay and null clears."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED | {"failure"}

    publish_at: (
        Annotated[
            datetime,
            Meta(
                tz=True,
                description="when the server publishes it by itself, at most a year ahead",
                examples=["2031-03-21T08:00:00+04:30"],
            ),
        ]
        | None
        | UnsetType
    ) = UNSET


class Failure(msgspec.Struct):
    """Why a scheduled post was not published: the refusal that publishing it by hand would have met."""

    code: str
    message: str
    details: list[FieldFault]
    failed_at: datetime


class Draft(Contents, kw_only=True):
    """A draft; fields of the post that were not given are absent. A failure is gone with the next change."""

    id: UUID
    publish_at: datetime | None
    failure: Failure | None
    created_at: datetime
    updated_at: datetime


class DraftQuery(PageQuery, kw_only=True):
    """Which drafts: with a time or without; all of them when left out."""

    scheduled: bool | None = None


class Due(msgspec.Struct, frozen=True):
    """A scheduled post whose time has come."""

    draft_id: UUID


class TooManyDrafts(Conflict):
    """Nobody keeps more drafts than this."""

    code, detail = "too_many_drafts", f"You can keep {MOST} drafts. Publish or delete one first."
