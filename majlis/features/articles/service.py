"""Verbs of articles: write, change, publish, delete, read, count who reads."""

import asyncio
import secrets
import unicodedata
from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from majlis.app import App
from majlis.features.articles import store
from majlis.features.articles.facts import ArticlePublished
from majlis.features.articles.model import (
    BROADCAST,
    MOST_AT_ONCE,
    AlreadyPublished,
    Article,
    Change,
    Item,
    New,
    NotYours,
    Stale,
    Wanted,
    check,
    slug_of,
)
from majlis.features.filters import service as filters
from majlis.kit import clock, facts, hints, ids, log, page
from majlis.kit.db import Query, Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.me import Me

logger = log.get("majlis.articles")
KEPT_S = 300.0  # how long texts and the list of popular articles are held in the cache
HEARD_S = 5.0  # within which all sockets have heard of an article
WRITTEN_S = 30.0  # after which counted views are written
MOST_COUNTED = 10_000  # articles of which views are held back at once
MISSING = "There is no such post."


# ---- reading


async def get(app: App, me: Me, article_id: UUID) -> Article:
    """An article, whose reader is counted. Raises NotFound for what the caller may not see."""
    return await _read(app, me, store.ONE, article_id)


async def by_slug(app: App, me: Me, slug: str) -> Article:
    """The same by the slug that it has, or had once. Raises NotFound."""
    return await _read(app, me, store.BY_SLUG, unicodedata.normalize("NFKC", slug).lower())


async def _read(app: App, me: Me, query: Query[Item], key: UUID | str) -> Article:
    async with app.db.read() as tx:
        item = await tx.one(query, me.id, key)
    if item is None:
        raise NotFound(MISSING)
    content = await _content(app, item)
    if content is None:  # it was changed between the two
        async with app.db.fresh() as tx:
            whole = await tx.one(store.WHOLE, me.id, item.id)
        if whole is None:
            raise NotFound(MISSING)
        item, content = whole, whole.content
    views = _views(app)
    if item.author_id != me.id and item.status == "published":
        views.count(item.id)
    fields = {name: getattr(item, name) for name in Item.__struct_fields__}
    return Article(**{**fields, "view_count": item.view_count + views.held(item.id)}, content=content)


async def _content(app: App, item: Item) -> str | None:
    """The text of a version, from the cache. The version is in the key: what changed is never found there."""

    async def load() -> bytes:
        async with app.db.fresh() as tx:
            return msgspec.json.encode(await tx.one(store.CONTENT, item.id, item.version))

    kept = await app.cache.get_or(f"article:{item.id}:{item.version}", KEPT_S, load)
    return msgspec.json.decode(kept, type=str | None)


async def listing(tx: Reader, me: Me, wanted: Wanted, paging: page.Paging) -> page.Page[Item]:
    """Articles, the newest first, and how many there are. What is not published, only its author lists."""
    if wanted.status != "published" and (me.id is None or wanted.author_id != me.id):
        return page.Page([], total=0)
    key = wanted.author_id is not None, bool(wanted.search)
    chosen = me.id, wanted.status, wanted.author_id, wanted.search or None
    total = await tx.one(store.COUNTS[key], *chosen) or 0
    offset = paging.offset or 0
    items = []
    if offset <= page.MAX_OFFSET:
        items = await tx.all(store.LISTS[key], *chosen, paging.limit, offset)
    return page.Page(items, total=total)


async def popular(app: App, me: Me) -> list[Article]:
    """The ten that were read most, of those that everybody may read; which ones is held for five minutes."""

    async def load() -> bytes:
        async with app.db.fresh() as tx:
            return msgspec.json.encode(await tx.all(store.POPULAR))

    found = msgspec.json.decode(await app.cache.get_or("articles:popular", KEPT_S, load), type=list[UUID])
    async with app.db.read() as tx:
        articles = {one.id: one for one in await tx.all(store.SOME, me.id, found)}
    return [articles[key] for key in found if key in articles and articles[key].status == "published"]


# ---- writing


async def create(tx: Tx, me: Me, new: New) -> Article:
    """A new article of the caller's. Raises Invalid, RefusedWords."""
    author = me.user()
    check(new.title, new.content)
    await filters.refuse(tx, me, {"title": new.title, "content": new.content})
    article_id, title, now = ids.new(), new.title.strip(), clock.now()
    for slug in _candidates(title):
        made = await tx.one(store.ADD, article_id, author, title, slug, new.content, new.status, now)
        if made is not None:
            break
    else:
        raise AssertionError("the last candidate is random")
    told = {"id": made.id, "title": made.title, "slug": made.slug}
    hints.tell(tx, [author], "entity_created", {"data": told})
    if made.status == "published":
        await facts.emit(tx, ArticlePublished(made.id))
    return made


def _candidates(title: str) -> Iterator[str]:
    """Slugs of a title, the best first: plain, with the Unix time, with a number behind that, with something random."""
    slug, stamp = slug_of(title), int(clock.now().timestamp())
    yield slug
    yield f"{slug}-{stamp}"
    for number in range(2, 6):
        yield f"{slug}-{stamp}-{number}"
    for _ in range(3):
        yield f"{slug}-{secrets.token_hex(8)}"


async def create_all(tx: Tx, me: Me, many: Sequence[New]) -> list[Article]:
    """Several articles, all or none. Raises Invalid whose fields begin with `items[3].`, and what `create` does."""
    if not 1 <= len(many) <= MOST_AT_ONCE:
        raise Invalid.field("items", f"Give 1 to {MOST_AT_ONCE} posts.")
    made = []
    for index, new in enumerate(many):
        try:
            made.append(await create(tx, me, new))
        except Invalid as refused:
            faults = [
                FieldFault(f"items[{index}].{one.field}", one.code, one.message) for one in refused.fields
            ]
            words = f"Post {index}: {refused.detail}"
            raise Invalid(words, code=refused.code, fields=faults, data=refused.data) from refused
    return made


async def update(tx: Tx, me: Me, article_id: UUID, change: Change) -> Article:
    """Change an article of the caller's. Raises NotFound, NotYours, Stale, Invalid, RefusedWords."""
    before = await _own(tx, me, article_id, "update")
    if change.version is not UNSET and change.version != before.version:
        raise Stale()
    check(change.title, change.content)
    title = before.title if change.title is UNSET else change.title.strip()
    content = before.content if change.content is UNSET else change.content
    await filters.refuse(tx, me, {"title": title, "content": content})
    slug = before.slug
    if title != before.title and slug_of(title) != slug_of(before.title):
        slug = await _claim(tx, article_id, title)
    status = before.status if change.status is UNSET else change.status
    return await _save(tx, before, title, slug, content, status)


async def _claim(tx: Tx, article_id: UUID, title: str) -> str:
    for slug in _candidates(title):
        claimed = await tx.one(store.CLAIM, slug, article_id, clock.now())
        if claimed is not None:
            return claimed
    raise AssertionError("the last candidate is random")


async def _save(tx: Tx, before: Article, title: str, slug: str, content: str, status: str) -> Article:
    saved = await tx.one(store.SAVE, before.id, before.version, title, slug, content, status, clock.now())
    if saved is None:
        raise Stale()
    if saved.status == "published" and before.status != "published":
        await facts.emit(tx, ArticlePublished(saved.id))
    return saved


async def publish(tx: Tx, me: Me, article_id: UUID) -> Article:
    """Publish a draft or an archived article. Raises NotFound, NotYours, AlreadyPublished."""
    before = await _own(tx, me, article_id, "publish")
    if before.status == "published":
        raise AlreadyPublished()
    return await _save(tx, before, before.title, before.slug, before.content, "published")


async def delete(tx: Tx, me: Me, article_id: UUID) -> None:
    """Delete an article of the caller's; its slugs stay taken. Raises NotFound, NotYours."""
    await _own(tx, me, article_id, "delete")
    await tx.run(store.DELETE, article_id, clock.now())
    hints.tell(tx, [me.user()], "entity_deleted", {"entity_id": article_id})


async def _own(tx: Tx, me: Me, article_id: UUID, action: str) -> Article:
    """An article of the caller's, held until the transaction ends. What they may not see is NotFound."""
    found = await tx.one(store.LOCK, article_id)
    if found is None:
        raise NotFound(MISSING)
    if found.author_id != me.user():
        if await tx.one(store.ONE, me.id, article_id) is None:
            raise NotFound(MISSING)
        raise NotYours(action)
    return found


async def announce(tx: Tx, me: Me, article_id: UUID) -> None:
    """Tell everybody with a socket of an article, if everybody may read it still."""
    found = await tx.one(store.ONE, None, article_id)
    if found is not None:
        told = {
            "type": "new_post",
            "post_id": found.id,
            "title": found.title,
            "author": found.author_id,
            "message": f"New post: {found.title}",
        }
        hints.after_commit(tx, BROADCAST, msgspec.json.encode(told))


async def may_hear(app: App, me: Me, article_id: UUID, author_id: UUID) -> bool:
    """Whether what was announced is for the caller, too: across a block with its author it is not.

    Asked for every socket at once, so that one query answers all.
    """

    async def load() -> bytes:
        async with app.db.fresh() as tx:
            return msgspec.json.encode(await tx.all(store.APART, author_id))

    kept = await app.cache.get_or(f"apart:{article_id}", HEARD_S, load)
    return me.id not in msgspec.json.decode(kept, type=set[UUID])


async def texts(tx: Reader, me: Me, after: UUID | None) -> list[store.Text]:
    """What the caller's articles say, some at a time in the order of their ids."""
    return await tx.all(store.TEXTS, me.user(), after)


async def how_many(tx: Reader, me: Me) -> int:
    """How many articles the caller has."""
    return await tx.one(store.MINE, me.user()) or 0


# ---- views


class Views:
    """Views that were counted and are not written yet. A crash loses those of the last half minute."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._counted: dict[UUID, int] = {}
        self._writing: dict[UUID, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def count(self, article_id: UUID) -> None:
        """Somebody read it."""
        self._counted[article_id] = self._counted.get(article_id, 0) + 1
        if len(self._counted) >= MOST_COUNTED:
            self._due()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITTEN_S, self._due)

    def held(self, article_id: UUID) -> int:
        """How many views the table does not tell of yet."""
        return self._counted.get(article_id, 0) + self._writing.get(article_id, 0)

    def _due(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        task = asyncio.ensure_future(self._try())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try(self) -> None:
        try:
            await self.write()
        except Exception:
            logger.exception("views_not_written")  # they are kept for the next time

    async def write(self) -> None:
        """Add what was counted to the table, in one statement. Raises what the database does; nothing is lost then."""
        if self._writing or not self._counted:
            return
        self._writing, self._counted = self._counted, {}
        try:
            async with self._app.db.tx() as tx:
                await tx.run(store.COUNT_VIEWS, list(self._writing), list(self._writing.values()))
        except BaseException:
            for article_id, views in self._writing.items():
                self._counted[article_id] = self._counted.get(article_id, 0) + views
            raise
        finally:
            self._writing = {}

    async def close(self) -> None:
        """Write what is left."""
        self._due()
        await asyncio.gather(*self._tasks)
        await self._try()  # what came while the others wrote


def _views(app: App) -> Views:
    found: Views | None = app.parts.get("views")
    if found is None:
        found = app.parts["views"] = Views(app)
    return found


async def write_views(app: App, me: Me) -> None:
    """Write the views that this process counted."""
    await _views(app).write()


async def close(app: App, me: Me) -> None:
    """Write the last views before the process ends."""
    found: Views | None = app.parts.pop("views", None)
    if found is not None:
        await found.close()
