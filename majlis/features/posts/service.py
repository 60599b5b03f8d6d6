"""Verbs of posts: write, change, delete, read one, read lists."""

from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.businesses import service as businesses
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.features.places import service as places
from majlis.features.polls import service as polls
from majlis.features.posts import store
from majlis.features.posts.facts import PostChanged, PostDeleted, PostPublished
from majlis.features.posts.model import (
    Attachment,
    Filter,
    NotAuthor,
    Post,
    PostCreate,
    PostUpdate,
    SellCategory,
    Sort,
    event_end,
    event_start,
    event_state,
)
from majlis.kit import clock, currencies, facts, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.http import Upload
from majlis.kit.http.binding import given
from majlis.kit.me import Me
from majlis.vendors.geocode import Place
from majlis.vendors.images import Kind

VISIBLE, LISTED, SHOWN = store.VISIBLE, store.LISTED, store.SHOWN  # SQL for the stores of features above
LOCATIONS = ("address_location", "user_location")  # the first that there is says where a post is
MAX_ATTACHMENTS = 10
MAX_COUNT = page.MAX_OFFSET

SELL_ONLY = ("category_id", "currency", "price", "discount", "free", "country_code", "contact_no")
EVENT_ONLY = ("start_date", "start_time", "end_date", "end_time")


# ---- reading


async def get(tx: Reader, me: Me, post_id: UUID) -> Post:
    """One post as this viewer sees it. NotFound when deleted, hidden, or blocked either way (rule 89)."""
    rows = await tx.joint(store.ONE, me.id, post_id)
    if not rows:
        raise NotFound()
    return (await dressed(tx, me, [store.post_of(rows[0])]))[0]


async def posts_of(tx: Reader, me: Me, post_ids: Sequence[UUID]) -> dict[UUID, Post]:
    """Those of these posts that the viewer may see, without their own originals."""
    if not post_ids:
        return {}
    rows = await tx.records(store.SOME, me.id, list(post_ids))
    return {row[0]: store.post_of(row) for row in rows}


async def listing(tx: Reader, me: Me, wanted: Filter, sort: Sort, paging: page.Paging) -> page.Page[Post]:
    """A page of the posts that this viewer may see. Up to four queries, whatever the size."""
    now = clock.now()
    start = _start(sort, paging)
    if sort == "trending" and start:
        now = cast(datetime, start[0])  # scores as of the first page, so that pages do not shift
        start = start[1:]
    built = store.Listing(me.id, wanted, sort, now)
    total = None
    if paging.offset is not None and not paging.cursor:
        counted = await tx.records(built.count_sql(MAX_COUNT), *built.count_args)
        total = counted[0][0]
    if start:
        built.after(*start)
    offset = 0 if paging.cursor else paging.offset or 0
    sql = built.page_sql(paging.limit, offset)
    rows = await tx.records(sql, *built.args)
    found = [_row_post(row, wanted, sort) for row in rows[: paging.limit]]
    following = _following(sort, rows[paging.limit - 1], now) if len(rows) > paging.limit else None
    return page.Page(await dressed(tx, me, found), following, total)


_CURSORS: dict[str, Any] = {
    "recent": tuple[datetime, UUID],
    "bookmarked": tuple[datetime, UUID],
    "nearby": tuple[float, UUID],
    "trending": tuple[datetime, float, datetime, UUID],
    "relevance": tuple[float, datetime, UUID],
}


def _start(sort: Sort, paging: page.Paging) -> tuple[Any, ...]:
    return page.decode(f"posts:{sort}", paging.cursor, _CURSORS[sort]) if paging.cursor else ()


def _following(sort: Sort, row: Any, now: datetime) -> str:
    keys: dict[str, tuple[Any, ...]] = {
        "recent": (row["created_at"], row["id"]),
        "bookmarked": (row.get("bookmarked_at"), row["id"]),
        "nearby": (row.get("distance"), row["id"]),
        "trending": (now, row.get("score"), row["created_at"], row["id"]),
        "relevance": (row.get("score"), row["created_at"], row["id"]),
    }
    return page.encode(f"posts:{sort}", *keys[sort])


def _row_post(row: Any, wanted: Filter, sort: Sort) -> Post:
    post = store.post_of(row)
    if wanted.near is not None:
        post.distance_km = round(row["distance"], 1)  # coarse, as it may tell where a person is
    if sort == "trending":
        post.trending_score = round(row["score"], 6)
    return post


async def dressed(tx: Reader, me: Me, posts: list[Post]) -> list[Post]:
    """Posts with business, category, original, poll and state of the event; a query for each kind present."""
    business_ids = {post.business_id for post in posts if post.business_id}
    category_ids = [post.category_id for post in posts if post.category_id]
    original_ids = [post.original_post_id for post in posts if post.original_post_id]
    originals = await posts_of(tx, me, original_ids)
    everyone = [*posts, *originals.values()]
    business_ids |= {post.business_id for post in originals.values() if post.business_id}
    shown_businesses = await businesses.minis(tx, me, business_ids)
    shown_polls = await polls.of_posts(tx, me, [post.id for post in everyone if post.type == "PULL"])
    kinds = await categories(tx) if category_ids else {}
    now = clock.now()
    for post in everyone:
        post.is_mine = me.id is not None and post.user_id == me.id
        if post.business_id:
            post.business = shown_businesses.get(post.business_id)
        if post.category_id:
            post.category = kinds.get(post.category_id)
        if post.type == "PULL":
            post.poll = shown_polls.get(post.id)
        elif post.type == "EVENT":
            post.event_state = event_state(post, now)
    for post in posts:
        if post.original_post_id:
            post.original_post = originals.get(post.original_post_id)
    return posts


async def categories(tx: Reader) -> dict[UUID, SellCategory]:
    """Every sell category, the inactive ones too, by id."""
    return {category.id: category for category in await tx.all(store.CATEGORIES)}


# ---- writing


async def publish(app: App, me: Me, body: PostCreate, files: Sequence[Upload]) -> Post:
    """`create`, with these pictures too, and with the parts of its place that were left out (rule 114).

    Raises what `media.store` does, too; nothing is left behind then.
    """
    place = await places.look_up(app, me, body, body.address_location, body.user_location)
    async with media.storing(app, me, files, Kind.POST) as stored:
        if stored:
            body.attachments = [*(body.attachments or []), *(upload.photo for upload in stored)]
        async with app.db.tx() as tx:
            return await create(tx, me, body, place)


async def create(tx: Tx, me: Me, body: PostCreate, place: Place | None) -> Post:
    """A new post with its pictures and poll, in one transaction (rule 83). `place` is that of its location.

    Raises Invalid naming each field, NotOwner for another's business.
    """
    user_id, now = me.user(), clock.now()
    kind = "PULL" if body.type == "POLL" else body.type
    values = given(body)
    _refuse_foreign(kind, values)
    if values.get("business_id"):
        await businesses.check_owner(tx, me, values["business_id"])
    row = _blank(ids.new(), user_id, kind, now)
    places.fill_in(row, values, LOCATIONS, place)
    _assign(row, values)
    row.business_id = values.get("business_id")
    options = _options(kind, row.status, values.get("poll_options"))
    if len(values.get("attachments") or []) > MAX_ATTACHMENTS:
        raise Invalid.field("attachments", f"A post has at most {MAX_ATTACHMENTS} pictures.")
    photos = await media.claim(tx, me, values.get("attachments") or [], "attachments")
    await _check(tx, row, len(photos))
    attachments = [Attachment(ids.new(), row.id, photo, now, now) for photo in photos]
    row.attachments = attachments
    await _insert(tx, row)
    if options:
        await polls.create(tx, me, row.id, options)
    await facts.emit(tx, PostPublished(row.id, user_id))
    return await get(tx, me, row.id)


async def repost(tx: Tx, me: Me, original: UUID, text: str | None, visibility: str | None) -> UUID:
    """A feed post that points to another (rule 93). The caller has checked that it may be shared."""
    row = _blank(ids.new(), me.user(), "FEED", clock.now())
    row.original_post_id, row.description = original, text
    row.visibility = visibility or "PUBLIC"
    await _insert(tx, row)
    await facts.emit(tx, PostPublished(row.id, row.user_id))
    return row.id


async def count_share(tx: Tx, me: Me, post_id: UUID) -> int:
    """One share more; how many there are now. The caller has checked that it may be shared."""
    return await tx.one(store.COUNT_SHARE, post_id) or 0


async def _insert(tx: Tx, row: store.Stored) -> None:
    raw = msgspec.json.encode(row.attachments).decode()
    await tx.run(store.INSERT, *msgspec.structs.astuple(msgspec.structs.replace(row, attachments=raw)))


def _blank(post_id: UUID, user_id: UUID, kind: str, now: datetime) -> store.Stored:
    empty: dict[str, Any] = dict.fromkeys(store.Stored.__struct_fields__)
    empty |= {
        "id": post_id, "user_id": user_id, "type": kind, "visibility": "PUBLIC", "status": True, "free": False,
        "is_location": False, "attachments": [], "created_at": now, "updated_at": now,
    }  # fmt: skip
    return store.Stored(**empty)


def _assign(row: store.Stored, values: dict[str, Any]) -> None:
    kept = set(store.Stored.__struct_fields__) - {"type", "attachments", "business_id"}
    for name, value in values.items():
        if name in ("start_time", "end_time") and value is not None:
            setattr(row, name, time.fromisoformat(value))
        elif name in kept:
            setattr(row, name, value)


def _refuse_foreign(kind: str, values: dict[str, Any]) -> None:
    """Fields of another type are refused, unless they are empty (rule 88)."""
    foreign: list[str] = []
    if kind != "SELL":
        foreign += SELL_ONLY
    if kind != "EVENT":
        foreign += EVENT_ONLY
    if kind not in ("EVENT", "PULL"):
        foreign.append("expired_at")
    if kind != "PULL":
        foreign.append("poll_options")
    wrong = [name for name in foreign if values.get(name) not in (None, False)]
    if wrong:
        message = f"A post of type {kind} has no such field."
        raise Invalid(fields=[FieldFault(name, "foreign_field", message) for name in wrong])


def _options(kind: str, published: bool, options: Sequence[str] | None) -> list[str]:
    """The options of a new poll. A draft may get its poll later (rule 122)."""
    if kind != "PULL" or (options is None and not published):
        return []
    return polls.checked(options, "poll_options")


async def _check(tx: Reader, row: store.Stored, pictures: int) -> None:
    """What each type needs (rule 87), and what its fields may hold. Raises Invalid naming each field."""
    wrong: list[FieldFault] = []

    def need(field: str, message: str, code: str = "required") -> None:
        wrong.append(FieldFault(field, code, message))

    if row.title is not None and not row.title.strip():
        need("title", "A title is not empty.", "invalid")
    bare = row.original_post_id is None and not (row.description or "").strip() and not pictures
    if row.type == "FEED" and bare:
        need("description", "A feed post needs a description or a picture.")
    if row.type == "SELL":
        await _check_sale(tx, row, need)
    if row.type == "EVENT":
        _check_event(row, need)
    if wrong:
        raise Invalid(fields=wrong)


async def _check_sale(tx: Reader, row: store.Stored, need: Any) -> None:
    if not (row.title or "").strip():
        need("title", "A listing needs a title.")
    if row.category_id is None:
        need("category_id", "A listing needs a category.")
    else:
        category = (await categories(tx)).get(row.category_id)
        if category is None or category.status != "ACTIVE":
            need("category_id", "There is no such category.", "invalid")
    if row.free:
        row.price = row.currency = row.discount = None
    elif row.price is None or row.currency is None:
        need("price", "A listing is free, or has a price and a currency.")
    if row.currency is not None:
        row.currency = row.currency.upper()
        if row.currency not in currencies.CODES:
            need("currency", "This is no currency of ISO 4217.", "invalid")
    _check_amount(row.price, "price", Decimal("99999999.99"), need)
    _check_amount(row.discount, "discount", Decimal(100), need)


def _check_amount(value: Decimal | None, field: str, most: Decimal, need: Any) -> None:
    if value is not None and not (0 <= value <= most and value == value.quantize(Decimal("0.01"))):
        need(field, f"This is 0 to {most}, with at most two decimals.", "invalid")


def _check_event(row: store.Stored, need: Any) -> None:
    if not (row.title or "").strip():
        need("title", "An event needs a title.")
    if row.start_date is None:
        need("start_date", "An event needs a date.")
        return
    if not 1900 <= row.start_date.year <= 9000 or (row.end_date and not 1900 <= row.end_date.year <= 9000):
        need("start_date", "A date lies between the years 1900 and 9000.", "invalid")
        return
    end = event_end(row.start_date, row.start_time, row.end_date, row.end_time)
    backwards = row.end_date is not None and row.end_date < row.start_date
    if backwards or end < event_start(row.start_date, row.start_time):
        need("end_date", "An event does not end before it starts.", "invalid")
    if row.expired_at is None:
        row.expired_at = end


async def revise(app: App, me: Me, post_id: UUID, body: PostUpdate) -> Post:
    """`update`, with the parts of a new location's place that were left out (rule 114)."""
    place = await places.look_up(app, me, body, body.address_location, body.user_location)
    async with app.db.tx() as tx:
        return await update(tx, me, post_id, body, place)


async def update(tx: Tx, me: Me, post_id: UUID, body: PostUpdate, place: Place | None) -> Post:
    """Change a post of one's own; `place` is that of the body's location. Raises NotFound, NotAuthor, Invalid."""
    await get(tx, me, post_id)
    row = await _own(tx, me, post_id)
    values = given(body)
    _refuse_foreign(row.type, values)
    # The end of an event follows its dates unless it was set by itself.
    if row.type == "EVENT" and "expired_at" not in values and set(EVENT_ONLY) & values.keys():
        row.expired_at = None
    places.fill_in(row, values, LOCATIONS, place)
    _assign(row, values)
    now = clock.now()
    row.updated_at = now
    attachments = msgspec.json.decode(row.attachments, type=list[Attachment])
    gone = set(values.get("remove_attachment_ids") or ())
    if not gone <= {attachment.id for attachment in attachments}:
        raise Invalid.field("remove_attachment_ids", "The post has no such attachment.")
    added = await media.claim(tx, me, values.get("add_attachments") or [], "add_attachments")
    kept = [attachment for attachment in attachments if attachment.id not in gone]
    kept += [Attachment(ids.new(), row.id, photo, now, now) for photo in added]
    if len(kept) > MAX_ATTACHMENTS:
        raise Invalid.field("add_attachments", f"A post has at most {MAX_ATTACHMENTS} pictures.")
    if row.type == "PULL" and row.status and not await polls.has_poll(tx, me, row.id):
        raise Invalid.field("status", "Give the poll its options before it is shown.")
    await _check(tx, row, len(kept))
    row.attachments = msgspec.json.encode(kept).decode()
    await tx.run(store.UPDATE, row.id, *(getattr(row, name) for name in store.CHANGING))
    await media.release(tx, me, [a.photo.url for a in attachments if a.id in gone])
    await facts.emit(tx, PostChanged(row.id))
    return await get(tx, me, post_id)


async def locked(tx: Tx, me: Me, post_id: UUID) -> Post:
    """One post as this viewer sees it, kept from changing until the transaction ends. Raises NotFound."""
    if await tx.one(store.LOCK, post_id) is None:
        raise NotFound()
    return await get(tx, me, post_id)


async def _own(tx: Tx, me: Me, post_id: UUID) -> store.Stored:
    row = await tx.one(store.LOCK, post_id)
    if row is None:
        raise NotFound()
    if row.user_id != me.user():
        raise NotAuthor()
    return row


async def delete(tx: Tx, me: Me, post_id: UUID) -> None:
    """Soft delete a post of one's own; its pictures go. Raises NotFound, NotAuthor."""
    await get(tx, me, post_id)
    row = await _own(tx, me, post_id)
    await tx.run(store.DELETE, post_id, clock.now())
    pictures = msgspec.json.decode(row.attachments, type=list[Attachment])
    await media.release(tx, me, [attachment.photo.url for attachment in pictures])
    await facts.emit(tx, PostDeleted(post_id, row.user_id))


def photos_of(post: Post) -> list[Photo]:
    """The pictures of a post that was read from the database, where they are still encoded."""
    raw = cast(Any, post.attachments)
    return [attachment.photo for attachment in msgspec.json.decode(raw, type=list[Attachment])]
