"""Verbs of businesses: open, change, delete; pictures, categories, hours; follow. Looking is in directory."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from majlis.app import App
from majlis.features.businesses import store
from majlis.features.businesses.facts import BusinessCreated, BusinessDeleted, BusinessFollowed
from majlis.features.businesses.model import (
    BusinessAttachment,
    BusinessCategory,
    BusinessCategoryCreate,
    BusinessCategoryUpdate,
    BusinessCreate,
    BusinessFollowState,
    BusinessHours,
    BusinessHoursInput,
    BusinessUpdate,
    CategoryTaken,
    NotOwner,
    OwnBusiness,
    Unconfirmed,
    check_hours,
)
from majlis.features.filters import service as filters
from majlis.features.filters.model import AlreadyHidden, NotHidden
from majlis.features.identity import service as identity
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.features.places import service as places
from majlis.kit import clock, facts, ids, limits
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import FieldFault, Invalid, Malformed, NotFound
from majlis.kit.http import Upload
from majlis.kit.http.binding import given
from majlis.kit.me import Me
from majlis.vendors import zones
from majlis.vendors.geocode import Place
from majlis.vendors.images import Kind

FROM, FOLLOWS, LISTED, SHOWN = store.FROM, store.FOLLOWS, store.LISTED, store.SHOWN  # SQL for stores above
MINI = store.MINI  # likewise
MAX_GALLERY = 100
VIEWS_KEPT = timedelta(days=3)  # more than any two clocks of one day lie apart


# ---- looking


async def owner_of(tx: Reader, me: Me, business_id: UUID) -> UUID:
    """Whose business it is. Raises NotFound when deleted, off for anybody but its owner, or blocked either way."""
    return (await _known(tx, me, business_id)).user_id


async def _known(tx: Reader, me: Me, business_id: UUID) -> store.Known:
    known = await tx.one(store.KNOWN, me.id, business_id)
    if known is None:
        raise NotFound("There is no such business.")
    return known


async def check_owner(tx: Reader, me: Me, business_id: UUID) -> None:
    """Raises NotFound, also when the business is off, or NotOwner when it is somebody else's."""
    known = await _known(tx, me, business_id)
    if known.user_id != me.user():
        raise NotOwner()
    if not known.status:
        raise NotFound("There is no such business.")


# ---- opening and changing


async def create(app: App, tx: Tx, me: Me, body: BusinessCreate, place: Place | None) -> UUID:
    """A new business of the caller's. `place` is that of its location.

    Raises Invalid naming each field, and Unconfirmed on a server that wants confirmed addresses.
    """
    user_id, now = me.user(), clock.now()
    if app.settings.require_verified_email and not me.verified:
        raise Unconfirmed()
    check_hours(body.hours)
    row, values = store.blank(ids.new(), user_id, now), given(body)
    parts = {name: values.pop(name) for name in ("category_ids", "hours", "avatar", "cover")}
    await _assign(tx, me, row, values, place)
    for kind in ("avatar", "cover"):
        if parts[kind] is not None:
            setattr(row, kind, await _claimed(tx, me, parts[kind], kind))
    await tx.run(store.INSERT, *msgspec.structs.astuple(row))
    await _choose(tx, row.id, parts["category_ids"], now)
    await _set_hours(tx, row.id, parts["hours"], now)
    await facts.emit(tx, BusinessCreated(row.id, user_id))
    return row.id


async def _claimed(tx: Tx, me: Me, photo: Photo, field: str) -> Photo:
    try:
        (stored,) = await media.claim(tx, me, [photo], field)
    except Invalid as refused:
        faults = [FieldFault(f"{field}.url", fault.code, fault.message) for fault in refused.fields]
        raise Invalid(fields=faults) from None
    return stored


async def _assign(tx: Tx, me: Me, row: store.Stored, values: dict[str, Any], place: Place | None) -> None:
    """Let a row take what is given, its place and time zone with it."""
    await filters.refuse(tx, me, {name: values.get(name) for name in store.SAID})
    if "name" in values:
        values["name"] = _named(values["name"])
    if values.get("email"):
        values["email"] = identity.normal_email(values["email"])
    before = row.country, row.address_location
    places.fill_in(row, values, ("address_location",), place)
    for name, value in values.items():
        setattr(row, name, value)
    if (row.country, row.address_location) != before:
        row.time_zone = await zones.find(row.country, row.address_location) or row.time_zone


def _named(name: str) -> str:
    words = name.strip()
    if not words:
        raise Invalid.field("name", "A name is not empty.")
    return words


async def update(tx: Tx, me: Me, business_id: UUID, body: BusinessUpdate, place: Place | None) -> None:
    """Change a business of one's own; `place` is that of the body's location. Raises NotFound, NotOwner, Invalid."""
    row = await _own(tx, me, business_id)
    await _assign(tx, me, row, given(body), place)
    row.updated_at = clock.now()
    await tx.run(store.UPDATE, row.id, *(getattr(row, name) for name in store.CHANGING))


async def _own(tx: Tx, me: Me, business_id: UUID) -> store.Stored:
    """A business of the caller's, also one that is off, kept from changing. Raises NotFound, NotOwner."""
    if await owner_of(tx, me, business_id) != me.user():
        raise NotOwner()
    row = await tx.one(store.LOCK, business_id)
    if row is None:
        raise NotFound("There is no such business.")
    return row


async def delete(tx: Tx, me: Me, business_id: UUID) -> None:
    """Soft delete a business of one's own; its pictures go. Raises NotFound, NotOwner."""
    row = await _own(tx, me, business_id)
    now = clock.now()
    await tx.run(store.DELETE, row.id, now)
    pictures = [one for one in (row.avatar, row.cover) if one is not None]
    pictures += await tx.all(store.CLEAR_GALLERY, row.id, now)
    await media.release(tx, me, [_photo(picture).url for picture in pictures])
    await facts.emit(tx, BusinessDeleted(row.id, row.user_id))


async def hide(tx: Tx, me: Me, business_id: UUID, reason: str) -> None:
    """Hide a business from everybody; for moderators. Raises AlreadyHidden."""
    me.require_role("moderator")
    if not await tx.run(store.HIDE, business_id, clock.now(), reason):
        raise AlreadyHidden()


async def restore(tx: Tx, me: Me, business_id: UUID) -> None:
    """Show a hidden business again; for moderators. Raises NotHidden."""
    me.require_role("moderator")
    if not await tx.run(store.RESTORE, business_id, clock.now()):
        raise NotHidden()


def _photo(raw: msgspec.Raw) -> Photo:
    return msgspec.json.decode(raw, type=Photo)


# ---- pictures


async def _check_changer(app: App, me: Me, business_id: UUID) -> None:
    """As `_own`, before pictures are worked on."""
    async with app.db.read() as tx:
        if await owner_of(tx, me, business_id) != me.user():
            raise NotOwner()


async def set_picture(app: App, me: Me, business_id: UUID, file: Upload, kind: Kind) -> Photo:
    """Make this the avatar or cover of a business of one's own; the former one is removed.

    Raises NotFound, NotOwner, and what `media.store` does; nothing is left behind then.
    """
    await _check_changer(app, me, business_id)
    async with media.storing(app, me, [file], kind) as (uploaded,), app.db.tx() as tx:
        row = await _own(tx, me, business_id)
        former = getattr(row, kind.value)
        await media.claim(tx, me, [uploaded.photo], "file")
        await tx.run(store.SET_PICTURE[kind.value], row.id, uploaded.photo, clock.now())
        await media.release(tx, me, [] if former is None else [_photo(former).url])
    return uploaded.photo


async def add_pictures(
    app: App, me: Me, business_id: UUID, files: Sequence[Upload]
) -> list[BusinessAttachment]:
    """Add pictures to the gallery of a business of one's own, each an upload that counts (rule 62).

    Raises NotFound, NotOwner, Malformed without a file, RateLimited, Invalid for a full gallery, and what
    `media.store` does; nothing is left behind then.
    """
    await _check_changer(app, me, business_id)
    if not files:
        raise Malformed("There is no file in the form.", code="no_file")
    if len(files) > 1:  # the request itself counts as the first
        verdict = await app.limiter.hit(limits.UPLOAD, str(me.user()), len(files) - 1)
        if not verdict.allowed:
            raise app.limiter.refuse(verdict)
    async with media.storing(app, me, files, Kind.BUSINESS) as uploaded, app.db.tx() as tx:
        row, now = await _own(tx, me, business_id), clock.now()
        if (await tx.one(store.GALLERY_COUNT, row.id) or 0) + len(files) > MAX_GALLERY:
            raise Invalid.field("files", f"A gallery has at most {MAX_GALLERY} pictures.", "too_many")
        photos = await media.claim(tx, me, [one.photo for one in uploaded], "files")
        added = [BusinessAttachment(ids.new(), row.id, photo, now, now) for photo in photos]
        await tx.many(store.ADD_PICTURE, [(one.id, row.id, one.photo, now) for one in added])
    return added


async def remove_picture(tx: Tx, me: Me, business_id: UUID, attachment_id: UUID) -> None:
    """Remove a picture of the gallery of a business of one's own. Raises NotFound, NotOwner."""
    await _own(tx, me, business_id)
    gone = await tx.one(store.REMOVE_PICTURE, business_id, attachment_id, clock.now())
    if gone is None:
        raise NotFound("The gallery has no such picture.")
    await media.release(tx, me, [_photo(gone).url])


# ---- categories


async def offered_categories(tx: Reader, me: Me, q: str | None) -> list[BusinessCategory]:
    """The active categories, or those whose name holds this, by name."""
    return await tx.all(store.CATEGORIES, False, (q or "").strip() or None)


async def all_categories(tx: Reader, me: Me) -> list[BusinessCategory]:
    """Every category, the inactive ones too, by name; for admins. Raises Forbidden."""
    me.require_role("admin")
    return await tx.all(store.CATEGORIES, True, None)


async def categories(tx: Reader, me: Me, business_id: UUID) -> list[BusinessCategory]:
    """The active categories of a business, by name. Raises NotFound."""
    await owner_of(tx, me, business_id)
    return (await categories_of(tx, me, [business_id]))[business_id]


async def categories_of(tx: Reader, me: Me, businesses: Sequence[UUID]) -> dict[UUID, list[BusinessCategory]]:
    """The active categories of each of these businesses, which the caller has found visible."""
    found: dict[UUID, list[BusinessCategory]] = {one: [] for one in businesses}
    for row in await tx.records(store.CHOSEN, businesses):
        found[row[0]].append(BusinessCategory(*row[1:]))
    return found


async def set_categories(tx: Tx, me: Me, business_id: UUID, wanted: Sequence[UUID]) -> list[BusinessCategory]:
    """Replace the whole set of a business of one's own (rule 136). Raises NotFound, NotOwner, Invalid."""
    await _own(tx, me, business_id)
    await _choose(tx, business_id, wanted, clock.now())
    return (await categories_of(tx, me, [business_id]))[business_id]


async def _choose(tx: Tx, business_id: UUID, wanted: Sequence[UUID], now: datetime) -> None:
    active = set(await tx.all(store.ACTIVE, list(wanted))) if wanted else set()
    wrong = [
        FieldFault(f"category_ids[{at}]", "unknown_category", "There is no such category.")
        for at, one in enumerate(wanted)
        if one not in active
    ]
    if wrong:
        raise Invalid(fields=wrong)
    await tx.run(store.UNCHOOSE, business_id, list(active))
    await tx.run(store.CHOOSE, business_id, list(active), now)


async def add_category(tx: Tx, me: Me, body: BusinessCategoryCreate) -> BusinessCategory:
    """A new category to choose from; for admins. Raises Forbidden, Invalid, CategoryTaken."""
    me.require_role("admin")
    made = BusinessCategory(ids.new(), _named(body.name), body.is_active, clock.now())
    await _free_name(tx, made)
    await tx.run(store.ADD_CATEGORY, *msgspec.structs.astuple(made))
    return made


async def change_category(
    tx: Tx, me: Me, category_id: UUID, body: BusinessCategoryUpdate
) -> BusinessCategory:
    """Change a category; for admins. Raises Forbidden, NotFound, Invalid, CategoryTaken."""
    me.require_role("admin")
    await tx.run(store.LOCK_CATEGORIES)
    found = await tx.one(store.CATEGORY, category_id)
    if found is None:
        raise NotFound("There is no such category.")
    changed = msgspec.structs.replace(found, **given(body))
    changed.name = _named(changed.name)
    await _free_name(tx, changed)
    await tx.run(store.SET_CATEGORY, changed.id, changed.name, changed.is_active)
    return changed


async def _free_name(tx: Tx, category: BusinessCategory) -> None:
    await tx.run(store.LOCK_CATEGORIES)
    if await tx.one(store.NAMESAKE, category.id, category.name):
        raise CategoryTaken()


# ---- hours


async def hours(tx: Reader, me: Me, business_id: UUID) -> list[BusinessHours]:
    """The hours of a business, from Monday on. Raises NotFound."""
    await owner_of(tx, me, business_id)
    return (await hours_of(tx, me, [business_id]))[business_id]


async def hours_of(tx: Reader, me: Me, businesses: Sequence[UUID]) -> dict[UUID, list[BusinessHours]]:
    """The hours of each of these businesses, which the caller has found visible."""
    found: dict[UUID, list[BusinessHours]] = {one: [] for one in businesses}
    for day in await tx.all(store.HOURS, businesses):
        found[day.business_profile_id].append(day)
    return found


async def set_hours(
    tx: Tx, me: Me, business_id: UUID, week: Sequence[BusinessHoursInput]
) -> list[BusinessHours]:
    """Set these weekdays of a business of one's own; the others stay (rule 138). Raises NotFound, NotOwner, Invalid."""
    await _own(tx, me, business_id)
    check_hours(week)
    await _set_hours(tx, business_id, week, clock.now())
    return (await hours_of(tx, me, [business_id]))[business_id]


async def _set_hours(tx: Tx, business_id: UUID, week: Sequence[BusinessHoursInput], now: datetime) -> None:
    if week:
        rows = [(ids.new(), one.day, one.open_time, one.close_time, one.is_closed) for one in week]
        await tx.run(store.SET_HOURS, business_id, *map(list, zip(*rows, strict=True)), now)


# ---- followers


async def follow(tx: Tx, me: Me, business_id: UUID) -> BusinessFollowState:
    """Follow a business; again changes nothing (rules 140, 163). Raises NotFound, OwnBusiness."""
    owner = await owner_of(tx, me, business_id)
    if owner == me.user():
        raise OwnBusiness()
    if await tx.run(store.FOLLOW, business_id, me.id, clock.now()):
        await facts.emit(tx, BusinessFollowed(business_id, owner, me.user()))
    return BusinessFollowState(True, await tx.one(store.TOTAL_FOLLOW, business_id) or 0)


async def unfollow(tx: Tx, me: Me, business_id: UUID) -> BusinessFollowState:
    """Follow a business no longer. Raises NotFound."""
    await owner_of(tx, me, business_id)
    await tx.run(store.UNFOLLOW, business_id, me.user())
    return BusinessFollowState(False, await tx.one(store.TOTAL_FOLLOW, business_id) or 0)


async def forget(tx: Tx, me: Me, user_id: UUID) -> bool:
    """Drop what a person who left follows, up to 500. Returns whether there may be more."""
    held = await tx.all(store.FOLLOWED, user_id)
    return await tx.run(store.FORGET, user_id, held) > 0


async def part(tx: Tx, me: Me, one: UUID, other: UUID) -> None:
    """Neither of two people follows a business of the other any more (rule 149)."""
    await tx.run(store.PART, one, other)


async def count_view(tx: Tx, me: Me, business_id: UUID) -> int | None:
    """Count the caller, who is not the owner and has seen the business, once a day of the place (rule 133).

    Returns how many views there are now; None for who was counted already.
    """
    return await tx.last(store.COUNT_VIEW, business_id, me.user(), clock.now())


async def forget_views(app: App, me: Me) -> None:
    """Drop who looked at what on days that are over everywhere."""
    last, more = (clock.now() - VIEWS_KEPT).date(), True
    while more:
        async with app.db.tx() as tx:
            more = await tx.run(store.FORGET_VIEWS, last) > 0
