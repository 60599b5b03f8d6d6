"""Posts of the domain as posts of this door, a page at a time."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from msgspec import UNSET

from majlis.features.library import service as library
from majlis.features.paywall import service as paywall
from majlis.features.paywall.model import Paid
from majlis.features.posts.model import Attachment
from majlis.features.posts.service import attachments_of
from majlis.features.timelines.model import Short
from majlis.kit import page
from majlis.kit.db import Reader
from majlis.kit.me import Me
from majlis.surfaces.compat.door import LimitOffset
from majlis.surfaces.compat.x18 import shapes
from majlis.surfaces.compat.x18.shapes import Media, Post, Posts, UserPublic


async def posts(tx: Reader, me: Me, found: Sequence[Short]) -> list[Post]:
    """These posts as the caller sees them: at most three queries, for authors, media and what is behind paywalls."""
    authors = await shapes.users(tx, me, {one.post.user_id for one in found if one.post.user_id})
    attached = {one.post.id: attachments_of(one.post) for one in found}
    urls = {item.photo.url for items in attached.values() for item in items}
    paid = await paywall.of(tx, me, [one.post.id for one in found])
    kept = {url: shapes.media(item) for url, item in (await library.by_url(tx, me, urls)).items()}
    shown = []
    for one in found:
        author = authors.get(cast(UUID, one.post.user_id))
        if author is not None:  # else gone, or blocked, since the posts were read
            media = [kept.get(item.photo.url) or _media(item, author.id) for item in attached[one.post.id]]
            shown.append(_unlocked(_post(me, one, author, media), paid.get(one.post.id)))
    return shown


def _unlocked(post: Post, paid: Paid | None) -> Post:
    """A paid post with its price, and with what is behind its paywall for those who paid."""
    if paid is None:
        return post
    if not paid.free:
        post.price, post.currency = shapes.decimal(paid.price, paid.currency), paid.currency
        post.is_locked = not paid.unlocked
    if paid.text is not None:
        post.content = paid.text
        post.media += [shapes.paid_media(one, paid.author_id) for one in paid.media]
    return post


def _post(me: Me, one: Short, author: UserPublic, media: list[Media]) -> Post:
    post, marks, signed_in = one.post, one.marks, me.id is not None
    return Post(
        id=post.id,
        user_id=author.id,
        author=author,
        content=one.text,
        metadata=cast(dict[str, Any], marks.metadata),
        media=media,
        hashtags=marks.hashtags,
        likes_count=post.total_likes,
        retweets_count=marks.total_reposts,
        bookmarks_count=marks.total_bookmarks,
        is_liked=post.liked_by_me if signed_in else None,
        is_retweeted=marks.reposted_by_me if signed_in else None,
        is_bookmarked=post.bookmarked_by_me if signed_in else None,
        created_at=post.created_at,
        updated_at=post.updated_at,
        poll=UNSET if post.poll is None else shapes.poll(post.poll, post.expired_at),
    )


def _media(item: Attachment, owner: UUID) -> Media:
    """A picture that was attached at another door, where it is not kept under an id of its own."""
    photo = item.photo
    kind = "video" if photo.mime_type.startswith("video/") else "image"
    return Media(
        item.id, owner, photo.url, cast(Any, kind), photo.mime_type, photo.size, None, item.created_at
    )


async def listed(tx: Reader, me: Me, found: page.Page[Short], query: LimitOffset) -> Posts:
    """A page of posts."""
    return Posts(await posts(tx, me, found.items), query.limit, query.offset, query.more(found))
