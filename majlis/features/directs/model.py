"""Nouns of direct conversations in a workspace."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import NotFound

MOST = 8  # people beside the caller


class DirectOpen(msgspec.Struct):
    """With whom to converse: one person of the workspace, or a few."""

    user_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MOST)]


class NoPerson(NotFound):
    """Somebody is not in the workspace, or the caller does not see them there."""

    detail = "There is no such person in the workspace."
