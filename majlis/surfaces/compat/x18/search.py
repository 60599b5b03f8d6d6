"""Searching people, posts and hashtags."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from majlis.app import App
from majlis.features.labels import service as labels
from majlis.features.labels.model import DAYS
from majlis.features.search import service as people
from majlis.features.timelines import service as timelines
from majlis.kit import http, page
from majlis.kit.db import Reader
from majlis.kit.errors import FieldFault, Invalid
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.door import LimitOffset
from majlis.surfaces.compat.x18 import encoding, shapes
from majlis.surfaces.compat.x18.shapes import Hashtag, Post, Posts, UserPublic, Users

api = http.Api("search")


class WordsQuery(LimitOffset, kw_only=True):
    """What to look for."""

    q: Annotated[str, Meta(max_length=100, examples=["bitcoin"])] | None = None

    def words(self) -> str:
        """What is looked for. Raises Invalid without anything."""
        words = (self.q or "").strip()
        if not words:
            fault = FieldFault("q", "required", "What are you looking for?")
            raise Invalid(fault.message, code="query_required", fields=[fault])
        return words


class SearchQuery(WordsQuery, kw_only=True):
    """What to look for, among what."""

    type: Literal["all", "users", "posts", "hashtags"] = "all"


class Found(msgspec.Struct):
    """What was found; empty where it was not looked for."""

    users: list[UserPublic]
    posts: list[Post]
    hashtags: list[Hashtag]
    limit: int
    offset: int


class TagPosts(msgspec.Struct):
    """A page of the posts with a hashtag, and the tag in small letters."""

    tag: str
    posts: list[Post]
    limit: int
    offset: int
    has_more: bool


class TagsQuery(msgspec.Struct, kw_only=True):
    """How many tags."""

    limit: Annotated[int, Meta(ge=1, le=page.MAXIMUM)] = 10


class TrendingTags(msgspec.Struct):
    """Tags of most public posts of the last days."""

    hashtags: list[Hashtag]
    window_days: int


@api.get("/api/search", policy=access.optional)
async def everything(app: App, me: Me, query: SearchQuery) -> Found:
    """People, posts and hashtags, a page of each; or of one kind alone."""
    words, found = query.words(), Found([], [], [], query.limit, query.offset)
    async with app.db.read() as tx:
        if query.type in ("all", "users"):
            found.users = (await _users(tx, me, words, query)).users
        if query.type in ("all", "posts"):
            found.posts = (await _posts(tx, me, words, query)).posts
        if query.type in ("all", "hashtags"):
            tags = await labels.search(tx, me, words, query.limit, query.offset)
            found.hashtags = [Hashtag(one.tag, one.posts) for one in tags]
    return found


@api.get("/api/search/users", policy=access.optional)
async def users(app: App, me: Me, query: WordsQuery) -> Users:
    """People by username, display name and bio."""
    async with app.db.read() as tx:
        return await _users(tx, me, query.words(), query)


async def _users(tx: Reader, me: Me, words: str, query: LimitOffset) -> Users:
    found = await people.people(tx, me, words, query.paging())
    return Users(await shapes.listed(tx, me, found.items), query.limit, query.offset, query.more(found))


@api.get("/api/search/posts", policy=access.optional)
async def posts(app: App, me: Me, query: WordsQuery) -> Posts:
    """Posts by their content: every word must begin one of its words. The best come first."""
    async with app.db.read() as tx:
        return await _posts(tx, me, query.words(), query)


async def _posts(tx: Reader, me: Me, words: str, query: LimitOffset) -> Posts:
    found = await timelines.by_words(tx, me, words, query.paging())
    return await encoding.listed(tx, me, found, query)


@api.get("/api/search/hashtag/{tag}", policy=access.optional, errors=(400,))
async def hashtag(app: App, me: Me, tag: str, query: LimitOffset) -> TagPosts:
    """Posts with a hashtag, given without its sign and in any case; newest first."""
    async with app.db.read() as tx:
        stored, found = await timelines.tagged(tx, me, tag, query.paging())
        shown = await encoding.posts(tx, me, found.items)
    return TagPosts(stored, shown, query.limit, query.offset, query.more(found))


@api.get("/api/search/trending-hashtags", policy=access.none)
async def trending_hashtags(app: App, me: Me, query: TagsQuery) -> TrendingTags:
    """The tags of most public posts of the last seven days."""
    async with app.db.read() as tx:
        found = await labels.trending(tx, Me.anonymous, query.limit)
    return TrendingTags([Hashtag(one.tag, one.posts) for one in found], DAYS)
