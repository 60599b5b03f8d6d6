"""Posts, and what people do with them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.app import App
from majlis.features.labels import service as labels
from majlis.features.library import service as library
from majlis.features.library.model import Item
from majlis.features.paywall import service as paywall
from majlis.features.paywall.model import PaidCreate
from majlis.features.polls import service as polls
from majlis.features.posts import service as domain
from majlis.features.posts.model import PostCreate
from majlis.features.reactions import service as reactions
from majlis.features.reposts import service as reposts
from majlis.features.timelines import service as timelines
from majlis.kit import clock, http
from majlis.kit.errors import Invalid
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.surfaces.compat.door import LimitOffset
from majlis.surfaces.compat.x18 import encoding, shapes
from majlis.surfaces.compat.x18.shapes import Post, Posts

api = http.Api("posts")
people = http.Api("users")
ALL = "/api/posts"
ONE = ALL + "/{post_id}"
LONGEST = 2000  # characters, once trimmed
MOST_MEDIA = 4
Answer = Annotated[str, Meta(max_length=1000)]
Price = Annotated[Decimal, Meta(examples=["4.99"])]


class NewPoll(msgspec.Struct):
    """2 to 10 different answers, and until when one may choose; always without a time."""

    options: Annotated[list[Answer], Meta(max_length=100, examples=[["Up", "Down"]])]
    closes_at: Annotated[datetime, Meta(tz=True)] | None = None


class NewPost(msgspec.Struct):
    """A post. The content may be empty where there are media; metadata is any object of at most 16 KiB.

    With a poll the content is its question.

    With a price it is a paid post, in the currency of its author's prices: everybody sees the teaser, or else the first
    lines, and `preview_media_ids`; the rest is for those who buy it or subscribe. A null price is for subscribers alone.
    """

    content: Annotated[str, Meta(max_length=10 * LONGEST, examples=["Up again: #bitcoin"])]
    metadata: Annotated[
        dict[str, Any], Meta(examples=[{"category": "crypto", "symbol": "BTC", "price": 64000.5}])
    ] = {}
    media_ids: Annotated[list[UUID], Meta(max_length=MOST_MEDIA)] = []
    price: Price | None | UnsetType = UNSET
    teaser: Annotated[str, Meta(max_length=LONGEST)] | None = None
    preview_media_ids: Annotated[list[UUID], Meta(max_length=MOST_MEDIA)] = []
    poll: NewPoll | None = None


class Liked(msgspec.Struct):
    """Whether the caller likes it, and how many do."""

    liked: bool
    likes_count: int


class Retweeted(msgspec.Struct):
    """Whether the caller retweets it, and how many do."""

    retweeted: bool
    retweets_count: int


class Bookmarked(msgspec.Struct):
    """Whether the caller keeps it."""

    bookmarked: bool


# No Idempotency-Key here: with a price files are moved, and not inside a transaction.
@api.post(ALL, policy=access.user, status=201, idempotent=False, errors=(409,))
async def create(app: App, me: Me, body: NewPost) -> Post:
    """Post something. Hashtags are taken from the content; media are the caller's own uploads."""
    content, wanted = body.content.strip(), list(dict.fromkeys(body.media_ids))
    if not content and not wanted:
        raise Invalid.field("content", "A post needs words or media.", "required")
    if len(content) > LONGEST:
        raise Invalid.field("content", f"A post has at most {LONGEST} characters.", "too_long")
    if body.poll is not None and not content:
        raise Invalid.field("content", "A poll asks something.", "required")
    if body.price is not UNSET:
        post_id = await _publish_paid(app, me, body, wanted)
        async with app.db.tx() as tx:
            made = await domain.read(tx, me, post_id)  # it may wait for a moderator
            (shown,) = await encoding.posts(tx, me, await timelines.dressed(tx, me, [made]))
        return shown
    async with app.db.tx() as tx:
        kept = await library.mine(tx, me, wanted, "media_ids")
        made = await labels.publish(tx, me, _new(body.poll, content, kept), body.metadata)
        (shown,) = await encoding.posts(tx, me, await timelines.dressed(tx, me, [made]))
    return shown


def _new(poll: NewPoll | None, content: str, kept: list[Item]) -> PostCreate:
    """The same for the domain. Raises Invalid for answers that are none, or a poll that is over."""
    new = PostCreate(type="FEED", description=content or None, attachments=[item.photo for item in kept])
    if poll is None:
        return new
    if poll.closes_at is not None and poll.closes_at <= clock.now():
        raise Invalid.field("poll.closes_at", "This lies behind us.")
    options = polls.checked(poll.options, "poll.options")
    closes_at = UNSET if poll.closes_at is None else poll.closes_at
    return msgspec.structs.replace(new, type="POLL", poll_options=options, expired_at=closes_at)


async def _publish_paid(app: App, me: Me, body: NewPost, wanted: list[UUID]) -> UUID:
    if body.poll is not None:
        raise Invalid.field("poll", "A poll is for everybody.")
    async with app.db.tx() as tx:
        currency = (await paywall.settings(tx, me)).currency
        preview = await library.mine(tx, me, list(dict.fromkeys(body.preview_media_ids)), "preview_media_ids")
    price = shapes.minor(body.price, currency, "price") if isinstance(body.price, Decimal) else None
    if price == 0:
        raise Invalid.field("price", "A paid post costs something.")
    new = PaidCreate(
        text=body.content.strip(),
        teaser=body.teaser,
        price=price,
        currency=currency,
        metadata=body.metadata,
        preview=[item.photo for item in preview],
    )
    return await paywall.publish(app, me, new, wanted)


@api.get(ONE, policy=access.optional)
async def get(app: App, me: Me, post_id: UUID) -> Post:
    """A post."""
    async with app.db.read() as tx:
        (shown,) = await encoding.posts(tx, me, [await timelines.get(tx, me, post_id)])
    return shown


@api.delete(ONE, policy=access.owner, status=204)
async def delete(app: App, me: Me, post_id: UUID) -> None:
    """Delete a post of one's own."""
    async with app.db.tx() as tx:
        await domain.delete(tx, me, post_id)


@api.post(ONE + "/like", policy=access.user)
async def like(app: App, me: Me, post_id: UUID) -> Liked:
    """Like a post; again changes nothing."""
    async with app.db.tx() as tx:
        await timelines.check(tx, me, post_id)
        state = await reactions.like(tx, me, post_id)
    return Liked(state.liked_by_me, state.total_likes)


@api.delete(ONE + "/like", policy=access.user)
async def unlike(app: App, me: Me, post_id: UUID) -> Liked:
    """Take a like back; again changes nothing."""
    async with app.db.tx() as tx:
        await timelines.check(tx, me, post_id)
        state = await reactions.unlike(tx, me, post_id)
    return Liked(state.liked_by_me, state.total_likes)


@api.post(ONE + "/retweet", policy=access.user, errors=(409,))
async def retweet(app: App, me: Me, post_id: UUID) -> Retweeted:
    """Retweet a public post; again changes nothing. It stands in the home of one's followers from now on."""
    async with app.db.tx() as tx:
        await timelines.check(tx, me, post_id)
        state = await reposts.repost(tx, me, post_id)
    return Retweeted(state.reposted_by_me, state.total_reposts)


@api.delete(ONE + "/retweet", policy=access.user)
async def unretweet(app: App, me: Me, post_id: UUID) -> Retweeted:
    """Take a retweet back; again changes nothing."""
    async with app.db.tx() as tx:
        await timelines.check(tx, me, post_id)
        state = await reposts.unrepost(tx, me, post_id)
    return Retweeted(state.reposted_by_me, state.total_reposts)


@api.post(ONE + "/bookmark", policy=access.user)
async def bookmark(app: App, me: Me, post_id: UUID) -> Bookmarked:
    """Keep a post; again changes nothing. Nobody is told."""
    async with app.db.tx() as tx:
        await timelines.check(tx, me, post_id)
        state = await reactions.bookmark(tx, me, post_id)
    return Bookmarked(state.bookmarked_by_me)


@api.delete(ONE + "/bookmark", policy=access.user)
async def unbookmark(app: App, me: Me, post_id: UUID) -> Bookmarked:
    """Keep a post no longer; again changes nothing."""
    async with app.db.tx() as tx:
        await timelines.check(tx, me, post_id)
        state = await reactions.unbookmark(tx, me, post_id)
    return Bookmarked(state.bookmarked_by_me)


@api.get("/api/bookmarks", policy=access.user)
async def bookmarks(app: App, me: Me, query: LimitOffset) -> Posts:
    """What the caller keeps, the newest bookmark first."""
    async with app.db.read() as tx:
        found = await timelines.bookmarks(tx, me, query.paging())
        return await encoding.listed(tx, me, found, query)


@people.get("/api/users/{user_id}/posts", policy=access.optional)
async def of_user(app: App, me: Me, user_id: UUID, query: LimitOffset) -> Posts:
    """What a person posted, newest first; their retweets stand in their timeline."""
    async with app.db.read() as tx:
        found = await timelines.written_by(tx, me, user_id, query.paging())
        return await encoding.listed(tx, me, found, query)
