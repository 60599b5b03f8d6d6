"""Nouns of timelines."""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from majlis.features.labels.model import normal
from majlis.features.posts.model import Post
from majlis.kit.errors import Refused

Timeframe = Literal["1h", "6h", "24h", "7d", "30d"]
FRAMES: dict[str, timedelta] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
REPOSTS_COUNT = 2  # so many likes is a repost worth in the score


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """What posts of a list are labelled with. Everything given must hold."""

    category: str | None = None
    market: str | None = None
    symbol: str | None = None
    tag: str | None = None  # a hashtag, or one of the tags of the metadata

    def metadata(self) -> dict[str, str]:
        """The strings that the metadata holds under the same keys."""
        given = {"category": self.category, "market": self.market, "symbol": self.symbol}
        return {key: value for key, value in given.items() if value is not None}

    def tags(self) -> list[str]:
        """The tag as it is stored, if one is asked for."""
        return [] if self.tag is None else [normal(self.tag)]

    def __bool__(self) -> bool:
        return any(value is not None for value in msgspec.structs.astuple(self))


class Marks(msgspec.Struct):
    """What a short post has besides what every post has."""

    id: UUID
    metadata: dict[str, Any] | msgspec.Raw
    hashtags: list[str]
    total_reposts: int
    total_bookmarks: int
    reposted_by_me: bool


class News(msgspec.Struct):
    """How many new posts stand in somebody's home."""

    viewer: UUID
    posts: int


class Short(msgspec.Struct):
    """A post of a timeline as this viewer sees it."""

    post: Post
    marks: Marks

    @property
    def text(self) -> str:
        """What it says: a title that it may have from elsewhere comes first."""
        return "\n\n".join(part for part in (self.post.title, self.post.description) if part)


class FilterRequired(Refused):
    """A list by labels needs a label."""

    code, status, detail = "filter_required", 400, "Give category, market, symbol or tag."
