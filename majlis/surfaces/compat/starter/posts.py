"""Articles: titled texts with addresses of their own."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from majlis.app import App
from majlis.features.articles import service as articles
from majlis.features.articles.model import MOST_AT_ONCE, Article, Change, Item, New, Wanted
from majlis.kit import http
from majlis.kit.db import Reader
from majlis.kit.http import access
from majlis.kit.http.binding import given
from majlis.kit.me import Me
from majlis.kit.page import MAX_OFFSET, MAXIMUM
from majlis.surfaces.compat.starter import shapes
from majlis.surfaces.compat.starter.actions import spend
from majlis.surfaces.compat.starter.shapes import (
    Content,
    NewStatus,
    Paged,
    Post,
    PostListItem,
    Shape,
    Status,
    Title,
    User,
    says,
)

api = http.Api("posts")
ALL = "/api/v1/posts"
ONE = ALL + "/{post_id}"


class PostsQuery(Shape, kw_only=True):
    """Which articles: published ones, or the caller's own of another status."""

    page: Annotated[int, Meta(ge=1, le=MAX_OFFSET, description="counted from 1")] = 1
    limit: Annotated[int, Meta(ge=1, le=MAXIMUM)] = 10
    status: Annotated[
        Status | None, Meta(description="what is not published, only with `authorId` of the caller")
    ] = None
    author_id: UUID | None = None
    search: Annotated[str, Meta(max_length=200, description="in title or content, in any case")] | None = None


class PostBody(Shape, kw_only=True):
    """A new article."""

    title: Title
    content: Content
    status: NewStatus = "draft"


class PostUpdate(Shape, kw_only=True):
    """Absent fields stay. With the `version` that was read, nothing newer is written over."""

    title: Title | UnsetType = UNSET
    content: Content | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    version: int | UnsetType = UNSET


class PostsBody(Shape):
    """Several new articles."""

    items: Annotated[list[PostBody], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class Created(Shape):
    """How many were made, and which."""

    count: int
    items: list[PostListItem]


def _listed(item: Item) -> PostListItem:
    return PostListItem(
        item.id, item.title, item.slug, item.author_id, item.status, item.view_count, item.created_at
    )


def _post(article: Article, people: dict[UUID, User]) -> Post:
    return Post(
        id=article.id,
        title=article.title,
        content=article.content,
        slug=article.slug,
        author_id=article.author_id,
        status=article.status,
        view_count=article.view_count,
        version=article.version,
        created_at=article.created_at,
        updated_at=article.updated_at,
        author=people.get(article.author_id, UNSET),
    )


async def _shown(tx: Reader, me: Me, article: Article) -> Post:
    people = await shapes.users(tx, me, [article.author_id])
    if article.author_id == me.id:
        people[article.author_id] = await shapes.account(tx, me)
    return _post(article, people)


@api.get(ALL, policy=access.optional)
@says("Posts retrieved successfully")
async def listing(app: App, me: Me, query: PostsQuery) -> Paged[PostListItem]:
    """Articles, the newest first."""
    wanted = Wanted(status=query.status or "published", author_id=query.author_id, search=query.search)
    async with app.db.read() as tx:
        found = await articles.listing(tx, me, wanted, shapes.paging(query.page, query.limit))
    return shapes.paged([_listed(item) for item in found.items], found.total or 0, query.page, query.limit)


@api.get(ALL + "/popular", policy=access.optional)
@says("Popular posts retrieved successfully")
async def popular(app: App, me: Me) -> list[Post]:
    """The ten that were read most; which ones these are is found anew every five minutes."""
    found = await articles.popular(app, me)
    async with app.db.read() as tx:
        people = await shapes.users(tx, me, {article.author_id for article in found})
    return [_post(article, people) for article in found]


@api.get(ONE, policy=access.optional)
@says("Post retrieved successfully")
async def get(app: App, me: Me, post_id: UUID) -> Post:
    """An article. Whoever reads it is counted, but for its author."""
    article = await articles.get(app, me, post_id)
    async with app.db.read() as tx:
        return await _shown(tx, me, article)


@api.get(ALL + "/slug/{slug}", policy=access.optional)
@says("Post retrieved successfully")
async def by_slug(app: App, me: Me, slug: str) -> Post:
    """An article by its slug. A slug that it had once finds it too; the answer has the present one."""
    article = await articles.by_slug(app, me, slug)
    async with app.db.read() as tx:
        return await _shown(tx, me, article)


@api.post(ALL, policy=access.user, status=201)
@says("Post created successfully")
async def create(app: App, me: Me, body: PostBody) -> Post:
    """Write an article, as a draft or published at once. Its slug is made of the title, in any script."""
    await spend(app, me, "create_post")
    async with app.db.tx() as tx:
        made = await articles.create(tx, me, _new(body))
        return await _shown(tx, me, made)


def _new(body: PostBody) -> New:
    return New(title=body.title, content=body.content, status=body.status)


@api.post(ALL + "/bulk", policy=access.user, status=201)
@says("Posts created successfully")
async def create_all(app: App, me: Me, body: PostsBody) -> Created:
    """Write up to a hundred articles, all or none. A refusal names the index of the one that is wrong."""
    await spend(app, me, "bulk_create_posts")
    async with app.db.tx() as tx:
        made = await articles.create_all(tx, me, [_new(item) for item in body.items])
    return Created(len(made), [_listed(article) for article in made])


@api.put(ONE, policy=access.owner, errors=(409,))
@says("Post updated successfully")
async def update(app: App, me: Me, post_id: UUID, body: PostUpdate) -> Post:
    """Change an article of one's own. A new title makes a new slug; the former ones still find it."""
    async with app.db.tx() as tx:
        changed = await articles.update(tx, me, post_id, Change(**given(body)))
        return await _shown(tx, me, changed)


@api.delete(ONE, policy=access.owner)
@says("Post deleted successfully")
async def delete(app: App, me: Me, post_id: UUID) -> None:
    """Delete an article of one's own."""
    async with app.db.tx() as tx:
        await articles.delete(tx, me, post_id)


@api.post(ONE + "/publish", policy=access.owner)
@says("Post published successfully")
async def publish(app: App, me: Me, post_id: UUID) -> Post:
    """Publish a draft or an archived article. Everybody with a socket here hears of it."""
    async with app.db.tx() as tx:
        published = await articles.publish(tx, me, post_id)
        return await _shown(tx, me, published)
