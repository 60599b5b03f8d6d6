"""Verbs of drafts: write, change, delete, read, publish, and publish at their time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from majlis.app import App
from majlis.features.drafts import store
from majlis.features.drafts.facts import DraftRefused
from majlis.features.drafts.model import MOST, Contents, Draft, DraftBody, DraftQuery, Failure, TooManyDrafts
from majlis.features.identity import service as identity
from majlis.features.media import service as media
from majlis.features.places import service as places
from majlis.features.posts import service as posts
from majlis.features.posts.model import Post, PostCreate
from majlis.kit import clock, facts, ids, limits, page
from majlis.kit.db import Query, Reader, Tx
from majlis.kit.errors import Invalid, NotFound, Refused
from majlis.kit.http.binding import given
from majlis.kit.me import Me
from majlis.vendors.geocode import Place

FARTHEST = timedelta(days=365)
TOO_LATE = timedelta(days=1)  # behind its time a post is not published any more: what it says may be over
HOUR = timedelta(hours=1)
BATCH = 500


# ---- reading


async def get(tx: Reader, me: Me, draft_id: UUID) -> Draft:
    """A draft of the caller's own. Raises NotFound."""
    return _draft(await _mine(tx, me, store.ONE, draft_id))


async def listing(tx: Reader, me: Me, query: DraftQuery) -> page.Page[Draft]:
    """The caller's own drafts, newest first. Raises Malformed."""
    user_id, paging = me.user(), query.paging()
    (behind,) = page.decode("drafts", paging.cursor, tuple[UUID]) if paging.cursor else (None,)
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.LIST, user_id, query.scheduled, behind, paging.limit + 1, offset)
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.COUNT, user_id, query.scheduled)
    shown = rows[: paging.limit]
    following = page.encode("drafts", shown[-1].id) if len(rows) > paging.limit else None
    return page.Page([_draft(row) for row in shown], following, total)


async def refused(tx: Reader, me: Me, draft_id: UUID) -> tuple[UUID, Failure] | None:
    """Whose scheduled post was not published, and why; None when its owner has changed it since."""
    me.require_role("admin")
    row = await tx.one(store.ONE, draft_id)
    if row is None or row.failure is None:
        return None
    return row.user_id, msgspec.json.decode(row.failure, type=Failure)


async def _mine(tx: Reader, me: Me, query: Query[store.Stored], draft_id: UUID, *more: Any) -> store.Stored:
    row = await tx.one(query, draft_id, *more)
    if row is None or row.user_id != me.user():
        raise NotFound()
    return row


def _draft(row: store.Stored) -> Draft:
    failure = None if row.failure is None else msgspec.json.decode(row.failure, type=Failure)
    return Draft(
        **given(_contents(row.body)),
        id=row.id,
        publish_at=row.publish_at,
        failure=failure,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _contents(body: msgspec.Raw) -> Contents:
    return msgspec.json.decode(body, type=Contents)


def _urls(contents: Contents) -> list[str]:
    return [] if contents.attachments is UNSET else [photo.url for photo in contents.attachments]


# ---- writing


async def create(tx: Tx, me: Me, body: DraftBody) -> Draft:
    """A new draft, complete or not. Raises TooManyDrafts, Invalid, and what scheduling refuses."""
    await identity.hold(tx, me, me.user())  # one after the other, so that all are counted
    if (await tx.one(store.COUNT, me.user(), None) or 0) >= MOST:
        raise TooManyDrafts()
    draft_id, now = ids.new(), clock.now()
    values, publish_at = await _taken(tx, me, {}, body)
    if publish_at is not None:
        await _check_schedule(tx, me, draft_id, values, publish_at)
    return _draft(await _mine(tx, me, store.ADD, draft_id, me.user(), values, publish_at, now))


async def update(tx: Tx, me: Me, draft_id: UUID, body: DraftBody) -> Draft:
    """Change a draft; one that stays scheduled stays complete. Raises NotFound, Invalid."""
    await identity.hold(tx, me, me.user())
    row = await _mine(tx, me, store.LOCK, draft_id)
    before = _contents(row.body)
    values, publish_at = await _taken(tx, me, given(before), body)
    if body.publish_at is UNSET:
        publish_at = row.publish_at
    if publish_at is not None:
        await _check_schedule(tx, me, draft_id, values, publish_at, again=publish_at == row.publish_at)
    changed = await _mine(tx, me, store.SET, draft_id, values, publish_at, clock.now())
    if body.attachments is not UNSET:
        await media.release(tx, me, _urls(before))
    return _draft(changed)


async def _taken(
    tx: Tx, me: Me, before: Mapping[str, Any], body: DraftBody
) -> tuple[dict[str, Any], datetime | None]:
    """What a draft holds with these changes, its new pictures referred to; and the time that is asked for."""
    changes = given(body)
    publish_at = changes.pop("publish_at", None)
    if "attachments" in changes:
        changes["attachments"] = await media.claim(tx, me, changes["attachments"], "attachments", "private")
    merged = {**before, **changes}
    return {name: value for name, value in merged.items() if value is not None}, publish_at


async def _check_schedule(
    tx: Tx, me: Me, draft_id: UUID, values: Mapping[str, Any], publish_at: datetime, *, again: bool = False
) -> None:
    """Raises Invalid for a time that cannot be kept, and whatever publishing this would raise now.

    A time that was taken before (`again`) may have come meanwhile.
    """
    now = clock.now()
    if not again and not now < publish_at <= now + FARTHEST:
        raise Invalid.field("publish_at", "Choose a time that is ahead, by at most a year.")
    around = publish_at - HOUR, publish_at + HOUR
    if not again and (await tx.one(store.AROUND, me.user(), draft_id, *around) or 0) >= limits.POST.amount:
        words = f"Within an hour you can publish {limits.POST.amount} posts. Choose another time."
        raise Invalid.field("publish_at", words, "too_many")
    await _rehearse(tx, me, values)


class _Rehearsed(Exception):
    """Everything went well, and is to be undone."""


async def _rehearse(tx: Tx, me: Me, values: Mapping[str, Any]) -> None:
    """Make the post and take it back: so a time is given only to what could be published as it is."""
    try:
        async with tx.savepoint():
            await posts.create(tx, me, _post(values), None)
            raise _Rehearsed
    except _Rehearsed:
        return


def _post(values: Mapping[str, Any]) -> PostCreate:
    if "type" not in values:
        raise Invalid.field("type", "This field is required.", "required")
    return PostCreate(**values)


async def delete(tx: Tx, me: Me, draft_id: UUID) -> None:
    """Delete a draft of one's own and give up its pictures. Raises NotFound."""
    row = await _mine(tx, me, store.LOCK, draft_id)
    await _remove(tx, me, row)


async def _remove(tx: Tx, me: Me, row: store.Stored) -> None:
    await tx.run(store.REMOVE, row.id)
    await media.release(tx, me, _urls(_contents(row.body)))


async def forget(tx: Tx, me: Me, user_id: UUID) -> None:
    """Delete all drafts of somebody."""
    me.require_role("admin")
    gone: Sequence[msgspec.Raw] = await tx.all(store.REMOVE_ALL, user_id)
    await media.release(tx, me, [url for body in gone for url in _urls(_contents(body))])


# ---- publishing


async def publish(app: App, me: Me, draft_id: UUID) -> Post:
    """Make a draft of one's own a post; it is no draft any more. Raises NotFound and what refuses a post."""
    async with app.db.tx() as tx:
        seen = await _mine(tx, me, store.ONE, draft_id)
    place = await _place(app, me, seen)
    async with app.db.tx() as tx:
        row = await _mine(tx, me, store.LOCK, draft_id)
        return await _publish(tx, me, row, place if row.body == seen.body else None)


async def due(tx: Reader, me: Me) -> list[UUID]:
    """The scheduled posts whose time has come, some hundreds at a time."""
    me.require_role("admin")
    return await tx.all(store.DUE, clock.now(), BATCH)


async def publish_due(app: App, me: Me, draft_id: UUID) -> None:
    """Publish a scheduled post at its time, however often this is called; one that is refused stays a draft."""
    me.require_role("admin")
    async with app.db.tx() as tx:
        seen = await tx.one(store.ONE, draft_id)
    if seen is None or not _is_due(seen):
        return
    author = Me(id=seen.user_id)
    place = await _place(app, author, seen)
    async with app.db.tx() as tx:
        row = await tx.one(store.LOCK, draft_id)
        if row is None or not _is_due(row):
            return
        try:
            async with tx.savepoint():
                await identity.refuse_suspended(tx, me, row.user_id)
                _refuse_late(row)
                await _publish(tx, author, row, place if row.body == seen.body else None)
        except Refused as no:
            if no.status >= 500:
                raise
            await _refuse(tx, row, no)


def _is_due(row: store.Stored) -> bool:
    return row.publish_at is not None and row.publish_at <= clock.now()


def _refuse_late(row: store.Stored) -> None:
    if row.publish_at is not None and row.publish_at < clock.now() - TOO_LATE:
        raise Invalid.field("publish_at", "The server could not publish this in time.", "too_late")


async def _place(app: App, me: Me, row: store.Stored) -> Place | None:
    contents = _contents(row.body)
    return await places.look_up(app, me, contents, contents.address_location, contents.user_location)


async def _publish(tx: Tx, me: Me, row: store.Stored, place: Place | None) -> Post:
    """The post of a draft that is held. It refers to the pictures before the draft gives them up."""
    post = await posts.create(tx, me, _post(given(_contents(row.body))), place)
    await _remove(tx, me, row)
    return post


async def _refuse(tx: Tx, row: store.Stored, no: Refused) -> None:
    """Keep what could not be published as a draft with the reason, and have its author told."""
    words = " ".join(fault.message for fault in no.fields) or no.detail
    failure = Failure(no.code, words, list(no.fields), clock.now())
    await tx.run(store.REFUSED, row.id, failure, clock.now())
    await facts.emit(tx, DraftRefused(row.id))
