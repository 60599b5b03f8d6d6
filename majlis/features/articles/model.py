"""Nouns of articles."""

import re
import secrets
import unicodedata
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from majlis.kit.errors import Conflict, FieldFault, Forbidden, Invalid, Malformed

Status = Literal["draft", "published", "archived"]
SHORTEST_TITLE, LONGEST_TITLE = 3, 255  # characters
SHORTEST_CONTENT = 10
LONGEST_SLUG = 200  # of 255: what makes it unique comes behind it
MOST_AT_ONCE = 100
BROADCAST = "starter"  # the channel of the bus for what everybody with a socket at that door may hear


class Item(msgspec.Struct):
    """An article without its text."""

    id: UUID
    author_id: UUID
    title: str
    slug: str
    status: Status
    view_count: int
    version: int
    created_at: datetime
    updated_at: datetime


class Article(Item):
    """An article."""

    content: str


class New(msgspec.Struct, kw_only=True):
    """An article to be written."""

    title: str
    content: str
    status: Literal["draft", "published"] = "draft"


class Change(msgspec.Struct, kw_only=True):
    """What is to change; `version` is the one that the caller has read."""

    title: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    version: int | UnsetType = UNSET


class Wanted(msgspec.Struct, kw_only=True):
    """Which articles: published ones, unless the caller asks for their own."""

    status: Status = "published"
    author_id: UUID | None = None
    search: str | None = None


class AlreadyPublished(Malformed):
    """Nothing is published twice."""

    code, detail = "already_published", "This post is published already."


class Stale(Conflict):
    """Somebody changed it after the caller had read it."""

    detail = "This post has been changed since you read it. Refresh and try again."


class NotYours(Forbidden):
    """Only the author does this."""

    def __init__(self, action: str) -> None:
        super().__init__(f"You can only {action} your own posts.")


def check(title: str | UnsetType, content: str | UnsetType) -> None:
    """Raises Invalid naming each field that is too short or too long, counted in characters."""
    wrong = []
    if title is not UNSET and not SHORTEST_TITLE <= len(title.strip()) <= LONGEST_TITLE:
        words = f"A title has {SHORTEST_TITLE} to {LONGEST_TITLE} characters."
        wrong.append(FieldFault("title", "bad_length", words))
    if content is not UNSET and len(content.strip()) < SHORTEST_CONTENT:
        words = f"The content has at least {SHORTEST_CONTENT} characters."
        wrong.append(FieldFault("content", "too_short", words))
    if wrong:
        raise Invalid(fields=wrong)


def _usable(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"  # letters, digits, and marks upon them, of any script


def slug_of(title: str) -> str:
    """The title as a part of an address, in its own script; `post-` and eight random characters without letters."""
    text = unicodedata.normalize("NFKC", title).lower()
    plain = "".join(character if _usable(character) else " " for character in text)
    slug = "-".join(plain.split())[:LONGEST_SLUG].strip("-")
    if not re.search(r"[^\W_]", slug):
        return f"post-{secrets.token_hex(4)}"
    return slug
