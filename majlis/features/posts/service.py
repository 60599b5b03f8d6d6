"""Verbs of posts: write, change, delete, read."""

from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import UNSET

from majlis.app import App
from majlis.features.businesses import service as businesses
from majlis.features.filters import service as filters
from majlis.features.filters.model import AlreadyHidden, Hidden, Moderation, NotHidden
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.features.places import service as places
from majlis.features.polls import service as polls
from majlis.features.posts import store
from majlis.features.posts.facts import (
    PostChanged,
    PostDeleted,
    PostHeld,
    PostHidden,
    PostPublished,
    PostRestored,
    PostTurned,
)
from majlis.features.posts.model import (
    EVENT_ONLY,
    Attachment,
    NotAuthor,
    Post,
    PostCreate,
    PostUpdate,
    SellCategory,
    check_event,
    check_sale,
    event_state,
    refuse_foreign,
)
from majlis.kit import clock, facts, ids
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, NotFound
from majlis.kit.http import Upload
from majlis.kit.http.binding import given
from majlis.kit.me import Me
from majlis.vendors.geocode import Place
from majlis.vendors.images import Kind

VISIBLE, LISTED, SHOWN = store.VISIBLE, store.LISTED, store.SHOWN  # SQL for the stores of features above
PLACE, entries = store.PLACE, store.entries  # likewise
Ends = store.Ends
LOCATIONS = ("address_location", "user_location")  # the first that there is says where a post is
MAX_ATTACHMENTS = 10
OPENING = {"visibility", "status"}  # fields that say who sees a post


# ---- reading


async def get(tx: Reader, me: Me, post_id: UUID) -> Post:
    """One post as this viewer sees it. NotFound when deleted, hidden, or blocked either way (rule 89)."""
    rows = await tx.joint(store.ONE, me.id, post_id)
    if not rows:
        raise NotFound()
    return (await dressed(tx, me, [store.post_of(rows[0], me.id)]))[0]


async def read(tx: Reader, me: Me, post_id: UUID) -> Post:
    """`get`, and for its author what moderators hid or hold, with the reason. Raises NotFound."""
    try:
        return await get(tx, me, post_id)
    except NotFound:
        rows = await tx.records(store.HIDDEN, me.id, post_id) if me.id is not None else []
        if not rows:
            raise
    (row,) = rows
    (post,) = await dressed(tx, me, [store.post_of(row, me.id)])
    post.moderation = Moderation(row["hidden_as"], row["hidden_reason"], row["deleted_at"])
    return post


async def posts_of(tx: Reader, me: Me, post_ids: Sequence[UUID]) -> dict[UUID, Post]:
    """Those of these posts that the viewer may see, without their own originals."""
    if not post_ids:
        return {}
    rows = await tx.records(store.SOME, me.id, list(post_ids))
    return {post.id: post for post in await store.posts_of(tx, me.id, rows) if post is not None}


async def entered(tx: Reader, me: Me, rows: Sequence[Any]) -> list[tuple[Post, Any]]:
    """The posts of rows that a store above selected by `entries`, with their rows; without what is gone since."""
    found = await store.posts_of(tx, me.id, rows)
    return [(post, row) for post, row in zip(found, rows, strict=True) if post is not None]


async def written(
    tx: Reader, me: Me, rows: Sequence[Any], ends: Callable[[Any], Ends] | None = None
) -> list[Post]:
    """`entered` and `dressed` for an answer that is sent as it is: no list, unless it is empty, but the JSON of one.

    Whoever wants to look into it takes those. `ends` says how far a row's post is and what it scores, in lists that tell.
    """
    found = await store.written_of(tx, me.id, rows, ends)
    await dressed(tx, me, [one for one in found if isinstance(one, Post)])
    pieces: list[bytes] = []
    for one in found:
        pieces.append(b"," if pieces else b"[")
        if isinstance(one, Post):
            pieces.append(msgspec.json.encode(one))
        else:
            pieces += one
    return cast(list[Post], msgspec.Raw(b"".join([*pieces, b"]"]))) if pieces else []


async def dressed(tx: Reader, me: Me, posts: list[Post]) -> list[Post]:
    """Posts with their originals, and where events stand by now; a query or two where there are originals."""
    originals = await posts_of(tx, me, [post.original_post_id for post in posts if post.original_post_id])
    now = clock.now()
    for post in (*posts, *originals.values()):
        if post.type == "EVENT":
            post.event_state = event_state(post, now)
    for post in posts if originals else ():
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
    refuse_foreign(kind, values)
    if values.get("business_id"):
        await businesses.check_owner(tx, me, values["business_id"])
    row = store.blank(ids.new(), user_id, kind, now)
    places.fill_in(row, values, LOCATIONS, place)
    store.assign(row, values)
    row.business_id = values.get("business_id")
    options = _options(kind, row.status, values.get("poll_options"))
    if len(values.get("attachments") or []) > MAX_ATTACHMENTS:
        raise Invalid.field("attachments", f"A post has at most {MAX_ATTACHMENTS} pictures.")
    photos = await media.claim(tx, me, values.get("attachments") or [], "attachments")
    await _check(tx, row, len(photos))
    held = await filters.screen(tx, me, {**_texts(row), "poll_options": "\n".join(options)})
    attachments = [Attachment(ids.new(), row.id, photo, now, now) for photo in photos]
    row.attachments = attachments
    await _insert(tx, row)
    if photos:
        await _settle(tx, [row.id])
    if options:
        await polls.create(tx, me, row.id, options)
    await _publish(tx, row, held)
    return await read(tx, me, row.id)


async def repost(tx: Tx, me: Me, original: UUID, text: str | None, visibility: str | None) -> UUID:
    """A feed post that points to another (rule 93). The caller has checked that it may be shared."""
    row = store.blank(ids.new(), me.user(), "FEED", clock.now())
    row.original_post_id, row.description = original, text
    row.visibility = visibility or "PUBLIC"
    await filters.refuse(tx, me, {"share_text": text})
    await _insert(tx, row)
    await facts.emit(tx, PostPublished(row.id, row.user_id))
    return row.id


async def count_share(tx: Tx, me: Me, post_id: UUID) -> int:
    """One share more; how many there are now. The caller has checked that it may be shared."""
    return await tx.one(store.COUNT_SHARE, post_id) or 0


async def _insert(tx: Tx, row: store.Stored) -> None:
    raw = msgspec.json.encode(row.attachments).decode()
    await tx.run(store.INSERT, *msgspec.structs.astuple(msgspec.structs.replace(row, attachments=raw)))


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
        check_sale(row, await categories(tx), need)
    if row.type == "EVENT":
        check_event(row, need)
    if wrong:
        raise Invalid(fields=wrong)


async def revise(app: App, me: Me, post_id: UUID, body: PostUpdate) -> Post:
    """`update`, with the parts of a new location's place that were left out (rule 114)."""
    place = await places.look_up(app, me, body, body.address_location, body.user_location)
    async with app.db.tx() as tx:
        return await update(tx, me, post_id, body, place)


async def update(tx: Tx, me: Me, post_id: UUID, body: PostUpdate, place: Place | None) -> Post:
    """Change a post of one's own; `place` is that of the body's location.

    Raises NotFound, NotAuthor, Hidden, Invalid.
    """
    if (await read(tx, me, post_id)).moderation is not UNSET:
        raise Hidden()
    row = await _own(tx, me, post_id)
    values, before = given(body), _texts(row)
    refuse_foreign(row.type, values)
    # The end of an event follows its dates unless it was set by itself.
    if row.type == "EVENT" and "expired_at" not in values and set(EVENT_ONLY) & values.keys():
        row.expired_at = None
    places.fill_in(row, values, LOCATIONS, place)
    store.assign(row, values)
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
    changed = {name: text for name, text in _texts(row).items() if text != before[name]}
    held = await filters.screen(tx, me, changed)
    row.attachments = msgspec.json.encode(kept).decode()
    await tx.run(store.UPDATE, row.id, *(getattr(row, name) for name in store.CHANGING))
    if kept or values.keys() & OPENING:
        await _settle(tx, [row.id])
    await media.release(tx, me, [a.photo.url for a in attachments if a.id in gone])
    await facts.emit(tx, PostChanged(row.id))
    if held:
        await _hold(tx, row, held, "HELD")
    return await read(tx, me, post_id)


async def locked(tx: Tx, me: Me, post_id: UUID) -> Post:
    """One post as this viewer sees it, kept from changing until the transaction ends. Raises NotFound."""
    if await tx.one(store.LOCK, post_id) is None:
        raise NotFound()
    return await get(tx, me, post_id)


async def mark_sold(tx: Tx, me: Me, post_id: UUID, sold: bool) -> bool:
    """Whether this changes what it was. The caller has checked whose it is and what."""
    changed = await tx.run(store.SOLD, post_id, sold, clock.now()) > 0
    if changed:
        await facts.emit(tx, PostChanged(post_id))
    return changed


async def _own(tx: Tx, me: Me, post_id: UUID) -> store.Stored:
    row = await tx.one(store.LOCK, post_id)
    if row is None:
        raise NotFound()
    if row.user_id != me.user():
        raise NotAuthor()
    return row


def _texts(row: store.Stored) -> dict[str, str | None]:
    return {"title": row.title, "description": row.description}


async def _publish(tx: Tx, row: store.Stored, held: list[str]) -> None:
    """Tell of a new post, unless it waits for a moderator: then that is told when it is shown."""
    if held:
        await _hold(tx, row, held, "HELD_NEW")
    else:
        await facts.emit(tx, PostPublished(row.id, row.user_id))


async def _hold(tx: Tx, row: store.Stored, found: list[str], state: str) -> None:
    await tx.run(store.HIDE, row.id, clock.now(), state, filters.waiting(found))
    await _settle(tx, [row.id])
    await facts.emit(tx, PostHeld(row.id))


async def hide(tx: Tx, me: Me, post_id: UUID, reason: str) -> None:
    """Hide a post from everybody but its author, who reads why; for moderators. Raises AlreadyHidden."""
    me.require_role("moderator")
    if not await tx.run(store.HIDE, post_id, clock.now(), "HIDDEN", reason):
        raise AlreadyHidden()
    await _settle(tx, [post_id])
    await facts.emit(tx, PostHidden(post_id))


async def restore(tx: Tx, me: Me, post_id: UUID) -> None:
    """Show a hidden post again; for moderators. Who was never told of it is told now. Raises NotHidden."""
    me.require_role("moderator")
    was = await tx.one(store.RESTORE, post_id, clock.now())
    if was is None:
        raise NotHidden()
    await _settle(tx, [post_id])
    new = was.hidden_as == "HELD_NEW"
    await facts.emit(tx, PostPublished(post_id, was.user_id) if new else PostRestored(post_id))


async def _settle(tx: Tx, post_ids: Sequence[UUID]) -> None:
    """Give pictures the addresses that suit who sees their posts by now; those of comments follow."""
    turned = await tx.all(store.SETTLE, post_ids)
    await facts.emit(tx, *(PostTurned(post_id) for post_id in turned))


async def settle_of(app: App, me: Me, user_id: UUID) -> None:
    """The same of all posts of somebody whose account became private, or public."""
    me.require_role("admin")
    found = [UUID(int=0)]
    while found:
        async with app.db.tx() as tx:
            found = await tx.all(store.OF_USER, user_id, found[-1])
            await _settle(tx, found)


async def delete(tx: Tx, me: Me, post_id: UUID) -> None:
    """Soft delete a post of one's own, a hidden one too; its pictures go. Raises NotFound, NotAuthor."""
    row = await tx.one(store.WITHDRAW, post_id, me.user(), clock.now())
    if row is None:
        await get(tx, me, post_id)
        row = await _own(tx, me, post_id)
        await tx.run(store.DELETE, post_id, clock.now())
    pictures = msgspec.json.decode(row.attachments, type=list[Attachment])
    await media.release(tx, me, [attachment.photo.url for attachment in pictures])
    await facts.emit(tx, PostDeleted(post_id, row.user_id))


def attachments_of(post: Post) -> list[Attachment]:
    """The pictures of a post that was read from the database, where they are still encoded."""
    return msgspec.json.decode(cast(Any, post.attachments), type=list[Attachment])


def photos_of(post: Post) -> list[Photo]:
    """The pictures alone."""
    return [attachment.photo for attachment in attachments_of(post)]
