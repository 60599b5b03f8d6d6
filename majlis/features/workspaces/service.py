"""Verbs of workspaces: found, look, change, delete, hand over; and what somebody is in one of them.

Who comes and goes is decided in membership above, which also looks after the channels.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from majlis.app import App
from majlis.features.audit import service as audit
from majlis.features.audit.model import Decision
from majlis.features.filters import service as filters
from majlis.features.identity import service as identity
from majlis.features.media import service as media
from majlis.features.media.model import Photo
from majlis.features.sessions import service as sessions
from majlis.features.workspaces import store
from majlis.features.workspaces.model import (
    NotEligible,
    NoWorkspace,
    Role,
    SlugTaken,
    Standing,
    StepUp,
    Transfer,
    Workspace,
    WorkspaceCreate,
    WorkspaceUpdate,
    WrongSlug,
)
from majlis.kit import clock, ids, page
from majlis.kit.db import Reader, Tx
from majlis.kit.errors import Invalid
from majlis.kit.http.binding import given
from majlis.kit.limits import Limit
from majlis.kit.me import Me

JOINED = store.JOINED  # SQL for stores above
KEPT = timedelta(days=30)  # what is deleted, before it is purged
FOUNDING = Limit("workspace", 10, 24 * 3600)
OWNERS = {"slug", "retention_days"}  # what only the owner changes
LONGEST_NAME = 32


# ---- looking


async def get(tx: Reader, me: Me, workspace_id: UUID) -> Workspace:
    """A workspace of the caller's. Raises NoWorkspace."""
    return (await _row(tx, me, workspace_id)).shown()


async def _row(tx: Reader, me: Me, workspace_id: UUID) -> store.Row:
    row = await tx.one(store.ONE, me.user(), workspace_id)
    if row is None:
        raise NoWorkspace()
    return row


async def standing(tx: Reader, me: Me, workspace_id: UUID) -> Standing:
    """What the caller is in a workspace. Raises NoWorkspace."""
    return _standing(me, await _row(tx, me, workspace_id))


async def hold(tx: Tx, me: Me, workspace_id: UUID, others: Collection[UUID] = ()) -> Standing:
    """`standing`, which stays so until the transaction ends: nobody comes, goes or rises meanwhile.

    Whoever has something done to others there names them, so that all are held in one order.
    """
    return _standing(me, await _held(tx, me, workspace_id, others))


async def _held(tx: Tx, me: Me, workspace_id: UUID, others: Collection[UUID] = ()) -> store.Row:
    row = await tx.one(store.LOCK, me.user(), workspace_id)
    if row is None:
        raise NoWorkspace()
    for one in await tx.all(store.HOLD_MEMBERS, workspace_id, sorted({me.user(), *others})):
        if one.user_id == me.id:
            row.my_role = one.role  # as it is now, and not when the workspace was waited for
            return row
    raise NoWorkspace()


def _standing(me: Me, row: store.Row) -> Standing:
    return Standing(row.id, me.user(), row.my_role, row.settings())


async def mine(tx: Reader, me: Me, paging: page.Paging) -> page.Page[Workspace]:
    """The caller's workspaces, in the order in which they came."""
    at, last = None, None
    if paging.cursor:
        at, last = page.decode("workspaces", paging.cursor, tuple[datetime, UUID])
    offset = 0 if paging.cursor else paging.offset or 0
    rows = await tx.all(store.MINE, me.user(), at, last, paging.limit + 1, offset)
    shown = rows[: paging.limit]
    more = None
    if len(rows) > len(shown):
        more = page.encode("workspaces", await tx.one(store.JOINED_AT, me.id, shown[-1].id), shown[-1].id)
    total = None
    if paging.offset is not None and not paging.cursor:
        total = await tx.one(store.MINE_COUNT, me.id)
    return page.Page([row.shown() for row in shown], more, total)


async def face(tx: Reader, me: Me, workspace_id: UUID) -> Workspace | None:
    """A workspace as its owner sees it, for who is invited; None when deleted."""
    row = await tx.one(store.FACE, workspace_id)
    return None if row is None else row.shown()


# ---- founding and changing


async def create(app: App, tx: Tx, me: Me, body: WorkspaceCreate) -> UUID:
    """A new workspace whose owner is the caller. Raises SlugTaken, Invalid, RateLimited."""
    verdict = await app.limiter.hit(FOUNDING, str(me.user()))
    if not verdict.allowed:
        raise app.limiter.refuse(verdict)
    name = _named(body.name)
    await filters.refuse(tx, me, {"name": name, "slug": body.slug, "description": body.description})
    workspace_id, now = ids.new(), clock.now()
    made = await tx.one(store.INSERT, workspace_id, body.slug, name, body.description, me.user(), now)
    if made is None:
        raise SlugTaken()
    await _join(tx, workspace_id, me.user(), "owner")
    return workspace_id


def _named(name: str) -> str:
    words = name.strip()
    if not words:
        raise Invalid.field("name", "A name is not empty.", "required")
    return words


async def update(tx: Tx, me: Me, workspace_id: UUID, body: WorkspaceUpdate) -> Workspace:
    """Change a workspace; for admins, its slug and retention for the owner. Raises RoleTooLow, SlugTaken, Invalid."""
    row = await _held(tx, me, workspace_id)
    changes = given(body)
    settings = changes.pop("settings", None)
    changes |= {} if settings is None else given(settings)
    _standing(me, row).require("owner" if changes.keys() & OWNERS else "admin")
    if "name" in changes:
        changes["name"] = _named(changes["name"])
    await filters.refuse(tx, me, {name: changes.get(name) for name in ("name", "slug", "description")})
    if changes.get("retention_days", row.retention_days) != row.retention_days:
        data = {"before": row.retention_days, "retention_days": changes["retention_days"]}
        await record(tx, me, workspace_id, "set_retention", "How long messages are kept.", data=data)
    former = row.icon
    if "icon_file_id" in changes:
        row.icon = await _icon(tx, me, changes.pop("icon_file_id"))
    for name, value in changes.items():
        setattr(row, name, value)
    try:
        async with tx.savepoint():
            await tx.run(store.UPDATE, row.id, clock.now(), row.icon, *store.arguments(row))
    except asyncpg.UniqueViolationError as error:
        raise SlugTaken() from error
    if former is not None and row.icon is not former:
        await media.release(tx, Me.system, [msgspec.json.decode(former, type=Photo).url])
    return row.shown()


async def _icon(tx: Tx, me: Me, url: str | None) -> msgspec.Raw | None:
    """An upload of the caller's, as it is stored. Raises Invalid."""
    if url is None:
        return None
    try:
        (photo,) = await media.claim(tx, me, [Photo(url, "", "", 0, 0, 0)], "icon_file_id")
    except Invalid as refused:
        raise Invalid.field("icon_file_id", "This is no upload of yours.", "unknown_upload") from refused
    return msgspec.Raw(msgspec.json.encode(photo))


async def delete(tx: Tx, me: Me, workspace_id: UUID, confirm_slug: str) -> datetime:
    """Delete a workspace; for its owner. Returns until when it is kept. Raises RoleTooLow, WrongSlug."""
    row = await _held(tx, me, workspace_id)
    _standing(me, row).require("owner")
    if confirm_slug != row.slug:
        raise WrongSlug()
    return await _delete(tx, me, workspace_id, "The owner deleted it.")


async def _delete(tx: Tx, me: Me, workspace_id: UUID, reason: str, *, for_good: bool = True) -> datetime:
    now = clock.now()
    await tx.run(store.DELETE, workspace_id, now, now + KEPT if for_good else None)
    await record(tx, me, workspace_id, "delete", reason)
    return now + KEPT


async def record(
    tx: Tx,
    me: Me,
    workspace_id: UUID,
    action: str,
    reason: str,
    *,
    person_id: UUID | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Add what was done in a workspace to the audit trail."""
    await audit.record(
        tx,
        me,
        Decision(
            action=action,
            kind="workspace",
            reason=reason,
            target_id=workspace_id,
            person_id=person_id,
            data=data,
        ),
    )


async def transfer(app: App, me: Me, workspace_id: UUID, body: Transfer) -> Workspace:
    """Make somebody else the owner; the caller stays as an admin.

    Raises RoleTooLow, NotEligible, StepUp, WrongPassword, RateLimited.
    """
    async with app.db.read() as tx:
        (await standing(tx, me, workspace_id)).require("owner")
    await _confirm(app, me, body.password)
    async with app.db.tx() as tx:
        (await hold(tx, me, workspace_id, [body.user_id])).require("owner")
        heir = await tx.one(store.MEMBER, workspace_id, body.user_id)
        if heir is None or heir.role == "guest" or heir.user_id == me.id:
            raise NotEligible()
        await _hand_over(tx, me, workspace_id, me.user(), heir.user_id)
        return await get(tx, me, workspace_id)


async def _confirm(app: App, me: Me, password: str | None) -> None:
    """Whoever showed a second factor need not give the password as well."""
    if password is not None:
        await sessions.spend_attempt(app, "transfer", str(me.user()))
        await identity.confirm_password(app.db, me, password)
    elif not (me.mfa and me.aal >= 2):
        raise StepUp()


async def _hand_over(tx: Tx, me: Me, workspace_id: UUID, former: UUID, heir: UUID) -> None:
    # One after the other: there is never more than one owner.
    await tx.run(store.SET_ROLE, workspace_id, former, "admin")
    await tx.run(store.SET_ROLE, workspace_id, heir, "owner")
    await tx.run(store.SET_OWNER, workspace_id, heir, clock.now())
    await record(tx, me, workspace_id, "transfer_ownership", "Another owner.", person_id=heir)


# ---- members, for the features above


async def join(tx: Tx, me: Me, workspace_id: UUID, role: Role) -> bool:
    """Let the caller in, in this role; whether they were not there. The feature above has authorised it."""
    return await _join(tx, workspace_id, me.user(), role)


async def settle(tx: Tx, me: Me, workspace_id: UUID) -> bool:
    """Hold a workspace until the transaction ends, for who is not in it; whether it is there."""
    return await tx.one(store.HOLD, workspace_id) is not None


async def _join(tx: Tx, workspace_id: UUID, user_id: UUID, role: Role) -> bool:
    if await tx.one(store.HOLD, workspace_id) is None:
        raise NoWorkspace()
    stem = _handle(await tx.one(store.NAME, user_id) or "")
    taken = set(await tx.all(store.TAKEN, workspace_id, stem))
    # Under the lock of the workspace: nobody else takes the name meanwhile.
    username = next(name for name in _names(stem, len(taken) + 2) if name not in taken)
    joined = await tx.one(store.JOIN, workspace_id, user_id, role, username, clock.now())
    return joined is not None


def _handle(name: str) -> str:
    """A name as it can follow an @: letters and digits of any script, in lower case, and none at its end."""
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())[:LONGEST_NAME]
    return plain.rstrip("0123456789") or "user"


def _names(stem: str, count: int) -> Sequence[str]:
    return [stem, *(f"{stem}{number}" for number in range(2, count + 2))]


async def member(tx: Tx, me: Me, workspace_id: UUID, user_id: UUID) -> Role | None:
    """Somebody's role, which stays so until the transaction ends; None for who is not there."""
    known = await tx.one(store.MEMBER, workspace_id, user_id)
    return None if known is None else known.role


async def roles(tx: Reader, me: Me, workspace_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, Role]:
    """The roles of those of these people who belong to a workspace; one query."""
    return {row.user_id: row.role for row in await tx.all(store.AMONG, workspace_id, list(user_ids))}


async def remove(tx: Tx, me: Me, workspace_id: UUID, user_id: UUID) -> bool:
    """Take somebody out; whether they were there. The feature above has authorised it."""
    return await tx.run(store.LEAVE, workspace_id, user_id) > 0


async def set_role(tx: Tx, me: Me, workspace_id: UUID, user_id: UUID, role: Role) -> None:
    """Give somebody a role below the owner's. The feature above has authorised it."""
    await tx.run(store.SET_ROLE, workspace_id, user_id, role)
    await record(tx, me, workspace_id, "set_role", f"Now {role}.", person_id=user_id)


async def describe(tx: Tx, me: Me, workspace_id: UUID, title: str | None, display_name: str | None) -> None:
    """How the caller is shown in a workspace."""
    await tx.run(store.DESCRIBE, workspace_id, me.user(), title, display_name)


async def bot(tx: Tx, me: Me, workspace_id: UUID) -> UUID:
    """The account that speaks in a workspace where no human does; made when it is first needed. Raises NoWorkspace."""
    known = await tx.one(store.BOT, workspace_id)
    if known is None:
        if await tx.one(store.HOLD, workspace_id) is None:
            raise NoWorkspace()
        known = await tx.one(store.BOT, workspace_id)  # somebody else was quicker
    if known is None:
        known = ids.new()
        await tx.one(store.OPEN_BOT, known, clock.now())
        await tx.run(store.ADD_BOT, workspace_id, known)
    return known


async def bereaved(tx: Tx, me: Me, user_id: UUID) -> dict[UUID, bool]:
    """Hand on what belonged to somebody who leaves for good; where they were, and what is closed now.

    Where nobody else is, it is deleted. Where only guests are, whose words are there too, it is closed and kept until
    an operator decides.
    """
    places = await tx.all(store.PLACES, user_id)
    closed = dict.fromkeys((place.workspace_id for place in places), False)
    for place in places:
        if await tx.one(store.HOLD, place.workspace_id) is None or place.role != "owner":
            continue
        heir = await tx.one(store.HEIR, place.workspace_id)
        if heir is None:
            others = await tx.one(store.OTHERS, place.workspace_id, user_id) or False
            reason = "Nobody is left who could own it."
            await _delete(tx, me, place.workspace_id, reason, for_good=not others)
            closed[place.workspace_id] = True
        else:
            await tx.all(store.HOLD_MEMBERS, place.workspace_id, sorted([heir, user_id]))
            await _hand_over(tx, me, place.workspace_id, user_id, heir)
    return closed


async def due(tx: Reader, me: Me) -> list[UUID]:
    """Deleted workspaces whose time is over, some of them."""
    return await tx.all(store.DUE, clock.now())


async def purge(tx: Tx, me: Me, workspace_id: UUID) -> None:
    """Drop a deleted workspace for good."""
    icon = await tx.one(store.PURGE, workspace_id)
    if icon:
        await media.release(tx, Me.system, [icon])
