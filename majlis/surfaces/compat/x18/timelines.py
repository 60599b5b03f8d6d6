"""Timelines: lists of posts, filtered by their metadata."""

from typing import Annotated, cast
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.app import App
from majlis.features.timelines import service as timelines
from majlis.features.timelines.model import FRAMES, Labels, Timeframe
from majlis.kit import http
from majlis.kit.errors import FieldFault, Invalid
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.door import LimitOffset
from majlis.surfaces.compat.x18 import encoding
from majlis.surfaces.compat.x18.shapes import Post, Posts

api = http.Api("timeline")
Value = Annotated[str, Meta(max_length=200)]


class FilterQuery(LimitOffset, kw_only=True):
    """Which posts: those that hold everything given. A tag is a hashtag, or one of the tags of the metadata."""

    category: Value | None = None
    market: Value | None = None
    symbol: Value | None = None
    tag: Value | None = None

    def labels(self) -> Labels:
        """The same for the domain."""
        return Labels(category=self.category, market=self.market, symbol=self.symbol, tag=self.tag)


class TrendingQuery(FilterQuery, kw_only=True):
    """Which posts, of which time."""

    timeframe: Annotated[str, Meta(examples=["24h"], description="1h, 6h, 24h, 7d or 30d")] = "24h"

    def frame(self) -> Timeframe:
        """The time asked for. Raises Invalid."""
        if self.timeframe not in FRAMES:
            words = f"A timeframe is one of {', '.join(FRAMES)}."
            fault = FieldFault("timeframe", "invalid", words)
            raise Invalid(words, code="invalid_timeframe", fields=[fault])
        return cast(Timeframe, self.timeframe)


class TrendingPosts(msgspec.Struct):
    """A page of the posts of a time that people like and retweet most."""

    posts: list[Post]
    timeframe: str
    limit: int
    offset: int
    has_more: bool


@api.get("/api/timeline/home", policy=access.user)
async def home(app: App, me: Me, query: FilterQuery) -> Posts:
    """What the caller and those whom they follow posted or retweeted, newest first; each post once."""
    async with app.db.read() as tx:
        found = await timelines.home(tx, me, query.labels(), query.paging())
        return await encoding.listed(tx, me, found, query)


@api.get("/api/timeline/explore", policy=access.optional)
async def explore(app: App, me: Me, query: FilterQuery) -> Posts:
    """Public posts, newest first."""
    async with app.db.read() as tx:
        found = await timelines.explore(tx, me, query.labels(), query.paging())
        return await encoding.listed(tx, me, found, query)


@api.get("/api/timeline/trending", policy=access.optional)
async def trending(app: App, me: Me, query: TrendingQuery) -> TrendingPosts:
    """Public posts of a time by likes and, twice as much each, retweets; then newest first."""
    frame = query.frame()
    async with app.db.read() as tx:
        found = await timelines.trending(tx, me, frame, query.labels(), query.paging())
        shown = await encoding.posts(tx, me, found.items)
    return TrendingPosts(shown, frame, query.limit, query.offset, query.more(found))


@api.get("/api/timeline/user/{user_id}", policy=access.optional)
async def of_user(app: App, me: Me, user_id: UUID, query: FilterQuery) -> Posts:
    """What a person posted and retweeted, newest first; each post once."""
    async with app.db.read() as tx:
        found = await timelines.of_user(tx, me, user_id, query.labels(), query.paging())
        return await encoding.listed(tx, me, found, query)


@api.get("/api/timeline/search", policy=access.optional)
async def search(app: App, me: Me, query: FilterQuery) -> Posts:
    """Posts by their metadata alone, newest first. At least one filter must be given."""
    async with app.db.read() as tx:
        found = await timelines.search(tx, me, query.labels(), query.paging())
        return await encoding.listed(tx, me, found, query)
