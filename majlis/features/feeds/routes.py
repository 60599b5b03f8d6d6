"""Lists of posts over HTTP."""

from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.feeds import service
from majlis.features.feeds.model import (
    Feed,
    FeedQuery,
    FilterQuery,
    MineQuery,
    NearbyQuery,
    PlaceQuery,
    SearchQuery,
    TypeQuery,
)
from majlis.features.posts.model import Post
from majlis.kit import http
from majlis.kit.errors import Invalid
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("posts")
POSTS = "/api/v1/posts"


@api.get(POSTS, policy=access.optional)
async def feed(app: App, me: Me, query: FeedQuery) -> Feed:
    """The feed: recent, nearby or trending, with filters that combine freely.

    Where nothing lies within 10 km and no `radius_km` was given, what lies within 100 km comes, else posts from
    anywhere; `widened` says so.
    """
    async with app.db.read() as tx:
        return await service.feed(app, tx, me, query, query.sort)


@api.get(POSTS + "/trending", policy=access.optional)
async def trending(app: App, me: Me, query: PlaceQuery) -> http.Listing[Post]:
    """The posts of the last seven days that people react to most."""
    wanted = FilterQuery(**msgspec.structs.asdict(query))
    async with app.db.read() as tx:
        return http.listing(await service.search(app, tx, me, wanted, "trending"))


@api.get(POSTS + "/nearby", policy=access.optional)
async def nearby(app: App, me: Me, query: NearbyQuery) -> Feed:
    """Posts around a point, nearest first; from farther away where there are none, as in the feed."""
    wanted = FilterQuery(**msgspec.structs.asdict(query))
    async with app.db.read() as tx:
        return await service.feed(app, tx, me, wanted, "nearby")


async def search(app: App, me: Me, query: SearchQuery) -> http.Listing[Post]:
    """Full-text search in titles and descriptions, with the filters of the feed.

    `relevance` weighs the latest 1,000 posts that match; the other orders hold all.
    """
    if query.q is None:
        raise Invalid.field("q", "What are you looking for?", "required")
    async with app.db.read() as tx:
        return http.listing(await service.search(app, tx, me, query, query.sort))


api.get(POSTS + "/search", policy=access.optional)(search)
api.get("/api/v1/search/posts", policy=access.optional)(search)


@api.get("/api/v1/users/me/posts", policy=access.user)
async def my_posts(app: App, me: Me, query: MineQuery) -> http.Listing[Post]:
    """The caller's own posts, newest first."""
    async with app.db.read() as tx:
        return http.listing(await service.mine(tx, me, query))


@api.get("/api/v1/users/{user_id}/posts", policy=access.optional)
async def user_posts(app: App, me: Me, user_id: UUID, query: TypeQuery) -> http.Listing[Post]:
    """Somebody's posts, newest first."""
    async with app.db.read() as tx:
        return http.listing(await service.of_user(tx, me, user_id, query.type, query.paging()))


@api.get("/api/v1/businesses/{business_id}/posts", policy=access.optional)
async def business_posts(app: App, me: Me, business_id: UUID, query: TypeQuery) -> http.Listing[Post]:
    """What was posted in the name of a business, newest first."""
    async with app.db.read() as tx:
        return http.listing(await service.of_business(tx, me, business_id, query.type, query.paging()))


@api.get("/api/v1/users/me/bookmarks", policy=access.user)
async def my_bookmarks(app: App, me: Me, query: TypeQuery) -> http.Listing[Post]:
    """The caller's bookmarks, the newest first."""
    async with app.db.read() as tx:
        return http.listing(await service.bookmarks(tx, me, query.type, query.paging()))
